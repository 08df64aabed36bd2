"""People whom the base does not know and departments meet all the same: they live here unregistered, or pass through.

A function of scale and seed alone, so that every feed that meets a stranger meets the same one. Which feeds do is
declared in `dirt`.
"""

from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

from pipelines.simulate import days, margins, names, numbers
from pipelines.simulate.reference import Reference
from pipelines.simulate.seeds import stream

FIRST_UID = 1_500_000_000
_STRANGERS = 2_500
_PROVINCES = [32, 33, 34, 36, 41, 51]
_PREFIX = 99  # area numbers PP9999 are given to nobody else in the district
_BORN_FROM, _BORN_TO = date(1950, 1, 1), date(2005, 12, 31)


def build(reference: Reference, scale: float, seed: int) -> pl.DataFrame:
    """One row a stranger: uid (from FIRST_UID), name, sex, birth (day number), cert_no, mobile."""
    return _build(reference, margins.count(_STRANGERS, scale, 24), seed)


@lru_cache(maxsize=2)
def _build(reference: Reference, size: int, seed: int) -> pl.DataFrame:
    rng = stream(seed, "strangers")
    sex = rng.integers(1, 3, size)
    birth = rng.integers(days.number(_BORN_FROM), days.number(_BORN_TO), size)
    province = np.array(_PROVINCES)[rng.integers(0, len(_PROVINCES), size)]
    sequence = 2 + 2 * rng.permutation(497)[np.arange(size) % 497] + (sex == 1)
    bodies = ((province * 10_000 + 9_900 + _PREFIX) * 10**8 + numbers.yyyymmdd(birth)) * 1_000 + sequence
    surname = names.surnames(reference, rng, np.zeros(size, dtype=bool))
    mobile = 10_200_000_000 + rng.permutation(10 * size)[:size]
    return pl.DataFrame(
        {
            "uid": np.arange(FIRST_UID, FIRST_UID + size, dtype=np.int32),
            "name": names.chinese(reference, rng, surname, sex, numbers.yyyymmdd(birth) // 10_000),
            "sex": sex.astype(np.int8),
            "birth": birth.astype(np.int32),
            "cert_no": numbers.citizen_numbers(bodies),
            "mobile": pl.Series(mobile).cast(pl.String),
        }
    )
