"""What is wrong with the text of a query, where, and what to do: the message that a person reads."""

from lark import Token

_SHOWN_BEFORE, _SHOWN_AFTER = 50, 25
_OPERATORS = {"AND", "OR", "NOT", "NEAR"}


class Fault(Exception):
    """A mistake at a position of the query."""

    def __init__(self, position: int | None, message: str) -> None:
        self.position = position or 0
        self.message = message
        super().__init__(message)

    def shown_in(self, text: str) -> str:
        """Give the message, the line of the query that it is about, and a caret under the place."""
        from rich.cells import cell_len

        before = _printable(text[: self.position].rpartition("\n")[2])
        after = _printable(text[self.position :].partition("\n")[0])
        if len(before) > _SHOWN_BEFORE:
            before = "…" + before[-_SHOWN_BEFORE:]
        if len(after) > _SHOWN_AFTER:
            after = after[:_SHOWN_AFTER] + "…"
        return f"{self.message}\n  {before}{after}\n  {' ' * cell_len(before)}^"


def misplaced(token: Token, previous: Token | None) -> Fault:
    """Say why `token` cannot stand after `previous` (None: at the beginning).

    With matching parentheses the grammar leaves only these cases.
    """
    where = previous.type if previous else "beginning"
    if token.type == "NOT" and previous:
        return Fault(token.start_pos, f"NOT cannot follow {previous}: join whole parts, as in  (a NEAR/3 b) AND NOT c")
    if where in _OPERATORS and previous:
        return Fault(previous.start_pos, f"{previous} has nothing after it: remove it, or add a word")
    if token.type in {"RPAR", "$END"}:
        return Fault(
            previous.start_pos if previous else 0,
            'there is nothing to find here: write a word, a "phrase", a #hashtag or a @handle',
        )
    if token.type == "NEAR" and where not in {"beginning", "LPAR"}:
        return Fault(token.start_pos, "NEAR joins two parts only: for three, write  (a NEAR/3 b) AND (b NEAR/3 c)")
    return Fault(token.start_pos, f"{token} has nothing before it: remove it, or add a word")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
