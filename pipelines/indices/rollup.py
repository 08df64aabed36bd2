"""Areas above the units: numerators and denominators are added up and the formula runs again; no index is averaged.

What was fitted on the units (treatment limits, normalisation, weights) is applied to areas unchanged. An indicator
without a rule for rolling up is missing for areas, and availability decides whether a node can still be computed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.cells import MISSING, NOT_APPLICABLE, OBSERVED, ZERO, Array, Mask
from pipelines.indices.gather import area_of
from pipelines.indices.normalise import scope_of
from pipelines.indices.parts import Scope, ScopePeriod
from pipelines.indices.problems import DataError
from pipelines.indices.result import LevelResult, Result
from pipelines.indices.spec import Indicator, Level, Resolved, RollMean
from pipelines.indices.treat import transform_values
from pipelines.indices.tree import Leaves, Rows, ScopeList, apply_after, evaluate


@dataclass
class _Areas:
    """The areas of one level: code, period and member rows of each, and the aggregate's own row (-1 if none)."""

    codes: list[str]
    periods: list[str]
    members: list[Mask]
    own: list[int]
    names: list[str | None]

    def who(self, number: int) -> str:
        return f"{self.codes[number]} {self.periods[number]}".strip()


def roll_up(result: Result, level: Level) -> LevelResult:
    """Compute one level's cells and scores."""
    spec, cells = result.spec, result.cells
    areas = _find_areas(result, level)
    shape = (len(areas.codes), len(spec.indicators))
    numerator, denominator = np.full(shape, np.nan), np.full(shape, np.nan)
    values, status = np.full(shape, np.nan), np.full(shape, MISSING, dtype=np.int8)
    reasons: dict[tuple[int, int], list[str]] = {}
    for column, (indicator, setting) in enumerate(zip(spec.indicators, cells.settings, strict=True)):
        for number in range(len(areas.codes)):
            reason = _one(result, areas, number, column, indicator, setting, numerator, denominator, values, status)
            if reason:
                reasons[number, column] = [reason]
    stages = {"denominated": values.copy()}
    for column, indicator in enumerate(spec.indicators):
        values[:, column] = transform_values(indicator, values[:, column], areas.who)
    stages["transformed"] = values.copy()
    scores = _score(result, areas, values, stages, reasons)
    leaves = Leaves(cells.codes, scores, values, status == NOT_APPLICABLE)
    rows = _rows(result, areas, level)
    for column, indicator in enumerate(spec.indicators):
        if indicator.after is not None:
            what = f"indicator '{indicator.code}' at level {level.level}, after"
            scores[:, column] = apply_after(indicator.after, scores[:, column], {}, rows, what)
    nodes = evaluate(spec, leaves, rows, result.fits, fitting=False)
    return LevelResult(
        level=level.level,
        codes=tuple(areas.codes),
        names=areas.names,
        periods=tuple(areas.periods),
        ranked=np.ones(len(areas.codes), dtype=bool),
        leaves=leaves,
        nodes=nodes,
        stages=stages,
        numerator=numerator,
        denominator=denominator,
        status=status,
        reasons=reasons,
    )


def _find_areas(result: Result, level: Level) -> _Areas:
    table, cells = result.table, result.cells
    groups = np.array(area_of(table, level.by, level.all))
    names = table.texts(level.name) if level.name else [None] * table.rows
    areas = _Areas([], [], [], [], [])
    at = {(unit, period): row for row, (unit, period) in enumerate(zip(table.units, table.periods, strict=True))}
    for period in table.period_order:
        for group in sorted(set(groups[cells.basis]) - {""}):
            members = (groups == group) & (cells.periods == period) & cells.basis
            if not members.any():
                continue
            areas.codes.append(str(group))
            areas.periods.append(period)
            areas.members.append(members)
            areas.own.append(at.get((level.own_row.get(str(group), str(group)), period), -1))
            areas.names.append(level.title or names[int(np.flatnonzero(members)[0])])
    if not areas.codes:
        raise DataError(f"level '{level.level}': column '{level.by}' is empty for every unit")
    return areas


