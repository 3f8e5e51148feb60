"""Other classifiers that read what a world has stored, as reclassify and load let them."""

from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa

from cxlisten.classify import TAGS
from cxlisten.landing.rows import post_id
from cxlisten.load.readings import load_readings, unread_days, unread_posts, use_classifier
from cxlisten.store import open_working
from tests.unit.conftest import NOON, World

Rings = list[tuple[str, str]]


class Readers:
    """What other classifiers do to a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.n_files = 0

    def read(self, classifier: str, tags: Mapping[str, Rings], noise: Mapping[str, list[str]] | None = None) -> int:
        """Let version 1 of a classifier read every post that it has not; give how many days there were."""
        by_id = {post_id("x", native_id): rings for native_id, rings in tags.items()}
        noise_by_id = {post_id("x", native_id): kinds for native_id, kinds in (noise or {}).items()}
        with open_working(self.world.state) as con:
            days = unread_days(con, classifier, "1", NOON.date() - timedelta(99), NOON.date() + timedelta(99))
            for day in days:
                table = self.answers(classifier, unread_posts(con, classifier, "1", day), by_id, noise_by_id)
                self.n_files += 1
                assert load_readings(con, f"file {self.n_files}", table) == table.num_rows
                assert load_readings(con, f"file {self.n_files}", table) == 0, "once is enough"
        return len(days)

    def use(self, classifier: str) -> int:
        """Let version 1 of a classifier count; give how many days that changed."""
        with open_working(self.world.state) as con:
            return use_classifier(con, classifier, "1")

    @staticmethod
    def answers(
        classifier: str, posts: pa.Table, tags: Mapping[int, Rings], noise: Mapping[int, list[str]]
    ) -> pa.Table:
        """What a classifier says of some posts, as a file of reclassify holds it."""
        rows = [
            {
                "id": str(post), "lang": "en", "sentiment": "negative", "sentiment_score": 0.5,
                "rings": [
                    {"ring": ring, "sentiment": sentiment, "score": 0.5, "evidence_start": 0, "evidence_end": 1,
                     "facets": ["x"]} for ring, sentiment in tags.get(post, [])
                ],
                "noise": noise.get(post, []), "classifier": classifier, "version": "1",
            }
            for post in posts["post_id"].to_pylist()
        ]  # fmt: skip
        table = pa.Table.from_pylist(rows, TAGS)
        for name in ("posted_at", "text_version"):
            table = table.append_column(name, posts[name])
        return table
