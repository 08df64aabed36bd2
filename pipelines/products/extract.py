"""Dashboard extracts: exact measures with the cells that must not be seen taken out, as a table and as Parquet.

The exact measures come from dbt, what is hidden from `disclosure.py`, what a panel consists of from `panel.py`.
"""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from pipelines.products.disclosure import Table, hide
from pipelines.products.panel import Panel

LEVELS = ("区", "镇", "村")
COLUMNS = {
    "level": "层级 — 区, 镇 or 村",
    "area_code": "区域代码 — division code: 6, 9 or 12 digits",
    "area_name": "区域名称 — name of the area",
    "item_no": "项目序号 — order of the item on the panel",
    "item_cn": "项目 — item of the panel",
    "measure_cn": "指标 — measure of the item",
    "unit_cn": "单位 — unit of the value",
    "value": "数值 — null where hidden or not computable",
    "unknown": "不详数 — how many the measure could not tell; null where hidden or not counted",
    "is_suppressed": "已隐藏 — the value is hidden so that no small count can be seen or worked out",
}


def write_panel(connection: duckdb.DuckDBPyConnection, panel: Panel, out_dir: Path) -> Path:
    """Makes `products.dashboard_<code>` in the open run database and `<out_dir>/dashboards/<code>.parquet`.

    One row an area and measure, all levels. Returns the Parquet file.
    """
    frame = extract(connection, panel)
    name = f"products.dashboard_{panel.code}"
    connection.register("panel_extract", frame.to_arrow())
    try:
        connection.execute(f"create or replace table {name} as select * from panel_extract")
    finally:
        connection.unregister("panel_extract")
    connection.execute(f"comment on table {name} is '{panel.title}'")
    for column, words in COLUMNS.items():
        connection.execute(f"comment on column {name}.{column} is '{words}'")
    folder = out_dir / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{panel.code}.parquet"
    frame.write_parquet(target, compression="zstd")
    return target


def extract(connection: duckdb.DuckDBPyConnection, panel: Panel) -> pl.DataFrame:
    """The panel as its readers see it, sorted by level, area and order on the panel (columns as in `COLUMNS`)."""
    exact = connection.sql(
        f"select level, area_code, area_name, item_no, measure, value from products.{panel.table}"
    ).pl()
    described = _described(panel)
    frame = exact.join(described, on=["item_no", "measure"], how="left").with_columns(
        item_cn=pl.col("item_no").replace_strict({i.number: i.name for i in panel.items}, return_dtype=pl.String),
        # Rows that come from a register are counts of things that are public.
        unit_cn=pl.col("unit_cn").fill_null("个"),
        rank=pl.col("rank").fill_null(0),
        min_denominator=pl.col("min_denominator").fill_null(0),
    )
    frame = frame.join(_hidden_cells(connection, panel), on=["area_code", "item_no", "measure"], how="left")
    frame = frame.with_columns(is_suppressed=pl.col("is_hidden").fill_null(False)).drop("is_hidden")
    frame = _hide_ratios(frame)
    frame = frame.with_columns(value=pl.when(~pl.col("is_suppressed")).then("value"))
    unknown = frame.select("area_code", unknown_of="measure", unknown=pl.col("value").cast(pl.Int64))
    frame = frame.join(unknown, on=["area_code", "unknown_of"], how="left")
    frame = pl.concat([frame, *_index_rows(connection, panel)], how="diagonal")
    frame = frame.with_columns(depth=pl.col("level").replace_strict({v: i for i, v in enumerate(LEVELS)}))
    frame = frame.sort("depth", "area_code", "item_no", "rank", "measure").rename({"measure": "measure_cn"})
    return frame.select(list(COLUMNS))


def _index_rows(connection: duckdb.DuckDBPyConnection, panel: Panel) -> list[pl.DataFrame]:
    """Scores of the panel's indices, in their newest edition; none where the indices are not built.

    A score that could not be computed is empty, not hidden.
    """
    found = connection.sql(
        "select 1 from duckdb_tables() where schema_name = 'indices' and table_name = 'index_score'"
    ).fetchall()
    frames = []
    for item in panel.items if found else ():
        if item.index is None:
            continue
        scores = connection.sql(
            "select case level when 'village' then '村' when 'town' then '镇' else '区' end as level, area_code, "
            "area_name, part_code, round(score, 2)::decimal(18, 2) as value from indices.index_score "
            f"where index = '{item.index}' qualify edition = max(edition) over ()"
        ).pl()
        order = {node: rank for rank, node in enumerate(item.nodes)}
        frames.append(
            scores.filter(pl.col("part_code").is_in(list(item.nodes))).with_columns(
                item_no=pl.lit(item.number, pl.Int32),
                item_cn=pl.lit(item.name),
                measure=pl.col("part_code").replace_strict(item.nodes, return_dtype=pl.String),
                rank=pl.col("part_code").replace_strict(order, return_dtype=pl.Int64),
                unit_cn=pl.lit("分"),
                is_suppressed=pl.lit(False),
            )
        )
    return frames


def _described(panel: Panel) -> pl.DataFrame:
    rows = [
        (i.number, m.name, rank, m.unit, m.unknown, *(m.ratio or (None, None)), m.min_denominator)
        for i in panel.items
        for rank, m in enumerate(i.measures)
    ]
    schema = ["item_no", "measure", "rank", "unit_cn", "unknown_of", "numerator", "denominator", "min_denominator"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("item_no").cast(pl.Int32))


def _hide_ratios(frame: pl.DataFrame) -> pl.DataFrame:
    """A ratio goes with its numerator and its denominator, and where the denominator is too small to mean anything."""
    sums = frame.select("area_code", "measure", "value", "is_suppressed")
    for part in ("numerator", "denominator"):
        frame = frame.join(
            sums.select(
                "area_code", pl.col("measure").alias(part), **{f"{part}_n": "value", f"{part}_hidden": "is_suppressed"}
            ),
            on=["area_code", part],
            how="left",
        )
    few = pl.col("denominator_n") < pl.col("min_denominator")
    gone = pl.col("numerator_hidden") | pl.col("denominator_hidden") | few
    return frame.with_columns(
        is_suppressed=pl.when(pl.col("numerator").is_not_null()).then(gone.fill_null(False)).otherwise("is_suppressed")
    )


def _hidden_cells(connection: duckdb.DuckDBPyConnection, panel: Panel) -> pl.DataFrame:
    """One row a hidden cell: area_code, item_no, measure, is_hidden."""
    families, measures = panel.protected()
    columns = [column for family in families.values() for column in family]
    base = connection.sql(
        f"select village_code, town_code, {', '.join(columns)} from products.{panel.base} order by village_code"
    ).pl()
    towns = base["town_code"].unique().sort()
    town_of = base["town_code"].replace_strict(dict(zip(towns, range(len(towns)), strict=True)), return_dtype=pl.Int64)
    table = Table(
        counts=base.select(columns).cast(pl.Int64).to_numpy(),
        town_of=town_of.to_numpy().astype(np.intp),
        families=families,
        measures=[measure for _, measure in measures],
    )
    hidden = hide(table)
    district = [towns[0][:6]] if len(towns) else []
    found = [
        (codes[area], measures[j][0], measures[j][1].name)
        for codes, mask in (
            (base["village_code"].to_list(), hidden.village),
            (towns.to_list(), hidden.town),
            (district, hidden.district),
        )
        for area, j in zip(*np.nonzero(mask), strict=True)
    ]
    schema = {"area_code": pl.String, "item_no": pl.Int32, "measure": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row").with_columns(is_hidden=pl.lit(True))
