"""Scores of past dates under one edition: the indicator values kept in databases of earlier dates, scored again.

A new method therefore has a past of its own, while the scores published then stay where they are. Belongs here: reading
several databases as one panel. Not here: which edition is in force (`editions`), what indicators count (dbt).
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.indices.editions import series
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result
from pipelines.indices.spec import IndexSpec
from pipelines.indices.warehouse import read_inputs


def past(spec: IndexSpec, databases: Sequence[Path]) -> Result:
    """Score the dates of several databases (a run's or a release's) under one edition; periods are ISO dates.

    Of two databases of one date the later in the list counts. Raises `DataError` where a database has no indices.
    """
    tables: dict[str, pl.DataFrame] = {}
    villages: dict[str, pl.DataFrame] = {}
    for database in databases:
        with duckdb.connect(str(database), read_only=True) as connection:
            day = date_of(connection, database).isoformat()
            tables[day], villages[day] = read_inputs(connection, spec)
    period = spec.table.period or "period"
    frames = [
        frame.rename({"village_code": spec.table.unit}).with_columns(pl.lit(day).alias(period))
        for day, frame in villages.items()
    ]
    renamed = {day: frame.rename({"village_code": spec.table.unit}) for day, frame in tables.items()}
    return series(spec, renamed, pl.concat(frames) if frames else None)


def date_of(connection: duckdb.DuckDBPyConnection, database: Path) -> date:
    """Return the date a database speaks about."""
    try:
        found = connection.execute("select max(as_of) from indices.index_edition").fetchall()
        connection.execute("select part_code from indices.index_score limit 0")
    except duckdb.CatalogException as fault:
        raise DataError(f"{database} holds no indices") from fault
    except duckdb.BinderException as fault:
        hint = "leave it out, or run that date again"
        raise DataError(
            f"{database} was made before the key of its index tables was called part_code: {hint}"
        ) from fault
    day: date | None = found[0][0]
    if day is None:
        raise DataError(f"{database} holds no edition of an index")
    return day


def releases_of(folder: Path) -> list[Path]:
    """Return the databases of the releases in a folder, by name; the link to the current one is left out."""
    return [path for path in sorted(folder.glob("*/warehouse.duckdb")) if not path.parent.is_symlink()]
