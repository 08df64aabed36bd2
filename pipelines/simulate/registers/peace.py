"""People the anti-fraud centre follows up and the district's cameras, gates and detectors (behind F25)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

DEVICES = ["监控", "门禁", "烟感", "周界"]
_SUBJECTS, _DEVICES = 8_000, 30_000


def subjects(world: World, day: date) -> pl.DataFrame:
    """One row a matter: uid, kind, level, since, until, village."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.where(age >= 18, 1.0, 0.0) * np.where(age >= 60, 1.8, 1.0)
    people = some(people, world.seed, "peace", weight, count(_SUBJECTS, world.scale, 40))
    draws = Draws(world.seed, "peace", people["uid"].to_numpy())
    today = days.number(day)
    since = today - 5 - draws.whole("since", 0, 700)
    until = since + 30 + draws.whole("until", 0, 300)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "kind": draws.pick("kind", ["诈骗被害", "家暴告诫"], [0.9, 0.1]),
            "level": draws.pick("level", ["高", "中", "低"], [0.1, 0.35, 0.55]),
            "since": since,
            "until": until,
            "is_open": until > today,
            "village": people["village"].to_numpy().astype(np.int64),
            "is_hashed": draws.share("hashed") < 0.4,
        }
    )


def devices(world: World, day: date) -> pl.DataFrame:
    """One row a device: number, kind, village, estate, online, place, installed."""
    number = np.arange(count(_DEVICES, world.scale, 60))
    draws = Draws(world.seed, "peace.devices", number)
    home = draws.whole("home", 0, len(world.dwellings))
    return pl.DataFrame(
        {
            "device": number,
            "kind": draws.pick("kind", DEVICES, [0.55, 0.25, 0.15, 0.05]),
            "village": world.dwellings["village"].to_numpy()[home].astype(np.int64),
            "estate": world.dwellings["estate"].gather(home),
            "is_online": draws.share(f"online.{day.year * 12 + day.month}") < 0.94,
            "lon": world.dwellings["lon"].gather(home),
            "lat": world.dwellings["lat"].gather(home),
            "is_placed": draws.share("vendor") < 1 / 3,
            "installed": days.number(date(2018, 1, 1)) + draws.whole("installed", 0, 2_800),
        }
    )
