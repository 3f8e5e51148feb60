"""New texts are made of what is at hand: the same each time, of words and parts of the posts, and with no labels."""

import re
from collections import Counter
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cxlisten[train]'")
pytestmark = pytest.mark.train

NEIGHBOURS = {"parcel": ["package"], "late": ["delayed"], "shop": ["store"], "rude": ["impolite"]}
TEXTS = [
    f"The parcel to street {n} came late, but the shop in Ely {n} was kind! Rude driver though http://shop.example/late"
    for n in range(60)
]


def posts(texts: list[str], file: str = "authored") -> list[dict[str, Any]]:
    return [{"text": text, "file": file, "rings": {}, "sentiment": "neutral"} for text in texts]


def made(given: list[dict[str, Any]], copies: dict[str, float] | None = None, seed: int = 1) -> list[str]:
    from cxlisten.classify.encoder.augmentation import augmented

    new = list(augmented(given, NEIGHBOURS, {"default": 2} | (copies or {}), seed))
    assert all(post.keys() == {"text", "file", "importance"} and post["file"] == "augmented" for post in new)
    return [post["text"] for post in new]


def test_of_each_post_as_many_are_made_as_its_file_asks_for() -> None:
    assert len(made(posts(TEXTS))) == 2 * len(TEXTS)
    assert len(made(posts(TEXTS), {"authored": 3})) == 3 * len(TEXTS)
    assert made(posts(TEXTS), {"authored": 0}) == []
    assert 15 < len(made(posts(TEXTS), {"authored": 0.5})) < 45


def test_the_same_posts_and_seed_make_the_same_texts_and_one_post_more_changes_few() -> None:
    first = made(posts(TEXTS))
    assert made(posts(TEXTS[::-1])) == first
    assert made(posts(TEXTS), seed=2) != first
    more = made(posts([*TEXTS, "Nothing like the others at all, and yet a post."]))
    assert len(set(first) - set(more)) < len(first) / 10


def test_a_new_text_has_only_the_words_of_posts_and_their_neighbours() -> None:
    new = made(posts(TEXTS))
    assert len({text.lower() for text in new} & {text.lower() for text in TEXTS}) < len(new) / 4
    words = set(re.findall(r"\S+", " ".join(TEXTS).lower()))
    near = {other for word in NEIGHBOURS.values() for other in word}
    strange = Counter(re.sub(r"\W", "", word) for text in new for word in text.lower().split() if word not in words)
    assert strange.keys() <= near | {"and", "but"} | {re.sub(r"\W", "", word) for word in words}
    assert near <= strange.keys()
    assert any("Impolite" in text for text in new)


def test_handles_tags_and_links_stay_as_they_are() -> None:
    given = "@parcel #late http://late.example/shop rude"
    assert {re.sub("impolite|rude", "", text) for text in made(posts([given] * 9), {"authored": 5})} <= {
        re.sub("rude", "", part) for part in parts_of(given)
    }


def parts_of(text: str) -> set[str]:
    """All runs of at least three words, and what two of them side by side make."""
    words = text.split()
    runs = {" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 3, len(words) + 1)}
    joints = (" ", ". ", ", ", " and ", " but ", "\n")
    return runs | {one + joint + other for one in runs for joint in joints for other in runs}


@pytest.mark.parametrize("text", ["", "ok", "ok then", "one two three", "?!", "😀", "a.\n\n\nb", "x" * 3000])
def test_the_shortest_post_and_the_strangest_can_be_built_on(text: str) -> None:
    assert len(made(posts([text]), {"authored": 20})) == 20


def test_parts_of_two_posts_are_of_one_file() -> None:
    new = made(
        posts(["alpha beta gamma delta, epsilon zeta"] * 3) + posts(["uno dos tres cuatro, cinco seis"] * 3, "x")
    )
    for text in new:
        assert not (
            {"alpha", "beta", "delta,", "zeta"} & set(text.split()) and {"uno", "tres", "seis"} & set(text.split())
        )


def test_near_words_are_those_of_like_vectors() -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece

    from cxlisten.classify.encoder.augmentation import neighbours_of

    fruit, tools = [f"fruit{chr(97 + n)}" for n in range(12)], [f"tool{chr(97 + n)}" for n in range(12)]
    vocab = {word: place for place, word in enumerate(["[UNK]", "##s", *fruit, *tools])}
    vectors = torch.randn(len(vocab), 8, generator=torch.Generator().manual_seed(1)) * 0.1
    vectors[2:14, 0] += 1
    vectors[14:, 1] += 1
    near = neighbours_of(vectors, Tokenizer(WordPiece(vocab, unk_token="[UNK]")))
    assert near.keys() == {*fruit, *tools}
    assert all(len(near[word]) == 10 and set(near[word]) < set(fruit) - {word} for word in fruit)
