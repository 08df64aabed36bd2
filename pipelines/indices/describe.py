"""What stands behind the numbers and is in no score: moments of every indicator, and who outranks whom.

For people who check a method against a publication. Not here: associations between indicators (`associations`).
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.cells import observed
from pipelines.indices.node_methods import Kemeny, Outranking
from pipelines.indices.numerics import kurtosis, skewness
from pipelines.indices.outrank import support, whole_weights
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result
from pipelines.indices.weights import exact

STAGES = ("denominated", "treated", "score")


def moments(result: Result, period: str | None = None) -> pl.DataFrame:
    """Return number, mean, sd, coefficient of variation, skewness and excess kurtosis (both of type 2) by stage.

    One row an indicator and stage: the value as it is reported, the value after treatment, the score.
    """
    at = result.units
    chosen = period or at.periods[-1]
    rows = (np.array(at.periods) == chosen) & at.ranked
    ddof = 1 if result.spec.conventions.sd == "sample" else 0
    found = []
    for column, code in enumerate(at.leaves.codes):
        for stage in STAGES:
            matrix = at.leaves.scores if stage == "score" else at.stages[stage]
            values = observed(matrix[:, column], rows)
            mean = float(values.mean()) if len(values) else None
            sd = float(values.std(ddof=ddof)) if len(values) > ddof else None
            cv = sd / mean if sd is not None and mean else None
            found.append((code, stage, len(values), mean, sd, cv, _known(skewness(values)), _known(kurtosis(values))))
    names = ("indicator", "stage", "units", "mean", "sd", "cv", "skewness", "kurtosis")
    kinds = (pl.String, pl.String, pl.Int64, *[pl.Float64] * 5)
    return pl.DataFrame(found, schema=dict(zip(names, kinds, strict=True)), orient="row")


def outranking(result: Result, period: str | None = None) -> pl.DataFrame:
    """Return for every node that compares units in pairs how much weight puts each above each other, ties half.

    One row a node and ordered pair: `support` is the weight of the children on which the first stands above, of the
    children both have; `margin` is it less the other way round. `DataError` where no node compares units.
    """
    spec, at = result.spec, result.units
    chosen = period or at.periods[-1]
    frames = []
    for code, found in at.nodes.items():
        if not isinstance(found.node.aggregate or spec.node_defaults.aggregate, Outranking | Kemeny):
            continue
        rows = np.flatnonzero((np.array(at.periods) == chosen) & ~np.isnan(found.values).all(axis=1))
        for weights, alike in _by_weights(found.weights[rows]):
            matrix = support(found.values[rows[alike]], whole_weights(exact(weights)))
            matrix = matrix / np.maximum(whole_weights(exact(weights)).sum(), 1e-300)
            units = [at.codes[row] for row in rows[alike]]
            frames.append(_pairs(code, units, matrix))
    if not frames:
        raise DataError("no node compares units in pairs: outranking is shown of copeland and kemeny")
    return pl.concat(frames)


def _by_weights(weights: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.intp]]]:
    distinct, place = np.unique(weights, axis=0, return_inverse=True)
    return [(row, np.flatnonzero(place.reshape(-1) == number)) for number, row in enumerate(distinct)]


def _pairs(node: str, units: list[str], matrix: NDArray[np.float64]) -> pl.DataFrame:
    first, second = np.nonzero(~np.eye(len(units), dtype=bool))
    return pl.DataFrame(
        {
            "node": [node] * len(first),
            "unit": [units[i] for i in first],
            "other": [units[j] for j in second],
            "support": matrix[first, second].round(10),
            "margin": (matrix - matrix.T)[first, second].round(10),
        }
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
