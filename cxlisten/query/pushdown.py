"""Push-down: what of a query a platform can look for by itself; the whole query is applied to what it finds."""

from cxlisten.query.expression import And, Expression, Near, Or, Phrase, Tag
from cxlisten.query.parser import parse


def searches(terms: str) -> list[str]:
    """Searches that together find all that the query can match; [""], which finds all, where there are none such."""
    found = _needed(parse(terms)) if terms.strip() else None
    return [""] if found is None else sorted(found)


def _needed(expression: Expression) -> frozenset[str] | None:
    """Texts one of which every match holds; None where that cannot be said."""
    match expression:
        case Phrase(words, is_prefix):
            # Without quotes the last word may go on, which is what a prefix asks for.
            return frozenset((" ".join(words) if is_prefix else f'"{" ".join(words)}"',))
        case Tag(_, name, is_prefix):
            return frozenset((name if is_prefix else f'"{name}"',))
        case Near(left, right):
            return frozenset().union(*(_needed(place) or () for place in min(left, right, key=len)))
        case And(parts):
            return min((texts for part in parts if (texts := _needed(part))), key=len, default=None)
        case Or(parts):
            each = [_needed(part) for part in parts]
            return None if None in each else frozenset().union(*(texts or () for texts in each))
    return None
