"""Reading on: files that grow, are replaced, half written or cut."""

import csv
import gzip
import io
import json
import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlisten.collect import Budget, load_source
from cxlisten.errors import InputError
from cxlisten.models import Query
from tests.unit.post_files import HEADER, fetch, ids, notes, posts, rejects, rows, written


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + rows(1, 2))
    first = fetch(path)
    (batch,) = fetch(path, first[-1].cursor_after)
    assert (batch.posts, batch.rejected, batch.n_asked, batch.complete) == ((), (), 1, True)
    assert batch.cursor_after == first[-1].cursor_after


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl"])
def test_an_appended_file_is_read_on(tmp_path: Path, name: str) -> None:
    as_rows = rows if name.endswith("csv") else lambda *ns: "".join(f'{{"id": {n}, "text": "t"}}\n' for n in ns)
    path = written(tmp_path, (HEADER if name.endswith("csv") else "") + as_rows(1, 2), name)
    first = fetch(path)
    with path.open("a") as file:
        file.write(as_rows(3, 4))
    second = fetch(path, first[-1].cursor_after)
    assert ids(second) == ["3", "4"]
    assert rejects(second) == []


def test_a_moved_file_is_the_same_file(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + rows(1, 2))
    first = fetch(path)
    assert ids(fetch(path.rename(tmp_path / "moved.csv"), first[-1].cursor_after)) == []


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(HEADER + rows(1), id="shrunk"),
        pytest.param(HEADER + rows(9) + rows(*range(2, 60)), id="another first row"),
        pytest.param(HEADER + rows(*range(1, 49)) + rows(99) + rows(50, 51), id="another last row"),
        pytest.param("text,id,created_at\n" + "a,1,2024-05-06\n" * 90, id="another header"),
    ],
)
def test_a_replaced_file_is_read_from_its_start(tmp_path: Path, after: str) -> None:
    path = written(tmp_path, HEADER + rows(*range(1, 51)))
    first = fetch(path)
    written(tmp_path, after)
    os.utime(path, (2, 2))
    second = fetch(path, first[-1].cursor_after)
    assert ids(second) == ids(fetch(path))
    assert "from its start" in notes(second)


def test_other_options_read_the_file_again(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text,Verbatim\n" + "1,a,b\n")
    first = fetch(path)
    os.utime(path, (2, 2))
    assert [post.text for post in posts(fetch(path, first[-1].cursor_after, columns={"text": "Verbatim"}))] == ["b"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_written_bit_by_bit_gives_every_post(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Cut anywhere, read after each bit: no row is lost, none rejected, and the last reading of each is right."""
    form = data.draw(st.sampled_from(["csv", "csv without the last line end", "jsonl", "utf-16"]))
    line = st.text("ab \"',é€😀", min_size=1).filter(str.strip)
    texts = data.draw(st.lists(st.lists(line, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=6))
    if form == "jsonl":
        whole = "".join(
            json.dumps({"id": f"n{n}", "text": text}, ensure_ascii=False) + "\n" for n, text in enumerate(texts)
        )
    else:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
            [["id", "text", "lang"], *([f"n{n}", text, "en"] for n, text in enumerate(texts))]
        )
        whole = out.getvalue().removesuffix("\n" if form.endswith("end") else "")
    raw = whole.encode("utf-16" if form == "utf-16" else "utf-8")
    header = raw.index(b"\n") + 2 if form != "jsonl" else 1
    cuts = [*sorted(data.draw(st.lists(st.integers(header, len(raw)), max_size=4))), len(raw)]
    path = tmp_path_factory.mktemp("growing") / "posts"
    path.touch()
    cursor, found = None, {}
    for step, cut in enumerate(cuts):
        path.write_bytes(raw[:cut])
        os.utime(path, ns=(step, step))
        try:
            batches = fetch(path, cursor)
        except InputError:
            continue  # nothing but a header yet, or not even that
        assert rejects(batches) == []
        found |= {post.native_id: post.text for post in posts(batches)}
        cursor = batches[-1].cursor_after
    assert found == {f"n{n}": text.strip() for n, text in enumerate(texts)}


def test_a_half_last_row_waits_for_its_other_half(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + rows(1, 2) + '3,"half a te')
    first = fetch(path)
    assert ids(first) == ["1", "2"]
    assert rejects(first) == []
    assert "line 4 is not finished" in notes(first)
    with path.open("a") as file:
        file.write('xt",2024-05-06\n' + rows(4))
    second = fetch(path, first[-1].cursor_after)
    assert [post.text for post in posts(second)] == ["half a text", "post number 4"]


def test_a_whole_last_row_without_a_line_end_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + rows(1, 2)).rstrip("\n"))
    first = fetch(path)
    assert ids(first) == ["1", "2"]
    assert ids(fetch(path, first[-1].cursor_after)) == []
    with path.open("a") as file:
        file.write("\n" + rows(3))
    second = fetch(path, first[-1].cursor_after)
    assert ids(second) == ["2", "3"]
    assert rejects(second) == []


def test_a_cut_gzip_gives_what_is_there(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + rows(*range(2_000))).encode())
    path = written(tmp_path, whole[: len(whole) // 2], "posts.csv.gz")
    first = fetch(path)
    n = len(posts(first))
    assert 0 < n < 2_000
    assert rejects(first) == []
    assert "damaged" in notes(first)
    path.write_bytes(whole)
    assert len({*ids(first), *ids(fetch(path, first[-1].cursor_after))}) == 2_000


def test_a_large_file_comes_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.collect.sources.file.BATCH_ROWS", 100)
    path = written(tmp_path, HEADER + rows(*range(250)))
    batches = fetch(path)
    assert [(len(batch.posts), batch.complete, batch.n_asked) for batch in batches] == [
        (100, False, 1),
        (100, False, 0),
        (50, True, 0),
    ]
    for n_landed in (1, 2):
        rest = fetch(path, batches[n_landed - 1].cursor_after)
        assert ids(batches[:n_landed]) + ids(rest) == [str(n) for n in range(250)]


def test_stops_between_rows(tmp_path: Path) -> None:
    stop = Event()
    path = written(tmp_path, HEADER + rows(*range(30_000)))
    source = load_source("reviews", "file", {"path": str(path)})
    batches = source.fetch(Query("q", "b", ""), None, Budget(), stop)
    assert len(next(batches).posts) == 10_000
    stop.set()
    assert list(batches) == []
