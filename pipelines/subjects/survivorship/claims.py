"""Claims: what each feed says of each person on a date, read from the lake as `data/survivorship/person.yml` declares.

A claim is one row a person with everything the feed says of them, and for each value the date since which the feed has
said it. Here claims are read and compared with those of the date before; whose word counts is decided by
`merge`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.lake import BUSINESS_ON, DELIVERY, sql_types
from pipelines.feeds.staging import last_word_key
from pipelines.sql import quoted, text_literal
from pipelines.subjects.day import said_in
from pipelines.subjects.survivorship.layers import PERSON
from pipelines.subjects.survivorship.rules import Attribute, Claim, Who

Columns = Callable[[Sequence[str]], pl.DataFrame]
"""Reads columns of a table."""

KNOWN = "_known_on"
# Tables of the connection that tell who a key or a row without a number belongs to (see `people`).
REDIRECT, UNNUMBERED = "redirect", "unnumbered"
# What is appended to their names: as they are today, and as they were on the date before.
TODAY, BEFORE = "", "_before"
NO_REDIRECT = "select null::varchar as __key, null::varchar as __person where false"
NO_ROWS = (
    "select null::varchar as __feed, null::varchar as __slot_name, null::date as __on, null::varchar as __number, "
    "null::varchar as __file, null::integer as __line, null::varchar as __person where false"
)
_DIRECTION = re.compile(r"\s+(asc|desc)\s*$", re.IGNORECASE)


def claim_sql(
    claim: Claim,
    contract: Contract,
    types: Mapping[str, str],
    rows: str,
    as_of: date,
    only: str | None = None,
) -> str:
    """The query of a claim over `rows` (see `rows_sql`): person_id and every name it states, one row a person.

    `only` names a table of person ids to which the answer is confined.
    """
    keys = [f"__{place} {_parted(text)[1]} nulls last" for place, text in enumerate(claim.order)]
    order = ", ".join([*keys, f"{BUSINESS_ON} desc", f"{DELIVERY} desc", "_file", "_line", "__slot"])
    names = ", ".join(quoted(name) for name in claim.names)
    confined = f" and {PERSON} in (select {PERSON} from {only})" if only else ""
    return (
        f"{said_sql(claim, contract, types, rows, as_of)} "
        f"select {PERSON}, {names} from said where {PERSON} is not null{confined} "
        f"qualify row_number() over (partition by {PERSON} order by {order}) = 1"
    )


def said_sql(
    claim: Claim, contract: Contract, types: Mapping[str, str], rows: str, as_of: date, day: str = TODAY
) -> str:
    """The beginning of a query, in which `said` is what every row states of each of its people.

    Its columns: person_id, the claim's names, `__<n>` for what `order` goes by, and where the row stands. `day` tells
    by which tables a row's people are found.
    """
    lets = "".join(f", {text} as {quoted(name)}" for name, text in claim.let.items())
    people = " union all by name ".join(
        _of_one(claim, contract, who, place, types, day) for place, who in enumerate(claim.people)
    )
    return (
        f"with told as (select *, date {text_literal(as_of)} as as_of from ({rows})), "
        f"row_of as (select *{lets} from told), said as ({people})"
    )


def named_sql(contract: Contract, rows: str, only: str | None = None) -> str:
    """The query of everyone a feed's rows name in any slot: distinct person_id."""
    confined = f" and {PERSON} in (select {PERSON} from {only})" if only else ""
    return f"{naming_sql(contract, rows)} select distinct {PERSON} from said where {PERSON} is not null{confined}"


def naming_sql(contract: Contract, rows: str, day: str = TODAY) -> str:
    """The beginning of a query, in which `said` is whom every row names: person_id, once a slot."""
    parts = [
        f"select {_resolved(contract, column)} as {PERSON} from ({rows}) r {_joined(contract, column, day)}"
        for column in _named_columns(contract)
    ]
    return f"with said as ({' union all '.join(parts)})"


