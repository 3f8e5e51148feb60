"""Ask the platforms for stored posts that are due for it, and take out of every file what was taken back there.

A source that cannot be asked stops nothing: what the others answered is loaded, and what is known to be gone is
purged; its task is red, and the next run asks again.
"""

from datetime import timedelta

from _common import POLICY, WRITER, verb
from airflow.sdk import DAG, CronTriggerTimetable

with DAG(
    "maintain",
    schedule=CronTriggerTimetable("47 3 * * *", timezone="UTC"),
    dagrun_timeout=timedelta(hours=6),
    tags=["cxlisten", "maintain"],
    doc_md=__doc__,
    **POLICY,
):
    load = verb("load", pool=WRITER, trigger_rule="all_done")()
    verb("verify")() >> load >> verb("purge", pool=WRITER)() >> verb("publish", pool=WRITER)()
