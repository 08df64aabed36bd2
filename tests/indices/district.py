"""A small random district as subjects tables in a DuckDB file, and dbt in this process to build the index models."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from pipelines.settings import REPOSITORY

AS_OF = date(2026, 10, 31)
FEEDS = tuple(
    [f"B{n:02d}" for n in range(1, 6)] + [f"F{n:02d}" for n in range(1, 35)] + [f"I{n:02d}" for n in range(1, 14)]
)
VILLAGES = [
    ("310118001001", "居", "310118001"),
    ("310118001002", "居", "310118001"),
    ("310118102201", "村", "310118102"),
    ("310118102202", "村", "310118102"),
]
EMPTY_VILLAGE = "310118102202"
KINDS = ["幼儿园", "小学", "初中", "托育", "公园", "绿地", "公交站", "健身点", "卫生站", "文化活动室"]


def make_district(seed: int = 6) -> dict[str, pl.DataFrame]:
    """Tables by name; the last village has nobody and nothing."""
    rng = np.random.default_rng(seed)
    inhabited = [code for code, _, _ in VILLAGES if code != EMPTY_VILLAGE]
    count = 240
    home = rng.integers(0, 3, count)
    maybe = lambda values, share: [None if rng.random() < share else value for value in values]  # noqa: E731
    dwelling = pl.DataFrame(
        {
            "dwelling_id": [f"d{n}" for n in range(count)],
            "village_code": [inhabited[n] for n in home],
            "lon": np.round(121.1 + home * 0.02 + rng.uniform(0, 0.02, count), 6),
            "lat": np.round(31.1 + rng.uniform(0, 0.02, count), 6),
            "floor_no": maybe(rng.integers(1, 8, count).tolist(), 0.05),
            "has_elevator": maybe((rng.random(count) < 0.4).tolist(), 0.1),
            "is_elevator_added": maybe((rng.random(count) < 0.1).tolist(), 0.1),
            "gross_area_m2": maybe(np.round(rng.uniform(20, 180, count), 2).tolist(), 0.1),
            "has_kitchen": maybe((rng.random(count) < 0.9).tolist(), 0.05),
            "has_toilet": maybe((rng.random(count) < 0.9).tolist(), 0.05),
            "has_piped_gas": maybe((rng.random(count) < 0.6).tolist(), 0.05),
            "safety_grade": [None if rng.random() < 0.9 else str(rng.choice(list("ABCD"))) for _ in range(count)],
            "is_illegal_build": maybe((rng.random(count) < 0.05).tolist(), 0.05),
            "has_smoke_alarm": maybe((rng.random(count) < 0.3).tolist(), 0.1),
            "build_type": rng.choice(["商品房", "公租房", "保租房", "宅基地"], count, p=[0.7, 0.1, 0.05, 0.15]),
        }
    )
    people = 700
    lives = rng.integers(0, count, people)
    person = pl.DataFrame(
        {
            "person_id": [f"p{n}" for n in range(people)],
            "res_village_code": dwelling["village_code"].gather(lives),
            "res_dwelling_id": [None if rng.random() < 0.05 else f"d{n}" for n in lives],
            "age": maybe(rng.integers(0, 90, people).tolist(), 0.03),
            "alive": rng.choice(["alive", "dead", "unknown"], people, p=[0.93, 0.04, 0.03]),
            "edu_code": maybe(rng.choice(["11", "21", "31", "41", "61", "71", "81", "91"], people).tolist(), 0.1),
            "tenure": rng.choice(["rent", "own"], people),
            "hukou_village_code": maybe(rng.choice(inhabited, people).tolist(), 0.4),
            "household_id": [f"h{n}" for n in lives],
        }
    )
    # Somebody of an age has a birthday on any day of the year before.
    person = person.with_columns(
        birth_on=pl.lit(AS_OF).dt.offset_by((-12 * pl.col("age")).cast(pl.String) + "mo")
        - pl.duration(days=pl.int_range(pl.len()) * 37 % 364)
    )
    living = person.filter(pl.col("alive") != "dead")
    occupants = living.drop_nulls("res_dwelling_id").group_by("res_dwelling_id").len("occupant_count")
    dwelling = dwelling.join(occupants, left_on="dwelling_id", right_on="res_dwelling_id", how="left").with_columns(
        pl.col("occupant_count").fill_null(0)
    )
    household = (
        living.group_by("household_id")
        .agg(pl.col("res_village_code").first().alias("village_code"), pl.len().cast(pl.Int64).alias("size"))
        .with_columns(("d" + pl.col("household_id").str.slice(1)).alias("dwelling_id"))
        .sort("household_id")
    )
    leased = rng.choice(count, 90, replace=False)
    lease = pl.DataFrame(
        {
            "lease_id": [f"l{n}" for n in range(90)],
            "dwelling_id": [f"d{n}" for n in leased],
            "is_filed": maybe((rng.random(90) < 0.5).tolist(), 0.1),
            "group_rent": rng.choice(["无", "疑似", "确认"], 90, p=[0.8, 0.1, 0.1]),
            "start_on": AS_OF - timedelta(days=200),
            "end_on": [AS_OF + timedelta(days=165 if open_ else -1) for open_ in rng.random(90) < 0.8],
        }
    ).with_columns(is_open=pl.col("end_on") >= AS_OF)
    places = 60
    facility = pl.DataFrame(
        {
            "facility_id": [f"f{n}" for n in range(places)],
            "kind": [KINDS[n % len(KINDS)] for n in range(places)],
            "lon": np.round(rng.uniform(121.1, 121.16, places), 6),
            "lat": np.round(rng.uniform(31.1, 31.12, places), 6),
            "village_code": rng.choice(inhabited, places),
            "capacity": maybe(rng.integers(10, 300, places).tolist(), 0.1),
            "status": rng.choice(["在用", "停用"], places, p=[0.9, 0.1]),
        }
    )
    residents = living.group_by("res_village_code").len("n_res")
    homes = household.group_by("village_code").len("n_household")
    village = (
        pl.DataFrame(VILLAGES, schema=["village_code", "kind", "town_code"], orient="row")
        .join(residents, left_on="village_code", right_on="res_village_code", how="left")
        .join(homes, on="village_code", how="left")
        .with_columns(
            pl.col("n_res", "n_household").fill_null(0),
            name=pl.col("village_code") + "名",
            town_name=pl.col("town_code") + "镇",
            lon=pl.Series([121.11, 121.13, 121.15, 121.17]),
            lat=pl.Series([31.11, 31.12, 31.10, 31.11]),
        )
    )
    return {
        "person": person,
        "dwelling": dwelling,
        "household": household,
        "lease": lease,
        "facility": facility,
        "village": village,
    }


TYPES = {"lon": "decimal(9,6)", "lat": "decimal(9,6)", "gross_area_m2": "decimal(10,2)"}


def without_feeds(path: Path, missing: tuple[str, ...]) -> None:
    """Say that some feeds of a built district are not in use."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("update lake.feed_status set is_available = feed not in (select unnest(?))", [list(missing)])


