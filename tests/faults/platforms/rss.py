"""A blog's RSS feed and a forum's Atom feed, each showing its last entries only."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request

_SHOWN = 20


class Feeds:
    """`/blog.xml` and `/forum.atom`, with the validators that let a reader skip an unchanged feed."""

    n_bad = 2

    def __init__(self, folder: Path) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.n = 15
        self.server = FakeServer(self.answer)

    def answer(self, request: Request) -> Reply:
        body = {"/blog.xml": self.blog, "/forum.atom": self.forum}[request.path]().encode()
        etag = f'"{sha256(body).hexdigest()[:8]}"'
        if request.headers.get("If-None-Match") == etag:
            return Reply(b"", 304, {"ETag": etag})
        return Reply(body, 200, {"ETag": etag, "Content-Type": "application/xml"})

    def _numbers(self) -> range:
        return range(self.n, max(0, self.n - _SHOWN), -1)

    def _at(self, number: int) -> datetime:
        return self.now - timedelta(hours=100 - number)

    def blog(self) -> str:
        items = "".join(
            f"<item><title>Entry {n}</title><link>/entries/{n}</link><guid isPermaLink='false'>{n}</guid>"
            f"<pubDate>{format_datetime(self._at(n))}</pubDate>"
            f"<description>&lt;p&gt;Fish &amp;amp; chips, number {n}&lt;/p&gt;</description></item>"
            for n in self._numbers()
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Blog</title>'
            f"<language>en-GB</language>{items}<item><guid>empty</guid></item></channel></rss>"
        )

    def forum(self) -> str:
        entries = "".join(
            f"<entry><id>tag:forum.example,2024:{n}</id><title>Thread {n}</title><updated>{self._at(n).isoformat()}"
            f"</updated><content type='html'>&lt;b&gt;Hello&lt;/b&gt; {n}</content></entry>"
            for n in self._numbers()
        )
        return (
            '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Forum</title>'
            f"{entries}<entry><id>tag:forum.example,2024:empty</id></entry></feed>"
        )

    def options(self) -> dict[str, Any]:
        return {"urls": [f"{self.server.url}/blog.xml", f"{self.server.url}/forum.atom"]}

    def posts(self) -> set[Identity]:
        place = f"127.0.0.1:{self.server.port}/blog.xml"
        blog = {("rss", f"{place}#{n}") for n in range(1, self.n + 1)}
        return blog | {("rss", f"tag:forum.example,2024:{n}") for n in range(1, self.n + 1)}

    def advance(self) -> None:
        self.n += 4

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = Feeds
