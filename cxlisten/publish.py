"""Publish: a fresh snapshot beside the old one, then one rename; a reader of the old one keeps it until it reopens."""

from pathlib import Path

from cxlisten.errors import InputError
from cxlisten.store import SNAPSHOT, Connection, create_trends, drafted, run


def publish(con: Connection, state: Path) -> Path:
    """Write the snapshot of what the store holds now, with a view per trend, and give its path.

    Raises InputError for the trends that are wrong, once the snapshot is published without them.
    """
    draft = state / f".{SNAPSHOT}.tmp"
    with drafted(con, draft, "snapshot"):
        run(con, "publish/tables")
        problems = create_trends(con, "snapshot")
    draft.replace(state / SNAPSHOT)
    if problems:
        raise InputError("\n".join([*problems, "all else is published: correct this, then run  cxlisten publish"]))
    return state / SNAPSHOT
