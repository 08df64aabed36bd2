"""Linkage, a step of the replay: from a day's evidence and yesterday's state to who is who today.

Holds the order of things and the files of a date's folder; what each of them means is in the modules beside it
(`evidence`, `linkage_profiles`, `linkage_model`, `linkage_decide`, `linkage_persons`, `linkage_suspicion`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypedDict

import polars as pl

from pipelines.subjects.day import Day
from pipelines.subjects.linkage import model as linkage_model
from pipelines.subjects.linkage import names, suspicion
from pipelines.subjects.linkage import profiles as linkage_profiles
from pipelines.subjects.linkage.decide import CERTAIN, CONFIDENCE, FOUND, PROVISIONAL, best_matches, masked, repaired
from pipelines.subjects.linkage.evidence import FACTS, PLACE, TRACES, deliveries_in_use, mentions, read_day
from pipelines.subjects.linkage.model import Shares
from pipelines.subjects.linkage.persons import HISTORY, KEYS, MENTIONS, Persons, add_mentions, add_numbers, obey, pinned
from pipelines.subjects.linkage.rules import LinkageRules, load_rules

RULES = "person.yml"
KEY, MENTION, MENTION_ROW = "key.parquet", "mention.parquet", "mention_row.parquet"
HISTORY_FILE, SUSPICION, PROFILE = "history.parquet", "suspicion.parquet", "profile.parquet"
# State that only the next date reads.
OPEN, RECORD, ALIAS, MODEL = "open.parquet", "record.parquet", "alias.parquet", "model.json"

_EVIDENCE: dict[str, pl.DataType | type[pl.DataType]] = {"mention_id": pl.String, "feed": pl.String} | FACTS | TRACES
_OPEN = _EVIDENCE | {name: FOUND[name] for name in ("person_key", "confidence", "status")}
_RECORD: dict[str, pl.DataType | type[pl.DataType]] = {
    "feed": pl.String, "record": pl.String, "person_key": pl.String,
    "name": pl.String, "birth_on": pl.Date, "sex_code": pl.String,
}  # fmt: skip
ROW = PLACE | {"mention_id": pl.String}
"""Columns of MENTION_ROW."""


class Model(TypedDict):
    """The model as it goes from date to date; until it has learnt it is as declared."""

    is_learnt: bool
    shares: Shares


@dataclass
class _Said:
    """A day's evidence, sorted out: what known numbers are said to be, and rows without one."""

    numbered: list[tuple[int, str, pl.DataFrame]] = field(default_factory=list)
    lesson: list[tuple[int, pl.DataFrame]] = field(default_factory=list)
    named: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    records: list[pl.DataFrame] = field(default_factory=list)
    loose: list[pl.DataFrame] = field(default_factory=list)
    crowded: list[pl.DataFrame] = field(default_factory=list)


def step(before: Path | None, day: Day, out: Path) -> None:
    """Write the linkage files of a date. Same evidence, decisions and state before: same files."""
    rules = load_rules(day.settings.declarations / "linkage" / RULES)
    profiles_before = _state(before, PROFILE, linkage_profiles.SCHEMA)
    kept: Model | None = json.loads((before / MODEL).read_text("utf-8")) if before else None
    is_learnt = kept is not None and kept["is_learnt"]
    said = _sort_out(day, rules, profiles_before, is_lesson=not is_learnt)
    today = linkage_profiles.of_day((rank, frame) for rank, _, frame in said.numbered)
    profiles, changed = linkage_profiles.fold(profiles_before, today)
    persons = Persons(day.business_on, _state(before, KEY, KEYS), _state(before, MENTION, MENTIONS))
    known_before = {*persons.keys["person_key"], *persons.mentions["mention_id"]} if day.decisions else set()
    add_numbers(persons, [(feed, frame.select("person_key")) for _, feed, frame in said.numbered])
    records = _follow_records(persons, _state(before, RECORD, _RECORD), said.records)
    model = kept if kept and is_learnt else _learn(rules, day, said, profiles)
    shares = model["shares"]

    if said.crowded:
        said.loose.append(_disown(said, profiles, rules.names.related_share))
    loose = mentions(day, pl.concat(said.loose)) if said.loose else pl.DataFrame(schema=ROW | _EVIDENCE)
    still_open = _link(rules, day, shares, persons, profiles, changed, loose, _state(before, OPEN, _OPEN))
    since = date.fromisoformat(before.name) if before else None
    obey(persons, day.decisions, day.key, since, known_before)

    aliases = _aliases(before, day, rules, said, profiles)
    doubts = [
        suspicion.two_numbers(rules, day.settings, shares, profiles, persons.keys),
        suspicion.two_people(aliases, persons.keys),
        suspicion.perhaps_known(still_open, persons.mentions, persons.keys),
    ]
    files = {
        PROFILE: profiles,
        KEY: persons.keys,
        MENTION: persons.mentions,
        MENTION_ROW: _rows_in_use(before, day, loose),
        HISTORY_FILE: pl.concat([_state(before, HISTORY_FILE, HISTORY), *persons.events]),
        SUSPICION: suspicion.since(doubts, _state(before, SUSPICION, suspicion.SUSPICION), day.business_on),
        OPEN: still_open,
        RECORD: records,
        ALIAS: aliases,
    }
    for name, frame in files.items():
        frame.write_parquet(out / name, compression="lz4")
    (out / MODEL).write_text(json.dumps(model, indent=1), "utf-8")


