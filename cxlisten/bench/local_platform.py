"""A platform on loopback for the bench: Hacker News' search over as many comments of the last week as asked for.

Run as a script with that number; it prints its port, and serves until its standard input ends.
"""

import math
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

_CAP = 1_000
_WEEK = 7 * 86_400
_HIT = (
    '{{"objectID":"{id}","created_at_i":{at},"author":"user{who}","title":null,"url":null,"points":null,'
    '"story_id":39000000,"parent_id":39000001,"comment_text":"<p>The kettle leaks &amp; the lid is loose, number {id}.'
    ' I&#x27;d return it: <a href=\\"https:&#x2F;&#x2F;example.org&#x2F;a\\" rel=\\"nofollow\\">'
    'https:&#x2F;&#x2F;exa...</a><p>It was cheap, though.","_tags":["comment","author_user{who}","story_39000000"]}}'
)


class Platform(BaseHTTPRequestHandler):
    """Answers `search_by_date` as Algolia does, as fast as it can."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    n_posts = 0
    began = 0

    def do_GET(self) -> None:
        """Give the newest of the posts between two times."""
        asked = parse_qs(urlsplit(self.path).query)
        since, until = map(int, re.findall(r"\d+", asked["numericFilters"][0].replace("_i", "")))
        a_second = self.n_posts / _WEEK
        first = max(0, math.ceil((since - self.began) * a_second))
        end = min(self.n_posts, math.ceil((until - self.began) * a_second))
        newest = range(end - 1, max(first, end - min(_CAP, int(asked["hitsPerPage"][0]))) - 1, -1)
        hits = ",".join(
            _HIT.format(id=40_000_000 + n, at=self.began + int(n / a_second), who=n % 5_000) for n in newest
        )
        pages = math.ceil(max(0, end - first) / _CAP)
        body = f'{{"hits":[{hits}],"nbHits":{max(0, end - first)},"nbPages":{pages}}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve."""
    Platform.n_posts, Platform.began = int(sys.argv[1]), int(time.time()) - _WEEK + 60
    server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
