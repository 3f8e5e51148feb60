"""The six rings, their facets, benefits, lenses and noise: the only place in Python that spells a ring."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Sentiment(StrEnum):
    """The attitude towards a ring, or of a whole post."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Noise(StrEnum):
    """Why a post is kept but not counted."""

    PROMOTION = "promotion"
    AUTOMATED = "automated"
    BRAND_OWN = "brand_own"


class Benefit(StrEnum):
    """What the experience gives the customer."""

    RATIONAL = "rational"
    SENSING = "sensing"
    PHYSICAL = "physical"
    EMOTIONAL = "emotional"


class Signal(StrEnum):
    """A cue of what lies beneath: a belief about who I am, or a bias of decision. Never a certainty."""

    DEEP_DRIVER = "deep_driver"
    LOSS_AVERSION = "loss_aversion"
    FAIRNESS = "fairness"


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring of value; `lens` is its place in Siefert's balance of innovation."""

    name: str
    question: str
    facets: tuple[str, ...]
    lens: str


RINGS: tuple[Ring, ...] = (
    Ring(
        "product",
        "Do I want it? Does it do what I need?",
        ("features", "quality", "design", "fit", "desire"),
        "functional",
    ),
    Ring("price", "Is the exchange worth it?", ("value", "level", "fees", "offers"), "process"),
    Ring("people", "How do they treat me?", ("manner", "trust", "knowledge", "care"), "emotional"),
    Ring(
        "process",
        "How hard is it to do business with them?",
        ("effort", "wait", "clarity", "burden", "fairness", "accuracy"),
        "process",
    ),
    Ring(
        "place",
        "What is the channel like: shop, site, app, phone line?",
        ("ambience", "wayfinding", "access", "belonging"),
        "functional",
    ),
    Ring(
        "communication",
        "What do they say of themselves, and what is said of them?",
        ("advertising", "image", "buzz"),
        "emotional",
    ),
)

RING_NAMES: tuple[str, ...] = tuple(ring.name for ring in RINGS)
FACETS: dict[str, tuple[str, ...]] = {ring.name: ring.facets for ring in RINGS}


def wrong_label(rings: Mapping[str, str], facets: Iterable[str]) -> str | None:
    """Say which of the labels of a post, {ring: sentiment} and `ring.facet`, is none of the taxonomy, if one is."""
    known = [f"{ring}.{facet}" for ring, names in FACETS.items() for facet in names]
    for ring, sentiment in rings.items():
        if ring not in RING_NAMES:
            return f'unknown ring "{ring}"; there is {", ".join(RING_NAMES)}'
        if sentiment not in tuple(Sentiment):
            return f'unknown sentiment "{sentiment}" of {ring}; there is {", ".join(Sentiment)}'
    for facet in facets:
        if facet not in known:
            return f'unknown facet "{facet}"; write RING.FACET, such as {RINGS[0].name}.{RINGS[0].facets[0]}'
    return None
