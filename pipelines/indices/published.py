"""Taking apart a score that is already published: the same answer as `explain`, read from a database's index tables.

Not here: building an index (`build`) and explaining a built one (`explain`).
"""

from pathlib import Path
from typing import Any

import duckdb

from pipelines.indices.problems import DataError, nearest, some

_STAGES = ("shrunk", "imputed", "transformed", "treated", "normalised")


def explain_published(database: Path, area: str, index: str, node: str | None = None) -> dict[str, Any]:
    """Return an area's score, rank, parts with contributions, and gaps, from a release or a run's database.

    `area` is a code or a full name; `node` defaults to the root. Raises `DataError` for an unknown index, area or node.
    """
    if not database.is_file():
        raise DataError(f"there is no database '{database}'")
    with duckdb.connect(str(database), read_only=True) as connection:

        def rows(text: str, *values: object) -> list[dict[str, Any]]:
            return connection.sql(text, params=list(values)).pl().to_dicts()

        editions = rows("select * from indices.index_edition order by valid_from, edition")
        named = [row for row in editions if row["index"] == index]
        if not named:
            raise DataError(f"no index '{index}' is published{nearest(index, [row['index'] for row in editions])}")
        edition = named[-1]["edition"]
        scores = rows(
            "select * from indices.index_score where index = ? and edition = ? and (area_code = ? or area_name = ?)",
            *(index, edition, area, area),
        )
        if not scores:
            known = rows("select distinct area_name from indices.index_score where area_name is not null order by all")
            raise DataError(f"no area '{area}'{nearest(area, [row['area_name'] for row in known])}")
        code, level = scores[0]["area_code"], scores[0]["level"]
        others = sorted({row["area_code"] for row in scores})
        if len(others) > 1:
            raise DataError(f"'{area}' is the name of {some(others)}: give the code")
        parts = {
            row["part_code"]: row
            for row in rows("select * from indices.index_part where index = ? and edition = ?", index, edition)
        }
        root = next(row["part_code"] for row in parts.values() if row["kind"] == "node" and row["parent_code"] is None)
        wanted = node or root
        score = next((row for row in scores if row["part_code"] == wanted), None)
        if score is None:
            raise DataError(f"unknown node '{wanted}'{nearest(wanted, [row['part_code'] for row in scores])}")
        key = (index, edition, level, code)
        where = "where index = ? and edition = ? and level = ? and area_code = ?"
        cells = {row["part_code"]: row for row in rows(f"select * from indices.index_cell {where}", *key)}
        found = rows(
            f"select * from indices.index_explanation {where} and node_code = ? order by contribution desc, part_code",
            *key,
            wanted,
        )
    below = _below(parts, wanted)
    return {
        "area": code,
        "period": None,
        "node": wanted,
        "score": score["score"],
        "rank": score["rank"],
        "availability": score["availability_exact"],
        "status": score["status"],
        "edition": edition,
        "parts": [_part(row, parts, cells) for row in found],
        "gaps": [
            {"indicator": name, "status": cell["status"], "reasons": [cell["reason"]] if cell["reason"] else []}
            for name, cell in cells.items()
            if name in below and cell["normalised"] is None
        ],
    }


def _part(row: dict[str, Any], parts: dict[str, dict[str, Any]], cells: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if row["kind"] == "rest":
        return {"part": row["part_code"], "kind": "rest", "contribution": row["contribution"]}
    cell, part = cells[row["part_code"]], parts[row["part_code"]]
    stages = {"numerator": cell["numerator"], "denominator": cell["denominator"], "denominated": cell["observed"]}
    stages |= {stage: cell[stage] for stage in _STAGES}
    return {
        "part": row["part_code"],
        "kind": "indicator",
        "name": part["name"] or part["name_en"],
        "unit": part["unit"],
        **stages,
        "score": row["score"],
        "weight": row["weight"],
        "contribution": row["contribution"],
        "status": row["status"],
        "reasons": [cell["reason"]] if cell["reason"] else [],
        # A release of before values were explained has no words.
        "why": cell.get("why"),
    }


def _below(parts: dict[str, dict[str, Any]], node: str) -> set[str]:
    """Return the indicators below a node."""
    found: set[str] = set()
    for code, part in parts.items():
        if part["kind"] != "indicator":
            continue
        above = part["parent_code"]
        while above is not None and above != node:
            above = parts[above]["parent_code"]
        if above == node:
            found.add(code)
    return found
