"""The README: its figures are those that were measured, and what it names is there."""

import re

import pytest
from click.testing import CliRunner

from cxlisten.classify import DEFAULT_RECIPE
from cxlisten.classify.evaluate.record import BEGIN, END, with_metrics
from cxlisten.cli import main
from cxlisten.content import content_dir
from cxlisten.errors import InputError

ROOT = content_dir("demo").parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_recipes() -> None:
    assert with_metrics(README) == README, "cxlisten evaluate RECIPE GOLD --write  writes them"
    assert DEFAULT_RECIPE in README.split(BEGIN)[1].split(END)[0]


def test_a_page_without_the_marks_is_not_written_over() -> None:
    with pytest.raises(InputError, match="marks"):
        with_metrics(README.replace(END, ""))


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
