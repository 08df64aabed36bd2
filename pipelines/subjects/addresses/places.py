"""Which place a row means: by the feed's number, and numbers that mean one place brought together.

A pure function of what the rows say; declared in `data/registers/places.yml`, read by `dwellings`. Two numbers are one
place where the last name and the house of both are the same in one village, and each of them has one such name.
"""

from decimal import Decimal

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.subjects.addresses.organisations import plain_names

OWN, NAME_AND_HOUSE = "own", "name_and_house"


class PlaceSource(BaseModel):
    """A feed that speaks about places, and its columns; `said_at` is when it did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    slot: str
    own: str
    name: str
    village: str
    said_at: str


class Places(BaseModel):
    """What `places.yml` declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[PlaceSource, ...]
    confidence: dict[str, Decimal]


def merge(said: pl.DataFrame, declared: Places) -> pl.DataFrame:
    """One row a number: own, place_id, method, confidence; rows of `said`: own, name, house_key, village_code, said_at.

    Of several names of a number its last counts. The least number of those that are one place names it.
    """
    last = (
        said.drop_nulls("own")
        .with_columns(plain_names(said.drop_nulls("own")["name"], {}).alias("plain"))
        .sort("own", "said_at", "plain", "house_key", "village_code", nulls_last=False)
        .group_by("own")
        .agg(pl.col("plain", "house_key", "village_code").drop_nulls().last())
    )
    alike = ["plain", "house_key", "village_code"]
    whole = last.filter(pl.all_horizontal(pl.col(column).is_not_null() for column in alike))
    named = whole.with_columns(pl.col("own").min().over(alike).alias("place_id"))
    every = pl.concat([named, last.join(whole, on="own", how="anti").with_columns(pl.col("own").alias("place_id"))])
    is_own = pl.col("own") == pl.col("place_id")
    confidence = [pl.lit(declared.confidence[method], dtype=pl.Decimal(5, 4)) for method in (OWN, NAME_AND_HOUSE)]
    return every.select(
        "own",
        "place_id",
        pl.when(is_own).then(pl.lit(OWN)).otherwise(pl.lit(NAME_AND_HOUSE)).alias("method"),
        pl.when(is_own).then(confidence[0]).otherwise(confidence[1]).alias("confidence"),
    ).sort("own")
