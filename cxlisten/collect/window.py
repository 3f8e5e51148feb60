"""Windows: how far the reading of one listing has come, what it has read, and how it sees that it is at the end."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cxlisten.models import Gap, Post, Reject, StateChange

_MOST_SEEN = 10_000  # the store knows the others
_STALE_PAGES = 3  # so many pages in a row with nothing new are an endless listing


@dataclass(frozen=True, slots=True)
class Page:
    """What a platform showed: its items as it gave them, and the token of the next page, null on the last.

    `is_capped` says that the last page is not the end, but all that the platform shows, `n_extra` how many items more
    it has cost. `is_doubtful` says that it may be the last by mistake: then the next run reads the window again.
    """

    items: Sequence[Any]
    token: Any = None
    is_capped: bool = False
    notes: Sequence[str] = ()
    n_extra: int = 0
    is_doubtful: bool = False


@dataclass
class Held:
    """What is read of a stream and not yet landed: the fields of a batch."""

    posts: list[Post] = field(default_factory=list)
    rejected: list[Reject] = field(default_factory=list)
    deletes: list[StateChange] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Window:
    """What is to be read of a stream: since when; `token` is the page to go on from, `top` where the next run begins.

    It is null until the first answer has told the platform's time. `seen` are the posts of the last pages.
    """

    since: datetime
    top: datetime | None = None
    token: Any = None
    seen_tokens: set[str] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)
    reached: datetime | None = None
    n_items: int = 0
    n_stale: int = 0
    held: Held = field(default_factory=Held)

    def take(self, page: Page, read: Callable[[Any, datetime], Post | StateChange], where: str) -> str | None:
        """Take in a page; gives null to go on, "" where the window is read to its end, else why it ends before.

        `read` makes a post of an item, or raises ValueError; `where` says in a reject what was being read.
        """
        if len(self.seen) > _MOST_SEEN:
            self.seen.clear()
        fetched_at, n_before = datetime.now(UTC), len(self.seen)
        newest = last = None
        for number, item in enumerate(page.items, 1):
            try:
                post = read(item, fetched_at)
            except (ValueError, OverflowError, RecursionError) as error:
                payload = json.dumps(item, default=str)
                self.held.rejected.append(Reject(str(error), payload, f"{where} item {self.n_items + number}"))
                self.seen.add(("", payload))
                continue
            if isinstance(post, StateChange):
                if (post.native_id, post.state) not in self.seen:
                    self.seen.add((post.native_id, post.state))
                    self.held.deletes.append(post)
                continue
            last = at = post.observed_at or post.posted_at
            newest = max(newest or at, at)
            if (post.native_id, post.version) not in self.seen:
                self.seen.add((post.native_id, post.version))
                self.held.posts.append(post)
        if newest:
            # The newest of the page: an old post that arrived late stands among newer ones, not all of them read.
            self.reached = min(self.reached or newest, newest)
        self.n_items += len(page.items)
        self.n_stale = self.n_stale + 1 if page.items and len(self.seen) == n_before else 0
        is_past = newest is not None and newest < self.since
        if page.token is None or is_past:
            # By its last post, for one among the others that is dated anyhow tells nothing.
            is_read = is_past or (last is not None and last < self.since)
            return "it shows no more than its newest posts" if page.is_capped and not is_read else ""
        token = json.dumps(page.token, sort_keys=True)
        if token in self.seen_tokens:
            return "it names the same page as the next, again and again"
        if self.n_stale >= _STALE_PAGES:
            return f"{_STALE_PAGES} pages in a row held nothing new"
        self.seen_tokens.add(token)
        self.token = page.token
        return None
