"""Lemmy: posts and comments of communities, or found by search, on one instance or several. No key needed."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cxlisten.collect import Budget, Caps, Estimate, Health, Options, PushDown
from cxlisten.collect.activitypub import Instances, full_name, gone, object_of
from cxlisten.collect.answers import Answer, host_of, place_of
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.text import clean, join_title, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Auth, NotFound, Protocol, RateLimited, SourceError
from cxlisten.models import Post, Query, StateChange
from cxlisten.query.pushdown import searches
from cxlisten.query.words import WORD, fold

_PAGE = 50
_COMMUNITY = re.compile(r"!?(\w+(?:@[\w.:-]+)?)")
_COMMUNITY_ADDRESS = re.compile(r"https?://([^/]+)/c/(\w+)(@[\w.:-]+)?/?")
_CROSSPOSTED = re.compile(r"cross-?posted from:? (https?://\S+)", re.IGNORECASE)
_CLOSED = frozenset(("instance_is_private", "not_logged_in", "incorrect_login"))


def _community(text: str) -> str:
    if found := _COMMUNITY_ADDRESS.fullmatch(text.strip()):
        return f"{found[2]}{found[3] or f'@{found[1]}'}"
    if found := _COMMUNITY.fullmatch(text.strip()):
        return found[1]
    raise ValueError(f"{text[:60]!r} is no community: write its name, as in  technology@lemmy.world")


class LemmyOptions(Options):
    """`instances` are host names or addresses. `communities` are read whole; without them, what a search of all finds.

    `days` is how far back the first fetch goes.
    """

    instances: Instances = ("https://lemmy.world",)
    communities: tuple[Annotated[str, AfterValidator(_community)], ...] = ()
    days: Annotated[float, Field(gt=0)] = 7


@dataclass(frozen=True, slots=True)
class _Listing:
    instance: str
    kind: Literal["posts", "comments"]
    text: str = ""
    community: str = ""


class Lemmy(Paged):
    """A stream of posts and one of comments for each community, or for each text that is searched for.

    Pages are numbers: what is new moves the others down, so that they are seen again, and none is left out. Only
    where as much is deleted as is new in the meantime can a post slip by; the overlap is there for that too.
    """

    Options = LemmyOptions
    caps = Caps(max_page=_PAGE, supports_since=False, can_verify=True)
    starter = 'instances = ["lemmy.world"]'
    overlap: ClassVar[timedelta] = timedelta(hours=12)
    tokens_last: ClassVar[bool] = True
    options: LemmyOptions

    def open(self, budget: Budget, stop: Event) -> Http:
        return Http(budget, stop, explain=_explain)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [
            Stream(
                f"{host_of(instance)} {community or text or 'all'} {kind}", _Listing(instance, kind, text, community)
            )
            for instance in self.options.instances
            for community in self.options.communities or [""]
            for text in ([""] if community else _texts(query))
            for kind in ("posts", "comments")
        ]

    def push_down(self, query: Query) -> PushDown:
        if self.options.communities:
            return PushDown()
        texts = _texts(query)
        where = ", ".join(map(host_of, self.options.instances))
        warnings = [] if texts != [""] else [f"no word to search for: all of {where} is read; better set communities"]
        return PushDown(tuple(texts), warnings=tuple(warnings))

    def check(self) -> Health:
        problems = []
        with self.open(Budget(requests=20 * len(self.options.instances), seconds=60), Event()) as http:
            for instance in self.options.instances:
                for community in self.options.communities or [""]:
                    try:
                        self._ask(http, _Listing(instance, "posts", community=community), 1, 1)
                    except SourceError as error:
                        problems.append(str(error))
        where = ", ".join(map(host_of, self.options.instances))
        return Health(not problems, "; ".join(dict.fromkeys(problems)) or f"{where} can be read")

    def estimate(self, query: Query) -> Estimate:
        """At least so many requests: how much there is Lemmy does not tell."""
        with self.open(Budget(), Event()) as http:
            return Estimate(requests=len(self.streams(http, query)))

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        number, before = token if isinstance(token, list) else (1, None)
        items, cursor = self._ask(http, stream.of, _PAGE, token if isinstance(token, str) else number)
        if cursor or isinstance(token, str):
            return Page(items, cursor)
        if not items:
            return Page(items)
        first = _first(items)
        if first and first == before:
            # New posts may have moved the page on by its whole length; or a cache hides the one that was asked for.
            raise Protocol(f"{stream.key}: page {number} is the page before it: the next run asks for it again")
        return Page(items, [number + 1, first])

    def _ask(self, http: Http, listing: _Listing, limit: int, place: str | int) -> tuple[list[Any], str | None]:
        """A page, by its number or its cursor, and the cursor of the next one where it names that.

        Those are posts, from 0.19 on, when they are not searched.
        """
        if listing.text:
            path, params = "search", {"q": listing.text, "type_": listing.kind.capitalize(), "listing_type": "All"}
        else:
            path, params = f"{listing.kind.removesuffix('s')}/list", {"type_": "All"}
        if listing.community:
            params["community_name"] = listing.community
        where = {"page_cursor": place} if isinstance(place, str) else {"page": place}
        url = f"{listing.instance}/api/v3/{path}"
        answer = http.get_json(url, {**params, "sort": "New", "limit": limit, **where})
        items, cursor = answer.get(listing.kind), answer.get("next_page")
        if not isinstance(items, list):
            raise Protocol(f"{place_of(url)} answered without a list of {listing.kind}: its API may have changed")
        if listing.community and not all(_is_of(item, listing.community) for item in items):
            # Lemmy passes over what it does not know of, and gives everything.
            raise Protocol(f"{place_of(url)} gave posts of other communities than {listing.community}")
        return items, cursor if isinstance(cursor, str) and cursor else None

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        if not isinstance(item, Mapping):
            raise ValueError("the item is not an object")
        post, counts, creator = object_of(item, "post"), object_of(item, "counts"), object_of(item, "creator")
        is_comment = "comment" in item or "comment_id" in counts
        what = object_of(item, "comment") if is_comment else post
        native_id = text_of(what, "ap_id")
        if not native_id:
            raise ValueError("neither a post nor a comment with an ap_id")
        if what.get("removed") is True:
            return StateChange("lemmy", native_id, "removed_by_mod", fetched_at)
        if what.get("deleted") is True:
            return StateChange("lemmy", native_id, "deleted_by_author", fetched_at)
        title = "" if is_comment else clean(text_of(post, "name"))
        body = clean(text_of(what, "content" if is_comment else "body"))
        text = join_title(title, body)
        if not text:
            raise ValueError("neither a title nor a text")
        updated, thread = text_of(what, "updated"), text_of(post, "ap_id")
        origin = None if is_comment else _CROSSPOSTED.match(body)
        parent = thread if is_comment and text_of(what, "path").count(".") == 1 else ""
        metrics = {
            "likes": counts.get("upvotes"), "dislikes": counts.get("downvotes"),
            "replies": counts.get("child_count" if is_comment else "comments"),
        }  # fmt: skip
        return Post(
            platform="lemmy",
            native_id=native_id,
            text=text,
            posted_at=read_time(what.get("published")),
            fetched_at=fetched_at,
            raw=item,
            kind="comment" if is_comment else "post",
            edited_at=read_time(updated) if updated else None,
            author=full_name(text_of(creator, "name"), text_of(creator, "actor_id")),
            title=title or None,
            url=native_id if native_id.startswith(("https://", "http://")) else None,
            thread_id=thread or None,
            parent_key=f"lemmy:{parent}" if parent else None,
            relation="reply" if is_comment else "crosspost" if origin else "original",
            ref_key=f"lemmy:{origin[1]}" if origin else None,
            metrics={name: n for name, n in metrics.items() if isinstance(n, int) and not isinstance(n, bool)},
            sensitive=post.get("nsfw") is True,
            terms="lemmy",
        )

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        """At home: an instance finds a post by its ap_id only for who is logged in.

        A moderator's removal looks there like a deletion.
        """
        return gone("lemmy", native_ids, self.options.instances)


def _texts(query: Query) -> list[str]:
    """What is searched for: a space stands for anything, and accents count, so that both spellings are asked for."""
    spelt = {fold(word): word.casefold() for word in re.findall(WORD, query.terms)}
    folded = [text.strip('"') for text in searches(query.terms)]
    each = {*folded, *(" ".join(spelt.get(word, word) for word in text.split()) for text in folded)}
    return sorted({text.replace("'", " ") for text in each})


def _explain(answer: Answer) -> SourceError | None:
    """What a failure means; what Lemmy itself says is a word in JSON."""
    place, host = place_of(answer.url), host_of(answer.url)
    try:
        word = str(json.loads(answer.body)["error"])
    except (ValueError, LookupError, TypeError):
        word = ""
    if word == "rate_limit_error" and answer.status == 400:  # until 0.19
        return RateLimited(f"{place} asks us to slow down")
    if word in _CLOSED:
        return Auth(f"{host} can be read only with a login, which cxlisten does not do: name another instance")
    if word.startswith("couldnt_find") or (word and answer.status == 404):
        return NotFound(f"{place} answered {word}: is the name of the community right?")
    if answer.status == 404 and "/api/v3/" in answer.url:
        return NotFound(
            f"{host} has no /api/v3: it is no Lemmy, or one of version 1.0 without the API of before, which is the one"
            " that cxlisten reads: name another instance"
        )
    return None


def _first(items: Sequence[Any]) -> str | None:
    """The id of a page's first item."""
    item = items[0] if isinstance(items[0], Mapping) else {}
    found = object_of(item, "comment" if "comment" in item else "post").get("ap_id")
    return found if isinstance(found, str) else None


def _is_of(item: Any, community: str) -> bool:
    """Whether an item is of a community; one that does not say is judged later."""
    name = object_of(item, "community").get("name") if isinstance(item, Mapping) else None
    return not isinstance(name, str) or name.casefold() == community.partition("@")[0].casefold()


SOURCE = Lemmy
