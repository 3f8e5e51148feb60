"""Exports of platforms: the archive of an X account, the data export of a Reddit account, the dumps of Reddit."""

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import zstandard

from cxlisten.collect import Budget, load_source
from cxlisten.collect.reddit.items import read_item
from cxlisten.collect.x.posts import read_post
from cxlisten.errors import InputError, MissingExtra
from cxlisten.models import Batch, Post, Query, StateChange
from tests.unit.post_files import fetch, ids, notes, posts, rejects, written

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = "1050118621198921728"
POSTS = ["id", "permalink", "date", "ip", "subreddit", "gildings", "title", "url", "body"]
COMMENTS = ["id", "permalink", "date", "ip", "subreddit", "gildings", "link", "parent", "body", "media"]
PLACE = "https://www.reddit.com/r/kettles/comments"


def tweet(id_: str = ID, **more: Any) -> dict[str, Any]:
    return {
        "edit_info": {"initial": {"editTweetIds": [id_], "editsRemaining": "5", "isEditEligible": True}},
        "retweeted": False, "source": '<a href="https://mobile.x.com">App</a>', "entities": {"urls": []},
        "display_text_range": ["0", "31"], "favorite_count": "12", "retweet_count": "3", "id_str": id_, "id": id_,
        "truncated": False, "created_at": "Wed Oct 10 20:19:24 +0000 2018", "favorited": False, "lang": "en",
        "full_text": "Tea &amp; a leaking kettle &lt;3 😡", **more,
    }  # fmt: skip


def archive(folder: Path, *tweets: Any, part: str = "tweets.part0", owner: str | None = "pellworth") -> Path:
    if owner:
        account = [{"account": {"email": "a@example.org", "username": owner, "accountId": "7"}}]
        (folder / "account.js").write_text(f"window.YTD.account.part0 = {json.dumps(account, indent=2)}")
    items = [one if not isinstance(one, dict) else {"tweet": one} for one in tweets]
    return written(folder, f"window.YTD.{part} = {json.dumps(items, indent=2, ensure_ascii=False)}", "tweets.js")


def table(header: list[str], *rows: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def submission(id_: str = "abc12", **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "title": "Is it &gt; 30 quid?", "selftext": "It leaks &amp; drips", "created_utc": 1_704_164_645,
        "subreddit": "kettles", "author": "someone", "permalink": f"/r/kettles/comments/{id_}/is_it/", "score": 5,
        "num_comments": 2, "over_18": False, "edited": False, "retrieved_on": 1_704_250_000, **more,
    }  # fmt: skip


def comment(id_: str = "def34", **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "body": "Mine too", "created_utc": "1704168245", "subreddit": "kettles", "author": "someone",
        "link_id": "t3_abc12", "parent_id": "t3_abc12", "permalink": f"/r/kettles/comments/abc12/is_it/{id_}/",
        "score": 2, **more,
    }  # fmt: skip


def lines(*items: Any) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


def test_an_archived_post(tmp_path: Path) -> None:
    (post,) = posts(fetch(archive(tmp_path, tweet())))
    assert post == Post(
        platform="x", native_id=ID, text="Tea & a leaking kettle <3 😡", fetched_at=post.fetched_at,
        posted_at=datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC), raw={"tweet": tweet()}, version="1",
        author="pellworth", lang="en", url=f"https://x.com/i/web/status/{ID}", metrics={"likes": 12, "reposts": 3},
        terms="x-2026",
    )  # fmt: skip


def test_an_archived_post_and_a_fetched_one_are_one_post(tmp_path: Path) -> None:
    (imported,) = posts(fetch(archive(tmp_path, tweet())))
    live = read_post({"id": ID, "text": tweet()["full_text"], "created_at": "2018-10-10T20:19:24.000Z"}, NOW)
    for name in ("platform", "native_id", "version", "text", "posted_at", "url", "terms"):
        assert getattr(imported, name) == getattr(live, name)