# ---------------------------------------------------------------- evidence


def _sort_out(day: Day, rules: LinkageRules, profiles_before: pl.DataFrame, is_lesson: bool) -> _Said:
    """Read the day slot by slot, keeping of known numbers only what differs: the district's rows are many.

    For a model still to be learnt (`is_lesson`) everything that named people say is kept too.
    """
    said = _Said()
    for rank, contract, frame in read_day(day, rules):
        has_key = pl.col("person_key").is_not_null()
        named = frame.filter(has_key).select("person_key", "name").unique()
        again = named.filter(pl.col("person_key").is_duplicated()).group_by("person_key").len("names")
        shared = again.filter(pl.col("names") >= rules.names.shared_by)["person_key"]
        is_shared = has_key & pl.col("person_key").is_in(shared.implode())
        said.crowded.append(frame.filter(is_shared).drop("record"))
        told = frame.filter(has_key & ~is_shared)
        newest = told.select("person_key", *FACTS).unique("person_key", keep="last", maintain_order=True)
        if is_lesson and rank:
            said.lesson.append((rank, newest.filter(pl.col("name").is_not_null())))
        said.numbered.append((rank, contract.feed, linkage_profiles.news(newest, rank, profiles_before)))
        said.named.append((contract.feed, named.drop_nulls()))
        said.records.append(told.filter(pl.col("record").is_not_null()).select(*_RECORD))
        said.loose.append(frame.filter(~has_key).drop("person_key", "record"))
    return said


def _disown(said: _Said, profiles: pl.DataFrame, related: float) -> pl.DataFrame:
    """Rows whose number is used by many and is not theirs, as rows without a number.

    The number stays with the person of its owner's name; where nobody known owns it, none of the rows keeps it.
    """
    crowded = pl.concat(said.crowded)
    named = crowded.filter(pl.col("name").is_not_null())
    told = named.select("person_key", "name").unique()
    others = suspicion.other_than_owners(told, profiles, related)
    nobodys = told.join(profiles.filter(pl.col("name").is_not_null()), on="person_key", how="anti").select(told.columns)
    return named.join(pl.concat([others, nobodys]), on=["person_key", "name"], how="semi").drop("person_key")


def _rows_in_use(before: Path | None, day: Day, loose: pl.DataFrame) -> pl.DataFrame:
    """Which mention every row in use without a usable number is."""
    rows = pl.concat([_state(before, MENTION_ROW, ROW), loose.select(*ROW)])
    used = deliveries_in_use(day.in_use)
    return rows.join(used, on=["feed", "business_on", "delivery"], how="semi").sort(*ROW)


def _follow_records(persons: Persons, before: pl.DataFrame, today: list[pl.DataFrame]) -> pl.DataFrame:
    """Merge what a register's own record shows to be one person, and note today's records.

    A record that comes with another number than before is the same person if the name is the same, or birth date and
    sex are; else the record was given to somebody else.
    """
    said = pl.concat([pl.DataFrame(schema=_RECORD), *today])
    said = said.join(before, on=list(_RECORD), how="anti", nulls_equal=True)  # nearly all say what they said
    said = said.unique(["feed", "record"], keep="last", maintain_order=True)
    met = said.join(before, on=["feed", "record"], suffix="_old")
    same = ["sex_code", "birth_on"]
    is_same = (pl.col("name") == pl.col("name_old")).fill_null(False)
    is_same |= pl.all_horizontal((pl.col(c) == pl.col(f"{c}_old")).fill_null(False) for c in same)
    moved = met.filter((pl.col("person_key") != pl.col("person_key_old")) & is_same)
    persons.merge(
        moved.select(
            a="person_key_old",
            b="person_key",
            via=pl.lit("record"),
            confidence=pl.lit(1).cast(CONFIDENCE),
            feed="feed",
        )
    )
    rest = before.join(said, on=["feed", "record"], how="anti", maintain_order="left")
    return pl.concat([rest, said.sort("feed", "record")])


