"""Addresses to dwellings of the standard base, or at least to villages. Never a guess between two.

Declared in `data/addresses/matching.yml`. Texts and the base in, one row a text out; where texts come from and where
the result goes is the business of `links`.
"""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pipelines.subjects.addresses.names import Names
from pipelines.subjects.addresses.parse import INSIDE, parse

AMBIGUOUS, NEAR, UNKNOWN, CONTRADICTED, NO_PLACE = "ambiguous", "near", "unknown", "contradicted", "no_place"
LINK_SCHEMA = {
    "dwelling_id": pl.String,
    "village_code": pl.String,
    "method": pl.String,
    "confidence": pl.Decimal(5, 4),
    "reason": pl.String,
}
"""What is found of an address; `reason` says why there is no dwelling, and is null where there is one."""

# What is compared: a road stands without the village it lies in, a house may be called 号 or 幢.
_CROWD = 64  # Dwellings of one house that are compared with an address; a larger house is told apart by the exact key.
_COMPARED = ("town_code", "place", "lane", "sublane", "group", "hamlet", "house", "block", "unit", "room")


class ByDwelling(BaseModel):
    """A way to find the dwelling."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    silent: tuple[str, ...] = ()
    confidence: Decimal = Field(gt=0, le=1)


class ByVillage(BaseModel):
    """A way to find the village; without `by`, by the village the address names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    by: tuple[str, ...] = ()
    confidence: Decimal = Field(gt=0, le=1)


class Matching(BaseModel):
    """What `matching.yml` declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dwelling: tuple[ByDwelling, ...]
    alias: Decimal = Field(gt=0, le=1)
    village_decides: Decimal = Field(gt=0, le=1)
    village: tuple[ByVillage, ...]
    neighbours: tuple[str, ...] = ()


def compared(parts: pl.DataFrame) -> pl.DataFrame:
    """The parts as they are compared: the columns of `_COMPARED`, '' where nothing is said."""
    number, building = pl.col("number"), pl.col("building")
    return parts.with_columns(
        pl.when("is_rural").then("village").otherwise("road").alias("place"),
        pl.when(number == "").then(building).otherwise(number).alias("house"),
        pl.when(number == "").then(pl.lit("")).otherwise(building).alias("block"),
    )


def keys(parts: pl.DataFrame) -> pl.DataFrame:
    """`address_key` of each dwelling and `house_key` of its house; null where the address names no house."""
    said = compared(parts)
    whole = pl.concat_str([pl.col(part) for part in _COMPARED], separator="|")
    house = pl.concat_str([pl.col(part) for part in _COMPARED if part not in ("unit", "room")], separator="|")
    is_house = (pl.col("place") != "") & (pl.col("house") != "")
    return said.select(
        pl.when(is_house).then(whole).alias("address_key"), pl.when(is_house).then(house).alias("house_key")
    )


def base(dwellings: pl.DataFrame, names: Names) -> pl.DataFrame:
    """The base to match against, of rows `dwelling_id`, `std_address`, `village_code`.

    Gives the parts as compared and the keys beside them; dwellings whose address names no house have null keys and
    are found by nobody.
    """
    parts = parse(dwellings["std_address"], names)
    return pl.concat([dwellings, compared(parts), keys(parts)], how="horizontal")


def with_neighbours(against: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The base with `neighbour_village_code`: for dwellings without a village, the one all their neighbours lie in.

    Neighbours have the same parts `by`, of which place and the last must be said; a lane in two villages decides
    nothing. Null for dwellings that have a village, and for all where no parts are declared.
    """
    if not by:
        return against.with_columns(pl.lit(None, dtype=pl.String).alias("neighbour_village_code"))
    village = pl.col("village_code")
    one = (village.n_unique() - village.is_null().any()).over(by) == 1
    shared = pl.when(village.is_null() & _names_the(by) & one).then(village.drop_nulls().first().over(by))
    return against.with_columns(shared.alias("neighbour_village_code"))


