"""Retention: how often a stored post is asked for again and how long it may be kept, by its platform's terms."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """What `Post.terms` stands for.

    `recheck` is how often the platform is asked whether the post is still there, null never. A post that was neither
    fetched nor found for the time `keep` is removed. `keeps_versions` says that the text before an edit may be kept.
    """

    recheck: timedelta | None
    keep: timedelta | None = None
    keeps_versions: bool = True


# docs of the platforms: X developer policy (delete within 24 h), Reddit Data API (48 h), YouTube developer policies
# (refresh or delete within 30 days). YouTube is asked a week early, so that a week of outages removes nothing.
RETENTION = {
    "x-2026": Retention(timedelta(hours=24), keeps_versions=False),
    "reddit-48h": Retention(timedelta(hours=48)),
    "youtube-30d": Retention(timedelta(days=23), keep=timedelta(days=30), keeps_versions=False),
    "keep": Retention(None),
    "feed": Retention(None),
    "appstore": Retention(None),  # shows its newest 500 reviews, and none by name
    "file": Retention(None),
}
OTHER = Retention(timedelta(days=7))
"""What every other platform gets: mastodon, hackernews, and those of other packages."""
