"""Markets and shops of daily life (behind F19). A function of state and day; only the price index moves by the week."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count

KINDS = ["菜市场", "生鲜超市", "便利店", "早餐", "餐饮", "药店", "理发", "维修", "末端配送", "洗衣", "其他"]
_WEIGHTS = [0.011, 0.025, 0.16, 0.09, 0.34, 0.05, 0.10, 0.04, 0.08, 0.03, 0.068]
_OUTLETS = 6_500
_A_HEAD = ["便利店", "末端配送"]


def build(world: World, day: date) -> pl.DataFrame:
    """One row an outlet: number, kind, village (row of the table), floor area, stalls, state, star, index, place.

    What people walk to is there at every scale, as the villages are; what is counted by the head is scarce as people.
    """
    number = np.arange(_OUTLETS)
    every = Draws(world.seed, "outlets", number)
    is_counted = every.pick("kind", KINDS, _WEIGHTS).is_in(_A_HEAD).to_numpy()
    number = number[~is_counted | (np.cumsum(is_counted) <= count(int(is_counted.sum()), world.scale, 8))]
    draws = Draws(world.seed, "outlets", number)
    villages = world.villages
    people = (villages["registered_weight"] + villages["migrant_weight"]).to_numpy()
    village = np.searchsorted(np.cumsum(people) / people.sum(), draws.share("village"))
    reach = np.sqrt(villages["area_km2"].to_numpy())[village] * 0.25 / 111
    kind = draws.pick("kind", KINDS, _WEIGHTS)
    market = kind.is_in(KINDS[:2]).to_numpy()
    week = days.number(day) // 7
    level = 100 + 8 * (draws.share("level") - 0.5) + 3 * np.sin(week / 8)
    state = draws.share("state")
    return pl.DataFrame(
        {
            "outlet": number,
            "kind": kind,
            "village": village,
            "area": np.where(market, draws.whole("hall", 400, 4_000), draws.whole("area", 12, 240)),
            "stalls": np.where(kind == "菜市场", draws.whole("stalls", 20, 160), 0),
            "status": np.select([state < 0.91, state < 0.98], ["在营", "停业"], "筹建").astype(object),
            "star": np.where(market, draws.whole("star", 0, 6), 0),
            "value_counter": market & (draws.share("counter") < 0.45),
            "price_index": np.where(market, np.round(level, 1), np.nan),
            "delivers": (kind == "末端配送").to_numpy() | (draws.share("parcels") < 0.08),
            "house": draws.whole("house", 1, 700),
            "lon": np.round(villages["lon"].to_numpy()[village] + (draws.share("x") - 0.5) * 2 * reach, 6),
            "lat": np.round(villages["lat"].to_numpy()[village] + (draws.share("y") - 0.5) * 2 * reach, 6),
        },
        schema_overrides={"status": pl.String},
    )
