"""Big tables of state that change little: a base that dates share, and beside it the rows that differ.

The base is one file under several names, so a day costs what it changes. When the rows beside it are many they are
folded into a new base; when that is depends on the tables alone, so the same dates give the same files. What a table
holds is known to those who keep it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipelines.disk import link_or_copy

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
_BESIDE = ".news.parquet"
_MOST_BESIDE = 0.1


def read(folder: Path | None, name: str, schema: Schema, key: Sequence[str]) -> pl.DataFrame:
    """The table of a date's folder, one row a key; empty without a folder."""
    if folder is None:
        return pl.DataFrame(schema=schema)
    base, beside = pl.read_parquet(folder / name), pl.read_parquet(_beside(folder, name))
    return pl.concat([_without(base, beside, key), beside])


def write(before: Path | None, out: Path, name: str, schema: Schema, key: Sequence[str], new: pl.DataFrame) -> None:
    """Lay a table into the folder `out`: that of the folder `before` with `new` rows instead of those of their keys."""
    if before is not None:
        beside = pl.read_parquet(_beside(before, name))
        beside = pl.concat([_without(beside, new, key), new]).sort(*key)
        rows = pl.scan_parquet(before / name).select(pl.len()).collect().item()
        if len(beside) <= _MOST_BESIDE * rows:
            link_or_copy(before / name, out / name)
            beside.write_parquet(_beside(out, name), compression="lz4")
            return
    table = pl.concat([_without(read(before, name, schema, key), new, key), new])
    table.write_parquet(out / name, compression="lz4")
    table.clear().write_parquet(_beside(out, name), compression="lz4")


def _without(rows: pl.DataFrame, others: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows whose key (never null) the others do not have. Nearly all are, and a filter takes a third of a join."""
    last = key[-1]
    is_near = rows[last].is_in(others[last].unique().implode())
    near = rows.filter(is_near).join(others.select(*key), on=list(key), how="anti", maintain_order="left")
    return pl.concat([rows.filter(~is_near), near])


def _beside(folder: Path, name: str) -> Path:
    return folder / (name.removesuffix(".parquet") + _BESIDE)
