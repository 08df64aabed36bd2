"""F09, veterans: a quarterly workbook, a title above the header, dates as text."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import CREATED, repeat, sheet, spoil, told
from pipelines.simulate.deliveries.identity import NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import veterans

FILE, SHEET = "tyjr.xlsx", "人员信息"


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its rows."""
    frame = veterans.build(world, occasion.day)
    picker = Picker("F09", world.seed, frame["uid"].to_numpy())
    served = (frame["入伍时间"] != "").to_numpy()
    autumn = served & (frame["入伍时间"] < "2000").to_numpy()
    changes = [
        ("retired_before_enlisted", "退役时间", served, lambda old, n: f"190{n % 9}-12-01"),
        ("number_wrong_check", "公民身份号码", None, lambda old, _: numbers.wrong_check(old)),
        ("enlisted_month_only", "入伍时间", served, lambda old, _: f"{old[:4]}.{old[5:7]}"),
        ("enlisted_season", "入伍时间", autumn, lambda old, n: f"{old[2:4]}年{'冬' if n % 2 else '秋'}"),
        ("used_name", "姓名", None, lambda old, n: f"{old[0]}{'建' if n % 2 else '国'}军"),
        ("landline", "联系电话", None, lambda old, n: f"6990{1000 + n:04d}"),
        ("lives_elsewhere", "常住地", None, lambda old, n: f"上海市松江区车墩镇{9001 + n}号"),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "公民身份号码"})
    rows = picker.rows("in_two_categories", (frame["人员类别"] != "军休").to_numpy())
    second = frame[rows].with_columns(人员类别=pl.lit("军休"))
    repeated = repeat(frame, picker)
    picker.planted = [(kind, at + len(rows) if kind.name == "identical_row" else at) for kind, at in picker.planted]
    picker.plant("in_two_categories", len(frame) + np.arange(len(rows)))
    frame = pl.concat([frame, second, repeated[len(frame) :]])
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED, "author": "区退役军人事务局"})
        first = sheet(book, SHEET, frame, frame.columns[1:], f"退役军人信息采集表({occasion.day:%Y年%m月})")
    told(occasion, f"{FILE}#{SHEET}", picker, first, frame["uid"].to_numpy())
    outside = (world.people["book"].gather(frame["uid"]) < 0).to_numpy()
    occasion.odd("registered_elsewhere", f"{FILE}#{SHEET}", first + np.flatnonzero(outside))
    return len(frame)
