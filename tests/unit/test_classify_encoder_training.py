"""The encoder is trained here, small: it learns, goes on where it was broken off, and keeps its answers in int8."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
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


def test_it_learns_and_its_int8_graph_says_so(recipe: Recipe) -> None:
    from cxlisten.classify.training.encoder import train

    engine = load_engine(recipe, train(recipe, lessons()))
    tagged = engine.tag([text for text, *_ in POSTS], ["en"] * len(POSTS))
    for (text, rings, spans, sentiment), one in zip(POSTS, tagged, strict=True):
        assert {tag.ring: tag.sentiment for tag in one.rings} == rings
        assert {tag.ring: text[slice(*tag.evidence)] for tag in one.rings} == spans
        assert one.sentiment == sentiment
    assert not (recipe.folder / "checkpoint.pt").exists()
    assert "😀" in (recipe.folder / "model" / "tokenizer.json").read_text(encoding="utf-8")


def test_broken_off_it_goes_on_to_the_same_end(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    from cxlisten.classify.encoder import learning
    from cxlisten.classify.training.encoder import train

    monkeypatch.setattr(learning, "_REPORT_EVERY", 10)
    recipe.settings["train"]["epochs"] = 10
    whole = train(recipe, lessons())
    set_rate = learning._set_rate

    def break_off(optimizer: Any, step: int, n_steps: int) -> None:
        if step == n_steps // 2:
            raise KeyboardInterrupt
        set_rate(optimizer, step, n_steps)

    monkeypatch.setattr(learning, "_set_rate", break_off)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, lessons())
    monkeypatch.setattr(learning, "_set_rate", set_rate)
    assert (recipe.folder / "checkpoint.pt").exists()
    assert train(recipe, lessons()) == whole


@pytest.fixture(params=["bert", "mpnet"])
def network(request: pytest.FixtureRequest) -> Any:
    """A tiny network of each kind of encoder, whose biases and places are not what they would be by chance: nothing."""
    from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

    from cxlisten.classify.encoder.network import RingNetwork

    torch.manual_seed(1)
    sizes = {
        "vocab_size": 80, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
        "max_position_embeddings": 300, "initializer_range": 0.2,
    }  # fmt: skip
    encoder = {
        "bert": lambda: BertModel(BertConfig(**sizes, layer_norm_eps=1e-12), add_pooling_layer=False),
        "mpnet": lambda: MPNetModel(MPNetConfig(**sizes, layer_norm_eps=1e-2), add_pooling_layer=False),
    }[request.param]()
    with torch.no_grad():
        for name, value in encoder.named_parameters():
            if value.ndim == 1 or "relative" in name:
                value += 0.3 * torch.randn_like(value)
    return RingNetwork(encoder).eval()


def examples(lengths: tuple[int, ...] = (3, 9, 40, 256)) -> list[Any]:
    from cxlisten.classify.encoder.examples import Example

    nothing = np.zeros(0, np.float32)
    ids = np.random.default_rng(1).integers(5, 80, (len(lengths), max(lengths)), np.int32)
    return [Example(row[:length], nothing, nothing, 1.0) for row, length in zip(ids, lengths, strict=True)]


def worst_difference(network: Any, graph: Path) -> float:
    """Give how far the graph's answers are from the network's, text by text, and two texts at once."""
    from onnxruntime import InferenceSession

    session = InferenceSession(graph)
    worst = 0.0
    for example in examples():
        ids = np.stack([example.ids, example.ids[::-1]]).astype(np.int64)
        with torch.no_grad():
            wanted = network(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long))
        for found, true in zip(session.run(None, {"ids": ids}), wanted, strict=True):
            worst = max(worst, float(np.abs(found - true.numpy()).max()))
    return worst


def test_a_float32_graph_says_what_the_network_says(network: Any, tmp_path: Path) -> None:
    from cxlisten.bench import limit
    from cxlisten.classify.encoder.graph import write_graph

    write_graph(network, None, tmp_path / "rings.onnx")
    assert worst_difference(network, tmp_path / "rings.onnx") < 1e-4
    assert "int8 only" in str(limit.lack(tmp_path / "rings.onnx"))


def test_int8_is_close_to_what_was_trained(network: Any, tmp_path: Path) -> None:
    from cxlisten.bench import limit
    from cxlisten.classify.encoder.calibration import input_ranges
    from cxlisten.classify.encoder.graph import write_graph

    write_graph(network, input_ranges(network, examples()), tmp_path / "rings.onnx")
    assert 1e-4 < worst_difference(network, tmp_path / "rings.onnx") < 0.15
    shapes = limit.read_shapes(tmp_path / "rings.onnx")
    assert shapes == limit.Shapes((*[(32, 32)] * 4, (32, 64), (64, 32)) * 2, (32, 32))


def test_int8_is_close_where_one_channel_reaches_much_further_than_the_others(network: Any, tmp_path: Path) -> None:
    from cxlisten.classify.encoder.calibration import input_ranges
    from cxlisten.classify.encoder.graph import write_graph

    with torch.no_grad():
        for layer in network.encoder.encoder.layer:
            layer.intermediate.dense.weight[3] *= 60
            layer.intermediate.dense.bias[3] *= 60
            layer.output.dense.weight[:, 3] /= 60
    write_graph(network, input_ranges(network, examples()), tmp_path / "rings.onnx")
    assert worst_difference(network, tmp_path / "rings.onnx") < 0.15


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


def test_a_precision_that_there_is_not_is_refused_before_anything_is_learned(recipe: Recipe) -> None:
    from cxlisten.classify.training.encoder import train

    recipe.settings["train"] |= {"precision": "int4"}
    with pytest.raises(InputError, match=r'precision = "int4".*int8'):
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
