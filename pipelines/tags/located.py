"""YAML that remembers on which line each value stands.

Numbers with a point are read as exact decimals, and a key written twice is refused; otherwise plain YAML.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from pipelines.declared import DeclarationFault, compose, read_text


class YamlProblem(Exception):
    """A file that is not usable YAML: 1-based line and reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Located:
    """A YAML value with its 1-based line; mappings and lists hold Located values."""

    value: Any
    line: int
    text_line: int = 0
    """First line of the text itself, which for a block scalar is the line below its marker."""

    def plain(self) -> Any:
        """The value without lines; lists of text become tuples."""
        if isinstance(self.value, dict):
            return {k: v.plain() for k, v in self.value.items()}
        if isinstance(self.value, list):
            return tuple(v.plain() for v in self.value)
        return self.value

    def items(self) -> Iterator[tuple[str, "Located"]]:
        """Key and value of a mapping, nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()


def load(path: Path) -> Located:
    """Reads one YAML document. Raises YamlProblem for broken YAML, a second document or a repeated key."""
    try:
        node = compose(read_text(path), path)
    except DeclarationFault as error:
        raise YamlProblem(error.line, str(error.problem)) from error
    return _convert(node) if node is not None else Located({}, 1)


def _convert(node: yaml.Node) -> Located:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Located] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise YamlProblem(key.start_mark.line + 1, f"'{name}' is given twice")
            found[name] = _convert(value)
        return Located(found, line)
    if isinstance(node, yaml.SequenceNode):
        return Located([_convert(v) for v in node.value], line)
    text_line = line + 1 if getattr(node, "style", None) in ("|", ">") else line
    return Located(_scalar(node, line), line, text_line)


def _scalar(node: yaml.Node, line: int) -> Any:
    tag, text = node.tag.rsplit(":", 1)[-1], str(node.value)
    try:
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() in ("true", "yes", "on")
        if tag == "int":
            return int(text.replace("_", ""))
        if tag == "float":
            return Decimal(text.replace("_", ""))
        if tag == "timestamp":
            return date.fromisoformat(text)
    except (ValueError, InvalidOperation) as error:
        raise YamlProblem(line, f"'{text}' is not a usable {tag}") from error
    return text
