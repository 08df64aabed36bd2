"""The district before its first day: the same people and places, a little younger, for deliveries that came earlier.

Feeds that come weekly, monthly or rarer would stand with one delivery in a simulation of a few days. What they sent on
the due dates before is written from the world of the first day with the time in between taken back: who came or was
born since is not there yet, who died since is alive, some telephones, leases and alarms are those of before. The base
itself has come on the first of these dates, since the other feeds speak of its people.
"""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.seeds import scores, shares

_LONGEST = 800  # days back that a feed is looked for
_QUARTERS = (1, 4, 7, 10)
_STAMPS = ("updated", "verified", "mobile_on", "entered")
_NEW_PHONES = 0.0007  # share of people a day whose telephone is another one since
_NEW_ALARMS = 0.0001


def due_before(due: Callable[[date], bool], first: date, count: int) -> list[date]:
    """The last `count` due dates before `first`, in order; none for feeds that come every day.

    Feeds that come when something changes have sent something on the first day of a quarter.
    """
    back = [first - timedelta(days=ago) for ago in range(1, _LONGEST)]
    if all(due(day) for day in back[:7]):
        return []
    found = [day for day in back if due(day)]
    found = found or [day for day in back if day.day == 1 and day.month in _QUARTERS]
    return sorted(found[:count])


def _stamped(dates: pl.Series, then: int, uid: np.ndarray) -> pl.Series:
    """Day numbers a record is stamped with, those since brought back to the weeks before."""
    values = dates.to_numpy()
    return pl.Series(dates.name, np.where(values > then, then - 1 - uid % 20, values).astype(np.int32))


def view(world: World, first: date, day: date) -> World:
    """The world of `first` as it was at the end of `day`, before it."""
    people, then, now = world.people, days.number(day), days.number(first)
    birth, arrived, died = (people[name].to_numpy() for name in ("birth", "arrived", "died"))
    came = np.maximum(birth, np.where(arrived > days.NONE, arrived, birth))
    from_day = np.where(came <= then, np.minimum(people["from_day"].to_numpy(), then), people["from_day"].to_numpy())
    alive_yet = died > then
    uid = people["uid"].to_numpy()
    changed = (people["mobile"] != "").to_numpy() & (
        shares(world.seed, "phone.before", uid) < _NEW_PHONES * (now - then)
    )
    rows = np.flatnonzero(changed)
    former = 10_000_000_000 + (scores(world.seed, "phone.former", uid[rows]) % np.uint64(200_000_000)).astype(np.int64)
    back = people.with_columns(
        pl.Series("from_day", from_day.astype(np.int32)),
        pl.Series("alive", people["alive"].to_numpy() | alive_yet),
        pl.Series("died", np.where(alive_yet, days.NONE, died).astype(np.int32)),
        pl.Series("reported", np.where(alive_yet, days.NONE, people["reported"].to_numpy()).astype(np.int32)),
        *(_stamped(people[name], then, uid) for name in _STAMPS),
        people["mobile"].scatter(rows, pl.Series(former).cast(pl.String)),
    )
    homes = world.dwellings
    number, since = homes["dwelling"].to_numpy(), homes["let_since"].to_numpy()
    again = then - 30 - (scores(world.seed, "lease.before", number) % np.uint64(300)).astype(np.int64)
    share = shares(world.seed, "alarm.before", number)
    share[~homes["smoke"].to_numpy()] = 1
    fresh = share <= max(_NEW_ALARMS * (now - then), np.sort(share)[min(4, len(share) - 1)])
    homes = homes.with_columns(
        pl.Series("let_since", np.where(since > then - 5, again, since).astype(np.int32)),
        pl.Series("smoke", homes["smoke"].to_numpy() & ~fresh),
    )
    return World(back, homes, world.villages, world.reference, world.scale, world.seed)
