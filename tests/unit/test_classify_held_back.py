"""Posts that a recipe holds back: never learned from, and measured on together with their evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cxlisten.classify import Classifier, Recipe, evaluate
from cxlisten.classify.training import read_corpus, read_held_back
from cxlisten.cli import main
from cxlisten.errors import InputError
from cxlisten.models import RingTag, Tagged

LAMPS = {"id": "r1", "text": "Lovely lamps!", "rings": {"product": "positive"}, "sentiment": "positive"}
DEAR = {"id": "t1", "text": "so dear, never again", "label": "negative"}
COPY = {"id": "r2", "text": "lovely lamps https://a.example/b", "label": "positive"}
OTHER = {"id": "r3", "text": "lovely lamp", "label": "positive"}


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """A recipe that holds back two posts: one whole, and one of which it carries the labels only."""
    folder = tmp_path / "classifiers" / "mine"
    write(folder / "corpus" / "labels.jsonl", {"id": "t1", "rings": {"price": "negative"}, "spans": {"price": [0, 7]}})
    write(folder / "corpus" / "authored.jsonl", {"text": "meh"})
    (folder.parent / "held_back.txt").write_text("r1\nt1\n", encoding="utf-8")
    return Recipe("mine", "1", "textcat", folder, {"train": {"held_back": "../held_back.txt"}, "languages": ["en"]})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lamps = LAMPS | {"spans": {"product": "Lovely lamps"}}
    write(tmp_path / "data" / "real.jsonl", lamps, DEAR, COPY, OTHER)
    return tmp_path / "data"


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_they_are_not_learned_from_under_another_id_either(recipe: Recipe, data: Path) -> None:
    assert [row["text"] for row in read_corpus(recipe, data)] == ["meh", "lovely lamp"]


def test_a_recipe_that_holds_none_back_learns_from_all(recipe: Recipe, data: Path) -> None:
    recipe.settings["train"] = {}
    assert len(read_corpus(recipe, data)) == 5
    with pytest.raises(InputError, match=r"held_back in \[train\]"):
        read_held_back(recipe, data)


def test_all_of_them_must_be_at_hand(recipe: Recipe, data: Path) -> None:
    write(data / "real.jsonl", LAMPS)
    with pytest.raises(InputError, match="lacks 1 of the 2 posts that mine holds back"):
        read_held_back(recipe, data)


def test_the_evidence_is_measured_on_them(recipe: Recipe, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine:
        def tag(self, texts: list[str], langs: list[str | None]) -> list[Tagged]:
            ring = {LAMPS["text"]: "product", DEAR["text"]: "price"}
            return [Tagged("en", "negative", 1.0, (RingTag(ring[text], "negative", 1.0, (0, 6)),)) for text in texts]

    monkeypatch.setattr(evaluate, "load_classifier", lambda _: Classifier(recipe, Engine()))
    command = ["evaluate", "mine", "--held-back", "--data", str(data)]
    result = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    # Of two words each, told by words and by place, it finds "Lovely" and both of "so dear,".
    assert (result["n"], result["evidence_f1"], result["joint_micro_f1"]) == (2, 0.8571, 0.5)
    assert result["sentiment_recall"] == {"negative": 1.0, "positive": 0.0}
    low, high = result["intervals"]["evidence_f1"]
    assert low < result["evidence_f1"] < high
    assert "evidence_f1" in CliRunner().invoke(main, command).stdout


@pytest.mark.parametrize(
    "arguments",
    [(), ("--held-back",), ("--data", "."), (__file__, "--held-back", "--data", "."), (__file__, "--data", ".")],
)
def test_they_take_the_place_of_a_gold_file(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, ["evaluate", "cx_spacy", *arguments])
    assert done.exit_code == 2
    assert "name GOLD" in done.stderr
