"""How `xfy` begins and ends: settings, errors, stops and closed pipes each end in a sentence and an exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.front import Front, Terminated
from pipelines.refusal import Refusal, did_you_mean
from pipelines.settings import BadSetting, Settings, check_places
from pipelines.terminal import DEFECT, INTERRUPTED, TERMINATED, WRONG_USE


def xfy(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("words", [["feeds", "list"], ["run"], ["release", "list"], ["tags", "list"], ["home"]])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("XFY_DATA", "", "is empty; give an absolute path"),
        ("XFY_DATA", "  ", "is empty"),
        ("XFY_DATA", "data", "is relative; give an absolute path"),
        ("XFY_DATA", "{root}/no/where", "no does not exist: make that folder first"),
        ("XFY_DATA", "{root}/file", "is a file: set XFY_DATA to a folder"),
        ("XFY_DATA", "{root}/file/below", "file does not exist"),
        ("XFY_THREADS", "two", "XFY_THREADS is set to 'two', which cannot be used"),
        ("XFY_THREADS", "0", "greater than or equal to 1"),
        ("XFY_MEMORY_LIMIT", "much", "is no amount of memory; write it as 5GB"),
        ("XFY_KEEP_RELEASES", "-1", "XFY_KEEP_RELEASES is set to '-1'"),
        ("XFY_AS_OF", "yesterday", "XFY_AS_OF is set to 'yesterday'"),
        ("XFY_CONTRACTS", "{root}/nowhere", "nowhere, which is no folder"),
        ("XFY_KEY_FILE", "{root}/no/key", "no does not exist: make that folder first"),
        ("XFY_PASSWORD_DIR", "{root}/file", "which is no folder"),
        ("XFY_KEEP_RELEASE", "3", "is no setting; did you mean XFY_KEEP_RELEASES?"),
    ],
)
def test_a_bad_setting_is_a_sentence_in_every_command(root, monkeypatch, words, name, value, told):
    (root / "file").write_text("x")
    monkeypatch.setenv(name, value.format(root=root))
    code, said = xfy(*words)
    assert code == WRONG_USE and name in said and told in said and "Traceback" not in said, said
    assert not (root / "data").exists()


def test_all_bad_settings_are_told_at_once(root, monkeypatch):
    monkeypatch.setenv("XFY_DATA", "here")
    monkeypatch.setenv("XFY_THREADS", "x")
    with pytest.raises(BadSetting) as refused:
        Settings()
    assert len(str(refused.value).splitlines()) == 2


def test_a_root_that_cannot_be_made_or_read_is_told(root, monkeypatch):
    # The tests may run as a user to whom nothing is forbidden.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadSetting, match="which you may not make in"):
        check_places(Settings())
    (root / "data").mkdir()
    with pytest.raises(BadSetting, match="which you may not read"):
        check_places(Settings())


def test_what_belongs_to_others_is_no_setting(root):
    check_places(Settings(), {"XFY_SOMEBODY_ELSES": "1", "XFY_TRACEBACK": "1", "XFY_WAREHOUSE": "x"})


def test_help_and_version_need_no_sound_settings(root, monkeypatch):
    monkeypatch.setenv("XFY_DATA", "")
    assert xfy("feeds", "list", "--help")[0] == 0
    code, said = xfy("--version")
    assert code == 0 and said.startswith("xfy 0.1.0+")


def ending(error: BaseException) -> tuple[int, str]:
    """How a command that raises this ends."""
    trial = typer.Typer(cls=Front)

    @trial.command()
    def fail() -> None:
        raise error

    trial.callback()(lambda: None)
    result = CliRunner().invoke(trial, ["fail"])
    assert isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (Refusal("mend it"), WRONG_USE, "mend it"),
        (FileNotFoundError(2, "No such file or directory", "/x"), WRONG_USE, "/x: No such file or directory; check"),
        (IsADirectoryError(21, "Is a directory", "/x"), WRONG_USE, "give a file"),
        (PermissionError(13, "Permission denied", "/x"), WRONG_USE, "must run as the user"),
        (OSError(28, "No space left on device", "/x"), WRONG_USE, "the disk is full"),
        (OSError(5, "Input/output error", "/x"), WRONG_USE, "the disk or the network share fails"),
        (RecursionError(), WRONG_USE, "nested too deeply"),
        (KeyboardInterrupt(), INTERRUPTED, "stopped. Nothing half done is published"),
        (Terminated(), TERMINATED, "stopped. Nothing half done is published"),
        (ZeroDivisionError("by 9900010001"), DEFECT, "xfy has a defect: ZeroDivisionError at pipelines/front.py"),
    ],
)
def test_whatever_is_raised_ends_in_a_sentence_and_a_code(root, error, code, told):
    handler = signal.getsignal(signal.SIGINT)
    try:
        ended, said = ending(error)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert ended == code and told in said and "Traceback" not in said, said
    assert "9900010001" not in said


def test_a_defect_shows_where_it_is_to_those_who_ask(root, monkeypatch):
    monkeypatch.setenv("XFY_TRACEBACK", "1")
    assert "Traceback" in ending(ZeroDivisionError("x"))[1]


def test_a_damaged_database_is_told(root):
    import duckdb

    code, said = ending(duckdb.IOException("IO Error: not a DuckDB file"))
    assert code == WRONG_USE and "xfy release verify" in said


@pytest.mark.parametrize("words", [["feeds", "list"], ["tags", "list", "--json"]])
def test_a_reader_who_has_enough_is_no_error(root, words):
    program = [sys.executable, "-c", "import sys; from pipelines.cli import main; sys.argv[0] = 'xfy'; main()", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        said = running.stderr.read()
        assert (running.wait(60), said) == (141, b"")


def test_the_nearest_names_are_told_and_all_where_there_are_few():
    feeds = [f"F{n:02}" for n in range(1, 30)]
    assert did_you_mean("f08", feeds) == "; did you mean F08?"
    assert did_you_mean("nothing", feeds) == "."
    assert did_you_mean("nothing", ["a1", "b2"]) == "; there are: a1, b2."
    assert did_you_mean("x", []) == "."
