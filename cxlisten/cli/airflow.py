"""How Airflow is started on a project: its environment, and its DAGs run once in one process."""

import json
import logging
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from cxlisten.cli.console import talk
from cxlisten.content import content_dir
from cxlisten.errors import MissingExtra

_LAST_WORDS = 20  # lines of a log

log = logging.getLogger("cxlisten")


def run_dags(config: Path, state: Path) -> dict[str, Any]:
    """Run every DAG once and log how it goes; give what their tasks gave back, as {dag: {task: value}}.

    Exits with 1 when a run fails.
    """
    env = environment(config, state) | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
    log_file = state / "airflow" / "in_process.log"
    command = [sys.executable, str(content_dir("dags") / "_in_process.py")]
    results: dict[str, Any] = {}
    log.info("airflow  starts; the first time it makes its database")
    with (
        log_file.open("w", encoding="utf-8") as talk_of_airflow,
        talk.status("Airflow starts") as status,
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=talk_of_airflow, text=True) as process,
    ):
        assert process.stdout is not None
        for event in map(json.loads, process.stdout):
            if "message" in event:
                log.log(event["level"], "%s", event["message"])
            elif "state" not in event:
                status.update(f"{event['dag']} runs")
            else:
                log.info("airflow  %s: %s in %.1f s", event["dag"], event["state"], event["seconds"])
                results[event["dag"]] = event["results"]
    if process.returncode:
        raise failed("a DAG run failed", log_file)
    return results


def environment(config: Path, state: Path) -> dict[str, str]:
    """The environment of an Airflow of this project alone: nothing that is set for another one reaches it."""
    if find_spec("airflow") is None:
        raise MissingExtra("Airflow, which runs the DAGs (`cxlisten run` needs none),", "airflow")
    home = state.resolve() / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(content_dir("dags")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "CXLISTEN_CONFIG": str(config.resolve()),
        "CXLISTEN_HOME": str(state.resolve()),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def failed(what: str, log_file: Path) -> click.exceptions.Exit:
    """Show the end of a log and say where all of it is."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    talk.print("\n".join(lines[-_LAST_WORDS:]), markup=False)
    talk.print(f"cxlisten: {what}; all that Airflow said is in {log_file}")
    return click.exceptions.Exit(1)
