"""Building an index as somebody outside would: specification and table in files, the command, a file out."""

from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from pipelines.indices.command import app

Scores = dict[tuple[str, str], float | None]


def build_outside(folder: Path, spec: str, table: pl.DataFrame, *options: str) -> pl.DataFrame:
    """Write both files, run `xfy index build` and return the scores it wrote."""
    (folder / "index.yml").write_text(spec, encoding="utf-8")
    table.write_csv(folder / "table.csv")
    found = CliRunner().invoke(
        app,
        ["build", str(folder / "index.yml"), "--data", str(folder / "table.csv"), "--out", str(folder / "o.parquet")]
        + list(options),
    )
    assert found.exit_code == 0, found.output
    return pl.read_parquet(folder / "o.parquet")


def refusal(folder: Path, spec: str, table: str | bytes, ending: str = "csv") -> str:
    """Run the command on a specification and a table it must refuse and return its message on one line."""
    (folder / "index.yml").write_text(spec, encoding="utf-8")
    data = folder / f"table.{ending}"
    data.write_bytes(table if isinstance(table, bytes) else table.encode())
    found = CliRunner().invoke(app, ["build", str(folder / "index.yml"), "--data", str(data)])
    assert found.exit_code == 1, found.output
    assert not found.stdout, "a refusal must not print scores"
    return " ".join(found.stderr.split())


def scores(frame: pl.DataFrame, node: str, level: str = "unit") -> Scores:
    """Return a node's scores by (area, period); the period is empty text where there is none."""
    rows = frame.filter((pl.col("node") == node) & (pl.col("level") == level))
    return {(area, period or ""): score for area, period, score in rows.select("area_code", "period", "score").rows()}


def ranks(frame: pl.DataFrame, node: str, level: str = "unit") -> dict[str, float | None]:
    """Return a node's ranks by area."""
    rows = frame.filter((pl.col("node") == node) & (pl.col("level") == level))
    return dict(rows.select("area_code", "rank").rows())
