"""What a report shows, read once from a database with schema `indices`: scores, cells, gains, doubt.

Belongs here: reading and joining. Not here: what may not be shown (`hiding`) and how anything looks (`plots`, `pages`,
`workbook`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.indices.editions import fingerprint
from pipelines.indices.load import load_spec
from pipelines.indices.past import date_of, past
from pipelines.indices.problems import DataError, nearest

STATUS = {
    "computed": "已计算",
    "insufficient": "数据不足，不予计算",
    "no_data": "无数据",
    "not_applicable": "不适用",
    "screened_out": "未纳入",
    "imputed": "填补",
    "rank_hidden": "人口过少，不排名",
    "observed": "有数据",
    "zero": "零值",
    "missing": "缺数据",
    "treated": "已处理",
}
LEVELS = {"village": "村居", "town": "镇（街道）", "district": "区"}
FACTORS = {
    "normalise": "标准化方法",
    "treat": "异常值处理",
    "impute": "缺失值填补",
    "aggregate": "合成方法",
    "weights": "权重方法",
    "weight_noise": "权重浮动",
    "drop": "剔除单项指标",
}
CHOICES = {
    "declared": "现行做法",
    "none": "不处理",
    "minmax": "最小最大值",
    "zscore": "标准分",
    "rank": "位次",
    "percentile_rank": "百分位",
    "goalposts": "固定目标值",
    "winsorise": "缩尾",
    "percentile_clip": "百分位截断",
    "mean": "均值",
    "median": "中位数",
    "arithmetic": "算术平均",
    "geometric": "几何平均",
    "harmonic": "调和平均",
    "equal": "等权",
    "entropy": "熵权",
    "critic": "CRITIC",
}


@dataclass
class Area:
    """One area and everything known of it; keys of dictionaries are codes of nodes or indicators."""

    code: str
    name: str
    level: str
    parent: str | None
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    gains: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    method: dict[str, dict[str, Any]] = field(default_factory=dict)
    sampling: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)


@dataclass
class Facts:
    """A report's content: the edition, parts by code in order, areas by level and code, findings about the method."""

    edition: dict[str, Any]
    parts: dict[str, dict[str, Any]]
    areas: dict[str, dict[str, Area]]
    effects: list[dict[str, Any]]
    associations: list[dict[str, Any]]
    influence: list[dict[str, Any]]
    spread: list[dict[str, Any]] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Code of the root node."""
        return next(code for code, part in self.parts.items() if part["kind"] == "node" and part["parent_code"] is None)

    @property
    def open(self) -> set[str]:
        """Codes of indicators that count no people; none in a database of before there was such a list."""
        return set((self.edition.get("open") or "").split(";")) - {""}

    @property
    def dimensions(self) -> list[str]:
        """Codes of the root's child nodes."""
        return [
            code for code, part in self.parts.items() if part["kind"] == "node" and part["parent_code"] == self.root
        ]

    def indicators(self, node: str) -> list[str]:
        """Codes of the indicators directly below a node."""
        return [
            code for code, part in self.parts.items() if part["kind"] == "indicator" and part["parent_code"] == node
        ]

    def name(self, code: str) -> str:
        """A part's Chinese name, or its code."""
        return self.parts[code]["name"] or code if code in self.parts else code

    def levels(self) -> list[str]:
        """Levels from the units up."""
        higher = [level for level in self.edition["levels"].split(";") if level]
        return [self.edition["unit_level"], *higher]

    def top_name(self) -> str:
        """Name of the whole: the one area of the highest level."""
        highest = self.areas.get(self.levels()[-1], {})
        return next(iter(highest.values())).name if len(highest) == 1 else LEVELS.get(self.levels()[-1], "")

    def factor_name(self, factor: str) -> str:
        """Name a choice of the method and, where it holds for some parts only, those parts."""
        key = max((key for key in FACTORS if factor == key or factor.startswith(f"{key}_")), key=len, default="")
        if not key:
            return factor
        parts = [code for code in factor.removeprefix(key).strip("_").split("_") if code in self.parts]
        if len(parts) == len(self.dimensions):
            return f"{FACTORS[key]}（各维度内）"
        return f"{FACTORS[key]}（{'、'.join(self.name(code) for code in parts)}）" if parts else FACTORS[key]

    def choice_names(self, choices: str) -> str:
        """Name the choices of a factor, written `minmax (range …); zscore (…)`, without their parameters."""
        names = [choice.split(" (")[0].strip() for choice in choices.split("; ") if choice]
        return "、".join(CHOICES.get(name, name) for name in names)

    def first_to_improve(self, area: Area) -> list[dict[str, Any]]:
        """Indicators by what the whole index (else the dimension) would gain if they were as good as can be.

        A hidden indicator is left out: its place in the order would tell its score. `whole` is None without an index.
        """
        whole = {gain["part_code"]: gain["gain"] for gain in area.gains.get(self.root, [])}
        rows = [
            {**gain, "node_code": node, "whole": whole.get(gain["part_code"])}
            for node in self.dimensions
            for gain in area.gains.get(node, [])
            if gain["gain"] > 0 and gain["part_code"] not in area.hidden
        ]
        return sorted(rows, key=lambda row: (-(row["whole"] or 0.0), -row["gain"], row["part_code"]))

    def villages_of(self, town: str) -> list[Area]:
        """The units of an area of the level above them, by code."""
        return [area for _, area in sorted(self.areas[self.levels()[0]].items()) if area.parent == town]


