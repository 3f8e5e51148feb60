"""X: posts of the last seven days, by search. Needs the bearer token of an app with credit: each post costs money."""

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar

import requests
import tweepy
from pydantic import Field

from cxlisten.collect import Budget, Caps, Estimate, Health, Options, PushDown
from cxlisten.collect.answers import Answer, place_of
from cxlisten.collect.clients import session_over
from cxlisten.collect.http import USER_AGENT, Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.x.posts import FIELDS, by_id, edits, either, read_post, reposted_by, whole
from cxlisten.collect.x.query import push_down as translate
from cxlisten.errors import Auth, BadQuery, NotFound, Protocol, QuotaExhausted, SourceError
from cxlisten.models import Post, Query, State, StateChange

_TOKEN = "X_BEARER_TOKEN"
_CONSOLE = "the developer console of X"
_PAGE = 100
# Dollars for each that an answer holds, as docs.x.com had them on 2026-08-22; the console has today's.
_A_POST, _AN_AUTHOR = 0.005, 0.010
_GONE: dict[str, State] = {
    "resource-not-found": "unknown_gone",
    "not-authorized-for-resource": "account_gone",  # suspended or protected
}
_NO_POST = "1"  # X counts from 20
_CHANGED = "its API may have changed"
_BY_NUMBER = "X names authors by number: put the brand's own into handles too, or set expand_authors = true"


class XOptions(Options):
    """`days` is how far back the first fetch goes.

    With `expand_authors` an author is known by name, as `handles` are, and not by number, for up to thrice the price.
    """

    base_url: str = "https://api.x.com"
    days: Annotated[float, Field(gt=0, le=7)] = 1
    expand_authors: bool = False


