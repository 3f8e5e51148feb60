"""Fresh: what a classifier costs in a process that has done nothing before."""

import sys
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from cxlisten.bench.posts import batches, take
from cxlisten.classify import executors

_PER_MB = 1e6 if sys.platform == "darwin" else 1e3  # the system counts bytes there, elsewhere KiB


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from the start of the process to its last tag, and the most memory that it held."""

    wall: float
    cpu: float
    peak_mb: float


def tag_in_fresh_process(recipe: str, path: Path | None, n: int) -> Fresh:
    """Stream `n` posts through a recipe in a process of its own.

    To the system, a process begins with the peak of the one that starts it: so this must come before that one grows.
    """
    begun = time.perf_counter()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        cpu, peak_mb = pool.submit(_stream, recipe, path, n).result()
        return Fresh(time.perf_counter() - begun, cpu, peak_mb)


def peak_mb() -> float:
    """The most memory that this process has held."""
    from resource import RUSAGE_SELF, getrusage

    return getrusage(RUSAGE_SELF).ru_maxrss * 1.024 / _PER_MB


def _stream(recipe: str, path: Path | None, n: int) -> tuple[float, float]:
    deque(executors.run(recipe, batches(take(path, n))), maxlen=0)
    return time.process_time(), peak_mb()
