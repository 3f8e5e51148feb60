"""The graph says what the network says: in float32 exactly, in int8 closely; one made narrower, too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cxlisten[train]'")
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


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


def answers(network: Any, example: Any) -> Any:
    ids = torch.from_numpy(example.ids).long()[None]
    with torch.no_grad():
        return torch.cat([part.flatten() for part in network(ids, torch.ones_like(ids))])


def distance(network: Any, graph: Path) -> float:
    """Give how far the network's answers, are from the graph's, on average."""
    from onnxruntime import InferenceSession

    session = InferenceSession(graph)
    far = []
    for example in examples():
        parts = session.run(None, {"ids": example.ids.astype(np.int64)[None]})
        said = answers(network, example).numpy()
        far.append(np.abs(said - np.concatenate([part.ravel() for part in parts])).mean())
    return float(np.mean(far))


@pytest.mark.parametrize("n_units", [None, 48], ids=["as it comes", "narrower, with ReLU"])
def test_what_is_learned_with_rounding_is_what_int8_gives(network: Any, tmp_path: Path, n_units: int | None) -> None:
    from cxlisten.classify.encoder.calibration import input_ranges
    from cxlisten.classify.encoder.graph import write_graph
    from cxlisten.classify.encoder.pruning import narrow
    from cxlisten.classify.encoder.rounding import rounded

    if n_units:
        narrow(network, examples(), n_units)
    with torch.no_grad():
        # Words are not learned, and so not rounded: here they are what int8 can say.
        words = network.encoder.embeddings.word_embeddings.weight
        steps = words.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        words.copy_((words / steps).round() * steps)
    ranges = input_ranges(network, examples())
    write_graph(network, ranges, tmp_path / "rings.onnx")
    plain = distance(network, tmp_path / "rings.onnx")
    with rounded(network, ranges):
        assert distance(network, tmp_path / "rings.onnx") < plain / 5
    assert distance(network, tmp_path / "rings.onnx") == plain


def test_gradients_pass_through_rounding(network: Any) -> None:
    from cxlisten.classify.encoder.calibration import input_ranges
    from cxlisten.classify.encoder.rounding import rounded

    ids = torch.from_numpy(examples()[1].ids).long()[None]
    first = network.encoder.encoder.layer[0].intermediate.dense.weight

    def gradient() -> Any:
        network.zero_grad()
        network(ids, torch.ones_like(ids))[0].sum().backward()
        return first.grad.flatten().clone()

    plain = gradient()
    with rounded(network, input_ranges(network, examples())):
        assert float(torch.cosine_similarity(plain, gradient(), dim=0)) > 0.95


def test_channels_are_brought_into_one_range() -> None:
    from cxlisten.classify.encoder.rounding import rounding_of

    lows, highs = np.array([-1.0, -60.0, 0.0, 0.0], np.float32), np.array([3.0, 60.0, 9.0, 0.0], np.float32)
    how = rounding_of((lows, highs))
    rounded = [np.rint(side / how.factors / how.step) + how.zero for side in (lows, highs)]
    assert (rounded[0] >= 0).all()
    assert (rounded[1] <= 255).all()
    assert rounded[1][0] - rounded[0][0] > 100
    only_positive = rounding_of((np.zeros(2, np.float32), np.ones(2, np.float32)))
    assert only_positive.zero == 0
    assert only_positive.step == pytest.approx(1 / 255, rel=1e-4)


def test_a_narrower_network_leaves_out_what_says_least(network: Any, tmp_path: Path) -> None:
    from torch import nn

    from cxlisten.classify.encoder.graph import write_graph
    from cxlisten.classify.encoder.pruning import narrow

    with torch.no_grad():
        for layer in network.encoder.encoder.layer:
            layer.intermediate.intermediate_act_fn = nn.ReLU()
            # Of the units every other one says the same of every token, which the bias can say as well.
            layer.intermediate.dense.weight[::2] = 0
            layer.output.dense.weight[:, ::2] *= 3
    before = [answers(network, example) for example in examples()]
    narrow(network, examples(), 32)
    after = [answers(network, example) for example in examples()]
    assert max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True)) < 1e-4
    assert network.encoder.config.intermediate_size == 32
    write_graph(network, None, tmp_path / "rings.onnx")
    assert worst_difference(network, tmp_path / "rings.onnx") < 1e-4


def test_what_a_narrower_layer_no_longer_says_is_said_on_average(network: Any) -> None:
    from cxlisten.classify.encoder.calibration import see_inputs
    from cxlisten.classify.encoder.pruning import narrow

    layer = network.encoder.encoder.layer[0]
    given: list[Any] = []

    def see(name: str, tokens: Any) -> None:
        if name == "encoder.encoder.layer.0.intermediate.dense":
            given.append(tokens)

    see_inputs(network, examples(), see)

    def means() -> Any:
        return layer.output.dense(layer.intermediate(torch.cat(given))).mean(0).detach()

    before = means()
    narrow(network, examples(), 16)
    assert float((means() - before).abs().max()) < 1e-5
