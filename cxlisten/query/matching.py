"""Whether a post matches a query."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from cxlisten.query.expression import And, Expression, Field, Near, Not, Or, Phrase, Place, Tag
from cxlisten.query.parser import parse
from cxlisten.query.terms import language_of
from cxlisten.query.words import Hit, Words, fold


@dataclass(frozen=True, slots=True)
class Matcher:
    """A query made ready to be asked of many posts; with no expression it matches every post."""

    expression: Expression | None
    needles: frozenset[str] | None

    def matches(
        self, text: str, *, source: str | None = None, platform: str | None = None, lang: str | None = None
    ) -> bool:
        """Say whether a post matches; `source:` asks for the name of its source or for its platform."""
        if self.expression is None:
            return True
        if self.needles is not None:
            folded = fold(text)
            if not any(needle in folded for needle in self.needles):
                return False
        return holds(self.expression, Reading(text, source, platform, lang))


def compile(text: str) -> Matcher:
    """Make a matcher of a query; the empty one matches every post. Raises QueryError."""
    if not text.strip():
        return Matcher(None, None)
    expression = parse(text)
    return Matcher(expression, _needles(expression))


class Reading:
    """A post as a query sees it: its words, where it is from and its language."""

    def __init__(self, text: str, source: str | None, platform: str | None, lang: str | None) -> None:
        self.words = Words(text)
        self.origins = [name.casefold() for name in (source, platform) if name]
        self.language = language_of(lang) if lang else None

    def has(self, field: Field) -> bool:
        """Say whether the post is from that source or platform, or in that language."""
        return field.value in self.origins if field.name == "source" else field.value == self.language

    def find(self, expression: Place | Near) -> list[Hit]:
        """Find where the post has it, in text order."""
        match expression:
            case Phrase(words, is_prefix):
                return self.words.phrase(words, is_prefix)
            case Tag(sign, name, is_prefix):
                return self.words.tag(sign + name, is_prefix)
            case Near(left, right, distance):
                lefts, rights = ([hit for place in side for hit in self.find(place)] for side in (left, right))
                return sorted(set(_close_pairs(lefts, rights, distance)))


def holds(expression: Expression, post: Reading) -> bool:
    """Say whether an expression is true of a post."""
    match expression:
        case And(parts):
            return all(holds(part, post) for part in parts)
        case Or(parts):
            return any(holds(part, post) for part in parts)
        case Not(part):
            return not holds(part, post)
        case Field():
            return post.has(expression)
        case _:
            return bool(post.find(expression))


def _close_pairs(lefts: list[Hit], rights: list[Hit], distance: int) -> Iterator[Hit]:
    """Give each left hit with the nearest right hit after it and before it; hits that overlap are no pair."""
    by_first, by_last = sorted(rights, key=_first), sorted(rights, key=_last)
    for left in lefts:
        after = bisect_right(by_first, left.last, key=_first)
        if after < len(by_first) and by_first[after].first - left.last <= distance:
            yield Hit(left.first, by_first[after].last, left.start, by_first[after].end)
        before = bisect_left(by_last, left.first, key=_last) - 1
        if before >= 0 and left.first - by_last[before].last <= distance:
            yield Hit(by_last[before].first, left.last, by_last[before].start, left.end)


_first, _last = attrgetter("first"), attrgetter("last")


def _needles(expression: Expression) -> frozenset[str] | None:
    """Give strings one of which is in the folded text of every post that matches; null where that cannot be told.

    They spare most posts from being cut into words, and decide nothing else.
    """
    match expression:
        case Phrase(words):
            return frozenset({max(words, key=len)})
        case Tag(name=name):
            return frozenset({name})
        case Near(left, right):
            return _needles(And((Or(left), Or(right))))
        case And(parts):
            known = [needles for part in parts if (needles := _needles(part)) is not None]
            return min(known, key=len, default=None)
        case Or(parts):
            each = [needles for part in parts if (needles := _needles(part)) is not None]
            return frozenset[str]().union(*each) if len(each) == len(parts) else None
    return None
