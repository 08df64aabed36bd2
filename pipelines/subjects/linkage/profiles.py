"""What is known of everybody who has a number: the side of linkage that rows without one are compared with.

A profile is one row a number's pseudonym, folded day by day from the evidence: each value from the feed that ranks
highest among those that ever said it, and of one feed the newest. Profiles find people; what is shown of a person is
decided by survivorship.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.subjects.linkage import names
from pipelines.subjects.linkage.evidence import FACTS

RANK = "_rank"
# A row's traces of a number, and what of a profile they are compared with.
_OF_PROFILE = {"number": "person_key", "stated_birth_on": "birth_on"}
FORMS = ("name_sorted", "name_sound")
_NEVER = 255
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = (
    {"person_key": pl.String}
    | dict(FACTS)
    | {form: pl.String for form in FORMS}
    | {fact + RANK: pl.UInt8 for fact in FACTS}
)


def none() -> pl.DataFrame:
    """No profiles."""
    return pl.DataFrame(schema=SCHEMA)


def of_day(said: Iterable[tuple[int, pl.DataFrame]]) -> pl.DataFrame:
    """One row a number that a day's evidence names, with the best value of each fact and its rank.

    `said` are frames of evidence with their rank (0 the highest), in any order; within a frame later rows are newer.
    """
    stacked = []
    for rank, frame in sorted(said, key=lambda part: part[0]):
        with_key = frame.filter(pl.col("person_key").is_not_null()).select("person_key", *FACTS)
        newest = with_key.unique("person_key", keep="last", maintain_order=True)
        stacked.append((rank, newest))
    if not stacked:
        return none().drop(*FORMS)
    keys = pl.concat([frame.select("person_key") for _, frame in stacked]).unique(maintain_order=True)
    columns = []
    for fact in FACTS:
        values = [
            frame.select("person_key", fact, pl.lit(rank, pl.UInt8).alias(fact + RANK)).filter(
                pl.col(fact).is_not_null()
            )
            for rank, frame in stacked
        ]
        values = [part for part in values if len(part)]
        if not values:
            empty = pl.lit(None, FACTS[fact]).alias(fact), pl.lit(_NEVER, pl.UInt8).alias(fact + RANK)
            columns.append(keys.with_columns(*empty).drop("person_key"))
            continue
        best = pl.concat(values).unique("person_key", keep="first", maintain_order=True)
        found = keys.join(best, on="person_key", how="left", maintain_order="left")
        columns.append(found.select(fact, pl.col(fact + RANK).fill_null(_NEVER)))
    return pl.concat([keys, *columns], how="horizontal").select(*(c for c in SCHEMA if c not in FORMS))


def news(frame: pl.DataFrame, rank: int, before: pl.DataFrame) -> pl.DataFrame:
    """Of one feed's rows (one a number) those that change a profile."""
    said = [fact for fact in FACTS if frame[fact].null_count() < len(frame)]
    if not said:
        return frame.join(before, on="person_key", how="anti", maintain_order="left")
    mine = before.join(frame, on="person_key", how="semi")
    old = mine.select("person_key", *(pl.col(f).alias(f"{f}_old") for f in said), *(f + RANK for f in said))
    met = frame.join(old, on="person_key", how="left", maintain_order="left")
    is_new = pl.col(said[0] + RANK).is_null()
    changes = [_counts(fact, pl.lit(rank, pl.UInt8), fact + RANK) for fact in said]
    return met.filter(pl.any_horizontal(is_new, *changes)).select(frame.columns)


def _counts(fact: str, rank: pl.Expr, old_rank: str) -> pl.Expr:
    """Whether a value changes what is known: it ranks higher, or as high and is another."""
    old = pl.col(old_rank).fill_null(_NEVER)
    is_other = pl.col(fact).ne_missing(pl.col(f"{fact}_old"))
    return pl.col(fact).is_not_null() & ((rank < old) | ((rank == old) & is_other))


@dataclass(frozen=True)
class Fold:
    """The profiles after a day, and what the day did to them.

    `touched` are the rows of `profiles` that are not as they were, `changed` the keys of those that are new or say
    something else, `renamed` of those that have a name and had another or none.
    """

    profiles: pl.DataFrame
    touched: pl.DataFrame
    changed: pl.Series
    renamed: pl.Series


