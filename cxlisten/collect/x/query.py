"""X's query language: our boolean query as searches that X takes, which together find every post that it can match."""

import re
from collections.abc import Iterable, Mapping

from cxlisten.collect import PushDown
from cxlisten.errors import BadQuery
from cxlisten.models import Query
from cxlisten.query import parse
from cxlisten.query.expression import OPERATORS, And, Expression, Field, Near, Not, Or, Phrase, Tag
from cxlisten.query.words import HANDLE, HASHTAG, WORD, fold, fold_tag, split_words

MOST = 512  # characters of one search, for accounts that pay as they go
_LANGUAGES = frozenset((
    "am", "ar", "bg", "bn", "bo", "bs", "ca", "ckb", "cs", "cy", "da", "de", "dv", "el", "en", "es", "et", "eu", "fa",
    "fi", "fr", "gu", "he", "hi", "hr", "ht", "hu", "hy", "id", "is", "it", "ja", "ka", "km", "kn", "ko", "lo", "lt",
    "lv", "ml", "mr", "my", "ne", "nl", "no", "or", "pa", "pl", "ps", "pt", "ro", "ru", "sd", "si", "sk", "sl", "sr",
    "sv", "ta", "te", "th", "tl", "tr", "ug", "uk", "ur", "vi",
))  # fmt: skip
_CODES = {"he": ("iw",), "id": ("in",), "hi": ("hi", "hi-Latn")}  # where X writes another than everybody does
_OURS = {"iw": "he", "in": "id"}
_SPELT = re.compile(f"{HASHTAG}|{HANDLE}|{WORD}")
_HANDLE = re.compile("[A-Za-z0-9_]{1,15}")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(code: str) -> str | None:
    """Give X's code of a language as everybody writes it; none for those that say that there is no language."""
    return None if code in {"", "und", "zxx", "art"} or code[0] == "q" else _OURS.get(code, code)


def push_down(query: Query, source: str) -> PushDown:
    """Say what X is asked for; raises BadQuery where it cannot search so, or not for so long a query.

    A query without terms, which matches everything, is asked for by the name of its brand. `source` is the name that
    the query calls this source by.
    """
    narrowing, warnings = _Narrowing(source), []
    if query.terms.strip():
        wanted = narrowing.most_of(parse(query.terms))
    else:
        words = split_words(query.brand)
        wanted = Phrase(words) if words else True
        warnings.append(f'without terms X is asked for  "{query.brand}"')
    if wanted is False:
        return PushDown((), warnings=(f'"{query.name}" asks for other sources only',))
    if query.languages and _LANGUAGES.issuperset(query.languages):
        # A post without a language is kept, so what X knows none of is asked for too.
        codes = [*(code for name in query.languages for code in _CODES.get(name, (name,))), "und"]
        wanted = _all((wanted, Or(tuple(Field("lang", code) for code in codes))))
    widened = ", ".join(narrowing.widened)
    if isinstance(wanted, bool) or not _is_anchored(wanted):
        culprit = f", as it has  {widened}" if widened else ""
        raise BadQuery(
            f'{source}: X cannot search for "{query.name}"{culprit}: each of its alternatives needs a whole word, a'
            ' "phrase", a #hashtag or an @handle'
        )
    if widened:
        warnings.append(f"X cannot search for  {widened}  and gives more than the query matches, all at the same price")
    return PushDown(tuple(_Writer(query, source).searches(wanted)), warnings=tuple(warnings))


class _Narrowing:
    """What X can search for of an expression; True where that is nothing in particular, False where no post can match.

    `widened` are the parts that X is not asked for, or not as they are.
    """

    def __init__(self, source: str) -> None:
        self._origins = {source.casefold(), "x"}
        self.widened: dict[str, None] = {}

    def most_of(self, expression: Expression) -> Expression | bool:
        """Give what holds of every post of which `expression` does."""
        match expression:
            case Field("source", name):
                return name in self._origins
            case Field("lang", name) if name in _LANGUAGES:
                return _any(Field("lang", code) for code in _CODES.get(name, (name,)))
            case Phrase(is_prefix=False) | Tag(is_prefix=False):
                return expression
            case And(parts):
                return _all(map(self.most_of, parts))
            case Or(parts):
                return _any(map(self.most_of, parts))
            case Not(part):
                return self.none_of(part)
        self.widened[str(expression)] = None
        match expression:
            case Phrase(words) if len(words) > 1:
                return Phrase(words[:-1])
            case Near(left, right):
                return self.most_of(And((Or(left), Or(right))))
        return True

    def none_of(self, expression: Expression) -> Expression | bool:
        """Give what holds of every post of which `expression` does not."""
        match expression:
            case Field("source", name):
                return name not in self._origins
            case Field("lang", name) if name in _LANGUAGES:
                return _all(Not(Field("lang", code)) for code in _CODES.get(name, (name,)))
            case Phrase(is_prefix=False) | Tag(is_prefix=False):
                return Not(expression)
            case And(parts):
                return _any(map(self.none_of, parts))
            case Or(parts):
                return _all(map(self.none_of, parts))
            case Not(part):
                return self.most_of(part)
        self.widened[str(Not(expression))] = None
        return True