def test_replies_reposts_and_what_is_withheld(tmp_path: Path) -> None:
    reply = tweet("2", in_reply_to_status_id_str="1", in_reply_to_screen_name="someone")
    repost = tweet("3", full_text="RT @someone: Tea and a leaking ke…")
    withheld = tweet("4", possibly_sensitive=True, withheld_in_countries=["DE"], lang="und", favorite_count="many")
    one, two, three = posts(fetch(archive(tmp_path, reply, repost, withheld)))
    assert (one.relation, one.parent_key) == ("reply", "x:1")
    assert two.relation == "repost"
    assert (three.withheld_in, three.sensitive, three.lang, three.metrics) == (("DE",), True, None, {"reposts": 3})


def test_the_edits_of_a_post_are_its_versions(tmp_path: Path) -> None:
    first, second = "1626922779105759235", "1626923000000000000"
    chain = {"initialTweetId": first, "editControlInitial": {"editTweetIds": [first, second]}}
    one = tweet(first, edit_info={"initial": {"editTweetIds": [first, second]}})
    two = tweet(second, edit_info={"edit": chain}, full_text="changed")
    before, after = posts(fetch(archive(tmp_path, one, two)))
    assert (before.native_id, before.version, before.edited_at) == (first, "1", None)
    assert (after.native_id, after.version, after.text) == (first, "2", "changed")
    assert after.edited_at is not None


@pytest.mark.parametrize("info", [None, {}, {"initial": None}, {"edit": {}}, {"initial": {"editTweetIds": []}}, "x"])
def test_an_archive_without_edits(tmp_path: Path, info: Any) -> None:
    (post,) = posts(fetch(archive(tmp_path, tweet(edit_info=info))))
    assert (post.native_id, post.version) == (ID, "1")


def test_an_archive_says_whose_it_is_in_another_file(tmp_path: Path) -> None:
    batches = fetch(archive(tmp_path, tweet(), owner=None))
    assert posts(batches)[0].author is None
    assert "account.js does not say whose" in notes(batches)
    for odd in ("[]", "", '[{"account": null}]', "window.YTD.account.part0 = [", '[{"account": {"username": 7}}]'):
        (tmp_path / "account.js").write_text(odd)
        assert posts(fetch(archive(tmp_path, tweet(), owner=None)))[0].author is None


@pytest.mark.parametrize("part", ["tweets.part0", "tweets.part1", "tweet.part0", "community_tweet.part0"])
def test_each_part_of_an_archive_that_holds_posts(tmp_path: Path, part: str) -> None:
    assert ids(fetch(archive(tmp_path, tweet(), part=part))) == [ID]


def test_a_part_of_an_archive_that_holds_none(tmp_path: Path) -> None:
    path = archive(tmp_path, tweet(), part="follower.part0")
    with pytest.raises(InputError, match=r"holds the follower of an X archive: its posts are in tweets\.js"):
        fetch(path)
    assert not load_source("x", "file", {"path": str(path)}).check().ok


def test_an_archive_without_posts(tmp_path: Path) -> None:
    (batch,) = fetch(archive(tmp_path))
    assert (list(batch.posts), batch.complete) == ([], True)


@pytest.mark.parametrize("data", [tweet(), json.loads("{}")])
def test_the_oldest_archives_hold_their_posts_as_they_are(tmp_path: Path, data: Any) -> None:
    items = [data, tweet("5")]
    batches = fetch(written(tmp_path, f"window.YTD.tweet.part0 = {json.dumps(items)}", "tweet.js"))
    assert ids(batches)[-1] == "5"
    assert len(rejects(batches)) == (0 if data else 1)


@pytest.mark.parametrize(
    "bad",
    [
        tweet("x"), tweet(full_text=""), tweet(full_text=None), tweet(created_at="long ago"), tweet(created_at=None),
        tweet(full_text=["x"]), tweet(lang=5), "no object", None,
    ],
)  # fmt: skip
def test_one_bad_post_in_a_hundred_of_an_archive(tmp_path: Path, bad: Any) -> None:
    batches = fetch(
        archive(tmp_path, *(tweet(str(n)) for n in range(20, 70)), bad, *(tweet(str(n)) for n in range(70, 119)))
    )
    assert ids(batches) == [str(n) for n in range(20, 119)]
    (reject,) = rejects(batches)
    assert reject.where == "line 51"
    assert json.loads(reject.payload) == ({"tweet": bad} if isinstance(bad, dict) else bad)


