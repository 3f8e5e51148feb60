"""Tag what has landed, bring it into the store, publish the snapshot that everyone reads.

Runs when any source has landed posts, and by the clock, because Airflow can lose such a signal while a run is going
on (apache/airflow#56050). Each task finds its own work in the files, so a lost signal costs at most half an hour.
"""

from datetime import timedelta

from _common import CLASSIFIER, POLICY, WRITER, settings, verb
from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

with DAG(
    "process",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("7,37 * * * *", timezone="UTC"),
        assets=AssetAny(*(Asset(f"posts_raw__{source.name}") for source in settings().sources)),
    ),
    dagrun_timeout=timedelta(hours=6),
    tags=["cxlisten", "process"],
    doc_md=__doc__,
    **POLICY,
):
    verb("classify", pool=CLASSIFIER)() >> verb("load", pool=WRITER)() >> verb("publish", pool=WRITER)()
