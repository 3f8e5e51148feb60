"""Artefact: the trained linear models of a `textcat` recipe, as files of its folder `model`."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cxlisten.classify import Recipe
from cxlisten.classify.linear import LinearModel
from cxlisten.errors import ClassifierError


@dataclass(frozen=True, slots=True)
class Models:
    """What was learned: rings with attitudes and facets, the overall sentiment, and noise."""

    rings: LinearModel
    sentiment: LinearModel
    noise: LinearModel

    def save(self, folder: Path) -> str:
        """Write a file for each model, and give the artefact's SHA-256."""
        folder.mkdir(exist_ok=True)
        for name in self.__slots__:
            getattr(self, name).save(folder / f"{name}.npz")
        return _sha256(folder)


def load_models(recipe: Recipe) -> Models:
    """Read the artefact of a recipe; raises ClassifierError when it is missing or not the one that it names."""
    folder = recipe.folder / "model"
    if not all((folder / f"{name}.npz").is_file() for name in Models.__slots__):
        raise ClassifierError(f"{folder} holds no trained models: run  cxlisten train {recipe.name}")
    found, named = _sha256(folder), recipe.settings["sha256"]
    if found != named:
        raise ClassifierError(
            f"{folder} is not the artefact that classifier.toml names (sha256 {found[:12]}, not {named[:12]}):"
            f" restore it, or after training write sha256 and a new version into classifier.toml"
        )
    return Models(*(LinearModel.load(folder / f"{name}.npz") for name in Models.__slots__))


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in Models.__slots__:
        digest.update((folder / f"{name}.npz").read_bytes())
    return digest.hexdigest()