def test_broken_json_in_an_archive_costs_its_own_post(tmp_path: Path) -> None:
    path = archive(tmp_path, *(tweet(str(n)) for n in range(20, 30)))
    path.write_text(path.read_text().replace('"id_str": "25"', '"id_str": 2"5"'))
    batches = fetch(path)
    assert ids(batches) == [str(n) for n in range(20, 30) if n != 25]
    (reject,) = rejects(batches)
    assert "not JSON" in reject.reason
    assert reject.payload.count('"tweet"') == 1


def test_an_archive_that_breaks_off_gives_what_is_there_once(tmp_path: Path) -> None:
    path = archive(tmp_path, *(tweet(str(n)) for n in range(20, 30)))
    whole = path.read_text()
    path.write_text(whole[: whole.rindex("leaking")])
    first = fetch(path)
    assert ids(first) == [str(n) for n in range(20, 29)]
    assert "is not finished" in notes(first)
    assert not first[-1].complete
    assert ids(fetch(path, first[-1].cursor_after)) == []
    path.write_text(whole)
    assert "29" in ids(fetch(path, first[-1].cursor_after))


def test_an_archive_is_read_again_only_if_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.collect.sources.file.BATCH_ROWS", 10)
    path = archive(tmp_path, *(tweet(str(n)) for n in range(20, 45)))
    batches = fetch(path)
    assert [len(batch.posts) for batch in batches] == [10, 10, 5]
    assert ids(fetch(path, batches[-1].cursor_after)) == []
    assert len(ids(fetch(path, batches[0].cursor_after))) == 25
    os.utime(path, (1, 1))
    assert len(ids(fetch(path, batches[-1].cursor_after))) == 25


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_an_archive_in_any_form(tmp_path: Path, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    path = archive(tmp_path, tweet())
    path.write_bytes(compress(path.read_text().encode(encoding)))
    assert [post.text for post in posts(fetch(path))] == ["Tea & a leaking kettle <3 😡"]


def test_exported_posts_of_reddit(tmp_path: Path) -> None:
    rows = [
        ["abc12", f"{PLACE}/abc12/is_it/", "2024-01-02 03:04:05 UTC", "127.0.0.1", "kettles", "0", "Is it > 30 quid?",
         "/r/kettles/comments/abc12/is_it/", "It leaks\n& drips"],
        ["abc13", f"{PLACE}/abc13/a_link/", "2024-01-03 03:04:05 UTC", "", "kettles", "0", "A link",
         "https://example.org/a", ""],
    ]  # fmt: skip
    one, other = posts(fetch(written(tmp_path, table(POSTS, *rows))))
    assert one == Post(
        platform="reddit", native_id="t3_abc12", text="Is it > 30 quid?\nIt leaks\n& drips",
        posted_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), fetched_at=one.fetched_at, raw=one.raw, kind="post",
        title="Is it > 30 quid?", url=f"{PLACE}/abc12/is_it/", thread_id="t3_abc12", terms="reddit-48h",
    )  # fmt: skip
    assert (other.text, other.native_id) == ("A link", "t3_abc13")
    assert "127.0.0.1" not in json.dumps([post.raw for post in (one, other)])


def test_exported_comments_of_reddit(tmp_path: Path) -> None:
    link = f"{PLACE}/abc12/is_it/"
    header = [*COMMENTS[:6], "gildings_silver", *COMMENTS[6:]]
    rows = [
        [
            "def34",
            f"{link}def34/",
            "2024-01-02 03:04:05 UTC",
            "127.0.0.1",
            "kettles",
            "0",
            "0",
            link,
            parent,
            "Mine too",
            "",
        ]
        for parent in ("", "abc12", "t3_abc12", "xyz99", "t1_xyz99")
    ]
    found = posts(fetch(written(tmp_path, table(header, *rows))))
    assert {(post.native_id, post.kind, post.relation, post.thread_id) for post in found} == {
        ("t1_def34", "comment", "reply", "t3_abc12")
    }
    assert [post.parent_key for post in found] == ["reddit:t3_abc12"] * 3 + ["reddit:t1_xyz99"] * 2
    assert found[0].url == f"{link}def34/"


