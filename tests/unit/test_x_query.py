"""X's query language: what our queries become, and that X, as its documents read a query, finds all that they match."""
# ruff: noqa: RUF001  a query may hold letters that look like other letters

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cxlisten import query as querying
from cxlisten.collect.x.query import language_of, push_down
from cxlisten.errors import BadQuery, QueryError
from cxlisten.models import Query
from cxlisten.query.expression import And, Expression, Field, Near, Not, Or, Phrase, Tag
from tests.faults import x_search


def sent(terms: str, *languages: str) -> list[str]:
    texts = list(push_down(Query("kettles", "Any Bränd", terms, languages=languages), "posts").searches)
    for text in texts:
        x_search.compile(text)  # X takes it
    return texts


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("pellworth", "pellworth"),
        ("pellworth coffee OR tea", "pellworth coffee OR tea"),
        ("pellworth AND (coffee OR tea)", "pellworth (coffee OR tea)"),
        ('"flat white" OR wi-fi', '"flat white" OR "wi fi"'),
        ("pellworth AND NOT giveaway", "pellworth -giveaway"),
        ('pellworth AND NOT ("free coffee" OR #ad OR @bot)', 'pellworth -"free coffee" -#ad -@bot'),
        ("pellworth AND NOT (coffee AND tea)", "pellworth"),
        ("pellworth AND NOT (coffee AND NOT tea)", "pellworth"),
        ("pellworth AND NOT (NOT coffee)", "pellworth coffee"),
        ("pellworth (coffee OR NOT tea)", "pellworth"),
        ("queue NEAR/5 (rude OR slow)", "queue (rude OR slow)"),
        ("pellworth AND NOT (queue NEAR/5 slow)", "pellworth"),
        ("pellworth wait*", "pellworth"),
        ('"iced coff*"', "iced"),
        ("pellworth AND NOT wait*", "pellworth"),
        ("#pellworth @pellworth", "#pellworth @pellworth"),
        ("#2024 @pellworth.bsky.social @a_name_of_15_si", '2024 "pellworth bsky social" @a_name_of_15_si'),
        ("@a_name_of_17_signs", '"a name of 17 signs"'),
        ("pellworth lang:en", "pellworth lang:en"),
        ("pellworth lang:he AND NOT lang:id", "pellworth lang:iw -lang:in"),
        ("pellworth lang:hi", "pellworth (lang:hi OR lang:hi-Latn)"),
        ("pellworth AND NOT lang:hi", "pellworth -lang:hi -lang:hi-Latn"),
        ("pellworth lang:zh", "pellworth"),
        ('"or" "and" NOTing', '"or" "and" NOTing'),
        ("Café OR #Cumpleaños OR L’Oréal", 'Café OR #Cumpleaños OR "L’Oréal"'),
        ("resume résumé", "résumé résumé"),
        ("чай", "чай"),
        ("コーヒー iPhone15", '"コーヒー" iPhone15'),
        ("pellworth source:x", "pellworth"),
        ("pellworth source:Posts", "pellworth"),
        ("pellworth AND NOT source:reviews", "pellworth"),
        ("pellworth OR source:reviews", "pellworth"),
        ("(source:reviews coffee) OR (source:posts pellworth)", "pellworth"),
        ("", '"Any Bränd"'),
    ],
)  # fmt: skip
def test_what_x_is_asked_for(terms: str, text: str) -> None:
    assert sent(terms) == [text]


@pytest.mark.parametrize("terms", ["source:reviews", "pellworth AND source:reviews", "pellworth AND NOT source:posts"])
def test_what_no_post_of_x_can_match_is_not_asked_for(terms: str) -> None:
    assert sent(terms) == []


@pytest.mark.parametrize(
    "terms",
    [
        "wait*", "coffee OR wait*", "#wait*", "lang:en", "coffee OR lang:en", "source:x", "coffee OR source:x",
        "(a OR NOT b) lang:en",
    ],
)  # fmt: skip
def test_what_x_cannot_search_for(terms: str) -> None:
    with pytest.raises(BadQuery, match=r'posts: X cannot search for "kettles".*: each of its alternatives needs'):
        sent(terms)


def test_a_brand_of_signs_is_no_query() -> None:
    with pytest.raises(BadQuery):
        push_down(Query("kettles", "+++", ""), "posts")


