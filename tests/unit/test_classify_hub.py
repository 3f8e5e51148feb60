"""The hub engine on a tiny model that is made here: its words become tags, whatever it calls its labels."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cxlisten import classify
from cxlisten.classify import load_classifier
from cxlisten.errors import ClassifierError
from cxlisten.models import Tagged

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cxlisten[train]'")
pytestmark = pytest.mark.train

RUDE, FINE, KIND = (
    "the waiter was rude to everybody",
    "the waiter was there with everybody",
    "the waiter was kind to all",
)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({*f"{RUDE} {FINE} {KIND}".split()})]


def make_model(folder: Path, labels: Sequence[str], lessons: dict[str, set[str]], kind: str) -> None:
    """Save a BERT of one layer that was taught which labels some texts have."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(1)
    torch.set_num_threads(1)
    folder.mkdir(parents=True)
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40, initializer_range=0.3, hidden_dropout_prob=0.0, problem_type=kind,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)},
    )  # fmt: skip
    model = BertForSequenceClassification(config).train()
    inputs = tokenizer(list(lessons), padding=True, return_tensors="pt")
    truth = torch.tensor([[float(label in held) for label in labels] for held in lessons.values()])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        model(**inputs, labels=truth if kind.startswith("multi") else truth.argmax(dim=1)).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models: one that names its sentiments, one that does not, and one that knows of rings."""
    folder = tmp_path_factory.mktemp("weights")
    single = "single_label_classification"
    make_model(
        folder / "named",
        ["Positive", "NEGATIVE", "neutral"],
        {RUDE: {"NEGATIVE"}, FINE: {"neutral"}, KIND: {"Positive"}},
        single,
    )
    make_model(
        folder / "nameless",
        ["LABEL_0", "LABEL_1", "LABEL_2"],
        {RUDE: {"LABEL_0"}, FINE: {"LABEL_1"}, KIND: {"LABEL_2"}},
        single,
    )
    make_model(
        folder / "rings", ["bad", "good", "SERVICE", "ROOM_BAD"],
        {RUDE: {"bad", "SERVICE"}, FINE: {"good", "ROOM_BAD"}, KIND: {"good", "SERVICE"}}, "multi_label_classification",
    )  # fmt: skip
    return folder


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder with one recipe, `mine`, whose file is still to be written."""
    monkeypatch.setattr(classify, "content_dir", lambda _: tmp_path)
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def tag(recipe: Path, model: object, texts: list[str], *more: str) -> list[Tagged]:
    lines = ['version = "1"', 'engine = "hub"', f'model = "{model}"', 'languages = ["en"]', *more]
    (recipe / "classifier.toml").write_text("\n".join(lines), encoding="utf-8")
    return load_classifier("mine").tag(texts, [None] * len(texts))


@pytest.mark.parametrize("model", ["named", "nameless"])
def test_common_labels_are_understood(recipe: Path, weights: Path, model: str) -> None:
    tagged = tag(recipe, weights / model, [KIND, RUDE, FINE])
    assert [one.sentiment for one in tagged] == ["positive", "negative", "neutral"]
    assert all(one.sentiment_score > 0.5 and not one.rings for one in tagged)


def test_a_table_says_what_labels_mean(recipe: Path, weights: Path) -> None:
    rude, fine, kind = tag(
        recipe, weights / "rings", [f"  {RUDE}\n", FINE, KIND],
        "[labels]", 'bad = "negative"', 'good = "positive"', 'SERVICE = "people"', 'ROOM_BAD = "place/negative"',
    )  # fmt: skip
    assert [one.sentiment for one in (rude, fine, kind)] == ["negative", "positive", "positive"]
    assert [[(t.ring, t.sentiment) for t in one.rings] for one in (rude, fine, kind)] == [
        [("people", "negative")], [("place", "negative")], [("people", "positive")],
    ]  # fmt: skip
    assert rude.rings[0].evidence == (2, 2 + len(RUDE))


def test_a_folder_of_the_recipe_needs_no_path(recipe: Path, weights: Path) -> None:
    (recipe / "weights").symlink_to(weights / "named")
    assert tag(recipe, "weights", [RUDE])[0].sentiment == "negative"


def test_foreign_odd_and_long_texts_are_borne(recipe: Path, weights: Path) -> None:
    texts = ["El pedido llegó tarde y nadie contesta el teléfono", "", "\ud83d \0", RUDE * 5_000, "a" * 1_000_000]
    spanish, *others = tag(recipe, weights / "named", texts)
    assert spanish == Tagged("es", None, 0.0)
    assert all(one.sentiment for one in others)


def test_tags_do_not_depend_on_the_neighbours(recipe: Path, weights: Path) -> None:
    texts = [RUDE, KIND, FINE, "rude", "the", KIND * 7] * 8
    together = tag(recipe, weights / "named", texts)
    assert together[:6] == tag(recipe, weights / "named", texts[5::-1])[::-1]
    assert together[0] == tag(recipe, weights / "named", [RUDE])[0]


def test_a_model_that_is_not_there_says_where_to_put_it(recipe: Path) -> None:
    with pytest.raises(ClassifierError, match=r"classifier\.toml: .*mine/weights is no folder: put the model there"):
        tag(recipe, "./weights", [RUDE])


def test_a_folder_that_holds_no_model_is_named(recipe: Path) -> None:
    (recipe / "weights").mkdir()
    with pytest.raises(ClassifierError, match=r'model "\./weights" cannot be loaded: .*with its config\.json'):
        tag(recipe, "./weights", [RUDE])


@pytest.mark.parametrize(
    ("model", "lines", "message"),
    [
        ("rings", [], "say in .labels. which of bad, good, SERVICE, ROOM_BAD is positive"),
        ("named", ["[labels]", 'sad = "negative"'], '"sad", the model has Positive, NEGATIVE, neutral'),
        ("named", ["[labels]", 'NEGATIVE = "staff"'], '"NEGATIVE" = "staff": unknown ring "staff"'),
    ],
)
def test_labels_that_are_not_understood_are_named(
    recipe: Path, weights: Path, model: str, lines: list[str], message: str
) -> None:
    with pytest.raises(ClassifierError, match=message):
        tag(recipe, weights / model, [RUDE], *lines)


def test_a_recipe_without_a_model_is_named(recipe: Path) -> None:
    (recipe / "classifier.toml").write_text('version = "1"\nengine = "hub"\nlanguages = ["en"]\n', encoding="utf-8")
    with pytest.raises(ClassifierError, match=r"classifier\.toml: model is missing"):
        load_classifier("mine")