def _one(
    result: Result,
    areas: _Areas,
    number: int,
    column: int,
    indicator: Indicator,
    setting: Resolved,
    numerator: Array,
    denominator: Array,
    values: Array,
    status: NDArray[np.int8],
) -> str:
    """Roll one indicator up to one area; returns the reason for a gap or empty text."""
    cells, members = result.cells, areas.members[number]
    rule = setting.rollup
    value, reason = np.nan, ""
    if isinstance(rule, RollMean):
        value, reason = _weighted_mean(result, members, column, rule, setting.code)
    elif rule.method == "ratio":
        both = members & ~np.isnan(cells.numerator[:, column]) & ~np.isnan(cells.denominator[:, column])
        if both.any():
            top, bottom = cells.numerator[both, column].sum(), cells.denominator[both, column].sum()
            numerator[number, column], denominator[number, column] = top, bottom
            value = top / bottom * indicator.scale if bottom > 0 else np.nan
            reason = "" if bottom > 0 else "denominator is zero"
            if bottom == 0 and setting.missing.zero_denominator == "not_applicable":
                status[number, column] = NOT_APPLICABLE
        else:
            reason = "no unit has numerator and denominator"
            if (cells.status[members, column] == NOT_APPLICABLE).all():
                status[number, column], reason = NOT_APPLICABLE, "not applicable in any unit"
    elif rule.method == "sum":
        found = cells.stages["denominated"][members, column]
        value = np.nan if np.isnan(found).all() else float(np.nansum(found))
        reason = "no unit has a value" if np.isnan(value) else ""
    elif rule.method == "given":
        own = areas.own[number]
        value = cells.stages["denominated"][own, column] if own >= 0 else np.nan
        reason = "" if own >= 0 else "the area has no row of its own"
    else:
        reason = "no rule for rolling up"
    if not np.isnan(value):
        values[number, column] = value
        status[number, column] = ZERO if value == 0 else OBSERVED
    return reason or ("no value" if np.isnan(value) else "")


def _weighted_mean(result: Result, members: Mask, column: int, rule: RollMean, code: str) -> tuple[float, str]:
    values = result.cells.stages["denominated"][members, column]
    weights = result.table.numbers(rule.weight, f"roll-up of '{code}'")[members]
    present = ~np.isnan(values) & ~np.isnan(weights)
    if (weights[present] < 0).any():
        raise DataError(f"roll-up of '{code}': negative weight in column '{rule.weight}'")
    if rule.require == "all" and not present.all():
        return np.nan, f"{int((~present).sum())} units lack a value or weight"
    total = weights[present].sum()
    if total == 0:
        return np.nan, "no unit has a value and a weight"
    return float((values[present] * weights[present]).sum() / total), ""


def label_of(scope: Scope | None, default: Scope, period: str) -> str:
    """Return under which label something of this scope was fitted for a row of `period`."""
    chosen = default if scope is None else scope
    if isinstance(chosen, ScopePeriod):
        return chosen.period
    return "all" if chosen == "all" else period


def _score(
    result: Result, areas: _Areas, values: Array, stages: dict[str, Array], reasons: dict[tuple[int, int], list[str]]
) -> Array:
    """Apply the units' treatments and normalisations; `values` becomes the treated values."""
    spec, cells = result.spec, result.cells
    scores = np.full(values.shape, np.nan)
    for column, setting in enumerate(cells.settings):
        for number, period in enumerate(areas.periods):
            if np.isnan(values[number, column]):
                continue
            what = f"indicator '{setting.code}' of {areas.who(number)}"
            label = label_of(getattr(setting.treat, "scope", None), spec.statistics, period)
            treatment = result.treatments.get((setting.code, label))
            cell = values[number : number + 1, column]
            if treatment is not None:
                with np.errstate(invalid="ignore", divide="ignore"):
                    cell = treatment.apply(cell)
                if not np.isfinite(cell).all():
                    raise DataError(f"{what}: {treatment.name} has no value outside the units' range")
                values[number, column] = cell[0]
            norm = result.norms.get((setting.code, label_of(scope_of(setting.normalise), spec.statistics, period)))
            if norm is None:
                reasons[number, column] = ["no unit has a value in this period, so nothing was fitted"]
                continue
            if norm.ordinal:
                reasons[number, column] = [f"{norm.method} compares units and has no roll-up"]
                continue
            scores[number, column] = norm.apply(cell)[0]
    stages["treated"] = values.copy()
    stages["normalised"] = scores.copy()
    return scores


def _rows(result: Result, areas: _Areas, level: Level) -> Rows:
    """Describe the areas to the tree: nothing is fitted, columns come from an area's own row if it has one."""
    spec, table = result.spec, result.table
    periods = np.array(areas.periods)
    count = len(areas.codes)

    def find_scopes(scope: Scope | None) -> ScopeList:
        nothing = np.zeros(count, dtype=bool)
        labels = np.array([label_of(scope, spec.statistics, period) for period in areas.periods])
        return [(label, nothing, labels == label) for label in dict.fromkeys(labels.tolist())]

    def numbers(name: str) -> Array:
        if min(areas.own) < 0:
            raise DataError(f"level '{level.level}': column '{name}' in a formula has no roll-up (areas lack own rows)")
        return table.numbers(name)[areas.own]

    def texts(name: str) -> list[str | None]:
        if name == level.by:
            return [code for code in areas.codes]
        if min(areas.own) < 0:
            raise DataError(f"level '{level.level}': text column '{name}' has no roll-up (areas lack own rows)")
        return [table.texts(name)[own] for own in areas.own]

    def lookup(unit: str, period: str | None) -> int:
        raise DataError(f"level '{level.level}': reference unit '{unit}' cannot be looked up among areas")

    return Rows(
        count=count,
        periods=periods,
        kept=np.ones(count, dtype=bool),
        who=areas.who,
        scopes=find_scopes,
        basis=np.ones(count, dtype=bool),
        numbers=numbers,
        texts=texts,
        columns=table.columns,
        lookup=lookup,
    )
