"""Spending: what each source has cost, a line for each batch, and what is left of its month."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any


class Spending:
    """The ledger of one state folder; a batch that cost nothing is not in it."""

    def __init__(self, state: Path) -> None:
        self._path = state / "spending.jsonl"

    def record(self, source: str, query: str, money: float, n_items: int) -> None:
        """Note what a batch cost, before it is landed: a crash in between may count twice, and never too little."""
        if not money:
            return
        row = {"at": datetime.now(UTC).isoformat(), "source": source, "query": query, "money": money, "n": n_items}
        # Opened anew, so that collectors beside each other append whole lines.
        with self._path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def this_month(self, source: str) -> float:
        """Say what a source has cost since the first of the month, UTC."""
        month = f"{datetime.now(UTC):%Y-%m}"
        return sum(
            float(row["money"]) for row in self._rows() if row["source"] == source and row["at"].startswith(month)
        )

    def by_day(self) -> list[tuple[date, str, int, float]]:
        """Give a row for each day and source: the day, the source, items and money."""
        days: dict[tuple[date, str], list[float]] = defaultdict(lambda: [0, 0.0])
        for row in self._rows():
            total = days[date.fromisoformat(row["at"][:10]), row["source"]]
            total[0] += row["n"]
            total[1] += row["money"]
        return [(day, source, int(n), money) for (day, source), (n, money) in sorted(days.items())]

    def _rows(self) -> Iterator[dict[str, Any]]:
        if not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:  # half a line, of a machine that went down
                continue
