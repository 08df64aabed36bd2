"""Aggregation of children's scores by means and by the Mazziotta-Pareto index; in all arrays the last axis is children.

Missing children (NaN) are left out and the other weights rescaled. Not here: methods that compare units with each
other (`outrank`, `frontier`), and when there are too few children (`tree`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.node_methods import Aggregate, Mean, Mpi, PowerMean

Array = NDArray[np.float64]
Step = Callable[[Array, Array], Array]


def rescaled(values: Array, weights: Array) -> Array:
    """Return weights over the children present, summing to 1 (NaN where none is present or all weights are 0)."""
    present = np.where(np.isnan(values), 0.0, weights)
    total = present.sum(axis=-1, keepdims=True)
    return present / np.where(total == 0, np.nan, total)


def _weighted(values: Array, weights: Array) -> Array:
    return (np.where(np.isnan(values), 0.0, values) * weights).sum(axis=-1)


def arithmetic(values: Array, weights: Array) -> Array:
    """Weighted mean of the children present; weights need not sum to 1."""
    return _weighted(values, rescaled(values, weights))


def geometric(values: Array, weights: Array) -> Array:
    """Weighted geometric mean; values must be positive (the caller checks)."""
    return np.exp(_weighted(np.log(np.where(np.isnan(values), 1.0, values)), rescaled(values, weights)))


def harmonic(values: Array, weights: Array) -> Array:
    """Weighted harmonic mean; values must not be zero (the caller checks)."""
    return 1.0 / _weighted(1.0 / np.where(np.isnan(values), 1.0, values), rescaled(values, weights))


def power(values: Array, weights: Array, p: float) -> Array:
    """Weighted generalised mean of order p."""
    return _weighted(np.where(np.isnan(values), 1.0, values) ** p, rescaled(values, weights)) ** (1.0 / p)


def mpi(values: Array, weights: Array, sign: int, sample: bool) -> Array:
    """Mean plus `sign` times variance over mean; the sample variance is corrected by 1 - sum of squared weights."""
    share = rescaled(values, weights)
    mean = _weighted(values, share)
    variance = _weighted((values - mean[..., None]) ** 2, share)
    if sample:
        correction = 1.0 - (share**2).sum(axis=-1)
        variance = variance / np.where(correction <= 1e-12, np.nan, correction)
        # One child has no spread, so nothing is added or taken away.
        variance = np.where(np.isnan(variance) & ~np.isnan(mean), 0.0, variance)
    return mean + sign * variance / mean


def _extreme(function: Callable[..., Array]) -> Step:
    def step(values: Array, weights: Array) -> Array:
        used = np.where(weights == 0, np.nan, values)
        result = np.full(used.shape[:-1], np.nan)
        some = ~np.isnan(used).all(axis=-1)
        result[some] = function(used[some], axis=-1)
        return result

    return step


def stepper(method: Aggregate, sd: str) -> Step | None:
    """Return the function of a row-wise method, or None for a method that needs the other units or a formula."""
    if isinstance(method, Mean):
        return _MEANS[method.method]
    if isinstance(method, PowerMean):
        return lambda values, weights: power(values, weights, method.p)
    if isinstance(method, Mpi):
        sign = -1 if method.penalty == "subtract" else 1
        return lambda values, weights: mpi(values, weights, sign, (method.sd or sd) == "sample")
    return None


_MEANS: dict[str, Step] = {
    "arithmetic": arithmetic,
    "geometric": geometric,
    "harmonic": harmonic,
    "min": _extreme(np.nanmin),
    "max": _extreme(np.nanmax),
    "median": _extreme(np.nanmedian),
}


def forbidden(method: Aggregate, values: Array) -> tuple[NDArray[np.bool_], str]:
    """Mark values a method cannot take and say what it needs."""
    none = np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        if isinstance(method, Mean) and method.method == "geometric":
            return values <= 0, "values above zero"
        if isinstance(method, Mean) and method.method == "harmonic":
            return values <= 0, "values above zero"
        if isinstance(method, PowerMean) and (method.p < 0 or method.p != int(method.p)):
            return (values <= 0) if method.p < 0 else (values < 0), "values above zero"
        if isinstance(method, PowerMean) and method.p == int(method.p):
            return values < 0, "values of zero or more"
    return none, ""


def shares(method: Aggregate, values: Array, weights: Array, score: Array, sd: str) -> Array | None:
    """Return for each child its contribution divided by its value, so that sum(share * value) = score.

    Arithmetic: the weight. Geometric: shares of the logarithm where all values are at least 1 and the score above 1,
    else weight times score over value. Harmonic, power, MPI: value times partial derivative (these are homogeneous of
    degree one, so that the products add up). None where a method has no such decomposition.
    """
    share = rescaled(values, weights)
    filled = np.where(np.isnan(values), 1.0, values)
    total = score[..., None]
    if isinstance(method, PowerMean):
        return share * filled ** (method.p - 1.0) * total ** (1.0 - method.p)
    if isinstance(method, Mpi):
        return _mpi_shares(method, filled, share, values, sd)
    if not isinstance(method, Mean) or method.method == "median":
        return None
    match method.method:
        case "arithmetic":
            return share
        case "geometric":
            by_log = (filled >= 1.0).all(axis=-1, keepdims=True) & (total > 1.0 + 1e-9)
            safe = np.where(total > 1.0 + 1e-9, total, np.e)
            logs = share * np.log(np.where(filled > 0, filled, 1.0)) / np.log(safe) * total / filled
            return np.where(by_log, logs, share * total / filled)
        case "harmonic":
            return share * (total / filled) ** 2
    at = (values == total) & (weights > 0)
    return at / np.maximum(at.sum(axis=-1, keepdims=True), 1)


def _mpi_shares(method: Mpi, filled: Array, share: Array, values: Array, sd: str) -> Array:
    sign = -1.0 if method.penalty == "subtract" else 1.0
    mean = _weighted(values, share)[..., None]
    factor: Array = np.ones(1)
    if (method.sd or sd) == "sample":
        correction = 1.0 - (share**2).sum(axis=-1, keepdims=True)
        factor = np.where(correction <= 1e-12, 0.0, 1.0 / np.where(correction <= 1e-12, 1.0, correction))
    present = np.where(np.isnan(values), 0.0, 1.0)
    variance = (share * (filled - mean) ** 2 * present).sum(axis=-1, keepdims=True) * factor
    derivative = share * (1.0 + sign * (2.0 * factor * (filled - mean) / mean - variance / mean**2))
    return derivative * present
