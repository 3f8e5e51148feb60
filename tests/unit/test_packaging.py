"""The wheel: all content in it, found from where it is installed; and the versions that it is tested with."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cxlisten
from cxlisten.content import content_dir

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
CONTENT = WHEEL["sources"]
LEFT_OUT = [ROOT / name.removeprefix("/") for name in WHEEL["exclude"]]  # trained here, or not


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_holds_every_content_file_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    for folder, place in CONTENT.items():
        files = {path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        left_out = {path for path in files if any(path.is_relative_to(each) for each in LEFT_OUT)}
        there = {path for path in files if f"{place}/{path.relative_to(ROOT / folder).as_posix()}" in names}
        assert there == files - left_out
    assert "cxlisten/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"cxlisten"}
    assert [name for name in names if name.endswith((".pyc", ".duckdb"))] == []


def test_content_is_found_inside_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import sys; from cxlisten.content import content_dir; print(*map(content_dir, sys.argv[1:]), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code, *CONTENT], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(tmp_path / place) for place in CONTENT.values()]


def test_content_is_found_in_a_checkout() -> None:
    assert [content_dir(name) for name in CONTENT] == [ROOT / name for name in CONTENT]


def test_there_is_one_version() -> None:
    assert cxlisten.__version__ == PYPROJECT["project"]["version"]


def test_constraints_pin_every_requirement_and_name_no_place() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.match(r"[a-z0-9-]+==[\w.]+( ; .+)?$", line)] == []
    pins: dict[str, set[str]] = {}
    for name, version in (line.split(" ;")[0].split("==") for line in lines):
        pins.setdefault(name, set()).add(version)
    project = PYPROJECT["project"]
    groups = [
        PYPROJECT["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
    ]
    for requirement in (Requirement(text) for group in groups for text in group):
        if requirement.name != project["name"]:
            assert all(requirement.specifier.contains(version) for version in pins[requirement.name]), requirement
