"""Statistics with their conventions spelled out: skewness and kurtosis of type 2, quantile types, ties in ranks.

Every function takes values without gaps (the caller drops NaN) unless it says otherwise. Not here: anything that knows
a specification.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_QUANTILES: dict[int, Any] = {
    4: "interpolated_inverted_cdf",
    5: "hazen",
    6: "weibull",
    7: "linear",
    8: "median_unbiased",
    9: "normal_unbiased",
}


def quantile(values: Array, percent: float, kind: int) -> float:
    """Return the quantile at `percent` (0-100) by Hyndman and Fan's type 4 to 9."""
    return float(np.quantile(values, percent / 100.0, method=_QUANTILES[kind]))


def spread(values: Array, kind: str) -> float:
    """Return the standard deviation with divisor n - 1 (`sample`) or n (`population`)."""
    return float(np.std(values, ddof=1 if kind == "sample" else 0))


def skewness(values: Array) -> float:
    """Type 2 skewness (as in spreadsheets); NaN for fewer than 3 values or a constant column."""
    n = len(values)
    if n < 3:
        return float("nan")
    deviation = values - values.mean()
    second = float(np.mean(deviation**2))
    if second == 0:
        return float("nan")
    third = float(np.mean(deviation**3))
    return float(np.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5)


def kurtosis(values: Array) -> float:
    """Type 2 excess kurtosis; NaN for fewer than 4 values or a constant column."""
    n = len(values)
    if n < 4:
        return float("nan")
    deviation = values - values.mean()
    square = float(np.sum(deviation**2))
    if square == 0:
        return float("nan")
    ratio = n * float(np.sum(deviation**4)) / square**2
    return ((n + 1) * (ratio - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))


def rank(values: Array, ties: str) -> Array:
    """Rank ascending from 1; equal values get the least, greatest, mean or dense rank."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(values) else np.zeros(0, dtype=bool)
    group = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(values)))
    match ties:
        case "min":
            by_group = starts + 1.0
        case "max":
            by_group = starts + counts.astype(float)
        case "average":
            by_group = starts + (counts + 1) / 2.0
        case "dense":
            by_group = np.arange(1, len(starts) + 1, dtype=float)
        case _:
            raise ValueError(f"unknown tie rule {ties}")
    result = np.empty(len(values))
    result[order] = by_group[group]
    return result


def rank_descending(scores: Array, ties: str, decimals: int) -> Array:
    """Rank scores with the highest first after rounding to `decimals`; NaN stays NaN."""
    result = np.full(len(scores), np.nan)
    present = ~np.isnan(scores)
    # Adding 0.0 turns -0.0 into 0.0, which would otherwise not differ but read badly in output.
    result[present] = rank(-(np.round(scores[present], decimals) + 0.0), ties)
    return result


def standardise(matrix: Array, kind: str) -> Array:
    """Return columns with mean 0 and standard deviation 1 (no gaps, no constant column)."""
    ddof = 1 if kind == "sample" else 0
    return (matrix - matrix.mean(axis=0)) / matrix.std(axis=0, ddof=ddof)


def is_constant(values: Array) -> bool:
    """Say whether all values are equal up to rounding in the last digits of a float."""
    if len(values) == 0:
        return True
    low, high = float(values.min()), float(values.max())
    return high - low <= 1e-12 * max(abs(low), abs(high))
