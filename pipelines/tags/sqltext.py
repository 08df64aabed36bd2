"""One tag as one query: what an analyst runs against a release to get the same values, and reads to see why.

Tags that the rule refers to become common table expressions; parameters and the date come from the schema `tags`, so
the text does not change from release to release.
"""

from collections.abc import Iterable, Sequence

import sqlglot

from pipelines.sql import quoted
from pipelines.tags.aggregates import rows_nodes
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.plan import needs
from pipelines.tags.registry import Registry, id_column
from pipelines.tags.to_sql import OWN, SqlFrame, literal, tag_alias, to_sql
from pipelines.tags.tree import Extreme, Node, Relation, RowsNode, TagRef, inside, walk
from pipelines.tags.values import Type, to_duckdb

VALUE_COLUMNS = {
    "int": "value_int",
    "decimal": "value_decimal",
    "text": "value_text",
    "date": "value_date",
    "texts": "value_texts",
}
"""The column of tags.parameters that holds the value of a parameter, by kind."""


def tag_query(catalogue: Catalogue, code: str) -> str:
    """The DuckDB query of a tag: columns `<subject>_id` and `value`, one row a subject, in no order.

    Runs where the schemas `subjects` and `tags` are; a restricted tag needs the run's own database, because a release
    for analysts has no restricted columns. Raises KeyError for a code the catalogue does not have.
    """
    tag = catalogue.tags[code]
    needed = catalogue.needs(code)
    relations = sorted({r for c in needed for r in rows_nodes(walk(catalogue.trees[c]))}, key=lambda r: r.table)
    tables = ["run as (select as_of from tags.run)"]
    parameters = catalogue.parameters_of(code)
    if parameters:
        tables.append(_parameters({p: catalogue.parameters[p].type for p in parameters}))
    if relations:
        tables.append(_feeds(relations))
    for other in needed[:-1]:
        tables.append(f"{quoted(other)} as (\n{_indent(_select(catalogue, other))}\n)")
    # A comment ends where its line ends: what a person wrote must not go on as a statement.
    heading = "-- " + " ".join(f"{tag.code} {tag.name} ({tag.name_en}): {tag.rule}".split())
    return f"{heading}\nwith " + ",\n".join(tables) + f"\n{_select(catalogue, code)}"


def spark_query(catalogue: Catalogue, code: str) -> str:
    """The same query in Spark SQL, for readers whose engine that is; transpiled, not run here."""
    return sqlglot.transpile(tag_query(catalogue, code), read="duckdb", write="spark", pretty=True)[0]


def _parameters(kinds: dict[str, Type]) -> str:
    columns = [
        f"  max(case when name = {literal(n)} then {VALUE_COLUMNS[k.kind]} end)"
        + (f"::{to_duckdb(k)}" if k.kind == "decimal" else "")
        + f" as {quoted(n)}"
        for n, k in kinds.items()
    ]
    lines = ",\n".join(columns)
    return (
        f"parameters as (\n  select\n{_indent(lines)}\n  from tags.parameters cross join run\n"
        "  where valid_from <= as_of and (valid_to is null or as_of <= valid_to)\n)"
    )


def _feeds(relations: Iterable[Relation]) -> str:
    columns = []
    for table, feeds in {r.table: r.feeds for r in relations}.items():
        listed = ", ".join(literal(f) for f in feeds)
        held = f"count(*) filter (where feed in ({listed}) and is_available) = {len(feeds)}" if feeds else "true"
        columns.append(f"{held} as {quoted(table)}")
    return f"feeds as (select {', '.join(columns)} from subjects.feed_status)"


def _select(catalogue: Catalogue, code: str) -> str:
    subject = catalogue.tags[code].subject
    tree = catalogue.trees[code]
    table = catalogue.registry.subjects[subject]
    found = needs({code: tree})
    frame = SqlFrame()
    key = f"{OWN}.{quoted(table.key)}"
    lines = [f"from subjects.{quoted(table.name)} as {OWN}", *_ones(catalogue, code)]
    for other in sorted(found.own_tags):
        lines.append(f"left join {quoted(other)} on {quoted(other)}.{quoted(id_column(subject))} = {key}")
    for link, via in sorted(found.links.items()):
        lines += _link(catalogue.registry, link, via, sorted(found.link_tags.get(link, ())), link in found.link_columns)
    for number, (relation, nodes) in enumerate(found.relations.items(), 1):
        alias = f"rows_{number}"
        folded = _indent(_fold(catalogue, code, relation, nodes, alias, frame), 4)
        lines.append(f"left join (\n{folded}\n) as {alias} on {alias}.key = {key}")
    return "\n".join([f"select {key} as {quoted(id_column(subject))}, {to_sql(tree, frame)} as value", *lines])


