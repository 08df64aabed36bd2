"""Checks that need the whole catalogue: names used twice, cycles, sensitivity, dated parameters, examples."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipelines.tags import examples, graph
from pipelines.tags.problems import Problem
from pipelines.tags.registry import rank

if TYPE_CHECKING:
    from pipelines.tags.catalogue import Catalogue
    from pipelines.tags.declarations import Tag


def check_catalogue(catalogue: Catalogue, as_of: date | None) -> list[Problem]:
    """Every problem that shows only when declarations are seen together."""
    problems = _duplicates(catalogue)
    cycles = graph.order(catalogue.edges)[1]
    for cycle in cycles:
        tag = catalogue.tags[cycle[0]]
        path = " → ".join([*cycle, cycle[0]])
        problems.append(Problem(tag.file, tag.rule_line, tag.code, "cycle", f"the rule refers to itself: {path}"))
    for code in catalogue.trees:
        tag = catalogue.tags[code]
        problems += _sensitivity(catalogue, tag) + _references(catalogue, tag)
        if as_of is not None and tag.in_force(as_of):
            problems += _parameters(catalogue, tag, as_of)
    if cycles:
        return problems
    return problems + _judge(catalogue)


def _judge(catalogue: Catalogue) -> list[Problem]:
    sound = {c for c in catalogue.trees if set(catalogue.needs(c)) <= set(catalogue.trees)}
    trees = {c: catalogue.trees[c] for c in catalogue.order if c in sound}
    used = {c: catalogue.parameters_of(c) for c in trees}
    return examples.judge([catalogue.tags[c] for c in trees], trees, catalogue.parameters_on, used)


def _duplicates(catalogue: Catalogue) -> list[Problem]:
    problems = []
    for tag in catalogue.duplicates:
        first = catalogue.tags[tag.code]
        message = f"the code {tag.code} is also declared in {first.file}:{first.line}"
        problems.append(Problem(tag.file, tag.line, tag.code, "duplicate", message))
    for what in ("name", "name_en"):
        seen: dict[tuple[str, str], Tag] = {}
        for tag in catalogue.tags.values():
            key = (tag.subject, getattr(tag, what))
            if key[1] and key in seen:
                first = seen[key]
                message = f"{what} '{key[1]}' is also that of {first.code} in {first.file}:{first.line}"
                problems.append(Problem(tag.file, tag.line, tag.code, "duplicate", message))
            seen.setdefault(key, tag)
    return problems


def _sensitivity(catalogue: Catalogue, tag: Tag) -> list[Problem]:
    """A tag is at least as sensitive as every column and every tag it reads; there is no way to declare otherwise."""
    found = catalogue.inputs[tag.code]
    classes = {f"{table}.{name}": catalogue.registry.column(table, name).sensitivity for table, name in found.columns}
    classes |= {code: catalogue.tags[code].sensitivity for code in found.tags if code in catalogue.tags}
    above = sorted(name for name, sensitivity in classes.items() if rank(sensitivity) > rank(tag.sensitivity))
    if not above:
        return []
    needed = max((classes[name] for name in above), key=rank)
    names = ", ".join(f"{name} is {classes[name]}" for name in above)
    message = f"sensitivity {tag.sensitivity} is lower than its inputs: {names}"
    return [Problem(tag.file, tag.line, tag.code, "sensitivity", message, needed)]


def _references(catalogue: Catalogue, tag: Tag) -> list[Problem]:
    """A tag in force must not rest on one that ends or has ended before it."""
    problems = []
    for code in sorted(catalogue.inputs[tag.code].tags):
        other = catalogue.tags[code]
        if other.valid_to is not None and (tag.valid_to is None or tag.valid_to > other.valid_to):
            message = f"refers to {code}, which ends on {other.valid_to.isoformat()}"
            problems.append(Problem(tag.file, tag.rule_line, tag.code, "tag", message))
    return problems


def _parameters(catalogue: Catalogue, tag: Tag, as_of: date) -> list[Problem]:
    in_force = catalogue.parameters_on(as_of)
    return [
        Problem(tag.file, tag.rule_line, tag.code, "parameter", f"${name} has no value on {as_of.isoformat()}")
        for name in sorted(catalogue.inputs[tag.code].parameters)
        if name not in in_force
    ]
