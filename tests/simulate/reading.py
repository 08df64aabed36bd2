"""Plain readers of the layouts, written for the tests only and without the pipeline's own reading code.

Each gives {file as truth names it: {line: row as a dict of text}}.
"""

import csv
import gzip
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow.parquet as pq

F01_WIDTHS = [
    ("DJBH", 14), ("ZJZL", 3), ("ZJHM", 20), ("XM", 30), ("XBDM", 1), ("CSRQ", 8), ("MZDM", 2), ("HJXZQH", 6),
    ("HJXZ", 80), ("JZDZ", 100), ("JZFWID", 18), ("DJRQ", 8), ("LHRQ", 8), ("YXQZ", 8), ("ZJLX", 4), ("JZZYXQ", 8),
    ("JFZT", 1), ("ZZSY", 2), ("JWDM", 12), ("CZBS", 1),
]  # fmt: skip
Rows = dict[str, dict[int, dict]]


def b01(folder: Path) -> Rows:
    frame = pl.read_parquet(folder / "person.parquet")
    return {"person.parquet": dict(enumerate(frame.iter_rows(named=True), 1))}


def b02(folder: Path) -> Rows:
    with sqlite3.connect(folder / "fangwu.db") as base:
        base.row_factory = sqlite3.Row
        rows = [dict(row) for row in base.execute("select * from V_FW order by rowid")]
    return {"fangwu.db": dict(enumerate(rows, 1))}


def _csv(path: Path, encoding: str, header_line: int, delimiter: str = ",") -> Rows:
    lines = path.read_bytes().decode(encoding).splitlines()
    header = next(csv.reader([lines[header_line - 1]], delimiter=delimiter))
    rows = {}
    for number, text in enumerate(lines[header_line:], header_line + 1):
        values = next(csv.reader(io.StringIO(text), delimiter=delimiter))
        rows[number] = dict(zip(header, values, strict=False)) | {"_fields": len(values) - len(header)}
    return {path.name: rows}


def b03(folder: Path) -> Rows:
    return _csv(folder / "cunju.csv", "utf-8", 1)


def b04(folder: Path) -> Rows:
    features = json.loads((folder / "sheshi.geojson").read_text("utf-8"))["features"]
    return {"sheshi.geojson": dict(enumerate(features, 1))}


def b05(folder: Path) -> Rows:
    return _csv(folder / "daima.csv", "utf-8", 1)


def f01(folder: Path) -> Rows:
    rows, body = {}, (folder / "lhry.txt").read_bytes()
    for number, record in enumerate(body.split(b"\r\n")[:-2], 1):
        row, start = {}, 0
        for name, width in F01_WIDTHS:
            row[name] = record[start : start + width].decode("gb18030", errors="replace").rstrip(" ")
            start += width
        rows[number] = row
    return {"lhry.txt": rows}


def f02(folder: Path) -> Rows:
    return _csv(folder / "czfw.csv", "gbk", 2)


def f06(folder: Path) -> Rows:
    book = openpyxl.load_workbook(folder / "shjz.xlsx")
    result = {}
    for sheet in book:
        header = [cell.value for cell in sheet[2]]
        rows, shared = {}, {}
        for number, values in enumerate(sheet.iter_rows(min_row=3, values_only=True), 3):
            row = dict(zip(header, values, strict=True))
            if row["成员姓名"] is None:  # subtotal, total or note
                continue
            if row["救助编号"] is not None:
                shared = {name: row[name] for name in header[:5]}
            rows[number] = row | shared
        result[f"shjz.xlsx#{sheet.title}"] = rows
    return result


def f08(folder: Path) -> Rows:
    return _csv(folder / "cjrz.csv", "gbk", 1)


def f11(folder: Path) -> Rows:
    path = next(folder.glob("ym=*/part-0.parquet"))
    rows = pq.read_table(path, partitioning=None).to_pylist()
    return {str(path.relative_to(folder)): dict(enumerate(rows, 1))}


