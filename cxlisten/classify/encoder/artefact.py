"""Artefact: the files of a trained encoder, and how they are known to be the ones that a recipe names."""

import hashlib
from pathlib import Path

from cxlisten.classify import Recipe
from cxlisten.errors import ClassifierError

GRAPH = "rings.onnx"
TOKENIZER = "tokenizer.json"


def find_model(recipe: Recipe) -> Path:
    """Give the folder of a recipe's artefact; raises ClassifierError when it is missing or not the one named.

    A recipe that names none, by `sha256`, takes the one that was trained here.
    """
    folder = recipe.folder / "model"
    if not all((folder / name).is_file() for name in (GRAPH, TOKENIZER)):
        raise ClassifierError(
            f"{folder} holds no trained model: train it first:  cxlisten train {recipe.name} --data DIR"
            f"  (DIR has more labelled posts, see its README.md)"
        )
    named = recipe.settings.get("sha256")
    if named and (found := fingerprint(folder)) != named:
        raise ClassifierError(
            f"{folder} is not the artefact that classifier.toml names (sha256 {found[:12]}, not {named[:12]}):"
            f" restore it, or after training write sha256 and a new version into classifier.toml"
        )
    return folder


def fingerprint(folder: Path) -> str:
    """Give the SHA-256 of an artefact's files, one after the other."""
    digest = hashlib.sha256()
    for name in (GRAPH, TOKENIZER):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