def _aliases(before: Path | None, day: Day, rules: LinkageRules, said: _Said, profiles: pl.DataFrame) -> pl.DataFrame:
    """Other people's names under known numbers, as feeds say them now.

    What an earlier delivery said counts on unless a snapshot of its feed came, or the name is the person's own by now.
    """
    replaced = [feed for feed in day.arrived if day.contracts[feed].delivery.load == "snapshot"]
    earlier = _state(before, ALIAS, suspicion.ALIAS).filter(~pl.col("feed").is_in(replaced))
    spoken = [*said.named, *((feed, frame) for (feed,), frame in earlier.group_by("feed", maintain_order=True))]
    related = rules.names.related_share
    return suspicion.other_names(((str(feed), frame) for feed, frame in spoken), profiles, related)


# ---------------------------------------------------------------- linking


def _learn(rules: LinkageRules, day: Day, said: _Said, profiles: pl.DataFrame) -> Model:
    """The model learnt from today's rows of people the base knows; as declared where they are too few."""
    base = profiles.filter(pl.col("name_rank") == 0)
    # Pseudonyms are in an order of chance.
    drawn_people = base.select("person_key").sort("person_key").head(rules.training.labelled_rows)
    rows = [
        frame.join(drawn_people, on="person_key", how="semi").select(
            pl.concat_str("person_key", pl.lit(f"/{rank}")).alias("row_id"), "person_key", *FACTS
        )
        for rank, frame in said.lesson
    ]
    labelled = pl.concat(rows) if rows else pl.DataFrame()
    if len(labelled) < rules.training.least_rows:
        return Model(is_learnt=False, shares=linkage_model.declared_shares(rules))
    drawn = labelled.sort("row_id").head(rules.training.labelled_rows)
    rows_side = suspicion.as_rows(names.with_forms(drawn))
    return Model(is_learnt=True, shares=linkage_model.learn(rules, day.settings, rows_side, suspicion.as_known(base)))


def _link(
    rules: LinkageRules,
    day: Day,
    shares: Shares,
    persons: Persons,
    profiles: pl.DataFrame,
    changed: pl.Series,
    loose: pl.DataFrame,
    open_before: pl.DataFrame,
) -> pl.DataFrame:
    """Find the persons of new mentions, and of open ones whom a changed profile could be; returns those still open."""
    evidence = loose.select(*_EVIDENCE).unique("mention_id", keep="first", maintain_order=True)
    new = evidence.join(persons.mentions, on="mention_id", how="anti")
    touched = open_before.select(*_EVIDENCE)
    if len(touched):
        moved = profiles.filter(pl.col("person_key").is_in(changed.implode()))
        touched = linkage_profiles.sharing(names.with_forms(touched), moved, rules.blocking).select(*_EVIDENCE)
    held = pinned(day.decisions)
    asked = pl.concat([new, touched]).filter(~pl.col("mention_id").is_in(sorted(held))).sort("mention_id")
    found = _find(rules, day, shares, persons, profiles, asked)
    lone = asked.join(found, on="mention_id", how="anti").select("mention_id")
    nobody = {"person_key": None, "method": "none", "confidence": None, "status": PROVISIONAL}
    unknown = lone.with_columns(pl.lit(value, FOUND[name]).alias(name) for name, value in nobody.items())
    every = pl.concat([found, unknown.select(*FOUND)]).join(asked.select("mention_id", "feed"), on="mention_id")
    add_mentions(persons, every.sort("mention_id"))
    still = asked.join(every.filter(pl.col("status") != CERTAIN).drop("feed", "method"), on="mention_id")
    rest = open_before.join(asked.select("mention_id"), on="mention_id", how="anti")
    return pl.concat([rest, still.select(*_OPEN)]).sort("mention_id")


def _find(
    rules: LinkageRules, day: Day, shares: Shares, persons: Persons, profiles: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """Who the mentions asked about are: the certain ones by rule, the others by the model (schema FOUND)."""
    if asked.is_empty():
        return pl.DataFrame(schema=FOUND)
    formed = names.with_forms(asked)
    near = linkage_profiles.known_by(profiles, formed, rules.blocking)
    by_rule = [(method, rule(formed, near)) for method, rule in (("repaired", repaired), ("masked", masked))]
    certain = pl.concat(
        frame.select(
            "mention_id",
            "person_key",
            pl.lit(method).alias("method"),
            pl.lit(1).cast(CONFIDENCE).alias("confidence"),
            pl.lit(CERTAIN).alias("status"),
        )
        for method, frame in by_rule
    ).unique("mention_id", keep="first", maintain_order=True)
    rest = formed.join(certain, on="mention_id", how="anti")
    known = linkage_model.with_frequencies(rules, suspicion.as_known(near), profiles)
    pairs = linkage_model.score(
        rules, day.settings, shares, rest.rename({"mention_id": "row_id"}), known, len(profiles)
    )
    return pl.concat([certain, best_matches(pairs, persons.keys, rules.link)])


def _state(before: Path | None, name: str, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """A file of the date before; empty on the first date."""
    return pl.DataFrame(schema=schema) if before is None else pl.read_parquet(before / name)
