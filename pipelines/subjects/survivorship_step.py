"""A date of survivorship: claims of the feeds that sent something, what counts of the people it concerns, their time.

The step of the replay. It writes into the date's folder: `claims/` and `named/` (what each feed says and whom it
names), `person`, `conflict`, and what was before: `version` and `period`. Only people of whom some feed says something
else than on the date before are merged again; all others are taken over.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.subjects import periods, versions
from pipelines.subjects import survivorship_people as people_of
from pipelines.subjects.claims import KNOWN, PERSON, carried, claim_sql, fetched, named_sql, rows_sql
from pipelines.subjects.day import Day
from pipelines.subjects.survivorship import (
    AGREEMENT,
    CONFLICT_KEY,
    CONFLICT_SCHEMA,
    SINCE,
    SOURCE,
    Reader,
    merge,
    polars_type,
)
from pipelines.subjects.survivorship_checks import load_rules
from pipelines.subjects.survivorship_rules import Claim, Rules

PEOPLE, CONFLICTS, VERSIONS, PERIODS = "person.parquet", "conflict.parquet", "version.parquet", "period.parquet"
CLAIMS, NAMED = "claims", "named"
Schema = Mapping[str, pl.DataType | type[pl.DataType]]
# Up to so many people their claims are held in memory while they are merged; of more, column by column.
_HELD = 200_000


@dataclass(frozen=True)
class _Work:
    """One date's work: the declaration, the day, where to write, and where the date before is (None: nowhere)."""

    rules: Rules
    day: Day
    before: Path | None
    out: Path
    db: duckdb.DuckDBPyConnection
    affected: pl.DataFrame

    def former(self, name: str) -> Path | None:
        """A file of the date before, if it is there."""
        path = self.before / name if self.before else None
        return path if path and path.exists() else None

    def was(self, name: str, schema: Schema) -> pl.DataFrame:
        """A table of the date before; empty where there is none."""
        path = self.former(name)
        return pl.read_parquet(path).select(*schema) if path else pl.DataFrame(schema=dict(schema))


def step(before: Path | None, day: Day, out: Path) -> None:
    """The step of the replay, by the committed declaration. Raises SurvivorshipProblem."""
    survive(load_rules(day.settings, day.contracts), before, day, out)


def survive(rules: Rules, before: Path | None, day: Day, out: Path) -> None:
    """Write a date's files into `out` from those of the date before (None: there is none).

    `out` already holds what linkage found for the date; without it every number is a person.
    """
    (out / CLAIMS).mkdir(mode=0o700)
    (out / NAMED).mkdir(mode=0o700)
    with duckdb.connect(config={"memory_limit": day.settings.memory_limit, "threads": day.settings.threads}) as db:
        people_of.register(db, out)
        affected = people_of.resettle(db, before, out)
        work = _Work(rules, day, before, out, db, affected)
        changed = [affected[PERSON]]
        for claim in rules.claims:
            changed.append(_claim(work, claim))
        for feed in day.in_use:
            changed.append(_named(work, feed))
        _people(work, pl.concat(changed).unique().sort())


def _claim(work: _Work, claim: Claim) -> pl.Series:
    """Write what a feed says; gives the ids of the people of whom it says something else than before."""
    day, contract = work.day, work.day.contracts[claim.feed]
    name = f"{CLAIMS}/{claim.name}.parquet"
    former = work.former(name)
    rows = rows_sql(contract, day.in_use.get(claim.feed, ()))

    def read(only: str | None = None) -> pl.DataFrame:
        query = claim_sql(claim, contract, work.rules.types, rows, day.business_on, only)
        return fetched(work.db, query)

    if former is None or claim.feed in day.arrived or claim.is_dated:
        was = pl.read_parquet(former) if former else None
        told, moved = carried(claim, read(), was, work.rules.attributes, day.business_on)
        _write(told, work.out / name)
        return moved
    return _of_affected(
        work, name, lambda: read(people_of.AFFECTED),
        lambda now, was: carried(claim, now, was, work.rules.attributes, day.business_on),
    )  # fmt: skip


