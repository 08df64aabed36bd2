"""F17, pupils: a monthly folder with one workbook for each stage of school; columns nobody should see are hidden.

Secondary schools keep birth dates as a spreadsheet's serial numbers, the others as text.
"""

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion, edit
from pipelines.simulate.deliveries.files import CREATED, numbered_within, repeat, sheet, spoil, told_apart
from pipelines.simulate.deliveries.identity import BIRTH, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import pupils

SHEET = "学籍"
_INTERNAL = 3
_HIDDEN = ["民族"]
_SERIAL = {"初中", "高中", "中职"}
_EPOCH = 25_569  # 1 January 1970 as a spreadsheet counts


def write(world: World, occasion: Occasion) -> int:
    """Write the workbooks; returns their rows."""
    frame = pupils.build(world, occasion.day)
    picker = Picker("F17", world.seed, frame["uid"].to_numpy())
    rows = picker.rows("temporary_without_number")
    frame = edit(frame, "学籍号", rows, lambda old, n: f"L{occasion.day:%Y}{n:06d}")
    frame = edit(frame, "身份证号", rows, lambda old, _: "")
    picker.plant("temporary_without_number", rows)
    school = frame["学校名称"].to_list()
    rows = picker.rows("school_for_home")
    frame = frame.with_columns(
        frame["居住地址"].scatter(rows, pl.Series([school[row] for row in rows], dtype=pl.String))
    )
    picker.plant("school_for_home", rows)
    changes = [
        ("number_wrong_check", "身份证号", None, lambda old, _: numbers.wrong_check(old)),
        ("temporary_prefix", "学籍号", None, lambda old, _: f"L{old[1:]}"),
        ("match_blank", "人户一致", None, lambda old, _: ""),
        ("days_in_words", "缺勤天数", None, lambda old, _: f"{old}天"),
    ]
    dated = ~frame["stage"].is_in([place for place, stage in enumerate(pupils.STAGES) if stage in _SERIAL]).to_numpy()
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "身份证号", BIRTH: "出生日期"}, dated)
    rows = picker.rows("in_two_schools")
    second = frame[rows].with_columns(学校名称=pl.col("学校名称") + "(转入)")
    repeated = repeat(frame, picker)
    picker.planted = [(kind, at + len(rows) if kind.name == "identical_row" else at) for kind, at in picker.planted]
    picker.plant("in_two_schools", len(frame) + np.arange(len(rows)))
    frame = pl.concat([frame, second, repeated[len(frame) :]])
    which = frame["stage"].to_numpy()
    columns = frame.columns[_INTERNAL:]
    names = []
    for place, (stage, (name, *_)) in enumerate(pupils.STAGES.items()):
        part = frame.filter(pl.col("stage") == place)
        if stage in _SERIAL:
            part = part.with_columns((pl.col("birth").cast(pl.Int64) + _EPOCH).alias("出生日期"))
        file = f"xueji-{name}.xlsx"
        with Workbook(occasion.folder / file, {"in_memory": True}) as book:
            book.set_properties({"created": CREATED, "author": "区教育局"})
            sheet(book, SHEET, part, columns)
            for column in _HIDDEN:
                at = columns.index(column)
                book.get_worksheet_by_name(SHEET).set_column(at, at, None, None, {"hidden": True})
        names.append(f"{file}#{SHEET}")
        occasion.odd("class_in_brackets", names[-1])
    told_apart(occasion, picker, names, which, numbered_within(which, 2), frame["uid"].to_numpy())
    return len(frame)
