"""Normalisation: fit a method to the rows that shape statistics, apply it to any values.

The direction is turned in one place only: `fit` multiplies values (and swaps and negates goalposts) before anything
else. A fitted normalisation is affine with optional cuts, a reciprocal, a step function, or ordinal (needs the whole
sample, so it cannot score an aggregated area). Not here: what feeds it (`treat`) or reads it (`aggregate`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pipelines.indices.cells import Array
from pipelines.indices.column_methods import (
    AboveBelow,
    Ampi,
    Categorical,
    Difference,
    DistanceToMax,
    DistanceToReference,
    DistanceToTarget,
    Goalposts,
    MinMax,
    Normalise,
    NormNone,
    PercentileRank,
    Post,
    RankNorm,
    Ratio,
    Reference,
    ZScore,
)
from pipelines.indices.numerics import is_constant, quantile, rank, spread
from pipelines.indices.parts import Scope
from pipelines.indices.problems import DataError
from pipelines.indices.spec import Conventions


@dataclass(frozen=True)
class Context:
    """What fitting needs besides the values.

    `lookup(unit, period)` gives a unit's own value (in the value's unit, transformed and treated like the column);
    `within(period)` gives the values of one period that shape statistics; `posts` maps a goalpost given in the value's
    own unit through the declared transform.
    """

    what: str
    conventions: Conventions
    lookup: Callable[[str, str | None], float]
    within: Callable[[str], Array]
    posts: Callable[[float], float] = float


@dataclass(frozen=True)
class FittedNorm:
    """A fitted normalisation; `apply` takes values before the direction is turned. NaN stays NaN."""

    method: str
    sign: int
    numbers: dict[str, float]
    turned: Callable[[Array], Array]
    low: float = -np.inf
    high: float = np.inf
    ordinal: bool = False
    slope: float | None = field(default=None, compare=False)

    def apply(self, values: Array) -> Array:
        """Score values; cut to [low, high]."""
        return np.clip(self.turned(values * self.sign), self.low, self.high)


def _affine(
    method: str, sign: int, origin: float, span: float, scale: float, offset: float, numbers: dict[str, float]
) -> FittedNorm:
    return FittedNorm(method, sign, numbers, lambda x: (x - origin) / span * scale + offset, slope=sign * scale / span)


def fit(method: Normalise, values: Array, direction: int, context: Context) -> FittedNorm:
    """Fit `method` to values without gaps; `direction` 1 or -1.

    Raises `DataError` for an empty column, and for a constant one wherever that would divide by zero.
    """
    fitted = _FITTERS[type(method)](method, values * direction, direction, context)
    clip = method.clip
    if clip is not None:
        low, high = clip
        fitted = _cut(fitted, -np.inf if low is None else low, np.inf if high is None else high)
    return fitted


def _cut(fitted: FittedNorm, low: float, high: float) -> FittedNorm:
    return FittedNorm(
        fitted.method,
        fitted.sign,
        fitted.numbers,
        fitted.turned,
        max(low, fitted.low),
        min(high, fitted.high),
        fitted.ordinal,
        fitted.slope,
    )


def _need(values: Array, context: Context, method: str) -> None:
    if len(values) == 0:
        raise DataError(f"{context.what} has no value, so {method} cannot be fitted")


def _bounds(values: Array, context: Context, method: str) -> tuple[float, float]:
    _need(values, context, method)
    if is_constant(values):
        raise DataError(f"{context.what} is constant ({values[0]:g}): {method} would divide by zero")
    low, high = float(values.min()), float(values.max())
    _span(low, high, context, method)
    return low, high


def _span(low: float, high: float, context: Context, method: str) -> float:
    if not abs(high - low) > 1e-12 * max(abs(low), abs(high)):
        raise DataError(f"{context.what}: {method} from {low:g} to {high:g} would divide by zero")
    if not np.isfinite(high - low):
        raise DataError(f"{context.what}: from {low:g} to {high:g} is too wide for {method}")
    return high - low


def _none(method: NormNone, x: Array, sign: int, context: Context) -> FittedNorm:
    return _affine("none", sign, 0.0, 1.0, 1.0, 0.0, {})


def _minmax(method: MinMax, x: Array, sign: int, context: Context) -> FittedNorm:
    low, high = _bounds(x, context, "minmax")
    bottom, top = method.range
    return _affine("minmax", sign, low, high - low, top - bottom, bottom, _in_unit(sign, low, high))


def _in_unit(sign: int, low: float, high: float) -> dict[str, float]:
    """Record bounds in the value's own order, whatever the direction."""
    return {"min": low if sign > 0 else -high, "max": high if sign > 0 else -low}


def _post(post: float | Post, x: Array, sign: int, context: Context) -> float:
    """Return a goalpost on the turned scale; x is turned already."""
    if not isinstance(post, Post):
        return context.posts(post) * sign
    _need(x, context, "a goalpost from data")
    if post.percentile is not None:
        return quantile(x * sign, post.percentile, context.conventions.quantile) * sign
    ordered = np.sort(x)
    wanted = post.best or post.worst or 0
    if wanted > len(x):
        raise DataError(f"{context.what} has {len(x)} values, so that there are no {wanted} to average for a goalpost")
    if post.best is not None:
        return float(ordered[-post.best :].mean())
    if post.worst is not None:
        return float(ordered[: post.worst].mean())
    return _statistic(str(post.statistic), x * sign, 1) * sign


