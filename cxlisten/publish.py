"""Publish: a fresh snapshot beside the old one, then one rename; a reader of the old one keeps it until it reopens."""

import os
from pathlib import Path

from cxlisten.errors import InputError
from cxlisten.store import SNAPSHOT, Connection, attached, create_trends, run


def publish(con: Connection, state: Path) -> Path:
    """Write the snapshot of what the store holds now, with a view per trend, and give its path.

    Raises InputError for the trends that are wrong, once the snapshot is published without them.
    """
    draft = state / f".{SNAPSHOT}.tmp"
    _remove(draft)
    try:
        with attached(con, draft, "snapshot"):
            run(con, "publish/tables")
            problems = create_trends(con, "snapshot")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException:
        _remove(draft)  # a full disk is not to be kept full by what did not fit
        raise
    draft.replace(state / SNAPSHOT)
    if problems:
        raise InputError("\n".join([*problems, "all else is published: correct this, then run  cxlisten publish"]))
    return state / SNAPSHOT


def _remove(draft: Path) -> None:
    for path in (draft, draft.with_suffix(".tmp.wal")):
        path.unlink(missing_ok=True)
