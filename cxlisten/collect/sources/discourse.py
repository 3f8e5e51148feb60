"""Discourse: all posts of one forum, the newest first. No key needed where a forum can be read without a login."""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar

import httpx
from pydantic import AfterValidator, Field

from cxlisten.collect import Budget, Caps, Estimate, Health, Options
from cxlisten.collect.answers import Answer, host_of, place_of
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.text import clean, html_to_text, join_title, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Auth, NotFound, Protocol, RateLimited, SourceError
from cxlisten.models import Post, Query, State, StateChange

_KEY = "DISCOURSE_API_KEY"
_PAGE = 50
_MOST_EMPTY = 20  # pages without a post, one after the other
_LIKE = 2
_ID = re.compile(r"[1-9][0-9]{0,17}")
_QUOTE = re.compile(r"\[quote\b[^\]\[]*\](?:(?!\[/?quote\b).)*\[/quote\]", re.DOTALL | re.IGNORECASE)
_NESTED = 10
_DAY = 86_400


def _address(text: str) -> str:
    try:
        url = httpx.URL(text.strip().rstrip("/"))
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("a forum's address starts with https:// and names a host")
    return str(url).rstrip("/")


class DiscourseOptions(Options):
    """`base_url` is the address of the forum, `days` how far back the first fetch goes.

    `api_username` is the account of DISCOURSE_API_KEY; without it the key is not sent, for it may be another forum's.
    """

    base_url: Annotated[str, AfterValidator(_address)]
    days: Annotated[float, Field(gt=0)] = 7
    api_username: str | None = None


class Discourse(Paged):
    """One stream: every post of the forum. Its search would show no more than the beginnings of posts.

    Pages follow each other by id. A forum of before 2025 shows a page's last post on the next one again, one of
    before 2024 shows what is there of fifty ids, which may be nothing: only ids that come to an end are an end.
    """

    Options = DiscourseOptions
    caps = Caps(max_page=_PAGE, supports_since=False, can_verify=True)
    secrets = (_KEY,)
    starter = 'base_url = "https://meta.discourse.org"        # the forum to read'
    tokens_last: ClassVar[bool] = True
    options: DiscourseOptions

    @property
    def _name(self) -> str:
        """What the forum is called in ids, which count up in every forum anew."""
        return self.options.base_url.partition("://")[2]

    def open(self, budget: Budget, stop: Event) -> Http:
        key, user, secrets = os.environ.get(_KEY, "").strip(), self.options.api_username, {}
        if user and not key:
            raise Auth(f"{self.name}: {_KEY} is not set: set it to a key of {self._name}, or leave api_username out")
        if user:
            secrets = {"Api-Key": key, "Api-Username": user}
        return Http(budget, stop, base_url=self.options.base_url, secrets=secrets, explain=_explain)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [Stream(self._name)]

    def check(self) -> Health:
        try:
            with self.open(Budget(requests=4, seconds=30), Event()) as http:
                self._ask(http, before=2)
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, f"{self._name} can be read")

    def estimate(self, query: Query) -> Estimate:
        with self.open(Budget(), Event()) as http:
            about: Any = http.get_json(f"{self.options.base_url}/about.json")
        try:
            n = math.ceil(int(about["about"]["stats"]["posts_7_days"]) / 7 * self.options.days)
        except (LookupError, TypeError, ValueError):
            return Estimate(requests=1)
        return Estimate(requests=n // _PAGE + 1, posts=n)

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        before, n_empty = (token["before"], token["n_empty"]) if token else (None, 0)
        items = self._ask(http, before)
        numbers = [number for number in map(_id, items) if number]
        if before and max(numbers, default=0) > before:
            raise Protocol(f"{self._name} answered with newer posts than were asked for: the next run asks again")
        lowest = min(numbers, default=None)
        if lowest is None or lowest == before:
            lowest, n_empty = (before or 0) - _PAGE, n_empty + 1
        else:
            n_empty = 0
        if lowest <= 1:
            return Page(items, is_capped=not items and not before)
        if n_empty > _MOST_EMPTY:
            return Page(items, is_capped=True)
        return Page(items, {"before": lowest, "n_empty": n_empty})

    def _ask(self, http: Http, before: int | None) -> list[Any]:
        url = f"{self.options.base_url}/posts.json"
        items = http.get_json(url, {"before": before} if before else None).get("latest_posts")
        if not isinstance(items, list):
            raise Protocol(f"{place_of(url)} answered without a list of posts: is this a Discourse forum?")
        return items

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        number = _id(item)
        if not number:
            raise ValueError("the post has no id")
        native_id = f"{self._name}/{number}"
        if state := _state(item):
            return StateChange("discourse", native_id, state, fetched_at)
        place, topic = item.get("post_number"), item.get("topic_id")
        is_first = place == 1
        title = clean(text_of(item, "topic_title")) if is_first else ""
        text = join_title(title, _own_words(text_of(item, "raw")) or html_to_text(text_of(item, "cooked")))
        if not text:
            raise ValueError("neither a title nor a text")
        version = item.get("version")
        is_edited = isinstance(version, int) and version > 1
        counts = {
            "likes": _likes(item), "replies": item.get("reply_count"), "quotes": item.get("quote_count"),
            "views": item.get("reads"),
        }  # fmt: skip
        return Post(
            platform="discourse",
            native_id=native_id,
            text=text,
            posted_at=read_time(item.get("created_at")),
            fetched_at=fetched_at,
            raw=item,
            kind="post" if is_first else "comment",
            # No version: within minutes of posting an edit does not count as one, and the text tells all the same.
            edited_at=read_time(item.get("updated_at")) if is_edited else None,
            author=text_of(item, "username") or None,
            title=title or None,
            url=f"{self.options.base_url}/t/{topic}/{place}" if topic and place else None,
            thread_id=f"{self._name}/t/{topic}" if topic else None,
            relation="original" if is_first else "reply",
            metrics={name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)},
            terms="discourse",
        )

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        with self.open(Budget(), Event()) as http:
            for native_id in native_ids:
                forum, _, number = native_id.rpartition("/")
                if forum == self._name and (state := self._state_now(http, number)):
                    yield StateChange("discourse", native_id, state, datetime.now(UTC))

    def _state_now(self, http: Http, number: str) -> State | None:
        try:
            return _state(http.get_json(f"{self.options.base_url}/posts/{number}.json"))
        except _Gone:
            return "deleted_by_author"
        except NotFound:
            return "unknown_gone"
        except _Refused:
            # Of this post only, as it was moved where not everybody may read, or of all of them, which tells nothing.
            self._ask(http, before=2)
            return "withheld"


