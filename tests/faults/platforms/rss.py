"""A blog's RSS feed and a forum's Atom feed, each showing its last entries only."""

from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

_NOT_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(55296, 57344)), "�")


class Feeds:
    """`/blog.xml` and `/forum.atom`, with the validators that let a reader skip an unchanged feed.

    Posts of odd numbers are the blog's, of even ones the forum's; each feed shows the last `n_shown` of its own.
    """

    n_bad = 2
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.n_shown = 20
        for n in range(30):
            self.timeline.add(self.timeline.now - timedelta(hours=70 - 2 * n))
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    def answer(self, request: Request) -> Reply:
        feed = {"/blog.xml": self.blog, "/forum.atom": self.forum}.get(request.path)
        if not feed:
            return Reply(b"<h1>Not found</h1>", 404, {"Content-Type": "text/html"})
        body = feed().encode()
        etag = f'"{sha256(body).hexdigest()[:8]}"'
        if request.headers.get("If-None-Match") == etag:
            return Reply(b"", 304, {"ETag": etag})
        return Reply(body, 200, {"ETag": etag, "Content-Type": "application/xml"})

    def _shown(self, parity: int) -> list[Item]:
        return [item for item in self.timeline.shown() if item.number % 2 == parity][: self.n_shown]

    def _html(self, item: Item) -> str:
        return escape(escape(self.timeline.text(item)).translate(_NOT_IN_XML))

    def blog(self) -> str:
        items = "".join(
            f"<item><title>Entry {item.number}</title><link>/entries/{item.number}</link>"
            f"<guid isPermaLink='false'>{item.number}</guid><author>someone</author>"
            f"<pubDate>{format_datetime(item.posted_at)}</pubDate>"
            f"<description>&lt;p&gt;Fish &amp;amp; chips, {self._html(item)}&lt;/p&gt;</description></item>"
            for item in self._shown(1)
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Blog</title>'
            f"<language>en-GB</language>{items}<item><guid>empty</guid></item></channel></rss>"
        )

    def forum(self) -> str:
        entries = "".join(
            f"<entry><id>tag:forum.example,2024:{item.number}</id><title>Thread {item.number}</title>"
            f"<author><name>someone</name></author><updated>{item.posted_at.isoformat()}</updated>"
            f"<content type='html'>&lt;b&gt;Hello&lt;/b&gt; {self._html(item)}</content></entry>"
            for item in self._shown(0)
        )
        return (
            '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Forum</title>'
            f"{entries}<entry><id>tag:forum.example,2024:empty</id></entry></feed>"
        )

    def options(self) -> dict[str, Any]:
        return {"urls": [f"{self.server.url}/blog.xml", f"{self.server.url}/forum.atom"]}

    def identity(self, item: Item) -> Identity:
        if item.number % 2:
            return ("rss", f"127.0.0.1:{self.server.port}/blog.xml#{item.number}")
        return ("rss", f"tag:forum.example,2024:{item.number}")

    def posts(self) -> set[Identity]:
        return {self.identity(item) for parity in (0, 1) for item in self._shown(parity)}

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=8)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {"Retry-After": str(round(seconds))}

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = Feeds
