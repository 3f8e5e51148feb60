"""The authored posts of the recipes: no two are nearly the same, so that none counts twice or is learned by heart."""

import json
import re
from collections import Counter, defaultdict
from math import ceil

from cxlisten.content import content_dir

LIKE = 0.7


def test_no_two_authored_posts_share_most_of_their_words() -> None:
    files = content_dir("classifiers").glob("*/corpus/*.jsonl")
    rows = [json.loads(line) for path in sorted(files) for line in path.read_text(encoding="utf-8").split("\n") if line]
    authored = [row for row in rows if "text" in row]
    assert near_duplicates(authored) == []


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
