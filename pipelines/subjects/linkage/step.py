"""Linkage, a step of the replay: from a day's evidence and yesterday's state to who is who today.

Holds the order of things and the files of a date's folder; what each of them means is in the modules beside it
(`evidence`, `profiles`, `model`, `decide`, `persons`, `suspicion`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypedDict

import polars as pl

from pipelines.subjects.day import Day, said_in
from pipelines.subjects.linkage import kept, names, suspicion
from pipelines.subjects.linkage import model as linkage_model
from pipelines.subjects.linkage import profiles as linkage_profiles
from pipelines.subjects.linkage.decide import (
    CERTAIN,
    CONFIDENCE,
    FOUND,
    PROVISIONAL,
    best_matches,
    masked,
    repaired,
    same_child,
    same_digest,
)
from pipelines.subjects.linkage.evidence import FACTS, PLACE, TRACES, Part, deliveries_in_use, mentions, read_day
from pipelines.subjects.linkage.model import Shares
from pipelines.subjects.linkage.persons import (
    HISTORY,
    KEYS,
    MENTIONS,
    Persons,
    add_mentions,
    add_numbers,
    decided_about,
    obey,
    pinned,
)  # fmt: skip
from pipelines.subjects.linkage.rules import LinkageRules, load_rules

RULES = "person.yml"
KEY, MENTION, MENTION_ROW = "key.parquet", "mention.parquet", "mention_row.parquet"
HISTORY_FILE, SUSPICION, PROFILE = "history.parquet", "suspicion.parquet", "profile.parquet"
# State that only the next date reads.
OPEN, RECORD, ALIAS, MODEL = "open.parquet", "record.parquet", "alias.parquet", "model.json"
ALIKE, RENAMED = "alike.parquet", "renamed.parquet"
RECORD_KEY = ["feed", "record"]

_EVIDENCE: dict[str, pl.DataType | type[pl.DataType]] = {"mention_id": pl.String, "feed": pl.String} | FACTS | TRACES
_OPEN = _EVIDENCE | {name: FOUND[name] for name in ("person_key", "confidence", "status")}
_RECORD: dict[str, pl.DataType | type[pl.DataType]] = {
    "feed": pl.String, "record": pl.String, "person_key": pl.String,
    "name": pl.String, "birth_on": pl.Date, "sex_code": pl.String,
}  # fmt: skip
KEPT = {PROFILE: (linkage_profiles.SCHEMA, ["person_key"]), RECORD: (_RECORD, RECORD_KEY)}
"""Schema and key of the files that are kept as a base and what is beside it."""
ROW = PLACE | {"mention_id": pl.String}
"""Columns of MENTION_ROW."""
_CERTAIN = {"digest": same_digest, "repaired": repaired, "masked": masked, "guardian": same_child}
_RENAMED: dict[str, pl.DataType | type[pl.DataType]] = {"person_key": pl.String, "on": pl.Date}


class Model(TypedDict):
    """The model as it goes from date to date; until it has learnt it is as declared."""

    is_learnt: bool
    shares: Shares


@dataclass
class _Said:
    """A day's evidence, sorted out: what known numbers are said to be, and rows without one."""

    parts: list[Part] = field(default_factory=list)
    numbered: list[tuple[int, str, pl.DataFrame]] = field(default_factory=list)
    lesson: list[tuple[int, pl.DataFrame]] = field(default_factory=list)
    records: list[pl.DataFrame] = field(default_factory=list)
    loose: list[pl.DataFrame] = field(default_factory=list)
    crowded: list[pl.DataFrame] = field(default_factory=list)


