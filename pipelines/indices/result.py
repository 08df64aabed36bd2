"""What a build returns: scores, cells with lineage, weights and fitted numbers, as frames and as arrays.

Belongs here: shaping and writing. Not here: taking a score apart (`explain`) or judging it (`sensitivity`,
`associations`).
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.cells import STATUS_NAMES, Array, Cells, Mask
from pipelines.indices.normalise import FittedNorm
from pipelines.indices.numerics import rank_descending
from pipelines.indices.problems import DataError, nearest
from pipelines.indices.spec import IndexSpec, weights_of
from pipelines.indices.table import Table
from pipelines.indices.treat import Fitted
from pipelines.indices.tree import COMPUTED, Fits, Leaves, NodeScores

STAGES = ("raw", "denominated", "shrunk", "imputed", "transformed", "treated", "normalised")
# What a shrunk value rests on, and the rate of the level above it was pulled to, in the indicator's unit.
PULLED_BY = ("shrink_n", "shrink_rate")
DECIMALS = 10


@dataclass
class LevelResult:
    """One level's arrays: rows are areas and periods; `ranked` marks the rows that take part in ranks."""

    level: str
    codes: tuple[str, ...]
    names: list[str | None]
    periods: tuple[str, ...]
    ranked: Mask
    leaves: Leaves
    nodes: dict[str, NodeScores]
    stages: dict[str, Array]
    numerator: Array
    denominator: Array
    status: NDArray[np.int8]
    reasons: dict[tuple[int, int], list[str]]

    def row(self, code: str, period: str | None = None) -> int:
        """Return the row of an area; without a period, its latest one."""
        found = [n for n, c in enumerate(self.codes) if c == code and period in (None, self.periods[n])]
        if not found:
            hint = nearest(code, set(self.codes))
            raise DataError(
                f"level '{self.level}' has no area '{code}'{hint}" + (f" in period {period}" if period else "")
            )
        return found[-1]

    def period_rows(self) -> list[tuple[str, NDArray[np.intp]]]:
        """Return each period with its rows, in the order of the rows."""
        periods = np.array(self.periods)
        return [(period, np.flatnonzero(periods == period)) for period in dict.fromkeys(self.periods)]


