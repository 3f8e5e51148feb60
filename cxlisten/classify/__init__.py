"""Classify: the pure batch → batch seam, and how a recipe is found by name and made into a classifier."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from cxlisten.content import content_dir
from cxlisten.errors import ClassifierError, MissingExtra
from cxlisten.language import language_of
from cxlisten.models import Tagged

DEFAULT_RECIPE = "cx_minilm"
_EXTRAS = {"torch": "train", "transformers": "train"}  # else nlp

# What goes in: a platform's own claim of the language is only used where it is given.
TEXTS = pa.schema([("id", pa.string()), ("text", pa.string()), ("lang", pa.string())])

# What comes out: one row per row in, in order. Evidence is a half-open span of code points of `text`. A classifier
# knows of no brands: `target`, the query whose brand a tag is about, is null until Targets fills it in.
TAGS = pa.schema(
    [
        ("id", pa.string()),
        ("lang", pa.string()),
        ("sentiment", pa.string()),
        ("sentiment_score", pa.float32()),
        (
            "rings",
            pa.list_(
                pa.struct(
                    [
                        ("ring", pa.string()),
                        ("sentiment", pa.string()),
                        ("score", pa.float32()),
                        ("evidence_start", pa.int32()),
                        ("evidence_end", pa.int32()),
                        ("facets", pa.list_(pa.string())),
                        ("target", pa.string()),
                    ]
                )
            ),
        ),
        ("noise", pa.list_(pa.string())),
        ("benefits", pa.list_(pa.string())),
        ("signals", pa.list_(pa.string())),
        ("classifier", pa.string()),
        ("version", pa.string()),
    ]
)


class Engine(Protocol):
    """A kind of model: `engines/NAME.py` has `load(recipe) -> Engine`. It is stateless but for the model."""

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text, in the language that `langs` tells: one of the recipe's, or null where it cannot be told.

        The answer does not depend on its neighbours.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """A folder of `classifiers/`: what to run, with which settings. `version` changes when an answer can."""

    name: str
    version: str
    engine: str
    folder: Path
    settings: dict[str, Any]


class Classifier:
    """A recipe with its model loaded."""

    def __init__(self, recipe: Recipe, engine: Engine) -> None:
        self.recipe = recipe
        self.engine = engine
        self.languages = frozenset(recipe.settings["languages"])

    def tag(self, texts: Sequence[str], claims: Sequence[str | None]) -> list[Tagged]:
        """Tag each text; one in a language that the recipe does not know gets its language and nothing else.

        A text whose language cannot be told is in the language that its platform claims, else read as the recipe's.
        """
        langs = [language_of(text, claim) for text, claim in zip(texts, claims, strict=True)]
        tagged = [Tagged(lang, None, 0.0) for lang in langs]
        ours = [i for i, lang in enumerate(langs) if lang is None or lang in self.languages]
        for i, one in zip(ours, self.engine.tag([texts[i] for i in ours], [langs[i] for i in ours]), strict=True):
            tagged[i] = one
        return tagged

    def classify(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Tag a batch of schema TEXTS; the answer has schema TAGS and the same rows in the same order."""
        tagged = self.tag(batch["text"].to_pylist(), batch["lang"].to_pylist())
        rows = [
            {
                "id": post_id,
                "lang": one.lang,
                "sentiment": one.sentiment,
                "sentiment_score": one.sentiment_score,
                "rings": [
                    {
                        "ring": tag.ring,
                        "sentiment": tag.sentiment,
                        "score": tag.score,
                        "evidence_start": tag.evidence[0],
                        "evidence_end": tag.evidence[1],
                        "facets": list(tag.facets),
                    }
                    for tag in one.rings
                ],
                "noise": list(one.noise),
                "benefits": list(one.benefits),
                "signals": list(one.signals),
                "classifier": self.recipe.name,
                "version": self.recipe.version,
            }
            for post_id, one in zip(batch["id"].to_pylist(), tagged, strict=True)
        ]
        return pa.RecordBatch.from_pylist(rows, schema=TAGS)


def recipe_names() -> list[str]:
    """Name every recipe: the folders of `classifiers/`."""
    return sorted(path.parent.name for path in content_dir("classifiers").glob("*/classifier.toml"))


def load_recipe(name: str) -> Recipe:
    """Read a recipe; raises ClassifierError when there is none of that name or its file is wrong."""
    folder = content_dir("classifiers") / name
    if name not in recipe_names():
        raise ClassifierError(f'no recipe "{name}"; there is {", ".join(recipe_names())}')
    try:
        settings = tomllib.loads((folder / "classifier.toml").read_text(encoding="utf-8"))
        version, engine, _ = str(settings.pop("version")), settings.pop("engine"), settings["languages"]
        return Recipe(name, version, engine, folder, settings)
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ClassifierError(
            f"{folder / 'classifier.toml'}: {error}; it needs version, engine and languages"
        ) from None


def load_classifier(name: str) -> Classifier:
    """Load a recipe with its model.

    Raises ClassifierError for a recipe that cannot be used, MissingExtra when a library of its engine is missing.
    """
    recipe = load_recipe(name)
    module = f"cxlisten.classify.engines.{recipe.engine}"
    try:
        engine = import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            raise ClassifierError(f'recipe "{name}": no engine "{recipe.engine}"') from None
        raise MissingExtra(str(error.name), _EXTRAS.get(str(error.name), "nlp")) from None
    return Classifier(recipe, engine.load(recipe))
