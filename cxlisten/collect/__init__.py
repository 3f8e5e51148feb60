"""Collect: a source yields batches; what a source must be, and how it is found by name."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from pkgutil import iter_modules
from threading import Event
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cxlisten.collect import sources
from cxlisten.errors import ConfigError, MissingExtra
from cxlisten.models import Batch, Post, Query, StateChange

Cursor = Mapping[str, Any]


class Options(BaseModel):
    """The keys that a source takes in its `[[source]]` table; an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Caps:
    """What a platform can do.

    `exact_times` says that a post's `posted_at` can be trusted never to change, `can_verify` that the source has a
    `verify`, without which its silence would be taken for "all are still there".
    """

    max_page: int | None = None
    window_days: float | None = None
    max_items: int | None = None
    supports_since: bool = True
    needs_auth: bool = False
    exact_times: bool = True
    can_verify: bool = False
    unit_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one fetch may spend. A source that stops at it says so: in a note where its cursor can go on
    from there, as a gap where what was not read is lost."""

    requests: int = 1_000
    posts: int = 100_000
    seconds: float = 600.0
    money: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a source can be read now, and if not, what is wrong in plain words."""

    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fetch would cost; `posts` is null where the platform cannot say."""

    requests: int
    posts: int | None = None
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class PushDown:
    """What of a query a platform looks for itself; the whole query is applied to whatever it gives.

    `searches` are the texts sent, "" for everything; `is_exact` says that they leave nothing out and nothing over.
    """

    searches: tuple[str, ...] = ("",)
    is_exact: bool = False
    warnings: tuple[str, ...] = ()


class Source(ABC):
    """A platform. It yields batches and nothing else: it never stores, matches, logs or reads the store.

    `fetch` must accept the same cursor twice, and resuming from the `cursor_after` of any batch loses nothing.
    """

    Options: ClassVar[type[Options]] = Options
    caps: Caps = Caps()
    secrets: ClassVar[tuple[str, ...]] = ()
    starter: ClassVar[str] = ""
    """Lines of its `[[source]]` table in a first config; $tag is the brand as a hashtag, $words as in an address."""

    def __init__(self, name: str, options: Any) -> None:
        self.name = name
        self.options = options

    @abstractmethod
    def check(self) -> Health:
        """Say whether the source can be reached and read, at next to no cost."""

    @abstractmethod
    def estimate(self, query: Query) -> Estimate:
        """Say what a fetch would cost, without fetching a post."""

    @abstractmethod
    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        """Yield batches from where `cursor` left off; end soon after `stop` is set."""

    def push_down(self, query: Query) -> PushDown:
        """Say what of a query the platform looks for; by default nothing: all is read, and sifted here."""
        return PushDown()

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        """Give an item, as it is kept in a reject, as a post, or say that it is gone.

        Raises ValueError with the reason where it is neither.
        """
        raise ValueError(f"posts of {self.name} cannot be mapped again")

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        """Yield what is not there any more of some stored posts, where `caps.can_verify`; of the others nothing.

        `unknown_gone` says only that a post is absent. Raises SourceError where nothing is known of some.
        """
        return iter(())


def source_kinds() -> list[str]:
    """Name every kind of source: the files of `collect/sources/` and the entry points of other packages."""
    return sorted({*(module.name for module in iter_modules(sources.__path__)), *_foreign_kinds()})


def load_source(name: str, kind: str, options: Mapping[str, Any]) -> Source:
    """Make the source `name` of the given kind.

    Raises ConfigError listing every mistake in the options, or saying what the kind's own file lacks.
    """
    cls = source_class(kind, name)
    try:
        return cls(name, cls.Options.model_validate(dict(options)))
    except ValidationError as error:
        raise ConfigError(
            [
                f'source "{name}": {".".join(map(str, e["loc"])) or "options"}: {e["msg"]}'
                f" (kind {kind} takes {', '.join(cls.Options.model_fields)})"
                for e in error.errors()
            ]
        ) from None


@cache
def _foreign_kinds() -> dict[str, EntryPoint]:
    """The kinds of other packages, looked up once: the look-up reads the metadata of all that is installed."""
    return {point.name: point for point in entry_points(group="cxlisten.sources")}


def source_class(kind: str, name: str = "") -> type[Source]:
    """Find the class of a kind of source; raises ConfigError, or MissingExtra where its client is not installed."""
    if kind not in source_kinds():
        raise ConfigError([f'source "{name or kind}": unknown kind "{kind}"; there is {", ".join(source_kinds())}'])
    foreign = _foreign_kinds().get(kind)
    place = foreign.value if foreign else f"cxlisten/collect/sources/{kind}.py"
    try:
        cls = foreign.load() if foreign else getattr(import_module(f"{sources.__name__}.{kind}"), "SOURCE", None)
    except Exception as error:  # whatever is wrong in the file
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("cxlisten"):
            raise MissingExtra(str(error.name), "sources") from None
        raise ConfigError([f"{place} cannot be imported: {type(error).__name__}: {error}"]) from error
    if not (isinstance(cls, type) and issubclass(cls, Source)):
        raise ConfigError([f"{place} must end with  SOURCE = YourClass , a subclass of cxlisten.collect.Source"])
    if isabstract(cls):
        raise ConfigError([f"{place}: {cls.__name__} must define {', '.join(sorted(cls.__abstractmethods__))}"])
    return cls
