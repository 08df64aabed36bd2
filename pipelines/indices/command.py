"""`xfy index …`: check, build, explain, sensitivity, compare, series, report and more; a typer application of its own.

Thin: reads files, calls the package, prints or writes. Exit 0 done, 1 the specification or the data is refused, 2 wrong
use. `python -m pipelines.indices` runs the same without the rest of the house.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from pipelines.indices import associations
from pipelines.indices.build import build
from pipelines.indices.compare import compare
from pipelines.indices.describe import moments, outranking
from pipelines.indices.editions import changed, changes, fingerprint, freeze
from pipelines.indices.explain import explain
from pipelines.indices.load import load_spec
from pipelines.indices.masking import masking_test
from pipelines.indices.movement import movements
from pipelines.indices.past import past, releases_of
from pipelines.indices.problems import DataError, IndexFault, SpecError
from pipelines.indices.published import explain_published
from pipelines.indices.result import Result, write_frame
from pipelines.indices.sampling import sampling_doubt
from pipelines.indices.sensitivity import sensitivity
from pipelines.indices.table import read_frame
from pipelines.settings import Settings

app = typer.Typer(no_args_is_help=True, help="composite indices from one declared specification")
# A table cut at eighty columns is no use in a file.
# Names come from tables and specifications: square brackets in them are no markup, a colon no emoji.
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 160, markup=False, emoji=False, highlight=False)
err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)

Spec = Annotated[Path, typer.Argument(help="specification (YAML)")]
Data = Annotated[Path, typer.Option("--data", help="table: .csv, .tsv, .parquet or .xlsx")]
Units = Annotated[Path | None, typer.Option("--units", help="table of unit attributes, joined by unit")]
Node = Annotated[str | None, typer.Option("--node", help="node; default the root")]
Period = Annotated[str | None, typer.Option("--period", help="period; default the latest")]
Level = Annotated[str | None, typer.Option("--level", help="level; default the units")]
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
To = Annotated[Path | None, typer.Option("--out", help="write the table: .csv, .parquet or .xlsx")]


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn a refusal into its message and exit code 1."""
    try:
        yield
    except IndexFault as fault:
        err.print(_printable(str(fault)), style="red")
        raise typer.Exit(1) from fault


def _built(spec: Path, data: Path, units: Path | None) -> Result:
    return build(spec, data, read_frame(units) if units is not None else None)


def _printable(text: str) -> str:
    """Replace control characters: a name must not move the cursor or colour the screen."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _word(value: object) -> str:
    """Write one cell of a table on screen."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else _printable(str(value))


def _show(frame: pl.DataFrame, limit: int = 40) -> None:
    table = Table(*map(_printable, frame.columns))
    for row in frame.head(limit).iter_rows():
        table.add_row(*map(_word, row))
    out.print(table)
    if frame.height > limit:
        out.print(f"{frame.height - limit} more rows; --out writes them all")


def _give(frame: pl.DataFrame, to: Path | None, as_json: bool) -> None:
    if to is not None:
        write_frame(frame, to)
    if as_json:
        typer.echo(json.dumps(frame.to_dicts(), ensure_ascii=False))
    elif to is None:
        _show(frame)
    else:
        out.print(_printable(f"{to}: {frame.height} rows"))


@app.command("check")
def check_command(spec: Spec, as_json: AsJson = False) -> None:
    """Check a specification: file and line of every problem, a frozen edition whose method changed among them."""
    with _speaking():
        found = load_spec(spec)
        if problems := changed(found, spec):
            raise SpecError(problems)
    answer = {
        "index": found.index,
        "edition": found.edition,
        "nodes": len(found.nodes),
        "indicators": len(found.indicators),
        "fingerprint": fingerprint(found),
    }
    typer.echo(json.dumps(answer, ensure_ascii=False) if as_json else " ".join(f"{k}={v}" for k, v in answer.items()))


@app.command("freeze")
def freeze_command(
    folder: Annotated[Path, typer.Argument(help="folder of specifications")],
    index: Annotated[str, typer.Argument(help="name of the index")],
    edition: Annotated[str, typer.Argument(help="name of the edition")],
    as_json: AsJson = False,
) -> None:
    """Freeze a published edition: from now on a change of its method is refused."""
    with _speaking():
        answer = {"index": index, "edition": edition, "fingerprint": freeze(folder, index, edition)}
    typer.echo(json.dumps(answer, ensure_ascii=False) if as_json else " ".join(answer.values()))


