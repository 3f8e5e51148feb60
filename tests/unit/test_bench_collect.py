"""The bench of collect: all that it counts was landed, and what it shows can be read."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cxlisten.bench import collect as bench
from cxlisten.cli import main


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SIZES", replace(bench.SIZES, posts=3_000, rounds=1, backfills=(500,)))


def figures(*options: str) -> Any:
    done = CliRunner().invoke(main, ["bench", "collect", *options])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.usefixtures("small")
def test_measures_speed_and_memory() -> None:
    report = json.loads(figures("--json"))
    assert report["n"] == 3_000
    assert report["speed"]["collect"]["per_s"]["median"] > 0
    assert 0 < report["share"]["wall"]["median"] < 2
    assert report["peak_mb"]["500"] > 20


@pytest.mark.usefixtures("small")
def test_shows_them() -> None:
    shown = figures()
    assert "the platform alone" in shown
    assert "for 500 posts" in shown


def test_lands_every_post_once(tmp_path: Path) -> None:
    with bench._platform(1_700) as url:
        bench._collect(url, tmp_path)
    assert bench._n_landed(tmp_path) == 1_700
