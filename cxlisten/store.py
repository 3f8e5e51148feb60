"""The store: opens DuckDB files and runs the statements of `sql/`; nobody else imports duckdb."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from cxlisten.content import content_dir
from cxlisten.errors import InputError, StoreBusy, StoreError

WORKING = "working.duckdb"
SNAPSHOT = "cxlisten.duckdb"
LOCK = "store.lock"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "768MB",  # the model workers share the machine
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

Connection = duckdb.DuckDBPyConnection


@cache
def sql(name: str) -> str:
    """Read `sql/<name>.sql`."""
    return (content_dir("sql") / f"{name}.sql").read_text(encoding="utf-8")


def trend_names() -> list[str]:
    """Name every trend: the files of `sql/trends/`."""
    return sorted(path.stem for path in (content_dir("sql") / "trends").glob("*.sql"))


def run(con: Connection, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run every statement of `sql/<name>.sql`, each with the parameters that it names; give the last one's rows."""
    rows: list[tuple[Any, ...]] = []
    for statement in con.extract_statements(sql(name)):
        given = {key: parameters[key] for key in statement.named_parameters}
        rows = con.execute(statement, given).fetchall()
    return rows


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """Commit what the block did, or roll all of it back and raise: DuckDB commits nothing after a caught error."""
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


@contextmanager
def open_working(state: Path, wait_seconds: float = 60.0) -> Iterator[Connection]:
    """Open the working file as its one writer, with the schema up to date.

    Raises StoreBusy when another run still holds it after `wait_seconds`.
    """
    with _only_writer(state, wait_seconds), _connect(state / WORKING) as con:
        _migrate(con)
        yield con


@contextmanager
def open_to_rewrite(state: Path, name: str, **parameters: Any) -> Iterator[Connection]:
    """Open the working file as `open_working` does; a new file takes its place when the block ends well.

    The new file holds what `sql/<name>.sql` puts into the database `fresh`.
    """
    draft = state / f".{WORKING}.tmp"
    with _only_writer(state, 60.0):
        with _connect(state / WORKING) as con:
            _migrate(con)
            yield con
            con.execute("checkpoint")  # or a log of the old file could be left to the new one
            with drafted(con, draft, "fresh"), transaction(con):
                run(con, name, **parameters)
        draft.replace(state / WORKING)


@contextmanager
def drafted(con: Connection, draft: Path, name: str) -> Iterator[None]:
    """Attach a new file under `name`; it is complete and durable when the block ends, and gone when it fails."""
    _remove(draft)
    try:
        con.execute(f"attach '{_quoted(str(draft))}' as {name}")
        try:
            yield
        finally:
            con.execute(f"detach {name}")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException:
        _remove(draft)  # a full disk is not to be kept full by what did not fit
        raise


def _remove(draft: Path) -> None:
    for path in (draft, draft.with_name(f"{draft.name}.wal")):
        path.unlink(missing_ok=True)


@contextmanager
def _only_writer(state: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the store's lock, and say in our own words what DuckDB says of a disk that fails."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state / LOCK, timeout=wait_seconds):
            yield
    except Timeout:
        raise StoreBusy(
            f"another cxlisten run has held the store in {state} for {wait_seconds:.0f} s: "
            "wait for it to end, then run this again"
        ) from None
    except (duckdb.IOException, duckdb.TransactionException, duckdb.OutOfMemoryException) as error:
        raise StoreError(f"the store in {state} could not be written; what was there before stands: {error}") from None


@contextmanager
def open_snapshot(state: Path) -> Iterator[Connection]:
    """Open the published snapshot for reading; a publish meanwhile does not disturb it."""
    path = state / SNAPSHOT
    if not path.exists():
        raise StoreError(f"{path} is not there yet: run  cxlisten run  first")
    with _connect(path, read_only=True) as con:
        yield con


def read_trend(
    state: Path, name: str, brand: str | None, since: date | None, until: date | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read a trend of the snapshot: its columns and its rows, of one brand and between two days where given.

    Raises InputError for a brand that nobody listens to, and for a narrowing that the trend has no column for.
    """
    with open_snapshot(state) as con:
        try:
            rows = con.view(_view(name))
        except duckdb.CatalogException:
            raise StoreError(f"{name} is not in the snapshot yet: run  cxlisten publish") from None
        if brand is not None:
            brands = [known for (known,) in con.table("queries").select("brand").distinct().order("brand").fetchall()]
            if brand not in brands:
                raise InputError(f'no brand "{brand}"; there is {", ".join(brands)}')
            rows = rows.filter(_column(name, rows, "brand") == duckdb.ConstantExpression(brand))
        if since is not None:
            rows = rows.filter(_column(name, rows, "day", "week") >= duckdb.ConstantExpression(since))
        if until is not None:
            rows = rows.filter(_column(name, rows, "day", "week") <= duckdb.ConstantExpression(until))
        try:
            return rows.columns, rows.fetchall()
        except duckdb.DataError as error:
            raise StoreError(f"sql/trends/{name}.sql: {error}") from None


def _column(trend: str, rows: duckdb.DuckDBPyRelation, *names: str) -> duckdb.Expression:
    """The first of the columns that the trend has."""
    for name in names:
        if name in rows.columns:
            return duckdb.ColumnExpression(name)
    raise InputError(f"{trend} cannot be narrowed like this: it has no column {' or '.join(names)}")


def _connect(path: Path, read_only: bool = False) -> Connection:
    try:
        return duckdb.connect(path, read_only=read_only, config=_CONFIG)
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            raise StoreBusy(f"another program holds {path.name} open: close it, then run this again") from None
        raise StoreError(f"{path} cannot be opened as a DuckDB 2 file: {error}") from None


def _migrate(con: Connection) -> None:
    """Apply the files of `sql/schema/` that the store has not seen yet, each in one transaction."""
    version = run(con, "load/schema_version")[0][0]
    for path in sorted((content_dir("sql") / "schema").glob("*.sql")):
        number = int(path.stem.split("_")[0])
        if number > version:
            with transaction(con):
                run(con, f"schema/{path.stem}")
                run(con, "load/note_schema", schema_version=number)


def create_trends(con: Connection, database: str) -> list[str]:
    """Make the view of every trend in `database`, with the header comment of its file as the view's comment.

    Gives what is wrong with the trends of which no view can be made.
    """
    problems = []
    home = run(con, "publish/current_database")[0][0]
    con.execute(f"use {database}")
    try:
        for name in trend_names():
            text = sql(f"trends/{name}")
            comment = " ".join(line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--"))
            try:
                # The text follows on the same line, so that an error counts the lines of the file.
                con.execute(f"create view {_view(name)} as {text}").fetchall()
                con.execute(f"comment on view {_view(name)} is '{_quoted(comment)}'")
            except duckdb.Error as error:  # a full disk too: it comes again when the file is closed
                problems.append(f"sql/trends/{name}.sql: {error}")
    finally:
        con.execute(f"use {home}")
    return problems


def _view(trend: str) -> str:
    return f'trends."{trend}"'


def _quoted(text: str) -> str:
    return text.replace("'", "''")
