"""Evaluate: the figures of a few posts, worked by hand, and where they are recorded."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from cxlisten.classify import Recipe, evaluate
from cxlisten.classify.evaluate import measure, record
from cxlisten.classify.evaluate.record import write_metrics
from cxlisten.cli import main
from cxlisten.errors import InputError
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import FACETS, RING_NAMES, Sentiment


def gold(rings: dict[str, str], sentiment: str, *facets: str, text: str = "", **more: Any) -> dict[str, Any]:
    return {"text": text, "rings": rings, "sentiment": sentiment, "facets": facets, **more}


def tagged(sentiment: str | None, *tags: tuple[str, str, tuple[str, ...]]) -> Tagged:
    return Tagged("en", sentiment, 1.0, tuple(RingTag(ring, s, 0.9, (0, 1), facets) for ring, s, facets in tags))


def scored(score: float, ring: str = "price", evidence: tuple[int, int] = (0, 1)) -> Tagged:
    return Tagged("en", "negative", 1.0, (RingTag(ring, "negative", score, evidence),))


GOLD = [
    gold(
        {"product": "positive", "price": "negative"}, "neutral", "product.quality", "price.level", text="a nice kettle"
    ),
    gold({"product": "negative"}, "negative", "product.fit", text="why does it leak?", slices=["sarcasm"]),
    gold({}, "positive"),
    gold({"people": "positive"}, "positive", "people.care", platform="x"),
]
TAGGED = [
    tagged("neutral", ("product", "positive", ("quality", "design")), ("price", "positive", ("level",))),
    tagged("negative", ("price", "negative", ())),
    tagged("neutral"),
    tagged(None),
]


def test_the_figures_are_those_worked_by_hand() -> None:
    figures = {name: value for name, value in measure(GOLD, TAGGED).items() if name not in evaluate.DETAILS}
    assert figures.pop("intervals").keys() == {name for name, v in figures.items() if isinstance(v, float)} | {"rings"}
    assert figures == {
        "n": 4,
        "rings": {
            "product": {"f1": 0.6667, "precision": 1.0, "recall": 0.5, "n": 2},  # 1 found, right; 2 wanted
            "price": {"f1": 0.6667, "precision": 0.5, "recall": 1.0, "n": 1},  # 2 found, 1 right; 1 wanted
            "people": {"f1": 0.0, "precision": 0.0, "recall": 0.0, "n": 1},
        },
        "ring_macro_f1": 0.4445,  # of the rounded rows, (0.6667 + 0.6667 + 0) / 3
        "joint_micro_f1": 0.2857,  # 3 found, 4 wanted, 1 right with its attitude
        "no_ring_f1": 0.6667,  # 2 posts found without a ring, 1 wanted, which is among them
        "facet_micro_f1": 0.5714,  # 3 found, 4 wanted, 2 right
        "sentiment_recall": {"positive": 0.0, "neutral": 1.0, "negative": 1.0},
        "sentiment_macro_recall": 0.6667,
    }


def by_the_book(gold: Sequence[Mapping[str, Any]], tagged: Sequence[Tagged]) -> dict[str, Any]:
    """The same figures as a loop over posts, ring by ring, for each its own."""

    def f1(right: int, n_found: int, n_wanted: int) -> float:
        return 2 * right / (n_found + n_wanted) if n_found + n_wanted else 1.0

    pairs = [(post, {tag.ring: tag.sentiment for tag in one.rings}) for post, one in zip(gold, tagged, strict=True)]
    rings = {}
    for ring in RING_NAMES:
        right = sum(ring in found and ring in post["rings"] for post, found in pairs)
        n_found, n_wanted = sum(ring in found for _, found in pairs), sum(ring in post["rings"] for post, _ in pairs)
        if n_wanted:
            rings[ring] = {
                "f1": round(f1(right, n_found, n_wanted), 4),
                "precision": round(right / n_found, 4) if n_found else 0.0,
                "recall": round(right / n_wanted, 4),
                "n": n_wanted,
            }
    joint = sum(len(set(found.items()) & set(post["rings"].items())) for post, found in pairs)
    none = sum(not found and not post["rings"] for post, found in pairs)
    facets = [{f"{tag.ring}.{facet}" for tag in one.rings for facet in tag.facets} for one in tagged]
    recall = {}
    for attitude in Sentiment:
        answers = [one.sentiment for post, one in zip(gold, tagged, strict=True) if post["sentiment"] == attitude]
        recall[attitude.value] = round(answers.count(attitude) / len(answers), 4)
    return {
        "rings": rings,
        "ring_macro_f1": round(sum(row["f1"] for row in rings.values()) / len(rings), 4),
        "joint_micro_f1": round(
            f1(joint, sum(len(found) for _, found in pairs), sum(len(post["rings"]) for post, _ in pairs)), 4
        ),
        "no_ring_f1": round(
            f1(none, sum(not found for _, found in pairs), sum(not post["rings"] for post, _ in pairs)), 4
        ),
        "facet_micro_f1": round(
            f1(
                sum(len(found & set(post["facets"])) for post, found in zip(gold, facets, strict=True)),
                sum(map(len, facets)),
                sum(len(post["facets"]) for post in gold),
            ),
            4,
        ),
        "sentiment_recall": recall,
        "sentiment_macro_recall": round(sum(recall.values()) / 3, 4),
    }


@pytest.mark.parametrize("seed", range(5))
def test_summed_counts_give_what_a_loop_over_the_posts_gives(seed: int) -> None:
    rng = Random(seed)
    attitudes = [str(attitude) for attitude in Sentiment]
    posts, tags = [], []
    for _ in range(80):
        rings = {ring: rng.choice(attitudes) for ring in RING_NAMES if rng.random() < 0.2}
        facets = [f"{ring}.{rng.choice(FACETS[ring])}" for ring in rings]
        posts.append(gold(rings, rng.choice(attitudes), *facets))
        found = [ring for ring in RING_NAMES if (ring in rings) != (rng.random() < 0.3)]
        tags.append(
            tagged(
                rng.choice(attitudes),
                *((ring, rng.choice(attitudes), tuple(rng.sample(FACETS[ring], 2))) for ring in found),
            )
        )
    expected = by_the_book(posts, tags)
    assert {name: value for name, value in measure(posts, tags).items() if name in expected} == expected


def test_a_post_of_which_only_the_sentiment_is_known_has_no_part_in_the_rings() -> None:
    tweet = {"text": "great", "sentiment": "positive"}
    alone = measure([tweet], [tagged("positive", ("price", "positive", ()))])
    assert {name: value for name, value in alone.items() if name != "confusion"} == {
        "n": 1,
        "sentiment_recall": {"positive": 1.0},
        "sentiment_macro_recall": 1.0,
        "intervals": {"sentiment_macro_recall": [1.0, 1.0]},
    }
    beside = measure([*GOLD, tweet], [*TAGGED, tagged("positive", ("price", "positive", ()))])
    assert beside["rings"] == measure(GOLD, TAGGED)["rings"]
    assert beside["sentiment_recall"]["positive"] == 0.3333


def test_an_interval_holds_its_figure_and_narrows_with_more_posts() -> None:
    few, many = measure(GOLD * 4, TAGGED * 4), measure(GOLD * 40, TAGGED * 40)
    for result in (few, many):
        assert result["intervals"].pop("rings").keys() == result["rings"].keys()
        assert all(low <= result[name] <= high for name, (low, high) in result["intervals"].items())
    wide, narrow = few["intervals"]["joint_micro_f1"], many["intervals"]["joint_micro_f1"]
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 2
    assert measure(GOLD * 4, TAGGED * 4)["intervals"]["joint_micro_f1"] == wide, "the same each time"


@pytest.mark.parametrize(
    ("words", "evidence", "f1"),
    [
        ("the till queue", (0, 14), 1.0),
        ("the till queue", (4, 8), 0.5),  # one word of three
        ("till queue, an", (9, 22), 0.6667),  # two words each way, "queue," with its comma is one
        ([4, 14], (4, 8), 0.6667),  # "till queue", where the text is not carried along
        ("not in the text", (0, 3), None),
        ("", (0, 3), None),
    ],
)
def test_evidence_is_compared_word_by_word(words: str | list[int], evidence: tuple[int, int], f1: float | None) -> None:
    text = "the till queue, an hour of it"
    posts = [
        gold({"process": "negative"}, "negative", text=text, spans={"process": words}),
        gold({"process": "negative"}, "negative", text=text),  # without spans nothing is known of the evidence
    ]
    result = measure(posts, [scored(0.9, "process", evidence), scored(0.9, "process", (20, 24))])
    assert result.get("evidence_f1") == f1


def test_scores_are_held_against_what_came_true() -> None:
    posts = [gold({"price": "negative"}, "negative"), gold({"price": "positive"}, "positive"), gold({}, "neutral")]
    result = measure(posts, [scored(0.95), scored(1.0), scored(0.15)])["calibration"]
    assert result == {
        "price": {
            "n": 3,
            "ece": 0.0667,  # (2 * |0.975 - 1| + |0.15 - 0|) / 3
            "bands": [
                {"from": 0.1, "to": 0.2, "n": 1, "score": 0.15, "right": 0.0},
                {"from": 0.9, "to": 1.0, "n": 2, "score": 0.975, "right": 1.0},
            ],
        }
    }


def test_confusion_counts_every_post_once_per_ring() -> None:
    confusion = measure(GOLD, TAGGED)["confusion"]
    assert confusion["sentiment"]["positive"] == {"absent": 1, "negative": 0, "neutral": 1, "positive": 0}
    assert confusion["rings"]["price"]["negative"] == {"absent": 0, "negative": 0, "neutral": 0, "positive": 1}
    for table in confusion["rings"].values():
        assert sum(n for row in table.values() for n in row.values()) == len(GOLD)


def test_slices_say_what_kind_of_posts_they_are() -> None:
    slices = measure(GOLD, TAGGED)["slices"]
    assert {name: row["n"] for name, row in slices.items()} == {
        "up to 10 words": 4, "complaint": 1, "mixed": 1, "platform x": 1, "question": 1, "sarcasm": 1,
    }  # fmt: skip
    assert slices["mixed"] == {"n": 1, "ring_macro_f1": 1.0, "joint_micro_f1": 0.5}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no post"),
        ('{"text": "no label"}\n', "line 1"),
        ("not json\n", "line 1"),
        ('{"rings": {}, "sentiment": "neutral"}\n', "line 1"),
        (
            '{"text": "a", "label": "neutral"}\n{"text": "a", "sentiment": "neutral"}\n',
            "line 2: .* rings and sentiment",
        ),
        ('{"text": "a", "rings": {"pric": "negative"}, "sentiment": "negative"}\n', 'line 1: unknown ring "pric"'),
        ('{"text": "a", "rings": {"price": "bad"}, "sentiment": "negative"}\n', 'unknown sentiment "bad" of price'),
        ('{"text": "a", "rings": {}, "sentiment": "neutral", "facets": ["level"]}\n', 'unknown facet "level"'),
    ],
)
def test_a_gold_file_that_is_wrong_is_named_with_the_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=rf"gold\.jsonl.*{message}"):
        evaluate.evaluate("cx_spacy", path)


def test_the_command_shows_tables_and_gives_all_of_it_as_json(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    rows = [gold({"people": "negative"}, "negative", text="the waiter was rude"), gold({}, "neutral", text="hello")]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    shown = CliRunner().invoke(main, ["evaluate", "cx_spacy", str(path)])
    assert shown.exit_code == 0
    for words in ("people", "ring_macro_f1", "complaint", "Confusion: overall", "Reliability"):
        assert words in shown.stdout
    result = json.loads(CliRunner().invoke(main, ["evaluate", "cx_spacy", str(path), "--json"]).stdout)
    assert {"n", "rings", "intervals", *evaluate.DETAILS} <= result.keys()


def test_writing_makes_the_table_of_the_readme_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "classifiers" / "cx_spacy"
    folder.mkdir(parents=True)
    monkeypatch.setattr(record, "content_dir", lambda _: tmp_path / "classifiers")
    monkeypatch.setattr(record, "load_recipe", lambda name: Recipe(name, "7", "textcat", folder, {}))
    monkeypatch.setattr(record, "recipe_names", lambda: ["cx_spacy", "cx_spacy"])
    page, path = tmp_path / "README.md", tmp_path / "gold.jsonl"
    page.write_text(f"before\n{record.BEGIN}\nold\n{record.END}\nbehind\n", encoding="utf-8")
    rows = [gold({ring: "neutral"}, "neutral", f"{ring}.{FACETS[ring][0]}", text="rude staff") for ring in RING_NAMES]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = CliRunner().invoke(main, ["evaluate", "cx_spacy", str(path), "--write"])
    assert done.exit_code == 0
    assert json.loads((folder / "metrics.json").read_text())["n"] == 6
    before, begin, *table, end, behind = page.read_text(encoding="utf-8").splitlines()
    assert (before, begin, end, behind) == ("before", record.BEGIN, record.END, "behind")
    assert [line.count("|") for line in table] == [4] * len(table), "a column for each of the two recipes"
    (folder / "metrics.json").write_text(json.dumps({"rings": {}}))
    assert "cx_spacy" not in record.with_metrics(page.read_text(encoding="utf-8")), "too few figures to be compared"


def test_the_metrics_say_what_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe("mine", "7", "textcat", tmp_path, {})
    monkeypatch.setattr(record, "load_recipe", {"mine": recipe}.__getitem__)
    result = {"n": 4, "ring_macro_f1": 0.5, "intervals": {"ring_macro_f1": [0.4, 0.6]}, "confusion": {}}
    assert json.loads(write_metrics("mine", result, "gold.jsonl").read_text()) == {
        "classifier": "mine",
        "version": "7",
        "gold": "gold.jsonl",
        "command": "cxlisten evaluate mine gold.jsonl --write",
        "n": 4,
        "ring_macro_f1": 0.5,
        "intervals": {"ring_macro_f1": [0.4, 0.6]},
    }
