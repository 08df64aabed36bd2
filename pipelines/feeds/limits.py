"""How far a column may drift before its delivery is held: the words of `data/contracts/judging.yml`.

Declared once for all feeds; a contract overrides single limits for itself or for one of its columns. What is measured
stands in `shape`, what is compared in `drift`.
"""

from functools import cache
from pathlib import Path

import yaml

from pipelines.feeds.fields import Strict
from pipelines.settings import REPOSITORY

FILE = "judging.yml"


class ColumnLimits(Strict):
    """What may differ for one column. None: not judged."""

    unreadable_pct: float | None = None
    unreadable_leap: float | None = None
    empty_pct: float | None = None
    empty_leap: float | None = None
    known_pct: float | None = None
    mix_leap: float | None = None
    form_leap: float | None = None
    size_leap: float | None = None


class Limits(Strict):
    """The house's limits: every one of them said."""

    confidence: float
    least_values: int
    unreadable_pct: float
    unreadable_leap: float
    empty_pct: float
    empty_leap: float
    known_pct: float
    mix_leap: float
    form_leap: float
    size_leap: float


class Drift(ColumnLimits):
    """What a contract says otherwise: for all its columns, and for some by name."""

    columns: dict[str, ColumnLimits] = {}


@cache
def load_limits(directory: Path) -> Limits:
    """The limits beside a folder's contracts; those of the house where it has none. Raises ValueError."""
    path = directory / FILE
    if not path.exists():
        path = REPOSITORY / "data" / "contracts" / FILE
    return Limits.model_validate(yaml.safe_load(path.read_text("utf-8")))


def of_column(limits: Limits, drift: Drift, column: str) -> ColumnLimits:
    """The limits that hold for one column: its own, else its contract's, else the house's."""
    said = limits.model_dump(exclude={"confidence", "least_values"})
    said |= drift.model_dump(exclude_unset=True, exclude={"columns"})
    if column in drift.columns:
        said |= drift.columns[column].model_dump(exclude_unset=True)
    return ColumnLimits(**said)
