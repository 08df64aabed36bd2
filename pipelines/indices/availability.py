"""How much of what a node needs is there, as an exact fraction, and whether it suffices.

Fractions are compared as fractions: three fifths of the weight reach 3/5 whatever floats would say. Not here: what a
missing child does to the score (`aggregate` rescales the rest).
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.spec import Availability

Mask = NDArray[np.bool_]


def shares_present(
    present: Mask, not_applicable: Mask, weights: tuple[Fraction, ...], count_applicable_only: bool
) -> tuple[list[Fraction | None], NDArray[np.intp]]:
    """Return the distinct shares and for each row its place among them.

    `present` and `not_applicable` are rows x children. A share is None where nothing is applicable. Rows with the same
    pattern share one exact computation.
    """
    code = present.astype(np.int8) + 2 * not_applicable.astype(np.int8)
    patterns, place = np.unique(code, axis=0, return_inverse=True)
    found: list[Fraction | None] = []
    for pattern in patterns:
        needed = [w for w, state in zip(weights, pattern, strict=True) if not (count_applicable_only and state == 2)]
        have = [w for w, state in zip(weights, pattern, strict=True) if state == 1]
        total = sum(needed, Fraction(0))
        found.append(sum(have, Fraction(0)) / total if total else None)
    return found, place.reshape(-1)


def suffices(share: Fraction | None, rule: Availability) -> bool:
    """Say whether a share reaches (or, if strict, exceeds) the threshold; nothing applicable never suffices."""
    if share is None or share == 0:
        return False
    return share > rule.threshold if rule.strict else share >= rule.threshold
