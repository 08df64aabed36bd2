"""In which steps tags are evaluated, and what each step must have at hand.

A step evaluates tags of one subject over one frame. Tags that look at other subjects' tags wait for the step that
makes those. Within a step, parts that several rules share become columns of their own, computed once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.tags.aggregates import rows_nodes
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.to_polars import is_constant
from pipelines.tags.tree import Column, Literal, Node, Relation, RowsNode, TagRef, inside, own_children, walk


@dataclass(frozen=True)
class Step:
    """Tags of one subject that can be evaluated together, in order of dependence."""

    subject: str
    codes: tuple[str, ...]


@dataclass
class Needs:
    """What a step reads: own columns, own tags of earlier steps, and by link or relation what comes from elsewhere."""

    columns: set[str] = field(default_factory=set)
    own_tags: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    link_columns: dict[str, set[str]] = field(default_factory=dict)
    link_tags: dict[str, set[str]] = field(default_factory=dict)
    relations: dict[Relation, list[RowsNode]] = field(default_factory=dict)


def steps(catalogue: Catalogue, codes: Iterable[str]) -> list[Step]:
    """Steps in an order in which each finds what it needs; as few as possible for each subject in turn."""
    waiting = [c for c in catalogue.order if c in set(codes)]
    done: set[str] = set()
    found: list[Step] = []
    while waiting:
        subjects = list(dict.fromkeys(sorted(catalogue.tags[c].subject for c in waiting)))
        batches = {s: _ready(catalogue, s, waiting, done) for s in subjects}
        subject = max(subjects, key=lambda s: (len(batches[s]) == _count(catalogue, s, waiting), len(batches[s])))
        batch = batches[subject]
        if not batch:
            raise ValueError(f"tags wait for each other: {', '.join(waiting)}")
        found.append(Step(subject, tuple(batch)))
        done.update(batch)
        waiting = [c for c in waiting if c not in done]
    return found


def _count(catalogue: Catalogue, subject: str, codes: Iterable[str]) -> int:
    return sum(catalogue.tags[c].subject == subject for c in codes)


def _ready(catalogue: Catalogue, subject: str, waiting: Iterable[str], done: set[str]) -> list[str]:
    batch: list[str] = []
    for code in waiting:
        own = catalogue.tags[code].subject == subject
        if own and catalogue.edges[code] <= done | set(batch) and _elsewhere(catalogue, code) <= done:
            batch.append(code)
    return batch


def _elsewhere(catalogue: Catalogue, code: str) -> set[str]:
    """The tags a rule reads of other rows, its own subject's linked rows included."""
    found = set()
    for node in walk(catalogue.trees[code]):
        if isinstance(node, TagRef) and (node.link or node.subject != catalogue.tags[code].subject):
            found.add(node.code)
    for nodes in rows_nodes(walk(catalogue.trees[code])).values():
        for rows_node in nodes:
            found.update(n.code for n in inside(rows_node) if isinstance(n, TagRef))
    return found


def needs(trees: Mapping[str, Node]) -> Needs:
    """What some trees of one subject read."""
    found = Needs()
    for tree in trees.values():
        for node in _own_walk(tree):
            if isinstance(node, Column | TagRef) and node.link:
                found.links[node.link] = node.via
                group = found.link_columns if isinstance(node, Column) else found.link_tags
                group.setdefault(node.link, set()).add(node.name if isinstance(node, Column) else node.code)
            elif isinstance(node, Column):
                found.columns.add(node.name)
            elif isinstance(node, TagRef) and node.code not in trees:
                found.own_tags.add(node.code)
    found.relations = rows_nodes(n for tree in trees.values() for n in _own_walk(tree))
    return found


def _own_walk(node: Node) -> Iterable[Node]:
    yield node
    for child in own_children(node):
        yield from _own_walk(child)


def layers(trees: Mapping[str, Node]) -> list[dict[str, Node]]:
    """Columns to make one layer after the other: parts that several rules use, and tags that others refer to.

    Each layer maps column names to nodes that need only what lower layers hold. A tag's column bears its code.
    """
    counts: dict[Node, int] = {}
    for tree in trees.values():
        _count_uses(tree, counts)
    referred = {n.code for n in counts if isinstance(n, TagRef) and not n.link and n.code in trees}
    shared = [n for n, uses in counts.items() if uses > 1 and not isinstance(n, Literal | Column | TagRef)]
    names: dict[Node, str] = {n: f"shared.{i}" for i, n in enumerate(shared) if not is_constant(n)}
    depth: dict[Node, int] = {}
    tag_depth: dict[str, int] = {}

    def below(node: Node) -> int:
        return max((at(c) for c in own_children(node)), default=0)

    def at(node: Node) -> int:
        if isinstance(node, TagRef) and not node.link and node.code in trees:
            if node.code not in tag_depth:
                tag_depth[node.code] = 1 + at(trees[node.code])
            return tag_depth[node.code]
        if node not in depth:
            depth[node] = below(node) + (1 if node in names else 0)
        return depth[node]

    for tree in trees.values():
        at(tree)
    for code in referred:
        tag_depth.setdefault(code, 1 + at(trees[code]))
    found: dict[int, dict[str, Node]] = {}
    for node, name in names.items():
        found.setdefault(at(node), {})[name] = node
    for code in sorted(referred):
        found.setdefault(tag_depth[code], {})[code] = trees[code]
    return [found[level] for level in sorted(found)]


def _count_uses(node: Node, counts: dict[Node, int]) -> None:
    counts[node] = counts.get(node, 0) + 1
    if counts[node] == 1:
        for child in own_children(node):
            _count_uses(child, counts)
