"""One job of collect: what is new for one query from one source, matched and landed batch by batch."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from cxlisten import query as querying
from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect.spending import Spending
from cxlisten.config import SourceConfig
from cxlisten.errors import Protocol, QuotaExhausted, StoreBusy
from cxlisten.landing import Landing
from cxlisten.models import Batch, Post, Query, StateChange

_ENOUGH_TO_TELL = 10  # fewer items do not tell that a format has changed
_N_REASONS = 3  # how many reasons of rejection are told; the store keeps them all


@dataclass(frozen=True, slots=True)
class Collected:
    """What one job brought: items fetched, posts landed, posts that the query did not match, rejects, gaps."""

    n_fetched: int
    n_landed: int
    n_unmatched: int
    n_rejected: int
    n_gaps: int
    notes: tuple[str, ...]


def collect_job(
    config: SourceConfig, query: Query, landing: Landing, key: bytes, stop: Event, spending: Spending
) -> Collected:
    """Fetch from where the newest landed batch left off, land what matches.

    Raises SourceError when the platform fails, when the month's money is spent, and when most of what came cannot
    be mapped; what was landed before stays, and the next job goes on from there.
    """
    source = load_source(config.name, config.kind, config.options)
    budget = Budget(money=money_left(config, spending))
    desk = _Desk(source, config, query, landing, key)
    with _only_collector(landing.folder(config.name, query.name)):
        landing.sweep(config.name, query.name)
        cursor = landing.cursor(config.name, query.name, desk.fingerprint)
        for batch in source.fetch(query, cursor, budget, stop):
            spending.record(config.name, query.name, batch.money, len(batch.posts) + len(batch.rejected))
            desk.land(batch)
            if batch.money:
                money_left(config, spending)  # another query's job spends of the same
    desk.sound_alarm()
    return desk.collected()


def remap_job(config: SourceConfig, query: Query, landing: Landing, key: bytes) -> Collected:
    """Map anew what earlier jobs could not, from the payloads that were kept; nothing is fetched, no cursor moves."""
    source = load_source(config.name, config.kind, config.options)
    desk = _Desk(source, config, query, landing, key)
    with _only_collector(landing.folder(config.name, query.name)):
        done: set[str] = set()
        for header, payloads in landing.rejected(config.name, query.name):
            found = []
            for payload in payloads:
                if payload not in done:
                    done.add(payload)
                    with suppress(ValueError, OverflowError, RecursionError):
                        found.append(source.post(json.loads(payload), datetime.now(UTC)))
            if found:
                last = landing.last_header(config.name, query.name) or header
                desk.fingerprint = last.fingerprint
                posts = [item for item in found if isinstance(item, Post)]
                deletes = [item for item in found if isinstance(item, StateChange)]
                desk.land(Batch(last.cursor_after, posts, deletes=deletes, n_asked=0, complete=last.complete))
    return desk.collected()


class _Desk:
    """Where the batches of one job are matched, landed and counted."""

    def __init__(self, source: Source, config: SourceConfig, query: Query, landing: Landing, key: bytes) -> None:
        self.fingerprint = _fingerprint(config, query)
        self._source, self._config, self._query = source, config, query
        self._landing, self._key = landing, key
        self._accepts = _acceptance(query, config.name)
        self._totals = Counter(n_fetched=0, n_landed=0, n_unmatched=0, n_rejected=0, n_gaps=0)
        self._notes: dict[str, None] = {}
        self._reasons: Counter[str] = Counter()

    def land(self, batch: Batch) -> None:
        """Land what the query matches of a batch, and all that goes with it."""
        kept, unmatched = [], Counter[str]()
        for post in batch.posts:
            if self._accepts(post):
                kept.append(post)
            else:
                unmatched[post.posted_at.astimezone(UTC).date().isoformat()] += 1
        self._landing.write(
            self._config.name, self._query, self.fingerprint, replace(batch, posts=kept), unmatched,
            self._source.caps.exact_times, self._key,
        )  # fmt: skip
        self._totals.update(
            n_fetched=len(batch.posts) + len(batch.rejected), n_landed=len(kept), n_unmatched=unmatched.total(),
            n_rejected=len(batch.rejected), n_gaps=len(batch.gaps),
        )  # fmt: skip
        self._notes |= dict.fromkeys(batch.notes)
        self._reasons.update(reject.reason for reject in batch.rejected)

    def sound_alarm(self) -> None:
        """Raise Protocol when most of what came could not be mapped: the platform must have changed its format."""
        n, n_mapped = self._totals["n_fetched"], self._totals["n_fetched"] - self._totals["n_rejected"]
        if n >= _ENOUGH_TO_TELL and 2 * n_mapped < n:
            raise Protocol(
                f"{self._config.name}: mapped {n_mapped} of {n} items; the platform may have changed its format."
                f" All are kept: once cxlisten knows it,  cxlisten remap {self._config.name}  maps them without a fetch"
            )

    def collected(self) -> Collected:
        rejected = [f"{n} rejected: {reason}" for reason, n in self._reasons.most_common(_N_REASONS)]
        return Collected(**self._totals, notes=(*self._notes, *rejected))


def money_left(config: SourceConfig, spending: Spending) -> float | None:
    """What a source may still cost this month; raises QuotaExhausted when that is nothing."""
    if config.monthly_budget is None:
        return None
    spent = spending.this_month(config.name)
    if spent >= config.monthly_budget:
        raise QuotaExhausted(
            f"{config.name}: {spent:.2f} of this month's {config.monthly_budget:.2f} are spent;"
            " it goes on next month, or with a higher monthly_budget in cxlisten.toml"
        )
    return config.monthly_budget - spent


def _fingerprint(config: SourceConfig, query: Query) -> str:
    """Another question starts another cursor."""
    question = [config.kind, config.options, query.terms, query.languages, query.handles]
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _acceptance(query: Query, source: str) -> Callable[[Post], bool]:
    """The query as a test of a post; the language is only detected where the query asks for one."""
    matcher = querying.compile(query.terms)
    needs_lang = bool(query.languages) or "lang:" in query.terms

    def accepts(post: Post) -> bool:
        lang = post.lang or (_detect(post.text) if needs_lang else None)
        if query.languages and lang and lang.split("-")[0] not in query.languages:
            return False
        return matcher.matches(post.text, source=source, platform=post.platform, lang=lang)

    return accepts


def _detect(text: str) -> str | None:
    from cxlisten import language

    return language.detect(text)


@contextmanager
def _only_collector(folder: Path) -> Iterator[None]:
    """Two collectors on one cursor would land the same posts twice over."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=5):
            yield
    except Timeout:
        raise StoreBusy(
            f"another run is collecting {folder.name} from {folder.parent.name}: wait for it to end"
        ) from None
