"""YAML read with the line of every value, and with scalars that mean what they look like.

Plain YAML 1.1 turns the country code NO into false, 12:30 into 750 and 1e-3 into text. A specification is written by
people who do not know that, so scalars are resolved here: null, true/false, integers and decimals; all else is text.
Not here: what the values mean (`spec`, `load`).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.declared import DeclarationFault, compose, read_text
from pipelines.indices.problems import Problem, SpecError

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_NULLS = {"", "~", "null"}

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """One YAML file: its plain value and the 1-based line on which each path into it begins."""

    file: str
    value: Any
    lines: dict[Path_, int] = field(repr=False)

    def line(self, path: Path_) -> int:
        """Return the line of `path`, or of the longest part of it that the document has."""
        kept: Path_ = ()
        for step in path:
            if (*kept, step) in self.lines:
                kept = (*kept, step)
        return self.lines.get(kept, 0)


def read_document(path: Path) -> Document:
    """Read one YAML file; raises `SpecError` for bad syntax, duplicate keys, aliases and text that is not UTF-8."""
    try:
        text = read_text(path)
    except DeclarationFault as fault:
        raise SpecError([Problem(str(path), fault.line, str(fault.problem))]) from fault
    except OSError as fault:
        raise SpecError([Problem(str(path), 0, f"cannot be read: {fault}")]) from fault
    return parse_document(text, str(path))


def parse_document(text: str, file: str = "<text>") -> Document:
    """Parse YAML text; `file` is what error messages call it."""
    try:
        node = compose(text, Path(file))
    except DeclarationFault as fault:
        raise SpecError([Problem(file, fault.line, str(fault.problem))]) from fault
    if node is None:
        raise SpecError([Problem(file, 0, "is empty")])
    reader = _Reader(file)
    value = reader.read(node, ())
    if reader.problems:
        raise SpecError(reader.problems)
    return Document(file, value, reader.lines)


class _Reader:
    """Turns a node graph into plain values while noting lines."""

    def __init__(self, file: str):
        self.file = file
        self.lines: dict[Path_, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: Path_) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if not isinstance(node, yaml.ScalarNode):
            if id(node) in self._seen:
                self.problems.append(Problem(self.file, line, "anchors and aliases are not supported"))
                return None
            self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
        is_plain = isinstance(node, yaml.ScalarNode) and node.style in (None, "")
        return resolve_scalar(node.value) if is_plain else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "a key must be plain text"))
                continue
            key = key_node.value
            if key in result:
                self.problems.append(Problem(self.file, line, f"key '{key}' stands twice"))
                continue
            self.lines[(*path, key)] = line
            result[key] = self.read(value_node, (*path, key))
        return result


def resolve_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar: None, bool, int, float or the text itself."""
    if text.lower() in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