@dataclass
class Result:
    """A built index: the specification, the cells of the units, what was fitted, and one `LevelResult` a level."""

    spec: IndexSpec
    table: Table
    cells: Cells
    fits: Fits
    norms: dict[tuple[str, str], FittedNorm]
    treatments: dict[tuple[str, str], Fitted]
    levels: dict[str, LevelResult] = field(default_factory=dict)

    @property
    def units(self) -> LevelResult:
        """The level of the units themselves."""
        return self.levels[self.spec.units.level]

    def ranks(self, level: str, node: str) -> Array:
        """Rank a node's scores in each period, best first; NaN without a score, for reference and hidden rows."""
        at = self.levels[level]
        rule, decimals = self.spec.rank, self.spec.conventions.rank_decimals
        ranks = np.full(len(at.codes), np.nan)
        scores = at.nodes[node].score * self.spec.rank_sign(node)
        for _, rows in at.period_rows():
            taking_part = rows[at.ranked[rows]]
            ranks[taking_part] = rank_descending(scores[taking_part], rule.ties, decimals)
        ranks[self.hidden(level)] = np.nan
        return ranks

    def hidden(self, level: str) -> Mask:
        """Mark units too small to publish a rank for."""
        rule, at = self.spec.rank, self.levels[level]
        if level != self.spec.units.level or rule.hide_column is None or rule.hide_below is None:
            return np.zeros(len(at.codes), dtype=bool)
        size = self.table.numbers(rule.hide_column, "rank.hide_column")
        return ~(size >= rule.hide_below)

    def scores(self, level: str | None = None) -> pl.DataFrame:
        """Return one row a level, area, period and node: score, rank, availability, status."""
        self._known(level)
        parts = [self._scores(name) for name in self.levels if level in (None, name)]
        return pl.concat(parts)

    def _known(self, level: str | None) -> None:
        if level is not None and level not in self.levels:
            raise DataError(f"unknown level '{level}'{nearest(level, self.levels)}")

    def _scores(self, level: str) -> pl.DataFrame:
        at = self.levels[level]
        count = len(at.codes)
        hidden = self.hidden(level)
        parts = []
        for node in self.spec.nodes:
            found = at.nodes[node.code]
            status = np.where(hidden & (found.status == COMPUTED), "rank_hidden", found.status)
            parts.append(
                {
                    "index": [self.spec.index] * count,
                    "edition": [self.spec.edition] * count,
                    "level": [level] * count,
                    "area_code": list(at.codes),
                    "area_name": at.names,
                    "period": list(at.periods),
                    "node": [node.code] * count,
                    "score": stored(found.score),
                    "rank": stored(self.ranks(level, node.code)),
                    "availability": [None if share is None else float(share) for share in found.availability],
                    "availability_exact": [None if share is None else str(share) for share in found.availability],
                    "status": status.tolist(),
                }
            )
        schema = {
            **dict.fromkeys(("index", "edition", "level", "area_code", "area_name", "period", "node"), pl.String),
            **dict.fromkeys(("score", "rank", "availability"), pl.Float64),
            **dict.fromkeys(("availability_exact", "status"), pl.String),
        }
        frame = pl.concat([pl.DataFrame(part, schema=schema) for part in parts])
        return frame.with_columns(pl.col("rank").cast(pl.Float64))

    def wide(self, level: str | None = None) -> pl.DataFrame:
        """Return one row an area and period with one column a node; without a level, the units."""
        self._known(level)
        at = self.levels[level or self.spec.units.level]
        columns: dict[str, Any] = {"area_code": list(at.codes), "period": list(at.periods)}
        columns.update({node.code: stored(at.nodes[node.code].score) for node in self.spec.nodes})
        return pl.DataFrame(columns)

    def lineage(self, level: str | None = None) -> pl.DataFrame:
        """Return one row a cell with every stage's value, status and reason (`score` is after the `after` formula)."""
        self._known(level)
        return pl.concat([self._lineage(name) for name in self.levels if level in (None, name)])

    def _lineage(self, level: str) -> pl.DataFrame:
        at = self.levels[level]
        rows, columns = at.leaves.scores.shape
        frame: dict[str, object] = {
            "index": [self.spec.index] * (rows * columns),
            "edition": [self.spec.edition] * (rows * columns),
            "level": [level] * (rows * columns),
            "area_code": np.repeat(np.array(at.codes, dtype=object), columns).tolist(),
            "period": np.repeat(np.array(at.periods, dtype=object), columns).tolist(),
            "indicator": list(at.leaves.codes) * rows,
            "numerator": at.numerator.ravel(),
            "denominator": at.denominator.ravel(),
        }
        empty = np.full((rows, columns), np.nan)
        for stage in (*STAGES, *PULLED_BY):
            frame[stage] = np.round(at.stages.get(stage, empty), DECIMALS).ravel()
        frame["score"] = np.round(at.leaves.scores, DECIMALS).ravel()
        frame["status"] = [STATUS_NAMES[state] for state in at.status.ravel()]
        text = np.full((rows, columns), None, dtype=object)
        for (row, column), reasons in at.reasons.items():
            text[row, column] = "; ".join(reasons)
        frame["reason"] = text.ravel().tolist()
        names = ("index", "edition", "level", "area_code", "period", "indicator", "status", "reason")
        schema = {name: pl.String if name in names else pl.Float64 for name in frame}
        return pl.DataFrame(frame, schema=schema).with_columns(
            pl.col(name).fill_nan(None) for name, kind in schema.items() if kind == pl.Float64
        )

    def weights(self) -> pl.DataFrame:
        """Return one row a node and child: method, label (period or group it holds for), weight, exact fraction."""
        rows = []
        for (code, label), found in self.fits.weights.items():
            node = next(node for node in self.spec.nodes if node.code == code)
            method = weights_of(self.spec, node).method
            for child, weight in zip(self.spec.children(code), found.weights, strict=True):
                rows.append((code, child, label, method, float(weight), exact_text(weight)))
        names = ("node", "child", "label", "method", "weight", "weight_exact")
        return pl.DataFrame(
            rows, schema=dict(zip(names, (*[pl.String] * 4, pl.Float64, pl.String), strict=True)), orient="row"
        )

    def parameters(self) -> pl.DataFrame:
        """Return every number that was fitted: stage, code, label, name, value."""
        rows = list(self.cells.parameters)
        for (code, label), weight_set in self.fits.weights.items():
            rows += [("weights", code, label, name, value) for name, value in weight_set.numbers.items()]
        for (code, label), norm in self.fits.norms.items():
            rows += [(f"normalise {norm.method}", code, label, name, value) for name, value in norm.numbers.items()]
        names = ("stage", "code", "label", "name", "value")
        return pl.DataFrame(rows, schema=dict(zip(names, (*[pl.String] * 4, pl.Float64), strict=True)), orient="row")

    def conventions(self) -> dict[str, str]:
        """Return the conventions in force, the edition and the specification's fingerprint."""
        named = {name: str(value) for name, value in self.spec.conventions.model_dump().items()}
        notes = {f"{code} {label}".strip(): note for (code, label), note in self.fits.notes.items()}
        return {"index": self.spec.index, "edition": self.spec.edition, **named, **notes}

    def write(self, out: Path, wide: bool = False) -> None:
        """Write the scores to .csv, .parquet or .xlsx by the file's ending."""
        write_frame(self.wide() if wide else self.scores(), out)


def stored(values: Array) -> list[float | None]:
    """Round to the stored number of decimals and turn NaN into None (-0.0 into 0.0)."""
    return [None if np.isnan(value) else float(value) + 0.0 for value in np.round(values, DECIMALS)]


def exact_text(weight: Fraction) -> str:
    """Write a fraction as a/b where people set it, as a decimal where data did."""
    return str(weight) if weight.denominator < 10**9 else f"{float(weight):.15g}"


def write_frame(frame: pl.DataFrame, out: Path) -> None:
    """Write a frame as the file's ending says; text never becomes a formula."""
    match out.suffix.lower():
        case ".csv":
            frame.write_csv(out)
        case ".parquet":
            frame.write_parquet(out)
        case ".xlsx":
            _write_workbook(frame, out)
        case _:
            raise DataError(f"'{out.name}': an output is .csv, .parquet or .xlsx")


def _write_workbook(frame: pl.DataFrame, out: Path) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(out), options) as book:
        sheet = book.add_worksheet("scores")
        for column, name in enumerate(frame.columns):
            sheet.write_string(0, column, name)
        for number, row in enumerate(frame.iter_rows(), start=1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)
                elif value is not None:
                    sheet.write_number(number, column, value)
