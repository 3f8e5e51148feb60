"""The query language by example: what is found, how a query is read, what a mistake is told."""
# ruff: noqa: RUF001  letters that look like other letters are what is tested here

import pytest

from cxlisten import query
from cxlisten.errors import QueryError
from cxlisten.query.expression import And, Field, Near, Not, Or, Phrase, Tag


def word(text: str) -> Phrase:
    return Phrase((text,))


@pytest.mark.parametrize(
    ("terms", "text", "is_hit"),
    [
        # Words and their boundaries
        ("ai", "AI is here", True),
        ("ai", "training", False),
        ("coffee", "coffee-shop", True),
        ("coffee", "coffeepot", False),
        ("coffee tea", "tea, then coffee", True),
        ("coffee tea", "coffee", False),
        ("24", "open 24/7", True),
        ("pellworth", "https://www.pellworth.example/menu", True),
        # Possessives, elisions, apostrophes of every make
        ("pellworth", "Pellworth's queue", True),
        ("pellworth", "Pellworth\u2019s queue", True),
        ("pellworth's", "Pellworth queue", False),
        ("oreal", "L'Oréal", True),
        ("l'oreal", "L\u2019ORÉAL's shampoo", True),
        ("don", "I don't", False),
        ("don't", "I don\uff07t", True),
        # Hashtags and handles
        ("pellworth", "#pellworth", True),
        ("pellworth", "@Pellworth thanks", True),
        ("#pellworth", "pellworth", False),
        ("#pellworth", "@pellworth", False),
        ("#pellworth", "so good\uff03Pellworth", False),
        ("#pellworth", "so good \uff03Pellworth!", True),
        ("#pellworth", "#PellworthCoffee", False),
        ("#pellworth*", "#PellworthCoffee", True),
        ("#pellworth", "#pellworth_coffee", False),
        ("#pellworth_coffee", "(#Pellworth_Coffee)", True),
        ("#茶", "今日は#茶", True),
        ("@pellworth", "mail me@pellworth.example", False),
        ("@pellworth", "cc @pellworth.", True),
        ("@pellworth", "@pellworth's barista", True),
        ("@pellworth", "@pellworth@mastodon.example", True),
        ("@pellworth.bsky.example", "@pellworth", False),
        ("@pellworth.bsky.example", "@pellworth.bsky.example hi", True),
        ("@pell", "@pellworth", False),
        # Phrases
        ('"flat white"', "Flat  white", True),
        ('"flat white"', "flat, white", True),
        ('"flat white"', "white flat", False),
        ('"flat white"', "flat off white", False),
        ('"flat wh*"', "my flat whites", True),
        ('"flat wh*"', "my flats whites", False),
        ("wi-fi", "the wi fi", True),
        ("wi-fi", "the wifi", False),
        ("“flat white”", "flat white", True),
        # Prefixes
        ("wait*", "waiting", True),
        ("wait*", "wait", True),
        ("wait*", "await", False),
        # Case, accents, width, invisible characters
        ("CAFE", "café", True),
        ("café", "cafe", True),
        ("cafe\u0301", "CAFÉ", True),
        ("strasse", "STRAßE", True),
        ("istanbul", "İSTANBUL", True),
        ("lodz", "Łódź", True),
        ("office", "oﬃce", True),
        ("coffee", "ｃｏｆｆｅｅ", True),
        ("coffee", "𝗰𝗼𝗳𝗳𝗲𝗲", True),
        ("coffee", "cof\u200bfee\ufeff", True),
        ("coffee", "cof\u00adfee", True),
        ("pellworth", "Pellworth™", True),
        # Scripts of the world
        ("珈琲", "昨日珈琲を飲んだ", True),
        ("珈琲", "琲珈", False),
        ("カフェ", "ｶﾌｪ", True),
        ("バス", "ハス", False),
        ("バス", "ﾊﾞｽ", True),
        ("สวย", "ร้านสวยมาก", True),
        ("한국*", "한국에서", True),
        ("한국", "한국에서", False),
        ("하*", "한국", False),
        ("קפה", "\u202eאני אוהב קפה\u202c", True),
        ("محمد", "مُحَمَّد", True),
        ("कि", "का", False),
        # Operators
        ("a OR b AND c", "a", True),
        ("(a OR b) AND c", "a", False),
        ("a NOT b", "a", True),
        ("a NOT b", "a b", False),
        ("a NOT b NEAR/1 c", "a b x c", True),
        ("a NOT b NEAR/1 c", "a c b", False),
        ("a NOT (b OR c)", "a c", False),
        # NEAR counts words, in either order, between two different places
        ("a NEAR/1 b", "a b", True),
        ("a NEAR/1 b", "b, a", True),
        ("a NEAR/1 b", "a x b", False),
        ("a NEAR/2 b", "a x b", True),
        ("a NEAR/3 a", "a", False),
        ("a NEAR/3 a", "a x a", True),
        ('"a b" NEAR/1 c', "c a b", True),
        ('"a b" NEAR/2 b', "a b", False),
        ('"a b c" NEAR/2 b', "a b c", False),
        ("x NEAR/1 (b OR c)", "c y y y b x", True),
        ("queue* NEAR/2 (rude OR #slow)", "queues were #slow", True),
        ("queue* NEAR/2 (rude OR #slow)", "queues were slow", False),
        # Controls, emoji, half characters
        ("a b", "a\x00\x85b", True),
        ("a", "\ud800a\udfff", True),
        ("a", "👩\u200d💻 1️⃣ a", True),
    ],
)
def test_what_a_query_finds(terms: str, text: str, is_hit: bool) -> None:
    assert query.compile(terms).matches(text) is is_hit


