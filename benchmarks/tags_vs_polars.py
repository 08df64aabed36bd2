"""Times the tag evaluator against a hand-written Polars script that computes the same tags from the same file.

Makes its own random district in DuckDB, runs both in turn, each in a process of its own, checks that every value is
equal and prints medians of seconds and peak memory, and their ratio:

    python benchmarks/tags_vs_polars.py [--persons 1400000] [--rounds 3]
"""

import argparse
import os
import statistics
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import tags_by_hand
from processes import timed

from pipelines.settings import Settings
from pipelines.tags.catalogue import Catalogue, load_catalogue
from pipelines.tags.evaluate import evaluate
from pipelines.tags.registry import ColumnInfo, Table

AS_OF = date(2026, 10, 31)
TEXTS = {
    "sex_code": ("1", "2", "0"),
    "alive": ("alive",) * 30 + ("dead", "unknown"),
    "nationality_code": ("CHN",) * 30 + ("FRA", "TWN", "HKG"),
    "marital_code": ("10", "20", "21", "22", "30", "40", "90"),
    "cert_kind": ("idcard",) * 20 + ("passport", "tw_permit", "none"),
    "hukou_div_code": ("310118", "310104", "340123"),
    "hukou_prov_code": ("31", "34", "32", "41", "42"),
    "hukou_kind": ("family", "collective", "public"),
    "hukou_nature": ("agri", "nonagri"),
    "tenure": ("own", "rent", "dorm", "relative", "shed", "institution"),
    "grade_code": ("1", "2", "3", "4"),
    "kind_code": ("1", "2", "3", "4", "5", "7"),
    "pop_type_code": ("01", "02", "03"),
    "stay_reason": ("work", "business", "family", "study", "other"),
    "permit_type": ("居住证", "登记"),
    "permit_subtype": ("人才", "普通"),
    "item": ("低保", "特困", "低保边缘", "支出型", "临时救助", "医疗救助", "粮油帮困", "廉租"),
    "status": ("在享", "停发"),
    "build_type": ("商品房", "别墅", "动迁安置", "售后公房", "宅基地", "公租房", "保租房", "宿舍", "公寓"),
    "use_status": ("自住", "出租", "空置", "经营", "待拆"),
    "group_rent": ("疑似", "确认", "整治", "无"),
    "safety_grade": ("A", "B", "C", "D"),
    "form": ("乡村振兴示范", "美丽乡村示范", "一般"),
}
KINDS = {"person_suspicion": ("one_number_two_people", "one_person_two_numbers", "other"), "village": ("村", "居")}
LISTS = {
    "conflict_attributes": ("name", "sex_code", "birth_on", "res_village_code", "hukou_village_code"),
    "services": ("阳光心园", "阳光之家", "辅具", "无障碍改造"),
    "subsidies": ("生活补贴", "护理补贴", "辅具"),
}
# Rows of each table for every hundred persons; what is not named is not read by any rule.
SIZES = {
    "person": 100, "household": 38, "dwelling": 42, "lease": 6, "relief": 2, "residence_reg": 30, "disability": 2,
    "disability_restricted": 1, "person_suspicion": 1,
}  # fmt: skip
VILLAGES = 355
RANGES = {"built_year": (1975, 52), "n_res": (200, 8000), "floors_total": (1, 30), "floor_no": (1, 30)}


