"""Airflow's servers on this machine: started for a project, and all of their processes ended again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from cxlisten.cli.airflow import environment, failed
from cxlisten.cli.console import talk
from cxlisten.content import content_dir
from cxlisten.errors import InputError

_READY_WITHIN = 300.0  # seconds
_AIRFLOW = (sys.executable, "-m", "airflow")


def serve(config: Path, state: Path, port: int) -> None:
    """Run Airflow's servers on this machine until SIGINT or SIGTERM, then end all their processes."""
    env = environment(config, state) | {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__CORE__PARALLELISM": "4",  # a process each
    }
    _require_free(port)
    home = Path(env["AIRFLOW_HOME"])
    log_file = home / "standalone.log"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    talk.print("Airflow starts, which takes a minute")
    with log_file.open("wb") as words:
        # A session of its own: Airflow leaves processes behind, and its tasks leave their process group.
        ours: dict[str, Any] = {"env": env, "stdout": words, "stderr": subprocess.STDOUT, "start_new_session": True}
        for command in (["db", "migrate"], ["pools", "import", str(content_dir("dags") / "pools.json")]):
            if subprocess.run([*_AIRFLOW, *command], **ours).returncode:
                raise failed(f"airflow {' '.join(command)} failed", log_file)
        servers = subprocess.Popen([*_AIRFLOW, "standalone"], **ours)
        try:
            if not _is_ready(servers, port):
                raise failed("Airflow does not get ready", log_file)
            talk.print(f"Airflow is at http://localhost:{port} with the DAGs of {config}, state in {state}")
            talk.print(f"User admin, password in {home / 'simple_auth_manager_passwords.json.generated'}")
            talk.print(f"Its log: {log_file}. Ctrl-C stops it.")
            servers.wait()
            raise failed("Airflow has ended", log_file)
        except KeyboardInterrupt:
            talk.print("Airflow stops")
        finally:
            end(servers)


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
            if all(server["status"] == "healthy" for server in health.values()):
                return True
        time.sleep(1)
    return False


def end(servers: "subprocess.Popen[bytes]", patience: float = 10.0) -> None:
    """End every process of the servers' session: ask, wait for `patience` seconds at most, then kill."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in _members(servers.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        until = time.monotonic() + patience
        while _members(servers.pid) and time.monotonic() < until:
            servers.poll()
            time.sleep(0.2)


def _members(leader: int) -> list[int]:
    import psutil  # type: ignore[import-untyped]  # Airflow brings it

    members = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
    return members
