"""The audit of a staged release, in a process of its own: `python -m pipelines.releases.audit STAGING`.

It opens the files as a reader would and trusts nothing the builder remembers. It changes nothing.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from pipelines.releases import contracts
from pipelines.releases.build import WAREHOUSE
from pipelines.releases.content import content_hash
from pipelines.releases.datasets import columns_of_file
from pipelines.releases.layout import Manifest
from pipelines.releases.verify import Finding, verify
from pipelines.settings import Settings
from pipelines.sql import quoted, sealed
from pipelines.tags.catalogue import Catalogue, load_catalogue
from pipelines.tags.registry import id_column
from pipelines.tags.sqltext import tag_query

WHOLE_BELOW_ROWS = 200_000
SAMPLED_TAGS = 24
DIRECT_IDENTIFIERS = {
    "an 18-digit identity number": r"(^|[^0-9])[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])[0-9]{5}[0-9Xx]($|[^0-9])",
    "a 15-digit identity number": r"(^|[^0-9])[1-9][0-9]{7}(0[1-9]|1[0-2])[0-3][0-9][0-9]{3}($|[^0-9])",
    "a mobile number": r"(^|[^0-9])1[0-9]{10}($|[^0-9])",
    "an address": "[弄村路巷][0-9]+号|[0-9]+号[0-9]+室",
}
"""What must not stand in any text for analysts; it knows no column names, so that a new column is caught too."""


def audit(staging: Path, settings: Settings) -> list[Finding]:
    """Everything wrong with a staged release; an empty list means it may be published."""
    manifest, findings = verify(staging)
    findings = [f for f in findings if "says it is release" not in f.problem]
    if manifest is None or findings:
        return findings
    catalogue = load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")
    with duckdb.connect(str(staging / WAREHOUSE), read_only=True) as connection:
        connection.execute(f"set threads = {settings.threads}; set memory_limit = '{settings.memory_limit}'")
        sealed(connection, [staging])
        for check in (_tables, _parquet, _contracts, _identifiers):
            findings += check(connection, staging, manifest)
        findings += _tags(connection, catalogue, manifest)
    return findings


def _tables(connection: duckdb.DuckDBPyConnection, _: Path, manifest: Manifest) -> Iterator[Finding]:
    """Every table holds what the manifest says, and no table stands beside them."""
    for table in manifest.tables:
        relation = f"{quoted(table.schema_name)}.{quoted(table.name)}"
        if content_hash(connection, relation, table.columns) != (table.rows, table.content_hash):
            yield Finding(WAREHOUSE, f"{table.schema_name}.{table.name} is not what the manifest says")
    known = {(t.schema_name, t.name) for t in manifest.tables}
    for row in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
        if tuple(row) not in known:
            yield Finding(WAREHOUSE, f"{row[0]}.{row[1]} is not in the manifest")
    for schema, name in connection.execute(
        "select schema_name, view_name from duckdb_views() where not internal"
    ).fetchall():
        connection.execute(f"select * from {quoted(schema)}.{quoted(name)} limit 1").fetchall()


def _parquet(connection: duckdb.DuckDBPyConnection, staging: Path, manifest: Manifest) -> Iterator[Finding]:
    """The Parquet copy of a table has the table's content."""
    for table in manifest.tables:
        path = f"parquet/{table.schema_name}/{table.name}/part-0.parquet"
        relation = f"read_parquet('{str(staging / path).replace(chr(39), chr(39) * 2)}')"
        if content_hash(connection, relation, table.columns) != (table.rows, table.content_hash):
            yield Finding(path, "has other content than the table in the warehouse")


def _contracts(connection: duckdb.DuckDBPyConnection, staging: Path, manifest: Manifest) -> Iterator[Finding]:
    """Every table and every Parquet file has a contract, and holds the columns it promises."""
    promised = contracts.read_all(staging)
    by_file = {contracts.parquet_path(body): (path, body) for path, body in promised.items()}
    for entry in manifest.files:
        if not entry.path.endswith(".parquet"):
            continue
        if entry.path not in by_file:
            yield Finding(entry.path, "has no contract")
            continue
        path, body = by_file.pop(entry.path)
        if contracts.columns(body) != columns_of_file(connection, staging / entry.path):
            yield Finding(path, f"promises other columns than {entry.path} has")
    for path, _ in by_file.values():
        yield Finding(path, "is the contract of a file that is not in the release")


def _identifiers(connection: duckdb.DuckDBPyConnection, _: Path, manifest: Manifest) -> Iterator[Finding]:
    """No text of the analysts' database reads like an identity number, a phone or an address."""
    for table in manifest.tables:
        texts = [c for c, kind in table.columns.items() if kind.startswith("VARCHAR")]
        if not texts or (table.schema_name, table.name) == ("tags", "catalogue"):
            continue
        relation = f"{quoted(table.schema_name)}.{quoted(table.name)}"
        for column in texts:
            value = f"{quoted(column)}::varchar"
            tests = [f"countif(regexp_matches(v, '{pattern}'))" for pattern in DIRECT_IDENTIFIERS.values()]
            hits = connection.execute(
                f"select {', '.join(tests)} from (select distinct {value} as v from {relation})"
            ).fetchall()[0]
            for what, count in zip(DIRECT_IDENTIFIERS, hits, strict=True):
                if count:
                    place = f"{table.schema_name}.{table.name}.{column}"
                    yield Finding(WAREHOUSE, f"{place} holds {count} values that read like {what}")


def _tags(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, manifest: Manifest) -> Iterator[Finding]:
    """Published tag values equal the same rule run as SQL; all tags of a small release, a sample of a large one."""
    codes = [(t.subject, t.code) for t in catalogue.in_force(manifest.as_of).values() if t.sensitivity != "restricted"]
    if sum(t.rows for t in manifest.tables if t.schema_name == "subjects") > WHOLE_BELOW_ROWS:
        seed = f"{manifest.as_of}:{manifest.rules_version}"
        codes = sorted(codes, key=lambda c: hashlib.sha256(f"{seed}:{c[1]}".encode()).digest())[:SAMPLED_TAGS]
    for subject, code in codes:
        differing = differences(connection, tag_query(catalogue, code), subject, code)
        if differing:
            yield Finding(WAREHOUSE, f"tag {code}: {differing} subjects have another value than its SQL gives")


def differences(connection: duckdb.DuckDBPyConnection, query: str, subject: str, code: str) -> int:
    """How many subjects' published value of a tag differs from what its SQL gives, missing subjects included."""
    key = id_column(subject)
    row = connection.execute(
        f"select count(*) from ({query}) as q full join tags.{quoted(subject + '_tags')} as t using ({quoted(key)}) "
        f"where q.value is distinct from t.{quoted(code)} or q.{quoted(key)} is null or t.{quoted(key)} is null"
    ).fetchall()[0]
    return int(row[0])


def main(argv: list[str], write: Callable[[str], object] = sys.stdout.write) -> int:
    """Prints the findings as JSON lines; exit code 1 when there are any."""
    findings = audit(Path(argv[0]), Settings())
    for finding in findings:
        write(json.dumps({"path": finding.path, "problem": finding.problem}, ensure_ascii=False) + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