def step(before: Path | None, day: Day, out: Path) -> None:
    """Write the linkage files of a date. Same evidence, decisions and state before: same files."""
    rules = load_rules(day.settings.declarations / "linkage" / RULES)
    profiles_before = kept.read(before, PROFILE, *KEPT[PROFILE])
    learnt: Model | None = json.loads((before / MODEL).read_text("utf-8")) if before else None
    is_learnt = learnt is not None and learnt["is_learnt"]
    said = _sort_out(day, rules, is_lesson=not is_learnt)
    fold = linkage_profiles.fold(profiles_before, [(rank, frame) for rank, _, frame in said.numbered])
    profiles = fold.profiles
    persons = Persons(day.business_on, _state(before, KEY, KEYS), _state(before, MENTION, MENTIONS))
    known_before = persons.known(decided_about(day.decisions))
    add_numbers(persons, [(feed, frame.select("person_key")) for _, feed, frame in said.numbered])
    records = _follow_records(persons, kept.read(before, RECORD, *KEPT[RECORD]), said.records)
    model = learnt if learnt and is_learnt else _learn(rules, day, said, profiles)
    shares = model["shares"]

    if said.crowded:
        said.loose.append(_disown(said, profiles, rules.names.owner_share))
    loose = mentions(day, pl.concat(said.loose)) if said.loose else pl.DataFrame(schema=ROW | _EVIDENCE)
    still_open = _link(rules, day, shares, persons, profiles, fold.changed, loose, _state(before, OPEN, _OPEN))
    since = date.fromisoformat(before.name) if before else None
    obey(persons, day.decisions, day.key, since, known_before)

    renamed = _renamed(before, day, fold.renamed)
    aliases = _aliases(before, day, rules, said, profiles, renamed)
    alike = suspicion.alike(rules, profiles, _alike_before(before), fold.changed)
    doubts = [
        suspicion.two_numbers(rules, day.settings, shares, alike, profiles, persons.keys),
        suspicion.two_people(aliases, persons.keys),
        suspicion.perhaps_known(still_open, persons.mentions, persons.keys),
    ]
    files = {
        KEY: persons.keys,
        MENTION: persons.mentions,
        MENTION_ROW: _rows_in_use(before, day, loose),
        HISTORY_FILE: pl.concat([_state(before, HISTORY_FILE, HISTORY), *persons.events]),
        SUSPICION: suspicion.since(doubts, _state(before, SUSPICION, suspicion.SUSPICION), day.business_on),
        OPEN: still_open,
        ALIAS: aliases,
        ALIKE: alike.select("person_key").sort("person_key"),
        RENAMED: renamed,
    }
    for name, frame in files.items():
        frame.write_parquet(out / name, compression="lz4")
    for name, new in ((PROFILE, fold.touched), (RECORD, records)):
        kept.write(before, out, name, *KEPT[name], new)
    (out / MODEL).write_text(json.dumps(model, indent=1), "utf-8")


# ---------------------------------------------------------------- evidence


def _sort_out(day: Day, rules: LinkageRules, is_lesson: bool) -> _Said:
    """Read the day slot by slot, keeping the newest row of every number.

    For a model still to be learnt (`is_lesson`) everything is read, and what named people say is kept too.
    """
    said = _Said()
    for part in read_day(day, rules, is_whole=is_lesson):
        rank, frame = part.rank, part.rows
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
        said.parts.append(part)
        said.numbered.append((rank, part.contract.feed, newest))
        said.records.append(told.filter(pl.col("record").is_not_null()).select(*_RECORD))
        said.loose.append(frame.filter(~has_key).drop("person_key", "record"))
    return said


def _disown(said: _Said, profiles: pl.DataFrame, owners_own: float) -> pl.DataFrame:
    """Rows whose number is used by many and is not theirs, as rows without a number.

    The number stays with the person of its owner's name; where nobody known owns it, none of the rows keeps it.
    """
    crowded = pl.concat(said.crowded)
    named = crowded.filter(pl.col("name").is_not_null())
    told = named.select("person_key", "name").unique()
    others = suspicion.other_than_owners(told, profiles, owners_own)
    owners = profiles.join(told, on="person_key", how="semi").filter(pl.col("name").is_not_null())
    nobodys = told.join(owners, on="person_key", how="anti").select(told.columns)
    return named.join(pl.concat([others, nobodys]), on=["person_key", "name"], how="semi").drop("person_key")


