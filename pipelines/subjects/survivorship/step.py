"""A date of survivorship: claims of the feeds that sent something, what counts of the people it concerns, their time.

The step of the replay. It writes into the date's folder: `claims/` and `named/` (what each feed says and whom it
names), `person`, `conflict`, and what was before: `version` and `period`, each as `layers` keeps tables. Only people of
whom some feed says something else than on the date before are merged again; all others are taken over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.subjects.day import Day
from pipelines.subjects.survivorship import layers, periods, versions
from pipelines.subjects.survivorship import people as people_of
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.claims import (
    BEFORE,
    KNOWN,
    PERSON,
    carried,
    claim_sql,
    fetched,
    named_sql,
    places,
    rows_sql,
)
from pipelines.subjects.survivorship.difference import asked_sql, naming_asked_sql
from pipelines.subjects.survivorship.merge import (
    AGREEMENT,
    CONFLICT_KEY,
    SINCE,
    SOURCE,
    Reader,
    merge,
    polars_type,
)
from pipelines.subjects.survivorship.rules import Claim, Rules

PEOPLE, CONFLICTS, VERSIONS, PERIODS = "person", "conflict", "version", "period"
CLAIMS, NAMED = "claims", "named"
Schema = Mapping[str, pl.DataType | type[pl.DataType]]
# So many people are merged at once, because all that is said of them is held in memory.
_HELD = 200_000
_ASKED = "asked"


@dataclass(frozen=True)
class _Work:
    """One date's work: the declaration, the day, where to write, and where the date before is (None: nowhere)."""

    rules: Rules
    day: Day
    before: Path | None
    out: Path
    db: duckdb.DuckDBPyConnection
    affected: pl.Series

    def was(self, name: str, ids: pl.Series, schema: Schema) -> pl.DataFrame:
        """Some people's rows of a table of the date before; empty where there is none."""
        if self.before is None or not layers.exists(self.before, name):
            return pl.DataFrame(schema=dict(schema))
        return layers.rows_of(self.before, name, ids).select(*schema)

    def put(self, name: str, ids: pl.Series, rows: pl.DataFrame) -> None:
        """Write a table in which only `ids` have other rows than on the date before."""
        if self.before is None or not layers.exists(self.before, name):
            layers.write(rows, self.out, name)
        else:
            layers.replace(self.before, self.out, name, ids, rows)


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
        if before:
            people_of.register(db, before, BEFORE)
        affected = people_of.resettle(db, before, out)
        work = _Work(rules, day, before, out, db, affected)
        changed = [affected]
        for claim in rules.claims:
            changed.append(_claim(work, claim))
        for feed in day.in_use:
            changed.append(_named(work, feed))
        _people(work, pl.concat(changed).unique().sort())


def _claim(work: _Work, claim: Claim) -> pl.Series:
    """Write what a feed says; gives the ids of the people of whom it says something else than before."""
    day, contract, types = work.day, work.day.contracts[claim.feed], work.rules.types
    name = f"{CLAIMS}/{claim.name}"

    def said(only: str | None = None) -> pl.DataFrame:
        rows = rows_sql(contract, day.in_use.get(claim.feed, ()), only)
        return fetched(work.db, claim_sql(claim, contract, types, rows, day.business_on, only))

    if work.before is None or not layers.exists(work.before, name):
        told, moved = carried(claim, said(), None, work.rules.attributes, day.business_on)
        layers.write(told, work.out, name)
        return moved
    asked = _ask(work, asked_sql(claim, contract, types, day, people_of.AFFECTED))
    was = layers.rows_of(work.before, name, asked)
    now = was.select(PERSON, *claim.names).clear() if asked.is_empty() else said(_ASKED)
    told, moved = carried(claim, now, was.select, work.rules.attributes, day.business_on)
    layers.replace(work.before, work.out, name, moved, told.filter(pl.col(PERSON).is_in(moved.implode())))
    return moved


