"""Files of posts as people really have them: exports, half-written logs, what a spreadsheet left of them."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlisten.collect import Budget, load_source
from cxlisten.collect.sources import file as file_source
from cxlisten.collect.sources.file import guess_columns
from cxlisten.errors import ConfigError, InputError
from cxlisten.models import Batch, Post, Query, Reject

HEADER = "id,text,created_at\n"
ROW = "{n},post number {n},2024-05-06T07:08:09Z\n"


def fetch(path: Path, cursor: Any = None, budget: Budget | None = None, **options: Any) -> list[Batch]:
    source = load_source("reviews", "file", {"path": str(path), **options})
    cursor = json.loads(json.dumps(cursor))
    return list(source.fetch(Query("q", "b", ""), cursor, budget or Budget(), Event()))


def posts(batches: Iterable[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def rejects(batches: Iterable[Batch]) -> list[Reject]:
    return [reject for batch in batches for reject in batch.rejected]


def notes(batches: Iterable[Batch]) -> str:
    return "\n".join(note for batch in batches for note in batch.notes)


def written(folder: Path, data: str | bytes, name: str = "posts.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(*numbers: int) -> str:
    return "".join(ROW.format(n=n) for n in numbers)


def ids(batches: Iterable[Batch]) -> list[str]:
    return [post.native_id for post in posts(batches)]


# How a file is written


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


# Which column is what


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Tweet_ID,Full Text,Created At,Screen_Name,Favorite_Count,Retweet_Count,Language",
            {"id": "Tweet_ID", "text": "Full Text", "posted_at": "Created At", "author": "Screen_Name",
             "likes": "Favorite_Count", "reposts": "Retweet_Count", "lang": "Language"},
        ),
        (
            "id,title,selftext,created_utc,author,permalink,score,num_comments",
            {"id": "id", "title": "title", "text": "selftext", "posted_at": "created_utc", "author": "author",
             "url": "permalink", "likes": "score", "replies": "num_comments"},
        ),
        (
            "Review ID,Review,Date,Stars,Network,User",
            {"id": "Review ID", "text": "Review", "posted_at": "Date", "rating": "Stars", "platform": "Network",
             "author": "User"},
        ),
        ("uuid,Message,Timestamp,Link", {"id": "uuid", "text": "Message", "posted_at": "Timestamp", "url": "Link"}),
    ],
)  # fmt: skip
def test_guesses_the_headers_of_exports(tmp_path: Path, header: str, expected: dict[str, str]) -> None:
    mapping, _ = guess_columns(written(tmp_path, header + "\n"))
    assert mapping == expected


def test_guesses_inside_json_objects(tmp_path: Path) -> None:
    tweet = {
        "id": "1", "text": "hello", "source": "<a href='x'>Some app</a>", "user": {"screen_name": "someone"},
        "public_metrics": {"like_count": 4, "retweet_count": 2},
    }  # fmt: skip
    path = written(tmp_path, json.dumps(tweet) + "\n", "tweets.jsonl")
    (post,) = posts(fetch(path))
    assert post.author == "someone"
    assert post.metrics == {"likes": 4, "reposts": 2}
    assert post.platform == "reviews"


def test_an_empty_column_gives_way_to_a_filled_one(tmp_path: Path) -> None:
    mapping, _ = guess_columns(written(tmp_path, "id,text,body\n1,,hello\n"))
    assert mapping["text"] == "body"


def test_without_a_telling_header_the_longest_texts_win_and_it_is_said(tmp_path: Path) -> None:
    mapping, said = guess_columns(written(tmp_path, "nr,what,where\n1,a long text of many words here,Leeds\n"))
    assert mapping["text"] == "what"
    assert any('"what"' in note for note in said)


def test_given_columns_go_first(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text,Verbatim,site\n1,internal,what they said,somewhere\n")
    (post,) = posts(fetch(path, columns={"text": "Verbatim", "platform": ""}))
    assert (post.text, post.platform) == ("what they said", "reviews")
    with pytest.raises(InputError, match=r'no column "Text"; it has id, text, Verbatim, site'):
        fetch(path, columns={"text": "Text"})
    with pytest.raises(ConfigError, match="columns"):
        fetch(path, columns={"txt": "text"})


def test_a_first_line_that_is_no_header_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch(written(tmp_path, "7,I told Dorothea Example a hundred times that this does not work at all\n"))
    assert "Dorothea" not in str(caught.value)


# A row as a post


def test_a_full_row(tmp_path: Path) -> None:
    data = {
        "id": 7, "title": "Broken", "text": "It broke.\r\nTwice.", "created_at": 1_700_000_000,
        "platform": "Trustpilot", "author": "Someone", "url": "https://example.org/7", "lang": "en-GB",
        "kind": "review", "thread": "t1", "likes": "1,234", "replies": 2.0, "views": "many", "rating": "4",
    }  # fmt: skip
    (post,) = posts(fetch(written(tmp_path, json.dumps(data))))
    assert post.native_id == "7"
    assert post.text == "Broken\nIt broke.\nTwice."
    assert post.posted_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (post.platform, post.author, post.url) == ("trustpilot", "Someone", "https://example.org/7")
    assert (post.title, post.lang, post.kind, post.thread_id) == ("Broken", "en", "review", "t1")
    assert post.metrics == {"likes": 1234, "replies": 2, "rating": 4}
    assert post.raw == data


@pytest.mark.parametrize("id_", ["1.9E+18", "1,9e18", "123456789.0", "", "null", "NaN"])
def test_a_damaged_or_missing_id_is_rejected_never_guessed(tmp_path: Path, id_: str) -> None:
    batches = fetch(written(tmp_path, f'id,text\nok,"fine"\n"{id_}",hello\n'))
    assert ids(batches) == ["ok"]
    (reject,) = rejects(batches)
    assert reject.where == "line 3"
    assert "hello" in reject.payload
    assert "id" in reject.reason


@pytest.mark.parametrize("id_", [1.9e18, 12.0, True, ["a"], {"a": 1}, None])
def test_ids_in_json(tmp_path: Path, id_: object) -> None:
    path = written(tmp_path, "".join(json.dumps({"id": one, "text": "a"}) + "\n" for one in (2**62 + 1, "007", id_)))
    batches = fetch(path, columns={"id": "id"})
    assert ids(batches) == ["4611686018427387905", "007"]
    assert len(rejects(batches)) == 1


@pytest.mark.parametrize("text", ["", "  ", "null", "NaN", "\u0000"])
def test_an_empty_text_is_rejected(tmp_path: Path, text: str) -> None:
    batches = fetch(written(tmp_path, f'id,text\n1,ok\n2,"{text}"\n'))
    assert [reject.reason for reject in rejects(batches)] == ["no text"]


def test_one_bad_row_in_a_hundred(tmp_path: Path) -> None:
    data = HEADER + "".join("17,x,no time at all\n" if n == 17 else ROW.format(n=n) for n in range(100))
    batches = fetch(written(tmp_path, data))
    assert len(posts(batches)) == 99
    (reject,) = rejects(batches)
    assert (reject.native_id, reject.where, reject.payload) == ("17", "line 19", "17,x,no time at all\n")


def test_without_an_id_the_same_row_is_the_same_post(tmp_path: Path) -> None:
    path = written(tmp_path, "text,author\nsame,a\nsame,b\nsame,a\n")
    first = fetch(path)
    os.utime(path, (1, 1))
    again = fetch(path)
    assert ids(first) == ids(again)
    assert len(set(ids(first))) == 2
    assert "hash" in notes(first)


def test_without_a_time_posts_are_dated_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\n1,a\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    batches = fetch(path)
    assert posts(batches)[0].posted_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert "no time column" in notes(batches)
    assert not file_source.File.caps.exact_times


def test_times_without_a_zone_are_those_of_the_option(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text,date\n1,a,2024-07-01 12:00\n2,b,2024-01-01T12:00:00+02:00\n")
    assert [post.posted_at.hour for post in posts(fetch(path))] == [12, 10]
    batches = fetch(path, timezone="Europe/London")
    assert [post.posted_at.hour for post in posts(batches)] == [11, 10]
    assert "Europe/London" in notes(batches)
    with pytest.raises(ConfigError, match="no time zone"):
        fetch(path, timezone="Mars/Base")


@pytest.mark.parametrize(
    ("dates", "months", "says"),
    [
        (["3/4/2024", "25/4/2024"], [4, 4], ""),
        (["3/4/2024", "4/25/2024"], [3, 4], ""),
        (["3/4/2024", "5/4/2024"], [3, 5], "can be two days"),
        (["3.4.2024", "5.4.2024"], [4, 4], ""),
    ],
)
def test_the_column_tells_the_day_from_the_month(
    tmp_path: Path, dates: list[str], months: list[int], says: str
) -> None:
    filler = [dates[0]] * 500  # so that what settles it lies behind the first look
    data = "id,text,date\n" + "".join(f"{n},a,{date}\n" for n, date in enumerate([*filler, dates[1]]))
    batches = fetch(written(tmp_path, data))
    found = posts(batches)
    assert [found[0].posted_at.month, found[-1].posted_at.month] == months
    assert ("can be two days" in notes(batches)) == bool(says)


def test_a_column_with_both_orders_keeps_what_is_certain(tmp_path: Path) -> None:
    data = "id,text,date\n1,a,25/4/2024\n2,b,4/25/2024\n3,c,3/4/2024\n4,d,3/3/2024\n"
    batches = fetch(written(tmp_path, data))
    assert ids(batches) == ["1", "2", "4"]
    assert "two days" in rejects(batches)[0].reason


# Reading on


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


def test_a_large_file_comes_in_batches_and_within_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "BATCH_ROWS", 100)
    path = written(tmp_path, HEADER + rows(*range(250)))
    batches = fetch(path)
    assert [(len(batch.posts), batch.complete, batch.n_asked) for batch in batches] == [
        (100, False, 1),
        (100, False, 0),
        (50, True, 0),
    ]
    within = fetch(path, budget=Budget(posts=150))
    assert len(posts(within)) == 200
    assert "budget" in notes(within)
    assert ids(within) + ids(fetch(path, within[-1].cursor_after)) == [str(n) for n in range(250)]


def test_stops_between_rows(tmp_path: Path) -> None:
    stop = Event()
    path = written(tmp_path, HEADER + rows(*range(30_000)))
    source = load_source("reviews", "file", {"path": str(path)})
    batches = source.fetch(Query("q", "b", ""), None, Budget(), stop)
    assert len(next(batches).posts) == 10_000
    stop.set()
    assert list(batches) == []
