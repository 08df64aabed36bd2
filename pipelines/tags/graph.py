"""What depends on what: the columns, parameters, feeds and tags a value comes from, and in which order to go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.tags.registry import Registry
from pipelines.tags.tree import (
    AnyOf,
    Column,
    CountCompare,
    CountOf,
    Extreme,
    Node,
    Parameter,
    TagRef,
    walk,
)


@dataclass(frozen=True)
class Inputs:
    """What one rule reads itself: (table, column) pairs, parameters, tags, and feeds its rows stand on."""

    columns: frozenset[tuple[str, str]]
    parameters: frozenset[str]
    tags: frozenset[str]
    row_feeds: frozenset[str]


def inputs(tree: Node, subject: str, registry: Registry) -> Inputs:
    """The direct inputs of a rule; the columns that links and relations go over count as inputs too."""
    columns: set[tuple[str, str]] = set()
    parameters: set[str] = set()
    tags: set[str] = set()
    feeds: set[str] = set()
    own = registry.subjects[subject].name
    for node in walk(tree):
        match node:
            case Column():
                columns.add((node.table, node.name))
                if node.link:
                    columns.add((own, node.via))
            case TagRef():
                tags.add(node.code)
                if node.link:
                    columns.add((own, node.via))
            case Parameter():
                parameters.add(node.name)
            case AnyOf() | CountOf() | CountCompare() | Extreme():
                columns.add((node.rows.table, node.rows.key))
                feeds.update(node.rows.feeds)
    return Inputs(frozenset(columns), frozenset(parameters), frozenset(tags), frozenset(feeds))


def order(edges: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """Names so that each follows those it depends on, and the cycles that prevent it for the rest.

    Deterministic: names are visited in sorted order. A cycle is given as its names in order, starting with the least.
    """
    done: dict[str, None] = {}
    path: list[str] = []
    cycles: dict[tuple[str, ...], None] = {}

    def visit(name: str) -> None:
        if name in done or name not in edges:
            return
        if name in path:
            cycle = path[path.index(name) :]
            start = cycle.index(min(cycle))
            cycles[tuple(cycle[start:] + cycle[:start])] = None
            return
        path.append(name)
        for below in sorted(edges[name]):
            visit(below)
        path.pop()
        done[name] = None

    for name in sorted(edges):
        visit(name)
    return list(done), [list(c) for c in cycles]


def closure(start: str, edges: Mapping[str, Iterable[str]]) -> list[str]:
    """A name and everything it depends on, dependencies first."""
    reached: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges.get(name, ())
    return order({n: [b for b in edges.get(n, ()) if b in reached] for n in reached})[0]
