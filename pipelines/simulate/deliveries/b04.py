"""B04, public facilities: a quarterly GeoJSON with every kind of facility placed about the villages.

The number of facilities does not depend on the scale (the villages are all there); their capacity does.
"""

import json

import numpy as np

from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.seeds import stream

FILE = "sheshi.geojson"
# kind: how many in the district, capacity of one (0: has none), where (p people, d where they live close together,
# v every village, t town centres)
KINDS = {
    "幼儿园": (200, 155, "d"), "小学": (110, 480, "d"), "初中": (60, 570, "d"), "高中": (9, 1_600, "t"),
    "托育": (262, 20, "d"), "菜市场": (74, 90, "p"), "卫生站": (236, 30, "v"), "卫生中心": (13, 300, "t"),
    "公园": (62, 900, "p"), "绿地": (640, 0, "p"), "公交站": (1_780, 0, "v"), "轨交站": (8, 0, "t"),
    "文化活动室": (362, 60, "v"), "图书": (310, 25, "v"), "健身点": (1_620, 0, "p"), "公厕": (760, 0, "v"),
    "养老服务": (262, 40, "v"), "助餐点": (224, 60, "v"), "党群站": (420, 50, "v"), "避难场所": (168, 800, "p"),
    "微型消防站": (720, 6, "v"), "AED": (660, 0, "p"), "应急物资": (365, 0, "v"),
}  # fmt: skip
_STATUS = ["在用", "停用"]


def facilities(world: World) -> list[dict]:
    """GeoJSON features of all facilities, clean, by kind."""
    villages = world.villages
    rng = stream(world.seed, "facilities")
    people = (villages["registered_weight"] + villages["migrant_weight"]).to_numpy()
    towns = villages["town_code"].to_numpy()
    dense = people / villages["area_km2"].to_numpy() ** 0.5
    first_of_town = np.flatnonzero(np.r_[True, towns[1:] != towns[:-1]])
    reach = np.sqrt(villages["area_km2"].to_numpy()) * 0.22 / 111
    codes, names = villages["village_code"].to_list(), villages["name"].to_list()
    lon, lat = villages["lon"].to_numpy(), villages["lat"].to_numpy()
    features: list[dict] = []
    for kind, (count, capacity, where) in KINDS.items():
        if where == "t":
            at = first_of_town[rng.integers(0, len(first_of_town), count)]
        else:
            base = np.arange(len(villages))[: count if where == "v" else 0]
            base = rng.permutation(base) if len(base) else base
            chance = dense if where == "d" else people
            more = rng.choice(len(villages), count - len(base), p=chance / chance.sum(), replace=where != "d")
            at = np.concatenate([base, more]).astype(np.int64)
        # Where people live close together, what they need stands among them.
        near = 0.5 if where == "d" else 1.0
        x = np.round(np.clip(lon[at] + rng.normal(0, 1, count) * reach[at] * near * 1.16, 120.88, 121.31), 6)
        y = np.round(np.clip(lat[at] + rng.normal(0, 1, count) * reach[at] * near, 30.975, 31.295), 6)
        seats = np.maximum(np.rint(capacity * rng.lognormal(0, 0.3, count) * world.scale), 1).astype(int)
        closed = rng.random(count) < 0.012
        for row in range(count):
            village = int(at[row])
            features.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [float(x[row]), float(y[row])]},
                    "properties": {
                        "id": f"SS{len(features) + 1:06d}",
                        "kind": kind,
                        "name": f"{names[village].removesuffix('村委会').removesuffix('居委会')}{kind}{row + 1}",
                        "village": codes[village],
                        "capacity": int(seats[row]) if capacity else None,
                        "status": _STATUS[int(closed[row])],
                    },
                }
            )
    return features


def write(world: World, occasion: Occasion) -> int:
    """Write the file; returns the number of features."""
    features = facilities(world)
    if occasion.earlier:  # some have been opened since
        for item in features[48::97]:
            item["properties"]["status"] = _STATUS[1]
    picker = Picker("B04", world.seed, np.arange(len(features)))
    for row in (rows := picker.rows("coordinates_swapped")):
        features[row]["geometry"]["coordinates"].reverse()
    picker.plant("coordinates_swapped", rows)
    for row in (rows := picker.rows("unknown_kind")):
        features[row]["properties"]["kind"] = "其它设施"
    picker.plant("unknown_kind", rows)
    lines = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in features)
    text = f'{{"type":"FeatureCollection","name":"sheshi","features":[\n{lines}\n]}}\n'
    (occasion.folder / FILE).write_bytes(text.encode())
    occasion.truth.planted(picker, occasion.day, FILE, 1)
    return len(features)
