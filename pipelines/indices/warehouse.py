"""The house's own indices: from a run's database to tables of scores, cells, explanations and doubt.

Reads `indices.indicator_value` and `subjects.village`; returns Polars frames by table name and can write them into the
schema `indices`. Not here: how an index is computed (`build`), what the indicators count (dbt models of this room).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.indices import associations
from pipelines.indices.build import build
from pipelines.indices.editions import Edition, find_editions
from pipelines.indices.explain import explanations
from pipelines.indices.gains import gains
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result
from pipelines.indices.sampling import sampling_doubt
from pipelines.indices.sensitivity import Sensitivity, sensitivities
from pipelines.indices.spec import IndexSpec, Indicator, Node, Shrink
from pipelines.indices.tree import COMPUTED
from pipelines.indices.why import why
from pipelines.sql import quoted, text_literal

VALUES = "indices.indicator_value"
VILLAGES = "subjects.village"


@dataclass
class IndexTables:
    """Frames by table name (without schema), and the built results by (index, edition)."""

    tables: dict[str, pl.DataFrame]
    results: dict[tuple[str, str], Result] = field(default_factory=dict)


DESCRIPTIONS = {
    "index_edition": "Editions of the indices in force: specification, fingerprint and conventions",
    "index_part": "Nodes and indicators of each edition: names, units, directions, goalposts, sources",
    "index_score": "Score, rank, availability and status of every node for villages, towns and the district",
    "index_cell": "Every indicator of every area through all stages: raw, denominated, shrunk, treated, normalised",
    "index_explanation": "What each indicator contributes to a node's score; contributions sum to the score",
    "index_gain": "What a score would gain if one indicator were as good as can be: what to improve first",
    "index_weight": "Weights of children within their node, exact, and over the whole index",
    "index_parameter": "Numbers fitted or declared: goalposts, limits, rates villages are shrunk towards",
    "index_method_doubt": "Ranks over other choices of the method: median and 5th to 95th percentile",
    "index_method_effect": "Which choice of the method moves ranks: first-order and total effects with intervals",
    "index_sampling_doubt": "Scores and ranks over the sampling error of small villages: 80 % intervals",
    "index_association": "Correlations with siblings, parent and index; redundant and contrary indicators flagged",
    "index_consistency": "How far a node's children measure one thing: Cronbach's alpha, KMO, variance inflation",
    "index_spread": "How many units stand at either end of an indicator; flagged where it tells hardly any apart",
    "index_influence": "How far ranks move when one indicator is left out",
}


def _query(connection: duckdb.DuckDBPyConnection, text: str) -> pl.DataFrame:
    return connection.sql(text).pl()


_NAMES = {
    "index_part": {"code": "part_code", "parent": "parent_code"},
    "index_cell": {"indicator": "part_code"},
    "index_explanation": {"node": "node_code", "part": "part_code"},
    "index_gain": {"node": "node_code", "indicator": "part_code"},
    "index_weight": {"node": "node_code", "child": "part_code"},
    "index_parameter": {"code": "part_code"},
    "index_association": {"first": "part_code", "second": "other_code"},
    "index_spread": {"indicator": "part_code"},
    "index_influence": {"node": "node_code", "code": "part_code"},
}
"""The key of `index_part` has one name in all tables: `part_code` is what a row is about, be it indicator or node;
`node_code`, `parent_code`, `other_code` a second part it is seen with. The engine speaks as a specification does."""
_ABOUT_NODES = {"node": "part_code"}
_TOLD_OTHERWISE = ("period", "raw", "denominated")
"""The house's indices have no periods; what is counted is `numerator`, what it is divided into is `observed`."""

_KEY: dict[str, Any] = {"index": pl.String, "edition": pl.String, "as_of": pl.Date}
# Tables that may be empty because no node is computable; they have their columns all the same.
SCHEMAS: dict[str, dict[str, Any]] = {
    "index_method_doubt": {
        **_KEY,
        **dict.fromkeys(("part_code", "area_code"), pl.String),
        **dict.fromkeys(("rank", "rank_median", "rank_mean", "rank_low", "rank_high"), pl.Float64),
        "driver": pl.String,
    },
    "index_method_effect": {
        **_KEY,
        **dict.fromkeys(("part_code", "factor", "choices"), pl.String),
        **dict.fromkeys(("first", "first_low", "first_high", "total", "total_low", "total_high"), pl.Float64),
    },
    "index_sampling_doubt": {
        **_KEY,
        **dict.fromkeys(("part_code", "area_code"), pl.String),
        **dict.fromkeys(("score", "score_low", "score_high", "rank_low", "rank_high", "interval"), pl.Float64),
    },
    "index_gain": {
        **_KEY,
        **dict.fromkeys(("level", "area_code", "node_code", "part_code"), pl.String),
        **dict.fromkeys(("score", "best", "gain"), pl.Float64),
    },
    "index_influence": {
        **_KEY,
        **dict.fromkeys(("node_code", "part_code"), pl.String),
        "mean_shift": pl.Float64,
        "max_shift": pl.Float64,
        "lost": pl.Int64,
    },
}


