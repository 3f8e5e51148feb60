"""Classify a file: one JSON line in, one JSON line out, in order, at any size."""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from cxlisten.classify import TEXTS, executors
from cxlisten.errors import InputError

_CHUNK = 1_000


class _Lines:
    """Reads the posts of a file in chunks; keeps the ids of those in flight, and sets bad lines aside."""

    def __init__(self, path: Path, rejects: TextIO | None) -> None:
        self.path = path
        self.rejects = rejects
        self.ids: deque[list[Any]] = deque()
        self.n_bad = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of schema TEXTS; raises InputError at a bad line unless there is a place for rejects."""
        rows: list[dict[str, Any]] = []
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    rows.append(_post(line))
                except ValueError as error:
                    self._reject(number, str(error), line)
                if len(rows) == _CHUNK:
                    yield self._batch(rows)
                    rows = []
        if rows:
            yield self._batch(rows)

    def _batch(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        self.ids.append([row["id"] for row in rows])
        texts = [{"id": str(i), "text": row["text"], "lang": row["lang"]} for i, row in enumerate(rows)]
        return pa.RecordBatch.from_pylist(texts, schema=TEXTS)

    def _reject(self, number: int, reason: str, line: bytes) -> None:
        if self.rejects is None:
            raise InputError(f"{self.path}, line {number}: {reason}; mend it, or pass --skip-bad to set it aside")
        self.n_bad += 1
        kept = {"line": number, "reason": reason, "payload": line.decode("utf-8", "replace").rstrip("\r\n")}
        self.rejects.write(json.dumps(kept, ensure_ascii=False) + "\n")


def classify_file(source: Path, target: Path, recipe: str, executor: str, skip_bad: bool) -> tuple[int, int]:
    """Tag the posts of `source` into `target`, and give how many were tagged and how many lines were bad.

    Bad lines go to `TARGET.rejects.jsonl` when `skip_bad`; else the first raises InputError and nothing is written.
    """
    draft, aside = target.with_name(f".{target.name}.tmp"), target.with_name(f"{target.name}.rejects.jsonl")
    n_tagged = 0
    rejects = aside.open("w", encoding="utf-8") if skip_bad else None
    try:
        lines = _Lines(source, rejects)
        with draft.open("w", encoding="utf-8") as out:
            for tags in executors.run(recipe, lines.batches(), executor=executor):
                ids = lines.ids.popleft()
                for post_id, row in zip(ids, tags.to_pylist(), strict=True):
                    out.write(json.dumps(_answer(post_id, row), ensure_ascii=False) + "\n")
                n_tagged += len(ids)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
        if rejects:
            rejects.close()
            if not lines.n_bad:
                aside.unlink()
    return n_tagged, lines.n_bad


def _post(line: bytes) -> dict[str, Any]:
    """One line as a post; raises ValueError with the reason when it is none."""
    try:
        post = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(post, dict):
        raise ValueError('not an object with "id" and "text"')
    if not isinstance(post.get("id"), str | int) or isinstance(post["id"], bool) or post["id"] == "":
        raise ValueError('"id" is missing, or neither a string nor a number')
    if not isinstance(post.get("text"), str):
        raise ValueError('"text" is missing or no string')
    if not isinstance(post.get("lang"), str | None):
        raise ValueError('"lang" is no string')
    return {key: _writable(post.get(key)) for key in ("id", "text", "lang")}


def _writable(value: Any) -> Any:
    """A lone surrogate cannot be written as UTF-8; the length stays, so that evidence spans hold."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _answer(post_id: str | int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": post_id,
        "lang": row["lang"],
        "sentiment": {"label": row["sentiment"], "score": round(row["sentiment_score"], 4)},
        "rings": [
            {
                "ring": tag["ring"], "sentiment": tag["sentiment"], "score": round(tag["score"], 4),
                "evidence": [tag["evidence_start"], tag["evidence_end"]], "facets": tag["facets"],
            }
            for tag in row["rings"]
        ],
        "noise": row["noise"],
        "benefits": row["benefits"],
        "signals": row["signals"],
        "classifier": row["classifier"],
        "version": row["version"],
    }  # fmt: skip
