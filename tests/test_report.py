"""The end of a run as people read it."""

import io

from rich.console import Console

from pipelines.report import COUNTS, show


def test_what_waits_and_what_is_stale_is_told_whatever_a_delivery_calls_its_columns():
    hostile = "columns beyond the contract, not read: [/bold] [red]列[/]"
    body = {
        "success": False,
        "failures": ["feeds: [/x]"],
        "deliveries": 1,
        "feeds": dict.fromkeys(COUNTS, 0),
        "tags": {},
        "not_accepted": [{"state": "held", "feed": "T01", "date": "2026-10-31", "reasons": [hostile]}],
        "stale": [
            {"feed": "T01", "system": "试验[/]", "in_use_on": "2026-10-30", "waiting": ["2026-10-31/001 held"]},
            {"feed": "T02", "system": "试验", "in_use_on": None, "waiting": []},
        ],
        "failed_checks": ["WARN feeds/t01 [/]"],
        "seconds": {"feeds": 1.0},
    }
    screen = io.StringIO()
    show(Console(file=screen, width=300), body)
    said = screen.getvalue()
    assert f"held T01 2026-10-31: {hostile}" in said
    assert "stale T01 试验[/]: in use is what was delivered for 2026-10-30; 2026-10-31/001 held" in said
    assert "stale T02 试验: nothing is in use; overdue" in said and "check WARN feeds/t01 [/]" in said
