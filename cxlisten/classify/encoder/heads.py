"""Heads: what the encoder answers, in which columns; the training, the export and the engine share this layout."""

from dataclasses import dataclass

from cxlisten.taxonomy import FACETS, RING_NAMES, Benefit, Noise, Sentiment, Signal

ATTITUDES = tuple(attitude.value for attitude in Sentiment)
# Of each ring: that the post does not speak of it, or how it does.
RING_STATES = ("absent", *ATTITUDES)
FACET_NAMES = tuple(f"{ring}.{facet}" for ring, facets in FACETS.items() for facet in facets)


@dataclass(frozen=True, slots=True)
class Head:
    """Some columns of the answer; of an exclusive head just one is true, of another any number."""

    name: str
    labels: tuple[str, ...]
    start: int
    exclusive: bool

    @property
    def columns(self) -> slice:
        """Where its logits are."""
        return slice(self.start, self.start + len(self.labels))


def _layout() -> tuple[Head, ...]:
    heads: list[Head] = []
    for name, labels, exclusive in (
        *((ring, RING_STATES, True) for ring in RING_NAMES),
        ("sentiment", ATTITUDES, True),
        ("facets", FACET_NAMES, False),
        ("noise", tuple(Noise), False),
        ("benefits", tuple(Benefit), False),
        ("signals", tuple(Signal), False),
    ):
        heads.append(Head(name, labels, heads[-1].columns.stop if heads else 0, exclusive))
    return tuple(heads)


HEADS = _layout()
BY_NAME = {head.name: head for head in HEADS}
WIDTH = HEADS[-1].columns.stop
# The heads that read the whole post; those of rings and facets read through their ring's own attention.
OF_POST = tuple(head for head in HEADS if head.name not in RING_NAMES and head.name != "facets")
