"""Graph: the trained network as an int8 ONNX graph, written node by node, for onnxruntime's fused kernels.

Weights are int8 with a scale a column, activations uint8 with ranges fixed by calibration: a range taken from
the batch, as dynamic quantisation does, would let a post's tags depend on its neighbours. Batches hold
texts of one length, so that no padding and no mask is needed.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper, save

from cxlisten.classify.encoder.heads import BY_NAME, FACET_NAMES, RING_STATES, WIDTH
from cxlisten.classify.encoder.tokens import MAX_TOKENS
from cxlisten.taxonomy import FACETS, RING_NAMES

Weights = Mapping[str, NDArray[np.float32]]
# Of the input of a layer's matrix products: the least and the greatest value that calibration saw.
Ranges = Mapping[str, tuple[float, float]]

_FUSED = "com.microsoft"


def write_graph(weights: Weights, ranges: Ranges, n_heads: int, path: Path) -> None:
    """Write the graph; `ranges` has an entry for the input of every quantised linear layer, by its name."""
    builder = _Builder(weights, ranges)
    hidden = builder.embeddings()
    n_layers = 1 + max(int(name.split(".")[3]) for name in weights if ".layer." in name)
    for number in range(n_layers):
        hidden = builder.layer(hidden, f"encoder.encoder.layer.{number}", n_heads)
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
    def __init__(self, weights: Weights, ranges: Ranges) -> None:
        self.weights = weights
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

    def weight(self, name: str) -> str:
        return self.constant(self.weights[name])

    def embeddings(self) -> str:
        """Look up words, int8 with a scale a row, and places; the one segment that posts have is in the places."""
        at = "encoder.embeddings."
        words = self.weights[at + "word_embeddings.weight"]
        scales = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-8) / 127
        rows = self.node("Gather", self.constant(np.rint(words / scales).astype(np.int8)), "ids")
        scale = self.node("Gather", self.constant(scales), "ids")
        looked_up = self.node("Mul", self.node("Cast", rows, to=TensorProto.FLOAT), scale)
        places = self.weights[at + "position_embeddings.weight"][:MAX_TOKENS]
        n_tokens = self.node("Shape", "ids", start=1, end=2)
        zero = self.constant(np.array([0], np.int64))
        segment = self.weights[at + "token_type_embeddings.weight"][0]
        placed = self.node("Slice", self.constant(places + segment), zero, n_tokens, zero)
        return self.norm(self.node("Add", looked_up, placed), at + "LayerNorm")

    def norm(self, hidden: str, name: str) -> str:
        return self.node(
            "LayerNormalization", hidden, self.weight(name + ".weight"), self.weight(name + ".bias"), epsilon=1e-12
        )

    def layer(self, hidden: str, at: str, n_heads: int) -> str:
        """Add one transformer layer."""
        qkv = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        scale, zero, quantised = self.quantise(hidden, qkv[0])
        matrix, columns = self.int8(np.concatenate([self.weights[f"{part}.weight"] for part in qkv]))
        bias = self.constant(np.concatenate([self.weights[f"{part}.bias"] for part in qkv]))
        attended = self.node(
            *("QAttention", quantised, matrix, bias, scale, columns, "", zero, self.constant(np.array(0, np.int8))),
            fused=True,
            num_heads=n_heads,
        )
        hidden = self.add_norm(self.linear(attended, f"{at}.attention.output.dense"), hidden, f"{at}.attention.output")
        inner = self.node("Gelu", self.linear(hidden, f"{at}.intermediate.dense"), fused=True)
        return self.add_norm(self.linear(inner, f"{at}.output.dense"), hidden, f"{at}.output")

    def quantise(self, hidden: str, name: str) -> tuple[str, str, str]:
        """Quantise the input of a linear layer: give its scale, its zero and itself."""
        low, high = (min(self.ranges[name][0], 0.0), max(self.ranges[name][1], 0.0))
        step = (high - low) / 255
        scale = self.constant(np.array(step, np.float32))
        zero = self.constant(np.array(round(-low / step), np.uint8))
        return scale, zero, self.node("QuantizeLinear", hidden, scale, zero)

    def int8(self, matrix: NDArray[np.float32]) -> tuple[str, str]:
        """Quantise a matrix [out, in]; give it as [in, out], and the scale of each output column."""
        scales = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / 127
        quantised = np.rint(matrix / scales[:, None]).astype(np.int8)
        return self.constant(quantised.T), self.constant(scales.astype(np.float32))

    def linear(self, hidden: str, name: str) -> str:
        scale, zero, quantised = self.quantise(hidden, name)
        matrix, columns = self.int8(self.weights[name + ".weight"])
        parts = (quantised, matrix, scale, columns, zero, "", self.weight(name + ".bias"))
        return self.node("MatMulIntegerToFloat", *parts, fused=True)

    def add_norm(self, added: str, hidden: str, at: str) -> str:
        # Not SkipLayerNormalization, into which Add would be fused: it takes several times as long as these two.
        return self.norm(self.node("Sum", added, hidden), f"{at}.LayerNorm")

    def heads(self, hidden: str) -> None:
        """Add the poolings and the heads; they are small, and stay float."""
        attention = self.node("Softmax", self.dense(hidden, "attend"), axis=1)
        pooled = self.node("MatMul", self.node("Transpose", attention, perm=[0, 2, 1]), hidden)
        whole = self.node("Gather", pooled, self.constant(np.full(len(RING_NAMES) + 1, len(RING_NAMES))), axis=1)
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
        matrix = self.constant(self.weights[name + ".weight"].T)
        return self.node("Add", self.node("MatMul", hidden, matrix), self.weight(name + ".bias"))

    def place(self, pooled: str, number: int) -> str:
        """Take what one ring, or the post as a whole, read: [posts, width]."""
        return self.node("Gather", pooled, self.constant(np.array(number)), axis=1)

    def columns(self, judged: str, start: int, stop: int) -> str:
        places = (np.array([at], np.int64) for at in (start, stop, -1))
        return self.node("Slice", judged, *(self.constant(place) for place in places))
