"""Bluesky by its search, which wants a log-in."""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, ClassVar, NamedTuple

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, PushDown
from cxlisten.collect.answers import Answer, place_of
from cxlisten.collect.bluesky.posts import read_view, sort_time
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.errors import Auth, BadQuery, Protocol, SourceError
from cxlisten.models import Post, Query
from cxlisten.query.pushdown import searches
from cxlisten.query.words import UNSPACED

SECRETS = ("BLUESKY_HANDLE", "BLUESKY_APP_PASSWORD")
_EVERYTHING = "*"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_PAGE = 100
_MOST_SHOWN = 10_000
_SHIFT = 10  # a cursor is an offset: for each post that is deleted meanwhile the others move up by one
_ADVICE = "make an app password under Settings > Privacy and security, and set both"


class _Expired(Auth):
    """A token that is no longer taken, in place of which there may be another."""


class _Session(NamedTuple):
    access: str
    refresh: str


class BlueskySearch(Paged):
    """A stream for each search; beyond the most that one shows it goes on with what is older.

    Log-ins are limited to a hundred or so a day, which is why all jobs of a process share one.
    """

    caps = Caps(max_page=_PAGE, max_items=_MOST_SHOWN)
    tokens_last: ClassVar[bool] = True
    sessions: ClassVar[dict[tuple[str, ...], _Session]] = {}

    def open(self, budget: Budget, stop: Event) -> Http:
        for name in SECRETS:
            if not os.environ.get(name, "").strip():
                raise Auth(f'{self.name}: {name} is not set: {_ADVICE}, or listen with mode = "jetstream"')
        return Http(budget, stop, explain=_explain)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [Stream(text or _EVERYTHING, _sent(text)) for text in searches(query.terms)]

    def push_down(self, query: Query) -> PushDown:
        texts = searches(query.terms)
        return PushDown(tuple(map(_sent, texts)), warnings=tuple(filter(None, map(_warning, texts))))

    def resumed(self, cursor: Cursor | None, query: Query) -> Cursor | None:
        """The cursor as one of the search, if it was left by the stream: from where it had heard all."""
        if cursor is None or "streams" in cursor:
            return cursor
        return {
            "v": 1,
            "streams": {text or _EVERYTHING: {"high": cursor["heard_at"]} for text in searches(query.terms)},
        }

    def check(self) -> Health:
        try:
            with self.open(Budget(requests=6, seconds=60), Event()) as http:
                self._search(http, {"q": "bluesky", "limit": 1})
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, f"Bluesky's search answers to {SECRETS[0]}")

    def estimate(self, query: Query) -> Estimate:
        since = _iso(datetime.now(UTC) - timedelta(days=self.first_days))
        with self.open(Budget(), Event()) as http:
            texts = map(_sent, searches(query.terms))
            pages = [self._search(http, {"q": text, "since": since, "limit": 1}) for text in texts]
        counts = [page.get("hitsTotal") for page in pages]
        known = [n for n in counts if isinstance(n, int)]
        n_requests = sum(max(1, math.ceil(n / (_PAGE - _SHIFT))) for n in known) + len(counts) - len(known)
        return Estimate(n_requests, sum(known) if len(known) == len(counts) else None)

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        params = {"q": stream.of, "sort": "latest", "since": _iso(since), "limit": _PAGE, **(token or {})}
        answer = self._search(http, params)
        posts = answer.get("posts")
        if not isinstance(posts, list):
            raise Protocol("Bluesky answered without a list of posts: its search may have changed")
        warning = _warning(stream.key.removeprefix(_EVERYTHING)) if token is None else ""
        return Page(posts, *_next(posts, answer.get("cursor"), token or {}), notes=[warning] if warning else [])

    def post(self, item: Any, fetched_at: datetime) -> Post:
        return read_view(item, fetched_at)

    def _search(self, http: Http, params: Mapping[str, str | int]) -> dict[str, Any]:
        """Ask the search, with a new token where the one at hand is no longer taken."""

        def asked(session: _Session) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {session.access}"}
            url = self._url("app.bsky.feed.searchPosts")
            return http.retry(lambda: http.attempt("GET", url, params=params, headers=headers).json())

        who = (self.options.base_url, *(os.environ[name] for name in SECRETS))
        session = self.sessions.get(who)
        if session:
            try:
                return asked(session)
            except _Expired:
                session = self._renewed(http, session)
        self.sessions[who] = session or self._logged_in(http)
        try:
            return asked(self.sessions[who])
        except _Expired:
            del self.sessions[who]
            raise

    def _logged_in(self, http: Http) -> _Session:
        handle, password = (os.environ[name].strip() for name in SECRETS)
        body = json.dumps({"identifier": handle.removeprefix("@"), "password": password})
        return self._session(http, "createSession", content=body, headers={"Content-Type": "application/json"})

    def _renewed(self, http: Http, session: _Session) -> _Session | None:
        try:
            return self._session(http, "refreshSession", headers={"Authorization": f"Bearer {session.refresh}"})
        except (Auth, BadQuery):
            return None

    def _session(self, http: Http, method: str, **request: Any) -> _Session:
        url = self._url(f"com.atproto.server.{method}")
        answer = http.retry(lambda: http.attempt("POST", url, is_secret=True, **request).json())
        access, refresh = answer.get("accessJwt"), answer.get("refreshJwt")
        if not (isinstance(access, str) and isinstance(refresh, str)):
            raise Protocol(f"{place_of(url)} answered without tokens: check base_url")
        return _Session(access, refresh)

    def _url(self, method: str) -> str:
        return f"{self.options.base_url.rstrip('/')}/xrpc/{method}"


