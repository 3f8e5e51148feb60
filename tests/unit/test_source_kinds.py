"""How a source is found by its kind, and what is said when it cannot be."""

import sys

import pytest

from cxlisten.collect import load_source, source_kinds
from cxlisten.errors import ConfigError, MissingExtra


def test_every_file_of_the_folder_is_a_kind() -> None:
    assert {"file", "hackernews", "rss"} <= set(source_kinds())


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r'source "x": unknown kind "hackernew"; there is .*hackernews'):
        load_source("x", "hackernew", {})


def test_a_library_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("cxlisten.collect.sources.rss", "cxlisten.collect.feed"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "feedparser", None)
    with pytest.raises(MissingExtra, match=r"feedparser is not installed: .*cxlisten\[sources\]"):
        load_source("blog", "rss", {"urls": ["https://blog.example/feed"]})


def test_every_mistake_in_the_options_is_listed() -> None:
    with pytest.raises(ConfigError) as caught:
        load_source("reviews", "file", {"pth": "a.csv", "timezone": "Mars"})
    assert len(caught.value.problems) == 3
    assert all('source "reviews"' in problem for problem in caught.value.problems)
