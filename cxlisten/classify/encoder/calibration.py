"""Calibration: what the linear layers of an encoder are given, seen on texts of the training set."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.classify.encoder.rounding import Ranges


def input_ranges(network: RingNetwork, examples: Iterable[Example]) -> Ranges:
    """Give the least and the greatest input, a channel, of every linear layer of the encoder, by the layer's name."""
    ranges: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def widen(name: str, tokens: Tensor) -> None:
        lows, highs = tokens.amin(0).numpy(), tokens.amax(0).numpy()
        low, high = ranges.get(name, (lows, highs))
        ranges[name] = (np.minimum(low, lows), np.maximum(high, highs))

    see_inputs(network, examples, widen)
    return ranges


def see_inputs(network: RingNetwork, examples: Iterable[Example], see: Callable[[str, Tensor], None]) -> None:
    """Read the examples, and show the input of every linear layer of the encoder: its name, and [tokens, channels].

    The network must be on the CPU, in float32, and in `eval`.
    """
    hooks = [
        layer.register_forward_pre_hook(lambda _, given, name=name: see(name, given[0].flatten(0, -2)))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and name.startswith("encoder.")
    ]
    try:
        with torch.no_grad():
            for example in examples:
                ids = torch.from_numpy(example.ids).long()[None]
                network(ids, torch.ones_like(ids))
    finally:
        for hook in hooks:
            hook.remove()
