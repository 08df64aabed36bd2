"""Ledgers as Parquet: one file a ledger, Chinese column titles, rows in the order of the workbooks.

The files are both a product and what the workbooks are written from, so that the two cannot differ.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb

from pipelines.products.declarations import Ledger
from pipelines.sql import quoted, text_literal

ROW_GROUP = 50_000
TOWN, TOWN_NAME, VILLAGE, VILLAGE_NAME = "镇街代码", "镇街名称", "村居代码", "村居名称"


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    ledgers: tuple[Ledger, ...],
    folder: Path,
    report: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Writes `<folder>/<code>.parquet` for each ledger of the open run database; returns the files by code.

    Columns: town and village with their names, then the sheet's columns under their titles. Keys of subjects are left
    out: a file that has names must not lead back to the pseudonyms of the analysts' database. Mode 0600.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = {}
    for ledger in ledgers:
        target = folder / f"{ledger.code}.parquet"
        connection.execute(
            f"copy ({rows_query(ledger)}) to {text_literal(target)} "
            f"(format parquet, compression zstd, row_group_size {ROW_GROUP})"
        ).fetchall()
        target.chmod(0o600)
        written[ledger.code] = target
        if report:
            report(f"{ledger.code} {ledger.title}")
    return written


def rows_query(ledger: Ledger) -> str:
    """The query over a run's database whose rows are the ledger's file."""
    columns = ", ".join(f"l.{quoted(c.name)} as {quoted(c.label)}" for c in ledger.shown)
    village = f"l.{quoted(ledger.village.name)}"
    order = ", ".join(f"l.{quoted(name)} nulls last" for name in ledger.sort)
    return (
        f'select v.town_code as "{TOWN}", v.town_name as "{TOWN_NAME}", v.village_code as "{VILLAGE}", '
        f'v.name as "{VILLAGE_NAME}", {columns} '
        f"from products.{quoted(ledger.model)} as l join subjects.village as v on v.village_code = {village} "
        f"order by v.village_code, {order}"
    )
