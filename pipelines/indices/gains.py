"""What to improve first: how much a score would rise if one indicator reached the best its normalisation knows.

Belongs here: the gain of each indicator for each area, by running the tree again with that indicator's score raised.
Not here: whether that is feasible or worth its cost.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.batch import Plan, evaluate_draws
from pipelines.indices.column_methods import Goalposts
from pipelines.indices.result import LevelResult, Result
from pipelines.indices.tree import COMPUTED

Array = NDArray[np.float64]
SCHEMA = {
    **dict.fromkeys(("index", "edition", "level", "area_code", "period", "node", "indicator"), pl.String),
    **dict.fromkeys(("score", "best", "gain"), pl.Float64),
}


def best_scores(result: Result) -> Array:
    """Return each indicator's best score: the end of its range between goalposts, else the best unit's."""
    best = np.full(len(result.cells.settings), np.nan)
    scores = result.units.leaves.scores
    for column, setting in enumerate(result.cells.settings):
        method = setting.normalise
        if isinstance(method, Goalposts) and method.inside:
            best[column] = max(method.range)
        elif not np.isnan(scores[:, column]).all():
            best[column] = float(np.nanmax(scores[:, column]))
    return best


def gains(result: Result, level: str, nodes: list[str]) -> pl.DataFrame:
    """Return one row an area, node and indicator with a score: the node's gain if the indicator had its best score."""
    at = result.levels[level]
    best = best_scores(result)
    rows = np.arange(len(at.codes))
    plan = Plan(result.spec, list(at.nodes.values()), rows, at.leaves.codes)
    size = len(at.leaves.codes)
    raised = np.broadcast_to(at.leaves.scores, (size, *at.leaves.scores.shape)).copy()
    for column in range(size):
        present = ~np.isnan(raised[column, :, column])
        raised[column, present, column] = np.maximum(raised[column, present, column], best[column])
    found = evaluate_draws(plan, raised, wanted=nodes)
    frames = [_table(result, at, node, found[node], best) for node in nodes]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)


def _table(result: Result, at: LevelResult, node: str, raised: Array, best: Array) -> pl.DataFrame:
    below = set(result.spec.leaves(node))
    used = np.array([code in below for code in at.leaves.codes])
    computed = at.nodes[node].status == COMPUTED
    gain = raised.T - at.nodes[node].score[:, None]
    rows, columns = np.nonzero(~np.isnan(at.leaves.scores) & used & computed[:, None] & ~np.isnan(gain))
    count = len(rows)
    data = {
        "index": [result.spec.index] * count,
        "edition": [result.spec.edition] * count,
        "level": [at.level] * count,
        "area_code": [at.codes[row] for row in rows],
        "period": [at.periods[row] for row in rows],
        "node": [node] * count,
        "indicator": [at.leaves.codes[column] for column in columns],
        "score": np.round(at.leaves.scores[rows, columns], 10),
        "best": best[columns],
        "gain": np.round(gain[rows, columns], 10) + 0.0,
    }
    return pl.DataFrame(data, schema=SCHEMA)
