"""The bench: its arithmetic, that it sees a post change its labels, and the command from end to end on few posts."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from cxlisten.bench import alternative, limit, machine
from cxlisten.bench import classify as bench
from cxlisten.bench.clock import Contender, Pace, race, ratio, speed
from cxlisten.bench.fresh import Fresh
from cxlisten.bench.posts import batches, take
from cxlisten.classify import Classifier, Recipe
from cxlisten.cli import main
from cxlisten.errors import InputError
from cxlisten.models import Tagged

FEW = bench.Sizes(posts=12, rounds=2, one_by_one=4, pipeline=2, streams=(2, 4))
MINILM = limit.Shapes((*[(384, 384)] * 4, (384, 1536), (1536, 384)) * 6, (384,) * 6)


class Steady:
    """An engine that says the same of a text wherever it comes."""

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        return [Tagged("en", "negative" if "not" in text else "neutral", 0.9) for text in texts]


class Moody(Steady):
    """An engine that likes the last of those that it is given together."""

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        return [*super().tag(texts, langs)[:-1], Tagged("en", "positive", 0.9)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few posts and processes, and no comparison: it would take a while to make its model."""
    monkeypatch.setattr(bench, "SIZES", replace(FEW, rounds=1, streams=(2,)))
    monkeypatch.setattr(alternative, "lack", lambda _: "the comparison")