def test_a_bad_row_of_an_export_keeps_no_address_of_its_writer(tmp_path: Path) -> None:
    rows = [[f"abc{n}", f"{PLACE}/abc{n}/t/", "2024-01-02 03:04:05 UTC", "127.0.0.1", "k", "0", f"T {n}", "", ""]
            for n in range(100)]  # fmt: skip
    rows[50][0] = "1.2E+5"
    batches = fetch(written(tmp_path, table(POSTS, *rows)))
    assert len(posts(batches)) == 99
    (reject,) = rejects(batches)
    assert reject.where == "line 52"
    assert json.loads(reject.payload)["title"] == "T 50"
    assert "127.0.0.1" not in reject.payload


def test_a_short_row_of_an_export_is_rejected(tmp_path: Path) -> None:
    good = f"abc12,{PLACE}/abc12/t/,2024-01-02 03:04:05 UTC,,k,0,A title,,\n"
    batches = fetch(written(tmp_path, ",".join(POSTS) + "\nabc1\n" + good))
    assert ids(batches) == ["t3_abc12"]
    assert len(rejects(batches)) == 1


def test_a_dump_of_reddit(tmp_path: Path) -> None:
    path = written(tmp_path, lines(submission(), comment()), "RS_2024-01.jsonl")
    one, other = posts(fetch(path))
    assert one == Post(
        platform="reddit", native_id="t3_abc12", text="Is it > 30 quid?\nIt leaks & drips", raw=one.raw, kind="post",
        posted_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), fetched_at=one.fetched_at, author="someone",
        title="Is it > 30 quid?", url=f"{PLACE}/abc12/is_it/", thread_id="t3_abc12",
        metrics={"likes": 5, "replies": 2}, terms="reddit-48h",
    )  # fmt: skip
    assert (other.native_id, other.kind, other.relation) == ("t1_def34", "comment", "reply")
    assert (other.parent_key, other.thread_id) == ("reddit:t3_abc12", "t3_abc12")
    assert "a dump of Reddit" in load_source("r", "file", {"path": str(path)}).check().message


def test_a_dumped_post_and_a_fetched_one_are_one_post(tmp_path: Path) -> None:
    (imported,) = posts(fetch(written(tmp_path, lines(submission()))))
    told = {"title": "Is it > 30 quid?", "selftext": "It leaks & drips", "name": "t3_abc12", "edited": False}
    live = read_item({"kind": "t3", "data": submission() | told}, NOW)
    assert isinstance(live, Post)
    for name in ("platform", "native_id", "version", "text", "posted_at", "url", "author", "thread_id", "terms"):
        assert getattr(imported, name) == getattr(live, name)


