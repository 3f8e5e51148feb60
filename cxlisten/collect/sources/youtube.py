"""YouTube: comments on videos, and on all videos of a channel, through the Data API. Needs a key; a call is a unit."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from cxlisten.collect import Budget, Caps, Estimate, Health, Options
from cxlisten.collect.answers import Answer, Garbled, place_of
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.text import clean, html_to_text, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Auth, BadQuery, NotFound, Protocol, QuotaExhausted, RateLimited, SourceError, Transient
from cxlisten.models import Post, Query, StateChange

_KEY = "YOUTUBE_API_KEY"
_PAGE = 100
_Params = Mapping[str, str | int]
_SAID = "textOriginal,textDisplay,authorDisplayName,authorChannelId,likeCount,publishedAt,updatedAt"
_COMMENT = f"id,snippet(videoId,parentId,{_SAID})"
_THREAD = f"id,snippet(videoId,totalReplyCount,topLevelComment({_COMMENT})),replies/comments({_COMMENT})"
_IDS_A_CALL = 50
_RENEWED_IN = "America/Los_Angeles"  # a day's quota, at midnight there
_USED_UP = frozenset(("quotaExceeded", "dailyLimitExceeded"))
_TOO_FAST = frozenset(("rateLimitExceeded", "userRateLimitExceeded"))
_BAD_KEY = frozenset(("keyInvalid", "keyExpired", "API_KEY_INVALID"))


def _is_video(text: str) -> str:
    if len(text) != 11 or not text.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{text[:40]!r} is no video: give the 11 characters behind watch?v=")
    return text


def _is_channel(text: str) -> str:
    if len(text) != 24 or not text.startswith("UC"):
        raise ValueError(f"{text[:40]!r} is no channel: give its id, which starts with UC, not its name or @handle")
    return text


class YouTubeOptions(Options):
    """`videos` and `channels` are ids, `days` is how far back the first fetch goes."""

    base_url: str = "https://www.googleapis.com/youtube/v3"
    videos: tuple[Annotated[str, AfterValidator(_is_video)], ...] = ()
    channels: tuple[Annotated[str, AfterValidator(_is_channel)], ...] = ()
    days: Annotated[float, Field(gt=0)] = 7

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.videos or self.channels):
            raise ValueError("name the videos or the channels whose comments are to be read")
        return self


class _CommentsOff(NotFound):
    """A video whose comments are turned off."""


class YouTube(Paged):
    """A stream for each video and each channel; a page of it is threads, each with its replies.

    Threads come by the time of their first comment, so a reply is late activity. It is found where its thread is no
    older than the overlap, or stands on a page that is read all the same and shows the reply by itself; a later one
    is missed.
    """

    Options = YouTubeOptions
    caps = Caps(max_page=_PAGE, supports_since=False, needs_auth=True, can_verify=True)
    secrets = (_KEY,)
    starter = 'channels = ["UC..."]   # or  videos = ["..."]'
    overlap = timedelta(days=7)
    tokens_last: ClassVar[bool] = True
    options: YouTubeOptions

    def open(self, budget: Budget, stop: Event) -> Http:
        key = os.environ.get(_KEY, "").strip()
        if not key:
            raise Auth(f"{self.name}: {_KEY} is not set: make an API key in the Google Cloud console, and set it")
        base_url = self.options.base_url
        return Http(budget, stop, base_url=base_url, secrets={"x-goog-api-key": key}, explain=_explain)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        videos = [Stream(f"video {video}", {"videoId": video}) for video in self.options.videos]
        channels = [
            Stream(f"channel {channel}", {"allThreadsRelatedToChannelId": channel}) for channel in self.options.channels
        ]
        return [*videos, *channels]

    def check(self) -> Health:
        options = self.options
        try:
            with self.open(Budget(requests=10, seconds=60), Event()) as http:
                absent = [*self._absent(http, "videos", options.videos)]
                absent += self._absent(http, "channels", options.channels)
        except SourceError as error:
            return Health(False, str(error))
        if absent:
            return Health(False, f"YouTube has no {', '.join(absent)}: take it out of videos or channels")
        n_all = len(options.videos) + len(options.channels)
        return Health(True, f"YouTube answers, and has all {n_all} videos and channels")

    def estimate(self, query: Query) -> Estimate:
        """At least so many requests, which are also units of quota: how many comments are new nobody tells."""
        return Estimate(requests=len(self.options.videos) + len(self.options.channels))

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        params = {**stream.of, "part": "snippet,replies", "order": "time", **_asking_for(_THREAD)}
        try:
            threads, next_token = self._list(http, "commentThreads", params, token)
        except _CommentsOff:
            return Page((), notes=[f"{stream.key} has its comments turned off: there is nothing to read"])
        except NotFound as error:
            raise NotFound(f"{self.name}: {stream.key} is gone or was never there: {error}") from None
        return Page([item for thread in threads for item in self._comments(http, thread, since)], next_token)

    def _comments(self, http: Http, thread: Any, since: datetime) -> Iterator[Any]:
        """A thread without its replies, as the comment that it starts with, and its replies."""
        if not (isinstance(thread, dict) and isinstance(thread.get("snippet"), dict)):
            yield thread
            return
        snippet, replies = thread["snippet"], thread.get("replies")
        comments = replies.get("comments") if isinstance(replies, dict) else None
        shown = comments if isinstance(comments, list) else []
        yield {name: value for name, value in thread.items() if name != "replies"}
        n_replies = snippet.get("totalReplyCount")
        if isinstance(n_replies, int) and n_replies > len(shown) and _is_active([thread, *shown], since):
            with suppress(NotFound):  # deleted since the page was made
                shown = self._replies(http, str(thread.get("id")))
        for reply in shown:
            if isinstance(reply, dict) and isinstance(reply.get("snippet"), dict):
                # A list of replies does not say again which video they are on.
                reply = {**reply, "snippet": {"videoId": snippet.get("videoId"), **reply["snippet"]}}
            yield reply

    def _replies(self, http: Http, thread_id: str) -> list[Any]:
        params: _Params = {"parentId": thread_id, "part": "snippet", **_asking_for(_COMMENT)}
        found, token = self._list(http, "comments", params)
        tokens = set()
        while token and token not in tokens:
            tokens.add(token)
            replies, token = self._list(http, "comments", params, token)
            found += replies
        return found

    def _list(self, http: Http, resource: str, params: _Params, token: Any = None) -> tuple[list[Any], str | None]:
        """A page of a resource, and the token of the next."""
        answer = http.get_json(
            f"{self.options.base_url.rstrip('/')}/{resource}", {**params, **({"pageToken": token} if token else {})}
        )
        items = answer.get("items", [] if "kind" in answer else None)
        if not isinstance(items, list):
            raise Protocol(f"YouTube answered without a list of {resource}: its API may have changed")
        return items, answer.get("nextPageToken") or None

    def post(self, item: Any, fetched_at: datetime) -> Post:
        thread = _snippet(item)
        comment = thread.get("topLevelComment", item)
        snippet = _snippet(comment)
        native_id, parent = text_of(comment, "id"), text_of(snippet, "parentId")
        text = clean(text_of(snippet, "textOriginal") or text_of(snippet, "textDisplay"))
        if not native_id or not text:
            raise ValueError("no text" if native_id else "no id")
        posted_at, updated = read_time(snippet.get("publishedAt")), text_of(snippet, "updatedAt")
        changed_at = read_time(updated) if updated else posted_at
        video = text_of(snippet, "videoId")
        counts = {"likes": snippet.get("likeCount"), "replies": thread.get("totalReplyCount")}
        return Post(
            platform="youtube", native_id=native_id, text=text, posted_at=posted_at, fetched_at=fetched_at, raw=item,
            kind="comment", version=f"{changed_at.timestamp():.0f}", author=_author(snippet),
            edited_at=changed_at if changed_at != posted_at else None,
            url=f"https://www.youtube.com/watch?v={video}&lc={native_id}" if video else None,
            thread_id=parent or native_id, parent_key=f"youtube:{parent}" if parent else None,
            relation="reply" if parent else "original", terms="youtube-30d",
            metrics={name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)},
        )  # fmt: skip

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        with self.open(Budget(), Event()) as http:
            for native_id in self._absent(http, "comments", native_ids):
                yield StateChange("youtube", native_id, "unknown_gone", datetime.now(UTC))

    def _absent(self, http: Http, resource: str, ids: Sequence[str]) -> Iterator[str]:
        """Those of the ids that YouTube leaves out of its answer, or does not find where it is asked for them alone."""
        if 0 < len(ids) <= _IDS_A_CALL:
            try:
                items, _ = self._list(http, resource, {"part": "id", "id": ",".join(ids)})
            except NotFound:
                if len(ids) == 1:
                    yield ids[0]
                    return
            else:
                there = {item.get("id") for item in items if isinstance(item, dict)}
                yield from (one for one in ids if one not in there)
                return
        if ids:
            half = len(ids) // 2
            yield from self._absent(http, resource, ids[:half])
            yield from self._absent(http, resource, ids[half:])


def _explain(answer: Answer) -> SourceError | None:
    """What a failure of the API means; its reason says more than its status."""
    place, status = place_of(answer.url), answer.status
    try:
        error = json.loads(answer.body)["error"]
        message = html_to_text(str(error.get("message") or ""))[:300]
        details = [*error.get("errors", []), *error.get("details", [])]
        reasons = {detail.get("reason") for detail in details}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        is_cut = isinstance(error, ValueError) and answer.body.lstrip().startswith(b"{")
        return Garbled(f"{place} answered {status} with broken JSON") if is_cut else None
    if reasons & _USED_UP:
        midnight = datetime.now(ZoneInfo(_RENEWED_IN)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            days=1
        )
        renewed = midnight.astimezone(UTC)
        return QuotaExhausted(f"YouTube: the day's quota is used up; it is renewed at {renewed:%Y-%m-%d %H:%M} UTC")
    if reasons & _TOO_FAST and status == 403:
        return RateLimited(f"{place} asks us to slow down")
    if "commentsDisabled" in reasons:
        return _CommentsOff(message)
    if reasons & _BAD_KEY or (status == 400 and "API key" in message):
        return Auth(f"YouTube does not take the key in {_KEY}: {message}")
    if "processingFailure" in reasons:
        return Transient(f"{place} failed at the request: {message}")
    kind = {400: BadQuery, 403: Auth, 404: NotFound}.get(status)
    return kind(f"{place} answered {status} {answer.reason}: {message}") if kind else None


def _asking_for(fields: str) -> _Params:
    """The parameters of a page, without what is said of people beyond their names."""
    shown = f"kind,nextPageToken,items({fields})"
    return {"maxResults": _PAGE, "textFormat": "plainText", "fields": shown}


def _is_active(comments: Sequence[Any], since: datetime) -> bool:
    """Whether any of a thread's comments is as new as that; one without a time may be."""
    for comment in comments:
        try:
            if read_time(_snippet(_snippet(comment).get("topLevelComment", comment)).get("publishedAt")) >= since:
                return True
        except ValueError:
            return True
    return False


def _snippet(of: Any) -> dict[str, Any]:
    snippet = of.get("snippet") if isinstance(of, dict) else None
    if not isinstance(snippet, dict):
        raise ValueError("the comment has no snippet")
    return snippet


def _author(snippet: Mapping[str, Any]) -> str | None:
    """The @handle, by which the brand's own comments are known; where there is none, the channel."""
    name, channel = text_of(snippet, "authorDisplayName"), snippet.get("authorChannelId")
    own_id = text_of(channel, "value") if isinstance(channel, dict) else ""
    return (name if name.startswith("@") else own_id or name) or None


SOURCE = YouTube
