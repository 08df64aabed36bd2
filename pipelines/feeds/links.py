"""Rows whose identity number cannot be used but which are accepted all the same: what else tells who is meant.

A column with `on_invalid: link` keeps such a row and, instead of the number, what the number still tells: candidates
for a repair, the birth date it states, the ends a mask left. Finding the person is the business of
`pipelines.subjects`. Numbers are in the clear here until `pseudonymised`.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pipelines import identifiers
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import PART_SUFFIX, Column

LISTS = pl.List(pl.String)


def traces(
    contract: Contract, column: Column, texts: pl.Series, found: pl.DataFrame, business_on: date
) -> dict[str, pl.Series]:
    """The parts of an identity column that `examine` does not give, by name; only those the column keeps.

    `texts` are the numbers as they came, `found` is what `examine` said of them.
    """
    options = column.intake
    values: dict[str, pl.Series] = {}
    broken = found["problem"].is_not_null()
    rows = broken.arg_true()
    if "candidates" in column.parts:
        lists = identifiers.candidates(
            texts.gather(rows),
            kinds=options.kinds or identifiers.KINDS,
            with_suffix=options.with_suffix,
            allow_synthetic=contract.synthetic_areas,
            latest=business_on,
        )
        values[column.name + PART_SUFFIX["candidates"]] = _at(broken, lists, pl.Series([[]], dtype=LISTS))
    if "stated_birth_on" in column.parts:
        dates = identifiers.stated_births(texts.gather(rows), with_suffix=options.with_suffix, latest=business_on)
        values[column.name + PART_SUFFIX["stated_birth_on"]] = _at(broken, dates, pl.Series([None], dtype=pl.Date))
    if "mask_key" in column.parts:
        whole = "mask_key" in options.keep
        shown = found["canonical"] if whole else pl.repeat(None, len(texts), dtype=pl.String, eager=True)
        left = identifiers.ends(texts.gather(rows), with_suffix=options.with_suffix)
        ends = identifiers.ends(shown, whole=True) if whole else shown
        values[column.name + PART_SUFFIX["mask_key"]] = ends.scatter(rows, left) if len(rows) else ends
    return values


def disown(contract: Contract, values: pl.DataFrame, broken: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Take numbers from rows of whose person they are not, as rules of severity `link` found.

    `broken` gives the rows by the rule's code. The number goes to the column that is declared to hold such ones
    (`instead_of`), if there is one.
    """
    for rule in contract.row_rules:
        rows = broken.get(f"{contract.feed}.{rule.column}.{rule.name}")
        if rule.severity != "link" or rows is None or not rows.any():
            continue
        number = rule.column + PART_SUFFIX["id"]
        for column in contract.columns:
            if column.intake.instead_of == rule.column:
                moved = pl.when(rows).then(number).otherwise(column.name + PART_SUFFIX["id"])
                values = values.with_columns(moved.alias(column.name + PART_SUFFIX["id"]))
        parts = [name for name in contract.by_name[rule.column].outputs if name in values.columns]
        gone = [name for name in {number, *parts} if values.schema[name] != LISTS]
        values = values.with_columns(pl.when(~rows).then(pl.col(name)).alias(name) for name in gone)
    return values


def pseudonymised(column: Column, values: pl.DataFrame, key: identifiers.Key) -> list[pl.Series]:
    """The traces of a column that hold numbers or parts of them, as pseudonyms; digests too."""
    made = []
    name = column.name + PART_SUFFIX["candidates"]
    if "candidates" in column.parts:
        lists = values[name]
        each = lists.explode(empty_as_null=True, keep_nulls=True)
        codes = pl.DataFrame({"row": _rows_of(lists), "code": identifiers.pseudonyms(key, "person", each)}).drop_nulls()
        again = codes.group_by("row", maintain_order=True).agg(pl.col("code").sort())
        has_any = lists.list.len() > 0
        made.append(_at(has_any, again["code"], pl.Series([[]], dtype=LISTS)).alias(name))
    name = column.name + PART_SUFFIX["mask_key"]
    if "mask_key" in column.parts:
        made.append(identifiers.pseudonyms(key, "mask", values[name]).alias(name))
    if column.intake.digest:
        # In slices: digests of a district's numbers are larger than what is kept of them.
        slices = values.iter_slices(100_000)
        keyed = [identifiers.pseudonyms_once(key, "digest", _digests(column, part)) for part in slices]
        digests = pl.concat(keyed, rechunk=True) if keyed else pl.Series(dtype=pl.String)
        made.append(digests.alias(column.name + PART_SUFFIX["digest"]))
    return made


def _digests(column: Column, values: pl.DataFrame) -> pl.Series:
    """Digests that came instead of numbers, and those of whole numbers where the column keeps them."""
    options, name = column.intake, column.name + PART_SUFFIX["digest"]
    every = pl.repeat(None, values.height, dtype=pl.String, eager=True)
    if options.digest and "digest" in options.keep:
        every = identifiers.digests_of(values[column.name + PART_SUFFIX["id"]], options.digest)
    return every.zip_with(values[name].is_null(), values[name]) if options.with_digests else every


def _rows_of(lists: pl.Series) -> pl.Series:
    """The row of each element of exploded lists, an empty list being one element."""
    return (
        pl.DataFrame({"at": pl.int_range(len(lists), eager=True), "n": lists.list.len().clip(1)})
        .select(pl.col("at").repeat_by("n").explode())
        .to_series()
    )


def _at(where: pl.Series, values: pl.Series, otherwise: pl.Series) -> pl.Series:
    """A column that has `values` in order where `where` holds, and the one value of `otherwise` everywhere else."""
    place = pl.select(pl.when(where).then(where.cast(pl.Int64).cum_sum() - 1).otherwise(len(values))).to_series()
    return values.append(otherwise).gather(place)
