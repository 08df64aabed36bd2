"""Parquet files, single or in Hive partitions. Every value becomes text; what has no text of its own is refused."""

import io
from pathlib import Path, PurePosixPath

import polars as pl

from pipelines.feeds.confine import confined
from pipelines.feeds.contracts import Contract
from pipelines.feeds.fields import Column
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers import sniff
from pipelines.feeds.readers.raw import Raw, each_file, head, match_header, place

# A file of some kilobytes can claim any number of rows: values are laid out in memory all at once.
MAX_VALUES = 500_000_000
# How dates and moments of the file's own type are written in a contract's forms, for columns that do not read ISO.
_AS_DATE = {
    "dashed": "%Y-%m-%d",
    "ymd": "%Y%m%d",
    "slashed": "%Y/%m/%d",
    "dotted": "%Y.%m.%d",
    "chinese": "%Y年%m月%d日",
    "day_first": "%d/%m/%Y",
    "datetime": "%Y-%m-%d 00:00:00",
    "timestamp": "%Y%m%d000000",
    "offset": "%Y-%m-%dT00:00:00+08:00",
}
_AS_MOMENT = {
    "datetime": "%Y-%m-%d %H:%M:%S",
    "timestamp": "%Y%m%d%H%M%S",
    "offset": "%Y-%m-%dT%H:%M:%S+08:00",
}


def read_parquet(contract: Contract, folder: Path) -> Raw:
    """Read the contract's columns of every file, as text. `_line` is the ordinal of the row in its file."""
    frames: list[pl.DataFrame] = []
    added: set[str] = set()
    for path, name in each_file(contract, folder):
        with confined(folder, name):
            frame, more = _read(contract, folder, path, name)
        added |= set(more)
        frames.append(frame)
    return Raw(pl.concat(frames, rechunk=False), added=tuple(sorted(added)), structural={"files": len(frames)})


def _read(contract: Contract, folder: Path, path: Path, name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    wanted = set(contract.physicals)
    partitions = dict(part.split("=", 1) for part in PurePosixPath(name).parts[:-1] if "=" in part)
    start = head(path)
    if not start.strip(b"\x00"):
        raise DeliveryProblem("empty_file", file=name)
    if not start.startswith(b"PAR1") and (other := sniff.told(start)):
        raise DeliveryProblem("other_format", file=name, detail=other)
    try:
        # A path that is no UTF-8 cannot be given to the library.
        source = path if name == path.relative_to(folder).as_posix() else io.BytesIO(path.read_bytes())
        names = pl.read_parquet_schema(source)
        # A folder ym=202610 is a column only for a contract that asks for it.
        names_in_path = [p for p in partitions if p in wanted and p not in names]
        more = match_header(contract, [*names, *names_in_path], name)
        present = [c for c in contract.physicals if c in names]
        height = pl.scan_parquet(source, hive_partitioning=False).select(pl.len()).collect().item()
        if height * len(present) > MAX_VALUES:
            raise DeliveryProblem("too_large", file=name, detail=f"{height} rows")
        for column in present:
            _must_have_text(names[column], name, column)
        frame = pl.read_parquet(source, columns=present, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # A flipped bit in a size makes the reader panic, which is no ordinary exception.
        raise DeliveryProblem("damaged", file=name, detail=type(error).__name__) from error
    by_physical = {column.physical: column for column in contract.read_columns}
    frame = frame.with_columns(
        *(_texts(frame[c], by_physical[c], name) for c in present if frame.schema[c] != pl.String),
        *(pl.lit(value).alias(key) for key, value in partitions.items() if key in names_in_path),
    )
    return place(frame.select(contract.physicals), name), more


def _must_have_text(kind: pl.DataType, name: str, column: str) -> None:
    if kind.is_nested() or isinstance(kind, pl.Duration | pl.Object):
        raise DeliveryProblem("column_type", file=name, column=column, detail=f"type {kind.base_type().__name__}")


def _texts(values: pl.Series, column: Column, name: str) -> pl.Series:
    """A column's values as text, in a form its contract reads. Raises DeliveryProblem where they have none."""
    kind = values.dtype
    if isinstance(kind, pl.Date | pl.Datetime) and column.logical_type in ("date", "timestamp"):
        return _dated(values, column)
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        detail = f"type {kind.base_type().__name__}"
        if isinstance(kind, pl.Binary):
            # In whatever encoding the source had: what is guessed may be read as another text.
            detail = f"bytes that are no UTF-8, first in row {_first_undecodable(values)}"
        raise DeliveryProblem("column_type", file=name, column=column.physical, detail=detail) from error


def _first_undecodable(values: pl.Series) -> int:
    for at, value in enumerate(values, 1):
        try:
            (value or b"").decode("utf-8")
        except UnicodeDecodeError:
            return at
    return 0


def _dated(values: pl.Series, column: Column) -> pl.Series:
    """Dates and moments in the first form of the contract that can say them; those with a zone in Shanghai's clock."""
    forms = column.intake.dates
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        values = values.dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    is_moment = isinstance(values.dtype, pl.Datetime) and column.logical_type != "date"
    ways = _AS_MOMENT if is_moment else _AS_DATE
    if isinstance(values.dtype, pl.Datetime) and column.logical_type == "date":
        values = values.dt.date()
    way = next((ways[form] for form in forms if form in ways), None)
    if way is None and column.logical_type == "timestamp":
        # The form of a contract that names none.
        way = ways["timestamp"]
    return values.cast(pl.String) if way is None else values.dt.strftime(way)
