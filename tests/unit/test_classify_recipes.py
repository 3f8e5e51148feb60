"""Recipes: found by name, and every way that one cannot be used is said."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cxlisten import classify
from cxlisten.classify import Classifier, Recipe, executors, load_classifier, load_recipe, recipe_names
from cxlisten.errors import ClassifierError, InputError, MissingExtra
from cxlisten.models import Tagged


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder with one recipe, `mine`, whose file is still to be written."""
    monkeypatch.setattr(classify, "content_dir", lambda _: tmp_path)
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def test_a_recipe_is_its_folder(folder: Path) -> None:
    (folder / "classifier.toml").write_text('version = 2\nengine = "textcat"\nlanguages = ["en"]\n')
    recipe = load_recipe("mine")
    assert recipe_names() == ["mine"]
    assert (recipe.version, recipe.engine, recipe.settings) == ("2", "textcat", {"languages": ["en"]})


def test_an_unknown_recipe_names_those_that_are(folder: Path) -> None:
    (folder / "classifier.toml").write_text('version = "1"\nengine = "textcat"\nlanguages = ["en"]\n')
    with pytest.raises(ClassifierError, match=r'no recipe "yours"; there is mine'):
        load_recipe("yours")


@pytest.mark.parametrize(
    "content", ["version = ", 'version = "1"\n', 'engine = "textcat"\n', 'version = "1"\nengine = "textcat"\n']
)
def test_a_wrong_file_is_named(folder: Path, content: str) -> None:
    (folder / "classifier.toml").write_text(content)
    with pytest.raises(ClassifierError, match=r"classifier\.toml"):
        load_recipe("mine")


def test_an_engine_only_sees_texts_in_the_languages_of_its_recipe(tmp_path: Path) -> None:
    class Engine:
        def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
            seen.extend(zip(texts, langs, strict=True))
            return [Tagged(lang, "neutral", 0.5) for lang in langs]

    seen: list[tuple[str, str | None]] = []
    spanish, english = (
        "El pedido llegó tarde y nadie contesta el teléfono",
        "The waiter was rude and the soup was cold.",
    )
    unclear = "gr8 svc thx"
    texts, claims = [spanish, unclear, english, unclear, unclear], ["en", "en-GB", None, "de", None]
    tagged = Classifier(Recipe("mine", "1", "stub", tmp_path, {"languages": ["en"]}), Engine()).tag(texts, claims)
    assert seen == [(unclear, "en"), (english, "en"), (unclear, None)]
    assert [(one.lang, one.sentiment) for one in tagged] == [
        ("es", None), ("en", "neutral"), ("en", "neutral"), ("de", None), (None, "neutral"),
    ]  # fmt: skip


def test_an_unknown_engine_is_said(folder: Path) -> None:
    (folder / "classifier.toml").write_text('version = "1"\nengine = "oracle"\nlanguages = ["en"]\n')
    with pytest.raises(ClassifierError, match='no engine "oracle"'):
        load_classifier("mine")


@pytest.mark.parametrize(("engine", "library", "extra"), [("textcat", "spacy", "nlp"), ("hub", "torch", "train")])
def test_a_missing_library_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, engine: str, library: str, extra: str
) -> None:
    (folder / "classifier.toml").write_text(f'version = "1"\nengine = "{engine}"\nlanguages = ["en"]\n')
    for module in [name for name in sys.modules if name.startswith((library, "cxlisten.classify."))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"{library}.*cxlisten\[{extra}\]"):
        load_classifier("mine")


def test_an_unknown_executor_is_said() -> None:
    with pytest.raises(InputError, match="there is serial, pool"):
        next(executors.run("cx_spacy", [], executor="cloud"))
