"""Party members and their branches, as the organisation department keeps them (behind F20)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

KINDS = ["正式", "预备", "发展对象", "积极分子", "申请人"]
_MEMBERS = 48_000
_BRANCHES_A_VILLAGE = 3


def branches(world: World) -> pl.DataFrame:
    """One row a branch: branch, village, code, name, founded."""
    size = len(world.villages) * _BRANCHES_A_VILLAGE
    number = np.arange(size)
    draws = Draws(world.seed, "party.branches", number)
    village = number // _BRANCHES_A_VILLAGE
    place = world.villages["name"].str.replace("(社区)?(村委会|居委会)$", "").gather(village)
    return pl.DataFrame(
        {
            "branch": number,
            "village": village,
            "code": "DZB" + world.villages["village_code"].gather(village) + pl.Series(number % 3 + 1).cast(pl.String),
            "name": place + "第" + pl.Series(list("一二三")).gather(number % 3) + "党支部",
            "founded": days.number(date(1990, 1, 1)) + draws.whole("founded", 0, 11_000),
        }
    )


def build(world: World, day: date) -> pl.DataFrame:
    """One row a member or applicant: uid, kind, joined, confirmed, branch, post, membership, flags, meetings."""
    people = citizens(world, day).filter(pl.col("village") >= 0)
    age = days.ages(people["birth"].to_numpy(), day)
    local = (people["kind"] == 1).to_numpy()
    weight = margins.by_age({0: 0, 19: 0, 20: 0.3, 40: 1, 60: 1.6, 104: 1.2}, age) * np.where(local, 1.0, 0.12)
    people = some(people, world.seed, "party", weight * (age >= 20), count(_MEMBERS, world.scale, 60))
    age = days.ages(people["birth"].to_numpy(), day)
    draws = Draws(world.seed, "party", people["uid"].to_numpy())
    kind = draws.pick("kind", KINDS, [0.90, 0.02, 0.02, 0.03, 0.03])
    member = kind.is_in(KINDS[:2]).to_numpy()
    today = days.number(day)
    since = np.minimum(
        people["birth"].to_numpy() + 19 * 366 + draws.whole("joined", 0, 6_000),
        today - 400 - draws.whole("late", 0, 300),
    )
    since = np.where((kind == "预备").to_numpy(), today - 30 - draws.whole("new", 0, 300), since)
    state = draws.share("membership")
    works = (people["work"] > 0).to_numpy()
    membership = np.select(
        [member & works & (state < 0.55), member & (state > 0.97), member & (state > 0.965)],
        ["双报到", "流动", "转出"],
        "在册",
    )
    village = people["village"].to_numpy().astype(np.int64)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "kind": kind,
            "joined": np.where(member, since, days.NONE),
            "confirmed": np.where((kind == "正式").to_numpy(), since + 365, days.NONE),
            "branch": village * _BRANCHES_A_VILLAGE + draws.whole("branch", 0, _BRANCHES_A_VILLAGE),
            "post": draws.pick("post", ["", "支部书记", "支部委员", "党小组长"], [0.93, 0.02, 0.03, 0.02]),
            "membership": membership.astype(object),
            "is_floating": membership == "流动",
            "is_lost": member & (draws.share("lost") < 0.003),
            "is_hardship": member & (draws.share("hardship") < 0.02),
            "reported_village": np.where(membership == "双报到", village, -1),
            "reported": np.where(membership == "双报到", today - 60 - draws.whole("reported", 0, 1_500), days.NONE),
            "meetings": np.where(member, draws.whole(f"meetings.{day.year}", 0, day.month + 1), 0),
            "employer": draws.whole("employer", 1, 400),
            "works": works,
        },
        schema_overrides={"membership": pl.String},
    )
