"""Graph: the trained network as an ONNX graph, written node by node: float32, or int8 for onnxruntime's fused kernels.

In int8, weights have a scale a column, and activations ranges fixed by calibration: a range taken from the batch, as
dynamic quantisation does, would let a post's tags depend on its neighbours. Batches hold texts of one length, so that
no padding and no mask is needed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper, save

from cxlisten.classify.encoder.heads import BY_NAME, FACET_NAMES, RING_STATES, WIDTH
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.classify.encoder.rounding import Ranges, Rounding, rounding_of
from cxlisten.classify.encoder.tokens import MAX_TOKENS
from cxlisten.taxonomy import FACETS, RING_NAMES

_FUSED = "com.microsoft"
_WORDS = "encoder.embeddings.word_embeddings.weight"
_PLACES = "encoder.embeddings.position_embeddings.weight"
_SEGMENTS = "encoder.embeddings.token_type_embeddings.weight"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of encoder calls the parts of a layer's attention, and the row of the first place in its table."""

    query: str
    key: str
    value: str
    output: str
    norm: str
    first_place: int


_BERT = _Kind(
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    first_place=0,
)
_MPNET = _Kind(
    "attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm", first_place=2
)
KINDS = {"bert": _BERT, "mpnet": _MPNET}
"""The encoders that can be written, by the `model_type` of their config."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a layer is given, by the names of outputs; in int8 with its scale and zero, and its channels' divisors."""

    output: str
    scale: str = ""
    zero: str = ""
    factors: NDArray[np.float32] | None = None


def write_graph(network: RingNetwork, ranges: Ranges | None, path: Path) -> None:
    """Write the graph of a network; its encoder is one of KINDS.

    `ranges` names every linear layer of the encoder; without it, the graph is float32.
    """
    builder = _Builder(network, ranges)
    hidden = builder.embeddings()
    bias = builder.relative_bias()
    for number in range(network.encoder.config.num_hidden_layers):
        hidden = builder.layer(hidden, f"encoder.encoder.layer.{number}", bias)
    builder.heads(hidden)
    graph = helper.make_graph(
        builder.nodes,
        "rings",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["posts", "tokens"])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["posts", WIDTH]),
            helper.make_tensor_value_info("evidence", TensorProto.FLOAT, ["posts", "tokens", len(RING_NAMES)]),
        ],
        builder.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="cxlisten")
    checker.check_model(model)
    save(model, path)


