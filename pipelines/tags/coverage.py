"""How much is known: for each village and each node of the tag tree, how many statements are eligible, known and true.

A tag's node counts subjects. A node above counts statements, one for each tag below it and each subject, so that
figures of a level add up to those of the level above. Restricted tags are left out, because a village is too small a
place to count them in.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.tags.catalogue import Catalogue
from pipelines.tags.registry import Registry, id_column
from pipelines.tags.taxonomy import ancestors

RESIDENCE = "res"
"""The role in which a household, a dwelling or a place belongs to its village."""

VILLAGE = "village"
"""The subject that counts are made for."""

COUNTS = ("eligible_count", "known_count", "true_count", "unknown_count")


def coverage(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, files: Mapping[str, Path], as_of: date
) -> pl.DataFrame:
    """One row for each village, role and node: `village_code, role, level, code, tag_count` and the four counts.

    `true_count` leaves number tags out. `files` are the wide tag files by subject, as `evaluate` returns them.
    """
    in_force = catalogue.in_force(as_of)
    parts = []
    for subject in sorted({t.subject for t in in_force.values()}):
        tags = {c: t for c, t in in_force.items() if t.subject == subject and not t.is_restricted}
        places = _places(connection, catalogue.registry, subject)
        if tags and places is not None and subject in files:
            parts.append(_leaves(files[subject], subject, places, list(tags)))
    if not parts:
        return _empty()
    leaves = pl.concat(parts)
    above = [
        leaves.with_columns(pl.col("code").str.slice(0, len(ancestors("T00000000")[depth - 1])), level=pl.lit(depth))
        for depth in (1, 2, 3)
    ]
    levels = pl.concat([leaves.with_columns(level=pl.lit(4)), *above])
    grouped = levels.group_by("village_code", "role", "level", "code").agg(
        pl.len().cast(pl.Int64).alias("tag_count"), pl.col(*COUNTS).sum()
    )
    return grouped.sort("village_code", "role", "level", "code")


def _empty() -> pl.DataFrame:
    texts = dict.fromkeys(("village_code", "role"), pl.String)
    return pl.DataFrame(
        schema={**texts, "level": pl.Int32, "code": pl.String, "tag_count": pl.Int64} | dict.fromkeys(COUNTS, pl.Int64)
    )


def _places(connection: duckdb.DuckDBPyConnection, registry: Registry, subject: str) -> pl.DataFrame | None:
    """Ids with village and role: from the table that lists both if there is one, else over the link to the village."""
    for table in registry.tables.values():
        if subject != VILLAGE and {subject, VILLAGE} <= set(table.details) and "role" in table.columns:
            return connection.sql(
                f'select "{table.details[subject]}" as id, "{table.details[VILLAGE]}" as village_code, role '
                f'from subjects."{table.name}"'
            ).pl()
    own = registry.subjects[subject]
    village = own.key if subject == VILLAGE else own.links.get(VILLAGE)
    if village is None:
        return None
    return connection.sql(
        f'select "{own.key}" as id, "{village}" as village_code, \'{RESIDENCE}\' as role from subjects."{own.name}" '
        f'where "{village}" is not null'
    ).pl()


def _leaves(file: Path, subject: str, places: pl.DataFrame, codes: list[str]) -> pl.DataFrame:
    rows = pl.scan_parquet(file)
    is_bool = {c: kind == pl.Boolean for c, kind in rows.collect_schema().items()}
    joined = places.lazy().join(rows, left_on="id", right_on=id_column(subject), how="inner")
    wanted = [pl.len().cast(pl.Int64).alias("eligible_count")]
    wanted += [pl.col(c).null_count().cast(pl.Int64).alias(f"{c}.unknown") for c in codes]
    wanted += [(pl.col(c) if is_bool[c] else pl.lit(False)).sum().cast(pl.Int64).alias(f"{c}.true") for c in codes]
    wide = joined.group_by("village_code", "role").agg(wanted).collect(engine="streaming")
    keys = ["village_code", "role", "eligible_count"]
    unknown = _long(wide, keys, codes, "unknown")
    true = _long(wide, ["village_code", "role"], codes, "true")
    return unknown.join(true, on=["village_code", "role", "code"]).select(
        "village_code",
        "role",
        "code",
        "eligible_count",
        (pl.col("eligible_count") - pl.col("unknown_count")).alias("known_count"),
        "true_count",
        "unknown_count",
    )


def _long(wide: pl.DataFrame, keys: list[str], codes: list[str], what: str) -> pl.DataFrame:
    chosen = wide.select(*keys, *(pl.col(f"{c}.{what}").alias(c) for c in codes))
    return chosen.unpivot(index=keys, on=codes, variable_name="code", value_name=f"{what}_count")
