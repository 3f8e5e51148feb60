"""Tagging: landed and stored posts go to a classifier file by file and day by day, its answers into files."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxlisten.classify import TEXTS, load_recipe
from cxlisten.classify.target import Targets
from cxlisten.landing import Landing
from cxlisten.landing.files import write_parquet
from cxlisten.load.readings import unread_days, unread_posts
from cxlisten.models import Query
from cxlisten.store import open_working

log = logging.getLogger("cxlisten")


def tag_landed(state: Path, queries: Sequence[Query], recipe: str, executor: str) -> tuple[int, int]:
    """Tag every raw file that is not tagged yet; gives how many files and posts that were."""
    from cxlisten.classify import executors

    landing, targets, n_posts = Landing(state), Targets(queries), 0
    files = landing.pending_classify()
    tagged = executors.run(recipe, (_landed(path) for path in files), executor=executor) if files else ()
    for done, (path, tags) in enumerate(zip(files, tagged, strict=True), 1):
        write_parquet(pa.Table.from_batches([targets.fill(tags, _landed(path))]), landing.counterpart(path))
        n_posts += tags.num_rows
        if tags.num_rows:
            log.info("classify %d posts read, file %d of %d", n_posts, done, len(files))
    return len(files), n_posts


def tag_stored(
    state: Path, queries: Sequence[Query], recipe: str, span: tuple[date, date], executor: str
) -> tuple[int, int]:
    """Tag the stored posts of some days that a recipe has not read; gives how many days and posts that were."""
    from cxlisten.classify import executors

    landing, targets, version, n_posts = Landing(state), Targets(queries), load_recipe(recipe).version, 0
    with open_working(state) as con:
        days = unread_days(con, recipe, version, *span)
    ahead: deque[tuple[Path, pa.Table]] = deque()

    def texts() -> Iterator[pa.RecordBatch]:
        for day in days:
            with open_working(state) as con:  # and closed while the model works
                posts = unread_posts(con, recipe, version, day)
            path = landing.reclassified_file(f"{recipe}@{version}", day, posts)
            if posts.num_rows and not path.exists():
                ahead.append((path, posts))
                yield _texts(posts)

    for tags in executors.run(recipe, texts(), executor=executor) if days else ():
        path, posts = ahead.popleft()
        table = pa.Table.from_batches([targets.fill(tags, _texts(posts))])
        for name in ("posted_at", "text_version"):
            table = table.append_column(name, posts[name])
        write_parquet(table, path)
        n_posts += tags.num_rows
        log.info("reclassify %d posts read, %s", n_posts, path.stem[:10])
    return len(days), n_posts


def _landed(raw: Path) -> pa.RecordBatch:
    """What there is to classify in one raw file."""
    table = pq.read_table(raw, columns=["outcome", "post_id", "text", "lang"])
    return _texts(table.filter(pc.equal(table["outcome"], "mapped")))


def _texts(posts: pa.Table) -> pa.RecordBatch:
    columns = [posts["post_id"].cast(pa.string()), posts["text"], posts["lang"]]
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in columns], schema=TEXTS)
