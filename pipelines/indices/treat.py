"""Transformation and treatment of outliers, before normalisation; every changed cell keeps its old and new value.

A treatment is fitted on the rows that shape statistics and then applied to others (reference rows, aggregated areas),
so that an area is treated with its units' limits. Not here: clipping at goalposts (`normalise`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pipelines.indices.cells import TREATED, Array, Cells, Mask, empty_in, observed
from pipelines.indices.column_methods import (
    BoxCox,
    BoxCoxTreat,
    Clip,
    Goalposts,
    LogTreat,
    PercentileClip,
    Treat,
    TreatNone,
    Winsorise,
)
from pipelines.indices.numerics import is_constant, kurtosis, quantile, skewness
from pipelines.indices.problems import DataError, some
from pipelines.indices.spec import Indicator


@dataclass(frozen=True)
class Fitted:
    """A fitted treatment: its name, a function over values (NaN stays), and the numbers to record."""

    name: str
    apply: Callable[[Array], Array]
    numbers: dict[str, float] = field(default_factory=dict)


def transform_values(indicator: Indicator, values: Array, who: Callable[[int], str]) -> Array:
    """Apply caps and the declared transform; raises `DataError` where the transform has no value."""
    if indicator.caps is not None:
        low, high = indicator.caps
        values = np.clip(values, -np.inf if low is None else low, np.inf if high is None else high)
    if indicator.transform is None:
        return values
    function, allowed, need = _TRANSFORMS[indicator.transform]
    bad = ~np.isnan(values) & ~allowed(values)
    if bad.any():
        places = some(who(int(row)) for row in np.flatnonzero(bad))
        raise DataError(f"indicator '{indicator.code}': {indicator.transform} needs {need}, not so at {places}")
    safe = np.where(np.isnan(values), 1.0, values)
    return np.where(np.isnan(values), np.nan, function(safe))


_TRANSFORMS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Mask], str]] = {
    "ln": (np.log, lambda x: x > 0, "values above zero"),
    "log10": (np.log10, lambda x: x > 0, "values above zero"),
    "sqrt": (np.sqrt, lambda x: x >= 0, "values of zero or more"),
    "reciprocal": (lambda x: 1.0 / x, lambda x: x != 0, "values other than zero"),
}


def transform(cells: Cells) -> None:
    """Cap and transform each column; capped cells become treated."""
    for column, indicator in enumerate(cells.spec.indicators):
        old = cells.values[:, column].copy()
        if indicator.caps is not None:
            capped = transform_values(indicator.model_copy(update={"transform": None}), old, cells.table.who)
            _mark(cells, column, ~np.isnan(old) & (capped != old), old, capped, "cap")
        cells.values[:, column] = transform_values(indicator, old, cells.table.who)
    cells.snapshot("transformed")


def _mark(cells: Cells, column: int, changed: Mask, old: Array, new: Array, how: str) -> None:
    cells.status[changed, column] = TREATED
    for row in np.flatnonzero(changed):
        cells.note(row, column, f"{how}: {old[row]:.12g} became {new[row]:.12g}")


def treat(cells: Cells) -> dict[tuple[str, str], Fitted]:
    """Treat each column within its scopes; returns the fitted treatment by (code, scope label)."""
    fitted: dict[tuple[str, str], Fitted] = {}
    for column, setting in enumerate(cells.settings):
        method = setting.treat
        if isinstance(method, TreatNone):
            continue
        for label, fitting, applied in cells.scopes(getattr(method, "scope", None)):
            if empty_in(cells, column, applied):
                continue
            found = observed(cells.values[:, column], fitting)
            what = f"indicator '{setting.code}' in {label or 'the table'}"
            treatment = fit_treatment(method, found, what, cells.spec.conventions.quantile)
            rows = applied & cells.kept
            old = cells.values[rows, column]
            new = _applied(treatment, old, what)
            full_old, full_new = cells.values[:, column].copy(), cells.values[:, column].copy()
            full_new[rows] = new
            changed = ~np.isnan(full_old) & (full_new != full_old)
            if treatment.name.startswith(("log", "box")) and isinstance(setting.normalise, Goalposts):
                raise DataError(f"{what}: goalposts are in the value's unit, but treatment made it {treatment.name}")
            _mark(cells, column, changed, full_old, full_new, treatment.name)
            cells.values[rows, column] = new
            fitted[setting.code, label] = treatment
            for name, number in treatment.numbers.items():
                cells.record(f"treat {treatment.name}", setting.code, label, name, number)
    cells.snapshot("treated")
    return fitted


def _applied(treatment: Fitted, values: Array, what: str) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        new = treatment.apply(values)
    if (~np.isnan(values) & ~np.isfinite(new)).any():
        raise DataError(f"{what}: {treatment.name} has no value for a row outside the range it was fitted on")
    return new


def fit_treatment(method: Treat, values: Array, what: str, quantile_type: int) -> Fitted:
    """Fit one treatment to the values of a column (no gaps)."""
    if isinstance(method, TreatNone):
        return Fitted("none", lambda x: x)
    if isinstance(method, Clip):
        low = -np.inf if method.low is None else method.low
        high = np.inf if method.high is None else method.high
        return Fitted("clip", lambda x: np.clip(x, low, high))
    if is_constant(values):
        raise DataError(
            f"{what} is {'constant' if len(values) else 'empty'}: outliers cannot be judged; declare treat: none"
        )
    if isinstance(method, PercentileClip):
        low, high = quantile(values, method.low, quantile_type), quantile(values, method.high, quantile_type)
        return Fitted("percentile_clip", lambda x: np.clip(x, low, high), {"low": low, "high": high})
    if isinstance(method, LogTreat):
        return _log(method.method, values)
    if isinstance(method, BoxCoxTreat):
        return _boxcox(method.power, values)
    return _winsorise(method, values, what)


def _passes(method: Winsorise, values: Array) -> bool:
    by_skew = bool(abs(skewness(values)) < method.skew)
    by_kurtosis = bool(kurtosis(values) < method.kurtosis)
    return (by_skew or by_kurtosis) if method.rule == "or" else (by_skew and by_kurtosis)


def _winsorise(method: Winsorise, values: Array, what: str) -> Fitted:
    """Move the extreme value (all ties at once, so `points` can be exceeded) to the next until the test passes."""
    if len(values) < 3:
        raise DataError(f"{what} has {len(values)} values: skewness needs three; declare treat: none")
    current = values.copy()
    low, high, moved = -np.inf, np.inf, np.zeros(len(values), dtype=bool)
    while (method.force or not _passes(method, current)) and moved.sum() < method.points:
        is_high = skewness(current) >= 0
        extreme = current.max() if is_high else current.min()
        at = current == extreme
        if len(np.unique(current)) <= 2:
            raise DataError(f"{what} has only two different values left: winsorisation would make it constant")
        limit = float(current[~at].max() if is_high else current[~at].min())
        current[at] = limit
        moved |= at
        low, high = (low, limit) if is_high else (limit, high)
    numbers = {"skewness": skewness(values), "kurtosis": kurtosis(values), "points": float(moved.sum())}
    if not _passes(method, current) and not method.force and method.otherwise != "none":
        if isinstance(method.otherwise, BoxCox):
            form = _boxcox(method.otherwise.boxcox, values)
        else:
            form = _log(method.otherwise, values)
        return Fitted(form.name, form.apply, {**form.numbers, "skewness": numbers["skewness"], "points": 0.0})
    numbers["skewness_after"], numbers["kurtosis_after"] = skewness(current), kurtosis(current)
    return Fitted("winsorise", lambda x: np.clip(x, low, high), numbers)


def _log(form: str, values: Array) -> Fitted:
    """Fit one of the logarithmic forms; each is fixed by the column's minimum and maximum."""
    low, high = float(values.min()), float(values.max())
    shift = 0.01 * (high - low)
    numbers = {"min": low, "max": high}
    if form == "log_ct_original":
        return Fitted(form, lambda x: np.log(x - low + 1.0), numbers)
    if form == "log_gii":
        return Fitted(form, lambda x: np.log((high - 1.0) * (x - low) / (high - low) + 1.0), numbers)
    if form == "log_ct_plus" and skewness(values) <= 0:
        return Fitted("log_ct_plus", lambda x: -np.log(high + shift - x), {**numbers, "mirrored": 1.0})
    return Fitted(form, lambda x: np.log(x - low + shift), numbers)


def _boxcox(power: float, values: Array) -> Fitted:
    low = float(values.min())
    if power == 0:
        return Fitted("boxcox", lambda x: np.log(x - low + 1.0), {"lambda": power, "min": low})
    return Fitted("boxcox", lambda x: ((x - low + 1.0) ** power - 1.0) / power, {"lambda": power, "min": low})
