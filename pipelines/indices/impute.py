"""Imputation: constant, mean or median (in groups), row mean, panel methods, regression, EM; each filled cell says how.

A cell that is not applicable is never filled. Within one step all columns read the values from before the step, so
that the order of indicators cannot matter. Not here: judging an imputation (`masking`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipelines.indices.cells import IMPUTED, MISSING, Array, Cells, Mask, observed
from pipelines.indices.column_methods import (
    ImputeCarry,
    ImputeCentre,
    ImputeConstant,
    ImputeEm,
    ImputeLinear,
    ImputeNone,
    ImputeRegression,
    ImputeRow,
    ImputeStep,
)
from pipelines.indices.numerics import is_constant
from pipelines.indices.problems import DataError


def impute(cells: Cells) -> None:
    """Fill gaps by each indicator's steps in turn."""
    for number in range(max(len(setting.impute) for setting in cells.settings)):
        before = cells.values.copy()
        for column, setting in enumerate(cells.settings):
            if number < len(setting.impute):
                _fill(cells, column, setting.impute[number], before)
    cells.snapshot("imputed")


def _fill(cells: Cells, column: int, step: ImputeStep, before: Array) -> None:
    if isinstance(step, ImputeCentre) and step.by is not None:
        # A misspelt column is a fault of the specification today, not only once the first gap appears.
        cells.table.texts(step.by)
    gaps = np.isnan(before[:, column]) & (cells.status[:, column] == MISSING) & cells.kept
    if not gaps.any() or isinstance(step, ImputeNone):
        return
    filled, how = _METHODS[type(step)](cells, column, step, before)
    done = gaps & ~np.isnan(filled)
    cells.values[done, column] = filled[done]
    cells.status[done, column] = IMPUTED
    for row in np.flatnonzero(done):
        cells.note(row, column, f"imputed: {how}")


def _constant(cells: Cells, column: int, step: ImputeConstant, before: Array) -> tuple[Array, str]:
    return np.full(cells.table.rows, step.value), f"constant {step.value:g}"


def _centre(cells: Cells, column: int, step: ImputeCentre, before: Array) -> tuple[Array, str]:
    function = centre(step.method, cells.spec.indicators[column].direction)
    result = np.full(cells.table.rows, np.nan)
    groups = np.array(["all"] * cells.table.rows if step.by is None else [t or "" for t in cells.table.texts(step.by)])
    for _, fitting, applied in cells.scopes(step.scope):
        for group in sorted(set(groups[applied])):
            if group == "":
                continue
            members = groups == group
            found = observed(before[:, column], fitting & members)
            if len(found):
                result[applied & members] = float(function(found))
    return result, f"{step.method}" + (f" within {step.by}" if step.by else "")


def centre(method: str, direction: int) -> Callable[[Array], Any]:
    """Return the statistic a gap is filled with; worst and best follow the direction."""
    if method in ("worst", "best"):
        return np.max if (method == "best") == (direction > 0) else np.min
    return np.mean if method == "mean" else np.median


def _row(cells: Cells, column: int, step: ImputeRow, before: Array) -> tuple[Array, str]:
    parent = step.within or cells.spec.indicators[column].parent
    others = [cells.column(code) for code in cells.spec.leaves(parent) if code != cells.codes[column]]
    if not others:
        raise DataError(f"indicator '{cells.codes[column]}': no other indicator below '{parent}' to impute from")
    signs = np.array([indicator.direction for indicator in cells.spec.indicators], dtype=float)
    result = np.full(cells.table.rows, np.nan)
    for label, fitting, applied in cells.scopes(step.scope):
        scaled = np.full((cells.table.rows, len(others)), np.nan)
        for place, other in enumerate(others):
            low, high = _range(before[:, other] * signs[other], fitting, cells.codes[other], label)
            scaled[:, place] = (before[:, other] * signs[other] - low) / (high - low)
        low, high = _range(before[:, column] * signs[column], fitting, cells.codes[column], label)
        has_any = ~np.isnan(scaled).all(axis=1) & applied
        function = np.nanmean if step.method == "row_mean" else np.nanmedian
        middle = function(scaled[has_any], axis=1)
        result[has_any] = (middle * (high - low) + low) * signs[column]
    return result, f"{step.method} within {parent}"


def _range(values: Array, fitting: Mask, code: str, label: str) -> tuple[float, float]:
    found = observed(values, fitting)
    if is_constant(found):
        raise DataError(f"indicator '{code}' is constant in {label}: a row mean on its min-max does not exist")
    return float(found.min()), float(found.max())


def _by_unit(cells: Cells) -> dict[str, Array]:
    """Return for each unit its row in each period of the table (-1 where it has none)."""
    place = {period: number for number, period in enumerate(cells.table.period_order)}
    rows = {unit: np.full(len(place), -1) for unit in sorted(set(cells.table.units))}
    for row, (unit, period) in enumerate(zip(cells.table.units, cells.table.periods, strict=True)):
        rows[unit][place[period]] = row
    return rows


def _carry(cells: Cells, column: int, step: ImputeCarry, before: Array) -> tuple[Array, str]:
    if len(cells.table.period_order) < 2:
        raise DataError(f"indicator '{cells.codes[column]}': carry_forward needs a table with more than one period")
    result = np.full(cells.table.rows, np.nan)
    for rows in _by_unit(cells).values():
        latest, age = np.nan, 0
        for row in rows:
            age += 1
            value = np.nan if row < 0 else before[int(row), column]
            if not np.isnan(value):
                latest, age = value, 0
            elif row >= 0 and (step.max_gap is None or age <= step.max_gap):
                result[int(row)] = latest
    return result, "latest earlier period"


