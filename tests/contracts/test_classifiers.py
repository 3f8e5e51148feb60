"""Every recipe in `classifiers/`: it loads, keeps to the taxonomy, bears any text; its metrics are of this version."""

import json
from functools import cache

import pyarrow as pa
import pytest

from cxlisten.classify import TAGS, TEXTS, Classifier, load_classifier, load_recipe, recipe_names
from cxlisten.classify.executors import run
from cxlisten.errors import ClassifierError
from cxlisten.taxonomy import FACETS, Noise, Sentiment

POSTS = [
    "The waiter was rude and the soup was cold.",
    "Gorgeous shop. The girl at the till rolled her eyes at me.",
    "Still waiting for my refund after three weeks, no reply to my emails!",
    "£9 for a coffee?? what a rip off",
    "their new christmas advert made me cry on the bus",
    "Checkout page has been down since Tuesday.\n\nSecond try: still down.",
    "love my new boots, so comfy",
    "lol ok",
    "when does the sale start?",
    "El pedido llegó tarde y nadie contesta el teléfono",
]
ODD = [
    "",
    " \n\t ",
    "\0",
    "null\0byte and slow delivery",
    "\ud83d half an emoji, slow delivery",
    "a" * 1_000_000,
    "so slow, never again. " * 1_800,
    "😀" * 10_000,
    "<p>Rude <b>staff</b> &amp; <script>alert(1)</script></p>" * 20,
    "(" * 20_000,
    "http://" + "a." * 9_000,
    "e\u0301" * 5_000,
]
RECIPES = recipe_names()


def is_to_be_trained(name: str) -> bool:
    """Whether it names no artefact, so that training makes it, and nobody has trained it here."""
    recipe = load_recipe(name)
    return "train" in recipe.settings and "sha256" not in recipe.settings and not (recipe.folder / "model").exists()


READY = [name for name in RECIPES if not is_to_be_trained(name)]


@cache
def classifier(name: str) -> Classifier:
    return load_classifier(name)


def batch(texts: list[str], lang: str | None = None) -> pa.RecordBatch:
    rows = [{"id": str(number), "text": text, "lang": lang} for number, text in enumerate(texts)]
    return pa.RecordBatch.from_pylist(rows, schema=TEXTS)


@pytest.mark.parametrize("name", sorted({*RECIPES} - {*READY}))
def test_a_recipe_without_its_artefact_says_how_to_make_it(name: str) -> None:
    with pytest.raises(ClassifierError, match=f"train it first:  cxlisten train {name} "):
        load_classifier(name)


@pytest.mark.parametrize("name", READY)
def test_tags_keep_to_the_taxonomy_and_the_schema(name: str) -> None:
    tags = classifier(name).classify(batch(POSTS))
    assert tags.schema == TAGS
    rows = tags.to_pylist()
    assert [row["id"] for row in rows] == [str(number) for number in range(len(POSTS))]
    assert {(row["classifier"], row["version"]) for row in rows} == {(name, load_recipe(name).version)}
    for row, text in zip(rows, POSTS, strict=True):
        assert row["sentiment"] in {None, *Sentiment}
        assert 0 <= row["sentiment_score"] <= 1
        assert set(row["noise"]) <= set(Noise)
        rings = [tag["ring"] for tag in row["rings"]]
        assert len(set(rings)) == len(rings)
        for tag in row["rings"]:
            assert tag["sentiment"] in set(Sentiment)
            assert set(tag["facets"]) <= set(FACETS[tag["ring"]])
            assert 0 < tag["score"] <= 1
            evidence = text[tag["evidence_start"] : tag["evidence_end"]]
            assert evidence
            assert evidence == evidence.strip()


@pytest.mark.parametrize("name", READY)
def test_a_plain_complaint_is_understood(name: str) -> None:
    first, *_, foreign = classifier(name).classify(batch(POSTS)).to_pylist()
    assert ("people", "negative") in {(tag["ring"], tag["sentiment"]) for tag in first["rings"]}
    assert first["sentiment"] == "negative"
    if "es" not in load_recipe(name).settings["languages"]:
        assert (foreign["lang"], foreign["sentiment"], foreign["rings"], foreign["noise"]) == ("es", None, [], [])


@pytest.mark.parametrize("name", READY)
def test_a_platforms_claim_counts_where_the_text_does_not_say(name: str) -> None:
    unclear = ["gr8 svc thx"]
    said, unsaid = (classifier(name).classify(batch(unclear, lang)).to_pylist()[0] for lang in ("en-GB", "und"))
    assert (said["lang"], unsaid["lang"]) == ("en", None)
    assert said["sentiment"] == unsaid["sentiment"] is not None


@pytest.mark.parametrize("name", READY)
def test_no_text_is_too_odd(name: str) -> None:
    tagged = classifier(name).tag(ODD, [None] * len(ODD))
    assert len(tagged) == len(ODD)
    for one, text in zip(tagged, ODD, strict=True):
        assert all(0 <= tag.evidence[0] < tag.evidence[1] <= len(text) for tag in one.rings)


@pytest.mark.parametrize("name", READY)
def test_labels_do_not_depend_on_the_batch_or_the_order(name: str) -> None:
    tag = classifier(name).tag
    together = tag(POSTS * 30, [None] * len(POSTS) * 30)
    assert together[: len(POSTS)] == together[-len(POSTS) :]
    assert together[: len(POSTS)] == [tag([text], [None])[0] for text in POSTS]
    assert together[: len(POSTS)] == tag(POSTS[::-1], [None] * len(POSTS))[::-1]


@pytest.mark.parametrize("name", READY)
def test_a_pool_gives_what_one_process_gives(name: str) -> None:
    batches = [batch(POSTS[n : n + 3]) for n in range(0, len(POSTS), 3)]
    assert list(run(name, batches, executor="pool", workers=2)) == list(run(name, batches, executor="serial"))


@pytest.mark.parametrize("name", READY)
def test_the_metrics_are_of_this_version(name: str) -> None:
    recipe = load_recipe(name)
    if not (recipe.folder / "metrics.json").exists() and "sha256" not in recipe.settings:
        pytest.skip("it was trained here, and has not been measured")
    metrics = json.loads((recipe.folder / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["classifier"], metrics["version"]) == (name, recipe.version)
    assert {"gold", "n", "command", "rings", "ring_macro_f1", "joint_micro_f1"} <= set(metrics)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_card_and_patterns_of_the_taxonomy(name: str) -> None:
    folder = load_recipe(name).folder
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")
    lines = [line for path in folder.glob("patterns/*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(set(lines)) == len(lines), "a pattern twice"
    for label in {json.loads(line)["label"] for line in lines}:
        group, _, rest = label.partition(".")
        assert group in {"word", "noise", *Noise} or rest in FACETS[group], label
