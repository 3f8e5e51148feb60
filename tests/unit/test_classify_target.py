"""Target: of several brands in a post, the one that the words of a tag are about."""

import pyarrow as pa
import pytest

from cxlisten.classify import TAGS, TEXTS
from cxlisten.classify.brands import Brands
from cxlisten.classify.target import Targets, target
from cxlisten.models import Query

BRANDS = Brands({"Pellworth": ["@pellworth"], "Oakhollow": ["@oakhollowhome"], "Larkline": []})


def about(text: str, evidence: str) -> str | None:
    start = text.index(evidence)
    return target(text, BRANDS.find(text), (start, start + len(evidence)))


@pytest.mark.parametrize(
    ("text", "evidence", "brand"),
    [
        ("Rude staff, as always at Larkline.", "Rude staff", "Larkline"),
        ("Rude staff.", "Rude staff", None),
        ("Pellworth is lovely, Oakhollow is filthy", "is filthy", "Oakhollow"),
        ("Pellworth is lovely, Oakhollow is filthy", "lovely", "Pellworth"),
        ("Pellworth had a queue but at Oakhollow I was served at once", "a queue", "Pellworth"),
        ("I left Pellworth. The staff at Oakhollow are rude.", "The staff at Oakhollow are rude.", "Oakhollow"),
        ("I left Pellworth last year. The staff at Oakhollow are rude.", "staff", "Oakhollow"),
        ("Went to Pellworth, then to Oakhollow. The queue was huge.", "The queue was huge.", "Oakhollow"),
        ("Rude staff. Never again @pellworth. Off to @oakhollowhome", "Rude staff.", "Pellworth"),
        ("Oakhollow could learn manners from Pellworth", "Oakhollow could learn manners from Pellworth", "Oakhollow"),
    ],
)  # fmt: skip
def test_the_nearest_brand_is_meant(text: str, evidence: str, brand: str | None) -> None:
    assert about(text, evidence) == brand


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("cheaper than Oakhollow, that's Pellworth", "Pellworth"),
        ("Unlike at Pellworth, the staff at Oakhollow are rude", "Oakhollow"),
        ("Switched from Pellworth to Oakhollow: so cheap", "Oakhollow"),
        ("Better service than @pellworth and cheaper than @oakhollowhome", "Pellworth"),
    ],
)
def test_what_a_brand_is_held_against_is_not_meant(text: str, brand: str) -> None:
    assert about(text, text) == brand


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("Pellworth and Oakhollow are both overpriced", "overpriced"),
        ("@pellworth @oakhollowhome your staff are rude", "your staff are rude"),
        ("Larkline, Pellworth & Oakhollow: all dear", "Larkline, Pellworth & Oakhollow: all dear"),
    ],
)
def test_brands_in_one_breath_share_the_tag(text: str, evidence: str) -> None:
    assert about(text, evidence) is None


def test_evidence_on_both_sides_of_a_turn_does_not_tell() -> None:
    text = "Pellworth is slow but Oakhollow staff were lovely"
    assert about(text, text) is None


def filled(text: str, evidence: str, *queries: Query) -> str | None:
    """The target that is filled in for one tag of one post."""
    start = text.index(evidence)
    ring = {"ring": "people", "evidence_start": start, "evidence_end": start + len(evidence)}
    rows = [{"id": "1", "rings": []}, {"id": "2", "lang": "en", "rings": [ring]}]
    texts = pa.RecordBatch.from_pylist([{"text": "Pellworth, not Oakhollow"}, {"text": text}], TEXTS)
    tags = Targets(queries).fill(pa.RecordBatch.from_pylist(rows, TAGS), texts)
    assert tags.schema == TAGS
    first, second = tags.to_pylist()
    assert first["rings"] == []
    return str(second["rings"][0]["target"] or "") or None


PELLWORTH = Query("pw", "Pellworth Coffee", "pellworth*", aliases=("Pellworth",))
NEXT = Query("next", "Next", "next NEAR/3 (shop OR staff)")


@pytest.mark.parametrize(
    ("text", "queries", "query"),
    [
        ("Pellworth is slow but Next staff were lovely", (PELLWORTH, NEXT), "next"),
        ("Pellworth is slow but Next staff were lovely", (PELLWORTH,), None),
        ("Off to Pellworth. Next week more lovely lattes", (PELLWORTH, NEXT), None),
        ("The Next staff were lovely", (PELLWORTH, NEXT), None),
        ("lovely Pellworth, dull Next shop", (Query("first", "Pellworth Coffee", "a"), PELLWORTH, NEXT), "first"),
        ("lovely, no Pellworth, dull Next shop", (PELLWORTH, NEXT, Query("reviews", "Oakhollow", "")), None),
        ("lovely", (Query("a", "!", ""),), None),
    ],
)
def test_it_is_filled_in_where_several_brands_are_named_that_their_queries_find(
    text: str, queries: tuple[Query, ...], query: str | None
) -> None:
    assert filled(text, "lovely", *queries) == query
