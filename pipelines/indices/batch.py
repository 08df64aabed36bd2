"""Evaluating a tree for many draws at once: draws x rows arrays, matrix products where leaves do not vary by draw.

The arithmetic is that of `aggregate`; a test holds a draw without variation against `build`. Which children suffice is
decided once, on the declared weights, and does not change from draw to draw. Not here: what is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.aggregate import Step, stepper
from pipelines.indices.column_methods import NormNone
from pipelines.indices.node_methods import Aggregate, FormulaNode, Mean, Mpi, PowerMean
from pipelines.indices.problems import DataError
from pipelines.indices.spec import IndexSpec
from pipelines.indices.tree import COMPUTED, NodeScores

Array = NDArray[np.float64]
_CHUNK = 4_000_000


@dataclass
class Plan:
    """A tree evaluated once: nodes bottom-up, the rows of interest, and each node's weights and computable rows."""

    spec: IndexSpec
    nodes: list[NodeScores]
    rows: NDArray[np.intp]
    leaf_codes: tuple[str, ...]


def _refuse(found: NodeScores) -> None:
    """Refuse a node whose score is more than an aggregate of its children."""
    plain = isinstance(found.node.normalise, NormNone) and found.node.after is None
    if not plain or any(step.method != "none" for step in found.node.impute):
        raise DataError(
            f"node '{found.node.code}' has an 'after' formula, imputation or normalisation of its own, "
            "which cannot be varied draw by draw"
        )


def evaluate_draws(
    plan: Plan, leaves: Array, multipliers: Mapping[str, Array] | None = None, wanted: list[str] | None = None
) -> dict[str, Array]:
    """Return scores of the `wanted` nodes (default: all) and the nodes below them, draws x rows.

    `leaves` is rows x indicators (the same for all draws) or draws x rows x indicators; `multipliers` gives for a
    child's code one factor on its weight a draw.
    """
    factors = dict(multipliers or {})
    draws = leaves.shape[0] if leaves.ndim == 3 else max((len(value) for value in factors.values()), default=1)
    done: dict[str, Array] = {}
    needed = _below(plan.spec, wanted) if wanted is not None else {found.node.code for found in plan.nodes}
    for found in plan.nodes:
        if found.node.code not in needed:
            continue
        _refuse(found)
        method = found.node.aggregate or plan.spec.node_defaults.aggregate
        weights = found.weights[plan.rows]
        usable = found.status[plan.rows] == COMPUTED
        only_leaves = all(child in plan.leaf_codes for child in found.children)
        same = bool(np.allclose(weights, weights[0], rtol=0, atol=0, equal_nan=True))
        if only_leaves and same and leaves.ndim == 2 and _has_product(method):
            values = leaves[:, [plan.leaf_codes.index(child) for child in found.children]]
            table = weights[0] * np.column_stack([factors.get(c, np.ones(draws)) for c in found.children])
            scores = _product(method, values, table, plan.spec.conventions.sd)
        else:
            scores = _elementwise(plan, found, method, leaves, done, weights, factors, draws)
        scores[:, ~usable] = np.nan
        done[found.node.code] = scores
    return done


def _below(spec: IndexSpec, wanted: list[str]) -> set[str]:
    """Return the wanted nodes and every node below them."""
    inner = {node.code for node in spec.nodes}
    found, stack = set(wanted), list(wanted)
    while stack:
        children = [child for child in spec.children(stack.pop()) if child in inner]
        found.update(children)
        stack += children
    return found


def _has_product(method: Aggregate) -> bool:
    means = isinstance(method, Mean) and method.method in ("arithmetic", "geometric", "harmonic")
    return means or isinstance(method, PowerMean | Mpi)


def _product(method: Aggregate, values: Array, weights: Array, sd: str) -> Array:
    """Aggregate values (rows x k) by weights (draws x k) through matrix products."""
    present = ~np.isnan(values)
    mask = present.T.astype(float)
    total = weights @ mask
    total = np.where(total == 0, np.nan, total)

    def mean(of: Array) -> Array:
        result: Array = (weights @ np.where(present, of, 0.0).T) / total
        return result

    filled = np.where(present, values, 1.0)
    if isinstance(method, PowerMean):
        return mean(filled**method.p) ** (1.0 / method.p)
    if isinstance(method, Mpi):
        centre = mean(filled)
        # Values are shifted by their row mean first: a difference of squares of like size would lose digits.
        base = np.nanmean(np.where(present, values, np.nan), axis=1)
        shifted = filled - base[:, None]
        variance = mean(shifted**2) - mean(shifted) ** 2
        if (method.sd or sd) == "sample":
            correction = 1.0 - (weights**2 @ mask) / total**2
            variance = np.where(correction <= 1e-12, 0.0, variance / np.where(correction <= 1e-12, 1.0, correction))
        return centre + (-1 if method.penalty == "subtract" else 1) * variance / centre
    name = method.method
    if name == "geometric":
        return np.exp(mean(np.log(filled)))
    if name == "harmonic":
        return 1.0 / mean(1.0 / filled)
    return mean(filled)


def _elementwise(
    plan: Plan,
    found: NodeScores,
    method: Aggregate,
    leaves: Array,
    done: Mapping[str, Array],
    weights: Array,
    factors: Mapping[str, Array],
    draws: int,
) -> Array:
    step = (
        _formula_step(found, method) if isinstance(method, FormulaNode) else stepper(method, plan.spec.conventions.sd)
    )
    if step is None:
        raise DataError(f"node '{found.node.code}': {method.method} compares units and cannot be varied draw by draw")
    count, size = len(plan.rows), len(found.children)
    scores = np.empty((draws, count))
    chunk = max(1, _CHUNK // (count * size))
    for start in range(0, draws, chunk):
        stop = min(draws, start + chunk)
        values = np.empty((stop - start, count, size))
        table = np.empty((stop - start, count, size))
        for number, child in enumerate(found.children):
            if child in done:
                values[:, :, number] = done[child][start:stop]
            else:
                column = plan.leaf_codes.index(child)
                values[:, :, number] = leaves[start:stop, :, column] if leaves.ndim == 3 else leaves[:, column]
            factor = factors[child][start:stop, None] if child in factors else 1.0
            table[:, :, number] = weights[:, number] * factor
        with np.errstate(all="ignore"):
            scores[start:stop] = step(values, table)
    return scores


def _formula_step(found: NodeScores, method: FormulaNode) -> Step:
    """Return the function of a formula node, which reads its children and no weights."""

    def step(values: Array, weights: Array) -> Array:
        draws, rows, _ = values.shape
        named = {child: values[:, :, number].reshape(-1) for number, child in enumerate(found.children)}
        what = f"node '{found.node.code}'"
        flat = method.formula.evaluate(named, draws * rows, lambda place: f"draw {place // rows}", what)
        return flat.reshape(draws, rows)

    return step


def rank_draws(scores: Array, decimals: int) -> Array:
    """Rank each draw's scores (draws x rows), highest first, ties getting the best rank; NaN stays NaN."""
    keys = np.where(np.isnan(scores), np.inf, -np.round(scores, decimals))
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    first = np.ones(keys.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    place = np.where(first, np.arange(1, keys.shape[1] + 1), 0)
    place = np.maximum.accumulate(place, axis=1)
    ranks = np.empty(keys.shape)
    np.put_along_axis(ranks, order, place.astype(float), axis=1)
    return np.where(np.isnan(scores), np.nan, ranks)