def _rows(connection: duckdb.DuckDBPyConnection, table: str, index: str, edition: str) -> list[dict[str, Any]]:
    text = f"select * from indices.{table} where index = ? and edition = ?"
    return connection.sql(text, params=[index, edition]).pl().to_dicts()


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Say whether the database has a table; one of an earlier version may lack the newest."""
    text = "select table_name from information_schema.tables where table_schema = 'indices'"
    return (table,) in connection.sql(text).fetchall()


def read_facts(database: Path, index: str, history: list[Path] | None = None, specs: Path | None = None) -> Facts:
    """Read one index from a run's database or a release; `history` are databases of earlier dates for trends.

    A date scored under another edition is scored again under this one if `specs`, the folder of specifications, holds
    it unchanged; without it such a date has no point. Raises `DataError` if the database has no such index.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        editions = connection.sql("select * from indices.index_edition").pl().to_dicts()
        found = [row for row in editions if row["index"] == index]
        if not found:
            raise DataError(f"{database.name} has no index '{index}'{nearest(index, [e['index'] for e in editions])}")
        edition = max(found, key=lambda row: (row["valid_from"] or "", row["edition"]))
        key = index, edition["edition"]
        parts = {
            row["part_code"]: row for row in sorted(_rows(connection, "index_part", *key), key=lambda r: r["position"])
        }
        facts = Facts(
            edition=edition,
            parts=parts,
            areas={},
            effects=_rows(connection, "index_method_effect", *key),
            associations=_rows(connection, "index_association", *key),
            influence=_rows(connection, "index_influence", *key),
            spread=_rows(connection, "index_spread", *key) if _has(connection, "index_spread") else [],
        )
        _add_areas(facts, connection, key)
        _add_details(facts, connection, key)
    for path in reversed(history or []):
        _add_history(facts, path, key, specs)
    for areas in facts.areas.values():
        for area in areas.values():
            for points in area.history.values():
                points.sort()
    return facts


def _add_areas(facts: Facts, connection: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> None:
    villages = connection.sql("select village_code, town_code, town_name from subjects.village").pl().to_dicts()
    towns = {row["village_code"]: row["town_code"] for row in villages}
    for row in _rows(connection, "index_score", *key):
        areas = facts.areas.setdefault(row["level"], {})
        name = row["area_name"] or (LEVELS["district"] if row["level"] == "district" else row["area_code"])
        area = areas.setdefault(
            row["area_code"], Area(row["area_code"], name, row["level"], towns.get(row["area_code"]))
        )
        area.scores[row["part_code"]] = row
        if row["score"] is not None:
            area.history.setdefault(row["part_code"], []).append((row["as_of"].isoformat(), row["score"]))


def _add_details(facts: Facts, connection: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> None:
    for row in _rows(connection, "index_cell", *key):
        facts.areas[row["level"]][row["area_code"]].cells[row["part_code"]] = row
    contributions = _rows(connection, "index_explanation", *key)
    for row in contributions:
        cells = facts.areas[row["level"]][row["area_code"]].cells
        if row["kind"] == "indicator" and row["node_code"] in facts.dimensions:
            cells[row["part_code"]]["contribution"] = row["contribution"]
    _add_unknown(facts, connection)
    for row in _rows(connection, "index_gain", *key):
        gains = facts.areas[row["level"]][row["area_code"]].gains.setdefault(row["node_code"], [])
        gains.append(row)
    units = facts.areas[facts.levels()[0]]
    for row in _rows(connection, "index_method_doubt", *key):
        units[row["area_code"]].method[row["part_code"]] = row
    for row in _rows(connection, "index_sampling_doubt", *key):
        units[row["area_code"]].sampling[row["part_code"]] = row
    for areas in facts.areas.values():
        for area in areas.values():
            for gains in area.gains.values():
                gains.sort(key=lambda row: (-row["gain"], row["part_code"]))


def _add_unknown(facts: Facts, connection: duckdb.DuckDBPyConnection) -> None:
    """Add to cells how many could not be counted (`n_unknown`), of areas the sum over their units."""
    found = connection.sql("select village_code, part_code, n_unknown from indices.indicator_value").fetchall()
    units, *higher = facts.levels()
    for code, indicator, unknown in found:
        unit = facts.areas[units].get(code)
        if unit is None or unknown is None:
            continue
        above = [area for level in higher for area in _above(facts, level, unit)]
        for area in (unit, *above):
            if indicator in area.cells:
                area.cells[indicator]["n_unknown"] = area.cells[indicator].get("n_unknown", 0) + int(unknown)


def _above(facts: Facts, level: str, unit: Area) -> list[Area]:
    areas = facts.areas.get(level, {})
    return [area for code, area in areas.items() if code == unit.parent or len(areas) == 1]


def _add_history(facts: Facts, path: Path, key: tuple[str, str], specs: Path | None) -> None:
    """Add the scores of an earlier date; of two databases of one date the one read first counts."""
    with duckdb.connect(str(path), read_only=True) as connection:
        day = date_of(connection, path)
        if day >= facts.edition["as_of"]:
            return
        rows = _rows(connection, "index_score", *key)
    if not rows and specs is not None:
        rows = _rescored(facts, path, specs / facts.edition["specification"])
    for row in rows:
        area = facts.areas.get(row["level"], {}).get(row["area_code"])
        if area is None or row["score"] is None:
            continue
        points = area.history.setdefault(row["part_code"], [])
        if day.isoformat() not in {known for known, _ in points}:
            points.append((day.isoformat(), row["score"]))


def _rescored(facts: Facts, path: Path, file: Path) -> list[dict[str, Any]]:
    """Score an earlier date under the report's edition, whose file must still be the method the report shows."""
    spec = load_spec(file)
    if fingerprint(spec) != facts.edition["fingerprint"]:
        raise DataError(f"'{file.name}' is not the method of edition {facts.edition['edition']} any more")
    return past(spec, [path]).scores().rename({"node": "part_code"}).to_dicts()
