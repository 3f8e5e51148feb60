"""Every report channel, found by itself: a documented, pure function from a report to text."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cxlisten.errors import InputError
from cxlisten.report import Report, ReportSpec, build, channel_names, load_channel, outputs
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
    render = load_channel(name).render
    assert (sys.modules[render.__module__].__doc__ or "").strip(), (
        f"{name}.py: begin with what the channel is, in quotes"
    )
    assert (render.__doc__ or "").strip(), f"{name}.py: say under `def render` what it gives"
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    first = render(report)
    assert isinstance(first, str), f"{name}.py: render gives text; whoever calls it writes the file"
    assert first == render(report), f"{name}.py: the same report must give the same text"
    assert list((tmp_path / "empty").iterdir()) == [], f"{name}.py: render writes no file"


@pytest.mark.parametrize("name", channel_names())
def test_a_channel_tells_every_brand_and_no_number_without_data(name: str, report: Report) -> None:
    text = load_channel(name).render(report)
    assert "Oakhollow" in text, f"{name}.py: name every brand of report.brands"
    if all(ring.figure.net_sentiment is None for brand in report.brands for ring in brand.rings):
        assert "not enough data" in text.lower(), f'{name}.py: say "not enough data" where a net_sentiment is None'


def test_an_unknown_channel_is_the_callers_mistake() -> None:
    with pytest.raises(InputError, match=r"there is .*html"):
        load_channel("pigeon")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bare", "", r'outputs/bare\.py must have  SUFFIX = "\.txt"  and  def render\(report: Report\) -> str'),
        ("endless", "def render(report): return ''", "SUFFIX"),
        ("silent", "SUFFIX = '.txt'", "render"),
        ("broken", "import nowhere", "broken.py cannot be imported: ModuleNotFoundError: .*nowhere"),
    ],
)
def test_a_file_that_is_no_channel_is_told_what_it_lacks(
    name: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(outputs, "__path__", [*outputs.__path__, str(tmp_path)])
    assert name in channel_names()
    with pytest.raises(InputError, match=message):
        load_channel(name)
