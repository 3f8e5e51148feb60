"""Bluesky: its stream of all posts, which needs no account, or its search, which does."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, Options, PushDown, Source
from cxlisten.collect.bluesky.posts import COLLECTION, read_event, read_view
from cxlisten.collect.bluesky.search import SECRETS, BlueskySearch, finds_all
from cxlisten.collect.bluesky.stream import BlueskyStream
from cxlisten.collect.http import Http
from cxlisten.errors import Protocol
from cxlisten.models import Batch, Post, Query, State, StateChange
from cxlisten.query.pushdown import searches

_IDS_A_CALL = 25
_CLOSED = frozenset(("AccountDeactivated", "AccountTakedown"))


class BlueskyOptions(Options):
    """`mode` auto searches where a log-in is set and the query's words can be searched for, and listens elsewhere.

    Of the stream: `minutes` is how far back the first run goes, 36 hours at most, `seconds` how long a run listens at
    most. Of the search: `days` is how far back the first fetch goes, `base_url` the server of the account.
    `public_url` is asked which posts are still there.
    """

    mode: Literal["auto", "jetstream", "search"] = "auto"
    jetstream_url: Annotated[str, Field(pattern="^wss?://")] = "wss://jetstream.us-east.bsky.network"
    base_url: str = "https://bsky.social"
    public_url: str = "https://public.api.bsky.app"
    minutes: Annotated[float, Field(gt=0)] = 60
    seconds: Annotated[float, Field(gt=0)] = 300
    days: Annotated[float, Field(gt=0)] = 7


class Bluesky(Source):
    """An account is known by its DID, for its handle may change: among a query's `handles`, a brand's DID is wanted."""

    Options = BlueskyOptions
    caps = Caps(max_page=BlueskySearch.caps.max_page, max_items=BlueskySearch.caps.max_items, can_verify=True)
    secrets = SECRETS
    options: BlueskyOptions

    def _way(self, query: Query | None = None) -> BlueskySearch | BlueskyStream:
        mode = self.options.mode
        if mode == "auto":
            has_login = all(os.environ.get(name, "").strip() for name in SECRETS)
            is_found = query is None or all(map(finds_all, searches(query.terms)))
            mode = "search" if has_login and is_found else "jetstream"
        return (BlueskySearch if mode == "search" else BlueskyStream)(self.name, self.options)

    def check(self) -> Health:
        return self._way().check()

    def estimate(self, query: Query) -> Estimate:
        return self._way(query).estimate(query)

    def push_down(self, query: Query) -> PushDown:
        return self._way(query).push_down(query)

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        way = self._way(query)
        return way.fetch(query, way.resumed(cursor, query), budget, stop)

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        is_event = isinstance(item, Mapping) and "operation" in item
        return (read_event if is_event else read_view)(item, fetched_at)

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        with Http(Budget(), Event()) as http:
            for start in range(0, len(native_ids), _IDS_A_CALL):
                asked = native_ids[start : start + _IDS_A_CALL]
                there = self._shown(http, asked)
                for uri in asked:
                    if uri not in there:
                        yield StateChange("bluesky", uri, self._state(http, uri), datetime.now(UTC))

    def _shown(self, http: Http, uris: Sequence[str]) -> set[Any]:
        """Those of the posts that Bluesky shows; it leaves out the others without a word."""
        query = urlencode({"uris": uris}, doseq=True)
        posts = http.get_json(f"{self.options.public_url.rstrip('/')}/xrpc/app.bsky.feed.getPosts?{query}").get("posts")
        if not isinstance(posts, list):
            raise Protocol("Bluesky answered without a list of posts: its API may have changed")
        return {post.get("uri") for post in posts if isinstance(post, dict)}

    def _state(self, http: Http, uri: str) -> State:
        """Ask for the record itself, for a post may also be out of sight; a closed account's is not to be had.

        A moderator's removal looks like a deletion.
        """
        did, rkey = uri.split("/")[2::2]
        asked = {"repo": did, "collection": COLLECTION, "rkey": rkey}
        error = self._error(http, self.options.base_url, "com.atproto.repo.getRecord", asked)
        if error == "RecordNotFound":
            return "deleted_by_author"
        if error:
            error = self._error(http, self.options.public_url, "app.bsky.actor.getProfile", {"actor": did})
        return "account_gone" if error in _CLOSED else "unknown_gone"

    def _error(self, http: Http, base_url: str, method: str, params: Mapping[str, str]) -> str | None:
        """The name of the error with which a server refuses, null where it does not."""
        url = f"{base_url.rstrip('/')}/xrpc/{method}"
        answer = http.retry(lambda: http.attempt("GET", url, params=params, accept=(400,)))
        try:
            return str(json.loads(answer.body).get("error")) if answer.status == 400 else None
        except (ValueError, AttributeError):
            return None


SOURCE = Bluesky
