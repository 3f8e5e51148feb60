"""A platform's posts over simulated time, the same for the same seed: bursts, late arrivals, edits, deletions."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_TEXTS = (
    "The kettle leaks & the lid is loose",
    "Waited 40 minutes, nobody came 😡",
    "lovely staff, would go again",
    "is it > 30 quid now?",
    "Zażółć gęślą jaźń, naïve café — ok",
    "مرحبا kettle שלום",
)


@dataclass
class Item:
    """A post: `number` orders posts as they arrived, `texts` holds each version with the time from which it holds."""

    number: int
    posted_at: datetime
    arrives_at: datetime
    texts: list[tuple[datetime, str]] = field(default_factory=list)
    deleted_at: datetime | None = None


class Timeline:
    """Simulated time up to `now`, which begins three days ago; `advance` lets it pass.

    `latest` is how late a post may arrive. With `quiet`, nothing is edited or deleted.
    """

    def __init__(self, seed: int = 1, latest: timedelta = timedelta(hours=1), quiet: bool = True) -> None:
        self.random = random.Random(seed)
        self.latest, self.quiet = latest, quiet
        self.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
        self.items: list[Item] = []

    def advance(self, hours: float, n_posts: int, lateness: float = 0.1) -> None:
        """Let time pass and so many posts be made in it; a share of them arrives late, perhaps only later on."""
        since, self.now = self.now, self.now + timedelta(hours=hours)
        for at in sorted(since + (self.now - since) * self.random.random() for _ in range(n_posts)):
            late = self.latest * self.random.random() if self.random.random() < lateness else timedelta()
            self.add(at, at + late)
        if not self.quiet:
            for item in self.random.sample(self.items, min(len(self.items), 2)):
                if self.random.random() < 0.5 and not item.deleted_at:
                    item.texts.append((self.now, f"{item.texts[-1][1]}, edited"))
                elif item.arrives_at < self.now:
                    item.deleted_at = item.deleted_at or self.now

    def add(self, posted_at: datetime, arrives_at: datetime | None = None, text: str | None = None) -> Item:
        """Add a post."""
        number = len(self.items) + 1
        item = Item(number, posted_at.replace(microsecond=0), (arrives_at or posted_at).replace(microsecond=0))
        item.texts.append((min(item.posted_at, item.arrives_at), text or f"{self.random.choice(_TEXTS)} no {number}"))
        self.items.append(item)
        return item

    def shown(self) -> list[Item]:
        """What the platform shows now, newest first."""
        there = [i for i in self.items if i.arrives_at <= self.now and not (i.deleted_at and i.deleted_at <= self.now)]
        return sorted(there, key=lambda item: (item.posted_at, item.number), reverse=True)

    def text(self, item: Item) -> str:
        """The text of a post as of now."""
        return [text for since, text in item.texts if since <= self.now][-1]

    def version(self, item: Item) -> int:
        """How many times a post was edited by now."""
        return sum(since <= self.now for since, _ in item.texts) - 1
