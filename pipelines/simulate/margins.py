"""Census margins as counts of a scaled district, and the ways of drawing that meet them exactly.

A margin is met by ranking, not by independent draws: `pick` takes exactly `count` members, those with the largest
log-odds plus noise, so that both the total and the differences between groups hold at any scale.
"""

import numpy as np

OLDEST = 104
_BANDS = [(0, 0), (1, 4), *[(low, low + 4) for low in range(5, 85, 5)], (85, OLDEST)]


def _band_name(sex: str, low: int, high: int) -> str:
    if low == 0:
        return f"{sex}_0岁"
    return f"{sex}_85岁以上" if low == 85 else f"{sex}_{low}到{high}岁"


def single_years(census: dict[str, float]) -> np.ndarray:
    """People of the census by sex (row 0 male, 1 female) and single year of age 0…104, as floats."""
    table = np.zeros((2, OLDEST + 1))
    for row, (sex, decay) in enumerate((("男", 0.80), ("女", 0.835))):
        totals = np.array([census[_band_name(sex, low, high)] for low, high in _BANDS])
        per_year = totals / np.array([high - low + 1 for low, high in _BANDS])
        for index, (low, high) in enumerate(_BANDS):
            years = np.arange(high - low + 1)
            if low == 85:
                weight = decay**years
            elif 5 <= low < 80:  # a slope toward the neighbouring bands instead of steps
                slope = (per_year[index + 1] - per_year[index - 1]) / 10
                weight = np.maximum(per_year[index] + slope * (years - 2), 0.25 * per_year[index])
            else:
                weight = np.ones(len(years))
            table[row, low : high + 1] = totals[index] * weight / weight.sum()
    return table


def scaled(values: np.ndarray, scale: float) -> np.ndarray:
    """Integer counts near `values * scale` whose running sums are the rounded running sums."""
    running = np.rint(np.cumsum(np.asarray(values, dtype=float) * scale))
    return np.diff(running, prepend=0).astype(np.int64)


def count(value: float, scale: float, least: int = 0) -> int:
    """A whole number of people or things: `value * scale`, at least `least`."""
    return max(least, round(value * scale))


def pick(rng: np.random.Generator, chance: np.ndarray, size: int) -> np.ndarray:
    """Exactly `size` positions (sorted), the likelier the larger `chance` in [0, 1]; 0 is taken last, 1 first."""
    size = min(size, len(chance))
    if size <= 0:
        return np.empty(0, dtype=np.int64)
    odds = np.clip(np.asarray(chance, dtype=float), 1e-9, 1 - 1e-9)
    noise = rng.random(len(odds))
    noise = np.log(noise + 1e-12) - np.log1p(-noise + 1e-12)
    rank = np.log(odds) - np.log1p(-odds) + noise
    return np.sort(np.argpartition(-rank, size - 1)[:size])


def by_age(points: dict[int, float], age: np.ndarray) -> np.ndarray:
    """Piecewise linear function of age given by its corner points."""
    return np.interp(age, list(points), list(points.values()))


def match(wanted: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Pair each wanted value with a different offered one of about the same size.

    Returns for each wanted value a position in `offered`; no position twice. Needs len(offered) >= len(wanted).
    """
    if len(wanted) > len(offered):
        raise ValueError(f"{len(wanted)} wanted, only {len(offered)} offered")
    order, supply = np.argsort(wanted, kind="stable"), np.argsort(offered, kind="stable")
    steps = np.arange(len(wanted))
    first = np.searchsorted(offered[supply], wanted[order])
    position = np.maximum.accumulate(first - steps) + steps if len(steps) else first
    position = np.minimum(position, len(offered) - len(wanted) + steps)
    result = np.empty(len(wanted), dtype=np.int64)
    result[order] = supply[position]
    return result


def pair(
    rng: np.random.Generator, hosts: np.ndarray, guests: np.ndarray, size: int, gap: tuple[float, float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Pair up to `size` hosts with different guests who are older by about `gap` = (mean, sd, least, most) years.

    Both inputs are ages in years; returns positions of the paired hosts and guests.
    """
    mean, deviation, least, most = gap
    host_left, guest_left = np.arange(len(hosts)), np.arange(len(guests))
    found: list[tuple[np.ndarray, np.ndarray]] = [(host_left[:0], guest_left[:0])]
    wanted = size
    for _ in range(4):  # those whose match turned out impossible try again with others
        few = min(wanted, len(host_left), len(guest_left))
        if few <= 0:
            break
        host = rng.permutation(host_left)[:few]
        older = np.clip(rng.normal(mean, deviation, few), least, most)
        guest = guest_left[match(hosts[host] + older, guests[guest_left])]
        real = guests[guest] - hosts[host]
        good = (real >= least) & (real <= most)
        found.append((host[good], guest[good]))
        wanted -= int(good.sum())
        host_left = np.setdiff1d(host_left, host[good])
        guest_left = np.setdiff1d(guest_left, guest[good])
    return np.concatenate([one for one, _ in found]), np.concatenate([two for _, two in found])


def spread(weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Deal units of the given sizes, in their order, to bins so that each bin's total is near its weight's share."""
    bounds = np.cumsum(weights) / np.sum(weights)
    middle = (np.cumsum(sizes) - np.asarray(sizes) / 2) / max(np.sum(sizes), 1)
    return np.minimum(np.searchsorted(bounds, middle), len(weights) - 1).astype(np.int16)
