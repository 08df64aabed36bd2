"""Evaluates every tag of a catalogue over a run's subjects: the production engine.

Reads the run's database once (`exports`), goes step by step (`plan`) with Polars expressions (`to_polars`), and leaves
one wide Parquet file a subject. The same input gives the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.sql import sealed
from pipelines.tags import aggregates, exports
from pipelines.tags.catalogue import Catalogue
from pipelines.tags.declarations import Tag
from pipelines.tags.exports import position
from pipelines.tags.interpret import World
from pipelines.tags.plan import Step, layers, needs, steps
from pipelines.tags.registry import id_column
from pipelines.tags.to_polars import Frame, to_polars
from pipelines.tags.tree import Column, Node, Relation, RowsNode, TagRef, inside

RESTRICTED = "restricted_"
"""Prefix of files and tables with restricted tags."""


class EvaluationError(RuntimeError):
    """Subjects that cannot be evaluated: a repeated or missing id. The message names the table."""


@dataclass
class _Run:
    """What one evaluation carries from step to step: input frames, results by subject, the world's fixed facts."""

    catalogue: Catalogue
    world: World
    frames: Mapping[str, pl.DataFrame]
    results: dict[str, pl.DataFrame]


def evaluate(
    catalogue: Catalogue,
    database: Path,
    as_of: date,
    out_dir: Path,
    report: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Evaluates all tags in force on `as_of` over a run's DuckDB file and writes `out_dir/<subject>_tags.parquet`.

    Each file has `<subject>_id` and one nullable column a tag, named by its code and in order of code: boolean, or
    decimal for number tags; rows are ordered by id. Restricted tags go to `restricted_<subject>_tags.parquet`.
    Returns the files by subject, those of restricted tags under `restricted_<subject>`. The database is only read.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        return evaluate_with(sealed(connection), catalogue, as_of, out_dir, report)


def evaluate_with(
    connection: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    as_of: date,
    out_dir: Path,
    report: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """`evaluate` over an open connection, for callers that hold the file already."""
    say = report or (lambda _: None)
    in_force = catalogue.in_force(as_of)
    out_dir.mkdir(parents=True, exist_ok=True)
    frames = exports.export(connection, catalogue.registry, exports.wanted(catalogue, in_force))
    feeds = {f for code in in_force for f in catalogue.inputs[code].row_feeds}
    world = World(as_of, catalogue.parameters_on(as_of), exports.unavailable_feeds(connection, feeds))
    run = _Run(catalogue, world, frames, {})
    for step in steps(catalogue, in_force):
        say(f"{step.subject}: {len(step.codes)} tags")
        _add(run, step.subject, _evaluate_step(run, step))
    frames.clear()
    return {name: _write(frame, name, out_dir) for name, frame in _outputs(run, in_force).items()}


def _add(run: _Run, subject: str, found: pl.DataFrame) -> None:
    name = id_column(subject)
    earlier = run.results.get(subject)
    if earlier is None:
        ids = found[name]
        if ids.null_count() or (ids == ids.shift()).any():
            raise EvaluationError(f"subjects.{subject}: an id is missing or repeated")
        run.results[subject] = found
    else:
        run.results[subject] = earlier.hstack(found.drop(name))


def _evaluate_step(run: _Run, step: Step) -> pl.DataFrame:
    trees = {c: run.catalogue.trees[c] for c in step.codes}
    frame = Frame(run.world)
    rows = _frame(run, step.subject, trees, frame)
    for layer in layers(trees):
        rows = rows.with_columns(to_polars(node, frame).alias(name) for name, node in layer.items())
        for name, node in layer.items():
            frame.shared[node] = name
            if name in trees:
                frame.shared[TagRef(name, step.subject, trees[name].type)] = name
    wanted = [to_polars(trees[c], frame).alias(c) for c in sorted(trees)]
    return rows.select(pl.col(id_column(step.subject)), *wanted).collect(
        engine="streaming", optimizations=pl.QueryOptFlags(comm_subexpr_elim=False)
    )


def _frame(run: _Run, subject: str, trees: Mapping[str, Node], frame: Frame) -> pl.LazyFrame:
    """The subject's rows, linked columns and folded related rows beside them; names of the latter go into `frame`."""
    table = run.catalogue.registry.subjects[subject]
    found = needs(trees)
    id_name = id_column(subject)
    source = run.frames[table.name]
    parts = [
        source.lazy().select(pl.col(table.key).alias(id_name), *(pl.col(c) for c in sorted(found.columns - {id_name})))
    ]
    for link, via in sorted(found.links.items()):
        columns, tags = found.link_columns.get(link, set()), found.link_tags.get(link, set())
        parts.append(_linked(run, source[position(via)], link, columns, tags))
    for relation, nodes in sorted(found.relations.items(), key=lambda item: (item[0].table, item[0].key)):
        folded = aggregates.fold(_related(run, relation, nodes), position(relation.key), relation, nodes, frame)
        parts.append(_spread(folded, source.height))
    if found.own_tags:
        parts.append(run.results[subject].lazy().select(sorted(found.own_tags)))
    return pl.concat(parts, how="horizontal")


def _linked(run: _Run, places: pl.Series, link: str, columns: set[str], tags: set[str]) -> pl.LazyFrame:
    """What a link leads to, row by row: columns and tags of the linked subject, each under `<link>.`."""
    table = run.catalogue.registry.subjects[link]
    parts = [run.frames[table.name].select(sorted(columns))] if columns else []
    if tags:
        parts.append(run.results[table.subject].select(sorted(tags)))
    target = pl.concat(parts, how="horizontal")
    return target.select(pl.all().gather(places).name.prefix(f"{link}.")).lazy()


def _related(run: _Run, relation: Relation, nodes: Sequence[RowsNode]) -> pl.LazyFrame:
    """The related rows with the columns conditions read; rows that are subjects with their tags too."""
    below = [n for node in nodes for n in inside(node)]
    columns = {n.name for n in below if isinstance(n, Column) and n.table == relation.table and not n.link}
    rows = run.frames[relation.table].lazy().select(*sorted(columns), position(relation.key))
    tags = {n.code for n in below if isinstance(n, TagRef) and not n.link} if relation.is_subject else set()
    if not tags:
        return rows
    subject = run.catalogue.registry.tables[relation.table].subject
    return pl.concat([rows, run.results[subject].lazy().select(sorted(tags))], how="horizontal")


def _spread(folded: pl.LazyFrame, height: int) -> pl.LazyFrame:
    """Folded rows set beside all subjects, nulls where a subject has none. The first column holds positions."""
    found = folded.collect(engine="streaming")
    places = found.to_series(0)
    at = pl.repeat(None, height, dtype=pl.UInt32, eager=True).scatter(places, pl.int_range(len(places), eager=True))
    return found.select(pl.all().exclude(places.name).gather(at)).lazy()


def _outputs(run: _Run, in_force: Mapping[str, Tag]) -> dict[str, pl.DataFrame]:
    """The published columns of each file: ids and codes in order, numbers as decimals."""
    found = {}
    for subject in sorted(run.results):
        codes = [c for c, t in in_force.items() if t.subject == subject]
        for prefix, chosen in (
            ("", [c for c in codes if not in_force[c].is_restricted]),
            (RESTRICTED, [c for c in codes if in_force[c].is_restricted]),
        ):
            if chosen:
                columns = [pl.col(id_column(subject)), *(_published(in_force[c]) for c in chosen)]
                found[f"{prefix}{subject}"] = run.results[subject].select(columns)
    return found


def _published(tag: Tag) -> pl.Expr:
    if tag.type.kind != "decimal":
        return pl.col(tag.code)
    unit = pl.lit(10**tag.type.scale, dtype=pl.Decimal(38, tag.type.scale))
    return (pl.col(tag.code).cast(pl.Decimal(38, tag.type.scale)) / unit).cast(pl.Decimal(28, tag.type.scale))


def _write(frame: pl.DataFrame, name: str, out_dir: Path) -> Path:
    path = out_dir / f"{name}_tags.parquet"
    frame.write_parquet(path, compression="zstd", statistics=False)
    return path
