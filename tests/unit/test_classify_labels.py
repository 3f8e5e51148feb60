"""Labels: a model's own names for things become the words of the taxonomy, or the mistake is said."""

import pytest

from cxlisten.classify.labels import Labels, read_labels
from cxlisten.errors import ClassifierError
from cxlisten.models import RingTag, Tagged


@pytest.mark.parametrize("theirs", [["NEGATIVE", "Neutral", "positive"], ["LABEL_0", "LABEL_1", "LABEL_2"]])
def test_sentiments_are_recognised(theirs: list[str]) -> None:
    assert read_labels(theirs, {}) == Labels({0: "negative", 1: "neutral", 2: "positive"}, {})


def test_several_labels_of_a_sentiment_add_up() -> None:
    stars = {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}
    labels = read_labels(list(stars), stars)
    assert labels.tagged("text", "en", [0.3, 0.3, 0.35, 0.05, 0.0], 0.5) == Tagged("en", "negative", 0.6)


def test_of_a_ring_the_highest_label_counts_and_without_a_sentiment_it_has_the_posts() -> None:
    table = {"bad": "negative", "ok": "neutral", "cost": "price", "dear": "price/negative", "cheap": "price/positive"}
    labels = read_labels(list(table), table)
    plain = labels.tagged(" word ", None, [0.1, 0.9, 0.8, 0.7, 0.6], 0.5)
    assert plain == Tagged(None, "neutral", 0.9, (RingTag("price", "neutral", 0.8, (1, 5)),))
    assert [(t.sentiment, t.score) for t in labels.tagged("x", None, [0.1, 0.9, 0.6, 0.7, 0.8], 0.5).rings] == [
        ("positive", 0.8)
    ]
    assert labels.tagged("x", None, [0.1, 0.9, 0.4, 0.4, 0.4], 0.5).rings == ()


def test_a_text_without_a_word_has_no_ring() -> None:
    labels = read_labels(["bad", "cost"], {"bad": "negative", "cost": "price"})
    assert labels.tagged(" \n", None, [0.9, 0.9], 0.5).rings == ()


@pytest.mark.parametrize(
    ("theirs", "table", "message"),
    [
        (["joy", "anger"], {}, "say in .labels. which of joy, anger is positive"),
        (["LABEL_0", "LABEL_1"], {}, "which of LABEL_0, LABEL_1"),
        (["a"], {"b": "negative"}, 'names "b", the model has a'),
        (["a"], {"a": "staff"}, '"a" = "staff": unknown ring "staff"'),
        (["a"], {"a": "price/bad"}, '"a" = "price/bad": unknown sentiment "bad"'),
    ],
)
def test_what_is_not_understood_is_named(theirs: list[str], table: dict[str, str], message: str) -> None:
    with pytest.raises(ClassifierError, match=message):
        read_labels(theirs, table)
