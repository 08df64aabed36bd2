"""Declaration files, read once and the same way everywhere. A leaf: what a declaration means is its room's business.

Whoever may write a declaration must not thereby stop a run, fill the memory, or put a text where it becomes a command:
so a file is a plain file of bounded size and depth, its keys stand once, and no text holds what nobody sees.
"""

import os
import re
import stat
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator

from pipelines.refusal import Refusal

MOST_BYTES = 4_000_000
DEEPEST = 40
# Controls but for line ends and tabs, marks of direction and of width zero, odd line ends, halves of characters, tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_ENDS = re.compile("[\t\n\r]")


class DeclarationFault(Refusal, yaml.MarkedYAMLError):
    """A file that is not read as a declaration; the message names file, line and what to do."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        mark = yaml.Mark(str(path), 0, line - 1, 0, None, 0)
        yaml.MarkedYAMLError.__init__(self, problem=problem, problem_mark=mark)
        self.path, self.line = path, line

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.problem}"


def unseen(text: str) -> str:
    """The first character of a text that a reader cannot see, as U+200B; empty where there is none."""
    found = _UNSEEN.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""


def _one_line(text: str) -> str:
    if _LINE_ENDS.search(text):
        raise ValueError("must be one line")
    if character := unseen(text):
        raise ValueError(f"holds {character}, which nobody sees; take it out")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""A text of one line that shows what it is: names, titles, labels, codes."""


def read_text(path: Path) -> str:
    """The text of a declaration file. Raises DeclarationFault and FileNotFoundError."""
    # Not waiting: a pipe in the file's place would be waited for without end.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise DeclarationFault(path, 1, "is no plain file; put the declaration itself here")
        if status.st_size > MOST_BYTES:
            raise DeclarationFault(path, 1, f"has {status.st_size:,} bytes, a declaration has at most {MOST_BYTES:,}")
        with os.fdopen(os.dup(handle), "rb") as file:
            content = file.read(MOST_BYTES + 1)
    finally:
        os.close(handle)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DeclarationFault(path, line, "is not UTF-8 here; save the file as UTF-8") from None
    if found := _UNSEEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DeclarationFault(path, line, f"holds U+{ord(found[0]):04X}, which nobody sees; take it out")
    return text


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML declaration, None where it is empty. Raises DeclarationFault and FileNotFoundError."""
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, path: Path) -> Any:
    """The plain values of YAML text that stands in `path`. Raises DeclarationFault."""
    return _safely(lambda: yaml.load(text, Loader=_Strict), text, path)


def compose(text: str, path: Path) -> yaml.Node | None:
    """The nodes of YAML text that stands in `path`, for readers who want lines. Raises DeclarationFault."""
    return _safely(lambda: yaml.compose(text, Loader=yaml.CSafeLoader), text, path)


def _safely(read: Any, text: str, path: Path) -> Any:
    try:
        _bounded(text, path)
        return read()
    except DeclarationFault:
        raise
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DeclarationFault(path, line, f"is not valid YAML here: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DeclarationFault(path, 1, f"is not valid YAML: {error}") from None


def _bounded(text: str, path: Path) -> None:
    """Nesting within bounds and no aliases: ten lines of aliases unfold to more than any memory holds."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise DeclarationFault(path, _line(event), "aliases (*name) are not read; write the text out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise DeclarationFault(
                    path, _line(event), f"is nested more than {DEEPEST} deep; no declaration needs that"
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Strict(yaml.CSafeLoader):
    """Plain values; a key that stands twice is an error, where YAML would silently take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)
