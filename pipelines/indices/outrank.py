"""Aggregation by pairwise comparison of units: Copeland's score and Kemeny's order.

Two units are compared on the children both have. Exact weights are compared as whole numbers, so that a tie of one
half against one half is a tie. Not here: means (`aggregate`).
"""

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from pipelines.indices.problems import DataError

Array = NDArray[np.float64]
_LARGEST = 2**40


def whole_weights(weights: tuple[Fraction, ...]) -> Array:
    """Scale fractions to whole numbers where their common denominator is small, else return them as floats."""
    common = lcm(*(weight.denominator for weight in weights))
    if common <= _LARGEST:
        return np.array([float(weight * common) for weight in weights])
    return np.array([float(weight) for weight in weights])


def support(values: Array, weights: Array) -> Array:
    """Return for units i, j the weight of children on which i is above j, ties half; NaN children drop out."""
    n = len(values)
    result = np.zeros((n, n))
    for column, weight in enumerate(weights):
        x = values[:, column]
        above = np.zeros((n, n))
        with np.errstate(invalid="ignore"):
            above[x[:, None] > x[None, :]] = 1.0
            above[x[:, None] == x[None, :]] = 0.5
        result += weight * above
    np.fill_diagonal(result, 0.0)
    return result


def copeland(values: Array, weights: Array, share: bool) -> Array:
    """Return wins minus defeats (or, with `share`, scaled from 0 to 1)."""
    matrix = support(values, weights)
    margin = matrix - matrix.T
    tolerance = 1e-12 * max(1.0, float(weights.sum()))
    wins = np.where(np.abs(margin) <= tolerance, 0.0, np.sign(margin)).sum(axis=1)
    if not share:
        return wins
    n = len(values)
    if n < 2:
        raise DataError("Copeland's share needs at least two units")
    return (wins + n - 1) / (2 * (n - 1))


def kemeny(values: Array, weights: Array, limit: int, what: str) -> tuple[Array, bool]:
    """Return how many units each outranks in the order of greatest support, and whether that order is the only one.

    Solved exactly as an integer programme; more units than `limit` are refused, the problem being NP-hard.
    """
    n = len(values)
    if n > limit:
        raise DataError(
            f"{what}: Kemeny's order of {n} units exceeds the limit of {limit}; use copeland or raise limit"
        )
    if n < 2:
        return np.zeros(n), True
    matrix = support(values, weights)
    best, order = _solve(matrix, None)
    second, _ = _solve(matrix, order)
    tolerance = 1e-9 * max(1.0, float(weights.sum()) * n)
    return order.sum(axis=1), bool(second < best - tolerance)


def _solve(matrix: Array, forbidden: Array | None) -> tuple[float, Array]:
    """Find the order with the greatest support, other than `forbidden`; returns (support, above matrix)."""
    n = len(matrix)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    place = {pair: number for number, pair in enumerate(pairs)}
    # One binary a pair: 1 if the first unit stands above the second.
    gain = np.array([matrix[i, j] - matrix[j, i] for i, j in pairs])
    rows, columns, entries, low, high = [], [], [], [], []
    triples = [(i, j, k) for i in range(n) for j in range(i + 1, n) for k in range(j + 1, n)]
    for row, (i, j, k) in enumerate(triples):
        # No circle: 0 <= x_ij + x_jk - x_ik <= 1.
        rows += [row] * 3
        columns += [place[i, j], place[j, k], place[i, k]]
        entries += [1.0, 1.0, -1.0]
        low.append(0.0)
        high.append(1.0)
    if forbidden is not None:
        chosen = np.array([forbidden[i, j] for i, j in pairs])
        rows += [len(triples)] * len(pairs)
        columns += range(len(pairs))
        entries += list(np.where(chosen == 1, -1.0, 1.0))
        low.append(1.0 - float(chosen.sum()))
        high.append(np.inf)
    constraints = []
    if low:
        table = coo_array((entries, (rows, columns)), shape=(len(low), len(pairs)))
        constraints = [LinearConstraint(table.tocsc(), np.array(low), np.array(high))]
    found = milp(-gain, constraints=constraints, integrality=np.ones(len(pairs)), bounds=(0, 1))
    if found.x is None:
        return -np.inf, np.zeros((n, n))
    above = np.zeros((n, n))
    for (i, j), value in zip(pairs, np.round(found.x), strict=True):
        above[i, j], above[j, i] = value, 1.0 - value
    base = sum(matrix[j, i] for i, j in pairs)
    return float(base + gain @ np.round(found.x)), above
