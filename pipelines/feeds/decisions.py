"""Decisions people take about deliveries: files under `landing/decisions/`, replayed like any delivery.

A decision names who, why and when, and binds to one delivery, if wished to one content. Here they are read and checked;
what they change is decided in `judge`.
"""

from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.feeds.receipts import Receipt
from pipelines.refusal import Refusal


class DecisionProblem(Refusal):
    """A decisions file cannot be read; the message names file and place."""


class Decision(BaseModel):
    """Let a held delivery through."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Literal["accept"]
    feed: str
    business_on: date = Field(alias="date")
    number: str = Field(alias="delivery", pattern=r"^\d{3}$")
    name: str = Field(min_length=2)
    reason: str = Field(min_length=4)
    decided_on: date
    sha256: str | None = None

    def accepts(self, receipt: Receipt, as_of: date) -> bool:
        """Whether this decision speaks of that delivery and was taken by `as_of`."""
        named = (self.feed, self.business_on, self.number) == (receipt.feed, receipt.business_on, receipt.number)
        return named and self.sha256 in (None, receipt.sha256) and self.decided_on <= as_of


def read_decisions(landing: Path) -> list[Decision]:
    """Every decision on deliveries, in order of file. Raises DecisionProblem.

    A file holds a list; entries of other kinds (`decision` other than accept) belong to other rooms and are passed by.
    """
    decisions: list[Decision] = []
    for path in sorted((landing / "decisions").glob("*.y*ml")):
        if path.is_symlink():
            continue
        try:
            entries = yaml.safe_load(path.read_text("utf-8")) or []
            if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
                what = "a decisions file is a list; begin each entry with '- '"
                raise DecisionProblem(f"landing/decisions/{path.name}: {what}")
            mine = [e for e in entries if e.get("decision") == "accept"]
            decisions += [Decision.model_validate(entry) for entry in mine]
        except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
            raise DecisionProblem(f"landing/decisions/{path.name}: {error}") from error
    return decisions
