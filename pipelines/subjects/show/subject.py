"""One subject, whole: attributes with their sources, what disagrees, links, history; as much as the look may show.

Persons come from `person`. All other subjects come from a published database, and what names or finds them from
the lake, since no published database has it. Every look is logged before anything of it is given.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.feeds.contracts import Contract
from pipelines.feeds.lake import view_sql
from pipelines.feeds.status import judged
from pipelines.refusal import Refusal
from pipelines.settings import Settings
from pipelines.sql import quoted
from pipelines.subjects.show.access import (
    CLASSES,
    HIDDEN,
    MASKED,
    OPEN,
    Access,
    AccessProblem,
    Asker,
    Declared,
    IdShape,
    is_name,
    masked,
)
from pipelines.subjects.show.access import access as allow
from pipelines.subjects.show.looks import Look, record
from pipelines.subjects.show.person import Known, known, meant, state
from pipelines.subjects.show.registry import ShownColumn, ShownTable, registered, untold_feeds
from pipelines.subjects.survivorship.checks import load_rules

PERSON = "person"
_OF_CONFLICT = ("kept_feed", "other_feed", "kept_known_on", "other_known_on")
_REGISTERED = {"spouse_key": "spouse_id"}
"""What survivorship calls otherwise, because a row gives a key that may have become part of somebody since."""
MOST_IDS = 20
"""Ids of subjects that point to this one; all of them count."""


class UnknownSubjectError(Refusal):
    """There is no such subject, or not on that date; the message says what its id may be one of."""


@dataclass(frozen=True)
class Published:
    """A published database and the date it speaks about."""

    database: Path
    as_of: date


def show(
    settings: Settings,
    contracts: Mapping[str, Contract],
    published: Published | None,
    asked: str,
    asks: Asker,
    declared: Declared,
    as_of: date | None = None,
) -> dict[str, Any]:
    """The subject an id means, as of a date (default: the published one, else the last known).

    Gives subject, id, asked, as_of, known_on, access, attributes, conflicts, links, rows, periods, history, former_ids.
    What role and purpose do not open is masked or hidden. Raises AccessProblem where they do not go together,
    UnknownSubjectError, and LookProblem where the look cannot be logged. All but the last are logged as well.
    """
    asked = asked.strip()
    day = as_of or (published.as_of if published else None)

    def log(outcome: str, subject: str = "", subject_id: str = "", columns: Sequence[str] = ()) -> None:
        known_as = subject_id or _loggable(asked, declared.ids)
        on = day.isoformat() if day else None
        # What is no declared word is not logged: it could be anything, a number of somebody too.
        role, purpose = (
            w if w in words else None for w, words in ((asks.role, declared.roles), (asks.purpose, declared.purposes))
        )
        who = asks.who if is_name(asks.who) else "(no name)"
        record(settings, Look(who, role, purpose, subject, known_as, on, outcome, list(columns)))

    try:
        access = allow(declared, asks)
    except AccessProblem:
        log("refused")
        raise
    tables = registered(settings.dbt_project / "models" / "subjects")
    body = _person(settings, contracts, tables, published, asked, day, access) or _other(
        settings, contracts, tables, published, asked, access
    )
    if body is None:
        log("unknown")
        raise UnknownSubjectError(_help(asked, declared.ids, published, day))
    log("shown", body["subject"], body["id"], [a["attribute"] for a in body["attributes"] if a["shown"] == OPEN])
    return {
        **body,
        "asked": asked,
        "as_of": day,
        "access": {"who": asks.who, "role": asks.role, "purpose": asks.purpose, "max_class": access.max_class,
                   "may_identify": access.may_identify},
    }  # fmt: skip


def _person(
    settings: Settings,
    contracts: Mapping[str, Contract],
    tables: Mapping[str, ShownTable],
    published: Published | None,
    asked: str,
    day: date | None,
    access: Access,
) -> dict[str, Any] | None:
    kept = state(settings, day)
    person_id = meant(kept[0], asked) if kept else None
    if kept is None or person_id is None:
        return None
    told = known(*kept, load_rules(settings, contracts), person_id, day)
    if told is None:
        return None
    table = _table(tables, PERSON)
    origin, conflict, period = (_table(tables, name) for name in ("person_source", "person_conflict", "person_period"))
    said = _as_registered(told.values)
    attributes = [_shown(_column(table, v["attribute"]), access, _sourced(v, origin, access)) for v in said]
    conflicts = _veiled(_as_registered(told.conflicts), table, access, ("kept_value", "other_value"))
    periods = _veiled(_as_registered(told.periods), table, access, ("value",))
    body = {
        "subject": PERSON, "id": person_id, "known_on": told.known_on, "attributes": attributes,
        "conflicts": _closed(conflicts, conflict, access, _OF_CONFLICT),
        "periods": _closed(periods, period, access, ("feed",)),
        "history": _closed(_discreet(settings, told.history), _table(tables, "person_id_history"), access, ("feed",)),
        "suspicions": told.suspicions, "former_ids": told.former_ids, "links": [], "rows": [],
    }  # fmt: skip
    # What is derived belongs to the date it was derived for.
    if published is not None and published.as_of == day and table.columns:
        with duckdb.connect(str(published.database), read_only=True) as connection:
            row = _row(connection, table, person_id)
            body["attributes"] = [*attributes, *_derived(table, row, access, told)]
            body["links"], body["rows"] = _links(connection, tables, table, person_id, row, access)
    return body


def _derived(table: ShownTable, row: dict[str, Any], access: Access, told: Known) -> list[dict[str, Any]]:
    said = {value["attribute"] for value in _as_registered(told.values)} | {table.key}
    return [
        _shown(table.columns[name], access, {"attribute": name, "value": value})
        for name, value in row.items()
        if name not in said and value is not None and name in table.columns
    ]


def _other(
    settings: Settings,
    contracts: Mapping[str, Contract],
    tables: Mapping[str, ShownTable],
    published: Published | None,
    asked: str,
    access: Access,
) -> dict[str, Any] | None:
    if published is None or not asked:
        return None
    with duckdb.connect(str(published.database), read_only=True) as connection:
        key, former = _former(connection, asked)
        for table in tables.values():
            if not table.subject or table.subject == PERSON or table.sensitivity == CLASSES[-1]:
                continue
            row = _row(connection, table, key)
            if row:
                links, rows = _links(connection, tables, table, key, row, access)
                break
        else:
            return None
    row |= _from_lake(settings, contracts, table, key, published.as_of)
    attributes = [
        _shown(column, access, {"attribute": name, "value": row.get(name)})
        for name, column in table.columns.items()
        if row.get(name) is not None and name != table.key
    ]
    return {
        "subject": table.subject, "id": key, "known_on": published.as_of, "attributes": attributes, "conflicts": [],
        "periods": [], "history": [], "suspicions": [], "former_ids": former, "links": links, "rows": rows,
    }  # fmt: skip


def _former(connection: duckdb.DuckDBPyConnection, asked: str) -> tuple[str, list[str]]:
    """The id that an organisation's or place's id means now, and all its former ones."""
    if "former_id" not in _columns(connection, "former_id"):
        return asked, []
    ask = "select subject_id from subjects.former_id where former_id = ?"
    found = connection.execute(ask, [asked]).fetchone()
    key = str(found[0]) if found else asked
    old = connection.execute("select distinct former_id from subjects.former_id where subject_id = ? order by 1", [key])
    return key, [row[0] for row in old.fetchall()]


def _from_lake(
    settings: Settings, contracts: Mapping[str, Contract], table: ShownTable, key: str, as_of: date
) -> dict[str, Any]:
    """What names or finds a subject, from the rows in use of the feeds that state it under the same names."""
    found: dict[str, Any] = {}
    wanted = [column for column in table.columns.values() if column.direct]
    feeds = sorted({feed for column in wanted for feed in column.feeds if feed in contracts})
    statuses = judged(settings, contracts, as_of) if feeds else []
    for feed in feeds:
        outputs = contracts[feed].outputs
        names = [column.name for column in wanted if feed in column.feeds and column.name in outputs]
        if not names or table.key not in outputs:
            continue
        view = view_sql(settings, contracts[feed], [s for s in statuses if s.feed == feed])
        last = "order by _business_on desc, _delivery desc, _file desc, _line desc limit 1"
        columns = ", ".join(map(quoted, names))
        with duckdb.connect() as connection:
            row = connection.execute(
                f"select {columns} from ({view}) where {quoted(table.key)} = ? {last}", [key]
            ).fetchone()
        found |= {n: v for n, v in zip(names, row, strict=True) if v is not None and n not in found} if row else {}
    return found


def _row(connection: duckdb.DuckDBPyConnection, table: ShownTable, key: str) -> dict[str, Any]:
    if table.key not in _columns(connection, table.name):
        return {}
    cursor = connection.execute(f"select * from subjects.{quoted(table.name)} where {quoted(table.key)} = ?", [key])
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else {}


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """The columns a published table has: none where it is not there, fewer than are registered in an old one."""
    query = "select column_name from information_schema.columns where table_schema = 'subjects' and table_name = ?"
    return {row[0] for row in connection.execute(query, [table]).fetchall()}


def _links(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, ShownTable],
    table: ShownTable,
    key: str,
    row: Mapping[str, Any],
    access: Access,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Subjects this one points to, and how many rows of which tables point to it.

    That somebody has rows in a table tells what the table is about, so such a table is as high as its highest column.
    """
    links = [
        {
            "to": subject,
            "via": column,
            "id": row[column],
            "name": _name_of(connection, tables, subject, str(row[column])),
        }
        for subject, column in sorted(table.points_to.items())
        if row.get(column) is not None and access.of(_column(table, column)) == OPEN
    ]
    rows = []
    for other in tables.values():
        column = other.points_to.get(table.subject)
        if column is None or column not in _columns(connection, other.name):
            continue
        highest = max(
            (c.sensitivity for c in other.columns.values() if not c.direct), key=CLASSES.index, default="public"
        )
        about = {"table": other.name, "label": other.label, "via": column}
        if not other.subject and access.of(ShownColumn(other.name, other.label, highest, direct=False)) != OPEN:
            rows.append({**about, "rows": HIDDEN, "ids": []})
            continue
        where = f"from subjects.{quoted(other.name)} where {quoted(column)} = ?"
        count = connection.execute(f"select count(*) {where}", [key]).fetchall()[0][0]
        ids: list[str] = []
        if other.subject and count:
            query = f"select {quoted(other.key)} {where} order by 1 limit {MOST_IDS}"
            ids = [r[0] for r in connection.execute(query, [key]).fetchall()]
        if count:
            rows.append({**about, "rows": count, "ids": ids})
    return links, rows


