"""What must hold of every query and every text: generated trees, a brute-force evaluator, hostile Unicode."""
# ruff: noqa: RUF001  letters that look like other letters are what is tested here

import re
from dataclasses import dataclass
from itertools import product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cxlisten import query
from cxlisten.errors import QueryError
from cxlisten.query.expression import And, Expression, Field, Near, Not, Or, Phrase, Place, Tag
from cxlisten.query.words import fold, split_words

seeded = settings(derandomize=True, deadline=None, max_examples=150)

WORDS = ("coffee", "queue", "wait", "waiting", "pellworth", "don't", "茶", "24")
SEPARATORS = (" ", ", ", "\n", " … ", " 😡 ", "\x85", "\u3000", " \x00 ", "-", "/")


@dataclass(frozen=True)
class Word:
    """One word of a made-up text: how it is written follows from `style`, what it means does not."""

    sign: str
    name: str
    suffix: str
    style: int

    def __str__(self) -> str:
        restyle = (str, str.upper, str.title, _accented, _fullwidth, _with_invisible)[self.style]
        return self.sign + restyle(self.name) + self.suffix

    def answers_to(self, word: str, is_prefix: bool) -> bool:
        forms = (self.name, self.name + self.suffix.replace("’", "'"))
        return any(form.startswith(word) if is_prefix else form == word for form in forms)


def _accented(word: str) -> str:
    return re.sub("[aeiou]", lambda vowel: vowel[0] + "\u0301", word)


def _fullwidth(word: str) -> str:
    return re.sub("[a-z0-9]", lambda letter: chr(ord(letter[0]) + 0xFEE0), word)


def _with_invisible(word: str) -> str:
    return "\u200b".join(word) if "'" not in word else word


@dataclass(frozen=True)
class Post:
    words: tuple[Word, ...]
    separators: tuple[str, ...]
    source: str | None
    platform: str | None
    lang: str | None

    @property
    def text(self) -> str:
        between = [*self.separators[1:], ""]
        return self.separators[0] + "".join(str(word) + gap for word, gap in zip(self.words, between, strict=True))

    @property
    def metadata(self) -> dict[str, str | None]:
        return {"source": self.source, "platform": self.platform, "lang": self.lang}


signs = st.sampled_from(["", "", "", "#", "@"])
suffixes = st.sampled_from(["", "", "'s", "’s"])
words = st.builds(Word, signs, st.sampled_from(WORDS), suffixes, st.integers(0, 5)).filter(
    lambda word: not (word.suffix and word.name in {"don't", "茶"}) and not (word.sign and word.name == "don't")
)


@st.composite
def posts(draw: st.DrawFn) -> Post:
    chosen = draw(st.lists(words, min_size=1, max_size=12))
    # A handle takes a following "-" as part of its name, so signs stand apart from their neighbours.
    gaps = [draw(st.sampled_from(SEPARATORS[:8] if one.sign else SEPARATORS)) for one in chosen]
    for number, one in enumerate(chosen[:-1]):
        if one.sign:
            gaps[number + 1] = " "
    return Post(
        tuple(chosen),
        tuple(gaps),
        draw(st.sampled_from([None, "reviews", "Forum"])),
        draw(st.sampled_from([None, "reddit"])),
        draw(st.sampled_from([None, "en", "EN-gb", "de"])),
    )


flags = st.booleans()
phrases = st.builds(Phrase, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple), flags)
tags = st.builds(Tag, st.sampled_from("#@"), st.sampled_from(["coffee", "pell", "wait", "茶", "a_b"]), flags)
fields = st.builds(Field, st.just("source"), st.sampled_from(["reviews", "forum", "reddit", "my (old) one"]))
fields |= st.builds(Field, st.just("lang"), st.sampled_from(["en", "de"]))
places = st.one_of(phrases, phrases, tags)
sides = st.lists(places, min_size=1, max_size=3).map(tuple)
nears = st.builds(Near, sides, sides, st.integers(1, 6))


def _joined(kind: type[And] | type[Or], parts: list[Expression]) -> Expression:
    return kind(tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else (part,))))


def _compounds(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3)
    return (
        st.builds(Not, inner)
        | several.map(lambda all_: _joined(And, all_))
        | several.map(lambda any_: _joined(Or, any_))
    )


trees = st.recursive(st.one_of(places, places, fields, nears), _compounds, max_leaves=10).filter(
    lambda tree: not _naive(tree, Post((), ("",), None, None, None))
)


