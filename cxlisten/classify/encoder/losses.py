"""Losses: how far the network is from what is true, and from what a teacher holds for likely."""

import torch
from torch import Tensor
from torch.nn import functional

from cxlisten.classify.encoder.heads import HEADS

# How much a head counts beside a ring, which counts 1.
_SHARE = {"sentiment": 1.5, "facets": 1.0, "noise": 0.5, "benefits": 0.2, "signals": 0.2}
_EVIDENCE_SHARE = 0.5


def loss_of(logits: Tensor, evidence: Tensor, truth: Tensor, marks: Tensor, weight: Tensor) -> Tensor:
    """Give the weighted loss over all that is known; `truth` may hold chances, as a teacher gives them.

    Shapes: logits and truth [posts, WIDTH], evidence and marks [posts, tokens, rings], weight [posts]; NaN is unknown.
    """
    total = logits.new_zeros(())
    for head in HEADS:
        said, true = logits[:, head.columns], truth[:, head.columns]
        known = ~true.isnan()
        true = true.nan_to_num()
        if head.exclusive:
            each = -(true * said.log_softmax(-1)).sum(-1)
        else:
            each = functional.binary_cross_entropy_with_logits(said, true, reduction="none").where(known, 0).sum(-1)
        total = total + _SHARE.get(head.name, 1.0) * (each * weight).sum() / len(weight)
    known = ~marks.isnan()
    per_token = functional.binary_cross_entropy_with_logits(evidence, marks.nan_to_num(), reduction="none")
    per_ring = per_token.where(known, 0).sum(1) / known.sum(1).clamp(min=1)
    return total + _EVIDENCE_SHARE * (per_ring.sum(-1) * weight).sum() / len(weight)


def chances(logits: Tensor) -> Tensor:
    """Turn logits into chances, head by head."""
    parts = [logits[:, h.columns].softmax(-1) if h.exclusive else logits[:, h.columns].sigmoid() for h in HEADS]
    return torch.cat(parts, dim=-1)
