"""Who lives in Qingpu before anybody is grouped: age and sex of the census, population type, marital state.

Everything is drawn to exact counts, so that margins hold at every scale. Families, homes and papers come later.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate import margins

REGISTERED, MIGRANT, OVERSEAS = 1, 2, 3
NEVER, MARRIED, DIVORCED, WIDOWED = 10, 20, 40, 30
_OVERSEAS_OF_CENSUS = 8_000  # a resident count like that of the accommodation register
_OVERSEAS_LEAST = 12  # so that each form of document occurs
# share of people with hukou outside Shanghai by age; the level is set by the census total
_MIGRANT_SHARE = {0: 0.55, 5: 0.52, 12: 0.42, 17: 0.62, 22: 0.80, 32: 0.74, 47: 0.72, 53: 0.66, 58: 0.45, 62: 0.27}
_MIGRANT_SHARE |= {67: 0.18, 72: 0.13, 80: 0.08, 104: 0.05}
_NEVER = (
    {15: 0.999, 21: 0.98, 22: 0.93, 25: 0.70, 28: 0.40, 32: 0.16, 38: 0.06, 48: 0.03, 104: 0.02},
    {15: 0.999, 19: 0.98, 20: 0.92, 23: 0.75, 26: 0.42, 30: 0.15, 35: 0.05, 45: 0.015, 104: 0.008},
)
_WIDOWED = (
    {40: 0.0004, 50: 0.002, 60: 0.012, 70: 0.06, 80: 0.19, 90: 0.45, 104: 0.7},
    {40: 0.001, 50: 0.005, 60: 0.03, 65: 0.08, 70: 0.19, 75: 0.36, 80: 0.58, 90: 0.86, 104: 0.97},
)
_DIVORCED = (
    {22: 0.001, 28: 0.012, 35: 0.032, 45: 0.044, 55: 0.036, 65: 0.015, 85: 0.003},
    {20: 0.001, 28: 0.016, 35: 0.036, 45: 0.048, 55: 0.036, 65: 0.015, 85: 0.003},
)
_SEX_NAMES = ("男", "女")


@dataclass
class Residents:
    """Parallel arrays over people: age (int16 years), sex (1, 2), kind (population type 1–3), marital (GB/T 2261.2)."""

    age: np.ndarray
    sex: np.ndarray
    kind: np.ndarray
    marital: np.ndarray

    def __len__(self) -> int:
        return len(self.age)


def draw(census: dict[str, float], scale: float, rng: np.random.Generator) -> Residents:
    """All residents of a district of `scale`, in random order."""
    table = margins.single_years(census)
    counts = margins.scaled(table.reshape(-1), scale).reshape(table.shape)
    years = np.arange(table.shape[1])
    age = np.concatenate([np.repeat(years, counts[row]) for row in (0, 1)]).astype(np.int16)
    sex = np.repeat(np.array([1, 2], dtype=np.int8), counts.sum(axis=1))
    order = rng.permutation(len(age))
    age, sex = age[order], sex[order]
    kind = np.full(len(age), REGISTERED, dtype=np.int8)
    kind[
        margins.pick(
            rng, 0.004 + 0.009 * ((age > 24) & (age < 60)), margins.count(_OVERSEAS_OF_CENSUS, scale, _OVERSEAS_LEAST)
        )
    ] = 3
    free = np.flatnonzero(kind == REGISTERED)
    chance = margins.by_age(_MIGRANT_SHARE, age[free]) + np.where(sex[free] == 1, 0.02, -0.02)
    kind[free[margins.pick(rng, chance, margins.count(census["户口登记地在外乡镇街道人口_省外"], scale))]] = MIGRANT
    return Residents(age, sex, kind, marital(age, sex, census, rng))


def marital(age: np.ndarray, sex: np.ndarray, census: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    """Marital codes by age and sex; never, divorced and widowed meet the census shares of people of 15 and over."""
    result = np.full(len(age), NEVER, dtype=np.int8)
    for row, name in enumerate(_SEX_NAMES):
        adults = np.flatnonzero((sex == row + 1) & (age >= 15))
        total = census[f"十五岁以上人口_{name}"]
        result[adults] = MARRIED
        oldest_unmarried = 22 if row == 0 else 20
        chance = margins.by_age(_NEVER[row], age[adults])
        chance[age[adults] < oldest_unmarried] = 1.0
        never = margins.pick(rng, chance, round(len(adults) * census[f"未婚_{name}"] / total))
        result[adults[never]] = NEVER
        for code, item, curve in ((WIDOWED, "丧偶", _WIDOWED[row]), (DIVORCED, "离婚", _DIVORCED[row])):
            left = adults[result[adults] == MARRIED]
            chosen = margins.pick(
                rng, margins.by_age(curve, age[left]), round(len(adults) * census[f"{item}_{name}"] / total)
            )
            result[left[chosen]] = code
    return result
