"""Who a row speaks about: the slots of a contract and what their columns must be.

A slot is one person of a row (the person it is about, a landlord, a spouse) and the columns that tell who that is.
What belongs here: the declaration and its checks. What does not: reading the columns (`columns`) and finding the
person (`pipelines.subjects`).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Slot(BaseModel):
    """One person of a row, by the names of the contract's columns that tell who it is.

    `id` is the identity column (its pseudonym stands in `<id>_id`); `other_name` is used where `name` is empty, as
    where Latin and Chinese names have columns of their own; `guardian` is the identity column of the person under whose
    number a child without one is known, so that it and the birth date tell who is meant. The others stand in the lake
    under the names given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slot: str
    id: str | None = None
    name: str | None = None
    other_name: str | None = None
    birth_on: str | None = None
    sex_code: str | None = None
    mobile: str | None = None
    address: str | None = None
    dwelling: str | None = None
    village: str | None = None
    household_no: str | None = None
    guardian: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """What is known of the person → the lake column that says it; identity columns are left out."""
        return {
            field: column
            for field, column in self.model_dump(exclude={"slot", "id", "guardian"}).items()
            if column is not None
        }


class Described(Protocol):
    """What the checks need to know of a column."""

    @property
    def role(self) -> str:
        """What the column is to the door."""

    @property
    def logical_type(self) -> str:
        """Its type in the lake."""


_ROLES = {
    "id": "identity",
    "guardian": "identity",
    "name": "name",
    "other_name": "name",
    "mobile": "phone",
    "address": "address",
}


def problems(slots: Collection[Slot], columns: Mapping[str, Described]) -> Iterator[str]:
    """What is wrong with the slots of a contract whose columns are `columns`: unknown ones, wrong roles, none left out.

    Every identity column must belong to exactly one slot, so that no number reaches the lake without a person.
    """
    names = [slot.slot for slot in slots]
    for slot in slots:
        if names.count(slot.slot) > 1:
            yield f"people: slot {slot.slot} is declared twice"
        numbers = {"id": slot.id, "guardian": slot.guardian}
        for field, name in {k: v for k, v in numbers.items() if v}.items() | slot.columns.items():
            if name not in columns:
                yield f"people: {slot.slot}.{field} names no column: {name}"
            elif columns[name].role != _ROLES.get(field, columns[name].role):
                yield f"people: {slot.slot}.{field} must be a column with the role {_ROLES[field]}: {name}"
            elif field == "birth_on" and columns[name].logical_type != "date":
                yield f"people: {slot.slot}.birth_on must be a date: {name}"
            elif columns[name].role in ("drop", "door"):
                yield f"people: {slot.slot}.{field} names a column that stays at the door: {name}"
    taken = [slot.id for slot in slots if slot.id]
    for name, column in columns.items():
        if column.role == "identity" and taken.count(name) != 1:
            yield f"people: identity column {name} must be the id of exactly one slot"
