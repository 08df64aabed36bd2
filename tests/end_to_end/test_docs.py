"""Every query that the pages print runs on a release as it stands there, and every command they print exists."""

import re
import shlex
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.main import get_command

from pipelines.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{page.name}-{number}")
        for page in PAGES
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL), 1)
    ]


@pytest.fixture(scope="module")
def warehouse(district: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str((district / "releases" / "current").resolve() / "warehouse.duckdb"), read_only=True)


@pytest.mark.parametrize("text", blocks("sql"))
def test_every_query_runs_as_it_is_printed(
    warehouse: duckdb.DuckDBPyConnection, text: str, request: pytest.FixtureRequest
) -> None:
    rows = warehouse.execute(text).fetchall()
    # What a page shows of a past date need not have happened in a small district; what the front page asks has answers.
    assert rows or "README" not in request.node.name


def commands() -> list[Any]:
    """What stands after `xfy` in the pages' code, up to a comment, a pipe or the end of the code."""
    found = []
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue
        text = page.read_text("utf-8").replace("\\\n", " ")
        lines = [
            line for block in re.findall(r"```(?:sh|bash)?\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
        ]
        lines += re.findall(r"`([^`\n]+)`", text)
        for line in lines:
            match = re.match(r"(?:\.venv/bin/)?xfy ([a-z][^#|>…]*)", line.strip())
            if match and "[" not in match[1] and "…" not in line:
                found.append(pytest.param(match[1].strip(), id=f"{page.name}: {match[1].strip()[:60]}"))
    return found


@pytest.mark.parametrize("words", commands())
def test_every_command_printed_exists_with_its_options(words: str) -> None:
    command: Any = get_command(app)
    rest = shlex.split(words)
    while rest and hasattr(command, "list_commands") and not rest[0].startswith("-"):
        found = command.get_command(None, rest[0])
        assert found is not None, f"there is no command {rest[0]!r}"
        command, rest = found, rest[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in {*options, "--help"}]
    assert unknown == [], f"{words}: {unknown}"
