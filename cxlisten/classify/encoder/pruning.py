"""Pruning: the feed-forward layers of an encoder are made narrower and plainer before it learns, for speed."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cxlisten.classify.encoder.calibration import see_inputs
from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.errors import InputError


def narrow(network: RingNetwork, examples: Sequence[Example], n_units: int) -> None:
    """Give each feed-forward layer ReLU, and keep of it the units whose part of its output varies most on the examples.

    What that changes on average goes to the bias of the output. ReLU takes no time in int8. Raises InputError when it
    has no more than those units.
    """
    if not 0 < n_units < network.encoder.config.intermediate_size:
        raise InputError(
            f"feed_forward = {n_units} in [train] must be more than 0 and less than the"
            f" {network.encoder.config.intermediate_size} units of the base model's feed-forward layers"
        )
    layers = {
        f"encoder.encoder.layer.{at}.intermediate.dense": one for at, one in enumerate(network.encoder.encoder.layer)
    }
    sums = {name: torch.zeros(3, layer.output.dense.in_features, dtype=torch.float64) for name, layer in layers.items()}
    n_tokens = sum(len(example.ids) for example in examples)

    def add(name: str, tokens: Tensor) -> None:
        if name in sums:
            inner = layers[name].intermediate
            given = functional.linear(tokens, inner.dense.weight, inner.dense.bias)
            before, after = inner.intermediate_act_fn(given), given.relu()
            sums[name] += torch.stack([each.double().sum(0) for each in (before, after, after.square())])

    see_inputs(network.eval(), examples, add)
    for name, layer in layers.items():
        inner, output = layer.intermediate, layer.output.dense
        before, after, square = (sums[name] / n_tokens).float()
        order = ((square - after**2) * output.weight.detach().square().sum(0)).argsort(descending=True)
        kept, dropped = order[:n_units].sort().values, order[n_units:]
        lost = before - after.index_fill(0, dropped, 0)
        with torch.no_grad():
            output.bias += output.weight @ lost
            inner.dense.weight, inner.dense.bias = (
                nn.Parameter(each[kept]) for each in (inner.dense.weight, inner.dense.bias)
            )
            output.weight = nn.Parameter(output.weight[:, kept].contiguous())
        inner.dense.out_features = output.in_features = n_units
        inner.intermediate_act_fn = nn.ReLU()
    network.encoder.config.intermediate_size, network.encoder.config.hidden_act = n_units, "relu"
