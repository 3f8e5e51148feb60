"""Evaluate: the figures of a few posts, worked by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxlisten.classify import Recipe, evaluate
from cxlisten.classify.evaluate import figures, write_metrics
from cxlisten.errors import InputError
from cxlisten.models import RingTag, Tagged


def gold(rings: dict[str, str], sentiment: str, *facets: str) -> dict[str, Any]:
    return {"text": "", "rings": rings, "sentiment": sentiment, "facets": facets}


def tagged(sentiment: str | None, *tags: tuple[str, str, tuple[str, ...]]) -> Tagged:
    return Tagged("en", sentiment, 1.0, tuple(RingTag(ring, s, 0.9, (0, 1), facets) for ring, s, facets in tags))


GOLD = [
    gold({"product": "positive", "price": "negative"}, "neutral", "product.quality", "price.level"),
    gold({"product": "negative"}, "negative", "product.fit"),
    gold({}, "positive"),
    gold({"people": "positive"}, "positive", "people.care"),
]
TAGGED = [
    tagged("neutral", ("product", "positive", ("quality", "design")), ("price", "positive", ("level",))),
    tagged("negative", ("price", "negative", ())),
    tagged("neutral"),
    tagged(None),
]


def test_the_figures_are_those_worked_by_hand() -> None:
    assert figures(GOLD, TAGGED) == {
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


def test_what_no_gold_post_has_gets_no_figure() -> None:
    assert figures([gold({}, "neutral")], [tagged("neutral")]) == {
        "n": 1,
        "sentiment_recall": {"neutral": 1.0},
        "sentiment_macro_recall": 1.0,
    }


@pytest.mark.parametrize(
    "content", ["", '{"text": "no label"}\n', "not json\n", '{"rings": {}, "sentiment": "neutral"}\n']
)
def test_a_gold_file_without_labels_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"gold\.jsonl"):
        evaluate.evaluate("cx_spacy", path)


def test_the_metrics_say_what_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe("mine", "7", "textcat", tmp_path, {})
    monkeypatch.setattr(evaluate, "load_recipe", {"mine": recipe}.__getitem__)
    record = json.loads(write_metrics("mine", {"n": 4, "ring_macro_f1": 0.5}, "gold.jsonl").read_text())
    assert record == {
        "classifier": "mine",
        "version": "7",
        "gold": "gold.jsonl",
        "command": "cxlisten evaluate mine gold.jsonl --json --write",
        "n": 4,
        "ring_macro_f1": 0.5,
    }
