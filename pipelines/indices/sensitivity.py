"""Doubt about the method: ranks under other normalisations, treatments, weights and aggregations, and what drives them.

The bands say how far a rank depends on choices of the method. They are not sampling error (`sampling`) and are labelled
apart from it. Not here: the estimators (`effects`) and the arithmetic of many draws (`batch`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.batch import Plan, evaluate_draws, rank_draws
from pipelines.indices.build import normalise_cells, prepare, unit_rows
from pipelines.indices.cells import NOT_APPLICABLE, observed
from pipelines.indices.effects import Effects, effects, saltelli_points, unit_total_effects
from pipelines.indices.gather import gather
from pipelines.indices.numerics import is_constant
from pipelines.indices.problems import DataError, IndexFault
from pipelines.indices.result import LevelResult, Result
from pipelines.indices.rules import parse_choice
from pipelines.indices.spec import Factor, IndexSpec
from pipelines.indices.tree import COMPUTED, Fits, Leaves, evaluate

Array = NDArray[np.float64]
_DATA = ("impute", "treat", "normalise")
_TREE = ("weights", "aggregate")

DEFAULT_FACTORS = (
    Factor(
        factor="normalise",
        choices=(
            "declared",
            {"method": "minmax", "range": [1, 100]},
            {"method": "zscore", "centre": 50, "spread": 16, "clip": [1, 100]},
            {"method": "percentile_rank", "definition": "less_one", "scale": 99, "offset": 1},
        ),
    ),
    Factor(factor="aggregate", choices=("declared", "arithmetic", "geometric")),
    Factor(factor="weight_noise", spread=0.25),
)


@dataclass
class Sensitivity:
    """Ranks a unit (rows as `units`), mean rank shift a draw, and effects by factor (`names`)."""

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


@dataclass
class _Case:
    """One combination of discrete choices: its plan, leaf scores and rows."""

    plan: Plan
    leaves: Array


def sensitivity(
    result: Result, node: str | None = None, period: str | None = None, draws: int | None = None
) -> Sensitivity:
    """Run the Monte Carlo over the specification's factors (or the default ones) for one node and period.

    `draws` overrides the number of base points (a power of two); the number of runs is draws x (factors + 2). Raises
    `DataError` if a combination of choices cannot be computed, naming it.
    """
    spec = result.spec
    name = node or spec.root.code
    at = result.units
    chosen = period or at.periods[-1]
    base = draws or spec.uncertainty.draws
    if base & (base - 1):
        raise DataError(f"draws must be a power of two (Sobol' points), not {base}")
    factors = spec.uncertainty.factors or DEFAULT_FACTORS
    names = _names(factors)
    rows = _rows(at, name, chosen)
    noisy = _noisy_children(spec, factors)
    groups = _groups(factors, noisy)
    points = saltelli_points(base, groups, spec.uncertainty.seed)
    reference = rank_draws(at.nodes[name].score[rows][None, :], spec.conventions.rank_decimals)[0]
    blocks = points.shape[0]
    scores = _run(result, name, factors, groups, noisy, points.reshape(blocks * base, -1), rows)
    ranks = rank_draws(scores, spec.conventions.rank_decimals)
    shift = np.abs(ranks - reference).mean(axis=1).reshape(blocks, base)
    unit_first, unit_total = unit_total_effects(ranks.reshape(blocks, base, -1))
    return Sensitivity(
        spec=spec,
        period=chosen,
        node=name,
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
        labels={n: [str(choice) for choice in f.choices] for n, f in zip(names, factors, strict=True)},
    )


def _names(factors: tuple[Factor, ...]) -> list[str]:
    names: list[str] = []
    for factor in factors:
        name = factor.factor if not factor.nodes else f"{factor.factor}_{'_'.join(factor.nodes)}"
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _rows(at: LevelResult, node: str, period: str) -> NDArray[np.intp]:
    if node not in at.nodes:
        raise DataError(f"unknown node '{node}'")
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
    node: str,
    factors: tuple[Factor, ...],
    groups: list[int],
    noisy: dict[int, list[str]],
    points: Array,
    rows: NDArray[np.intp],
) -> Array:
    """Return the node's scores, runs x rows."""
    first = [groups.index(number) for number in range(len(factors))]
    discrete = np.zeros((len(points), len(factors)), dtype=np.int64)
    for number, factor in enumerate(factors):
        if factor.choices:
            count = len(factor.choices)
            discrete[:, number] = np.minimum((points[:, first[number]] * count).astype(np.int64), count - 1)
    scores = np.empty((len(points), len(rows)))
    combinations, place = np.unique(discrete, axis=0, return_inverse=True)
    place = place.reshape(-1)
    cache: dict[tuple[int, ...], tuple[Leaves, Any]] = {}
    for number, combination in enumerate(combinations):
        case = _case(result, factors, tuple(int(choice) for choice in combination), rows, cache)
        members = np.flatnonzero(place == number)
        multipliers = _multipliers(factors, noisy, first, points[members])
        found = evaluate_draws(case.plan, case.leaves, multipliers)[node]
        if np.isnan(found).any():
            unit = result.units.codes[rows[int(np.argwhere(np.isnan(found))[0][1])]]
            raise DataError(f"{_describe(factors, combination)}: no score for {unit}")
        scores[members] = found
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


