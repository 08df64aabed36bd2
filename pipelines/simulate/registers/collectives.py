"""Rural collectives: members' shares, contracts for land and rooms, assets (behind F31)."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, citizens, count, some

ASSETS = ["房屋", "土地", "设备", "其他"]
_MEMBERS, _CONTRACTS, _ASSETS = 230_000, 9_000, 6_000


def cooperatives(world: World) -> pl.DataFrame:
    """One row a village of the country: village, credit code."""
    village = np.flatnonzero((world.villages["kind"] == "村").to_numpy())
    return pl.DataFrame(
        {"village": village, "code": numbers.uscc([f"N2319901MF{number:07d}" for number in village.tolist()])}
    )


def members(world: World, day: date) -> pl.DataFrame:
    """One row a member: uid, place of the cooperative, years on the land, shares, dividend, areas, inherited.

    The dead keep their shares until somebody inherits them.
    """
    units = cooperatives(world)
    of_village = np.full(len(world.villages) + 1, -1, dtype=np.int64)
    of_village[units["village"].to_numpy()] = np.arange(len(units))
    people = citizens(world, day).filter(pl.col("book") >= 0)
    unit = of_village[people["hukou_village"].to_numpy().astype(np.int64)]
    age = days.ages(people["birth"].to_numpy(), day)
    weight = np.where((unit >= 0) & (age >= 16), np.where((people["nature"] == 2).to_numpy(), 1.0, 0.45), 0.0)
    people = some(people, world.seed, "collectives", weight, count(_MEMBERS, world.scale, 60))
    dead = world.people.filter(~pl.col("alive") & (pl.col("book") >= 0) & (pl.col("cert_kind") == "111"))
    dead = dead.filter(pl.Series(of_village[dead["hukou_village"].to_numpy().astype(np.int64)] >= 0))
    people = pl.concat([people, dead.filter(~pl.col("uid").is_in(people["uid"].to_list()))])
    draws = Draws(world.seed, "collectives", people["uid"].to_numpy())
    age = days.ages(people["birth"].to_numpy(), day)
    worked = np.minimum(np.maximum(age - 16, 0), draws.whole("worked", 1, 42))
    land = np.where(draws.share("land") < 0.5, np.round(0.3 + 2.4 * draws.share("area"), 2), 0.0)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "unit": of_village[people["hukou_village"].to_numpy().astype(np.int64)],
            "name": people["name"],
            "number": people["cert_no"],
            "worked": worked,
            "shares": np.round(worked * (0.8 + 0.4 * draws.share("shares")), 2),
            "dividend": np.round(worked * 14.0 * (0.5 + draws.share(f"dividend.{day.year}")), 2),
            "land": land,
            "transferred": np.round(land * np.where(draws.share("moved") < 0.8, 1.0, 0.4), 2),
            "is_dead": ~people["alive"],
        }
    )


def contracts(world: World, day: date) -> pl.DataFrame:
    """One row a contract: number, place of the cooperative, tenant, end, rent due and paid."""
    units = cooperatives(world)
    number = np.arange(count(_CONTRACTS, world.scale, 40))
    draws = Draws(world.seed, "collectives.contracts", number)
    due = draws.whole("due", 3, 900) * 1_000
    paid = np.where(draws.share(f"paid.{day.year * 12 + day.month}") < 0.9, due, np.round(due * 0.6))
    return pl.DataFrame(
        {
            "contract": number,
            "unit": draws.whole("unit", 0, len(units)),
            "tenant": draws.whole("tenant", 1, 900),
            "end": days.number(date(2025, 6, 1)) + draws.whole("end", 0, 3_000),
            "due": due,
            "paid": paid,
        }
    )


def assets(world: World) -> pl.DataFrame:
    """One row an asset: number, place of the cooperative, kind, value in the books."""
    units = cooperatives(world)
    number = np.arange(count(_ASSETS, world.scale, 40))
    draws = Draws(world.seed, "collectives.assets", number)
    return pl.DataFrame(
        {
            "asset": number,
            "unit": draws.whole("unit", 0, len(units)),
            "kind": draws.pick("kind", ASSETS, [0.5, 0.2, 0.2, 0.1]),
            "value": draws.whole("value", 1, 3_000) * 1_000,
        }
    )