def _all(parts: Iterable[Expression | bool]) -> Expression | bool:
    flat: list[Expression] = []
    for part in parts:
        if part is False:
            return False
        if not isinstance(part, bool):
            flat += part.parts if isinstance(part, And) else [part]
    return And(tuple(flat)) if len(flat) > 1 else flat[0] if flat else True


def _any(parts: Iterable[Expression | bool]) -> Expression | bool:
    """A mere absence cannot be an alternative at X."""
    flat: list[Expression] = []
    for part in parts:
        if part is True:
            return True
        if not isinstance(part, bool):
            flat += part.parts if isinstance(part, Or) else [part]
    if len(flat) > 1 and any(map(_is_absence, flat)):
        return True
    return Or(tuple(flat)) if len(flat) > 1 else flat[0] if flat else False


def _is_absence(part: Expression) -> bool:
    return isinstance(part, Not) or (isinstance(part, And) and all(map(_is_absence, part.parts)))


def _is_anchored(part: Expression) -> bool:
    """Whether X can look it up: by something that is there, not by its language or by what is absent."""
    match part:
        case And(parts):
            return any(map(_is_anchored, parts))
        case Or(parts):
            return all(map(_is_anchored, parts))
    return isinstance(part, Phrase | Tag)


class _Writer:
    """Writes expressions as X reads them, each word as the query spells it: with its accents X finds both spellings."""

    def __init__(self, query: Query, source: str) -> None:
        found = sorted(
            _SPELT.findall(query.terms if query.terms.strip() else query.brand), key=str.isascii, reverse=True
        )
        self._spelt: Mapping[str, str] = {fold_tag(text) or fold(text): text for text in found}
        self._what = f'{source}: "{query.name}"'

    def searches(self, wanted: Expression) -> list[str]:
        """Give it as one search; where that is too long, as several, each with some of its alternatives."""
        if len(self._text(wanted)) <= MOST:
            return [self._text(wanted)]
        parts = wanted.parts if isinstance(wanted, And) else (wanted,)
        longest = max((part for part in parts if isinstance(part, Or)), key=lambda part: len(str(part)), default=None)
        rest = [part for part in parts if part is not longest]
        texts: list[str] = []
        some: list[Expression] = []
        for part in longest.parts if longest else ():
            text = self._text(And((*rest, Or((*some, part)))))
            if len(text) <= MOST and some:
                some, texts[-1] = [*some, part], text
            else:
                some = [part]
                texts.append(self._text(And((*rest, part))))
        too_long = max(map(len, texts), default=len(self._text(wanted)))
        if too_long > MOST:
            raise BadQuery(f"{self._what} is too long for X: query {too_long} of {MOST} characters: make several of it")
        return texts

    def _text(self, part: Expression) -> str:
        match part:
            case And((one,)):
                return self._text(one)
            case And(parts):
                return " ".join(f"({self._text(one)})" if isinstance(one, Or) else self._text(one) for one in parts)
            case Or(parts):
                return " OR ".join(map(self._text, parts))
            case Not(one):
                return f"-{self._text(one)}"
            case Tag(sign, name) if _HANDLE.fullmatch(name) if sign == "@" else _LETTER.search(name):
                return sign + self._spelt.get(sign + name, sign + name)[1:]
            case Tag(_, name):  # no handle or hashtag as X knows them, but perhaps words of a post
                return self._words(split_words(name))
            case Phrase(words):
                return self._words(words)
        return str(part)

    def _words(self, words: tuple[str, ...]) -> str:
        """A phrase; between signs of a script that has no spaces there is none."""
        text = ""
        for n, word in enumerate(words, 1):
            spelt = self._spelt.get(word, word)
            text = text + spelt if split_words(text + spelt) == words[:n] else f"{text} {spelt}"
        return text if len(words) == 1 and text.isalnum() and text.lower() not in OPERATORS else f'"{text}"'
