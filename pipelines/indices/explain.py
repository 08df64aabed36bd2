"""Taking a score apart: each indicator's contribution to a node, so that contributions and rests sum to the score.

A contribution is passed down the tree by each method's own rule (`aggregate.shares`). What no indicator can be
credited with (the shift of a later normalisation, an `after` formula, a method that compares units) is a row of its
own, called a rest. Not here: judging whether the method is robust (`sensitivity`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.aggregate import shares
from pipelines.indices.cells import STATUS_NAMES
from pipelines.indices.problems import DataError, nearest
from pipelines.indices.result import DECIMALS, LevelResult, Result
from pipelines.indices.tree import IMPUTED, NodeScores

Array = NDArray[np.float64]


@dataclass
class Parts:
    """Contributions to one node: rows x leaves, and named rests of one number a row. NaN nowhere."""

    leaves: Array
    weights: Array
    rests: dict[str, Array]

    def scaled(self, factor: Array) -> "Parts":
        """Multiply contributions and rests by one number a row."""
        rests = {name: rest * factor for name, rest in self.rests.items()}
        return Parts(self.leaves * factor[:, None], self.weights, rests)

    def total(self) -> Array:
        """Return the sum a row, which is the node's score."""
        return self.leaves.sum(axis=1) + sum(self.rests.values(), np.zeros(len(self.leaves)))


def parts_of(result: Result, level: str, node: str) -> Parts:
    """Return the contributions to a node for all rows of a level (0 where the node has no score)."""
    at = result.levels[level]
    if node not in at.nodes:
        raise DataError(f"unknown node '{node}'{nearest(node, at.nodes)}")
    return _node(result, at, at.nodes[node])


def _leaf(at: LevelResult, code: str) -> Parts:
    column = at.leaves.codes.index(code)
    shape = at.leaves.scores.shape
    leaves, weights = np.zeros(shape), np.zeros(shape)
    score = at.leaves.scores[:, column]
    leaves[:, column] = np.nan_to_num(score)
    weights[:, column] = ~np.isnan(score)
    return Parts(leaves, weights, {})


def _node(result: Result, at: LevelResult, found: NodeScores) -> Parts:
    method = found.node.aggregate or result.spec.node_defaults.aggregate
    shape = at.leaves.scores.shape
    score = np.nan_to_num(found.score)
    share = shares(method, found.values, found.weights, found.aggregated, result.spec.conventions.sd)
    computed = ~np.isnan(found.score) & (found.status != IMPUTED) & ~np.isnan(found.aggregated)
    total = Parts(np.zeros(shape), np.zeros(shape), {})
    if share is None:
        total.rests[f"{found.node.code}: {method.method}"] = score
        return total
    present = np.where(np.isnan(found.values), 0.0, found.weights)
    sums = present.sum(axis=1, keepdims=True)
    rescaled = present / np.where(sums == 0, 1.0, sums)
    for number, child in enumerate(found.children):
        factor = np.where(computed & ~np.isnan(found.values[:, number]), np.nan_to_num(share[:, number]), 0.0)
        below = _node(result, at, at.nodes[child]) if child in at.nodes else _leaf(at, child)
        part = below.scaled(factor)
        total.leaves += part.leaves
        total.weights += below.weights * rescaled[:, number : number + 1]
        for name, rest in part.rests.items():
            total.rests[name] = total.rests.get(name, 0.0) + rest
    aggregated = np.where(computed, np.nan_to_num(found.aggregated), 0.0)
    imputed = found.status == IMPUTED
    if imputed.any():
        total.rests[f"{found.node.code}: imputed"] = np.where(imputed, score, 0.0)
    after = np.where(computed, np.nan_to_num(found.after), 0.0)
    if found.node.after is not None:
        total.rests[f"{found.node.code}: {found.node.after.text}"] = after - aggregated
    rest = np.where(computed, score - after, 0.0)
    if rest.any():
        total.rests[f"{found.node.code}: {found.node.normalise.method}"] = rest
    return total


def explanations(result: Result, levels: list[str] | None = None, nodes: list[str] | None = None) -> pl.DataFrame:
    """Return one row an area, period, node and indicator or rest; contributions sum to the node's score."""
    frames = []
    for level in levels or list(result.levels):
        for node in nodes or [node.code for node in result.spec.nodes]:
            frames.append(_table(result, level, node))
    return pl.concat(frames)


