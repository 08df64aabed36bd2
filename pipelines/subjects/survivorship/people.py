"""Who is a person on a date: everyone some feed in use names, in any slot, by number or by linked evidence.

Knows the files linkage leaves in a date's folder (`key`, `mention`, `mention_row`) and reads no claims.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from pipelines.sql import text_literal
from pipelines.subjects.survivorship.claims import NO_REDIRECT, NO_ROWS, PERSON, REDIRECT, TODAY, UNNUMBERED, fetched

KEY, MENTION, MENTION_ROW = "key.parquet", "mention.parquet", "mention_row.parquet"
BASE, FEEDS, PROVISIONAL = "base", "feeds", "provisional"
KNOWN_BY = pl.Enum([BASE, FEEDS, PROVISIONAL])
AFFECTED = "affected"


def register(connection: duckdb.DuckDBPyConnection, folder: Path, day: str = TODAY) -> None:
    """Temporary tables that tell whom keys and rows without a number mean, from what linkage left in a folder."""
    connection.execute(f"create or replace temp table {REDIRECT}{day} as {_redirect(folder)}")
    connection.execute(f"create or replace temp table {UNNUMBERED}{day} as {_unnumbered(folder)}")


def resettle(connection: duckdb.DuckDBPyConnection, before: Path | None, folder: Path) -> pl.Series:
    """Persons to whom other rows belong than on the date before, in order and as the temporary table `affected`.

    Evidence met for the first time came with rows that are read anyway, so only evidence that changed hands counts.
    """
    was, now = _owners(before or folder), _owners(folder)
    keys = f"with moved as (({now} except {was}) union all ({was} except {now})) "
    mentions = (
        f"select unnest([w.{PERSON}, n.{PERSON}]) from ({_mentions(before or folder)}) w "
        f"join ({_mentions(folder)}) n using (k) where w.{PERSON} <> n.{PERSON}"
    )
    connection.execute(
        f"create or replace temp table {AFFECTED} as {keys}"
        f"select distinct {PERSON} from (select unnest([k, {PERSON}]) from moved union all {mentions}) t({PERSON})"
    )
    return fetched(connection, f"select {PERSON} from {AFFECTED} where {PERSON} is not null")[PERSON]


def known_by(base: Iterable[pl.LazyFrame], people: pl.Series, folder: Path) -> pl.Series:
    """For each of some people: base, feeds (by a number), or provisional (only by rows without a usable number).

    `base` are tables of the people of whom the feeds of the base make claims.
    """
    is_base = _among(people, base)
    is_numbered = _among(people, [pl.scan_parquet(folder / KEY)]) if (folder / KEY).exists() else pl.lit(True)
    kind = pl.when(is_base).then(pl.lit(BASE)).when(is_numbered).then(pl.lit(FEEDS)).otherwise(pl.lit(PROVISIONAL))
    return pl.DataFrame({PERSON: people}).select(kind.cast(KNOWN_BY).alias("known_by"))["known_by"]


def present(people: pl.Series, named: Iterable[pl.LazyFrame]) -> pl.Series:
    """Those of some people whom any feed names, in order; `named` are tables of the ids each feed names."""
    asked = pl.LazyFrame({PERSON: people})
    found = [table.select(PERSON).join(asked, on=PERSON, how="semi") for table in named]
    return pl.concat(found).unique().sort(PERSON).collect()[PERSON] if found else people.clear()


def _among(people: pl.Series, tables: Iterable[pl.LazyFrame]) -> pl.Expr:
    """For each of some people whether any of some tables holds their id."""
    return pl.lit(people.is_in(present(people, tables).implode()))


def _redirect(folder: Path) -> str:
    if not (folder / KEY).exists():
        return NO_REDIRECT
    return (
        f"select person_key as __key, {PERSON} as __person from read_parquet({text_literal(folder / KEY)}) "
        f"where person_key <> {PERSON}"
    )


def _unnumbered(folder: Path) -> str:
    if not (folder / MENTION_ROW).exists():
        return NO_ROWS
    return (
        f"select r.feed as __feed, r.slot as __slot_name, r.business_on as __on, r.delivery as __number, "
        f"r._file as __file, r._line as __line, m.{PERSON} as __person "
        f"from read_parquet({text_literal(folder / MENTION_ROW)}) r "
        f"join read_parquet({text_literal(folder / MENTION)}) m using (mention_id)"
    )


def _owners(folder: Path) -> str:
    """Keys that belong to somebody else than themselves."""
    return f"select __key as k, __person as {PERSON} from ({_redirect(folder)})"


def _mentions(folder: Path) -> str:
    if not (folder / MENTION).exists():
        return f"select null::varchar as k, null::varchar as {PERSON} where false"
    return f"select mention_id as k, {PERSON} from read_parquet({text_literal(folder / MENTION)})"
