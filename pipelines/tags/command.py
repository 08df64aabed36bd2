"""`xfy tags …`: the tag catalogue. Thin: reads words, calls the room, prints; imports inside each command."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.refusal import did_you_mean
from pipelines.settings import Settings
from pipelines.terminal import AsJson, as_date, failed, give, print_json, speaking, tell, wrong_use

if TYPE_CHECKING:
    from pipelines.tags.catalogue import Catalogue

app = typer.Typer(no_args_is_help=True, help="the tag catalogue")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Every tag of the catalogue."""
    from pipelines.tags.listing import list_tags

    with speaking():
        rows = list_tags(catalogue(Settings()))
    give(rows, as_json, ("code", "name", "subject", "kind", "sensitivity", "owner"))


@app.command("check")
def check_command(
    as_of: Annotated[str | None, typer.Option(help="also: every parameter has a value on this date")] = None,
    as_json: AsJson = False,
) -> None:
    """Find everything wrong with the tag declarations at once; exit 1 when there is anything."""
    from pipelines.tags.catalogue import check

    settings = Settings()
    day = as_date(as_of) if as_of else None
    problems = check(settings.tag_rules, settings.dbt_project / "models" / "subjects", day)
    if as_json:
        print_json([p.as_json() for p in problems])
    else:
        for problem in problems:
            tell(str(problem))
        tell(f"{len(problems)} problems" if problems else "the catalogue is sound")
    if problems:
        raise failed()


@app.command("sql")
def sql_command(
    code: Annotated[str, typer.Argument(help="code of a tag, T01010101")],
    spark: Annotated[bool, typer.Option(help="in Spark's dialect")] = False,
    as_json: AsJson = False,
) -> None:
    """One tag as a query for the published database: the subject's id and the value."""
    from pipelines.tags.sqltext import spark_query, tag_query

    with speaking():
        found = catalogue(Settings())
        if code not in found.tags:
            raise wrong_use(f"there is no tag {code}{did_you_mean(code, found.tags)} `xfy tags list` shows all.")
        query = (spark_query if spark else tag_query)(found, code)
    if as_json:
        print_json({"code": code, "dialect": "spark" if spark else "duckdb", "sql": query})
    else:
        sys.stdout.write(query + "\n")


def catalogue(settings: Settings) -> "Catalogue":
    """The declared catalogue. Raises CatalogueError."""
    from pipelines.tags.catalogue import load_catalogue

    return load_catalogue(settings.tag_rules, settings.dbt_project / "models" / "subjects")
