"""Where a classifier runs: in this process, or in a pool of processes that each load it once."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count

import pyarrow as pa

from cxlisten.classify import Classifier, load_classifier
from cxlisten.errors import InputError

_worker: Classifier | None = None


def run(
    recipe: str, batches: Iterable[pa.RecordBatch], executor: str = "serial", workers: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Tag a stream of batches of schema TEXTS with a recipe; the answers come in the order of the batches.

    Only as many batches are read ahead as keep the workers busy. Raises InputError for an unknown executor.
    """
    if executor == "serial":
        classifier = load_classifier(recipe)
        yield from map(classifier.classify, batches)
    elif executor == "pool":
        yield from _pool(recipe, batches, workers or cpu_count() or 1)
    else:
        raise InputError(f'no executor "{executor}"; there is serial, pool')


def _pool(recipe: str, batches: Iterable[pa.RecordBatch], workers: int) -> Iterator[pa.RecordBatch]:
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(recipe,)) as pool:
        ahead: deque[Future[pa.RecordBatch]] = deque()
        for batch in batches:
            ahead.append(pool.submit(_classify, batch))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _start(recipe: str) -> None:
    global _worker
    _worker = load_classifier(recipe)


def _classify(batch: pa.RecordBatch) -> pa.RecordBatch:
    assert _worker is not None
    return _worker.classify(batch)
