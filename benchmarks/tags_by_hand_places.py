"""Tags of households, dwellings and villages, by hand; part of the yardstick of `tags_vs_polars.py`."""

import polars as pl
from tags_by_hand_people import IDENTITY
from tags_by_hand_rows import any_true, count_true, days, folded, fraction, share_at_least, years


def household(now: pl.Expr) -> dict[str, pl.Expr]:
    """Tags of a household joined with its members (`m.`) and its relief (`r.`)."""
    size, generations = pl.col("size"), pl.col("generations")
    children = pl.col("n_0_2") + pl.col("n_3_5")
    only_elders = ~any_true("m.younger")
    return {
        **{f"T0301010{n}": size == n for n in range(1, 6)},
        "T03010106": size >= 6,
        **{f"T0301020{n}": generations == n for n in range(1, 4)},
        "T03010204": generations >= 4,
        "T03010301": (size == 1) & only_elders,
        "T03010302": (size >= 1) & only_elders,
        "T03010303": pl.col("is_skipped_generation"),
        "T03010304": pl.col("is_single_parent"),
        "T03010305": pl.col("n_children") >= 2,
        "T03010306": pl.col("n_disabled") >= 2,
        "T03010307": pl.col("has_elder_with_disabled_child"),
        "T03010308": pl.col("n_disabled") >= 1,
        "T03010401": children >= 1,
        "T03010402": pl.col("n_6_14") >= 1,
        "T03010403": pl.col("n_60") >= 1,
        "T03010404": pl.col("n_80") >= 1,
        "T03010405": (pl.col("n_60") >= 1) & (children + pl.col("n_6_14") >= 1),
        "T03010406": pl.col("n_16_59") == 0,
        "T03010407": pl.col("n_under_16") + pl.col("n_60") > pl.col("n_16_59"),
        "T03010501": any_true("r.low"),
        "T03010502": any_true("r.edge"),
        "T03010503": any_true("r.spend"),
    }


def members(persons: pl.LazyFrame, now: pl.Expr) -> pl.LazyFrame:
    """Whether a household has a member who is not of age 60 yet."""
    return folded(persons, "household_id", {"m.younger": ~(years(pl.col("birth_on"), now) >= 60)})


def leases(rows: pl.LazyFrame, now: pl.Expr) -> pl.LazyFrame:
    """Leases by dwelling."""
    is_open, filed, group = pl.col("is_open"), pl.col("is_filed"), pl.col("group_rent")
    checked, ends = days(pl.col("checked_on"), now), pl.col("end_on")
    conditions = {
        "l.open": is_open,
        "l.filed": is_open & filed,
        "l.unfiled": is_open & ~filed,
        "l.suspected": is_open & (group == "疑似"),
        "l.confirmed": is_open & (group == "确认"),
        "l.mended": (group == "整治") & (checked >= 0) & (checked <= 365),
        "l.sublet": is_open & pl.col("is_sublet"),
        "l.ending": is_open & (ends >= now) & (ends <= now + pl.duration(days=29)),
        "l.mixed": is_open & pl.col("is_three_in_one"),
        "l.all": pl.lit(True),
    }
    return folded(rows, "dwelling_id", conditions)


def dwelling() -> dict[str, pl.Expr]:
    """Tags of a dwelling joined with its leases (`l.`)."""
    built, year, use = pl.col("build_type"), pl.col("built_year"), pl.col("use_status")
    people, area, floors = pl.col("occupant_count"), pl.col("gross_area_m2"), pl.col("floors_total")
    is_let = any_true("l.open")

    def roomy(metres: int) -> pl.Expr:
        return pl.when(people > 0).then(area >= people * metres)

    lived, crowded = people >= 1, (people >= 1) & ~roomy(5)
    return {
        "T03020101": built.is_in(["商品房", "别墅"]),
        "T03020102": built == "动迁安置",
        "T03020103": built == "售后公房",
        "T03020104": built == "宅基地",
        "T03020105": built.is_in(["公租房", "保租房"]),
        "T03020106": built == "宿舍",
        "T03020107": built == "公寓",
        "T03020201": year < 2000,
        "T03020202": (year >= 2000) & (year <= 2009),
        "T03020203": (year >= 2010) & (year <= 2019),
        "T03020204": year >= 2020,
        "T03020301": crowded,
        "T03020302": lived & roomy(5) & ~roomy(15),
        "T03020303": lived & roomy(15) & ~roomy(30),
        "T03020304": lived & roomy(30),
        "T03020401": floors <= 3,
        "T03020402": (floors > 3) & (floors <= 6),
        "T03020403": floors > 6,
        "T03020404": (pl.col("floor_no") >= 4) & ~pl.col("has_elevator"),
        "T03020405": pl.col("is_elevator_added"),
        "T03020406": pl.col("is_lift_consult"),
        "T03020501": ~pl.col("has_kitchen"),
        "T03020502": ~pl.col("has_toilet"),
        "T03020503": ~pl.col("has_piped_gas"),
        "T03020504": pl.col("has_bottled_gas"),
        "T03020505": pl.col("has_smoke_alarm"),
        "T03020506": pl.col("has_smart_meter"),
        "T03030101": use == "自住",
        "T03030102": ~(use == "自住").fill_null(False) & ((use == "出租") | is_let),
        "T03030103": (use == "空置") & (people == 0) & ~is_let,
        "T03030104": (use == "经营") & ~is_let,
        "T03030105": (use == "待拆") & ~is_let,
        "T03030201": any_true("l.filed"),
        "T03030202": any_true("l.unfiled") | ((pl.col("renter_count") >= 1) & (count_true("l.all") == 0)),
        "T03030203": any_true("l.suspected") | (pl.col("unrelated_adult_count") >= 6) | crowded,
        "T03030204": any_true("l.confirmed"),
        "T03030205": any_true("l.mended"),
        "T03030206": any_true("l.sublet"),
        "T03030207": any_true("l.ending"),
        "T03030301": pl.col("safety_grade").is_not_null() & pl.col("safety_grade").is_in(["C", "D"]),
        "T03030303": pl.col("is_illegal_build"),
        "T03030304": pl.col("has_facade_risk"),
        "T03030305": pl.col("is_self_built_biz"),
        "T03030306": any_true("l.mixed"),
    }


