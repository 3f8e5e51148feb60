"""The deployment files: valid, without a password in them, and in agreement with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxlisten.collect import source_class, source_kinds

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
AIRFLOW = sorted(SERVICES.keys() - {"postgres"})
LONG_RUNNING = sorted(SERVICES.keys() - {"postgres", "init"})
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_compose_file_follows_the_compose_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_must_be_given_and_is_explained() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE))
    assert used == set(re.findall(r"(?<!\$)\$\{(\w+):\?[^}]+\}", COMPOSE)), "a setting has a default, or no message"
    lines = (ROOT / ".env.example").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert settings.keys() == used
    assert set(settings.values()) == {""}
    assert ".env" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_spelled_out(service: str) -> None:
    given = {name: value for name, value in SERVICES[service]["environment"].items() if value is not None}
    for name, value in given.items():
        if re.search(r"PASSWORD|SECRET|KEY|TOKEN", name):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
        for password in re.findall(r"://[^:/@]+:(.+)@", value):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", password), name


@pytest.mark.parametrize("service", AIRFLOW)
def test_the_airflow_services_share_image_settings_and_data(service: str) -> None:
    ours, reference = SERVICES[service], SERVICES["triggerer"]
    assert ours["image"] == reference["image"]
    assert reference["environment"].items() <= ours["environment"].items()
    home = re.search(r"CXLISTEN_HOME=(\S+)", DOCKERFILE)
    assert home
    assert f"data:{home[1]}" in ours["volumes"]
    assert ours["environment"]["AIRFLOW__LOGGING__BASE_LOG_FOLDER"].startswith(home[1] + "/")


def test_tasks_get_the_keys_of_every_platform_and_nobody_else_does() -> None:
    keys = {name for kind in source_kinds() for name in source_class(kind).secrets}
    for service in AIRFLOW:
        handed_on = {name for name, value in SERVICES[service]["environment"].items() if value is None}
        assert handed_on == (keys if service == "scheduler" else set())
    explained = (ROOT / ".env.example").read_text()
    assert all(f"# {name}=\n" in explained for name in keys)


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_service_waits_for_init_and_is_watched(service: str) -> None:
    waits = {name: each["condition"] for name, each in SERVICES[service]["depends_on"].items()}
    assert waits == {"postgres": "service_healthy", "init": "service_completed_successfully"}
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_processes_find_the_api_server() -> None:
    url = re.fullmatch(
        r"http://([\w-]+):(\d+)/execution/",
        SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"],
    )
    assert url
    assert SERVICES[url[1]]["ports"] == [f"127.0.0.1:{url[2]}:{url[2]}"], "reached from this host only"


def test_image_installs_what_the_project_declares() -> None:
    extras = set(re.findall(r"--extra (\w+)", DOCKERFILE))
    assert extras == {"sources", "nlp", "airflow"}
    assert extras <= PYPROJECT["project"]["optional-dependencies"].keys()
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.M)
    assert re.search(r"^HEALTHCHECK ", DOCKERFILE, re.M)


def test_image_gets_every_file_that_the_wheel_needs() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["only-include"], *PYPROJECT["project"]["license-files"], "pyproject.toml"}
    build = DOCKERFILE[: DOCKERFILE.index("--no-deps")]
    copied = {name for names in re.findall(r"^COPY ((?:[\w.]+ )+)\S+$", build, re.M) for name in names.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert needed <= copied == allowed
    assert all((ROOT / name).exists() for name in copied)
