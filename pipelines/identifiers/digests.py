"""Unkeyed digests of identity numbers, as some departments send them instead of the number.

So few numbers are possible that whoever has a digest has the number: a digest is as personal as what it was made of and
leaves the door as a keyed pseudonym only. What belongs here: telling a digest in a text, and making that of a number,
so that the two meet. What does not: which columns hold digests and how they were made (the contracts say so).
"""

import hashlib

import polars as pl

from pipelines.identifiers.numbers import clean

# The algorithms known, with the number of hexadecimal digits each gives.
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sm3": 64}


def digests_in(raw: pl.Series, algorithm: str) -> pl.Series:
    """The digests among texts, in lower-case hexadecimal digits; null for what is none of this algorithm's length.

    Letter case, blanks, quotes and full width are typing, as with numbers; a digest cut short is none.
    """
    places = DIGITS[algorithm]
    text = raw.cast(pl.String)
    long = (text.str.len_bytes() >= places).fill_null(False).arg_true()
    found = pl.repeat(None, len(text), dtype=pl.String, eager=True).alias(raw.name)
    if len(long) == 0:
        return found
    cleaned = pl.DataFrame({"v": clean(text.gather(long)).str.to_lowercase()})
    shaped = pl.when(pl.col("v").str.contains(rf"^[0-9a-f]{{{places}}}$")).then("v")
    return found.scatter(long, cleaned.select(shaped).to_series())


def digests_of(numbers: pl.Series, algorithm: str) -> pl.Series:
    """The digest of every number as it stands (null stays null); give canonical ones, a last X in capitals."""
    # Copying a begun hash takes half the time of asking for the algorithm again.
    begun = hashlib.new(algorithm, usedforsecurity=False)
    made: list[str | None] = []
    for number in numbers.to_list():
        if number is None:
            made.append(None)
            continue
        one = begun.copy()
        one.update(number.encode())
        made.append(one.hexdigest())
    return pl.Series(numbers.name, made, dtype=pl.String)
