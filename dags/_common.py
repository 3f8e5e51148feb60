"""What all DAGs share: the config, a verb as a task, when to try again, and what happens when a run fails."""

import logging
from datetime import UTC, datetime, timedelta

from airflow.sdk import RetryDecision, RetryPolicy, task

from cxlisten.config import Settings, config_file, load_settings, state_folder
from cxlisten.errors import RateLimited

WRITER, CLASSIFIER = "duckdb_writer", "classifier"  # of one slot each, see pools.json


def settings() -> Settings:
    """Read the config; a mistake in it is what Airflow then shows as the import error of the DAG."""
    return load_settings(config_file())


def verb(name: str, **options):
    """Make a task of a verb of the pipeline; `job` holds the arguments that the verb takes beside the project."""

    @task(task_id=name, multiple_outputs=False, **options)
    def do(job=None):
        from cxlisten import pipeline

        project = pipeline.open_project(config_file(), state_folder())
        return getattr(pipeline, name)(project, **(job or {}))

    return do


def tell_failure(context) -> None:
    """Say in the log which task failed for good, and which run; the place to send it on to a chat or a pager."""
    log, dag_id = logging.getLogger("cxlisten"), context["dag"].dag_id
    if "reason" in context:
        log.error("%s failed: %s", dag_id, context["reason"])
    else:
        task = context["ti"]
        where = f"{task.task_id} {task.rendered_map_index or ''}".strip()
        log.error("%s failed in %s: %s", dag_id, where, context["exception"])


class RetryWhereItHelps(RetryPolicy):
    """Try again only what can pass by itself, and not before a platform allows it; the rest fails at once."""

    def evaluate(self, exception, try_number, max_tries, context=None):
        """Decide after a failed try; the task's own delays apply where the error names none."""
        reason = type(exception).__name__
        if isinstance(exception, RateLimited) and exception.until:
            return RetryDecision.retry(max(exception.until - datetime.now(UTC), timedelta(seconds=1)), reason)
        if getattr(exception, "retryable", isinstance(exception, OSError | MemoryError)):
            return RetryDecision.retry(reason=reason)
        return RetryDecision.fail(reason)


# What is left to do is found in files, so a second run beside the first would only fight it for the same ones.
POLICY = {
    "catchup": False,
    "max_active_runs": 1,
    "on_failure_callback": tell_failure,
    "default_args": {
        "owner": "cxlisten",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": RetryWhereItHelps(),
        "on_failure_callback": tell_failure,
    },
}
