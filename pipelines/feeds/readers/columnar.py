"""Parquet files, single or in Hive partitions."""

from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.raw import Raw, find_files, match_header, place


def read_parquet(contract: Contract, folder: Path) -> Raw:
    """Read the contract's columns of every file, as text. `_line` is the ordinal of the row in its file."""
    frames: list[pl.DataFrame] = []
    added: set[str] = set()
    wanted = set(contract.physicals)
    for path in find_files(contract, folder):
        name = path.relative_to(folder).as_posix()
        partitions = dict(part.split("=", 1) for part in path.relative_to(folder).parts[:-1] if "=" in part)
        try:
            names = pl.read_parquet_schema(path)
            # A folder ym=202610 is a column only for a contract that asks for it.
            names_in_path = [p for p in partitions if p in wanted and p not in names]
            added |= set(match_header(contract, [*names, *names_in_path], name))
            present = [c for c in contract.physicals if c in names]
            frame = pl.read_parquet(path, columns=present, hive_partitioning=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            # A flipped bit in a size makes the reader panic, which is no ordinary exception.
            raise DeliveryProblem("damaged", file=name, detail=type(error).__name__) from error
        frame = frame.with_columns(
            *(pl.col(c).cast(pl.String) for c in present if frame.schema[c] != pl.String),
            *(pl.lit(value).alias(key) for key, value in partitions.items() if key in names_in_path),
        )
        frames.append(place(frame.select(contract.physicals), name))
    return Raw(pl.concat(frames, rechunk=False), added=tuple(sorted(added)), structural={"files": len(frames)})