def _rows_in_use(before: Path | None, day: Day, loose: pl.DataFrame) -> pl.DataFrame:
    """Which mention every row in use without a usable number is."""
    rows = pl.concat([_state(before, MENTION_ROW, ROW), loose.select(*ROW)])
    used = deliveries_in_use(day.in_use)
    return rows.join(used, on=["feed", "business_on", "delivery"], how="semi").sort(*ROW)


def _follow_records(persons: Persons, before: pl.DataFrame, today: list[pl.DataFrame]) -> pl.DataFrame:
    """Merge what a register's own record shows to be one person; returns the records that say something else now.

    A record that comes with another number than before is the same person if the name is the same, or birth date and
    sex are; else the record was given to somebody else. Of a record's rows on a day the last counts.
    """
    said = pl.concat([pl.DataFrame(schema=_RECORD), *today]).unique(RECORD_KEY, keep="last", maintain_order=True)
    mine = before.join(said.select(RECORD_KEY), on=RECORD_KEY, how="semi")
    said = said.join(mine, on=list(_RECORD), how="anti", nulls_equal=True)  # nearly all say what they said
    met = said.join(mine, on=RECORD_KEY, suffix="_old")
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
    return said.sort(RECORD_KEY)


def _renamed(before: Path | None, day: Day, today: pl.Series) -> pl.DataFrame:
    """Numbers whose person got another name, and when last; as far back as a snapshot may have to know."""
    used = [*day.was_in_use.items(), *day.in_use.items()]
    snapshots = [paths for feed, paths in used if day.contracts[feed].delivery.load == "snapshot"]
    oldest = min((said_in(path)[0] for paths in snapshots for path in paths), default=day.business_on)
    new = pl.DataFrame({"person_key": today}).with_columns(on=pl.lit(day.business_on, pl.Date))
    every = pl.concat([_state(before, RENAMED, _RENAMED), new.cast(pl.Schema(_RENAMED))])
    last = every.filter(pl.col("on") > oldest).unique("person_key", keep="last", maintain_order=True)
    return last.sort("person_key")


def _aliases(
    before: Path | None, day: Day, rules: LinkageRules, said: _Said, profiles: pl.DataFrame, renamed: pl.DataFrame
) -> pl.DataFrame:
    """Other people's names under known numbers, as feeds say them now.

    What an earlier delivery said counts on unless a snapshot of its feed came, or the name is the person's own by now.
    Of a snapshot that is read by its difference, only the names of numbers of whom other rows speak, or whose person
    got another name since the delivery before, are told anew.
    """
    earlier = _state(before, ALIAS, suspicion.ALIAS)
    spoken = []
    for feed in dict.fromkeys(part.contract.feed for part in said.parts):
        parts = [part for part in said.parts if part.contract.feed == feed]
        again = [part.again for part in parts if part.again]
        if again:
            since = renamed.filter(pl.col("on") > again[0].since)["person_key"]
            keys = pl.concat([since, *(a.touched for a in again)]).unique()
            is_old = (pl.col("feed") == feed) & pl.col("person_key").is_in(keys.implode())
        else:
            keys = None
            is_old = (pl.col("feed") == feed) & pl.lit(day.contracts[feed].delivery.load == "snapshot")
        earlier = earlier.filter(~is_old)
        spoken += [(feed, part.named(keys, rules)) for part in parts]
    spoken += [(str(feed), frame) for (feed,), frame in earlier.group_by("feed", maintain_order=True)]
    return suspicion.other_names(spoken, profiles, rules.names.related_share)


def _alike_before(before: Path | None) -> pl.Series | None:
    """Numbers whose people looked like somebody else on the date before."""
    return None if before is None else pl.read_parquet(before / ALIKE)["person_key"]


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
    by_rule = [(method, rule(formed, near)) for method, rule in _CERTAIN.items()]
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
