"""Addresses against the simulator's truth: `python benchmarks/addresses.py [DATA_ROOT]`, or `--speed [DWELLINGS]`.

Five tables. Rows that state a dwelling, matched as if they did not. Leases without one, against the dwelling the
simulator meant. People's homes by their address. Villages that rows state, against those their addresses lead to. And
addresses of the base itself, spelled as people spell them. Exit 1 when one dwelling or village is wrong: an address
may stay unplaced, never be placed wrongly. With `--speed` a made-up district is parsed and matched and the processor
seconds are told.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.lake import register
from pipelines.feeds.status import judged
from pipelines.identifiers import load_key, pseudonyms
from pipelines.settings import Settings
from pipelines.sql import quoted
from pipelines.subjects.addresses.links import aliases, declared, frame_of, homes, known_names
from pipelines.subjects.addresses.match import Matching, base, match
from pipelines.subjects.addresses.names import Names, Vocabulary, names, read

WORDS = str.maketrans("0123456789", "〇一二三四五六七八九")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
Spelling = Callable[[pl.Expr], pl.Expr]
# How people spell a standard address; each keeps what is needed to tell it from every other.
SPELLINGS: dict[str, Spelling] = {
    "as in the base": lambda a: a,
    "without city and district": lambda a: a.str.replace("^上海市青浦区", ""),
    "traditional characters": lambda a: a.str.replace_many(["区", "镇", "号"], ["區", "鎮", "號"]),
    "full-width digits": lambda a: a.str.replace_many(*_pairs(WIDE)),
    "digits in words": lambda a: a.str.replace_many(*_pairs(WORDS)),
    "6-501 and 6#": lambda a: a.str.replace("([0-9]+)号([0-9]+)室$", "${1}-${2}").str.replace("号$", "#"),
    "号楼 and 户": lambda a: a.str.replace("([0-9]+)号([0-9]+)室$", "${1}号楼${2}户"),
    "blanks and commas": lambda a: a.str.replace_all("(区|镇|道|弄|组)", "${1} ，"),
    "zeros in front": lambda a: a.str.replace_all("([0-9]+)(号|室)", "00${1}${2}"),
    "town without 镇": lambda a: a.str.replace("^(上海市青浦区.{2,3}?)(?:镇|街道)", "${1}"),
    "without town": lambda a: a.str.replace("^上海市青浦区.{2,4}?(?:镇|街道)", ""),
    "group left out": lambda a: a.str.replace("[0-9]+组", ""),
}
ROOM_LEFT_OUT = "room left out"


def _pairs(table: dict[int, int]) -> tuple[list[str], list[str]]:
    return [chr(code) for code in table], [chr(code) for code in table.values()]


def told(found: pl.DataFrame, truth: str, answer: str) -> tuple[int, int, int]:
    """Rows with a truth, rows answered, rows answered wrongly."""
    known = found.filter(pl.col(truth).is_not_null())
    answered = known.filter(pl.col(answer).is_not_null())
    return known.height, answered.height, answered.filter(pl.col(answer) != pl.col(truth)).height


def say(what: str, counts: tuple[int, int, int]) -> int:
    """Prints a line and returns the number of wrong answers."""
    rows, answered, wrong = counts
    right = answered - wrong
    precision, recall = (100 * right / n if n else 100.0 for n in (answered, rows))
    print(f"  {what:34} {rows:9,} {answered:9,} {wrong:6,} {precision:9.3f} {recall:9.3f}")
    return wrong


def head(title: str) -> None:
    """Prints a table's head."""
    print(f"\n{title}\n  {'':34} {'rows':>9} {'found':>9} {'wrong':>6} {'precision':>9} {'recall':>9}")


