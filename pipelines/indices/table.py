"""The input table: one row a unit and period, columns parsed when a specification asks for them.

Belongs here: reading files and frames, long to wide, what counts as missing, refusal of NaN, infinity, text in number
columns and duplicate rows. Not here: what the columns mean (`cells`).
"""

import csv
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.indices.problems import DataError, nearest, some
from pipelines.indices.spec import IndexSpec
from pipelines.indices.table_parts import TableSpec

Array = NDArray[np.float64]
_STATUSES = ("observed", "zero", "missing", "not_applicable")


@dataclass
class Table:
    """Rows sorted by period and unit; `frame` holds them wide.

    `units` and `periods` have one entry a row (`periods` all empty text where the table has none);
    `period_order` lists the distinct periods in time.
    """

    frame: pl.DataFrame
    units: tuple[str, ...]
    periods: tuple[str, ...]
    period_order: tuple[str, ...]
    missing: frozenset[str]
    _numbers: dict[str, Array] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.units)

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return self.frame.columns

    def who(self, row: int) -> str:
        """Name a row in a message."""
        return f"{self.units[row]} {self.periods[row]}".strip()

    def numbers(self, column: str, what: str = "") -> Array:
        """Return a column as float64 with NaN for missing; raises `DataError` for anything that is no number."""
        if column not in self._numbers:
            if column not in self.frame.columns:
                label = f"{what}: " if what else ""
                raise DataError(f"{label}the table has no column '{column}'{nearest(column, self.columns)}")
            self._numbers[column] = self._parse(column, f"{what}: " if what else "")
        return self._numbers[column]

    def texts(self, column: str) -> list[str | None]:
        """Return a column as text with None for missing."""
        if column not in self.frame.columns:
            raise DataError(f"the table has no column '{column}'{nearest(column, self.columns)}")
        values = self.frame[column].cast(pl.String).to_list()
        return [None if value is None or value.strip() in self.missing else value.strip() for value in values]

    def _parse(self, column: str, label: str) -> Array:
        series = self.frame[column]
        if series.dtype == pl.String:
            stripped = series.str.strip_chars()
            blank = stripped.is_null() | stripped.is_in(sorted(self.missing))
            number = stripped.cast(pl.Float64, strict=False)
            bad = (number.is_null() & ~blank).to_numpy()
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                message = f"{label}column '{column}', {self.who(row)}: '{series[row]}' is not a number"
                raise DataError(f"{message}; text that means missing is declared in table.missing")
            number = number.set(blank, None)
        elif series.dtype == pl.Null or series.dtype.is_numeric() or series.dtype == pl.Boolean:
            number = series.cast(pl.Float64)
            marks = [float(mark) for mark in self.missing if _is_number(mark)]
            number = number.set(number.is_in(marks).fill_null(False), None) if marks else number
        else:
            raise DataError(f"{label}column '{column}' holds {series.dtype}, not numbers")
        values = number.to_numpy().astype(float)
        given = number.is_not_null().to_numpy()
        wrong = given & ~np.isfinite(values)
        if wrong.any() and "NaN" in self.missing:
            wrong &= ~np.isnan(values)
        if wrong.any():
            places = some(self.who(int(row)) for row in np.flatnonzero(wrong))
            raise DataError(f"{label}column '{column}' holds NaN or infinity at {places}; leave a missing value empty")
        return np.where(given, values, np.nan)

    def earlier(self, column: str, count: int, what: str = "") -> Array:
        """Return a column of each row's unit in this and the `count` periods of the table before it.

        Shape (rows, count + 1), the latest first; NaN where the unit has no row or value there.
        """
        if len(self.period_order) < 2:
            raise DataError(f"{what}: earlier values of '{column}' need a table with periods (table.period)")
        values = self.numbers(column, what)
        place = {period: number for number, period in enumerate(self.period_order)}
        at = {(u, place[p]): row for row, (u, p) in enumerate(zip(self.units, self.periods, strict=True))}
        found = np.full((self.rows, count + 1), np.nan)
        for row, (unit, period) in enumerate(zip(self.units, self.periods, strict=True)):
            for back in range(count + 1):
                other = at.get((unit, place[period] - back))
                found[row, back] = np.nan if other is None else values[other]
        return found


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def read_frame(path: Path | str) -> pl.DataFrame:
    """Read CSV, TSV, Parquet or the first sheet of an xlsx; text files come as text, so that codes keep their zeros."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    try:
        match path.suffix.lower():
            case ".csv" | ".txt" | ".tsv":
                return _read_text(path)
            case ".parquet":
                return pl.read_parquet(path, glob=False)
            case ".xlsx":
                return _read_workbook(path)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError, BadZipFile, KeyError) as fault:
        raise DataError(f"'{path.name}' cannot be read: {str(fault).splitlines()[0]}") from fault
    raise DataError(f"'{path.name}': a table is .csv, .tsv, .parquet or .xlsx")


def _read_text(path: Path) -> pl.DataFrame:
    """Read separated text in UTF-8; the separator is that of the header: a semicolon or tab where no comma stands."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
    mark = "\t" if path.suffix.lower() == ".tsv" else next((m for m in (",", ";", "\t") if m in header), ",")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=mark)
        names = next(rows, [])
        _refuse_doubled([name.strip() for name in names], path)
        for row in rows:
            if row and len(row) != len(names):
                raise DataError(f"'{path.name}' line {rows.line_num}: {len(row)} fields, the header has {len(names)}")
    return pl.read_csv(path, infer_schema=False, separator=mark, glob=False)