def _linear(cells: Cells, column: int, step: ImputeLinear, before: Array) -> tuple[Array, str]:
    order = cells.table.period_order
    if len(order) < 2:
        raise DataError(f"indicator '{cells.codes[column]}': linear needs a table with more than one period")
    try:
        times = np.array([float(period) for period in order])
    except ValueError:
        times = np.arange(len(order), dtype=float)
    result = np.full(cells.table.rows, np.nan)
    for rows in _by_unit(cells).values():
        own = rows >= 0
        series = np.full(len(order), np.nan)
        series[own] = before[rows[own].astype(int), column]
        known = ~np.isnan(series)
        if not known.any():
            continue
        line = np.interp(times, times[known], series[known])
        if step.ends == "missing":
            inside = (times >= times[known].min()) & (times <= times[known].max())
            line = np.where(inside, line, np.nan)
        result[rows[own].astype(int)] = line[own]
    return result, "linear between periods"


def _regression(cells: Cells, column: int, step: ImputeRegression, before: Array) -> tuple[Array, str]:
    columns = [cells.column(code) for code in step.on]
    predictors = np.column_stack([np.ones(cells.table.rows), before[:, columns]])
    result = np.full(cells.table.rows, np.nan)
    for label, fitting, applied in cells.scopes(step.scope):
        complete = fitting & ~np.isnan(predictors).any(axis=1) & ~np.isnan(before[:, column])
        if complete.sum() <= predictors.shape[1]:
            raise DataError(f"indicator '{cells.codes[column]}': too few complete rows for a regression in {label}")
        slope, *_ = np.linalg.lstsq(predictors[complete], before[complete, column], rcond=None)
        result[applied] = predictors[applied] @ slope
    return result, f"regression on {', '.join(step.on)}"


def _em(cells: Cells, column: int, step: ImputeEm, before: Array) -> tuple[Array, str]:
    members = [place for place, setting in enumerate(cells.settings) if step in setting.impute]
    if len(members) < 2:
        raise DataError(f"indicator '{cells.codes[column]}': em needs at least two indicators that ask for it")
    result = np.full(cells.table.rows, np.nan)
    for label, fitting, applied in cells.scopes(step.scope):
        data = before[:, members]
        usable = fitting & ~np.isnan(data).all(axis=1)
        if usable.sum() <= len(members):
            raise DataError(f"em: too few rows in {label} for {len(members)} indicators")
        mean, covariance = fit_normal(data[usable], step.iterations, step.tolerance)
        rows = np.flatnonzero(applied & ~np.isnan(data).all(axis=1))
        completed = conditional_means(data[rows], mean, covariance)[0]
        result[rows] = completed[:, members.index(column)]
    return result, "EM under a normal distribution"


def conditional_means(data: Array, mean: Array, covariance: Array) -> tuple[Array, Array]:
    """Fill gaps with their conditional mean; also return the summed conditional covariance of what was filled."""
    filled = data.copy()
    extra = np.zeros_like(covariance)
    absent = np.isnan(data)
    for pattern in np.unique(absent, axis=0):
        rows = (absent == pattern).all(axis=1)
        gap, have = np.flatnonzero(pattern), np.flatnonzero(~pattern)
        if not len(gap):
            continue
        within = covariance[np.ix_(gap, gap)]
        if len(have):
            block = covariance[np.ix_(have, have)]
            scale = np.sqrt(np.diag(block))
            if np.linalg.cond(block / np.outer(scale, scale)) > 1e12:
                raise np.linalg.LinAlgError("singular")
            slope = np.linalg.solve(block, covariance[np.ix_(have, gap)]).T
            filled[np.ix_(rows, gap)] = mean[gap] + (data[np.ix_(rows, have)] - mean[have]) @ slope.T
            within = within - slope @ covariance[np.ix_(have, gap)]
        else:
            filled[np.ix_(rows, gap)] = mean[gap]
        extra[np.ix_(gap, gap)] += rows.sum() * within
    return filled, extra


def fit_normal(data: Array, iterations: int, tolerance: float) -> tuple[Array, Array]:
    """Fit mean and covariance of a normal distribution to data with gaps by EM; raises `DataError` if singular."""
    mean = np.nanmean(data, axis=0)
    covariance = np.diag(np.nanvar(data, axis=0))
    if (np.diag(covariance) == 0).any():
        raise DataError("em: a constant indicator cannot be imputed")
    for _ in range(iterations):
        try:
            filled, extra = conditional_means(data, mean, covariance)
        except np.linalg.LinAlgError as fault:
            raise DataError("em: indicators determine each other exactly; leave one out") from fault
        new_mean = filled.mean(axis=0)
        deviation = filled - new_mean
        new_covariance = (deviation.T @ deviation + extra) / len(data)
        change = max(np.abs(new_mean - mean).max(), np.abs(new_covariance - covariance).max())
        size = max(1.0, np.abs(new_mean).max(), np.abs(new_covariance).max())
        mean, covariance = new_mean, new_covariance
        if change <= tolerance * size:
            break
    return mean, covariance


_METHODS: dict[type, Callable[..., tuple[Array, str]]] = {
    ImputeConstant: _constant,
    ImputeCentre: _centre,
    ImputeRow: _row,
    ImputeCarry: _carry,
    ImputeLinear: _linear,
    ImputeRegression: _regression,
    ImputeEm: _em,
}
