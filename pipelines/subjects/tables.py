"""Who is who, as a run's database sees it: linkage's tables of the schema `identity`, from a date's folder.

dbt reads them as sources. Nothing is computed here; what survivorship adds to the schema is in `survivorship.tables`.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.feeds.lake import BUSINESS_ON, DELIVERY
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.linkage.persons import HISTORY, KEYS, MENTIONS
from pipelines.subjects.linkage.suspicion import SUSPICION

SCHEMA = "identity"
TABLES: Mapping[str, str] = {
    "known": "Every number's pseudonym, the person it belongs to, who said it first and when.",
    "mention": "Every piece of evidence without a usable number, and the person it means.",
    "suspicion": "Two persons who may be one, and numbers that several people may use.",
    "redirect": "Pseudonyms of numbers and former ids, and the person they mean, where that is another.",
    "mention_row": "Rows in use without a usable number, the person each means, and how sure that is.",
    "history": "What happened to persons' ids: created, merged, split, linked, repaired.",
}
"""What `register` fills, with a word on each."""

_FILES: Mapping[str, tuple[str, Mapping[str, pl.DataType | type[pl.DataType]]]] = {
    "known": (linkage.KEY, KEYS),
    "mention": (linkage.MENTION, MENTIONS),
    "suspicion": (linkage.SUSPICION, SUSPICION),
    "row_of_mention": (linkage.MENTION_ROW, linkage.ROW),
    "event": (linkage.HISTORY_FILE, HISTORY),
}
_MADE: Mapping[str, str] = {
    "redirect": (
        "select person_key, person_id from known where person_id <> person_key "
        "union all select mention_id, person_id from mention where person_id <> mention_id"
    ),
    "mention_row": (
        f"select r.feed, r.slot, r.business_on as {BUSINESS_ON}, r.delivery as {DELIVERY}, r._file, r._line, "
        "m.person_id, m.method, m.confidence, m.status from row_of_mention r join mention m using (mention_id)"
    ),
    "history": (
        'select "on", event, person_id, other_id, via, confidence, feed from event union all '
        "select first_on, 'created', person_id, null, 'number', null, first_feed from known "
        "where person_key = person_id"
    ),
}


def register(connection: duckdb.DuckDBPyConnection, folder: Path | None) -> dict[str, int]:
    """Fill TABLES from a date's folder, or with nothing, so that every model can be built; returns the rows of each."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table, (file, schema) in _FILES.items():
        frame = pl.DataFrame(schema=schema) if folder is None else pl.read_parquet(folder / file)
        connection.register(table, frame.to_arrow())
        if table in TABLES:
            connection.execute(f"create or replace table {SCHEMA}.{table} as select * from {table}")
    for table, query in _MADE.items():
        connection.execute(f"create or replace table {SCHEMA}.{table} as {query}")
    for table in _FILES:
        connection.unregister(table)
    counts = {t: connection.execute(f"select count(*) from {SCHEMA}.{t}").fetchall() for t in TABLES}
    return {table: rows[0][0] for table, rows in counts.items()}
