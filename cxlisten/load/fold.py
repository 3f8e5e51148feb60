"""The key that folds near-exact copies of a text: same words, whatever the links, handles, case, punctuation."""

import hashlib
import re

import pyarrow as pa

_LINK_OR_HANDLE = re.compile(r"^\s*RT(?=\s+@)|https?://\S+|www\.\S+|(?<!\w)@[\w.\-]+", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 4


def text_keys(raw: pa.Table) -> pa.Array:
    """The fold key of each row of schema `landing.RAW`; null where there is no text."""
    rows = zip(raw["text"].to_pylist(), raw["author_key"].to_pylist(), raw["post_id"].to_pylist(), strict=True)
    return pa.array([_text_key(*row) if row[0] is not None else None for row in rows], pa.int64())


def _text_key(text: str, author: int | None, post_id: int) -> int:
    words = _WORD.findall(_LINK_OR_HANDLE.sub(" ", text).casefold())
    # "Love it" from two people is two opinions: so short a text is only a copy when its author repeats it.
    whose = f"{author or post_id}\0" if len(words) < _FEWEST_WORDS else ""
    return int.from_bytes(hashlib.blake2b(f"{whose}{' '.join(words)}".encode(), digest_size=8).digest()) >> 1
