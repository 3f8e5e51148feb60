"""An invented snapshot for tests: say what customers said, and write it as publish would."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from cxlisten.content import content_dir
from cxlisten.taxonomy import RINGS, Noise, Sentiment

Row = dict[str, Any]


class InventedSnapshot:
    """Counts in Python what the store counts in SQL, so that a report can be held against it."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {
            name: [] for name in ("posts", "mentions", "ring_tags", "queries", "targets", "gaps", "rejects", "batches")
        }
        self.ledger: Counter[tuple[str, str, date, str]] = Counter()

    def query(self, brand: str, role: str = "own", name: str = "") -> "InventedSnapshot":
        self.tables["queries"].append({"query": name or brand.lower(), "brand": brand, "role": role, "terms": brand})
        return self

    def target(self, ring: str, target: float, owner: str | None = None) -> "InventedSnapshot":
        self.tables["targets"].append({"ring": ring, "target": target, "owner": owner})
        return self

    def say(
        self,
        brand: str,
        day: date,
        text: str = "it is what it is",
        *rings: tuple[str, str, str],
        n: int = 1,
        evidence: str | None = None,
        source: str = "reviews",
        platform: str = "agora",
        likes: int = 0,
        url: str | None = "https://agora.example/p/1",
        noise: tuple[Noise, ...] = (),
        lang: str | None = "en",
        duplicate_of: int | None = None,
        also_matched: tuple[str, ...] = (),
    ) -> int:
        """Add `n` posts of a day, each with the rings given as (name, sentiment, facets with spaces between).

        Gives the id of the last one; `also_matched` names further queries of the brand that find them too.
        """
        start = text.index(evidence) if evidence else 0
        end = start + len(evidence) if evidence else len(text)
        for _ in range(n):
            post_id = len(self.tables["posts"]) + 1
            at = datetime.combine(day, time(12)) + timedelta(seconds=post_id % 3600)
            identity = {"post_id": post_id, "posted_at": at, "batch_id": "b1"}
            self.tables["posts"].append(
                identity
                | {"platform": platform, "native_id": str(post_id), "source": source, "kind": "post", "version": "1"}
                | {"observed_at": at, "fetched_at": at, "text": text, "lang": lang, "url": url, "rev": 1}
                | {"relation": "original", "metrics": {"likes": likes}, "sensitive": False, "terms": "keep"}
                | {"noise": [str(one) for one in noise], "classifier": "cues", "classifier_version": "3"}
            )
            self.tables["mentions"] += [
                identity
                | {"query": query, "brand": brand, "source": source, "platform": platform}
                | {"text_key": post_id, "duplicate_of": duplicate_of}
                for query in (brand.lower(), *also_matched)
            ]
            self.tables["ring_tags"] += [
                identity
                | {"ring": ring, "sentiment": sentiment, "score": 0.9, "facets": facets.split()}
                | {"evidence_start": start, "evidence_end": end, "classifier": "cues", "version": "3"}
                for ring, sentiment, facets in rings
            ]
            self.fetch(brand, day, source, n_fetched=1, n_mapped=1, n_new=1)
        return len(self.tables["posts"])

    def fetch(self, brand: str, day: date, source: str = "reviews", **counts: int) -> None:
        """Enter counts of the coverage ledger."""
        for name, count in counts.items():
            self.ledger[source, brand.lower(), day, name] += count

    def gap(self, brand: str, source: str, reason: str, since: datetime | None, until: datetime | None) -> None:
        self.tables["gaps"].append(
            {"source": source, "query": brand.lower(), "reason": reason, "since": since, "until": until}
            | {"batch_id": "b1", "noted_at": datetime(2026, 1, 1)}
        )

    def reject(self, brand: str, day: date, reason: str, source: str = "reviews") -> None:
        self.tables["rejects"].append(
            {"source": source, "query": brand.lower(), "stage": "collect", "reason": reason, "place": "line 7"}
            | {"payload": "", "batch_id": "b1", "rejected_at": datetime.combine(day, time())}
        )
        self.fetch(brand, day, source, n_fetched=1, n_rejected=1)

    def write(self, state: Path) -> Path:
        """Write the snapshot into the folder `state`: the schema, the rows, the rollups and the trend views."""
        sql = content_dir("sql")
        state.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(state / "cxlisten.duckdb") as con:
            con.begin()
            for file in sorted((sql / "schema").glob("*.sql")):
                con.execute(file.read_text(encoding="utf-8"))
            con.execute("create schema trends")
            for file in sorted((sql / "trends").glob("*.sql")):
                con.execute(f"create view trends.{file.stem} as {file.read_text(encoding='utf-8')}")
            rings = [
                {"ring": ring.name, "position": position, "question": ring.question, "lens": ring.lens}
                for position, ring in enumerate(RINGS)
            ]
            tables = self.tables | self._rollups() | {"rings": rings}
            for table, rows in tables.items():
                for row in rows:
                    names = ", ".join(row)
                    marks = ", ".join("?" * len(row))
                    con.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))
            con.commit()
        return state

    def _rollups(self) -> dict[str, list[Row]]:
        rings: dict[tuple[Any, ...], Counter[str]] = {}
        days: dict[tuple[Any, ...], Counter[str]] = {}
        posts = {post["post_id"]: post for post in self.tables["posts"]}
        tags_of: dict[int, list[Row]] = {post_id: [] for post_id in posts}
        for tag in self.tables["ring_tags"]:
            tags_of[tag["post_id"]].append(tag)
        once_a_brand = set()
        for mention in self.tables["mentions"]:
            post, tags = posts[mention["post_id"]], tags_of[mention["post_id"]]
            day = post["posted_at"].date()
            place = (mention["brand"], mention["source"], mention["platform"])
            count = days.setdefault((day, mention["query"], *place), Counter())
            count["n"] += 1
            if mention["duplicate_of"] or post["noise"]:
                count["n_duplicate" if mention["duplicate_of"] else "n_noise"] += 1
                continue
            count["n_tagged" if tags else "n_untagged"] += 1
            count["n_unknown_language"] += post["lang"] is None
            if (post["post_id"], mention["brand"]) in once_a_brand:
                continue
            once_a_brand.add((post["post_id"], mention["brand"]))
            for tag in tags:
                ring = rings.setdefault((day, *place, tag["ring"]), Counter())
                ring["n"] += 1
                ring[f"n_{tag['sentiment']}"] += 1
        ledger: dict[tuple[Any, ...], Counter[str]] = {}
        for (source, query, day, name), count in self.ledger.items():
            ledger.setdefault((source, query, day, "b1"), Counter())[name] = count
        sentiments = [f"n_{sentiment}" for sentiment in Sentiment]
        ways = ["n_duplicate", "n_noise", "n_tagged", "n_untagged", "n_unknown_language"]
        steps = ["n_asked", "n_fetched", "n_mapped", "n_rejected", "n_unmatched", "n_known", "n_new", "n_deleted"]
        return {
            "daily_rings": _flat(rings, ["day", "brand", "source", "platform", "ring"], ["n", *sentiments]),
            "daily_mentions": _flat(days, ["day", "query", "brand", "source", "platform"], ["n", *ways, *sentiments]),
            "coverage_ledger": _flat(ledger, ["source", "query", "day", "batch_id"], steps),
        }


def _flat(groups: dict[tuple[Any, ...], Counter[str]], keys: list[str], counts: list[str]) -> list[Row]:
    return [dict(zip(keys, key, strict=True)) | {name: count[name] for name in counts} for key, count in groups.items()]
