"""One job of collect: what is new for one query from one source, matched and landed batch by batch."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from cxlisten import query as querying
from cxlisten.collect import Budget, load_source
from cxlisten.config import SourceConfig
from cxlisten.errors import StoreBusy
from cxlisten.landing import Landing
from cxlisten.models import Post, Query

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


def collect_job(config: SourceConfig, query: Query, landing: Landing, key: bytes, stop: Event) -> Collected:
    """Fetch from where the newest landed batch left off, land what matches.

    Raises SourceError when the platform fails; what was landed before stays, and the next job goes on from there.
    """
    source = load_source(config.name, config.kind, config.options)
    fingerprint, accepts = _fingerprint(config, query), _acceptance(query, config.name)
    totals: Counter[str] = Counter(n_fetched=0, n_landed=0, n_unmatched=0, n_rejected=0, n_gaps=0)
    notes: dict[str, None] = {}
    reasons: Counter[str] = Counter()
    with _only_collector(landing.folder(config.name, query.name)):
        landing.sweep(config.name, query.name)
        cursor = landing.cursor(config.name, query.name, fingerprint)
        for batch in source.fetch(query, cursor, Budget(), stop):
            kept, unmatched = [], Counter[str]()
            for post in batch.posts:
                if accepts(post):
                    kept.append(post)
                else:
                    unmatched[post.posted_at.astimezone(UTC).date().isoformat()] += 1
            landing.write(
                config.name, query, fingerprint, replace(batch, posts=kept), unmatched, source.caps.exact_times, key
            )  # fmt: skip
            totals.update(
                n_fetched=len(batch.posts) + len(batch.rejected), n_landed=len(kept), n_unmatched=unmatched.total(),
                n_rejected=len(batch.rejected), n_gaps=len(batch.gaps),
            )  # fmt: skip
            notes |= dict.fromkeys(batch.notes)
            reasons.update(reject.reason for reject in batch.rejected)
    rejected = [f"{n} rejected: {reason}" for reason, n in reasons.most_common(_N_REASONS)]
    return Collected(**totals, notes=(*notes, *rejected))


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
