"""init, doctor and how Airflow is started, on the command line: what a newcomer meets first."""

import importlib.util
import json
import signal
import socket
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from cxlisten.cli import main, servers
from cxlisten.cli.airflow import environment
from cxlisten.cli.setup import up
from cxlisten.collect.http import Http
from cxlisten.landing import Landing
from cxlisten.models import Batch, Query
from cxlisten.store import LOCK
from tests.faults.platforms.hackernews import PLATFORM as FakeHackerNews
from tests.faults.platforms.x import PLATFORM as FakeX


def cxlisten(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def started(tmp_path: Path) -> Path:
    """A folder as `cxlisten init` leaves it."""
    folder = tmp_path / "new"
    assert cxlisten("init", folder).exit_code == 0
    return folder


def test_init_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    done = cxlisten("init", tmp_path)
    assert f"wrote {tmp_path / 'cxlisten.toml'}" in done.stderr
    assert f"cxlisten run --config {tmp_path / 'cxlisten.toml'}" in done.stderr
    assert done.stdout == ""


def test_init_overwrites_nothing(started: Path) -> None:
    again = cxlisten("init", started)
    assert again.exit_code == 2
    assert "already there" in again.stderr


@pytest.mark.parametrize("kind", ["hackernews", "mastodon", "bluesky", "lemmy", "discourse", "rss", "reddit", "x"])
def test_init_for_a_platform_gives_a_config_that_is_in_order(kind: str, tmp_path: Path) -> None:
    done = cxlisten("init", tmp_path, "--source", kind, "--brand", "Zażółć Café 24")
    assert done.exit_code == 0, done.output
    plan = cxlisten("query", "plan", "--config", tmp_path / "cxlisten.toml", "--state", tmp_path / "state")
    assert plan.exit_code == 0, plan.output
    assert f" on {kind} ({kind})" in plan.stdout
    assert ("in the environment" in done.stderr) == (kind in {"reddit", "x"})


def test_init_for_several_platforms_asks_for_no_account(tmp_path: Path) -> None:
    free = ("hackernews", "mastodon", "bluesky", "rss")
    done = cxlisten("init", tmp_path, *(word for kind in free for word in ("--source", kind)))
    assert "environment" not in done.stderr
    assert (tmp_path / "cxlisten.toml").read_text().count("[[source]]") == 4


@pytest.mark.parametrize("words", [("--source", "myspace"), ("--source", "rss", "--brand", "it's")])
def test_init_says_what_it_cannot_listen_for(words: tuple[str, ...], tmp_path: Path) -> None:
    done = cxlisten("init", tmp_path, *words)
    assert done.exit_code == 2
    assert not (tmp_path / "cxlisten.toml").exists()


def test_doctor_finds_the_starter_in_order(started: Path, tmp_path: Path) -> None:
    done = cxlisten("doctor", "--config", started / "cxlisten.toml", "--state", tmp_path / "state")
    assert done.exit_code == 0, done.output
    assert "problem" not in done.stdout
    assert 'text is "text"' in done.stdout
    assert "nothing is published yet; cxlisten run  does it" in done.stdout


def listening(folder: Path, kind: str, platform: Any, terms: str) -> list[str | Path]:
    """A config that listens on a fake platform, as options of the command line."""
    options = "\n".join(f"{name} = {json.dumps(value)}" for name, value in platform.options().items())
    (folder / "cxlisten.toml").write_text(
        f"[[query]]\nname = 'kettles'\nbrand = 'Kettles'\nterms = {terms!r}\n[[source]]\nname = '{kind}'\n{options}\n"
    )
    return ["--config", folder / "cxlisten.toml", "--state", folder / "state"]


def test_doctor_tells_a_clock_that_is_off(tmp_path: Path) -> None:
    platform = FakeHackerNews(tmp_path)
    platform.server.clock = lambda: datetime.now(UTC) - timedelta(minutes=4)
    where = listening(tmp_path, "hackernews", platform, "kettle")
    done = cxlisten("doctor", *where)
    assert "problem  this machine's clock is 4 minutes ahead" in done.stdout
    platform.server.clock = lambda: datetime.now(UTC)
    assert "this machine's clock" not in cxlisten("doctor", *where).stdout
    Http.clock_ahead = timedelta(minutes=4)  # by a source that is not asked now
    assert "this machine's clock" not in cxlisten("doctor").stdout
    platform.close()


def test_doctor_tells_what_a_platform_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = FakeX(tmp_path)
    where = listening(tmp_path, "x", platform, " ".join(f"kettle{n}" for n in range(60)))
    config = tmp_path / "cxlisten.toml"
    config.write_text(config.read_text() + "monthly_budget = 5\n")
    assert "X_BEARER_TOKEN is not set" in cxlisten("doctor", *where).stdout
    for name, value in platform.secrets.items():
        monkeypatch.setenv(name, value)
    done = cxlisten("doctor", *where)
    assert done.exit_code == 2
    assert "of 512 characters" in done.stdout
    platform.close()


def test_doctor_names_every_mistake_of_the_config(started: Path, tmp_path: Path) -> None:
    config = started / "cxlisten.toml"
    config.write_text(config.read_text().replace("target = 40", "target = 400").replace('role = "own"', 'rol = "own"'))
    done = cxlisten("doctor", "--config", config, "--state", tmp_path)
    assert done.exit_code == 2
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert any("target" in line and "400" in line for line in problems)
    assert any('unknown key "rol"; did you mean "role"?' in line for line in problems)


def test_doctor_finds_a_source_that_cannot_be_read(started: Path, tmp_path: Path) -> None:
    (started / "posts.csv").unlink()
    done = cxlisten("doctor", "--config", started / "cxlisten.toml", "--state", tmp_path)
    assert done.exit_code == 2
    assert f"problem  source posts: {started / 'posts.csv'}: there is no such file" in done.stdout


def test_doctor_tells_a_held_store_and_files_that_wait(started: Path, tmp_path: Path) -> None:
    (tmp_path / "cxlisten.duckdb").touch()
    Landing(tmp_path).write("posts", Query("pellworth", "Pellworth", ""), "f", Batch({}), Counter(), True, b"key")
    with FileLock(tmp_path / LOCK):
        done = cxlisten("doctor", "--config", started / "cxlisten.toml", "--state", tmp_path)
    assert done.exit_code == 2
    assert "a run holds the store now" in done.stdout
    assert "1 landed files wait: cxlisten classify, load, publish" in done.stdout


def test_the_demo_without_airflow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.cli.airflow.find_spec", lambda name: None)
    done = cxlisten("demo", "--state", tmp_path / "state")
    assert done.exit_code == 2
    assert "pip install 'cxlisten[airflow]'" in done.stderr
    assert "`cxlisten run` needs none" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("airflow") is None, reason="Airflow is not installed")
