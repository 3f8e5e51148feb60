"""Feeds: RSS and Atom, Reddit's Atom among them. No key needed."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, Field

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, Options, Source
from cxlisten.collect.answers import Answer, place_of
from cxlisten.collect.feed import Feed, digest, read_entry, read_feed
from cxlisten.collect.http import Http, Stopped
from cxlisten.errors import SourceError
from cxlisten.models import Batch, Gap, Post, Query, StateChange

_MAX_SEEN = 1_000


def _is_address(url: str) -> str:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError("a feed's address starts with https:// and names a host")
    return url


class RssOptions(Options):
    """`urls` are the addresses of the feeds.

    Those of Reddit are such as https://www.reddit.com/r/NAME/new/.rss; it gives about one a minute, and more to
    whoever adds the `feed` and `user` of an account, which are in the addresses at reddit.com/prefs/feeds.
    """

    urls: Annotated[tuple[Annotated[str, AfterValidator(_is_address)], ...], Field(min_length=1)]


class Rss(Source):
    """Reads each feed as a whole, one batch a feed.

    The cursor holds, per feed, the validators that spare an unchanged one, the ids that it showed last, which tell
    whether others went by unseen, and when posts without a date were first seen. No feed can be asked for one post, so
    what was found in it is not checked again; posts of Reddit have the ids under which its API knows them.
    """

    Options = RssOptions
    caps = Caps(supports_since=False, exact_times=False)
    starter = 'urls = ["https://www.reddit.com/search.rss?q=%22$words%22&sort=new"]   # Reddit without a key; any feed'
    options: RssOptions

    def check(self) -> Health:
        problems = []
        with Http(Budget(requests=2 * len(self.options.urls), seconds=60), Event()) as http:
            for url in self.options.urls:
                try:
                    _feed(http.get(url), url, {})
                except SourceError as error:
                    problems.append(str(error))
        return Health(not problems, "; ".join(problems) or f"{len(self.options.urls)} feeds can be read")

    def estimate(self, query: Query) -> Estimate:
        return Estimate(requests=len(self.options.urls))

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        states = dict(cursor["feeds"]) if cursor else {}
        failures: list[SourceError] = []
        notes: list[str] = []
        n_counted = 0
        with Http(budget, stop) as http:
            for url in self.options.urls:
                key = digest(url)  # the address itself may hold a reader's token
                before = states.get(key, {})
                try:
                    answer = http.get(url, headers=_validators(before))
                    feed = None if answer.status == httpx.codes.NOT_MODIFIED else _feed(answer, url, before)
                except Stopped as why:
                    notes.append(f"{why}: the feeds from {place_of(url)} on were not read")
                    break
                except SourceError as error:
                    failures.append(error)
                    continue
                if feed:
                    states[key] = _state(answer, feed, before)
                    yield Batch(
                        cursor_after={"v": 1, "feeds": dict(states)},
                        posts=feed.posts,
                        rejected=feed.rejected,
                        deletes=feed.deletes,
                        gaps=_gaps(feed, before, url),
                        notes=_notes(feed, url),
                        n_asked=http.n_requests - n_counted,
                        complete=False,
                    )
                    n_counted = http.n_requests
            is_complete = not (notes or failures)
            yield Batch(
                {"v": 1, "feeds": states}, notes=notes, n_asked=http.n_requests - n_counted, complete=is_complete
            )
        if failures:
            # The feeds that could be read are landed by now; the run fails for those that could not.
            failures[0].args = (f"{len(failures)} of {len(self.options.urls)} feeds failed: {failures[0]}",)
            raise failures[0]

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        return read_entry(item, fetched_at)


def _validators(before: Mapping[str, Any]) -> dict[str, str]:
    headers = {"If-None-Match": before.get("etag"), "If-Modified-Since": before.get("modified")}
    return {name: value for name, value in headers.items() if value}


def _feed(answer: Answer, url: str, before: Mapping[str, Any]) -> Feed:
    return read_feed(answer.body, url, answer.headers.get("content-type", ""), before.get("undated", {}))


def _state(answer: Answer, feed: Feed, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """What to remember of a feed: nothing of a cut one, and no validators of a broken one, so that it is read again."""
    if feed.is_cut:
        return before
    times = [post.posted_at.timestamp() for post in feed.posts]
    return {
        "etag": None if feed.is_broken else answer.headers.get("etag"),
        "modified": None if feed.is_broken else answer.headers.get("last-modified"),
        "seen": [digest(post.native_id) for post in feed.posts[:_MAX_SEEN]] or before.get("seen", []),
        "newest": max(times, default=before.get("newest")),
        "undated": feed.undated,
    }


def _gaps(feed: Feed, before: Mapping[str, Any], url: str) -> list[Gap]:
    """A feed shows its last posts only: if none of the last time is left, others may have come and gone."""
    seen = {digest(post.native_id) for post in feed.posts}
    if not seen or not before.get("seen") or seen & set(before["seen"]):
        return []
    since = datetime.fromtimestamp(before["newest"], UTC)
    until = max(since, min(post.posted_at for post in feed.posts))
    return [Gap(f"{place_of(url)} has rolled over since its last reading: read it more often", since, until)]


def _notes(feed: Feed, url: str) -> list[str]:
    notes = []
    if feed.is_broken:
        notes.append(f"{place_of(url)} is {'cut short' if feed.is_cut else 'not well-formed'}: it will be read again")
    if feed.undated:
        notes.append(f"{place_of(url)} has posts without a date: dated to when they were first seen")
    return notes


SOURCE = Rss
