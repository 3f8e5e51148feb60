"""One fake platform per kind of source, each with an oracle: which posts a source must have found by now."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

Identity = tuple[str, str]


class Platform(Protocol):
    """A platform that a source of this kind can be pointed at; `NAME.py` here names its class PLATFORM.

    It holds enough posts for a fetch to take several batches, if the kind can have several, and some items that
    cannot be mapped.
    """

    n_bad: ClassVar[int]

    def __init__(self, folder: Path) -> None: ...

    def options(self) -> dict[str, Any]:
        """The `[[source]]` options that point a source here."""
        ...

    def posts(self) -> set[Identity]:
        """The platform and native id of every post that is there now."""
        ...

    def advance(self) -> None:
        """Let time pass: new posts, late arrivals, bad items again."""
        ...

    def close(self) -> None: ...


def start(kind: str, folder: Path) -> Platform:
    """Start the fake platform of a kind of source."""
    platform: Platform = import_module(f"tests.faults.platforms.{kind}").PLATFORM(folder)
    return platform
