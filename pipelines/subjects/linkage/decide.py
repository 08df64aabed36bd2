"""Which person a row without a usable number is about: what is certain, what the model says, what stays open.

Pure functions over frames of mentions (rows of evidence with `mention_id`), profiles and scored pairs. How persons get
and keep their ids is the business of `persons`.
"""

from typing import Literal

import polars as pl

from pipelines.subjects.linkage.rules import Limits

Method = Literal["number", "digest", "repaired", "masked", "guardian", "linked", "none"]
CERTAIN, SUSPECTED, PROVISIONAL = "certain", "suspected", "provisional"
CONFIDENCE = pl.Decimal(5, 4)
FOUND: dict[str, pl.DataType | type[pl.DataType]] = {
    "mention_id": pl.String,
    "person_key": pl.String,
    "method": pl.String,
    "confidence": CONFIDENCE,
    "status": pl.String,
}


def same_digest(mentions: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Mentions whose digest is that of exactly one known number. Returns mention_id, person_key."""
    tried = mentions.select("mention_id", "digest").drop_nulls()
    return _only_one(tried.join(profiles.select("digest", number="person_key"), on="digest"))


def repaired(mentions: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Mentions of whose possible numbers exactly one belongs to a known person of the same name and birth date.

    The birth date is the row's own, or the one its broken number states. Returns mention_id, person_key.
    """
    tried = (
        mentions.select("mention_id", "number", "name", born=pl.coalesce("birth_on", "stated_birth_on"))
        .drop_nulls(["name", "born"])
        .explode("number")
        .drop_nulls("number")
    )
    return _only_one(
        tried.join(profiles, left_on=["number", "name", "born"], right_on=["person_key", "name", "birth_on"])
    )


def masked(mentions: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Mentions whose masked number and name, and birth date where told, agree with exactly one known person."""
    tried = mentions.select("mention_id", "mask_key", "name", born=pl.coalesce("birth_on", "stated_birth_on"))
    met = tried.drop_nulls(["mask_key", "name"]).join(
        profiles.select("mask_key", "name", "birth_on", number="person_key"), on=["mask_key", "name"]
    )
    return _only_one(met.filter((pl.col("born") == pl.col("birth_on")).fill_null(True)))


def same_child(mentions: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Mentions whose guardian's number and birth date are those of exactly one known person, nothing told otherwise.

    Name and sex must be the same where both sides tell them. Returns mention_id, person_key.
    """
    tried = mentions.select("mention_id", "guardian", "birth_on", "name", "sex_code").drop_nulls(
        ["guardian", "birth_on"]
    )
    met = tried.join(profiles.rename({"person_key": "number"}), on=["guardian", "birth_on"], suffix="_known")
    same = [(pl.col(c) == pl.col(f"{c}_known")).fill_null(True) for c in ("name", "sex_code")]
    return _only_one(met.filter(pl.all_horizontal(same)))


def _only_one(met: pl.DataFrame) -> pl.DataFrame:
    """The mentions that met exactly one number."""
    counted = met.select("mention_id", "number").unique().with_columns(n=pl.len().over("mention_id"))
    return counted.filter(pl.col("n") == 1).select("mention_id", person_key="number").sort("mention_id")


def best_matches(pairs: pl.DataFrame, person_of: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Of every row with pairs the best known person, how sure that is, and whether it counts (schema FOUND).

    `pairs` are scored pairs, `person_of` gives each number's person (person_key, person_id): two numbers of one person
    do not compete. A row is about one person, known with the declared share: the confidence is that of the best against
    all others and against nobody known. A match counts where the confidence is high and it beats the second by the
    declared margin, so that of twins neither is taken.
    """
    if pairs.is_empty():
        return pl.DataFrame(schema=FOUND)
    each = (
        pairs.join(person_of.select("person_key", "person_id"), on="person_key", how="left")
        .sort("row_id", "weight", "person_key", descending=[False, True, False])
        .unique(["row_id", "person_id"], keep="first", maintain_order=True)
        .with_columns(odds=2.0 ** pl.col("weight").clip(-60, 60))
    )
    judged = each.group_by("row_id", maintain_order=True).agg(
        pl.col("person_key").first(),
        (pl.col("odds").first() / (1 - limits.known_share + pl.col("odds").sum())).round(4).alias("confidence"),
        (pl.col("weight").first() - pl.col("weight").get(1, null_on_oob=True)).alias("lead"),
    )
    is_sure = (pl.col("confidence") >= limits.confident) & (pl.col("lead") >= limits.margin_bits).fill_null(True)
    status = (
        pl.when(is_sure)
        .then(pl.lit(CERTAIN))
        .when(pl.col("confidence") >= limits.suspected)
        .then(pl.lit(SUSPECTED))
        .otherwise(pl.lit(PROVISIONAL))
    )
    return (
        judged.with_columns(status.alias("status"))
        .select(
            mention_id="row_id",
            person_key="person_key",
            method=pl.when(pl.col("status") == CERTAIN).then(pl.lit("linked")).otherwise(pl.lit("none")),
            confidence=pl.col("confidence").cast(CONFIDENCE),
            status="status",
        )
        .sort("mention_id")
    )
