"""Doubt about the method: ranks under other normalisations, treatments, weights and aggregations, and what drives them.

The bands say how far a rank depends on choices of the method. They are not sampling error (`sampling`) and are labelled
apart from it. Not here: the estimators (`effects`) and the arithmetic of many draws (`batch`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.batch import evaluate_draws, rank_draws
from pipelines.indices.doubt_parts import Factor
from pipelines.indices.effects import Effects, effects, saltelli_points, unit_total_effects
from pipelines.indices.factors import chosen_factors, refuse_untouched
from pipelines.indices.problems import DataError, nearest
from pipelines.indices.result import LevelResult, Result
from pipelines.indices.spec import IndexSpec
from pipelines.indices.tree import COMPUTED
from pipelines.indices.variants import Variants, variable_indicators

Array = NDArray[np.float64]


@dataclass
class Sensitivity:
    """Ranks a unit (rows as `units`), mean rank shift a draw, and effects by factor (`names`).

    `left_out` says which choices were not varied and why.
    """

    spec: IndexSpec
    period: str
    node: str
    units: list[str]
    names: list[str]
    reference: Array
    ranks: Array
    shift: Array
    overall: Effects
    unit_first: Array
    unit_total: Array
    runs: int
    labels: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def intervals(self) -> pl.DataFrame:
        """Return one row a unit: reference rank, median, mean, lower and upper percentile (type 7) over the draws."""
        low, high = self.spec.uncertainty.interval
        columns: dict[str, Any] = {
            "index": [self.spec.index] * len(self.units),
            "edition": [self.spec.edition] * len(self.units),
            "period": [self.period] * len(self.units),
            "node": [self.node] * len(self.units),
            "area_code": self.units,
            "rank": self.reference,
            "rank_median": np.median(self.ranks, axis=0),
            "rank_mean": np.round(self.ranks.mean(axis=0), 10),
            "rank_low": np.percentile(self.ranks, low, axis=0),
            "rank_high": np.percentile(self.ranks, high, axis=0),
        }
        for number, name in enumerate(self.names):
            columns[f"total_{name}"] = np.round(self.unit_total[number], 6)
        return pl.DataFrame(columns)

    def table(self) -> pl.DataFrame:
        """Return one row a factor: first-order and total effect on the mean rank shift, with bootstrap intervals."""
        found = self.overall
        return pl.DataFrame(
            {
                "factor": self.names,
                "choices": ["; ".join(self.labels.get(name, [])) for name in self.names],
                "first": np.round(found.first, 6),
                "first_low": np.round(found.first_low, 6),
                "first_high": np.round(found.first_high, 6),
                "total": np.round(found.total, 6),
                "total_low": np.round(found.total_low, 6),
                "total_high": np.round(found.total_high, 6),
            }
        )


def sensitivity(
    result: Result, node: str | None = None, period: str | None = None, draws: int | None = None
) -> Sensitivity:
    """Run the Monte Carlo for one node (default: the root); see `sensitivities`."""
    return sensitivities(result, [node or result.spec.root.code], period, draws)[0]


def sensitivities(
    result: Result, nodes: list[str], period: str | None = None, draws: int | None = None
) -> list[Sensitivity]:
    """Run the Monte Carlo over the specification's factors (or the default ones) for some nodes and one period.

    `draws` overrides the number of base points (a power of two); the number of runs is draws x (factors + 2). Raises
    `DataError` if a combination of choices cannot be computed, naming it.
    """
    spec = result.spec
    at = result.units
    chosen = period or at.periods[-1]
    base = draws or spec.uncertainty.draws
    if base & (base - 1):
        raise DataError(f"draws must be a power of two (Sobol' points), not {base}")
    factors, left_out = chosen_factors(result)
    noisy = _noisy_children(spec, factors)
    groups = _groups(factors, noisy)
    points = saltelli_points(base, groups, spec.uncertainty.seed)
    blocks = points.shape[0]
    rows = {node: _rows(at, node, chosen) for node in nodes}
    variable = variable_indicators(result)
    untouched = {node: refuse_untouched(spec, factors, node, variable) for node in nodes}
    everyone = np.unique(np.concatenate(list(rows.values())))
    scores = _run(result, nodes, factors, groups, noisy, points.reshape(blocks * base, -1), everyone)
    judged = []
    for node in nodes:
        own = scores[node][:, np.isin(everyone, rows[node])]
        if np.isnan(own).any():
            unit = at.codes[rows[node][int(np.argwhere(np.isnan(own))[0][1])]]
            raise DataError(f"node '{node}': under some combination of choices {unit} has no score")
        found = _judge(result, node, chosen, factors, rows[node], own, base, blocks)
        found.left_out = left_out | dict.fromkeys(untouched[node], f"touches nothing that '{node}' is made of")
        judged.append(found)
    return judged


def _judge(
    result: Result,
    node: str,
    period: str,
    factors: tuple[Factor, ...],
    rows: NDArray[np.intp],
    scores: Array,
    base: int,
    blocks: int,
) -> Sensitivity:
    """Turn a node's scores (runs x rows) into ranks, their shift and the effects on both."""
    spec, at = result.spec, result.units
    decimals = spec.conventions.rank_decimals
    sign = spec.rank_sign(node)
    reference = rank_draws(at.nodes[node].score[rows][None, :] * sign, decimals)[0]
    ranks = rank_draws(scores * sign, decimals)
    shift = np.abs(ranks - reference).mean(axis=1).reshape(blocks, base)
    unit_first, unit_total = unit_total_effects(ranks.reshape(blocks, base, -1))
    names = _names(factors)
    return Sensitivity(
        spec=spec,
        period=period,
        node=node,
        units=[at.codes[row] for row in rows],
        names=names,
        reference=reference,
        # A and B are independent samples of the choices; the mixed blocks are not and serve the effects only.
        ranks=ranks[: 2 * base],
        shift=shift,
        overall=effects(shift, spec.uncertainty.bootstrap, spec.uncertainty.seed),
        unit_first=unit_first,
        unit_total=unit_total,
        runs=blocks * base,
        labels={name: [choice_text(c) for c in factor.choices] for name, factor in zip(names, factors, strict=True)},
    )


