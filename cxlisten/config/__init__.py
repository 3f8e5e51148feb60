"""cxlisten.toml → frozen settings; secrets come from the environment, never from the file."""

import hashlib
import os
import re
import secrets
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cxlisten.config.tables import (
    ClassifyTable,
    QueryTable,
    ReportTable,
    SourceTable,
    TargetTable,
    suggest,
    valid_table,
)
from cxlisten.errors import ConfigError
from cxlisten.models import Query
from cxlisten.taxonomy import RING_NAMES

CONFIG_NAME = "cxlisten.toml"
CORRECTIONS_NAME = "corrections.jsonl"
DEFAULT_STATE = Path(".cxlisten")


_SECTIONS: dict[str, type[BaseModel]] = {"query": QueryTable, "source": SourceTable, "report": ReportTable}
_TOP_LEVEL = (*_SECTIONS, "experience", "classify")


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """A `[[source]]`: its kind names the platform, `options` are the kind's own keys.

    `monthly_budget` is the most that it may cost, in the currency of the platform's prices.
    """

    name: str
    kind: str
    schedule: str
    options: dict[str, Any]
    monthly_budget: float | None = None


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """A `[[report]]`; no brands means every own brand, `period_days` 0 all the data there is."""

    name: str
    brands: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("html",)
    period_days: int = 7
    schedule: str = "0 8 * * 1"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Settings:
    """What to listen for and how to report it; `targets` maps a ring to its target net sentiment and owner.

    `recipe` is the classifier whose tags count, null the default; `corrections` the file of what people corrected.
    """

    queries: tuple[Query, ...]
    sources: tuple[SourceConfig, ...]
    reports: tuple[ReportConfig, ...]
    targets: dict[str, tuple[float, str | None]]
    recipe: str | None = None
    corrections: Path | None = None


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
    problems: list[str] = []
    settings = _settings(tables, path.resolve().parent, problems)
    problems += _cross_checks(settings, tables)
    problems += [problem for check in checks for problem in check(settings)]
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return settings


def settings_for_file(posts: Path, brand: str | None = None) -> Settings:
    """The settings for one file of posts: all of them are mentions of one brand, the report covers all there is.

    The source bears the names of both, because "1" in the files of two brands, or in two files, is not one post.
    """
    stem = posts.name.split(".")[0] or posts.name
    brand = brand or stem
    name = slug(brand)
    source = "-".join(dict.fromkeys((name, slug(stem))))
    return Settings(
        queries=(Query(name=name, brand=brand, terms=""),),
        sources=(SourceConfig(source, "file", "17 * * * *", {"path": str(posts.resolve())}),),
        reports=(ReportConfig(name=name, brands=(brand,), period_days=0),),
        targets={},
    )


def slug(name: str) -> str:
    """A name as a folder can be called; letters that it cannot spell are told apart by a digest."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    short = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:48]
    if short and not re.search(r"[^a-z0-9 _.,&'-]", folded) and len(folded) <= 48:
        return short
    return f"{short or 'posts'}-{hashlib.sha256(folded.encode()).hexdigest()[:8]}"


def _settings(tables: dict[str, Any], folder: Path, problems: list[str]) -> Settings:
    """What is right in the file as settings; what is wrong goes to `problems`, and the rest is still checked."""
    for key in tables:
        if key not in _TOP_LEVEL:
            problems.append(f'top level: unknown key "{key}"{suggest(key, _TOP_LEVEL)}')
    problems += [f"there is no [[{key}]]; add one" for key in ("query", "source") if not tables.get(key)]
    sections: dict[str, list[Any]] = {
        key: [valid for valid in _valid_tables(key, model, tables.get(key, []), problems) if valid]
        for key, model in _SECTIONS.items()
    }
    targets = {
        ring: valid_table(f"experience {ring}", TargetTable, table, problems)
        for ring, table in _experience(tables).items()
    }
    classify = valid_table("classify", ClassifyTable, tables.get("classify", {}), problems)
    if _experience(tables) != tables.get("experience", {}):
        problems.append("experience: write one table per ring, such as [experience.price]")
    return Settings(
        queries=tuple(Query(**table.model_dump()) for table in sections["query"]),
        sources=tuple(
            SourceConfig(s.name, s.kind, s.schedule, _with_path(s.model_extra or {}, folder), s.monthly_budget)
            for s in sections["source"]
        ),
        reports=tuple(ReportConfig(**t.model_dump()) for t in sections["report"]) or (ReportConfig("weekly"),),
        targets={ring: (table.target, table.owner) for ring, table in targets.items() if table},
        recipe=classify.recipe if classify else None,
        corrections=folder / CORRECTIONS_NAME,
    )


def _valid_tables(key: str, model: type[BaseModel], given: Any, problems: list[str]) -> list[Any]:
    if not isinstance(given, list):
        problems.append(f"{key}: write [[{key}]] with two brackets, there can be several")
        return []
    places = [
        f"{key} {number}" + (f' ("{table["name"]}")' if isinstance(table, dict) and "name" in table else "")
        for number, table in enumerate(given, 1)
    ]
    return [valid_table(place, model, table, problems) for place, table in zip(places, given, strict=True)]


def _with_path(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A relative path is meant from where the config file lies."""
    path = options.get("path")
    return {**options, "path": str(folder / path)} if isinstance(path, str) else options


def _cross_checks(settings: Settings, tables: dict[str, Any]) -> list[str]:
    # The names that the file spells, so that one wrong table is not the reason of a second message.
    sources = _spelled(tables, "source", "name")
    brands = _spelled(tables, "query", "brand")
    problems = [
        f'{kind} "{name}" is there twice; a name is used once'
        for kind, names in (
            ("query", _spelled(tables, "query", "name")),
            ("source", sources),
            ("report", _spelled(tables, "report", "name")),
        )
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    problems += [
        f'query "{query.name}": sources: unknown source "{name}"{suggest(name, sources)}'
        for query in settings.queries
        for name in query.sources
        if name not in sources
    ]
    problems += [
        f'report "{report.name}": brands: no query has the brand "{brand}"{suggest(brand, brands)}'
        for report in settings.reports
        for brand in report.brands
        if brand not in brands
    ]
    problems += [
        f'experience: unknown ring "{ring}"{suggest(ring, RING_NAMES)}'
        for ring in _experience(tables)
        if ring not in RING_NAMES
    ]
    return problems


def _spelled(tables: dict[str, Any], section: str, key: str) -> list[str]:
    given = tables.get(section)
    rows = given if isinstance(given, list) else []
    return [str(row[key]) for row in rows if isinstance(row, dict) and key in row]


def _experience(tables: dict[str, Any]) -> dict[str, Any]:
    given = tables.get("experience")
    return given if isinstance(given, dict) else {}


def state_folder() -> Path:
    """Where all state lives when nothing else is said: CXLISTEN_HOME, or `.cxlisten` here."""
    return Path(os.environ.get("CXLISTEN_HOME") or DEFAULT_STATE)


def demo_state() -> Path:
    """Where the demo's state lives: CXLISTEN_HOME where it is set, else apart from the state of real projects."""
    return Path(os.environ.get("CXLISTEN_HOME") or DEFAULT_STATE / "demo")


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
    key = file.read_text().encode()
    if not key:
        raise ConfigError(
            [f"{file} is empty: restore it from a copy, or authors would be counted anew under another key"]
        )
    return key
