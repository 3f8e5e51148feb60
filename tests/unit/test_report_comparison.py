"""Comparing two classifiers: what each ring's trend is under one and under the other."""

import json

import pytest
from click.testing import CliRunner

from cxlisten.cli import main
from cxlisten.errors import InputError
from cxlisten.report.comparison import compare
from tests.unit.conftest import World, make_post
from tests.unit.readers import Readers

GOOD, BAD, FINE = [("product", "positive")], [("product", "negative")], [("product", "neutral")]


@pytest.fixture
def compared(world: World) -> World:
    """Four posts that both have read and one copy; in April a fifth that only the first has read."""
    texts = {
        "1": "a kettle of some kind",
        "2": "and a lid for it",
        "3": "on the bus home now",
        "4": "what a spout it has",
    }
    posts = [make_post(native_id, text, 40 * (native_id == "4")) for native_id, text in texts.items()]
    world.land([*posts, make_post("5", "A kettle of some kind!", 1)], {"1": GOOD, "2": GOOD, "5": GOOD})
    world.load()
    Readers(world).read("new", {"1": BAD, "2": GOOD, "4": FINE, "5": BAD}, noise={"3": ["promotion"]})
    world.land([make_post("6", "nobody else has read this", 40)], {"6": BAD})
    world.load()
    world.publish()
    return world


def test_a_ring_under_both_worked_by_hand(compared: World) -> None:
    product, *others = compare(compared.state, "stub@1", "new@1", by_month=False)
    assert (product.month, product.ring, product.n_mentions, product.n_before, product.n_after) == (
        None, "product", 4, 2, 3,
    )  # fmt: skip
    assert (product.share_before, product.share_after, product.share_change) == (
        50,
        100,
        50,
    )  # the noise is not counted
    assert (product.net_before, product.net_after, product.net_change) == (100, 0, -100)
    assert (product.score_before, product.score_after, product.score_change) == (100, 50, -50)
    assert product.agreement == 33.3  # of 1, 2 and 4 only 2
    assert {(row.n_before, row.n_after, row.net_before, row.agreement) for row in others} == {(0, 0, None, None)}


def test_by_month_and_after_a_switch_it_says_the_same(compared: World) -> None:
    before = compare(compared.state, "stub@1", "new@1", by_month=True)
    months = [
        (f"{row.month:%Y-%m}", row.n_mentions, row.n_before, row.n_after) for row in before if row.ring == "product"
    ]
    assert months == [("2026-03", 3, 2, 2), ("2026-04", 1, 0, 1)]
    Readers(compared).use("new")
    compared.publish()
    assert compare(compared.state, "stub@1", "new@1", by_month=True) == before


def test_who_has_read_nothing_is_an_error_that_names_those_who_have(compared: World) -> None:
    with pytest.raises(InputError, match='nothing is tagged by "old@1"; there is new@1, stub@1'):
        compare(compared.state, "old@1", "new@1", by_month=False)


def test_the_command_prints_rows(compared: World) -> None:
    done = CliRunner().invoke(
        main, ["compare", "stub@1", "new@1", "--by-month", "--format", "json", "--state", str(compared.state)]
    )
    assert [row["net_change"] for row in json.loads(done.stdout) if row["ring"] == "product"] == [-100, None]
    table = CliRunner().invoke(main, ["compare", "stub@1", "new@1", "--state", str(compared.state)])
    assert "month" not in table.stdout
    assert "agreement" in table.stdout