class TestAirflow:
    def test_it_hears_of_this_project_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production")
        monkeypatch.setenv("AIRFLOW_HOME", "/srv/airflow")
        env = environment(tmp_path / "cxlisten.toml", tmp_path / "state")
        assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in env
        assert env["AIRFLOW_HOME"] == str(tmp_path / "state" / "airflow")
        assert env["CXLISTEN_CONFIG"] == str(tmp_path / "cxlisten.toml")
        assert env["CXLISTEN_HOME"] == str(tmp_path / "state")

    def test_a_port_in_use_is_named(self, started: Path, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            done = CliRunner().invoke(
                up, ["--config", str(started / "cxlisten.toml"), "--state", str(tmp_path), "--port", str(port)]
            )
        assert f"port {port} is in use: choose another one with --port" in str(done.exception)

    def test_a_wrong_config_starts_no_server(self, started: Path, tmp_path: Path) -> None:
        (started / "cxlisten.toml").write_text("[[query]]")
        done = CliRunner().invoke(up, ["--config", str(started / "cxlisten.toml"), "--state", str(tmp_path / "state")])
        assert "brand is missing" in str(done.exception)
        assert not (tmp_path / "state").exists()

    def test_no_process_outlives_the_servers(self) -> None:
        """As with Airflow: a child in a process group of its own, deaf to SIGTERM, whose parent ends before it."""
        child = (
            "import os, signal, time; os.setpgid(0, 0); signal.signal(15, signal.SIG_IGN);"
            "print(os.getpid(), flush=True); time.sleep(60)"
        )
        parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
        with subprocess.Popen(
            [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            import psutil

            assert process.stdout is not None
            orphan = int(process.stdout.readline())
            servers.end(process, patience=0.5)
            assert process.wait() == -signal.SIGTERM
        assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
