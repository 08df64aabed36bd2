"""Suspicions: two numbers that look like one person, one number that goes with several names.

Nothing is merged or split. They are for people to look at, and two tags say them; what people decide comes back as a
decision.
"""

from collections.abc import Iterable
from datetime import date

import polars as pl

from pipelines.settings import Settings
from pipelines.subjects.linkage import model as linkage_model
from pipelines.subjects.linkage import names
from pipelines.subjects.linkage.decide import CONFIDENCE, SUSPECTED
from pipelines.subjects.linkage.model import Shares
from pipelines.subjects.linkage.rules import LinkageRules

TWO_NUMBERS, TWO_PEOPLE, PERHAPS_KNOWN = "one_person_two_numbers", "one_number_two_people", "perhaps_known"
SUSPICION: dict[str, pl.DataType | type[pl.DataType]] = {
    "person_id": pl.String,
    "other_id": pl.String,
    "kind": pl.String,
    "confidence": CONFIDENCE,
    "on": pl.Date,
}
ALIAS: dict[str, pl.DataType | type[pl.DataType]] = {"person_key": pl.String, "name": pl.String, "feed": pl.String}


_SAME = ["name", "birth_on", "sex_code"]


def alike(rules: LinkageRules, profiles: pl.DataFrame, before: pl.Series | None, changed: pl.Series) -> pl.DataFrame:
    """The profiles that share name, birth date, sex and one of the declared facts with another's, in order of key.

    `before` are the keys of those of the date before (None: not known), `changed` of the profiles that changed since:
    nobody else can have become alike.
    """
    if before is not None:
        asked = pl.concat([before, changed]).unique()
        named = profiles.filter(pl.col("person_key").is_in(asked.implode())).select(_SAME).unique()
        profiles = profiles.join(named, on=_SAME, how="semi")
    found = profiles.drop_nulls(_SAME).filter(pl.len().over(_SAME) > 1)
    sharing = [pl.col(c).is_not_null() & (pl.len().over([*_SAME, c]) > 1) for c in rules.link.two_numbers_share]
    return (found.filter(pl.any_horizontal(sharing)) if sharing else found).sort("person_key")


def two_numbers(
    rules: LinkageRules,
    settings: Settings,
    shares: Shares,
    alike: pl.DataFrame,
    profiles: pl.DataFrame,
    person_of: pl.DataFrame,
) -> pl.DataFrame:
    """Pairs of persons of different numbers who look like one, among profiles `alike` some other.

    Returns person_id, other_id (the lesser first), kind, confidence.
    """
    same = _SAME
    known = linkage_model.with_frequencies(rules, as_known(alike), profiles)
    rows = as_rows(alike).rename({"person_key": "row_id"})
    pairs = linkage_model.score(rules, settings, shares, rows, known, len(profiles))
    facts = alike.select("person_key", *same, *rules.link.two_numbers_share)
    owner = person_of.join(alike, on="person_key", how="semi").select("person_key", "person_id")
    both = (
        pairs.filter(pl.col("row_id") < pl.col("person_key"))
        .join(facts, left_on="row_id", right_on="person_key")
        .join(facts, on="person_key", suffix="_r")
        .join(owner, left_on="row_id", right_on="person_key")
        .join(owner, on="person_key", suffix="_r")
    )
    agree = pl.all_horizontal(pl.col(c) == pl.col(f"{c}_r") for c in same)
    meet = [(pl.col(c) == pl.col(f"{c}_r")).fill_null(False) for c in rules.link.two_numbers_share]
    odds = 2.0 ** pl.col("weight").clip(-60, 60)
    found = both.filter(agree & (pl.any_horizontal(meet) if meet else pl.lit(True))).select(
        person_id=pl.min_horizontal("person_id", "person_id_r"),
        other_id=pl.max_horizontal("person_id", "person_id_r"),
        kind=pl.lit(TWO_NUMBERS),
        confidence=(odds / (1 + odds)).round(4).cast(CONFIDENCE),
    )
    is_likely = pl.col("confidence") >= pl.lit(str(rules.link.two_numbers)).cast(CONFIDENCE)
    kept = found.filter(is_likely & (pl.col("person_id") != pl.col("other_id")))
    return kept.group_by("person_id", "other_id", "kind").agg(pl.col("confidence").max()).sort("person_id", "other_id")


