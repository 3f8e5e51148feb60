"""spaCy components: what a recipe says of a text, and the brands that it names, in anybody's spaCy pipeline.

    nlp.add_pipe("cx_rings", config={"recipe": "cx_spacy"})
    nlp.add_pipe("cx_brands", config={"brands": {"Bright Wing": ["@wing"]}})

spaCy finds them by the entry points of this package and makes them anew from their config, so that there is nothing to
write to disk. What they leave in a doc is of plain types, so that it can be serialized too.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from cxlisten.classify import DEFAULT_RECIPE, load_classifier
from cxlisten.classify.brands import Brands

for attribute in ("cx_rings", "cx_sentiment", "cx_noise"):
    Doc.set_extension(attribute, default=None, force=True)


def make_rings(nlp: Language, name: str, recipe: str) -> "Rings":
    """Make the component `cx_rings`; raises ClassifierError or MissingExtra when the recipe cannot be used."""
    return Rings(recipe)


def make_brands(nlp: Language, name: str, brands: dict[str, list[str]]) -> "NamedBrands":
    """Make the component `cx_brands` from each brand with its aliases and handles; raises InputError for a bad name."""
    return NamedBrands(Brands(brands))


Language.factory(
    "cx_rings",
    default_config={"recipe": DEFAULT_RECIPE},
    assigns=["doc._.cx_rings", "doc._.cx_sentiment", "doc._.cx_noise", "doc.spans"],
    func=make_rings,
)
Language.factory("cx_brands", default_config={"brands": {}}, assigns=["doc.spans"], func=make_brands)


class Rings:
    """Sets `doc._.cx_rings`, a dict a tag, their evidence as `doc.spans["cx_rings"]`, `cx_sentiment` and `cx_noise`."""

    def __init__(self, recipe: str) -> None:
        self.recipe = recipe
        self.classifier = load_classifier(recipe)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        """Let another process load the model itself: not every engine can be pickled."""
        return type(self), (self.recipe,)

    def __call__(self, doc: Doc) -> Doc:
        """Tag one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 1_000) -> Iterator[Doc]:
        """Tag docs, so many at once."""
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            tagged = self.classifier.tag([doc.text for doc in batch], [None] * len(batch))
            for doc, one in zip(batch, tagged, strict=True):
                doc._.cx_sentiment, doc._.cx_noise = one.sentiment, list(one.noise)
                doc._.cx_rings = [
                    {"ring": tag.ring, "sentiment": tag.sentiment, "score": tag.score, "facets": list(tag.facets)}
                    for tag in one.rings
                ]
                doc.spans["cx_rings"] = [_span(doc, *tag.evidence, label=tag.ring) for tag in one.rings]
                yield doc


class NamedBrands:
    """Sets `doc.spans["cx_brands"]`: where a brand is named, labelled BRAND, with the brand as `kb_id_`."""

    def __init__(self, brands: Brands) -> None:
        self.brands = brands

    def __call__(self, doc: Doc) -> Doc:
        """Find the brands of one doc."""
        named = self.brands.find(doc.text)
        doc.spans["cx_brands"] = [_span(doc, each.start, each.end, "BRAND", kb_id=each.brand) for each in named]
        return doc


def _span(doc: Doc, start: int, end: int, label: str, **more: str) -> Any:
    """The tokens that hold a span of the text: #BrightWingFail is one token."""
    return doc.char_span(start, end, label=label, alignment_mode="expand", **more)
