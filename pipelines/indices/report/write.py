"""A report's files: one page for the district, one a town, one a village, and a workbook."""

from collections.abc import Callable
from pathlib import Path

from pipelines.indices.report.facts import Area, Facts, read_facts
from pipelines.indices.report.hiding import hide
from pipelines.indices.report.pages import district_page, town_page, village_page
from pipelines.indices.report.workbook import write_workbook


def write_report(
    database: Path,
    out: Path,
    index: str = "happiness",
    history: list[Path] | None = None,
    specs: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write the report of one index into `out`; returns the files.

    `database` is a run's database or a release's `warehouse.duckdb`; `history` are such files of earlier dates, from
    which trends and changes are drawn; those that were scored under another edition are scored again under the
    database's own, from the folder of specifications `specs`. Raises `DataError` if the database has no such index.
    """
    facts = read_facts(database, index, history, specs)
    hide(facts)
    out.mkdir(parents=True, exist_ok=True)
    files = {"index.html": district_page(facts, _district(facts))}
    levels = facts.levels()
    towns = facts.areas.get(levels[1], {}) if len(levels) > 2 else {}
    for code, town in sorted(towns.items()):
        files[f"town-{code}.html"] = town_page(facts, town, _district(facts))
    for code, village in sorted(facts.areas[levels[0]].items()):
        files[f"village-{code}.html"] = village_page(facts, village, towns.get(village.parent or ""), _district(facts))
    written = []
    for name, text in files.items():
        path = out / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    workbook = out / "report.xlsx"
    write_workbook(facts, workbook)
    if report is not None:
        report(f"{len(written)} pages and one workbook in {out}")
    return [*written, workbook]


def _district(facts: Facts) -> Area | None:
    highest = facts.areas.get(facts.levels()[-1], {})
    return next(iter(highest.values())) if len(highest) == 1 else None
