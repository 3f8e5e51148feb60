"""Reddit: posts and comments of subreddits, and posts by search, through its API. Needs a key that Reddit approved."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any, ClassVar, Literal, Self

import praw
from prawcore.exceptions import OAuthException, RequestException
from pydantic import AfterValidator, Field, model_validator

from cxlisten import __version__
from cxlisten.collect import Budget, Caps, Estimate, Health, Options, PushDown
from cxlisten.collect.answers import Answer, place_of
from cxlisten.collect.clients import session_over
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.reddit.items import ID, SITE, fullname, read_item, state_of
from cxlisten.errors import Auth, BadQuery, NotFound, Protocol, SourceError
from cxlisten.models import Post, Query, StateChange
from cxlisten.query.pushdown import searches

Listing = Literal["search", "new", "comments"]

_ID, _SECRET = "REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"
_API = "https://oauth.reddit.com"
_PAGE = 100
# A listing that ends after so many ends at Reddit's limit: 1,000 less what was removed, for a search some 250.
_NEAR_LIMIT: dict[Listing, int] = {"search": 200, "new": 900, "comments": 900}
_N_ANCHORS = 3
_NAME = re.compile(r"[A-Za-z0-9_-]{2,24}")
_SUBREDDIT = re.compile(r"/(r/[^/]+)/")
_CLOSED = {
    "private": "is private: only its members can read it",
    "quarantined": "is quarantined: an app cannot read it",
    "gated": "is quarantined: an app cannot read it",
    "gold_only": "is for members with Premium only",
}
_NO_WORD = "no word of the query must be in all that it matches, so Reddit has nothing to search for"


def _name(text: str) -> str:
    name = re.sub(r"^/?[ru]/|/$", "", text.strip())
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text[:40]!r} is no name: write it as in reddit.com/r/NAME or reddit.com/u/NAME")
    return name


class RedditOptions(Options):
    """`username` is the account behind the key: Reddit asks every client to say whose it is.

    `listings` is what is read: the `new` posts and the `comments` of the subreddits, or what `search` finds there;
    without subreddits all of Reddit is searched. `days` is how far back the first fetch goes. `base_url` takes the
    place of both of Reddit's own addresses.
    """

    username: Annotated[str, AfterValidator(_name)]
    subreddits: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    listings: tuple[Listing, ...] = ()
    days: Annotated[float, Field(gt=0)] = 7
    base_url: str | None = None

    @model_validator(mode="after")
    def _has_place(self) -> Self:
        if not self.subreddits and set(self.listings) - {"search"}:
            raise ValueError("new and comments are listings of subreddits: name some, or all, which is every one")
        return self


class Reddit(Paged):
    """A stream for each listing of each subreddit, and for each text that is searched for.

    A page is asked for by the post that it comes after. Where that one was deleted Reddit shows nothing, as if the
    listing were at its end: so a token names some posts before it too.
    """

    Options = RedditOptions
    caps = Caps(max_page=_PAGE, max_items=1_000, supports_since=False, needs_auth=True, can_verify=True)
    secrets = (_ID, _SECRET)
    starter = 'username = "your_reddit_name"\n# subreddits = ["..."]        # to read all of their posts and comments'
    tokens_last: ClassVar[bool] = True
    options: RedditOptions

    def open(self, budget: Budget, stop: Event) -> "_Client":
        if missing := [name for name in self.secrets if not os.environ.get(name, "").strip()]:
            raise Auth(
                f"{self.name}: {' and '.join(missing)} not set. Since November 2025 Reddit approves each new key;"
                f' without one use kind = "rss" with urls = ["{SITE}/r/NAME/new/.rss"]'
            )
        return _Client(self.options, budget, stop)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return self._streams(query)

    def push_down(self, query: Query) -> PushDown:
        if "search" not in self._listings:
            return PushDown()
        texts = _texts(query)
        warnings = {
            _NO_WORD: not texts,
            "Reddit's search finds no comments: name subreddits to read theirs": "comments" not in self._listings,
            "Reddit's search may not find a word by its beginning": any(text.endswith("*") for text in texts),
        }
        everything = [""] if {*self._listings} - {"search"} else []
        return PushDown((*texts, *everything), warnings=tuple(text for text, holds in warnings.items() if holds))

    def check(self) -> Health:
        problems = []
        try:
            with self.open(Budget(requests=5 + len(self.options.subreddits), seconds=60), Event()) as http:
                for place in self._places:
                    try:
                        http.ask(f"{place}new", {"limit": 1})
                    except (NotFound, _Closed) as error:
                        problems.append(str(error))
        except SourceError as error:
            problems.append(str(error))
        return Health(not problems, "; ".join(problems) or "Reddit answers, and takes the key")

    def estimate(self, query: Query) -> Estimate:
        """At least so many requests, one of them for a token; how many posts are new Reddit does not tell."""
        return Estimate(requests=1 + len(self._streams(query)))

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        assert isinstance(http, _Client)
        listing, path, params = stream.of
        for anchor in token["after"] if token else [None]:
            items, after = http.listing(path, {"limit": _PAGE, **params, **({"after": anchor} if anchor else {})})
            if items or after:
                break
        n_read = len(items) + (token["n_read"] if token else 0)
        if not after:
            is_capped = n_read >= _NEAR_LIMIT[listing]
            # Nothing after any of several posts may be no end: perhaps all of them are gone.
            return Page(items, is_capped=is_capped, is_doubtful=bool(token and not items and not is_capped))
        if token and after == token["after"][0]:
            return Page(items, token)
        before = [name for item in reversed(items) if (name := fullname(item)) and name != after]
        return Page(items, {"after": [after, *before][:_N_ANCHORS], "n_read": n_read})

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        return read_item(item, fetched_at)

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        known = [native_id for native_id in native_ids if ID.fullmatch(native_id)]
        with self.open(Budget(), Event()) as http:
            for start in range(0, len(known), _PAGE):
                asked = known[start : start + _PAGE]
                items, _ = http.listing("api/info", {"id": ",".join(asked)})
                there = {name: item for item in items if (name := fullname(item))}
                if len(there) < len(items):
                    raise Protocol("Reddit answered with items without an id: which posts are absent cannot be told")
                for native_id in asked:
                    if state := state_of(there[native_id]) if native_id in there else "unknown_gone":
                        yield StateChange("reddit", native_id, state, datetime.now(UTC))

    @property
    def _listings(self) -> tuple[Listing, ...]:
        return self.options.listings or (("new", "comments") if self.options.subreddits else ("search",))

    @property
    def _places(self) -> list[str]:
        return [f"r/{name}/" for name in self.options.subreddits] or [""]

    def _streams(self, query: Query) -> list[Stream]:
        texts = _texts(query)
        if "search" in self._listings and not texts:
            raise BadQuery(f"{self.name}: {_NO_WORD}: write one that must, or name subreddits to read all of")
        found = []
        for place in self._places:
            for listing in self._listings:
                path, within = f"{place}{listing}", {"restrict_sr": "1"} if place else {}
                if listing == "search":
                    search = {"sort": "new", "type": "link", **within}
                    found += [Stream(f"{path} {text}", (listing, path, {"q": text, **search})) for text in texts]
                else:
                    found.append(Stream(path, (listing, path, {})))
        return found


class _Closed(Auth):
    """A subreddit that is there, and not for us."""


class _TokenRefused(Auth):
    """The token ran out, or was taken back."""


class _Client(Http):
    """Our HTTP with praw's log-in. It gives JSON as it came: one odd item would break a whole listing of praw's."""

    def __init__(self, options: RedditOptions, budget: Budget, stop: Event) -> None:
        super().__init__(budget, stop, explain=_explain)
        base_url = options.base_url.rstrip("/") if options.base_url else None
        self._api = f"{base_url or _API}/"
        self._settings: dict[str, Any] = {
            "client_id": os.environ[_ID].strip(), "client_secret": os.environ[_SECRET].strip(),
            "user_agent": f"{sys.platform}:cxlisten:{__version__} (by /u/{options.username})",
            "reddit_url": base_url or SITE, "oauth_url": self._api,
            # prawcore sleeps between tries, and on a 401: this session shows it nothing that fails.
            "requestor_kwargs": {"session": session_over(self)},
            # Whatever a praw.ini or the environment says: an app that only reads.
            "username": None, "password": None, "refresh_token": None,
            "check_for_updates": False, "check_for_async": False,
        }  # fmt: skip
        self._reddit: praw.Reddit | None = None

    def ask(self, path: str, params: Mapping[str, str | int]) -> dict[str, Any]:
        """Ask for an object; a token that is not taken any more is replaced once."""
        try:
            return self.retry(lambda: self._attempt(path, params))
        except _TokenRefused:
            self._reddit = None
            return self.retry(lambda: self._attempt(path, params))

    def listing(self, path: str, params: Mapping[str, str | int]) -> tuple[list[Any], str | None]:
        """Ask for a listing: its items, and after which of them the next page begins."""
        data = self.ask(path, params).get("data")
        items, after = (data.get("children"), data.get("after")) if isinstance(data, dict) else (None, None)
        if not isinstance(items, list) or not isinstance(after, str | None):
            raise Protocol(f"{place_of(self._api + path)} answered with no listing: Reddit's API may have changed")
        return items, after

    def _attempt(self, path: str, params: Mapping[str, str | int]) -> Any:
        try:
            self._reddit = self._reddit or praw.Reddit(**self._settings)
            return self._reddit.request(method="GET", path=path, params=dict(params))
        except Exception as error:
            cause = error.original_exception if isinstance(error, RequestException) else error
            if isinstance(cause, SourceError):
                raise cause from None
            if isinstance(cause, OAuthException):
                raise Auth(f"{place_of(self._api)} gives no token: {cause.error}: is the key one of an app?") from None
            place = place_of(self._api + path)
            raise Protocol(f"{place}: praw cannot read the answer: {type(cause).__name__}") from None


def _explain(answer: Answer) -> SourceError | None:
    """What a failure means; of a subreddit its reason says more than its status."""
    place = place_of(answer.url)
    host = place.partition("/")[0]
    if answer.status == 401:
        if place.endswith("/api/v1/access_token"):
            return Auth(f"{host} does not know this key, or revoked it: check {_ID} and {_SECRET}")
        return _TokenRefused(f"{host} does not take Reddit's own token: the key may have been revoked")
    subreddit = "".join(_SUBREDDIT.findall(place)[:1])
    try:
        reason = str(json.loads(answer.body).get("reason"))
    except (ValueError, AttributeError):
        reason = ""
    if answer.status == 403:
        if subreddit and reason in _CLOSED:
            return _Closed(f"{host}: {subreddit} {_CLOSED[reason]}")
        return Auth(f"{place} answered 403 Forbidden: the key is not approved for it, or Reddit blocks this network")
    is_search = "/subreddits/search" in answer.headers.get("location", "")
    if subreddit and (answer.status == 404 or (answer.status == 302 and is_search)):
        return NotFound(f"{host}: {subreddit} {'was banned' if reason == 'banned' else 'is not there: check its name'}")
    return None


def _texts(query: Query) -> list[str]:
    """What is searched for; Reddit looks for whole words, and where a * is for others too, perhaps."""
    return [text if text.startswith('"') else f"{text}*" for text in searches(query.terms) if text]


SOURCE = Reddit