def _named(work: _Work, feed: str) -> pl.Series:
    """Write whom a feed names; gives the ids of those whom it has begun or ceased to name."""
    contract, name = work.day.contracts[feed], f"{NAMED}/{feed}"
    if not any(slot.id for slot in contract.people):
        return work.affected.clear()

    def named(only: str | None = None) -> pl.DataFrame:
        return fetched(work.db, named_sql(contract, rows_sql(contract, work.day.in_use[feed], only), only))

    if work.before is None or not layers.exists(work.before, name):
        now = named()
        layers.write(now, work.out, name)
        return now[PERSON]
    asked = _ask(work, naming_asked_sql(contract, work.day, people_of.AFFECTED))
    was = layers.rows_of(work.before, name, asked)
    now = was.clear() if asked.is_empty() else named(_ASKED)
    begun = now.join(was, on=PERSON, how="anti", maintain_order="left")
    moved = pl.concat([begun, was.join(now, on=PERSON, how="anti")])[PERSON]
    layers.replace(work.before, work.out, name, moved, begun)
    return moved


def _ask(work: _Work, query: str) -> pl.Series:
    """The people of a query, in order and as the table `asked`."""
    asked = fetched(work.db, query)
    work.db.register(_ASKED, asked.to_arrow())
    return asked[PERSON]


def _people(work: _Work, ids: pl.Series) -> None:
    """Write people, conflicts, versions and periods, in which only those of `ids` may differ from before."""
    rules = work.rules
    version = {name: kind for name, kind in person_schema(rules).items() if name in {PERSON, *rules.merged}}
    version |= {versions.KNOWN_FROM: pl.Date(), versions.KNOWN_TO: pl.Date()}
    pasts, former = work.was(PERIODS, ids, periods.SCHEMA), work.was(VERSIONS, ids, version)
    parts = [_part(work, some, pasts) for some in _slices(ids)]
    ended = pl.concat([former, *(part.ended.select(former.columns) for part in parts)])
    work.put(CONFLICTS, ids, pl.concat([part.conflicts for part in parts]).sort(CONFLICT_KEY))
    work.put(VERSIONS, ids, ended.sort(PERSON, versions.KNOWN_FROM))
    work.put(PERIODS, ids, pl.concat([part.past for part in parts]).sort(periods.ORDER))
    work.put(PEOPLE, ids, pl.concat([part.now for part in parts]))


@dataclass(frozen=True)
class _Part:
    """What becomes of some people on a date: their rows now, what ended, their conflicts, all their past periods."""

    now: pl.DataFrame
    ended: pl.DataFrame
    conflicts: pl.DataFrame
    past: pl.DataFrame


def _part(work: _Work, ids: pl.Series, pasts: pl.DataFrame) -> _Part:
    """Merge the claims of some people and follow them from the date before."""
    rules, on, schema = work.rules, work.day.business_on, person_schema(work.rules)
    was, past = work.was(PEOPLE, ids, schema), pasts.filter(pl.col(PERSON).is_in(ids.implode()))
    present = people_of.present(ids, _named_today(work))
    merged = merge(rules, present, _reader(work.out, present), work.db)
    base = [layers.scan(work.out, f"{CLAIMS}/{claim.name}") for claim in rules.claims if claim.feed in rules.base]
    now = merged.people.with_columns(people_of.known_by(base, present, work.out))
    now, past = _followed(rules, now, was, past, on)
    now = versions.dated(now, was, places(now[PERSON], was), rules.merged, on).select(*schema)
    return _Part(now, versions.closed(now, was, rules.merged, on), merged.conflicts, past)


def _named_today(work: _Work) -> list[pl.LazyFrame]:
    names = [f"{NAMED}/{feed}" for feed in work.day.in_use]
    return [layers.scan(work.out, name) for name in names if layers.exists(work.out, name)]


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
            held[claim.name] = layers.rows_of(out, f"{CLAIMS}/{claim.name}", people)
        return held[claim.name]

    return read


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
