"""Writing files so that each is either there and durable, or not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a Parquet file so that it is either there and durable, or not there."""
    write_durably(path, lambda file: pq.write_table(table, file, compression="zstd"))


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is either there and durable, or not there."""
    write_durably(path, lambda file: file.write(text.encode()))


def write_durably(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write under a temporary name, fsync, rename, fsync the folder: no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)  # a full disk is not to be kept full by what did not fit
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
