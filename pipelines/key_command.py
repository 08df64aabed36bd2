"""`xfy key …`: which keys a house has, and changing one on purpose. Thin: reads words, calls `keys`, prints."""

from typing import Annotated

import typer

from pipelines.settings import Settings
from pipelines.terminal import AsJson, DryRun, failed, give, print_json, speaking, tell, wrong_use

app = typer.Typer(no_args_is_help=True, help="the keys of pseudonyms and signatures")


@app.command("show")
def show_command(as_json: AsJson = False) -> None:
    """Each key's id and file, and whether it is the one that data at hand were made with; exit 1 where one is not."""
    from pipelines import keys

    settings = Settings()
    rows = keys.state(settings)
    give(rows, as_json, ("key", "id", "file", "problem"))
    if any(row["problem"] for row in rows):
        raise failed()


@app.command("rotate")
def rotate_command(
    key: Annotated[str, typer.Argument(help="pseudonym, restricted or signing")],
    name: Annotated[str, typer.Option(help="who answers for it")],
    reason: Annotated[str, typer.Option(help="why")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set a key aside, so that the next run makes a new one; says what that does to what was made with it."""
    from pipelines import keys

    settings = Settings()
    if key not in settings.keys:
        raise wrong_use(f"there is no key {key!r}; the keys are {', '.join(settings.keys)}")
    with speaking():
        done = keys.rotate(settings, key, name, reason, dry_run)
    if as_json:
        print_json(done.as_json())
        return
    would = "would be" if dry_run else "is"
    tell(f"{key} key {done.old_id} {would} set aside as {done.set_aside}; the next run makes a new one")
    if done.emptied:
        tell(f"made with it, and made again from landing/ by the next run: {', '.join(done.emptied)}")
    if done.keeps_old:
        tell(f"keeps the old key's mark: {', '.join(done.keeps_old)}")
