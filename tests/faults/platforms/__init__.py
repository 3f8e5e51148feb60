"""One fake platform per kind of source, each with an oracle: which posts a source must have found by now."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tests.faults.server import FakeServer
from tests.faults.timeline import Item, Timeline

Identity = tuple[str, str]


class Platform(Protocol):
    """A platform that a source of this kind can be pointed at; `NAME.py` here names its class PLATFORM.

    It holds enough posts for a fetch to take several batches, or several pages, if the kind can have several, and
    some items that cannot be mapped. A kind that is read over the network has all that is here: a server over a
    timeline, by whose `now` its answers are dated, and each of its posts' authors is called something with "someone".
    """

    n_bad: ClassVar[int]
    secrets: ClassVar[dict[str, str]]
    """The environment that a source of this kind needs, credentials all."""
    timeline: Timeline
    server: FakeServer

    def __init__(self, folder: Path, seed: int = 1) -> None: ...

    def options(self) -> dict[str, Any]:
        """The `[[source]]` options that point a source here."""
        ...

    def identity(self, item: Item) -> Identity:
        """The platform and native id of a post of the timeline."""
        ...

    def posts(self) -> set[Identity]:
        """The platform and native id of every post that a fetch must find now."""
        ...

    def advance(self) -> None:
        """Let time pass: new posts, late arrivals, bad items again."""
        ...

    def rate_headers(self, seconds: float) -> dict[str, str]:
        """The headers with which this platform says "no more for so many seconds"."""
        ...

    def close(self) -> None: ...


def kinds() -> list[str]:
    """Name the kinds that have a fake."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def start(kind: str, folder: Path, seed: int = 1) -> Platform:
    """Start the fake platform of a kind of source."""
    cls = import_module(f"tests.faults.platforms.{kind}").PLATFORM
    platform: Platform = cls(folder, seed)
    return platform
