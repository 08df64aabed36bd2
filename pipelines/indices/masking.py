"""How good an imputation is: known cells are hidden, filled by the declared steps, and compared with what they were.

Not here: the imputation itself (`impute`).
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.cells import MISSING
from pipelines.indices.gather import denominate, gather
from pipelines.indices.impute import impute
from pipelines.indices.result import Result

Array = NDArray[np.float64]


def masking_test(result: Result, share: float = 0.1, seed: int = 1) -> pl.DataFrame:
    """Return for each indicator that is imputed how its steps fill known cells that were hidden.

    Columns: cells hidden and filled; rmse and mae in the indicator's unit; r2 against the mean of the hidden cells; d,
    Willmott's index of agreement (1 is perfect). Every indicator's hidden cells are drawn from the same seed.
    """
    before = gather(result.spec, result.table)
    denominate(before)
    generator = np.random.default_rng(seed)
    rows = []
    for column, setting in enumerate(before.settings):
        known = np.flatnonzero(~np.isnan(before.values[:, column]))
        draw = generator.random(len(known))
        if all(step.method == "none" for step in setting.impute) or len(known) < 3:
            continue
        hidden = known[draw < share]
        if not len(hidden):
            hidden = known[[int(draw.argmin())]]
        trial = replace(before, values=before.values.copy(), status=before.status.copy(), stages={}, reasons={})
        trial.values[hidden, column] = np.nan
        trial.status[hidden, column] = MISSING
        impute(trial)
        rows.append(
            (setting.code, len(hidden), *agreement(before.values[hidden, column], trial.values[hidden, column]))
        )
    names = ("code", "hidden", "filled", "rmse", "mae", "r2", "d")
    kinds = (pl.String, pl.Int64, pl.Int64, *[pl.Float64] * 4)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def agreement(true: Array, filled: Array) -> tuple[int, float | None, float | None, float | None, float | None]:
    """Return the count filled, root mean square error, mean absolute error, R2 and Willmott's d (None if undefined)."""
    there = ~np.isnan(filled)
    if not there.any():
        return 0, None, None, None, None
    x, y = true[there], filled[there]
    error = y - x
    spread = float(((x - x.mean()) ** 2).sum())
    potential = float(((np.abs(y - x.mean()) + np.abs(x - x.mean())) ** 2).sum())
    squares = float((error**2).sum())
    return (
        int(there.sum()),
        float(np.sqrt(np.mean(error**2))),
        float(np.abs(error).mean()),
        1.0 - squares / spread if spread > 0 else None,
        1.0 - squares / potential if potential > 0 else None,
    )