def _describe(factors: tuple[Factor, ...], combination: Array) -> str:
    chosen = [f"{f.factor} {f.choices[int(c)]}" for f, c in zip(factors, combination, strict=True) if f.choices]
    return "with " + ", ".join(chosen) if chosen else "with noise on weights"


def _case(
    result: Result,
    factors: tuple[Factor, ...],
    combination: tuple[int, ...],
    rows: NDArray[np.intp],
    cache: dict[tuple[int, ...], tuple[Leaves, Any]],
) -> _Case:
    spec = vary(result.spec, factors, combination, _variable(result))
    key = tuple(c for f, c in zip(factors, combination, strict=True) if f.factor in _DATA)
    try:
        if key not in cache:
            cells = gather(spec, result.table)
            prepare(cells)
            _, scores = normalise_cells(cells)
            leaves = Leaves(cells.codes, scores, cells.values, cells.status == NOT_APPLICABLE)
            cache[key] = leaves, unit_rows(cells)
        leaves, described = cache[key]
        nodes = evaluate(spec, leaves, described, Fits(), fitting=True)
    except IndexFault as fault:
        raise DataError(f"{_describe(factors, np.array(combination))}: {fault}") from fault
    plan = Plan(spec, list(nodes.values()), rows, leaves.codes)
    return _Case(plan, leaves.scores[rows])


def _variable(result: Result) -> frozenset[str]:
    """Return the indicators that differ between units in every period; others keep their declared method."""
    at = result.units
    found = []
    for column, code in enumerate(at.leaves.codes):
        values = at.stages["denominated"][:, column]
        kinds = [observed(values[rows], at.ranked[rows]) for _, rows in at.period_rows()]
        if all(len(kind) > 1 and not is_constant(kind) for kind in kinds):
            found.append(code)
    return frozenset(found)


def vary(
    spec: IndexSpec, factors: tuple[Factor, ...], combination: tuple[int, ...], variable: frozenset[str]
) -> IndexSpec:
    """Return the specification with one choice of each discrete factor put in, for indicators in `variable`."""
    indicators, nodes = list(spec.indicators), list(spec.nodes)
    for factor, number in zip(factors, combination, strict=True):
        if factor.factor not in (*_DATA, *_TREE):
            continue
        choice = parse_choice(factor, factor.choices[number])
        if choice is None:
            continue
        if factor.factor in _DATA:
            within = {leaf for code in factor.nodes or (spec.root.code,) for leaf in spec.leaves(code)} & variable
            update: dict[str, Any] = {factor.factor: choice}
            if factor.factor == "normalise":
                update["goalposts"] = None
            indicators = [i.model_copy(update=update) if i.code in within else i for i in indicators]
        else:
            default = (spec.root.code,) if factor.factor == "aggregate" else tuple(node.code for node in nodes)
            affected = factor.nodes or default
            nodes = [n.model_copy(update={factor.factor: choice}) if n.code in affected else n for n in nodes]
    return spec.model_copy(update={"indicators": tuple(indicators), "nodes": tuple(nodes)})
