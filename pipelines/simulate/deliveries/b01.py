"""B01, the actual-population base: a daily Parquet snapshot of everybody living or registered in Qingpu."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, numbers, slips
from pipelines.simulate.deliveries.common import FULL_WIDTH, Occasion, edit, present, put, with_places
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.seeds import shares

FILE = "person.parquet"
_SILENT_HOME = 0.25  # people living at their hukou address whose residence columns are left empty


def _code(column: str, width: int = 2) -> pl.Expr:
    return _where(pl.col(column) > 0, pl.col(column).cast(pl.String).str.zfill(width))


def _where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(value).otherwise(pl.lit(""))


def _flag(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit("1")).otherwise(pl.lit("0"))


def snapshot(world: World, day: date) -> pl.DataFrame:
    """The clean rows of the day, all columns text, in order of RID, plus `uid`."""
    people = with_places(present(world, day), world)
    today = days.number(day)
    uid = people["uid"].to_numpy()
    spouse = pl.Series(np.where(people["spouse"].to_numpy() < 0, len(world.people), people["spouse"].to_numpy()))
    everyone = [pl.concat([world.people[name], pl.Series([""])]) for name in ("name", "cert_no")]
    districts = world.reference.origins.filter("is_shanghai")["place"]
    outside = districts.gather(uid.astype(np.int64) * 7 % len(districts)) + pl.Series(9_001 + uid % 977).cast(pl.String)
    silent = pl.Series(shares(world.seed, "silent", uid) < _SILENT_HOME)
    registered = pl.col("kind") == 1
    same = (pl.col("dwelling") == pl.col("hukou_dwelling")) & (pl.col("dwelling") >= 0)
    quiet = same & silent
    away = pl.col("village") < 0
    living = pl.col("died") == days.NONE
    known_dead = (pl.col("reported") > days.NONE) & (pl.col("reported") <= today)

    def home(column: str) -> pl.Expr:
        return pl.when(quiet).then(pl.lit("")).otherwise(pl.col(column))

    return people.with_columns(partner=everyone[0].gather(spouse), partner_no=everyone[1].gather(spouse)).select(
        "uid",
        ("R" + pl.col("uid").cast(pl.String).str.zfill(10)).alias("RID"),
        ("0" + pl.col("kind").cast(pl.String)).alias("SYRKLBDM"),
        _code("subtype", 4).alias("SYRKZLBDM"),
        pl.col("cert_kind").alias("ZJZLDM"),
        pl.col("cert_no").alias("ZJHM"),
        pl.col("name").alias("XM"),
        pl.col("sex").cast(pl.String).alias("XBDM"),
        _where(pl.col("kind") < 3, _code("ethnic")).alias("MZDM"),
        days.text("birth").alias("CSRQ"),
        pl.col("nation").alias("GJDM"),
        _code("marital").alias("HYZKDM"),
        _code("edu").alias("WHCDDM"),
        _code("work", 1).alias("ZYLBDM"),
        _code("division", 6).alias("HJDXZQHDM"),
        pl.col("hukou_code").alias("HJDJWHDM"),
        _code("book_kind", 1).alias("HKXZ"),
        _code("nature", 1).alias("HKLX"),
        _where(pl.col("book") >= 0, "H" + pl.col("book").cast(pl.String).str.zfill(9)).alias("HH"),
        _code("hukou_relation").alias("YHZGXDM"),
        pl.when(pl.col("collective") > 0).then(pl.lit("99")).otherwise(_code("relation")).alias("YZJZRGXDM"),
        home("home_village").alias("JZDJWHDM"),
        home("home_id").alias("JZFWID"),
        pl.col("hukou_id").alias("HJFWID"),
        pl.col("hukou_address").alias("HJDZ"),
        pl.when(away & living).then(outside + "弄9号").otherwise(home("home_address")).alias("JZDZ"),
        _code("stay").alias("ZZSYDM"),
        days.text("arrived").alias("LHRQ"),
        days.text("entered").alias("RJSJ"),
        _flag(pl.col("empty_hukou")).alias("IS_KGH"),
        _flag(registered & living & ~same).alias("FLAG"),
        _where(pl.col("uid") % 53 == 0, pl.lit("1")).alias("ZJXYDM"),
        _where(pl.col("kind") < 3, pl.when(pl.col("uid") % 97 == 0).then(pl.lit("01")).otherwise(pl.lit("13"))).alias(
            "ZZMM"
        ),
        _where(pl.col("uid") % 89 == 0, pl.lit("1")).alias("BYZKDM"),
        _where(pl.col("uid") % 31 == 0, (155 + pl.col("uid") % 30).cast(pl.String)).alias("SG"),
        _where(pl.col("uid") % 37 == 0, pl.lit("1")).alias("XXDM"),
        pl.lit("0").alias("IS_ZDRY"),
        pl.col("partner").alias("POXM"),
        pl.col("partner_no").alias("POZJHM"),
        pl.col("mobile").alias("LXDH"),
        _where(pl.col("mobile") != "", days.text("mobile_on")).alias("LXDHHSRQ"),
        days.text("verified").alias("HSRQ"),
        pl.col("tenure").cast(pl.String).alias("JZFS"),
        pl.when(known_dead).then(pl.lit("2")).when(pl.col("uncertain")).then(pl.lit("0")).otherwise(pl.lit("1")).alias("ZXZT"),
        _where(known_dead, days.text("died")).alias("ZXRQ"),
        (days.text("updated") + (pl.col("second") // 3600).cast(pl.String).str.zfill(2)
         + (pl.col("second") // 60 % 60).cast(pl.String).str.zfill(2)
         + (pl.col("second") % 60).cast(pl.String).str.zfill(2)).alias("ZXGXSJ"),
    )  # fmt: skip


def _spoil(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """Defects a reader must live with, on the rows themselves."""
    number, kind = frame["ZJHM"], frame["ZJZLDM"]
    citizen = (kind == "111").to_numpy()
    # a defect in another column must not hide behind a number that is itself hard to read
    old = citizen & (frame["CSRQ"] < "20000101").to_numpy() & (frame["CSRQ"] >= "19000101").to_numpy()
    half = frame["WHCDDM"].is_in(["73", "83"]).to_numpy()
    changes = [
        ("old_number_15", old, lambda old, _: numbers.old_form(old)),
        ("lower_case_x", citizen & number.str.ends_with("X").to_numpy(), lambda old, _: old.lower()),
        ("full_width_number", citizen, lambda old, _: old.translate(FULL_WIDTH)),
        ("sex_in_words", None, lambda old, n: (("男", "M", "01"), ("女", "F", "02"))[old == "2"][n % 3]),
        ("education_synonym", half, lambda old, _: {"73": "72", "83": "82"}[old]),
        ("birth_date_style", None, lambda old, n: f"{old[:4]}{'-.'[n % 2]}{old[4:6]}{'-.'[n % 2]}{old[6:]}"),
    ]
    for name, allowed, change in changes:
        rows = picker.rows(name, allowed)
        column = {"sex_in_words": "XBDM", "education_synonym": "WHCDDM", "birth_date_style": "CSRQ"}.get(name, "ZJHM")
        frame = edit(frame, column, rows, change)
        picker.plant(name, rows)
    for name, column, values in (
        ("marital_out_of_code", "HYZKDM", ["50", "99", "2"]),
        ("education_out_of_code", "WHCDDM", ["55", "99", "05"]),
    ):
        rows = picker.rows(name)
        frame = put(frame, column, rows, values)
        picker.plant(name, rows)
    return frame


def _copies(frame: pl.DataFrame, picker: Picker) -> pl.DataFrame:
    """Rows that come on top: identical ones, and re-keyed ones of living people with a broken number."""
    sound = (frame["ZJZLDM"] == "111").to_numpy() & (frame["ZXZT"] == "1").to_numpy()
    extra, at = [], len(frame)
    rows = picker.rows("identical_row")
    extra.append(frame[rows])
    picker.plant("identical_row", at + np.arange(len(rows)))
    at += len(rows)
    for name, change in (
        ("number_in_scientific_notation", lambda old, _: f"{int(old[:17]) * 10:.5E}"),
        ("number_wrong_check", lambda old, _: numbers.wrong_check(old)),
        ("number_impossible_date", lambda old, _: numbers.thirtieth_of_february(old)),
        ("number_17_characters", lambda old, _: old[:17]),
        ("second_number", slips.nobodys),
    ):
        rows = picker.rows(name, sound)
        copy = edit(frame[rows], "ZJHM", np.arange(len(rows)), change)
        extra.append(copy.with_columns(RID="K" + pl.col("RID").str.slice(1)))
        picker.plant(name, at + np.arange(len(rows)))
        at += len(rows)
    return pl.concat([frame, *extra])


def write(world: World, occasion: Occasion) -> int:
    """Write the day's snapshot; returns its rows."""
    frame = snapshot(world, occasion.day)
    picker = Picker("B01", world.seed, frame["uid"].to_numpy())
    frame = _copies(_spoil(frame, picker), picker)
    frame.drop("uid").write_parquet(occasion.folder / FILE, compression="zstd", compression_level=3)
    lines = np.arange(1, len(frame) + 1)
    uid = frame["uid"].to_numpy()
    occasion.truth.rows("B01", occasion.day, FILE, lines, uid)
    wed = (frame["POZJHM"] != "").to_numpy()
    occasion.truth.rows("B01", occasion.day, FILE, lines[wed], world.people["spouse"].to_numpy()[uid[wed]], "spouse")
    foreign = (world.people["cert_kind"].gather(world.people["spouse"].gather(uid[wed])) != "111").to_numpy()
    occasion.odd("spouse_with_foreign_document", FILE, lines[wed][foreign])
    second = [at for kind, at in picker.planted if kind.name == "second_number"]
    for rows in (at for at in second if occasion.first or occasion.earlier):
        truly = world.people["cert_no"].gather(uid[rows])
        occasion.truth.event(
            "second_number", occasion.day, frame["uid"].gather(rows), truly, frame["ZJHM"].gather(rows)
        )
    occasion.truth.planted(picker, occasion.day, FILE, 1)
    return len(frame)
