"""Every report channel, found by itself: a documented, pure function from a report to text."""

import inspect
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cxlisten.errors import InputError
from cxlisten.report import Report, ReportSpec, build, channel_names, load_channel
from tests.invented_snapshot import InventedSnapshot

DAY = date(2026, 11, 15)


@pytest.fixture(params=["empty", "full"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Report:
    world = InventedSnapshot().query("Oakhollow").target("process", 20, "Customer Service")
    if request.param == "full":
        world.say("Oakhollow", DAY, "slow, <slow>", ("process", "negative", "wait"), n=12)
        world.say("Oakhollow", DAY, "hm")
    spec = ReportSpec("weekly", "Weekly", datetime(2026, 11, 16, tzinfo=UTC))
    return build(world.write(tmp_path), spec)


def test_there_is_a_channel() -> None:
    assert "html" in channel_names()


@pytest.mark.parametrize("name", channel_names())
def test_a_channel_is_pure_and_says_what_it_is(
    name: str, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = load_channel(name)
    assert (inspect.getmodule(render).__doc__ or "").strip()  # type: ignore[union-attr]
    assert (render.__doc__ or "").strip()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    first = render(report)
    assert isinstance(first, str)
    assert first == render(report)
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("name", channel_names())
def test_a_channel_tells_every_brand_and_no_number_without_data(name: str, report: Report) -> None:
    text = load_channel(name)(report)
    assert "Oakhollow" in text
    if all(ring.figure.net_sentiment is None for brand in report.brands for ring in brand.rings):
        assert "not enough data" in text.lower()


def test_an_unknown_channel_is_the_callers_mistake() -> None:
    with pytest.raises(InputError, match=r"there is .*html"):
        load_channel("pigeon")
