"""Rules a specification must keep that go beyond the shape of each part: codes, the tree, weights, goalposts, levels.

Each rule yields (path into the specification, sentence); `load` turns the path into file and line. Nothing here needs
the table.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipelines.indices.column_methods import Goalposts, Impute, ImputeRegression, ImputeRow, Normalise, Treat
from pipelines.indices.doubt_parts import Factor
from pipelines.indices.node_methods import (
    Aggregate,
    AhpWeights,
    BenefitOfDoubt,
    BudgetWeights,
    GivenWeights,
    Weights,
)
from pipelines.indices.problems import nearest
from pipelines.indices.spec import IndexSpec, Indicator, Node, Resolved, weights_of

Fault = tuple[tuple[str | int, ...], str]


def find_faults(spec: IndexSpec) -> list[Fault]:
    """Return every broken rule; the tree's rules first, and only those if the tree is broken."""
    tree = [*_codes(spec), *_tree(spec)]
    if tree:
        return tree
    rules: list[Callable[[IndexSpec], Iterator[Fault]]] = [_weights, _nodes, _indicators, _levels, _factors, _open]
    return [fault for rule in rules for fault in rule(spec)]


def _rows_of(spec: IndexSpec) -> list[tuple[str, tuple[Node | Indicator, ...]]]:
    return [("nodes", spec.nodes), ("indicators", spec.indicators)]


def _codes(spec: IndexSpec) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for kind, parts in _rows_of(spec):
        for number, part in enumerate(parts):
            if part.code in seen:
                yield (kind, number, "code"), f"code '{part.code}' is already used in {seen[part.code]}"
            seen[part.code] = kind


def _tree(spec: IndexSpec) -> Iterator[Fault]:
    nodes = {node.code: node for node in spec.nodes}
    roots = [number for number, node in enumerate(spec.nodes) if node.parent is None]
    if len(roots) != 1:
        yield ("nodes",), f"exactly one node has no parent; here {len(roots)} have none"
    for kind, parts in _rows_of(spec):
        for number, part in enumerate(parts):
            if part.parent is not None and part.parent not in nodes:
                message = f"'{part.code}': unknown parent '{part.parent}'{nearest(part.parent, nodes)}"
                yield (kind, number, "parent"), message
    for number, node in enumerate(spec.nodes):
        seen = {node.code}
        above = node.parent
        while above in nodes:
            if above in seen:
                yield (("nodes", number, "parent"), f"'{node.code}' is its own ancestor")
                break
            seen.add(above)
            above = nodes[above].parent
    parents = {indicator.parent for indicator in spec.indicators}
    parents |= {node.parent for node in spec.nodes if node.headline and node.parent is not None}
    for number, node in enumerate(spec.nodes):
        if node.code not in parents and not spec.formula_names(node.code):
            yield ("nodes", number), f"node '{node.code}' has no children"
    yield from _formulas(spec)


def _formulas(spec: IndexSpec) -> Iterator[Fault]:
    """Names of formulas are codes, and no node reads itself through what it reads."""
    codes = {part.code for _, parts in _rows_of(spec) for part in parts}
    unknown = False
    for number, node in enumerate(spec.nodes):
        for name in sorted(spec.formula_names(node.code) - codes):
            unknown = True
            message = f"formula of '{node.code}' names '{name}', which is no code{nearest(name, codes)}"
            yield ("nodes", number, "aggregate"), message
    if unknown:
        return
    inner = {node.code for node in spec.nodes}
    for number, node in enumerate(spec.nodes):
        below, stack = set[str](), [node.code]
        while stack:
            fresh = {child for child in spec.children(stack.pop()) if child in inner} - below
            below |= fresh
            stack += fresh
        if node.code in below and spec.formula_names(node.code):
            yield ("nodes", number, "aggregate"), f"'{node.code}' reads itself through its formula"


def _weights(spec: IndexSpec) -> Iterator[Fault]:
    for number, node in enumerate(spec.nodes):
        children = spec.children(node.code)
        weights = weights_of(spec, node)
        path = ("nodes", number, "weights")
        if isinstance(weights, GivenWeights):
            yield from _given(spec, node, weights, children, path)
        elif isinstance(weights, BudgetWeights):
            totals = set()
            for expert, points in weights.experts.items():
                yield from _same_codes(points, children, (*path, "experts", expert), f"expert {expert}")
                totals.add(sum(points.values()))
            if len(totals) > 1:
                shown = ", ".join(str(float(total)) for total in sorted(totals))
                yield (*path, "experts"), f"experts of '{node.code}' give different totals: {shown}"
        elif isinstance(weights, AhpWeights):
            yield from _ahp(weights, children, path)