def against_truth(root: str) -> int:
    """The four tables over a data root's lake; 1 when something is placed wrongly."""
    settings = Settings(data=Path(root))
    contracts = load_contracts(settings.contracts)
    folder = settings.declarations / "addresses"
    said = declared(folder, contracts)
    how: Matching = read(folder / "matching.yml", Matching)
    as_of = max(date.fromisoformat(day.name) for day in settings.lake.glob("*/*"))
    statuses = judged(settings, contracts, as_of)
    with duckdb.connect() as connection:
        register(connection, settings, contracts, statuses, as_of)
        known = known_names(connection, settings, said)
        against = base(homes(connection, said), known)
        estates = aliases(connection, said, known, against)

        def placed(query: str) -> pl.DataFrame:
            rows = frame_of(connection, query)
            asked = rows.select("address", pl.lit(None, dtype=pl.String).alias("stated_village_code"))
            found = match(asked, against, known, estates, how).select("dwelling_id", "village_code")
            return pl.concat([rows, found], how="horizontal")

        wrong = 0
        head("rows that state a dwelling, by their address alone")
        in_base = f"(select {quoted(said.base.dwelling)} from lake.{said.base.feed.lower()})"
        for column in (c for c in said.columns if c.dwelling):
            home, text = quoted(str(column.dwelling)), quoted(column.address)
            found = placed(
                f"select {text} as address, {home} as truth from lake.{column.feed.lower()} "
                f"where {text} is not null and {home} in {in_base}"
            )
            wrong += say(f"{column.feed} {column.slot}", told(found, "truth", "dwelling_id"))

        head("leases without a dwelling, against the one the simulator meant")
        leases = placed("select lease_id, address from lake.f02 where dwelling_id is null").join(
            _leases(settings), on="lease_id", how="left"
        )
        wrong += say("F02 lease", told(leases, "truth", "dwelling_id"))

        head("people's homes by the address alone, against where they really live")
        for column in (c for c in said.columns if c.slot == "person" and not c.dwelling):
            at = ", ".join(("_business_on", "_delivery", "_file", "_line"))
            found = placed(f"select {at}, {quoted(column.address)} as address from lake.{column.feed.lower()}")
            # Some have moved since, and some registers know the registered address only: this tells, and fails nothing.
            say(
                column.feed, told(found.join(_people(settings, column.feed), on=at.split(", ")), "truth", "dwelling_id")
            )

        head("villages that rows state, by their address alone")
        for column in (c for c in said.columns if c.village and c.slot != "person"):
            feed, village, text = column.feed.lower(), quoted(str(column.village)), quoted(column.address)
            found = placed(
                f"select r.{text} as address, v.village_code as truth from lake.{feed} r "
                f"join lake.b03 v on v.village_code = r.{village} where r.{text} is not null"
            )
            wrong += say(f"{column.feed} {column.slot}", told(found, "truth", "village_code"))

        head("addresses of the base, spelled as people do")
        standard = against.filter(pl.col("address_key").is_not_null() & (pl.len().over("address_key") == 1))
        for name, spell in SPELLINGS.items():
            wrong += _spelled(name, standard, spell, against, known, estates, how)
        _spelled(ROOM_LEFT_OUT, standard, lambda a: a.str.replace("[0-9]+室$", ""), against, known, estates, how)
    return 1 if wrong else 0


def _spelled(
    name: str,
    standard: pl.DataFrame,
    spell: Spelling,
    against: pl.DataFrame,
    known: Names,
    estates: pl.DataFrame,
    how: Matching,
) -> int:
    asked = standard.select(
        spell(pl.col("std_address")).alias("address"), pl.lit(None, dtype=pl.String).alias("stated_village_code")
    )
    found = match(asked, against, known, estates, how).select("dwelling_id")
    both = pl.concat([standard.select(pl.col("dwelling_id").alias("truth")), found], how="horizontal")
    return say(name, told(both, "truth", "dwelling_id"))


