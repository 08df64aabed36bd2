"""`xfy` as a whole: what it offers, how it refuses, how soon it answers."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.refusal import Refusal
from pipelines.terminal import FAILED, WRONG_USE, speaking


def xfy(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))


def test_every_room_brings_its_commands():
    code, said = xfy("--help")
    assert code == 0
    for name in ("home", "simulate", "run", "explain", "index", "generate", "feeds", "tags", "release"):
        assert f" {name} " in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run"], "has no deliveries"),
        (["run", "--as-of", "tomorrow"], "has no deliveries"),
        (["release", "show"], "no release is published"),
        (["release", "verify"], "no release is published"),
        (["release", "rollback"], "nothing is published yet"),
        (["explain", "x", "T01010101"], "no release is published"),
        (["tags", "sql", "T99"], "there is no tag T99"),
        (["tags", "check", "--as-of", "soon"], "is no date"),
        (["feeds", "land"], "has no deliveries"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(words, told):
    code, said = xfy(*words)
    assert code == WRONG_USE and told in said.replace("\n", " "), said


@pytest.mark.parametrize("words", [["release", "list"], ["feeds", "status"], ["feeds", "list"], ["tags", "list"]])
def test_lists_are_for_machines_too(words):
    code, said = xfy(*words, "--json")
    assert code == 0 and isinstance(json.loads(said), list)


def test_only_what_a_person_can_put_right_is_put_in_words():
    import typer

    with pytest.raises(typer.Exit) as end, speaking():
        raise Refusal("mend it")
    assert end.value.exit_code == WRONG_USE
    with pytest.raises(ZeroDivisionError), speaking():
        _ = 1 / 0
    assert FAILED == 1


def test_help_waits_for_no_library():
    heavy = ("polars", "duckdb", "dagster", "pyarrow", "numpy", "scipy", "great_expectations", "psycopg", "splink")
    program = f"import sys, pipelines.cli; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
