"""Global sensitivity: the Saltelli design on scrambled Sobol' points, and centred estimators with bootstrap intervals.

Groups of inputs are allowed (all noise on weights is one group). The output is centred before anything is multiplied:
without that the first-order estimator's error grows with the output's mean. Not here: what the inputs mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """First-order and total effects of each group, with the bounds of their bootstrap intervals (rows: groups)."""

    first: Array
    first_low: Array
    first_high: Array
    total: Array
    total_low: Array
    total_high: Array


def saltelli_points(draws: int, groups: list[int], seed: int) -> Array:
    """Return points of shape (groups + 2, draws, inputs) in [0, 1): A, B, then A with one group's columns from B.

    `groups[i]` is the group of input i, 0 to g - 1; `draws` is a power of two.
    """
    inputs = len(groups)
    sampler = qmc.Sobol(d=2 * inputs, scramble=True, rng=np.random.default_rng(seed))
    points = sampler.random(draws)
    first, second = points[:, :inputs], points[:, inputs:]
    membership = np.array(groups)
    blocks = [first, second]
    for group in range(max(groups) + 1):
        blocks.append(np.where(membership == group, second, first))
    return np.stack(blocks)


def effects(outputs: Array, bootstrap: int, seed: int, interval: tuple[float, float] = (2.5, 97.5)) -> Effects:
    """Estimate effects from outputs of shape (groups + 2, draws), rows as in `saltelli_points`.

    First order mean(f_B (f_ABi - f_A))/V, total mean((f_A - f_ABi)^2)/2V, both after centring (Saltelli 2010, Jansen).
    An output that does not vary gives zeros.
    """
    centred = outputs - outputs[:2].mean()
    first, total = _estimate(centred)
    draws = outputs.shape[1]
    if bootstrap == 0:
        return Effects(first, first, first, total, total, total)
    generator = np.random.default_rng(seed)
    firsts, totals = np.empty((bootstrap, len(first))), np.empty((bootstrap, len(first)))
    for repeat in range(bootstrap):
        sample = centred[:, generator.integers(0, draws, draws)]
        firsts[repeat], totals[repeat] = _estimate(sample - sample[:2].mean())
    low, high = interval
    return Effects(
        first,
        np.percentile(firsts, low, axis=0),
        np.percentile(firsts, high, axis=0),
        total,
        np.percentile(totals, low, axis=0),
        np.percentile(totals, high, axis=0),
    )


def _estimate(centred: Array) -> tuple[Array, Array]:
    base, other, mixed = centred[0], centred[1], centred[2:]
    variance = float(np.mean(centred[:2] ** 2))
    if variance <= 1e-24:
        zeros = np.zeros(len(mixed))
        return zeros, zeros
    first = np.mean(other * (mixed - base), axis=1) / variance
    total = np.mean((base - mixed) ** 2, axis=1) / (2 * variance)
    return first, total


def unit_total_effects(outputs: Array) -> tuple[Array, Array]:
    """Return first-order and total effects of n outputs at once: (groups + 2, draws, n) -> two arrays (groups, n)."""
    centred = outputs - outputs[:2].mean(axis=(0, 1), keepdims=True)
    variance = np.mean(centred[:2] ** 2, axis=(0, 1))
    safe = np.where(variance <= 1e-24, np.nan, variance)
    first = np.stack([np.mean(centred[1] * (mixed - centred[0]), axis=0) for mixed in centred[2:]]) / safe
    total = np.stack([np.mean((centred[0] - mixed) ** 2, axis=0) for mixed in centred[2:]]) / (2 * safe)
    return np.nan_to_num(first), np.nan_to_num(total)
