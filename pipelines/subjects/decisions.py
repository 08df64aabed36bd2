"""Decisions people take about persons: two records are one (`merge`), or one record is two people (`split`).

Files under `landing/decisions/`, replayed by the date they were taken on. Here they are read and checked; what they
change is done by `linkage`. Decisions about deliveries are read by the feeds' room.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.feeds.decisions import of_kinds

Pseudonym = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{20}$")]


class _Decided(BaseModel):
    # A raw number written by mistake must not stand in a message.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=2)
    reason: str = Field(min_length=4)
    decided_on: date


class Merge(_Decided):
    """These are one person. `persons` are person ids or pseudonyms of numbers; the one known first keeps its id."""

    decision: Literal["merge"]
    persons: tuple[Pseudonym, ...] = Field(min_length=2)


class Split(_Decided):
    """`keys` (pseudonyms of numbers, or of rows without one) do not belong to `person` and are one person together."""

    decision: Literal["split"]
    person: Pseudonym
    keys: tuple[Pseudonym, ...] = Field(min_length=1)


PersonDecision = Merge | Split
_MODELS: dict[str, type[Merge] | type[Split]] = {"merge": Merge, "split": Split}


def read_person_decisions(landing: Path) -> list[PersonDecision]:
    """Every decision on persons, in order of date, then file and place. Raises DecisionProblem."""
    found: list[PersonDecision] = of_kinds(landing, _MODELS)
    return sorted(found, key=lambda decision: decision.decided_on)
