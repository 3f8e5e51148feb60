"""Bluesky's source against servers of Bluesky's makers, which no test of ours has a hand in."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect.bluesky.search import BlueskySearch, _Session
from cxlisten.errors import Auth
from cxlisten.models import Batch, Post, Query
from tests.pds.start import network

pytestmark = pytest.mark.pds


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Any]]:
    with network() as there:
        yield there


@pytest.fixture
def source(servers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Source:
    BlueskySearch.sessions.clear()
    monkeypatch.setenv("BLUESKY_HANDLE", servers["handle"])
    monkeypatch.setenv("BLUESKY_APP_PASSWORD", servers["password"])
    urls = {"base_url": servers["pds"], "public_url": servers["appview"] or servers["pds"]}
    return load_source("sky", "bluesky", {"mode": "search", **urls})


@pytest.fixture
def searched(servers: dict[str, Any], source: Source) -> Source:
    if not servers["appview"]:
        pytest.skip("no AppView: set DB_POSTGRES_URL and REDIS_HOST")
    return source


def fetch(source: Source, cursor: Any = None, terms: str = "kettle") -> list[Batch]:
    return list(source.fetch(Query("q", "b", terms), cursor, Budget(), Event()))


def posts(batches: list[Batch]) -> dict[str, Post]:
    return {post.native_id: post for batch in batches for post in batch.posts}


def test_logs_in_and_renews(servers: dict[str, Any], source: Source) -> None:
    way = BlueskySearch("sky", source.options)
    with way.open(Budget(), Event()) as http:
        first = way._logged_in(http)
        second = way._renewed(http, first)
        assert second
        assert second.refresh != first.refresh


def test_a_wrong_password(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUESKY_APP_PASSWORD", "wrong")
    with pytest.raises(Auth, match="does not take BLUESKY_APP_PASSWORD"):
        fetch(source)


def test_a_record_that_is_there_and_one_that_is_not(servers: dict[str, Any], source: Source) -> None:
    uris = servers["posts"][0]["uri"], servers["deleted"]
    with BlueskySearch("sky", source.options).open(Budget(), Event()) as http:
        assert [source._state(http, uri) for uri in uris] == ["unknown_gone", "deleted_by_author"]


def test_finds_every_post(servers: dict[str, Any], searched: Source) -> None:
    batches = fetch(searched)
    found = posts(batches)
    assert set(found) == {post["uri"] for post in servers["posts"]}
    assert batches[-1].complete
    assert [batch.rejected for batch in batches if batch.rejected] == []
    first, second, third = (found[post["uri"]] for post in servers["posts"][:3])
    assert first.text == "kettle 🫖 at https://example.org/a/long/address"
    assert (first.version, first.lang, first.relation) == (servers["posts"][0]["cid"], "en", "original")
    assert (second.relation, second.parent_key) == ("reply", f"bluesky:{first.native_id}")
    assert (third.relation, third.ref_key) == ("quote", f"bluesky:{first.native_id}")
    assert first.metrics["replies"] == first.metrics["quotes"] == 1
    assert set(posts(fetch(searched, batches[-1].cursor_after))) == set(found)  # within the overlap


def test_a_token_that_is_no_good_is_renewed(servers: dict[str, Any], searched: Source) -> None:
    fetch(searched)
    ((who, session),) = BlueskySearch.sessions.items()
    BlueskySearch.sessions[who] = _Session("not.a.token", session.refresh)
    assert len(posts(fetch(searched))) == len(servers["posts"])
    assert BlueskySearch.sessions[who].access not in ("not.a.token", "")


def test_verify(servers: dict[str, Any], searched: Source) -> None:
    uris = [*(post["uri"] for post in servers["posts"]), servers["deleted"], servers["closed"]]
    states = {change.native_id: change.state for change in searched.verify(uris)}
    assert states == {servers["deleted"]: "deleted_by_author", servers["closed"]: "account_gone"}


def test_check_and_estimate(searched: Source) -> None:
    assert searched.check().ok
    assert searched.estimate(Query("q", "b", "kettle")).requests == 1
