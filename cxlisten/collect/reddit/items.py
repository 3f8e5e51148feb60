"""An item of a Reddit listing → a post, or what became of it."""

import html
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cxlisten.collect.text import clean, html_to_text, join_title
from cxlisten.collect.times import read_time
from cxlisten.models import Post, State, StateChange

SITE = "https://www.reddit.com"
ID = re.compile(r"t[13]_[a-z0-9]+")
_BY_AUTHOR = frozenset(("[deleted]", "[deleted by user]"))
# Not "reddit" and "automod_filtered": those are held back until a moderator has looked, and then perhaps let through.
_BY_CATEGORY: dict[str, State] = {
    "deleted": "deleted_by_author", "author": "deleted_by_author",
    **dict.fromkeys(
        ("moderator", "anti_evil_ops", "community_ops", "content_takedown", "copyright_takedown"), "removed_by_mod"
    ),
}  # fmt: skip


def fullname(item: Any) -> str | None:
    """The id of an item, which tells posts (t3_) from comments (t1_); null where it has none."""
    data = item.get("data") if isinstance(item, dict) else None
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) and ID.fullmatch(name) and name[:2] == item.get("kind") else None


def state_of(item: Mapping[str, Any]) -> State | None:
    """What became of an item that Reddit still shows a remnant of; null where it is alive."""
    data = item["data"]
    category = data.get("removed_by_category")
    if isinstance(category, str) and category:
        return _BY_CATEGORY.get(category, "unknown_gone")
    texts = (data.get(name) for name in ("title", "body", "selftext"))
    return state_of_texts(data.get("author"), *(text for text in texts if isinstance(text, str)))


def state_of_texts(author: str | None, *texts: str) -> State | None:
    """The same by what stands in place of title, text and author."""
    shown = [text.strip().lower() for text in texts]
    if any(text == "[removed]" or text.startswith("[ removed by ") for text in shown):
        return "removed_by_mod"
    # Whoever still has a name has typed it in.
    return "deleted_by_author" if author in (None, "[deleted]") and _BY_AUTHOR & {*shown} else None


def read_item(item: Any, fetched_at: datetime) -> Post | StateChange:
    """Give an item as a post, or say that it is gone; raises ValueError with the reason where it is neither."""
    native_id = fullname(item)
    if not native_id:
        raise ValueError("neither a post nor a comment with an id")
    if state := state_of(item):
        return StateChange("reddit", native_id, state, fetched_at)
    data, is_comment = item["data"], native_id.startswith("t1_")
    title, author, permalink = clean(_string(data, "title")), _string(data, "author"), _string(data, "permalink")
    parent, original = _string(data, "parent_id"), _string(data, "crosspost_parent")
    body = _text(data, "body") if is_comment else _text(data, "selftext") or _crossposted(data)
    if not (title or body):
        raise ValueError("neither a title nor a text")
    edited = data.get("edited")
    edited_at = read_time(edited) if edited and edited is not True else None  # the oldest edits have no time
    counts = {"likes": None if data.get("score_hidden") else data.get("score"), "replies": data.get("num_comments")}
    return Post(
        platform="reddit",
        native_id=native_id,
        text=join_title(title, body),
        posted_at=read_time(data.get("created_utc")),
        fetched_at=fetched_at,
        raw=item,
        kind="comment" if is_comment else "post",
        version=f"{edited_at.timestamp():.0f}" if edited_at else "",
        edited_at=edited_at,
        author=author.removeprefix("[deleted]") or None,
        title=title or None,
        url=f"{SITE}{permalink}" if permalink.startswith("/") else None,
        thread_id=(_string(data, "link_id") or None) if is_comment else native_id,
        parent_key=f"reddit:{parent}" if parent else None,
        relation="reply" if is_comment else "crosspost" if original else "original",
        ref_key=f"reddit:{original}" if original else None,
        metrics={name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)},
        sensitive=data.get("over_18") is True,
        terms="reddit-48h",
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    """A body as a reader sees it, as Reddit's Atom feeds have it too; the Markdown of one that shows only a picture."""
    shown = _string(data, f"{name}_html")
    return (html_to_text(shown, within="div.md") if shown else "") or clean(html.unescape(_string(data, name)))


def _crossposted(data: Mapping[str, Any]) -> str:
    """The text of the post that a crosspost shows, whose own is empty."""
    originals = data.get("crosspost_parent_list")
    original = originals[0] if isinstance(originals, list) and originals else None
    return _text(original, "selftext") if isinstance(original, dict) and not state_of({"data": original}) else ""


def _string(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is a {type(value).__name__} where a text was expected")
    return value or ""