def test_languages_of_the_query_and_posts_without_one() -> None:
    assert sent("coffee OR tea", "en", "he") == ["(coffee OR tea) (lang:en OR lang:iw OR lang:und)"]
    assert sent("coffee", "en", "gd") == ["coffee"], "one that X does not know"


def test_says_what_is_asked_for_and_paid_beyond_the_query() -> None:
    def warnings(terms: str) -> tuple[str, ...]:
        return push_down(Query("kettles", "Anybrand", terms), "posts").warnings

    assert warnings("pellworth coffee") == ()
    assert "wait*, queue NEAR/5 slow  and gives more" in warnings("pellworth wait* queue NEAR/5 slow")[0]
    assert 'asked for  "Anybrand"' in warnings("")[0]
    assert "other sources only" in warnings("source:reviews")[0]


def test_a_long_query_is_cut_into_searches() -> None:
    words = [f"word{n}" for n in range(200)]
    texts = sent(f"pellworth ({' OR '.join(words)}) AND NOT giveaway", "en")
    assert len(texts) > 3
    assert max(map(len, texts)) > 500
    start = "pellworth -giveaway (lang:en OR lang:und) ("
    assert [word for text in texts for word in text.removeprefix(start).removesuffix(")").split(" OR ")] == words
    assert [word for text in sent(" OR ".join(words)) for word in text.split(" OR ")] == words


def test_a_query_is_as_long_as_x_takes() -> None:
    word, other = "w" * 254, "v" * 254
    assert sent(f"{word} OR {other}") == [f"{word} OR {other}"]
    assert sent(f"{word} OR {other}v") == [word, f"{other}v"]


@pytest.mark.parametrize("n", [513, 949])
def test_a_query_that_cannot_be_cut(n: int) -> None:
    with pytest.raises(
        BadQuery, match=f'posts: "kettles" is too long for X: query {n} of 512 characters: make several'
    ):
        sent(f"{'w' * (n - 7)} coffee")
    with pytest.raises(BadQuery, match=f"query {n} of 512"):
        sent(f"tea OR {'w' * (n - 8)} coffee OR {'v' * (n - 7)} coffee")


@pytest.mark.parametrize(
    ("code", "lang"), [("en", "en"), ("iw", "he"), ("in", "id"), ("zh", "zh"), ("und", None), ("qht", None), ("", None)]
)
def test_languages_of_posts(code: str, lang: str | None) -> None:
    assert language_of(code) == lang


# --- whatever the query and the post

WORDS = ("coffee", "queue", "wait", "caf\u00e9", "24")
TEXTS = st.lists(
    st.sampled_from([*WORDS, "waiting", "cafe", "CAFE\u0301", "giveaway", "#wait", "#caf\u00e9", "@queue", "@24"])
)


def _phrase(words: list[str], is_prefix: bool) -> Expression:
    return Phrase(tuple(words), is_prefix)


folded = st.sampled_from([word.replace("\u00e9", "e") for word in WORDS])
places = st.builds(_phrase, st.lists(folded, min_size=1, max_size=2), st.booleans() | st.just(False)) | st.builds(
    Tag, st.sampled_from("#@"), folded, st.just(False)
)
leaves = (
    places
    | st.builds(Field, st.just("lang"), st.sampled_from(["en", "he", "zh"]))
    | st.builds(Field, st.just("source"), st.sampled_from(["posts", "x", "reviews"]))
    | st.builds(Near, st.tuples(places), st.tuples(places, places), st.integers(1, 3))
)
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(expressions, st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(["en", "iw", "und"]))
def test_x_finds_every_post_that_matches(expression: Expression, texts: list[list[str]], code: str) -> None:
    wanted = And((Phrase(("coffee",)), expression))  # so that most of them can be searched for
    try:
        matcher = querying.compile(str(wanted))
        tests = [x_search.compile(text) for text in push_down(Query("q", "b", str(wanted)), "posts").searches]
    except (BadQuery, QueryError):
        assume(False)
    for words in texts:
        text = " ".join(["coffee", *words])
        if matcher.matches(text, source="posts", platform="x", lang=language_of(code)):
            assert any(test(text, code) for test in tests), (str(wanted), text)
