"""F06, social assistance: a monthly workbook with four sheets, merged household cells, subtotals, totals and a note."""

from datetime import datetime

import numpy as np
import polars as pl
import xlsxwriter

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import relief

FILE = "shjz.xlsx"
COLUMNS = (
    "救助编号 户主姓名 户主身份证号 家庭人口 保障人口 成员姓名 成员身份证号 与户主关系 救助类别 救助状态 批准日期 停发日期 "
    "复审到期 月救助金额(元) 致困原因 居委会"
).split()
_SHARED = 5  # leading columns that belong to the household and are merged over its members
_ITEMS = {0: "低保", 1: "特困", 2: "低保边缘", 3: "临时救助"}
_FREE_TEXT = ["父子", "母女", "夫妻", "儿子", "老婆", "外甥"]
_UNKNOWN = ["新光明村村委会", "青东农场第三居委会", "建新"]


def snapshot(world: World, day) -> pl.DataFrame:
    """The clean rows under their Chinese headers, plus sheet, case, uid and village; amounts in cents."""
    frame = relief.build(world, day)
    codes = world.reference.codes.filter(pl.col("table") == "family_relation")
    names = dict(zip(codes["code"].cast(pl.Int64).to_list(), codes["name_cn"].to_list(), strict=True))
    member, head = world.people[frame["uid"].to_numpy()], world.people[frame["head"].to_numpy()]
    iso = "%Y-%m-%d"
    return frame.with_columns(
        head_name=head["name"], head_no=head["cert_no"], name=member["name"], number=member["cert_no"]
    ).select(
        "sheet",
        "case",
        "uid",
        "village",
        ("JZ" + pl.col("case").cast(pl.String).str.zfill(9)).alias("救助编号"),
        pl.col("head_name").alias("户主姓名"),
        pl.col("head_no").alias("户主身份证号"),
        pl.col("family").alias("家庭人口"),
        pl.len().over("sheet", "case").alias("保障人口"),
        pl.col("name").alias("成员姓名"),
        pl.col("number").alias("成员身份证号"),
        pl.when(pl.col("uid") == pl.col("head")).then(pl.lit("本人"))
        .otherwise(pl.col("relation").cast(pl.Int64).replace_strict(names, default="其他亲属")).alias("与户主关系"),
        pl.col("sheet").cast(pl.Int64).replace_strict(_ITEMS, return_dtype=pl.String).alias("救助类别"),
        pl.col("status").alias("救助状态"),
        days.text("decided", iso).alias("批准日期"),
        days.text("stopped", iso).alias("停发日期"),
        days.text("review", iso).alias("复审到期"),
        pl.col("cents").alias("月救助金额(元)"),
        pl.col("cause").alias("致困原因"),
        world.villages["name"].gather(frame["village"].cast(pl.Int64)).alias("居委会"),
    )  # fmt: skip


def _defects(frame: pl.DataFrame, picker: Picker) -> dict[str, set[int]]:
    """Rows (in order of the frame) that carry each kind."""
    numeric = frame["成员身份证号"].str.contains(r"^\d{18}$").to_numpy()
    first = np.r_[True, (frame["case"][1:] != frame["case"][:-1]).to_numpy()]
    not_self = (frame["与户主关系"] != "本人").to_numpy()
    chosen = {}
    for name, allowed in (
        ("number_as_numeric_cell", numeric & ~first),
        ("unknown_village", ~first),
        ("head_not_member", first),
        ("relation_free_text", not_self),
        ("amount_with_comma", None),
    ):
        rows = picker.rows(name, allowed if allowed is None or (allowed & ~picker.taken).any() else numeric)
        chosen[name] = set(rows.tolist())
        picker.plant(name, rows)
    return chosen


def _cell(sheet, line: int, column: int, value: object) -> None:
    if isinstance(value, str):
        sheet.write_string(line, column, value)
    else:
        sheet.write_number(line, column, value)


