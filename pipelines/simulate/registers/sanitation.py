"""Waste points, their rooms and public toilets, month by month (behind F28). A function of state and month."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import Draws, count
from pipelines.simulate.seeds import shares

KINDS = ["投放点", "箱房", "公厕", "大件点", "装修垃圾点"]
_POINTS = 5_200


def build(world: World, day: date) -> pl.DataFrame:
    """One row a point in the month before the day's: number, kind, village, tons, kilograms, purity, score, checked."""
    villages = world.villages
    number = np.arange(count(_POINTS, world.scale, 355))
    draws = Draws(world.seed, "sanitation", number)
    month = f"{day.year * 12 + day.month}"
    people = (villages["registered_weight"] + villages["migrant_weight"]).to_numpy()
    drawn = np.searchsorted(np.cumsum(people) / people.sum(), draws.share("village"))
    village = np.where(number < len(villages), number % len(villages), drawn)
    kind = draws.pick("kind", KINDS, [0.58, 0.17, 0.15, 0.06, 0.04])
    waste = kind.is_in(["投放点", "箱房"]).to_numpy()
    tons = np.where(waste, (2 + 18 * draws.share("size")) * (0.85 + 0.3 * draws.share(f"month.{month}")), 0)
    state = draws.share(f"state.{month}")
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
            "purity": np.round(0.82 + 0.179 * shares(world.seed, f"sanitation.purity.{month}", number // 2), 3),
            "is_waste": waste,
            "score": draws.whole(f"score.{month}", 68, 101),
            "checked": first - 1 - draws.whole(f"checked.{month}", 0, 27),
            "status": np.select([state < 0.965, state < 0.985], ["正常", "维修"], "停用").astype(object),
            "green": draws.whole("green", 0, 900),
        },
        schema_overrides={"status": pl.String},
    )
