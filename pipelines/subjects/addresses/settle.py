"""What the rows of a run mean that are about no person: dwellings, organisations, places. One call, `settle`.

Reads the declared columns from the lake views of a run's database and writes tables of the schema `identity`, which the
dbt models join. Who means what is decided by `address_match`, `organisations` and `places`.
"""

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from pipelines.feeds.contracts import Contract
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.sql import quoted, text_literal
from pipelines.subjects.addresses.links import ROW_KEY, SCHEMA, frame_of, place_addresses, store
from pipelines.subjects.addresses.names import AddressProblem, read
from pipelines.subjects.addresses.organisations import SAID, Organisations, OrganisationSource, resolve
from pipelines.subjects.addresses.places import Places, PlaceSource, merge

TABLES = {
    "dwelling_key": "The address key of every dwelling of the base, and of its house.",
    "address_place": "Every address that a row without a known dwelling names: the dwelling or the village it means.",
    "dwelling_link": "Rows that name a dwelling by its address only, and what the address means.",
    "organisation_link": "Rows that name an organisation, and the organisation.",
    "organisation_code": "Every credit code said, and the organisation it means.",
    "place_link": "Every number of an inspected place, and the place.",
}
"""What `settle` fills, with a word on each."""


def settle(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contracts: Mapping[str, Contract], key: Key
) -> dict[str, int]:
    """Fill TABLES in the schema `identity` from the lake views; returns the rows of each.

    Links have feed, slot and the row's key where they are about rows, else the code or number they are about, and what
    is meant with method and confidence. A row that means nothing known has no link.

    Raises AddressProblem where a declaration is wrong.
    """
    folder = settings.declarations / "registers"
    organisations: Organisations = read(folder / "organisations.yml", Organisations)
    places: Places = read(folder / "places.yml", Places)
    problems = sorted(_problems([*organisations.sources, *places.sources], contracts))
    if problems:
        raise AddressProblem("registers: " + "; ".join(problems))
    place_addresses(connection, settings, contracts)
    _settle_organisations(connection, organisations, key)
    asked = "\nunion all\n".join(_said_of_place(source) for source in places.sources)
    store(connection, "place_link", merge(frame_of(connection, asked), places))
    return {t: connection.execute(f"select count(*) from {SCHEMA}.{t}").fetchall()[0][0] for t in TABLES}


def _problems(sources: Sequence[OrganisationSource | PlaceSource], contracts: Mapping[str, Contract]) -> Iterable[str]:
    for source in sources:
        columns = source.model_dump(exclude={"feed", "slot", "creates"}, exclude_none=True)
        if source.feed not in contracts:
            yield f"there is no feed {source.feed}"
        else:
            yield from (
                f"{source.feed} has no column {c}" for c in columns.values() if c not in contracts[source.feed].outputs
            )


def _settle_organisations(connection: duckdb.DuckDBPyConnection, declared: Organisations, key: Key) -> None:
    said = "\nunion all\n".join(_said_of_organisation(source) for source in declared.sources)
    connection.execute(f"create or replace temp table said_organisation as {said}")
    columns = ", ".join(SAID)
    meant = resolve(
        frame_of(connection, f"select distinct {columns}, creates from said_organisation order by all"), declared, key
    )
    connection.register("meant_frame", meant.to_arrow())
    same = " and ".join(f"m.{column} is not distinct from s.{column}" for column in (*SAID, "creates"))
    row = ", ".join(f"s.{column}" for column in ROW_KEY)
    connection.execute(f"""
        create or replace table {SCHEMA}.organisation_link as
        select s.feed, s.slot, {row}, m.organisation_id, m.method, m.confidence
        from said_organisation s join meant_frame m on {same}
        where s.is_row and m.organisation_id is not null
    """)
    connection.execute(f"""
        create or replace table {SCHEMA}.organisation_code as
        select distinct code, organisation_id, method, confidence
        from meant_frame where code is not null and organisation_id is not null
    """)
    connection.unregister("meant_frame")
    connection.execute("drop table said_organisation")


def _said_of_organisation(source: OrganisationSource) -> str:
    """What a source says, a row a row; of a source that only knows codes each code once."""
    is_row = source.name is not None or source.own is not None
    kinds = ("date", "varchar", "varchar", "integer")
    key = [
        f"r.{column}" if is_row else f"null::{kind} as {column}" for column, kind in zip(ROW_KEY, kinds, strict=True)
    ]
    return (
        f"select {'' if is_row else 'distinct '}{text_literal(source.feed)} as feed, "
        f"{text_literal(source.slot)} as slot, "
        f"{is_row} as is_row, {', '.join(key)}, {_said(source.code, 'code')}, {_said(source.own, 'own')}, "
        f"{_said(source.name, 'name')}, {'a.house_key' if is_row else 'null::varchar as house_key'}, "
        f"{_said(source.village, 'village_code')}, {source.creates} as creates "
        f"from lake.{source.feed.lower()} r {_addressed(source) if is_row else ''}"
    )


def _said_of_place(source: PlaceSource) -> str:
    return (
        f"select {_said(source.own, 'own')}, {_said(source.name, 'name')}, a.house_key, "
        f"{_said(source.village, 'village_code')}, r.{quoted(source.said_at)}::timestamp as said_at "
        f"from lake.{source.feed.lower()} r {_addressed(source)}"
    )


def _said(column: str | None, name: str) -> str:
    return f"r.{quoted(column)}::varchar as {name}" if column else f"null::varchar as {name}"


def _addressed(source: OrganisationSource | PlaceSource) -> str:
    """The house of a row, where a column of its slot holds an address."""
    same = " and ".join(f"a.{column} = r.{column}" for column in ROW_KEY)
    return (
        f"left join {SCHEMA}.dwelling_link a on a.feed = {text_literal(source.feed)} "
        f"and a.slot = {text_literal(source.slot)} and {same}"
    )
