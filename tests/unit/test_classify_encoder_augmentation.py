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
    assert 1.6 * len(TEXTS) < len(made(posts(TEXTS))) <= 2 * len(TEXTS)
    assert 2.4 * len(TEXTS) < len(made(posts(TEXTS), {"authored": 3})) <= 3 * len(TEXTS)
    assert made(posts(TEXTS), {"authored": 0}) == []
    assert 15 < len(made(posts(TEXTS), {"authored": 0.5})) < 45


def test_nothing_is_made_that_is_there_already() -> None:
    new = made(posts([*TEXTS, "ok", "ok then", "RT @user:"]), {"authored": 9})
    assert len(set(new)) == len(new)
    assert set(new).isdisjoint([*TEXTS, "ok", "ok then", "RT @user:", ""])


def test_the_same_posts_and_seed_make_the_same_texts_and_one_post_more_changes_few() -> None:
    first = made(posts(TEXTS))
    assert made(posts(TEXTS[::-1])) == first
    assert made(posts(TEXTS), seed=2) != first
    more = made(posts([*TEXTS, "Nothing like the others at all, and yet a post."]))
    assert len(set(first) - set(more)) < len(first) / 10


def test_a_third_is_reworded_a_third_part_of_a_post_and_a_third_of_two() -> None:
    new = made(posts(TEXTS), {"authored": 10})
    numbers = [re.findall(r"\d+", text) for text in new]
    whole = sum(
        len(found) == 2 and found[0] == found[1] and text.endswith("/late")
        for found, text in zip(numbers, new, strict=True)
    )
    of_two = sum(len(set(found)) == 2 for found in numbers)
    short = sum(len(text.split()) < 16 and len(set(found)) < 2 for found, text in zip(numbers, new, strict=True))
    assert min(whole, of_two, short) > len(new) / 8


def test_a_new_text_has_only_the_words_of_posts_and_their_neighbours() -> None:
    new = made(posts(TEXTS))
    words = set(re.findall(r"\S+", " ".join(TEXTS).lower()))
    near = {other for word in NEIGHBOURS.values() for other in word}
    strange = Counter(re.sub(r"\W", "", word) for text in new for word in text.lower().split() if word not in words)
    assert strange.keys() <= near | {"and", "but"} | {re.sub(r"\W", "", word) for word in words}
    assert near <= strange.keys()
    assert any("Impolite" in text for text in new)


def test_contractions_and_compounds_stay_whole() -> None:
    whole = ["shop's", "late-night", "rude\u2019s", "out-parcel"]
    new = made(posts([f"{' '.join(whole)} rude {n} parcel" for n in range(40)]), {"authored": 5})
    assert {word.rstrip(".,") for text in new for word in text.split() if re.search(r"['\u2019-]", word)} <= set(whole)
    assert any("impolite" in text for text in new)
    assert any("package" in text for text in new)


def test_handles_tags_and_links_stay_as_they_are() -> None:
    signs = ["@parcel", "#late", "http://late.example/shop", "https://shop.example/rude"]
    texts = [f"{sign} rude number {n} {sign}" for n in range(30) for sign in signs]
    new = made(posts(texts), {"authored": 5})
    assert {word.rstrip(".,") for text in new for word in text.split() if re.match(r"[@#]|https?:", word)} == set(signs)
    assert any("impolite" in text for text in new)
    assert not any("package" in text or "delayed" in text or "store" in text for text in new)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "?!",
        "😀",
        "a.\n\n\nb",
        "x" * 3000,
        "\n\nfour words are here",
        "four words are here. ",
        "a b c d",
        ". . . .",
    ],
)
def test_the_shortest_post_and_the_strangest_can_be_built_on(text: str) -> None:
    new = made(posts([text, *TEXTS[:9]]), {"authored": 40})
    assert len(new) > 200
    assert all(one.strip() for one in new)


def test_parts_of_two_posts_are_of_one_file() -> None:
    ours = [f"alpha{n} beta{n} gamma, delta{n} epsilon" for n in range(20)]
    theirs = [f"uno{n} dos{n} tres, cuatro{n} cinco" for n in range(20)]
    new = made(posts(ours) + posts(theirs, "x"), {"default": 6})
    assert any(len(set(re.findall(r"\d+", text))) == 2 for text in new)
    for text in new:
        assert bool(re.search("alpha|beta|gamma|delta|epsilon", text)) != bool(re.search("uno|dos|tres|cua|cin", text))


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
    few = Tokenizer(WordPiece({"[UNK]": 0, "fruit": 1, "tool": 2}, unk_token="[UNK]"))
    assert neighbours_of(vectors, few) == {"fruit": ["tool"], "tool": ["fruit"]}
    assert all(len(near[word]) == 10 and set(near[word]) < set(fruit) - {word} for word in fruit)
