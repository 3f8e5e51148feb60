"""Mastodon, and servers that speak its language: hashtags and public timelines of instances. No key needed."""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import AfterValidator, Field

from cxlisten.collect import Budget, Caps, Estimate, Health, Options, PushDown
from cxlisten.collect.activitypub import Instances, full_name, gone, object_of
from cxlisten.collect.answers import Answer, host_of, place_of
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.text import clean, html_to_text, join_title, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Auth, NotFound, SourceError
from cxlisten.models import Post, Query, Relation, StateChange
from cxlisten.query.pushdown import hashtags

_TOKEN = "MASTODON_ACCESS_TOKEN"
_PAGE = 40
_NO_SUCH_TAG = b"Record not found"
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next\b')
_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|-)")
_QUOTE_FOR_OTHERS = re.compile(r'\A<p class="quote-inline">.*?</p>', re.DOTALL)
_NO_BOTS = re.compile(r"#(<[^<>]*>)?nobots?\b", re.IGNORECASE)
_LEFT_OUT = "posts of accounts that do not want to be indexed or read by a program are left out"


def _tag(text: str) -> str:
    tag = text.strip().removeprefix("#")
    if not re.fullmatch(r"\w+", tag) or tag.isdigit():
        raise ValueError(f"{text[:40]!r} is no hashtag: write letters, digits and _, as in  coffee")
    return tag


class MastodonOptions(Options):
    """`instances` are host names or addresses; the first gets the token, if one is set.

    `tags` are the hashtags that are read; without them, those that the query asks for. `days` is how far back the
    first fetch goes.
    """

    instances: Instances = ("https://mastodon.social",)
    tags: tuple[Annotated[str, AfterValidator(_tag)], ...] = ()
    days: Annotated[float, Field(gt=0)] = 7


class Mastodon(Paged):
    """A stream for each hashtag on each instance, or for its public timeline where the query has none.

    A post that reaches an instance late stands among those of its time: so some hours are read again each time,
    from the newest back, by max_id. Forward, by min_id, it would take as many requests, and an id to begin with:
    of a time Mastodon's ids allow one to be made, those of other servers do not.
    """

    Options = MastodonOptions
    caps = Caps(max_page=_PAGE, can_verify=True)
    secrets = (_TOKEN,)
    starter = 'instances = ["mastodon.social"]\n# tags = ["$tag"]              # instead of those of the query'
    overlap: ClassVar[timedelta] = timedelta(hours=12)
    tokens_last: ClassVar[bool] = True
    options: MastodonOptions

    def open(self, budget: Budget, stop: Event) -> Http:
        secrets = {"Authorization": f"Bearer {token}"} if (token := _token()) else {}
        return Http(budget, stop, base_url=self.options.instances[0], secrets=secrets, explain=_explain)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [
            Stream(f"{host_of(instance)} {f'#{tag}' if tag else 'public'}", (instance, tag))
            for instance in self.options.instances
            for tag in self._tags(query) or [""]
        ]

    def _tags(self, query: Query) -> list[str]:
        return list(self.options.tags) or hashtags(query.terms)

    def push_down(self, query: Query) -> PushDown:
        if tags := self._tags(query):
            warning = "only posts with these hashtags are found: an instance lets nobody search its posts' words"
            return PushDown(tuple(f"#{tag}" for tag in tags), warnings=(warning,))
        where = ", ".join(map(host_of, self.options.instances))
        return PushDown(warnings=(f"no hashtag to ask for: all public posts of {where} are read; better set tags",))

    def check(self) -> Health:
        instances, problems = self.options.instances, []
        with self.open(Budget(requests=4 * len(instances), seconds=60), Event()) as http:
            for number, instance in enumerate(instances):
                try:
                    if problem := self._closed(http, instance, has_token=not number and bool(_token())):
                        problems.append(problem)
                except SourceError as error:
                    problems.append(str(error))
        return Health(not problems, "; ".join(problems) or f"{', '.join(map(host_of, instances))} can be read")

    def _closed(self, http: Http, instance: str, has_token: bool) -> str:
        """Say why the hashtags of an instance cannot be read; since 4.5 it tells, of an older one they are tried."""
        try:
            about: Any = http.get_json(f"{instance}/api/v2/instance")
            feeds = about["configuration"]["timelines_access"]["hashtag_feeds"]
            levels = set(feeds.values())
        except (NotFound, LookupError, TypeError, AttributeError):
            self._ask(http, instance, self.options.tags[0] if self.options.tags else "news", {"limit": 1})
            return ""
        if "disabled" in levels:
            return f"{host_of(instance)} has switched its hashtag timelines off: name another instance"
        return _wants_login(host_of(instance)) if levels - {"public"} and not has_token else ""

    def estimate(self, query: Query) -> Estimate:
        n_requests, n_posts = 0, 0
        with self.open(Budget(), Event()) as http:
            for stream in self.streams(http, query):
                instance, tag = stream.of
                if not tag:
                    return Estimate(requests=len(self.options.instances))
                try:
                    history = http.get_json(f"{instance}/api/v1/tags/{quote(tag)}").get("history") or []
                    uses = [int(day["uses"]) for day in history]
                except (NotFound, LookupError, TypeError, ValueError):
                    uses = []  # never used there
                n = math.ceil(sum(uses) / max(1, len(uses)) * self.options.days)
                n_posts, n_requests = n_posts + n, n_requests + n // _PAGE + 1
        return Estimate(n_requests, n_posts)

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        instance, tag = stream.of
        items, link = self._ask(http, instance, tag, {"limit": _PAGE, **({"max_id": token} if token else {})})
        kept = [item for item in items if not _is_left_out(item)]
        return Page(kept, _older(link, items), notes=[_LEFT_OUT] if len(kept) < len(items) else [])

    def _ask(self, http: Http, instance: str, tag: str, params: Mapping[str, str | int]) -> tuple[list[Any], str]:
        """A page of a timeline, and where it says that the next one is."""
        url = f"{instance}/api/v1/timelines/{f'tag/{quote(tag)}' if tag else 'public'}"

        def asked() -> tuple[list[Any], str]:
            answer = http.attempt("GET", url, params=params, accept=(404,) if tag else ())
            if answer.status != 404:
                return answer.json_list(), answer.headers.get("link", "")
            if _NO_SUCH_TAG in answer.body:
                return [], ""
            raise NotFound(f"{place_of(url)} is not there: is {host_of(instance)} an instance of Mastodon?")

        return http.retry(asked)

    def post(self, item: Any, fetched_at: datetime) -> Post:
        if not isinstance(item, Mapping):
            raise ValueError("the status is not an object")
        uri = text_of(item, "uri")
        if not uri:
            raise ValueError("uri is missing")
        boosted, account = object_of(item, "reblog"), object_of(item, "account")
        shown = boosted or item
        quoted = object_of(shown, "quote")
        html = text_of(shown, "content")
        body = html_to_text(_QUOTE_FOR_OTHERS.sub("", html) if quoted else html) or _descriptions(shown)
        text = join_title(clean(text_of(shown, "spoiler_text")), body)
        if not text:
            raise ValueError("neither a text nor a description of what is shown")
        relation: Relation = (
            "repost" if boosted else "quote" if quoted else "reply" if item.get("in_reply_to_id") else "original"
        )
        referred = text_of(boosted or object_of(quoted, "quoted_status") or quoted, "uri")
        edited = text_of(shown, "edited_at")
        edited_at = read_time(edited).replace(microsecond=0) if edited else None
        url, language = text_of(shown, "url") or uri, _LANGUAGE.match(text_of(shown, "language").lower())
        counts = {
            "likes": shown.get("favourites_count"), "replies": shown.get("replies_count"),
            "reposts": shown.get("reblogs_count"), "quotes": shown.get("quotes_count"),
        }  # fmt: skip
        return Post(
            platform="mastodon",
            native_id=uri,
            text=text,
            # Whole seconds: only its own instance knows the fraction, and two may show us the same post.
            posted_at=read_time(item.get("created_at")).replace(microsecond=0),
            fetched_at=fetched_at,
            raw=item,
            # Not by its text, which differs a little from one instance to the next.
            version=f"{edited_at.timestamp():.0f}" if edited_at else "0",
            edited_at=edited_at,
            author=full_name(text_of(account, "acct"), text_of(account, "url")),
            lang=language[0] if language else None,
            url=url if url.startswith(("https://", "http://")) else None,
            relation=relation,
            ref_key=f"mastodon:{referred}" if referred else None,
            metrics={name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)},
            sensitive=shown.get("sensitive") is True,
            terms="mastodon",
        )

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        """At home: an instance knows a post by an id of its own, and finds it by its uri only for who is logged in."""
        return gone("mastodon", native_ids, self.options.instances)


