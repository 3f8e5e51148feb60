"""The files between the stages: a batch is safe and the cursor moved in one moment."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxlisten.landing import Landing, read_header
from cxlisten.landing.files import write_durably
from cxlisten.landing.rows import RAW, post_id
from cxlisten.models import Batch, Query
from tests.unit.conftest import NOON, World, make_post

QUERY = Query("q", "Acme", "")


def land(landing: Landing, batch: Batch, fingerprint: str = "f", key: bytes = b"key") -> Path:
    return landing.write("s", QUERY, fingerprint, batch, Counter(), True, key)


def test_the_cursor_is_that_of_the_newest_file(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    assert landing.cursor("s", "q", "f") is None
    for n in range(5):
        land(landing, Batch({"n": n}))
    assert landing.cursor("s", "q", "f") == {"n": 4}
    assert landing.cursor("s", "q", "another question") is None
    assert landing.cursor("s", "other", "f") is None


def test_a_clock_set_back_does_not_hide_the_newest(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    path = land(landing, Batch({"n": 1}))
    path.rename(path.with_name("29990101T000000.000000Z-00000000.parquet"))
    land(landing, Batch({"n": 2}))
    assert landing.cursor("s", "q", "f") == {"n": 2}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"native_id": ""}, "no id"),
        ({"text": " \n"}, "no text"),
        ({"posted_at": NOON.replace(tzinfo=None)}, "a time without a zone"),
        ({"posted_at": datetime.now(UTC) + timedelta(days=40)}, "lies in the future"),
        ({"metrics": {"likes": 2**70}}, "does not fit"),
    ],
)
def test_a_bad_post_is_kept_with_its_reason_and_the_rest_lands(tmp_path: Path, change: dict, reason: str) -> None:
    bad = replace(make_post("1", "a kettle"), **change)
    rows = pq.read_table(land(Landing(tmp_path), Batch({}, [bad, make_post("2", "a lid")]))).to_pylist()
    assert [row["outcome"] for row in rows] == ["rejected", "mapped"]
    assert reason in rows[0]["reason"]
    assert rows[0]["raw"] == '{"id": "1"}'
    assert "author of" not in rows[0]["reason"]


def test_times_are_utc_and_the_author_a_keyed_hash(tmp_path: Path) -> None:
    there = datetime(2026, 3, 4, 2, tzinfo=timezone(timedelta(hours=9)))
    post = replace(make_post("1", "a kettle"), posted_at=there)
    one, same, other = (
        pq.read_table(land(Landing(tmp_path / str(n)), Batch({}, [post]), key=key)).to_pylist()[0]
        for n, key in enumerate((b"key", b"key", b"another"))
    )
    assert one["posted_at"] == datetime(2026, 3, 3, 17)
    assert one["author_key"] == same["author_key"] != other["author_key"]
    assert not any("author of 1" in str(value) for value in one.values())


def test_text_that_cannot_be_written_keeps_its_length(tmp_path: Path) -> None:
    text = "a \ud83d kettle\0 😀"
    row = pq.read_table(land(Landing(tmp_path), Batch({}, [make_post("1", text)]))).to_pylist()[0]
    assert row["text"] == "a \ufffd kettle\ufffd 😀"


def test_half_a_file_is_never_seen(tmp_path: Path) -> None:
    landing = Landing(tmp_path)

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_durably(landing.folder("s", "q") / "x.parquet", fail)
    assert list(landing.folder("s", "q").iterdir()) == []
    assert landing.pending_classify() == []
    assert landing.cursor("s", "q", "f") is None


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    kept = land(landing, Batch({}, [make_post("1", "a kettle")]))
    (kept.parent / ".x.parquet.7.tmp").write_bytes(b"half")
    landing.sweep("s", "q")
    assert list(kept.parent.iterdir()) == [kept]


def test_what_is_left_to_do_is_found(world: World) -> None:
    first = world.land([make_post("1", "a kettle")])
    second = land(world.landing, Batch({}, [make_post("2", "a lid")]))
    assert world.landing.pending_classify() == [second]
    assert world.landing.classified_files() == [first]
    assert world.landing.batch_id(first) == f"s/q/{first.stem}"


def test_the_header_survives(tmp_path: Path) -> None:
    path = Landing(tmp_path).write("s", QUERY, "f", Batch({"v": 1}, n_asked=3), Counter({"2026-03-04": 2}), True, b"k")
    header = read_header(path)
    assert (header.n_asked, header.unmatched, header.brand) == (3, {"2026-03-04": 2}, "Acme")
    assert pq.read_schema(path).remove_metadata().equals(RAW)


def test_post_ids_are_a_fixed_contract() -> None:
    assert post_id("x", "1") == 8544744258437159350
    assert 0 <= post_id("reddit", "t3_abc") < 2**63
