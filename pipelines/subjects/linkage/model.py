"""The probabilistic model of linkage: splink over DuckDB, with what is declared and what the deliveries teach.

Learns how often records of one person, and of two, agree; scores pairs of a row and a known person. Which pairs count
as links is decided in `decide`.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl
from splink import DuckDBAPI, Linker

from pipelines.settings import Settings
from pipelines.subjects.linkage.rules import ELSE, LinkageRules

ROWS, KNOWN = "a_rows", "b_known"
ID = "unique_id"
PAIRS = {"row_id": pl.String, "person_key": pl.String, "weight": pl.Float64}
_NEVER_SEEN = 1e-6
_SCALE = 6
logging.getLogger("splink").setLevel(logging.ERROR)

Shares = dict[str, list[list[float]]]
"""A comparison's name → [m, u] of each of its levels."""


def declared_shares(rules: LinkageRules) -> Shares:
    """The shares as declared. What is stated as a chance waits for the number of people (`_spread`) and is 0 here."""
    return {
        comparison.name: [[v.m, v.u if isinstance(v.u, float) else 0.0] for v in comparison.levels]
        for comparison in rules.comparisons
    }


def learn(rules: LinkageRules, settings: Settings, rows: pl.DataFrame, known: pl.DataFrame) -> Shares:
    """The shares learnt from rows whose person is known by number: `row_id`, `person_key` and the facts of both sides.

    Pairs that are two people are all pairs of two draws of known people. Same rows, same shares.
    """
    shares = declared_shares(rules)
    drawn = _draw(rows, "row_id", rules.training.labelled_rows)
    theirs = known.join(drawn.select("person_key").unique(), on="person_key", how="semi").sort("person_key")
    with _linker(rules, settings, drawn, theirs, shares, len(known), with_label=True) as linker:
        linker.training.estimate_m_from_label_column("label")
        learnt_m = _shares_of(linker)
    by_chance = _draw(known, "person_key", 2 * rules.training.random_rows)
    others, by_chance = by_chance[1::2], by_chance[::2].with_columns(row_id="person_key")
    with _linker(rules, settings, by_chance, others, shares, len(known)) as linker:
        linker.training.estimate_u_using_random_sampling(
            max_pairs=float(10 * len(by_chance) * len(others)), min_count_per_level=None, num_chunks=1
        )
        learnt_u = _shares_of(linker)
    for comparison in rules.comparisons:
        for i, level in enumerate(comparison.levels):
            for place, learnt, word in ((0, learnt_m, "m"), (1, learnt_u, "u")):
                value = learnt[comparison.name][i][place]
                if word in level.learn:
                    shares[comparison.name][i][place] = round(max(value or 0.0, _NEVER_SEEN), _SCALE)
    return shares


def score(
    rules: LinkageRules, settings: Settings, shares: Shares, rows: pl.DataFrame, known: pl.DataFrame, people: int
) -> pl.DataFrame:
    """Pairs that blocking brings together, with the log2 odds that they are one person (`weight`), in order.

    `rows` have `row_id`, the facts, traces and forms; `known` are profiles with the frequencies of their names;
    `people` is how many people are known in all.
    """
    if rows.is_empty() or known.is_empty():
        return pl.DataFrame(schema=PAIRS)
    with _linker(rules, settings, rows, known, shares, people) as linker:
        found = linker.inference.predict().as_duckdbpyrelation()
        pairs = found.select(f"{ID}_l as row_id, {ID}_r as person_key, round(match_weight, 4) as weight").pl()
    return pairs.cast(PAIRS).sort("row_id", "person_key")


def with_frequencies(rules: LinkageRules, known: pl.DataFrame, everybody: pl.DataFrame) -> pl.DataFrame:
    """The profiles with `tf_<column>` for each column whose rare values say more: its share among everybody."""
    for column in _frequencies(rules):
        told = len(everybody) - everybody[column].null_count()
        mine = everybody.select(column).join(known.select(column).unique(), on=column, how="semi")
        share = mine.group_by(column).agg((pl.len() / told).round(9).alias(f"tf_{column}"))
        known = known.join(share, on=column, how="left", maintain_order="left")
    return known