@pytest.mark.parametrize(
    ("terms", "is_hit"),
    [
        ("source:reviews", True),
        ("source:Trustpilot", True),
        ("source:review", False),
        ('source:"REVIEWS"', True),
        ("lang:en", True),
        ("lang:en-US", True),
        ("lang:de", False),
        ("good NOT lang:de", True),
        ("good lang:de", False),
        ("LANG:EN Source:reviews", True),
    ],
)
def test_fields_ask_for_the_post_itself(terms: str, is_hit: bool) -> None:
    post = {"source": "Reviews", "platform": "trustpilot", "lang": "en-GB"}
    assert query.compile(terms).matches("good", **post) is is_hit


def test_a_field_of_a_post_that_does_not_say_is_no_hit() -> None:
    assert not query.compile("lang:en OR source:reviews").matches("good")
    assert query.compile("good NOT lang:en").matches("good")


@pytest.mark.parametrize("terms", ["", "  \n"])
def test_the_empty_query_matches_every_post(terms: str) -> None:
    assert query.compile(terms).matches("")


@pytest.mark.parametrize(
    ("terms", "tree", "printed"),
    [
        ("a b OR c", Or((And((word("a"), word("b"))), word("c"))), "a AND b OR c"),
        ("a AND (b AND (c))", And((word("a"), word("b"), word("c"))), "a AND b AND c"),
        ("a (b OR c)", And((word("a"), Or((word("b"), word("c"))))), "a AND (b OR c)"),
        ("a NOT (NOT b)", And((word("a"), Not(Not(word("b"))))), "a AND NOT (NOT b)"),
        ("(a OR b) NEAR/3 c", Near((word("a"), word("b")), (word("c"),), 3), "(a OR b) NEAR/3 c"),
        ("Wi-Fi*", Phrase(("wi", "fi"), is_prefix=True), '"wi fi*"'),
        ("珈琲", Phrase(("珈", "琲")), "珈琲"),
        ('"OR"', word("or"), '"or"'),
        ('"#Tag"', word("tag"), "tag"),
        ("@Pell.example*", Tag("@", "pell.example", is_prefix=True), "@pell.example*"),
        ('source:"My Shop"', Field("source", "my shop"), 'source:"my shop"'),
        ("lang:pt_BR", Field("lang", "pt"), "lang:pt"),
    ],
)
def test_how_a_query_is_read_and_printed(terms: str, tree: query.Expression, printed: str) -> None:
    assert query.parse(terms) == tree
    assert str(tree) == printed