def _table(path: Path, table: str) -> Rows:
    with sqlite3.connect(path) as base:
        base.row_factory = sqlite3.Row
        rows = [dict(row) for row in base.execute(f"select * from {table} order by rowid")]
    return {path.name: dict(enumerate(rows, 1))}


def _sheets(path: Path, header_row: int, *notes: str) -> Rows:
    """Sheets with a header in some row; rows whose first cell begins like a note are none."""
    result = {}
    for sheet in openpyxl.load_workbook(path):
        header = [cell.value for cell in sheet[header_row]]
        rows = {}
        for number, values in enumerate(sheet.iter_rows(min_row=header_row + 1, values_only=True), header_row + 1):
            if any(values) and not (notes and str(values[0] or "").startswith(notes)):
                rows[number] = dict(zip(header, values, strict=True))
        result[f"{path.name}#{sheet.title}"] = rows
    return result


def _parquet(path: Path) -> dict[int, dict]:
    return dict(enumerate(pq.read_table(path, partitioning=None).to_pylist(), 1))


F34_WIDTHS = [
    ("点位编码", 10), ("点位名称", 30), ("类型", 8), ("居村委", 12), ("指标", 10), ("数值", 10), ("类别", 4),
    ("监测时间", 14), ("责任河长", 20),
]  # fmt: skip


def f34(folder: Path) -> Rows:
    result = _csv(folder / "kongqi.csv", "gbk", 1)
    if not (folder / "hezhang.txt").exists():
        return result
    rows = {}
    for number, record in enumerate((folder / "hezhang.txt").read_bytes().split(b"\r\n")[:-1], 1):
        row, start = {}, 0
        for name, width in F34_WIDTHS:
            row[name] = record[start : start + width].decode("gb18030").rstrip(" ")
            start += width
        rows[number] = row
    return result | {"hezhang.txt": rows}


def f04(folder: Path) -> Rows:
    rows = {}
    for number, line in enumerate((folder / "zoufang.jsonl").read_text("utf-8").splitlines(), 1):
        try:
            rows[number] = json.loads(line)
        except json.JSONDecodeError:
            rows[number] = {"personIdNo": None}
    return {"zoufang.jsonl": rows}


def f13(folder: Path) -> Rows:
    return {path.name: dict(enumerate(json.loads(path.read_text("utf-8")), 1)) for path in folder.iterdir()}


def f15(folder: Path) -> Rows:
    risks = pl.read_parquet(folder / "risk_list.parquet")
    files: Rows = {"risk_list.parquet": dict(enumerate(risks.iter_rows(named=True), 1))}
    for path in folder.glob("nat-*.csv.gz"):
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
        files[path.name] = dict(enumerate(csv.DictReader(lines), 2))
    return files


def _array(path: Path) -> Rows:
    return {path.name: dict(enumerate(json.loads(path.read_text("utf-8")), 1))}


def _lines(path: Path) -> Rows:
    return {path.name: {n: json.loads(text) for n, text in enumerate(path.read_text("utf-8").splitlines(), 1)}}


def f26(folder: Path) -> Rows:
    parts = folder / "bujian.csv"
    return _table(folder / "wangge.db", "V_GRID_CASE") | (_csv(parts, "utf-8", 1) if parts.exists() else {})


def f27(folder: Path) -> Rows:
    lines = folder / "gongdan.jsonl"
    return _sheets(folder / "12345.xlsx", 1) | (_lines(lines) if lines.exists() else {})


def f30(folder: Path) -> Rows:
    parts = [path for path in (folder / "bdc_ql.csv", folder / "zjd.csv") if path.exists()]
    return {name: rows for path in parts for name, rows in _csv(path, "gb18030", 1).items()}


