"""X's query language, as its documents say it is read: what is wrong with a query, and whether a post matches it."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

Test = Callable[[str, str], bool]

_TOKENS = re.compile(r'\(|\)|-?"[^"]*"|-?[^\s()"]+|-(?=\()')
_WORDS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]+")


class Invalid(Exception):
    """What X answers to a query with 400."""


def compile(query: str) -> Test:
    """Make a test of a post's text and language; raises Invalid."""
    if len(query) > 512:
        raise Invalid("'query' must be 512 characters or fewer")
    if _TOKENS.sub("", query).strip():
        raise Invalid("There were errors processing your request: no viable alternative")
    tokens = _TOKENS.findall(query)
    is_anchored, test = _any(tokens)
    if tokens:
        raise Invalid("There were errors processing your request: extraneous input")
    if not is_anchored:
        raise Invalid("There were errors processing your request: there must be a standalone operator in each choice")
    return test


def _any(tokens: list[str]) -> tuple[bool, Test]:
    choices = [_all(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        choices.append(_all(tokens))
    return all(is_anchored for is_anchored, _ in choices), lambda text, lang: any(
        test(text, lang) for _, test in choices
    )


def _all(tokens: list[str]) -> tuple[bool, Test]:
    parts: list[tuple[bool, bool, Test]] = []
    while tokens and tokens[0] not in (")", "OR"):
        token = tokens.pop(0)
        if token == "-":
            raise Invalid("There were errors processing your request: do not negate a group")
        if token == "(":
            is_anchored, test = _any(tokens)
            if not tokens or tokens.pop(0) != ")":
                raise Invalid("There were errors processing your request: missing )")
            parts.append((is_anchored, False, test))
        else:
            parts.append(_one(token))
    if not parts or all(is_negated for _, is_negated, _ in parts):
        raise Invalid("There were errors processing your request: negated operators cannot be used alone")
    return any(is_anchored for is_anchored, _, _ in parts), lambda text, lang: all(t(text, lang) for _, _, t in parts)


def _one(token: str) -> tuple[bool, bool, Test]:
    """Whether it can stand alone, whether it is negated, and the test."""
    if token.startswith("-"):
        *_, test = _one(token[1:])
        return False, True, lambda text, lang: not test(text, lang)
    if token.lower() in {"and", "or", "not"}:
        raise Invalid(f"There were errors processing your request: Ambiguous use of {token} as a keyword")
    if token.startswith("lang:"):
        return False, False, lambda text, lang: lang == token[5:]
    if token[0] in "#@":
        if not re.fullmatch(r"#\w*[^\W\d_]\w*|@[A-Za-z0-9_]{1,15}", token):
            raise Invalid(f"There were errors processing your request: {token} is invalid")
        return True, False, lambda text, lang: _plain(token) in _tags_of(text)
    if not re.fullmatch(r'"[^"]+"|\w+', token):
        raise Invalid(f"There were errors processing your request: Reference to invalid operator {token}")
    words = _words_of(token)
    if not words:
        raise Invalid("There were errors processing your request: a phrase without words")
    return True, False, lambda text, lang: _has(_words_of(text), words)


def _has(text: list[str], words: list[str]) -> bool:
    return any(text[i : i + len(words)] == words for i in range(len(text)) if text[i] == words[0])


@lru_cache(2_000)
def _words_of(text: str) -> list[str]:
    return _WORDS.findall(_plain(text))


@lru_cache(2_000)
def _tags_of(text: str) -> list[str]:
    return re.findall(r"[#@]\w+", _plain(text))


def _plain(text: str) -> str:
    """Without case and accents: X finds either by either."""
    if text.isascii():
        return text.lower()
    marks = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in marks if not unicodedata.combining(sign))
