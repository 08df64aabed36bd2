"""Evaluation of the tree from leaf scores to the root: weights, availability, aggregation, `after`, node normalisation.

Belongs here: walking the tree for one set of rows (units, or the areas of one level, which reuse what was fitted on
units). Not here: the arithmetic of a method (`aggregate`, `outrank`, `frontier`) and leaf scores (`build`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.aggregate import forbidden, stepper
from pipelines.indices.availability import shares_present, suffices
from pipelines.indices.cells import Array, Mask, observed
from pipelines.indices.column_methods import ImputeCentre, ImputeConstant, ImputeNone, NormNone
from pipelines.indices.data_weights import data_weights
from pipelines.indices.expression import Expression
from pipelines.indices.frontier import benefit_of_doubt
from pipelines.indices.impute import centre
from pipelines.indices.node_methods import (
    AhpWeights,
    BenefitOfDoubt,
    BudgetWeights,
    EqualWeights,
    FormulaNode,
    GivenWeights,
    Kemeny,
    Outranking,
)
from pipelines.indices.normalise import Context, FittedNorm, fit
from pipelines.indices.outrank import copeland, kemeny, whole_weights
from pipelines.indices.problems import DataError, nearest, some
from pipelines.indices.spec import IndexSpec, Node, weights_of
from pipelines.indices.weights import WeightSet, expert_weights

COMPUTED, INSUFFICIENT, NO_DATA, NOT_APPLICABLE, SCREENED_OUT, IMPUTED = (
    "computed",
    "insufficient",
    "no_data",
    "not_applicable",
    "screened_out",
    "imputed",
)

ScopeList = list[tuple[str, Mask, Mask]]


@dataclass
class Rows:
    """The rows a tree is evaluated for.

    `scopes(scope)` yields (label, fitting rows, applied rows); for areas the fitting rows are empty and everything
    fitted is looked up by label in `Fits`. `numbers(name)` and `texts(name)` read columns for formulas and groups.
    """

    count: int
    periods: NDArray[np.str_]
    kept: Mask
    who: Callable[[int], str]
    scopes: Callable[..., ScopeList]
    basis: Mask
    numbers: Callable[[str], Array]
    texts: Callable[[str], list[str | None]]
    columns: list[str]
    lookup: Callable[[str, str | None], int]


@dataclass
class Fits:
    """What was fitted on the units: weight sets and node normalisations, by (node, label)."""

    weights: dict[tuple[str, str], WeightSet] = field(default_factory=dict)
    norms: dict[tuple[str, str], FittedNorm] = field(default_factory=dict)
    fills: dict[tuple[str, str, str], float] = field(default_factory=dict)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class NodeScores:
    """One node's evaluation: children's scores and weights (rows x children), the score before and after `after`."""

    node: Node
    children: tuple[str, ...]
    values: Array
    weights: Array
    aggregated: Array
    after: Array
    score: Array
    availability: list[Fraction | None]
    status: NDArray[np.str_]


@dataclass
class Leaves:
    """Leaf scores, treated values and not-applicable cells, all rows x indicators."""

    codes: tuple[str, ...]
    scores: Array
    treated: Array
    not_applicable: Mask


def evaluate(spec: IndexSpec, leaves: Leaves, rows: Rows, fits: Fits, fitting: bool) -> dict[str, NodeScores]:
    """Evaluate every node, children before parents; with `fitting` false, `fits` is only read."""
    done: dict[str, NodeScores] = {}
    for node in _bottom_up(spec):
        done[node.code] = _Walker(spec, leaves, rows, fits, fitting, done).node(node)
    return done


def _bottom_up(spec: IndexSpec) -> list[Node]:
    """Order nodes so that each comes after all it reads (a formula may read nodes outside its own branch)."""
    nodes = {node.code: node for node in spec.nodes}
    done: dict[str, Node] = {}

    def visit(code: str) -> None:
        if code in nodes and code not in done:
            for child in spec.children(code):
                visit(child)
            done[code] = nodes[code]

    for code in nodes:
        visit(code)
    return list(done.values())


@dataclass
class _Walker:
    spec: IndexSpec
    leaves: Leaves
    rows: Rows
    fits: Fits
    fitting: bool
    done: dict[str, NodeScores]

    def node(self, node: Node) -> NodeScores:
        children = self.spec.children(node.code)
        values = np.column_stack([self._score(code) for code in children])
        absent = np.column_stack([self._not_applicable(code) for code in children])
        weights, exact = self._weights(node, children, values)
        shares, status = self._availability(node, children, values, absent, exact)
        usable = np.isin(status, [COMPUTED])
        masked = np.where(usable[:, None], values, np.nan)
        aggregated = self._aggregate(node, children, masked, weights, exact)
        lost = usable & np.isnan(aggregated)
        status[lost] = NO_DATA
        after = self._after(node, children, aggregated, values, shares)
        after, status = self._impute(node, after, status)
        score = self._normalise(node, after)
        return NodeScores(node, children, masked, weights, aggregated, after, score, shares, status)

    def _score(self, code: str) -> Array:
        if code in self.done:
            return self.done[code].score
        return self.leaves.scores[:, self.leaves.codes.index(code)]

    def _not_applicable(self, code: str) -> Mask:
        if code in self.done:
            return self.done[code].status == NOT_APPLICABLE
        return self.leaves.not_applicable[:, self.leaves.codes.index(code)]

    def _weights(
        self, node: Node, children: tuple[str, ...], values: Array
    ) -> tuple[Array, list[tuple[Mask, tuple[Fraction, ...]]]]:
        """Return weights as floats by row, and the exact sets with the rows each holds for."""
        method = weights_of(self.spec, node)
        what = f"weights of '{node.code}'"
        sets: list[tuple[Mask, tuple[Fraction, ...]]] = []
        if isinstance(method, EqualWeights | GivenWeights | BudgetWeights | AhpWeights):
            found = expert_weights(self.spec, method, children, what)
            if isinstance(method, GivenWeights) and method.by is not None:
                groups = np.array([text or "" for text in self.rows.texts(method.by)])
                unknown = sorted(set(groups) - set(found))
                if unknown:
                    raise DataError(f"{what}: no set for {method.by} '{unknown[0]}'{nearest(unknown[0], found)}")
                sets = [(groups == name, weight_set.weights) for name, weight_set in found.items()]
            else:
                sets = [(np.ones(self.rows.count, dtype=bool), found[""].weights)]
            # What a formula reads has no weight.
            for name, weight_set in {} if self.spec.formula_names(node.code) else found.items():
                self.fits.weights.setdefault((node.code, name), weight_set)
        else:
            treated = np.column_stack([self._treated(code) for code in children])
            signs = np.array([self._direction(code) for code in children], dtype=float)
            for label, fitting, applied in self.rows.scopes(method.scope):
                if self.fitting:
                    self.fits.weights[node.code, label] = data_weights(
                        method,
                        treated[fitting],
                        values[fitting],
                        signs,
                        self.spec.conventions.sd,
                        children,
                        f"{what} in {label or 'the table'}",
                    )
                sets.append((applied, self.fits.weights[node.code, label].weights))
        array = np.full((self.rows.count, len(children)), np.nan)
        for mask, weights in sets:
            array[mask] = [float(weight) for weight in weights]
        return array, sets

    def _treated(self, code: str) -> Array:
        if code in self.done:
            return self.done[code].score
        return self.leaves.treated[:, self.leaves.codes.index(code)]

    def _direction(self, code: str) -> int:
        return int(getattr(self.spec.part(code), "direction", 1))

    def _availability(
        self,
        node: Node,
        children: tuple[str, ...],
        values: Array,
        absent: Mask,
        exact: list[tuple[Mask, tuple[Fraction, ...]]],
    ) -> tuple[list[Fraction | None], NDArray[np.str_]]:
        rule = node.availability or self.spec.node_defaults.availability
        only_applicable = self.spec.conventions.not_applicable == "excluded"
        shares: list[Fraction | None] = [None] * self.rows.count
        status = np.full(self.rows.count, NO_DATA, dtype="<U16")
        present = ~np.isnan(values)
        if rule.of == "leaves":
            codes = list(self.spec.leaves(node.code))
            columns = [self.leaves.codes.index(code) for code in codes]
            present, absent = ~np.isnan(self.leaves.scores[:, columns]), self.leaves.not_applicable[:, columns]
        for mask, weights in exact:
            rows = np.flatnonzero(mask)
            if not len(rows):
                continue
            units = weights if rule.of == "weight" else tuple(Fraction(1) for _ in range(present.shape[1]))
            found, place = shares_present(present[rows], absent[rows], units, only_applicable)
            enough = [suffices(share, rule) for share in found]
            for row, number in zip(rows, place, strict=True):
                shares[row] = found[number]
                if found[number] is None:
                    status[row] = NOT_APPLICABLE
                elif found[number]:
                    status[row] = COMPUTED if enough[number] else INSUFFICIENT
        status[~self.rows.kept] = SCREENED_OUT
        return shares, status

    def _aggregate(
        self,
        node: Node,
        children: tuple[str, ...],
        values: Array,
        weights: Array,
        exact: list[tuple[Mask, tuple[Fraction, ...]]],
    ) -> Array:
        method = node.aggregate or self.spec.node_defaults.aggregate
        bad, need = forbidden(method, values)
        if bad.any():
            row, column = (int(place) for place in np.argwhere(bad)[0])
            raise DataError(
                f"node '{node.code}': {method.method} needs {need}, but '{children[column]}' of "
                f"{self.rows.who(row)} is {values[row, column]:g} ({int(bad.sum())} such values); "
                "normalise onto a range above zero, such as [1, 100]"
            )
        step = stepper(method, self.spec.conventions.sd)
        if step is not None:
            with np.errstate(all="ignore"):
                result = step(values, weights)
            broken = np.isinf(result)
            if broken.any():
                places = some(self.rows.who(int(row)) for row in np.flatnonzero(broken))
                raise DataError(
                    f"node '{node.code}': {method.method} divides by zero or leaves the range of numbers at {places}"
                )
            return result
        if isinstance(method, FormulaNode):
            named = {code: values[:, number] for number, code in enumerate(children)}
            return method.formula.evaluate(named, self.rows.count, self.rows.who, f"node '{node.code}'")
        result = np.full(self.rows.count, np.nan)
        for period in dict.fromkeys(self.rows.periods.tolist()):
            for mask, fractions in exact:
                rows = np.flatnonzero(mask & (self.rows.periods == period) & ~np.isnan(values).all(axis=1))
                if len(rows):
                    result[rows] = self._compare(node, values[rows], fractions, period)
        return result

    def _compare(self, node: Node, values: Array, weights: tuple[Fraction, ...], period: str) -> Array:
        method = node.aggregate or self.spec.node_defaults.aggregate
        what = f"node '{node.code}'"
        if isinstance(method, Outranking):
            return copeland(values, whole_weights(weights), method.share)
        if isinstance(method, Kemeny):
            scores, unique = kemeny(values, whole_weights(weights), method.limit, what)
            self.fits.notes[node.code, period] = "only optimal order" if unique else "one of several optimal orders"
            return scores
        if isinstance(method, BenefitOfDoubt):
            return benefit_of_doubt(values, method, what)[0]
        raise DataError(f"{what}: {method.method} cannot be computed here")

    def _after(
        self, node: Node, children: tuple[str, ...], aggregated: Array, values: Array, shares: list[Fraction | None]
    ) -> Array:
        if node.after is None:
            return aggregated
        named = {code: values[:, number] for number, code in enumerate(children)}
        named["availability"] = np.array([np.nan if share is None else float(share) for share in shares])
        what = f"node '{node.code}', after"
        return apply_after(node.after, aggregated, named, self.rows, what)

    def _impute(self, node: Node, scores: Array, status: NDArray[np.str_]) -> tuple[Array, NDArray[np.str_]]:
        """Fill a node's gaps for its parent; a node that is not applicable is never filled."""
        scores, status = scores.copy(), status.copy()
        for step in node.impute:
            if isinstance(step, ImputeNone):
                continue
            if not isinstance(step, ImputeCentre | ImputeConstant):
                raise DataError(f"node '{node.code}': a node can be imputed by constant, mean or median only")
            gaps = np.isnan(scores) & np.isin(status, [INSUFFICIENT, NO_DATA]) & self.rows.kept
            if isinstance(step, ImputeConstant):
                scores[gaps], status[gaps] = step.value, IMPUTED
                continue
            groups = np.array(
                ["all"] * self.rows.count if step.by is None else [t or "" for t in self.rows.texts(step.by)]
            )
            before = scores.copy()
            for label, fitting, applied in self.rows.scopes(step.scope):
                for group in sorted(set(groups[applied]) - {""}):
                    key = (node.code, label, group)
                    found = observed(before, fitting & (groups == group))
                    if self.fitting and len(found):
                        self.fits.fills[key] = float(centre(step.method, 1)(found))
                    fill = gaps & applied & (groups == group)
                    if key in self.fits.fills:
                        scores[fill], status[fill] = self.fits.fills[key], IMPUTED
        return scores, status

    def _normalise(self, node: Node, scores: Array) -> Array:
        method = node.normalise
        if isinstance(method, NormNone) and method.clip is None:
            return scores
        result = np.full(self.rows.count, np.nan)
        for label, fitting, applied in self.rows.scopes(getattr(method, "scope", None)):
            if self.fitting:

                def lookup(unit: str, period: str | None, label: str = label) -> float:
                    return float(scores[self.rows.lookup(unit, period or label)])

                def within(period: str) -> Array:
                    return values_within(scores, self.rows, self.rows.basis, period)

                what = f"node '{node.code}' in {label or 'the table'}"
                context = Context(what, self.spec.conventions, lookup, within)
                self.fits.norms[node.code, label] = fit(method, observed(scores, fitting), 1, context)
            fitted = self.fits.norms[node.code, label]
            if fitted.ordinal and not self.fitting:
                continue
            result[applied] = fitted.apply(scores[applied])
        return result


def values_within(values: Array, rows: Rows, basis: Mask, period: str) -> Array:
    """Return the values of one period that shape statistics, without gaps; an unknown period is an error."""
    if period not in rows.periods:
        raise DataError(f"reference period '{period}' is not in the table{nearest(period, set(rows.periods.tolist()))}")
    return observed(values, basis & rows.kept & (rows.periods == period))


def apply_after(formula: Expression, scores: Array, named: Mapping[str, Array], rows: Rows, what: str) -> Array:
    """Evaluate an `after` formula: x is the score, other names are children's codes, availability, or columns."""
    known: dict[str, Array] = {**named, "x": scores}
    for name in formula.names:
        if name not in known:
            if name not in rows.columns:
                raise DataError(f"{what}: unknown name '{name}'{nearest(name, [*known, *rows.columns])}")
            known[name] = rows.numbers(name)
    return formula.evaluate(known, rows.count, rows.who, what)