def as_known(profiles: pl.DataFrame) -> pl.DataFrame:
    """Profiles as the known side of the model: the number each is, and the date the number states."""
    return profiles.with_columns(number=pl.concat_list("person_key"), stated_birth_on="birth_on")


def as_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of known people as the other side of the model: as if nothing were known of their number."""
    return frame.with_columns(
        number=pl.lit([], pl.List(pl.String)),
        stated_birth_on=pl.lit(None, pl.Date),
        mask_key=pl.lit(None, pl.String),
        digest=pl.lit(None, pl.String),
        guardian=pl.lit(None, pl.String),
    )


def other_names(frames: Iterable[tuple[str, pl.DataFrame]], profiles: pl.DataFrame, related: float) -> pl.DataFrame:
    """Names under which feeds give a known number and that are clearly not its person's (schema ALIAS).

    `frames` are feeds with their evidence.
    """
    told = [frame.select("person_key", "name", feed=pl.lit(feed)).drop_nulls() for feed, frame in frames]
    every = pl.concat([pl.DataFrame(schema=ALIAS), *told])
    return other_than_owners(every, profiles, related).unique().sort(*ALIAS)


def other_than_owners(told: pl.DataFrame, profiles: pl.DataFrame, related: float) -> pl.DataFrame:
    """Of rows (person_key, name) those with a name that is clearly not that of the number's known person.

    Names are related where one could be another spelling of the other: the same characters or sound, or at least the
    share `related` of the characters in common. A Latin and a Chinese name are compared by sound only.
    """
    owner = profiles.join(told, on="person_key", how="semi")
    owner = owner.select("person_key", known="name", known_sorted="name_sorted", known_sound="name_sound")
    other = told.join(owner, on="person_key").filter(pl.col("name") != pl.col("known"))
    if other.is_empty():
        return told.clear()
    mine, theirs = (pl.col(c).str.split("").list.unique() for c in ("name", "known"))
    common = mine.list.set_intersection(theirs).list.len()
    most = pl.max_horizontal(mine.list.len(), theirs.list.len())
    same_script = pl.col("name").str.contains(names.LATIN) == pl.col("known").str.contains(names.LATIN)
    is_other = (
        same_script
        & (pl.col("name_sorted") != pl.col("known_sorted"))
        & (pl.col("name_sound") != pl.col("known_sound"))
        & (common < related * most)
    )
    return names.with_forms(other).filter(is_other).select(told.columns)


def two_people(aliases: pl.DataFrame, person_of: pl.DataFrame) -> pl.DataFrame:
    """Persons whose number goes with clearly different names; the more names, the more confident (1 - 1/names)."""
    owned = aliases.join(person_of.select("person_key", "person_id"), on="person_key")
    counted = owned.group_by("person_id").agg((pl.col("name").n_unique() + 1).alias("n"))
    return counted.select(
        "person_id",
        other_id=pl.lit(None, pl.String),
        kind=pl.lit(TWO_PEOPLE),
        confidence=(1 - 1 / pl.col("n")).round(4).cast(CONFIDENCE),
    ).sort("person_id")


def perhaps_known(found: pl.DataFrame, mentions: pl.DataFrame, person_of: pl.DataFrame) -> pl.DataFrame:
    """People without a number who may be a known person, but not surely enough to be linked.

    `found` are the best matches of mentions still open: mention_id, person_key, confidence, status.
    """
    open_ones = found.filter(pl.col("status") == SUSPECTED).join(
        mentions.select("mention_id", mine="person_id"), on="mention_id"
    )
    told = open_ones.join(person_of.select("person_key", "person_id"), on="person_key")
    return (
        told.select(person_id="mine", other_id="person_id", kind=pl.lit(PERHAPS_KNOWN), confidence="confidence")
        .filter(pl.col("person_id") != pl.col("other_id"))
        .unique(["person_id", "other_id"], keep="first")
        .sort("person_id", "other_id")
    )


def since(found: Iterable[pl.DataFrame], before: pl.DataFrame, on: date) -> pl.DataFrame:
    """All suspicions with the date since which each stands."""
    every = pl.concat(found)
    same = ["person_id", "other_id", "kind"]
    known = every.join(before.select(*same, "on"), on=same, how="left", nulls_equal=True)
    return known.with_columns(pl.col("on").fill_null(on)).select(*SUSPICION).sort("kind", "person_id", "other_id")
