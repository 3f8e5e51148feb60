"""The nouns of the pipeline: frozen, slotted dataclasses; `landing.py` and `classify` give them their Arrow shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["post", "comment", "review", "message"]
Relation = Literal["original", "reply", "quote", "repost", "crosspost"]
State = Literal["deleted_by_author", "removed_by_mod", "withheld", "account_gone", "unknown_gone"]


@dataclass(frozen=True, slots=True)
class Query:
    """What we listen for: a brand and the boolean terms that find it.

    `sources` empty means every source of the config, `languages` empty every language. `handles` are the brand's own
    accounts: what they post is kept and not counted. `aliases` are its other names: they find no posts, and tell what
    in a post that names several brands is said of this one.
    """

    name: str
    brand: str
    terms: str
    role: Literal["own", "competitor"] = "own"
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """One public item as its platform gave it; its identity is `platform` and `native_id`.

    `posted_at` is the platform's claim and never changes for a post; `observed_at` (the platform's index
    or witness time, else `fetched_at`) is the ordering clock. All times are aware UTC. `author` leaves
    memory only as a keyed hash. `version` tells one edit from another. `metrics` are mutable counts and
    never part of `version`. `raw` is the exact payload; `terms` names its retention class.
    """

    platform: str
    native_id: str
    text: str
    posted_at: datetime
    fetched_at: datetime
    raw: Mapping[str, Any]
    kind: Kind = "post"
    version: str = ""
    edited_at: datetime | None = None
    observed_at: datetime | None = None
    author: str | None = None
    title: str | None = None
    lang: str | None = None
    url: str | None = None
    thread_id: str | None = None
    parent_key: str | None = None
    relation: Relation = "original"
    ref_key: str | None = None
    metrics: Mapping[str, int] = field(default_factory=dict)
    withheld_in: tuple[str, ...] = ()
    sensitive: bool = False
    terms: str = "keep"


@dataclass(frozen=True, slots=True)
class Reject:
    """An item that could not be mapped, kept with its reason; `where` is a line, a page or a path in the payload."""

    reason: str
    payload: str
    where: str
    native_id: str | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """A platform says that a post is gone or withheld."""

    platform: str
    native_id: str
    state: State
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time that was not read, and why; a null end means open."""

    reason: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a source yields; landed as one file, whose rename also moves the cursor.

    `cursor_after` is opaque versioned JSON, `complete` says that the window is exhausted, `n_asked` counts
    requests (or reads of a file), `money` is what they cost, `notes` are sentences for the person who runs it.
    """

    cursor_after: Mapping[str, Any]
    posts: Sequence[Post] = ()
    rejected: Sequence[Reject] = ()
    deletes: Sequence[StateChange] = ()
    gaps: Sequence[Gap] = ()
    notes: Sequence[str] = ()
    n_asked: int = 1
    money: float = 0.0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class RingTag:
    """A ring that a post speaks of: the sentiment towards it, a score in 0..1, the evidence as a span of the text."""

    ring: str
    sentiment: str
    score: float
    evidence: tuple[int, int]
    facets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a classifier says of one post; `lang` is null where it could not tell."""

    lang: str | None
    sentiment: str | None
    sentiment_score: float
    rings: tuple[RingTag, ...] = ()
    noise: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