def fetched(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """A query's answer as a frame, in order of person."""
    return connection.sql(query).pl().sort(PERSON)


def rows_sql(contract: Contract, files: Sequence[Path], only: str | None = None) -> str:
    """The query of a feed's rows in use: of an increment the last word on each key, deletions left out.

    Where `only` names a table of person ids, rows that name none of them may be missing.
    """
    told = delivered_sql(contract, files)
    if contract.delivery.load == "snapshot" or not files:
        return told
    key = last_word_key(contract)
    if only:
        theirs = " union all ".join(
            f"select hash({key}) from ({told}) r {_joined(contract, column)} "
            f"where {_resolved(contract, column)} in (select {PERSON} from {only})"
            for column in _named_columns(contract)
        )
        told = f"select * from ({told}) where hash({key}) in ({theirs})"
    load = contract.delivery.increment
    gone = ", ".join(text_literal(value) for value in load.delete) if load and load.on_delete == "drop" else ""
    kept = f" where {quoted(load.operation)} not in ({gone})" if load and load.operation and gone else ""
    return (
        f"select * from (select * from ({told}) qualify row_number() over (partition by {key} "
        f"order by {BUSINESS_ON} desc, {DELIVERY} desc, _file desc, _line desc) = 1){kept}"
    )


def delivered_sql(contract: Contract, files: Sequence[Path]) -> str:
    """The query of every row of some files of a feed, with the delivery it came in."""
    if not files:
        columns = sql_types(contract)
        typed = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns.items())
        return f"select {typed} where false"
    paths = ", ".join(text_literal(path) for path in files)
    places = ", ".join(
        f"({text_literal(path)}, date {text_literal(on)}, {text_literal(number)})"
        for path, (on, number) in ((path, said_in(path)) for path in files)
    )
    return (
        f"select r.*, d.business_on as {BUSINESS_ON}, d.number as {DELIVERY} "
        f"from read_parquet([{paths}], filename = true, union_by_name = true) r "
        f"join (values {places}) d(path, business_on, number) on r.filename = d.path"
    )


def places(ids: pl.Series, rows: pl.DataFrame) -> pl.Series:
    """For each of some ids the row that is theirs, or null; `rows` have one row a person."""
    numbered = rows.select(PERSON).with_row_index("row")
    return pl.DataFrame({PERSON: ids}).join(numbered, on=PERSON, how="left", maintain_order="left")["row"]


def carried(
    claim: Claim, now: pl.DataFrame, before: Columns | None, attributes: Iterable[str], on: date
) -> tuple[pl.DataFrame, pl.Series]:
    """Today's claims with the date since which each value has been said, and the persons of whom something changed.

    `before` gives columns of the claims of the date before, as this function made them; one is looked at at a time,
    because the largest feeds fill the memory. Changed is also who is new or gone.
    """
    dated = [name for name in claim.names if name in set(attributes)]
    if before is None:
        told = now.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.lit(on)).alias(name + KNOWN) for name in dated
        )
        return told, now[PERSON]
    were = before([PERSON])
    at = places(now[PERSON], were)
    same, known = at.is_not_null(), []
    for name in claim.names:
        was = before([name, name + KNOWN] if name in dated else [name])
        alike = now[name].eq_missing(was[name].gather(at)) & at.is_not_null()
        same &= alike
        if name in dated:
            since = pl.DataFrame({"alike": alike, "since": was[name + KNOWN].gather(at), "value": now[name]})
            when = pl.when(pl.col("value").is_not_null())
            kept = when.then(pl.when("alike").then("since").otherwise(pl.lit(on)))
            known.append(since.select(kept.alias(name + KNOWN)).to_series())
    gone = were.join(now.select(PERSON), on=PERSON, how="anti")[PERSON]
    return now.hstack(known), pl.concat([now[PERSON].filter(~same), gone])


