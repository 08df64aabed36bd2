"""Why a tag has the value it has for one subject: every part of the rule with its value, and where inputs come from."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.refusal import Refusal
from pipelines.sql import quoted, sealed
from pipelines.tags.aggregates import rows_nodes
from pipelines.tags.catalogue import Catalogue, rule_version
from pipelines.tags.exports import unavailable_feeds
from pipelines.tags.interpret import Row, World, evaluate
from pipelines.tags.listing import plain
from pipelines.tags.plan import needs
from pipelines.tags.registry import Table
from pipelines.tags.rule_text import to_text
from pipelines.tags.tree import Column, Literal, Node, Parameter, TagRef, inside, own_children

MOST_ROWS = 200
"""Related rows shown at most; all of them count."""


class UnknownSubjectError(Refusal):
    """There is no such subject, no such tag, or not what the tag reads; the message says which."""


def explain(catalogue: Catalogue, database: Path, subject_id: str, code: str, as_of: date) -> dict[str, Any]:
    """Explains one tag of one subject from a DuckDB file with the schema `subjects`.

    Returns `value` (true, false, a number, or null for unknown), `rule`, `parts` (each part of the rule with its own
    value, outermost first), `inputs` (columns with values, classes and feeds with their state), `parameters` (values in
    force with legal reference) and `rule_version`, beside the tag's own words. Raises UnknownSubjectError.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        sealed(connection)
        return explain_with(connection, catalogue, subject_id, code, as_of)


def explain_with(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, subject_id: str, code: str, as_of: date
) -> dict[str, Any]:
    """`explain` over an open connection."""
    if code not in catalogue.tags:
        raise UnknownSubjectError(f"there is no tag {code}")
    tag = catalogue.tags[code]
    _require_tables(connection, catalogue, code)
    row = SubjectReader(connection, catalogue).subject(tag.subject, subject_id, [code])
    if row is None:
        raise UnknownSubjectError(f"there is no {tag.subject} {subject_id} in this database")
    feeds = catalogue.feeds_of(code)
    world = World(as_of, catalogue.parameters_on(as_of), unavailable_feeds(connection, feeds), catalogue.trees)
    in_force = {n: catalogue.parameters[n].on(as_of) for n in catalogue.parameters_of(code)}
    return {
        "code": code,
        "name": tag.name,
        "name_en": tag.name_en,
        "subject": tag.subject,
        "subject_id": subject_id,
        "as_of": as_of.isoformat(),
        "value": plain(evaluate(tag.tree, row, world)),
        "rule": to_text(tag.tree),
        "purpose": tag.purpose,
        "legal": tag.legal,
        "owner": tag.owner,
        "parts": _parts(tag.tree, row, world),
        "inputs": _inputs(catalogue, tag.tree, tag.subject, row, _states(connection, feeds)),
        "parameters": [
            {
                "name": name,
                "value": plain(dated.value),
                "unit": catalogue.parameters[name].unit,
                "legal": dated.legal,
                "valid_from": plain(dated.valid_from),
                "valid_to": plain(dated.valid_to),
            }
            for name, dated in in_force.items()
            if dated is not None
        ],
        "rule_version": rule_version(catalogue, code),
    }


def _require_tables(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, code: str) -> None:
    rows = connection.execute("select table_name from information_schema.tables where table_schema = 'subjects'")
    missing = {table for table, _ in catalogue.columns_of(code)} - {r[0] for r in rows.fetchall()}
    if missing:
        names = ", ".join(sorted(missing))
        raise UnknownSubjectError(f"{code} reads {names}, which this database does not hold: {_why(catalogue, code)}")


def _why(catalogue: Catalogue, code: str) -> str:
    if catalogue.tags[code].is_restricted:
        return "the tag is restricted, and a release for analysts has nothing restricted"
    return "it was made by other rules"


def _parts(tree: Node, row: Row, world: World, depth: int = 0) -> list[dict[str, Any]]:
    """The rule's parts, outermost first; a tag referred to is followed by the parts of its own rule."""
    found = [{"depth": depth, "expression": to_text(tree), "value": plain(evaluate(tree, row, world))}]
    if isinstance(tree, TagRef):
        target = row.links.get(tree.link) if tree.link else row
        if target is not None:
            found += _parts(world.tags[tree.code], target, world, depth + 1)
    for child in own_children(tree):
        if not isinstance(child, Literal | Parameter):
            found += _parts(child, row, world, depth + 1)
    return found


