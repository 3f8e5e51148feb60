"""App Store: the newest reviews of apps, country by country, as Apple's public feeds show them. No key needed."""

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Annotated, Any, ClassVar

import feedparser
from pydantic import Field

from cxlisten.collect import Budget, Caps, Estimate, Health, Options
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.text import clean, join_title, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Protocol, SourceError
from cxlisten.models import Post, Query

_PAGE, _PAGES = 50, 10
_AppId = Annotated[str, Field(pattern=r"^\d+$", coerce_numbers_to_str=True)]
_Country = Annotated[str, Field(pattern="^[a-z]{2}$")]
_APP_ID = re.compile(r"[?&]id=(\d+)")
_AUTHOR_ID = re.compile(r"/id(\d+)")


class AppStoreOptions(Options):
    """`apps` are the numbers in their addresses, behind /id, and `countries` the stores, such as gb.

    `days` is how far back the first fetch goes.
    """

    base_url: str = "https://itunes.apple.com"
    apps: Annotated[tuple[_AppId, ...], Field(min_length=1)]
    countries: Annotated[tuple[_Country, ...], Field(min_length=1)] = ("us",)
    days: Annotated[float, Field(gt=0)] = 30


class AppStore(Paged):
    """A stream for each app in each country; each shows its 500 reviews that were written or changed last.

    A review that is changed moves to the top under the same id, dated anew. No review can be asked for by its id.
    """

    Options = AppStoreOptions
    caps = Caps(max_page=_PAGE, max_items=_PAGE * _PAGES, supports_since=False, exact_times=False)
    starter = 'apps = ["..."]         # the number in its address, behind /id\ncountries = ["us", "gb"]'
    overlap = timedelta(days=7)  # Apple looks at reviews before it shows them
    tokens_last: ClassVar[bool] = True  # what is new only moves the others on to later pages
    options: AppStoreOptions

    def open(self, budget: Budget, stop: Event) -> Http:
        return Http(budget, stop, base_url=self.options.base_url)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        options = self.options
        return [Stream(f"{country}/{app}", (country, app)) for app in options.apps for country in options.countries]

    def check(self) -> Health:
        options, absent = self.options, []
        try:
            with self.open(Budget(requests=2 * len(options.countries), seconds=60), Event()) as http:
                for country in options.countries:
                    asked = {"id": ",".join(options.apps), "country": country}
                    found = http.get_json(f"{self._base}/lookup", asked).get("results")
                    known = {str(app.get("trackId")) for app in found or [] if isinstance(app, dict)}
                    absent += [f"no app {app} in {country}" for app in options.apps if app not in known]
        except SourceError as error:
            return Health(False, str(error))
        if absent:
            return Health(False, f"the App Store has {', '.join(absent)}: check apps and countries")
        return Health(True, "the App Store answers, and has the apps in each of the countries")

    def estimate(self, query: Query) -> Estimate:
        """At least so many requests: how many reviews are new the App Store does not tell."""
        return Estimate(requests=len(self.options.apps) * len(self.options.countries))

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        number, was_full = token or (1, False)
        country, app = stream.of
        url = f"{self._base}/{country}/rss/customerreviews/page={number}/id={app}/sortby=mostrecent"
        entries = _entries(http.get_json(f"{url}/json"))
        if not entries and (number == 1 or was_full):
            note = f"{stream.key}: page {number} is empty, be it for want of reviews or by a fault of the App Store"
            return Page((), notes=[f"{note}: it is read again in the next run"], is_doubtful=True)
        # Older feeds begin with the app itself.
        reviews = [entry for entry in entries if not (isinstance(entry, dict) and "im:name" in entry)]
        if reviews and not any(_if_any(review, "updated") for review in reviews):
            reviews = _dated(http, f"{url}/xml", reviews)
            if not any(_if_any(review, "updated") for review in reviews):
                raise Protocol(f"the App Store gives {stream.key} without dates: nothing of it was landed")
        is_full, is_last = len(entries) >= _PAGE, number == _PAGES or not entries
        return Page(reviews, None if is_last else (number + 1, is_full), is_capped=is_full and is_last)

    @property
    def _base(self) -> str:
        return self.options.base_url.rstrip("/")

    def post(self, item: Any, fetched_at: datetime) -> Post:
        if not isinstance(item, dict):
            raise ValueError("the review is not an object")
        native_id, rating = _label(item, "id"), _label(item, "im:rating")
        if not native_id or not rating.isdecimal():
            raise ValueError("a review without a rating" if native_id else "no id")
        title = clean(_label(item, "title"))
        text = join_title(title, clean(_label(item, "content")))
        if not text:
            raise ValueError("neither a title nor a text")
        if not (updated := _label(item, "updated")):
            raise ValueError("the review has no date")
        posted_at, address = read_time(updated), _address(item)
        app = _APP_ID.search(address)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        return Post(
            platform="appstore",
            native_id=native_id,
            text=text,
            posted_at=posted_at,
            fetched_at=fetched_at,
            raw=item,
            kind="review",
            version=f"{posted_at:%Y-%m-%dT%H:%M:%S} {digest}",
            author=_author(item),
            title=title or None,
            url=address if address.startswith(("http://", "https://")) else None,
            thread_id=app[1] if app else None,
            metrics={"rating": int(rating)},
            terms="appstore",
        )


def _entries(answer: Mapping[str, Any]) -> list[Any]:
    """The reviews of a page: a list, a single one by itself, or nothing."""
    feed = answer.get("feed")
    if not isinstance(feed, dict):
        raise Protocol("the App Store answered without a feed: its reviews may have moved")
    found = feed.get("entry", [])
    return found if isinstance(found, list) else [found]


def _dated(http: Http, url: str, reviews: list[Any]) -> list[Any]:
    """The same reviews with the dates that the feed has as XML; as JSON it has lost them before now."""
    feed = feedparser.parse(io.BytesIO(http.get(url).body))
    dates = {str(entry.get("id")): str(entry.get("updated", "")) for entry in feed.entries}
    return [
        {**review, "updated": {"label": date}} if (date := dates.get(_if_any(review, "id"))) else review
        for review in reviews
    ]


def _label(item: Mapping[str, Any], name: str) -> str:
    """What a feed keeps under a name; raises ValueError where it is no text."""
    value = item.get(name) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} is a {type(value).__name__} where a label was expected")
    return text_of(value, "label").strip()


def _if_any(item: Any, name: str) -> str:
    try:
        return _label(item, name) if isinstance(item, dict) else ""
    except ValueError:
        return ""


def _author(item: Mapping[str, Any]) -> str | None:
    """The number of the author's account, for several may have the same name; the name where there is none."""
    author = item.get("author")
    number = _AUTHOR_ID.search(_if_any(author, "uri"))
    return (number[1] if number else _if_any(author, "name")) or None


def _address(item: Mapping[str, Any]) -> str:
    link = item.get("link")
    link = link[0] if isinstance(link, list) and link else link
    attributes = link.get("attributes") if isinstance(link, dict) else None
    return str(attributes.get("href") or "") if isinstance(attributes, dict) else ""


SOURCE = AppStore
