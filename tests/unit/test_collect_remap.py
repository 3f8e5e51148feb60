"""A platform that changes its format: the run says so, keeps what it got, and maps it later without a fetch."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cxlisten import pipeline
from cxlisten.cli import main
from cxlisten.collect.sources.hackernews import HackerNews
from cxlisten.errors import Protocol
from cxlisten.landing import Landing
from cxlisten.pipeline import Project
from cxlisten.store import open_working
from tests.faults.platforms.hackernews import PLATFORM as FakeHackerNews


@pytest.fixture
def platform(tmp_path: Path) -> Any:
    fake = FakeHackerNews(tmp_path)
    yield fake
    fake.close()


@pytest.fixture
def project(tmp_path: Path, platform: Any) -> Project:
    options = "\n".join(f"{name} = {json.dumps(value)}" for name, value in platform.options().items())
    config = tmp_path / "cxlisten.toml"
    config.write_text(f'[[query]]\nname = "q"\nbrand = "B"\nterms = ""\n[[source]]\nname = "hackernews"\n{options}\n')
    return pipeline.open_project(config, tmp_path / "state")


def load(project: Project) -> None:
    pipeline.classify(project, "cx_spacy")
    pipeline.load(project)


def counts(project: Project) -> tuple[int, int]:
    with open_working(project.state) as con:
        return con.execute("select (select count(*) from posts), (select count(*) from rejects)").fetchall()[0]


def test_a_changed_format_is_told_kept_and_mapped_later(
    project: Project, platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(self: HackerNews, item: Any, fetched_at: Any) -> Any:
        raise ValueError("objectID is missing")

    with monkeypatch.context() as patch:
        patch.setattr(HackerNews, "post", unknown)
        with pytest.raises(Protocol, match=r"mapped 0 of \d+ items.*cxlisten remap hackernews"):
            pipeline.collect(project, "hackernews", "q")
    cursor = Landing(project.state).last_header("hackernews", "q")
    n_asked = len(platform.server.requests)
    load(project)
    assert counts(project)[0] == 0

    done = CliRunner().invoke(
        main, ["remap", "hackernews", "--config", str(project.state.parent / "cxlisten.toml"), "--state",
               str(project.state)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert len(platform.server.requests) == n_asked
    after = Landing(project.state).last_header("hackernews", "q")
    assert cursor
    assert after
    assert (after.cursor_after, after.complete) == (cursor.cursor_after, cursor.complete)
    load(project)
    assert counts(project) == (len(platform.posts()), platform.n_bad)
