"""X's API over a timeline, as old answers and as new ones spell it."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from tests.faults import x_search
from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

TOKEN = "AAAAtokenOfTheTests%3D"
_SETTLED = timedelta(seconds=30)
_DEFAULT = {"id", "text", "edit_history_tweet_ids"}
_FIELDS = {
    "attachments", "author_id", "context_annotations", "conversation_id", "created_at", "edit_controls", "entities",
    "geo", "in_reply_to_user_id", "lang", "note_tweet", "possibly_sensitive", "public_metrics", "referenced_tweets",
    "reply_settings", "source", "withheld", *_DEFAULT,
}  # fmt: skip
_NEW = {
    "note_tweet": "note_post", "referenced_tweets": "referenced_posts", "retweet_count": "repost_count",
    "edit_history_tweet_ids": "edit_history_post_ids", "tweet_count": "post_count", "tweets": "posts",
    "total_tweet_count": "total_post_count",
}  # fmt: skip
_SEARCH = {"query", "start_time", "end_time", "since_id", "until_id"}
_SHAPE = {"tweet.fields", "post.fields", "user.fields", "expansions"}
_KNOWN = {
    "/2/tweets/search/recent": _SEARCH | _SHAPE | {"max_results", "next_token", "sort_order"},
    "/2/tweets/counts/recent": _SEARCH | {"granularity"},
    "/2/tweets": _SHAPE | {"ids"},
}
_LONG = "This went on and on & on. " * 40


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Reply:
    """An error as X words it; without a kind it is one of HTTP itself."""
    url = f"https://api.twitter.com/2/problems/{kind}" if kind else "about:blank"
    return _json({**more, "title": title, "detail": detail, "type": url, "status": status}, status)


def invalid(parameter: str, value: str, message: str) -> Reply:
    """A request with a parameter that X does not take."""
    errors = [{"parameters": {parameter: [value]}, "message": message}]
    return problem(
        400, "invalid-request", "Invalid Request", "One or more parameters to your request was invalid.", errors=errors
    )


def snowflake(at: datetime, number: int = 0) -> str:
    """An id as X makes them: milliseconds, and 22 bits that tell those of one moment apart."""
    return str((round(at.timestamp() * 1000) - 1_288_834_974_657 << 22) + number)


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json; charset=utf-8"})


class X:
    """Posts of all shapes, all of which name Anybrand; every fifth is a reply and every seventh a quote.

    `spelling` says whether answers are of tweets or of posts; `reposts`, `hidden` and `withheld` are numbers of
    items that are reposts of another item, that nobody may see any more, and that are withheld in a country. With a
    `limit` of requests, answers tell what is left of it.
    """

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {"X_BEARER_TOKEN": TOKEN}

    def __init__(self, folder: Path, seed: int = 1, spelling: str = "tweet") -> None:
        self.spelling = spelling
        self.timeline = Timeline(seed, latest=timedelta(minutes=4))
        self.timeline.advance(hours=20, n_posts=350)
        self.reposts: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.withheld: set[int] = set()
        self.limit: int | None = None
        self.n_billed = 0
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    def options(self) -> dict[str, Any]:
        return {"base_url": self.server.url, "days": 7}

    def identity(self, item: Item) -> Identity:
        return ("x", snowflake(item.texts[0][0], item.number * 8))

    def posts(self) -> set[Identity]:
        return {self.identity(item) for item in self._found()}

    def advance(self) -> None:
        """Among the rest, an edit of one of the last posts."""
        self.timeline.advance(hours=2, n_posts=20)
        edited = self.timeline.items[-3]
        edited.texts.append((edited.posted_at + timedelta(minutes=1), f"{edited.texts[-1][1]}, or so I think"))

    def rate_headers(self, seconds: float) -> dict[str, str]:
        reset = round(self.timeline.now.timestamp() + seconds)
        return {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset)}

    def close(self) -> None:
        self.server.__exit__()

    def answer(self, request: Request) -> Reply:
        known = _KNOWN.get(request.path)
        if known is None:
            return Reply(b"", 404)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "", "Unauthorized", "Unauthorized")
        for name, value in request.params.items():
            if name not in known:
                return invalid(name, value, f"The query parameter [{name}] is not one of [{','.join(sorted(known))}]")
        n_left = self.limit - len(self.server.requests) if self.limit else None
        if n_left is not None and n_left < 0:
            return problem(429, "rate-limit-exceeded", "Too Many Requests", "Too Many Requests")
        answers = {"/2/tweets": self._look_up, "/2/tweets/counts/recent": self._count}
        reply = answers.get(request.path, self._search)(request.params)
        if n_left is not None:
            reply.headers |= {**self.rate_headers(900), "x-rate-limit-remaining": str(n_left)}
        return reply

    def _search(self, asked: Any) -> Reply:
        size = asked.get("max_results", "10")
        if not 10 <= int(size) <= 100:
            words = f"The `max_results` query parameter value [{size}] is not between 10 and 100"
            return invalid("max_results", size, words)
        found = self._matching(asked)
        if isinstance(found, Reply):
            return found
        token = asked.get("next_token", "")
        if token and not (token.startswith("b26v") and token[4:].isalnum()):
            return invalid("next_token", token, "Invalid 'next_token'")
        below = int(token[4:], 36) if token else None
        left = [item for item in found if below is None or int(self._id(item)) < below]
        page = left[: int(size) - (not token)]  # the bad one takes a place
        data = [self._shape(item, asked) for item in page]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": self._id(page[0]), "oldest_id": self._id(page[-1])}
        if len(left) > len(page):
            meta["next_token"] = "b26v" + _base36(int(self._id(page[-1])))
        if data and not token:
            data.insert(1, {"id": self._id(page[0]), "text": None, "edit_history_tweet_ids": [self._id(page[0])]})
        body: dict[str, Any] = {"meta": meta}
        if data:
            body["data"] = data
        if asked.get("expansions") == "author_id" and data:
            body["includes"] = {"users": [_user(number) for number in sorted({item.number % 9 for item in page})]}
        if any(item.number % 5 == 0 for item in page):
            missing = {
                "resource_type": "tweet",
                "title": "Not Found Error",
                "value": "1",
                "parameter": "referenced_tweets.id",
            }
            body["errors"] = [{**missing, "type": "https://api.twitter.com/2/problems/resource-not-found"}]
        self.n_billed += len(data) + 2 * len(body.get("includes", {}).get("users", ()))
        return _json(self._spelt(body))

    def _count(self, asked: Any) -> Reply:
        found = self._matching(asked)
        if isinstance(found, Reply):
            return found
        now = _when(self.timeline.now)
        day = {"start": now, "end": now, "tweet_count": len(found)}
        return _json(self._spelt({"data": [day], "meta": {"total_tweet_count": len(found)}}))

    def _look_up(self, asked: Any) -> Reply:
        ids = asked.get("ids", "").split(",")
        if len(ids) > 100 or not all(map(str.isdigit, ids)):
            return invalid("ids", asked.get("ids", ""), "The `ids` query parameter must hold 1 to 100 ids")
        there = {one: item for item in self.timeline.shown() for one in self._ids(item)}
        body: dict[str, Any] = {}
        for one in ids:
            item = there.get(one)
            if item and item.number not in self.hidden:
                body.setdefault("data", []).append(self._shape(item, asked))
                continue
            kind, title = (
                ("not-authorized-for-resource", "Authorization Error")
                if item
                else ("resource-not-found", "Not Found Error")
            )
            body.setdefault("errors", []).append({
                "value": one, "resource_id": one, "parameter": "ids", "resource_type": "tweet", "section": "data",
                "title": title, "detail": f"{title}: [{one}].", "type": f"https://api.twitter.com/2/problems/{kind}",
            })  # fmt: skip
        self.n_billed += len(body.get("data", ()))
        return _json(self._spelt(body))

    def _matching(self, asked: Any) -> list[Item] | Reply:
        """What a query finds in the time that it asks about, newest first."""
        earliest, latest = self.timeline.now - timedelta(days=7), self.timeline.now - _SETTLED
        if "since_id" in asked and "start_time" in asked:
            words = "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'."
            return invalid("start_time", asked["start_time"], words)
        if int(asked.get("since_id", snowflake(earliest))) < int(snowflake(earliest)):
            words = f"'since_id' must be a tweet id created after [{_when(earliest)}]. Please use a later one."
            return invalid("since_id", asked["since_id"], words)
        start = datetime.strptime(asked.get("start_time", _when(earliest)), "%Y-%m-%dT%H:%M:%S%z")
        if start < earliest.replace(microsecond=0):
            words = f"Invalid 'start_time':'{_when(start)}'. 'start_time' must be on or after {_when(earliest)}"
            return invalid("start_time", asked["start_time"], words)
        if start >= latest:
            words = f"Invalid 'start_time':'{_when(start)}'. 'start_time' must be before 'end_time'"
            return invalid("start_time", asked["start_time"], words)
        try:
            matches = x_search.compile(asked.get("query", ""))
        except x_search.Invalid as error:
            return invalid("query", asked.get("query", ""), str(error))
        lowest = max(int(snowflake(start)), int(asked.get("since_id", 0)))
        return [i for i in self._found() if int(self._id(i)) > lowest and matches(self._text(i), self._lang(i))]

    def _found(self) -> list[Item]:
        """What a search can find by now, newest first."""
        latest = self.timeline.now - _SETTLED
        there = [item for item in self.timeline.shown() if item.posted_at <= latest and item.number not in self.hidden]
        return sorted(there, key=lambda item: int(self._id(item)), reverse=True)

    def _ids(self, item: Item) -> list[str]:
        return [snowflake(at, item.number * 8 + n) for n, (at, _) in enumerate(item.texts) if at <= self.timeline.now]

    def _id(self, item: Item) -> str:
        return self._ids(item)[-1]

    def _text(self, item: Item) -> str:
        if item.number in self.reposts:
            return f"RT @someone: {self._text(self.timeline.items[self.reposts[item.number] - 1])}"
        long = _LONG if item.number % 11 == 0 else ""
        return f"{long}{self.timeline.text(item)} #Anybrand"

    def _lang(self, item: Item) -> str:
        return ("en", "iw", "und", "qme")[item.number % 4]

    def _shape(self, item: Item, asked: Any) -> dict[str, Any]:
        text, ids = self._text(item).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), self._ids(item)
        all_of_it: dict[str, Any] = {
            "id": ids[-1], "text": text, "edit_history_tweet_ids": ids, "author_id": str(1000 + item.number % 9),
            "created_at": _when(item.texts[len(ids) - 1][0], "%Y-%m-%dT%H:%M:%S.000Z"), "lang": self._lang(item),
            "conversation_id": ids[0], "possibly_sensitive": item.number % 23 == 0, "public_metrics": {
                "retweet_count": item.number, "reply_count": 1, "like_count": 2, "quote_count": 0,
                "bookmark_count": 0, "impression_count": 99,
            },
        }  # fmt: skip
        if len(text) > 280 or item.number in self.reposts:
            all_of_it["text"] = f"{text[:139]}…"
        if len(text) > 280 and item.number not in self.reposts:
            all_of_it["note_tweet"] = {"text": text}
        if references := list(self._references(item)):
            all_of_it["referenced_tweets"] = references
        if item.number in self.withheld:
            all_of_it["withheld"] = {"copyright": False, "country_codes": ["DE", "FR"], "scope": "tweet"}
        fields = asked.get("tweet.fields", asked.get("post.fields", ""))
        old = {new: name for name, new in _NEW.items()}
        wanted = _DEFAULT | {old.get(name, name) for name in fields.split(",")}
        return {name: value for name, value in all_of_it.items() if name in wanted}

    def _references(self, item: Item) -> Iterator[dict[str, str]]:
        if item.number in self.reposts:
            yield {"type": "retweeted", "id": self._ids(self.timeline.items[self.reposts[item.number] - 1])[0]}
        elif item.number % 5 == 0:
            yield {"type": "replied_to", "id": "1500000000000000001"}
        if item.number % 7 == 0:
            yield {"type": "quoted", "id": "1500000000000000002"}

    def _spelt(self, value: Any) -> Any:
        """The same answer in the spelling of the day."""
        if self.spelling == "tweet":
            return value
        if isinstance(value, dict):
            return {_NEW.get(name, name): self._spelt(one) for name, one in value.items()}
        return [self._spelt(one) for one in value] if isinstance(value, list) else value


def _user(number: int) -> dict[str, str]:
    return {"id": str(1000 + number), "name": "Some One", "username": f"someone{number}"}


def _when(at: datetime, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return at.strftime(form)


def _base36(number: int) -> str:
    return (_base36(number // 36) if number >= 36 else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]


PLATFORM = X
