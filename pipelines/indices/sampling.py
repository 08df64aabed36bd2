"""Doubt about the data of small units: how far scores and ranks would move if the same village were counted again.

A share of n people is drawn from its binomial (beta) distribution, a density from its Poisson (gamma) one, a mean from
a normal one; shrinkage towards the level above enters as prior weight k. This is sampling error only: it says nothing
about choices of the method (`sensitivity`), and is labelled apart from it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.batch import Plan, evaluate_draws, rank_draws
from pipelines.indices.cells import Cells
from pipelines.indices.gather import area_of, basis_of, within_posts
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result
from pipelines.indices.spec import Indicator, Resolved
from pipelines.indices.tree import COMPUTED

Array = NDArray[np.float64]
_JEFFREYS = 0.5


@dataclass
class SamplingDoubt:
    """Drawn scores and ranks of one node, draws x units."""

    result: Result
    period: str
    node: str
    rows: NDArray[np.intp]
    scores: Array
    ranks: Array

    def intervals(self) -> pl.DataFrame:
        """Return one row a unit: score with its interval and rank with its interval."""
        at, spec = self.result.units, self.result.spec
        tail = (1.0 - spec.sampling.interval) / 2.0 * 100.0
        count = len(self.rows)
        columns: dict[str, Any] = {
            "index": [spec.index] * count,
            "edition": [spec.edition] * count,
            "period": [self.period] * count,
            "node": [self.node] * count,
            "area_code": [at.codes[row] for row in self.rows],
            "score": np.round(at.nodes[self.node].score[self.rows], 10),
            "score_low": np.round(np.percentile(self.scores, tail, axis=0), 10),
            "score_high": np.round(np.percentile(self.scores, 100.0 - tail, axis=0), 10),
            "rank_low": np.percentile(self.ranks, tail, axis=0),
            "rank_high": np.percentile(self.ranks, 100.0 - tail, axis=0),
            "interval": [spec.sampling.interval] * count,
        }
        return pl.DataFrame(columns)


def sampling_doubt(result: Result, nodes: list[str], period: str | None = None) -> list[SamplingDoubt]:
    """Draw every unit's indicators anew and run the tree on them; all `nodes` share the same draws.

    Indicators whose noise is none, and cells without numerator and denominator, stay as they are. Raises `DataError`
    where an indicator with noise is normalised by comparing units (ranks), for which a drawn value has no score.
    """
    spec, at = result.spec, result.units
    chosen = period or at.periods[-1]
    rows = np.flatnonzero((np.array(at.periods) == chosen) & at.ranked)
    generator = np.random.default_rng(spec.sampling.seed)
    draws = spec.sampling.draws
    leaves = np.broadcast_to(at.leaves.scores[rows], (draws, len(rows), len(at.leaves.codes))).copy()
    for column, (indicator, setting) in enumerate(zip(spec.indicators, result.cells.settings, strict=True)):
        # Each indicator has its own stream, so that adding one does not change the draws of another.
        stream = np.random.default_rng(generator.integers(0, 2**63))
        if setting.noise.method != "none" and indicator.after is None:
            _draw_one(result, column, indicator, setting, rows, chosen, stream, leaves)
    plan = Plan(spec, list(at.nodes.values()), rows, at.leaves.codes)
    found = evaluate_draws(plan, leaves, wanted=nodes)
    results = []
    for node in nodes:
        computed = at.nodes[node].status[rows] == COMPUTED
        scores = found[node][:, computed]
        ranks = rank_draws(scores * spec.rank_sign(node), spec.conventions.rank_decimals)
        results.append(SamplingDoubt(result, chosen, node, rows[computed], scores, ranks))
    return results


def _draw_one(
    result: Result,
    column: int,
    indicator: Indicator,
    setting: Resolved,
    rows: NDArray[np.intp],
    period: str,
    stream: np.random.Generator,
    leaves: Array,
) -> None:
    from pipelines.indices.normalise import scope_of
    from pipelines.indices.rollup import label_of
    from pipelines.indices.treat import transform_values

    cells, spec = result.cells, result.spec
    norm = result.norms.get((setting.code, label_of(scope_of(setting.normalise), spec.statistics, period)))
    if norm is None:
        return
    if norm.ordinal:
        raise DataError(f"indicator '{setting.code}': a value drawn anew has no place in a normalisation by ranks")
    top, bottom = cells.numerator[rows, column], cells.denominator[rows, column]
    usable = ~np.isnan(top) & (bottom > 0) & ~np.isnan(leaves[0, :, column])
    if not usable.any():
        return
    prior, k = _prior(cells, column, setting, rows, period)
    variance = np.zeros(int(usable.sum()))
    if setting.noise.method == "mean":
        variance = _variance(cells, setting, top[usable], bottom[usable], rows, usable)
    if setting.shrink is not None:
        # What a value rests on and how far a rate counts are the shrinkage's own; without them nothing changes.
        size = basis_of(cells, column, setting)[rows]
        own = within_posts(top / np.where(bottom > 0, bottom, np.nan) * indicator.scale, setting) / indicator.scale
        prior = within_posts(prior * indicator.scale, setting) / indicator.scale
        top, bottom = own * size, size
    values = _values(setting, top[usable], bottom[usable], prior[usable], k, stream, len(leaves), variance)
    values = values * indicator.scale
    treatment = result.treatments.get(
        (setting.code, label_of(getattr(setting.treat, "scope", None), spec.statistics, period))
    )
    flat = transform_values(indicator, values.ravel(), lambda place: f"a draw of '{setting.code}'")
    if treatment is not None:
        flat = treatment.apply(flat)
    leaves[:, usable, column] = norm.apply(flat).reshape(len(leaves), -1)


def _prior(cells: Cells, column: int, setting: Resolved, rows: NDArray[np.intp], period: str) -> tuple[Array, float]:
    """Return the rate each unit is shrunk towards, and k; without shrinkage the rate of all units and k = 0."""
    by: str | None = None
    everything: str | None = "all"
    if setting.shrink is not None:
        level = next(level for level in cells.spec.levels if level.level == setting.shrink.towards)
        by, everything = level.by, level.all
    groups = np.array(area_of(cells.table, by, everything))
    prior = np.full(len(rows), np.nan)
    for group in sorted(set(groups[rows])):
        members = (groups == group) & (cells.periods == period) & cells.basis
        both = members & ~np.isnan(cells.numerator[:, column]) & ~np.isnan(cells.denominator[:, column])
        total = cells.denominator[both, column].sum()
        if total > 0:
            prior[groups[rows] == group] = cells.numerator[both, column].sum() / total
    return prior, setting.shrink.k if setting.shrink is not None else 0.0


def _values(
    setting: Resolved,
    top: Array,
    bottom: Array,
    prior: Array,
    k: float,
    stream: np.random.Generator,
    draws: int,
    variance: Array,
) -> Array:
    """Draw values (draws x usable units) in the unit of numerator over denominator."""
    shape = (draws, len(top))
    method = setting.noise.method
    if method == "binomial":
        if (top > bottom * (1 + 1e-12)).any() or (top < 0).any():
            raise DataError(f"indicator '{setting.code}': binomial noise needs 0 <= numerator <= denominator")
        extra = _JEFFREYS if k == 0 else 0.0
        # A beta parameter must be positive even where nobody in the whole district has the property.
        above = np.maximum(top + k * prior + extra, 1e-9)
        below = np.maximum(bottom - top + k * (1.0 - prior) + extra, 1e-9)
        return stream.beta(above, below, size=shape)
    if method == "poisson":
        events = np.maximum(top + k * prior + (_JEFFREYS if k == 0 else 0.0), 1e-9)
        return stream.gamma(events, 1.0, size=shape) / (bottom + k)
    centre = (top + k * prior) / (bottom + k)
    return stream.normal(centre, np.sqrt(variance / (bottom + k)), size=shape)


def _variance(
    cells: Cells, setting: Resolved, top: Array, bottom: Array, rows: NDArray[np.intp], usable: NDArray[np.bool_]
) -> Array:
    """Variance of one observation: declared, or pooled over units from the sums of squares."""
    noise = setting.noise
    if noise.sd is not None:
        return np.full(len(top), noise.sd**2)
    if noise.squares is None:
        raise DataError(f"indicator '{setting.code}': noise of a mean needs 'sd' or 'squares'")
    squares = cells.table.numbers(noise.squares, f"indicator '{setting.code}', noise")[rows][usable]
    within = np.maximum(squares - top**2 / bottom, 0.0)
    freedom = max(float((bottom - 1).clip(min=0).sum()), 1.0)
    # Pooled: a village of three people cannot tell its own variance.
    return np.full(len(top), float(np.nansum(within)) / freedom)
