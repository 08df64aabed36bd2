"""F08, disability certificates: a monthly GBK CSV with CRLF; the certificate number carries identity, kind, grade."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries.common import Occasion, edit, with_places
from pipelines.simulate.deliveries.files import unwritable
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import disability

FILE = "cjrz.csv"
_GRADES = ["一级", "二级", "三级", "四级"]


def snapshot(world: World, day: date) -> pl.DataFrame:
    """The clean rows, all text, plus `uid`."""
    frame = disability.build(world, day)
    people = with_places(world.people[frame["uid"].to_numpy()], world)
    guardian = frame["guardian"].to_numpy()
    names = pl.concat([world.people["name"], pl.Series([""])])
    phones = pl.concat([world.people["mobile"], pl.Series([""])])
    at = np.where(guardian < 0, len(world.people), guardian)
    kind = pl.col("kind").cast(pl.Int64)
    grade = pl.col("grade").cast(pl.Int64)
    digits = pl.col("uid") % 10 < 3
    iso = "%Y-%m-%d"
    village = people["hukou_village"].cast(pl.Int64)
    return pl.concat(
        [frame, people.select("name", "sex", "birth", "cert_no", "hukou_address", "home_address")], how="horizontal"
    ).select(
        "uid",
        (pl.col("cert_no") + kind.cast(pl.String) + grade.cast(pl.String)).alias("残疾人证号"),
        pl.col("name").alias("姓名"),
        pl.when(pl.col("sex") == 1).then(pl.lit("男")).otherwise(pl.lit("女")).alias("性别"),
        days.text("birth", iso).alias("出生年月"),
        pl.when(digits).then(kind.cast(pl.String))
        .otherwise(kind.replace_strict(dict(enumerate(disability.KINDS, 1)), return_dtype=pl.String)).alias("残疾类别"),
        pl.when(digits).then(grade.cast(pl.String))
        .otherwise(grade.replace_strict(dict(enumerate(_GRADES, 1)), return_dtype=pl.String)).alias("残疾等级"),
        names.gather(at).alias("监护人"),
        phones.gather(at).alias("监护人电话"),
        pl.col("hukou_address").alias("户籍地址"),
        pl.when(pl.col("home_address") == "").then("hukou_address").otherwise("home_address").alias("现住址"),
        days.text("issued", iso).alias("发证日期"),
        days.text("end", iso).alias("有效期至"),
        pl.col("employed").alias("就业状况"),
        _listed("subsidies").alias("享受补贴"),
        _listed("services").alias("服务项目"),
        world.villages["name"].gather(village).alias("居村委"),
    )  # fmt: skip


def _listed(column: str) -> pl.Expr:
    """The entries of a list, 无 where there are none; one register in forty has left the field empty instead."""
    is_silent = pl.int_range(pl.len()) % 40 == 7
    nothing = pl.when(is_silent).then(pl.lit("")).otherwise(pl.lit("无"))
    return pl.when(pl.col(column).list.len() > 0).then(pl.col(column).list.join("、")).otherwise(nothing)


def _other(values: list[str], old: str) -> str:
    """Another value of the same spelling (word or digit)."""
    spelling = values if old in values else [str(digit) for digit in range(1, len(values) + 1)]
    return spelling[(spelling.index(old) + 1) % len(spelling)]


def _spoil(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    changes = [
        ("kind_disagrees", "残疾类别", lambda old, _: _other(disability.KINDS, old)),
        ("grade_disagrees", "残疾等级", lambda old, _: _other(_GRADES, old)),
        ("kind_digit_8", "残疾人证号", lambda old, _: f"{old[:18]}8{old[19:]}"),
        ("grade_digit_5", "残疾人证号", lambda old, _: f"{old[:19]}5"),
        ("number_wrong_check", "残疾人证号", lambda old, _: numbers.wrong_check(old[:18]) + old[18:]),
        ("reissue_suffix", "残疾人证号", lambda old, n: f"{old}B{1 + n % 3}"),
        ("spaces_in_number", "残疾人证号", lambda old, _: f"{old[:6]} {old[6:14]} {old[14:]}"),
        ("birth_month_only", "出生年月", lambda old, _: f"{old[:4]}.{old[5:7]}"),
    ]
    for name, column, change in changes:
        rows = picker.rows(name)
        frame = edit(frame, column, rows, change)
        picker.plant(name, rows)
    return misidentified(frame, picker, {NUMBER: "残疾人证号", NAME: "姓名"})


def write(world: World, occasion: Occasion) -> int:
    """Write the snapshot; returns its rows."""
    frame = snapshot(world, occasion.day)
    picker = Picker("F08", world.seed, frame["uid"].to_numpy())
    frame = _spoil(frame, picker)
    columns = frame.columns[1:]
    lines = frame.select(pl.concat_str(columns, separator=",")).to_series()
    text = "\r\n".join([",".join(columns), *lines.to_list(), ""])
    (occasion.folder / FILE).write_bytes(text.encode("gbk", errors="replace"))
    occasion.truth.rows("F08", occasion.day, FILE, np.arange(2, len(frame) + 2), frame["uid"].to_numpy())
    occasion.truth.planted(picker, occasion.day, FILE, 2)
    over = (frame["有效期至"] < occasion.day.isoformat()).to_numpy()
    occasion.odd("services_joined", FILE, 2 + np.flatnonzero(frame["服务项目"].str.contains("、").to_numpy()))
    occasion.odd("expired_but_listed", FILE, 2 + np.flatnonzero(over))
    occasion.odd("character_lost", FILE, 2 + unwritable(frame["姓名"]))
    return len(frame)
