"""What a day changes: births, deaths, moves, arrivals, departures, corrections. Everything else stays as it was."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers import leases
from pipelines.simulate.seeds import shares


def furnish(world: World, day: date) -> World:
    """Adds to the dwellings who owns them and since when they are let."""
    number = world.dwellings["dwelling"].to_numpy()
    since = days.number(day) - 5 - np.floor(shares(world.seed, "lease.since", number) * 1_500).astype(np.int64)
    world.dwellings = world.dwellings.with_columns(
        landlord=pl.Series(leases.landlords(world).astype(np.int32)), let_since=pl.Series(since.astype(np.int32))
    )
    return world


def next_day(world: World, day: date) -> World:
    """The district at the end of `day`, which follows the day of `world`."""
    return world
