"""The schema `tags` of a run's database: wide tables, views with Chinese names, the catalogue, parameters, coverage.

Restricted tags do not enter it: they stay in files of their own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.sql import quoted
from pipelines.tags import coverage
from pipelines.tags.catalogue import Catalogue, rules_version
from pipelines.tags.declarations import Tag
from pipelines.tags.evaluate import RESTRICTED
from pipelines.tags.listing import list_levels, list_tags
from pipelines.tags.registry import id_column
from pipelines.tags.sqltext import VALUE_COLUMNS
from pipelines.tags.to_sql import literal

CATALOGUE_COLUMNS = {
    "code": "Tag code, two digits a level after the T",
    "name": "Chinese name",
    "name_en": "English name",
    "level1": "Domain, in Chinese",
    "level2": "Group, in Chinese",
    "level3": "Sub-group, in Chinese",
    "subject": "What the tag is about",
    "kind": "fact copies a code, rule combines, statistical counts, model suspects and only asks for a check",
    "value_type": "bool, or number for some village tags",
    "unit": "Unit of a number tag",
    "state": "active or retired",
    "valid_from": "First day of the tag, if it has one",
    "valid_to": "Last day of the tag, if it has one",
    "sensitivity": "public, internal or sensitive; restricted tags have no column in this schema",
    "min_cell": "Smallest count that may be shown, or no-export",
    "excl_group": "At most one tag of the group is true of a subject",
    "purpose": "The service offered or the safety served",
    "legal": "Legal or official basis of the definition",
    "owner": "Department that answers for the tag",
    "cadence": "How often its inputs come",
    "rule": "The rule in the rule language",
    "rule_version": "Hash of the rule with everything it refers to",
    "feeds": "Feeds the value comes from",
    "columns": "Columns of the schema subjects the value comes from",
    "parameters": "Dated parameters the value depends on",
    "depends_on": "Tags the rule refers to",
    "note": "What readers should know",
    "declared_in": "File and line of the declaration",
}

MEMBERSHIP_COLUMNS = {
    "subject_type": "What the tag is about: person, household, dwelling or village",
    "id": "Id of the person, household or dwelling, code of the village",
    "code": "Tag code",
    "value": "true, false, or null for unknown; null of number tags",
    "number": "Value of a number tag; null of others",
}


def create(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, files: Mapping[str, Path], as_of: date
) -> dict[str, int]:
    """Makes the schema anew from the wide files that `evaluate` returned; returns rows by table.

    The connection must be to the database the tags were evaluated over: coverage reads its subjects.
    """
    connection.execute("drop schema if exists tags cascade")
    connection.execute("create schema tags")
    in_force = {c: t for c, t in catalogue.in_force(as_of).items() if not t.is_restricted}
    create_context(connection, catalogue, as_of)
    _catalogue(connection, catalogue)
    _levels(connection, catalogue)
    wide = [s for s in sorted(files) if not s.startswith(RESTRICTED)]
    for subject in wide:
        _wide(connection, catalogue, subject, files[subject], [t for t in in_force.values() if t.subject == subject])
    _coverage(connection, coverage.coverage(connection, catalogue, files, as_of))
    for subject in wide:
        _named(connection, catalogue, subject, [t for t in in_force.values() if t.subject == subject])
    _membership(connection, {s: [t for t in in_force.values() if t.subject == s] for s in wide})
    return _rows(connection)


def create_context(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date) -> None:
    """Makes tags.run and tags.parameters, which is all that a tag's query needs beside `subjects`."""
    _run(connection, catalogue, as_of)
    _parameters(connection, catalogue, as_of)


def _rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = connection.execute(
        "select table_name from duckdb_tables() "
        "where schema_name = 'tags' and database_name = current_database() order by 1"
    ).fetchall()
    return {n: _count(connection, n) for (n,) in names}


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    rows = connection.execute(f"select count(*) from tags.{quoted(name)}").fetchall()
    return int(rows[0][0])


def _comment(connection: duckdb.DuckDBPyConnection, kind: str, name: str, words: str) -> None:
    connection.execute(f"comment on {kind} {name} is {literal(words)}")


def _comments(connection: duckdb.DuckDBPyConnection, table: str, words: str, columns: Mapping[str, str]) -> None:
    _comment(connection, "table", f"tags.{table}", words)
    _column_comments(connection, table, columns)


