"""The declared rules of linkage: `data/linkage/<what>.yml`, read and checked.

Thresholds, blocking, comparisons, forms of names. Nothing is linked here, and no feed or threshold is known here.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.declared import read_yaml

ELSE = "else"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NameForms(_Strict):
    """How names are brought into one form."""

    dots: str = ""
    between: str = ""
    traditional: dict[str, str] = {}
    related_share: float = Field(default=0.5, ge=0, le=1)
    owner_share: float = Field(default=0.6, ge=0, le=1)
    shared_by: int = Field(default=3, ge=2)


class Limits(_Strict):
    """From which confidence on a match counts, and what is assumed of the people spoken about."""

    confident: float = Field(default=0.95, gt=0.5, le=1)
    suspected: float = Field(default=0.5, gt=0, lt=1)
    margin_bits: float = Field(default=3, ge=0)
    known_share: float = Field(default=0.95, gt=0, lt=1)
    chance_of_repair: float = Field(default=0.01, gt=0)
    two_numbers: float = Field(default=0.9, gt=0.5, le=1)
    two_numbers_share: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "Limits":
        if self.suspected >= self.confident:
            raise ValueError("suspected must lie below confident")
        return self


class Training(_Strict):
    """How many rows the model learns from: of known people in other feeds (at least, at most), and by chance."""

    least_rows: int = Field(default=1_000, ge=10)
    labelled_rows: int = Field(default=40_000, ge=10)
    random_rows: int = Field(default=2_500, ge=10)


class Level(_Strict):
    """One way in which two records may agree, and how often they do so.

    `m` is the share of pairs that are one person, `u` of pairs that are not; what `learn` names is replaced by what the
    deliveries show. `u` may name a limit: the chance it states is spread over all known people. `frequency` names a
    column whose rare values say more than common ones; its own share then counts instead of `u`.
    """

    label: str
    when: str
    m: float = Field(gt=0, lt=1)
    u: float | str
    learn: tuple[Literal["m", "u"], ...] = ()
    frequency: str | None = None


class Comparison(_Strict):
    """What is compared of two records: levels in order, the first that holds counts; nothing where unknown."""

    name: str
    unknown: str
    levels: tuple[Level, ...]

    @model_validator(mode="after")
    def _ends(self) -> "Comparison":
        if not self.levels or self.levels[-1].when != ELSE or any(v.when == ELSE for v in self.levels[:-1]):
            raise ValueError(f"{self.name}: the last level, and no other, must say else")
        return self


class LinkageRules(_Strict):
    """One file of rules."""

    version: int
    records: dict[str, str] = {}
    names: NameForms = NameForms()
    link: Limits
    training: Training = Training()
    blocking: tuple[tuple[str, ...], ...]
    comparisons: tuple[Comparison, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns a record may be found or compared by, in order of mention."""
        named = [name for rule in self.blocking for name in rule]
        named += [v.frequency for c in self.comparisons for v in c.levels if v.frequency]
        return tuple(dict.fromkeys(named))


def load_rules(path: Path) -> LinkageRules:
    """Read one file of rules. Raises ValueError (pydantic's included) with what is wrong."""
    return LinkageRules.model_validate(read_yaml(path))
