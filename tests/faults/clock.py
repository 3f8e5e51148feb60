"""Waiting that takes no time."""

from threading import Event


class Clock(Event):
    """A stop event on which waiting takes no time and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False
