"""Learning: the loop that fits a network to examples, the same each time, and goes on where it was broken off."""

import hashlib
import logging
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cxlisten.classify.encoder.calibration import input_ranges
from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.losses import loss_of
from cxlisten.classify.encoder.network import RingNetwork
from cxlisten.classify.encoder.rounding import Ranges, rounded
from cxlisten.errors import InputError
from cxlisten.taxonomy import RING_NAMES

log = logging.getLogger(__name__)

_WARM_UP = 0.06
_REPORT_EVERY = 200
# Batches are of like length: texts are sorted within so many batches.
_SORTED_BATCHES = 40


def learn(
    network: RingNetwork,
    examples: Sequence[Example],
    files: Sequence[str],
    options: dict[str, Any],
    checkpoint: Path,
    calibration: Sequence[Example],
) -> Ranges | None:
    """Fit the network in bfloat16, with float32 master weights; `files` names the file of each example.

    Of a file with a `share` in the options, one number or one for each epoch, an epoch takes that share, a new one each
    time. In the last steps, the share `rounded` of all, it rounds as int8 will, in the ranges that it then has on
    `calibration`, and gives those back. The checkpoint is written at each report, and deleted at the end; raises
    InputError when it is of another training.
    """
    plan = list(_plan(examples, files, options))
    name = hashlib.sha256(repr((plan, [len(example.ids) for example in examples])).encode()).hexdigest()
    first_rounded = len(plan) - round(len(plan) * options.get("rounded", 0))
    _without_dropout(network.encoder)
    _freeze(network.encoder, options.get("frozen_layers", 0))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    master = {n: p.detach().to(device).clone() for n, p in network.named_parameters() if p.requires_grad}
    optimizer = _optimizer(master, options)
    done, ranges = _resume(checkpoint, name, master, optimizer)
    begun, total = time.monotonic(), 0.0
    with ExitStack() as rounding:
        _to_learn(network, device, master, rounding, ranges)
        for step, batch in enumerate(plan[done:], done):
            if ranges is None and step >= first_rounded:
                _to_read(network, master)
                ranges = input_ranges(network, calibration)
                _to_learn(network, device, master, rounding, ranges)
            _set_rate(optimizer, step, len(plan))
            total += _step(network, master, optimizer, _loss(network, [examples[i] for i in batch], device))
            if (step + 1) % _REPORT_EVERY == 0:
                speed = (step + 1 - done) * options["batch"] / (time.monotonic() - begun)
                log.info("train %d of %d: loss %.3f, %.0f posts/s", step + 1, len(plan), total / _REPORT_EVERY, speed)
                total = 0.0
                _save(checkpoint, name, step + 1, master, optimizer, ranges)
    _to_read(network, master)
    checkpoint.unlink(missing_ok=True)
    return ranges


