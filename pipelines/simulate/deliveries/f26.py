"""F26, grid management: cases as a database view (SQLite file), components as CSV; places in the city's own metres."""

import numpy as np
import polars as pl

from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion, put
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import grid

BASE, TABLE, PARTS = "wangge.db", "V_GRID_CASE", "bujian.csv"
# The city's grid begins at People's Square; a plane is near enough for a district.
_ORIGIN, _EAST, _NORTH = (121.4667, 31.2333), 95_200.0, 110_900.0
_YES = {True: "1", False: "0"}


def _metres(world: World, dwelling: np.ndarray) -> tuple[pl.Series, pl.Series]:
    """Metres east and north of the grid's origin, as text."""
    homes = world.dwellings[dwelling]
    x = ((homes["lon"] - _ORIGIN[0]) * _EAST).round(1)
    y = ((homes["lat"] - _ORIGIN[1]) * _NORTH).round(1)
    return x.cast(pl.String), y.cast(pl.String)


def _moment(column: str) -> pl.Expr:
    text = (pl.col(column) * 1_000_000).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S")
    return pl.when(pl.col(column) >= 0).then(text).otherwise(pl.lit(""))


def _flag(column: str) -> pl.Expr:
    return pl.col(column).replace_strict(_YES, return_dtype=pl.String)


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean cases, all text, plus `event` and `is_reopened`."""
    frame = grid.cases(world, occasion.day, occasion.first)
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    villages = world.villages[homes["village"].to_numpy()]
    x, y = _metres(world, frame["dwelling"].to_numpy())
    return frame.select(
        "event",
        "is_reopened",
        pl.col("event").cast(pl.String).alias("taskId"),
        pl.col("source").alias("reportDept"),
        pl.lit("城市管理").alias("serviceType"),
        pl.when("is_part").then(pl.lit("部件")).otherwise(pl.lit("事件")).alias("infoTypeName"),
        pl.when("is_part").then(pl.lit("公共设施")).otherwise(pl.lit("市容环境")).alias("levelOne"),
        pl.col("kind").alias("levelTwo"),
        pl.lit("").alias("levelThree"),
        pl.lit("").alias("levelFour"),
        villages["town_name"].alias("streetName"),
        villages["name"].alias("communityName"),
        x.alias("coordx"),
        y.alias("coordy"),
        homes["address"].alias("address"),
        (pl.lit("巡查发现") + pl.col("kind") + "，请处置。").alias("discription"),
        pl.col("state").alias("status"),
        pl.lit(villages["town_name"] + "城运中心").alias("deptName"),
        villages["town_code"].alias("executeDeptCode"),
        pl.lit("一般").alias("emergencyLevel"),
        _moment("found").alias("discoverTime"),
        _moment("accepted").alias("perCreateTime"),
        _moment("filed").alias("createTime"),
        _moment("dispatched").alias("dispatchTime"),
        _moment("solved").alias("solvingTime"),
        _moment("closed").alias("endTime"),
        _flag("is_overdue").alias("isExceedOverallTime"),
        _flag("is_sent_back").alias("isSendBack"),
        pl.when("is_closed").then(_flag("is_ok")).otherwise(pl.lit("")).alias("checkResult"),
        _flag("is_joint").alias("isJointHandle"),
        _flag("is_typical").alias("isTypical"),
    )


def _cases(world: World, occasion: Occasion) -> int:
    frame = snapshot(world, occasion)
    picker = Picker("F26", world.seed, frame["event"].to_numpy(), whole=occasion.first)
    # Only where the two numbers cannot be each other's does anybody see that they changed places.
    far = (frame["coordx"].cast(pl.Float64) < -30_000).to_numpy()
    rows = picker.rows("coordinates_swapped", far)
    x, y = frame["coordx"].gather(rows).to_list(), frame["coordy"].gather(rows).to_list()
    frame = put(put(frame, "coordx", rows, y), "coordy", rows, x)
    picker.plant("coordinates_swapped", rows)
    solved = (frame["solvingTime"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("solved_before_found", "solvingTime", solved, lambda old, _: f"2019-03{old[7:]}"[:8] + "01" + old[10:]),
            ("village_as_alias", "communityName", None, lambda old, _: f"{old[:2]}片区"),
            ("village_empty", "communityName", None, lambda _, n: ""),
            ("coordinate_zero", "coordx", None, lambda _, n: "0"),
            ("kind_renamed", "levelTwo", None, lambda _, n: "市容杂乱(2019版)"),
            ("phone_in_description", "discription", None, lambda old, n: f"{old}联系电话1{n:010d}"),
        ],
    )
    files.write_table(occasion.folder / BASE, TABLE, frame.select(frame.columns[2:]))
    files.told(occasion, BASE, picker, 1)
    occasion.odd("reopened", BASE, 1 + np.flatnonzero(frame["is_reopened"].to_numpy()))
    return len(frame)


def _components(world: World, occasion: Occasion) -> int:
    frame = grid.components(world)
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    x, y = _metres(world, frame["dwelling"].to_numpy())
    rows = frame.select(
        "component",
        ("BJ" + pl.col("component").cast(pl.String).str.zfill(8)).alias("componentId"),
        pl.col("kind").alias("componentKind"),
        world.villages["name"].gather(homes["village"]).alias("communityName"),
        x.alias("coordx"),
        y.alias("coordy"),
        pl.when("is_whole").then(pl.lit("完好")).otherwise(pl.lit("破损")).alias("componentState"),
    )
    picker = Picker("F26", world.seed, frame["component"].to_numpy())
    rows = files.spoil(rows, picker, [("no_component_number", "componentId", None, lambda _, n: "")])
    files.delimited(occasion.folder / PARTS, rows, rows.columns[1:])
    files.told(occasion, PARTS, picker, 2)
    return len(rows)


def write(world: World, occasion: Occasion) -> int:
    """Write the cases, and the components at first and every quarter; returns the rows."""
    size = _cases(world, occasion)
    if occasion.first or (occasion.day.day == 1 and occasion.day.month in (1, 4, 7, 10)):
        size += _components(world, occasion)
    return size
