"""Tags of persons that look at related rows or at the household, by hand; yardstick of `tags_vs_polars.py`."""

import polars as pl
from tags_by_hand_rows import any_true, count_true, days, folded, months, years

LIVING_RELIEF = ["低保", "特困", "低保边缘", "支出型"]


def relief(rows: pl.LazyFrame, key: str, now: pl.Expr) -> pl.LazyFrame:
    """Relief of a person or a household: what is paid on the day, what began, ended, or is due for review."""
    item, paid, start, end = pl.col("item"), pl.col("status") == "在享", pl.col("start_on"), pl.col("end_on")
    valid = paid & (start <= now) & (end.is_null() | (end >= now))
    since = days(start, now)
    due = pl.col("review_due_on")
    names = {"low": "低保", "poor": "特困", "edge": "低保边缘", "spend": "支出型", "medical": "医疗救助",
             "food": "粮油帮困", "rent": "廉租"}  # fmt: skip
    conditions = {f"r.{n}": (item == word) & valid for n, word in names.items()}
    conditions |= {
        "r.once": (item == "临时救助") & (since >= 0) & (since <= 365),
        "r.new": (item == "低保") & (since >= 0) & (since <= 90),
        "r.ended": (item == "低保") & end.is_not_null() & (days(end, now) >= 0) & (days(end, now) <= 90),
        "r.review": paid & (due >= now) & (due <= now + pl.duration(days=29)),
        "r.any": valid,
        "r.living": item.is_in(LIVING_RELIEF) & valid,
    }
    return folded(rows, key, conditions)


def registrations(rows: pl.LazyFrame, now: pl.Expr) -> pl.LazyFrame:
    """Registrations of residence by person."""
    is_open, kind, ends = pl.col("is_open"), pl.col("permit_type"), pl.col("permit_valid_to_on")
    permit = kind == "居住证"
    since = days(pl.col("reg_on"), now)
    conditions = {
        "g.new": (since >= 0) & (since < 30),
        "g.only": is_open & (kind == "登记"),
        "g.permit": permit & (ends >= now),
        "g.lasting": permit & (ends >= now + pl.duration(days=30)),
        "g.ending": permit & (ends >= now) & (ends <= now + pl.duration(days=29)),
        "g.ended": permit & (ends < now),
        "g.points": is_open & pl.col("is_points_ok"),
        "g.talent": is_open & permit & (pl.col("permit_subtype") == "人才"),
    }
    return folded(rows, "person_id", conditions, pl.col("arrive_on").alias("g.first"))


