"""The end of a run as people read it."""

import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipelines.launch import _Progress, told
from pipelines.report import COUNTS, show


def test_what_waits_and_what_is_stale_is_told_whatever_a_delivery_calls_its_columns():
    hostile = "columns beyond the contract, not read: [/bold] [red]列[/]"
    body = {
        "success": True,
        "release": "2026-10-31.1",
        "path": "/r",
        "deliveries": 1,
        "feeds": dict.fromkeys(COUNTS, 0),
        "tags": {},
        "not_accepted": [{"state": "held", "feed": "T01", "date": "2026-10-31", "reasons": [hostile]}],
        "stale": [
            {"feed": "T01", "system": "试验[/]", "in_use_on": "2026-10-30", "waiting": ["2026-10-31/001 held"]},
            {"feed": "T02", "system": "试验", "in_use_on": None, "waiting": []},
        ],
        "failed_checks": ["WARN feeds/t01 [/]"],
        "seconds": {"feeds": 1.0, "other": 0.5},
        "seconds_total": 1.5,
    }
    screen = io.StringIO()
    show(Console(file=screen, width=300), body)
    said = screen.getvalue()
    assert f"held T01 2026-10-31: {hostile}" in said
    assert "stale T01 试验[/]: in use is what was delivered for 2026-10-30; 2026-10-31/001 held" in said
    assert "stale T02 试验: nothing is in use; overdue" in said and "check WARN feeds/t01 [/]" in said
    assert said.split("noun")[1].split()[:7] == ["seconds", "feeds", "1.0", "other", "0.5", "the", "run"]


@pytest.mark.parametrize("has_begun", [True, False])
def test_of_a_run_that_failed_only_what_failed_is_told(has_begun):
    body = {"success": False, "has_begun": has_begun, "failures": ["feeds: [/x]"], "failed_checks": ["ERROR a b"]}
    screen = io.StringIO()
    show(Console(file=screen, width=300), body | {"run_id": "1", "deliveries": 103, "seconds": {"feeds": 1.0}})
    said = screen.getvalue()
    assert "feeds: [/x]" in said and "check ERROR a b" in said and "the release that was current still is" in said
    assert "103" not in said and "seconds" not in said


def failure(message: str, cause: object = None) -> object:
    return SimpleNamespace(message=message, cause=cause, cls_name=message.split(":")[0])


def test_a_failure_is_told_without_class_names_and_without_end():
    refused = "pipelines.run.RunBusyError: another run holds run.lock: process 7\n"
    assert told(failure(refused)) == "another run holds run.lock: process 7"
    dbt = (
        "dagster_dbt.errors.DagsterDbtCliRuntimeError: The dbt CLI process with command\n\n`dbt build`\n\nfailed.\n\n"
        "Errors parsed from dbt logs:\n\n94 of 97 ERROR creating sql table model a [ERROR in 0.07s]\n\n"
        "Failure in model a (models/a.sql)\n\n  Binder Error: no column x\n"
    )
    assert told(failure(dbt)) == "Failure in model a (models/a.sql)\nBinder Error: no column x"
    long = told(failure("pipelines.products.gate.GateError: " + "\n".join(map(str, range(200)))))
    assert long.splitlines() == [*map(str, range(5)), "… and 195 lines more"]
    assert told(None) == "failed without a message"


def test_steps_not_run_for_want_of_others_are_told_once():
    heard: list[str] = []
    words = f"Dependencies for step tags failed: {['models'] * 30} were not executed: ['b', 'a']. Not executing."
    record = logging.LogRecord("x", logging.INFO, "", 0, words, None, None)
    _Progress(heard.append).handle(record)
    assert heard == ["tags not run: it needs a, b, models"]
