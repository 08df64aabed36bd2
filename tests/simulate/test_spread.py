"""At a twentieth of the district what people walk to still tells villages apart: a third at most at either end."""

from datetime import date

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipelines.simulate import life, population
from pipelines.simulate.deliveries import b04
from pipelines.simulate.reference import Reference
from pipelines.simulate.registers import outlets

DAY = date(2026, 10, 30)
EAST, NORTH = 111_320 * np.cos(np.radians(31.13)), 111_320


@pytest.fixture(scope="module")
def district():
    world = life.furnish(population.build(Reference(), 0.05, 1, DAY), DAY)
    return world, outlets.build(world, DAY), b04.facilities(world)


def _shares(world, lon, lat, committee_m: float, village_m: float) -> np.ndarray:
    """Per village the share of people who live within the radius of one of the places."""
    people = world.people.filter(
        (world.people["village"] >= 0) & world.people["alive"] & (world.people["dwelling"] >= 0)
    )
    homes = world.dwellings[people["dwelling"].to_numpy()]
    at = np.column_stack([homes["lon"].to_numpy() * EAST, homes["lat"].to_numpy() * NORTH])
    away, _ = cKDTree(np.column_stack([np.asarray(lon) * EAST, np.asarray(lat) * NORTH])).query(at)
    village = people["village"].to_numpy().astype(np.int64)
    is_committee = (world.villages["kind"] == "居").to_numpy()[village]
    near = away <= np.where(is_committee, committee_m, village_m)
    count = len(world.villages)
    return np.bincount(village, near, count) / np.bincount(village, minlength=count)


def test_markets_their_counters_and_green_spaces_order_villages(district):
    world, shops, facilities = district
    shops = shops.filter(shops["status"] == "在营")
    markets = shops.filter(shops["kind"].is_in(["菜市场", "生鲜超市"]))
    counters = shops.filter(shops["value_counter"])
    green = [f["geometry"]["coordinates"] for f in facilities if f["properties"]["kind"] in ("公园", "绿地")]
    found = {
        "MKT01": (_shares(world, markets["lon"], markets["lat"], 500, 1500), 0.2),
        "MKT04": (_shares(world, counters["lon"], counters["lat"], 500, 1500), 0.0),
        "ENV05": (_shares(world, *zip(*green, strict=True), 500, 500), 0.3),
    }
    for indicator, (share, worst) in found.items():
        ends = (share <= worst).mean(), (share >= 1).mean()
        assert max(ends) < 1 / 3, f"{indicator}: {ends[0]:.0%} at the worst, {ends[1]:.0%} at the best"
