"""Any verb killed at any moment and run again: the store is that of an undisturbed run."""

import csv
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from cxlisten import pipeline
from cxlisten.content import content_dir
from cxlisten.pipeline import Project
from cxlisten.store import open_snapshot, open_working

pytestmark = pytest.mark.faults

VERBS = ("collect", "classify", "load", "publish", "report")
KILLS_PER_VERB = 10  # 50 in all
CONFIG = """
[[query]]
name = "pellworth"
brand = "Pellworth"
terms = "pellworth"
[[query]]
name = "oakhollow"
brand = "Oakhollow"
terms = "oakhollow NOT giveaway"
[[source]]
name = "first"
kind = "file"
path = "first.csv"
[[source]]
name = "second"
kind = "file"
path = "second.csv"
[experience.price]
target = 10
"""
# Everything but what differs between two undisturbed runs: names of files and times of the clock.
DUMPS = (
    "select * exclude (fetched_at, observed_at, batch_id) from posts order by post_id",
    "select * exclude (batch_id) from mentions order by post_id, query",
    "select * exclude (batch_id) from ring_tags order by all",
    "select source, query, native_id, stage, reason, place, payload from rejects order by all",
    "select * exclude (batch_id, n_asked) from coverage_ledger where n_fetched > 0 order by all",
    "from daily_rings order by all",
    "from daily_mentions order by all",
)


def do(verb: str, home: Path) -> None:
    """One verb over the whole project; what the killed process runs."""
    project = pipeline.open_project(home / "cxlisten.toml", home / "state")
    if verb == "collect":
        for job in pipeline.plan(project):
            pipeline.collect(project, job["source"], job["query"])
    elif verb == "report":
        pipeline.report(project, "weekly")
    else:
        getattr(pipeline, verb)(project)


def dump(project: Project) -> list[list[tuple[Any, ...]]]:
    with open_working(project.state) as con:
        working = [con.execute(statement).fetchall() for statement in DUMPS]
        assert con.execute("select count(*) = count(distinct post_id) from posts").fetchall() == [(True,)]
    with open_snapshot(project.state) as con:
        published = [con.execute(s.replace(", payload", "")).fetchall() for s in DUMPS]
    return [*working, *published]


def write_world(home: Path) -> None:
    """Two exports of the demo's posts, with a row that cannot be mapped in each."""
    home.mkdir()
    (home / "cxlisten.toml").write_text(CONFIG)
    posts = [
        json.loads(line)
        for name in ("pellworth", "oakhollow")
        for line in (content_dir("demo") / "posts" / f"{name}.jsonl").read_text().splitlines()[:120]
    ]
    for part, name in enumerate(("first", "second")):
        with (home / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "date", "text"])
            for post in posts[part::2]:
                rows.writerow(
                    [post["id"], f"2026-0{1 + post['day'] // 28}-{1 + post['day'] % 28:02}T08:00:00Z", post["text"]]
                )
            rows.writerow(["1.9E+18", "2026-01-01T08:00:00Z", "an id that a spreadsheet damaged"])


def start(verb: str, home: Path) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cxlisten.pipeline", "cxlisten.classify.executors", "cxlisten.report", "spacy"])
    process = context.Process(target=do, args=(verb, home))
    process.start()
    return process


def test_any_verb_killed_at_any_moment(tmp_path: Path) -> None:
    rng = random.Random(20260321)
    before, seconds = {}, {}
    home = tmp_path / "home"  # one path for all: another path would be another file to its source
    write_world(home)
    for verb in VERBS:
        before[verb] = tmp_path / f"before-{verb}"
        shutil.copytree(home, before[verb])
        began = time.monotonic()
        process = start(verb, home)
        process.join()
        assert process.exitcode == 0, verb
        seconds[verb] = time.monotonic() - began
    undisturbed = dump(pipeline.open_project(home / "cxlisten.toml", home / "state"))
    assert len(undisturbed[0]) > 200
    assert len(undisturbed[3]) == 4  # each export is read for two queries

    for verb in VERBS:
        n_killed = 0
        while n_killed < KILLS_PER_VERB:
            shutil.rmtree(home)
            shutil.copytree(before[verb], home)
            process = start(verb, home)
            process.join(rng.uniform(0, seconds[verb]))
            assert process.pid
            if not process.is_alive():  # it had ended before the blow
                continue
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            n_killed += process.exitcode == -signal.SIGKILL
            for again in VERBS[VERBS.index(verb) :]:
                do(again, home)
            project = pipeline.open_project(home / "cxlisten.toml", home / "state")
            assert dump(project) == undisturbed, f"{verb} killed, {n_killed} of {KILLS_PER_VERB}"
            assert (project.state / "reports" / "latest.html").read_text().rstrip().endswith("</html>")
