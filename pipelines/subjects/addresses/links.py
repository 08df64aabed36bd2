"""Rows that name a dwelling by its address only: which one they mean, as tables of the run's database.

Which columns hold an address is declared in `data/addresses/columns.yml` and, of people, in the contracts. The tables
hold addresses, so they are steps on the way and never published.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.feeds.contracts import Contract
from pipelines.settings import Settings
from pipelines.sql import quoted, text_literal
from pipelines.subjects.addresses.match import LINK_SCHEMA, Matching, base, match, with_neighbours
from pipelines.subjects.addresses.names import AddressProblem, Names, Vocabulary, names, read
from pipelines.subjects.addresses.parse import parse

SCHEMA = "identity"
ROW_KEY = ("_business_on", "_delivery", "_file", "_line")


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Base(_Declared):
    """The feed of the standard base and its columns."""

    feed: str
    dwelling: str
    address: str
    village: str
    estate: str


class Villages(_Declared):
    """The feed that lists villages and its columns."""

    feed: str
    village: str
    name: str
    town: str
    town_name: str


class Estates(_Declared):
    """The feed that names estates and its columns."""

    feed: str
    estate: str
    name: str


class Column(_Declared):
    """A column that holds an address; `dwelling` and `village` are the columns that may say where it is."""

    feed: str
    slot: str
    address: str
    dwelling: str | None = None
    village: str | None = None


class Columns(_Declared):
    """What `columns.yml` declares."""

    base: Base
    villages: Villages
    estates: Estates
    columns: tuple[Column, ...]


def declared(folder: Path, contracts: Mapping[str, Contract]) -> Columns:
    """The declared columns and those of people, checked against the contracts. Raises AddressProblem."""
    said: Columns = read(folder / "columns.yml", Columns)
    of_people = tuple(
        Column(feed=feed, slot=slot.slot, address=slot.address, dwelling=slot.dwelling, village=slot.village)
        for feed, contract in contracts.items()
        for slot in contract.people
        if slot.address
    )
    every = said.model_copy(update={"columns": said.columns + of_people})
    problems = sorted(_problems(every, contracts))
    if problems:
        raise AddressProblem("columns.yml: " + "; ".join(problems))
    return every


def _problems(said: Columns, contracts: Mapping[str, Contract]) -> Iterable[str]:
    entries: list[_Declared] = [said.base, said.villages, said.estates, *said.columns]
    for entry in entries:
        values = entry.model_dump(exclude_none=True)
        feed = str(values.pop("feed"))
        slot = values.pop("slot", None)
        if feed not in contracts:
            yield f"there is no feed {feed}"
            continue
        known = set(contracts[feed].outputs)
        yield from (f"{feed} has no column {name}" for name in values.values() if name not in known)
        if slot and sum(c.feed == feed and c.slot == slot for c in said.columns) > 1:
            yield f"{feed}: slot {slot} is declared twice"


def place_addresses(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contracts: Mapping[str, Contract]
) -> None:
    """Fill `identity.dwelling_key`, `address_place` and `dwelling_link` from the lake views of a run's database.

    `dwelling_key` has a row a dwelling of the base; `dwelling_link` a row for every row in use that names an address
    and no dwelling of the base (feed, slot, the row's key, `LINK_SCHEMA`, the village it states if there is such a one,
    house_key); `address_place` says the same of every distinct address and village stated with it.

    Raises AddressProblem where a declaration is wrong.
    """
    folder = settings.declarations / "addresses"
    said = declared(folder, contracts)
    how: Matching = read(folder / "matching.yml", Matching)
    known = known_names(connection, settings, said)
    against = with_neighbours(base(homes(connection, said), known), how.neighbours)
    connection.execute(f"create schema if not exists {SCHEMA}")
    store(
        connection, "dwelling_key", against.select("dwelling_id", "address_key", "house_key", "neighbour_village_code")
    )
    wanted = "\nunion all\n".join(_wanted(said, column) for column in said.columns)
    connection.execute(f"create or replace temp table wanted_address as {wanted}")
    asked = frame_of(connection, "select distinct address, stated_village_code from wanted_address")
    places = match(asked, against, known, aliases(connection, said, known, against), how)
    store(connection, "address_place", places)
    found = ", ".join(f"p.{name}" for name in LINK_SCHEMA)
    # The house of the dwelling that was found, else the house as the address spells it.
    connection.execute(f"""
        create or replace table {SCHEMA}.dwelling_link as
        select w.feed, w.slot, {", ".join(f"w.{name}" for name in ROW_KEY)}, {found}, w.stated_village_code,
            coalesce(k.house_key, p.house_key) as house_key
        from wanted_address w
        join {SCHEMA}.address_place p
            on p.address = w.address and p.stated_village_code is not distinct from w.stated_village_code
        left join {SCHEMA}.dwelling_key k on k.dwelling_id = p.dwelling_id
    """)
    connection.execute("drop table wanted_address")


def known_names(connection: duckdb.DuckDBPyConnection, settings: Settings, said: Columns) -> Names:
    """The names of the district: declared ones, and towns and villages as the lake lists them."""
    v = said.villages
    villages = frame_of(
        connection,
        f"select {quoted(v.village)} as village_code, {quoted(v.name)} as name, {quoted(v.town)} as town_code, "
        f"{quoted(v.town_name)} as town_name from lake.{v.feed.lower()} order by 1",
    )
    return names(read(settings.declarations / "addresses" / "vocabulary.yml", Vocabulary), villages)


def homes(connection: duckdb.DuckDBPyConnection, said: Columns) -> pl.DataFrame:
    """The base as the lake has it: dwelling_id, std_address, village_code (null if it is none), estate_id."""
    b, v = said.base, said.villages
    return frame_of(
        connection,
        f"select h.{quoted(b.dwelling)} as dwelling_id, h.{quoted(b.address)} as std_address, "
        f"v.{quoted(v.village)} as village_code, h.{quoted(b.estate)} as estate_id from lake.{b.feed.lower()} h "
        f"left join lake.{v.feed.lower()} v on v.{quoted(v.village)} = h.{quoted(b.village)} "
        f"where h.{quoted(b.dwelling)} is not null order by 1",
    )


def _wanted(said: Columns, column: Column) -> str:
    """Rows with an address that no dwelling of the base is known for, and the village they state if it exists."""
    b, v = said.base, said.villages
    silent = f"where r.{quoted(column.address)} is not null"
    if column.dwelling:
        silent += (
            f" and not exists (select 1 from lake.{b.feed.lower()} h "
            f"where h.{quoted(b.dwelling)} = r.{quoted(column.dwelling)})"
        )
    village, join = "null::varchar", ""
    if column.village:
        village = f"v.{quoted(v.village)}"
        join = f"left join lake.{v.feed.lower()} v on v.{quoted(v.village)} = r.{quoted(column.village)}"
    return (
        f"select {text_literal(column.feed)} as feed, {text_literal(column.slot)} as slot, "
        f"{', '.join(f'r.{name}' for name in ROW_KEY)}, r.{quoted(column.address)} as address, "
        f"{village} as stated_village_code from lake.{column.feed.lower()} r {join} {silent}"
    )


def aliases(connection: duckdb.DuckDBPyConnection, said: Columns, known: Names, against: pl.DataFrame) -> pl.DataFrame:
    """Estates' names for the road and lane they stand for: declared ones, and those whose dwellings all lie on one.

    One row a name and place: town_code, name, road, lane. Two estates of one name in a town leave two rows.
    """
    e = said.estates
    named = frame_of(
        connection,
        f"select distinct {quoted(e.estate)} as estate_id, {quoted(e.name)} as name from lake.{e.feed.lower()} "
        f"where {quoted(e.estate)} is not null and {quoted(e.name)} is not null order by 1, 2",
    )
    lanes = (
        against.filter((pl.col("road") != "") & (pl.col("lane") != "") & pl.col("estate_id").is_not_null())
        .select("estate_id", "town_code", "road", "lane")
        .unique()
    )
    lanes = lanes.filter(pl.len().over("estate_id") == 1)
    # A name is folded and parsed as an address would be, so that the two are alike.
    as_written = parse(named["name"], known)
    plain = named.with_columns(
        (as_written["road"] + as_written["village"]).alias("name"), as_written["lane"].alias("digit")
    )
    derived = plain.filter((pl.col("name") != "") & (pl.col("digit") == "")).join(lanes, on="estate_id")
    codes = {name: heirs[0] for name, heirs in known.towns.items() if len(heirs) == 1}
    by_hand = [
        {"town_code": codes.get(entry.town, ""), "name": entry.name, "road": entry.road, "lane": entry.lane}
        for entry in known.vocabulary.estates
    ]
    schema = {"town_code": pl.String, "name": pl.String, "road": pl.String, "lane": pl.String}
    return pl.concat([derived.select(list(schema)), pl.DataFrame(by_hand, schema=schema)]).unique()


def frame_of(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """What a query gives."""
    table = connection.sql(query).to_arrow_table()
    return pl.DataFrame(pl.from_arrow(table))


def store(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Make a table of the schema from a frame."""
    connection.register("placed_frame", frame.to_arrow())
    connection.execute(f"create or replace table {SCHEMA}.{table} as select * from placed_frame")
    connection.unregister("placed_frame")
