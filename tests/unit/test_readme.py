"""The README: its figures are those that were measured, and what it names is there."""

import json
import re

from click.testing import CliRunner

from cxlisten.classify import DEFAULT_RECIPE
from cxlisten.cli import main
from cxlisten.content import content_dir

ROOT = content_dir("demo").parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_recipe() -> None:
    metrics = json.loads((content_dir("classifiers") / DEFAULT_RECIPE / "metrics.json").read_text(encoding="utf-8"))
    for figure, title in (("f1", "F1"), ("precision", "precision"), ("recall", "recall")):
        row = " | ".join(f"{ring[figure]:.2f}" for ring in metrics["rings"].values())
        assert f"| {title} | {row} |" in README
    for figure in ("ring_macro_f1", "joint_micro_f1", "no_ring_f1", "facet_micro_f1", "sentiment_macro_recall"):
        assert f"{metrics[figure]:.2f}" in README.replace("\n", " ").split("Ring macro-F1", 1)[1].split("##")[0]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_commands_exist() -> None:
    commands = set(re.findall(r"cxlisten ([a-z]+)", README)) - {"pulls"}
    assert commands >= {"init", "run", "trend", "evaluate", "doctor", "query"}
    known = set(main.list_commands(None))  # type: ignore[arg-type]
    assert commands <= known
    for command in commands:
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0
