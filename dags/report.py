"""Write one report from the published snapshot, when the people who read it expect it: by their clock."""

from datetime import timedelta

from _common import POLICY, settings, verb
from airflow.sdk import DAG, CronTriggerTimetable

for report in settings().reports:
    with DAG(
        f"report__{report.name}",
        schedule=CronTriggerTimetable(report.schedule, timezone=report.timezone),
        dagrun_timeout=timedelta(minutes=30),
        tags=["cxlisten", "report"],
        doc_md=__doc__,
        **POLICY,
    ):
        verb("report")({"name": report.name})
