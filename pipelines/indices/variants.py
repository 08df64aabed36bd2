"""Variants of a specification: one choice of each uncertain factor put in, and its tree evaluated once.

Belongs here: factors, combinations of choices, and the leaves and trees they give. Not here: drawing them and judging
the outcome (`sensitivity`).
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.batch import Plan
from pipelines.indices.build import normalise_cells, prepare, unit_rows
from pipelines.indices.cells import NOT_APPLICABLE, Cells, observed
from pipelines.indices.doubt_parts import Factor
from pipelines.indices.gather import gather
from pipelines.indices.numerics import is_constant
from pipelines.indices.problems import DataError, IndexFault
from pipelines.indices.result import Result
from pipelines.indices.rules import parse_choice
from pipelines.indices.spec import IndexSpec
from pipelines.indices.tree import Fits, Leaves, Rows, evaluate

Array = NDArray[np.float64]
DATA_FACTORS = ("impute", "treat", "normalise")
TREE_FACTORS = ("weights", "aggregate")


@dataclass
class Variants:
    """The variants of one result over its factors; what several combinations share is computed once."""

    result: Result
    factors: tuple[Factor, ...]
    rows: NDArray[np.intp]
    variable: frozenset[str] = field(init=False)
    cells: Cells = field(init=False)
    _leaves: dict[tuple[int, ...], tuple[Leaves, Rows]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.variable = variable_indicators(self.result)
        self.cells = gather(self.result.spec, self.result.table)

    def case(self, combination: tuple[int, ...]) -> tuple[Plan, Array]:
        """Return the evaluated tree and the leaf scores (rows of interest) of one combination of choices."""
        key = tuple(c for f, c in zip(self.factors, combination, strict=True) if f.factor in DATA_FACTORS)
        try:
            if key not in self._leaves:
                cells = self._prepared(combination)
                _, scores = normalise_cells(cells)
                leaves = Leaves(cells.codes, scores, cells.values, cells.status == NOT_APPLICABLE)
                self._leaves[key] = leaves, unit_rows(cells)
            leaves, described = self._leaves[key]
            spec = vary(self.result.spec, self.factors, combination, self.variable)
            nodes = evaluate(spec, leaves, described, Fits(), fitting=True)
        except IndexFault as fault:
            raise DataError(f"{self.describe(combination)}: {fault}") from fault
        return Plan(spec, list(nodes.values()), self.rows, leaves.codes), leaves.scores[self.rows]

    def _prepared(self, combination: tuple[int, ...]) -> Cells:
        """Cells imputed and treated by a combination's choices.

        An indicator that a choice would make constant (a clip that cuts off all who differ) keeps its declared method.
        """
        variable = self.variable
        while True:
            cells = self._fresh(vary(self.result.spec, self.factors, combination, variable))
            prepare(cells)
            flat = variable - _differing(self.result, cells.codes, cells.values)
            if not flat:
                return cells
            variable -= flat

    def _fresh(self, spec: IndexSpec) -> Cells:
        return replace(
            self.cells,
            spec=spec,
            settings=tuple(spec.resolved(indicator) for indicator in spec.indicators),
            values=self.cells.values.copy(),
            status=self.cells.status.copy(),
            kept=self.cells.kept.copy(),
            stages={},
            reasons={},
            parameters=[],
        )

    def describe(self, combination: tuple[int, ...]) -> str:
        """Name a combination in a message."""
        pairs = zip(self.factors, combination, strict=True)
        chosen = [f"{f.factor} {f.choices[choice]}" for f, choice in pairs if f.choices]
        return "with " + ", ".join(chosen) if chosen else "with noise on weights"


def variable_indicators(result: Result) -> frozenset[str]:
    """Return the indicators that differ between units in every period; others keep their declared method."""
    stages = result.units.stages
    # Drawn together between the goalposts, values that differed may be one.
    return _differing(result, result.units.leaves.codes, stages.get("shrunk", stages["denominated"]))


def _differing(result: Result, codes: tuple[str, ...], matrix: Array) -> frozenset[str]:
    """The codes whose column of `matrix` (rows of the units) differs between ranked units in every period."""
    at, found = result.units, []
    for column, code in enumerate(codes):
        kinds = [observed(matrix[rows, column], at.ranked[rows]) for _, rows in at.period_rows()]
        if all(len(kind) > 1 and not is_constant(kind) for kind in kinds):
            found.append(code)
    return frozenset(found)


def vary(
    spec: IndexSpec, factors: tuple[Factor, ...], combination: tuple[int, ...], variable: frozenset[str]
) -> IndexSpec:
    """Return the specification with one choice of each discrete factor put in, for indicators in `variable`."""
    indicators, nodes = list(spec.indicators), list(spec.nodes)
    for factor, number in zip(factors, combination, strict=True):
        if factor.factor not in (*DATA_FACTORS, *TREE_FACTORS):
            continue
        choice = parse_choice(factor, factor.choices[number])
        if choice is None:
            continue
        if factor.factor in DATA_FACTORS:
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