class X(Paged):
    """A stream for each search that the query takes."""

    Options = XOptions
    caps = Caps(max_page=_PAGE, window_days=7, needs_auth=True, can_verify=True, unit_cost=_A_POST)
    secrets = (_TOKEN,)
    starter = "monthly_budget = 25       # dollars; a post takes half a cent"
    overlap = timedelta(minutes=5)
    tokens_last: ClassVar[bool] = True
    options: XOptions

    def __init__(self, name: str, options: XOptions) -> None:
        super().__init__(name, options)
        if options.expand_authors:
            self.caps = replace(self.caps, unit_cost=_A_POST + _AN_AUTHOR)

    def open(self, budget: Budget, stop: Event) -> Http:
        token = os.environ.get(_TOKEN, "").strip()
        if not re.fullmatch("[!-~]+", token):
            what = "holds signs that no token has" if token else "is not set"
            raise Auth(f"{self.name}: {_TOKEN} {what}: copy the app's bearer token from {_CONSOLE}")
        return Http(budget, stop, explain=_explain)

    def _ask(self, http: Http, ask: Callable[[tweepy.Client], Any]) -> dict[str, Any]:
        client = tweepy.Client(os.environ[_TOKEN].strip(), return_type=requests.Response, wait_on_rate_limit=False)
        client.session, client.user_agent = session_over(http, self.options.base_url), USER_AGENT
        answer: dict[str, Any] = http.retry(lambda: ask(client).json())
        return answer

    def push_down(self, query: Query) -> PushDown:
        try:
            pushed = translate(query, self.name)
        except BadQuery as error:
            return PushDown((), warnings=(str(error),))
        if self.options.expand_authors or all(map(str.isdigit, query.handles)):
            return pushed
        return replace(pushed, warnings=(*pushed.warnings, _BY_NUMBER))

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [Stream(text) for text in translate(query, self.name).searches]

    def check(self) -> Health:
        """Ask for a post that never was, which costs nothing."""
        try:
            with self.open(Budget(requests=10, seconds=60), Event()) as http:
                self._ask(http, lambda client: client.get_tweets([_NO_POST]))
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, f"X answers, and takes the token; a post costs {self.caps.unit_cost:g} dollars")

    def estimate(self, query: Query) -> Estimate:
        """Let X count what a first fetch would find, for which it takes half a cent a search."""
        with self.open(Budget(), Event()) as http:
            since = self._window(http, None, None).since
            counts = [self._count(http, stream.key, since) for stream in self.streams(http, query)]
        n_requests = sum(max(1, math.ceil(n / _PAGE)) for n in counts)
        return Estimate(n_requests, sum(counts), sum(counts) * self.caps.unit_cost)

    def _count(self, http: Http, text: str, since: datetime) -> int:
        answer = self._ask(
            http, lambda client: client.get_recent_tweets_count(text, start_time=since, granularity="day")
        )
        meta = answer.get("meta")
        n = either(meta, "total_tweet_count", "total_post_count") if isinstance(meta, dict) else None
        if not isinstance(n, int):
            raise Protocol(f"{self.name}: X answered to a count without a number: {_CHANGED}")
        return n

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        asked = {"max_results": _PAGE, "tweet_fields": FIELDS, "next_token": token}
        if self.options.expand_authors:
            asked["expansions"] = ["author_id"]
        is_cut = False
        try:
            answer = self._ask(http, lambda client: client.search_recent_tweets(stream.key, start_time=since, **asked))
        except BadQuery as error:
            if "start_time" not in str(error):
                raise
            # By X's clock that is more than seven days ago: it shows what it has.
            is_cut = True
            answer = self._ask(http, lambda client: client.search_recent_tweets(stream.key, **asked))
        items, meta = answer.get("data", []), answer.get("meta")
        if (
            not isinstance(items, list)
            or not isinstance(meta, dict)
            or not ("data" in answer or meta.get("result_count") == 0)
        ):
            raise Protocol(f"{self.name}: X answered to a search without a list of posts: {_CHANGED}")
        originals, authors = self._originals(http, items), by_id(answer.get("includes"), "users")
        items = [whole(item, originals, authors) for item in items]
        return Page(items, meta.get("next_token") or None, is_capped=is_cut, n_extra=len(originals))

    def _originals(self, http: Http, items: Sequence[Any]) -> dict[str, Any]:
        """Look up what reposts repeat, as they themselves hold no more than its beginning.

        Since 2026-05-04 a search finds no reposts. Were X asked to include whatever a post refers to, each reply and
        each quote would cost twice as much.
        """
        ids = sorted({reposted_by(item) for item in items} - {""})
        if not ids:
            return {}
        return by_id(self._ask(http, lambda client: client.get_tweets(ids, tweet_fields=FIELDS)), "data")

    def post(self, item: Any, fetched_at: datetime) -> Post:
        return read_post(item, fetched_at)

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        with self.open(Budget(), Event()) as http:
            for start in range(0, len(native_ids), _PAGE):
                states = self._states(http, native_ids[start : start + _PAGE])
                for native_id in native_ids[start : start + _PAGE]:
                    if state := states.get(native_id):
                        yield StateChange("x", native_id, state, datetime.now(UTC))

    def _states(self, http: Http, native_ids: Sequence[str]) -> dict[str, State | None]:
        """What is known of posts that are not simply there; what is absent without a reason is not taken for gone."""
        answer = self._ask(http, lambda client: client.get_tweets(native_ids, tweet_fields=["withheld"]))
        there, errors = answer.get("data", []), answer.get("errors", [])
        if not (isinstance(there, list) and isinstance(errors, list) and (there or errors)):
            raise Protocol(f"{self.name}: X answered to a look-up without posts and without errors: {_CHANGED}")
        try:
            states = {str(either(error, "value", "resource_id")): _GONE.get(_problem(error)) for error in errors}
            for item in there:
                if item.get("withheld"):
                    states |= dict.fromkeys(edits(item), "withheld")
        except (ValueError, AttributeError):
            raise Protocol(f"{self.name}: X answered to a look-up with what is no post: {_CHANGED}") from None
        return states


def _explain(answer: Answer) -> SourceError | None:
    """What X means by a failure; the type of problem says more than the status."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    place, problem, words = place_of(answer.url), _problem(said), _words(said)
    if answer.status == 402 or problem == "credits-depleted":
        return QuotaExhausted(f"{place}: the account is out of credits: buy some in {_CONSOLE}")
    if problem == "usage-capped":
        return QuotaExhausted(f"{place}: the account may read no more in this billing period{words}")
    match answer.status:
        case 400:
            return BadQuery(f"{place} refuses the request{words}")
        case 401:
            return Auth(f"{place} does not take {_TOKEN}{words}: make a new one in {_CONSOLE}")
        case 403:
            return Auth(f"{place} is not for this app{words}: see its project and its access in {_CONSOLE}")
        case 404 if not answer.body:
            return NotFound(f"{place} is nowhere: check base_url")
    return None


def _problem(error: dict[str, Any]) -> str:
    return str(error.get("type")).rpartition("/")[2]


def _words(said: dict[str, Any]) -> str:
    """What is wrong, in X's words: of a parameter, else of the whole."""
    errors = said.get("errors")
    each = [error.get("message") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    words = [text for text in (*each, said.get("detail"), said.get("title")) if isinstance(text, str)]
    return f": {words[0][:300]}" if words else ""


SOURCE = X
