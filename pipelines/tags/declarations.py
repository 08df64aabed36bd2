"""One tag, one parameter, one example as declared: shapes only, with the places they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pipelines.tags.interpret import Row
from pipelines.tags.tree import Literal, Node
from pipelines.tags.values import BOOL, Type, Value

KINDS = ("fact", "rule", "statistical", "model")
CADENCES = ("realtime", "daily", "weekly", "monthly", "quarterly", "annual", "on-event")
NO_EXPORT = "no-export"


@dataclass(frozen=True)
class DatedValue:
    """A parameter's value from one day to another, both included; `valid_to` None is open."""

    value: Value
    valid_from: date
    valid_to: date | None
    legal: str
    note: str = ""

    def holds(self, day: date) -> bool:
        """Whether the value is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class ParameterInfo:
    """A dated parameter: a threshold, a window or a list of codes."""

    name: str
    type: Type
    unit: str
    description: str
    values: tuple[DatedValue, ...]
    file: str
    line: int

    def on(self, day: date) -> DatedValue | None:
        """The value in force on a day, None if there is none."""
        return next((v for v in self.values if v.holds(day)), None)


@dataclass(frozen=True)
class Example:
    """A made-up subject with what its tag must be: True, False, a number, or None for unknown."""

    expect: Value
    as_of: date
    row: Row
    unavailable: frozenset[str]
    note: str
    line: int
    given: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Tag:
    """A tag as declared. `tree` is its typed rule, of which `rule` is the text as written."""

    code: str
    name: str
    name_en: str
    level: str
    subject: str
    kind: str
    rule: str
    purpose: str
    owner: str
    cadence: str
    sensitivity: str
    min_cell: int | str
    legal: str = ""
    excl_group: str = ""
    state: str = "active"
    valid_from: date | None = None
    valid_to: date | None = None
    type: Type = BOOL
    unit: str = ""
    note: str = ""
    tree: Node = Literal(None, BOOL)
    examples: tuple[Example, ...] = ()
    file: str = ""
    line: int = 0
    rule_line: int = 0

    @property
    def is_restricted(self) -> bool:
        """Whether its values are kept apart from all others."""
        return self.sensitivity == "restricted"

    def in_force(self, day: date) -> bool:
        """Whether the tag is computed on a day: not before it began, nor after the day it was retired on."""
        begun = self.valid_from is None or self.valid_from <= day
        ended = self.valid_to is not None and self.valid_to < day
        return begun and not ended
