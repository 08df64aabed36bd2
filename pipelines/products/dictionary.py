"""Data dictionaries of products, in Chinese, as Markdown to read and as a workbook to sort.

Everything in them comes from the declarations and from which deliveries were in use; no sentence is written twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import xlsxwriter

from pipelines.products.declarations import AUTO, CLASSES, KEY, MANUAL, PENDING, VILLAGE, Column, Declarations, Ledger
from pipelines.products.panel import Panel
from pipelines.products.workbooks import WRITTEN_AS

_ROLE_WORDS = {
    AUTO: "自动填充",
    MANUAL: "村居填写",
    PENDING: "待接入",
    VILLAGE: "所属村居",
    KEY: "内部主键（不输出）",
}
_CLASS_WORDS = {"public": "公开", "internal": "内部", "sensitive": "敏感", "restricted": "限制"}
_TYPE_WORDS = {"varchar": "文本", "integer": "整数", "date": "日期", "boolean": "是否"}
_COLUMN_HEAD = ("栏目", "字段名", "类型", "填写方式", "取自", "来源", "数据日期", "敏感级别", "说明")
_MEASURE_HEAD = ("项目", "指标", "单位", "口径", "来源", "数据日期", "更新", "村级隐藏规则")

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class _Part:
    """One ledger or panel: its heading, lines about it as a whole, and a table."""

    heading: str
    notes: list[str]
    head: tuple[str, ...]
    rows: Rows


def write(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    panels: Iterable[Panel],
    out_dir: Path,
    as_of: date,
    tag_names: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes `dictionary/ledgers.{md,xlsx}` and `dictionary/dashboards.{md,xlsx}` below `out_dir`; returns the files.

    `tag_names` gives the Chinese name of each tag, for the line that says how rows were selected.
    """
    dates = {
        feed: f"{day}{'（陈旧）' if stale else ''}"
        for feed, day, stale in connection.execute(
            "select feed, business_on, is_stale from subjects.feed_status where business_on is not null"
        ).fetchall()
    }
    counts = {
        ledger.model: connection.execute(f"select count(*) from products.{ledger.model}").fetchall()[0][0]
        for ledger in declarations.ledgers
    }
    folder = out_dir / "dictionary"
    folder.mkdir(parents=True, exist_ok=True)
    ledgers = [
        _Part(
            heading=f"{x.code} {x.title}",
            notes=_ledger_lines(x, declarations, counts[x.model], tag_names or {}),
            head=_COLUMN_HEAD,
            rows=[_column_row(c, declarations, dates) for c in x.columns],
        )
        for x in declarations.ledgers
    ]
    boards = [_Part(p.title, [f"主管部门：{p.owner}"], _MEASURE_HEAD, _measure_rows(p, dates)) for p in panels]
    written = []
    for name, title, parts in (("ledgers", "台账数据字典", ledgers), ("dashboards", "大屏指标字典", boards)):
        written.append(_write_markdown(folder / f"{name}.md", title, parts, as_of))
        written.append(_write_workbook(folder / f"{name}.xlsx", title, parts))
    return written


def _ledger_lines(ledger: Ledger, declarations: Declarations, count: int, tag_names: Mapping[str, str]) -> list[str]:
    chosen = "、".join(f"{tag_names.get(code, '')}（{code}）" for code in ledger.selection)
    return [
        f"用途：{ledger.purpose}",
        f"依据：{ledger.legal_basis}",
        f"主管部门：{ledger.owner}；更新：{ledger.cadence}；镇街审核：{ledger.town_review}",
        f"使用范围：{declarations.audiences[ledger.audience].label}",
        f"入账条件：{f'具有标签 {chosen}' if chosen else ledger.selection_note}",
        f"行数：{count}",
    ]


def _column_row(column: Column, declarations: Declarations, dates: Mapping[str, str]) -> tuple[str, ...]:
    attributes = [declarations.attributes[source] for source in column.sources]
    feeds = declarations.feeds_of(column)
    strictest = max((a.sensitivity for a in attributes), key=CLASSES.index, default="")
    data_type = column.data_type.split("(")[0]
    return (
        column.label,
        column.name,
        _TYPE_WORDS.get(data_type, "数值"),
        _ROLE_WORDS[column.role],
        "、".join(f"{declarations.labels[a.name.split('.')[0]]}.{a.label}" for a in attributes),
        "、".join(feeds),
        _days(feeds, dates),
        _CLASS_WORDS.get(strictest, ""),
        column.description,
    )


def _days(feeds: Iterable[str], dates: Mapping[str, str]) -> str:
    return "、".join(f"{feed} {dates.get(feed, '未接入')}" for feed in feeds)


def _measure_rows(panel: Panel, dates: Mapping[str, str]) -> Rows:
    rows: Rows = []
    for item in panel.items:
        days, feeds = _days(item.feeds, dates), "、".join(item.feeds)
        for m in item.measures:
            rule = f"少于{m.threshold}时隐藏，并作互补隐藏" if m.threshold else "不隐藏"
            if m.ratio:
                rule = f"分子或分母隐藏时隐藏；分母少于{m.min_denominator}时隐藏"
                words = f"{m.ratio[0]} ÷ {m.ratio[1]}"
            else:
                words = item.definition
            rows.append((item.name, m.name, m.unit, words, feeds, days, item.refresh, rule))
        for name in item.nodes.values():
            rows.append((item.name, name, "分", item.definition, feeds, days, item.refresh, "不隐藏"))
        if not item.measures and not item.nodes:
            rows.append((item.name, "（按类别）", "个", item.definition, feeds, days, item.refresh, "不隐藏"))
    return rows


def _write_markdown(path: Path, title: str, parts: Iterable[_Part], as_of: date) -> Path:
    lines = [f"# {title}", "", f"数据日期：{as_of:%Y-%m-%d}", ""]
    for part in parts:
        lines += [f"## {part.heading}", "", *[f"- {note}" for note in part.notes], ""]
        lines += ["| " + " | ".join(part.head) + " |", "|" + "---|" * len(part.head)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in part.rows]
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _write_workbook(path: Path, title: str, parts: Iterable[_Part]) -> Path:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": title, "created": WRITTEN_AS})
        bold = book.add_format({"bold": True, "bg_color": "#BFBFBF", "border": 1})
        for part in parts:
            # A sheet's name has at most 31 places and none of these.
            sheet = book.add_worksheet("".join(c for c in part.heading if c not in "[]:*?/\\")[:31])
            for row, note in enumerate(part.notes):
                sheet.write_string(row, 0, note)
            top = len(part.notes) + 1
            sheet.freeze_panes(top + 1, 0)
            sheet.set_column(0, len(part.head) - 1, 20)
            for i, word in enumerate(part.head):
                sheet.write_string(top, i, word, bold)
            for r, cells in enumerate(part.rows, top + 1):
                for i, cell in enumerate(cells):
                    sheet.write_string(r, i, cell)
    return path