def match(
    asked: pl.DataFrame, against: pl.DataFrame, names: Names, aliases: pl.DataFrame, how: Matching
) -> pl.DataFrame:
    """One row for each of `asked` (address, stated_village_code), in order, with `LINK_SCHEMA` and house_key beside.

    `against` comes from `base`; `aliases` are estates: town_code, name, road, lane (a name may come once a town).
    A stated village decides between dwellings of one key, and forbids any but the exact match that contradicts it.
    """
    parts = parse(asked["address"], names)
    rows = pl.concat([asked, parts, keys(parts).select("house_key")], how="horizontal").with_row_index("row")
    open_rows = rows.filter((pl.col("state") == INSIDE) & ((pl.col("road") != "") | (pl.col("village") != "")))
    found = _dwellings(compared(open_rows), against, how)
    rest = _through_aliases(open_rows.join(found, on="row", how="anti"), aliases)
    named = _dwellings(compared(rest), against, how).with_columns(
        pl.concat_str(pl.lit("alias_"), "method").alias("method"), pl.col("confidence") * how.alias
    )
    found = pl.concat([found, named])
    settled = found.filter(pl.col("dwelling_id").is_not_null())
    villages = _villages(
        compared(pl.concat([open_rows.join(rest, on="row", how="anti"), rest])).join(settled, on="row", how="anti"),
        against,
        names,
        how,
    )
    reasons = rows.join(found.select("row", pl.col("reason").alias("why")), on="row", how="left")
    return (
        reasons.select("row", "address", "stated_village_code", "house_key", _reason().alias("reason"))
        .join(pl.concat([settled.drop("reason"), villages]), on="row", how="left")
        .sort("row")
        .select(
            "address",
            "stated_village_code",
            "dwelling_id",
            "village_code",
            "method",
            pl.col("confidence").cast(pl.Decimal(5, 4)),
            pl.when(pl.col("dwelling_id").is_null()).then("reason").alias("reason"),
            "house_key",
        )
    )


def _reason() -> pl.Expr:
    """Why an address has no dwelling, should it have none."""
    is_inside = pl.col("state") == INSIDE
    return (
        pl.when(~is_inside)
        .then("state")
        .when((pl.col("road") == "") & (pl.col("village") == ""))
        .then(pl.lit(NO_PLACE))
        .when(pl.col("rest") != "")
        .then(pl.lit(NEAR))
        .otherwise(pl.coalesce("why", pl.lit(UNKNOWN)))
    )


def _dwellings(rows: pl.DataFrame, against: pl.DataFrame, how: Matching) -> pl.DataFrame:
    """For rows that name a house: row, dwelling_id, village_code, method, confidence, reason.

    A row is there with a dwelling, or without one and with the reason the search ended; or it is not there.
    """
    left = rows.filter((pl.col("house") != "") & (pl.col("rest") == ""))
    # Many dwellings of one key and village are one entry, so that they cannot multiply.
    homes = (
        against.filter(pl.col("address_key").is_not_null())
        .group_by(*_COMPARED, "village_code")
        .agg(pl.col("dwelling_id").min(), pl.len().alias("n"))
    )
    results = []
    for step in how.dwelling:
        ended = _one_method(left, homes, step, how)
        results.append(ended)
        left = left.join(ended, on="row", how="anti")
    return pl.concat(results)


def _one_method(rows: pl.DataFrame, homes: pl.DataFrame, step: ByDwelling, how: Matching) -> pl.DataFrame:
    on = [part for part in _COMPARED if part not in step.silent]
    silent = list(step.silent)
    near = homes.join(rows.select(on).unique(), on=on, how="semi").filter(pl.len().over(on) <= _CROWD)
    pairs = rows.select("row", "stated_village_code", *on, *silent).join(
        near.select("dwelling_id", "n", "village_code", *on, *silent), on=on, suffix="_base"
    )
    for part in silent:
        mine, other = pl.col(part), pl.col(f"{part}_base")
        pairs = pairs.filter((mine == "") | (other == "") | (mine == other))
    stated = pl.col("village_code") == pl.col("stated_village_code")
    agreeing = stated.fill_null(value=False)
    ended = pairs.group_by("row").agg(
        pl.col("n").sum().alias("several"),
        pl.col("n").filter(agreeing).sum().alias("agreeing"),
        pl.col("dwelling_id").first().alias("only"),
        pl.col("dwelling_id").filter(agreeing).first().alias("stated"),
        pl.col("village_code").first(),
        pl.col("village_code").filter(agreeing).first().alias("stated_village"),
        pl.col("stated_village_code").first(),
    )
    is_one, decides = pl.col("several") == 1, (pl.col("several") > 1) & (pl.col("agreeing") == 1)
    # Everything said by both sides and the same is stronger than the village a row states; less than that is not.
    other_village = (pl.col("stated_village_code") != pl.col("village_code")).fill_null(value=False)
    against_row = is_one & other_village & pl.lit(bool(silent))
    is_found = (is_one & ~against_row) | decides
    return ended.select(
        "row",
        pl.when(is_found).then(pl.when(decides).then("stated").otherwise("only")).alias("dwelling_id"),
        pl.when(is_found).then(pl.when(decides).then("stated_village").otherwise("village_code")).alias("village_code"),
        pl.when(decides)
        .then(pl.lit(f"{step.method}_in_village"))
        .when(is_found)
        .then(pl.lit(step.method))
        .alias("method"),
        pl.when(decides)
        .then(pl.lit(step.confidence * how.village_decides, dtype=pl.Decimal(10, 6)))
        .when(is_found)
        .then(pl.lit(step.confidence, dtype=pl.Decimal(10, 6)))
        .alias("confidence"),
        pl.when(against_row).then(pl.lit(CONTRADICTED)).when(~is_found).then(pl.lit(AMBIGUOUS)).alias("reason"),
    )