def _goalposts(method: Goalposts, x: Array, sign: int, context: Context) -> FittedNorm:
    if method.low is None or method.high is None:
        raise DataError(f"{context.what} has no goalposts")
    first, second = _post(method.low, x, sign, context), _post(method.high, x, sign, context)
    # `low` and `high` stand in the value's order; turned, the high value is the bad end.
    low, high = (first, second) if sign > 0 else (second, first)
    span = _span(low, high, context, "goalposts")
    if span < 0:
        raise DataError(f"{context.what}: the low goalpost lies above the high one")
    bottom, top = method.range
    fitted = _affine("goalposts", sign, low, span, top - bottom, bottom, _in_unit(sign, low, high))
    return _cut(fitted, min(bottom, top), max(bottom, top)) if method.inside else fitted


def _zscore(method: ZScore, x: Array, sign: int, context: Context) -> FittedNorm:
    _bounds(x, context, "zscore")
    mean, sd = float(x.mean()), spread(x, method.sd or context.conventions.sd)
    return _affine("zscore", sign, mean, sd, method.spread, method.centre, {"mean": mean * sign, "sd": sd})


def _rank(method: RankNorm, x: Array, sign: int, context: Context) -> FittedNorm:
    _need(x, context, method.method)
    ties = method.ties or context.conventions.ties
    offset = 1.0 if method.method == "borda" else 0.0
    return _ordinal(method.method, sign, x, ties, lambda ranks: ranks - offset, {"n": float(len(x))})


def _ordinal(
    name: str, sign: int, x: Array, ties: str, function: Callable[[Array], Array], numbers: dict[str, float]
) -> FittedNorm:
    """Score by rank among the fitted values x; other values have no rank."""
    ordered, scores = np.unique(x), function(np.unique(np.column_stack([x, rank(x, ties)]), axis=0)[:, 1])

    def turned(values: Array) -> Array:
        place = np.clip(np.searchsorted(ordered, values), 0, len(ordered) - 1)
        known = ordered[place] == values
        return np.where(known, scores[place], np.nan)

    return FittedNorm(name, sign, numbers, turned, ordinal=True)


def _percent(
    method: PercentileRank | Categorical, x: Array, context: Context, scale: float
) -> Callable[[Array], Array]:
    definition = method.definition or context.conventions.percentile_rank
    n = len(x)
    if definition == "less_one":
        if n < 2:
            raise DataError(f"{context.what} has one value: the percentile rank (rank - 1)/(n - 1) does not exist")
        return lambda ranks: (ranks - 1.0) / (n - 1) * scale
    return lambda ranks: ranks / n * scale


def _percentile_rank(method: PercentileRank, x: Array, sign: int, context: Context) -> FittedNorm:
    _need(x, context, "percentile_rank")
    share = _percent(method, x, context, method.scale)
    ties = method.ties or context.conventions.ties
    return _ordinal("percentile_rank", sign, x, ties, lambda r: share(r) + method.offset, {"n": float(len(x))})


def _distance_to_max(method: DistanceToMax, x: Array, sign: int, context: Context) -> FittedNorm:
    low, high = _bounds(x, context, "distance_to_max")
    return _affine("distance_to_max", sign, low, high - low, method.scale, 0.0, _in_unit(sign, low, high))


def _statistic(name: str, values: Array, sign: int) -> float:
    """Return a statistic of values in their own order; best and worst depend on the direction."""
    table: dict[str, Callable[[Array], Any]] = {"mean": np.mean, "median": np.median, "min": np.min, "max": np.max}
    if name in ("best", "worst"):
        name = "max" if (name == "best") == (sign > 0) else "min"
    return float(table[name](values))


def _reference(reference: Reference, x: Array, sign: int, context: Context) -> float:
    """Return the reference in the value's own order and unit."""
    if reference.value is not None:
        return context.posts(reference.value)
    if reference.unit is not None:
        try:
            return context.lookup(reference.unit, reference.period)
        except DataError as fault:
            raise DataError(f"{context.what}: {fault}") from fault
    values = x * sign if reference.period is None else context.within(reference.period)
    _need(values, context, "a reference from data")
    return _statistic(str(reference.statistic), values, sign)


def _distance_to_reference(method: DistanceToReference, x: Array, sign: int, context: Context) -> FittedNorm:
    _need(x, context, "distance_to_reference")
    low = float(x.min())
    reference = _reference(method.reference, x, sign, context) * sign
    span = _span(low, reference, context, "distance_to_reference")
    if span < 0:
        given = reference * sign
        raise DataError(f"{context.what}: the reference {given:g} is worse than the worst value: scores would turn")
    numbers = {"worst": low * sign, "reference": reference * sign}
    fitted = _affine("distance_to_reference", sign, low, span, method.scale, 0.0, numbers)
    return _cut(fitted, -np.inf, method.scale) if method.cap else fitted