def _given(
    spec: IndexSpec, node: Node, weights: GivenWeights, children: tuple[str, ...], path: tuple[str | int, ...]
) -> Iterator[Fault]:
    sets = weights.sets if weights.sets is not None else ({"": weights.values} if weights.values is not None else None)
    if sets is None:
        without = [code for code in children if spec.part(code).weight is None]
        if without:
            message = f"'{node.code}' uses given weights, but '{without[0]}' has no weight"
            yield path[:2], message
        elif sum(spec.part(code).weight or 0 for code in children) == 0:
            yield path[:2], f"the weights below '{node.code}' sum to 0"
        return
    for name, values in sets.items():
        place = (*path, "sets", name) if weights.sets is not None else (*path, "values")
        yield from _same_codes(values, children, place, f"weights of '{node.code}'")
        if any(value < 0 for value in values.values()) or sum(values.values()) == 0:
            yield place, f"weights of '{node.code}' must not be negative and must not all be 0"


def _same_codes(
    values: dict[str, Any], children: tuple[str, ...], path: tuple[str | int, ...], what: str
) -> Iterator[Fault]:
    for code in values:
        if code not in children:
            yield (*path, code), f"{what}: '{code}' is no child{nearest(code, children)}"
    for code in children:
        if code not in values:
            yield path, f"{what}: no number for '{code}'"


def _ahp(weights: AhpWeights, children: tuple[str, ...], path: tuple[str | int, ...]) -> Iterator[Fault]:
    linked = {children[0]} if children else set()
    pairs = []
    for text, value in weights.comparisons.items():
        place = (*path, "comparisons", text)
        names = [name.strip() for name in text.split(" over ")]
        if len(names) != 2 or names[0] == names[1]:
            yield place, f"'{text}' is no comparison: write 'A over B'"
            continue
        for name in names:
            if name not in children:
                yield place, f"comparison names '{name}', which is no child{nearest(name, children)}"
        if value <= 0:
            yield place, f"a comparison must be positive, not {float(value)}"
        if tuple(sorted(names)) in pairs:
            yield place, f"'{names[0]}' and '{names[1]}' are compared twice"
        pairs.append(tuple(sorted(names)))
    for _ in children:
        linked |= {name for pair in pairs if set(pair) & linked for name in pair}
    missing = [code for code in children if code not in linked]
    if missing:
        yield (*path, "comparisons"), f"'{missing[0]}' is not linked to the others by any comparison"


def _nodes(spec: IndexSpec) -> Iterator[Fault]:
    for number, node in enumerate(spec.nodes):
        aggregate = node.aggregate or spec.node_defaults.aggregate
        children = spec.children(node.code)
        if isinstance(aggregate, BenefitOfDoubt) and not aggregate.low * len(children) <= 1 <= aggregate.high * len(
            children
        ):
            message = (
                f"{len(children)} children cannot each have between {aggregate.low} and {aggregate.high} of the whole"
            )
            yield ("nodes", number, "aggregate"), message


def _indicators(spec: IndexSpec) -> Iterator[Fault]:
    codes = {indicator.code for indicator in spec.indicators}
    for number, indicator in enumerate(spec.indicators):
        path = ("indicators", number)
        settings = spec.resolved(indicator)
        if isinstance(settings.normalise, Goalposts):
            yield from _goalposts(indicator, settings.normalise, path)
        for step in settings.impute:
            if isinstance(step, ImputeRegression):
                for code in step.on:
                    if code not in codes or code == indicator.code:
                        yield (
                            (*path, "impute"),
                            f"'{indicator.code}' cannot be regressed on '{code}'{nearest(code, codes)}",
                        )
            if isinstance(step, ImputeRow) and step.within is not None:
                nodes = [node.code for node in spec.nodes]
                if step.within not in nodes:
                    yield (*path, "impute"), f"unknown node '{step.within}'{nearest(step.within, nodes)}"
        if settings.rollup.method == "ratio" and indicator.denominator is None and spec.table.denominator is None:
            yield (*path, "rollup"), f"'{indicator.code}' rolls up as a ratio but has no denominator"
        yield from _shrinkage(spec, indicator, settings, path)


