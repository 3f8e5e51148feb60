"""The page: the figures of the report, the posts as text and never as markup, and nothing from elsewhere."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from cxlisten.report import ReportSpec, build
from cxlisten.report.outputs.html import render
from cxlisten.taxonomy import RING_NAMES
from tests.invented_snapshot import InventedSnapshot

LAST = date(2026, 11, 15)
DASH = "\N{EN DASH}"
BEFORE = LAST - timedelta(days=7)
METRICS = {
    "n": 600,
    "ring_macro_f1": 0.6,
    "rings": {ring: {"f1": 0.61, "precision": 0.7, "recall": 0.54, "n": 80} for ring in RING_NAMES},
}
SPEC = ReportSpec(
    "weekly", "Weekly", datetime(2026, 11, 16, 8, 5, tzinfo=UTC), timezone="Europe/London", metrics=METRICS
)


@pytest.fixture
def world() -> InventedSnapshot:
    world = InventedSnapshot().query("Oakhollow").target("process", 20, "Customer Service")
    world.say("Oakhollow", BEFORE, "quick", ("process", "positive", "wait"), n=15)
    world.say("Oakhollow", BEFORE, "slow", ("process", "negative", "wait"), n=5)
    world.say("Oakhollow", LAST, "quick", ("process", "positive", "effort"), n=3)
    world.say("Oakhollow", LAST, "so so", ("process", "neutral", ""), n=1)
    world.say("Oakhollow", LAST, "slow", ("process", "negative", "wait"), n=16)
    world.say("Oakhollow", LAST, "dear", ("price", "negative", "level"), n=9)
    return world


def page_of(world: InventedSnapshot, tmp_path: Path, **changes: Any) -> LexborHTMLParser:
    return LexborHTMLParser(render(build(world.write(tmp_path), replace(SPEC, **changes))))


def cells(page: LexborHTMLParser, table: str) -> dict[str, list[str]]:
    """The text of each row's cells, by the row's heading."""
    return {
        first_words(row.css_first("th")): [words(cell) for cell in row.css("td")]
        for row in page.css(f"{table} tbody tr")
    }


def words(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())


def first_words(heading: LexborNode | None) -> str:
    assert heading is not None
    return heading.text(deep=False).strip() or words(heading)


def test_the_ring_table_shows_the_figures_worked_out_by_hand(world: InventedSnapshot, tmp_path: Path) -> None:
    rings = cells(page_of(world, tmp_path), "table.rings")

    assert tuple(rings) == RING_NAMES
    perceived, target, gap, change, score, n, owner = rings["process"][1:]
    # net -65: (3 - 16) / 20; the interval is that of test_report_figures; before +50, so the change is -115
    assert perceived == "\N{MINUS SIGN}65 \N{MINUS SIGN}92 to \N{MINUS SIGN}27"
    assert (target, gap, change) == ("+20", "\N{MINUS SIGN}85", "▼ \N{MINUS SIGN}115")
    assert (score, n, owner) == ("18", "20 (20)", "Customer Service")


def test_a_ring_below_the_floor_says_so_and_shows_only_its_n(world: InventedSnapshot, tmp_path: Path) -> None:
    page = page_of(world, tmp_path)
    assert cells(page, "table.rings")["price"] == [
        "not enough data", "not enough data", "none set", DASH, DASH, DASH, "9 (0)", "no owner",
    ]  # fmt: skip
    charts = {words(one.css_first("figcaption")): one for one in page.css(".courses figure")}  # type: ignore[arg-type]
    assert words(charts["price"]) == "price not enough data"
    assert charts["process"].css_first("svg") is not None


def test_the_course_is_there_in_figures_for_who_cannot_see_the_chart(world: InventedSnapshot, tmp_path: Path) -> None:
    course = cells(page_of(world, tmp_path), "table.course")
    assert course["process"] == [f"{DASH} n 0"] * 10 + ["+50 n 20", "\N{MINUS SIGN}65 n 20"]
    assert course["price"][-1] == f"{DASH} n 9"


def test_the_levers_name_owner_facets_and_n(world: InventedSnapshot, tmp_path: Path) -> None:
    assert cells(page_of(world, tmp_path), "table.levers") == {
        "process": ["Customer Service", "\N{MINUS SIGN}85", "20", "wait \N{MINUS SIGN}80 n 16"]
    }


def test_coverage_adds_up_on_the_page(world: InventedSnapshot, tmp_path: Path) -> None:
    world.fetch("Oakhollow", LAST, n_asked=2, n_fetched=4, n_mapped=4, n_known=3, n_unmatched=1)
    world.reject("Oakhollow", LAST, "no id")
    world.fetch("Oakhollow", LAST, n_fetched=2, n_mapped=2, n_new=2, n_deleted=2)
    page = page_of(world, tmp_path)
    (source,) = (list(map(int, row)) for row in cells(page, "table.coverage").values())
    asked, fetched, mapped, rejected, unmatched, known, new, deleted, folded, noise, tagged, untagged, _ = source
    assert (asked, fetched, rejected, new, deleted) == (2, 56, 1, 51, 2)
    assert fetched == mapped + rejected
    assert mapped == unmatched + known + new
    assert new == deleted + folded + noise + tagged + untagged
    assert "reviews: 1 rejected, no id" in words(page.body)  # type: ignore[arg-type]


HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)> "slow" & 'late' </p></blockquote>{{ 7*7 }}"""


