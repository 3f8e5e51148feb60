"""Feeds as they are in the wild: without dates, cut, rolled over, blocked, unchanged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cxlisten.collect import Budget, load_source
from cxlisten.errors import ConfigError, NotFound, Protocol, Transient
from cxlisten.models import Batch, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.server import FakeServer, Reply, Request

RSS = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>T</title>{}</channel></rss>'
ITEM = (
    "<item><title>Title {n}</title><link>https://blog.example/{n}</link><guid>https://blog.example/{n}</guid>"
    "<pubDate>Mon, 06 May 2024 07:08:{n:02} +0200</pubDate><description>Text {n}</description></item>"
)


class Site:
    """Pages by path."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply] = {}
        self.server = FakeServer(self.answer)

    def answer(self, request: Request) -> Reply:
        return self.pages.get(request.path, Reply(b"", 404))

    def put(self, body: str | bytes, path: str = "/feed", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Reply(body.encode() if isinstance(body, str) else body, 200, named)


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    with one.server:
        yield one


def fetch(
    site: Site, cursor: Any = None, paths: tuple[str, ...] = ("/feed",), budget: Budget | None = None
) -> list[Batch]:
    source = load_source("blog", "rss", {"urls": [site.server.url + path for path in paths]})
    return list(source.fetch(Query("q", "b", ""), json.loads(json.dumps(cursor)), budget or Budget(), Clock()))


def posts(batches: list[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def items(*numbers: int) -> str:
    return RSS.format("".join(ITEM.format(n=n) for n in numbers))


def test_an_entry(site: Site) -> None:
    site.put(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB"><title>F</title><entry>'
        "<id>tag:x,2024:1</id><title type='html'>Fish &amp;amp; chips</title><link href='/1'/>"
        "<published>2024-05-06T07:08:09+02:00</published><updated>2024-05-07T00:00:00Z</updated>"
        "<author><name>Someone</name></author>"
        "<summary>short</summary><content type='html'>&lt;p&gt;Long &lt;a href='https://example.org/abc'&gt;"
        "https://example.org/a…&lt;/a&gt;&lt;script&gt;x()&lt;/script&gt;</content></entry></feed>"
    )
    (post,) = posts(fetch(site))
    assert post.text == "Fish & chips\nLong https://example.org/abc"
    assert (post.platform, post.native_id, post.title) == ("rss", "tag:x,2024:1", "Fish & chips")
    assert post.url == f"{site.server.url}/1"
    assert post.posted_at == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert post.edited_at == datetime(2024, 5, 7, tzinfo=UTC)
    assert post.author == "Someone"


def test_reddits_atom_is_reddit(site: Site) -> None:
    site.put(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>new</title><entry><author><name>/u/someone</name></author>'
        '<content type="html">&lt;!-- SC_OFF --&gt;&lt;div class="md"&gt;&lt;p&gt;The body&lt;/p&gt;&lt;/div&gt;'
        "&lt;!-- SC_ON --&gt; submitted by &lt;a href='https://www.reddit.com/user/someone'&gt; /u/someone &lt;/a&gt;"
        '</content><id>t3_abc</id><link href="https://www.reddit.com/r/x/comments/abc/t/"/><title>The title</title>'
        "<updated>2024-05-06T07:08:09+00:00</updated></entry>"
        '<entry><content type="html">&lt;div class="md"&gt;A reply&lt;/div&gt;</content><id>t1_def</id>'
        '<link href="https://www.reddit.com/r/x/comments/abc/t/def/"/><title>/u/someone on The title</title>'
        "<updated>2024-05-06T07:08:09+00:00</updated></entry></feed>"
    )
    one, other = posts(fetch(site))
    assert (one.platform, one.native_id, one.kind, one.text) == ("reddit", "t3_abc", "post", "The title\nThe body")
    assert (other.native_id, other.kind, other.text) == ("t1_def", "comment", "A reply")
    assert (one.author, other.author) == ("someone", None)
    assert (one.thread_id, other.thread_id) == ("t3_abc", "t3_abc")
    assert {one.terms, other.terms} == {"reddit-48h"}


def test_what_reddits_atom_shows_of_posts_that_are_gone(site: Site) -> None:
    entry = (
        '<entry>{}<content type="html">&lt;div class="md"&gt;&lt;p&gt;{}&lt;/p&gt;&lt;/div&gt;</content><id>t3_{}</id>'
        '<link href="https://www.reddit.com/r/x/comments/abc/t/"/><title>T</title>'
        "<updated>2024-05-06T07:08:09+00:00</updated></entry>"
    )
    entries = [
        entry.format("", "[removed]", "a"),
        entry.format("<author><name>/u/[deleted]</name></author>", "[deleted]", "b"),
        entry.format("<author><name>/u/[deleted]</name></author>", "still there", "c"),
    ]  # fmt: skip
    site.put(f'<feed xmlns="http://www.w3.org/2005/Atom"><title>new</title>{"".join(entries)}</feed>')
    batches = fetch(site)
    gone = [(change.native_id, change.state) for batch in batches for change in batch.deletes]
    assert gone == [("t3_a", "removed_by_mod"), ("t3_b", "deleted_by_author")]
    assert [(post.native_id, post.author) for post in posts(batches)] == [("t3_c", None)]


def test_an_id_that_is_no_address_belongs_to_its_feed(site: Site) -> None:
    for path in ("/a", "/b"):
        site.put(RSS.format("<item><guid>7</guid><title>x</title></item><item><title>no id</title></item>"), path)
    found = posts(fetch(site, paths=("/a", "/b")))
    assert len({post.native_id for post in found}) == 4
    assert posts(fetch(site, paths=("/a",)))[1].native_id == found[1].native_id


def test_posts_without_a_date_keep_the_time_they_were_first_seen(site: Site) -> None:
    undated = "<item><guid>https://x/1</guid><title>x</title><pubDate>yesterday</pubDate></item>"
    site.put(RSS.format(undated))
    first = fetch(site)
    assert "without a date" in first[0].notes[0]
    cursor = json.loads(json.dumps(first[-1].cursor_after))
    (state,) = cursor["feeds"].values()
    state["undated"] = dict.fromkeys(state["undated"], 1_700_000_000)  # as if that was long ago
    site.put(RSS.format(undated + ITEM.format(n=2)))
    assert posts(fetch(site, cursor))[0].posted_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_an_unchanged_feed_is_not_sent_again(site: Site) -> None:
    site.put(items(1), ETag='"v1"', Last_Modified="Mon, 06 May 2024 07:08:09 GMT")
    first = fetch(site)
    site.pages["/feed"] = Reply(b"", 304)
    (batch,) = fetch(site, first[-1].cursor_after)
    asked = site.server.requests[-1].headers
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', "Mon, 06 May 2024 07:08:09 GMT")
    assert (list(batch.posts), batch.n_asked, batch.complete) == ([], 1, True)
    assert batch.cursor_after == first[-1].cursor_after


def test_a_feed_that_rolled_over_leaves_a_gap(site: Site) -> None:
    site.put(items(1, 2, 3))
    first = fetch(site)
    site.put(items(3, 4, 5))
    second = fetch(site, first[-1].cursor_after)
    assert [gap for batch in second for gap in batch.gaps] == []
    site.put(items(8, 9))
    third = fetch(site, second[-1].cursor_after)
    (gap,) = (gap for batch in third for gap in batch.gaps)
    assert (gap.since, gap.until) == (
        datetime(2024, 5, 6, 5, 8, 5, tzinfo=UTC),
        datetime(2024, 5, 6, 5, 8, 8, tzinfo=UTC),
    )
    assert "rolled over" in gap.reason


def test_an_empty_feed_forgets_nothing(site: Site) -> None:
    site.put(items(1))
    first = fetch(site)
    site.put(RSS.format(""))
    second = fetch(site, first[-1].cursor_after)
    site.put(items(8))
    assert [gap for batch in fetch(site, second[-1].cursor_after) for gap in batch.gaps]


def test_a_cut_feed_is_not_checkpointed(site: Site) -> None:
    whole = items(1, 2, 3)
    site.put(whole[: whole.index("Text 3")], ETag='"v1"')
    first = fetch(site)
    assert [post.text for post in posts(first)] == ["Title 1\nText 1", "Title 2\nText 2"]
    assert "cut short" in first[0].notes[0]
    site.put(whole, ETag='"v1"')
    second = fetch(site, first[-1].cursor_after)
    assert "If-None-Match" not in site.server.requests[-1].headers
    assert len(posts(second)) == 3


@pytest.mark.parametrize("n_bytes", [1, 2, 3])
def test_a_feed_that_is_cut_within_a_character_is_read_as_what_it_is(site: Site, n_bytes: int) -> None:
    whole = items(1, 2, 3).replace("Text 1", "café").replace("Text 3", "\N{POUTING FACE}").encode()
    site.put(whole[: whole.index("\N{POUTING FACE}".encode()) + n_bytes])
    assert [post.text for post in posts(fetch(site))] == ["Title 1\ncafé", "Title 2\nText 2"]


def test_a_feed_that_is_not_well_formed_is_read_and_read_again(site: Site) -> None:
    site.put(items(1, 2).replace("Text 1", "Text &nbsp; 1 <b>"), ETag='"v1"')
    first = fetch(site)
    assert [post.native_id[-1] for post in posts(first)] == ["1", "2"]
    assert "not well-formed" in first[0].notes[0]
    fetch(site, first[-1].cursor_after)
    assert "If-None-Match" not in site.server.requests[-1].headers


@pytest.mark.parametrize("body", ["<html><body>blocked", "", "{}", "whoa there, pardner"])
def test_a_page_that_is_no_feed(site: Site, body: str) -> None:
    site.put(body, Content_Type="text/html")
    with pytest.raises(Protocol, match="no feed"):
        fetch(site)
    assert not load_source("blog", "rss", {"urls": [f"{site.server.url}/feed"]}).check().ok


def test_one_bad_entry_in_a_hundred(site: Site) -> None:
    bad = "<item><guid>https://x/none</guid><title> </title></item>"
    site.put(RSS.format("".join(ITEM.format(n=n % 60).replace("example/", f"example/{n}-") for n in range(99)) + bad))
    batches = fetch(site)
    assert len(posts(batches)) == 99
    (reject,) = batches[0].rejected
    assert "https://x/none" in reject.payload


def test_a_kept_reject_is_mapped_again_as_of_its_feed(site: Site) -> None:
    site.put(
        RSS.format("<item><guid>7</guid><link>/7</link><title> </title></item>").replace(
            "<title>T", "<language>en-GB</language><title>T"
        )
    )
    source = load_source("blog", "rss", {"urls": [f"{site.server.url}/feed?token=t0ken"]})
    (batch, _) = source.fetch(Query("q", "b", ""), None, Budget(), Clock())
    (reject,) = batch.rejected
    assert "t0ken" not in reject.payload
    item, now = json.loads(reject.payload), datetime.now(UTC)
    with pytest.raises(ValueError, match=reject.reason):
        source.post(item, now)
    post = source.post(item | {"title": "A title"}, now)
    assert isinstance(post, Post)
    place = f"127.0.0.1:{site.server.port}/feed"
    assert (post.native_id, post.url, post.lang, post.posted_at) == (
        f"{place}#7", f"{site.server.url}/7", "en", now.replace(microsecond=0),
    )  # fmt: skip
    for odd in (None, {}, {"title": "of an older version, which did not keep the feed"}):
        with pytest.raises(ValueError, match="which feed"):
            source.post(odd, now)


def test_another_charset_than_declared(site: Site) -> None:
    site.put(
        RSS.format("<item><guid>https://x/1</guid><title>café</title></item>"),
        Content_Type="text/xml; charset=us-ascii",
    )
    batches = fetch(site)
    assert posts(batches)[0].text == "café"
    assert not any("well-formed" in note for note in batches[0].notes)


def test_one_feed_that_fails_does_not_stop_the_others(site: Site) -> None:
    site.put(items(1), "/a")
    site.put(items(2), "/c")
    source = load_source("blog", "rss", {"urls": [site.server.url + path for path in ("/a", "/gone", "/c")]})
    landed: list[Batch] = []
    with pytest.raises(NotFound, match="1 of 3 feeds failed"):
        landed.extend(source.fetch(Query("q", "b", ""), None, Budget(), Clock()))
    assert len(posts(landed)) == 2
    assert not landed[-1].complete


def test_a_server_that_is_down(site: Site) -> None:
    site.server.every = faults.answers(503)
    with pytest.raises(Transient, match="1 of 1"):
        fetch(site)


def test_a_spent_budget_leaves_the_other_feeds_for_the_next_run(site: Site) -> None:
    site.put(items(1), "/a")
    site.put(items(2), "/b")
    batches = fetch(site, paths=("/a", "/b"), budget=Budget(requests=1))
    assert len(posts(batches)) == 1
    assert "/b on were not read" in batches[-1].notes[0]
    assert not batches[-1].complete


def test_a_readers_token_goes_nowhere_but_to_the_platform(site: Site) -> None:
    site.put(items(1))
    batches = fetch(site, paths=("/feed?user=x&feed=t0ken",))
    site.put(RSS.format("<item><title>undated</title></item>")[:-40])
    batches += fetch(site, batches[-1].cursor_after, paths=("/feed?user=x&feed=t0ken",))
    assert site.server.requests[0].params["feed"] == "t0ken"
    shown = [(batch.cursor_after, batch.notes, [post.raw for post in batch.posts]) for batch in batches]
    assert "t0ken" not in json.dumps(shown)


@pytest.mark.parametrize("urls", [[], ["blog.example/feed"], ["file:///etc/passwd"], ["http://[::1"], "https://x/feed"])
def test_addresses_that_are_none(urls: Any) -> None:
    with pytest.raises(ConfigError, match="urls"):
        load_source("blog", "rss", {"urls": urls})