def read_inputs(connection: duckdb.DuckDBPyConnection, spec: IndexSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return indicator values (of the specification's indicators) and the villages' attributes."""
    key = spec.table.indicator
    codes = pl.DataFrame({key: [indicator.code for indicator in spec.indicators]})
    values = _query(
        connection,
        f"""
        select part_code as {quoted(key)}, village_code, numerator::double as numerator,
            denominator::double as denominator, n::double as n, n_unknown::double as n_unknown,
            sum_of_squares::double as sum_of_squares, status
        from {VALUES} order by part_code, village_code
        """,
    )
    known = values.join(codes, on=key, how="semi")
    if known.height == 0:
        raise DataError(f"{VALUES} has no row for any indicator of '{spec.index}'")
    villages = _query(
        connection,
        f"""
        select village_code, name, town_code, town_name, n_res::double as n_res from {VILLAGES} order by village_code
        """,
    )
    return known, villages


def run(database: Path, specs: Path, as_of: date, report: Callable[[str], None] | None = None) -> IndexTables:
    """Compute every edition in force on `as_of` declared in the folder `specs`.

    `database` is the run's DuckDB file, opened for reading. A node too poor in data is reported as not computable by
    its status; no doubt is computed for it. Raises `SpecError` or `DataError`.
    """
    editions = find_editions(specs, as_of)
    if not editions:
        raise DataError(f"no index in {specs} is in force on {as_of.isoformat()}")
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in DESCRIPTIONS}
    results: dict[tuple[str, str], Result] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for edition in editions:
            values, villages = read_inputs(connection, edition.spec)
            result = build(edition.spec, values, villages)
            results[edition.spec.index, edition.spec.edition] = result
            for name, frame in _tables(edition, result, as_of).items():
                parts[name].append(frame)
            if report is not None:
                computed = result.scores().filter(pl.col("status") == COMPUTED).height
                report(f"index {edition.spec.index} {edition.spec.edition}: {computed} scores computed")
    tables = {name: _typed(name, pl.concat(frames, how="diagonal")) for name, frames in parts.items() if frames}
    tables.update({name: pl.DataFrame(schema=SCHEMAS[name]) for name in DESCRIPTIONS if name not in tables})
    return IndexTables(tables, results)


def _typed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Give a table the columns it always has, whatever could be computed."""
    schema = SCHEMAS.get(name)
    if schema is None:
        return frame
    return frame.select(pl.col(column).cast(kind) for column, kind in schema.items())


def _tables(edition: Edition, result: Result, as_of: date) -> dict[str, pl.DataFrame]:
    spec = result.spec
    named = [pl.lit(spec.index).alias("index"), pl.lit(spec.edition).alias("edition")]
    nodes = _doubtful_nodes(result)
    tables: dict[str, pl.DataFrame] = {
        "index_edition": _edition_row(edition, result, as_of),
        "index_part": _parts(result),
        "index_score": result.scores(),
        "index_cell": _cells(result),
        "index_explanation": explanations(result),
        "index_gain": _concat([gains(result, level, _computed(result, level)) for level in result.levels]),
        "index_weight": result.weights().join(
            associations.effective_weights(result).select("code", "effective_weight", "effective_weight_exact"),
            left_on="child",
            right_on="code",
            how="left",
        ),
        "index_parameter": result.parameters(),
        "index_association": associations.correlations(result),
        "index_consistency": associations.consistency(result),
        "index_spread": associations.spread(result),
        "index_influence": _concat([_with_node(associations.leave_one_out(result, node), node) for node in nodes]),
        "index_sampling_doubt": _concat([found.intervals() for found in sampling_doubt(result, nodes)]),
    }
    doubts = sensitivities(result, nodes) if nodes else []
    tables["index_method_doubt"] = _concat([_with_driver(doubt) for doubt in doubts])
    tables["index_method_effect"] = _concat([_with_node(doubt.table(), doubt.node) for doubt in doubts])
    return {
        name: frame.drop(_TOLD_OTHERWISE, strict=False)
        .rename(_NAMES.get(name, _ABOUT_NODES), strict=False)
        .with_columns(*named, pl.lit(as_of).alias("as_of"))
        .select("index", "edition", "as_of", pl.all().exclude("index", "edition", "as_of"))
        for name, frame in tables.items()
        if frame.width
    }


def _cells(result: Result) -> pl.DataFrame:
    """Return the lineage with what was observed, what was used of it, and in words why they and the score differ.

    A value that was transformed or treated has another unit; what was used is then the value before.
    """
    frame = result.lineage().with_columns(
        pl.col("denominated").alias("observed"),
        pl.coalesce("shrunk", "imputed", "denominated").alias("used"),
    )
    parts = {row["code"]: row for row in _parts(result).to_dicts()}
    reasons = [why(row, parts[row["indicator"]]) for row in frame.iter_rows(named=True)]
    return frame.with_columns(pl.Series("why", reasons, dtype=pl.String))


def _with_driver(doubt: Sensitivity) -> pl.DataFrame:
    """Return a node's rank bands with, for each area, the choice its rank depends on most."""
    bands = doubt.intervals().drop([f"total_{name}" for name in doubt.names])
    greatest = doubt.unit_total.argmax(axis=0)
    moves = doubt.unit_total.max(axis=0) > 0
    drivers = [doubt.names[place] if moved else None for place, moved in zip(greatest, moves, strict=True)]
    return bands.with_columns(pl.Series("driver", drivers, dtype=pl.String))


def _concat(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()


def _with_node(frame: pl.DataFrame, node: str) -> pl.DataFrame:
    return frame.select(pl.lit(node).alias("node"), pl.all())


def _upper_nodes(result: Result) -> list[str]:
    """Return the root and its children."""
    root = result.spec.root.code
    return [root, *(code for code in result.spec.children(root) if code in result.units.nodes)]


def _computed(result: Result, level: str) -> list[str]:
    """Return the upper nodes that any area of the level has a score for."""
    nodes = result.levels[level].nodes
    return [code for code in _upper_nodes(result) if (nodes[code].status == COMPUTED).any()]


def _doubtful_nodes(result: Result) -> list[str]:
    """Return the upper nodes for which at least two units have a score."""
    at = result.units
    return [code for code in _upper_nodes(result) if (at.nodes[code].status[at.ranked] == COMPUTED).sum() >= 2]


def _edition_row(edition: Edition, result: Result, as_of: date) -> pl.DataFrame:
    spec = result.spec
    return pl.DataFrame(
        {
            "name": [spec.name],
            "name_en": [spec.name_en],
            "valid_from": [spec.valid_from],
            "supersedes": [spec.supersedes],
            "specification": [edition.path.name],
            "fingerprint": [edition.fingerprint],
            "unit_level": [spec.units.level],
            "levels": [";".join(level.level for level in spec.levels)],
            "least_n": [spec.publish.least_n],
            "least_count": [spec.publish.least_count],
            "open": [";".join(spec.publish.open)],
            "at_one_end": [float(spec.expect.at_one_end)],
            "still": [spec.expect.still],
            "conventions": ["; ".join(f"{key}={value}" for key, value in result.conventions().items())],
        },
        schema_overrides={"valid_from": pl.String, "supersedes": pl.String, "still": pl.Float64},
    )


def _parts(result: Result) -> pl.DataFrame:
    """Return one row a node and indicator, in the order of the specification."""
    spec = result.spec
    rows: list[dict[str, Any]] = []
    for node in spec.nodes:
        method = (node.aggregate or spec.node_defaults.aggregate).method
        rows.append({"code": node.code, "parent": node.parent, "kind": "node", "method": method, **_words(node)})
    for indicator, setting in zip(spec.indicators, result.cells.settings, strict=True):
        posts = indicator.goalposts or (None, None)
        rows.append(
            {
                "code": indicator.code,
                "parent": indicator.parent,
                "kind": "indicator",
                "method": setting.normalise.method,
                **_words(indicator),
                "unit": indicator.unit,
                "scale": indicator.scale,
                "direction": "more" if indicator.direction > 0 else "less",
                "goalpost_low": posts[0] if isinstance(posts[0], float) else None,
                "goalpost_high": posts[1] if isinstance(posts[1], float) else None,
                "source": ";".join(indicator.source),
                "cadence": indicator.cadence,
                **_shrinkage(setting.shrink),
            }
        )
    texts = ("code", "parent", "kind", "method", "name", "name_en", "note", "unit", "direction", "source", "cadence")
    schema: dict[str, Any] = {**dict.fromkeys(texts, pl.String)}
    schema.update(dict.fromkeys(("scale", "goalpost_low", "goalpost_high", "shrink_k"), pl.Float64))
    schema.update(dict.fromkeys(("shrink_towards", "shrink_basis", "shrink_counts", "shrink_within"), pl.String))
    return pl.DataFrame(rows, schema=schema).with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))


def _shrinkage(shrink: Shrink | None) -> dict[str, Any]:
    """How far small units are drawn to the level above: all empty where they are not."""
    if shrink is None:
        return {}
    return {
        "shrink_towards": shrink.towards,
        "shrink_k": shrink.k,
        "shrink_basis": shrink.n or "denominator",
        "shrink_counts": shrink.counts,
        "shrink_within": shrink.within,
    }


def _words(part: Node | Indicator) -> dict[str, str]:
    return {"name": part.name, "name_en": part.name_en, "note": part.note}


def write(connection: duckdb.DuckDBPyConnection, tables: IndexTables) -> list[str]:
    """Write the frames as native tables with comments into schema `indices`; returns the names written."""
    connection.execute("create schema if not exists indices").fetchall()
    for name, frame in tables.tables.items():
        connection.register("incoming_index_table", frame.to_arrow())
        connection.execute(f"create or replace table indices.{name} as select * from incoming_index_table").fetchall()
        connection.unregister("incoming_index_table")
        connection.execute(f"comment on table indices.{name} is {text_literal(DESCRIPTIONS[name])}").fetchall()
    return list(tables.tables)
