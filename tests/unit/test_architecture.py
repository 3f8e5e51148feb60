"""The rules of the house that a reader relies on: who may import whom, what is spelled where, how long a file is."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxlisten.taxonomy import RING_NAMES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cxlisten"
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))

FOUNDATION = {"__init__", "taxonomy", "errors"}
NOUNS = {"models", "config", "content", "query", "language", "retention"}
STAGES = {"collect", "classify", "load", "publish", "report"}
BELOW = FOUNDATION | NOUNS | {"landing"}
MAY_IMPORT = {
    **dict.fromkeys(FOUNDATION, frozenset()),
    **dict.fromkeys(NOUNS, FOUNDATION | NOUNS),
    "landing": FOUNDATION | NOUNS,
    "store": {"models", "config", "errors", "content"},
    **dict.fromkeys(("collect", "classify"), BELOW),
    **dict.fromkeys(("load", "publish", "report"), BELOW | {"store"}),
    "checks": BELOW | STAGES,
    **dict.fromkeys(("tagging", "upkeep"), BELOW | STAGES | {"store"}),
    "pipeline": BELOW | STAGES | {"store", "checks", "tagging", "upkeep"},
    "demo": FOUNDATION | NOUNS,
    "bench": BELOW | STAGES,
    "cli": BELOW | STAGES | {"store", "pipeline", "demo", "bench"},
}
VARIANTS = ("cxlisten/collect/sources/", "cxlisten/classify/engines/", "cxlisten/report/outputs/")
WRAPPED = {"airflow": (), "duckdb": ("store",), "click": ("cli",)}  # library → the parts that may import it
NO_RINGS = {("cli", "process"): "the DAG", ("landing", "place"): "where in a file a rejected row is"}
HEAVY = (
    "spacy", "rapidfuzz", "torch", "transformers", "airflow", "httpx", "requests", "tweepy", "praw", "atproto",
    "feedparser", "matplotlib", "pandas",
)  # fmt: skip
SQL = re.compile(r"\s*(select|insert into|merge into|update \w+ set|delete from)\s", re.I)


def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), module)


def part(module: str) -> str:
    """The layer a file belongs to: its folder or file right under cxlisten/."""
    return Path(module).relative_to("cxlisten").parts[0].removesuffix(".py")


def imports(module: str) -> Iterator[str]:
    """The dotted name of all that a file imports, wherever in it; `from a import b` is `a.b`."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strings(module: str) -> list[str]:
    """Every string of a file but its docstrings."""
    nodes = list(ast.walk(tree(module)))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose]
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("module", MODULES)
def test_a_part_imports_only_what_lies_below_it(module: str) -> None:
    ours = [name.split(".") for name in imports(module) if name.startswith("cxlisten")]
    parts = {
        name[1] if (PACKAGE / name[1]).exists() or (PACKAGE / f"{name[1]}.py").exists() else "__init__" for name in ours
    }
    assert parts - {part(module)} <= MAY_IMPORT[part(module)]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith(VARIANTS)])
def test_a_variant_imports_no_sibling(module: str) -> None:
    siblings = Path(module).parent.as_posix().replace("/", ".") + "."
    assert [name for name in imports(module) if name.startswith(siblings)] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_wrapped_in_one_place(module: str) -> None:
    foreign = {name.split(".")[0] for name in imports(module)}
    assert [name for name, wrappers in WRAPPED.items() if name in foreign and part(module) not in wrappers] == []


@pytest.mark.parametrize("module", MODULES)
def test_rings_sql_and_printing_have_their_place(module: str) -> None:
    texts = strings(module)
    rings = {text for text in texts if text in RING_NAMES and (part(module), text) not in NO_RINGS}
    assert part(module) == "taxonomy" or rings == set(), "only taxonomy.py spells a ring"
    assert [text for text in texts if SQL.match(text)] == [], "SQL lives in sql/"
    calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    assert "print" not in [call.id for call in calls if isinstance(call, ast.Name)], "only cxlisten/cli talks"


@pytest.mark.parametrize("module", MODULES)
def test_a_file_has_one_job_and_says_it(module: str) -> None:
    assert Path(module).stem not in {"utils", "helpers", "common", "misc", "base"}
    body = tree(module).body
    assert not body or ast.get_docstring(tree(module)), "the first line of a file says what it is for"


def test_files_are_short() -> None:
    budgets = {"cxlisten/**/*.py": 270, "dags/[!_]*.py": 60, "sql/trends/*.sql": 60}
    too_long = [
        f"{path.relative_to(ROOT)}: {n} lines, not {budget}"
        for pattern, budget in budgets.items()
        for path in ROOT.glob(pattern)
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > budget
    ]
    assert too_long == []


def test_importing_the_pipeline_loads_nothing_heavy() -> None:
    code = f"import sys, cxlisten.pipeline; print(*[name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.split() == []