def _distance_to_target(method: DistanceToTarget, x: Array, sign: int, context: Context) -> FittedNorm:
    _need(x, context, "distance_to_target")
    low, target = float(x.min()), context.posts(method.target) * sign
    span = _span(low, target, context, "distance_to_target")
    if span < 0:
        raise DataError(
            f"{context.what}: the target {method.target:g} is worse than the worst value: scores would turn"
        )
    fitted = _affine(
        "distance_to_target", sign, low, span, method.scale, 0.0, {"worst": low * sign, "target": method.target}
    )
    return _cut(fitted, -np.inf, method.scale) if method.cap else fitted


def _ratio(method: Ratio, x: Array, sign: int, context: Context) -> FittedNorm:
    reference = _reference(method.reference, x, sign, context)
    numbers = {"reference": reference}
    if reference == 0:
        raise DataError(f"{context.what}: a ratio to zero does not exist")
    if reference < 0:
        raise DataError(f"{context.what}: a ratio to the negative {reference:g} would turn the order round")
    if sign > 0:
        return _affine(method.method, sign, 0.0, reference, method.scale, 0.0, numbers)
    # x is turned: values of zero or less are zero or more here.
    if (x >= 0).any():
        raise DataError(f"{context.what}: direction less makes the ratio reference/value, and a value is zero or less")
    return FittedNorm(method.method, sign, numbers, lambda turned: reference / (-turned) * method.scale)


def _difference(method: Difference, x: Array, sign: int, context: Context) -> FittedNorm:
    reference = _reference(method.reference, x, sign, context)
    if method.relative and reference == 0:
        raise DataError(f"{context.what}: a relative difference to zero does not exist")
    span = abs(reference) if method.relative else 1.0
    return _affine("difference", sign, reference * sign, span, method.scale, 0.0, {"reference": reference})


def _above_below(method: AboveBelow, x: Array, sign: int, context: Context) -> FittedNorm:
    reference = _reference(method.reference, x, sign, context)
    width = abs(reference) * method.share
    numbers = {"reference": reference, "lower": reference - width, "upper": reference + width}

    def turned(values: Array) -> Array:
        away = values - reference * sign
        return np.where(np.isnan(values), np.nan, np.where(away > width, 1.0, np.where(away < -width, -1.0, 0.0)))

    return FittedNorm("above_below", sign, numbers, turned)


def _categorical(method: Categorical, x: Array, sign: int, context: Context) -> FittedNorm:
    cuts, scores = np.array(method.cuts), np.array(method.scores)
    # boundary upper: a value equal to a cut belongs to the class above it.
    side: Literal["left", "right"] = "right" if method.boundary == "upper" else "left"
    if method.of == "value":
        turned_cuts = cuts if sign > 0 else -cuts[::-1]

        def turned(values: Array) -> Array:
            place = np.searchsorted(turned_cuts, np.nan_to_num(values), side=side)
            return np.where(np.isnan(values), np.nan, scores[place])

        return FittedNorm("categorical", sign, {}, turned)
    _need(x, context, "categorical")
    share = _percent(method, x, context, 100.0)
    ties = method.ties or context.conventions.ties

    def classes(ranks: Array) -> Array:
        # Rounded, so that rank 3 of 20 is 15 and not a hair less.
        return scores[np.searchsorted(cuts, np.round(share(ranks), 10), side=side)]

    return _ordinal("categorical", sign, x, ties, classes, {"n": float(len(x))})


def _ampi(method: Ampi, x: Array, sign: int, context: Context) -> FittedNorm:
    low, high = _bounds(x, context, "ampi")
    reference = _reference(method.reference, x, sign, context) * sign
    half = (high - low) / 2.0
    numbers = {**_in_unit(sign, low, high), "reference": reference * sign}
    return _affine("ampi", sign, reference - half, 2 * half, method.width, 100.0 - method.width / 2, numbers)


_FITTERS: dict[type, Callable[..., FittedNorm]] = {
    NormNone: _none,
    MinMax: _minmax,
    Goalposts: _goalposts,
    ZScore: _zscore,
    RankNorm: _rank,
    PercentileRank: _percentile_rank,
    DistanceToMax: _distance_to_max,
    DistanceToReference: _distance_to_reference,
    DistanceToTarget: _distance_to_target,
    Ratio: _ratio,
    Difference: _difference,
    AboveBelow: _above_below,
    Categorical: _categorical,
    Ampi: _ampi,
}


def scope_of(method: Normalise) -> Scope | None:
    """Return a normalisation's scope; AMPI's range is over all periods, and fixed goalposts have no period."""
    scope: Scope | None = getattr(method, "scope", None)
    fixed = isinstance(method, Goalposts) and not isinstance(method.low, Post) and not isinstance(method.high, Post)
    return "all" if scope is None and (fixed or isinstance(method, Ampi)) else scope
