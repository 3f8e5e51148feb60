"""Rounding: how the linear layers of the encoder become int8, in the graph and in the last of training.

Some channels of what a layer is given reach thirty times as far as others and would leave those a few steps. So all are
brought to one range first, and the weights make up for it (SmoothQuant, Xiao et al., 2023, which leaves them a part).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import fake_quantize_per_channel_affine as fake_quantize
from torch.nn import functional

# Of the input of each linear layer, by the layer's name: the least and the greatest value of each channel.
Ranges = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Rounding:
    """Divide the channels by `factors`, then by `step`; 0 becomes `zero`, of 0 to 255."""

    factors: NDArray[np.float32]
    step: float
    zero: int


def rounding_of(ranges: tuple[NDArray[np.float32], NDArray[np.float32]]) -> Rounding:
    """Say how the input of a layer is rounded: each channel is brought into their mean range, which has 255 steps."""
    lows, highs = np.minimum(ranges[0], 0), np.maximum(ranges[1], 0)
    low, high = min(float(lows.mean()), -1e-6), max(float(highs.mean()), 1e-6)
    factors = np.maximum(np.maximum(lows / low, highs / high), 1e-3)
    step = (high - low) / 255
    return Rounding(factors, step, round(-low / step))


@contextmanager
def rounded(network: nn.Module, ranges: Ranges) -> Iterator[None]:
    """Let the layers that `ranges` names round what they are given, and their weights, which become float32 for that.

    Gradients pass as if they did not, but for what is out of range, which is cut: what is learned so is learned with
    the error that int8 will make.
    """
    layers = [network.get_submodule(name).float() for name in ranges]
    for layer, its_ranges in zip(layers, ranges.values(), strict=True):
        # Beside the class's own, and gone with `del`.
        layer.forward = _Rounded(layer, rounding_of(its_ranges))
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class _Rounded:
    """Does what MatMulIntegerToFloat will do; the rounding in float32, the product in the dtype of what is given."""

    def __init__(self, layer: nn.Linear, how: Rounding) -> None:
        self.layer = layer
        self.factors = torch.from_numpy(how.factors).to(layer.weight.device)
        self.steps = self.factors * how.step
        self.zeros = torch.full_like(self.factors, how.zero, dtype=torch.int32)

    def __call__(self, given: Tensor) -> Tensor:
        near = fake_quantize(given.float(), self.steps, self.zeros, given.ndim - 1, 0, 255)
        weight = self.layer.weight * self.factors
        columns = weight.detach().abs().amax(1).clamp(min=1e-8) / 127
        weight = fake_quantize(weight, columns, torch.zeros_like(columns, dtype=torch.int32), 0, -127, 127)
        weight = weight / self.factors
        return functional.linear(near.to(given.dtype), weight.to(given.dtype), self.layer.bias.to(given.dtype))
