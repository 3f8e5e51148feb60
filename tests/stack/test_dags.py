"""The DAGs as Airflow runs them, in process and on a metadata database of their own: `make demo`, and what may fail."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cxlisten.classify import DEFAULT_RECIPE
from cxlisten.cli import main
from cxlisten.cli.airflow import environment, run_dags
from cxlisten.content import content_dir
from cxlisten.store import open_snapshot

pytestmark = pytest.mark.stack

ONE_DAG = """
import json, sys
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.db import initdb

folder, dag_id, conf = sys.argv[1:]
initdb()
dag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder").dags[dag_id]
run = dag.test(run_conf=json.loads(conf))
tasks = [[task.task_id, task.state, task.try_number] for task in run.get_task_instances()]
print(json.dumps([run.state, sorted(tasks)]))
"""


def n_posts(state: Path) -> Any:
    with open_snapshot(state) as con:
        return con.execute("select count(*), count(distinct post_id) from posts").fetchall()[0]


def project(folder: Path) -> Path:
    """Two sources, one of which is not there."""
    (folder / "good.csv").write_text(
        "id,created_at,text\n"
        "1,2026-03-01T10:00:00Z,the acme kettle is lovely\n"
        "2,2026-03-02T10:00:00Z,waited an hour for acme to answer\n"
    )
    config = folder / "cxlisten.toml"
    config.write_text(
        '[[query]]\nname = "acme"\nbrand = "Acme"\nterms = "acme"\n'
        '[[query]]\nname = "kettles"\nbrand = "Kettles"\nterms = "kettle*"\n'
        '[[source]]\nname = "bad"\nkind = "file"\npath = "bad.csv"\n'
        '[[source]]\nname = "good"\nkind = "file"\npath = "good.csv"\n'
        '[[report]]\nname = "all"\nperiod_days = 0\n'
    )
    return config


def test_the_demo_ends_in_a_report_and_adds_nothing_the_second_time(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = CliRunner().invoke(main, ["demo", "--state", str(state)])
    assert first.exit_code == 0, first.output
    for brand in ("Pellworth Coffee", "Oakhollow Home", "Larkline Rail", "Tavimo Mobile"):
        assert first.stdout.count(brand) >= 6, "a line a ring"
    assert (state / "reports" / "latest.html").read_bytes()
    n_rows, n_distinct = n_posts(state)
    assert n_rows == n_distinct >= 1000

    second = CliRunner().invoke(main, ["demo", "--state", str(state)])
    assert second.exit_code == 0, second.output
    assert "\n0 new posts" in second.stderr
    assert n_posts(state) == (n_rows, n_distinct)


def test_a_source_that_fails_stops_no_other_and_is_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "state"
    with caplog.at_level(logging.INFO, "cxlisten"), pytest.raises(click.exceptions.Exit) as end:
        run_dags(project(tmp_path), state)
    assert end.value.exit_code == 1
    assert f"collect__bad failed in collect kettles: {tmp_path / 'bad.csv'}: there is no such file" in caplog.text
    assert "collect__bad: failed" in caplog.text
    assert "collect__good: success" in caplog.text
    assert "process: success" in caplog.text
    assert n_posts(state)[0] == 2


def run_one(home: Path, dag_id: str, **conf: str) -> Any:
    """Run one DAG, as by hand with some parameters; give its state, and each task with its state and tries."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_DAG, content_dir("dags"), dag_id, json.dumps(conf)],
        env=environment(project(home), home / "state"),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_what_cannot_succeed_is_tried_once(tmp_path: Path) -> None:
    assert run_one(tmp_path, "collect__bad") == [
        "failed", [["collect", "failed", 1], ["collect", "failed", 1], ["plan", "success", 1]]
    ]  # fmt: skip


def test_reclassify_takes_the_recipe_and_the_days_that_it_is_given(tmp_path: Path) -> None:
    asked = {"recipe": DEFAULT_RECIPE, "since": "2026-03-01", "until": "2026-03-31"}
    assert run_one(tmp_path, "reclassify", **asked) == [
        "success", [["load", "success", 1], ["publish", "success", 1], ["reclassify", "success", 1]]
    ]  # fmt: skip


def test_maintain_asks_loads_purges_and_publishes(tmp_path: Path) -> None:
    tasks = ("load", "publish", "purge", "verify")
    assert run_one(tmp_path, "maintain") == ["success", [[task, "success", 1] for task in tasks]]