@pytest.mark.parametrize(
    ("terms", "caret", "says"),
    [
        ("", 0, "nothing to find"),
        ("a ()", 2, "nothing to find"),
        ("a (b", 2, "never closed: add a )"),
        ("a) b", 1, "closes nothing"),
        ('a "b', 2, 'add another "'),
        ("a AND", 2, "AND has nothing after it"),
        ("a (OR b)", 3, "OR has nothing before it"),
        ("a OR AND b", 2, "OR has nothing after it"),
        ("NEAR/3 a", 0, "NEAR/3 has nothing before it"),
        ("a NOT NOT b", 6, "NOT cannot follow NOT"),
        ("a NEAR/2 NOT b", 9, "NOT cannot follow NEAR/2"),
        ("a NEAR b", 2, "NEAR/5"),
        ("a NEAR5 b", 2, "NEAR/5"),
        ("a NEAR/0 b", 2, "1 to 999"),
        ("a NEAR/99999999999999999 b", 2, "1 to 999"),
        ("a NEAR/2 b NEAR/2 c", 11, "(a NEAR/3 b) AND (b NEAR/3 c)"),
        ("a NEAR/2 (b c)", 2, "or an OR of these"),
        ("a NEAR/2 lang:en", 2, "or an OR of these"),
        ("NOT a", 0, "AND NOT"),
        ("a OR NOT b", 5, "AND NOT"),
        ("a or b", 2, "write OR in capitals"),
        ("rock And roll", 5, '"And" in quotes'),
        ("a near/3 b", 2, "write NEAR/3 in capitals"),
        ("a *", 2, "only end a word"),
        ("co*ee", 2, "only end a word"),
        ('"iced * tea"', 0, '"iced coff*"'),
        ("a -b", 2, "write  NOT"),
        ("a,b", 1, "write  OR"),
        ("a && b", 2, "write  AND"),
        ("'a b'", 0, '"double quotes"'),
        ("☕", 0, "emoji cannot be searched"),
        ('"☕"', 0, "no letter or digit"),
        ("#", 0, "needs a name"),
        ("author:me", 0, "only source: and lang:"),
        ("source: x", 0, "source:reviews"),
        ("lang:english", 0, "lang:en"),
    ],
)
def test_a_mistake_is_shown_with_its_place_and_fix(terms: str, caret: int, says: str) -> None:
    with pytest.raises(QueryError) as raised:
        query.parse(terms)
    message, shown, pointer = str(raised.value).splitlines()
    assert says in message
    assert shown.removeprefix("  ") == terms
    assert pointer == " " * (caret + 2) + "^"


def test_the_caret_stands_under_its_place_in_a_long_query_of_several_lines_and_wide_letters() -> None:
    with pytest.raises(QueryError) as raised:
        query.parse(f"first OR\n{'coffee ' * 20}珈琲 & more\nlast")
    _, shown, pointer = str(raised.value).splitlines()
    columns = [letter for letter in shown for _ in range(2 if letter in "珈琲" else 1)]
    assert columns[pointer.index("^")] == "&"
    assert len(shown) < 100
    assert "last" not in shown


@pytest.mark.parametrize(
    "terms",
    ["(" * 10_000 + "a" + ")" * 10_000, "a NOT " * 10_000 + "b", "NOT " * 10_000 + "a", "a OR " * 10_000 + "b"],
)
def test_a_query_beyond_its_bounds_is_refused(terms: str) -> None:
    with pytest.raises(QueryError):
        query.parse(terms)


def test_a_query_at_its_bounds_is_read_printed_and_matched() -> None:
    deep = "x"
    for _ in range(12):
        deep = f"(a OR NOT (b AND {deep}) AND c NEAR/2 d)"
    long = " ".join(f"(w{number} OR #t{number})" for number in range(2_000))
    for terms in (deep, long):
        tree = query.parse(terms)
        assert query.parse(str(tree)) == tree
        query.render(query.explain(tree, "a"), "a")


@pytest.mark.parametrize(
    "text",
    [
        "a ",
        "a",
        "@a.",
        "@a ",
        "#_",
        "a'",
        "a\u0301\u0323",
        "\u0301\u0323",
        "\u0e48\u0e38",
        "珈",
        "\u200b",
        "\x00",
        "\ud800",
    ],
)
def test_a_long_monotonous_text_takes_time_in_proportion(text: str) -> None:
    # What grows with the square of the length would not end here.
    assert not query.explain('"a b c" OR x* OR @b* OR a NEAR/3 y', "a" + text * (100_000 // len(text))).is_hit


def test_an_explanation_says_what_was_found_of_each_part_and_where() -> None:
    text = "Pellworth's queue: so slow at #PELLWORTH"
    terms = "pellworth AND queue NEAR/2 (slow OR rude) AND NOT (giveaway OR lang:de) OR @pellworth"
    explanation = query.explain(terms, text, lang="en")
    assert query.render(explanation, text).splitlines() == [
        f"HIT  {terms}",
        "yes  OR",
        "yes    AND",
        "yes      pellworth  0-11 \"Pellworth's\", 31-40 'PELLWORTH'",
        "yes      queue NEAR/2 (slow OR rude)  12-26 'queue: so slow'",
        "yes        queue  12-17 'queue'",
        "yes        slow  22-26 'slow'",
        "no         rude",
        "yes      NOT",
        "no         OR",
        "no           giveaway",
        "no           lang:de  the post is in en",
        "no     @pellworth",
    ]


def test_an_explanation_of_a_miss_shows_control_characters_escaped_and_long_finds_cut() -> None:
    text = "free \x1b " + "!" * 500 + "coffee " * 50
    miss, *lines = query.render(query.explain('"free coffee" coffee tea', text), text).splitlines()
    assert miss.startswith("MISS ")
    assert "'free \\x1b !!" in lines[1]
    assert len(lines[1]) < 120
    assert lines[2].endswith("and 47 more")
    assert lines[3] == "no     tea"
