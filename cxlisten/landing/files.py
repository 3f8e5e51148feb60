"""Writing files so that each is either there and durable, or not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(table: pa.Table, path: Path, draft: str = "tmp") -> None:
    """Write a Parquet file so that it is either there and durable, or not there."""
    write_durably(path, lambda file: pq.write_table(table, file, compression="zstd"), draft)


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is either there and durable, or not there."""
    write_durably(path, lambda file: file.write(text.encode()))


def write_durably(path: Path, write: Callable[[BinaryIO], object], draft: str = "tmp") -> None:
    """Write under a temporary name, fsync, rename, fsync the folder: no reader ever sees half a file.

    The temporary name begins with a dot and ends with `draft`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{os.getpid()}.{draft}")
    try:
        with written.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)  # a full disk is not to be kept full by what did not fit
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
