"""Brands: found however people write them, and never inside other words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlisten.classify.brands import Brands, brands_of
from cxlisten.errors import InputError
from cxlisten.models import Query

BRANDS = Brands(
    {
        "Bright Wing": ["@wing"],
        "Pellworth": ["Pellworth Coffee"],
        "M&S": ["Marks and Spencer"],
        "AT&T": [],
        "Pizza Hut": [],
        "Sainsbury's": [],
        "WeWork": [],
        "T-Mobile": [],
        "Doe": [],
        "資生堂": [],
    }
)


def found(text: str) -> list[tuple[str, str]]:
    return [(named.brand, text[named.start : named.end]) for named in BRANDS.find(text)]


@pytest.mark.parametrize(
    ("text", "brand", "words"),
    [
        ("at BRIGHT wing again", "Bright Wing", "BRIGHT wing"),
        ("Bright Wing's app", "Bright Wing", "Bright Wing's"),
        ("two bright wings", "Bright Wing", "bright wings"),
        ("bright-wing", "Bright Wing", "bright-wing"),
        ("BrightWing", "Bright Wing", "BrightWing"),
        ("#BrightWing", "Bright Wing", "BrightWing"),
        ("#brightwing's", "Bright Wing", "brightwing"),
        ("#NeverBrightWingAgain", "Bright Wing", "BrightWing"),
        ("@bright_wing_help", "Bright Wing", "bright_wing"),
        ("@wing.example.social", "Bright Wing", "wing"),
        ("Pellworth\u2019s", "Pellworth", "Pellworth\u2019s"),
        ("in Pellworth Coffee", "Pellworth", "Pellworth Coffee"),
        ("\uff50éllworth", "Pellworth", "\uff50éllworth"),
        ("www.pellworth.example", "Pellworth", "pellworth"),
        ("help@pellworth.example", "Pellworth", "pellworth"),
        ("marks & spencer", "M&S", "marks & spencer"),
        ("M and S", "M&S", "M and S"),
        ("#MS", "M&S", "MS"),
        ("@ATTHelp", "AT&T", "ATT"),
        ("sainsburys", "Sainsbury's", "sainsburys"),
        ("Sainsbury", "Sainsbury's", "Sainsbury"),
        ("#AskWeWork", "WeWork", "WeWork"),
        ("これは資生堂です", "資生堂", "資生堂"),
    ],
)
def test_a_brand_is_found_as_people_write_it(text: str, brand: str, words: str) -> None:
    assert found(text) == [(brand, words)]


@pytest.mark.parametrize("slip", ["pelworth", "pellwroth", "Pelllworth", "pellwurth", "#PelworthFail", "@pelworth"])
def test_a_slip_of_the_pen_is_seen_through(slip: str) -> None:
    assert [named.brand for named in BRANDS.find(f"oh {slip} again")] == ["Pellworth"]


@pytest.mark.parametrize(
    "text",
    [
        "brightwinged",
        "pellworthian",
        "#wing",
        "the wing of a bird",
        "look at T shirts",
        "it hurts, ms Doyle",
        "love pizza but not this",
        "we work hard",
        "my mobile is dead",
        "what does it cost",
        "pelwurth",
        "bright people wing it",
        "資生",
        "",
        "😀 ... @ #",
    ],
)
def test_nothing_is_found_in_other_words(text: str) -> None:
    assert found(text) == []


def test_the_best_spelt_then_the_longest_name_wins() -> None:
    brands = Brands({"Bright": [], "Bright Wing": [], "Larkline": [], "Larklines": []})
    assert [named.brand for named in brands.find("Bright Wing, bright, larklines, Larkline")] == [
        "Bright Wing", "Bright", "Larklines", "Larkline",
    ]  # fmt: skip


def test_what_is_nearly_two_names_is_neither() -> None:
    assert Brands({"Larkline": [], "Parkline": []}).find("Darkline") == []


def test_brands_in_text_order_each_time_that_they_are_named() -> None:
    assert [brand for brand, _ in found("AT&T beats pellworth, says @wing to AT&T")] == [
        "AT&T", "Pellworth", "Bright Wing", "AT&T",
    ]  # fmt: skip


def test_a_name_of_two_brands_is_refused() -> None:
    with pytest.raises(InputError, match='"bright-wing" is a name of Bright Wing and of Acme: give it to one'):
        Brands({"Bright Wing": [], "Acme": ["bright-wing"]})


def test_a_name_without_a_letter_is_refused() -> None:
    with pytest.raises(InputError, match='"🍎" cannot be found in a post'):
        Brands({"Apple": ["🍎"]})


def test_queries_name_their_brands_by_aliases_and_by_accounts_that_they_do_not_share() -> None:
    brands = brands_of(
        [
            Query(
                "pw", "Pellworth Coffee", "", aliases=("Pellworth",), handles=("pwhelp.example.social", "@fairgroup")
            ),
            Query("pw-de", "Pellworth Coffee", "", aliases=("Pellwert",)),
            Query("oak", "Oakhollow", "", handles=("@FairGroup",)),
        ]
    )
    text = "@PWhelp @pwhelp.example.social Pellworth, Pellwert and Pellworth Coffee, but @fairgroup, pwhelp, Oakhollow"
    assert [text[start:end] for _, start, end in brands.find(text)] == [
        "PWhelp", "pwhelp", "Pellworth", "Pellwert", "Pellworth Coffee", "Oakhollow",
    ]  # fmt: skip
    assert {brand for brand, *_ in brands.find(text)} == {"Pellworth Coffee", "Oakhollow"}


@given(st.text(), st.text())
def test_any_text_is_borne_and_a_brand_between_spaces_is_found(before: str, after: str) -> None:
    text = f"{before} Pellworth {after}"
    spans = [named[1:] for named in BRANDS.find(text)]
    assert any(start <= len(before) + 1 < end for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
