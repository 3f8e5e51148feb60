"""The App Store's public feeds of reviews over a timeline: one app, in two countries."""

import json
import re
from datetime import timedelta, timezone
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

APP, COUNTRIES = "284882215", ("us", "gb")
_FIRST = 9_000_000_000
_PATH = re.compile(
    r"/(?P<country>\w\w)/rss/customerreviews/page=(?P<page>\d+)/id=(?P<app>\d+)/sortby=mostrecent/(?P<form>json|xml)"
)
_ITSELF = {
    "im:name": {"label": "Kettle Control"}, "title": {"label": "Kettle Control - Anybrand"}, "id": {"label": "x"},
    "im:image": [{"label": "https://is1.example/53x53bb.png", "attributes": {"height": "53"}}],
}  # fmt: skip
_BAD = {
    "id": {"label": "1"},
    "title": {"label": "no rating"},
    "content": {"label": "x", "attributes": {"type": "text"}},
}


class AppStore:
    """10 pages of reviews, last changed first; those of odd numbers are American, of even ones British.

    With `has_dates` off the JSON has none, with `has_xml_dates` off neither has the XML. `with_itself` puts the app
    before its reviews.
    """

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=24, n_posts=340)
        self.has_dates = self.has_xml_dates = self.with_itself = True
        self.bad = [_BAD]
        self.per_page, self.n_pages = 50, 10
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    def options(self) -> dict[str, Any]:
        return {"base_url": self.server.url, "apps": [APP], "countries": list(COUNTRIES)}

    def identity(self, item: Item) -> Identity:
        return ("appstore", str(_FIRST + item.number))

    def posts(self) -> set[Identity]:
        n_shown = self.per_page * self.n_pages
        return {self.identity(item) for country in COUNTRIES for item in self._reviews(country)[:n_shown]}

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=20)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {"Retry-After": str(round(seconds))}

    def close(self) -> None:
        self.server.__exit__()

    def answer(self, request: Request) -> Reply:
        if request.path == "/lookup":
            found = [{"trackId": int(app), "kind": "software"} for app in request.params["id"].split(",") if app == APP]
            return _json({"resultCount": len(found), "results": found})
        asked = _PATH.fullmatch(request.path)
        if not asked:
            return Reply(b"<html>Bad request</html>", 400, {"Content-Type": "text/html"})
        number, size = int(asked["page"]), self.per_page
        shown = slice(size * number - size, size * number)
        if number > self.n_pages:
            return Reply(b"CustomerReviews RSS page depth is limited to 10", 400)
        reviews = self._reviews(asked["country"]) if asked["app"] == APP else []
        if asked["form"] == "xml":
            return self._xml(reviews[shown])
        entries: list[Any] = [self._entry(review, asked["country"]) for review in reviews]
        entries[2:2] = self.bad if asked["country"] == "us" and entries else []
        entries = entries[shown]
        if number == 1 and entries and self.with_itself:
            entries.insert(0, _ITSELF)
        feed: dict[str, Any] = {
            "author": {"name": {"label": "iTunes Store"}, "uri": {"label": "http://www.apple.com/itunes/"}},
            "updated": {"label": self.timeline.now.isoformat()}, "title": {"label": "iTunes Store: Customer Reviews"},
        }  # fmt: skip
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        return _json({"feed": feed})

    def _reviews(self, country: str) -> list[Item]:
        odd = country == "us"
        shown = [item for item in self.timeline.shown() if item.number % 2 == odd]
        return sorted(shown, key=self._updated, reverse=True)

    def _updated(self, item: Item) -> Any:
        return item.texts[self.timeline.version(item)][0]

    def _date(self, item: Item) -> str:
        return str(self._updated(item).astimezone(timezone(timedelta(hours=-7))).isoformat())

    def _entry(self, item: Item, country: str) -> dict[str, Any]:
        number = item.number
        entry: dict[str, Any] = {
            "author": {
                "uri": {"label": f"https://itunes.apple.com/{country}/reviews/id{1000 + number}"},
                "name": {"label": f"someone {number % 9}"}, "label": "",
            },
            "updated": {"label": self._date(item)}, "im:rating": {"label": str(number % 5 + 1)},
            "im:version": {"label": "8.2.1"}, "id": {"label": self.identity(item)[1]},
            "title": {"label": f"Title {number}"},
            "content": {"label": self.timeline.text(item), "attributes": {"type": "text"}},
            "link": {"attributes": {
                "rel": "related", "href": f"https://itunes.apple.com/{country}/review?id={APP}&type=Purple%20Software",
            }},
            "im:voteSum": {"label": "0"}, "im:voteCount": {"label": "0"},
            "im:contentType": {"attributes": {"term": "Application", "label": "Application"}},
        }  # fmt: skip
        if not self.has_dates:
            del entry["updated"]
        return entry

    def _xml(self, reviews: list[Item]) -> Reply:
        entries = "".join(
            f"<entry>{f'<updated>{self._date(item)}</updated>' if self.has_xml_dates else ''}"
            f"<id>{self.identity(item)[1]}</id><title>Title {item.number}</title>"
            f'<content type="text">{escape(self.timeline.text(item))}</content></entry>'
            for item in reviews
        )
        body = f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'
        return Reply(body.encode(), 200, {"Content-Type": "text/xml; charset=UTF-8"})


def _json(body: Any) -> Reply:
    return Reply(json.dumps(body).encode(), 200, {"Content-Type": "text/javascript; charset=utf-8"})


PLATFORM = AppStore
