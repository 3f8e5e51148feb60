"""Why a post matches a query or does not: the tree of the query with what was found of each part, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

from cxlisten.query.expression import And, Expression, Field, Near, Not, Or
from cxlisten.query.matching import Reading, holds
from cxlisten.query.parser import parse

_SHOWN_PLACES, _SHOWN_CHARACTERS = 3, 60


@dataclass(frozen=True, slots=True)
class Explanation:
    """One part of a query, whether it holds, the half-open spans of the text where it was found, and its own parts."""

    expression: Expression
    is_hit: bool
    spans: tuple[tuple[int, int], ...] = ()
    parts: tuple["Explanation", ...] = ()
    note: str = ""


def explain(
    query: Expression | str,
    text: str,
    *,
    source: str | None = None,
    platform: str | None = None,
    lang: str | None = None,
) -> Explanation:
    """Say why a post matches or does not; raises QueryError where `query` is a text that cannot be read."""
    expression = parse(query) if isinstance(query, str) else query
    return _explain(expression, Reading(text, source, platform, lang))


def render(explanation: Explanation, text: str) -> str:
    """Print an explanation, a line for each part of the query, with what was found of it in `text`."""
    verdict = "HIT " if explanation.is_hit else "MISS"
    return "\n".join([f"{verdict} {explanation.expression}", *_lines(explanation, text, depth=1)])


def _explain(expression: Expression, post: Reading) -> Explanation:
    is_hit = holds(expression, post)
    match expression:
        case And(parts) | Or(parts):
            return Explanation(expression, is_hit, parts=tuple(_explain(part, post) for part in parts))
        case Not(part):
            return Explanation(expression, is_hit, parts=(_explain(part, post),))
        case Field("source"):
            return Explanation(
                expression, is_hit, note=f"the post is from {' / '.join(post.origins) or 'an unnamed source'}"
            )
        case Field():
            return Explanation(expression, is_hit, note=f"the post is in {post.language or 'no known language'}")
        case Near(left, right):
            spans = tuple((hit.start, hit.end) for hit in post.find(expression))
            return Explanation(expression, is_hit, spans, tuple(_explain(place, post) for place in left + right))
    return Explanation(expression, is_hit, tuple((hit.start, hit.end) for hit in post.find(expression)))


def _lines(explanation: Explanation, text: str, depth: int) -> Iterator[str]:
    match explanation.expression:
        case And() | Or() | Not() as operator:
            label = type(operator).__name__.upper()
        case expression:
            label = str(expression)
    places = [
        f"{start}-{end} {text[start:end][:_SHOWN_CHARACTERS]!r}" for start, end in explanation.spans[:_SHOWN_PLACES]
    ]
    if len(explanation.spans) > _SHOWN_PLACES:
        places.append(f"and {len(explanation.spans) - _SHOWN_PLACES} more")
    found = explanation.note or ", ".join(places)
    yield f"{'yes' if explanation.is_hit else 'no ':3}{'  ' * depth}{label}  {found}".rstrip()
    for part in explanation.parts:
        yield from _lines(part, text, depth + 1)