def _shrinkage(
    spec: IndexSpec, indicator: Indicator, settings: Resolved, path: tuple[str | int, ...]
) -> Iterator[Fault]:
    shrink, posts = settings.shrink, settings.normalise
    if shrink is None:
        return
    if indicator.denominator is None and spec.table.denominator is None:
        yield (*path, "shrink"), f"'{indicator.code}' is shrunk but has no denominator"
    fixed = isinstance(posts, Goalposts) and isinstance(posts.low, float) and isinstance(posts.high, float)
    if shrink.within == "goalposts" and not fixed:
        yield (*path, "shrink"), f"'{indicator.code}' is shrunk within its goalposts, which must then be two numbers"


def _goalposts(indicator: Indicator, posts: Goalposts, path: tuple[str | int, ...]) -> Iterator[Fault]:
    place = (*path, "goalposts" if indicator.goalposts is not None else "normalise")
    if posts.low is None or posts.high is None:
        yield place, f"'{indicator.code}' needs goalposts: [low, high]"
        return
    if isinstance(posts.low, float) and isinstance(posts.high, float) and posts.low >= posts.high:
        message = (
            f"'{indicator.code}': the low goalpost {posts.low:g} is not below the high one {posts.high:g}; "
            "posts are in the value's own order, the direction turns the score"
        )
        yield place, message
    if indicator.transform in ("ln", "log10") and isinstance(posts.low, float) and posts.low <= 0:
        yield place, f"'{indicator.code}': a goalpost of {posts.low:g} has no logarithm"


def _levels(spec: IndexSpec) -> Iterator[Fault]:
    names = [level.level for level in spec.levels]
    for number, name in enumerate(names):
        if name in names[:number] or name == spec.units.level:
            yield ("levels", number, "level"), f"level '{name}' stands twice"
    for number, indicator in enumerate(spec.indicators):
        shrink = spec.resolved(indicator).shrink
        if shrink is not None and shrink.towards is None:
            yield (
                ("indicators", number),
                f"'{indicator.code}' is shrunk, but 'towards' does not say towards which level",
            )
        elif shrink is not None and shrink.towards is not None and shrink.towards not in names:
            hint = nearest(shrink.towards, names)
            message = f"'{indicator.code}' is shrunk towards unknown level '{shrink.towards}'{hint}"
            yield ("indicators", number), message


_CHOICES: dict[str, TypeAdapter[Any]] = {
    "normalise": TypeAdapter(Normalise),
    "treat": TypeAdapter(Treat),
    "impute": TypeAdapter(Impute),
    "aggregate": TypeAdapter(Aggregate),
    "weights": TypeAdapter(Weights),
}


def parse_choice(factor: Factor, choice: Any) -> Any:
    """Return the method a factor's choice names, or None for `declared`; raises `ValidationError`."""
    return None if choice == "declared" else _CHOICES[factor.factor].validate_python(choice)


def _factors(spec: IndexSpec) -> Iterator[Fault]:
    codes = [node.code for node in spec.nodes]
    for number, factor in enumerate(spec.uncertainty.factors):
        path = ("uncertainty", "factors", number)
        for code in factor.nodes:
            if code not in codes:
                yield (*path, "nodes"), f"unknown node '{code}'{nearest(code, codes)}"
        if factor.factor in _CHOICES:
            if len(factor.choices) < 2:
                yield path, f"factor {factor.factor} needs at least two choices"
            for place, choice in enumerate(factor.choices):
                try:
                    parse_choice(factor, choice)
                except ValidationError as fault:
                    yield (*path, "choices", place), f"{choice!r}: {fault.errors()[0]['msg']}"
        elif factor.choices:
            yield (*path, "choices"), f"factor {factor.factor} takes no choices"


def _open(spec: IndexSpec) -> Iterator[Fault]:
    codes = [indicator.code for indicator in spec.indicators]
    for code in spec.publish.open:
        if code not in codes:
            yield ("publish", "open"), f"unknown indicator '{code}'{nearest(code, codes)}"