class _Builder:
    def __init__(self, network: RingNetwork, ranges: Ranges | None) -> None:
        self.encoder = network.encoder
        self.config = network.encoder.config
        self.kind = KINDS[self.config.model_type]
        self.weights = {name: value.numpy() for name, value in network.state_dict().items()}
        self.ranges = ranges
        self.nodes: list[object] = []
        self.constants: list[object] = []

    def node(self, op: str, *inputs: str, fused: bool = False, **attributes: object) -> str:
        """Add a node with one output, and give the output's name."""
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], domain=_FUSED if fused else "", **attributes))
        return output

    def constant(self, value: NDArray[np.generic]) -> str:
        """Add a constant, and give its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value.copy(order="C"), name))
        return name

    def places(self, *numbers: int) -> str:
        """Add a constant of whole numbers."""
        return self.constant(np.array(numbers, np.int64))

    def embeddings(self) -> str:
        """Look up words and places; the one segment that posts have is in the places."""
        first = self.kind.first_place
        places = self.weights[_PLACES][first : first + MAX_TOKENS]
        if _SEGMENTS in self.weights:
            places = places + self.weights[_SEGMENTS][0]
        n_tokens = self.node("Shape", "ids", start=1, end=2)
        placed = self.node("Slice", self.constant(places), self.places(0), n_tokens, self.places(0))
        return self.norm(self.node("Add", self.words(), placed), "encoder.embeddings.LayerNorm")

    def words(self) -> str:
        """Look up words; in int8 with a scale a row."""
        words = self.weights[_WORDS]
        if self.ranges is None:
            return self.node("Gather", self.constant(words), "ids")
        scales = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-8) / 127
        rows = self.node("Gather", self.constant(np.rint(words / scales).astype(np.int8)), "ids")
        scale = self.node("Gather", self.constant(scales), "ids")
        return self.node("Mul", self.node("Cast", rows, to=TensorProto.FLOAT), scale)

    def relative_bias(self) -> str | None:
        """Add what MPNet adds to the scores of two tokens for how far apart they are; all layers share it."""
        if self.kind is not _MPNET:
            return None
        with torch.no_grad():
            bias = self.encoder.encoder.compute_position_bias(torch.empty(1, MAX_TOKENS))[0].numpy()
        n_tokens = self.node("Shape", "ids", start=1, end=2)
        square = self.node("Concat", n_tokens, n_tokens, axis=0)
        return self.node("Slice", self.constant(bias), self.places(0, 0), square, self.places(1, 2))

    def layer(self, hidden: str, at: str, bias: str | None) -> str:
        """Add one transformer layer."""
        attended = self.attention(hidden, at, bias)
        hidden = self.add_norm(self.linear(attended, f"{at}.{self.kind.output}"), hidden, f"{at}.{self.kind.norm}")
        return self.add_norm(self.feed_forward(hidden, at), hidden, f"{at}.output.LayerNorm")

    def attention(self, hidden: str, at: str, bias: str | None) -> str:
        """Add attention, up to its output layer.

        Not QAttention, which does all of it: that took 4 to 5 % longer for a whole tweet. And not one product for
        query, key and value: to split it is to copy it.
        """
        n_heads, width = self.config.num_attention_heads, self.config.hidden_size
        given = self.given(hidden, f"{at}.{self.kind.query}")
        heads = self.places(0, 0, n_heads, width // n_heads)

        def part(name: str, perm: list[int], factor: float = 1.0) -> str:
            return self.node(
                "Transpose", self.node("Reshape", self.product(given, name, factor=factor), heads), perm=perm
            )

        # The scale of the scores is in the query's weights, where it costs nothing.
        query = part(f"{at}.{self.kind.query}", [0, 2, 1, 3], (n_heads / width) ** 0.5)
        scores = self.node("MatMul", query, part(f"{at}.{self.kind.key}", [0, 2, 3, 1]))
        if bias:
            scores = self.node("Add", scores, bias)
        value = part(f"{at}.{self.kind.value}", [0, 2, 1, 3])
        seen = self.node("MatMul", self.node("Softmax", scores, axis=-1), value)
        return self.node("Reshape", self.node("Transpose", seen, perm=[0, 2, 1, 3]), self.places(0, 0, width))

    def feed_forward(self, hidden: str, at: str) -> str:
        """Add the two linear layers of a transformer layer, and what lies between them."""
        inner, outer = f"{at}.intermediate.dense", f"{at}.output.dense"
        if self.config.hidden_act != "relu":
            return self.linear(self.node("Gelu", self.linear(hidden, inner), fused=True), outer)
        if self.ranges is None:
            return self.linear(self.node("Relu", self.linear(hidden, inner)), outer)
        # Rounding from 0 on is ReLU, and the inner layer's weights even its channels: neither takes a step of its own.
        how = rounding_of(self.ranges[outer])
        evened = self.product(self.given(hidden, inner), inner, 1 / how.factors)
        return self.product(self.round(evened, how), outer)

    def given(self, hidden: str, name: str) -> _Given:
        """Say what a linear layer of the encoder is given; in int8 that is rounded first, its channels evened."""
        if self.ranges is None:
            return _Given(hidden)
        how = rounding_of(self.ranges[name])
        return self.round(self.node("Mul", hidden, self.constant(1 / how.factors)), how)

    def round(self, evened: str, how: Rounding) -> _Given:
        scale, zero = self.constant(np.array(how.step, np.float32)), self.constant(np.array(how.zero, np.uint8))
        return _Given(self.node("QuantizeLinear", evened, scale, zero), scale, zero, how.factors)

    def product(self, given: _Given, name: str, factor: float | NDArray[np.floating] = 1.0) -> str:
        """Add what a linear layer makes of what it is given, times a factor, or one for each of its outputs."""
        factors = np.broadcast_to(np.float32(factor), self.weights[f"{name}.bias"].shape)
        matrix, bias = self.weights[f"{name}.weight"] * factors[:, None], self.weights[f"{name}.bias"] * factors
        if given.factors is None:
            return self.node("Add", self.node("MatMul", given.output, self.constant(matrix.T)), self.constant(bias))
        matrix = matrix * given.factors
        columns = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / 127
        levels = self.constant(np.rint(matrix / columns[:, None]).astype(np.int8).T)
        parts = (given.output, levels, given.scale, self.constant(columns), given.zero, "", self.constant(bias))
        return self.node("MatMulIntegerToFloat", *parts, fused=True)

    def linear(self, hidden: str, name: str) -> str:
        return self.product(self.given(hidden, name), name)

    def norm(self, hidden: str, name: str) -> str:
        parts = (self.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("LayerNormalization", hidden, *parts, epsilon=self.config.layer_norm_eps)

    def add_norm(self, added: str, hidden: str, name: str) -> str:
        # Not SkipLayerNormalization, into which Add would be fused: it takes several times as long as these two.
        return self.norm(self.node("Sum", added, hidden), name)

    def heads(self, hidden: str) -> None:
        """Add the poolings and the heads; they are small, and stay float."""
        attention = self.node("Softmax", self.dense(hidden, "attend"), axis=1)
        pooled = self.node("MatMul", self.node("Transpose", attention, perm=[0, 2, 1]), hidden)
        whole = self.node("Gather", pooled, self.places(*[len(RING_NAMES)] * (len(RING_NAMES) + 1)), axis=1)
        both = self.node("Concat", pooled, whole, axis=-1)
        mixed = self.node("Gelu", self.dense(both, "mix.0"), fused=True)
        judged = [self.dense(self.place(mixed, number), f"rings.{number}") for number in range(len(RING_NAMES))]
        states = [self.columns(one, 0, len(RING_STATES)) for one in judged]
        facets = [
            self.columns(one, len(RING_STATES), len(RING_STATES) + len(FACETS[ring]))
            for one, ring in zip(judged, RING_NAMES, strict=True)
        ]
        post = self.dense(self.place(mixed, len(RING_NAMES)), "post")
        split = len(BY_NAME["sentiment"].labels)
        rest = self.columns(post, split, WIDTH - len(RING_NAMES) * len(RING_STATES) - len(FACET_NAMES))
        parts = [*states, self.columns(post, 0, split), *facets, rest]
        self.nodes.append(helper.make_node("Concat", parts, ["logits"], axis=-1))
        self.nodes.append(helper.make_node("Identity", [self.dense(hidden, "evidence")], ["evidence"]))

    def dense(self, hidden: str, name: str) -> str:
        return self.product(_Given(hidden), name)

    def place(self, pooled: str, number: int) -> str:
        """Take what one ring, or the post as a whole, read: [posts, width]."""
        return self.node("Gather", pooled, self.constant(np.array(number)), axis=1)

    def columns(self, judged: str, start: int, stop: int) -> str:
        return self.node("Slice", judged, *(self.places(at) for at in (start, stop, -1)))
