"""Labels: what a model from elsewhere calls things, in the words of the taxonomy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxlisten.errors import ClassifierError
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import RING_NAMES, Sentiment, wrong_label

# In this order in the models of TweetEval and of most that were trained without naming their labels.
_NAMELESS = dict(zip(("label_0", "label_1", "label_2"), ("negative", "neutral", "positive"), strict=True))


@dataclass(frozen=True, slots=True)
class Labels:
    """Which scores of a model, by their number, speak for an overall sentiment, a ring, or a sentiment to a ring."""

    overall: dict[int, str]
    rings: dict[int, tuple[str, str | None]]

    @property
    def are_exclusive(self) -> bool:
        """Whether just one of them holds: a post has one overall sentiment, and any number of rings."""
        return not self.rings

    def tagged(self, text: str, lang: str | None, scores: Sequence[float], least_score: float) -> Tagged:
        """Say what scores mean; the evidence of a ring is the whole text, and it needs `least_score`."""
        sums = {name: sum(scores[i] for i in self.overall if self.overall[i] == name) for name in Sentiment}
        found = {name: min(1.0, score) for name, score in sums.items()}
        sentiment = max(found, key=lambda name: found[name])
        evidence = (len(text) - len(text.lstrip()), len(text.rstrip()))
        tags: dict[str, RingTag] = {}
        # Of several labels of a ring the last, which scores highest, is kept.
        for i, (ring, attitude) in sorted(self.rings.items(), key=lambda label: scores[label[0]]):
            if scores[i] >= least_score and evidence[0] < evidence[1]:
                tags[ring] = RingTag(ring, attitude or sentiment.value, scores[i], evidence)
        return Tagged(lang, sentiment.value, found[sentiment], tuple(tags[r] for r in RING_NAMES if r in tags))


def read_labels(theirs: Sequence[str], table: Mapping[str, str]) -> Labels:
    """Read what the labels of a model mean from a table such as {"NEG": "negative", "cost": "price/negative"}.

    Without a table, labels that are named like ours, or LABEL_0 to LABEL_2, are recognised. Labels that it leaves out
    are ignored. Raises ClassifierError for what is unknown on either side, and without any overall sentiment.
    """
    if unknown := [label for label in table if label not in theirs]:
        raise ClassifierError(f'[labels] names "{unknown[0]}", the model has {", ".join(theirs)}')
    overall: dict[int, str] = {}
    rings: dict[int, tuple[str, str | None]] = {}
    for i, label in enumerate(theirs):
        meaning = str(table.get(label, "")) if table else _guess(label, len(theirs))
        if meaning in tuple(Sentiment):
            overall[i] = meaning
        elif meaning:
            ring, _, sentiment = meaning.partition("/")
            if wrong := wrong_label({ring: sentiment or Sentiment.NEUTRAL}, ()):
                raise ClassifierError(f'[labels] "{label}" = "{meaning}": {wrong}')
            rings[i] = (ring, sentiment or None)
    if not overall:
        raise ClassifierError(
            f"no label of the model is known to mean an overall sentiment: say in [labels] which of"
            f" {', '.join(theirs)} is {', '.join(Sentiment)}"
        )
    return Labels(overall, rings)


def _guess(label: str, n_labels: int) -> str:
    name = label.lower()
    if name in tuple(Sentiment):
        return name
    return _NAMELESS.get(name, "") if n_labels == len(_NAMELESS) else ""