def test_a_post_is_text_and_never_markup(world: InventedSnapshot, tmp_path: Path) -> None:
    world.say(
        "Oakhollow", LAST, HOSTILE, ("process", "negative", "wait"), evidence="<img src=x onerror=alert(2)>", likes=9
    )
    page = page_of(world, tmp_path)
    quote = page.css_first("blockquote p")
    assert quote is not None
    assert quote.text() == HOSTILE
    assert [mark.text() for mark in quote.css("mark")] == ["<img src=x onerror=alert(2)>"]
    assert page.css("script, img, iframe, object, embed, link, form, base") == []
    assert [node for node in page.css("*") if any(name.startswith("on") for name in node.attributes)] == []


def test_names_from_the_config_and_the_platforms_are_text_too(tmp_path: Path) -> None:
    evil = "<b>Oak</b>\\1"
    world = InventedSnapshot().query(evil).target("process", 20, "<i>me</i>")
    world.say(evil, LAST, "slow", ("process", "negative", "<u>wait</u>"), n=20, source="<s>", platform="<s>")
    world.reject(evil, LAST, "<u>")
    world.gap(evil, "<s>", "<u>", None, None)
    page = page_of(world, tmp_path, title="<u>Weekly</u>", metrics=None)
    assert page.css("i, u, s") == []
    assert first_words(page.css_first("section.brand h2")) == evil
    assert page.css_first("section.brand figure title").text().startswith(evil)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("url", "links"), [("https://agora.example/p?a=1&b='2'", 1), ("javascript:alert(1)", 0), ("/p", 0), (None, 0)]
)
def test_only_web_addresses_are_links(tmp_path: Path, url: str | None, links: int) -> None:
    world = InventedSnapshot().query("Oakhollow")
    world.say("Oakhollow", LAST, "slow", ("process", "negative", "wait"), url=url)
    found = page_of(world, tmp_path).css("blockquote a")
    assert [(link.attributes["href"], link.attributes["rel"]) for link in found] == [(url, "noopener nofollow")] * links


def test_the_mark_is_right_after_characters_outside_the_basic_plane(tmp_path: Path) -> None:
    world = InventedSnapshot().query("Oakhollow")
    text = "😤👩‍👩‍👧🤦🏽‍♀️ done: the queue was endless 🧾"
    world.say("Oakhollow", LAST, text, ("process", "negative", "wait"), evidence="the queue was endless")
    page = page_of(world, tmp_path)
    assert [mark.text() for mark in page.css("mark")] == ["the queue was endless"]
    assert page.css_first("blockquote p").text() == text  # type: ignore[union-attr]


def test_the_page_asks_for_nothing_from_elsewhere(world: InventedSnapshot, tmp_path: Path) -> None:
    html = render(build(world.write(tmp_path), SPEC))
    page = LexborHTMLParser(html)
    policy = page.css_first("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert "default-src 'none'" in (policy.attributes["content"] or "")
    assert "script-src" not in (policy.attributes["content"] or "")
    assert [node for node in page.css("[src], [srcset], [data], [action]") if node] == []
    assert re.findall(r"url\((?!#)|@import", html) == []
    targets = {node.attributes["xlink:href"] for node in page.css("use")}
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert {f"#{one}" for one in ids} >= targets
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("period_days", [0, 7])
def test_an_empty_snapshot_is_a_page_that_says_so(tmp_path: Path, period_days: int) -> None:
    page = page_of(InventedSnapshot(), tmp_path, period_days=period_days, brands=("Oakhollow", "Amberway"))
    text = words(page.body)  # type: ignore[arg-type]
    assert "No mention has been collected yet" in text
    assert first_words(page.css_first("h1")).startswith("Not enough data to say what moved")
    figures = {cell for table in ("summary", "rings") for row in cells(page, f"table.{table}").values() for cell in row}
    assert figures <= {"not enough data", "not enough data n 0", "none set", DASH, "0", "0 (0)", "no owner"}
    assert "Share of voice" not in text


def test_a_brand_without_posts_stands_beside_one_with(world: InventedSnapshot, tmp_path: Path) -> None:
    world.query("Amberway")
    page = page_of(world, tmp_path, brands=("Oakhollow", "Amberway"))
    summary = cells(page, "table.summary")
    assert summary["Amberway"] == ["not enough data n 0"] * 6
    assert summary["Oakhollow"][3] == "\N{MINUS SIGN}65 ▼ n 20"
    assert words(page.css_first("h1")).startswith("Oakhollow: process fell 115 points")  # type: ignore[arg-type]


def test_the_classifier_is_named_with_its_measured_scores(world: InventedSnapshot, tmp_path: Path) -> None:
    page = page_of(world, tmp_path)
    assert "Read by cues , version 3 (29 posts" in words(page.css_first(".colophon"))  # type: ignore[arg-type]
    assert cells(page, "table.metrics")["people"] == ["0.61", "0.70", "0.54", "80"]
    assert page_of(world, tmp_path / "unmeasured", metrics=None).css("table.metrics") == []


def test_times_are_those_of_the_readers(world: InventedSnapshot, tmp_path: Path) -> None:
    html = render(build(world.write(tmp_path), replace(SPEC, produced_at=datetime(2026, 7, 1, 12, tzinfo=UTC))))
    assert "Produced 1 July 2026, 13:00 BST" in " ".join(html.split())


def test_the_same_report_gives_the_same_small_page(world: InventedSnapshot, tmp_path: Path) -> None:
    state = world.write(tmp_path)
    pages = {render(build(state, SPEC)) for _ in range(2)}
    assert len(pages) == 1
    (page,) = pages
    assert max(len(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)) < 25_000
