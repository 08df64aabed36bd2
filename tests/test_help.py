"""`--help` of every command: examples that parse, Chinese for every text, JSON from every command that reports."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer import rich_utils
from typer.main import get_command
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.helptexts import declared, flat, language_of, words_of

# Words of the page itself, which no command bears.
OF_THE_PAGE = {
    *("Usage:", "Examples", "Arguments", "Options", "Commands", "Error"),
    *("[default: {}]", "[required]", "Show this message and exit."),
}


def walk(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command and group with its words."""
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from walk(command.get_command(None, name), f"{path} {name}".strip())


EVERY = dict(walk(get_command(app)))
COMMANDS = {path: command for path, command in EVERY.items() if not hasattr(command, "list_commands")}


def test_every_command_option_and_argument_has_a_help_text():
    silent = [
        f"{path} {word.name}"
        for path, command in EVERY.items()
        for word in command.params
        if not (word.help or "").strip()
    ]
    assert not silent
    assert not [path for path, command in EVERY.items() if not command.help]


def test_every_help_text_has_its_chinese_and_none_is_orphaned():
    english = {text for command in EVERY.values() for _, text in words_of(command)} | OF_THE_PAGE
    chinese = declared()["zh"]
    assert sorted(english - set(chinese)) == [], "translate these in pipelines/help.yml"
    assert sorted(set(chinese) - english) == [], "nobody says this any more: take it out of pipelines/help.yml"
    for text, translated in chinese.items():
        assert re.search(r"[\u4e00-\u9fff]", translated), text


def test_every_command_has_examples_that_parse():
    examples = declared()["examples"]
    assert sorted(set(COMMANDS) ^ set(examples)) == []
    for path, lines in examples.items():
        assert lines, path
        for line in lines:
            words = shlex.split(line)
            begin = ["xfy", *path.split()]
            assert words[: len(begin)] == begin, line
            COMMANDS[path].make_context(path, words[len(begin) :]).close()


def test_every_command_speaks_json():
    silent = [path for path, command in COMMANDS.items() if not any("--json" in word.opts for word in command.params)]
    assert silent == []


