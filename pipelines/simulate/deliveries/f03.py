"""F03, stays of people from abroad: a weekly workbook with a sheet for each town, titles in two merged rows."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import CREATED, numbered_within, repeat, spoil, told_apart
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import foreigners

FILE = "jwry.xlsx"
_INTERNAL, _HEADER = 2, 2  # leading columns that stay out; rows above the header
_NATIONS = {
    "USA": ("美国", "US"),
    "JPN": ("日本", "JP"),
    "KOR": ("韩国", "KR"),
    "DEU": ("德国", "DE"),
    "FRA": ("法国", "FR"),
    "GBR": ("英国", "GB"),
    "IND": ("印度", "IN"),
    "AUS": ("澳大利亚", "AU"),
    "CAN": ("加拿大", "CA"),
    "SGP": ("新加坡", "SG"),
    "RUS": ("俄罗斯", "RU"),
    "ITA": ("意大利", "IT"),
}


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its rows."""
    frame = foreigners.build(world, occasion.day)
    picker = Picker("F03", world.seed, frame["uid"].to_numpy())
    latin = (frame["英文姓名"] != "").to_numpy()
    named = frame["国籍"].is_in(list(_NATIONS)).to_numpy()
    changes = [
        ("number_missing", "证件号码", None, lambda old, _: ""),
        ("left_before_it_came", "拟离开日期", None, lambda old, n: f"200{n % 10}-05-01"),
        ("name_order_swapped", "英文姓名", latin, lambda old, _: " ".join(reversed(old.split(" ")))),
        ("nation_in_other_words", "国籍", named, lambda old, n: _NATIONS[old][n % 2]),
        ("birth_day_first", "出生日期", None, lambda old, _: f"{old[8:]}/{old[5:7]}/{old[:4]}"),
        ("leaving_empty", "拟离开日期", None, lambda old, _: ""),
        ("spaces_behind_number", "证件号码", None, lambda old, _: f"{old}  "),
    ]
    frame = spoil(frame, picker, changes)
    rows = picker.rows("passport_renewed", (frame["证件种类"] == "护照").to_numpy())
    second = frame[rows].with_columns(证件号码="W" + pl.col("证件号码").str.slice(1))
    extra = len(frame) + np.arange(len(rows))
    repeated = repeat(frame, picker)
    picker.planted = [(kind, at + len(rows) if kind.name == "identical_row" else at) for kind, at in picker.planted]
    picker.plant("passport_renewed", extra)
    frame = pl.concat([frame, second, repeated[len(frame) :]])
    towns = world.villages.select("town_code", "town_name").unique().sort("town_code")["town_name"].to_list()
    which = frame["town"].to_numpy().astype(np.int64)
    columns = frame.columns[_INTERNAL:]
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED, "author": "区公安分局"})
        for place, town in enumerate(towns):
            page = book.add_worksheet(town)
            page.merge_range(0, 0, 0, len(columns) - 1, f"{town}境外人员住宿登记表")
            page.merge_range(1, 0, 1, 5, f"填报日期:{occasion.day:%Y年%m月%d日}")
            for at, column in enumerate(columns):
                page.write_string(_HEADER, at, column)
            for line, row in enumerate(
                frame.filter(pl.Series(which == place)).select(columns).iter_rows(), _HEADER + 1
            ):
                for at, value in enumerate(row):
                    if value:
                        page.write_string(line, at, value)
    names = [f"{FILE}#{town}" for town in towns]
    told_apart(occasion, picker, names, which, numbered_within(which, _HEADER + 2), frame["uid"].to_numpy())
    permits = (frame["证件种类"] == "台胞证") & frame["证件号码"].str.contains(r"^[0-9]{10}\s*$")
    for place, name in enumerate(names):
        here = permits.to_numpy() & (which == place)
        occasion.odd("taiwan_permit_of_ten_digits", name, numbered_within(which, _HEADER + 2)[here])
    return len(frame)
