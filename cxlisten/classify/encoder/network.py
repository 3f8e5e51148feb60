"""Network: a transformer encoder with an attention pooling per ring, and the heads that read what was pooled."""

from typing import Any

import torch
from torch import Tensor, nn

from cxlisten.classify.encoder.heads import BY_NAME, OF_POST, RING_STATES
from cxlisten.taxonomy import FACETS, RING_NAMES


class RingNetwork(nn.Module):
    """Token ids and their mask become logits, in the columns of HEADS, and the evidence of each token for each ring.

    One mean of all tokens would mix what "lovely store, rude staff" keeps apart: so each ring, and the post as
    a whole, has an attention of its own over the tokens.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.drop = nn.Dropout(0.1)
        self.attend = nn.Linear(width, len(RING_NAMES) + 1)
        self.evidence = nn.Linear(width, len(RING_NAMES))
        self.mix = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(0.1))
        self.rings = nn.ModuleList(nn.Linear(width, len(RING_STATES) + len(FACETS[ring])) for ring in RING_NAMES)
        self.post = nn.Linear(width, sum(len(head.labels) for head in OF_POST))

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Take ids and mask of shape [posts, tokens]; give [posts, WIDTH] and [posts, tokens, rings]."""
        hidden = self.drop(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state)
        attention = self.attend(hidden).masked_fill(mask.unsqueeze(-1) == 0, -1e4).softmax(dim=1)
        pooled = attention.transpose(1, 2) @ hidden
        whole = pooled[:, -1:].expand_as(pooled)
        mixed = self.mix(torch.cat([pooled, whole], dim=-1))
        states, facets = [], []
        for number, judge in enumerate(self.rings):
            judged = judge(mixed[:, number])
            states.append(judged[:, : len(RING_STATES)])
            facets.append(judged[:, len(RING_STATES) :])
        logits = torch.cat([*states, *self._of_post(mixed[:, -1], facets)], dim=-1)
        return logits, self.evidence(hidden)

    def _of_post(self, mixed: Tensor, facets: list[Tensor]) -> list[Tensor]:
        """Put the facets where the layout has them: behind the sentiment."""
        judged = self.post(mixed)
        split = len(BY_NAME["sentiment"].labels)
        return [judged[:, :split], *facets, judged[:, split:]]
