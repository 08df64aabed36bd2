"""The choice of the rows that carry a defect.

A row carries at most one kind. Which row it is depends on the entity and not on the day, so that a defect stays in the
source until somebody corrects it. What kinds there are stands in `kinds`; how a defect looks is written where the feed
is written.
"""

import math

import numpy as np

from pipelines.simulate.kinds import TABLE, Kind
from pipelines.simulate.seeds import scores


class Picker:
    """Chooses the rows of one delivery for each kind of its feed; `ids` are the entities behind the rows."""

    def __init__(self, feed: str, seed: int, ids: np.ndarray, whole: bool = True):
        self.feed, self.seed, self.ids, self.whole = feed, seed, np.asarray(ids), whole
        self.taken = np.zeros(len(self.ids), dtype=bool)
        self.planted: list[tuple[Kind, np.ndarray]] = []

    def rows(self, name: str, allowed: np.ndarray | None = None) -> np.ndarray:
        """Positions for this kind: its rate of all rows, at least one in a whole delivery, out of the allowed ones.

        In an increment (`whole` false) small expected numbers are rounded down, so that most days are clean.
        """
        kind = TABLE[self.feed, name]
        free = ~self.taken if allowed is None else ~self.taken & allowed
        at = np.flatnonzero(free)
        expected = kind.rate * len(self.ids)
        least = min(kind.least, max(1, len(self.ids) // 8))
        wanted = min(max(math.ceil(expected), least) if self.whole else int(expected), len(at))
        if wanted == 0:
            return np.empty(0, dtype=np.int64)
        rank = scores(self.seed, f"{self.feed}.{name}", self.ids[at])
        chosen = np.sort(at[np.argpartition(rank, wanted - 1)[:wanted]])
        self.taken[chosen] = True
        return chosen

    def plant(self, name: str, rows: np.ndarray) -> None:
        """Record that these final positions (0-based, in file order) carry the defect."""
        if len(rows):
            self.planted.append((TABLE[self.feed, name], np.asarray(rows)))
