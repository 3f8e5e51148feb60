"""Platforms of a few posts with small pages: what takes a source hundreds of posts to meet, it meets with ten."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.platforms import Platform, start
from tests.faults.timeline import Timeline

PAGE, MOST = 10, 60  # of a page, and of a listing that shows no more than its newest

_SOURCES = "cxlisten.collect.sources"
# How long a page is and how much is shown at all: in the source, and where it has a size of its own, the platform.
_IN_CODE: dict[str, dict[str, Any]] = {
    "appstore": {f"{_SOURCES}.appstore._PAGE": PAGE, f"{_SOURCES}.appstore._PAGES": MOST // PAGE},
    "bluesky": {
        "cxlisten.collect.bluesky.search._PAGE": PAGE, "cxlisten.collect.bluesky.search._SHIFT": 3,
        "cxlisten.collect.bluesky.search._MOST_SHOWN": MOST,
    },
    "discourse": {f"{_SOURCES}.discourse._PAGE": PAGE},
    "hackernews": {f"{_SOURCES}.hackernews._PAGE": 2 * PAGE},
    "lemmy": {f"{_SOURCES}.lemmy._PAGE": PAGE},
    "mastodon": {f"{_SOURCES}.mastodon._PAGE": PAGE},
    "reddit": {
        f"{_SOURCES}.reddit._PAGE": PAGE, "tests.faults.platforms.reddit._CAP": MOST,
        f"{_SOURCES}.reddit._NEAR_LIMIT": {"search": 20, "new": MOST - 5, "comments": MOST - 5},
    },
    "x": {f"{_SOURCES}.x._PAGE": PAGE},
    "youtube": {f"{_SOURCES}.youtube._PAGE": PAGE},
}  # fmt: skip
_IN_PLATFORM: dict[str, dict[str, Any]] = {
    "appstore": {"per_page": PAGE, "n_pages": MOST // PAGE},
    "bluesky": {"most_shown": MOST},
    "discourse": {"per_page": PAGE},
    "hackernews": {"cap": 2 * PAGE},
    "rss": {"n_shown": 2 * PAGE},
}
# How far back a run reads again; less than in the wild, or a walk of two days would be read again by each run.
OVERLAP = timedelta(hours=1)
LATEST = timedelta(minutes=50)
_OVERLAPS = {
    "appstore": "appstore.AppStore",
    "bluesky": "bluesky.BlueskySearch",
    "discourse": "discourse.Discourse",
    "lemmy": "lemmy.Lemmy",
    "mastodon": "mastodon.Mastodon",
    "reddit": "reddit.Reddit",
}


def start_set(kind: str, folder: Path, patch: pytest.MonkeyPatch) -> Platform:
    """Start a platform with its credentials set."""
    platform = start(kind, folder)
    for name, value in platform.secrets.items():
        patch.setenv(name, value)
    return platform


def start_small(kind: str, folder: Path, patch: pytest.MonkeyPatch, n_posts: int = 57) -> Platform:
    """Start a platform with small pages and a timeline of a few posts."""
    platform = start_set(kind, folder, patch)
    for name, value in _IN_CODE.get(kind, {}).items():
        patch.setattr(name, value)
    if kind in _OVERLAPS:
        patch.setattr(f"{_SOURCES}.{_OVERLAPS[kind]}.overlap", OVERLAP)
        platform.timeline.latest = LATEST
    for name, value in _IN_PLATFORM.get(kind, {}).items():
        setattr(platform, name, value)
    restart(platform.timeline)
    platform.timeline.advance(hours=24, n_posts=n_posts)
    return platform


def restart(timeline: Timeline, seed: int = 1, quiet: bool = True) -> None:
    """Begin a timeline anew, in place: its platform holds on to it."""
    timeline.__init__(seed, timeline.latest, quiet)  # type: ignore[misc]
