"""Names: Chinese ones from lists of surnames and given names by generation, minority and foreign ones whole.

A name is made up from the lists of names.csv; rare characters of GB 18030 occur on purpose. Who inherits whose surname
is decided in relations.
"""

import numpy as np
import polars as pl

from pipelines.simulate.reference import Reference

_GENERATIONS = ("old", "middle", "new")
_GENERATION_STARTS = [1970, 2005]
_ONE_CHARACTER = np.array([0.22, 0.30, 0.08])  # share of given names of one character, by generation
_RARE_SHARE = 1 / 3_000
_RARE_LEAST = 4


def surnames(reference: Reference, rng: np.random.Generator, local: np.ndarray) -> np.ndarray:
    """Surname indices (int16); `local` marks people of the Shanghai countryside, where other names are common."""
    every = reference.names["surname"]
    common = 1 / (np.arange(len(every)) + 6.0)  # the list is in order of frequency
    here = common * np.where(every.is_in(reference.names["surname_local"].implode()).to_numpy(), 6.0, 0.7)
    result = np.empty(len(local), dtype=np.int16)
    for mask, weights in ((local, here), (~local, common)):
        bounds = np.cumsum(weights) / weights.sum()
        result[mask] = np.minimum(np.searchsorted(bounds, rng.random(int(mask.sum()))), len(every) - 1)
    return result


def _given(reference: Reference, rng: np.random.Generator, sex: np.ndarray, birth_year: np.ndarray) -> pl.Series:
    """Given names of one or two characters in the taste of the birth year."""
    pools = [reference.names[f"{who}_{when}"] for when in _GENERATIONS for who in ("male", "female")]
    sizes = np.array([len(pool) for pool in pools])
    offsets = np.cumsum(sizes) - sizes
    every = pl.concat([*pools, pl.Series([""])])
    generation = np.digitize(birth_year, _GENERATION_STARTS)
    pool = generation * 2 + (sex == 2)
    first = offsets[pool] + np.floor(rng.random(len(sex)) * sizes[pool]).astype(np.int64)
    second = offsets[pool] + np.floor(rng.random(len(sex)) * sizes[pool]).astype(np.int64)
    second = np.where(rng.random(len(sex)) < _ONE_CHARACTER[generation], len(every) - 1, second)
    return every.gather(first) + every.gather(second)


def chinese(
    reference: Reference, rng: np.random.Generator, surname: np.ndarray, sex: np.ndarray, birth_year: np.ndarray
) -> pl.Series:
    """Full Chinese names; about one in 3,000 ends in a rare character, at least four where there are 100 people."""
    family = reference.names["surname"]
    names = family.gather(surname) + _given(reference, rng, sex, birth_year)
    rare = rng.random(len(sex)) < _RARE_SHARE
    if len(sex) >= 100:
        rare[rng.permutation(len(sex))[:_RARE_LEAST]] = True
    rows = np.flatnonzero(rare)
    if len(rows) == 0:
        return names
    ends = reference.names["rare"]
    return names.scatter(rows, family.gather(surname[rows]) + ends.gather(np.arange(len(rows)) % len(ends)))


def minority(reference: Reference, rng: np.random.Generator, count: int) -> pl.Series:
    """`count` names of two parts joined by a middle dot."""
    every = reference.names["minority"]
    return every.gather(rng.integers(0, len(every), count))


def latin(reference: Reference, rng: np.random.Generator, count: int) -> pl.Series:
    """`count` foreign names as passports print them (FAMILY GIVEN)."""
    family, given = reference.names["latin_family"], reference.names["latin_given"]
    first = family.gather(rng.integers(0, len(family), count)).str.to_uppercase()
    return first + " " + given.gather(rng.integers(0, len(given), count)).str.to_uppercase()