def fold(before: pl.DataFrame, said: Sequence[tuple[int, pl.DataFrame]]) -> Fold:
    """The profiles after a day's evidence: frames with their rank, one row a number.

    In order of key on the first date; later ones put what changed behind what did not.
    """
    if before.is_empty():
        merged = names.with_forms(of_day(said).sort("person_key")).select(*SCHEMA)
        return Fold(merged, merged, merged["person_key"], merged["person_key"])
    keys = pl.concat([pl.DataFrame(schema={"person_key": pl.String}), *(f.select("person_key") for _, f in said)])
    mine = before.join(keys.unique(), on="person_key", how="semi")
    today = of_day((rank, news(frame, rank, mine)) for rank, frame in said)
    met = today.join(mine, on="person_key", how="left", suffix="_old")
    better = {fact: _counts(fact, pl.col(fact + RANK), f"{fact}{RANK}_old") for fact in FACTS}
    is_new = pl.col(f"name{RANK}_old").is_null()
    formed = (
        met.filter(is_new | pl.any_horizontal(better.values()))
        .select(
            "person_key",
            is_new.alias("is_new"),
            *(pl.when(is_better).then(f).otherwise(f"{f}_old").alias(f) for f, is_better in better.items()),
            *(
                pl.when(is_better).then(f + RANK).otherwise(pl.col(f"{f}{RANK}_old").fill_null(_NEVER)).alias(f + RANK)
                for f, is_better in better.items()
            ),
            *(f"{f}_old" for f in FACTS),
        )
        .sort("person_key")
    )
    is_other = {f: pl.col(f).ne_missing(pl.col(f"{f}_old")) for f in FACTS}
    changed = formed.filter(pl.col("is_new") | pl.any_horizontal(is_other.values()))["person_key"]
    renamed = formed.filter(is_other["name"])["person_key"]
    touched = names.with_forms(formed).select(*SCHEMA)
    rest = before.filter(~pl.col("person_key").is_in(touched["person_key"].implode()))  # cheaper than a join
    return Fold(pl.concat([rest, touched]), touched, changed, renamed)


def known_by(profiles: pl.DataFrame, wanted: pl.DataFrame, blocking: Sequence[Sequence[str]]) -> pl.DataFrame:
    """The profiles that share all columns of a blocking rule with a wanted row: all that could ever be compared."""
    keys = [
        profiles.select(dict.fromkeys(["person_key", *_theirs(rule)]).keys()).join(
            _mine(wanted, rule).unique(), left_on=_theirs(rule), right_on=list(rule), how="semi"
        )
        for rule in blocking
    ]
    found = pl.concat([frame.select("person_key") for frame in keys]).unique()
    return profiles.join(found, on="person_key", how="semi").sort("person_key")


def sharing(wanted: pl.DataFrame, profiles: pl.DataFrame, blocking: Sequence[Sequence[str]]) -> pl.DataFrame:
    """The wanted rows (by `mention_id`) that share all columns of a blocking rule with a profile."""
    found = []
    for rule in blocking:
        mine = _mine(wanted, rule, "mention_id")
        met = mine.join(profiles.select(_theirs(rule)).unique(), left_on=list(rule), right_on=_theirs(rule), how="semi")
        found.append(met.select("mention_id"))
    return wanted.join(pl.concat(found).unique(), on="mention_id", how="semi").sort("mention_id")


def _mine(wanted: pl.DataFrame, rule: Sequence[str], *beside: str) -> pl.DataFrame:
    """A rule's columns of the wanted rows that have them all, lists taken apart."""
    lists = [column for column in rule if wanted.schema[column] == pl.List]
    columns = wanted.select(*beside, *rule)
    return (columns.explode(lists) if lists else columns).drop_nulls(list(rule))


def _theirs(rule: Sequence[str]) -> list[str]:
    """The columns of a profile that a rule's columns of a row are compared with."""
    return [_OF_PROFILE.get(column, column) for column in rule]