def _token() -> str:
    return os.environ.get(_TOKEN, "").strip()


def _wants_login(host: str) -> str:
    return (
        f"{host}: this instance wants a login: set {_TOKEN} to a token of it, which only the first of the instances"
        " is sent, or name another instance"
    )


def _explain(answer: Answer) -> SourceError | None:
    is_login = answer.status == 401 or (answer.status == 422 and b"authenticated user" in answer.body)
    return Auth(_wants_login(host_of(answer.url))) if is_login else None


def _older(link: str, items: Sequence[Any]) -> str | None:
    """The max_id of the next page: as the Link header names it, on whatever host, else the lowest id of this page.

    That a page names no next one does not mean that there is none: an instance leaves out what it must not show.
    """
    if found := _NEXT.search(link):
        try:
            if named := parse_qs(urlsplit(found[1]).query).get("max_id"):
                return named[0]
        except ValueError:
            pass
    ids = [item.get("id") for item in items if isinstance(item, Mapping)]
    names = [str(id_) for id_ in ids if id_ and isinstance(id_, str | int) and id_ is not True]
    return min(names, key=lambda name: (len(name), name), default=None)


def _is_left_out(item: Any) -> bool:
    """Whether the author wants no programs, or the post is for a few only.

    `indexable` is not asked: it is off unless switched on, and is about being found by those who search an instance.
    """
    if not isinstance(item, Mapping):
        return False
    for status in filter(None, (item, item.get("reblog"))):
        account = status.get("account") if isinstance(status, Mapping) else None
        if not isinstance(account, Mapping):
            continue
        if account.get("noindex") is True or account.get("discoverable") is False:
            return True
        if _NO_BOTS.search(str(account.get("note"))):
            return True
    return item.get("visibility") in ("private", "direct")


def _descriptions(status: Mapping[str, Any]) -> str:
    """What the pictures show, in the author's words."""
    media = status.get("media_attachments")
    shown = [one for one in media if isinstance(one, Mapping)] if isinstance(media, list) else []
    texts = [text_of(one, "description") for one in shown]
    return clean("\n".join(filter(None, texts)))


SOURCE = Mastodon
