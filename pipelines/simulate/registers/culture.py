"""Library cards, venues, courses and hobby groups (behind F22). A function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

KINDS = ["图书馆", "文化场馆", "社区学校", "文体团队"]
_MEMBERSHIPS = 38_000
_TEAMS = ["合唱队", "舞蹈队", "太极拳队", "书画社", "戏曲社", "门球队"]


def build(world: World, day: date) -> pl.DataFrame:
    """One row a membership: uid, kind, venue number, since, until, last use, team."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    weight = margins.by_age({0: 0.05, 7: 0.9, 18: 0.4, 50: 0.8, 62: 2.2, 80: 0.9, 104: 0.1}, age)
    local = (people["kind"] == 1).to_numpy()
    people = some(people, world.seed, "culture", weight * np.where(local, 1, 0.4), count(_MEMBERSHIPS, world.scale, 60))
    draws = Draws(world.seed, "culture", people["uid"].to_numpy())
    age = days.ages(people["birth"].to_numpy(), day)
    kind = draws.pick("kind", KINDS, [0.45, 0.25, 0.18, 0.12])
    kind = pl.select(pl.when(pl.Series(age < 18)).then(pl.lit(KINDS[0])).otherwise(kind)).to_series()
    today = days.number(day)
    since = np.maximum(today - 20 - draws.whole("since", 0, 3_000), people["birth"].to_numpy() + 1_500)
    since = np.minimum(since, today - 5)
    over = (kind == "社区学校").to_numpy() & (draws.share("over") < 0.3)
    last = np.maximum(today - np.floor(draws.share("last") ** 2 * 700).astype(np.int64), since)
    team = (kind == "文体团队").to_numpy()
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "kind": kind,
            "venue": people["village"].to_numpy().astype(np.int64),
            "since": since,
            "until": np.where(over, np.minimum(since + 120, today), days.NONE),
            "last": np.where(over, np.minimum(last, since + 120), last),
            "team": pl.Series([*_TEAMS, ""]).gather(np.where(team, draws.whole("team", 0, len(_TEAMS)), len(_TEAMS))),
        }
    )
