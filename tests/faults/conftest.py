"""Processes for what takes many runs; one share of the work for each."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

import pytest

PROCESSES = 2


@pytest.fixture(scope="session")
def pool() -> Iterator[Executor]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.test_walks"])
    with ProcessPoolExecutor(PROCESSES, context) as pool:
        yield pool
