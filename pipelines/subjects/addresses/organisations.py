"""Which organisation a row means: by credit code, by the feed's own number, or by name and place.

A pure function of what the rows say. Where they come from is declared in `data/registers/organisations.yml` and read by
`dwellings`; which feed's word counts for an attribute is the business of the dbt models.
"""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.identifiers import Key, credit_codes, pseudonyms

SAID = ("code", "own", "name", "house_key", "village_code")
DOMAIN = "organisation"


class OrganisationSource(BaseModel):
    """A feed that speaks about organisations, and its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    slot: str
    code: str | None = None
    own: str | None = None
    name: str | None = None
    village: str | None = None
    creates: bool


class Organisations(BaseModel):
    """What `organisations.yml` declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    legal_forms: dict[str, str] = {}
    sources: tuple[OrganisationSource, ...]
    confidence: dict[str, Decimal]


def plain_names(names: pl.Series, legal_forms: Mapping[str, str]) -> pl.Series:
    """Names as they are compared: one width, no brackets or marks, one spelling of each legal form; '' is null."""
    text = names.str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[^\p{Han}A-Z0-9]+", "")
    longest_first = sorted(legal_forms, key=lambda form: (-len(form), form))
    if longest_first:
        text = text.str.replace_many(longest_first, [legal_forms[form] for form in longest_first], leftmost=True)
    return text.replace("", None)


def resolve(said: pl.DataFrame, declared: Organisations, key: Key) -> pl.DataFrame:
    """Adds organisation_id, method and confidence to rows of SAID (texts, null where unsaid) and `creates`.

    Order does not matter. Rows that mean no organisation, or cannot be told from several, have null in all three.
    """
    checked = credit_codes(said["code"])
    rows = said.with_row_index("row").with_columns(
        checked["canonical"].alias("canonical"),
        checked["problem"].is_null().alias("is_checked"),
        plain_names(said["name"], declared.legal_forms).alias("plain"),
    )
    anchors = _anchors(rows)
    found = [
        rows.filter(pl.col("canonical").is_not_null() & pl.col("is_checked")).select(
            "row", pl.col("canonical").alias("organisation_id"), pl.lit("code").alias("method")
        ),
        _repaired(rows, anchors),
    ]
    unchecked = _left(rows, found).filter(pl.col("canonical").is_not_null())
    found.append(
        unchecked.select("row", pl.col("canonical").alias("organisation_id"), pl.lit("code_unchecked").alias("method"))
    )
    by_own = _left(rows, found).filter(pl.col("own").is_not_null())
    found.append(
        by_own.select(
            "row",
            pseudonyms(key, DOMAIN, "own " + by_own["own"]).alias("organisation_id"),
            pl.lit("own").alias("method"),
        )
    )
    for place in ("house_key", "village_code"):
        found.append(_by_name(_left(rows, found), anchors, place))
    found.append(_made(_left(rows, found), anchors, key))
    confidence = pl.col("method").replace_strict(
        {method: str(value) for method, value in declared.confidence.items()}, default=None, return_dtype=pl.String
    )
    every = pl.concat(found).with_columns(confidence.cast(pl.Decimal(5, 4)).alias("confidence"))
    return said.with_row_index("row").join(every, on="row", how="left", maintain_order="left").drop("row")


def _left(rows: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    return rows.join(pl.concat(found), on="row", how="anti")


def _anchors(rows: pl.DataFrame) -> pl.DataFrame:
    """Organisations of a checked code by name and place: what other rows may be found to mean."""
    sure = rows.filter(pl.col("canonical").is_not_null() & pl.col("is_checked") & pl.col("plain").is_not_null())
    return sure.select("plain", "house_key", "village_code", "canonical").unique()


def _repaired(rows: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """Codes that fail their check and are one character, or two exchanged, off that of the one namesake in place.

    What one row tells of a code holds for every row that has it, unless two rows tell differently.
    """
    broken = rows.filter(pl.col("canonical").is_not_null() & ~pl.col("is_checked"))
    named = broken.filter(pl.col("plain").is_not_null()).rename({"canonical": "broken"})
    pairs = pl.concat(
        named.select("broken", "plain", place)
        .drop_nulls(place)
        .join(anchors.select("plain", place, "canonical"), on=["plain", place])
        .select("broken", "canonical")
        for place in ("house_key", "village_code")
    )
    pairs = pairs.unique().filter(_is_slip(pl.col("broken"), pl.col("canonical"))).rename({"broken": "said"})
    told = broken.select("row", pl.col("canonical").alias("said")).join(pairs, on="said")
    return _only(told.select("row", "canonical"), "code_repaired")


def _is_slip(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """One place of eighteen differs, or two neighbours are exchanged."""
    places = range(18)
    differs = [one.str.slice(i, 1) != other.str.slice(i, 1) for i in places]
    swapped = [
        differs[i] & differs[i + 1]
        & (one.str.slice(i, 1) == other.str.slice(i + 1, 1)) & (one.str.slice(i + 1, 1) == other.str.slice(i, 1))
        for i in places[:-1]
    ]  # fmt: skip
    count = pl.sum_horizontal(differs)
    return (count == 1) | ((count == 2) & pl.any_horizontal(swapped))


def _only(pairs: pl.DataFrame, method: str) -> pl.DataFrame:
    """Rows that lead to one organisation, never to one of several."""
    one = pairs.group_by("row").agg(pl.col("canonical").n_unique().alias("n"), pl.col("canonical").first())
    return one.filter(pl.col("n") == 1).select(
        "row", pl.col("canonical").alias("organisation_id"), pl.lit(method).alias("method")
    )


def _by_name(rows: pl.DataFrame, anchors: pl.DataFrame, place: str) -> pl.DataFrame:
    pairs = (
        rows.select("row", "plain", place)
        .drop_nulls()
        .join(anchors.select("plain", place, "canonical").drop_nulls().unique(), on=["plain", place])
    )
    return _only(pairs.select("row", "canonical"), "name_and_house" if place == "house_key" else "name_and_village")


def _made(rows: pl.DataFrame, anchors: pl.DataFrame, key: Key) -> pl.DataFrame:
    """Organisations nobody has a code for: one for each name and village; namesakes of several known ones make none."""
    new = rows.filter(pl.col("creates") & pl.col("plain").is_not_null() & pl.col("village_code").is_not_null())
    new = new.join(anchors, on=["plain", "village_code"], how="anti")
    named = "name " + new["plain"] + " " + new["village_code"]
    return new.select(
        "row", pseudonyms(key, DOMAIN, named).alias("organisation_id"), pl.lit("name_only").alias("method")
    )
