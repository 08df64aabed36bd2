"""Tables in order of person of which little changes from date to date: a base, and over it who has changed since.

A table is `<name>.parquet` and, where people changed after that was written, `<name>.who.parquet`, their ids, and
`<name>.now.parquet`, their rows since then (none of who is gone). The base goes from date to date under a further
name, so that a date costs what it changes; once many have changed, the whole is written anew. What the tables say is
not known here.
"""

from pathlib import Path
from typing import Any

import polars as pl

from pipelines.disk import link_or_copy
from pipelines.sql import text_literal

PERSON = "person_id"
# Once so large a share of a table's rows lies over the base, the whole is written anew.
SHARE = 0.1
_PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "row_group_size": 65_536}


def exists(folder: Path | None, name: str) -> bool:
    """Whether a folder holds a table."""
    return folder is not None and _base(folder, name).exists()


def write(rows: pl.DataFrame | pl.LazyFrame, folder: Path, name: str) -> None:
    """Write a whole table; its rows are in order of person."""
    path = _base(folder, name)
    rows.lazy().sink_parquet(path, **_PARQUET)
    path.chmod(0o600)


def replace(before: Path, folder: Path, name: str, ids: pl.Series, rows: pl.DataFrame) -> None:
    """Write the table of another folder anew, in which `rows` stand instead of those of the people `ids`."""
    if ids.is_empty():
        for file in _files(before, name):
            link_or_copy(file, folder / file.relative_to(before))
        return
    whose, over = _over(before, name)
    if over is not None:
        rows = pl.concat([_without(over.lazy(), ids).collect(), rows.select(over.columns)]).sort(
            PERSON, maintain_order=True
        )
    whose = pl.concat([whose, ids]).unique().sort()
    base = pl.scan_parquet(_base(before, name))
    if len(whose) > SHARE * base.select(pl.len()).collect().item():
        columns = base.collect_schema().names()
        write(_without(base, whose).merge_sorted(rows.lazy().select(columns), key=PERSON), folder, name)
        return
    link_or_copy(_base(before, name), _base(folder, name))
    for frame, path in ((whose.to_frame(), _who(folder, name)), (rows, _now(folder, name))):
        frame.write_parquet(path, **_PARQUET)
        path.chmod(0o600)


def scan(folder: Path, name: str) -> pl.LazyFrame:
    """A whole table, in order of person."""
    base = pl.scan_parquet(_base(folder, name))
    whose, over = _over(folder, name)
    return base if over is None else _without(base, whose).merge_sorted(over.lazy(), key=PERSON)


def rows_of(folder: Path, name: str, ids: pl.Series) -> pl.DataFrame:
    """The rows of some people (ids in order), in order of person."""
    # Filters are handed down to the file, which is then read for these people only; a join is not.
    within = pl.col(PERSON).is_between(pl.lit(ids[0]), pl.lit(ids[-1])) if len(ids) else pl.lit(False)
    return scan(folder, name).filter(within & pl.col(PERSON).is_in(ids.implode())).collect()


def query(folder: Path, name: str) -> str:
    """A whole table as SQL of DuckDB, in no order."""
    base = f"read_parquet({text_literal(_base(folder, name))})"
    if not _who(folder, name).exists():
        return f"select * from {base}"
    who, now = text_literal(_who(folder, name)), text_literal(_now(folder, name))
    return (
        f"select base.* from {base} base anti join read_parquet({who}) who using ({PERSON}) "
        f"union all by name select * from read_parquet({now})"
    )


def _over(folder: Path, name: str) -> tuple[pl.Series, pl.DataFrame | None]:
    """Who has changed since the base was written, and their rows; None where nobody has."""
    if not _who(folder, name).exists():
        return pl.Series(PERSON, [], dtype=pl.String), None
    return pl.read_parquet(_who(folder, name))[PERSON], pl.read_parquet(_now(folder, name))


def _without(rows: pl.LazyFrame, ids: pl.Series) -> pl.LazyFrame:
    return rows.filter(~pl.col(PERSON).is_in(ids.implode()))


def _base(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _who(folder: Path, name: str) -> Path:
    return folder / f"{name}.who.parquet"


def _now(folder: Path, name: str) -> Path:
    return folder / f"{name}.now.parquet"


def _files(folder: Path, name: str) -> list[Path]:
    return [path for path in (_base(folder, name), _who(folder, name), _now(folder, name)) if path.exists()]
