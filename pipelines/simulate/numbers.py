"""Identity numbers of made-up people, as whole columns.

Citizens' numbers carry the unallocated prefix PP99dd (PP the true province), so that none can belong to a real person.
The check-digit arithmetic is written here anew on purpose: the simulator must not share code with what it tests.
Defects of numbers are planted elsewhere.
"""

from datetime import date

import numpy as np
import polars as pl

_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_CHECKS = np.array(list("10X98765432"))
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28], dtype=np.int64)
_SEQUENCES = 497  # odd or even numbers between 002 and 995: 000 is not issued, 996–999 once marked centenarians


def check_digits(body: np.ndarray) -> np.ndarray:
    """Check characters (GB 11643) of 17-digit bodies given as int64."""
    digits = (body[:, None] // 10 ** np.arange(16, -1, -1, dtype=np.int64)) % 10
    return _CHECKS[(digits @ _WEIGHTS) % 11]


def _texts(body: np.ndarray) -> pl.Series:
    return pl.Series(body).cast(pl.String) + pl.Series(check_digits(body).astype(object), dtype=pl.String)


def yyyymmdd(birth: np.ndarray) -> np.ndarray:
    """Day numbers as integers such as 19530701."""
    stamp = np.asarray(birth, dtype=np.int64).astype("datetime64[D]")
    months = stamp.astype("datetime64[M]")
    year = stamp.astype("datetime64[Y]").astype(np.int64) + 1970
    return year * 10_000 + (months.astype(np.int64) % 12 + 1) * 100 + (stamp - months).astype(np.int64) + 1


def citizen_bodies(
    rng: np.random.Generator, province: np.ndarray, birth: np.ndarray, sex: np.ndarray, taken: np.ndarray | None = None
) -> np.ndarray:
    """17-digit bodies (int64) PP99dd + birth date + sequence, all different and none in the sorted `taken`.

    `province` is the two-digit code of the hukou, `sex` 1 or 2 (odd and even sequences).
    """
    birthday = yyyymmdd(birth)
    bodies = np.empty(len(birth), dtype=np.int64)
    todo = np.arange(len(birth))
    while len(todo):
        prefix = province[todo].astype(np.int64) * 10_000 + 9_900 + rng.integers(1, 99, len(todo))
        sequence = 2 + 2 * rng.integers(0, _SEQUENCES, len(todo)) + (sex[todo] == 1)
        bodies[todo] = (prefix * 10**8 + birthday[todo]) * 1_000 + sequence
        settled = np.setdiff1d(np.arange(len(bodies)), todo)
        order = np.concatenate([settled, todo])
        fresh = np.zeros(len(bodies), dtype=bool)
        fresh[np.unique(bodies[order], return_index=True)[1]] = True
        clash = ~fresh[len(settled) :]
        if taken is not None and len(taken):
            at = np.minimum(np.searchsorted(taken, bodies[todo]), len(taken) - 1)
            clash |= taken[at] == bodies[todo]
        todo = todo[clash]
    return bodies


def citizen_numbers(bodies: np.ndarray) -> pl.Series:
    """18-character numbers of bodies from `citizen_bodies`."""
    return _texts(bodies)


def _rank_within(*keys: np.ndarray) -> np.ndarray:
    """The position of each row among the rows with the same keys: 0, 1, 2 …"""
    order = np.lexsort(keys)
    changed = np.ones(len(order), dtype=bool)
    for key in keys:
        changed[1:] &= key[order][1:] == key[order][:-1]
    changed[1:] = ~changed[1:]
    starts = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0)) if len(order) else order
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - starts
    return rank


def residence_numbers(region: np.ndarray, birth: np.ndarray, sex: np.ndarray) -> pl.Series:
    """Residence permits of people from Hong Kong (81), Macao (82) and Taiwan (83): 8x0000 + birth + 9xx + check.

    No unallocated prefix exists for them; sequences from 900 up are the least likely to have been issued.
    """
    sequence = 900 + 2 * (_rank_within(region, birth, sex) % 48) + (sex == 1)
    return _texts((region.astype(np.int64) * 10**12 + yyyymmdd(birth)) * 1_000 + sequence)


def permanent_numbers(nation: np.ndarray, birth: np.ndarray, sex: np.ndarray) -> pl.Series:
    """18-character permanent-residence numbers: 9 + test region 99 + numeric nationality + birth + sequence + check."""
    sequence = 2 + 2 * (_rank_within(nation, birth, sex) % _SEQUENCES) + (sex == 1)
    return _texts(((999_000 + nation.astype(np.int64)) * 10**8 + yyyymmdd(birth)) * 1_000 + sequence)


def uscc(bodies: list[str]) -> list[str]:
    """Unified social credit codes (GB 32100) of 17-character bodies."""
    values = np.array([[_USCC_ALPHABET.index(char) for char in body] for body in bodies], dtype=np.int64)
    check = (31 - (values @ _USCC_WEIGHTS) % 31) % 31
    return [body + _USCC_ALPHABET[digit] for body, digit in zip(bodies, check, strict=True)]


def wrong_check(number: str) -> str:
    """The number with another, wrong, check character."""
    return number[:17] + ("0" if number[17] != "0" else "1")


def thirtieth_of_february(number: str) -> str:
    """The number with the birth date 30 February and a check character that fits it."""
    body = int(number[:10] + "0230" + number[14:17])
    return str(body) + str(check_digits(np.array([body], dtype=np.int64))[0])


def old_form(number: str) -> str:
    """The 15-digit form of a number of someone born in the 20th century."""
    return number[:6] + number[8:17]


def latest_birth_of_old_form() -> date:
    """15-digit numbers were given only to people born before this day (they carry no century)."""
    return date(2000, 1, 1)
