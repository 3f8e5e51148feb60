"""Push-down: what of a query a platform can look for by itself; the whole query is applied to what it finds."""

import re

from cxlisten.query.expression import And, Expression, Near, Or, Phrase, Place, Tag
from cxlisten.query.parser import parse
from cxlisten.query.words import UNSPACED

# Scripts that put no space between words: to us each character is a word, to a platform they are one text.
_BETWEEN = re.compile(rf"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")


def searches(terms: str) -> list[str]:
    """Searches that together find all that the query can match; [""], which finds all, where there are none such."""
    found = _places(terms)
    return [""] if found is None else sorted({_search(place) for place in found})


def hashtags(terms: str) -> list[str]:
    """What stands in for a search where only hashtags can be asked for: those of the query, else its words as such.

    Two words in a row become one, as people tag. Empty where no hashtag and no whole word must be there.
    """
    places = [place for place in _places(terms) or () if not place.is_prefix]
    own = {place.name for place in places if isinstance(place, Tag) and place.sign == "#"}
    words = {"".join(place.words) if isinstance(place, Phrase) else place.name for place in places}
    names = {"".join(filter(lambda sign: sign.isalnum() or sign == "_", name)) for name in own or words}
    return sorted(name for name in names if name and not name.isdigit())


def _search(place: Place) -> str:
    # Without quotes the last word may go on, which is what a prefix asks for.
    text = _BETWEEN.sub("", " ".join(place.words)) if isinstance(place, Phrase) else place.name
    return text if place.is_prefix else f'"{text}"'


def _places(terms: str) -> frozenset[Place] | None:
    return _needed(parse(terms)) if terms.strip() else None


def _needed(expression: Expression) -> frozenset[Place] | None:
    """Places one of which every match holds; None where that cannot be said."""
    match expression:
        case Phrase() | Tag():
            return frozenset((expression,))
        case Near(left, right):
            return frozenset(left if len(left) <= len(right) else right)
        case And(parts):
            return min((places for part in parts if (places := _needed(part))), key=len, default=None)
        case Or(parts):
            each = [_needed(part) for part in parts]
            return None if None in each else frozenset().union(*(places or () for places in each))
    return None
