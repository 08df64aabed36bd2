"""What `--help` says beside the code: examples of every command, and everything in Chinese; both stand in `help.yml`.

Puts texts into a tree of commands. Which commands there are and what they do is said where they are declared; a test
holds the file to the tree, in both directions.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from typer.core import TyperGroup

Language = Literal["en", "zh"]
FILE = Path(__file__).with_name("help.yml")
# Words of the help page itself, which typer keeps as constants of its module.
_PAGE = (
    *("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE"),
    *("ERRORS_PANEL_TITLE", "DEFAULT_STRING", "REQUIRED_LONG_STRING"),
)


@cache
def declared() -> dict[str, dict[str, Any]]:
    """`help.yml`: `examples`, lines by command; `zh`, Chinese by English text."""
    body: dict[str, dict[str, Any]] = yaml.load(FILE.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return body


def language_of(words: list[str], environment: Mapping[str, str] = os.environ) -> tuple[list[str], str]:
    """The words without `--lang`, which may stand anywhere before `--`, and the language asked for.

    Without `--lang` the locale decides, in POSIX's order. What is no language comes back as it was written.
    """
    asked, rest, last = "", [], words.index("--") if "--" in words else len(words)
    left = iter(words[:last])
    for word in left:
        if word == "--lang":
            asked = next(left, "nothing")
        elif word.startswith("--lang="):
            asked = word.removeprefix("--lang=")
        else:
            rest.append(word)
    if asked:
        return rest + words[last:], asked.lower().replace("_", "-").split("-")[0]
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return rest + words[last:], "zh" if locale.lower().startswith("zh") else "en"


def words_of(command: Any) -> Iterator[tuple[Any, str]]:
    """Every help text of a command with the object that bears it: its own and those of its words."""
    if command.help:
        yield command, flat(command.help)
    for word in command.params:
        if getattr(word, "help", None):
            yield word, flat(word.help)


def flat(text: str) -> str:
    """A help text as the catalogue spells it: one line, paragraphs included."""
    return " ".join(text.replace("\f", " ").split())


def dress(command: Any, path: str, language: str) -> None:
    """Put examples and, if asked for, Chinese into a command and all below it. Groups loaded late dress their own."""
    chinese = declared()["zh"] if language == "zh" else {}
    examples = declared()["examples"].get(path, [])
    if examples:
        title = chinese.get("Examples", "Examples")
        command.epilog = f"[bold]{title}[/]\n\n" + "\n\n".join(f"  $ {e}".replace("[", r"\[") for e in examples)
    for bearer, text in list(words_of(command)):
        bearer.help = chinese.get(text, bearer.help)
    if chinese:
        _ask_for_help_in(chinese, command)
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            dress(below, f"{path} {name}".strip(), language)


def dress_page(language: str) -> None:
    """The headings of the help page in a language."""
    if language == "zh" or "typer.rich_utils" in sys.modules:
        from typer import rich_utils

        for name, english in _english().items():
            setattr(rich_utils, name, declared()["zh"].get(english, english) if language == "zh" else english)


@cache
def _english() -> dict[str, str]:
    from typer import rich_utils

    return {name: getattr(rich_utils, name) for name in _PAGE}


def _ask_for_help_in(chinese: Mapping[str, str], command: Any) -> None:
    """`--help` and the line of usage are made by click when they are needed."""
    made: Callable[[Any], Any] = command.get_help_option

    def help_option(context: Any) -> Any:
        option = made(context)
        if option is not None and option.help:
            option.help = chinese.get(flat(option.help), option.help)
        return option

    def usage(context: Any, formatter: Any) -> None:
        words = " ".join(command.collect_usage_pieces(context))
        formatter.write_usage(context.command_path, words, chinese.get("Usage:", "Usage:") + " ")

    command.get_help_option = help_option
    command.format_usage = usage