def _leases(settings: Settings) -> pl.DataFrame:
    """The dwelling of every lease: the simulator numbers a lease like its dwelling."""
    key = load_key(settings.key_path, must_exist=True)
    delivered = sorted((settings.landing / "B02").glob("*/*/fangwu.db"))[-1]
    with closing(sqlite3.connect(delivered)) as register_of_houses:
        rows = register_of_houses.execute("select distinct FWID from V_FW").fetchall()
    numbers = pl.Series([number for (number,) in rows], dtype=pl.String)
    return pl.DataFrame(
        {
            "lease_id": pseudonyms(key, "lease", "ZL" + numbers.str.slice(2)),
            "truth": pseudonyms(key, "dwelling", numbers),
        }
    )


def _people(settings: Settings, feed: str) -> pl.DataFrame:
    """For every row about a person of a feed, the dwelling they live in; null outside the district."""
    truth = settings.vault / "truth"
    people = pl.read_parquet(truth / "persons.parquet", columns=["person_uid", "res_dwelling_id"])
    key = load_key(settings.key_path, must_exist=True)
    lives = people.with_columns(pseudonyms(key, "dwelling", people["res_dwelling_id"].replace("", None)).alias("truth"))
    rows = pl.read_parquet(truth / "rows.parquet").filter(pl.col("feed") == feed)
    return rows.join(lives, on="person_uid").select(
        pl.col("business_on").cast(pl.Date).alias("_business_on"),
        pl.col("delivery").alias("_delivery"),
        pl.col("file").alias("_file"),
        pl.col("line").cast(pl.Int32).alias("_line"),
        "truth",
    )


def speed(dwellings: int) -> int:
    """Parse and match a made-up district: so many dwellings, and nearly three addresses for each."""
    towns = ["夏阳街道", "徐泾镇", "华新镇", "练塘镇", "朱家角镇"]
    villages = pl.DataFrame(
        {
            "village_code": [f"3101181{town:02}{village:03}" for town in range(5) for village in range(70)],
            "name": [f"第{chr(0x4E00 + 37 * town + village)}村村委会" for town in range(5) for village in range(70)],
            "town_code": [f"3101181{town:02}" for town in range(5) for _ in range(70)],
            "town_name": [towns[town] for town in range(5) for _ in range(70)],
        }
    )
    settings = Settings()
    folder = settings.declarations / "addresses"
    known = names(read(folder / "vocabulary.yml", Vocabulary), villages)
    n = pl.int_range(dwellings)
    stock = pl.select(
        pl.format("d{}", n).alias("dwelling_id"),
        pl.when(n % 4 == 0)
        .then(pl.format("上海市青浦区徐泾镇第{}村{}组{}号", pl.lit("一"), n % 40, n))
        .otherwise(pl.format("上海市青浦区华新镇{}路{}弄{}号{}室", pl.lit("嘉松中"), n // 260, n % 260, 101 + n % 900))
        .alias("std_address"),
        pl.lit("310118101001").alias("village_code"),
    )
    texts = [
        spell for name, spell in SPELLINGS.items() if name in ("6-501 and 6#", "digits in words", "full-width digits")
    ]
    asked = pl.concat([stock.select(spell(pl.col("std_address")).alias("address")) for spell in texts]).head(
        int(dwellings * 2.68)
    )
    asked = asked.with_columns(pl.lit(None, dtype=pl.String).alias("stated_village_code"))
    began, cpu = time.perf_counter(), time.process_time()
    against = base(stock, known)
    read_base = time.process_time() - cpu
    none = pl.DataFrame(schema={"town_code": pl.String, "name": pl.String, "road": pl.String, "lane": pl.String})
    found = match(asked, against, known, none, read(folder / "matching.yml", Matching))
    cpu = time.process_time() - cpu
    share = 1 - found["dwelling_id"].null_count() / found.height
    print(
        f"{dwellings:,} dwellings and {asked.height:,} addresses: {cpu:.1f} processor seconds ({read_base:.1f} for the "
        f"base), {time.perf_counter() - began:.1f} s; {100 * share:.2f} % placed"
    )
    return 0


if __name__ == "__main__":
    if "--speed" in sys.argv:
        sys.exit(speed(int(sys.argv[2]) if len(sys.argv) > 2 else 560_000))
    sys.exit(against_truth(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("XFY_DATA", "data")))
