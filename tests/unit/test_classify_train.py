"""Train: what the models learn from labelled posts, and that it is the same each time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxlisten.classify import Recipe, training
from cxlisten.classify.artefact import load_models
from cxlisten.classify.engines import textcat
from cxlisten.classify.features import N_BUCKETS
from cxlisten.classify.labelled import attitude_lesson, noise_lesson, ring_lesson
from cxlisten.classify.linear import LinearModel, fit
from cxlisten.classify.reading import Reader
from cxlisten.errors import ClassifierError, InputError
from cxlisten.taxonomy import RING_NAMES, Noise

OPTIONS = {"seed": 3, "epochs": 30, "learn_rate": 0.1, "decay": 0.0, "importance": {}}
LEAST = {
    "ring": dict.fromkeys(RING_NAMES, 0.5),
    "facet": 0.5,
    "noise": dict.fromkeys(Noise, 0.5),
    "noise_told": 0.1,
}


def post(text: str, sentiment: str, rings: dict[str, str], *facets: str, noise: str | None = None) -> dict[str, Any]:
    return {"text": text, "sentiment": sentiment, "rings": rings, "facets": facets, "noise": noise}


RUDE = post("the staff were rude", "negative", {"people": "negative"}, "people.manner")
KIND = post("such kind staff", "positive", {"people": "positive"}, "people.care")
DEAR = post("far too expensive", "negative", {"price": "negative"}, "price.level")
PLAIN = post("on the bus home", "neutral", {})
GIVEAWAY = post("retweet to win a kettle", "neutral", {}, noise="promo")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe with no pattern and a corpus of five posts."""
    for name in ("patterns", "corpus"):
        (tmp_path / name).mkdir()
    lines = [json.dumps(one) for one in (RUDE, KIND, DEAR, PLAIN, GIVEAWAY)]
    (tmp_path / "corpus" / "posts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    made = Recipe("mine", "1", "textcat", tmp_path, {"train": OPTIONS, "languages": ["en"], "least_score": LEAST})
    monkeypatch.setattr(training, "load_recipe", {"mine": made}.__getitem__)
    return made


def test_a_recipe_tags_what_it_was_taught(recipe: Recipe) -> None:
    recipe.settings["sha256"] = training.train("mine")["sha256"]
    rude, dear, plain, giveaway = textcat.load(recipe).tag(
        [one["text"] for one in (RUDE, DEAR, PLAIN, GIVEAWAY)], [None] * 4
    )
    assert [(t.ring, t.sentiment, t.facets) for t in rude.rings] == [("people", "negative", ("manner",))]
    assert [(t.ring, t.sentiment, t.facets) for t in dear.rings] == [("price", "negative", ("level",))]
    assert (plain.rings, plain.sentiment, plain.noise) == ((), "neutral", ())
    assert giveaway.noise == ("promotion",)


def test_training_twice_gives_the_same_artefact(recipe: Recipe) -> None:
    first = training.train("mine")
    assert first["n_posts"] == 5
    assert training.train("mine") == first


def test_corrected_posts_are_learned_too(recipe: Recipe) -> None:
    assert training.train("mine", corrected=[post("meh staff", "neutral", {"people": "neutral"})])["n_posts"] == 6


def test_labels_join_the_post_that_is_not_carried_along(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "corpus" / "labels.jsonl").write_text(
        json.dumps({"id": "t1", "rings": {"price": "negative"}}) + "\n" + json.dumps({"id": "t2", "rings": {}})
    )
    data = tmp_path / "data"
    data.mkdir()
    (data / "tweets.jsonl").write_text(json.dumps({"id": "t1", "text": "so dear", "label": "negative"}))
    assert len(training.read_corpus(recipe, None)) == 5
    *_, joined = training.read_corpus(recipe, data)
    assert (joined["text"], joined["label"], joined["rings"]) == ("so dear", "negative", {"price": "negative"})
    assert joined["file"] == "labels"


def test_a_file_of_the_corpus_takes_the_place_of_one_of_the_data_folder(recipe: Recipe, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "posts.jsonl").write_text(json.dumps(RUDE) + "\n" + json.dumps(KIND), encoding="utf-8")
    (data / "more.jsonl").write_text(json.dumps({"text": "great", "label": "positive"}), encoding="utf-8")
    assert training.train("mine", data)["n_posts"] == 6


def test_two_folders_of_a_corpus_must_not_hold_a_file_of_one_name(recipe: Recipe) -> None:
    more = recipe.folder / "more"
    more.mkdir()
    (more / "posts.jsonl").write_text(json.dumps({"text": "no labels"}), encoding="utf-8")
    recipe.settings["train"]["corpus"] = ["corpus", "more"]
    with pytest.raises(InputError, match=r"two folders .* hold a posts.jsonl: rename"):
        training.train("mine")
    (more / "posts.jsonl").rename(more / "unlabelled.jsonl")
    assert training.train("mine")["n_posts"] == 6


def test_no_posts_at_all_is_an_error(recipe: Recipe) -> None:
    (recipe.folder / "corpus" / "posts.jsonl").unlink()
    with pytest.raises(InputError, match="--data"):
        training.train("mine")


def test_an_artefact_that_is_missing_or_not_the_named_one_is_an_error(recipe: Recipe) -> None:
    recipe.settings["sha256"] = "0" * 64
    with pytest.raises(ClassifierError, match="cxlisten train mine"):
        load_models(recipe)
    training.train("mine")
    with pytest.raises(ClassifierError, match="sha256"):
        load_models(recipe)


def ring_truth(labelled: dict[str, Any], tmp_path: Path) -> list[dict[str, float]]:
    """What the ring lesson says of a post and of its sentences, by label; a folder without patterns will do."""
    lesson = ring_lesson([labelled], Reader(tmp_path).read([labelled["text"]]))
    return [dict(zip(lesson.labels, truth, strict=True)) for truth in lesson.truth]


def test_a_sentence_carries_the_ring_whose_evidence_it_holds(tmp_path: Path) -> None:
    labelled = {
        "text": "Gorgeous room. The waiter sneered.",
        "rings": {"place": "positive", "people": "negative"},
        "facets": ["people.manner"],
        "spans": {"place": "Gorgeous room", "people": [15, 33]},
    }
    whole, first, second = ring_truth(labelled, tmp_path)
    assert (whole["place"], whole["people"], whole["price"]) == (1, 1, 0)
    assert (whole["people.manner"], whole["people.care"]) == (1, 0)
    assert np.isnan(whole["price.level"])
    assert (first["place"], first["place/positive"], first["price"]) == (1, 1, 0)
    assert np.isnan(first["people"])
    assert (second["people"], second["people/negative"], second["people/positive"]) == (1, 1, 0)
    assert np.isnan(second["people.manner"])


def test_a_masked_ring_is_not_known(tmp_path: Path) -> None:
    (whole,) = ring_truth({"text": "ok", "rings": {"people": "positive"}, "mask": ["place"]}, tmp_path)
    assert np.isnan(whole["place"])
    assert np.isnan(whole["people.care"])
    assert (whole["people"], whole["price"]) == (1, 0)


def test_a_flag_says_nothing_of_promotions_and_a_mixed_sentiment_nothing_at_all(tmp_path: Path) -> None:
    posts = [{"text": "our new shop", "flag": "brand_own", "sentiment": "mixed"}, {"text": "hm", "label": "neutral"}]
    readings = Reader(tmp_path).read(one["text"] for one in posts)
    noise, attitude = noise_lesson(posts, readings), attitude_lesson(posts, readings)
    assert (noise.of_post, noise.truth[0][2], attitude.of_post) == ([0], 1.0, [1])
    assert np.isnan(noise.truth[0][:2]).all()


def test_a_saved_model_scores_as_the_one_that_was_fitted(tmp_path: Path) -> None:
    rows = [(np.array([n]), np.ones(1, np.float32)) for n in range(4)]
    truth = np.array([[1], [1], [0], [np.nan]], np.float32)
    model = fit(["yes"], rows, truth, np.ones(4, np.float32), OPTIONS)
    assert model.weights.shape == (N_BUCKETS, 1)
    assert not model.weights[3].any(), "nothing is learned from what is not known"
    model.save(tmp_path / "model.npz")
    kept = LinearModel.load(tmp_path / "model.npz")
    for row in rows:
        assert kept.scores(row)["yes"] == pytest.approx(model.scores(row)["yes"], abs=0.01)