def _ones(catalogue: Catalogue, code: str) -> list[str]:
    """The joins to the tables of one row that a rule may look at."""
    direct = catalogue.inputs[code]
    joins = ["cross join run"]
    if direct.parameters:
        joins.append("cross join parameters")
    if rows_nodes(walk(catalogue.trees[code])):
        joins.append("cross join feeds")
    return joins


def _link(registry: Registry, link: str, via: str, tags: Sequence[str], has_columns: bool) -> list[str]:
    table = registry.subjects[link]
    here = f"{OWN}.{quoted(via)}"
    lines = []
    if has_columns:
        name = f"subjects.{quoted(table.name)} as {quoted(link)}"
        lines.append(f"left join {name} on {quoted(link)}.{quoted(table.key)} = {here}")
    for code in tags:
        alias = quoted(f"{link}.{code}")
        lines.append(f"left join {quoted(code)} as {alias} on {alias}.{quoted(id_column(link))} = {here}")
    return lines


def _fold(
    catalogue: Catalogue, code: str, relation: Relation, nodes: Sequence[RowsNode], alias: str, frame: SqlFrame
) -> str:
    """Related rows folded to one a subject; notes in `frame` which column holds what."""
    inner = SqlFrame()
    key = f"{OWN}.{quoted(relation.key)}"
    computed = [f"{key} as key"]
    folded = ["key"]
    conditions: dict[Node, str] = {}
    for node in nodes:
        if node.condition not in conditions:
            name = conditions[node.condition] = f"c{len(conditions) + 1}"
            computed.append(f"{to_sql(node.condition, inner)} as {name}")
            folded += [f"count(*) filter (where {name}) as met_{name}"]
            folded += [f"count(*) filter (where {name} is null) as unknown_{name}"]
            frame.counts[relation, node.condition] = (f"{alias}.met_{name}", f"{alias}.unknown_{name}")
    for number, node in enumerate((n for n in nodes if isinstance(n, Extreme)), 1):
        frame.extremes[node] = f"{alias}.x{number}"
        value, by = to_sql(node.value, inner), to_sql(node.by, inner)
        condition = to_sql(node.condition, inner)
        computed += [f"{value} as v{number}", f"{by} as b{number}"]
        computed.append(f"max(case when {condition} then {by} end) over (partition by {key}) as m{number}")
        folded.append(f"{_extreme(node, conditions[node.condition], number)} as x{number}")
    lines = [
        f"from subjects.{quoted(relation.table)} as {OWN}",
        *_ones_inside(nodes),
        *_tags_inside(catalogue, relation, nodes),
    ]
    rows = "\n".join([f"select {', '.join(computed)}", *lines, f"where {key} is not null"])
    return f"select {', '.join(folded)}\nfrom (\n{_indent(rows)}\n)\ngroup by key"


def _ones_inside(nodes: Sequence[RowsNode]) -> list[str]:
    kinds = {type(n).__name__ for node in nodes for n in inside(node)}
    return ["cross join run", *(["cross join parameters"] if "Parameter" in kinds else [])]


def _tags_inside(catalogue: Catalogue, relation: Relation, nodes: Sequence[RowsNode]) -> list[str]:
    if not relation.is_subject:
        return []
    table = catalogue.registry.tables[relation.table]
    refs = {
        n for node in nodes for n in inside(node) if isinstance(n, TagRef) and n.subject == table.subject and not n.link
    }
    return [
        f"left join {tag_alias(ref)} on {tag_alias(ref)}.{quoted(id_column(table.subject))} = {OWN}.{quoted(table.key)}"
        for ref in sorted(refs, key=lambda r: r.code)
    ]


def _extreme(node: Extreme, condition: str, number: int) -> str:
    value, by, last = f"v{number}", f"b{number}", f"m{number}"
    known = (
        f"count(*) filter (where {condition} is null) = 0 and count(*) filter (where {condition} and {by} is null) = 0"
    )
    if node.which != "latest":
        return f"case when {known} then {node.which}({value}) filter (where {condition}) end"
    at_last = f"{condition} and {by} = {last}"
    known = f"{known} and count(*) filter (where {at_last} and {value} is null) = 0"
    return f"case when {known} then max({value}) filter (where {at_last}) end"


def _indent(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in text.split("\n"))
