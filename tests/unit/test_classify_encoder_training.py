"""The encoder is trained here, small: it learns, goes on where it was broken off, and keeps its answers in int8."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxlisten.classify import Recipe
from cxlisten.errors import ClassifierError
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


def test_int8_is_close_to_what_was_trained(recipe: Recipe) -> None:
    from onnxruntime import InferenceSession

    from cxlisten.classify.encoder.calibration import input_ranges
    from cxlisten.classify.encoder.examples import make_examples
    from cxlisten.classify.encoder.graph import write_graph
    from cxlisten.classify.encoder.network import RingNetwork
    from cxlisten.classify.encoder.tokens import make_tokenizer
    from cxlisten.classify.encoder.weights import find_base

    base = find_base(recipe.settings["base"])
    tokenizer, _ = make_tokenizer(base.tokenizer, [])
    network = RingNetwork(base.encoder()).eval()
    examples = make_examples(lessons(1), tokenizer)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    write_graph(weights, input_ranges(network, examples), 2, recipe.folder / "rings.onnx")
    session = InferenceSession(recipe.folder / "rings.onnx")
    for example in examples:
        ids = example.ids[None].astype(np.int64)
        with torch.no_grad():
            logits, evidence = network(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long))
        said, marked = session.run(None, {"ids": ids})
        assert np.allclose(said, logits, atol=0.15)
        assert np.allclose(marked, evidence, atol=0.15)


def test_other_base_weights_than_those_named_are_refused(recipe: Recipe) -> None:
    from cxlisten.classify.encoder.weights import find_base

    with pytest.raises(ClassifierError, match="not the base model that the recipe names"):
        find_base(recipe.settings["base"] | {"sha256": "0" * 64})
    with pytest.raises(ClassifierError, match="pip install --no-deps no-such-package==1"):
        find_base({"package": "no-such-package==1", "sha256": ""})
