"""Which subjects, tags, indicators, ledgers and panels use each column of a feed, and which columns nobody uses.

Belongs here: turning lineage round, from the column to what comes of it. Not here: how lineage is found (`lineage`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import Column
from pipelines.products.catalogue.lineage import INDICES, Lineage
from pipelines.products.catalogue.relations import Origins
from pipelines.products.catalogue.sql import read
from pipelines.products.declarations import Ledger
from pipelines.products.panel import Panel
from pipelines.products.parquet import rows_query

Kind = Literal["door", "identity", "check", "subject", "index", "tag", "indicator", "ledger", "panel", "product"]
Standing = Literal["used", "subject_only", "door_only", "unused", "read_only", "dropped"]

REACHES_PEOPLE: frozenset[Kind] = frozenset({"tag", "index", "indicator", "ledger", "panel", "product"})
"""Uses for whose sake a column may be collected; a subject alone is kept, not used."""


@dataclass(frozen=True, order=True)
class Use:
    """One thing that uses a column. `of_rows`: the column decides which rows there are, but no value comes from it."""

    kind: Kind
    code: str
    name: str
    column: str = ""
    of_rows: bool = False


@dataclass(frozen=True)
class Names:
    """The Chinese names of what has no model of its own to bear it."""

    indicators: Mapping[str, str]
    ledgers: tuple[Ledger, ...]
    panels: tuple[Panel, ...]


TOLD = defaultdict(
    lambda: "识别行中所指",
    {"columns": "识别是哪处住房", "organisations": "识别是哪个单位", "places": "识别是哪处场所"},
)
"""What a declaration's columns are for, by its file."""

Uses = dict[tuple[str, str], tuple[Use, ...]]
"""(feed, the contract's column) → what uses it, in order."""


def find_uses(lineage: Lineage, names: Names, named: Mapping[tuple[str, str], Iterable[str]] | None = None) -> Uses:
    """Every use of every column of every contract. Columns without any have no entry.

    `named` are lake columns that declarations name for telling dwellings, organisations and places, with the files.
    """
    by_origin: dict[tuple[str, str], set[Use]] = defaultdict(set)
    for use, origins in _everything(lineage, names):
        for origin in origins:
            by_origin[origin].add(use)
    found: dict[tuple[str, str], set[Use]] = defaultdict(set)
    for feed, contract in lineage.contracts.items():
        for output, (_, column) in contract.outputs.items():
            found[feed, column.name] |= by_origin.get((feed, output), set())
            found[feed, column.name] |= {
                Use("identity", file, TOLD[file]) for file in (named or {}).get((feed, output), ())
            }
        for column in contract.columns:
            found[feed, column.name] |= set(_at_the_door(contract, column))
    return {key: tuple(sorted(_plain(uses))) for key, uses in sorted(found.items()) if uses}


def standing(column: Column, uses: Iterable[Use]) -> Standing:
    """What the uses of a column amount to."""
    kinds = {use.kind for use in uses}
    if column.intake.role == "drop":
        return "dropped"
    if kinds & REACHES_PEOPLE:
        return "used"
    if "subject" in kinds:
        return "subject_only"
    if kinds & {"door", "identity", "check"}:
        return "read_only" if column.intake.role == "door" else "door_only"
    return "unused"


def _plain(uses: set[Use]) -> Iterator[Use]:
    """A use of rows is not said where values of the same thing come from the column too."""
    valued = {(u.kind, u.code) for u in uses if not u.of_rows}
    return (u for u in uses if not u.of_rows or (u.kind, u.code) not in valued)


def _everything(lineage: Lineage, names: Names) -> Iterator[tuple[Use, Origins]]:
    yield from _tables(lineage, names)
    for code, tag in lineage.catalogue.tags.items():
        yield Use("tag", code, tag.name), lineage.tag(code)
    for code, origins in lineage.indicators.items():
        yield Use("indicator", code, names.indicators.get(code, code)), origins
    for panel in names.panels:
        base = lineage.relation("products", panel.base)
        exact = lineage.relation("products", panel.table)
        for item in panel.items:
            if not item.measures and not item.nodes:
                # Rows that come ready made: of the panel's model, what belongs to the item's feeds.
                made = frozenset(origin for origin in exact.origins if origin[0] in item.feeds)
                yield Use("panel", panel.code, panel.title, item.name), made
            summed = {c for m in item.measures for columns in m.sums.values() for c in columns}
            for column in sorted(summed):
                yield Use("panel", panel.code, panel.title, item.name), base.columns[column] | base.rows


def _tables(lineage: Lineage, names: Names) -> Iterator[tuple[Use, Origins]]:
    """Subjects, models of indices, ledgers and other products, column by column, then what decides their rows."""
    ledgers = {ledger.model: ledger for ledger in names.ledgers}
    panels = {table for panel in names.panels for table in (panel.table, panel.base)}
    for model in lineage.models.values():
        if model.name in panels or model.schema == "feeds" or (model.is_step and model.schema != INDICES):
            continue
        relation = lineage.relation(model.schema, model.name)
        title = str(model.meta.get("label", model.name))
        ledger = ledgers.get(model.name)
        if model.schema == "subjects":
            table = lineage.catalogue.registry.tables.get(model.name)
            kind: Kind = "subject" if table is not None and (table.subject or table.details) else "check"
            use = Use(kind, model.name, title)
        elif model.schema == INDICES:
            yield Use("index", model.name, title), relation.origins
            continue
        elif ledger is not None:
            # The file of a ledger has columns of the village beside those of its model, and no keys.
            use, relation = Use("ledger", ledger.code, ledger.title), read(rows_query(ledger), lineage.find)
        else:
            use = Use("product", model.name, title)
        for column, origins in relation.columns.items():
            yield Use(use.kind, use.code, use.name, model.labels.get(column, column)), origins
        yield Use(use.kind, use.code, use.name, of_rows=True), relation.rows


def _at_the_door(contract: Contract, column: Column) -> Iterator[Use]:
    """What intake itself does with a column beside reading it."""
    outputs = {column.name, *column.outputs}
    if column.name in contract.key:
        yield Use("door", "key", "识别重复行")
    if outputs & contract.rule_names:
        yield Use("door", "rule", "核对同一行的其他栏目" if column.intake.role != "door" else "入库时核对，不保存")
    if contract.delivery.latest_by in outputs:
        yield Use("door", "latest", "重复行中取最新")
    increment = contract.delivery.increment
    if increment is not None and increment.operation in outputs:
        yield Use("door", "operation", "增量更新的操作类型")
    if any(column.name == other.intake.declared_by for other in contract.columns):
        yield Use("door", "kind", "说明证件种类")
    for slot in contract.people:
        if column.name == slot.id or outputs & set(slot.columns.values()):
            yield Use("identity", slot.slot, "识别是哪个人")
