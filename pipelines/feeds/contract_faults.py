"""What is wrong with a contract's file: gathered part by part, so that all of it is told at once, each with its line.

Knows YAML and pydantic, no contract: what a contract must say is in `contracts.py`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from pipelines.declared import DeclarationFault, compose, read_text
from pipelines.feeds.fields import Strict
from pipelines.refusal import did_you_mean

Place = tuple[str | int, ...]
"""Where in a document: keys and positions from its top."""
_Made = TypeVar("_Made")
# A name of another part of the contract, as messages on how parts go together begin.
_SPEAKS_OF = re.compile(r"(?:rule |column |key column )?([\w-]+)")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a contract."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"

    def as_json(self) -> dict[str, object]:
        """The fault as plain data."""
        return asdict(self)


class ContractFaults(ValueError):
    """A contract file that cannot be used, with everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


class Gathering:
    """Takes the parts of one file and keeps what is wrong with each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[tuple[Place, str]] = []
        self.is_sound_in_shape = True

    def take(self, place: Place, make: Callable[[], _Made], name: str = "") -> _Made | None:
        """What `make` makes of the part at `place`, or None where it is wrong; `name` begins the messages."""
        about = f"{name}: " if name else ""
        try:
            return make()
        except ValidationError as error:
            for fault in error.errors():
                inside = tuple(fault["loc"])
                where = f"{'.'.join(map(str, inside))}: " if inside else ""
                self.add((*place, *inside), about + where + _said(fault))
        except KeyError as error:
            self.add(place, f"{about}missing {error}")
        except (TypeError, AttributeError, IndexError):
            self.add(place, f"{about}has not the shape of a contract here; compare it with one that stands beside it")
        except ValueError as error:
            self.add(place, f"{about}{error}")
        return None

    def add(self, place: Place, message: str) -> None:
        """Keep one fault."""
        self._found.append((place, message))

    def add_shape(self, place: Place, message: str) -> None:
        """Keep a fault that leaves what lies below it unread."""
        self.is_sound_in_shape = False
        self.add(place, message)

    def add_together(self, messages: Iterable[str], names: Mapping[str, Place], without: set[str]) -> None:
        """Keep what is wrong with how parts go together, each at the part it begins with.

        What speaks of parts that are wrong themselves, `without`, would mislead.
        """
        for message in messages:
            if not without & set(re.findall(r"\w+", message)):
                found = _SPEAKS_OF.match(message)
                self.add(names.get(found[1], ("schema", 0)) if found else ("schema", 0), message)

    def known(self, place: Place, entries: Iterable[Mapping[str, Any]], known: Iterable[str]) -> None:
        """Keep a fault for every custom property of a name that nobody reads."""
        names = sorted(known)
        for at, entry in enumerate(entries):
            name = entry.get("property")
            if name not in names:
                hint = did_you_mean(str(name), names)
                self.add((*place, "customProperties", at), f"nobody reads a custom property {name!r}{hint}")

    def misspelt(self, place: Place, entry: Mapping[str, Any], read: Iterable[str]) -> None:
        """Keep a fault for every key that nobody reads and that is nearly one we read."""
        names = set(read)
        for key in map(str, entry):
            near = get_close_matches(key, names, n=1, cutoff=0.8)
            if near and key not in names:
                self.add((*place, key), f"nobody reads the key {key!r}; did you mean {near[0]}?")

    def end(self) -> None:
        """Raises ContractFaults where anything is wrong."""
        if self._found:
            node = compose(read_text(self._path), self._path)
            raise ContractFaults(Fault(self._path.name, _line(node, place), said) for place, said in self._found)


def faults_of(path: Path, error: Exception) -> list[Fault]:
    """What an error says of a contract's file."""
    if isinstance(error, ContractFaults):
        return error.faults
    if isinstance(error, DeclarationFault):
        return [Fault(path.name, error.line, str(error.problem))]
    return [Fault(path.name, 1, str(error))]


def _said(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "unknown key" + did_you_mean(str(fault["loc"][-1]), _every_key(Strict))
    if fault["type"] == "missing":
        return "missing"
    given = fault.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float) and fault["type"] != "value_error" else ""
    return str(fault["msg"]).removeprefix("Value error, ") + shown


def _every_key(model: type[Strict]) -> Iterator[str]:
    for below in model.__subclasses__():
        yield from below.model_fields
        yield from _every_key(below)


def _line(node: yaml.Node | None, place: Place) -> int:
    """The line of the part at `place`, or of the nearest part around it that is there."""
    line = 1
    for step in place:
        below: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    line, below = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            below = node.value[step]
            line = below.start_mark.line + 1
        if below is None:
            break
        node = below
    return line
