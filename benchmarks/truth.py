"""A published release against the simulator's truth: `python benchmarks/truth.py [DATA_ROOT]`.

Three independent comparisons: who is in the warehouse against who really lives there; what was held back against what
was planted; every published tag value against the same rule run as SQL. Exit 1 when something differs that must not.
"""

import os
import sys
from pathlib import Path

import duckdb
import polars as pl

from pipelines.identifiers import load_key, pseudonyms
from pipelines.releases.audit import differences
from pipelines.releases.layout import resolve
from pipelines.settings import Settings
from pipelines.tags.catalogue import load_catalogue
from pipelines.tags.sqltext import tag_query

PLACE = ["feed", "business_on", "delivery", "file", "line"]
RESIDENTS = """
select
    person_id, v.village_code, p.sex_code, p.birth_on, p.marital_code, p.edu_code, p.hukou_village_code, p.pop_type_code
from subjects.person_village as v join subjects.person as p using (person_id)
where v.role = 'res' and p.alive <> 'dead'
"""
ATTRIBUTES = ("sex_code", "birth_on", "marital_code", "edu_code", "hukou_village_code", "pop_type_code")


def residents(settings: Settings, connection: duckdb.DuckDBPyConnection) -> bool:
    """Every true resident once, by number, in the right village; and how many attributes are as they really are."""
    truth = pl.read_parquet(settings.vault / "truth" / "persons.parquet")
    key = load_key(settings.key_path, must_exist=True)
    truth = truth.with_columns(person_id=_known_as(settings, pseudonyms(key, "person", truth["told_by"])))
    living = truth.filter(pl.col("is_resident"))
    found = connection.sql(RESIDENTS).to_arrow_table()
    known = pl.DataFrame(pl.from_arrow(found))
    twice = known.height - known["person_id"].n_unique()
    missing = living.join(known, on="person_id", how="anti").height
    both = living.join(known, on="person_id", suffix="_known")
    elsewhere = both.filter(pl.col("res_village_code") != pl.col("village_code")).height
    extra = known.join(living, on="person_id", how="anti").join(truth, on="person_id", how="left")
    second = pl.read_parquet(settings.vault / "truth" / "identity.parquet").filter(kind="second_number")
    doubles = extra["person_id"].is_in(_known_as(settings, pseudonyms(key, "person", second["new"])).to_list())
    unexplained = extra.filter(~doubles & (pl.col("alive").is_null() | pl.col("alive"))).height
    print(f"true residents {living.height:,}; in the warehouse {known.height:,}")
    print(f"  missing {missing}, twice {twice}, in another village {elsewhere}")
    twice_known, died = doubles.sum(), extra.height - unexplained - doubles.sum()
    print(f"  too many {extra.height}: {died} died and no feed has said so, {twice_known} second records", end="")
    print(f" of a known person under another number, {unexplained} unexplained")
    for name in ATTRIBUTES:
        right = both.filter(pl.col(name).eq_missing(pl.col(f"{name}_known"))).height
        empty = both[f"{name}_known"].null_count()
        print(f"  {name:20} {100 * right / both.height:8.3f} % as it really is, {empty:,} unknown")
    return not (missing or twice or elsewhere or unexplained)


def _known_as(settings: Settings, numbers: pl.Series) -> pl.Series:
    """The person each number's pseudonym belongs to: another where the person was known before the number was."""
    folder = max(path for path in settings.identity.iterdir() if path.is_dir())
    keys = pl.read_parquet(folder / "key.parquet", columns=["person_key", "person_id"])
    found = numbers.to_frame("person_key").join(keys, on="person_key", how="left", maintain_order="left")
    return found.select(pl.coalesce("person_id", "person_key")).to_series()


def held_back(settings: Settings) -> bool:
    """The quarantine holds exactly the rows in which an error was planted."""
    truth = pl.read_parquet(settings.vault / "truth" / "dirt.parquet").with_columns(
        pl.col("business_on").cast(pl.String)
    )
    planted = truth.filter(pl.col("expect") == "quarantine").select(pl.col(PLACE).cast(pl.String)).unique()
    parts = [
        pl.read_parquet(path).select(
            pl.lit(path.parts[-3]).alias("feed"),
            pl.lit(path.parts[-2]).alias("business_on"),
            pl.lit(path.stem).alias("delivery"),
            pl.col("file", "line").cast(pl.String),
        )
        for path in sorted((settings.vault / "quarantine").rglob("*.parquet"))
    ]
    held = pl.concat(parts).unique()
    passed = planted.join(held, on=PLACE, how="anti").height
    innocent = held.join(planted, on=PLACE, how="anti").height
    print(f"planted errors {planted.height:,}; passed unseen {passed}, clean rows held back {innocent}")
    return not (passed or innocent)


def tags(settings: Settings, connection: duckdb.DuckDBPyConnection) -> bool:
    """Every open tag's published values equal its SQL, over all subjects."""
    catalogue = load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")
    open_tags = [t for t in catalogue.tags.values() if not t.is_restricted]
    wrong = 0
    for tag in open_tags:
        wrong += differences(connection, tag_query(catalogue, tag.code), tag.subject, tag.code)
    values = sum(
        connection.execute(f'select count(*) from tags."{t.subject}_tags"').fetchall()[0][0] for t in open_tags
    )
    print(f"tags {len(open_tags)}, values {values:,}; different from their SQL {wrong}")
    return not wrong


def main(root: str) -> int:
    """Prints the comparisons; 0 when nothing differs that must not."""
    settings = Settings(data=Path(root))
    with duckdb.connect(str(resolve(settings.releases) / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        return 0 if all([residents(settings, connection), held_back(settings), tags(settings, connection)]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("XFY_DATA", "data")))
