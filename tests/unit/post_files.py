"""Reading a file of posts in a test."""

import json
from collections.abc import Iterable
from pathlib import Path
from threading import Event
from typing import Any

from cxlisten.collect import Budget, load_source
from cxlisten.models import Batch, Post, Query, Reject

HEADER = "id,text,created_at\n"
ROW = "{n},post number {n},2024-05-06T07:08:09Z\n"


def fetch(path: Path, cursor: Any = None, **options: Any) -> list[Batch]:
    source = load_source("reviews", "file", {"path": str(path), **options})
    cursor = json.loads(json.dumps(cursor))
    return list(source.fetch(Query("q", "b", ""), cursor, Budget(), Event()))


def posts(batches: Iterable[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def rejects(batches: Iterable[Batch]) -> list[Reject]:
    return [reject for batch in batches for reject in batch.rejected]


def notes(batches: Iterable[Batch]) -> str:
    return "\n".join(note for batch in batches for note in batch.notes)


def written(folder: Path, data: str | bytes, name: str = "posts.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(*numbers: int) -> str:
    return "".join(ROW.format(n=n) for n in numbers)


def ids(batches: Iterable[Batch]) -> list[str]:
    return [post.native_id for post in posts(batches)]
