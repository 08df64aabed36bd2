"""`xfy feeds catalogue`: the catalogue outside of a release. Thin: reads words, calls the package, prints."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.settings import Settings
from pipelines.terminal import AsJson, as_date, print_json, speaking, tell, wrong_use


def catalogue_command(
    out: Annotated[Path | None, typer.Option(help="folder for the pages; default: <data root>/catalogue")] = None,
    as_of: Annotated[str | None, typer.Option(help="as known on this date; default: the newest delivery's")] = None,
    as_json: AsJson = False,
) -> None:
    """Every feed as pages: owner, quality over time, columns, who uses each, and which columns nobody uses."""
    from pipelines.feeds.contracts import load_contracts
    from pipelines.feeds.receipts import read_receipts
    from pipelines.products.catalogue.write import make, write

    settings = Settings()
    with speaking():
        contracts = load_contracts(settings.contracts)
        days = [r.business_on for feed in contracts for r in read_receipts(settings.lake, feed)]
        body = make(settings, as_date(as_of) if as_of else max(days, default=date.min), contracts)
    if as_json and out is None:
        print_json(body)
        return
    folder = out or settings.root / "catalogue"
    if folder.exists() and not folder.is_dir():
        raise wrong_use(f"{folder} is a file; give a folder")
    with speaking():
        files = write(body, folder)
    if as_json:
        print_json(body["summary"] | {"files": [str(path) for path in files]})
        return
    known = body["summary"]["standings"]
    tell(f"{body['summary']['feeds']} feeds, {body['summary']['columns']} columns: {folder / 'index.html'}")
    tell(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in known.items()))
    tell(f"{body['summary']['not_needed']} columns need not be collected: {folder / 'not-needed.html'}")
