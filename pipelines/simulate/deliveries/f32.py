"""F32, market entities: a weekly Parquet file with the whole register."""

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from pipelines.simulate import days
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import organisations

FILE = "corp_info.parquet"
_PARK = "上海市青浦区工业园区9001号{}室"
_TEXT_YES = {True: "Y", False: "N"}


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `number`."""
    frame = organisations.build(world, occasion.day)
    homes = world.dwellings[frame["dwelling"].to_numpy()]
    named = pl.concat([world.people["name"].head(1_000)])
    word = frame["section"].replace_strict(
        {section: organisations.words(section) for section in organisations.SECTIONS}, return_dtype=pl.String
    )
    staff = pl.col("staff")
    size = pl.when(staff >= 280).then(pl.lit("大型")).when(staff >= 200).then(pl.lit("中型"))
    return frame.select(
        "number",
        pl.col("uscc").alias("UNI_SC_ID"),
        ("上海青试" + (pl.col("number") + 1).cast(pl.String) + pl.lit(word))
        .add(pl.when("is_sole").then(pl.lit("经营部")).otherwise(pl.lit("有限公司"))).alias("CORP_NAME"),
        pl.when("is_sole").then(pl.lit("个体工商户")).otherwise(pl.lit("有限责任公司")).alias("CORP_TYPE"),
        named.gather(frame["manager"].to_numpy() % len(named)).alias("PERSON_NAME"),
        pl.col("section").alias("INDUSTRY_CODE"),
        days.text("since").alias("ESTABLISH_DATE"),
        days.text("ended").alias("REPEAL_DATE"),
        pl.col("status").alias("CORP_STATUS"),
        pl.when(pl.col("on_site") == "true").then(homes["address"])
        .otherwise(pl.lit(_PARK.split("{}", maxsplit=1)[0]) + pl.col("number").cast(pl.String) + "室").alias("ADDRESS"),
        pl.when(pl.col("on_site") == "true").then(homes["address"]).otherwise(pl.lit("")).alias("BUSINESS_ADDRESS"),
        homes["village_code"].alias("VILLAGE_CODE"),
        pl.col("on_site").alias("ON_SITE"),
        pl.col("capital").cast(pl.String).alias("REG_CAPITAL"),
        pl.col("licence").alias("LIC_KIND"),
        pl.when(pl.col("licence") == "").then(pl.lit(""))
        .otherwise("JY" + pl.col("number").cast(pl.String).str.zfill(12)).alias("LIC_NO"),
        days.text("licence_end").alias("LIC_VALID_TO"),
        pl.col("abnormal").replace_strict(_TEXT_YES, return_dtype=pl.String).alias("ABNORMAL"),
        pl.col("illegal").replace_strict(_TEXT_YES, return_dtype=pl.String).alias("ILLEGAL_LIST"),
        days.text("punished").alias("PUNISH_DATE"),
        staff.cast(pl.String).alias("EMPLOYEES"),
        pl.col("local_staff").cast(pl.String).alias("LOCAL_EMPLOYEES"),
        size.when(staff >= 10).then(pl.lit("小型")).otherwise(pl.lit("微型")).alias("ENT_SCALE"),
        pl.col("arrears").replace_strict(_TEXT_YES, return_dtype=pl.String).alias("WAGE_ARREARS"),
    )  # fmt: skip


def _with_sites(frame: pl.DataFrame, picker: Picker, world: World) -> pl.DataFrame:
    """The register with a second row for some licensed firms: the same licence at another place of business."""
    licensed = (frame["LIC_NO"] != "") & (frame["BUSINESS_ADDRESS"] != "")
    rows = picker.rows("licence_at_several_sites", licensed.to_numpy()[: len(picker.ids)])
    homes = world.dwellings[(frame["number"].gather(rows).to_numpy().astype(np.int64) * 31 + 17) % len(world.dwellings)]
    sites = frame[rows].with_columns(BUSINESS_ADDRESS=homes["address"], VILLAGE_CODE=homes["village_code"])
    picker.plant("licence_at_several_sites", len(frame) + np.arange(len(sites)))
    return pl.concat([frame, sites])


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = snapshot(world, occasion)
    picker = Picker("F32", world.seed, frame["number"].to_numpy())
    old = (frame["ESTABLISH_DATE"] < "20150101").to_numpy()
    ended = (frame["REPEAL_DATE"] != "").to_numpy()
    frame = files.spoil(
        frame,
        picker,
        [
            ("code_with_letter_o", "UNI_SC_ID", None, lambda code, n: code[:14] + "OIZ"[n % 3] + code[15:]),
            ("repealed_before_established", "REPEAL_DATE", ended, lambda _, n: "19990101"),
            ("old_code_wrong_check", "UNI_SC_ID", old, lambda code, _: organisations.wrong(code)),
            ("industry_missing", "INDUSTRY_CODE", None, lambda _, n: ""),
            ("state_lags", "CORP_STATUS", ended, lambda _, n: "存续"),
        ],
    )
    rows = picker.rows("identical_row")
    picker.plant("identical_row", len(frame) + np.arange(len(rows)))
    frame = pl.concat([frame, frame[rows]])
    frame = _with_sites(frame, picker, world)
    pq.write_table(frame.drop("number").to_arrow(), occasion.folder / FILE, compression="snappy")
    files.told(occasion, FILE, picker, 1)
    occasion.odd("address_of_a_park", FILE, 1 + np.flatnonzero((frame["ON_SITE"] != "true").to_numpy()))
    return len(frame)