def measure(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Measure a classifier as if it were a recipe; all of it runs in this process."""

    def run(_: str, texts: Iterable[pa.RecordBatch], executor: str) -> Iterator[pa.RecordBatch]:
        assert executor == "pool"
        return map(classifier.classify, texts)

    monkeypatch.setattr(bench, "load_classifier", lambda _: classifier)
    monkeypatch.setattr(bench.executors, "run", run)
    monkeypatch.setattr(bench, "tag_in_fresh_process", lambda _name, _path, n: Fresh(1.5, 1.0, 200.0 + n))
    monkeypatch.setattr(bench, "_tokenizer", lambda _: None)
    return bench.bench_classify("stub", None, FEW)


def test_contenders_take_turns_and_are_told_the_round() -> None:
    seen: list[tuple[str, int]] = []
    turns = list(race([Contender(name, 10, lambda n, name=name: seen.append((name, n))) for name in "ab"], 2))  # type: ignore[misc]
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)] == [(turn.name, turn.round) for turn in turns]
    assert all(turn.pace.wall > 0 and turn.pace.cpu > 0 for turn in turns)


def test_figures_are_medians_and_ratios_are_taken_round_by_round() -> None:
    fast, slow = [Pace(100, 50), Pace(300, 60), Pace(200, 70)], [Pace(10, 5), Pace(10, 5), Pace(40, 7)]
    assert speed(fast)["per_s"] == {"median": 200, "least": 100, "most": 300}
    assert speed(fast)["per_cpu_s"] == {"median": 60, "least": 50, "most": 70}
    assert ratio(fast, slow)["wall"] == {"median": 10, "least": 5, "most": 30}
    assert ratio(fast, slow)["cpu"] == {"median": 10, "least": 10, "most": 12}


def test_the_bound_of_an_encoder() -> None:
    assert MINILM.operations(1) == 2 * 10_616_832 + 9_216
    assert MINILM.operations(25) == 25 * (2 * 10_616_832 + 25 * 9_216)
    posts = MINILM.operations(20) + MINILM.operations(30)
    found = limit.share(MINILM, [20, 30], 2, [Pace(1, 30), Pace(1, 50)], [Pace(1, 50 * posts), Pace(1, 100 * posts)])
    assert found["operations_per_post"] == posts / 2
    assert found["posts_per_s"] == {"median": 150, "least": 100, "most": 200}
    assert found["reached"] == {"median": 0.275, "least": 0.25, "most": 0.3}


def test_the_posts_of_the_demo_come_as_often_as_need_be() -> None:
    posts = list(take(None, 1_500))
    assert len({post.id for post in posts}) == 1_500
    assert posts[0].text in [post.text for post in posts[1_000:]]
    assert sum(batch.num_rows for batch in batches(posts)) == 1_500


@pytest.mark.parametrize(
    ("content", "reason"), [("", "no posts"), ('{"text": "a"}\n{"id": 1}\n', "line 2"), ("[1]\n", "line 1")]
)
def test_a_file_of_no_posts_is_said(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "posts.jsonl").write_text(content)
    with pytest.raises(InputError, match=reason):
        list(take(tmp_path / "posts.jsonl", 3))


def test_a_machine_is_described() -> None:
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["load"] >= 0
    assert found["libraries"]["pyarrow"] == pa.__version__


def test_other_processes_are_told_from_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_STAT", tmp_path / "stat")
    monkeypatch.setattr(machine, "cpu_seconds", iter([1.0, 4.0, 4.0]).__next__)
    monkeypatch.setattr(machine.time, "monotonic", iter([10.0, 20.0, 30.0]).__next__)
    tick = os.sysconf("SC_CLK_TCK")
    (tmp_path / "stat").write_text(f"cpu  {5 * tick} 0 0 999 999 0 0 0 0 0\ncpu0 1 1\n")
    neighbours = machine.Neighbours()
    (tmp_path / "stat").write_text(f"cpu  {9 * tick} 0 {2 * tick} 9999 9999 0 0 {2 * tick} 0 0\ncpu0 1 1\n")
    assert neighbours.cores() == 0.5  # eight seconds of which three were ours, in ten
    (tmp_path / "stat").unlink()
    assert neighbours.cores() is None


def test_a_steady_engine_differs_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = measure(Classifier(Recipe("stub", "7", "stub", tmp_path, {"languages": ["en"]}), Steady()), monkeypatch)
    assert report["differing"] == {"shuffled": 0, "pool": 0, "one by one": 0}
    assert {way: row["n"] for way, row in report["speed"].items()} == {"serial": 12, "pool": 12, "one by one": 4}
    assert (report["recipe"], report["version"], report["rounds"], report["limit"]) == ("stub", "7", 2, None)
    assert report["posts"] == {"from": "demo", "n": 12, "n_read": 11, "n_tokens": 0}, "one is not English"
    assert report["first_tag"] == {"wall": 1.5, "cpu": 1.0, "peak_mb": 201.0}
    assert report["peak_mb"] == {"2": 202.0, "4": 204.0}
    assert len(report["left_out"]) == 2
    assert json.loads(json.dumps(report)) == report


def test_an_engine_that_minds_its_neighbours_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = measure(Classifier(Recipe("stub", "7", "stub", tmp_path, {"languages": ["en"]}), Moody()), monkeypatch)
    assert report["differing"]["one by one"] == 4
    assert report["differing"]["shuffled"] == 2  # the last of the first round, and of the second


@pytest.mark.usefixtures("quick")
def test_the_command_measures_a_recipe() -> None:
    done = CliRunner().invoke(main, ["bench", "classify", "cx_spacy"])
    assert done.exit_code == 0, done.stderr
    assert "cx_spacy 1, 12 posts of demo" in done.stdout
    assert "Posts with other labels: 0 shuffled, 0 pool, 0 one by one" in done.stdout
    assert "Left out: the comparison" in done.stdout
    assert "round 1 of 1" in done.stderr


def test_the_command_shows_all_of_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    paces = [Pace(1_000, 500), Pace(1_100, 510)]
    report = {
        "recipe": "stub", "version": "7", "rounds": 2, "left_out": [], "differing": {"pool": 3},
        "machine": {
            "cpu": "Z80", "cores": 2, "flags": ["i8mm"], "load": 0.1, "system": "CP/M", "python": "3", "libraries": {},
            "others": 1.25,
        },
        "posts": {"from": "demo", "n": 12, "n_read": 10, "n_tokens": 250},
        "first_tag": {"wall": 1.5, "cpu": 1.0, "peak_mb": 201.0}, "peak_mb": {"20000": 300.0},
        "speed": {"serial": {"n": 12, **speed(paces)}}, "ratio": {"serial": {"pipeline": ratio(paces, paces)}},
        "limit": limit.share(MINILM, [25], 1, paces, [Pace(1, 5e11), Pace(1, 5e11)]),
    }  # fmt: skip
    monkeypatch.setattr(bench, "bench_classify", lambda *_: report)
    shown = CliRunner().invoke(main, ["bench", "classify"]).stdout
    for words in (
        "25.0 tokens each",
        "1050",
        "1000 to 1100",
        "roberta-base of random weights",
        "300 MB for 20,000",
        "3 pool",
    ):
        assert words in shown
    assert "500 billion int8 operations" in shown
    assert json.loads(CliRunner().invoke(main, ["bench", "classify", "--json"]).stdout) == report


def test_products_in_the_shapes_of_a_graph(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cxlisten[train]'")
    pytest.importorskip("onnxruntime")
    make, tensor = onnx.helper, onnx.helper.make_tensor
    sizes = {"query": [8, 8], "inner": [8, 16]}
    constants = [tensor(name, onnx.TensorProto.INT8, size, [1] * (size[0] * size[1])) for name, size in sizes.items()]
    constants += [
        tensor(name, onnx.TensorProto.INT64, [len(shape)], shape)
        for name, shape in (("heads", [0, 0, 2, 4]), ("width", [0, 0, 8]))
    ]
    nodes = [
        make.make_node(op, ["x", name], ["y"])
        for name, op in (
            *dict.fromkeys(sizes, "MatMulIntegerToFloat").items(),
            ("heads", "Reshape"),
            ("width", "Reshape"),
        )
    ]
    onnx.save(make.make_model(make.make_graph(nodes, "g", [], [], constants)), tmp_path / "g.onnx")
    assert limit.lack(tmp_path / "g.onnx") is None
    shapes = limit.read_shapes(tmp_path / "g.onnx")
    assert shapes == limit.Shapes(((8, 8), (8, 16)), (8,))
    products = limit.products(shapes)
    assert products.n % (2 * (8 * 8 + 8 * 16)) == 0
    assert [len(row) for row in products.run(0)[0]] == [1, 1]


@pytest.mark.train
def test_the_alternative_tags_every_text(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'cxlisten[train]'")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "rude": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    contenders = alternative.pipelines(tmp_path / "tokenizer.json", ["rude", "rude rude staff"])
    assert [each.name for each in contenders] == list(alternative.BATCHES)
    assert [len(each.run(0)) for each in contenders] == [2, 2]
