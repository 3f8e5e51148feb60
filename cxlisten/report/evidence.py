"""A post as a reader may see it: cut around its evidence, linked only where the link is one to a web page."""

from typing import NamedTuple
from urllib.parse import urlsplit

from cxlisten.report.figures import Evidence

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Excerpt(NamedTuple):
    """The text before the evidence, the evidence, and the text after it."""

    before: str
    marked: str
    after: str


def excerpt(post: Evidence, width: int = 260) -> Excerpt:
    """Cut a post to about `width` characters with the evidence in the middle, at spaces where there are any."""
    start = min(max(post.evidence_start, 0), len(post.text))
    end = min(max(post.evidence_end, start), len(post.text))
    before, marked, after = post.text[:start], post.text[start:end], post.text[end:]
    if len(post.text) <= width:
        return Excerpt(before, marked, after)
    marked = _head(marked, width)
    room = max(width - len(marked), 0)
    side = max(room // 2, room - len(after))
    before = _head(before[::-1], side)[::-1]
    return Excerpt(before, marked, _head(after, room - len(before)))


def web_link(url: str | None) -> str | None:
    """Give the address back when it is an absolute one of the web, so that no other scheme is ever clicked."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def _head(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    at_space = kept.rsplit(None, 1)[0] if len(kept.split(None, 1)) > 1 else kept
    return at_space + " " + ELLIPSIS if len(at_space) > width // 2 else kept + ELLIPSIS
