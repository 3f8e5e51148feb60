"""Clock: contenders take turns, so that what else the machine does hits all of them alike."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Spread = dict[str, float]


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that is timed: `run` is given the number of the round, and gets `n` things done."""

    name: str
    n: float
    run: Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many things a second, by the clock on the wall and by CPU time, that of child processes included."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender in one round, and what its run gave."""

    name: str
    round: int
    pace: Pace
    result: Any


def race(contenders: Sequence[Contender], rounds: int) -> Iterator[Turn]:
    """Time every contender once a round, one after the other."""
    for number in range(rounds):
        for each in contenders:
            wall, cpu = time.perf_counter(), cpu_seconds()
            result = each.run(number)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            yield Turn(each.name, number, Pace(each.n / wall, each.n / max(cpu, 0.01)), result)


def spread(values: Sequence[float]) -> Spread:
    """Give the median and the range of what the rounds measured."""
    return {"median": median(values), "least": min(values), "most": max(values)}


def speed(paces: Sequence[Pace]) -> dict[str, Spread]:
    """Sum up the rounds of a contender."""
    return {"per_s": spread([pace.wall for pace in paces]), "per_cpu_s": spread([pace.cpu for pace in paces])}


def ratio(paces: Sequence[Pace], over: Sequence[Pace]) -> dict[str, Spread]:
    """Say how many times as fast one contender was as another, round by round."""
    rounds = list(zip(paces, over, strict=True))
    return {"wall": spread([a.wall / b.wall for a, b in rounds]), "cpu": spread([a.cpu / b.cpu for a, b in rounds])}


def cpu_seconds() -> float:
    """Give the CPU time of this process and of those of its children that it has waited for, to a hundredth."""
    return sum(os.times()[:4])
