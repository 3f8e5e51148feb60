"""Base weights: the pre-trained encoders that recipes start from, found in installed packages and hash-checked."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from cxlisten.errors import ClassifierError


@dataclass(frozen=True, slots=True)
class Base:
    """An unpacked base model: a folder with `config.json`, `model.safetensors` and `tokenizer.json`."""

    folder: Path

    @property
    def tokenizer(self) -> Path:
        """Its tokenizer."""
        return self.folder / "tokenizer.json"

    def encoder(self) -> Any:
        """Load the encoder, without a pooler; needs transformers and torch."""
        from transformers import AutoModel

        return AutoModel.from_pretrained(self.folder, add_pooling_layer=False, attn_implementation="sdpa")


def find_base(settings: dict[str, Any]) -> Base:
    """Find the base model of a recipe: `package` or `folder`, and the `sha256` of its weights.

    Raises ClassifierError when it is not installed, or is not the file that the recipe names.
    """
    folder = Path(settings["folder"]) if "folder" in settings else _in_package(settings["package"])
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ClassifierError(f"{folder} holds no model.safetensors")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != settings["sha256"]:
        raise ClassifierError(
            f"{weights} is not the base model that the recipe names:"
            f" its sha256 is {found[:12]}, not {settings['sha256'][:12]}"
        )
    return Base(folder)


def _in_package(requirement: str) -> Path:
    name = requirement.split("==")[0]
    try:
        found = [file for file in files(name) or () if file.name == "model.safetensors"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise ClassifierError(
            f"the base model is not installed: run  pip install --no-deps {requirement}  (it is needed to train only)"
        )
    return Path(str(found[0].locate())).parent