@app.command("build")
def build_command(
    spec: Spec,
    data: Data,
    to: To = None,
    units: Units = None,
    wide: Annotated[bool, typer.Option("--wide", help="one column a node instead of one row")] = False,
    level: Level = None,
    cells: Annotated[Path | None, typer.Option(help="also write every cell through all stages")] = None,
    weights: Annotated[Path | None, typer.Option(help="also write weights")] = None,
    parameters: Annotated[Path | None, typer.Option(help="also write fitted numbers and conventions")] = None,
    explanation: Annotated[Path | None, typer.Option(help="also write contributions of every unit")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute an index; the scores go to --out, or on screen."""
    from pipelines.indices.explain import explanations

    with _speaking():
        result = _built(spec, data, units)
        frame = result.wide(level) if wide else result.scores(level)
        extras: list[tuple[Path | None, Any]] = [
            (cells, lambda: result.lineage(level)),
            (weights, result.weights),
            (parameters, lambda: _with_conventions(result)),
            (explanation, lambda: explanations(result)),
        ]
        for path, make in extras:
            if path is not None:
                write_frame(make(), path)
        _give(frame, to, as_json)


def _with_conventions(result: Result) -> pl.DataFrame:
    frame = result.parameters().with_columns(pl.lit(None, dtype=pl.String).alias("text"))
    rows = [{"stage": "convention", "name": name, "text": text} for name, text in result.conventions().items()]
    return pl.concat(
        [frame, pl.DataFrame(rows, schema={"stage": pl.String, "name": pl.String, "text": pl.String})], how="diagonal"
    )


@app.command("explain")
def explain_command(
    what: Annotated[list[str], typer.Argument(help="AREA of the published index, or SPEC AREA with --data")],
    data: Annotated[Path | None, typer.Option("--data", help="table, with a specification")] = None,
    units: Units = None,
    node: Node = None,
    period: Period = None,
    level: Level = None,
    index: Annotated[str, typer.Option(help="published index")] = "happiness",
    database: Annotated[Path | None, typer.Option(help="database; default the current release's")] = None,
    as_json: AsJson = False,
) -> None:
    """Take one score apart: contributions that add up to it."""
    if len(what) != (1 if data is None else 2):
        raise typer.BadParameter("give AREA for the published index, or SPEC AREA --data TABLE")
    area = what[-1]
    with _speaking():
        if data is None:
            where = database or Settings().releases / "current" / "warehouse.duckdb"
            found = explain_published(where, area, index, node)
        else:
            found = explain(_built(Path(what[0]), data, units), area, level, period, node)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    head = f"{area} {found['period'] or ''} {found['node']} (edition {found['edition']}): "
    score = "no score" if found["score"] is None else f"{found['score']:.6f}"
    place = f"rank {found['rank'] or '-'}, {found['status']}, availability {found['availability'] or '-'}"
    out.print(_printable(f"{head}{score}, {place}"))
    # The value as it is reported stands beside what was scored: shrunk, imputed, transformed or treated.
    shown = ("part", "name", "denominated", "unit", "treated", "score", "weight", "contribution", "status")
    table = Table("part", "name", "value", "unit", "used", *shown[5:])
    for part in found["parts"]:
        cells = [part.get(key) for key in shown]
        table.add_row(*map(_word, cells))
    out.print(table)
    total = sum(part["contribution"] for part in found["parts"])
    out.print(f"sum of contributions {total:.10f}")
    for part in found["parts"]:
        if part.get("why"):
            out.print(_printable(f"{part['part']} {part['name']}: {part['why']}"))
    for gap in found["gaps"]:
        out.print(_printable(f"no value: {gap['indicator']} {gap['status']} {'; '.join(gap['reasons'])}"))


@app.command("sensitivity")
def sensitivity_command(
    spec: Spec,
    data: Data,
    to: To = None,
    units: Units = None,
    node: Node = None,
    period: Period = None,
    draws: Annotated[int | None, typer.Option(help="base points, a power of two")] = None,
    sampling: Annotated[
        bool, typer.Option("--sampling", help="sampling error of small units instead of the method")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How far ranks depend on choices of the method, and on which (or, with --sampling, on chance in small units)."""
    with _speaking():
        result = _built(spec, data, units)
        if sampling:
            doubt = sampling_doubt(result, [node or result.spec.root.code], period)[0]
            _give(doubt.intervals(), to, as_json)
            return
        found = sensitivity(result, node, period, draws)
        if to is not None:
            write_frame(found.intervals(), to)
    if as_json:
        answer = {
            "runs": found.runs,
            "mean_rank_shift": float(found.shift.mean()),
            "not_varied": found.left_out,
            "effects": found.table().to_dicts(),
            "ranks": found.intervals().to_dicts(),
        }
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    out.print(f"{found.runs} runs; mean shift of ranks {found.shift.mean():.3f}")
    for name, why in found.left_out.items():
        out.print(_printable(f"not varied: {name}: {why}"))
    _show(found.table())
    _show(found.intervals().sort("rank"), 20)


@app.command("compare")
def compare_command(
    first: Spec,
    second: Annotated[Path, typer.Argument(help="second specification")],
    data: Data,
    to: To = None,
    units: Units = None,
    node: Node = None,
    level: Level = None,
    as_json: AsJson = False,
) -> None:
    """Two editions or variants on the same table: scores, ranks and their shifts."""
    with _speaking():
        found = compare(_built(first, data, units), _built(second, data, units), node, level)
        if to is not None:
            write_frame(found.table, to)
    if as_json:
        typer.echo(json.dumps({"summary": found.summary, "table": found.table.to_dicts()}, ensure_ascii=False))
        return
    for name, value in found.summary.items():
        out.print(f"{name} {value}")
    _show(found.table.sort(pl.col("rank_change").abs(), descending=True, nulls_last=True, maintain_order=True))


@app.command("series")
def series_command(
    spec: Spec,
    data: Annotated[Path | None, typer.Option("--data", help="a panel; without it, the house's own past")] = None,
    history: Annotated[list[Path] | None, typer.Option(help="databases of past dates; default all releases")] = None,
    to: To = None,
    units: Units = None,
    level: Level = None,
    as_json: AsJson = False,
) -> None:
    """Change from period to period: of a panel, or of past dates scored again under this edition."""
    with _speaking():
        if data is not None:
            result = _built(spec, data, units)
        else:
            result = past(load_spec(spec), history or releases_of(Settings().releases))
        if len(result.table.period_order) < 2:
            raise DataError("a series needs a table with more than one period (table.period)")
        _give(changes(result, level), to, as_json)


@app.command("movement")
def movement_command(
    spec: Spec,
    history: Annotated[list[Path] | None, typer.Option(help="databases to compare; default all releases")] = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """How far scores moved from release to release, and whether they stood still where nothing came (exit 1 if not)."""
    with _speaking():
        declared = load_spec(spec)
        found = movements(declared, history or releases_of(Settings().releases))
        _give(found, to, as_json)
        broken = found.filter(~pl.col("is_kept"))
        if broken.height:
            raise DataError(
                f"between {broken['from'][0]} and {broken['to'][0]} nothing came, but {broken['area'][0]} moved by "
                f"{broken['greatest'][0]:.2f} points where at most {declared.expect.still:g} a day are promised; "
                f"most moved {broken['moved_by'][0]}"
            )


@app.command("report")
def report_command(
    to: Annotated[Path, typer.Option("--out", help="folder for the pages and the workbook")],
    database: Annotated[
        Path | None, typer.Argument(help="a run's database or a release's; default the current release's")
    ] = None,
    index: Annotated[str, typer.Option(help="index")] = "happiness",
    history: Annotated[
        list[Path] | None, typer.Option(help="databases of earlier dates, for trends; default the other releases")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report in Chinese: pages for district, towns and villages, and a workbook; small cells hidden."""
    from pipelines.indices.report import write_report

    with _speaking():
        settings = Settings()
        where = (database or settings.releases / "current" / "warehouse.duckdb").resolve()
        earlier = history if history is not None else [p for p in releases_of(where.parent.parent) if p != where]
        specs = settings.tag_rules / "indices"
        files = write_report(
            where, to, index, earlier, specs, lambda words: (err if as_json else out).print(_printable(words))
        )
    if as_json:
        typer.echo(json.dumps({"folder": str(to), "files": [str(path) for path in files]}, ensure_ascii=False))


_REPORTS: dict[str, Callable[[Result], pl.DataFrame]] = {
    "weights": associations.effective_weights,
    "correlations": associations.correlations,
    "denominators": associations.denominator_correlations,
    "consistency": associations.consistency,
    "spread": associations.spread,
    "influence": associations.leave_one_out,
    "effects": associations.main_effects,
    "imputation": masking_test,
    "moments": moments,
    "outranking": outranking,
}


@app.command("associations")
def associations_command(
    spec: Spec,
    data: Data,
    what: Annotated[str, typer.Option(help=", ".join(_REPORTS))] = "correlations",
    to: To = None,
    units: Units = None,
    as_json: AsJson = False,
) -> None:
    """Effective weights, correlations with flags, consistency, influence of single indicators."""
    if what not in _REPORTS:
        raise typer.BadParameter(f"{what!r} is none of {', '.join(_REPORTS)}")
    with _speaking():
        _give(_REPORTS[what](_built(spec, data, units)), to, as_json)