def write_district(path: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Lay the tables into schemas subjects and feeds of a new file, with the run's context and the feeds' states."""
    connection = duckdb.connect(str(path), config={"storage_compatibility_version": "v1.5.0"})
    for schema in ("subjects", "feeds", "lake", "run", "identity"):
        connection.execute(f"create schema {schema}").fetchall()
    for name, frame in tables.items():
        connection.register("incoming", frame.to_arrow())
        columns = ", ".join(f"{c}::{TYPES[c]} as {c}" if c in TYPES else c for c in frame.columns)
        schema = "subjects"
        if name.startswith("stg_"):
            schema = "feeds"
            columns += (
                ", date '2026-10-31' as _business_on, '001' as _delivery, 'f' as _file, row_number() over () as _line"
            )
        connection.execute(f"create table {schema}.{name} as select {columns} from incoming").fetchall()
        connection.unregister("incoming")
    connection.execute("create table run.context as select ?::date as as_of", [AS_OF]).fetchall()
    states = pl.DataFrame({"feed": FEEDS, "is_available": [True] * len(FEEDS), "business_on": [AS_OF] * len(FEEDS)})
    connection.register("incoming", states.to_arrow())
    connection.execute("create table lake.feed_status as select * from incoming").fetchall()
    for line in (
        "create table identity.redirect (person_key varchar, person_id varchar)",
        "create table identity.mention_row (feed varchar, slot varchar, _business_on date, _delivery varchar, "
        "_file varchar, _line bigint, person_id varchar, method varchar)",
    ):
        connection.execute(line).fetchall()
    connection.close()


STAGED = [
    "f04",
    "f05",
    "f13",
    "f14",
    "f17",
    "f19",
    "f21",
    "f22",
    "f24",
    "f25",
    "f26",
    "f27",
    "f28",
    "f29",
    "f32",
    "f33",
    "f34",
    "i01",
    "i02",
    "i03",
    "i06",
    "i07",
    "i09",
    "i11",
]
SOURCES = """version: 2
sources:
  - {name: lake, schema: lake, tables: [{name: feed_status}]}
  - {name: run, schema: run, tables: [{name: context}]}
  - {name: identity, schema: identity, tables: [{name: redirect}, {name: mention_row}]}
"""
# Feeds whose rows speak about a person; their staging models say so in their meta.
ABOUT_PEOPLE = {"f04", "f05", "f13", "f14", "f17", "f21", "i01", "i02", "i03", "i06", "i07", "i09"}
PEOPLE = "{{ config(meta={'people': [{'slot': 'person', 'id': 'person'}]}) }} "


def make_project(project: Path) -> None:
    """The project with this room's models and, of other rooms, only the names these refer to: dbt parses no more."""
    own = REPOSITORY / "dbt_project"
    shutil.copytree(own / "macros", project / "macros")
    shutil.copytree(own / "models" / "indices", project / "models" / "indices")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(own / name, project / name)
    (project / "models" / "subjects").mkdir()
    for name in ("person", "dwelling", "household", "village", "lease", "facility"):
        stub = "{{ config(contract={'enforced': false}) }} select 1 as stub"
        (project / "models" / "subjects" / f"{name}.sql").write_text(stub)
    (project / "models" / "subjects" / "_sources.yml").write_text(SOURCES)
    (project / "models" / "feeds").mkdir()
    for code in STAGED:
        about = PEOPLE if code in ABOUT_PEOPLE else ""
        (project / "models" / "feeds" / f"stg_{code}.sql").write_text(f"{about}select 1 as stub")


def build_models(path: Path, folder: Path, monkeypatch, select: str = "path:models/indices") -> None:
    """Build dbt's models of this room over a file; other rooms' models are only named."""
    project = folder / "project"
    if not project.exists():
        make_project(project)
    monkeypatch.setenv("XFY_WAREHOUSE", str(path))
    monkeypatch.setenv("XFY_TEMP", str(folder / "tmp"))
    arguments = [
        "build",
        "--select",
        select,
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
    ]
    found = dbtRunner().invoke([*arguments, "--quiet", "--log-path", str(folder / "logs")])
    DuckDBConnectionManager.close_all_connections()
    assert found.success, found.exception or [str(result.message) for result in found.result]
