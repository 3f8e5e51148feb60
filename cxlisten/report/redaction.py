"""Redaction: a post that its platform took back leaves the reports that quote it; their figures stay as they were."""

import re
from collections.abc import Collection
from pathlib import Path

from cxlisten.landing.files import write_text

# No post can forge one: what it says is escaped.
_QUOTE = re.compile(r'<blockquote[^>]* data-post="(\d+)".*?</blockquote>', re.DOTALL)
_IN_ITS_PLACE = "<blockquote><p>This post was taken back since.</p></blockquote>"


def redact(reports: Path, posts: Collection[int]) -> list[Path]:
    """Take the quotes of some posts out of every page in the folder, and name the pages that had any."""
    changed = []
    for path in sorted(reports.rglob("*.html")):
        page = path.read_text(encoding="utf-8")
        redacted = _QUOTE.sub(lambda quote: _IN_ITS_PLACE if int(quote[1]) in posts else quote[0], page)
        if redacted != page:
            write_text(path, redacted)
            changed.append(path)
    return changed
