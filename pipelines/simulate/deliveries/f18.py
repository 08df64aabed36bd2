"""F18, employment and unemployment: a monthly CSV in GBK."""

import numpy as np
import polars as pl

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import delimited, repeat, spoil, told, unwritable
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified, with_strangers
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import employment

FILE = "jiuye.csv"
_SHORT = ["青浦纺织厂", "华新物流", "徐泾会展服务", "朱家角旅游公司"]


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = employment.build(world, occasion.day)
    picker = Picker("F18", world.seed, frame["uid"].to_numpy())
    named, coded = (frame["用人单位"] != "").to_numpy(), (frame["行业代码"] != "").to_numpy()
    services = frame["行业代码"].str.contains("^[OPQ]").fill_null(False).to_numpy()
    changes = [
        ("number_wrong_check", "证件号码", None, lambda old, _: numbers.wrong_check(old)),
        ("state_in_future", "状态日期", None, lambda old, n: f"2{1 + n % 9}26-01-01"),
        (
            "industry_of_2011",
            "行业代码",
            services if services.any() else coded,
            lambda old, _: f"{old[0]}{int(old[1:]) - 1:02d}",
        ),
        ("occupation_of_1999", "职业代码", coded, lambda old, n: f"{old[0]}-{1 + n % 9:02d}"),
        ("employer_short_name", "用人单位", named, lambda old, n: _SHORT[n % len(_SHORT)]),
        ("status_blank", "就业状态", None, lambda old, _: ""),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "证件号码", NAME: "姓名"})
    rows = picker.rows("also_unemployed", (frame["就业状态"] == "就业").to_numpy())
    picker.plant("also_unemployed", len(frame) + np.arange(len(rows)))
    second = frame[rows].with_columns(就业状态=pl.lit("失业"), 用人单位=pl.lit(""), 失业登记日期=pl.col("状态日期"))
    repeated = repeat(frame, picker)
    again = repeated[len(frame) :]
    # The second rows come first behind the sound ones, as they were planted; the repeated ones follow.
    picker.planted = [(kind, at + len(rows) if kind.name == "identical_row" else at) for kind, at in picker.planted]
    frame = pl.concat([frame, second, again])
    frame = with_strangers(frame, picker, world, {NUMBER: "证件号码", NAME: "姓名"})
    delimited(occasion.folder / FILE, frame, frame.columns[1:], encoding="gbk")
    told(occasion, FILE, picker, 2, frame["uid"].to_numpy())
    occasion.odd("character_lost", FILE, 2 + unwritable(frame["姓名"]))
    return len(frame)
