"""Every file of dags/ keeps the promises that operators rely on: found by itself, so a new DAG is held to them too."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cxlisten.content import content_dir

pytestmark = pytest.mark.stack  # importing Airflow takes seconds

DAGS = content_dir("dags")
FILES = {"evening", *(path.stem for path in DAGS.glob("*.py") if not path.name.startswith("_"))}
VERBS = {"collect", "classify", "load", "publish", "report", "reclassify", "verify", "purge"}
HEAVY = ("spacy", "duckdb", "pyarrow", "numpy", "pandas", "matplotlib", "lark", "cxlisten.pipeline", "cxlisten.store")
CONFIG = """
[[query]]
name = "acme"
brand = "Acme"
terms = "acme"
[[source]]
name = "one"
kind = "file"
path = "one.csv"
schedule = "*/10 * * * *"
[[source]]
name = "two"
kind = "file"
path = "two.csv"
[[report]]
name = "weekly"
schedule = "0 8 * * 1"
timezone = "Europe/London"
"""


def parse(home: Path, config: str, folder: Path) -> dict[str, Any]:
    """What Airflow makes of the DAG files in an environment that holds nothing but the config's place."""
    file = home / "cxlisten.toml"
    if config:
        file.write_text(config)
    script = Path(__file__).with_name("dags_as_json.py")
    done = subprocess.run(
        [sys.executable, script, folder],
        env={"HOME": str(home), "CXLISTEN_CONFIG": str(file)},
        capture_output=True,
        text=True,
        check=True,
    )
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DAG files, and the example of their README beside them unless a file of that name is there by now."""
    folder = shutil.copytree(DAGS, tmp_path_factory.mktemp("copy") / "dags")
    (example,) = re.findall(r"```python\n(.*?)```", (DAGS / "README.md").read_text(), re.DOTALL)
    if not (folder / "evening.py").exists():
        (folder / "evening.py").write_text(example)
    return folder


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[str, Any]:
    return parse(tmp_path_factory.mktemp("home"), CONFIG, folder)


@pytest.fixture(scope="module")
def dags(parsed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {dag["id"]: dag for dag in parsed["dags"]}


def test_every_file_parses_and_is_named_after_what_it_schedules(
    parsed: dict[str, Any], dags: dict[str, dict[str, Any]]
) -> None:
    assert parsed["errors"] == {}
    assert {dag["file"] for dag in dags.values()} == FILES, "each file of dags/ makes a DAG, or begins with _"
    for dag_id, dag in dags.items():
        assert dag_id.split("__")[0] == dag["file"], f"{dag['file']}.py: name its DAG {dag['file']}, not {dag_id}"
    assert {"collect__one", "collect__two", "process", "report__weekly", "reclassify", "maintain"} <= dags.keys()


def test_parsing_loads_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert [name for name in parsed["loaded"] if name.startswith(HEAVY)] == []


def test_every_dag_says_what_it_is_and_how_it_behaves(dags: dict[str, dict[str, Any]]) -> None:
    for dag in dags.values():
        file = f"{dag['file']}.py"
        assert (dag["doc"] or "").strip(), f"{file}: give doc_md="
        assert "cxlisten" in dag["tags"], f'{file}: give tags=["cxlisten", ...]'
        assert dag["dagrun_timeout"], f"{file}: give dagrun_timeout="
        policy = (dag["catchup"], dag["max_active_runs"], dag["alarmed"])
        assert policy == (False, 1, True), f"{file}: give **POLICY of _common"
        assert not dag["deadline"], f"{file}: deadline= breaks `airflow dags test` (apache/airflow#73428)"


def test_tasks_are_the_verbs_and_retry_only_where_it_helps(dags: dict[str, dict[str, Any]]) -> None:
    pools = json.loads((DAGS / "pools.json").read_text())
    for file, task in ((f"{dag['file']}.py", task) for dag in dags.values() for task in dag["tasks"]):
        assert task["id"] in VERBS | {"plan"}, f"{file}: a task is a verb of the pipeline: verb(NAME)()"
        assert task["retries"] > 0, f"{file}: give **POLICY of _common"
        assert task["alarmed"], f"{file}: give **POLICY of _common"
        assert task["pool"] in {*pools, "default_pool"}, f"{file}: add the pool {task['pool']} to dags/pools.json"
        assert task["tries"] == {
            "Transient": "retry", "RateLimited": "retry", "StoreBusy": "retry", "OSError": "retry",
            "Auth": "fail", "ConfigError": "fail", "InputError": "fail", "TypeError": "fail",
        }, f"{file}: give **POLICY of _common"  # fmt: skip


def test_a_source_is_collected_query_by_query_and_rings_process(dags: dict[str, dict[str, Any]]) -> None:
    plan, collect = dags["collect__one"]["tasks"]
    assert (plan["id"], collect["id"], collect["upstream"]) == ("plan", "collect", ["plan"])
    assert collect["mapped"]
    rung = [asset for name in ("one", "two") for task in dags[f"collect__{name}"]["tasks"] for asset in task["rings"]]
    assert rung == dags["process"]["rung_by"] == ["posts_raw__one", "posts_raw__two"]


def test_only_one_task_at_a_time_writes_to_the_store(dags: dict[str, dict[str, Any]]) -> None:
    tasks = dags["process"]["tasks"]
    assert [(task["id"], task["upstream"]) for task in tasks] == [
        ("classify", []), ("load", ["classify"]), ("publish", ["load"])
    ]  # fmt: skip
    assert [task["pool"] for task in tasks] == ["classifier", "duckdb_writer", "duckdb_writer"]
    assert json.loads((DAGS / "pools.json").read_text())["duckdb_writer"]["slots"] == 1


def test_what_is_gone_is_purged_every_day_though_a_source_fails(dags: dict[str, dict[str, Any]]) -> None:
    tasks = dags["maintain"]["tasks"]
    assert [(task["id"], task["upstream"], task["when"]) for task in tasks] == [
        ("load", ["verify"], "all_done"), ("verify", [], "all_success"),
        ("purge", ["load"], "all_success"), ("publish", ["purge"], "all_success"),
    ]  # fmt: skip
    assert {task["id"] for task in tasks if task["pool"] == "duckdb_writer"} == {"load", "purge", "publish"}
    assert dags["maintain"]["clock"] == ["47 3 * * *", "UTC"]


def test_clocks_are_those_of_the_config(dags: dict[str, dict[str, Any]]) -> None:
    assert dags["collect__one"]["clock"] == ["*/10 * * * *", "UTC"]
    assert dags["report__weekly"]["clock"] == ["0 8 * * 1", "Europe/London"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "there is no such file; write one with  cxlisten init"),
        (CONFIG.replace('brand = "Acme"', 'brnad = "Acme"'), 'unknown key "brnad"; did you mean "brand"?'),
    ],
)
def test_a_wrong_config_is_the_import_error_that_airflow_shows(
    tmp_path: Path, config: str, message: str, folder: Path
) -> None:
    parsed = parse(tmp_path, config, folder)
    wrong, whole = {Path(file).stem for file in parsed["errors"]}, {dag["file"] for dag in parsed["dags"]}
    assert wrong >= {"collect", "process", "report"}, "what comes from the config"
    assert (wrong | whole, wrong & whole) == (FILES, set()), "the rest stays as it is"
    assert all(message in error for error in parsed["errors"].values())


def test_the_example_of_the_readme_is_a_dag(dags: dict[str, dict[str, Any]]) -> None:
    assert [(task["id"], task["pool"]) for task in dags["evening"]["tasks"]] == [("publish", "duckdb_writer")]
