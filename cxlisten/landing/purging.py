"""Purging: landing files are written anew without the posts that their platforms took back."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxlisten.landing import Landing
from cxlisten.landing.files import write_parquet
from cxlisten.landing.rows import RAW

_DRAFT = "purged"  # a collector sweeps what ends with tmp from its folder
_QUOTED = re.compile(r'"([^"\\]+)"')


def purge_files(landing: Landing, gone: Mapping[int, str | None], loaded: Collection[str]) -> int:
    """Take some posts out of every loaded file, and out of what other recipes read; give how many files had any.

    `gone` has the platform's own id where it is known, for items that could not be mapped; `loaded` names the batches
    that are in the store. A file keeps its name and its header, so that cursors and markers hold. One that waits to be
    loaded is left alone, for its posts and its tags belong together row by row: it is purged once it is loaded.
    """
    posts, natives = pa.array(gone, pa.int64()), {native for native in gone.values() if native}
    ids = posts.cast(pa.string())
    n_files = 0
    for raw in landing.classified_files():
        if landing.batch_id(raw) in loaded:
            # The raw file first: tags that lost their post are passed over when a store is built anew from the files.
            purged = [_purge_raw(raw, posts, natives), _purge_tags(landing.counterpart(raw), ids)]
            n_files += any(purged)
    for tags in landing.reclassified_files():
        n_files += _purge_tags(tags, ids)
        if not pq.read_metadata(tags).num_rows:
            tags.unlink()
    return n_files


def _purge_raw(path: Path, posts: pa.Array, natives: set[str]) -> bool:
    """Take out the posts, and what could not be mapped but has or names one of the ids; say whether there was any.

    A notice that a post is gone stays, for a store built anew, without the platform's id.
    """
    keys = _columns(path, "outcome", "post_id")
    is_gone, is_notice = pc.is_in(keys["post_id"], posts), pc.equal(keys["outcome"], "gone")
    rejects = pc.indices_nonzero(pc.equal(keys["outcome"], "rejected")) if natives else pa.array([], pa.uint64())
    if not len(rejects) and not pc.any(is_gone).as_py():
        return False
    table = pq.read_table(path)
    named = [n for n, row in zip(rejects.to_pylist(), _rows(table, rejects), strict=True) if _names(row, natives)]
    is_named = pc.is_in(pa.array(range(table.num_rows), pa.int64()), pa.array(named, pa.int64()))
    leaves = pc.or_(pc.and_(is_gone, pc.invert(is_notice)), is_named)
    has_id = pc.and_(pc.and_(is_gone, is_notice), pc.is_valid(table["native_id"]))
    if not pc.any(pc.or_(leaves, has_id)).as_py():
        return False
    nameless = pc.if_else(has_id, pa.scalar(None, pa.string()), table["native_id"])
    place = table.schema.get_field_index("native_id")
    write_parquet(table.set_column(place, RAW.field("native_id"), nameless).filter(pc.invert(leaves)), path, _DRAFT)
    return True


def _purge_tags(path: Path, ids: pa.Array) -> bool:
    """Take the tags of some posts out; say whether there were any."""
    if not pc.any(pc.is_in(_columns(path, "id")["id"], ids)).as_py():
        return False
    table = pq.read_table(path)
    write_parquet(table.filter(pc.invert(pc.is_in(table["id"], ids))), path, _DRAFT)
    return True


def _columns(path: Path, *names: str) -> pa.Table:
    with pq.ParquetFile(path) as file:  # in half the time of read_table, and every file there is is looked into
        return file.read(columns=list(names), use_threads=False)


def _rows(table: pa.Table, numbers: pa.Array) -> list[tuple[str | None, str]]:
    """The id and the payload of some rows."""
    rows = table.select(["native_id", "raw"]).take(numbers)
    return list(zip(rows["native_id"].to_pylist(), rows["raw"].to_pylist(), strict=True))


def _names(reject: tuple[str | None, str], natives: set[str]) -> bool:
    native_id, payload = reject
    return native_id in natives or not natives.isdisjoint(_QUOTED.findall(payload))
