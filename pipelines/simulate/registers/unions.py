"""Members of trade unions, youth league, women's federation and the like (behind F21). A function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

ORGANISATIONS = ["工会", "团", "妇联", "红十字", "科协", "关工委"]
ROLES = ["会员", "干部", "执委", "代表", "志愿者", "辅导员"]
_MEMBERS = 95_000


def build(world: World, day: date) -> pl.DataFrame:
    """One row a member: uid, organisation, role, joined, hardship, award, household award, unit, village."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    works = (people["work"] > 0).to_numpy()
    weight = np.select([works, (age >= 14) & (age < 28), age >= 18], [1.0, 0.6, 0.25], 0.0)
    people = some(people, world.seed, "unions", weight, count(_MEMBERS, world.scale, 60))
    age, works = days.ages(people["birth"].to_numpy(), day), (people["work"] > 0).to_numpy()
    woman = (people["sex"] == 2).to_numpy()
    draws = Draws(world.seed, "unions", people["uid"].to_numpy())
    other = draws.whole("other", 2, 6)
    body = np.select(
        [(age < 28) & (draws.share("young") < 0.6), works & (draws.share("union") < 0.85), woman], [1, 0, 2], other
    )
    since = np.maximum(people["birth"].to_numpy() + 14 * 366, days.number(day) - 30 - draws.whole("since", 0, 6_000))
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "org": pl.Series(ORGANISATIONS).gather(body),
            "role": draws.pick("role", ROLES, [0.86, 0.04, 0.03, 0.02, 0.03, 0.02]),
            "joined": np.minimum(since, days.number(day) - 1),
            "is_hardship": draws.share("hardship") < 0.012,
            "award": draws.pick("award", ["", "五一劳动奖章", "优秀团员", "三八红旗手"], [0.994, 0.002, 0.002, 0.002]),
            "household_award": draws.pick(
                "home", ["", "文明家庭", "最美家庭", "星级文明户"], [0.985, 0.005, 0.004, 0.006]
            ),
            "unit": draws.whole("unit", 1, 500),
            "village": people["village"].to_numpy().astype(np.int64),
        }
    )
