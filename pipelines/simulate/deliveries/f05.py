"""F05, services for the elderly: a monthly SQLite file with the view's rows as text; amounts in fen."""

import polars as pl

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion, present
from pipelines.simulate.deliveries.files import repeat, spoil, told, write_table
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import care

FILE, TABLE = "ylfw.db", "V_YLFW"


def write(world: World, occasion: Occasion) -> int:
    """Write the table; returns its rows."""
    frame = _with_the_dead(care.services(world, occasion.day), world, occasion)
    picker = Picker("F05", world.seed, frame["uid"].to_numpy())
    gone = frame["ID"].str.starts_with("9").to_numpy()
    picker.plant("deceased_still_active", picker.rows("deceased_still_active", gone))
    running, paid = ~gone & (frame["KSRQ"] != "").to_numpy(), (frame["JE_FEN"] != "0").to_numpy()
    towns = world.villages["village_code"]
    changes = [
        ("end_before_start", "JSRQ", running, lambda old, n: f"1999-0{1 + n % 9}-01 00:00:00"),
        ("number_wrong_check", "GMSFHM", ~gone, lambda old, _: numbers.wrong_check(old)),
        ("yuan_for_fen", "JE_FEN", ~gone & paid, lambda old, _: f"{int(old) / 100:.2f}"),
        ("status_as_letter", "ZT", ~gone & frame["ZT"].is_in(["0", "1"]).to_numpy(), lambda old, _: "NY"[int(old)]),
        ("another_village", "JWDM", ~gone, lambda old, n: str(towns[n % len(towns)])),
    ]
    frame = misidentified(spoil(frame, picker, changes), picker, {NUMBER: "GMSFHM", NAME: "XM"}, ~gone)
    frame = repeat(frame, picker)
    write_table(occasion.folder / FILE, TABLE, frame.select(frame.columns[1:]))
    told(occasion, FILE, picker, 1, frame["uid"].to_numpy())
    return len(frame)


def _with_the_dead(frame: pl.DataFrame, world: World, occasion: Occasion) -> pl.DataFrame:
    """Services of people whose death the platform has not heard of, under numbers of their own."""
    dead = present(world, occasion.day).filter(~pl.col("alive") & (pl.col("cert_kind") == "111"))
    size = min(len(dead), max(1, len(frame) // 1_000))
    still = frame.head(1).join(dead.head(size).select("uid", "cert_no", "name"), how="cross")
    still = still.with_columns(
        uid=pl.col("uid_right"),
        ID="9" + pl.col("uid_right").cast(pl.String).str.zfill(8),
        GMSFHM=pl.col("cert_no"),
        XM=pl.col("name"),
        ZT=pl.lit("1"),
        JSRQ=pl.lit(""),
    )
    return pl.concat([frame, still.select(frame.columns)])
