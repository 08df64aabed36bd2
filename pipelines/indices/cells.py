"""The working state of a build: one cell for each row and indicator, with its status, reasons and every stage's value.

Belongs here: the arrays, statuses, scopes of statistics, and the record of changes. Not here: what a stage does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.parts import Scope, ScopePeriod
from pipelines.indices.problems import DataError, nearest
from pipelines.indices.spec import IndexSpec, Resolved
from pipelines.indices.table import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

OBSERVED, ZERO, NOT_APPLICABLE, MISSING, IMPUTED, TREATED = range(6)
STATUS_NAMES = ("observed", "zero", "not_applicable", "missing", "imputed", "treated")


@dataclass
class Cells:
    """Arrays of shape (rows, indicators); NaN is missing.

    `values` is the current stage; `stages` keeps a copy of it after each stage, and beside them what shrunk values
    rest on (`shrink_n`) and were pulled to (`shrink_rate`). `kept` marks rows that are scored,
    `basis` rows that shape statistics.
    """

    spec: IndexSpec
    table: Table
    settings: tuple[Resolved, ...]
    values: Array
    numerator: Array
    denominator: Array
    status: NDArray[np.int8]
    kept: Mask
    basis: Mask
    stages: dict[str, Array] = field(default_factory=dict)
    reasons: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    parameters: list[tuple[str, str, str, str, float]] = field(default_factory=list)

    @property
    def codes(self) -> tuple[str, ...]:
        """Indicator codes in column order."""
        return tuple(setting.code for setting in self.settings)

    @property
    def periods(self) -> NDArray[np.str_]:
        """Period of each row."""
        return np.array(self.table.periods)

    def column(self, code: str) -> int:
        """Return the column of an indicator."""
        return self.codes.index(code)

    def note(self, row: int | np.integer, column: int, reason: str) -> None:
        """Add a reason to a cell."""
        self.reasons.setdefault((int(row), column), []).append(reason)

    def record(self, stage: str, code: str, period: str, name: str, value: float) -> None:
        """Keep a fitted number for the output."""
        self.parameters.append((stage, code, period, name, float(value)))

    def snapshot(self, stage: str) -> None:
        """Keep a copy of the current values under the stage's name."""
        self.stages[stage] = self.values.copy()

    def scopes(self, scope: Scope | None) -> Iterator[tuple[str, Mask, Mask]]:
        """Yield (label, rows that fit statistics, rows they are applied to) for a scope; None means the index's own."""
        yield from scopes(self.spec, self.table, self.basis & self.kept, scope)


def scopes(spec: IndexSpec, table: Table, basis: Mask, scope: Scope | None) -> Iterator[tuple[str, Mask, Mask]]:
    """Yield (label, fitting rows, rows applied to); fitting rows are always within `basis`."""
    chosen = spec.statistics if scope is None else scope
    periods = np.array(table.periods)
    everyone = np.ones(table.rows, dtype=bool)
    if isinstance(chosen, ScopePeriod):
        if chosen.period not in table.period_order:
            hint = nearest(chosen.period, table.period_order)
            raise DataError(f"statistics of period '{chosen.period}': the table has no such period{hint}")
        yield chosen.period, basis & (periods == chosen.period), everyone
    elif chosen == "all":
        yield "all", basis, everyone
    else:
        for period in table.period_order:
            rows = periods == period
            yield period, basis & rows, rows


def empty_in(cells: Cells, column: int, rows: Mask) -> bool:
    """Say whether a column has no value in some rows but has one elsewhere: a period in which nobody counted it.

    There is nothing to treat or score then. A column without any value at all is not empty in this sense: it is more
    likely a mistake, and methods that need statistics refuse it.
    """
    absent = np.isnan(cells.values[:, column])
    return bool(absent[rows].all() and not absent.all())


def observed(values: Array, rows: Mask) -> Array:
    """Return the values present in `rows`, without gaps."""
    selected = values[rows]
    return selected[~np.isnan(selected)]
