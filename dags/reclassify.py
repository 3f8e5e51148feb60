"""Tag the stored posts of some days with another recipe, beside the tags that they have; started by hand.

The new tags count once the config names the recipe, `[classify] recipe = "NAME"`; until then `cxlisten compare` shows
what they would change.
"""

from datetime import timedelta

from _common import CLASSIFIER, POLICY, WRITER, verb
from airflow.sdk import DAG, Param

with DAG(
    "reclassify",
    schedule=None,
    params={
        "recipe": Param(type="string", description="A folder of classifiers/."),
        "since": Param(type="string", format="date", description="The first day."),
        "until": Param(type="string", format="date", description="The last day."),
    },
    dagrun_timeout=timedelta(hours=24),
    tags=["cxlisten", "reclassify"],
    doc_md=__doc__,
    **POLICY,
):
    asked = {name: f"{{{{ params.{name} }}}}" for name in ("recipe", "since", "until")}
    verb("reclassify", pool=CLASSIFIER)(asked) >> verb("load", pool=WRITER)() >> verb("publish", pool=WRITER)()
