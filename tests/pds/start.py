"""Starts real servers of Bluesky's makers: npm's @atproto/dev-env, installed where it is not yet there.

`python -m tests.pds.start` starts them for use by hand. They are kept in $CXLISTEN_PDS, ~/.cache/cxlisten/pds by
default; the installation takes about six minutes of CPU, a compiler and node 18 or later. With DB_POSTGRES_URL and
REDIS_HOST, as in `postgresql://user:password@127.0.0.1/db` and `127.0.0.1:6379`, there is an AppView, which searches.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "@atproto/dev-env@0.3.215"
_INSTALL_SECONDS = 1_800


@contextmanager
def network() -> Iterator[dict[str, Any]]:
    """Start the servers; yields where they are and what they hold, as network.cjs says it."""
    node = shutil.which("node")
    if node is None:
        raise RuntimeError("node is not installed")
    folder = Path(os.environ.get("CXLISTEN_PDS") or Path.home() / ".cache" / "cxlisten" / "pds")
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Of the packages only the database has to be compiled; npm runs no others' scripts.
        (folder / "package.json").write_text('{"private": true, "allowScripts": {"better-sqlite3": true}}')
        command = ["npm", "install", "--no-audit", "--no-fund", PACKAGE]
        subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS)
    script = Path(__file__).with_name("network.cjs")
    environment = {**os.environ, "LOG_ENABLED": "false", "NODE_ENV": "test"}
    with subprocess.Popen(
        [node, str(script)], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield _said(process.stdout)
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _said(lines: Iterator[str]) -> dict[str, Any]:
    """The first line of JSON; the servers say other things as well."""
    for line in lines:
        if line.startswith('{"pds"'):
            said: dict[str, Any] = json.loads(line)
            return said
    raise RuntimeError("the servers did not start: what went wrong is above")


if __name__ == "__main__":
    with network() as there:
        json.dump(there, sys.stdout, indent=2)
        input("\nEnter ends them.\n")
