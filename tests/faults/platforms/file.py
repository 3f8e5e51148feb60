"""A file of posts that another program appends to."""

import csv
from pathlib import Path
from typing import Any, ClassVar

from cxlisten.collect.sources.file import BATCH_ROWS
from tests.faults.platforms import Identity


class PostsFile:
    """A CSV of a bit more than one batch, with quoted line breaks."""

    n_bad = 2
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.path = folder / "posts.csv"
        self._n = 0
        self._ids: set[Identity] = set()
        self.path.write_text("id,text,created_at,author\n")
        self._append(BATCH_ROWS + 50)

    def _append(self, n: int) -> None:
        with self.path.open("a", newline="") as file:
            rows = csv.writer(file)
            for _ in range(n):
                self._n += 1
                text = f'post {self._n}, "quoted"\nand on a second line'
                rows.writerow([self._n, text, "2024-05-06T07:08:09Z", "someone"])
                self._ids.add(("posts", str(self._n)))
            rows.writerow(["1.9E+18", "a damaged id", "2024-05-06T07:08:09Z", "someone"])
            rows.writerow([f"x{self._n}", "", "2024-05-06T07:08:09Z", "someone"])

    def options(self) -> dict[str, Any]:
        return {"path": str(self.path)}

    def posts(self) -> set[Identity]:
        return set(self._ids)

    def advance(self) -> None:
        self._append(20)

    def close(self) -> None:
        pass


PLATFORM = PostsFile
