"""Visits of village workers to households (behind F04). Each visit belongs to a day and never changes."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import with_places
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws

_A_DAY = 2_500
_NEEDS = ["沪语", "外语", "手语", "大字版", "盲文语音", "上门办理", "无智能手机", "家属陪同"]
_LON, _LAT = 0.00455, -0.00205  # about how far GCJ-02 lies from WGS84 here


def build(world: World, day: date, back: int) -> pl.DataFrame:
    """One row a visit of the `back` days before `day`: uid (-1: nobody seen) and the fields of F04."""
    today = days.number(day)
    size = draws.count(_A_DAY, world.scale, 8)
    at = np.repeat(np.arange(today - back, today), size)
    d = Draws(world.seed, "visits", at * 100_000 + np.tile(np.arange(size), back))
    uid = draws.persons_of(world, d, at)
    home = world.people["village"].to_numpy()[np.maximum(uid, 0)]
    keep = (uid < 0) | (home >= 0)
    at, uid = at[keep], uid[keep]
    d = Draws(world.seed, "visits", d.ids[keep])
    people = with_places(world.people[np.maximum(uid, 0)], world)
    seen = (uid >= 0) & (d.share("seen") < 0.93)
    result = np.select([seen, uid < 0, d.share("why") < 0.9], ["已见", "空户", "未遇"], "拒访")
    number = people["cert_no"]
    household = people["household"].to_numpy()
    second = d.whole("second", 9 * 3_600, 18 * 3_600)
    tagged = d.share("needs")
    first, other = d.whole("first", 0, 8), d.whole("other", 0, 8)
    tags = [
        [] if share > 0.3 else [_NEEDS[a]] if share > 0.08 or a == b else [_NEEDS[a], _NEEDS[b]]
        for share, a, b in zip(tagged.tolist(), first.tolist(), other.tolist(), strict=True)
    ]
    village = people["village"].cast(pl.Int64).to_numpy()
    place = np.where(village < 0, d.whole("village", 0, len(world.villages)), village)
    return pl.DataFrame(
        {
            "uid": uid,
            "visitId": "V" + pl.Series(d.ids).cast(pl.String),
            "villageCode": world.villages["village_code"].gather(place),
            "householdNo": draws.texts(np.where(household >= 0, "H" + np.char.mod("%09d", household), "")),
            "addressText": people["home_address"],
            "personIdNo": pl.select(pl.when(pl.Series(uid >= 0)).then(number).otherwise(pl.lit(""))).to_series(),
            "visitorAccount": "jw"
            + world.villages["village_code"].gather(place).str.slice(6)
            + d.pick("who", list("123")),
            "visitTime": draws.stamp(at, second, "%Y-%m-%dT%H:%M:%S+08:00"),
            "visitType": d.pick("type", ["日常走访", "重点走访", "四百走访", "专项排查", "电话联系"], [5, 2, 2, 1, 2]),
            "meetResult": draws.texts(result),
            "needTags": pl.Series(tags, dtype=pl.List(pl.String)),
            "updateTime": draws.stamp(at, second + 1_800, "%Y-%m-%dT%H:%M:%S+08:00"),
            "lng": np.round(121.1 + _LON + d.share("x") * 0.2, 6),
            "lat": np.round(31.1 + _LAT + d.share("y") * 0.1, 6),
        }
    )
