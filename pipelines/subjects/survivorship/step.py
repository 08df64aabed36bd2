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
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.subjects.day import Day
from pipelines.subjects.survivorship import people as people_of
from pipelines.subjects.survivorship import periods, versions
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.claims import (
    KNOWN,
    PERSON,
    carried,
    claim_sql,
    fetched,
    named_sql,
    places,
    rows_sql,
)
from pipelines.subjects.survivorship.merge import (
    AGREEMENT,
    CONFLICT_KEY,
    CONFLICT_SCHEMA,
    SINCE,
    SOURCE,
    Reader,
    merge,
    polars_type,
)
from pipelines.subjects.survivorship.rules import Claim, Rules

PEOPLE, CONFLICTS, VERSIONS, PERIODS = "person.parquet", "conflict.parquet", "version.parquet", "period.parquet"
CLAIMS, NAMED = "claims", "named"
Schema = Mapping[str, pl.DataType | type[pl.DataType]]
# So many people are merged at once, because all that is said of them is held in memory.
_HELD = 200_000
_PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "row_group_size": 65_536}


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
        was = partial(_columns, former) if former else None
        told, moved = carried(claim, read(), was, work.rules.attributes, day.business_on)
        _write(told, work.out / name)
        return moved
    return _of_affected(
        work, name, lambda: read(people_of.AFFECTED),
        lambda now, was: carried(claim, now, was.select, work.rules.attributes, day.business_on),
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
    rules, out = work.rules, work.out
    pasts, conflicts = work.was(PERIODS, periods.SCHEMA), work.was(CONFLICTS, CONFLICT_SCHEMA)
    is_past = pasts[PERSON].is_in(ids.implode())
    parts = [_part(work, some, pasts.filter(is_past)) for some in _slices(ids)]
    version = {name: kind for name, kind in person_schema(rules).items() if name in {PERSON, *rules.merged}}
    former = work.was(VERSIONS, version | {versions.KNOWN_FROM: pl.Date(), versions.KNOWN_TO: pl.Date()})
    ended = [part.ended.select(former.columns) for part in parts]
    conflicts = conflicts.filter(~conflicts[PERSON].is_in(ids.implode()))
    _write(pl.concat([conflicts, *(part.conflicts for part in parts)]).sort(CONFLICT_KEY), out / CONFLICTS)
    _write(pl.concat([former, *ended]).sort(PERSON, versions.KNOWN_FROM), out / VERSIONS)
    _write(pl.concat([pasts.filter(~is_past), *(part.past for part in parts)]).sort(periods.ORDER), out / PERIODS)
    # Everybody's rows are never held in memory at once: they are the largest table by far.
    now = pl.concat([part.now for part in parts]).lazy()
    before = work.former(PEOPLE)
    if before:
        now = pl.scan_parquet(before).filter(~pl.col(PERSON).is_in(ids.implode())).merge_sorted(now, key=PERSON)
    now.sink_parquet(out / PEOPLE, **_PARQUET)
    (out / PEOPLE).chmod(0o600)


@dataclass(frozen=True)
class _Part:
    """What becomes of some people on a date: their rows now, what ended, their conflicts, all their past periods."""

    now: pl.DataFrame
    ended: pl.DataFrame
    conflicts: pl.DataFrame
    past: pl.DataFrame


def _part(work: _Work, ids: pl.Series, pasts: pl.DataFrame) -> _Part:
    """Merge the claims of some people and follow them from the date before."""
    rules, on = work.rules, work.day.business_on
    schema, before, past = person_schema(rules), work.former(PEOPLE), pasts.filter(_within(ids))
    was = _of(before, ids).select(*schema) if before else pl.DataFrame(schema=schema)
    present = people_of.present(ids, sorted((work.out / NAMED).glob("*.parquet")))
    merged = merge(rules, present, _reader(work.out, present), work.db)
    base = [work.out / CLAIMS / f"{claim.name}.parquet" for claim in rules.claims if claim.feed in rules.base]
    now = merged.people.with_columns(people_of.known_by(base, present, work.out))
    now, past = _followed(rules, now, was, past, on)
    now = versions.dated(now, was, places(now[PERSON], was), rules.merged, on).select(*schema)
    return _Part(now, versions.closed(now, was, rules.merged, on), merged.conflicts, past)


def _of(path: Path, people: pl.Series) -> pl.DataFrame:
    """The rows of some people, in order, from a table in order of person."""
    asked = pl.LazyFrame({PERSON: people})
    rows = pl.scan_parquet(path).filter(_within(people))
    return rows.join(asked, on=PERSON, how="semi", maintain_order="left").collect()


def _within(ids: pl.Series) -> pl.Expr:
    """Between the first and the last of ids in order."""
    return pl.col(PERSON).is_between(pl.lit(ids[0]), pl.lit(ids[-1])) if len(ids) else pl.lit(False)


def _slices(ids: pl.Series) -> list[pl.Series]:
    """Ids in portions whose claims fit into memory together; at least one."""
    return [ids.slice(first, _HELD) for first in range(0, max(len(ids), 1), _HELD)]


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
    """Reads the claims of some people; the files are in order of person, so that little else is looked at."""
    held: dict[str, pl.DataFrame] = {}

    def read(claim: Claim, names: Sequence[str]) -> pl.DataFrame:
        if claim.name not in held:
            held[claim.name] = _of(out / CLAIMS / f"{claim.name}.parquet", people)
        return held[claim.name]

    return read


def _columns(path: Path, names: Sequence[str]) -> pl.DataFrame:
    return pl.read_parquet(path, columns=list(names))


def _followed(
    rules: Rules, now: pl.DataFrame, was: pl.DataFrame, past: pl.DataFrame, on: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """People with the running period of every tracked attribute, and all other periods."""
    others = {str(key[0]): rows for key, rows in past.partition_by("attribute", as_dict=True).items()}
    gone = was.select(PERSON).join(now.select(PERSON), on=PERSON, how="anti", maintain_order="left")
    spine = pl.concat([now[PERSON], gone[PERSON]])
    at_now, at_was = places(spine, now), places(spine, was)
    columns: list[pl.Series] = []
    for attribute, group in rules.tracked.items():
        today = {"value": attribute, "feed": attribute + SOURCE, "since": attribute + SINCE}
        before = {
            "was_value": attribute,
            "was_feed": attribute + SOURCE,
            "from": attribute + periods.FROM,
            "learnt": attribute + periods.LEARNT,
        }
        told = {name: now[column].gather(at_now) for name, column in today.items()}
        told |= {name: was[column].gather(at_was) for name, column in before.items()}
        state = pl.DataFrame({PERSON: spine, **told}).select(pl.col(n).cast(k) for n, k in periods.STATE_SCHEMA.items())
        mine = others.get(attribute, past.clear())
        times, others[attribute] = periods.followed(state, mine, attribute, group.dating, on)
        columns.append(times["from"].head(len(now)).alias(attribute + periods.FROM))
        columns.append(times["learnt"].head(len(now)).alias(attribute + periods.LEARNT))
    return now.hstack(columns), pl.concat([past.clear(), *others.values()])


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, **_PARQUET)
    path.chmod(0o600)


def _take_over(former: Path, path: Path) -> None:
    """The same file under a second name; files of a date are never changed once they are written."""
    try:
        os.link(former, path)
    except OSError:
        shutil.copyfile(former, path)
