"""Features: words, word pairs, letter runs and cues of a stretch of text, as numbered buckets with values."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cxlisten.classify.cues import Cue

N_BUCKETS = 1 << 17
Ids = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]
Row = tuple[Ids, Values]

_RUNS = range(2, 6)
_LONGEST_WORD = 30
_LINK = re.compile(r"(https?:|www\.)", re.I)
_STRETCHED = re.compile(r"(.)\1{2,}")
_PAIR = 1_000_003
_CUE_VALUE = 0.3


def features(tokens: Iterable[Any], cues: Sequence[Cue]) -> Row:
    """Number the features of spaCy tokens and of the cues among them; the same for the same words, anywhere."""
    words, runs = [], []
    for token in tokens:
        word, letters = _word(token.lower_)
        words.append(word)
        runs.append(letters)
    if not words:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    one = np.array(words, np.int64)
    pairs = (one[:-1] * _PAIR + one[1:]) % N_BUCKETS
    marks = {crc32(f"cue {cue.label}".encode()) for cue in cues}
    marks |= {crc32(f"ring {cue.label.split('.')[0]}".encode()) for cue in cues}
    marks |= {cue.key for cue in cues}
    blocks = [_unit(np.concatenate([one, pairs])), _unit(np.concatenate(runs))]
    if marks:
        blocks.append((np.array(sorted(marks), np.int64) % N_BUCKETS, np.full(len(marks), _CUE_VALUE, np.float32)))
    return np.concatenate([ids for ids, _ in blocks]), np.concatenate([values for _, values in blocks])


def _unit(buckets: Ids) -> Row:
    """Count, dampen, and scale to length one."""
    ids, counts = np.unique(buckets, return_counts=True)
    values = (1 + np.log(counts)).astype(np.float32)
    return ids, values / np.float32(np.sqrt((values * values).sum()))


@lru_cache(maxsize=50_000)
def _word(lower: str) -> tuple[int, Ids]:
    """Number a word and the runs of letters in it; links, handles and numbers lose what makes them unique."""
    if _LINK.match(lower):
        lower = "http"
    word = _STRETCHED.sub(r"\1\1", lower[:_LONGEST_WORD])
    letters = f" {word} "
    runs = [crc32(b"#" + letters[i : i + n].encode()) for n in _RUNS for i in range(len(letters) - n + 1)]
    if word.startswith("@") and len(word) > 1:
        word = "@user"
    return crc32(word.encode()) % N_BUCKETS, np.array(runs, np.int64) % N_BUCKETS
