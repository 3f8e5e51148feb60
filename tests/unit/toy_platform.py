"""A platform of a test's own, from the config to the report: what it shows and answers lies in two JSON files."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cxlisten import classify, pipeline, upkeep
from cxlisten.classify import engines
from cxlisten.collect import checking, sources
from cxlisten.load import rechecks
from cxlisten.pipeline import Project
from cxlisten.store import open_working

SOURCE = '''
"""A platform in two JSON files."""
import json
from datetime import datetime
from pathlib import Path
from cxlisten import errors
from cxlisten.collect import Caps, Estimate, Health, Options, Source
from cxlisten.models import Batch, Post, StateChange

class ToyOptions(Options):
    path: str

class Toy(Source):
    Options = ToyOptions
    caps = Caps(can_verify=True)

    def check(self): return Health(True, "there")
    def estimate(self, query): return Estimate(1)

    def fetch(self, query, cursor, budget, stop):
        shown = json.loads(Path(self.options.path).read_text())
        at = datetime.fromisoformat
        yield Batch(
            {},
            [
                Post("toy", p["id"], p["text"], at(p["posted_at"]), at(p["fetched_at"]), {"body": p["text"]},
                     terms=p.get("terms", "mastodon"), metrics=p.get("metrics", {}), version=p.get("version", ""))
                for p in shown["posts"]
            ],
            deletes=[StateChange("toy", *gone, at(shown["now"])) for gone in shown.get("deletes", ())],
        )

    def verify(self, native_ids):
        path = Path(self.options.path).with_name("answers.json")
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, "asked": [*said["asked"], list(native_ids)]}))
        for native_id in native_ids:
            if state := said["states"].get(native_id):
                if state not in StateChange.__annotations__["state"].__args__:
                    raise getattr(errors, state)("the platform failed")
                yield StateChange("toy", native_id, state, datetime.fromisoformat(said["now"]))

SOURCE = Toy
'''
ENGINE = """
from cxlisten.models import RingTag, Tagged

class Alike:
    def tag(self, texts, langs):
        return [Tagged("en", "negative", 1.0, (RingTag("price", "negative", 1.0, (0, len(t))),)) for t in texts]

def load(recipe): return Alike()
"""
CONFIG = """
[classify]
recipe = "alike"
[[query]]
name = "acme"
brand = "Acme"
terms = ""
[[source]]
name = "toy"
kind = "toy_listened"
path = "{path}"
[[report]]
name = "weekly"
period_days = 0
"""


class ToyPlatform:
    """What a test does to the platform, and the project that listens to it; `now` is everybody's clock."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, like: "ToyPlatform | None" = None) -> None:
        """Begin at nothing, or where another platform is by now."""
        self.home, self.state = home, home / "state"
        self.now = like.now if like else datetime.now(UTC) - timedelta(days=90)
        self.posts: dict[str, dict[str, Any]] = dict(like.posts) if like else {}
        self.deletes: list[tuple[str, str]] = []
        if like:
            shutil.copytree(like.home, home, dirs_exist_ok=True)
        else:
            (home / "toy_listened.py").write_text(SOURCE)
            (home / "toy_engine.py").write_text(ENGINE)
            folder = home / "classifiers" / "alike"
            folder.mkdir(parents=True)
            (folder / "classifier.toml").write_text('version = "1"\nengine = "toy_engine"\nlanguages = ["en"]\n')
        patch.setattr(sources, "__path__", [*sources.__path__, str(home)])
        patch.setattr(engines, "__path__", [*engines.__path__, str(home)])
        patch.setattr(classify, "content_dir", lambda _: home / "classifiers")
        for module in (checking, rechecks, upkeep):
            patch.setattr(module, "datetime", SimpleNamespace(now=lambda zone: self.now.astimezone(zone)))
        (home / "answers.json").write_text(json.dumps({"states": {}, "asked": []}))
        (home / "cxlisten.toml").write_text(CONFIG.format(path=home / "shown.json"))

    @property
    def project(self) -> Project:
        return pipeline.open_project(self.home / "cxlisten.toml", self.state)

    def wait(self, **time: float) -> None:
        """Let time go by."""
        self.now += timedelta(**time)

    def say(self, native_id: str, text: str, **more: Any) -> None:
        """Post, or edit what was posted before."""
        posted_at = self.posts.get(native_id, {}).get("posted_at", self.now.isoformat())
        self.posts[native_id] = {"id": native_id, "text": text, "posted_at": posted_at, **more}

    def collect(self) -> None:
        """Fetch and classify what the platform shows; `load` is the test's."""
        posts = [{**post, "fetched_at": self.now.isoformat()} for post in self.posts.values()]
        shown = {"now": self.now.isoformat(), "posts": posts, "deletes": self.deletes}
        (self.home / "shown.json").write_text(json.dumps(shown))
        pipeline.collect(self.project, "toy", "acme")
        pipeline.classify(self.project)

    def listen(self) -> None:
        """Everything from the platform to the store."""
        self.collect()
        pipeline.load(self.project)

    def verify(self, **states: str) -> dict[str, Any]:
        """Verify, with the platform answering so of the posts named, and the others alive."""
        answers = {"states": states, "asked": [], "now": self.now.isoformat()}
        (self.home / "answers.json").write_text(json.dumps(answers))
        return pipeline.verify(self.project)

    def check(self, **states: str) -> list[str]:
        """Verify and load, and give the ids of the posts that are stored then."""
        self.verify(**states)
        pipeline.load(self.project)
        return self.stored()

    def asked(self) -> list[list[str]]:
        """The ids of each request since `verify` began."""
        asked: list[list[str]] = json.loads((self.home / "answers.json").read_text())["asked"]
        return asked

    def stored(self) -> list[str]:
        return [native_id for (native_id,) in self.rows("select native_id from posts order by native_id")]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the working file."""
        with open_working(self.state) as con:
            return con.execute(statement).fetchall()
