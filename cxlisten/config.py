"""cxlisten.toml → frozen settings; secrets come from the environment, never from the file."""

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cxlisten.errors import ConfigError
from cxlisten.models import Query
from cxlisten.taxonomy import RING_NAMES

CONFIG_NAME = "cxlisten.toml"
DEFAULT_STATE = Path(".cxlisten")


def _is_cron(value: str) -> str:
    from datetime import UTC, datetime

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


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
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
    languages: tuple[str, ...] = ()


class TargetTable(_Table):
    target: Annotated[float, Field(ge=-100, le=100)]
    owner: str | None = None


class SourceTable(_Table):
    model_config = ConfigDict(extra="allow", frozen=True)
    name: Name
    kind: str = ""
    schedule: Cron = "17 * * * *"

    @model_validator(mode="before")
    @classmethod
    def _kind_defaults_to_name(cls, table: Any) -> Any:
        return {"kind": table.get("name", ""), **table} if isinstance(table, dict) else table


class ReportTable(_Table):
    name: Name
    brands: tuple[str, ...] = ()
    period_days: Annotated[int, Field(ge=0)] = 7
    schedule: Cron = "0 8 * * 1"
    timezone: TimeZone = "UTC"


class _File(_Table):
    query: Annotated[tuple[QueryTable, ...], Field(min_length=1)]
    source: Annotated[tuple[SourceTable, ...], Field(min_length=1)]
    report: tuple[ReportTable, ...] = (ReportTable(name="weekly"),)
    experience: dict[str, TargetTable] = {}


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A `[[source]]`: its kind names the platform, `options` are the kind's own keys."""

    name: str
    kind: str
    schedule: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """A `[[report]]`; no brands means every own brand, `period_days` 0 all the data there is."""

    name: str
    brands: tuple[str, ...] = ()
    period_days: int = 7
    schedule: str = "0 8 * * 1"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Settings:
    """What to listen for and how to report it; `targets` maps a ring to its target net sentiment and owner."""

    queries: tuple[Query, ...]
    sources: tuple[SourceConfig, ...]
    reports: tuple[ReportConfig, ...]
    targets: dict[str, tuple[float, str | None]]


Check = Callable[[Settings], list[str]]


def load_settings(path: Path, checks: Iterable[Check] = ()) -> Settings:
    """Read a config file; `checks` are the stages' own, for what only they can judge.

    Raises ConfigError with every mistake found, each naming the file, the key and the fix.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; write one with  cxlisten init"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read as UTF-8 text: {error}"]) from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {error}; strings need quotes, tables [[brackets]]"]) from None
    try:
        file = _File.model_validate(tables)
    except ValidationError as error:
        raise ConfigError([f"{path}: {_describe(mistake, tables)}" for mistake in error.errors()]) from None
    settings = _settings(file, path.resolve().parent)
    problems = [*_cross_checks(settings), *(problem for check in checks for problem in check(settings))]
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return settings


def settings_for_file(posts: Path, brand: str | None = None) -> Settings:
    """The settings for one file of posts: all of them are mentions of one brand, the report covers all there is."""
    brand = brand or posts.name.split(".")[0]
    name = re.sub(r"[^a-z0-9]+", "-", brand.casefold()).strip("-")[:64] or "posts"
    return Settings(
        queries=(Query(name=name, brand=brand, terms=""),),
        sources=(SourceConfig("file", "file", "17 * * * *", {"path": str(posts.resolve())}),),
        reports=(ReportConfig(name=name, brands=(brand,), period_days=0),),
        targets={},
    )


def _settings(file: _File, folder: Path) -> Settings:
    return Settings(
        queries=tuple(Query(**table.model_dump()) for table in file.query),
        sources=tuple(
            SourceConfig(s.name, s.kind, s.schedule, _with_path(s.model_extra or {}, folder)) for s in file.source
        ),
        reports=tuple(ReportConfig(**table.model_dump()) for table in file.report),
        targets={ring: (table.target, table.owner) for ring, table in file.experience.items()},
    )


def _with_path(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A relative path is meant from where the config file lies."""
    path = options.get("path")
    return {**options, "path": str(folder / path)} if isinstance(path, str) else options


def _cross_checks(settings: Settings) -> list[str]:
    sources = [source.name for source in settings.sources]
    brands = {query.brand for query in settings.queries}
    problems = [
        f'{kind} "{name}" is there twice; a name is used once'
        for kind, names in (
            ("query", [query.name for query in settings.queries]),
            ("source", sources),
            ("report", [report.name for report in settings.reports]),
        )
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    problems += [
        f'query "{query.name}": sources: unknown source "{name}"{_suggest(name, sources)}'
        for query in settings.queries
        for name in query.sources
        if name not in sources
    ]
    problems += [
        f'report "{report.name}": brands: no query has the brand "{brand}"{_suggest(brand, brands)}'
        for report in settings.reports
        for brand in report.brands
        if brand not in brands
    ]
    problems += [
        f'experience: unknown ring "{ring}"{_suggest(ring, RING_NAMES)}'
        for ring in settings.targets
        if ring not in RING_NAMES
    ]
    return problems


def _describe(mistake: Any, tables: dict[str, Any]) -> str:
    """One mistake in the words of the file: which table, which key, what to write."""
    *place, key = mistake["loc"]
    words, here = [], tables
    for part in place:
        here = here[part]
        name = here.get("name") if isinstance(here, dict) else None
        words.append(f"{part + 1}" + (f' ("{name}")' if name else "") if isinstance(part, int) else str(part))
    where = " ".join(words)
    tables_by_place: dict[tuple[str, ...], type[BaseModel]] = {
        (): _File, ("query",): QueryTable, ("source",): SourceTable, ("report",): ReportTable,
    }  # fmt: skip
    table = tables_by_place.get(tuple(part for part in place if isinstance(part, str)), TargetTable)
    if mistake["type"] == "extra_forbidden":
        return f'{where or "top level"}: unknown key "{key}"{_suggest(str(key), table.model_fields)}'
    if mistake["type"] == "missing":
        what = f"there is no [[{key}]]; add one" if not place else f"{where}: {key} is missing; add it"
        return what
    given = "" if mistake["type"] == "value_error" else f", not {mistake['input']!r}"
    return f"{where}: {key}: {mistake['msg'].removeprefix('Value error, ')}{given}".lstrip(": ")


def _suggest(wrong: str, known: Iterable[str]) -> str:
    close = get_close_matches(wrong, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known: {', '.join(sorted(known))}"


def state_folder() -> Path:
    """Where all state lives when nothing else is said: CXLISTEN_HOME, or `.cxlisten` here."""
    return Path(os.environ.get("CXLISTEN_HOME") or DEFAULT_STATE)


def config_file() -> Path:
    """The config when nothing else is said: CXLISTEN_CONFIG, or `cxlisten.toml` here."""
    return Path(os.environ.get("CXLISTEN_CONFIG") or CONFIG_NAME)


def author_key(state: Path) -> bytes:
    """The key of the author hash: CXLISTEN_AUTHOR_KEY, else made once and kept beside the store, never in it."""
    given = os.environ.get("CXLISTEN_AUTHOR_KEY")
    if given:
        return given.encode()
    file = state / "author.key"
    if not file.exists():
        state.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, file)  # the first of several starters wins, all read its key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().encode()