# ---------------------------------------------------------------- splink


@contextmanager
def _linker(
    rules: LinkageRules,
    settings: Settings,
    rows: pl.DataFrame,
    known: pl.DataFrame,
    shares: Shares,
    people: int,
    with_label: bool = False,
) -> Iterator[Linker]:
    shared = [name for name in rows.columns if name in known.columns and name not in ("row_id", "person_key")]
    frequencies = [f"tf_{name}" for name in _frequencies(rules)]
    label = [pl.col("person_key").alias("label")] if with_label else []
    tables = {ROWS: ("row_id", rows), KNOWN: ("person_key", known)}
    shaped = {
        source: frame.select(
            pl.col(key).alias(ID),
            pl.lit(source).alias("source_dataset"),
            *(name for name in shared if name not in frequencies),
            *(pl.col(f) if f in frame.columns else pl.lit(None, pl.Float64).alias(f) for f in frequencies),
            *label,
        )
        for source, (key, frame) in tables.items()
    }
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.root / "tmp"),
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("set enable_progress_bar = false")
        api = DuckDBAPI(connection=connection)
        registered = [api.register(frame.to_arrow(), table_name=name) for name, frame in shaped.items()]
        lists = {name for name, kind in shaped[ROWS].schema.items() if kind == pl.List}
        yield Linker(registered, _settings(rules, shares, people, lists), log_level="ERROR")
    finally:
        connection.close()


def _settings(rules: LinkageRules, shares: Shares, people: int, lists: Collection[str]) -> dict[str, Any]:
    """The model as splink's settings. Columns that hold lists agree where they have an element in common."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": ID,
        "probability_two_random_records_match": rules.link.known_share / max(people, 2),
        "blocking_rules_to_generate_predictions": [_blocking(rule, lists) for rule in rules.blocking],
        "comparisons": [
            {
                "output_column_name": comparison.name,
                "comparison_levels": [
                    {"sql_condition": comparison.unknown, "label_for_charts": "unknown", "is_null_level": True},
                    *(
                        {
                            "sql_condition": "ELSE" if level.when == ELSE else level.when,
                            "label_for_charts": level.label,
                            "m_probability": shares[comparison.name][i][0],
                            "u_probability": _spread(rules, level.u, shares[comparison.name][i][1], people),
                        }
                        | ({"tf_adjustment_column": level.frequency} if level.frequency else {})
                        | ({"disable_tf_exact_match_detection": True} if level.frequency else {})
                        for i, level in enumerate(comparison.levels)
                    ),
                ],
            }
            for comparison in rules.comparisons
        ],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def _spread(rules: LinkageRules, declared: float | str, learnt: float, people: int) -> float:
    """A level's `u`: a chance per row is spread over all known people."""
    if isinstance(declared, str):
        return float(getattr(rules.link, declared)) / max(people, 2)
    return learnt


def _blocking(rule: tuple[str, ...], lists: Collection[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"blocking_rule": " and ".join(f"l.{c} = r.{c}" for c in rule), "sql_dialect": "duckdb"}
    exploded = [column for column in rule if column in lists]
    return made | ({"arrays_to_explode": exploded} if exploded else {})


def _shares_of(linker: Linker) -> dict[str, list[list[float | None]]]:
    """What a linker has learnt, by comparison: [m, u] of each level; None where it never saw the level."""
    document: Mapping[str, Any] = linker.misc.save_model_to_json()
    found: dict[str, list[list[float | None]]] = {}
    for comparison in document["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        found[comparison["output_column_name"]] = [
            [_number(level.get("m_probability")), _number(level.get("u_probability"))] for level in levels
        ]
    return found


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _frequencies(rules: LinkageRules) -> list[str]:
    return list(dict.fromkeys(v.frequency for c in rules.comparisons for v in c.levels if v.frequency))


def _draw(frame: pl.DataFrame, key: str, count: int) -> pl.DataFrame:
    """At most `count` rows in order of key. Keys are pseudonyms, so their order is by chance and always the same."""
    return frame.sort(key).head(count)
