"""The encoder is trained here, small: it learns, and goes on where it was broken off."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from cxlisten.classify import Recipe
from cxlisten.errors import ClassifierError, InputError
from cxlisten.taxonomy import RING_NAMES

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cxlisten[train]'")
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RING, OTHER = RING_NAMES[2], RING_NAMES[4]
POSTS = [
    ("the staff were rude", {RING: "negative"}, {RING: "staff were rude"}, "negative"),
    ("the staff were kind", {RING: "positive"}, {RING: "staff were kind"}, "positive"),
    ("the shop was dirty", {OTHER: "negative"}, {OTHER: "shop was dirty"}, "negative"),
    ("the shop was lovely", {OTHER: "positive"}, {OTHER: "shop was lovely"}, "positive"),
    ("hello 😀 everyone http://a.example/b", {}, {}, "neutral"),
]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """A recipe with a tiny BERT of random weights to start from."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    torch.set_num_threads(1)
    base = tmp_path / "base"
    config = BertConfig(
        vocab_size=80, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=256, initializer_range=0.2,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(base)
    words = sorted(
        {word for text, *_ in POSTS for word in text.split() if word.isalpha()} | {"http", "grinning", "face"}
    )
    special = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]"]
    vocab = {word: place for place, word in enumerate([*special, *words])}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [
            {"id": vocab[word], "content": word, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for word in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
        ],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": {"type": "BertProcessing"}
        | {part: [f"[{part.upper()}]", vocab[f"[{part.upper()}]"]] for part in ("sep", "cls")},
        "decoder": None,
        "model": {
            "type": "WordPiece", "vocab": vocab, "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
        },
    }  # fmt: skip
    (base / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    sha256 = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    train = {"seed": 1, "epochs": 60, "batch": 8, "learn_rate": 3e-3, "head_learn_rate": 1e-2}
    settings = {"base": {"folder": str(base), "sha256": sha256}, "train": train, "languages": ["en"]}
    return Recipe("tiny", "1", "encoder", tmp_path, settings)


def lessons(times: int = 6) -> list[dict[str, Any]]:
    return [
        {"text": text, "rings": rings, "spans": spans, "sentiment": sentiment, "file": "authored", "importance": 1.0}
        for text, rings, spans, sentiment in POSTS * times
    ]


def load_engine(recipe: Recipe, sha256: str) -> Any:
    from cxlisten.classify.engines.encoder import load

    recipe.settings["sha256"] = sha256
    recipe.settings["least_score"] = {
        "ring": dict.fromkeys(RING_NAMES, 0.5), "facet": 0.5, "benefits": 0.5, "signals": 0.5, "evidence": 0.4,
        "noise": 0.5,
    }  # fmt: skip
    return load(recipe)


@pytest.mark.parametrize(("options", "units"), [({}, 64), ({"feed_forward": 48, "rounded": 0.4}, 48)])
def test_it_learns_and_its_int8_graph_says_so(recipe: Recipe, options: dict[str, Any], units: int) -> None:
    from cxlisten.bench import limit
    from cxlisten.classify.training.encoder import train

    recipe.settings["train"] |= options
    engine = load_engine(recipe, train(recipe, lessons()))
    tagged = engine.tag([text for text, *_ in POSTS], ["en"] * len(POSTS))
    for (text, rings, spans, sentiment), one in zip(POSTS, tagged, strict=True):
        assert {tag.ring: tag.sentiment for tag in one.rings} == rings
        assert {tag.ring: text[slice(*tag.evidence)] for tag in one.rings} == spans
        assert one.sentiment == sentiment
    assert not (recipe.folder / "checkpoint.pt").exists()
    assert (32, units) in limit.read_shapes(recipe.folder / "model" / "rings.onnx").linear
    assert "😀" in (recipe.folder / "model" / "tokenizer.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("broken_at", [20, 35], ids=["before it rounds", "while it rounds"])
def test_broken_off_it_goes_on_to_the_same_end(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, broken_at: int) -> None:
    from cxlisten.classify.encoder import learning
    from cxlisten.classify.training.encoder import train

    monkeypatch.setattr(learning, "_REPORT_EVERY", 10)
    recipe.settings["train"] |= {"epochs": 10, "feed_forward": 48, "rounded": 0.4}
    whole = train(recipe, lessons())
    set_rate = learning._set_rate

    def break_off(optimizer: Any, step: int, n_steps: int) -> None:
        assert n_steps == 40
        if step == broken_at:
            raise KeyboardInterrupt
        set_rate(optimizer, step, n_steps)

    monkeypatch.setattr(learning, "_set_rate", break_off)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, lessons())
    monkeypatch.setattr(learning, "_set_rate", set_rate)
    assert (recipe.folder / "checkpoint.pt").exists()
    assert train(recipe, lessons()) == whole


def test_a_checkpoint_of_other_posts_is_not_gone_on_from(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    from cxlisten.classify.encoder import learning
    from cxlisten.classify.training.encoder import train

    monkeypatch.setattr(learning, "_REPORT_EVERY", 1)
    monkeypatch.setattr(learning, "_step", break_off_at_the_second_call())
    with pytest.raises(KeyboardInterrupt):
        train(recipe, lessons())
    with pytest.raises(InputError, match=r"checkpoint.pt is of other posts or options .* delete it"):
        train(recipe, lessons(7))


@pytest.mark.parametrize("last", ["authored", "mistaken"])
def test_a_file_may_have_another_share_in_each_epoch(recipe: Recipe, last: str) -> None:
    from cxlisten.classify.training.encoder import train

    other = {"positive": "negative", "negative": "positive", "neutral": "neutral"}
    mistaken = [post | {"file": "mistaken", "sentiment": other[post["sentiment"]]} for post in lessons()]
    first = "mistaken" if last == "authored" else "authored"
    recipe.settings["train"]["share"] = {first: [1.0] * 10 + [0.0] * 50, last: [0] * 10 + [1] * 50}
    engine = load_engine(recipe, train(recipe, lessons() + mistaken))
    told = [one.sentiment for one in engine.tag([text for text, *_ in POSTS], ["en"] * len(POSTS))]
    right = [sentiment for *_, sentiment in POSTS]
    assert told == (right if last == "authored" else [other[sentiment] for sentiment in right])


def break_off_at_the_second_call() -> Any:
    calls = iter([0.0])

    def step(*given: Any) -> float:
        for loss in calls:
            return loss
        raise KeyboardInterrupt

    return step


def test_with_neither_labels_nor_a_teacher_nothing_is_trained(recipe: Recipe) -> None:
    from cxlisten.classify.training.encoder import train

    with pytest.raises(InputError, match="nothing is known of its posts"):
        train(recipe, [{"text": "the shop was dirty", "file": "unlabelled", "importance": 1.0}] * 9)
    assert not (recipe.folder / "model").exists()


def test_a_student_learns_posts_without_labels_and_texts_made_of_them_from_its_teacher(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from cxlisten.classify.encoder.learning import learn
    from cxlisten.classify.training import encoder

    load_engine(recipe, encoder.train(recipe, lessons()))
    folder = tmp_path / "student"
    folder.mkdir()
    teaching = {"recipe": "tiny", "share": 0.5, "readings": "readings.npz", "augmented": {"default": 3}}
    settings = recipe.settings | {"train": recipe.settings["train"] | {"teacher": teaching, "epochs": 20}}
    student = Recipe("student", "1", "encoder", folder, settings)
    monkeypatch.setattr(encoder, "load_recipe", lambda name: recipe)
    unlabelled = [{key: post[key] for key in ("text", "file", "importance")} for post in lessons()]
    learned = []
    monkeypatch.setattr(
        encoder, "learn", lambda network, examples, *rest: learned.append(examples) or learn(network, examples, *rest)
    )
    engine = load_engine(student, encoder.train(student, unlabelled))
    assert len(unlabelled) < len(learned[0]) <= 4 * len(unlabelled)
    tagged = engine.tag([text for text, *_ in POSTS], ["en"] * len(POSTS))
    assert [{tag.ring: tag.sentiment for tag in one.rings} for one in tagged] == [rings for _, rings, *_ in POSTS]

    # Where the teacher is not trained, its readings serve; of what it has not read nothing is known.
    shutil.rmtree(recipe.folder / "model")
    encoder.train(student, [*unlabelled, {"text": "good day", "file": "other", "importance": 1.0}])
    assert len(learned[1]) == len(learned[0])
    assert f"no teacher for 1 of {len(learned[0]) + 1} texts" in caplog.text


def test_a_recipe_may_ask_for_float32_and_have_an_mpnet(recipe: Recipe) -> None:
    from transformers import MPNetConfig, MPNetModel

    from cxlisten.bench import limit
    from cxlisten.classify.training.encoder import train

    config = MPNetConfig(
        vocab_size=80, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=300, initializer_range=0.2,
    )  # fmt: skip
    base = Path(recipe.settings["base"]["folder"])
    MPNetModel(config, add_pooling_layer=False).save_pretrained(base)
    recipe.settings["base"]["sha256"] = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    recipe.settings["train"] |= {"precision": "float32", "epochs": 20}
    engine = load_engine(recipe, train(recipe, lessons()))
    assert [one.sentiment for one in engine.tag([text for text, *_ in POSTS], ["en"] * 5)] == [
        sentiment for *_, sentiment in POSTS
    ]
    assert "int8 only" in str(limit.lack(recipe.folder / "model" / "rings.onnx"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "int4"}, r'precision = "int4".*int8'),
        ({"rounded": 1.5}, r"rounded = 1.5 .* from 0 to 1"),
        ({"precision": "float32", "rounded": 0.1}, r"rounded = 0.1 .* precision is not int8"),
        ({"feed_forward": 64}, r"feed_forward = 64 .* less than the 64 units"),
        ({"feed_forward": 0}, r"feed_forward = 0 .* more than 0"),
        ({"teacher": {"head_share": {"sentimant": 0.5}}}, r"sentimant in \[train.teacher.head_share\] is neither"),
        ({"share": {"authored": 1.5}}, r"authored = 1.5 in \[train.share\] must be from 0 to 1"),
        ({"share": {"authored": [1.0, 0.5]}}, r"authored = \[1.0, 0.5\] .* one for each of the 60 epochs"),
        ({"teacher": {"augmented": {"authored": 2}}}, r"augmented\] must say how many .* a default"),
        ({"teacher": {"augmented": {"default": 2, "authored": -1}}}, r"augmented\] must say how many .* from 0 on"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_learned(
    recipe: Recipe, options: dict[str, Any], said: str
) -> None:
    from cxlisten.classify.training.encoder import train

    recipe.settings["train"] |= options
    with pytest.raises(InputError, match=said):
        train(recipe, lessons())
    assert not (recipe.folder / "model").exists()


def test_other_base_weights_than_those_named_are_refused(recipe: Recipe) -> None:
    from cxlisten.classify.encoder.weights import find_base

    with pytest.raises(ClassifierError, match="not the base model that the recipe names"):
        find_base(recipe.settings["base"] | {"sha256": "0" * 64})
    with pytest.raises(ClassifierError, match="pip install --no-deps no-such-package==1"):
        find_base({"package": "no-such-package==1", "sha256": ""})


@pytest.fixture
def parts(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The tiny base model as the packages that are asked for, each with a part of a zip of it; all are installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))  # type: ignore[no-untyped-call]
    with ZipFile(tmp_path / "whole.zip", "w") as whole:
        for path in sorted((tmp_path / "base").iterdir()):
            whole.write(path, f"a-base-model/{path.name}")
        whole.writestr("a-base-model/1_Pooling/config.json", "{}")
    packed = (tmp_path / "whole.zip").read_bytes()
    third = len(packed) // 3 + 1
    for number in range(3):
        name = f"base-model-part-00{number + 1}"
        file = tmp_path / "site" / name / f"a.zip.00{number + 1}"
        file.parent.mkdir(parents=True)
        file.write_bytes(packed[number * third : (number + 1) * third])
        about = tmp_path / "site" / f"{name.replace('-', '_')}-0.0.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n", encoding="utf-8")
        (about / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/{file.name},,\n", encoding="utf-8")
    packages = [f"base-model-part-00{number + 1}==0.0.1" for number in range(3)]
    return {"packages": packages, "sha256": recipe.settings["base"]["sha256"]}


def test_a_base_model_in_parts_is_joined_once(parts: dict[str, Any], tmp_path: Path) -> None:
    from cxlisten.classify.encoder.weights import find_base

    base = find_base(parts)
    assert base.folder == tmp_path / "cache" / "cxlisten" / parts["sha256"][:12]
    assert sorted(path.name for path in base.folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert list(base.folder.parent.iterdir()) == [base.folder]
    assert base.encoder().config.hidden_size == 32
    shutil.rmtree(tmp_path / "site")
    assert find_base(parts) == base


def test_a_missing_part_is_named_with_the_command_that_installs_it(parts: dict[str, Any], tmp_path: Path) -> None:
    from cxlisten.classify.encoder.weights import find_base

    shutil.rmtree(tmp_path / "site" / "base_model_part_002-0.0.1.dist-info")
    with pytest.raises(ClassifierError, match=r"pip install --no-deps base-model-part-002==0.0.1  \("):
        find_base(parts)


def test_parts_of_something_else_are_refused_and_not_kept(parts: dict[str, Any], tmp_path: Path) -> None:
    from cxlisten.classify.encoder.weights import find_base

    with pytest.raises(ClassifierError, match="not the base model that the recipe names"):
        find_base(parts | {"sha256": "0" * 64})
    with pytest.raises(ClassifierError, match=r"are not a zip with config\.json"):
        find_base(parts | {"packages": parts["packages"][:2]})
    assert list((tmp_path / "cache" / "cxlisten").iterdir()) == []
