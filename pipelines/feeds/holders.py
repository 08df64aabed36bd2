"""Whose document a number is, where the number alone does not say: passports of different nations share numbers.

What belongs here: the text whose pseudonym is a person, and finding it for a bare number among the people of the same
delivery. What does not: what a number itself says (`identifiers`), and finding people without a number
(`pipelines.subjects`). Everything here is in the clear.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import PART_SUFFIX, Column
from pipelines.identifiers.numbers import clean

# Citizens' numbers, nearly all, are written longer than any document whose number repeats.
_LONGEST = 17


def told_by(column: Column, values: pl.DataFrame) -> pl.Series:
    """The text whose pseudonym is the person: the number, and what its kind of document is qualified by.

    Where a qualifying value is missing, the number alone.
    """
    number = pl.col(column.name + PART_SUFFIX["id"])
    text = number
    for kind, names in column.intake.qualified_by.items():
        whole = pl.concat_str([number, *(pl.col(name).cast(pl.String) for name in names)], separator="/")
        text = pl.when(pl.col(column.name + PART_SUFFIX["kind"]) == kind).then(whole.fill_null(number)).otherwise(text)
    return values.select(text.alias(column.name + PART_SUFFIX["id"])).to_series()


def holders(contract: Contract, column: Column, texts: pl.Series, values: Mapping[str, pl.Series]) -> pl.Series:
    """The text that tells the one holder of each document, among the people of the column's `held_in`.

    Only for kinds of document that are qualified there; null where nobody or more than one holds such a number.
    """
    other = contract.by_name[str(column.intake.held_in)]
    names = {name for qualifying in other.intake.qualified_by.values() for name in qualifying}
    number, kind = (other.name + PART_SUFFIX[part] for part in ("id", "kind"))
    people = pl.DataFrame({name: values[name] for name in {number, kind, *names}})
    people = people.filter(pl.col(kind).is_in(list(other.intake.qualified_by)))
    told = pl.DataFrame({"number": people[number], "told": told_by(other, people)}).unique()
    told = told.filter(pl.col("number").is_unique())
    short = (texts.str.len_chars() <= _LONGEST).fill_null(False).arg_true()
    found = pl.DataFrame({"number": clean(texts.gather(short))}).join(
        told, on="number", how="left", maintain_order="left"
    )
    nobody = pl.repeat(None, len(texts), dtype=pl.String, eager=True)
    return nobody.scatter(short, found["told"]) if len(short) else nobody