def f16(folder: Path) -> Rows:
    password = (folder.parents[3] / "vault" / "passwords" / "F16").read_bytes().strip()
    with zipfile.ZipFile(folder / "jwgl.zip") as archive:
        inner = archive.read(archive.namelist()[0], pwd=password)
    sheet = openpyxl.load_workbook(io.BytesIO(inner))["患者"]
    header, *rows = sheet.iter_rows(values_only=True)
    return {"jwgl.zip#患者": {number: dict(zip(header, row, strict=True)) for number, row in enumerate(rows, 2)}}


def f17(folder: Path) -> Rows:
    files: Rows = {}
    for path in folder.glob("xueji-*.xlsx"):
        files |= _sheets(path, 1)
    return files


READERS = {
    "B01": b01,
    "B02": b02,
    "B03": b03,
    "B04": b04,
    "B05": b05,
    "F01": f01,
    "F02": f02,
    "F06": f06,
    "F08": f08,
    "F11": f11,
    "F03": lambda folder: _sheets(folder / "jwry.xlsx", 3),
    "F09": lambda folder: _sheets(folder / "tyjr.xlsx", 2),
    "F16": f16,
    "F17": f17,
    "F04": f04,
    "F05": lambda folder: _table(folder / "ylfw.db", "V_YLFW"),
    "F07": lambda folder: _csv(folder / "hunbin.txt", "utf-8-sig", 1, "|"),
    "F10": lambda folder: _csv(folder / "pinggu.csv", "utf-8", 1),
    "F12": lambda folder: _csv(folder / "quanyuan.csv", "gb18030", 1),
    "F13": f13,
    "F15": f15,
    "F14": lambda folder: _csv(folder / "jiezhong.tsv", "utf-8", 1, "\t"),
    "F18": lambda folder: _csv(folder / "jiuye.csv", "gbk", 1),
    "F19": lambda folder: _csv(folder / "shangye.csv", "utf-8-sig", 1, ";"),
    "F20": lambda folder: _sheets(folder / "dangyuan.xlsx", 2),
    "F21": lambda folder: _array(folder / "qunzuan.json"),
    "F22": lambda folder: _sheets(folder / "wenhua.xlsx", 1),
    "F23": lambda folder: _csv(folder / "shebei.txt", "gb18030", 1, "^"),
    "F24": lambda folder: _array(folder / "tiaojie.json"),
    "F25": lambda folder: _csv(folder / "quanzu.csv", "gbk", 1) | _csv(folder / "jifang.csv", "gbk", 1),
    "F26": f26,
    "F27": f27,
    "F28": lambda folder: _csv(folder / "ljfl.csv", "utf-8", 1),
    "F29": lambda folder: _sheets(folder / "wuye.xlsx", 1, "注", "备注"),
    "F30": f30,
    "F31": lambda folder: _csv(folder / "chengyuan.csv", "gbk", 1) | _sheets(folder / "sanzi.xlsx", 1),
    "F32": lambda folder: {"corp_info.parquet": _parquet(folder / "corp_info.parquet")},
    "F33": lambda folder: _lines(folder / "yinhuan.jsonl"),
    "F34": f34,
    "I01": lambda folder: _sheets(folder / "taizhang.xlsx", 2),
    "I02": lambda folder: _lines(folder / "mobil.jsonl"),
    "I03": lambda folder: _lines(folder / "forum.jsonl"),
    "I04": lambda folder: _lines(folder / "report.jsonl"),
    "I05": lambda folder: _lines(folder / "mediation.jsonl"),
    "I06": lambda folder: _lines(folder / "volunteer.jsonl"),
    "I07": lambda folder: _lines(folder / "vendor.jsonl"),
    "I08": lambda folder: _lines(folder / "points.jsonl"),
    "I09": lambda folder: _lines(folder / "account.jsonl"),
    "I10": lambda folder: _lines(folder / "groupbuy.jsonl"),
    "I11": lambda folder: _lines(folder / "need.jsonl"),
    "I13": lambda folder: _lines(folder / "code.jsonl"),
}
