"""Which column of a file is what, and a row of it as a post."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cxlisten.collect.sources import file as file_source
from cxlisten.collect.tabular.reading import guess_columns
from cxlisten.errors import ConfigError, InputError
from tests.unit.post_files import HEADER, ROW, fetch, ids, notes, posts, rejects, written


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
