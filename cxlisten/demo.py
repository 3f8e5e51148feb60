"""The demo's project: authored posts of four invented brands, dated so that the last day is yesterday."""

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from cxlisten.config import CONFIG_NAME, slug
from cxlisten.content import content_dir
from cxlisten.errors import InputError

LAST_DAY = 83  # the posts tell twelve weeks, from day 0 on
MARKER = ".demo"  # only a folder that holds it is ever emptied
_AIRFLOW = "airflow"  # its metadata outlives a demo: making it takes longer than the demo

_Post = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Export:
    """A file as a platform or a tool exports it: its own headers, its own way to write a time."""

    file: str
    headers: dict[str, str]  # ours → theirs
    write_time: Callable[[datetime], str | int]


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


_EXPORTS = {
    "x": _Export(
        "x.jsonl",
        {
            "id": "id_str", "at": "created_at", "author": "screen_name", "text": "full_text",
            "thread": "conversation_id", "likes": "favorite_count", "replies": "reply_count",
            "reposts": "retweet_count", "url": "permalink",
        },
        _iso,
    ),
    "bluesky": _Export(
        "bluesky.jsonl",
        {
            "id": "uri", "at": "createdAt", "author": "handle", "text": "text", "likes": "likeCount",
            "replies": "replyCount", "reposts": "repostCount", "url": "url",
        },
        _iso,
    ),
    "reddit": _Export(
        "reddit.csv",
        {
            "id": "id", "at": "created_utc", "author": "author", "text": "body", "thread": "link_id",
            "likes": "score", "replies": "num_comments", "url": "permalink",
        },
        lambda at: int(at.timestamp()),
    ),
    "reviews": _Export(
        "reviews.csv",
        {
            "id": "review_id", "at": "review_date", "author": "reviewer", "text": "review_text",
            "likes": "helpful_count", "url": "review_url",
        },
        lambda at: f"{at:%Y-%m-%d %H:%M:%S%z}",
    ),
    "appstore": _Export(
        "appstore.tsv",
        {"id": "review_id", "at": "date", "author": "user_name", "text": "review", "url": "link"},
        lambda at: f"{at:%d %b %Y %H:%M} GMT",
    ),
}  # fmt: skip
_STARTER = _Export(
    "posts.csv",
    {
        "id": "id", "platform": "platform", "at": "posted_at", "author": "author", "text": "text",
        "likes": "likes", "url": "url",
    },
    _iso,
)  # fmt: skip
_N_STARTER = 40


def make_demo(state: Path, today: date) -> Path:
    """Write the demo's config and posts into `state` and give the config; a demo of another day starts afresh.

    Raises InputError when the folder holds anything but a demo.
    """
    content, marker = content_dir("demo"), state / MARKER
    edition = f"{today} {_digest(content)}"
    if marker.exists():
        if marker.read_text(encoding="utf-8") == edition:
            return state / CONFIG_NAME
        _refuse_other_posts(state)
        _empty(state)
    elif state.exists() and any(state.iterdir()):
        raise InputError(f"{state} holds other things than a demo: name an empty or new folder with --state")
    (state / "posts").mkdir(parents=True, exist_ok=True)
    marker.touch()
    posts = dated_posts(today)
    for platform, export in _EXPORTS.items():
        _write(state / "posts", export, [post for post in posts if post["platform"] == platform])
    shutil.copyfile(content / CONFIG_NAME, state / CONFIG_NAME)
    marker.write_text(edition, encoding="utf-8")
    return state / CONFIG_NAME


def dated_posts(today: date) -> list[_Post]:
    """All demo posts in the order of time; the last day of their story is the day before `today`."""
    first = today - timedelta(days=LAST_DAY + 1)
    posts = []
    for file in sorted((content_dir("demo") / "posts").glob("*.jsonl")):
        for post in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            at = datetime.combine(first + timedelta(days=post["day"]), time.fromisoformat(post["time"]), UTC)
            url = f"https://{post['platform']}.example/p/{post['id']}"
            posts.append({**post, "at": at, "url": url, "thread": post["thread"] or post["id"]})
    return sorted(posts, key=lambda post: (post["at"], post["id"]))


def make_starter(folder: Path, today: date) -> list[Path]:
    """Write a commented config and a few recent posts for it into `folder` and give their paths.

    Raises InputError when one of them is there already.
    """
    config, file = folder / CONFIG_NAME, folder / "posts.csv"
    if there := [str(path) for path in (config, file) if path.exists()]:
        raise InputError(f"already there: {' and '.join(there)}; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(content_dir("demo") / "starter.toml", config)
    _write(folder, _STARTER, [post for post in dated_posts(today) if post["id"].startswith("pw-")][-_N_STARTER:])
    return [config, file]


def make_listening(folder: Path, brand: str, tables: Mapping[str, str]) -> Path:
    """Write a commented config into `folder` that listens for a brand, and give its path.

    `tables` are the keys of each `[[source]]`, by its kind. Raises InputError when there is a config already.
    """
    config = folder / CONFIG_NAME
    if config.exists():
        raise InputError(f"already there: {config}; nothing was written")
    words = re.findall(r"\w+", brand)
    if not words or '"' in brand or "'" in brand:
        raise InputError(f"{brand!r} is no name to listen for: write letters and digits")
    more = {"tag": "".join(words).casefold(), "words": "+".join(map(quote, words))}
    sources = "\n\n".join(
        f'[[source]]\nname = "{kind}"\n{Template(table).substitute(more)}'.rstrip() for kind, table in tables.items()
    )
    phrase = f'"{" ".join(words)}"'
    terms = f"{phrase} OR #{more['tag']}" if len(words) > 1 else phrase
    text = Template((content_dir("demo") / "listening.toml").read_text(encoding="utf-8")).substitute(
        name=slug(brand),
        brand=brand,
        terms=terms,
        sources=sources,
    )
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(text, encoding="utf-8")
    return config


def _write(folder: Path, export: _Export, posts: Iterable[_Post]) -> None:
    path = folder / export.file
    rows = [
        {
            theirs: export.write_time(post["at"]) if ours == "at" else post[ours]
            for ours, theirs in export.headers.items()
        }
        for post in posts
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            dialect = "excel-tab" if path.suffix == ".tsv" else "excel"
            writer = csv.DictWriter(file, export.headers.values(), dialect=dialect)
            writer.writeheader()
            writer.writerows(rows)


def _refuse_other_posts(state: Path) -> None:
    """Somebody may have run a project of their own on the demo's state."""
    landed = {path.name for path in (state / "landing" / "raw").glob("*")}
    if others := landed - set(_EXPORTS):
        raise InputError(
            f"{state} holds posts that are not the demo's (from {', '.join(sorted(others))}), and the demo of another "
            "day would remove them: name another folder with --state"
        )


def _empty(state: Path) -> None:
    """Remove an older demo; its marker goes last, so that an interrupted removal can be done again."""
    for path in state.iterdir():
        if path.is_dir() and path.name != _AIRFLOW:
            shutil.rmtree(path)
        elif path.is_file() and path.name != MARKER:
            path.unlink()


def _digest(content: Path) -> str:
    """Tells one edition of the demo's content from another."""
    files = sorted(path for path in content.rglob("*") if path.is_file())
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]