def suspicions(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What linkage suspects of a person."""
    kind = pl.col("kind")
    return folded(
        rows,
        "person_id",
        {"s.two_people": kind == "one_number_two_people", "s.two_numbers": kind == "one_person_two_numbers"},
    )


def restricted_disability(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The kinds of disability that are told nobody, by person."""
    conditions = {
        "x.kind5": pl.col("kind_code") == "5",
        "x.mental": pl.col("is_mental"),
        "x.kind7": pl.col("kind_code") == "7",
        "x.club": pl.col("services").list.contains("阳光心园"),
    }
    return folded(rows, "person_id", conditions)


def linked(now: pl.Expr) -> dict[str, pl.Expr]:
    """The tags of a person joined with all of the above and its household (`h.`)."""
    age, living = pl.col("age"), pl.col("living")
    home, hukou = pl.col("res_village_code"), pl.col("hukou_village_code")
    division = pl.col("hukou_div_code")
    resident, newcomer = pl.col("pop_type_code") == "01", pl.col("pop_type_code") == "02"
    is_here = home.is_not_null()
    at_home = (hukou == home).fill_null(False)
    stay = months(pl.col("arrive_on"), now)
    settled = is_here & (at_home | (stay >= 6))
    short = is_here & ~at_home & (stay < 6) & (days(pl.col("arrive_on"), now) >= 30)
    stayed = years(pl.col("g.first"), now)
    conflicts = pl.col("conflict_attributes").list
    missed = pl.col("h.n_missed_visits") >= 3
    lasting, registered = any_true("g.lasting"), any_true("g.only") & ~any_true("g.permit")
    tenure = pl.col("tenure")
    alone = (
        living
        & (age >= 60)
        & ~pl.coalesce(tenure, pl.lit("")).is_in(["dorm", "shed", "institution"])
        & (pl.col("h.size") == 1)
    )
    valid_certificate = pl.when(pl.col("has_rows").is_null()).then(False).otherwise(pl.col("d.valid"))
    frail = (age >= 80) | valid_certificate
    return {
        "T01040205": any_true("s.two_people"),
        "T01040206": any_true("s.two_numbers"),
        "T02010101": resident,
        "T02010102": newcomer,
        "T02010103": pl.col("pop_type_code") == "03",
        "T02010201": settled,
        "T02010202": short,
        "T02010203": ~settled.fill_null(False) & ~short.fill_null(False) & any_true("g.new"),
        "T02010301": is_here & (division == "310118") & (pl.col("hukou_dwelling_id") == pl.col("res_dwelling_id")),
        "T02010302": hukou.is_not_null() & (home.is_null() | (home != hukou)),
        "T02010303": is_here & resident & ((division != "310118") | (hukou != home)),
        "T02010304": pl.col("is_empty_hukou"),
        "T02010305": living
        & (conflicts.contains("res_village_code") | conflicts.contains("hukou_village_code") | missed),
        "T02030101": registered,
        "T02030102": lasting,
        "T02030103": ~lasting.fill_null(False) & any_true("g.ending"),
        "T02030104": ~registered.fill_null(False) & any_true("g.ended") & ~any_true("g.permit"),
        "T02030201": any_true("g.points"),
        "T02030202": any_true("g.talent"),
        "T02030301": newcomer & (stayed < 1),
        "T02030302": newcomer & (stayed >= 1) & (stayed <= 4),
        "T02030303": newcomer & (stayed >= 5) & (stayed <= 9),
        "T02030304": newcomer & (stayed >= 10),
        **{
            f"T0203040{n}": newcomer & (pl.col("stay_reason") == reason)
            for n, reason in enumerate(("work", "business", "family", "study", "other"), 1)
        },
        "T02030501": newcomer & pl.col("is_spouse_in_dwelling") & pl.col("are_minor_children_in_dwelling"),
        "T02030502": newcomer & ~pl.col("is_relative_in_dwelling"),
        "T02030503": newcomer & (age < 18) & pl.col("is_parent_in_dwelling"),
        "T02030504": newcomer & (age >= 60) & pl.col("is_adult_child_in_dwelling"),
        "T07010101": alone,
        "T07010102": (age >= 60) & (pl.col("h.size") >= 2) & pl.col("h.T03010302"),
        "T07010105": (age >= 60) & pl.col("is_adult_child_in_dwelling") & pl.col("h.has_elder_with_disabled_child"),
        "T07010508": alone & pl.when(frail).then(True),
        "T07020105": any_true("x.kind5"),
        "T07020106": any_true("x.mental"),
        "T07020107": any_true("x.kind7"),
        "T07020405": any_true("x.club"),
        **{
            code: any_true(f"r.{name}")
            for code, name in {
                "T07030101": "low", "T07030102": "poor", "T07030103": "edge", "T07030104": "spend", "T07030105": "once",
                "T07030201": "medical", "T07030202": "food", "T07030203": "rent", "T07030301": "new",
                "T07030302": "ended", "T07030303": "review",
            }.items()
        },
        "T07030305": (pl.col("alive") == "dead") & any_true("r.any"),
        "T07050201": (pl.col("sex_code") == "2")
        & (pl.col("h.head_id") == pl.col("person_id"))
        & pl.col("h.T03010304")
        & any_true("r.living"),
    }  # fmt: skip


def counted(now: pl.Expr) -> dict[str, pl.Expr]:
    """Of a person, what its village counts; names without a dot are tags."""
    unlike = pl.col("conflict_attributes").list
    differs = unlike.contains("name") | unlike.contains("sex_code") | unlike.contains("birth_on")
    return {
        "c.alone": pl.col("T07010101").fill_null(False),
        "c.elder": (years(pl.col("birth_on"), now) >= 60).fill_null(False),
        "c.certified": pl.col("T07020301").fill_null(False),
        "c.low": pl.col("T07030101").fill_null(False),
        **{f"c.{t}": (~pl.col(t)).fill_null(False) for t in IDENTITY},
        **{f"c.{t}.known": pl.col(t).is_not_null() for t in IDENTITY},
        "c.T02010305": (~pl.col("T02010305")).fill_null(False),
        "c.T02010305.known": pl.col("T02010305").is_not_null(),
        "c.alike": (~differs).fill_null(False),
        "c.alike.known": differs.is_not_null(),
        "c.placed": pl.col("res_dwelling_id").is_not_null(),
        "c.all": pl.lit(True),
        "c.reached": pl.col("is_mobile_valid").fill_null(False),
        "c.reached.known": pl.col("is_mobile_valid").is_not_null(),
    }


IDENTITY = ("T01040107", "T01040203", "T01040204", "T01040205", "T01040206")
__all__ = ["count_true", "counted", "linked", "registrations", "relief", "restricted_disability", "suspicions"]
