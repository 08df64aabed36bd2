"""All tags that `tags_vs_polars.py` times, written by hand as an engineer who knows Polars would write them.

Nothing here comes from the rule language: it is the yardstick. Values must equal those of the evaluator. Persons by
themselves stand here; with related rows, households, dwellings and villages in the modules beside.
"""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import tags_by_hand_people as people
import tags_by_hand_places as places
from tags_by_hand_rows import folded

RESTRICTED = (
    "T07020105", "T07020106", "T07020107", "T07020405", "T07030301", "T07030302", "T07030303", "T07030305",
)  # fmt: skip
TABLES = (
    "person", "disability", "disability_restricted", "relief", "residence_reg", "person_suspicion", "household",
    "dwelling", "lease", "village",
)  # fmt: skip


def evaluate(database: Path, as_of: date, folder: Path) -> None:
    """Reads the subjects from a DuckDB file and writes `folder/<subject>_tags.parquet`, ordered by id.

    Restricted tags of persons go to a file of their own, as in production.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database), read_only=True) as connection:
        order = {
            "person": "person_id",
            "household": "household_id",
            "dwelling": "dwelling_id",
            "village": "village_code",
        }
        rows = {
            name: connection.sql(
                f"select * from subjects.{name}" + (f" order by {order[name]}" if name in order else "")
            ).pl()
            for name in TABLES
        }
    lazy = {name: frame.lazy() for name, frame in rows.items()}
    now = pl.lit(as_of)
    households = _joined(
        lazy["household"],
        "household_id",
        places.members(lazy["person"], now),
        people.relief(lazy["relief"], "household_id", now),
    ).with_columns(**places.household(now))
    households = households.collect(engine="streaming")
    _write(households, "household", "T0301", folder)
    dwellings = _joined(lazy["dwelling"], "dwelling_id", places.leases(lazy["lease"], now))
    _write(dwellings.with_columns(**places.dwelling()).collect(engine="streaming"), "dwelling", "T03", folder)
    of_household = ("size", "n_missed_visits", "head_id", "has_elder_with_disabled_child", "T03010302", "T03010304")
    home = households.lazy().select("household_id", *(pl.col(name).alias(f"h.{name}") for name in of_household))
    persons = _joined(
        lazy["person"],
        "person_id",
        _disability(lazy["disability"], as_of),
        people.relief(lazy["relief"], "person_id", now),
        people.registrations(lazy["residence_reg"], now),
        people.suspicions(lazy["person_suspicion"]),
        people.restricted_disability(lazy["disability_restricted"]),
    ).join(home, on="household_id", how="left", maintain_order="left")
    born = pl.col("birth_on")
    early = now.dt.month().cast(pl.Int32) * 100 + now.dt.day() < born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    persons = persons.with_columns(
        age=pl.when(born <= now).then(as_of.year - born.dt.year() - early.cast(pl.Int32)),
        turns=as_of.year - born.dt.year(),
        living=pl.col("alive") != "dead",
    )
    tags = (
        _basics() | _turning(as_of) | _papers(now) | _hukou(now) | _housing(now) | _certificates() | people.linked(now)
    )
    tagged = persons.select(
        "person_id", "res_village_code", "birth_on", "conflict_attributes", "res_dwelling_id", "is_mobile_valid", **tags
    ).collect(engine="streaming")
    _write(tagged, "person", "T", folder, leave=RESTRICTED)
    tagged.select("person_id", *RESTRICTED).write_parquet(
        folder / "restricted_person_tags.parquet", compression="zstd", statistics=False
    )
    counts = folded(tagged.lazy(), "res_village_code", people.counted(now))
    villages = _joined(
        lazy["village"],
        "village_code",
        places.homes(lazy["dwelling"]),
        counts.rename({"res_village_code": "village_code"}),
    ).with_columns(**places.village())
    _write(villages.collect(), "village", "T12", folder, key="village_code")


def _joined(rows: pl.LazyFrame, key: str, *parts: pl.LazyFrame) -> pl.LazyFrame:
    for part in parts:
        rows = rows.join(part, on=key, how="left", maintain_order="left")
    return rows


def _write(
    frame: pl.DataFrame, subject: str, prefix: str, folder: Path, leave: tuple[str, ...] = (), key: str = ""
) -> None:
    """The id and the tags in order of code."""
    codes = sorted(c for c in frame.columns if c.startswith(prefix) and len(c) == 9 and c not in leave)
    wide = frame.select(pl.col(key or f"{subject}_id").alias(f"{subject}_id"), *codes)
    wide.write_parquet(folder / f"{subject}_tags.parquet", compression="zstd", statistics=False)


def _disability(rows: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    valid_to, grade, employed = pl.col("valid_to_on"), pl.col("grade_code"), pl.col("is_employed")
    severe = grade.is_in(["1", "2"])
    conditions = {f"kind{k}": pl.col("kind_code") == k for k in "123457"}
    conditions |= {f"grade{g}": grade == g for g in "1234"}
    conditions |= {
        "valid": valid_to >= as_of,
        "ending": valid_to.is_between(as_of, pl.lit(as_of) + pl.duration(days=89)),
        "expired": valid_to < as_of,
        "severe": severe,
        "jobless": severe & ~employed,
        "living": pl.col("subsidies").list.contains("生活补贴"),
        "nursing": pl.col("subsidies").list.contains("护理补贴"),
        "due": severe & ~pl.col("subsidies").list.contains("护理补贴"),
        "home": pl.col("services").list.contains("阳光之家"),
        "device": pl.col("services").list.contains("辅具"),
        "access": pl.col("services").list.contains("无障碍改造"),
        "employed": employed,
    }
    folded = (
        rows.select("person_id", **conditions)
        .group_by("person_id")
        .agg(
            *(pl.col(n).any(ignore_nulls=True).alias(n) for n in conditions),
            *(pl.col(n).is_null().any().alias(f"{n}?") for n in conditions),
        )
    )
    kleene = {n: pl.when(pl.col(n)).then(True).when(pl.col(f"{n}?")).then(None).otherwise(False) for n in conditions}
    return folded.select("person_id", has_rows=pl.lit(True), **{f"d.{n}": e for n, e in kleene.items()})


def _any(name: str) -> pl.Expr:
    return pl.when(pl.col("has_rows").is_null()).then(False).otherwise(pl.col(f"d.{name}"))


def _basics() -> dict[str, pl.Expr]:
    age, sex, living = pl.col("age"), pl.col("sex_code"), pl.col("living")
    known = pl.when(pl.col("alive") != "unknown").then(pl.col("alive") == "alive")
    month = pl.col("birth_on").dt.month() == 10
    women = (sex == "2") & age.is_between(15, 49)
    tags = {
        "T01010101": sex == "1",
        "T01010102": sex == "2",
        "T01010103": sex.is_in(["0", "9"]) | sex.is_null(),
        "T01010318": age >= 85,
        "T01010401": age < 3,
        "T01010402": age.is_between(3, 5),
        "T01010403": age.is_between(6, 14),
        "T01010404": age < 14,
        "T01010405": age < 18,
        "T01010406": age >= 18,
        "T01010407": age.is_between(14, 35),
        "T01010408": age.is_between(16, 59),
        "T01010501": age >= 60,
        "T01010502": age >= 65,
        "T01010503": age.is_between(60, 69),
        "T01010504": age.is_between(70, 79),
        "T01010505": age >= 80,
        "T01010506": age >= 90,
        "T01010507": (age >= 100) & known & pl.col("is_birth_as_cert").fill_null(True),
        "T01010703": women,
        "T01010704": women & pl.col("marital_code").is_in(["20", "21", "22", "23"]),
        "T01010801": (age >= 60) & month & living,
        "T01010802": month & pl.col("turns").is_in([70, 80, 90, 100]) & living,
        "T01030101": pl.col("marital_code") == "10",
        "T01030102": pl.col("marital_code").is_in(["20", "21", "22", "23"]),
        "T01030103": pl.col("marital_code") == "30",
        "T01030104": pl.col("marital_code") == "40",
        "T01030105": (pl.col("marital_code") == "90") | pl.col("marital_code").is_null(),
    }
    tags |= {f"T0101020{i + 1}": (age == i) & known for i in range(3)}
    tags |= {f"T010103{i + 1:02d}": age.is_between(5 * i, 5 * i + 4) for i in range(17)}
    return tags


def _turning(as_of: date) -> dict[str, pl.Expr]:
    turns, living, chinese = pl.col("turns"), pl.col("living"), pl.col("nationality_code") == "CHN"
    tags = {f"T0101060{i + 1}": (turns == n) & living for i, n in enumerate((16, 18, 60, 65, 70, 80, 90, 100))}
    return tags | {
        "T01010701": (pl.col("sex_code") == "1") & chinese & (turns == 18) & living,
        "T01010702": chinese & living & turns.is_between(18, 22),
    }


def _papers(now: pl.Expr) -> dict[str, pl.Expr]:
    kind, nation, alive = pl.col("cert_kind"), pl.col("nationality_code"), pl.col("alive")
    home = nation.is_in(["CHN", "HKG", "MAC", "TWN"])
    stale = (now - pl.col("mobile_verified_on")).dt.total_days() > 180
    hundred = pl.when((pl.col("age") < 100).fill_null(False)).then(False)
    return {
        **{f"T0102020{i + 1}": nation == n for i, n in enumerate(("CHN", "HKG", "MAC", "TWN"))},
        "T01020205": ~home,
        "T01040101": kind == "idcard",
        "T01040102": kind == "hmt_residence",
        "T01040103": kind == "hm_permit",
        "T01040104": (kind == "tw_permit") & (nation == "TWN"),
        "T01040105": (kind == "passport") & ~home,
        "T01040106": kind == "foreign_pr",
        "T01040107": (kind == "none") | kind.is_null(),
        "T01040202": pl.col("cert_was_15"),
        "T01040203": ~pl.col("is_birth_as_cert"),
        "T01040204": ~pl.col("is_sex_as_cert"),
        "T01040301": pl.col("has_mobile") & pl.col("is_mobile_valid"),
        "T01040302": ~pl.col("has_mobile"),
        "T01040303": pl.col("has_mobile") & (pl.col("mobile_household_count") >= 3),
        "T01040304": pl.col("mobile_verified_on").is_null() | stale,
        "T01040401": alive == "alive",
        "T01040402": alive == "dead",
        "T01040404": (alive == "unknown") | hundred,
    }


def _hukou(now: pl.Expr) -> dict[str, pl.Expr]:
    place, home, division = pl.col("hukou_village_code"), pl.col("res_village_code"), pl.col("hukou_div_code")
    here, province = division == "310118", pl.col("hukou_prov_code")
    lives = home.is_not_null()
    same_town = place.str.slice(0, 9) == home.str.slice(0, 9)
    age_days = (now - pl.col("birth_on")).dt.total_days()
    dead_days = (now - pl.col("death_on")).dt.total_days()
    named = ["34", "32", "41", "51", "36", "33"]
    return {
        "T02020101": lives & here & (place == home),
        "T02020102": lives & here & same_town & (place != home),
        "T02020103": lives & here & ~same_town,
        "T02020104": (province == "31") & ~here,
        "T02020105": (province != "31") & (pl.col("nationality_code") == "CHN"),
        **{f"T0202020{i + 1}": pl.col("hukou_kind") == k for i, k in enumerate(("family", "collective", "public"))},
        "T02020301": pl.col("hukou_nature") == "agri",
        "T02020302": pl.col("hukou_nature") == "nonagri",
        **{f"T0202040{i + 1}": province == p for i, p in enumerate(named)},
        "T02020407": (province != "31") & ~province.is_in(named),
        "T02020503": place.is_not_null() & age_days.is_between(0, 365),
        "T02020504": place.is_not_null() & (pl.col("alive") == "dead") & dead_days.is_between(0, 365),
    }


def _housing(now: pl.Expr) -> dict[str, pl.Expr]:
    kinds = ("own", "rent", "dorm", "relative", "shed", "institution")
    unverified = (now - pl.col("verified_on")).dt.total_days() > 180
    tags = {f"T0205010{i + 1}": pl.col("tenure") == k for i, k in enumerate(kinds)}
    return tags | {"T02050204": pl.col("verified_on").is_null() | unverified}


def _certificates() -> dict[str, pl.Expr]:
    age = pl.col("age")
    names = {f"T0702010{n}": f"kind{k}" for n, k in zip("123457", "123457", strict=True)}
    names |= {f"T0702020{g}": f"grade{g}" for g in "1234"}
    names |= {"T07020301": "valid", "T07020302": "ending", "T07020304": "severe", "T07020401": "living"}
    names |= {"T07020402": "nursing", "T07020403": "due", "T07020404": "home", "T07020406": "device"}
    names |= {"T07020407": "access", "T07020408": "employed"}
    return {code: _any(name) for code, name in names.items()} | {
        "T07020303": _any("expired") & ~_any("valid"),
        "T07020305": age.is_between(16, 59) & _any("jobless"),
        "T07020306": (age < 18) & _any("valid"),
        "T07020307": (age >= 60) & _any("valid"),
    }
