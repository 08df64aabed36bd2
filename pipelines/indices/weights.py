"""Weights of a node's children that people set: equal, given, points, pairwise comparisons. Always exact fractions.

Belongs here: turning a specification's weights into fractions that sum to 1. Not here: weights that come from data
(`data_weights`) and effective weights over the whole tree (`associations`).
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipelines.indices.node_methods import AhpWeights, BudgetWeights, EqualWeights, GivenWeights
from pipelines.indices.problems import DataError
from pipelines.indices.spec import IndexSpec

Array = NDArray[np.float64]

# Random indices by size of the matrix. Sources: Saaty 1980; Saaty 2005 (Theory and Applications of the ANP, p. 31);
# Donegan and Dodd 1991 (Mathematical and Computer Modelling 15:10).
RANDOM_INDEX: dict[str, dict[int, float]] = {
    "saaty_1980": dict(
        zip(range(3, 16), (0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59), strict=True)
    ),
    "saaty_2005": dict(
        zip(range(3, 16), (0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49, 1.52, 1.54, 1.56, 1.58, 1.59), strict=True)
    ),
    "donegan_dodd": dict(
        zip(
            range(3, 21),
            (
                *(0.4914, 0.8286, 1.0591, 1.1797, 1.2519, 1.3171, 1.3733, 1.4055, 1.4213),
                *(1.4497, 1.4643, 1.4822, 1.4969, 1.5078, 1.5153, 1.5262, 1.5313, 1.5371),
            ),
            strict=True,
        )
    ),
}


@dataclass(frozen=True)
class WeightSet:
    """Weights of a node's children (fractions that sum to 1) and the numbers that go with the method."""

    weights: tuple[Fraction, ...]
    numbers: dict[str, float] = field(default_factory=dict)


def exact(values: "list[float] | Array | tuple[Fraction, ...] | list[Fraction]") -> tuple[Fraction, ...]:
    """Scale numbers to fractions that sum to exactly 1."""
    fractions = [Fraction(value) if isinstance(value, Fraction) else Fraction(float(value)) for value in values]
    total = sum(fractions, Fraction(0))
    if total == 0:
        raise DataError("weights that sum to 0 cannot be scaled")
    return tuple(value / total for value in fractions)


def equal(children: tuple[str, ...]) -> WeightSet:
    """1/k each."""
    return WeightSet(tuple(Fraction(1, len(children)) for _ in children))


def given(spec: IndexSpec, method: GivenWeights, children: tuple[str, ...]) -> dict[str, WeightSet]:
    """Return weight sets by value of `by`; the only key is empty text where weights do not depend on the unit."""
    if method.sets is not None:
        return {name: WeightSet(exact([values[code] for code in children])) for name, values in method.sets.items()}
    if method.values is not None:
        return {"": WeightSet(exact([method.values[code] for code in children]))}
    return {"": WeightSet(exact([spec.part(code).weight or Fraction(0) for code in children]))}


def budget(method: BudgetWeights, children: tuple[str, ...]) -> WeightSet:
    """Mean of the experts' points."""
    sums = [sum((points[code] for points in method.experts.values()), Fraction(0)) for code in children]
    return WeightSet(exact(sums), {"experts": float(len(method.experts))})


def comparison_matrix(method: AhpWeights, children: tuple[str, ...]) -> Array:
    """Return the reciprocal matrix; pairs nobody compared are NaN."""
    matrix = np.full((len(children), len(children)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for text, value in method.comparisons.items():
        first, second = (children.index(name.strip()) for name in text.split(" over "))
        matrix[first, second] = float(value)
        matrix[second, first] = float(1 / value)
    return matrix


def principal(matrix: Array) -> tuple[float, Array]:
    """Return the greatest eigenvalue of a positive matrix and its eigenvector, scaled to sum 1."""
    eigenvalues, vectors = np.linalg.eig(matrix)
    place = int(np.argmax(eigenvalues.real))
    vector = np.abs(vectors[:, place].real)
    return float(eigenvalues[place].real), vector / vector.sum()


def complete(matrix: Array) -> Array:
    """Fill missing comparisons so that lambda_max is least (Bozoki et al. 2010; convex in their logarithms)."""
    gaps = [(i, j) for i in range(len(matrix)) for j in range(i + 1, len(matrix)) if np.isnan(matrix[i, j])]
    if not gaps:
        return matrix

    def fill(logs: Array) -> Array:
        filled = matrix.copy()
        for (i, j), value in zip(gaps, np.exp(logs), strict=True):
            filled[i, j], filled[j, i] = value, 1.0 / value
        return filled

    found = minimize(
        lambda logs: principal(fill(logs))[0],
        np.zeros(len(gaps)),
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20000, "maxfev": 40000},
    )
    return fill(found.x)


def ahp(method: AhpWeights, children: tuple[str, ...], table: str, what: str) -> WeightSet:
    """Principal right eigenvector with its consistency ratio by the named random-index table."""
    matrix = complete(comparison_matrix(method, children))
    size = len(children)
    greatest, vector = principal(matrix)
    ratio = 0.0
    numbers = {"lambda_max": greatest, "consistency_index": 0.0}
    if size > 2:
        index = RANDOM_INDEX[table].get(size)
        if index is None:
            raise DataError(f"{what}: random index {table} has no value for {size} children; split the node")
        numbers["consistency_index"] = (greatest - size) / (size - 1)
        numbers["random_index"] = index
        ratio = max(0.0, numbers["consistency_index"]) / index
    numbers["consistency_ratio"] = ratio
    if ratio > method.max_ratio:
        raise DataError(
            f"{what}: the comparisons contradict each other: consistency ratio {ratio:.4f} ({table}) "
            f"exceeds {method.max_ratio:g}; revise them or raise max_ratio"
        )
    return WeightSet(exact(vector), numbers)


def expert_weights(
    spec: IndexSpec,
    method: EqualWeights | GivenWeights | BudgetWeights | AhpWeights,
    children: tuple[str, ...],
    what: str,
) -> dict[str, WeightSet]:
    """Return the weight sets of a method that needs no data, by value of `by` (empty text: for all)."""
    if isinstance(method, GivenWeights):
        return given(spec, method, children)
    if isinstance(method, BudgetWeights):
        return {"": budget(method, children)}
    if isinstance(method, AhpWeights):
        table = method.random_index or spec.conventions.random_index
        return {"": ahp(method, children, table, what)}
    return {"": equal(children)}