class _Sheet:
    """Writes one sheet from top to bottom; `line` is the next free row (0-based)."""

    def __init__(self, book: xlsxwriter.Workbook, name: str, day):
        self.sheet, self.merged = book.add_worksheet(name), book.add_format({"valign": "vcenter"})
        title = book.add_format({"bold": True, "align": "center"})
        self.sheet.merge_range(0, 0, 0, len(COLUMNS) - 1, f"青浦区{name}对象花名册({day:%Y年%m月})", title)
        for column, header in enumerate(COLUMNS):
            self.sheet.write_string(1, column, header)
        self.line = 2

    def case(self, rows: list[list[object]]) -> None:
        """The members of one household."""
        last = self.line + len(rows) - 1
        for column in range(_SHARED):
            if len(rows) > 1:
                self.sheet.merge_range(self.line, column, last, column, rows[0][column], self.merged)
            else:
                _cell(self.sheet, self.line, column, rows[0][column])
        for offset, row in enumerate(rows):
            for column in range(_SHARED, len(COLUMNS)):
                if row[column] != "":
                    _cell(self.sheet, self.line + offset, column, row[column])
        self.line = last + 1

    def total(self, word: str, cents: int) -> None:
        """A subtotal or total line."""
        self.sheet.write_string(self.line, 0, word)
        self.sheet.write_number(self.line, COLUMNS.index("月救助金额(元)"), cents / 100)
        self.line += 1

    def note(self, day) -> None:
        """The remark at the bottom."""
        self.sheet.write_string(self.line, 0, f"注:数据截至{day:%Y年%m月%d日},金额为每人每月。")


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its member rows."""
    frame = snapshot(world, occasion.day)
    picker = Picker("F06", world.seed, frame["uid"].to_numpy())
    chosen = _defects(frame, picker)
    amount = COLUMNS.index("月救助金额(元)")
    rows = [list(row) for row in frame.select(COLUMNS).iter_rows()]
    keys = list(zip(frame["sheet"].to_list(), frame["case"].to_list(), frame["village"].to_list(), strict=True))
    towns = world.villages["town_code"].to_list()
    cents = [row[amount] for row in rows]
    for place, row in enumerate(rows):
        row[amount] = f"{cents[place] / 100:,.2f}" if place in chosen["amount_with_comma"] else cents[place] / 100
        if place in chosen["relation_free_text"]:
            row[7] = _FREE_TEXT[place % len(_FREE_TEXT)]
        if place in chosen["number_as_numeric_cell"]:
            row[6] = float(row[6])
        if place in chosen["unknown_village"]:
            row[15] = _UNKNOWN[place % len(_UNKNOWN)]
        if place in chosen["head_not_member"]:
            other = (place + len(rows) // 2) % len(rows)
            row[1], row[2] = frame["成员姓名"][other], frame["成员身份证号"][other]
    lines = np.zeros(len(rows), dtype=np.int64)
    with xlsxwriter.Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2020, 1, 1), "author": "区民政局"})
        start = 0
        for number, name in enumerate(relief.SHEETS):
            sheet = _Sheet(book, name, occasion.day)
            end = start + sum(key[0] == number for key in keys[start:])
            subtotal = 0
            first = start
            while first < end:
                after = first
                while after < end and keys[after] == keys[first]:
                    after += 1
                lines[first:after] = np.arange(sheet.line, sheet.line + after - first) + 1
                sheet.case(rows[first:after])
                subtotal += sum(cents[first:after])
                if after == end or towns[keys[after][2]] != towns[keys[first][2]]:
                    sheet.total("小计", subtotal)
                    subtotal = 0
                first = after
            sheet.total("合计", sum(cents[start:end]))
            sheet.note(occasion.day)
            start = end
    uid = frame["uid"].to_numpy()
    sheets = frame["sheet"].to_numpy()
    for number, name in enumerate(relief.SHEETS):
        file, mine = f"{FILE}#{name}", sheets == number
        occasion.truth.rows("F06", occasion.day, file, lines[mine], uid[mine])
        for kind, at in picker.planted:
            here = at[sheets[at] == number]
            if len(here):
                occasion.truth.dirt(kind, occasion.day, file, lines[here])
    return len(rows)
