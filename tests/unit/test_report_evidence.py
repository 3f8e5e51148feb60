"""A post as a reader may see it: nothing of the evidence lost, nothing clickable but the web."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlisten.report.evidence import ELLIPSIS, excerpt, web_link
from cxlisten.report.figures import Evidence


def post(text: str, start: int, end: int) -> Evidence:
    at = datetime(2026, 11, 15, tzinfo=UTC)
    return Evidence(0, "Oakhollow", "", "negative", 1, "agora", at, 3, None, text, start, end)


def test_a_short_post_is_whole() -> None:
    assert excerpt(post("the queue was endless today", 4, 21)) == ("the ", "queue was endless", " today")


def test_the_span_counts_code_points_not_bytes_or_surrogates() -> None:
    text = "😤👩‍👩‍👧 queue 🧾 was endless"
    start = text.index("queue")
    assert excerpt(post(text, start, start + 5)).marked == "queue"


def test_a_long_post_is_cut_around_its_evidence_at_spaces() -> None:
    text = "before " * 80 + "the queue was endless" + " after" * 80
    start = text.index("the queue")
    cut = excerpt(post(text, start, start + 21), width=100)
    assert cut.marked == "the queue was endless"
    assert cut.before.startswith(f"{ELLIPSIS} before")
    assert cut.after.endswith(f"after {ELLIPSIS}")
    assert len("".join(cut)) <= 110


@given(st.text(max_size=400), st.integers(-5, 500), st.integers(-5, 500))
def test_a_cut_shows_nothing_but_the_post(text: str, start: int, end: int) -> None:
    cut = excerpt(post(text, start, end), width=60)
    assert len("".join(cut)) <= 60 + 3 * 2
    for part in cut:
        assert part.replace(f" {ELLIPSIS}", "").replace(f"{ELLIPSIS} ", "").strip(ELLIPSIS) in text
    if len(text) <= 60:
        assert "".join(cut) == text


@pytest.mark.parametrize("url", ["https://agora.example/p/1?a=1&b=2", "http://agora.example"])
def test_a_web_address_is_a_link(url: str) -> None:
    assert web_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>", "//agora.example/p", "/p/1",
        "https://", "http://[::1", "ftp://agora.example", "file:///etc/passwd", " javascript:alert(1)",
    ],
)  # fmt: skip
def test_nothing_else_is_a_link(url: str | None) -> None:
    assert web_link(url) is None
