"""Related rows folded to one row a subject: what quantifiers need, computed once for every table.

A table is scanned once for all its conditions; equal conditions are counted once.
"""

from collections.abc import Iterable, Sequence

import polars as pl

from pipelines.tags.to_polars import Frame, to_polars
from pipelines.tags.tree import AnyOf, CountCompare, CountOf, Extreme, Node, Relation, RowsNode


def rows_nodes(nodes: Iterable[Node]) -> dict[Relation, list[RowsNode]]:
    """The functions over rows among some nodes, by relation, in order of appearance and without repetition."""
    found: dict[Relation, dict[RowsNode, None]] = {}
    for node in nodes:
        if isinstance(node, AnyOf | CountOf | CountCompare | Extreme):
            found.setdefault(node.rows, {})[node] = None
    return {relation: list(unique) for relation, unique in found.items()}


def fold(rows: pl.LazyFrame, key: str, relation: Relation, nodes: Sequence[RowsNode], frame: Frame) -> pl.LazyFrame:
    """One row for each subject that has rows: `key` and the columns the nodes need, whose names go into `frame`."""
    inner = Frame(frame.world)
    conditions: dict[Node, str] = {}
    values: dict[Node, str] = {}
    for node in nodes:
        conditions.setdefault(node.condition, f"{relation.table}.c{len(conditions)}")
        if isinstance(node, Extreme):
            for part in (node.value, node.by):
                values.setdefault(part, f"{relation.table}.v{len(values)}")
    prepared = rows.filter(pl.col(key).is_not_null()).select(
        pl.col(key),
        *(to_polars(c, inner).alias(name) for c, name in conditions.items()),
        *(to_polars(v, inner).alias(name) for v, name in values.items()),
    )
    wanted: list[pl.Expr] = []
    for condition, name in conditions.items():
        met, unknown = f"{name}.met", f"{name}.unknown"
        frame.counts[relation, condition] = (met, unknown)
        wanted += [
            pl.col(name).sum().cast(pl.Int32).alias(met),
            pl.col(name).null_count().cast(pl.Int32).alias(unknown),
        ]
    for node in nodes:
        if isinstance(node, Extreme) and node not in frame.extremes:
            frame.extremes[node] = f"{relation.table}.x{len(frame.extremes)}"
            expression = _extreme(node, conditions[node.condition], values[node.value], values[node.by])
            wanted.append(expression.alias(frame.extremes[node]))
    return prepared.group_by(key).agg(wanted)


def _extreme(node: Extreme, condition: str, value: str, by: str) -> pl.Expr:
    met = pl.col(condition).fill_null(False)
    known = (pl.col(condition).null_count() == 0) & (pl.col(by).filter(met).null_count() == 0)
    if node.which == "min":
        found = pl.col(by).filter(met).min()
    elif node.which == "max":
        found = pl.col(by).filter(met).max()
    else:
        last = met & (pl.col(by) == pl.col(by).filter(met).max()).fill_null(False)
        found = pl.col(value).filter(last).max()
        known = known & (pl.col(value).filter(last).null_count() == 0)
    return pl.when(known).then(found)
