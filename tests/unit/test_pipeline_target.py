"""A post that names two brands, from the config to what counts: what is said of each counts for it alone."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxlisten import classify, pipeline
from cxlisten.classify import TAGS, engines
from cxlisten.landing.files import write_parquet
from cxlisten.pipeline import Project
from cxlisten.report.comparison import compare
from cxlisten.store import open_working, read_trend

ENGINE = """
from cxlisten.models import RingTag, Tagged

class Words:
    def __init__(self, words): self.words = words
    def tag(self, texts, langs):
        return [
            Tagged("en", "neutral", 1.0, tuple(
                RingTag(ring, sentiment, 1.0, (text.index(word), text.index(word) + len(word)))
                for word, (ring, sentiment) in self.words.items() if word in text
            )) for text in texts
        ]

def load(recipe): return Words(recipe.settings["words"])
"""
RECIPE = """
version = "1"
languages = ["en"]
engine = "words"
[words]
slow = ["process", "negative"]
lovely = ["people", "positive"]
"""
CONFIG = """
[classify]
recipe = "{recipe}"
[[query]]
name = "acme"
brand = "{acme}"
aliases = ["Acme"]
terms = "acme"
[[query]]
name = "bolt"
brand = "Bolt"
role = "competitor"
terms = "bolt"
[[source]]
name = "reviews"
kind = "file"
path = "reviews.csv"
"""
BOTH = "Acme is slow but Bolt staff were lovely"
COUNTED = "select brand, ring, sum(n)::integer from daily_rings group by all order by all"
EACH_ITS_OWN = [("Acme", "process", 1), ("Bolt", "people", 1)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a project, and the recipes `one` and `two`, which tag alike."""
    (tmp_path / "words.py").write_text(ENGINE)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    monkeypatch.setattr(classify, "content_dir", lambda _: tmp_path / "classifiers")
    for name in ("one", "two"):
        folder = tmp_path / "classifiers" / name
        folder.mkdir(parents=True)
        (folder / "classifier.toml").write_text(RECIPE)
    return tmp_path


def project(home: Path, recipe: str = "one", acme: str = "Acme") -> Project:
    (home / "cxlisten.toml").write_text(CONFIG.format(recipe=recipe, acme=acme))
    return pipeline.open_project(home / "cxlisten.toml", home / "state")


def listening(home: Path, text: str = BOTH) -> Project:
    """A project that has heard one post."""
    (home / "reviews.csv").write_text(f"id,date,text\n1,2026-03-02,{text}\n")
    done = project(home)
    pipeline.run(done)
    return done


def rows(of: Project, statement: str) -> list[tuple[Any, ...]]:
    with open_working(of.state) as con:
        return con.execute(statement).fetchall()


def test_each_brand_gets_its_own_tag_wherever_tags_are_counted(home: Path) -> None:
    done = listening(home)
    assert rows(done, COUNTED) == EACH_ITS_OWN
    assert rows(done, "select ring, target from ring_tags order by ring") == [("people", "bolt"), ("process", "acme")]
    assert rows(done, "select brand, sum(n_tagged) from daily_mentions group by 1 order by 1") == [
        ("Acme", 1),
        ("Bolt", 1),
    ]
    columns, posts = read_trend(done.state, "top_posts", None, None, None)
    behind = [dict(zip(columns, post, strict=True)) for post in posts]
    assert sorted((post["brand"], post["ring"], post["evidence"]) for post in behind) == [
        ("Acme", "process", "slow"), ("Bolt", "people", "lovely"),
    ]  # fmt: skip


def test_a_post_of_which_all_is_about_another_brand_is_untagged(home: Path) -> None:
    done = listening(home, "Bolt has lovely staff unlike Acme")
    assert rows(done, "select brand, sum(n_tagged), sum(n_untagged) from daily_mentions group by 1 order by 1") == [
        ("Acme", 0, 1), ("Bolt", 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("Acme is slow but its staff were lovely", [("Acme", "people", 1), ("Acme", "process", 1)]),
        ("Acme and Bolt are both slow", [("Acme", "process", 1), ("Bolt", "process", 1)]),
    ],
)
def test_what_is_about_no_one_brand_counts_for_every_mention(
    home: Path, text: str, counted: list[tuple[str, str, int]]
) -> None:
    done = listening(home, text)
    assert rows(done, COUNTED) == counted
    assert rows(done, "select distinct target from ring_tags") == [(None,)]


def test_another_reading_tells_the_brands_apart_too_beside_and_counted(home: Path) -> None:
    done = listening(home)
    pipeline.reclassify(done, "two", "2026-03-01", "2026-03-31")
    pipeline.load(done)
    pipeline.publish(done)
    compared = {
        row.ring: (row.n_mentions, row.n_before, row.n_after) for row in compare(done.state, "one@1", "two@1", False)
    }
    assert (compared["process"], compared["people"], compared["price"]) == ((2, 1, 1), (2, 1, 1), (2, 0, 0))
    for recipe in ("two", "one"):
        pipeline.load(project(home, recipe))
        assert rows(done, "select distinct classifier from ring_tags") == [(recipe,)]
        assert rows(done, COUNTED) == EACH_ITS_OWN


def test_a_correction_counts_for_every_mention(home: Path) -> None:
    done = listening(home)
    ((post_id,),) = rows(done, "select post_id from posts")
    said = {"post": post_id, "rings": {"price": "negative"}, "sentiment": "negative"}
    (home / "corrections.jsonl").write_text(json.dumps(said))
    pipeline.load(done)
    assert rows(done, COUNTED) == [("Acme", "price", 1), ("Bolt", "price", 1)]
    (home / "corrections.jsonl").unlink()
    pipeline.load(done)
    assert rows(done, COUNTED) == EACH_ITS_OWN


def test_a_renamed_brand_keeps_what_is_said_of_it_also_in_a_store_built_anew(home: Path) -> None:
    listening(home)
    renamed = project(home, acme="Acme & Sons")
    expected = [("Acme & Sons", "process", 1), ("Bolt", "people", 1)]
    pipeline.load(renamed)
    assert rows(renamed, COUNTED) == expected
    (renamed.state / "working.duckdb").unlink()
    pipeline.load(renamed)
    assert rows(renamed, COUNTED) == expected


def test_files_of_before_there_were_targets_load_and_count_as_they_did(home: Path) -> None:
    done = listening(home)
    fields = [field for field in TAGS.field("rings").type.value_type if field.name != "target"]
    old = pa.schema(
        [
            pa.field("rings", pa.list_(pa.struct(fields))) if field.name == "rings" else field
            for field in TAGS
            if field.name not in ("benefits", "signals")
        ]
    )
    for path in done.state.glob("landing/classified/**/*.parquet"):
        before = [
            {**row, "rings": [{f.name: tag[f.name] for f in fields} for tag in row["rings"]]}
            for row in pq.read_table(path).to_pylist()
        ]
        write_parquet(pa.Table.from_pylist(before, old), path)
    (done.state / "working.duckdb").unlink()
    pipeline.load(done)
    assert rows(done, COUNTED) == [(brand, ring, 1) for brand in ("Acme", "Bolt") for ring in ("people", "process")]
