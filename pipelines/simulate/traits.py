"""Marriage, schooling, work, phones and the dates a register keeps of a person. Draws that depend on nobody else."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.residents import MARRIED, MIGRANT, OVERSEAS

_LEVELS = ["未上过学", "小学", "初中", "高中", "大学专科", "本科及以上"]
_LEVEL_CODES = [
    ([90], [1.0]),
    ([81, 83], [0.93, 0.07]),
    ([71, 73, 70], [0.90, 0.06, 0.04]),
    ([61, 41, 44, 47], [0.66, 0.20, 0.10, 0.04]),
    ([31], [1.0]),
    ([21, 14, 11, 20], [0.83, 0.13, 0.015, 0.025]),
]
_SCORE = {16: 3.2, 20: 3.9, 26: 4.0, 34: 3.5, 42: 2.7, 50: 2.2, 58: 1.8, 66: 1.4, 74: 0.9, 84: 0.3, 104: -0.3}
_AT_SCHOOL = [(0, 2, -1), (3, 5, -1), (6, 11, 1), (12, 14, 2), (15, 17, 3)]
_OCCUPATIONS = [
    "党的机关国家机关群众团体和社会组织企事业单位负责人",
    "专业技术人员",
    "办事人员和有关人员",
    "社会生产服务和生活服务人员",
    "农林牧渔业生产及辅助人员",
    "生产制造及有关人员",
]


def schooling(
    age: np.ndarray, sex: np.ndarray, kind: np.ndarray, census: dict[str, float], rng: np.random.Generator
) -> np.ndarray:
    """Education codes (GB/T 4658, int8; 0 for small children); levels of those of 6 and over meet the census by sex."""
    result = np.zeros(len(age), dtype=np.int8)
    level = np.full(len(age), -1, dtype=np.int8)
    for low, high, value in _AT_SCHOOL:
        level[(age >= low) & (age <= high)] = value
    score = margins.by_age(_SCORE, age) + rng.normal(0, 1.0, len(age)) + np.where(kind == MIGRANT, -0.55, 0.25)
    score += np.where(kind == OVERSEAS, 1.6, 0.0)
    for number, name in ((1, "男"), (2, "女")):
        mine = (sex == number) & (age >= 6)
        shares = np.array([census[f"{item}_{name}"] for item in _LEVELS])
        wanted = np.cumsum(shares / shares.sum() * mine.sum())
        settled = np.array([np.sum(level[mine & (age < 18)] == value) for value in range(len(_LEVELS))])
        adults = np.flatnonzero(mine & (age >= 18))
        left = np.maximum(np.diff(wanted, prepend=0) - settled, 0)
        bounds = np.cumsum(left / left.sum() * len(adults))
        rank = np.empty(len(adults))
        rank[np.argsort(score[adults], kind="stable")] = np.arange(len(adults)) + 0.5
        level[adults] = np.minimum(np.searchsorted(bounds, rank), len(_LEVELS) - 1)
    for value, (options, chances) in enumerate(_LEVEL_CODES):
        rows = np.flatnonzero(level == value)
        result[rows] = np.array(options)[np.searchsorted(np.cumsum(chances)[:-1], rng.random(len(rows)))]
    return result


def occupation(
    age: np.ndarray,
    sex: np.ndarray,
    kind: np.ndarray,
    edu: np.ndarray,
    census: dict[str, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Occupation majors 1–8 (int8), 0 for people without work."""
    retire = np.where(sex == 1, 61, np.where(edu < 40, 56, 53))
    works = (age >= 17) & (rng.random(len(age)) < np.where(kind == MIGRANT, 0.88, 0.80))
    works &= (age < retire) | ((kind == MIGRANT) & (age < 66) & (rng.random(len(age)) < 0.6))
    works &= ~((age < 23) & (rng.random(len(age)) < 0.35))
    shares = np.array([census[item] for item in _OCCUPATIONS])
    workers = np.flatnonzero(works)
    # the better schooled come first in the order heads, professionals, clerks, services, farming, manufacturing
    score = rng.random(len(workers)) - np.where((edu[workers] > 0) & (edu[workers] < 40), 0.45, 0.0)
    rank = np.empty(len(workers))
    rank[np.argsort(score, kind="stable")] = (np.arange(len(workers)) + 0.5) / max(len(workers), 1)
    code = np.zeros(len(age), dtype=np.int8)
    code[workers] = 1 + np.searchsorted(np.cumsum(shares)[:-1] / shares.sum(), rank)
    code = np.where(works & (rng.random(len(age)) < 0.001), 8, code)
    return code.astype(np.int8)


def mobiles(age: np.ndarray, rng: np.random.Generator) -> pl.Series:
    """Mobile numbers of unassigned segments (100, 101), '' for people without; some numbers are shared."""
    size = len(age)
    number = rng.integers(10_000_000_000, 10_200_000_000, size)
    shared = rng.random(size) < margins.by_age({10: 0.5, 16: 0.2, 20: 0.002, 60: 0.01, 75: 0.10, 104: 0.2}, age)
    if size > 20:
        number[shared] = number[rng.integers(0, max(size // 60, 1), int(shared.sum()))]
    has = rng.random(size) < margins.by_age({0: 0.02, 8: 0.12, 14: 0.6, 18: 0.97, 60: 0.95, 75: 0.78, 104: 0.35}, age)
    return pl.select(pl.when(pl.Series(has)).then(pl.Series(number).cast(pl.String)).otherwise(pl.lit(""))).to_series()


def marriage_detail(marital: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Married people as first (21), second (22) or renewed (23) marriage, some only as married (20)."""
    draw = rng.random(len(marital))
    detail = np.select([draw < 0.80, draw < 0.86, draw < 0.865], [21, 22, 23], 20)
    return np.where(marital == MARRIED, detail, marital).astype(np.int8)


def past_days(rng: np.random.Generator, day: date, size: int, mean: float, most: int) -> np.ndarray:
    """Day numbers before `day`, exponentially rarer the longer ago (mean in days, at most `most`)."""
    ago = np.minimum(rng.exponential(mean, size), most).astype(np.int64)
    return (days.number(day) - 1 - ago).astype(np.int32)