class _Gone(NotFound):
    """It was there, and is deleted."""


class _Refused(Auth):
    """What is asked for is not for us, or nothing is."""


def _explain(answer: Answer) -> SourceError | None:
    """What a failure means; Discourse says it in words and in one word."""
    try:
        body = json.loads(answer.body)
        word, words = str(body.get("error_type")), str(next(iter(body.get("errors") or []), ""))[:200]
        seconds = float((body.get("extras") or {}).get("wait_seconds") or 0)
    except (ValueError, TypeError, AttributeError):
        body, word, words, seconds = None, "", "", 0.0
    place, host = place_of(answer.url), host_of(answer.url)
    if answer.status == 429 and 0 < seconds < math.inf and "retry-after" not in answer.headers:
        return RateLimited(f"{place} asks us to slow down", datetime.now(UTC) + timedelta(seconds=min(seconds, _DAY)))
    if answer.status == 410:
        return _Gone(f"{place} is deleted")
    if word == "not_logged_in":
        return Auth(f"{host} wants a login: set {_KEY}, and api_username to the account that the key is of")
    if answer.status == 403 and word == "invalid_access":
        return _Refused(f"{host} does not show {place} to us, or does not take the key in {_KEY}: {words}")
    if answer.status == 404 and body is None:
        return NotFound(f"{place} is not there: is base_url the address of a Discourse forum?")
    return None


def _id(item: Any) -> int | None:
    found = _ID.fullmatch(str(item.get("id"))) if isinstance(item, Mapping) else None
    return int(found[0]) if found else None


def _state(item: Mapping[str, Any]) -> State | None:
    if item.get("user_deleted") is True:
        return "deleted_by_author"
    if item.get("deleted_at"):
        return "removed_by_mod"
    # Until its author has changed it, or a moderator has looked.
    return "unknown_gone" if item.get("hidden") is True else None


def _own_words(raw: str) -> str:
    """What was written, without what is quoted of others; all of it where nothing else is there."""
    rest, n = raw, 1
    for _ in range(_NESTED):
        rest, n = _QUOTE.subn("\n", rest)
        if not n:
            break
    return clean(re.sub(r"\n{3,}", "\n\n", rest)) or clean(raw)


def _likes(item: Mapping[str, Any]) -> int | None:
    actions = item.get("actions_summary")
    if not isinstance(actions, list):
        return None
    return next((one.get("count", 0) for one in actions if isinstance(one, Mapping) and one.get("id") == _LIKE), 0)


SOURCE = Discourse
