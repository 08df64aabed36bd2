"""The state of the district while a day is being written into it: columns taken out once, changed, put back at the end.

Holds no rule of life itself; life and movement use it.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, dwellings, numbers
from pipelines.simulate.places import HOME
from pipelines.simulate.population import World
from pipelines.simulate.seeds import shares, stream

VACANT, LET, OWN = 2, 1, 0
_KEPT_EMPTY = 0.05  # vacant dwellings nobody moves into: B02 may carry a fatal defect there


class Ledger:
    """One day's changes to a world; `rng` is the day's own generator."""

    def __init__(self, world: World, day: date):
        self.world, self.day, self.today = world, day, days.number(day)
        self.rng = stream(world.seed, "life", day.isoformat())
        self._people: dict[str, np.ndarray] = {}
        self._homes: dict[str, np.ndarray] = {}
        self._texts: dict[str, tuple[list[int], list[str]]] = {}
        self._new: list[pl.DataFrame] = []
        self._numbers: np.ndarray | None = None
        self.size = len(world.people)
        self.next_household = int(world.people["household"].to_numpy().max()) + 1

    def people(self, column: str) -> np.ndarray:
        """A column of yesterday's people that may be written to."""
        if column not in self._people:
            self._people[column] = self.world.people[column].to_numpy().copy()
        return self._people[column]

    def homes(self, column: str) -> np.ndarray:
        """A column of the dwellings that may be written to."""
        if column not in self._homes:
            self._homes[column] = self.world.dwellings[column].to_numpy().copy()
        return self._homes[column]

    def text(self, column: str, rows: np.ndarray, values: list[str]) -> None:
        """Replace text cells of people."""
        at, new = self._texts.setdefault(column, ([], []))
        at.extend(int(row) for row in rows)
        new.extend(values)

    def here(self) -> np.ndarray:
        """Mask of living people in Qingpu."""
        return self.people("alive") & (self.people("village") >= 0) & (self.people("until") > self.today)

    def draw(self, allowed: np.ndarray, size: int) -> np.ndarray:
        """Up to `size` different rows out of a mask or a list of rows, in random order."""
        rows = np.flatnonzero(allowed) if allowed.dtype == bool else allowed
        return self.rng.choice(rows, min(size, len(rows)), replace=False) if len(rows) else rows

    def age(self) -> np.ndarray:
        """Ages in years, as floats."""
        return (self.today - self.people("birth")) / 365.25

    def touch(self, rows: np.ndarray) -> None:
        """Mark rows as updated and verified today."""
        self.people("updated")[rows] = self.today
        self.people("second")[rows] = self.rng.integers(28_800, 64_800, len(rows))
        self.people("verified")[rows] = self.today

    def vacant(self) -> np.ndarray:
        """Dwellings somebody could move into, in random order."""
        number = np.arange(len(self.world.dwellings))
        fit = (self.homes("status") == VACANT) & (self.homes("use") == HOME)
        fit &= ~np.isin(self.homes("kind"), [dwellings.KINDS.index(name) for name in ("厂房", "工棚")])
        for kind in ("floor_above_roof", "unknown_village"):
            fit &= shares(self.world.seed, f"B02.{kind}", number) > _KEPT_EMPTY
        return self.rng.permutation(np.flatnonzero(fit))

    def occupy(self, people: np.ndarray, home: np.ndarray, status: int) -> None:
        """Move people of today's table into dwellings that now have `status`."""
        self.people("dwelling")[people] = home
        self.people("village")[people] = self.homes("village")[home]
        self.people("tenure")[people] = {LET: 2, OWN: 1}[status]
        self.homes("status")[home] = status
        if status == LET:
            self.homes("let_since")[home] = self.today

    def clear_empty(self, homes: np.ndarray) -> None:
        """Mark those of the dwellings as vacant in which nobody is left."""
        inside = np.zeros(len(self.world.dwellings), dtype=bool)
        inside[self.people("dwelling")[self.here()]] = True
        for frame in self._new:
            inside[frame["dwelling"].to_numpy()] = True
        homes = np.unique(homes[homes >= 0])
        left = homes[~inside[homes] & (self.homes("use")[homes] == HOME)]
        self.homes("status")[left] = VACANT

    def take_numbers(self, province: np.ndarray, birth: np.ndarray, sex: np.ndarray) -> pl.Series:
        """New citizens' numbers that nobody had so far."""
        if self._numbers is None:
            citizens = self.world.people.filter(pl.col("cert_kind") == "111")["cert_no"]
            self._numbers = np.sort(citizens.str.slice(0, 17).cast(pl.Int64).to_numpy())
        bodies = numbers.citizen_bodies(self.rng, province, birth, sex, self._numbers)
        self._numbers = np.sort(np.concatenate([self._numbers, bodies]))
        return numbers.citizen_numbers(bodies)

    def add(self, frame: pl.DataFrame) -> np.ndarray:
        """Append people; gives them the next `uid` and returns these. Today's other changes cannot reach them."""
        uid = np.arange(self.size, self.size + len(frame), dtype=np.int32)
        self.size += len(frame)
        schema = self.world.people.schema
        self._new.append(
            frame.with_columns(uid=pl.Series(uid)).select(pl.col(name).cast(kind) for name, kind in schema.items())
        )
        return uid

    def close(self) -> World:
        """The world with all changes of the day."""
        people = self.world.people.with_columns(pl.Series(name, values) for name, values in self._people.items())
        for name, (rows, values) in self._texts.items():
            people = people.with_columns(people[name].scatter(rows, pl.Series(values, dtype=pl.String)))
        homes = self.world.dwellings.with_columns(pl.Series(name, values) for name, values in self._homes.items())
        return World(
            pl.concat([people, *self._new]),
            homes,
            self.world.villages,
            self.world.reference,
            self.world.scale,
            self.world.seed,
        )
