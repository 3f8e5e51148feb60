"""The verbs together: files that change, configs that change, and every post counted where it belongs."""

from pathlib import Path
from typing import Any

import pytest

from cxlisten import pipeline
from cxlisten.config import settings_for_file
from cxlisten.pipeline import Project
from cxlisten.store import open_working

CONFIG = """
[[query]]
name = "acme"
brand = "{brand}"
terms = "{terms}"
[[source]]
name = "reviews"
kind = "file"
path = "reviews.csv"
"""
REVIEWS = "id,date,text\n1,2026-03-02,the kettle is lovely\n2,2026-03-03,the lid fell off after a day\n"


def do(project: Project) -> None:
    """All verbs but the report."""
    for job in pipeline.plan(project):
        pipeline.collect(project, job["source"], job["query"])
    pipeline.classify(project)
    pipeline.load(project)
    pipeline.publish(project)


def rows(project: Project, statement: str) -> list[tuple[Any, ...]]:
    with open_working(project.state) as con:
        return con.execute(statement).fetchall()


def test_the_same_ids_in_the_files_of_two_brands_are_not_the_same_posts(tmp_path: Path) -> None:
    texts = {"Acme": "the kettle is lovely", "Rival": "the phone broke in a week"}
    for brand, text in texts.items():
        path = tmp_path / brand / "export.csv"
        path.parent.mkdir()
        path.write_text(f"id,date,text\n1,2026-03-02,{text}\n")
        project = Project(settings_for_file(path, brand), tmp_path / "state")
        do(project)
    assert dict(rows(project, "select brand, text from mentions join posts using (post_id)")) == texts


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "reviews.csv").write_text(REVIEWS)
    return tmp_path


def listening(home: Path, brand: str = "Acme", terms: str = "kettle") -> Project:
    (home / "cxlisten.toml").write_text(CONFIG.format(brand=brand, terms=terms))
    return pipeline.open_project(home / "cxlisten.toml", home / "state")


def test_other_terms_read_the_file_again_and_add_only_what_is_new(home: Path) -> None:
    do(listening(home))
    do(listening(home, terms="kettle OR lid"))
    project = listening(home, terms="lid")
    do(project)
    assert rows(project, "select native_id from mentions join posts using (post_id) order by 1") == [("1",), ("2",)]
    assert rows(project, "select sum(n_new), sum(n_known), sum(n_unmatched) from coverage_ledger") == [(2, 2, 2)]


def test_a_brand_renamed_in_the_config_keeps_its_past(home: Path) -> None:
    do(listening(home))
    project = listening(home, brand="Acme & Sons")
    do(project)
    assert rows(project, "select distinct brand from mentions") == [("Acme & Sons",)]
    assert rows(project, "select brand, sum(n) from daily_mentions group by 1") == [("Acme & Sons", 1)]
