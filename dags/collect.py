"""Fetch what is new from one source, a task for each query that listens to it.

A query that fails stops no other: what the others landed goes on to `process`, and the run is red.
"""

from datetime import timedelta

from _common import POLICY, settings, verb
from airflow.sdk import DAG, Asset, CronTriggerTimetable

for source in settings().sources:
    with DAG(
        f"collect__{source.name}",
        schedule=CronTriggerTimetable(source.schedule, timezone="UTC", run_immediately=True),
        dagrun_timeout=timedelta(hours=1),
        tags=["cxlisten", "collect"],
        doc_md=__doc__,
        **POLICY,
    ):
        collect = verb(
            "collect",
            outlets=[Asset(f"posts_raw__{source.name}")],
            max_active_tis_per_dagrun=2,  # platforms count what comes from one address
            map_index_template="{{ task.op_kwargs['job']['query'] }}",
        )
        collect.expand(job=verb("plan")({"source": source.name}))
