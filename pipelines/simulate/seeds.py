"""Where every random number of the simulator comes from.

`stream` gives one generator a part, so that a new feed or a new step leaves the draws of the others as they were.
`scores` gives each entity a fixed pseudo-random number, used where a choice has to stay the same from day to day (which
rows are dirty). Nothing here knows what is drawn.
"""

import hashlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=16).digest()


def stream(seed: int, *parts: object) -> np.random.Generator:
    """An independent generator for the named part of a simulation with this seed."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(seed, *parts), "big")))


def scores(seed: int, label: str, ids: np.ndarray) -> np.ndarray:
    """One uint64 for each id: a fixed function of (seed, label, id), close to uniform."""
    salt = np.uint64(int.from_bytes(_digest(seed, label)[:8], "big"))
    with np.errstate(over="ignore"):
        x = (ids.astype(np.uint64) + salt) * _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * _MIX_1
        x = (x ^ (x >> np.uint64(27))) * _MIX_2
        return x ^ (x >> np.uint64(31))


def shares(seed: int, label: str, ids: np.ndarray) -> np.ndarray:
    """`scores` as floats in [0, 1)."""
    return (scores(seed, label, ids) >> np.uint64(11)).astype(np.float64) * 2.0**-53
