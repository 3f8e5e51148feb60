"""From the text of a query to its expression tree, or to an error that points at the place and says the fix."""

from collections.abc import Iterator
from functools import cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from cxlisten.errors import QueryError
from cxlisten.query.expression import And, Expression, Field, Near, Not, Or, Phrase, Place, Tag
from cxlisten.query.fault import Fault, misplaced
from cxlisten.query.terms import read_distance, read_field, read_phrase, read_term

MAX_DEPTH = 25
MAX_TERMS = 5_000


def parse(text: str) -> Expression:
    """Read a query; raises QueryError, whose message shows the place and the fix."""
    try:
        tokens = list(_tokens(text))
        expression = _build(text, tokens)
        if _holds_of_nothing(expression):
            raise Fault(
                next(token.start_pos for token in tokens if token.type == "NOT"),
                "this matches every post that lacks something, which is nearly all of them: "
                "say what must be there too, as in  coffee AND NOT giveaway",
            )
    except Fault as fault:
        raise QueryError(fault.shown_in(text)) from None
    return expression


def _tokens(text: str) -> Iterator[Token]:
    """Cut a query into tokens, as long as its parentheses match and its bounds are kept."""
    opened: list[Token] = []
    n_terms = 0
    try:
        for token in _lark().lex(text):
            n_terms += token.type in {"WORD", "PHRASE", "FIELD"}
            if n_terms > MAX_TERMS:
                raise Fault(token.start_pos, f"more than {MAX_TERMS} terms: make several queries of it")
            if token.type == "LPAR":
                opened.append(token)
                if len(opened) > MAX_DEPTH:
                    raise Fault(token.start_pos, f"more than {MAX_DEPTH} parentheses in each other: take some out")
            if token.type == "RPAR":
                if not opened:
                    raise Fault(token.start_pos, "this parenthesis closes nothing: remove it, or open one before it")
                opened.pop()
            yield token
    except UnexpectedCharacters as error:
        raise Fault(error.pos_in_stream, 'this quotation mark is never closed: add another "') from None
    if opened:
        raise Fault(opened[-1].start_pos, "this parenthesis is never closed: add a )")


def _build(text: str, tokens: list[Token]) -> Expression:
    try:
        return cast(Expression, _lark().parse(text))  # made by _Builder, so no lark.Tree
    except UnexpectedToken as error:
        is_end = error.token.type == "$END"
        before = [token for token in tokens if is_end or (token.start_pos or 0) < (error.token.start_pos or 0)]
        raise misplaced(error.token, before[-1] if before else None) from None


def _holds_of_nothing(expression: Expression) -> bool:
    """Say whether a post in which no part is found matches."""
    match expression:
        case Not(part):
            return not _holds_of_nothing(part)
        case And(parts):
            return all(map(_holds_of_nothing, parts))
        case Or(parts):
            return any(map(_holds_of_nothing, parts))
    return False


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Makes the tree while Lark reads: a long query is never a deep recursion."""

    def any_of(self, *parts: Expression) -> Or:
        return Or(tuple(one for part in parts for one in (part.parts if isinstance(part, Or) else (part,))))

    def all_of(self, *parts: Expression) -> And:
        return And(tuple(one for part in parts for one in (part.parts if isinstance(part, And) else (part,))))

    def none_of(self, part: Expression) -> Not:
        return Not(part)

    def near(self, left: Expression, operator: Token, right: Expression) -> Near:
        return Near(_places(left, operator), _places(right, operator), read_distance(operator))

    def word(self, token: Token) -> Phrase | Tag:
        return read_term(token)

    def phrase(self, token: Token) -> Phrase:
        return read_phrase(token)

    def field(self, token: Token) -> Field:
        return read_field(token)


def _places(side: Expression, operator: Token) -> tuple[Place, ...]:
    places = side.parts if isinstance(side, Or) else (side,)
    if not all(isinstance(place, Phrase | Tag) for place in places):
        message = 'NEAR joins words, "phrases", #tags and @handles, or an OR of these in parentheses'
        raise Fault(operator.start_pos, message)
    return cast(tuple[Place, ...], places)


@cache
def _lark() -> Lark:
    return Lark.open(
        "grammar.lark", rel_to=__file__, start="any_of", parser="lalr", lexer="basic", transformer=_Builder()
    )
