"""A person as identity and survivorship know them: which id is meant, every value with its source, what happened.

Read from the folder of a business date under `identity/`, which is made from the lake: names and addresses come from
there and never from a published database. What of it a look may show is decided by `show`.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.settings import Settings
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.survivorship.rules import Rules
from pipelines.subjects.survivorship.tables import queries
from pipelines.subjects.today import seen


@dataclass(frozen=True)
class Known:
    """What is known of a person. `values` has a row an attribute: name, value, source, known_on, agreement."""

    person_id: str
    known_on: date
    """The business date of the state the values are from."""
    values: list[dict[str, Any]]
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    periods: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    suspicions: list[dict[str, Any]] = field(default_factory=list)
    former_ids: list[str] = field(default_factory=list)


def state(settings: Settings, as_of: date | None) -> tuple[Path, date] | None:
    """The folder that tells what was known on a date, and its date: the last one up to it, else the first one kept.

    A date after the last delivery has a folder of its own where a run was made of it (`today`).
    A later folder also knows what was known earlier, but no longer who said it. None where nothing was ever replayed.
    """
    root = settings.identity
    own = seen(root, as_of)
    if own and as_of:
        return own, as_of
    days = (
        sorted(date.fromisoformat(p.name) for p in root.iterdir() if not p.name.startswith("."))
        if root.exists()
        else []
    )
    if not days:
        return None
    chosen = max((day for day in days if as_of is None or day <= as_of), default=days[0])
    return root / chosen.isoformat(), chosen


def meant(folder: Path, asked: str) -> str | None:
    """The person an id means now: itself, or whom the redirects lead to; None for an id that was never a person's."""
    pointers = pl.concat(
        [
            pl.scan_parquet(folder / linkage.KEY).select(pl.col("person_key").alias("old"), "person_id"),
            pl.scan_parquet(folder / linkage.MENTION).select(pl.col("mention_id").alias("old"), "person_id"),
        ]
    )
    seen: list[str] = []
    while asked not in seen:
        seen.append(asked)
        found = pointers.filter(pl.col("old") == asked).select("person_id").collect()["person_id"].to_list()
        if not found:
            known = pointers.filter(pl.col("person_id") == asked).select(pl.len()).collect().item()
            return asked if len(seen) > 1 or known else None
        asked = found[0]
    return asked


def known(folder: Path, day: date, rules: Rules, person_id: str, as_of: date | None) -> Known | None:
    """What is known of a person on the folder's date, or was on an earlier `as_of`; None if nothing was."""
    earlier = as_of is not None and as_of < day
    with duckdb.connect() as connection:
        for name, query in queries(rules, folder).items():
            connection.execute(f"create view {name} as {query}")
        if earlier:
            row = _rows(
                connection,
                "select * exclude (known_from_on, known_to_on), known_from_on as _since from person_version "
                f"where person_id = ? and known_from_on <= {_day(as_of)} "
                f"and coalesce(known_to_on, date '9999-12-31') > {_day(as_of)} order by _since desc limit 1",
                person_id,
            )
        else:
            row = _rows(connection, "select * from person where person_id = ?", person_id)
        if not row:
            return None
        values = [_value(row[0], attribute) for attribute in rules.merged if row[0].get(attribute) is not None]
        until = f"and known_from_on <= {_day(as_of)}" if as_of else ""
        conflicts = (
            []
            if earlier
            else _rows(
                connection, "select * exclude (person_id) from conflict where person_id = ? order by all", person_id
            )
        )
        periods = _rows(
            connection,
            f"select * exclude (person_id) from period where person_id = ? {until} "
            "order by attribute, known_from_on, valid_from_on",
            person_id,
        )
    return Known(
        person_id, min(day, as_of) if as_of else day, values, conflicts, periods,
        _events(folder, person_id, as_of), _suspicions(folder, person_id), _former(folder, person_id),
    )  # fmt: skip


def _value(row: dict[str, Any], attribute: str) -> dict[str, Any]:
    return {
        "attribute": attribute,
        "value": row[attribute],
        **{word: row.get(f"{attribute}_{word}") for word in ("source", "known_on", "agreement")},
    }


def _events(folder: Path, person_id: str, as_of: date | None) -> list[dict[str, Any]]:
    events = pl.scan_parquet(folder / linkage.HISTORY_FILE).filter(
        (pl.col("person_id") == person_id) | (pl.col("other_id") == person_id)
    )
    if as_of is not None:
        events = events.filter(pl.col("on") <= as_of)
    created = pl.scan_parquet(folder / linkage.KEY).filter(
        (pl.col("person_key") == person_id) & (pl.col("person_id") == person_id)
    )
    first = created.select(
        pl.col("first_on").alias("on"), pl.lit("created").alias("event"), "person_id", pl.lit("number").alias("via"),
        pl.col("first_feed").alias("feed"),
    )  # fmt: skip
    told = pl.concat([first.collect(), events.collect()], how="diagonal_relaxed").sort(
        "on", "event", maintain_order=True
    )
    return list(told.iter_rows(named=True))


def _suspicions(folder: Path, person_id: str) -> list[dict[str, Any]]:
    doubts = pl.scan_parquet(folder / linkage.SUSPICION).filter(
        (pl.col("person_id") == person_id) | (pl.col("other_id") == person_id)
    )
    return list(doubts.sort(pl.all()).collect().iter_rows(named=True))


def _former(folder: Path, person_id: str) -> list[str]:
    """Other ids that mean the person now."""
    keys = pl.scan_parquet(folder / linkage.KEY).select(pl.col("person_key").alias("old"), "person_id")
    mentions = pl.scan_parquet(folder / linkage.MENTION).select(pl.col("mention_id").alias("old"), "person_id")
    old = pl.concat([keys, mentions]).filter((pl.col("person_id") == person_id) & (pl.col("old") != person_id))
    return sorted(old.collect()["old"].unique().to_list())


def _rows(connection: duckdb.DuckDBPyConnection, query: str, person_id: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query, [person_id])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _day(day: date | None) -> str:
    return f"date '{day}'"
