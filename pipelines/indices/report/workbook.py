"""The same report as one workbook: scores, indicators with small cells hidden, what to improve first, doubt.

Text is written as text, so that no name becomes a formula. Not here: pages.
"""

from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.indices.report.facts import LEVELS, STATUS, Area, Facts
from pipelines.indices.report.pages import HIDDEN, status_words, unknown_words, why_words

_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


def write_workbook(facts: Facts, path: Path) -> None:
    """Write report.xlsx."""
    with xlsxwriter.Workbook(str(path), _SAFE) as book:
        bold = book.add_format({"bold": True, "bg_color": "#e4e7eb", "font_color": "#1f2933"})

        def sheet(name: str, head: list[str], rows: list[list[Any]]) -> None:
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            for column, words in enumerate(head):
                page.write_string(0, column, words, bold)
                page.set_column(column, column, _width([words, *(row[column] for row in rows)]))
            page.autofilter(0, 0, len(rows), len(head) - 1)
            for number, row in enumerate(rows, start=1):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        page.write_string(number, column, value)
                    elif value is not None:
                        page.write_number(number, column, value)

        sheet("说明", ["项目", "内容"], _notes(facts))
        nodes = [facts.root, *facts.dimensions]
        head = ["层级", "代码", "名称"]
        for node in nodes:
            head += [facts.name(node), f"{facts.name(node)}位次", f"{facts.name(node)}状态"]
        sheet("得分", head, [_scores(facts, area, nodes) for area in _areas(facts)])
        columns = [
            "层级",
            "代码",
            "名称",
            "维度",
            "指标代码",
            "指标",
            "实测值",
            "采用值",
            "单位",
            "得分",
            "贡献",
            "情况不明",
            "状态",
            "采用值、得分为何与实测值不同",
        ]
        sheet("指标", columns, [row for area in _areas(facts) for row in _cells(facts, area)])
        columns = [
            "层级",
            "代码",
            "名称",
            "维度",
            "指标",
            "现得分",
            "若达目标维度得分提高",
            f"{facts.name(facts.root)}提高",
        ]
        sheet("先改什么", columns, [row for area in _areas(facts) for row in _gains(facts, area)])
        columns = [
            "代码",
            "名称",
            "维度",
            "位次",
            "换方法位次下限",
            "换方法位次上限",
            "抽样误差得分下限",
            "抽样误差得分上限",
        ]
        sheet("可靠程度", columns, [row for area in _areas(facts) for row in _doubt(facts, area)])
        columns = ["维度", "方法上的选择", "可选做法", "单独影响", "总影响", "总影响下限", "总影响上限"]
        sheet("方法敏感性", columns, [_effect(facts, effect) for effect in facts.effects])


def _width(values: list[Any]) -> int:
    """Return the width that shows a column's longest text, within reason; a Chinese character is two wide."""
    widest = max(sum(2 if ord(letter) > 255 else 1 for letter in str(value)) for value in values if value is not None)
    return min(60, max(8, widest + 3))


def _areas(facts: Facts) -> list[Area]:
    return [area for level in reversed(facts.levels()) for _, area in sorted(facts.areas.get(level, {}).items())]


def _notes(facts: Facts) -> list[list[Any]]:
    edition = facts.edition
    least, few = edition["least_n"], edition["least_count"] - 1
    rule = f"样本少于{least}，或计数为1至{few}的数值以{HIDDEN}代替；同一维度、同一镇内各村居至少隐藏两项"
    return [
        ["指数", edition["name"]],
        ["方法版本", edition["edition"]],
        ["方法指纹", edition["fingerprint"]],
        ["数据日期", f"{edition['as_of']:%Y-%m-%d}"],
        ["约定", edition["conventions"]],
        ["隐藏规则", rule],
        ["实测值与采用值", "计数少的村居，实测值与全区水平按数量合计为采用值，得分由采用值算出"],
        ["缺数据", "维度不足五分之三权重时不予计算，不作估计"],
    ]


def _scores(facts: Facts, area: Area, nodes: list[str]) -> list[Any]:
    row: list[Any] = [LEVELS.get(area.level, area.level), area.code, area.name]
    for node in nodes:
        score = area.scores[node]
        row += [
            None if score["score"] is None else round(score["score"], 1),
            score["rank"],
            STATUS.get(score["status"], score["status"]),
        ]
    return row


def _cells(facts: Facts, area: Area) -> list[list[Any]]:
    rows = []
    for node in facts.dimensions:
        for code in facts.indicators(node):
            cell, part = area.cells.get(code), facts.parts[code]
            if cell is None:
                continue
            secret = code in area.hidden
            shown = [
                HIDDEN if secret else _short(cell["observed"], 4),
                HIDDEN if secret else _short(cell.get("used", cell["treated"]), 1),
                part["unit"],
                HIDDEN if secret else _short(cell["normalised"], 2),
                HIDDEN if secret else _short(cell.get("contribution"), 4),
            ]
            rows.append(
                [
                    LEVELS.get(area.level, area.level),
                    area.code,
                    area.name,
                    facts.name(node),
                    code,
                    part["name"],
                    *shown,
                    unknown_words(facts, cell, secret),
                    status_words(cell, secret),
                    why_words(facts, code, cell, secret),
                ]
            )
    return rows


def _short(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _gains(facts: Facts, area: Area) -> list[list[Any]]:
    rows = []
    for gain in facts.first_to_improve(area):
        start = [LEVELS.get(area.level, area.level), area.code, area.name, facts.name(gain["node_code"])]
        numbers = [round(gain["score"], 2), round(gain["gain"], 2), _short(gain["whole"], 2)]
        rows.append([*start, facts.name(gain["part_code"]), *numbers])
    return rows


def _doubt(facts: Facts, area: Area) -> list[list[Any]]:
    rows = []
    for node in (facts.root, *facts.dimensions):
        method, sample, score = area.method.get(node), area.sampling.get(node), area.scores[node]
        if method is None or sample is None:
            continue
        shown = score["rank"] is not None
        bands = [round(method[key], 1) for key in ("rank_low", "rank_high")]
        ranks = [score["rank"], *bands] if shown else [None, None, None]
        rows.append(
            [
                area.code,
                area.name,
                facts.name(node),
                *ranks,
                round(sample["score_low"], 1),
                round(sample["score_high"], 1),
            ]
        )
    return rows


def _effect(facts: Facts, effect: dict[str, Any]) -> list[Any]:
    known = facts.factor_name(effect["factor"])
    numbers = [round(effect[key], 4) for key in ("first", "total", "total_low", "total_high")]
    return [facts.name(effect["part_code"]), known, facts.choice_names(effect["choices"]), *numbers]