def _refuse_doubled(names: list[str], path: Path) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"'{path.name}' has two columns '{doubled[0]}'")


def _read_workbook(path: Path) -> pl.DataFrame:
    """Read the first sheet under its first row; columns without a name and rows without a value are left out."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        named = {place: str(name).strip() for place, name in enumerate(next(rows, ())) if name is not None}
        _refuse_doubled(list(named.values()), path)
        columns: dict[str, list[str | None]] = {name: [] for name in named.values()}
        for row in rows:
            if any(value is not None for value in row):
                for place, name in named.items():
                    columns[name].append(_cell_text(row[place] if place < len(row) else None))
    finally:
        book.close()
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _cell_text(value: object) -> str | None:
    """Write a cell as text; a date without a time of day is written as a date."""
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    return None if value is None else str(value)


def make_table(spec: IndexSpec, source: "pl.DataFrame | Path | str", units: pl.DataFrame | None = None) -> Table:
    """Shape a frame or file as the specification's `table` says.

    `units` is an optional frame of unit attributes (one row a unit, or a unit and period), joined on by name.
    """
    frame = source if isinstance(source, pl.DataFrame) else read_frame(source)
    rules = spec.table
    for column in (rules.unit, *([rules.period] if rules.period else []), *rules.where):
        if column not in frame.columns:
            raise DataError(f"the table has no column '{column}'{nearest(column, frame.columns)}")
    for column, allowed in rules.where.items():
        frame = frame.filter(pl.col(column).cast(pl.String).is_in(list(allowed)))
    if frame.height == 0:
        raise DataError("the table has no rows" + (" that satisfy table.where" if rules.where else ""))
    keys = [rules.unit, *([rules.period] if rules.period else [])]
    frame = frame.with_columns(_as_key(frame[key]) for key in keys)
    for key in keys:
        if frame[key].is_null().any() or (frame[key] == "").any():
            raise DataError(f"column '{key}' is empty in some rows")
    if rules.layout == "long":
        frame = _widen(frame, spec, keys)
    if units is not None:
        frame = _attach(frame, units, rules)
    return _sorted(frame, keys, rules, spec)


def _as_key(series: pl.Series) -> pl.Series:
    """Return a key column as text; a year stored as 2018.0 is 2018."""
    if series.dtype.is_float() and (series.drop_nulls() % 1 == 0).all():
        series = series.cast(pl.Int64)
    return series.cast(pl.String).str.strip_chars()


def _widen(frame: pl.DataFrame, spec: IndexSpec, keys: list[str]) -> pl.DataFrame:
    """Turn one row an indicator into one column an indicator (`CODE`, or `CODE:numerator` and `CODE:denominator`)."""
    rules = spec.table
    codes = [indicator.code for indicator in spec.indicators]
    if rules.indicator not in frame.columns:
        raise DataError(f"the table has no column '{rules.indicator}'{nearest(rules.indicator, frame.columns)}")
    frame = frame.with_columns(pl.col(rules.indicator).cast(pl.String).str.strip_chars())
    found = frame[rules.indicator].unique().sort().to_list()
    unknown = [code for code in found if code not in codes]
    if unknown and rules.others == "error":
        hint = nearest(str(unknown[0]), codes)
        raise DataError(
            f"the table has an unknown indicator '{unknown[0]}'{hint}; table.others: ignore leaves such rows out"
        )
    absent = [code for code in codes if code not in found]
    if absent:
        raise DataError(f"the table has no row for indicator {some(absent)}{nearest(absent[0], unknown)}")
    frame = frame.filter(pl.col(rules.indicator).is_in(codes))
    doubled = frame.filter(frame.select(*keys, rules.indicator).is_duplicated())
    if doubled.height:
        row = doubled.row(0, named=True)
        raise DataError(f"two rows for {' '.join(row[key] for key in keys)}, indicator {row[rules.indicator]}")
    parts = {"": rules.value, ":numerator": rules.numerator, ":denominator": rules.denominator, ":status": rules.status}
    parts.update({f":{column}": column for column in rules.extra})
    wide = frame.select(keys).unique(maintain_order=True)
    for suffix, column in parts.items():
        if column is None:
            continue
        if column not in frame.columns:
            raise DataError(f"the table has no column '{column}'{nearest(column, frame.columns)}")
        pivot = frame.pivot(rules.indicator, on_columns=codes, index=keys, values=column, aggregate_function="first")
        wide = wide.join(pivot.rename({code: f"{code}{suffix}" for code in codes}), on=keys, how="left")
    others = [c for c in frame.columns if c not in (*keys, rules.indicator, *(v for v in parts.values() if v))]
    constant = [c for c in others if frame.group_by(keys).agg(pl.col(c).n_unique())[c].max() == 1]
    if constant:
        wide = wide.join(frame.select(*keys, *constant).unique(keys, keep="first"), on=keys, how="left")
    return wide


def _attach(frame: pl.DataFrame, units: pl.DataFrame, rules: TableSpec) -> pl.DataFrame:
    keys = [rules.unit]
    if rules.period and rules.period in units.columns:
        keys.append(rules.period)
    if rules.unit not in units.columns:
        raise DataError(f"the units table has no column '{rules.unit}'{nearest(rules.unit, units.columns)}")
    units = units.with_columns(_as_key(units[key]) for key in keys)
    new = [column for column in units.columns if column in keys or column not in frame.columns]
    if units.select(keys).is_duplicated().any():
        raise DataError("the units table names a unit twice")
    unknown = frame.select(keys).join(units.select(keys), on=keys, how="anti")
    if unknown.height:
        raise DataError(f"the units table lacks unit {some(unknown[rules.unit].unique().sort().to_list())}")
    return frame.join(units.select(new), on=keys, how="left")


def _sorted(frame: pl.DataFrame, keys: list[str], rules: TableSpec, spec: IndexSpec) -> Table:
    doubled = frame.filter(frame.select(keys).is_duplicated())
    if doubled.height:
        raise DataError(f"two rows for {' '.join(doubled.row(0, named=True)[key] for key in keys)}")
    known = set(frame[rules.unit].to_list())
    for name in spec.units.exclude:
        if name not in known:
            raise DataError(f"units.exclude: unknown unit '{name}'{nearest(name, known)}")
    frame = frame.filter(~pl.col(rules.unit).is_in(list(spec.units.exclude)))
    if frame.height == 0:
        raise DataError("no unit is left after units.exclude")
    periods = frame[rules.period].to_list() if rules.period else [""] * frame.height
    order = order_periods(set(periods))
    place = {period: number for number, period in enumerate(order)}
    units = frame[rules.unit].to_list()
    rows = sorted(range(frame.height), key=lambda row: (place[periods[row]], units[row]))
    return Table(
        frame=frame[rows],
        units=tuple(units[row] for row in rows),
        periods=tuple(periods[row] for row in rows),
        period_order=order,
        missing=frozenset(rules.missing),
    )


def order_periods(periods: set[str]) -> tuple[str, ...]:
    """Sort periods as numbers if all are numbers, else as text (so ISO dates come right)."""
    try:
        return tuple(sorted(periods, key=lambda period: (float(period), period)))
    except ValueError:
        return tuple(sorted(periods))


def statuses(table: Table, code: str) -> list[str] | None:
    """Return the declared status of each row for one indicator of a long table, or None if it declares none."""
    column = f"{code}:status"
    if column not in table.columns:
        return None
    result = [value or "missing" for value in table.texts(column)]
    wrong = sorted(set(result) - set(_STATUSES))
    if wrong:
        raise DataError(f"indicator '{code}': unknown status '{wrong[0]}'{nearest(wrong[0], _STATUSES)}")
    return result