def _inputs(
    catalogue: Catalogue, tree: Node, subject: str, row: Row, states: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def note(label: str, table: str, column: str, value: Any) -> None:
        info = catalogue.registry.column(table, column)
        found[label] = {
            "column": label,
            "label": info.label,
            "value": plain(value),
            "class": info.sensitivity,
            "feeds": [states.get(f, {"feed": f, "is_available": False}) for f in info.feeds],
        }

    def visit(node: Node, at: Row, prefix: str) -> None:
        match node:
            case Column():
                target = at.links.get(node.link) if node.link else at
                label = f"{prefix}{node.link + '.' if node.link else ''}{node.name}"
                note(label, node.table, node.name, target.values.get(node.name) if target else None)
            case TagRef():
                target = at.links.get(node.link) if node.link else at
                if target is not None:
                    visit(catalogue.trees[node.code], target, prefix + (f"{node.link}." if node.link else ""))
        for relation, nodes in rows_nodes([node]).items():
            columns = {n.name for part in nodes for n in inside(part) if isinstance(n, Column)}
            related = at.rows.get(relation.table, ())[:MOST_ROWS]
            for name in sorted(columns):
                values = tuple(r.values.get(name) for r in related)
                note(f"{prefix}{relation.table}[].{name}", relation.table, name, values)
        for child in own_children(node):
            visit(child, at, prefix)

    visit(tree, row, "")
    return list(found.values())


def _states(connection: duckdb.DuckDBPyConnection, feeds: Iterable[str]) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        "select feed, is_available, is_stale, business_on from subjects.feed_status where feed in (select unnest(?))",
        [list(feeds)],
    ).fetchall()
    return {
        feed: {"feed": feed, "is_available": available, "is_stale": stale, "business_on": plain(day)}
        for feed, available, stale, day in rows
    }


class SubjectReader:
    """Reads one subject's row with all rows that some tags look at, however far away."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
        self.connection = connection
        self.catalogue = catalogue

    def subject(self, subject: str, subject_id: object, codes: Iterable[str]) -> Row | None:
        """The row of a subject as its tags see it, None if there is none."""
        table = self.catalogue.registry.subjects[subject]
        rows = self._select(table, table.key, subject_id)
        return self._complete(subject, rows[0], codes) if rows else None

    def _complete(self, subject: str, values: dict[str, Any], codes: Iterable[str]) -> Row:
        own = self._own_codes(subject, codes)
        found = needs({c: self.catalogue.trees[c] for c in own})
        links: dict[str, Row | None] = {}
        for link, via in found.links.items():
            target = values[via]
            tags = found.link_tags.get(link, set())
            links[link] = None if target is None else self.subject(link, target, tags)
        rows = {}
        table = self.catalogue.registry.subjects[subject]
        for relation, nodes in found.relations.items():
            related = self.catalogue.registry.tables[relation.table]
            read = self._select(related, relation.key, values[table.key])
            tags = {n.code for node in nodes for n in inside(node) if isinstance(n, TagRef)}
            rows[relation.table] = [
                self._complete(related.subject, r, tags) if relation.is_subject and tags else Row(r) for r in read
            ]
        return Row(values, links, rows)

    def _own_codes(self, subject: str, codes: Iterable[str]) -> list[str]:
        """The codes and all tags of the same subject that they read on the same row."""
        found: dict[str, None] = {}
        todo = list(codes)
        while todo:
            code = todo.pop()
            if code not in found:
                found[code] = None
                todo += needs({code: self.catalogue.trees[code]}).own_tags
        return sorted(found)

    def _select(self, table: Table, key: str, value: object) -> list[dict[str, Any]]:
        names = [c.name for c in table.columns.values() if c.type is not None and not c.direct]
        rows = self.connection.execute(
            f"select {', '.join(quoted(n) for n in names)} from subjects.{quoted(table.name)} where {quoted(key)} = ?",
            [value],
        ).fetchall()
        return [{n: tuple(v) if isinstance(v, list) else v for n, v in zip(names, row, strict=True)} for row in rows]
