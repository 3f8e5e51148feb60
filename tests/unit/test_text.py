"""Text as a reader sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlisten.collect.text import clean, html_to_text, join_title


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain, 3 > 2", "plain, 3 > 2"),
        ("<p>One <b>bold</b></p><p>Two</p>", "One bold\n\nTwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("It&#x27;s &amp; &lt;that&gt; &nbsp; x", "It's & <that> x"),
        ("&amp;lt;", "&lt;"),
        ("<ul>\n<li>a</li>\n<li>b</li></ul>", "a\nb"),
        ("<div>a</div><div><div>b</div></div>c", "a\nb\nc"),
        ("a<script>x()</script><style>b{}</style>c<!-- note -->", "ac"),
        ('<a href="https://x.org/long">https://x.org/lo...</a>', "https://x.org/long"),
        ('<a href="https://x.org/long">x.org/lo…</a>', "https://x.org/long"),
        ('<a href="https://x.org/">our shop</a>', "our shop"),
        ('<a href="https://x.org/shop">shop</a>', "shop"),
        ("<img src=x onerror=alert(1)>hi", "hi"),
        ("<b>never closed", "never closed"),
        ("zero\u200bwidth \u202ebidi", "zero\u200bwidth \u202ebidi"),
        ("", ""),
    ],
)
def test_html_as_a_browser_shows_it(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_reads_within_one_element() -> None:
    html = '<div class="md"><p>body</p></div> submitted by someone'
    assert html_to_text(html, within="div.md") == "body"
    assert html_to_text("no such element", within="div.md") == ""


def test_a_deep_nest_is_no_trouble() -> None:
    assert html_to_text("<div>" * 5_000 + "deep") == "deep"
    with pytest.raises(ValueError, match="KiB"):
        html_to_text("<div>" * 500_000 + "deep")


@given(st.text())
def test_any_text_can_be_kept(text: str) -> None:
    for kept in (clean(text), html_to_text(text)):
        kept.encode("utf-8")
        assert "\0" not in kept
        assert clean(kept) == kept


def test_cleans() -> None:
    assert clean(" a\r\nb\rc\0\ud83d e\u0301 ") == "a\nb\nc\ufffd \u00e9"


@pytest.mark.parametrize(
    ("title", "body", "text"),
    [
        ("Title", "Body", "Title\nBody"),
        ("Title", None, "Title"),
        (None, "Body", "Body"),
        (None, None, ""),
        ("The start of the…", "The start of the text", "The start of the text"),
        ("Same", "Same", "Same"),
    ],
)
def test_a_title_is_a_first_line_unless_the_body_opens_with_it(title: str | None, body: str | None, text: str) -> None:
    assert join_title(title, body) == text