def _naive(expression: Expression, post: Post) -> bool:
    match expression:
        case And(parts):
            return all(_naive(part, post) for part in parts)
        case Or(parts):
            return any(_naive(part, post) for part in parts)
        case Not(part):
            return not _naive(part, post)
        case Field("source", value):
            return value in [name.lower() for name in (post.source, post.platform) if name]
        case Field("lang", value):
            return bool(post.lang) and post.lang[:2].lower() == value
        case Near(left, right, distance):
            pairs = product(*([hit for place in side for hit in _places(place, post)] for side in (left, right)))
            return any(1 <= b[0] - a[1] <= distance or 1 <= a[0] - b[1] <= distance for a, b in pairs)
        case place:
            return bool(_places(place, post))


def _places(place: Place, post: Post) -> list[tuple[int, int]]:
    numbers = range(len(post.words))
    if isinstance(place, Tag):
        named = [(n, post.words[n].sign, post.words[n].name) for n in numbers]
        return [
            (n, n)
            for n, sign, name in named
            if sign == place.sign and (name.startswith(place.name) if place.is_prefix else name == place.name)
        ]
    # "茶" and the like are one word each, so a phrase has as many words in the post as in the query.
    last = len(place.words) - 1
    return [
        (n, n + last)
        for n in numbers
        if n + last < len(post.words)
        and all(post.words[n + k].answers_to(word, place.is_prefix and k == last) for k, word in enumerate(place.words))
    ]


@seeded
@given(trees)
def test_a_printed_tree_parses_to_itself(tree: Expression) -> None:
    assert query.parse(str(tree)) == tree


@seeded
@given(trees, st.data())
def test_layout_and_spare_parentheses_do_not_matter(tree: Expression, data: st.DataObject) -> None:
    def written(part: Expression) -> str:
        match part:
            case And(parts):
                text = data.draw(st.sampled_from([" AND ", " ", "\n"])).join(f"({written(one)})" for one in parts)
            case Or(parts):
                text = " OR ".join(f"({written(one)})" for one in parts)
            case Not(inner):
                text = f"NOT({written(inner)})"
            case _:
                text = str(part)
        return f"( {text} )" if data.draw(st.booleans()) else text

    text = written(tree)
    assume(_depth(text) <= 25)
    assert query.parse(text) == tree


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in re.sub('"[^"]*"', "", text):
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    return deepest


@settings(seeded, max_examples=400)
@given(trees, posts())
def test_matching_agrees_with_brute_force(tree: Expression, post: Post) -> None:
    expected = _naive(tree, post)
    assert query.compile(str(tree)).matches(post.text, **post.metadata) is expected
    assert query.explain(tree, post.text, **post.metadata).is_hit is expected


@seeded
@given(posts(), st.data())
def test_every_word_of_a_post_is_found_however_it_is_written(post: Post, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(post.words))
    found = query.explain(Phrase((word.name,)), post.text)
    assert found.is_hit
    assert {fold(post.text[start:end]).removesuffix("'s") for start, end in found.spans} == {word.name}


HOSTILE = st.text(
    st.characters()
    | st.sampled_from(
        "aA'’#@_*.-\x00\x85\u200b\u200d\u202e\ufe0f\u0301\u0323\u3099\uff9e\u0e48\u0e38가각ßİıﬁ½ﷺ茶カｶ😡\ud800"
    )
)


@seeded
@given(HOSTILE)
def test_every_word_of_any_text_is_found_by_a_query_for_it(text: str) -> None:
    for word in split_words(text):
        assert query.compile(f'"{word}"').matches(text)


@seeded
@given(HOSTILE, HOSTILE)
def test_folding_is_stable_and_does_not_depend_on_what_stands_beside(text: str, other: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert split_words(f"{text} | {other}") == split_words(text) + split_words(other)


@settings(seeded, max_examples=400)
@given(st.lists(HOSTILE | st.sampled_from(["AND", "OR", "NOT", "NEAR/2", "(", ")", '"', "a", "b*", "lang:en"])))
def test_any_query_is_read_or_refused_and_never_crashes(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        tree = query.parse(text)
    except QueryError:
        return
    assert query.parse(str(tree)) == tree


@seeded
@given(trees, HOSTILE)
def test_any_text_can_be_asked_and_explained(tree: Expression, text: str) -> None:
    explanation = query.explain(tree, text)
    assert explanation.is_hit is query.compile(str(tree)).matches(text)
    query.render(explanation, text).encode()
