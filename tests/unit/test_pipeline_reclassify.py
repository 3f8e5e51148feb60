"""Another recipe over what is stored, from the config to what counts: with two recipes that tag all they read alike."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cxlisten import classify, pipeline, tagging
from cxlisten.classify import engines
from cxlisten.cli import main
from cxlisten.errors import ConfigError, InputError
from cxlisten.pipeline import Project
from cxlisten.store import open_working

ENGINE = """
from cxlisten.models import RingTag, Tagged

class Alike:
    def __init__(self, ring): self.ring = ring
    def tag(self, texts, langs):
        return [Tagged("en", "negative", 1.0, (RingTag(self.ring, "negative", 1.0, (0, 1)),)) for _ in texts]

def load(recipe): return Alike(recipe.settings["ring"])
"""
CONFIG = """
[classify]
recipe = "{recipe}"
[[query]]
name = "acme"
brand = "Acme"
terms = ""
[[source]]
name = "reviews"
kind = "file"
path = "reviews.csv"
"""
REVIEWS = "id,date,text\n" + "".join(f"{day},2026-03-{day:02},kettle number {day}\n" for day in range(1, 6))
COUNTED = "select ring, sum(n)::integer from daily_rings group by 1 order by 1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of five posts, and the recipes `dear` and `slow`."""
    (tmp_path / "alike.py").write_text(ENGINE)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    monkeypatch.setattr(classify, "content_dir", lambda _: tmp_path / "classifiers")
    for name, ring in (("dear", "price"), ("slow", "process")):
        folder = tmp_path / "classifiers" / name
        folder.mkdir(parents=True)
        (folder / "classifier.toml").write_text(
            f'version = "1"\nengine = "alike"\nlanguages = ["en"]\nring = "{ring}"\n'
        )
    (tmp_path / "reviews.csv").write_text(REVIEWS)
    return tmp_path


def project(home: Path, recipe: str = "dear") -> Project:
    (home / "cxlisten.toml").write_text(CONFIG.format(recipe=recipe))
    return pipeline.open_project(home / "cxlisten.toml", home / "state")


@pytest.fixture
def listening(home: Path) -> Project:
    done = project(home)
    pipeline.run(done)
    assert rows(done, COUNTED) == [("price", 5)], "the recipe of the config read them"
    return done


def rows(of: Project, statement: str) -> list[tuple[Any, ...]]:
    with open_working(of.state) as con:
        return con.execute(statement).fetchall()


def call(home: Path, *args: str) -> Result:
    folders = ["--config", str(home / "cxlisten.toml"), "--state", str(home / "state")]
    return CliRunner().invoke(main, [*args, *(folders if args[0] != "compare" else folders[2:])])


def test_some_days_are_read_by_another_recipe_compared_and_switched_to(home: Path, listening: Project) -> None:
    done = call(home, "reclassify", "slow", "--since", "2026-03-02", "--until", "2026-03-04")
    assert json.loads(done.stdout) == {"recipe": "slow", "version": "1", "n_days": 3, "n_posts": 3}
    assert rows(listening, COUNTED) == [("price", 5)]
    compared = json.loads(call(home, "compare", "dear@1", "slow@1", "--format", "json").stdout)
    assert [(row["ring"], row["n_before"], row["n_after"]) for row in compared if row["agreement"] is not None] == [
        ("price", 3, 0), ("process", 0, 3)
    ]  # fmt: skip
    switched = project(home, "slow")
    pipeline.load(switched)
    assert rows(switched, COUNTED) == [("price", 2), ("process", 3)], "the other days wait to be read"
    pipeline.reclassify(switched, "slow", "2026-03-01", "2026-03-31")
    pipeline.load(switched)
    assert rows(switched, COUNTED) == [("process", 5)]
    pipeline.load(project(home))
    assert rows(switched, COUNTED) == [("price", 5)]


def test_what_is_read_is_not_read_again(home: Path, listening: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    write = tagging.write_parquet

    def full(table: Any, path: Path) -> None:
        if len(written) == 2:
            raise OSError("no space left on device")
        write(table, path)
        written.append(path)

    monkeypatch.setattr(tagging, "write_parquet", full)
    with pytest.raises(OSError, match="no space"):
        pipeline.reclassify(listening, "slow", "2026-03-01", "2026-03-31")
    monkeypatch.setattr(tagging, "write_parquet", write)
    assert pipeline.reclassify(listening, "slow", "2026-03-01", "2026-03-31")["n_posts"] == 3, "of five two are done"
    assert [pipeline.load(listening)["n_reread"] for _ in range(2)] == [5, 0]
    assert pipeline.reclassify(listening, "slow", "2026-03-01", "2026-03-31")["n_days"] == 0


def test_a_store_built_anew_from_the_files_holds_the_same(home: Path, listening: Project) -> None:
    pipeline.reclassify(listening, "slow", "2026-03-01", "2026-03-03")
    switched = project(home, "slow")
    pipeline.load(switched)
    before = rows(switched, COUNTED), rows(switched, "select * exclude (batch_id) from other_readings order by all")
    (switched.state / "working.duckdb").unlink()
    pipeline.load(switched)
    assert before == (
        rows(switched, COUNTED), rows(switched, "select * exclude (batch_id) from other_readings order by all"),
    )  # fmt: skip


def test_corrections_beside_the_config_count_and_a_wrong_one_stops_the_load_by_its_line(
    home: Path, listening: Project
) -> None:
    post_id = rows(listening, "select post_id from posts where native_id = '3'")[0][0]
    file = home / "corrections.jsonl"
    file.write_text(json.dumps({"post": post_id, "rings": {"people": "positive"}, "sentiment": "positive"}))
    assert pipeline.load(listening)["n_corrected"] == 1
    pipeline.reclassify(listening, "slow", "2026-03-01", "2026-03-31")
    pipeline.load(project(home, "slow"))
    assert rows(listening, COUNTED) == [("people", 1), ("process", 4)]
    file.write_text('{"post": 1, "rings": {"pepole": "positive"}, "sentiment": "positive"}')
    with pytest.raises(InputError, match=r'corrections\.jsonl, line 1: unknown ring "pepole"'):
        pipeline.load(listening)
    assert 'line 1: unknown ring "pepole"' in call(home, "doctor").stdout
    assert rows(listening, COUNTED) == [("people", 1), ("process", 4)]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [("2026-3-1", "2026-03-02", "YYYY-MM-DD"), ("2026-03-02", "2026-03-01", "2026-03-02, the first day, is after")],
)
def test_days_that_are_none_are_named(listening: Project, since: str, until: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pipeline.reclassify(listening, "slow", since, until)


def test_a_recipe_that_is_not_there_is_a_mistake_in_the_config(home: Path) -> None:
    with pytest.raises(ConfigError, match='classify: recipe: there is no recipe "slwo"; there is dear, slow'):
        project(home, "slwo")
