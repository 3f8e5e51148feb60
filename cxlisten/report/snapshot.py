"""Where a report's numbers come from: the queries of `sql/report/` over one snapshot, each row a dataclass."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cxlisten.store import Connection, open_snapshot, run

Row = TypeVar("Row")


class Snapshot:
    """A snapshot open for reading, and the parameters that its queries share."""

    def __init__(self, con: Connection, scope: Mapping[str, Any]) -> None:
        self._con = con
        self._scope = scope

    def within(self, **more: Any) -> "Snapshot":
        """Give the same snapshot with more parameters."""
        return Snapshot(self._con, {**self._scope, **more})

    def rows(self, name: str, shape: type[Row]) -> tuple[Row, ...]:
        """Run `sql/report/<name>.sql`, whose columns are the fields of `shape`; times come back aware."""
        rows = run(self._con, f"report/{name}", **self._scope)
        columns = [column[0] for column in self._con.description or ()]
        return tuple(shape(**{key: _aware(value) for key, value in zip(columns, row, strict=True)}) for row in rows)


@contextmanager
def reading(state: Path, **scope: Any) -> Iterator[Snapshot]:
    """Open the snapshot of `state` for as long as a report is gathered."""
    with open_snapshot(state) as con:
        yield Snapshot(con, scope)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
