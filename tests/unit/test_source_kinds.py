"""How a source is found by its kind, and what is said when it cannot be."""

import sys
from pathlib import Path

import pytest

from cxlisten.collect import load_source, source_kinds, sources
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


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("toy_bare", "", r"cxlisten/collect/sources/toy_bare\.py must end with  SOURCE = YourClass"),
        ("toy_object", "SOURCE = 'Toy'", "must end with  SOURCE = YourClass"),
        ("toy_broken", "class Toy(", r"toy_broken\.py cannot be imported: SyntaxError: .*line 1"),
        ("toy_astray", "import cxlisten.nowhere", "cannot be imported: ModuleNotFoundError: .*cxlisten.nowhere"),
        ("toy_half", "from cxlisten.collect import Source\nclass Toy(Source):\n    def check(self): ...\nSOURCE = Toy",
         r"toy_half\.py: Toy must define estimate, fetch"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_source_is_told_what_it_lacks(
    kind: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{kind}.py").write_text(text)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    assert kind in source_kinds()
    with pytest.raises(ConfigError, match=message):
        load_source("x", kind, {})