def _named(work: _Work, feed: str) -> pl.Series:
    """Write whom a feed names; gives the ids of those whom it has begun or ceased to name."""
    contract, name = work.day.contracts[feed], f"{NAMED}/{feed}.parquet"
    if not any(slot.id for slot in contract.people):
        return work.affected[PERSON].clear()
    rows = rows_sql(contract, work.day.in_use[feed])
    former = work.former(name)

    def read(only: str | None = None) -> pl.DataFrame:
        return fetched(work.db, named_sql(contract, rows, only))

    def compared(now: pl.DataFrame, was: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        apart = [now.join(was, on=PERSON, how="anti"), was.join(now, on=PERSON, how="anti")]
        return now, pl.concat(apart)[PERSON]

    if former is None or feed in work.day.arrived:
        now = read()
        _write(now, work.out / name)
        return compared(now, pl.read_parquet(former) if former else now.clear())[1]
    return _of_affected(work, name, lambda: read(people_of.AFFECTED), compared)


def _of_affected(
    work: _Work,
    name: str,
    read: Callable[[], pl.DataFrame],
    compare: Callable[[pl.DataFrame, pl.DataFrame], tuple[pl.DataFrame, pl.Series]],
) -> pl.Series:
    """Take over a file of the date before, but for the people to whom other rows belong now. Gives who changed."""
    former = work.former(name)
    assert former is not None
    if work.affected.is_empty():
        _take_over(former, work.out / name)
        return work.affected[PERSON]
    now, all_was = read(), pl.read_parquet(former)
    was = all_was.join(work.affected, on=PERSON, how="semi")
    told, moved = compare(now, was)
    if moved.is_empty():
        _take_over(former, work.out / name)
    else:
        rest = all_was.join(work.affected, on=PERSON, how="anti")
        _write(pl.concat([rest, told.select(rest.columns)]).sort(PERSON), work.out / name)
    return moved


def _people(work: _Work, ids: pl.Series) -> None:
    """Write people, conflicts, versions and periods, in which only those of `ids` may differ from before."""
    rules, out, on = work.rules, work.out, work.day.business_on
    attributes, schema = rules.merged, person_schema(rules)
    asked = pl.DataFrame({PERSON: ids})
    present = people_of.present(ids, sorted((out / NAMED).glob("*.parquet")))
    merged = merge(rules, present, _reader(out, present), work.db)
    base = [out / CLAIMS / f"{claim.name}.parquet" for claim in rules.claims if claim.feed in rules.base]
    everyone_was = work.was(PEOPLE, schema)
    was = everyone_was.join(asked, on=PERSON, how="semi", maintain_order="left")
    now = merged.people.with_columns(people_of.known_by(base, present, out))
    now, past = _followed(rules, now, was, work.was(PERIODS, periods.SCHEMA), on)
    now = versions.dated(now, was, attributes, on).select(*schema)
    version_schema = {name: kind for name, kind in schema.items() if name in {PERSON, *attributes}}
    ended = versions.closed(now, was, attributes, on)
    former = work.was(VERSIONS, version_schema | {versions.KNOWN_FROM: pl.Date(), versions.KNOWN_TO: pl.Date()})
    conflicts = work.was(CONFLICTS, CONFLICT_SCHEMA).join(asked, on=PERSON, how="anti")
    others = everyone_was.join(asked, on=PERSON, how="anti")
    _write(pl.concat([others, now]).sort(PERSON) if others.height else now, out / PEOPLE)
    _write(pl.concat([conflicts, merged.conflicts]).sort(CONFLICT_KEY), out / CONFLICTS)
    _write(pl.concat([former, ended.select(former.columns)]).sort(PERSON, versions.KNOWN_FROM), out / VERSIONS)
    _write(past, out / PERIODS)


def person_schema(rules: Rules) -> dict[str, pl.DataType]:
    """The columns of `person`, in order."""
    sources = pl.Enum(sorted({claim.feed for claim in rules.claims}))
    schema: dict[str, pl.DataType] = {
        PERSON: pl.String(),
        "known_by": people_of.KNOWN_BY,
        versions.KNOWN_FROM: pl.Date(),
    }
    for name in rules.merged:
        schema |= {name: polars_type(rules.types[name]), name + SOURCE: sources}
        schema |= {name + KNOWN: pl.Date(), name + AGREEMENT: pl.UInt8()}
        if name in rules.tracked:
            schema |= {name + periods.FROM: pl.Date(), name + periods.LEARNT: pl.Date()}
    return schema


def _reader(out: Path, people: pl.Series) -> Reader:
    """Reads claims for merging: those of few people are read once, of many only the columns asked for."""
    held: dict[str, pl.DataFrame] = {}
    asked = pl.LazyFrame({PERSON: people})

    def read(claim: Claim, names: Sequence[str]) -> pl.DataFrame:
        path = out / CLAIMS / f"{claim.name}.parquet"
        if len(people) > _HELD:
            return pl.read_parquet(path, columns=[PERSON, *names])
        if claim.name not in held:
            held[claim.name] = pl.scan_parquet(path).join(asked, on=PERSON, how="semi").collect()
        return held[claim.name]

    return read


def _followed(
    rules: Rules, now: pl.DataFrame, was: pl.DataFrame, past: pl.DataFrame, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """People with the running period of every tracked attribute, and all other periods."""
    others = {str(key[0]): rows for key, rows in past.partition_by("attribute", as_dict=True).items()}
    spine = pl.DataFrame({PERSON: pl.concat([now[PERSON], was[PERSON]]).unique(maintain_order=True)})
    for attribute, group in rules.tracked.items():
        today = now.select(
            PERSON,
            pl.col(attribute).cast(pl.String).alias("value"),
            pl.col(attribute + SOURCE).cast(pl.String).alias("feed"),
            pl.col(attribute + SINCE).alias("since"),
        )
        before = was.select(
            PERSON,
            pl.col(attribute).cast(pl.String).alias("was_value"),
            pl.col(attribute + SOURCE).cast(pl.String).alias("was_feed"),
            pl.col(attribute + periods.FROM).alias("from"),
            pl.col(attribute + periods.LEARNT).alias("learnt"),
        )
        state = spine.join(today, on=PERSON, how="left", maintain_order="left")
        state = state.join(before, on=PERSON, how="left", maintain_order="left")
        mine = others.get(attribute, past.clear())
        times, others[attribute] = periods.followed(state, mine, attribute, group.dating, on)
        times = times.rename({"from": attribute + periods.FROM, "learnt": attribute + periods.LEARNT})
        now = now.join(times, on=PERSON, how="left", maintain_order="left")
    return now, pl.concat([past.clear(), *others.values()]).sort(periods.ORDER)


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=1, statistics=True)
    path.chmod(0o600)


def _take_over(former: Path, path: Path) -> None:
    """The same file under a second name; files of a date are never changed once they are written."""
    try:
        os.link(former, path)
    except OSError:
        shutil.copyfile(former, path)
