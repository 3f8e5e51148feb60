"""Limit: how many posts a second the machine could at most read, were an encoder nothing but its matrix products."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from cxlisten.bench.clock import Contender, Pace, spread

Limit = dict[str, Any]

# Of the encoder's graph: a product of int8 matrices, and where the heads of an attention become one width again.
_PRODUCT, _JOINED = "MatMulIntegerToFloat", "Reshape"
NAME = "int8 operations"
_ROWS = 1_024
_REPEATS = 100


@dataclass(frozen=True, slots=True)
class Shapes:
    """Of an encoder: the weights of its int8 layers, [in, out], and the width of each of its attentions."""

    linear: tuple[tuple[int, int], ...]
    attention: tuple[int, ...]

    def operations(self, n_tokens: int) -> int:
        """Count what a text of so many tokens takes: multiplications and additions, each for one."""
        products = 2 * sum(rows * columns for rows, columns in self.linear)
        # Every token meets every token twice: for its weight and for its value.
        return n_tokens * (products + 4 * sum(self.attention) * n_tokens)


def lack(graph: Path) -> str | None:
    """Say why the limit of a recipe cannot be told, if so."""
    if not graph.is_file():
        return "the share of the machine's limit: it is known of encoders only"
    if not find_spec("onnx"):
        return "the share of the machine's limit: it needs onnx, pip install 'cxlisten[train]'"
    if not read_shapes(graph).linear:
        return "the share of the machine's limit: it is known of int8 only"
    return None


def share(shapes: Shapes, n_tokens: Sequence[int], n_posts: int, ours: Sequence[Pace], most: Sequence[Pace]) -> Limit:
    """Say how near a recipe comes to the bound, round by round, per CPU second.

    `n_tokens` is of each piece of the posts, `most` the pace of operations that the machine can do.
    """
    each = sum(map(shapes.operations, n_tokens)) / n_posts
    bounds = [pace.cpu / each for pace in most]
    return {
        "operations_per_s": spread([pace.cpu for pace in most]),
        "operations_per_post": each,
        "posts_per_s": spread(bounds),
        "reached": spread([pace.cpu / bound for pace, bound in zip(ours, bounds, strict=True)]),
    }


def read_shapes(path: Path) -> Shapes:
    """Read them from an encoder's ONNX graph; needs onnx."""
    import onnx

    graph = onnx.load(path).graph
    constants = {constant.name: constant for constant in graph.initializer}
    linear = [tuple(constants[node.input[1]].dims) for node in graph.node if node.op_type == _PRODUCT]
    shapes = [
        onnx.numpy_helper.to_array(constants[node.input[1]]).tolist() for node in graph.node if node.op_type == _JOINED
    ]
    return Shapes(tuple(linear), tuple(shape[2] for shape in shapes if len(shape) == 3))


def products(shapes: Shapes) -> Contender:
    """Make something that does operations: uint8 times int8 in the encoder's shapes, in one thread.

    Needs onnx and onnxruntime.
    """
    import onnxruntime

    some = sorted(set(shapes.linear))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(_graph(some), options, providers=["CPUExecutionProvider"])
    chance = np.random.default_rng(1)
    given = {f"given_{n}": chance.integers(0, 255, (_ROWS, n), np.uint8) for n, _ in some}

    n = _REPEATS * _ROWS * 2 * sum(rows * columns for rows, columns in some)
    return Contender(NAME, n, lambda _: [session.run(None, given) for _ in range(_REPEATS)])


def _graph(shapes: Sequence[tuple[int, int]]) -> bytes:
    """Of each product one row is given back: to hand over all of it would cost time that an encoder does not lose."""
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(1)
    constants = [numpy_helper.from_array(np.array([0], np.int64), "first")]
    nodes: list[Any] = []
    for number, shape in enumerate(shapes):
        weights = chance.integers(-127, 127, shape, np.int8, endpoint=True)
        constants.append(numpy_helper.from_array(weights, f"weights_{number}"))
        nodes += [
            helper.make_node("MatMulInteger", [f"given_{shape[0]}", f"weights_{number}"], [f"product_{number}"]),
            helper.make_node("Gather", [f"product_{number}", "first"], [f"row_{number}"], axis=0),
        ]
    graph = helper.make_graph(
        nodes,
        "products",
        [
            helper.make_tensor_value_info(f"given_{n}", TensorProto.UINT8, [_ROWS, n])
            for n in sorted({n for n, _ in shapes})
        ],
        [helper.make_tensor_value_info(f"row_{i}", TensorProto.INT32, [1, n]) for i, (_, n) in enumerate(shapes)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
