"""How Airflow is started on a project: its DAGs once in one process, or its servers until they are told to stop."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

from cxlisten.cli.console import talk
from cxlisten.content import content_dir
from cxlisten.errors import InputError, MissingExtra

_READY_WITHIN = 300.0  # seconds
_LAST_WORDS = 20  # lines of a log
_AIRFLOW = (sys.executable, "-m", "airflow")

log = logging.getLogger("cxlisten")


def run_dags(config: Path, state: Path) -> dict[str, Any]:
    """Run every DAG once and log how it goes; give what their tasks gave back, as {dag: {task: value}}.

    Exits with 1 when a run fails.
    """
    env = _environment(config, state)
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
        raise _failed("a DAG run failed", log_file)
    return results


def serve(config: Path, state: Path, port: int) -> None:
    """Run Airflow's servers on this machine until SIGINT or SIGTERM, then end all their processes."""
    env = _environment(config, state) | {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
    }
    _require_free(port)
    home = Path(env["AIRFLOW_HOME"])
    log_file = home / "standalone.log"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with log_file.open("wb") as words:
        # A session of its own: Airflow leaves processes behind, and its tasks leave their process group.
        ours: dict[str, Any] = {"env": env, "stdout": words, "stderr": subprocess.STDOUT, "start_new_session": True}
        with talk.status("Airflow starts, which takes a minute"):
            for command in (["db", "migrate"], ["pools", "import", str(content_dir("dags") / "pools.json")]):
                if subprocess.run([*_AIRFLOW, *command], **ours).returncode:
                    raise _failed(f"airflow {command[0]} failed", log_file)
        servers = subprocess.Popen([*_AIRFLOW, "standalone"], **ours)
        try:
            with talk.status("Airflow starts, which takes a minute"):
                if not _is_ready(servers, port):
                    raise _failed("Airflow does not get ready", log_file)
            talk.print(f"Airflow is at http://localhost:{port} with the DAGs of {config}, state in {state}")
            talk.print(f"User admin, password in {home / 'simple_auth_manager_passwords.json.generated'}")
            talk.print(f"Its log: {log_file}. Ctrl-C stops it.")
            servers.wait()
            raise _failed("Airflow has ended", log_file)
        except KeyboardInterrupt:
            talk.print("Airflow stops")
        finally:
            _end(servers)


def _environment(config: Path, state: Path) -> dict[str, str]:
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


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise InputError(f"port {port} is in use: choose another one with --port") from None


def _is_ready(servers: "subprocess.Popen[bytes]", port: int) -> bool:
    """Wait until every server says that it is healthy; false when that takes too long or they end."""
    browser = build_opener(ProxyHandler({}))
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until and servers.poll() is None:
        with suppress(URLError, OSError), browser.open(f"http://127.0.0.1:{port}/api/v2/monitor/health") as answer:
            health = json.load(answer)
            if all(server["status"] in ("healthy", None) for server in health.values()):
                return True
        time.sleep(1)
    return False


def _end(servers: "subprocess.Popen[bytes]") -> None:
    """End every process of the servers' session, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in _session(servers.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        until = time.monotonic() + 10
        while _session(servers.pid) and time.monotonic() < until:
            servers.poll()
            time.sleep(0.2)


def _session(leader: int) -> list[int]:
    import psutil  # type: ignore[import-untyped]  # Airflow brings it

    members = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
    return members


def _failed(what: str, log_file: Path) -> click.exceptions.Exit:
    """Show the end of a log and say where all of it is."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    talk.print("\n".join(lines[-_LAST_WORDS:]), markup=False)
    talk.print(f"cxlisten: {what}; all that Airflow said is in {log_file}")
    return click.exceptions.Exit(1)