def make(database: Path, catalogue: Catalogue, persons: int) -> None:
    """Writes random subjects and related rows with every column that tags read; 3 % of the values are unknown."""
    connection = duckdb.connect(str(database))
    connection.execute("create schema subjects; select setseed(0.42)")
    sizes = {name: max(persons * share // 100, 2) for name, share in SIZES.items()} | {"village": VILLAGES}
    for table in catalogue.registry.tables.values():
        if table.name == "feed_status":
            continue
        columns = [c for c in table.columns.values() if c.type]
        if not columns:
            continue
        ids = {key: subject for subject, key in (*table.details.items(), *table.links.items())}
        cells = ", ".join(f"{_cell(table, c, ids, sizes)} as {c.name}" for c in columns)
        connection.execute(
            f"create table subjects.{table.name} as select {cells} from range({sizes.get(table.name, 2)}) r(i)"
        )
    feeds = sorted({f for t in catalogue.registry.tables.values() for c in t.columns.values() for f in c.feeds})
    connection.execute("create table subjects.feed_status (feed varchar, is_available boolean)")
    connection.executemany("insert into subjects.feed_status values (?, true)", [[feed] for feed in feeds])
    connection.close()


def _cell(table: Table, column: ColumnInfo, ids: dict[str, str], sizes: dict[str, int]) -> str:
    name, kind = column.name, column.type.kind
    if table.subject and name == table.key:
        return _id(table.subject, f"(i * 7919) % {sizes.get(table.name, 2)}", sizes)
    if name in ids or name in ("hukou_village_code", "hukou_dwelling_id"):
        subject = ids.get(name) or name.split("_")[1]
        known = _id(subject, f"floor(random() * {sizes.get(subject, 2)})::bigint", sizes)
        return f"case when random() < 0.97 then {known} end"
    low, span = RANGES.get(name, (0, 6))
    dates = {"birth_on": (AS_OF, 37500), "valid_to_on": (date(2036, 10, 31), 4000)}
    first, days = dates.get(name, (date(2026, 12, 15), 800))
    texts = KINDS.get(table.name, ("a", "b")) if name == "kind" else TEXTS.get(name, ("a", "b"))
    listed = ", ".join(f"'{t}'" for t in texts)
    of_list = ", ".join(f"'{t}'" for t in LISTS.get(name, ("a",)))
    values = {
        "bool": "random() < 0.5",
        "int": f"({low} + floor(random() * {span}))::bigint",
        "decimal": "(random() * 120)::decimal(18, 2)",
        "date": f"date '{first}' - (random() * {days})::int",
        "texts": f"list_filter([{of_list}], lambda x: random() < 0.3)",
        "text": f"([{listed}])[1 + floor(random() * {len(texts)})::int]",
    }
    return f"case when random() < 0.97 then {values[kind]} end"


def _id(subject: str, number: str, sizes: dict[str, int]) -> str:
    if subject == "village":
        return f"'3101181' || lpad(({number})::varchar, 5, '0')"
    return f"md5(({number})::varchar)[:20]"


class ByCatalogue:
    """The evaluator over the whole catalogue."""

    def __init__(self, database: Path, out: Path) -> None:
        self.database, self.out = database, out

    def __call__(self) -> None:
        """Runs once; reading the rules is part of it."""
        evaluate(_catalogue(), self.database, AS_OF, self.out)


class ByHand:
    """The hand-written script."""

    def __init__(self, database: Path, out: Path) -> None:
        self.database, self.out = database, out

    def __call__(self) -> None:
        """Runs once."""
        tags_by_hand.evaluate(self.database, AS_OF, self.out)


def _catalogue() -> Catalogue:
    settings = Settings()
    return load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects", AS_OF)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_400_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalogue = _catalogue()
        make(folder / "district.duckdb", catalogue, options.persons)
        sides = {"evaluator": ByCatalogue(folder / "district.duckdb", folder / "evaluator"),
                 "by hand": ByHand(folder / "district.duckdb", folder / "hand")}  # fmt: skip
        results: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for number in range(options.rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                results[side].append(timed(sides[side]))
        unequal = different(folder / "evaluator", folder / "hand", set(catalogue.in_force(AS_OF)))
    tags = len(catalogue.in_force(AS_OF))
    print(f"{tags} tags x {options.persons:,} persons and what belongs to them, medians of {options.rounds}")
    middle = {side: [statistics.median(values) for values in zip(*runs, strict=True)] for side, runs in results.items()}
    for side, (seconds, memory) in middle.items():
        print(f"{side:10} {seconds:6.2f} s  {memory:7.0f} MB")
    ours, hand = middle["evaluator"], middle["by hand"]
    print(f"ratio {ours[0] / hand[0]:.2f} (seconds), {ours[1] / hand[1]:.2f} (memory); load {os.getloadavg()[0]:.1f}")
    print(f"tags with a value that differs: {len(unequal)} {' '.join(unequal)}")
    if unequal:
        raise SystemExit(1)


def different(first: Path, second: Path, codes: set[str]) -> list[str]:
    """The tags whose values are not equal on both sides, unknown included, and those that one side lacks."""
    found, compared = [], set()
    for path in sorted(first.glob("*.parquet")):
        left, right = pl.read_parquet(path), pl.read_parquet(second / path.name)
        if not left.to_series(0).equals(right.to_series(0)):
            return [f"{path.name}: other ids"]
        for code in left.columns[1:]:
            compared.add(code)
            if code not in right.columns or not left[code].equals(right[code]):
                found.append(code)
    return found + sorted(codes - compared)


if __name__ == "__main__":
    main()
