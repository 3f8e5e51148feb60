"""The six rings, their facets, benefits, lenses and noise: the only place in Python that spells a ring."""

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
