"""A table kept as a base and what changed since: SQL and Polars read the same."""

from pathlib import Path

import duckdb
import polars as pl

from pipelines.subjects.survivorship import layers


def test_sql_reads_the_base_and_what_lies_over_it(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    people = pl.DataFrame({"person_id": [f"p{n:02d}" for n in range(40)], "value": list(range(40))})
    layers.write(people, first, "person")
    gone, changed, new = "p03", "p17", "p99"
    ids = pl.Series("person_id", [gone, changed, new])
    layers.replace(first, second, "person", ids, pl.DataFrame({"person_id": [changed, new], "value": [-1, -2]}))
    with duckdb.connect() as connection:
        for folder in (first, second):
            read = connection.sql(f"select * from ({layers.query(folder, 'person')}) order by person_id").fetchall()
            assert read == layers.scan(folder, "person").collect().rows()
    found = dict(read)
    assert gone not in found and (found[changed], found[new], found["p00"]) == (-1, -2, 0) and len(found) == 40