def _through_aliases(rows: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Rows whose road is an estate's name, with the road and lane it stands for.

    Without a town the name must be the only one of the district.
    """
    known = aliases.group_by("name", "town_code").agg(
        pl.struct("road", "lane").n_unique().alias("n"), pl.col("road").first(), pl.col("lane").first()
    )
    known = known.filter(pl.col("n") == 1).drop("n")
    by_town = known.rename({"name": "alias", "road": "to_road", "lane": "to_lane"})
    anywhere = by_town.group_by("alias").agg(pl.all().first(), pl.len().alias("n")).filter(pl.col("n") == 1)
    candidates = rows.filter((pl.col("lane") == "") & (pl.col("road") != ""))
    with_town = candidates.filter(pl.col("town_code") != "").join(
        by_town, left_on=["town_code", "road"], right_on=["town_code", "alias"]
    )
    without = candidates.filter(pl.col("town_code") == "").join(
        anywhere.select("alias", "to_road", "to_lane", pl.col("town_code").alias("to_town")),
        left_on="road",
        right_on="alias",
    )
    without = without.with_columns(pl.col("to_town").alias("town_code")).drop("to_town")
    both = pl.concat([with_town.select(without.columns), without])
    return both.with_columns(pl.col("to_road").alias("road"), pl.col("to_lane").alias("lane")).drop(
        "to_road", "to_lane"
    )


def _villages(rows: pl.DataFrame, against: pl.DataFrame, names: Names, how: Matching) -> pl.DataFrame:
    """The village of rows without a dwelling: all dwellings of the house, lane or road lie in it, or it is named."""
    left = rows
    results = []
    for step in how.village:
        by = step.by or ("town_code", "village")
        index = against if step.by else names.villages
        index = index.filter(pl.col("village_code").is_not_null() & _names_the(by)).select(*by, "village_code").unique()
        results.append(_through_index(left.filter(_names_the(by)), index, by, step))
        left = left.join(results[-1], on="row", how="anti")
    return pl.concat(results)


def _names_the(by: Sequence[str]) -> pl.Expr:
    """The place and the finest part are said: a road without lanes has houses, but an unsaid house is no house."""
    return pl.all_horizontal(pl.col(part) != "" for part in {"place", by[-1]} & set(by))


def _through_index(rows: pl.DataFrame, index: pl.DataFrame, by: Sequence[str], step: ByVillage) -> pl.DataFrame:
    """Rows whose parts lead to one village; a town left unsaid must not leave a choice."""
    town = "town_code"
    on = [part for part in by if part != town]
    pairs = rows.select("row", town, *on).join(index, on=on, suffix="_base")
    pairs = pairs.filter((pl.col(town) == "") | (pl.col(town) == pl.col(f"{town}_base")))
    one = pairs.group_by("row").agg(pl.col("village_code").n_unique().alias("n"), pl.col("village_code").first())
    return one.filter(pl.col("n") == 1).select(
        "row",
        pl.lit(None, dtype=pl.String).alias("dwelling_id"),
        "village_code",
        pl.lit(step.method).alias("method"),
        pl.lit(step.confidence, dtype=pl.Decimal(10, 6)).alias("confidence"),
    )
