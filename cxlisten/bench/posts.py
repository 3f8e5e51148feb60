"""Posts to measure with: those of the demo, or of a file, as many as are asked for."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa

from cxlisten.classify import TEXTS
from cxlisten.content import content_dir
from cxlisten.errors import InputError

_BATCH = 2_048


@dataclass(frozen=True, slots=True)
class Sample:
    """A post under a number of its own, however often its text comes."""

    id: str
    text: str
    lang: str | None


def take(path: Path | None, n: int) -> Iterator[Sample]:
    """Yield `n` posts, the first ones of a JSONL file of {"text"[,"lang"]} or of the demo; if need be, over and over.

    Raises InputError for a line that is no post and for a file that has none.
    """
    some = list(islice(_read(path), n))
    if not some:
        raise InputError(f"{path} holds no posts")
    for number, (text, lang) in enumerate(islice(cycle(some), n)):
        yield Sample(str(number), text, lang)


def batches(posts: Iterable[Sample]) -> Iterator[pa.RecordBatch]:
    """Yield the posts as batches of schema TEXTS."""
    left = iter(posts)
    while rows := [asdict(post) for post in islice(left, _BATCH)]:
        yield pa.RecordBatch.from_pylist(rows, schema=TEXTS)


def _read(path: Path | None) -> Iterator[tuple[str, str | None]]:
    for each in [path] if path else sorted((content_dir("demo") / "posts").glob("*.jsonl")):
        with each.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    post = json.loads(line)
                    yield str(post["text"]), post.get("lang")
                except (ValueError, TypeError, KeyError, AttributeError):
                    raise InputError(f'{each}, line {number}: not a JSON object with a "text"') from None
