"""Where a report's numbers come from: the queries of `sql/report/` over one snapshot, each row a dataclass."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from cxlisten.content import content_dir

Row = TypeVar("Row")


class Snapshot:
    """A snapshot open for reading, and the parameters that its queries share."""

    def __init__(self, con: duckdb.DuckDBPyConnection, scope: Mapping[str, Any]) -> None:
        self._con = con
        self._scope = scope

    def within(self, **more: Any) -> "Snapshot":
        """Give the same snapshot with more parameters."""
        return Snapshot(self._con, {**self._scope, **more})

    def rows(self, name: str, shape: type[Row]) -> tuple[Row, ...]:
        """Run `sql/report/<name>.sql`, whose columns are the fields of `shape`; times come back aware."""
        text = (content_dir("sql") / "report" / f"{name}.sql").read_text(encoding="utf-8")
        wanted = duckdb.extract_statements(text)[0].named_parameters
        result = self._con.execute(text, {key: self._scope[key] for key in wanted})
        columns = [column[0] for column in result.description]
        return tuple(
            shape(**{key: _aware(value) for key, value in zip(columns, row, strict=True)})
            for row in result.fetchall()
        )


@contextmanager
def reading(path: Path, **scope: Any) -> Iterator[Snapshot]:
    """Open the snapshot read-only for as long as a report is gathered."""
    con = duckdb.connect(str(path), read_only=True)
    try:
        yield Snapshot(con, scope)
    finally:
        con.close()


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
