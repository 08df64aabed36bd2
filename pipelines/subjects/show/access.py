"""How much of a subject a look shows: roles and purposes, classes, and masks.

Declared in `data/access/looks.yml`. The rule is one: a column is open if its class is not above what role and purpose
allow and, where it names or finds somebody, both may identify. Else it is masked or hidden.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.declared import read_yaml
from pipelines.refusal import Refusal
from pipelines.subjects.show.registry import ShownColumn

CLASSES = ("public", "internal", "sensitive", "restricted")
HIDDEN = "（未授权）"
LONGEST_NAME = 60
OPEN, MASKED, CLOSED = "open", "masked", "hidden"
Class = Literal["public", "internal", "sensitive"]


class AccessProblem(Refusal):
    """A role or purpose that does not exist or does not go with the other; the message says which do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(_Strict):
    """Who looks."""

    label: str
    max_class: Class
    may_identify: bool


class Purpose(_Strict):
    """What for, on which legal basis, and who may have it."""

    label: str
    legal_basis: str
    roles: tuple[str, ...]
    max_class: Class
    may_identify: bool


class IdShape(_Strict):
    """What the ids of a kind of subject look like."""

    kind: str
    shape: str
    words: str


class Declared(_Strict):
    """What `looks.yml` declares. Restricted columns are shown to nobody."""

    roles: dict[str, Role]
    purposes: dict[str, Purpose]
    ids: tuple[IdShape, ...] = ()


@dataclass(frozen=True)
class Asker:
    """Who looks, as they say, in which role and what for."""

    who: str
    role: str | None = None
    purpose: str | None = None


@dataclass(frozen=True)
class Access:
    """What a look may show."""

    max_class: str = "internal"
    may_identify: bool = False

    def of(self, column: ShownColumn) -> str:
        """OPEN, MASKED (it names or finds somebody) or CLOSED (its class is too high)."""
        if column.sensitivity == CLASSES[-1]:
            return CLOSED
        if column.direct:
            return OPEN if self.may_identify and not self._is_above(column) else MASKED
        return CLOSED if self._is_above(column) else OPEN

    def _is_above(self, column: ShownColumn) -> bool:
        return CLASSES.index(column.sensitivity) > CLASSES.index(self.max_class)


def load(path: Path) -> Declared:
    """The declaration. Raises AccessProblem where it is wrong."""
    try:
        declared = Declared.model_validate(read_yaml(path))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AccessProblem(f"{path.name}: {error}") from None
    for code, purpose in declared.purposes.items():
        for role in purpose.roles:
            if role not in declared.roles:
                raise AccessProblem(f"{path.name}: purpose {code} names role {role}, which is not declared")
    return declared


def access(declared: Declared, asks: Asker) -> Access:
    """What a role may see for a purpose; without both, what anybody may. Raises AccessProblem."""
    role, purpose = asks.role, asks.purpose
    if not is_name(asks.who):
        raise AccessProblem(f"say who looks by a name of at most {LONGEST_NAME} characters, not by a number")
    if role is None and purpose is None:
        return Access()
    roles, purposes = ", ".join(declared.roles), ", ".join(declared.purposes)
    if role is None or purpose is None:
        raise AccessProblem(f"give both --role and --purpose, or neither; roles: {roles}; purposes: {purposes}")
    if role not in declared.roles:
        raise AccessProblem(f"there is no such role; there are: {roles}")
    if purpose not in declared.purposes:
        raise AccessProblem(f"there is no such purpose; there are: {purposes}")
    who, what = declared.roles[role], declared.purposes[purpose]
    if role not in what.roles:
        raise AccessProblem(f"purpose {purpose} is not for role {role}, but for: {', '.join(what.roles)}")
    lower = min(who.max_class, what.max_class, key=CLASSES.index)
    return Access(lower, who.may_identify and what.may_identify)


def is_name(who: str) -> bool:
    """Whether a text may stand in the log as who looked: short, printable, and no number of somebody."""
    return bool(who.strip()) and len(who) <= LONGEST_NAME and who.isprintable() and not re.search(r"[0-9]{11}", who)


def masked(value: object) -> str | None:
    """A value that names or finds somebody, with what is needed to recognise it taken away; null stays null.

    An address is told down to its lane, group or road, a telephone number by its first three and last four digits, a
    name by its first and, from three characters on, its last. Of everything else only that it is there.
    """
    if value is None:
        return None
    text = str(value)
    if re.fullmatch(r"[0-9+ -]{7,}", text):
        return f"{text[:3]}****{text[-4:]}" if len(text) >= 11 else "****"
    place = re.match(r"(.{2,60}?(?:[0-9]+弄|[0-9]+组))", text) or re.match(
        r"(.{2,60}(?:村|路|街|镇|街道|县|区|市))", text
    )
    if place and place[1] != text and re.search(r"[0-9]", text):
        return f"{place[1]}***"
    if len(text) <= 4 and re.fullmatch(r"[\u4e00-\u9fff〇]+", text):
        return text[0] + "*" * max(len(text) - 2, 1) + (text[-1] if len(text) > 2 else "")
    return "****"