def _next(posts: Sequence[Any], cursor: Any, token: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The token of the page behind this one, null where there is none; and whether there should be one."""
    is_full = len(posts) >= _PAGE
    if not cursor and not is_full:
        return None, False
    offset = int(cursor) if isinstance(cursor, str) and cursor.isdecimal() else None
    if cursor and (offset is None or offset + _PAGE <= _MOST_SHOWN):
        return {**token, "cursor": str(offset - _SHIFT) if offset and is_full else cursor}, False
    # All that one search shows was shown: on with what is older, by the newest of the page, for not all are in order.
    times = [at for post in posts if (at := sort_time(post))]
    until = _iso(max(times) + timedelta(milliseconds=1)) if times else ""
    return ({"until": until}, False) if until and until < token.get("until", "9") else (None, True)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finds_all(text: str) -> bool:
    """Whether the search finds every post that a text, as `searches` gives it, stands for: it knows whole words."""
    return text.startswith('"') and not _UNSPACED.search(text)


def _sent(text: str) -> str:
    """A text as it is sent; quotes hold words together, around one alone not every server's search knows them."""
    return (text if " " in text else text.strip('"')) or _EVERYTHING


def _warning(text: str) -> str:
    if finds_all(text):
        return ""
    if not text:
        return "no word of the query must be there: all of Bluesky is searched"
    return f"Bluesky's search knows whole words only: it does not find  {_sent(text)}  as a part of one"


def _explain(answer: Answer) -> SourceError | None:
    """What a failure of a personal data server means; its error's name says more than its status."""
    place = place_of(answer.url)
    try:
        name = json.loads(answer.body)["error"]
    except (ValueError, LookupError, TypeError):
        name = ""
    if place.endswith("createSession"):
        if name == "AuthFactorTokenRequired":
            return Auth(f"{place} wants a code by e-mail: {SECRETS[1]} is no app password; {_ADVICE}")
        if answer.status == 401:
            return Auth(f"{place} does not know {SECRETS[0]} or does not take {SECRETS[1]}: {_ADVICE}")
    elif name in ("ExpiredToken", "InvalidToken") or answer.status == 401:
        return _Expired(f"{place} does not take the token that it gave: {name or answer.status}")
    if answer.status == 403 and not name:
        return Auth(f"{place} refuses: it is closed to programs; set base_url to the server of your account")
    return None