def _name_of(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, ShownTable], subject: str, key: str
) -> str | None:
    """The name of a subject whose names are public: a village, a firm."""
    table = next((t for t in tables.values() if t.subject == subject), None)
    name = table.columns.get("name") if table else None
    if table is None or name is None or name.direct or name.sensitivity != CLASSES[0]:
        return None
    found = _row(connection, table, key).get("name")
    return str(found) if found is not None else None


def _table(tables: Mapping[str, ShownTable], name: str) -> ShownTable:
    """A table as registered; where it is not, none of its columns is known."""
    return tables.get(name) or ShownTable(name, name, name, f"{name}_id", "public")


def _as_registered(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their attributes under the names that the registry gives them."""
    return [row | {"attribute": _REGISTERED.get(row["attribute"], row["attribute"])} for row in rows]


def _discreet(settings: Settings, history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What happened, without the feeds of which nobody is told that they name somebody."""
    untold = untold_feeds(settings.dbt_project)
    return [event | ({"feed": HIDDEN} if event.get("feed") in untold else {}) for event in history]


def _sourced(said: Mapping[str, Any], origin: ShownTable, access: Access) -> dict[str, Any]:
    """A value with what may be told of its source: that a feed names somebody tells what the feed is about."""
    kept = dict(said)
    for word, ending in (("source", ""), ("known_on", "_known_on"), ("agreement", "_agreement")):
        if kept.get(word) is not None and access.of(_column(origin, said["attribute"] + ending)) != OPEN:
            kept[word] = HIDDEN
    return kept


def _closed(
    rows: Sequence[dict[str, Any]], table: ShownTable, access: Access, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows without what the look does not open of their own columns."""
    closed = [name for name in columns if access.of(_column(table, name)) != OPEN]
    return [row | {name: HIDDEN for name in closed if row.get(name) is not None} for row in rows]


def _column(table: ShownTable, name: str) -> ShownColumn:
    return table.columns.get(name) or ShownColumn(name, name)


def _shown(column: ShownColumn, access: Access, said: Mapping[str, Any]) -> dict[str, Any]:
    how = access.of(column)
    return {
        "attribute": column.name,
        "label": column.label,
        "value": _veil(how, said["value"]),
        "source": said.get("source") or (", ".join(column.feeds) if "source" not in said else None),
        "known_on": said.get("known_on"),
        "agreement": said.get("agreement"),
        "class": column.sensitivity,
        "shown": how,
    }


def _veiled(
    rows: Sequence[dict[str, Any]], table: ShownTable, access: Access, columns: Sequence[str]
) -> list[dict[str, Any]]:
    return [
        row | {name: _veil(access.of(_column(table, row["attribute"])), row[name]) for name in columns} for row in rows
    ]


def _veil(how: str, value: Any) -> Any:
    return value if how == OPEN or value is None else masked(value) if how == MASKED else HIDDEN


def _loggable(asked: str, shapes: Sequence[IdShape]) -> str:
    """What is logged of an id that nobody has: nothing that could be a name or a number of somebody."""
    is_id = any(re.fullmatch(known_as.shape, asked) for known_as in shapes) and not _is_number(asked)
    return asked if is_id else "(no id)"


def _is_number(asked: str) -> bool:
    """Whether a text has the shape of an identity number, right or wrong."""
    return bool(re.fullmatch(r"[0-9]{15}|[0-9]{17}[0-9Xx]", asked))


def _help(asked: str, shapes: Sequence[IdShape], published: Published | None, day: date | None) -> str:
    if _is_number(asked):
        return (
            "that has the shape of an identity number. Subjects are asked for by their ids, which are pseudonyms; "
            "never type an identity number into a command, and delete it from the shell's history"
        )
    when = f" as of {day}" if day else ""
    kinds = [known_as.words for known_as in shapes if re.fullmatch(known_as.shape, asked)]
    if kinds:
        hint = f"its shape is that of {' or '.join(kinds)}, but none with this id is known"
    else:
        hint = "it has the shape of no id; ids are those of " + "; ".join(known_as.words for known_as in shapes)
    more = "" if published else ". Nothing is published for that date, so only persons can be shown"
    return f"there is no such subject{when}: {hint}{more}"
