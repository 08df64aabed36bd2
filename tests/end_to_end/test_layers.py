"""The dbt half of the layers, and the promises the repository makes about its own files."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from pipelines.dbt import ensure_manifest
from pipelines.settings import REPOSITORY, Settings

ROOMS = ["run", "lake", "feeds", "identity", "subjects", "tags", "indices", "products"]


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads(ensure_manifest(Settings()).read_text())


def test_a_model_reads_its_own_room_or_an_earlier_one(manifest: dict) -> None:
    nodes = {**manifest["nodes"], **manifest["sources"]}
    upward = [
        f"{node['schema']}.{node['name']} reads {nodes[parent]['schema']}.{nodes[parent]['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        for parent in node["depends_on"]["nodes"]
        if ROOMS.index(nodes[parent]["schema"]) > ROOMS.index(node["schema"])
    ]
    assert upward == []
    assert len([n for n in manifest["nodes"].values() if n["resource_type"] == "model"]) > 30


def test_models_lie_in_the_room_of_their_schema(manifest: dict) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            assert Path(node["path"]).parts[0] == node["schema"], node["path"]


def test_no_sql_that_differs_between_engines(manifest: dict) -> None:
    """`~`, `//`, arrow lambdas and clocks mean something else elsewhere, or tomorrow."""
    forbidden = re.compile(
        r"\s~\s|//|->|\bnow\s*\(|\bcurrent_(date|timestamp)\b|\btoday\s*\(|\brandom\s*\(", re.IGNORECASE
    )
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            hidden = r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|--[^\n]*|/\*.*?\*/|'[^']*'"
            sql = re.sub(hidden, "", node["raw_code"], flags=re.DOTALL)
            assert not forbidden.search(sql), f"{node['path']}: {forbidden.search(sql)}"


def test_no_tag_code_or_feed_name_in_python() -> None:
    """Declarations are data: adding a feed or a tag must not need a line of Python."""
    named = re.compile(r"T(0[1-9]|1[0-2])\d{6}|B0[1-5]|F[0-3]\d|I[01]\d")
    for path in (REPOSITORY / "pipelines").rglob("*.py"):
        if "simulate" not in path.parts:
            texts = (n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant))
            found = [t for t in texts if isinstance(t, str) and named.fullmatch(t)]
            assert found == [], f"{path.relative_to(REPOSITORY)} names {found}"


def test_workspace_is_the_one_entry_point() -> None:
    """Any `[tool.dagster]` or `[tool.dg]` would silently win over workspace.yaml."""
    assert not {"dagster", "dg"} & set(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"])
    [location] = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())["load_from"]
    assert location["python_module"]["working_directory"] == "."


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert len(pins) > 100 and lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = declared["dependencies"] + declared["optional-dependencies"]["dev"]
    for name in (re.split(r"[<>=\[;]", d)[0].strip().lower().replace("_", "-") for d in wanted):
        assert name in pins, f"{name} is not in the lock"