def _step(network: RingNetwork, master: dict[str, Tensor], optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    network.zero_grad(set_to_none=True)
    loss.backward()
    for name, parameter in network.named_parameters():
        if name in master:
            master[name].grad = parameter.grad.float()
    nn.utils.clip_grad_norm_(master.values(), 1.0)
    optimizer.step()
    _copy(master, network)
    return float(loss.item())


def _plan(examples: Sequence[Example], files: Sequence[str], options: dict[str, Any]) -> Iterator[list[int]]:
    """Say which examples make each batch, over all epochs."""
    chance = random.Random(options["seed"])
    size = options["batch"]
    for epoch in range(options["epochs"]):
        shares = {file: _of_epoch(share, epoch) for file, share in options.get("share", {}).items()}
        order = [i for i, file in enumerate(files) if chance.random() < shares.get(file, 1.0)]
        chance.shuffle(order)
        batches: list[list[int]] = []
        for start in range(0, len(order), size * _SORTED_BATCHES):
            some = sorted(order[start : start + size * _SORTED_BATCHES], key=lambda i: len(examples[i].ids))
            batches += [some[at : at + size] for at in range(0, len(some), size)]
        chance.shuffle(batches)
        yield from batches


def _of_epoch(share: float | Sequence[float], epoch: int) -> float:
    return share[epoch] if isinstance(share, Sequence) else share


def _without_dropout(encoder: nn.Module) -> None:
    """Leave the encoder without dropout: its random numbers were about a tenth of the time of a step on a CPU."""
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def _freeze(encoder: nn.Module, n_layers: int) -> None:
    """Leave the words as they are, and of a large encoder the lowest layers too: they read well as they come."""
    encoder.embeddings.word_embeddings.requires_grad_(False)
    if n_layers:
        encoder.embeddings.requires_grad_(False)
        for layer in encoder.encoder.layer[:n_layers]:
            layer.requires_grad_(False)


def _optimizer(master: dict[str, Tensor], options: dict[str, Any]) -> torch.optim.Optimizer:
    """New heads learn faster than the encoder, which already reads."""
    groups = [
        {"params": [p for n, p in master.items() if n.startswith("encoder.") is old], "lr": options[rate]}
        for old, rate in ((True, "learn_rate"), (False, "head_learn_rate"))
    ]
    return torch.optim.AdamW([g | {"peak": g["lr"]} for g in groups], weight_decay=0.01, fused=True)


def _set_rate(optimizer: torch.optim.Optimizer, step: int, n_steps: int) -> None:
    """Warm up, then fall to nothing in a straight line."""
    factor = min((step + 1) / (_WARM_UP * n_steps), 1.0) * (1 - step / n_steps)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def _loss(network: RingNetwork, batch: Sequence[Example], device: str) -> Tensor:
    """Pad to a multiple of 8 tokens: the fewer shapes, the fewer kernels are made."""
    width = -(-max(len(example.ids) for example in batch) // 8) * 8
    ids = np.zeros((len(batch), width), np.int64)
    marks = np.full((len(batch), width, len(RING_NAMES)), np.nan, np.float32)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = example.ids
        marks[row, : len(example.ids)] = example.evidence
    lengths = np.array([[len(example.ids)] for example in batch])
    mask = (np.arange(width) < lengths).astype(np.int64)
    truth = np.stack([example.truth for example in batch])
    weight = np.array([example.weight for example in batch], np.float32)
    given = [torch.from_numpy(array).to(device) for array in (ids, mask, truth, marks, weight)]
    logits, evidence = network(given[0], given[1])
    return loss_of(logits.float(), evidence.float(), *given[2:])


def _save(
    checkpoint: Path,
    training: str,
    step: int,
    master: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    ranges: Ranges | None,
) -> None:
    kept = {name: [torch.from_numpy(side) for side in sides] for name, sides in (ranges or {}).items()}
    state = {"training": training, "step": step, "master": master, "optimizer": optimizer.state_dict(), "ranges": kept}
    torch.save(state | {"chance": torch.get_rng_state()}, checkpoint)


def _resume(
    checkpoint: Path, training: str, master: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> tuple[int, Ranges | None]:
    """Give how many steps are done, and the ranges where it rounds already."""
    if not checkpoint.is_file():
        return 0, None
    saved = torch.load(checkpoint, weights_only=True)
    if saved.get("training") != training:
        raise InputError(f"{checkpoint} is of other posts or options than these: delete it to begin anew")
    with torch.no_grad():
        for name, value in master.items():
            value.copy_(saved["master"][name])
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["chance"])
    log.info("train goes on at step %d", saved["step"])
    ranges = {name: (lows.numpy(), highs.numpy()) for name, (lows, highs) in saved["ranges"].items()}
    return int(saved["step"]), ranges or None


def _to_learn(
    network: RingNetwork, device: str, master: dict[str, Tensor], rounding: ExitStack, ranges: Ranges | None
) -> None:
    network.to(device, torch.bfloat16).train()
    if ranges:
        rounding.enter_context(rounded(network, ranges))
    _copy(master, network)


def _to_read(network: RingNetwork, master: dict[str, Tensor]) -> None:
    network.to("cpu", torch.float32).eval()
    _copy(master, network)


def _copy(master: dict[str, Tensor], network: RingNetwork) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in master:
                parameter.copy_(master[name])
