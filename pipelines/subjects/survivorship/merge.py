"""Survivorship: of all that feeds say of a person, what counts, where it comes from, who agrees and who does not.

Merges claims by the declared order of sources. Reading claims is done by `claims`, following values through time by
`versions` and `periods`, driving all of it through a date by `step`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import duckdb
import polars as pl

from pipelines.sql import quoted
from pipelines.subjects.survivorship.claims import KNOWN, PERSON, places
from pipelines.subjects.survivorship.rules import Attribute, Claim, Group, Rules

SOURCE, AGREEMENT, SINCE = "_source", "_agreement", "_since"
CONFLICT_SCHEMA = {
    PERSON: pl.String, "attribute": pl.String, "kept_feed": pl.String, "kept_known_on": pl.Date,
    "other_feed": pl.String, "other_known_on": pl.Date, "kept_value": pl.String, "other_value": pl.String,
}  # fmt: skip
CONFLICT_KEY = (PERSON, "attribute", "other_feed")
_TYPES: dict[str, pl.DataType] = {"varchar": pl.String(), "date": pl.Date(), "boolean": pl.Boolean()}

# The claims of one feed: a frame with the ids of the people it speaks of and the columns asked for.
Reader = Callable[[Claim, Sequence[str]], pl.DataFrame]


@dataclass(frozen=True)
class Merged:
    """What counts, and what does not.

    `people`: person_id and for every attribute its value, `_source`, `_known_on`, `_agreement` and, where intervals
    are kept, `_since` (the date the source gives, or null). `conflicts`: one row an attribute and feed that says
    otherwise, of CONFLICT_SCHEMA.
    """

    people: pl.DataFrame
    conflicts: pl.DataFrame


@dataclass(frozen=True)
class _Said:
    """What the feeds of a group say of each person: a column `<place>:<name>` for the feed at a place of the order."""

    rules: Rules
    group: Group
    frame: pl.DataFrame

    @property
    def places(self) -> range:
        return range(len(self.group.feeds))

    def of(self, place: int, name: str) -> pl.Expr:
        """A claim of the feed at a place; null where it makes none."""
        if f"{place}:{name}" in self.frame.columns:
            return pl.col(f"{place}:{name}")
        return pl.lit(None, dtype=pl.Date if name.endswith(KNOWN) else polars_type(self.rules.types[name]))

    def all(self, name: str) -> list[pl.Expr]:
        """The claim of every feed, in order."""
        return [self.of(place, name) for place in self.places]


def polars_type(kind: str) -> pl.DataType:
    """The Polars type of an attribute's declared type."""
    return _TYPES[kind]


def merge(rules: Rules, people: pl.Series, read: Reader, db: duckdb.DuckDBPyConnection) -> Merged:
    """What counts of each of some people (ids in order, each once). `db` evaluates what is declared as SQL."""
    at = {claim.name: places(people, read(claim, [])) for claim in rules.claims}
    columns: list[pl.Series] = [people.alias(PERSON)]
    conflicts = [pl.DataFrame(schema=CONFLICT_SCHEMA)]
    for group in rules.groups:
        said = _chosen(_said(rules, group, at, read, people))
        columns += said.frame.select(_kept(said)).iter_columns()
        conflicts += _conflicts(said)
    found = Merged(pl.DataFrame(columns), pl.concat(conflicts).sort(CONFLICT_KEY))
    for name, attribute in rules.attributes.items():
        if attribute.compare and name in rules.merged:
            found = _compared(found, name, attribute, db)
    return found


def _said(rules: Rules, group: Group, at: Mapping[str, pl.Series], read: Reader, people: pl.Series) -> _Said:
    wanted = dict.fromkeys([*group.attributes, *group.helpers])
    columns = [people.alias(PERSON)]
    for place, feed in enumerate(group.feeds):
        claim = rules.speaker(feed, group)
        if claim is None:
            continue
        names = [name for name in wanted if name in claim.names]
        names += [name + KNOWN for name in names if name in group.attributes]
        told, rows = read(claim, names), at[claim.name]
        columns += [told[name].gather(rows).alias(f"{place}:{name}") for name in names]
    return _Said(rules, group, pl.DataFrame(columns))


def _chosen(said: _Said) -> _Said:
    """Adds, for each attribute, `from:<attribute>`: the place of the feed whose word counts, or null."""
    group, frame = said.group, said.frame
    if group.by is None:
        chosen = {a: _first([c.is_not_null() for c in said.all(a)]) for a in group.attributes}
        return _Said(said.rules, group, frame.with_columns(**{f"from:{a}": place for a, place in chosen.items()}))
    by = said.all(group.by)
    holds = [c == pl.max_horizontal(by) for c in by] if group.kind == "newest" and by else [c.is_not_null() for c in by]
    frame = frame.with_columns(chosen=_first(holds))
    if group.confirms:
        frame = frame.with_columns(chosen=_completed(said))
    return _Said(said.rules, group, frame.with_columns(**{f"from:{a}": pl.col("chosen") for a in group.attributes}))


def _first(holds: Sequence[pl.Expr]) -> pl.Expr:
    """The first place at which something holds."""
    parts = [pl.when(condition).then(pl.lit(place, dtype=pl.Int8)) for place, condition in enumerate(holds)]
    return pl.coalesce(parts) if parts else pl.lit(None, dtype=pl.Int8)


