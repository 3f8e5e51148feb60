"""How the command line speaks: talk on stderr, tables and rows on stdout, and the options that commands share."""

import csv
import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cxlisten.config import config_file, state_folder

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MOST_ROWS = 5_000  # laying out more takes minutes and gigabytes
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # a post must not steer the terminal

talk = Console(stderr=True, highlight=False, soft_wrap=True)


def config_option(command: _Command) -> _Command:
    """--config: the file that says what to listen for."""
    return click.option(
        "--config", type=click.Path(path_type=Path), default=config_file, help="Default: ./cxlisten.toml"
    )(command)


def state_option(command: _Command) -> _Command:
    """--state: the one folder of all state."""
    return click.option(
        "--state", type=click.Path(path_type=Path, file_okay=False), default=state_folder,
        help="The folder of all state. Default: CXLISTEN_HOME, else ./.cxlisten",
    )(command)  # fmt: skip


def follow_progress() -> None:
    """Show what the pipeline says of itself, a line per step."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("cxlisten")
    logger.setLevel(logging.INFO)
    logger.handlers = [handler]


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], style: str) -> None:
    """Write rows to stdout as a table, as CSV or as a JSON array of objects."""
    if style == "json":
        for number, row in enumerate(rows):
            line = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str)
            sys.stdout.write((",\n " if number else "[") + line)
        sys.stdout.write("]\n" if rows else "[]\n")
    elif style == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_safe_cell(cell) for cell in row] for row in rows)
    else:
        print_table(columns, rows[:_MOST_ROWS])
        if len(rows) > _MOST_ROWS:
            talk.print(f"The first {_MOST_ROWS:,} of {len(rows):,} rows; for all of them: --format csv")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> None:
    """Write a table to stdout; as wide as the terminal, or as its content when it goes to a file."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    numeric = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text("" if cell is None else _CONTROL.sub(" ", str(cell))) for cell in row])
    width = None if sys.stdout.isatty() else 10_000
    Console(highlight=False, width=width).print(table)


def _safe_cell(cell: Any) -> Any:
    """A spreadsheet would run a post that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
