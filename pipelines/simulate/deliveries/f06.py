"""F06, social assistance: a monthly workbook with four sheets, merged household cells, subtotals, totals and a note."""

from datetime import date, datetime

import numpy as np
import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import relief

FILE = "shjz.xlsx"
_INTERNAL = 5  # leading columns of the frame that stay out of the file
_SHARED = 5  # leading columns of the file that belong to the household and are merged over its members
_ITEMS = {0: "低保", 1: "特困", 2: "低保边缘", 3: "临时救助"}
_CREATED = datetime(2020, 1, 1)  # fixed, so that the same content gives the same bytes
_FREE_TEXT = ["父子", "母女", "夫妻", "儿子", "老婆", "外甥"]
_UNKNOWN = ["新光明村村委会", "青东农场第三居委会", "建新"]


def snapshot(world: World, day: date) -> pl.DataFrame:
    """The clean rows under their Chinese headers, plus sheet, case, uid, head and village; amounts in cents."""
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
        "head",
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


def _defects(frame: pl.DataFrame, picker: Picker) -> dict[str, list]:
    """The columns with defects in their cells; amounts become yuan (numbers, or text where planted)."""
    amounts = [cents / 100 for cents in frame["月救助金额(元)"].to_list()]
    cells = {name: frame[name].to_list() for name in frame.columns}
    numeric = frame["成员身份证号"].str.contains(r"^\d{18}$").to_numpy()
    first = np.r_[True, (frame["case"][1:] != frame["case"][:-1]).to_numpy()]
    related = (frame["与户主关系"] != "本人").to_numpy()
    for name, allowed in (
        ("number_as_numeric_cell", numeric & ~first),
        ("unknown_village", ~first),
        ("head_not_member", first),
        ("relation_free_text", related),
        ("amount_with_comma", None),
    ):
        rows = picker.rows(name, allowed if allowed is None or (allowed & ~picker.taken).any() else numeric)
        picker.plant(name, rows)
        for turn, row in enumerate(rows):
            if name == "number_as_numeric_cell":
                cells["成员身份证号"][row] = float(cells["成员身份证号"][row])
            elif name == "unknown_village":
                cells["居委会"][row] = _UNKNOWN[turn % len(_UNKNOWN)]
            elif name == "relation_free_text":
                cells["与户主关系"][row] = _FREE_TEXT[turn % len(_FREE_TEXT)]
            elif name == "amount_with_comma":
                amounts[row] = f"{amounts[row]:,.2f}"
            else:
                other = (row + len(frame) // 2) % len(frame)
                cells["户主姓名"][row] = frame["成员姓名"][int(other)]
                cells["户主身份证号"][row] = frame["成员身份证号"][int(other)]
                for member in np.flatnonzero((frame["case"] == frame["case"][int(row)]).to_numpy()).tolist():
                    cells["head"][member] = frame["uid"][int(other)]
    cells["月救助金额(元)"] = amounts
    _plant_on_members(frame, picker)
    return cells


def _plant_on_members(frame: pl.DataFrame, picker: Picker) -> None:
    """A household whose head is nobody of it is so on the row of every member."""
    of = {kind.name: rows for kind, rows in picker.planted}.get("head_not_member", np.empty(0, dtype=np.int64))
    cases = frame["case"].gather(of).to_list()
    members = np.flatnonzero(frame["case"].is_in(cases).to_numpy() & ~picker.taken)
    picker.taken[members] = True
    picker.plant("head_not_member", members)


def _cell(sheet: Worksheet, line: int, column: int, value: object) -> None:
    if isinstance(value, str):
        if value:
            sheet.write_string(line, column, value)
    else:
        sheet.write_number(line, column, value)


class _Sheet:
    """Writes one sheet from top to bottom; `line` is the next free row (0-based)."""

    def __init__(self, book: Workbook, name: str, columns: list[str], day: date):
        self.sheet, self.columns, self.day = book.add_worksheet(name), columns, day
        self.merged = book.add_format({"valign": "vcenter"})
        title = book.add_format({"bold": True, "align": "center"})
        self.sheet.merge_range(0, 0, 0, len(columns) - 1, f"青浦区{name}对象花名册({day:%Y年%m月})", title)
        for column, header in enumerate(columns):
            self.sheet.write_string(1, column, header)
        self.line = 2

    def case(self, rows: list[tuple]) -> None:
        """The members of one household."""
        last = self.line + len(rows) - 1
        for column in range(_SHARED):
            if len(rows) > 1:
                self.sheet.merge_range(self.line, column, last, column, rows[0][column], self.merged)
            else:
                _cell(self.sheet, self.line, column, rows[0][column])
        for offset, row in enumerate(rows):
            for column in range(_SHARED, len(self.columns)):
                _cell(self.sheet, self.line + offset, column, row[column])
        self.line = last + 1

    def total(self, word: str, cents: int) -> None:
        """A subtotal or total line."""
        self.sheet.write_string(self.line, 0, word)
        self.sheet.write_number(self.line, self.columns.index("月救助金额(元)"), cents / 100)
        self.line += 1

    def note(self) -> None:
        """The remark at the bottom."""
        self.sheet.write_string(self.line, 0, f"注:数据截至{self.day:%Y年%m月%d日},金额为每人每月。")


def _fill(sheet: _Sheet, rows: list[tuple], cents: list[int], cases: list[int], towns: list[str]) -> list[int]:
    """Write the cases of one sheet with a subtotal after each town; returns each row's line (1-based)."""
    lines: list[int] = []
    subtotal, first = 0, 0
    while first < len(rows):
        after = first
        while after < len(rows) and cases[after] == cases[first]:
            after += 1
        lines += range(sheet.line + 1, sheet.line + 1 + after - first)
        sheet.case(rows[first:after])
        subtotal += sum(cents[first:after])
        if after == len(rows) or towns[after] != towns[first]:
            sheet.total("小计", subtotal)
            subtotal = 0
        first = after
    sheet.total("合计", sum(cents))
    sheet.note()
    return lines


def write(world: World, occasion: Occasion) -> int:
    """Write the workbook; returns its member rows."""
    frame = snapshot(world, occasion.day)
    picker = Picker("F06", world.seed, frame["uid"].to_numpy())
    cells = _defects(frame, picker)
    columns = frame.columns[_INTERNAL:]
    rows = list(zip(*(cells[name] for name in columns), strict=True))
    towns = world.villages["town_code"].gather(frame["village"].cast(pl.Int64)).to_list()
    heads = np.array(cells["head"], dtype=np.int64)
    cents, uid, sheets = frame["月救助金额(元)"].to_list(), frame["uid"].to_numpy(), frame["sheet"].to_numpy()
    shared = (frame["保障人口"] > 1).to_numpy()
    with Workbook(occasion.folder / FILE, {"in_memory": True}) as book:
        book.set_properties({"created": _CREATED, "author": "区民政局"})
        for number, name in enumerate(relief.SHEETS):
            start, end = np.searchsorted(sheets, [number, number + 1])
            part = slice(int(start), int(end))
            sheet = _Sheet(book, name, columns, occasion.day)
            lines = np.array(_fill(sheet, rows[part], cents[part], cells["case"][part], towns[part]), dtype=np.int64)
            file = f"{FILE}#{name}"
            occasion.truth.rows("F06", occasion.day, file, lines, uid[part])
            occasion.truth.rows("F06", occasion.day, file, lines, heads[part], "head")
            occasion.odd("totals_and_notes", file)
            occasion.odd("merged_cells", file, lines[shared[part]])
            for kind, at in picker.planted:
                here = at[(at >= start) & (at < end)] - start
                occasion.truth.dirt(kind, occasion.day, file, lines[here])
    return len(rows)