def _table(result: Result, level: str, node: str) -> pl.DataFrame:
    at = result.levels[level]
    parts = parts_of(result, level, node)
    has_score = ~np.isnan(at.nodes[node].score)
    used = (parts.weights != 0) | (parts.leaves != 0)
    rows, columns = np.nonzero(used & has_score[:, None])
    codes = np.array(at.leaves.codes)
    status = np.array(STATUS_NAMES)[at.status]
    pieces = [
        _frame(
            result,
            level,
            node,
            rows,
            codes[columns].tolist(),
            "indicator",
            parts.weights[rows, columns],
            at.stages["treated"][rows, columns],
            at.leaves.scores[rows, columns],
            parts.leaves[rows, columns],
            status[rows, columns].tolist(),
        )
    ]
    for name, rest in parts.rests.items():
        rows = np.flatnonzero(has_score & (rest != 0))
        empty = np.full(len(rows), np.nan)
        pieces.append(
            _frame(
                result,
                level,
                node,
                rows,
                [name] * len(rows),
                "rest",
                empty,
                empty,
                empty,
                rest[rows],
                [None] * len(rows),
            )
        )
    return pl.concat(pieces)


def _frame(
    result: Result,
    level: str,
    node: str,
    rows: NDArray[np.intp],
    parts: list[str],
    kind: str,
    weight: Array,
    value: Array,
    score: Array,
    contribution: Array,
    status: list[str] | list[None],
) -> pl.DataFrame:
    at = result.levels[level]
    count = len(rows)
    data = {
        "index": [result.spec.index] * count,
        "edition": [result.spec.edition] * count,
        "level": [level] * count,
        "area_code": [at.codes[row] for row in rows],
        "period": [at.periods[row] for row in rows],
        "node": [node] * count,
        "part": parts,
        "kind": [kind] * count,
        "weight": np.round(weight, 12),
        "value": np.round(value, DECIMALS),
        "score": np.round(score, DECIMALS),
        # Twelve decimals, so that the sum of stored contributions is the stored score to 1e-9.
        "contribution": np.round(contribution, 12) + 0.0,
        "status": status,
    }
    numbers = ("weight", "value", "score", "contribution")
    schema = {name: pl.Float64 if name in numbers else pl.String for name in data}
    return pl.DataFrame(data, schema=schema).with_columns(pl.col(name).fill_nan(None) for name in numbers)


def explain(
    result: Result, code: str, level: str | None = None, period: str | None = None, node: str | None = None
) -> dict:
    """Take one area's score apart: score, rank, availability, status, parts, children and gaps as plain data."""
    level = level or result.spec.units.level
    if level not in result.levels:
        raise DataError(f"unknown level '{level}'{nearest(level, result.levels)}")
    at = result.levels[level]
    row = at.row(code, period)
    name = node or result.spec.root.code
    if name not in at.nodes:
        raise DataError(f"unknown node '{name}'{nearest(name, at.nodes)}")
    found = at.nodes[name]
    parts = parts_of(result, level, name)
    listed = []
    if not np.isnan(found.score[row]):
        for column, leaf in enumerate(at.leaves.codes):
            if parts.weights[row, column] or parts.leaves[row, column]:
                listed.append(_part(result, at, row, column, leaf, parts))
        for rest_name, rest in parts.rests.items():
            if rest[row]:
                listed.append({"part": rest_name, "kind": "rest", "contribution": float(rest[row])})
    rank = result.ranks(level, name)[row]
    share = found.availability[row]
    return {
        "area": code,
        "period": at.periods[row] or None,
        "node": name,
        "score": None if np.isnan(found.score[row]) else float(found.score[row]),
        "rank": None if np.isnan(rank) else float(rank),
        "availability": None if share is None else str(share),
        "status": str(found.status[row]),
        "edition": result.spec.edition,
        "parts": listed,
        "children": [
            {"code": child, "score": _number(found.values[row, n]), "weight": float(found.weights[row, n])}
            for n, child in enumerate(found.children)
        ],
        "gaps": [
            {"indicator": leaf, "status": STATUS_NAMES[at.status[row, c]], "reasons": at.reasons.get((row, c), [])}
            for c, leaf in enumerate(at.leaves.codes)
            if np.isnan(at.leaves.scores[row, c]) and leaf in set(result.spec.leaves(name))
        ],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _part(result: Result, at: LevelResult, row: int, column: int, leaf: str, parts: Parts) -> dict:
    indicator = next(indicator for indicator in result.spec.indicators if indicator.code == leaf)
    stages = {stage: _number(values[row, column]) for stage, values in at.stages.items()}
    return {
        "part": leaf,
        "kind": "indicator",
        "name": indicator.name or indicator.name_en,
        "unit": indicator.unit,
        "numerator": _number(at.numerator[row, column]),
        "denominator": _number(at.denominator[row, column]),
        **stages,
        "score": _number(at.leaves.scores[row, column]),
        "weight": float(parts.weights[row, column]),
        "contribution": float(parts.leaves[row, column]),
        "status": STATUS_NAMES[at.status[row, column]],
        "reasons": at.reasons.get((row, column), []),
    }