def _column_comments(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    for column, text in columns.items():
        _comment(connection, "column", f"tags.{quoted(table)}.{quoted(column)}", text)


def _run(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date) -> None:
    connection.execute(
        "create table tags.run as select ?::date as as_of, ? as rules_version", [as_of, rules_version(catalogue)]
    )
    columns = {"as_of": "The date every tag speaks about", "rules_version": "Hash of all tag declarations"}
    _comments(connection, "run", "One row: the date and the rules the tags were made with", columns)


def _parameters(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date) -> None:
    columns = {
        "name": ("varchar", "Name, written $name in rules"),
        "unit": ("varchar", "Unit"),
        "description": ("varchar", "What it fixes"),
        "value_int": ("bigint", "Value if a whole number"),
        "value_decimal": ("decimal(28,6)", "Value if a decimal"),
        "value_text": ("varchar", "Value if text"),
        "value_date": ("date", "Value if a date"),
        "value_texts": ("varchar[]", "Value if a list of text"),
        "valid_from": ("date", "First day the value holds"),
        "valid_to": ("date", "Last day the value holds, null if open"),
        "is_in_force": ("boolean", "Whether it holds on the run's date"),
        "legal": ("varchar", "Legal or official basis"),
        "note": ("varchar", "Remark"),
    }
    connection.execute(f"create table tags.parameters ({', '.join(f'{n} {k}' for n, (k, _) in columns.items())})")
    for info in catalogue.parameters.values():
        for dated in info.values:
            cells: dict[str, Any] = dict.fromkeys(columns)
            cells |= {"name": info.name, "unit": info.unit, "description": info.description}
            cells |= {
                "valid_from": dated.valid_from,
                "valid_to": dated.valid_to,
                "legal": dated.legal,
                "note": dated.note,
            }
            cells["is_in_force"] = dated.holds(as_of)
            value = list(dated.value) if isinstance(dated.value, tuple) else dated.value
            cells[VALUE_COLUMNS[info.type.kind]] = value
            connection.execute(
                f"insert into tags.parameters values ({', '.join('?' * len(columns))})", list(cells.values())
            )
    words = "Dated parameters of rules; a tag's query reads the value in force on the run's date from here"
    _comments(connection, "parameters", words, {n: text for n, (_, text) in columns.items()})


def _catalogue(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    entries = [e for e in list_tags(catalogue) if e["sensitivity"] != "restricted"]
    lists = {"feeds", "columns", "parameters", "depends_on"}
    series = []
    for name in CATALOGUE_COLUMNS:
        kind = pl.List(pl.String) if name in lists else pl.String
        values = [e[name] if name in lists or e[name] is None else str(e[name]) for e in entries]
        series.append(pl.Series(name, values, dtype=kind))
    frame = pl.DataFrame(series).with_columns(pl.col("valid_from", "valid_to").cast(pl.Date))
    _from_frame(connection, "catalogue", frame)
    _comments(connection, "catalogue", "One row a tag, restricted ones left out", CATALOGUE_COLUMNS)


def _levels(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    _from_frame(connection, "levels", pl.DataFrame(list_levels(catalogue), infer_schema_length=None))
    columns = {
        "code": "Code of the node",
        "name": "Chinese name",
        "name_en": "English name",
        "level": "1 domain, 2 group, 3 sub-group",
        "parent": "Code of the node above",
        "tags": "Tags declared below",
    }
    _comments(connection, "levels", "The three levels of the tag tree above the tags", columns)


def _from_frame(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    connection.register("incoming", frame.to_arrow())
    connection.execute(f"create table tags.{quoted(table)} as select * from incoming")
    connection.unregister("incoming")


def _wide(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, subject: str, file: Path, tags: Sequence[Tag]
) -> None:
    table = f"{subject}_tags"
    path = literal(str(file))
    connection.execute(f"create table tags.{quoted(table)} as select * from read_parquet({path})")
    label = catalogue.registry.subjects[subject].label
    words = f"{label}: one row a {subject}, one column a tag; true, false, or null for unknown"
    columns = {id_column(subject): f"{label}标识"} | {t.code: f"{t.name} {t.name_en}: {t.purpose}" for t in tags}
    _comments(connection, table, words, columns)


def _named(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, subject: str, tags: Sequence[Tag]) -> None:
    name = id_column(subject)
    selected = [quoted(name), *(f"{t.code} as {quoted(t.name)}" for t in tags)]
    view = f"tags.{quoted(f'{subject}_named')}"
    connection.execute(f"create view {view} as select {', '.join(selected)} from tags.{quoted(f'{subject}_tags')}")
    _comment(connection, "view", view, f"tags.{subject}_tags with the tags' Chinese names as columns")
    columns = {name: f"{catalogue.registry.subjects[subject].label}标识"}
    _column_comments(
        connection, f"{subject}_named", columns | {t.name: f"{t.code} {t.name_en}: {t.purpose}" for t in tags}
    )


def _membership(connection: duckdb.DuckDBPyConnection, subjects: Mapping[str, Sequence[Tag]]) -> None:
    parts = []
    for subject, tags in subjects.items():
        kinds = {
            True: [t.code for t in tags if t.type.kind == "bool"],
            False: [t.code for t in tags if t.type.kind != "bool"],
        }
        for is_bool, codes in kinds.items():
            if codes:
                parts.append(_unpivoted(subject, codes, is_bool))
    if parts:
        connection.execute(f"create view tags.membership as {' union all '.join(parts)}")
        words = "Every tag of every subject as a row; slow, because it turns the wide tables: prefer those for counting"
        _comment(connection, "view", "tags.membership", words)
        _column_comments(connection, "membership", MEMBERSHIP_COLUMNS)


def _unpivoted(subject: str, codes: Sequence[str], is_bool: bool) -> str:
    name = id_column(subject)
    values = (
        "value, null::decimal(28,6) as number" if is_bool else "null::boolean as value, value::decimal(28,6) as number"
    )
    kind = "boolean" if is_bool else "decimal(28,6)"
    columns = ", ".join(f"{c}::{kind} as {c}" for c in codes)
    return (
        f"select '{subject}' as subject_type, {name} as id, code, {values} from "
        f"(select {name}, {columns} from tags.{quoted(f'{subject}_tags')}) "
        f"unpivot include nulls (value for code in ({', '.join(codes)}))"
    )


def _coverage(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> None:
    _from_frame(connection, "coverage", frame)
    columns = {
        "village_code": "Village",
        "role": "res: lives or lies there; hukou: is registered there",
        "level": "1 domain, 2 group, 3 sub-group, 4 tag",
        "code": "Code of the node",
        "tag_count": "Tags counted in the node",
        "eligible_count": "Statements the node could make: subjects of the village times tags",
        "known_count": "Statements that are true or false",
        "true_count": "Statements that are true; number tags left out",
        "unknown_count": "Statements that are unknown",
    }
    _comments(connection, "coverage", "How much the tags know, by village and node of the tag tree", columns)
