"""The tables of cxlisten.toml: which keys each takes, and what a mistake in one is called."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator


def _is_cron(value: str) -> str:
    try:
        CronSim(value, datetime.now(UTC))
    except CronSimError:
        raise ValueError(f'"{value}" is no cron schedule; write five fields such as "0 8 * * 1"') from None
    return value


def _is_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f'"{value}" is no time zone; write one such as "Europe/London"') from None
    return value


def _is_language(value: str) -> str:
    if not re.fullmatch("[a-z]{2,3}", value):
        raise ValueError(f'"{value}" is no language code; write two or three small letters such as "en"')
    return value


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Language = Annotated[str, AfterValidator(_is_language)]
Cron = Annotated[str, AfterValidator(_is_cron)]
TimeZone = Annotated[str, AfterValidator(_is_timezone)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QueryTable(_Table):
    name: Name
    brand: Annotated[str, Field(min_length=1)]
    terms: str
    role: Literal["own", "competitor"] = "own"
    sources: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    handles: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class TargetTable(_Table):
    target: Annotated[float, Field(ge=-100, le=100)]
    owner: str | None = None


class SourceTable(_Table):
    model_config = ConfigDict(extra="allow", frozen=True)
    name: Name
    kind: str = ""
    schedule: Cron = "17 * * * *"
    monthly_budget: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _kind_defaults_to_name(cls, table: Any) -> Any:
        return {"kind": table.get("name", ""), **table} if isinstance(table, dict) else table


class ClassifyTable(_Table):
    recipe: str | None = None


class ReportTable(_Table):
    name: Name
    brands: tuple[str, ...] = ()
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = ("html",)
    period_days: Annotated[int, Field(ge=0)] = 7
    schedule: Cron = "0 8 * * 1"
    timezone: TimeZone = "UTC"


def valid_table(place: str, model: type[BaseModel], given: Any, problems: list[str]) -> Any:
    """Give the table as `model`; or null, and a message for each mistake in `problems`."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems += [f"{place}: {_describe(mistake, model)}" for mistake in error.errors()]
        return None


def _describe(mistake: Any, model: type[BaseModel]) -> str:
    """One mistake in the words of the file: which key, and what to write."""
    key = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "extra_forbidden":
        return f'unknown key "{key}"{suggest(key, model.model_fields)}'
    if mistake["type"] == "missing":
        return f"{key} is missing; add it"
    if mistake["type"] == "model_type":
        return f"write a table with the keys {', '.join(model.model_fields)}, not {mistake['input']!r}"
    given = "" if mistake["type"] == "value_error" else f", not {mistake['input']!r}"
    return f"{key}: {mistake['msg'].removeprefix('Value error, ')}{given}".lstrip(": ")


def suggest(wrong: str, known: Iterable[str]) -> str:
    """End a message about an unknown name with the one that was likely meant, or with all there are."""
    close = get_close_matches(wrong, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known: {', '.join(sorted(known))}"
