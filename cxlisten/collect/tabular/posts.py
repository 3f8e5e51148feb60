"""A record of a file → a post; every record alone, so that a bad one is rejected and the rest goes on."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, cast, get_args

from cxlisten.collect.tabular.columns import METRICS, FieldName, value_of
from cxlisten.collect.tabular.exports import Export
from cxlisten.collect.tabular.records import Record
from cxlisten.collect.text import clean, join_title
from cxlisten.collect.times import DayOrder, read_time
from cxlisten.models import Kind, Post, Reject, StateChange

_NOTHING = frozenset(("", "null", "none", "nan", "n/a", "#n/a", "\\n"))
_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_LANGUAGE = re.compile(r"([a-z]{2,3})([-_].*)?", re.IGNORECASE)
_NO_LANGUAGE = frozenset(("und", "zxx", "mul", "mis", "qam", "qct", "qht", "qme", "qst", "art"))


@dataclass(frozen=True, slots=True)
class Mapper:
    """What a record needs to become a post; `undated` is the time of posts that have none.

    Of an `export` it is known what each record is, of all else which of the `columns` is what.
    """

    columns: Mapping[FieldName, str]
    platform: str
    zone: tzinfo
    day_order: DayOrder | None
    undated: datetime
    fetched_at: datetime
    export: Export | None = None

    def map(self, record: Record) -> Post | StateChange | Reject:
        """Map one record."""
        fields, export = record.fields, self.export
        try:
            if record.problem:
                raise ValueError(record.problem)
            return export.read(fields, self.fetched_at) if export else self._post(fields)
        except (ValueError, OverflowError, RecursionError) as error:
            if export and fields:
                payload = json.dumps({name: value for name, value in fields.items() if name not in export.left_out})
            else:
                payload = record.original or json.dumps(fields)
            return Reject(str(error), payload, f"line {record.line}", self._id_if_any(fields))

    def _post(self, row: Mapping[str, Any]) -> Post:
        title = self._text(row, "title")
        text = join_title(title, self._text(row, "text"))
        if not text:
            raise ValueError("no text")
        author, time = self._text(row, "author"), self._value(row, "posted_at")
        if "posted_at" in self.columns and time is None:
            raise ValueError("no time")
        platform = self._text(row, "platform")
        kind = (self._text(row, "kind") or "post").lower()
        return Post(
            platform=platform.lower() if platform else self.platform,
            native_id=self._id(row) if "id" in self.columns else _hash(text, author, time),
            text=text,
            posted_at=self.undated if time is None else read_time(time, self.zone, self.day_order),
            fetched_at=self.fetched_at,
            raw=row,
            kind=cast(Kind, kind) if kind in get_args(Kind) else "post",
            author=author,
            title=title,
            lang=_language(self._text(row, "lang")),
            url=url if (url := self._text(row, "url") or "").startswith(("http://", "https://")) else None,
            thread_id=self._text(row, "thread"),
            metrics={metric: number for metric in METRICS if (number := _count(self._value(row, metric))) is not None},
        )

    def _value(self, row: Mapping[str, Any], field: FieldName) -> Any:
        """The value of a field, None where the row says in any of the usual ways that there is none."""
        value = value_of(row, self.columns[field]) if field in self.columns else None
        return None if value is None or str(value)[:9].strip().lower() in _NOTHING else value

    def _text(self, row: Mapping[str, Any], field: FieldName) -> str | None:
        value = self._value(row, field)
        if value is None:
            return None
        if isinstance(value, dict | list):
            raise ValueError(f"the {field} is not a text")
        return clean(str(value)) or None

    def _id(self, row: Mapping[str, Any]) -> str:
        value = self._value(row, "id")
        if value is None:
            raise ValueError("no id")
        if isinstance(value, bool | dict | list):
            raise ValueError("the id is neither a text nor a number")
        text = clean(str(value))
        if isinstance(value, float) or _SCIENTIFIC.fullmatch(text) or re.fullmatch(r"\d+\.0+", text):
            raise ValueError(f"the id {text[:40]} was damaged by a spreadsheet: export the column as text")
        return text

    def _id_if_any(self, row: Mapping[str, Any]) -> str | None:
        value = self._value(row, "id")
        return str(value)[:200] if isinstance(value, str | int) else None


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:20]


def _language(claim: str | None) -> str | None:
    """The two or three letters of a language tag."""
    match = _LANGUAGE.fullmatch(claim or "")
    return None if match is None or match[1].lower() in _NO_LANGUAGE else match[1].lower()


def _count(value: Any) -> int | None:
    """A count as it is written, thousands separators and all; None when it is none."""
    try:
        return int(float(str(value).replace(",", "").replace(" ", "")))
    except (ValueError, OverflowError):
        return None
