"""Money: a run stops at the budget of the month, what was spent is told by the day, and nothing is lost by it."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner

from cxlisten import pipeline
from cxlisten.cli import main
from cxlisten.collect.spending import Spending
from cxlisten.errors import ConfigError, QuotaExhausted
from cxlisten.landing import Landing
from cxlisten.pipeline import Project
from tests.faults.platforms.x import PLATFORM as FakeX


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    fake = FakeX(tmp_path)
    for name, value in fake.secrets.items():
        monkeypatch.setenv(name, value)
    yield fake
    fake.close()


def project(folder: Path, platform: Any, budget: str) -> Project:
    options = "\n".join(f"{name} = {json.dumps(value)}" for name, value in platform.options().items())
    (folder / "cxlisten.toml").write_text(
        '[[query]]\nname = "q"\nbrand = "Kettle"\nterms = ""\n' + f'[[source]]\nname = "x"\n{budget}\n{options}\n'
    )
    return pipeline.open_project(folder / "cxlisten.toml", folder / "state")


def test_a_platform_that_costs_money_needs_a_budget(tmp_path: Path, platform: Any) -> None:
    with pytest.raises(ConfigError, match="monthly_budget = 25"):
        project(tmp_path, platform, "")


def test_stops_at_the_budget_and_goes_on_with_a_higher_one(tmp_path: Path, platform: Any) -> None:
    poor = project(tmp_path, platform, "monthly_budget = 0.6")
    pipeline.collect(poor, "x", "q")
    spent = Spending(poor.state).this_month("x")
    assert 0 < spent <= 0.6
    n_asked = len(platform.server.requests)
    with suppress(QuotaExhausted):  # where nothing at all is left; else too little for another page
        pipeline.collect(poor, "x", "q")
    assert len(platform.server.requests) == n_asked
    header = Landing(poor.state).last_header("x", "q")
    assert header
    assert not header.complete

    rich = project(tmp_path, platform, "monthly_budget = 100")
    pipeline.collect(rich, "x", "q", Event())
    header = Landing(rich.state).last_header("x", "q")
    assert header
    assert header.complete


def test_the_ledger_adds_up_by_day_and_survives_half_a_line(tmp_path: Path) -> None:
    ledger = Spending(tmp_path)
    ledger.record("x", "q", 0.5, 100)
    ledger.record("x", "r", 0.25, 50)
    ledger.record("hn", "q", 0.0, 1_000)
    with (tmp_path / "spending.jsonl").open("a") as file:
        file.write('{"at": "2026-01')
    assert ledger.by_day() == [(datetime.now(UTC).date(), "x", 150, 0.75)]
    assert (ledger.this_month("x"), ledger.this_month("hn")) == (0.75, 0)


def test_estimate_spent_and_plan_on_the_command_line(tmp_path: Path, platform: Any) -> None:
    found = project(tmp_path, platform, "monthly_budget = 5")
    where = ["--config", str(tmp_path / "cxlisten.toml"), "--state", str(found.state)]

    def say(*words: str) -> Any:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        return done

    (row,) = json.loads(say("estimate", *where, "--format", "json").stdout)
    assert row["requests"] > 1
    assert row["money"] == pytest.approx(row["posts"] * 0.005, abs=0.001)
    assert "0.00 of this month's 5.00" in say("estimate", *where).stderr
    pipeline.collect(found, "x", "q")
    (row,) = json.loads(say("spent", "--state", str(found.state), "--format", "json").stdout)
    assert row["source"] == "x"
    assert row["money"] > 0
    assert "applies here" in say("query", "plan", *where).stdout
