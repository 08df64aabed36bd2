"""Decisions people take about deliveries and rows: files under `landing/decisions/`, replayed like any delivery.

A decision names who, why and when, and binds to one delivery. Here they are read, checked and written; what they
change is decided in `judge` (a held delivery let through) and `waivers` (a row let in as it is). Decisions of other
rooms stand in the same folder and are passed by.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipelines.declared import DeclarationFault, read_yaml
from pipelines.disk import sync
from pipelines.feeds.deliveries import DECISIONS
from pipelines.feeds.receipts import Receipt
from pipelines.refusal import Refusal

# Every kind of decision, of whatever room: a misspelt one must not be passed by in silence.
KINDS = ("accept", "waive", "merge", "split")
Name = Annotated[str, StringConstraints(min_length=2, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=4, strip_whitespace=True)]


class DecisionProblem(Refusal):
    """A decisions file cannot be read; the message names file and place."""


class _OnDelivery(BaseModel):
    """What every decision on a delivery says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    business_on: date = Field(alias="date")
    number: str = Field(alias="delivery", pattern=r"^\d{3}$")
    name: Name
    reason: Reason
    decided_on: date

    def concerns(self, feed: str, business_on: date, number: str, as_of: date) -> bool:
        """Whether it speaks of that delivery and was taken by `as_of`."""
        return (self.feed, self.business_on, self.number) == (feed, business_on, number) and self.decided_on <= as_of


class Decision(_OnDelivery):
    """Let a held delivery through; with `sha256`, that content of it only."""

    decision: Literal["accept"]
    sha256: str | None = None

    def accepts(self, receipt: Receipt, as_of: date) -> bool:
        """Whether this decision speaks of that delivery and was taken by `as_of`."""
        is_named = self.concerns(receipt.feed, receipt.business_on, receipt.number, as_of)
        return is_named and self.sha256 in (None, receipt.sha256)


class WaivedRow(BaseModel):
    """One row: where it stands, and a keyed mark of what it says, so that no other row can take its place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    line: int = Field(ge=1)
    mark: str = Field(pattern=r"^[a-z2-7]{20}$")


class Waiver(_OnDelivery):
    """Let rows in as they are although they break these rules, and no others."""

    decision: Literal["waive"]
    rules: tuple[str, ...] = Field(min_length=1)
    rows: tuple[WaivedRow, ...] = Field(min_length=1)


_M = TypeVar("_M", bound=BaseModel)


def read_decisions(landing: Path) -> list[Decision]:
    """Every decision to let a held delivery through, in order of file. Raises DecisionProblem."""
    return of_kinds(landing, {"accept": Decision})


def read_waivers(landing: Path) -> list[Waiver]:
    """Every decision to let rows in as they are, in order of file. Raises DecisionProblem."""
    return of_kinds(landing, {"waive": Waiver})


def of_kinds(landing: Path, models: Mapping[str, type[_M]]) -> list[_M]:
    """Every decision of these kinds (word → model), in order of file and place. Raises DecisionProblem."""
    found: list[_M] = []
    for name, entry in entries(landing):
        model = models.get(entry["decision"])
        if model is None:
            continue
        try:
            found.append(model.model_validate(entry))
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
            raise DecisionProblem(f"landing/{DECISIONS}/{name}: {told}") from error
    return found


def entries(landing: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every decision of every room with its file's name, in order of file and place. Raises DecisionProblem."""
    for path in sorted((landing / DECISIONS).glob("*.y*ml")):
        if path.is_symlink() or path.name.startswith("."):
            continue
        try:
            found = read_yaml(path) or []
        except DeclarationFault as error:
            raise DecisionProblem(f"landing/{DECISIONS}/{path.name}: {error}") from error
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            what = "a decisions file is a list; begin each entry with '- '"
            raise DecisionProblem(f"landing/{DECISIONS}/{path.name}: {what}")
        for entry in found:
            if entry.get("decision") not in KINDS:
                what = f"decision {entry.get('decision')!r} is none of {', '.join(KINDS)}"
                raise DecisionProblem(f"landing/{DECISIONS}/{path.name}: {what}")
            yield path.name, entry


def write_decisions(landing: Path, decisions: Sequence[Decision | Waiver]) -> Path:
    """Put decisions on one delivery into a file of their own under `landing/decisions/`.

    Whole or not at all, and never over what somebody else decided. Returns the file. Raises OSError.
    """
    folder = landing / DECISIONS
    folder.mkdir(parents=True, exist_ok=True)
    bodies = [decision.model_dump(mode="json", by_alias=True, exclude_none=True) for decision in decisions]
    bodies = [{"decision": body.pop("decision"), **body} for body in bodies]
    text = yaml.safe_dump(bodies, allow_unicode=True, sort_keys=False, width=120)
    first = decisions[0]
    stem = f"{first.decided_on}-{first.feed}-{first.business_on}-{first.number}-{first.decision}"
    temporary = folder / f".{stem}.{os.getpid()}.tmp"
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _linked(temporary, folder, stem)
    finally:
        temporary.unlink(missing_ok=True)


def _linked(temporary: Path, folder: Path, stem: str) -> Path:
    """The file under the first free name: a link fails where a rename would replace what somebody else decided."""
    count = 1
    while True:
        path = folder / (f"{stem}.yaml" if count == 1 else f"{stem}-{count}.yaml")
        try:
            os.link(temporary, path)
        except FileExistsError:
            count += 1
            continue
        sync(folder)
        return path
