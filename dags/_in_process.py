"""Run the DAGs from collect to report once, in this process: `cxlisten demo` starts it as a script.

Stdout is a line of JSON for each thing that happens; Airflow's own talk goes to stderr. Exits 1 when a run fails.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FLOW = ("collect", "process", "report")  # the files whose DAGs are run, in this order


def main() -> int:
    """Run them one after the other."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(**event) -> None:
        events.write(json.dumps(event) + "\n")

    dags = _prepare()
    _hand_on_log(tell)
    n_failed = 0
    for dag in dags:
        tell(dag=dag.dag_id)
        for task in dag.tasks:
            task.retries = 0  # a person waits
        began = time.monotonic()
        run = dag.test()
        n_failed += run.state != "success"
        tell(dag=dag.dag_id, state=run.state, seconds=time.monotonic() - began, results=_results(run))
    return 1 if n_failed else 0


def _prepare() -> list:
    """Bring the metadata database and the pools up to date; give the DAGs in the order of the flow."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    for name, pool in json.loads((HERE / "pools.json").read_text()).items():
        Pool.create_or_update_pool(name, **pool, include_deferred=False)
    bag = DagBag(HERE)
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    dags = sorted(bag.dags.values(), key=lambda dag: dag.dag_id)
    return [dag for stem in FLOW for dag in dags if Path(dag.fileloc).stem == stem]


def _hand_on_log(tell) -> None:
    """What the pipeline says of itself, for the person who waits."""

    class HandOn(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(level=record.levelno, message=record.getMessage())

    logger = logging.getLogger("cxlisten")
    logger.setLevel(logging.INFO)
    logger.addHandler(HandOn())


def _results(run) -> dict:
    """What the tasks that are not mapped gave back, by task id."""
    tasks = [task for task in run.get_task_instances() if task.map_index < 0]
    return {task.task_id: task.xcom_pull(task_ids=task.task_id) for task in tasks}


if __name__ == "__main__":
    sys.exit(main())
