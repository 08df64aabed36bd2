"""Which choices of the method a Monte Carlo varies: those declared, or the default ones as far as they mean something.

A factor that touches nothing the node is made of would look like a choice that does not matter; so each is said to
touch something or not, and a node that none touches is refused. Not here: drawing the choices (`sensitivity`).
"""

import numpy as np

from pipelines.indices.doubt_parts import Factor
from pipelines.indices.node_methods import FormulaNode, Mean
from pipelines.indices.problems import DataError, some
from pipelines.indices.result import Result
from pipelines.indices.spec import IndexSpec

NORMALISE = Factor(
    factor="normalise",
    choices=(
        "declared",
        {"method": "minmax", "range": [1, 100]},
        {"method": "zscore", "centre": 50, "spread": 16, "clip": [1, 100]},
        {"method": "percentile_rank", "definition": "less_one", "scale": 99, "offset": 1},
    ),
)
NOISE = Factor(factor="weight_noise", spread=0.25)
_NO_MEAN = "is a formula, which has no mean to choose"


def chosen_factors(result: Result) -> tuple[tuple[Factor, ...], dict[str, str]]:
    """The factors to vary, and which default ones were left out and why.

    Declared factors are taken as they are; `DataError` where one varies the mean or the weights of a formula node.
    """
    spec = result.spec
    if spec.uncertainty.factors:
        for factor in spec.uncertainty.factors:
            wrong = [code for code in _varied_nodes(spec, factor) if _is_formula(spec, code)]
            if wrong and (factor.nodes or factor.factor == "aggregate"):
                advice = "name other nodes in 'nodes', or leave the factor out"
                raise DataError(f"factor {factor.factor}: node '{wrong[0]}' {_NO_MEAN}; {advice}")
        return spec.uncertainty.factors, {}
    root = spec.root.code
    if _is_formula(spec, root):
        return (NORMALISE, NOISE), {"aggregate": f"node '{root}' {_NO_MEAN}"}
    if _all_positive(result, spec.children(root)):
        return (NORMALISE, Factor(factor="aggregate", choices=("declared", "arithmetic", "geometric")), NOISE), {}
    why = {"geometric": f"some score below '{root}' is 0 or less, of which there is no geometric mean"}
    mean = spec.root.aggregate or spec.node_defaults.aggregate
    if isinstance(mean, Mean) and mean.method == "arithmetic":
        return (NORMALISE, NOISE), why
    return (NORMALISE, Factor(factor="aggregate", choices=("declared", "arithmetic")), NOISE), why


def touched(spec: IndexSpec, factor: Factor, node: str, variable: frozenset[str]) -> bool:
    """Whether a factor changes anything that `node` is made of; `variable` are the indicators that differ at all."""
    nodes, leaves = _made_of(spec, node)
    if factor.factor in ("normalise", "treat", "impute", "drop"):
        within = {leaf for code in factor.nodes or (spec.root.code,) for leaf in spec.leaves(code)}
        return bool(within & leaves & (variable if factor.factor != "drop" else leaves))
    return any(len(spec.children(code)) > 1 for code in nodes & {*_varied_nodes(spec, factor)})


def refuse_untouched(spec: IndexSpec, factors: tuple[Factor, ...], node: str, variable: frozenset[str]) -> list[str]:
    """The factors that touch nothing of a node; `DataError` where none touches anything."""
    untouched: list[str] = [factor.factor for factor in factors if not touched(spec, factor, node, variable)]
    if len(untouched) == len(factors):
        raise DataError(
            f"node '{node}': none of the factors ({some(untouched)}) varies anything it is made of; "
            "declare factors for the nodes and indicators below it (uncertainty.factors)"
        )
    return untouched


def _varied_nodes(spec: IndexSpec, factor: Factor) -> tuple[str, ...]:
    """The nodes whose mean or weights a factor varies; what a formula reads has no weight there."""
    if factor.nodes:
        return factor.nodes
    if factor.factor == "aggregate":
        return (spec.root.code,)
    return tuple(node.code for node in spec.nodes if not _is_formula(spec, node.code))


def _made_of(spec: IndexSpec, node: str) -> tuple[set[str], set[str]]:
    """The nodes (itself included) and the indicators that a node reads, through formulas too."""
    inner = {n.code for n in spec.nodes}
    nodes, open_ = {node}, [node]
    while open_:
        for child in spec.children(open_.pop()):
            if child in inner and child not in nodes:
                nodes.add(child)
                open_.append(child)
    return nodes, {child for code in nodes for child in spec.children(code)} - inner


def _is_formula(spec: IndexSpec, code: str) -> bool:
    node = next(node for node in spec.nodes if node.code == code)
    return isinstance(node.aggregate or spec.node_defaults.aggregate, FormulaNode)


def _all_positive(result: Result, children: tuple[str, ...]) -> bool:
    at = result.units
    for code in children:
        scores = at.nodes[code].score if code in at.nodes else at.leaves.scores[:, at.leaves.codes.index(code)]
        known = scores[~np.isnan(scores)]
        if len(known) and known.min() <= 0:
            return False
    return True
