"""What a run will do and what it did, for people and for machines. Computes nothing about residents."""

from datetime import date
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.disk import bytes_below
from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.deliveries import Delivery, plain_files
from pipelines.feeds.status import as_json, judged, stale_feeds
from pipelines.releases.layout import current, release_names
from pipelines.settings import Settings

if TYPE_CHECKING:
    # Dagster, which takes seconds to load, is not needed where nothing is run.
    from pipelines.launch import Outcome

COUNTS = ("delivered", "accepted", "quarantined", "duplicate")


def plan(settings: Settings, deliveries: list[Delivery], as_of: date) -> dict[str, Any]:
    """What a run for `as_of` would read and publish, and whether it would find anything new."""
    from pipelines.releases.standing import stands

    rows = []
    for delivery in deliveries:
        if delivery.business_on <= as_of:
            lake = settings.lake / delivery.feed / delivery.business_on.isoformat() / delivery.number
            rows.append(
                {
                    "feed": delivery.feed,
                    "date": delivery.business_on.isoformat(),
                    "delivery": delivery.number,
                    "files": len(plain_files(delivery.folder)),
                    "bytes": bytes_below(delivery.folder),
                    "landed": (lake / "receipt.json").exists(),
                }
            )
    release = stands(settings, as_of)
    of_day = [name for name in release_names(settings.releases) if name.startswith(f"{as_of}.")]
    return {
        "as_of": as_of.isoformat(),
        "current": current(settings.releases),
        "newest": of_day[-1] if of_day else None,
        "nothing_new": release is not None,
        "stands": release,
        "deliveries": rows,
    }


def summarise(settings: Settings, outcome: "Outcome") -> dict[str, Any]:
    """Everything a person or a machine wants to know of a run that is over."""
    from pipelines.launch import NOUNS, OTHER

    contracts = load_contracts(settings.contracts)
    judgements = judged(settings, contracts, outcome.as_of)
    statuses = [as_json(s) for s in judgements]
    release = outcome.metadata.get("releases/release", {})
    seconds = {n: round(outcome.seconds[n], 1) for n in (*NOUNS, OTHER) if n in outcome.seconds}
    return {
        "success": outcome.success,
        "has_begun": outcome.has_begun,
        "is_stopped": outcome.is_stopped,
        "run_id": outcome.run_id,
        "as_of": outcome.as_of.isoformat(),
        "release": release.get("release"),
        "path": release.get("path"),
        "seconds": seconds,
        "seconds_total": round(sum(seconds.values()), 1),
        "feeds": {c: sum(int(s[c]) for s in statuses) for c in COUNTS},
        "deliveries": len(statuses),
        "not_accepted": [s for s in statuses if s["state"] != "accepted"],
        "stale": stale_feeds(contracts, judgements, outcome.as_of),
        "tags": outcome.metadata.get("tags/catalogue", {}),
        "failures": outcome.failures,
        "failed_checks": outcome.failed_checks,
    }


def nothing_new(settings: Settings, as_of: date, release: str) -> dict[str, Any]:
    """What a run says that had nothing to do: a release made from the same stands."""
    path = str(settings.releases / release)
    return {"success": True, "as_of": as_of.isoformat(), "release": release, "path": path, "nothing_new": True}


def show(console: Console, body: dict[str, Any]) -> None:
    """Prints the end of a run: where the release is, what came of the input, how long, what to try next.

    Of a run that failed or never began only what failed: the input's counts say nothing of that.
    """
    if not body["success"]:
        _show_failure(console, body)
        return
    counts = body["feeds"]
    console.print(f"\n[bold green]release {body['release']}[/] is published")
    console.print(body["path"], markup=False, highlight=False)
    console.print(
        f"\n{body['deliveries']} deliveries, {counts['delivered']:,} rows delivered = {counts['accepted']:,} accepted "
        f"+ {counts['quarantined']:,} quarantined + {counts['duplicate']:,} duplicate"
    )
    tags = body["tags"]
    if tags:
        console.print(f"{tags['tags']} tags, {tags['true_values']:,} true values, {tags['unknown_values']:,} unknown")
    for status in body["not_accepted"]:
        # Reasons may name files and columns as a delivery spells them: what looks like markup in them is none.
        told = f"{status['feed']} {status['date']}: {'; '.join(status['reasons'])}"
        console.print(Text(status["state"], "yellow"), Text(told))
    for old in body["stale"]:
        used = f"in use is what was delivered for {old['in_use_on']}" if old["in_use_on"] else "nothing is in use"
        told = f"{old['feed']} {old['system']}: {used};"
        console.print(Text("stale", "yellow"), Text(told), Text("; ".join(old["waiting"]) or "overdue"))
        for reason in old.get("reasons", ()):
            console.print(Text(f"  {reason}"))
    _show_checks(console, body)
    table = Table(box=None, pad_edge=False)
    table.add_column("noun")
    table.add_column("seconds", justify="right")
    for noun, seconds in body["seconds"].items():
        table.add_row(noun, f"{seconds:.1f}")
    table.add_row("the run", f"{body['seconds_total']:.1f}")
    console.print(table)
    console.print("\nnext, try")
    for command in (
        ".venv/bin/xfy feeds status",
        ".venv/bin/xfy tags list",
        ".venv/bin/xfy release verify",
    ):
        console.print(f"  {command}", markup=False, highlight=False)


def _show_failure(console: Console, body: dict[str, Any]) -> None:
    """A paragraph: what failed, in its own words, and what stands."""
    stands = "the release that was current still is"
    if not body["has_begun"]:
        console.print(Text(f"the run did not begin; {stands}", "bold red"))
    else:
        console.print(Text(f"\nthe run failed; {stands}", "bold red"))
    for failure in body["failures"]:
        console.print(f"  {failure}", markup=False, highlight=False, style="red")
    _show_checks(console, body)
    if body["has_begun"] and not body["failures"]:
        console.print(f"  nothing was said; look at run {body['run_id']} in the UI (`make dev`)", markup=False)


def _show_checks(console: Console, body: dict[str, Any]) -> None:
    for check in body["failed_checks"]:
        console.print(Text("check", "yellow"), Text(check))