def choice_text(choice: Any) -> str:
    """Write a choice as people would: `zscore (centre 50, spread 16)`."""
    if isinstance(choice, dict):
        rest = ", ".join(f"{key} {value}" for key, value in choice.items() if key != "method")
        return f"{choice.get('method')} ({rest})" if rest else str(choice.get("method"))
    if isinstance(choice, list | tuple):
        return " then ".join(choice_text(step) for step in choice)
    return str(choice)


def _names(factors: tuple[Factor, ...]) -> list[str]:
    names: list[str] = []
    for factor in factors:
        name = factor.factor if not factor.nodes else f"{factor.factor}_{'_'.join(factor.nodes)}"
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _rows(at: LevelResult, node: str, period: str) -> NDArray[np.intp]:
    if node not in at.nodes:
        raise DataError(f"unknown node '{node}'{nearest(node, at.nodes)}")
    found = at.nodes[node]
    in_period = np.array(at.periods) == period
    rows = np.flatnonzero(in_period & at.ranked & (found.status == COMPUTED))
    if len(rows) < 2:
        raise DataError(f"node '{node}' is computed for {len(rows)} units in period '{period}': nothing to rank")
    return rows


def _noisy_children(spec: IndexSpec, factors: tuple[Factor, ...]) -> dict[int, list[str]]:
    """Return for each factor with one input a child (noise, drop) the children it varies."""
    result: dict[int, list[str]] = {}
    for number, factor in enumerate(factors):
        nodes = factor.nodes or tuple(node.code for node in spec.nodes)
        # What a formula reads has no weight there.
        nodes = tuple(code for code in nodes if not spec.formula_names(code))
        if factor.factor == "weight_noise":
            result[number] = [c for code in nodes for c in spec.children(code) if len(spec.children(code)) > 1]
        if factor.factor == "drop":
            result[number] = [leaf for code in (factor.nodes or (spec.root.code,)) for leaf in spec.leaves(code)]
    return result


def _groups(factors: tuple[Factor, ...], noisy: dict[int, list[str]]) -> list[int]:
    """Return the factor of each input of the design: one input a choice, one a child for noise on weights."""
    groups: list[int] = []
    for number, factor in enumerate(factors):
        groups += [number] * (len(noisy[number]) if factor.factor == "weight_noise" else 1)
    return groups


def _run(
    result: Result,
    nodes: list[str],
    factors: tuple[Factor, ...],
    groups: list[int],
    noisy: dict[int, list[str]],
    points: Array,
    rows: NDArray[np.intp],
) -> dict[str, Array]:
    """Return each node's scores, runs x rows."""
    first = [groups.index(number) for number in range(len(factors))]
    discrete = np.zeros((len(points), len(factors)), dtype=np.int64)
    for number, factor in enumerate(factors):
        if factor.choices:
            count = len(factor.choices)
            discrete[:, number] = np.minimum((points[:, first[number]] * count).astype(np.int64), count - 1)
    scores = {node: np.empty((len(points), len(rows))) for node in nodes}
    combinations, place = np.unique(discrete, axis=0, return_inverse=True)
    variants = Variants(result, factors, rows)
    for number, combination in enumerate(combinations):
        plan, leaves = variants.case(tuple(int(choice) for choice in combination))
        members = np.flatnonzero(place.reshape(-1) == number)
        found = evaluate_draws(plan, leaves, _multipliers(factors, noisy, first, points[members]), nodes)
        for node in nodes:
            scores[node][members] = found[node]
    return scores


def _multipliers(
    factors: tuple[Factor, ...], noisy: dict[int, list[str]], first: list[int], points: Array
) -> dict[str, Array]:
    multipliers: dict[str, Array] = {}
    for number, factor in enumerate(factors):
        start = first[number]
        if factor.factor == "weight_noise":
            for place, child in enumerate(noisy[number]):
                noise = 1.0 + factor.spread * (2.0 * points[:, start + place] - 1.0)
                multipliers[child] = multipliers.get(child, 1.0) * noise
        if factor.factor == "drop":
            # The input chooses nobody or one of the leaves, each alike.
            choice = (points[:, start] * (len(noisy[number]) + 1)).astype(np.int64)
            for place, child in enumerate(noisy[number], start=1):
                multipliers[child] = multipliers.get(child, 1.0) * (choice != place)
    return {child: np.broadcast_to(value, (len(points),)) for child, value in multipliers.items()} or {
        "": np.ones(len(points))
    }