def binding_problem(claim: Claim, contract: Contract, types: Mapping[str, str]) -> tuple[tuple[str, ...], str] | None:
    """Where in a claim DuckDB finds something wrong, and what; None where the whole binds."""
    with duckdb.connect() as connection:
        connection.execute(f"create temp table {REDIRECT} as {NO_REDIRECT}")
        connection.execute(f"create temp table {UNNUMBERED} as {NO_ROWS}")
        whole = _explained(connection, claim_sql(claim, contract, types, rows_sql(contract, ()), date.min))
        if whole is None:
            return None
        lets = {f"let.{name}": text for name, text in claim.let.items()}
        for place, text in lets.items():
            problem = _bound(connection, contract, {}, f"select {text} from told")
            if problem:
                return ("let", place.split(".", 1)[1]), problem
        parts: dict[tuple[str, ...], str] = {("state", name): text for name, text in claim.state.items()}
        parts |= {("where",): claim.where} if claim.where else {}
        parts |= {("order", str(n)): _parted(text)[0] for n, text in enumerate(claim.order)}
        parts |= {("same",): f"({', '.join(quoted(n) for n in claim.same)})"} if claim.same else {}
        parts |= {("people", str(n), name): t for n, w in enumerate(claim.people) for name, t in w.state.items()}
        for where, text in parts.items():
            kind = types.get(where[-1]) if where[0] in ("state", "people") else None
            cast = f"({text})::{kind}" if kind else text
            problem = _bound(connection, contract, claim.let, f"select {cast} from row_of")
            if problem:
                return where, problem
        return (), whole


def comparison_problem(name: str, attribute: Attribute) -> str | None:
    """What DuckDB finds wrong with how an attribute is compared."""
    if not attribute.compare:
        return None
    with duckdb.connect() as connection:
        told = f"select null::{attribute.type} as {quoted(name)}"
        return _explained(connection, f"select {attribute.compare} from ({told})")


def _bound(connection: duckdb.DuckDBPyConnection, contract: Contract, let: Mapping[str, str], query: str) -> str | None:
    lets = "".join(f", {text} as {quoted(name)}" for name, text in let.items())
    told = f"select *, current_date as as_of from ({rows_sql(contract, ())})"
    return _explained(connection, f"with told as ({told}), row_of as (select *{lets} from told) {query}")


def _explained(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """What is wrong with a query, on one line."""
    try:
        connection.execute(f"explain {query}")
    except duckdb.Error as error:
        return str(error).split("\n\n")[0].replace("\n", " ")
    return None


def _of_one(claim: Claim, contract: Contract, who: Who, place: int, types: Mapping[str, str], day: str) -> str:
    """What a claim says of one of the row's people."""
    said = claim.said_of(who)
    stated = [f"({said[name]})::{types[name]} as {quoted(name)}" for name in claim.names if name in said]
    keys = [f"({_parted(text)[0]}) as __{n}" for n, text in enumerate(claim.order)]
    kept = f" where {claim.where}" if claim.where else ""
    rows = f"(select * from row_of{kept})"
    place_of = [f"r.{BUSINESS_ON}", f"r.{DELIVERY}", "r._file", "r._line", f"{place} as __slot"]
    return (
        f"select {_resolved(contract, who.person)} as {PERSON}, {', '.join([*stated, *keys, *place_of])} "
        f"from {rows} r {_joined(contract, who.person, day)}"
    )


def _named_columns(contract: Contract) -> list[str]:
    """The lake's columns that hold the id of somebody a row names."""
    return [f"{slot.id}_id" for slot in contract.people if slot.id]


def _resolved(contract: Contract, column: str) -> str:
    """Whom a row means: the one its evidence was linked to, or the person its number belongs to.

    Evidence goes first: a row whose number many people use has both.
    """
    return f"coalesce(unnumbered.__person, redirect.__person, r.{quoted(column)})"


def _joined(contract: Contract, column: str, day: str = TODAY) -> str:
    slot = next(s.slot for s in contract.people if s.id and f"{s.id}_id" == column)
    return (
        f"left join {REDIRECT}{day} redirect on redirect.__key = r.{quoted(column)} "
        f"left join {UNNUMBERED}{day} unnumbered "
        f"on unnumbered.__feed = {text_literal(contract.feed)} and unnumbered.__slot_name = {text_literal(slot)} "
        f"and unnumbered.__on = r.{BUSINESS_ON} and unnumbered.__number = r.{DELIVERY} "
        f"and unnumbered.__file = r._file and unnumbered.__line = r._line"
    )


def _parted(text: str) -> tuple[str, str]:
    """An order's expression and direction."""
    found = _DIRECTION.search(text)
    return (text[: found.start()], found.group(1).lower()) if found else (text, "asc")
