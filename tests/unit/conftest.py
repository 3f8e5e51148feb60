"""A small world: posts landed with the tags that the test gives them, loaded by the real loader."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxlisten.classify import TAGS
from cxlisten.config import Settings
from cxlisten.landing import Landing, read_header
from cxlisten.landing.files import write_parquet
from cxlisten.landing.rows import RAW, post_id
from cxlisten.load import load_batch, loaded_batches, seed
from cxlisten.models import Batch, Gap, Post, Query, Reject, StateChange
from cxlisten.publish import publish
from cxlisten.store import open_working

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def make_post(native_id: str, text: str, day: float = 0, **more: Any) -> Post:
    """A post of platform x, `day` days after noon of 4 March 2026."""
    at = NOON + timedelta(days=day)
    return Post(
        **{
            "platform": "x", "native_id": native_id, "text": text, "posted_at": at, "fetched_at": NOON,
            "raw": {"id": native_id}, "author": f"author of {native_id}", **more,
        }
    )  # fmt: skip


class World:
    """A state folder and what a test does to it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.landing = Landing(state)

    def land(
        self,
        posts: Iterable[Post],
        tags: Mapping[str, list[tuple[str, str]]] | None = None,
        *,
        noise: Mapping[str, list[str]] | None = None,
        unknown_language: Iterable[str] = (),
        source: str = "s",
        query: str = "q",
        brand: str = "Acme",
        handles: tuple[str, ...] = (),
        rejected: list[Reject] | None = None,
        deletes: list[StateChange] | None = None,
        gaps: list[Gap] | None = None,
        unmatched: Mapping[str, int] | None = None,
        exact_times: bool = True,
    ) -> Path:
        """Land one batch and its tags ({native_id: [(ring, sentiment)]}), as collect and classify would."""
        batch = Batch({"v": 1}, list(posts), rejected or [], deletes or [], gaps or [])
        path = self.landing.write(
            source, Query(query, brand, "", handles=handles), "f", batch, Counter(unmatched or {}), exact_times, b"key"
        )  # fmt: skip
        rows = []
        for row in pq.read_table(path, schema=RAW).to_pylist():
            if row["outcome"] != "mapped":
                continue
            own = (tags or {}).get(row["native_id"], [])
            known = row["native_id"] not in unknown_language
            rows.append(
                {
                    "id": str(row["post_id"]), "lang": "en" if known else "es",
                    "sentiment": (own[0][1] if own else "neutral") if known else None, "sentiment_score": 0.9,
                    "rings": [
                        {"ring": ring, "sentiment": sentiment, "score": 0.8, "evidence_start": 0,
                         "evidence_end": len(row["text"]), "facets": []} for ring, sentiment in own
                    ],
                    "noise": (noise or {}).get(row["native_id"], []), "classifier": "stub", "version": "1",
                }
            )  # fmt: skip
        write_parquet(pa.Table.from_pylist(rows, TAGS), self.landing.counterpart(path))
        return path

    def load(self, *paths: Path) -> None:
        """Load what is landed and not loaded, or just these files."""
        with open_working(self.state) as con:
            seed(
                con, Settings((Query("q", "Acme", "acme"), Query("rival", "Rival", "rival", "competitor")), (), (), {})
            )
            done = loaded_batches(con)
            for path in paths or self.landing.classified_files():
                if paths or self.landing.batch_id(path) not in done:
                    raw, tags = pq.read_table(path, schema=RAW), pq.read_table(self.landing.counterpart(path))
                    load_batch(con, self.landing.batch_id(path), read_header(path), raw, tags)

    def publish(self) -> None:
        """Publish what is loaded."""
        with open_working(self.state) as con:
            publish(con, self.state)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the working file."""
        with open_working(self.state) as con:
            return con.execute(statement).fetchall()

    def ids(self, *native_ids: str) -> list[int]:
        """The post_id of posts of platform x."""
        return [post_id("x", native_id) for native_id in native_ids]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return World(tmp_path / "state")