def _completed(said: _Said) -> pl.Expr:
    """The feed chosen, or, where it only confirms, the one by the same rule among those that agree with it."""
    group, chosen = said.group, pl.col("chosen")
    assert group.by and group.agree
    fact = _at(chosen, said.all(group.agree))
    agrees = [
        (said.of(place, group.agree) == fact) & said.of(place, group.by).is_not_null()
        if feed not in group.confirms
        else pl.lit(False)
        for place, feed in enumerate(group.feeds)
    ]
    if group.kind == "newest":
        dates = [pl.when(holds).then(said.of(place, group.by)) for place, holds in enumerate(agrees)]
        agrees = [told == pl.max_horizontal(dates) for told in dates]
    confirming = [place for place, feed in enumerate(group.feeds) if feed in group.confirms]
    return pl.when(chosen.is_in(confirming)).then(pl.coalesce(_first(agrees), chosen)).otherwise(chosen)


def _at(place: pl.Expr, columns: Sequence[pl.Expr]) -> pl.Expr:
    """Of several columns the one at a row's place; null where the place is."""
    if not columns:
        return pl.lit(None)
    return pl.coalesce([pl.when(place == number).then(column) for number, column in enumerate(columns)])


def _kept(said: _Said) -> list[pl.Expr]:
    """The columns of the result for a group."""
    rules, group = said.rules, said.group
    sources = pl.Enum(sorted({claim.feed for claim in rules.claims}))
    found: list[pl.Expr] = []
    for attribute in group.attributes:
        at = pl.col(f"from:{attribute}")
        value = _at(at, said.all(attribute)).cast(polars_type(rules.types[attribute]))
        feed = _at(at, [pl.lit(name) for name in group.feeds]).cast(sources)
        stated = value.is_not_null()
        found += [
            value.alias(attribute),
            pl.when(stated).then(feed).alias(attribute + SOURCE),
            _at(at, said.all(attribute + KNOWN)).cast(pl.Date).alias(attribute + KNOWN),
            pl.when(stated).then(_agreeing(said, attribute)).alias(attribute + AGREEMENT),
        ]
        if attribute in rules.tracked:
            dates = _at(at, said.all(group.since)) if group.since else pl.lit(None)
            found.append(pl.when(stated).then(dates.cast(pl.Date)).alias(attribute + SINCE))
    return found


def _agreeing(said: _Said, attribute: str) -> pl.Expr:
    """How many feeds say what counts, its own included; 1 where feeds are not compared."""
    if not said.rules.is_compared(attribute) or len(said.group.feeds) < 2:
        return pl.lit(1, dtype=pl.UInt8)
    kept = _at(pl.col(f"from:{attribute}"), said.all(attribute))
    agrees = [(claim == kept).fill_null(False).cast(pl.UInt8) for claim in said.all(attribute)]
    return reduce(lambda a, b: a + b, agrees)


def _compared(merged: Merged, name: str, attribute: Attribute, db: duckdb.DuckDBPyConnection) -> Merged:
    """Takes out of the conflicts what is alike by the declared comparison, and counts it as agreement."""
    mine = pl.col("attribute") == name
    apart = merged.conflicts.filter(mine)
    if apart.is_empty():
        return merged
    db.register("apart", apart.select(PERSON, "other_feed", "kept_value", "other_value").to_arrow())
    form = (
        f"select {PERSON}, other_feed, {attribute.compare} as form "
        f"from (select *, {{}}_value::{attribute.type} as {quoted(name)} from apart)"
    )
    alike = db.sql(
        f"select {PERSON}, other_feed, k.form = o.form as is_alike "
        f"from ({form.format('kept')}) k join ({form.format('other')}) o using ({PERSON}, other_feed)"
    ).pl()
    db.unregister("apart")
    joined = apart.join(alike, on=[PERSON, "other_feed"], how="left", maintain_order="left")
    real = joined.filter(~pl.col("is_alike")).drop("is_alike")
    agreeing = joined.filter("is_alike").group_by(PERSON).agg(pl.len().cast(pl.UInt8).alias("more"))
    people = merged.people.join(agreeing, on=PERSON, how="left", maintain_order="left").with_columns(
        pl.col(name + AGREEMENT) + pl.col("more").fill_null(0)
    )
    conflicts = pl.concat([merged.conflicts.filter(~mine), real]).sort(CONFLICT_KEY)
    return Merged(people.drop("more"), conflicts)


def _conflicts(said: _Said) -> list[pl.DataFrame]:
    """What feeds of the group say otherwise than what counts.

    Where a group is taken whole and the chosen feed says that the deciding fact does not hold (nobody lives here), a
    feed that says it does is a conflict too.
    """
    found: list[pl.DataFrame] = []
    for attribute in said.group.attributes:
        if not said.rules.is_compared(attribute) or len(said.group.feeds) < 2:
            continue
        at = pl.col(f"from:{attribute}")
        kept = _at(at, said.all(attribute))
        for place, other in enumerate(said.group.feeds):
            own = said.of(place, attribute)
            differs = own.ne_missing(kept) if attribute == said.group.agree else own != kept
            rows = said.frame.lazy().filter(own.is_not_null() & at.is_not_null() & (at != place) & differs)
            told = rows.select(
                pl.col(PERSON),
                pl.lit(attribute).alias("attribute"),
                _at(at, [pl.lit(name) for name in said.group.feeds]).alias("kept_feed"),
                _at(at, said.all(attribute + KNOWN)).cast(pl.Date).alias("kept_known_on"),
                pl.lit(other).alias("other_feed"),
                said.of(place, attribute + KNOWN).alias("other_known_on"),
                kept.cast(pl.String).alias("kept_value"),
                own.cast(pl.String).alias("other_value"),
            )
            found.append(told.collect())
    return found
