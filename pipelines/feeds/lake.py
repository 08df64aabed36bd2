"""The lake as a run's database sees it: one view a feed over the deliveries in use, and the state of every feed.

Creates the schemas `lake` and `run` in a run's own database; nothing here is published. Views name absolute paths, so
they live no longer than the run.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import polars as pl

from pipelines.feeds.check import lake_schema
from pipelines.feeds.contracts import Contract
from pipelines.feeds.judge import Status, feed_state, in_use
from pipelines.feeds.land import ROWS
from pipelines.settings import Settings
from pipelines.sql import quoted, text_literal

# Added to every row in a view: which delivery said it.
BUSINESS_ON, DELIVERY = "_business_on", "_delivery"
_SQL_TYPES = {
    pl.String: "VARCHAR",
    pl.Int64: "BIGINT",
    pl.Int32: "INTEGER",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Datetime: "TIMESTAMP",
    pl.List: "VARCHAR[]",
}


def register(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    statuses: Sequence[Status],
    as_of: date,
) -> None:
    """Create `lake.<feed>` for every contract, `lake.feed_status` and `run.context` (one row: as_of).

    A feed with nothing in use gets an empty view of the right types, so that every model can be built.
    """
    connection.execute("create schema if not exists lake")
    connection.execute("create schema if not exists run")
    connection.execute("create or replace table run.context (as_of date)")
    connection.execute("insert into run.context values (?)", [as_of])
    connection.execute(
        "create or replace table lake.feed_status "
        "(feed varchar, is_available boolean, is_stale boolean, business_on date, accepted_rows bigint)"
    )
    for feed, contract in contracts.items():
        mine = [s for s in statuses if s.feed == feed]
        connection.execute(f"create or replace view lake.{contract.code} as {view_sql(settings, contract, mine)}")
        state = feed_state(contract, mine, as_of)
        connection.execute(
            "insert into lake.feed_status values (?, ?, ?, ?, ?)",
            [state.feed, state.is_available, state.is_stale, state.business_on, state.accepted_rows],
        )


def view_sql(settings: Settings, contract: Contract, statuses: Sequence[Status]) -> str:
    """The query behind a feed's view."""
    columns = sql_types(contract)
    used = in_use(statuses)
    if not used:
        typed = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns.items())
        return f"select {typed} where false"
    places = []
    for status in used:
        path = settings.lake / status.feed / status.business_on.isoformat() / status.number / ROWS
        places.append((str(path), status.business_on.isoformat(), status.number))
    files = ", ".join(text_literal(path) for path, _, _ in places)
    told = ", ".join(
        f"({text_literal(path)}, date {text_literal(day)}, {text_literal(number)})" for path, day, number in places
    )
    stored = ", ".join(
        f"r.{quoted(n)}::{k} as {quoted(n)}" for n, k in columns.items() if n not in (BUSINESS_ON, DELIVERY)
    )
    return (
        f"select {stored}, d.business_on as {BUSINESS_ON}, d.number as {DELIVERY} "
        f"from read_parquet([{files}], filename = true, union_by_name = true) r "
        f"join (values {told}) d(path, business_on, number) on r.filename = d.path"
    )


def sql_types(contract: Contract) -> dict[str, str]:
    """DuckDB types of a feed's view, in order."""
    types = {name: sql_type(kind) for name, kind in lake_schema(contract).items()}
    return types | {BUSINESS_ON: "DATE", DELIVERY: "VARCHAR"}


def sql_type(kind: pl.DataType | type[pl.DataType]) -> str:
    """The DuckDB type that holds a Polars type of the lake."""
    if isinstance(kind, pl.Decimal):
        return f"DECIMAL({kind.precision},{kind.scale})"
    return _SQL_TYPES[kind.base_type()]
