"""Parse the DAG files in a fresh interpreter and print what they are: started as a script by `test_dags.py`."""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import AssetOrTimeSchedule

from cxlisten import errors


def main(folder: Path) -> None:
    before = set(sys.modules)
    bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
    loaded = sorted(set(sys.modules) - before)
    dags = [describe(dag) for dag in bag.dags.values()]
    json.dump({"errors": bag.import_errors, "loaded": loaded, "dags": dags}, sys.stdout)


def describe(dag) -> dict:
    """What a test can ask of a DAG."""
    timetable = dag.timetable
    rung_by = timetable.asset_condition.objects if isinstance(timetable, AssetOrTimeSchedule) else ()
    clock = getattr(timetable, "timetable", timetable)
    return {
        "id": dag.dag_id,
        "file": Path(dag.fileloc).stem,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "dagrun_timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
        "deadline": bool(dag.deadline),
        "alarmed": bool(dag.on_failure_callback),
        "clock": [getattr(clock, key, None) and str(getattr(clock, key)) for key in ("expression", "timezone")],
        "rung_by": sorted(asset.name for asset in rung_by),
        "tasks": [describe_task(task) for task in dag.tasks],
    }


def describe_task(task) -> dict:
    """What a test can ask of a task."""
    policy = task.retry_policy
    tries = {
        type(error).__name__: policy and str(policy.evaluate(error, 1, 3).action.value)
        for error in (
            errors.Transient(""), errors.RateLimited(""), errors.StoreBusy(""), OSError(), errors.Auth(""),
            errors.ConfigError([]), errors.InputError(""), TypeError(),
        )
    }  # fmt: skip
    return {
        "id": task.task_id,
        "upstream": sorted(task.upstream_task_ids),
        "when": str(task.trigger_rule.value),
        "mapped": task.is_mapped,
        "pool": task.pool,
        "retries": task.retries,
        "rings": [asset.name for asset in task.outlets],
        "alarmed": bool(task.on_failure_callback),
        "tries": tries,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
