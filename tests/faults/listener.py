"""A source against its platform, as the pipeline runs it: batch by batch, the cursor through JSON, run after run."""

import json
import traceback
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cxlisten.collect import Budget, Source, load_source
from cxlisten.errors import SourceError
from cxlisten.landing.rows import batch_rows
from cxlisten.models import Batch, Gap, Post, Query, Reject, StateChange
from tests.faults.clock import Clock
from tests.faults.platforms import Identity, Platform

QUERY = Query("everything", "Anybrand", "")
NAME = "posts"
AUTHOR = "someone"  # the name of all authors of all platforms holds it
CLEAN_RUNS = 4  # so many at most until one is complete


@dataclass
class Run:
    """What one run gave, what it failed with, how long it waited, and how many requests it made."""

    batches: list[Batch] = field(default_factory=list)
    error: SourceError | None = None
    waits: list[float] = field(default_factory=list)
    n_requests: int = 0

    @property
    def is_complete(self) -> bool:
        return self.error is None and bool(self.batches) and self.batches[-1].complete

    @property
    def posts(self) -> list[Post]:
        return [post for batch in self.batches for post in batch.posts]

    @property
    def identities(self) -> set[Identity]:
        return {(post.platform, post.native_id) for post in self.posts}

    @property
    def gaps(self) -> list[Gap]:
        return [gap for batch in self.batches for gap in batch.gaps]

    @property
    def notes(self) -> list[str]:
        return [note for batch in self.batches for note in batch.notes]

    @property
    def rejected(self) -> list[Reject]:
        return [reject for batch in self.batches for reject in batch.rejected]

    @property
    def money(self) -> float:
        return sum(batch.money for batch in self.batches)


class Listener:
    """Lands what a source gives, and remembers all that was landed; `promised` is what must have been by now."""

    def __init__(self, kind: str, platform: Platform, **options: Any) -> None:
        self.kind, self.platform = kind, platform
        self.options = {**platform.options(), **options}
        self.cursor: Any = None
        self.runs: list[Run] = []
        self.promised: set[Identity] = set()
        self.versions: dict[Identity, set[str]] = {}
        self.texts: dict[Identity, str] = {}
        self.gone: list[StateChange] = []
        self.settles = timedelta()
        """How long after a post was made a run may still leave it to the next one."""

    def source(self) -> Source:
        """The source as a new process makes it."""
        return load_source(NAME, self.kind, self.options)

    def run(self, budget: Budget | None = None, stop: Clock | None = None, n_batches: int | None = None) -> Run:
        """One run; killed after so many batches, if that is said."""
        run, clock, n_before = Run(), stop or Clock(), len(self.platform.server.requests)
        cursor = json.loads(json.dumps(self.cursor))
        had_rest, there = has_rest(cursor), self._due()
        try:
            with closing(self.source().fetch(QUERY, cursor, budget or Budget(), clock)) as batches:
                for batch in islice(batches, n_batches):
                    run.batches.append(batch)
                    self._land(batch)
        except SourceError as error:
            run.error = error
        run.waits, run.n_requests = clock.waits, len(self.platform.server.requests) - n_before
        self.runs.append(run)
        if run.is_complete and not had_rest and n_batches is None:
            self.promised |= there & self.platform.posts()
        return run

    def _due(self) -> set[Identity]:
        """What a run that begins now must find."""
        settled = self.platform.timeline.now - self.settles
        early = {self.platform.identity(item) for item in self.platform.timeline.items if item.arrives_at > settled}
        return self.platform.posts() - early if self.settles else self.platform.posts()

    def _land(self, batch: Batch) -> None:
        for post in batch.posts:
            key = (post.platform, post.native_id)
            self.versions.setdefault(key, set()).add(post.version or post.text)
            self.texts[key] = post.text
        self.gone += batch.deletes
        self.cursor = json.loads(json.dumps(batch.cursor_after))

    def settle(self) -> None:
        """Run on until nothing is left to read: one that goes on with an older run's rest, and one more."""
        for _ in range(2):
            for _ in range(CLEAN_RUNS):
                if self.run().is_complete:
                    break
            else:
                raise AssertionError(f"not complete after {CLEAN_RUNS} clean runs: {self.runs[-1]}")

    @property
    def landed(self) -> set[Identity]:
        return set(self.versions)

    @property
    def gaps(self) -> list[Gap]:
        return [gap for run in self.runs for gap in run.gaps]

    def missing(self) -> set[Identity]:
        """What must have been landed, was not, and is in no gap either."""
        lost = self.promised - self.landed
        return {identity for identity in lost if not self._is_excused(identity)} if lost else lost

    def _is_excused(self, identity: Identity) -> bool:
        times = [item.posted_at for item in self.platform.timeline.items if self.platform.identity(item) == identity]
        return any(
            (gap.since is None or gap.since <= at) and (gap.until is None or at <= gap.until)
            for at in times
            for gap in self.gaps
        )

    def false_edits(self) -> set[Identity]:
        """What was landed in more versions than it ever had."""
        timeline = self.platform.timeline
        n_texts = {self.platform.identity(item): len(item.texts) for item in timeline.items}
        return {key for key, versions in self.versions.items() if len(versions) > n_texts.get(key, 1)}

    def never_shown(self) -> set[Identity]:
        """What was landed and never was on the platform."""
        there = {self.platform.identity(item) for item in self.platform.timeline.items}
        return self.landed - there - self.platform.posts()


def twice(run: Run) -> list[Any]:
    """What one run landed more than once in the same version."""
    counts = Counter((post.platform, post.native_id, post.version or post.text) for post in run.posts)
    return [key for key, n in counts.items() if n > 1]


def unlandable(run: Run) -> list[str]:
    """Why posts that the source let through could not be written."""
    now = datetime.now(UTC)
    rows = [row for batch in run.batches for row in batch_rows(Batch({}, batch.posts), (), b"key", now)]
    return [str(row["reason"]) for row in rows if row["outcome"] == "rejected"]


def words(run: Run) -> str:
    """All that a run says to a person or writes down beside the posts."""
    error = "".join(traceback.format_exception(run.error)) if run.error else ""
    cursors = json.dumps([batch.cursor_after for batch in run.batches])
    reasons = [reject.reason for reject in run.rejected] + [gap.reason for gap in run.gaps]
    return "\n".join([str(run.error or ""), error, cursors, *run.notes, *reasons])


def has_rest(cursor: Any) -> bool:
    """Whether a run with this cursor first reads what an older one left."""
    states = (cursor or {}).get("streams", {})
    return any(isinstance(state, dict) and state.get("pending") for state in states.values())