def homes(dwellings: pl.LazyFrame) -> pl.LazyFrame:
    """Dwellings by village: of a known kind and year, and of which."""
    built, year = pl.col("build_type"), pl.col("built_year")
    conditions = {
        "b.kind": built.is_not_null(),
        "b.market": built.is_not_null() & built.is_in(["商品房", "别墅"]),
        "b.resettled": built.is_not_null() & (built == "动迁安置"),
        "b.year": year.is_not_null(),
        "b.old": year.is_not_null() & (year < 2000),
    }
    return folded(dwellings, "village_code", conditions)


def village() -> dict[str, pl.Expr]:
    """Tags of a village joined with its dwellings (`b.`) and what it counts of its people (`c.`)."""
    kind, form, people = pl.col("kind"), pl.coalesce("form", pl.lit("")), pl.col("n_res")

    def n(name: str) -> pl.Expr:
        return count_true(f"c.{name}")

    good = 3 * sum((n(t) for t in IDENTITY[1:]), n(IDENTITY[0])) + 2 * (n("T02010305") + n("alike"))
    known = 3 * sum((n(f"{t}.known") for t in IDENTITY[1:]), n(f"{IDENTITY[0]}.known"))
    known = known + 2 * (n("T02010305.known") + n("alike.known")) + 2 * n("all") + n("reached.known")
    return {
        "T12010101": kind == "村",
        "T12010102": kind == "居",
        "T12010201": share_at_least(count_true("b.market"), count_true("b.kind"), 50),
        "T12010202": share_at_least(count_true("b.resettled"), count_true("b.kind"), 50),
        "T12010203": share_at_least(count_true("b.old"), count_true("b.year"), 50),
        "T12010204": (kind == "居") & pl.col("is_rural"),
        "T12010205": form == "乡村振兴示范",
        "T12010206": form == "美丽乡村示范",
        "T12010301": people < 1000,
        "T12010302": (people >= 1000) & (people < 3000),
        "T12010303": (people >= 3000) & (people < 6000),
        "T12010304": people >= 6000,
        "T12010401": share_at_least(pl.col("n_65"), people, 14),
        "T12010402": pl.col("n_pop_02") > pl.col("n_pop_01"),
        "T12020101": fraction(pl.col("n_60"), people, 4),
        "T12020102": fraction(pl.col("n_80"), people, 4),
        "T12020103": fraction(pl.col("n_0_14"), people, 4),
        "T12020104": fraction(pl.col("n_pop_02"), people, 4),
        "T12020105": fraction(pl.col("n_away"), pl.col("n_hukou"), 4),
        "T12020106": fraction(100 * pl.col("n_male"), pl.col("n_female"), 2),
        "T12020107": fraction(pl.col("n_household_person"), pl.col("n_household"), 2),
        "T12020108": fraction(n("alone"), n("elder"), 4),
        "T12020109": pl.when(n("certified") >= 10).then(fraction(n("certified"), pl.col("n_pop_01"), 4)),
        "T12020110": pl.when(n("low") >= 10).then(fraction(n("low"), pl.col("n_pop_01"), 4)),
        "T12050201": fraction(100 * (good + 2 * n("placed") + n("reached")), known, 2),
    }
