"""Files that platforms or archivists of them give out: a record is the very post that a live fetch of it would be."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cxlisten.collect.reddit.items import SITE, read_item
from cxlisten.collect.tabular.layout import Layout
from cxlisten.collect.text import text_of
from cxlisten.collect.x.posts import read_post
from cxlisten.models import Post, StateChange

Read = Callable[[Mapping[str, Any], datetime], Post | StateChange]

_OF_REDDIT = frozenset(("id", "permalink", "date", "subreddit", "body"))
_OF_POSTS, _OF_COMMENTS = _OF_REDDIT | {"title", "url"}, _OF_REDDIT | {"link", "parent"}
_OF_DUMPS = frozenset(("id", "created_utc", "subreddit"))


class Export(NamedTuple):
    """`read` gives a record as a post, or says that it is gone; it raises ValueError where it is neither.

    `notes` are for the person who runs it. What `left_out` names is no part of a post and nobody's business.
    """

    name: str
    read: Read
    notes: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


def find_export(layout: Layout, rows: Sequence[Mapping[str, Any]]) -> Export | None:
    """Say whose export a file is, if it is one; `rows` are its first records."""
    if layout.is_archive:
        return _x_archive(layout.path)
    names = frozenset(layout.header)
    if names >= _OF_POSTS or names >= _OF_COMMENTS:
        return Export("the data export of a Reddit account", _read_exported, left_out=frozenset(("ip",)))
    n_dumped = sum(row.keys() >= _OF_DUMPS and bool({"title", "body"} & row.keys()) for row in rows)
    if not names and n_dumped > len(rows) / 2:
        return Export("a dump of Reddit", _read_dumped)
    return None


def _read_dumped(row: Mapping[str, Any], fetched_at: datetime) -> Post | StateChange:
    """A line of Pushshift's or Arctic Shift's: an item as Reddit's API has it for who does not ask for plain text."""
    kind = "t3" if "title" in row else "t1"
    data = {**row, "name": text_of(row, "name") or f"{kind}_{text_of(row, 'id')}"}
    if title := text_of(row, "title"):
        data["title"] = title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return read_item({"kind": kind, "data": data}, fetched_at)


def _read_exported(row: Mapping[str, Any], fetched_at: datetime) -> Post | StateChange:
    """A row of posts.csv or comments.csv; the ids in it say nowhere of what kind they are."""
    address, body, own_id = (text_of(row, name) for name in ("permalink", "body", "id"))
    data = {
        **{name: value for name, value in row.items() if value and name not in ("id", "ip")},
        "permalink": address.removeprefix(SITE), "created_utc": row.get("date"),
    }  # fmt: skip
    if "title" in row:
        return read_item({"kind": "t3", "data": {**data, "name": f"t3_{own_id}", "selftext": body}}, fetched_at)
    thread, parent = address.partition("/comments/")[2].partition("/")[0], text_of(row, "parent").rpartition("_")[2]
    data |= {"name": f"t1_{own_id}", "link_id": f"t3_{thread}"}
    data["parent_id"] = f"t1_{parent}" if parent and parent != thread else f"t3_{thread}"
    return read_item({"kind": "t1", "data": data}, fetched_at)


def _x_archive(path: Path) -> Export:
    """An archive is its owner's; who that is stands in a file beside that of the posts."""
    try:
        text = path.with_name("account.js").read_text("utf-8")
        owner = text_of(json.loads(text[text.index("[") :])[0]["account"], "username")
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        owner = ""
    note = f"{path.with_name('account.js')} does not say whose archive this is: its posts have no author"

    def read(row: Mapping[str, Any], fetched_at: datetime) -> Post:
        tweet = row.get("tweet", row)
        if not isinstance(tweet, Mapping):
            raise ValueError("the item holds no tweet")
        post = read_post(_as_live(tweet, owner), fetched_at)
        is_repost = text_of(tweet, "full_text").startswith("RT @")
        return replace(post, raw=row, relation="repost" if is_repost else post.relation)

    return Export("an X archive", read, () if owner else (note,))


def _as_live(tweet: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """A post of an archive in the words of X's API."""
    this_id, reply_to = text_of(tweet, "id_str") or text_of(tweet, "id"), text_of(tweet, "in_reply_to_status_id_str")
    counts = {"like_count": tweet.get("favorite_count"), "retweet_count": tweet.get("retweet_count")}
    return {
        "id": this_id,
        "text": text_of(tweet, "full_text") or text_of(tweet, "text"),
        "created_at": tweet.get("created_at"),
        "lang": tweet.get("lang"),
        "possibly_sensitive": tweet.get("possibly_sensitive"),
        "edit_history_tweet_ids": _edits(tweet.get("edit_info"), this_id),
        "referenced_tweets": [{"type": "replied_to", "id": reply_to}] if reply_to else [],
        "public_metrics": {name: int(str(n)) for name, n in counts.items() if str(n).isdecimal()},
        "withheld": {"country_codes": tweet.get("withheld_in_countries") or []},
        "includes": {"users": [{"id": owner, "username": owner}] if owner else []},
    }


def _edits(info: Any, this_id: str) -> list[str]:
    """The ids of a post's edits, which an archive names at the first of them in one way, at the others in another."""
    try:
        edit = info.get("edit")
        chain = list(map(str, (edit["editControlInitial"] if edit else info["initial"])["editTweetIds"]))
    except (AttributeError, LookupError, TypeError):
        chain = []
    return chain if this_id in chain else [*chain, this_id]