@pytest.mark.parametrize("path", EVERY)
def test_help_is_printed_in_both_languages(path, monkeypatch, tmp_path):
    monkeypatch.setattr(rich_utils, "MAX_WIDTH", 400)
    for words in (["--lang", "zh", *path.split(), "--help"], [*path.split(), "--help", "--lang=zh_CN"]):
        said = CliRunner().invoke(app, words).stdout
        assert "用法：" in said and "显示本说明后退出" in said, said
        assert declared()["zh"][flat(EVERY[path].help)][:10] in said
        assert "Usage" not in said and "for machines" not in said
    said = CliRunner().invoke(app, [*path.split(), "--help", "--lang", "en"]).stdout
    assert "Usage" in said and "显示本说明" not in said and "选项" not in said
    if path in COMMANDS:
        assert declared()["examples"][path][0] in said and "Examples" in said


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ([], {"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ([], {"LC_ALL": "", "LANG": "zh"}, "zh"),
        (["--lang", "en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["--lang=zh-Hans"], {}, "zh"),
    ],
)
def test_the_language_is_asked_for_or_that_of_the_locale(words, environment, told):
    assert language_of(["feeds", *words, "list"], environment) == (["feeds", "list"], told)


def test_what_stands_behind_two_dashes_is_no_language():
    assert language_of(["a", "--", "--lang", "zh"], {}) == (["a", "--", "--lang", "zh"], "en")


def test_an_unknown_language_is_refused():
    result = CliRunner().invoke(app, ["feeds", "--help", "--lang", "fr"])
    assert result.exit_code == 2 and "--lang is en or zh, not fr" in result.output


# What a command needs to be called at all, with things that do not exist; `{}` is a folder with nothing in it.
ASKED = {
    "explain": "nobody T01010101",
    "feeds show": "F99",
    "feeds status": "F99",
    "feeds release-hold": "F08 2026-10-31 001 --name 张三 --reason 已经核实过",
    "feeds pull": "F99",
    "feeds check-contracts": "{}/nothing.yaml",
    "feeds check": "F08 {}/nothing.csv --date 2026-10-31",
    "feeds quarantine list": "F99",
    "feeds quarantine export": "F99 --to {}/q.csv --name 张三 --purpose 核对",
    "feeds quarantine waive": "F08 2026-10-31 001 --line 2 --name 张三 --reason 已经核实过",
    "feeds quarantine replay": "F08 2026-10-31 001",
    "tags sql": "T99",
    "release show": "2026-10-31.9",
    "release verify": "{}/nothing",
    "release rollback": "2026-10-31.9",
    "key rotate": "nothing --name 张三 --reason 已经核实过",
    "subject show": "nobody",
    "index check": "{}/nothing.yml",
    "index freeze": "{}/nothing happiness 2026.1",
    "index build": "{}/nothing.yml --data {}/nothing.csv",
    "index explain": "310118101001 --database {}/nothing.duckdb",
    "index sensitivity": "{}/nothing.yml --data {}/nothing.csv",
    "index compare": "{}/nothing.yml {}/other.yml --data {}/nothing.csv",
    "index series": "{}/nothing.yml",
    "index movement": "{}/nothing.yml",
    "index report": "--out {}/report",
    "index associations": "{}/nothing.yml --data {}/nothing.csv",
    "feeds land": "",
    "run": "",
}
# These find a house without data in order, and say so.
CONTENT = {
    *("home", "simulate", "generate", "feeds list", "feeds catalogue", "feeds quarantine exports", "tags list"),
    *("tags check", "release list", "key show", "subject looks"),
}

# They write, or take long; `--json` of each is tried where its room is.
RUN_ELSEWHERE = {"simulate", "generate", "feeds catalogue"}


# It goes on until somebody ends it; tests/test_ui.py asks it.
SERVES = {"ui"}


def test_every_command_is_tried():
    assert set(ASKED) | CONTENT | SERVES == set(COMMANDS)


@pytest.mark.parametrize("path", ASKED)
def test_what_does_not_exist_is_told_in_a_sentence(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))
    # Once where there is no data root, once where it is empty.
    for more in ([], ["--json"]):
        if more:
            (tmp_path / "data").mkdir(exist_ok=True)
        result = CliRunner().invoke(app, [*path.split(), *shlex.split(ASKED[path].replace("{}", str(tmp_path))), *more])
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code in (1, 2), result.output
        assert "Traceback" not in result.output and "defect" not in result.output, result.output
        assert len(result.stderr.split()) > 3 or len(result.stdout.split()) > 3, result.output
        assert len(result.output.split()) < 120, "a sentence, not a list"
        if result.stdout and more:
            json.loads(result.stdout)


@pytest.mark.parametrize("path", sorted(CONTENT - RUN_ELSEWHERE))
def test_an_empty_house_is_in_order_and_json_is_all_that_is_printed(path, tmp_path, monkeypatch):
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))
    result = CliRunner().invoke(app, [*path.split(), "--json"])
    assert result.exit_code == 0 and result.exception is None, result.output
    json.loads(result.stdout)


@pytest.mark.parametrize(
    "line",
    [
        "run --as-of 31.10.2026",
        "simulate --as-of soon --out {}",
        "feeds land --as-of soon",
        "feeds pull F31 --date soon",
        "feeds release-hold F08 soon 001 --name 张三 --reason 已经核实过",
        "feeds quarantine list F08 --date soon",
        "feeds quarantine replay F08 2026-02-30 001",
        "feeds catalogue --as-of soon --out {}/pages",
        "tags check --as-of soon",
        "subject show 310118101001 --as-of soon",
    ],
)
def test_a_wrong_date_is_told(line, tmp_path, monkeypatch):
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "landing" / "F31" / "2026-10-31" / "001").mkdir(parents=True)
    (tmp_path / "data" / "landing" / "F31" / "2026-10-31" / "001" / "x.csv").write_text("x")
    result = CliRunner().invoke(app, shlex.split(line.replace("{}", str(tmp_path / "out"))))
    assert result.exit_code == 2 and "is no date; write it as 2026-10-31" in " ".join(result.output.split()), (
        result.output
    )
