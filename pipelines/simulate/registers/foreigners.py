"""Stays of people from abroad (behind F03). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import present, with_places
from pipelines.simulate.population import World
from pipelines.simulate.registers import draws
from pipelines.simulate.registers.draws import Draws
from pipelines.simulate.residents import OVERSEAS

_PAPERS = {
    "414": "护照",
    "553": "外国人永久居留身份证",
    "513": "来往内地通行证",
    "511": "台胞证",
    "516": "港澳台居民居住证",
}
_PERMITS = ["工作类", "学习类", "团聚类", "私人事务类", "签证"]


def build(world: World, day: date) -> pl.DataFrame:
    """One row an open stay: uid, town (position), then the columns of F03 as text."""
    people = present(world, day).filter((pl.col("kind") == OVERSEAS) & (pl.col("village") >= 0) & pl.col("alive"))
    d, today = Draws(world.seed, "stay", people["uid"].to_numpy()), days.number(day)
    towns = world.villages["town_code"].unique().sort().to_numpy()
    town = np.searchsorted(towns, world.villages["town_code"].to_numpy())[people["village"].cast(pl.Int64).to_numpy()]
    entered = np.where(people["entered"] > days.NONE, people["entered"], today - 400).astype(np.int64)
    entered = np.minimum(entered, today - 2)
    western = ~people["name"].str.contains(r"\p{Han}").fill_null(False).to_numpy()
    permanent = (people["cert_kind"] == "553").to_numpy()
    visa_free = people["cert_kind"].is_in(["513", "511", "516"]).to_numpy()
    permit = d.pick("permit", _PERMITS, [0.4, 0.1, 0.2, 0.15, 0.15])
    permit = pl.select(
        pl.when(pl.Series(permanent))
        .then(pl.lit("永久居留"))
        .when(pl.Series(visa_free))
        .then(pl.lit("免签"))
        .otherwise(permit)
    ).to_series()
    long = d.share("long") < 0.85
    places = with_places(people, world)
    return pl.DataFrame(
        {
            "uid": people["uid"],
            "town": town,
            "英文姓名": pl.select(pl.when(pl.Series(western)).then(people["name"]).otherwise(pl.lit(""))).to_series(),
            "中文姓名": pl.select(pl.when(pl.Series(western)).then(pl.lit("")).otherwise(people["name"])).to_series(),
            "国籍": people["nation"],
            "证件种类": people["cert_kind"].replace_strict(_PAPERS, default="护照", return_dtype=pl.String),
            "证件号码": people["cert_no"],
            "性别": draws.texts(np.where(people["sex"] == 1, "男", "女")),
            "出生日期": draws.dates(people["birth"].to_numpy()),
            "签证/居留许可种类": permit,
            "停留有效期": draws.dates(np.where(permanent, days.NONE, today + d.whole("valid", -10, 700))),
            "入境日期": draws.dates(entered),
            "入住日期": draws.dates(entered + 1),
            "拟离开日期": draws.dates(
                np.where(long, today + d.whole("leave", 30, 500), today + d.whole("soon", 1, 30))
            ),
            "住址": places["home_address"],
            "房屋编码": places["home_id"],
            "留宿单位/房东": d.pick("host", ["本人", "房东", "用人单位", "亲属"]),
            "联系电话": people["mobile"],
            "人员类别": draws.texts(np.where(long, "常住", "临住")),
        }
    )
