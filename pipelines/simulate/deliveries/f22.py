"""F22, culture and community education: a monthly workbook in which dates are numbers or text as they were typed."""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified, with_strangers
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import culture

FILE, SHEET = "wenhua.xlsx", "服务人员"
_WORDS = {
    "图书馆": ["借书证", "图书借阅"],
    "文化场馆": ["场馆预约"],
    "社区学校": ["老年学校"],
    "文体团队": ["文艺团队"],
}
_SERIAL_ZERO = 25_569  # Excel's number of 1970-01-01


def _typed(column: str) -> pl.Expr:
    """Dates as ISO text, with slashes or as a day number, by the person's number."""
    day = days.as_date(column)
    style = pl.col("uid") % 10
    return (
        pl.when(style < 6).then(day.dt.strftime("%Y-%m-%d"))
        .when(style < 8).then(day.dt.strftime("%Y/%-m/%-d"))
        .when(pl.col(column) > days.NONE).then((pl.col(column) + _SERIAL_ZERO).cast(pl.String))
        .fill_null("")
    )  # fmt: skip


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `uid`."""
    frame = culture.build(world, occasion.day)
    people = world.people[frame["uid"].to_numpy()]
    villages = world.villages[frame["venue"].to_numpy()]
    place = villages["town_name"].str.replace("(镇|街道)$", "")
    return frame.select(
        "uid",
        people["name"].alias("姓名"),
        people["cert_no"].alias("身份证号"),
        pl.col("kind").alias("服务类别"),
        (pl.lit(place) + pl.col("kind")).alias("场馆/学校"),
        _typed("since").alias("开始日期"),
        _typed("until").alias("结束日期"),
        _typed("last").alias("最近使用日期"),
        pl.when(pl.col("team") == "").then(pl.lit("")).otherwise(pl.lit(place) + pl.col("team")).alias("团队名称"),
        villages["name"].alias("居村委"),
        pl.lit("").alias("备注"),
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its rows."""
    frame = snapshot(world, occasion)
    picker = Picker("F22", world.seed, frame["uid"].to_numpy())
    kinds = frame["服务类别"].to_list()
    words = [_WORDS[kind][n % len(_WORDS[kind])] for n, kind in enumerate(kinds)]
    rows = picker.rows("kind_in_free_text")
    frame = frame.with_columns(
        frame["服务类别"].scatter(rows, pl.Series([words[row] for row in rows], dtype=pl.String))
    )
    picker.plant("kind_in_free_text", rows)
    frame = files.spoil(
        frame,
        picker,
        [
            ("number_wrong_check", "身份证号", None, lambda old, _: numbers.wrong_check(old)),
            ("no_number", "身份证号", None, lambda _, n: ""),
            ("unknown_village", "居村委", None, lambda _, n: "新光明村村委会"),
            ("relative_instead", "备注", None, lambda _, n: ["代孙子办理", "用母亲证件办理"][n % 2]),
        ],
    )
    frame = misidentified(frame, picker, {NUMBER: "身份证号", NAME: "姓名"})
    today = days.number(occasion.day)
    until = culture.build(world, occasion.day)["until"].to_numpy()
    recent = days.day_of(today - 2).isoformat()
    ended: files.Change = (
        "used_after_end",
        "最近使用日期",
        (until > days.NONE) & (until < today - 5),
        lambda _, n: recent,
    )
    frame = files.spoil(frame, picker, [ended])
    second = frame[picker.rows("in_two_venues")]
    frame = with_strangers(files.repeat(frame, picker), picker, world, {NUMBER: "身份证号", NAME: "姓名"})
    picker.plant("in_two_venues", len(frame) + np.arange(len(second)))
    frame = pl.concat([frame, second.with_columns(pl.col("场馆/学校") + "分馆")])
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "区文旅局"})
        first = files.sheet(book, SHEET, frame, frame.columns[1:])
    files.told(occasion, f"{FILE}#{SHEET}", picker, first, frame["uid"].to_numpy())
    occasion.odd("dates_in_three_forms", f"{FILE}#{SHEET}")
    return len(frame)
