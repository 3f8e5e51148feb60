"""Pruning: the feed-forward layers of an encoder are made narrower before it learns, for speed."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cxlisten.classify.encoder.calibration import see_inputs
from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.errors import InputError


def narrow(network: RingNetwork, examples: Sequence[Example], n_units: int) -> None:
    """Keep of each feed-forward layer the units whose part of its output varies most on the examples.

    What the others say on average goes to the bias of the output. Raises InputError when it has no more than those.
    """
    if not 0 < n_units < network.encoder.config.intermediate_size:
        raise InputError(
            f"feed_forward = {n_units} in [train] must be more than 0 and less than the"
            f" {network.encoder.config.intermediate_size} units of the base model's feed-forward layers"
        )
    layers = {f"encoder.encoder.layer.{at}.output.dense": one for at, one in enumerate(network.encoder.encoder.layer)}
    sums = {name: torch.zeros(2, layer.output.dense.in_features, dtype=torch.float64) for name, layer in layers.items()}
    n_tokens = sum(len(example.ids) for example in examples)

    def add(name: str, tokens: Tensor) -> None:
        if name in sums:
            sums[name] += torch.stack([tokens.double().sum(0), tokens.double().square().sum(0)])

    see_inputs(network.eval(), examples, add)
    for name, layer in layers.items():
        inner, output = layer.intermediate.dense, layer.output.dense
        mean, square = (sums[name] / n_tokens).float()
        order = ((square - mean**2) * output.weight.detach().square().sum(0)).argsort(descending=True)
        kept, dropped = order[:n_units].sort().values, order[n_units:]
        with torch.no_grad():
            output.bias += output.weight[:, dropped] @ mean[dropped]
            inner.weight, inner.bias = nn.Parameter(inner.weight[kept]), nn.Parameter(inner.bias[kept])
            output.weight = nn.Parameter(output.weight[:, kept].contiguous())
        inner.out_features = output.in_features = n_units
    network.encoder.config.intermediate_size = n_units
