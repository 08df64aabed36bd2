"""Waste points, their rooms and public toilets, month by month (behind F28). A function of state and month."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count, level
from pipelines.simulate.seeds import shares

KINDS = ["投放点", "箱房", "公厕", "大件点", "装修垃圾点"]
_POINTS, _LEAST = 5_200, 1_420  # never fewer than four to a village


def build(world: World, day: date) -> pl.DataFrame:
    """One row a point in the month before the day's: number, kind, village, tons, kilograms, purity, score, checked."""
    villages = world.villages
    number = np.arange(count(_POINTS, world.scale, _LEAST))
    draws = Draws(world.seed, "sanitation", number)
    month = f"{day.year * 12 + day.month}"
    people = (villages["registered_weight"] + villages["migrant_weight"]).to_numpy()
    drawn = np.searchsorted(np.cumsum(people) / people.sum(), draws.share("village"))
    village = np.where(number < len(villages), number % len(villages), drawn)
    kind = draws.pick("kind", KINDS, [0.58, 0.17, 0.15, 0.06, 0.04])
    waste = kind.is_in(["投放点", "箱房"]).to_numpy()
    tons = np.where(waste, (2 + 18 * draws.share("size")) * (0.85 + 0.3 * draws.share(f"month.{month}")), 0)
    state = draws.share(f"state.{month}")
    sorting = 0.7 * level(world, "sorting", village) + 0.3 * draws.share("sorting")
    care = 0.55 * draws.share("care") + 0.45 * draws.share(f"care.{month}")
    first = days.number(date(day.year, day.month, 1))
    return pl.DataFrame(
        {
            "point": number,
            "kind": kind,
            "village": village,
            "estate": draws.whole("estate", 1, 6),
            "wet": np.round(tons * 0.38, 2),
            "dry": np.round(tons * 0.52, 2),
            "recycled": np.round(tons * 0.10, 2),
            "hazard": np.round(tons * 0.6, 1),
            "purity": np.round(
                0.83 + 0.13 * sorting + 0.039 * shares(world.seed, f"sanitation.purity.{month}", number // 2), 3
            ),
            "is_waste": waste,
            "score": np.where(
                kind == "公厕", 101 - np.ceil(24 * care**2.1), draws.whole(f"score.{month}", 68, 101)
            ).astype(np.int64),
            "checked": first - 1 - draws.whole(f"checked.{month}", 0, 27),
            "status": np.select([state < 0.965, state < 0.985], ["正常", "维修"], "停用").astype(object),
            "green": draws.whole("green", 0, 900),
        },
        schema_overrides={"status": pl.String},
    )
