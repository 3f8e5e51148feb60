"""Calibration: the range of what each quantised layer is given, seen on texts of the training set."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.network import RingNetwork


def input_ranges(
    network: RingNetwork, examples: Iterable[Example]
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Give the least and the greatest input, a channel, of every linear layer of the encoder, by the layer's name."""
    ranges: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def watch(name: str, given: Tensor) -> None:
        tokens = given.flatten(0, -2).numpy()
        lows, highs = tokens.min(axis=0), tokens.max(axis=0)
        low, high = ranges.get(name, (lows, highs))
        ranges[name] = (np.minimum(low, lows), np.maximum(high, highs))

    hooks = [
        layer.register_forward_pre_hook(lambda _, given, name=name: watch(name, given[0]))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and name.startswith("encoder.")
    ]
    with torch.no_grad():
        for example in examples:
            ids = torch.from_numpy(example.ids).long()[None]
            network(ids, torch.ones_like(ids))
    for hook in hooks:
        hook.remove()
    return ranges
