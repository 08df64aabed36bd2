"""`build(spec, table) -> Result`: the stages in order, from raw cells to scores of units and of the areas above them.

Belongs here: only the sequence. Each stage's rules live in its own module.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.indices import gather, impute, treat
from pipelines.indices.cells import NOT_APPLICABLE, Array, Cells, empty_in, observed
from pipelines.indices.load import load_spec
from pipelines.indices.normalise import Context, FittedNorm, fit, scope_of
from pipelines.indices.parts import Scope
from pipelines.indices.problems import DataError, nearest, some
from pipelines.indices.result import LevelResult, Result
from pipelines.indices.rollup import roll_up
from pipelines.indices.spec import IndexSpec, Indicator
from pipelines.indices.table import Table, make_table
from pipelines.indices.treat import Fitted, transform_values
from pipelines.indices.tree import NO_DATA, Fits, Leaves, Rows, ScopeList, apply_after, evaluate, values_within

_STAGES: dict[str, Callable[[Cells], object]] = {
    "denominate": gather.denominate,
    "impute": impute.impute,
    "screen": gather.screen,
    "transform": treat.transform,
}


def build(
    spec: IndexSpec | Path | str, source: "pl.DataFrame | Path | str", units: pl.DataFrame | None = None
) -> Result:
    """Compute an index.

    `spec` is a loaded specification or its file, `source` a frame or a table's file, `units` optional attributes by
    unit. Raises `SpecError` for the specification and `DataError` for the table; never returns a score it cannot
    account for.
    """
    spec = spec if isinstance(spec, IndexSpec) else load_spec(spec)
    return build_table(spec, make_table(spec, source, units))


def build_table(spec: IndexSpec, table: Table) -> Result:
    """Compute an index from a table already shaped for the specification; errors name the line of the part at fault."""
    try:
        return _build_table(spec, table)
    except DataError as fault:
        raise fault.at(spec.places) from fault


def _build_table(spec: IndexSpec, table: Table) -> Result:
    cells = gather.gather(spec, table)
    treatments, empty = prepare(cells)
    norms, scores = normalise_cells(cells)
    leaves = Leaves(cells.codes, scores, cells.values, cells.status == NOT_APPLICABLE)
    fits = Fits()
    nodes = evaluate(spec, leaves, unit_rows(cells), fits, fitting=True)
    for node in nodes.values():
        node.status[empty] = NO_DATA
    result = Result(spec=spec, table=table, cells=cells, fits=fits, norms=norms, treatments=treatments)
    result.levels[spec.units.level] = LevelResult(
        level=spec.units.level,
        codes=table.units,
        names=_names(spec, table),
        periods=table.periods,
        ranked=cells.basis & cells.kept,
        leaves=leaves,
        nodes=nodes,
        stages=cells.stages,
        numerator=cells.numerator,
        denominator=cells.denominator,
        status=cells.status,
        reasons=cells.reasons,
    )
    for level in spec.levels:
        result.levels[level.level] = roll_up(result, level)
    return result


def _names(spec: IndexSpec, table: Table) -> list[str | None]:
    return table.texts(spec.table.name) if spec.table.name else [None] * table.rows


def prepare(cells: Cells) -> tuple[dict[tuple[str, str], Fitted], np.ndarray]:
    """Run the stages before normalisation; returns fitted treatments and the mask of rows without any value."""
    treatments: dict[tuple[str, str], Fitted] = {}
    empty = np.zeros(cells.table.rows, dtype=bool)
    for stage in cells.spec.stages:
        if stage == "impute":
            empty |= _empty_rows(cells, wait_for_other_periods=True)
            cells.kept &= ~empty
        if stage == "treat":
            treatments = treat.treat(cells)
        else:
            _STAGES[stage](cells)
    empty |= _empty_rows(cells, wait_for_other_periods=False)
    cells.kept &= ~empty
    return treatments, empty


def _empty_rows(cells: Cells, wait_for_other_periods: bool) -> np.ndarray:
    """Find rows without a value, an error unless the specification keeps them: imputation must not invent a row."""
    empty = np.isnan(cells.values).all(axis=1) & cells.kept
    if wait_for_other_periods and empty.any():
        known = {unit for row, unit in enumerate(cells.table.units) if not np.isnan(cells.values[row]).all()}
        empty &= np.array([unit not in known for unit in cells.table.units])
    if empty.any() and cells.spec.units.all_missing == "error":
        places = some(cells.table.who(int(row)) for row in np.flatnonzero(empty))
        raise DataError(f"no indicator has a value for {places}; units.all_missing: keep leaves such units unscored")
    return empty


def unit_rows(cells: Cells) -> Rows:
    """Describe the units to the tree."""
    table = cells.table
    at = {(unit, period): row for row, (unit, period) in enumerate(zip(table.units, table.periods, strict=True))}

    def find_scopes(scope: Scope | None) -> ScopeList:
        return list(cells.scopes(scope))

    def lookup(unit: str, period: str | None) -> int:
        return _find(at, table, unit, period)

    return Rows(
        count=table.rows,
        periods=cells.periods,
        kept=cells.kept,
        who=table.who,
        scopes=find_scopes,
        basis=cells.basis,
        numbers=table.numbers,
        texts=table.texts,
        columns=table.columns,
        lookup=lookup,
    )


def _find(at: dict[tuple[str, str], int], table: Table, unit: str, period: str | None) -> int:
    """Return the row of a unit; where the table has one period only, the period may be left out."""
    if period is None or period == "all":
        if len(table.period_order) > 1:
            raise DataError(f"reference unit '{unit}': statistics run over all periods, so name the reference's period")
        period = table.period_order[0]
    if (unit, period) not in at:
        hint = nearest(unit, {known for known, when in at if when == period})
        raise DataError(f"reference unit '{unit}' is not in the table{f' in period {period}' if period else ''}{hint}")
    return at[unit, period]


def normalise_cells(cells: Cells) -> tuple[dict[tuple[str, str], FittedNorm], Array]:
    """Fit and apply each indicator's normalisation, then its `after` formula; returns fits and leaf scores."""
    rows = unit_rows(cells)
    result = np.full(cells.values.shape, np.nan)
    norms: dict[tuple[str, str], FittedNorm] = {}
    for column, (indicator, setting) in enumerate(zip(cells.spec.indicators, cells.settings, strict=True)):
        for label, fitting, applied in cells.scopes(scope_of(setting.normalise)):
            if empty_in(cells, column, applied):
                continue
            context = _context(cells, column, indicator, label, rows)
            found = observed(cells.values[:, column], fitting)
            norm = fit(setting.normalise, found, indicator.direction, context)
            use = applied & cells.kept
            result[use, column] = norm.apply(cells.values[use, column])
            norms[setting.code, label] = norm
            for name, number in norm.numbers.items():
                cells.record(f"normalise {norm.method}", setting.code, label, name, number)
    cells.stages["normalised"] = result.copy()
    for column, indicator in enumerate(cells.spec.indicators):
        if indicator.after is not None:
            what = f"indicator '{indicator.code}', after"
            result[:, column] = apply_after(indicator.after, result[:, column], {}, rows, what)
    return norms, result


def _context(cells: Cells, column: int, indicator: Indicator, label: str, rows: Rows) -> Context:
    def lookup(unit: str, period: str | None) -> float:
        value = float(cells.values[rows.lookup(unit, period or label), column])
        if np.isnan(value):
            raise DataError(f"the reference unit '{unit}' has no value")
        return value

    def posts(value: float) -> float:
        plain = indicator.model_copy(update={"caps": None})
        return float(transform_values(plain, np.array([value]), lambda _: f"{value:g}")[0])

    def within(period: str) -> Array:
        return values_within(cells.values[:, column], rows, cells.basis, period)

    where = f" in {label}" if label and label != "all" else ""
    return Context(f"indicator '{indicator.code}'{where}", cells.spec.conventions, lookup, within, posts)
