"""The corpora of the recipes: no two authored posts are nearly the same, and of others' posts no text is carried."""

import json
import re
from collections import Counter, defaultdict
from math import ceil
from typing import Any

from cxlisten.content import content_dir

LIKE = 0.7


def test_no_two_authored_posts_share_most_of_their_words() -> None:
    assert near_duplicates([row for row in rows() if "text" in row]) == []


def test_labels_of_other_peoples_posts_hold_nothing_of_their_text() -> None:
    labels = [row for row in rows() if "text" not in row]
    assert len(labels) > 20_000
    assert {type(place) for row in labels for span in row["spans"].values() for place in span} == {int}
    assert {key for row in labels for key in row} == {"id", "rings", "facets", "spans", "flag"}


def test_it_sees_a_near_duplicate() -> None:
    texts = [
        "the soup was cold and the waiter rude",
        "First!",
        "first",
        "The waiter was rude and soup cold",
        "💀",
        "💀💀",
    ]
    assert near_duplicates([{"id": str(number), "text": text} for number, text in enumerate(texts)]) == [
        ("1", "2"),
        ("0", "3"),
    ]


def rows() -> list[dict[str, Any]]:
    files = sorted(content_dir("classifiers").glob("*/corpus/*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").split("\n") if line]


def near_duplicates(posts: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Give the ids of each pair whose sets of lower-cased words have a Jaccard index of LIKE or more.

    Prefix filtering: with their words in one order, the rarest first, such two share one of their first few, so that
    only posts that do are compared.
    """
    sets = [frozenset(re.findall(r"\w+", post["text"].lower())) for post in posts]
    n_with = Counter(word for words in sets for word in words)
    holding: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for number, words in enumerate(sets):
        n_first = len(words) - ceil(LIKE * len(words)) + 1 if words else 0
        first = sorted(words, key=lambda word: (n_with[word], word))[:n_first]
        for other in sorted({other for word in first for other in holding[word]}):
            n_shared = len(words & sets[other])
            if n_shared >= LIKE * (len(words) + len(sets[other]) - n_shared):
                pairs.append((posts[other]["id"], posts[number]["id"]))
        for word in first:
            holding[word].append(number)
    return pairs
