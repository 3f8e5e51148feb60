"""The expression tree of a query; printed, it is a query again, with no more parentheses than needed."""

import re
from dataclasses import dataclass
from typing import Literal

from cxlisten.query.words import split_words

# In lower case too these are refused as bare words, so a printed one is quoted.
OPERATORS = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Folded words in a row, or just one; as a prefix, the last of them need only begin so."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def __str__(self) -> str:
        bare = "".join(self.words)
        star = "*" if self.is_prefix else ""
        if split_words(bare) == self.words and bare not in OPERATORS:
            return bare + star
        return f'"{" ".join(self.words)}{star}"'


@dataclass(frozen=True, slots=True)
class Tag:
    """A hashtag or a handle: its sign and its folded name."""

    sign: Literal["#", "@"]
    name: str
    is_prefix: bool = False

    def __str__(self) -> str:
        return f"{self.sign}{self.name}{'*' if self.is_prefix else ''}"


@dataclass(frozen=True, slots=True)
class Field:
    """What must be so of the post itself: the source or platform it is from, or its language."""

    name: Literal["source", "lang"]
    value: str

    def __str__(self) -> str:
        return f"{self.name}:{self.value}" if re.fullmatch(r"[\w.-]+", self.value) else f'{self.name}:"{self.value}"'


Place = Phrase | Tag


@dataclass(frozen=True, slots=True)
class Near:
    """A place of either side, at most `distance` words from each other in either order; neighbours are 1 apart."""

    left: tuple[Place, ...]
    right: tuple[Place, ...]
    distance: int

    def __str__(self) -> str:
        left, right = (f"({Or(side)})" if len(side) > 1 else str(side[0]) for side in (self.left, self.right))
        return f"{left} NEAR/{self.distance} {right}"


@dataclass(frozen=True, slots=True)
class Not:
    """The absence of a part."""

    part: "Expression"

    def __str__(self) -> str:
        return f"NOT {_group(self.part, And, Or, Not)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts, none of which is an And itself."""

    parts: tuple["Expression", ...]

    def __str__(self) -> str:
        return " AND ".join(_group(part, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more parts, none of which is an Or itself."""

    parts: tuple["Expression", ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))


Expression = Phrase | Tag | Field | Near | Not | And | Or


def _group(part: Expression, *looser: type) -> str:
    return f"({part})" if isinstance(part, looser) else str(part)
