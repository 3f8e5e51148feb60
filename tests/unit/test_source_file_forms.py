"""How files of posts are written: every form and encoding, and what goes wrong in each."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import load_source
from cxlisten.errors import InputError
from tests.unit.post_files import HEADER, fetch, ids, notes, posts, rejects, rows, written

TABLE = [
    ["id", "text", "created_at"],
    ["1", 'un "café", s\'il vous plaît', "2024-05-06"],
    ["2", "two\nlines €", "2024-05-07"],
]


def as_csv(delimiter: str = ",", end: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(TABLE)
    return out.getvalue()


def as_json_lines() -> str:
    return "".join(json.dumps(dict(zip(TABLE[0], row, strict=True)), ensure_ascii=False) + "\n" for row in TABLE[1:])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(as_csv(","), id="comma"),
        pytest.param(as_csv(";"), id="semicolon"),
        pytest.param(as_csv("\t", "\n"), id="tab"),
        pytest.param(as_csv("|"), id="pipe"),
        pytest.param(as_json_lines(), id="json lines"),
        pytest.param(as_json_lines().replace("\n", "\r\n\r\n"), id="json lines with empty lines"),
        pytest.param("[" + as_json_lines().replace("}\n", "},").rstrip(",") + "]", id="json array"),
    ],
)
@pytest.mark.parametrize("compress", [lambda data: data, gzip.compress], ids=["plain", "gz"])
def test_reads_every_form_in_every_encoding(tmp_path: Path, data: str, encoding: str, compress: Any) -> None:
    """Whatever the extension says."""
    batches = fetch(written(tmp_path, compress(data.encode(encoding)), "export.dat"))
    assert [(post.native_id, post.text) for post in posts(batches)] == [
        ("1", 'un "café", s\'il vous plaît'),
        ("2", "two\nlines €"),
    ]
    assert rejects(batches) == []
    assert ("Windows-1252" in notes(batches)) == (encoding == "cp1252" and "\\u" not in data)


def test_utf16_lines_end_only_at_line_ends(tmp_path: Path) -> None:
    """U+0A0A and U+0D0A hold the bytes of a line end."""
    text = "id,text\n1,\u0a0a\u0d0a\u0a0a\n2,\u0a05\n"
    for encoding in ("utf-16-le", "utf-16-be", "utf-16"):
        batches = fetch(written(tmp_path, text.encode(encoding), f"{encoding}.csv"))
        assert [post.text for post in posts(batches)] == ["\u0a0a\u0d0a\u0a0a", "\u0a05"]


def test_a_byte_of_another_encoding_costs_one_character(tmp_path: Path) -> None:
    data = "id,text\n1,café\n".encode() + b"2,caf\xe9\n3,cut \xc3\n"
    assert [post.text for post in posts(fetch(written(tmp_path, data)))] == ["café", "caf\ufffd", "cut \ufffd"]


def test_the_first_foreign_byte_far_down_is_windows_1252(tmp_path: Path) -> None:
    data = ("id,text\n" + "".join(f"{n},plain\n" for n in range(20_000))).encode() + b"x,caf\xe9\n"
    assert posts(fetch(written(tmp_path, data)))[-1].text == "café"


def test_nul_bytes_and_lone_surrogates_do_no_harm(tmp_path: Path) -> None:
    path = written(
        tmp_path, b'{"id": "1", "text": "a\\u0000b\\ud83d!"}\n{"id": "2", "text": "c\0d"}\n{"id":"3","text":"e"}\n'
    )
    batches = fetch(path)
    assert [post.text for post in posts(batches)] == ["ab\ufffd!", "e"]
    assert [reject.where for reject in rejects(batches)] == ["line 2"]
    assert [post.text for post in posts(fetch(written(tmp_path, b"id,text\n1,a\0b\n")))] == ["ab"]


def test_a_line_of_10_mb(tmp_path: Path) -> None:
    long = "word " * 2_000_000
    path = written(tmp_path, f'id,text\n1,"{long}"\n2,short\n')
    assert [len(post.text) for post in posts(fetch(path))] == [len(long.strip()), 5]
    path = written(tmp_path, json.dumps({"id": 1, "text": long}) + '\n{"id": 2, "text": "short"}\n', "posts.jsonl")
    assert [len(post.text) for post in posts(fetch(path))] == [len(long.strip()), 5]


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl"])
def test_a_line_without_end_is_one_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("cxlisten.collect.tabular.lines.MAX_LINE", 10_000)
    monkeypatch.setattr("cxlisten.collect.tabular.records.MAX_LINE", 10_000)
    lines = {
        "posts.csv": ["id,text", f"1,{'x' * 25_000}", "2,short"],
        "posts.jsonl": ['{"id": 0, "text": "a"}', f'{{"id": "{"x" * 25_000}"}}', '{"id": 2, "text": "short"}'],
    }
    batches = fetch(written(tmp_path, "\n".join(lines[name]) + "\n", name))
    assert ids(batches)[-1] == "2"
    assert [(reject.where, len(reject.payload)) for reject in rejects(batches)] == [("line 2", 10_000)]


def test_a_field_without_end_is_one_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.collect.tabular.records.MAX_LINE", 10_000)
    batches = fetch(written(tmp_path, HEADER + '0,"never closed\n' + rows(*range(1, 2_000))))
    assert ids(batches) == [str(n) for n in range(1, 2_000)]
    assert [reject.where for reject in rejects(batches)] == ["line 2"]


@pytest.mark.parametrize("quoted", [r'"she said \"no\", twice"', '"she said ""no"", twice"'])
def test_both_ways_of_a_quote_in_quotes(tmp_path: Path, quoted: str) -> None:
    batches = fetch(written(tmp_path, f"id,text,lang\n1,{quoted},en\n"))
    assert [post.text for post in posts(batches)] == ['she said "no", twice']


def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    data = HEADER + rows(1) + '2,"never closed,2024-05-06\n' + rows(3, 4, 5)
    batches = fetch(written(tmp_path, data))
    assert ids(batches) == ["1", "3", "4", "5"]
    (reject,) = rejects(batches)
    assert (reject.where, reject.payload) == ("line 3", '2,"never closed,2024-05-06\n')


def test_a_stray_quote_before_other_quotes_costs_its_own_row_only(tmp_path: Path) -> None:
    data = HEADER + '1,"never closed,2024-05-06\n' + rows(*range(2, 9)) + '9,"a ""quoted"" one",2024-05-06\n' + rows(10)
    batches = fetch(written(tmp_path, data))
    assert ids(batches) == [str(n) for n in range(2, 11)]
    assert [reject.where for reject in rejects(batches)] == ["line 2"]


def test_quotes_that_are_not_doubled_reject_their_row(tmp_path: Path) -> None:
    batches = fetch(written(tmp_path, HEADER + '1,"a 24" screen, broken",2024-05-06\n' + rows(2)))
    assert ids(batches) == ["2"]
    assert "not doubled" in rejects(batches)[0].reason


def test_a_row_with_too_many_fields_is_rejected(tmp_path: Path) -> None:
    batches = fetch(written(tmp_path, HEADER + "1,one, two,2024-05-06\n" + "2,ok,2024-05-06,,\n" + "3,ok,2024-05-06\n"))
    assert ids(batches) == ["2", "3"]
    assert "4 fields where the header has 3" in rejects(batches)[0].reason


def test_duplicate_and_nameless_headers(tmp_path: Path) -> None:
    batches = fetch(written(tmp_path, "id,text,text,,\n1,first,second,a,b\n"))
    (post,) = posts(batches)
    assert post.text == "first"
    assert list(post.raw) == ["id", "text", "text (column 3)", "column 4", "column 5"]
    assert 'has "text" twice' in notes(batches)


def test_a_file_of_texts_only(tmp_path: Path) -> None:
    batches = fetch(written(tmp_path, "text\nGood, cheap; and fast\nBad\n"))
    assert [post.text for post in posts(batches)] == ["Good, cheap; and fast", "Bad"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"PAR1", "Parquet"),
        (b'{\n "posts": [\n  {"id": 1}\n ]\n}', "one JSON object"),
        (b"[{]", "none"),
        (b"id,text\r1,a\r2,b\r", "Macintosh"),
        (b",,,\n,,\n", "no header"),
        (b"id,colour\n1,red\n", "no column looks like the text"),
        (b"\x1f\x8bbroken", "damaged"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(InputError, match=words):
        fetch(path)
    health = load_source("reviews", "file", {"path": str(path)}).check()
    assert not health.ok
    assert words in health.message


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        fetch(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="is a folder"):
        fetch(tmp_path)
