"""Benefit of the doubt: each unit is scored with the weights that favour it most (data envelopment with one input).

Two kinds of bounds are in use and give different scores: each weight's share of the sum of weights, and each child's
share of the score. Weights at a score of 1 are not unique, so only scores are returned. Not here: other aggregation.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from pipelines.indices.node_methods import BenefitOfDoubt
from pipelines.indices.problems import DataError

Array = NDArray[np.float64]


def bound_rows(method: BenefitOfDoubt, own: Array) -> Array:
    """Return rows a with a @ w <= 0 that express the bounds for a unit with values `own`."""
    size = len(own)
    if method.bound == "none":
        return np.zeros((0, size))
    scale = np.ones(size) if method.bound == "share_of_weight" else own
    rows = []
    for column in range(size):
        unit = np.zeros(size)
        unit[column] = scale[column]
        rows.append(method.low * scale - unit)
        rows.append(unit - method.high * scale)
    return np.array(rows)


def benefit_of_doubt(values: Array, method: BenefitOfDoubt, what: str) -> tuple[Array, Array]:
    """Return scores and one optimal set of weights a unit; units with a missing child get NaN and are nobody's peer.

    Values must be zero or more and every unit needs one positive value; `DataError` otherwise or if bounds contradict.
    """
    if (values < 0).any():
        raise DataError(f"{what}: benefit of the doubt needs values of zero or more")
    complete = ~np.isnan(values).any(axis=1)
    peers = np.unique(values[complete], axis=0)
    # Columns are scaled by their maximum: the programme's solution does not depend on units, its precision does.
    size = values.shape[1]
    scores = np.full(len(values), np.nan)
    weights = np.full(values.shape, np.nan)
    top = peers.max(axis=0) if len(peers) else np.ones(size)
    if (top == 0).any():
        raise DataError(f"{what}: a child is zero for every unit")
    for row in np.flatnonzero(complete):
        own = values[row]
        limits = bound_rows(method, own)
        table = np.vstack([peers / top, limits / top])
        right = np.concatenate([np.ones(len(peers)), np.zeros(len(limits))])
        found = linprog(-own / top, A_ub=table, b_ub=right, bounds=(0, None), method="highs")
        if found.status != 0:
            raise DataError(f"{what}: no weights satisfy the bounds for a unit ({found.message})")
        scores[row] = -found.fun
        weights[row] = found.x / top
    return scores, weights