def test_what_was_gone_when_it_was_dumped_is_told_so(tmp_path: Path) -> None:
    removed, deleted = submission("r1", selftext="[removed]"), comment("d1", body="[deleted]", author="[deleted]")
    batches = fetch(written(tmp_path, lines(submission(), removed, deleted)))
    assert ids(batches) == ["t3_abc12"]
    assert rejects(batches) == []
    changes: list[StateChange] = [change for batch in batches for change in batch.deletes]
    assert [(c.platform, c.native_id, c.state) for c in changes] == [
        ("reddit", "t3_r1", "removed_by_mod"), ("reddit", "t1_d1", "deleted_by_author"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bad", [submission(None), submission("No Id!"), submission(created_utc=None), comment(body=""), comment(body=7)]
)
def test_one_bad_line_in_a_hundred_of_a_dump(tmp_path: Path, bad: dict[str, Any]) -> None:
    batches = fetch(written(tmp_path, lines(*(submission(f"a{n}") for n in range(99)), bad)))
    assert len(posts(batches)) == 99
    (reject,) = rejects(batches)
    assert json.loads(reject.payload) == bad


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_dump_is_read_in_batches_and_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr("cxlisten.collect.sources.file.BATCH_ROWS", 100)
    data = lines(*(submission(f"a{n}", selftext=f"text {n} " * 40) for n in range(250))).encode()
    path = written(tmp_path, compress(data), "RS_2024-01.zst")
    batches = fetch(path)
    assert [len(batch.posts) for batch in batches] == [100, 100, 50]
    rest = fetch(path, batches[0].cursor_after)
    assert ids(batches[:1]) + ids(rest) == [f"t3_a{n}" for n in range(250)]
    assert ids(fetch(path, batches[-1].cursor_after)) == []


def test_a_dump_of_several_frames_and_a_damaged_one(tmp_path: Path) -> None:
    half = [lines(*(submission(f"a{n}", selftext=os.urandom(300).hex()) for n in numbers)).encode()
            for numbers in (range(100), range(100, 200))]  # fmt: skip
    path = written(tmp_path, b"".join(map(zstandard.compress, half)), "dump.zst")
    assert len(ids(fetch(path))) == 200
    path.write_bytes(zstandard.compress(half[0]) + b"\x28\xb5\x2f\xfdbroken")
    batches = fetch(path)
    assert 50 < len(ids(batches)) <= 100
    assert "damaged" in notes(batches)


def test_without_the_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, zstandard.compress(lines(submission()).encode()), "dump.zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"cxlisten\[sources\]"):
        fetch(path)


def test_columns_that_are_given_go_before_what_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, lines(submission()))
    (post,) = posts(fetch(path, columns={"text": "selftext"}))
    assert (post.platform, post.native_id) == ("reviews", "abc12")


@pytest.mark.parametrize(
    "data",
    [
        lines({"id": "1", "title": "a", "created_utc": 1_704_164_645}),
        lines(submission(), *({"id": str(n), "text": "other", "title": "x"} for n in range(9))),
        "id,title,selftext,created_utc,subreddit\n1,a,b,1704164645,k\n",
        "id,permalink,date,subreddit,text\n1,/r/k/1,2024-01-02,k,hello\n",
    ],
)
def test_what_only_looks_like_an_export_is_none(tmp_path: Path, data: str) -> None:
    batches = fetch(written(tmp_path, data))
    assert {post.platform for post in posts(batches)} == {"reviews"}


def test_an_array_is_read_item_by_item(tmp_path: Path) -> None:
    """Not all of it at once: a first batch is there before the last item is read."""
    items = [json.dumps({"id": str(n), "text": "x" * 200}) for n in range(30_000)]
    path = written(tmp_path, "[" + ",\n".join(items) + ",\n{broken}]", "posts.json")
    source = load_source("reviews", "file", {"path": str(path)})
    batches: list[Batch] = list(source.fetch(Query("q", "b", ""), None, Budget(), Event()))
    assert [len(batch.posts) for batch in batches] == [10_000, 10_000, 10_000, 0]
    assert [reject.where for reject in rejects(batches)] == ["line 30001"]


@pytest.mark.parametrize(
    "bad", ['{"id": 2 "text": "b"}', '{"id": 2, "text": "b"c"}', '{"id": 2, "n": [{"id": 1}, oops]}', "oops"]
)
def test_one_bad_item_of_an_array(tmp_path: Path, bad: str) -> None:
    path = written(tmp_path, f'[{{"id": "1", "text": "a"}}, {bad}, {{"id": "3", "text": "c"}}]', "posts.json")
    batches = fetch(path)
    assert ids(batches) == ["1", "3"]
    assert [(reject.where, reject.payload) for reject in rejects(batches)] == [("line 2", bad)]


def test_an_array_that_goes_on_behind_a_bracket_out_of_place(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[{"id": "1", "text": "a"}, {"id": 2, "n": [oops]]}, {"id": "3", "text": "c"}]', "posts.json"
    )
    batches = fetch(path)
    assert ids(batches) == ["1", "3"]
