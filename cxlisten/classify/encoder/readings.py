"""Readings: what a teacher reads in texts, kept in a file by the hash of the text, so that none is read twice.

The file can be carried with a recipe: it holds no text, and whoever has the texts trains without the teacher.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxlisten.classify import Recipe
from cxlisten.classify.encoder.artefact import GRAPH, fingerprint
from cxlisten.classify.encoder.heads import HEADS, WIDTH
from cxlisten.classify.engines.encoder import EncoderEngine, load
from cxlisten.errors import ClassifierError
from cxlisten.taxonomy import RING_NAMES

log = logging.getLogger(__name__)

# The chances of every label, [WIDTH], and of every token to be evidence of a ring, [tokens, rings]; in 255ths.
Reading = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_AT_ONCE = 2_048
# They need not be fine: with fewer steps than 255 the file takes two thirds of the room.
_CHANCE_STEPS = 51
_MARK_STEPS = 15
# What columns mean: readings of other heads are of no use.
_LAYOUT = hashlib.sha256(repr(HEADS).encode()).hexdigest()


def readings_of(teacher: Recipe, texts: Sequence[str], kept: Path) -> list[Reading | None]:
    """Give what a teacher reads in each text, of a long one in its first piece; what is not in `kept` yet is put there.

    Where the teacher was trained anew, nothing in `kept` counts. Where it is not trained here, all of it does, and a
    text that it lacks, as a correction may be, has no reading; raises ClassifierError when all are lacking.
    """
    trained = (teacher.folder / "model" / GRAPH).is_file()
    name, known = _open(kept, fingerprint(teacher.folder / "model") if trained else None)
    lacking = list({key: text for text in texts if (key := key_of(text)) not in known}.values())
    if lacking and trained:
        _read(load(teacher), lacking, name, known, kept)
    elif lacking and not known:
        raise ClassifierError(
            f"{kept} has no readings, and their teacher is not trained here:"
            f" train it first:  cxlisten train {teacher.name} --data DIR"
        )
    elif lacking:
        log.warning(
            "train has no teacher for %d of %d texts, only labels, if any: %s lacks them, and %s is not trained here",
            *(sum(key_of(text) not in known for text in texts), len(texts), kept.name, teacher.name),
        )
    return [known.get(key_of(text)) for text in texts]


def _read(engine: EncoderEngine, texts: Sequence[str], name: str, known: dict[int, Reading], kept: Path) -> None:
    """Read texts, and save after every so many: it takes longer than much of a training, and may be broken off."""
    for at in range(0, len(texts), _AT_ONCE):
        some = texts[at : at + _AT_ONCE]
        for text, (first, *_) in zip(some, engine.read(some), strict=True):
            spoken_of = [1 - first.chances[head.start] > 0.02 for head in HEADS[: len(RING_NAMES)]]
            chances = _in_255ths(first.chances, _CHANCE_STEPS)
            known[key_of(text)] = (chances, _in_255ths(first.evidence * spoken_of, _MARK_STEPS))
        _save(kept, name, known)
        log.info("train has %d of %d texts read by their teacher", at + len(some), len(texts))


def _in_255ths(chances: NDArray[np.float32], steps: int) -> NDArray[np.uint8]:
    """Round to so many steps from 0 to 1."""
    return (np.rint(chances * steps) * (255 // steps)).astype(np.uint8)


def key_of(text: str) -> int:
    """Give the number that a text is known by."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")


def _open(kept: Path, teacher: str | None) -> tuple[str, dict[int, Reading]]:
    """Give whose readings are kept, and those; of another teacher, or of other heads, none."""
    if kept.is_file():
        with np.load(kept) as saved:
            name = str(saved["teacher"])
            if str(saved["layout"]) == _LAYOUT and teacher in (None, name):
                marks = np.split(saved["marks"], saved["n_tokens"].cumsum()[:-1])
                return name, dict(zip(saved["keys"].tolist(), zip(saved["chances"], marks, strict=True), strict=True))
    return teacher or "", {}


def _save(kept: Path, teacher: str, known: Mapping[int, Reading]) -> None:
    """Write the file, in one step, in the order of the keys: the same readings make the same file."""
    keys = sorted(known)
    draft = kept.with_suffix(".tmp.npz")
    np.savez_compressed(
        draft,
        teacher=np.array(teacher),
        layout=np.array(_LAYOUT),
        keys=np.array(keys, np.uint64),
        n_tokens=np.array([len(known[key][1]) for key in keys], np.uint16),
        chances=np.stack([known[key][0] for key in keys]).reshape(-1, WIDTH),
        marks=np.concatenate([known[key][1] for key in keys]),
    )
    draft.replace(kept)
