"""Alerts reach a command, a webhook and a mail server; a way that fails is told and stops no other."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from pipelines.alert_sensors import alert_sensors
from pipelines.alerts import Alert, AlertProblem, send, ways
from pipelines.settings import Settings

ALERT = Alert("run_failed", "2026-10-31", "run1", "幸福云 2026-10-31: 运行失败", ("feeds: 磁盘已满", "second"))


class Mail(socketserver.StreamRequestHandler):
    """As much of a mail server as takes one message."""

    taken: list[str] = []

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            if line.upper() == "DATA":
                self.wfile.write(b"354 go on\r\n")
                body = []
                while (part := self.rfile.readline()) != b".\r\n":
                    body.append(part.decode("utf-8", "replace"))
                self.taken.append("".join(body))
            if line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted; answers 500 below /broken."""

    taken: list[dict] = []

    def do_POST(self) -> None:
        self.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def receivers() -> Iterator[tuple[int, int]]:
    """Ports of a web and a mail server on this machine."""
    Mail.taken.clear()
    Hook.taken.clear()
    with HTTPServer(("127.0.0.1", 0), Hook) as web, socketserver.TCPServer(("127.0.0.1", 0), Mail) as mail:
        for server in (web, mail):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield web.server_address[1], mail.server_address[1]
        web.shutdown()
        mail.shutdown()


def program(folder: Path, text: str) -> str:
    path = folder / "alert.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_every_way_that_is_set_takes_the_message(tmp_path: Path, receivers: tuple[int, int]) -> None:
    web, mail = receivers
    settings = Settings(
        data=tmp_path,
        alert_command=program(tmp_path, f"cat > {tmp_path}/out.json"),
        alert_webhook=f"http://127.0.0.1:{web}/hook",
        alert_mail_to="night@example.org",
        alert_smtp=f"127.0.0.1:{mail}",
    )
    assert dict(send(settings, ALERT)) == {"command": "", "webhook": "", "mail": ""}
    assert json.loads((tmp_path / "out.json").read_text())["reasons"] == list(ALERT.reasons)
    assert Hook.taken[0]["text"].splitlines() == [ALERT.title, "- feeds: 磁盘已满", "- second"]
    assert len(Mail.taken) == 1 and "To: night@example.org" in Mail.taken[0]


def test_a_way_that_fails_is_told_and_stops_no_other(tmp_path: Path, receivers: tuple[int, int]) -> None:
    settings = Settings(
        data=tmp_path,
        alert_command=program(tmp_path, "echo no room >&2; exit 3"),
        alert_webhook=f"http://127.0.0.1:{receivers[0]}/broken",
        alert_mail_to="night@example.org",
        alert_smtp="127.0.0.1:1",
    )
    told = dict(send(settings, ALERT))
    assert "ended with 3: no room" in told["command"] and "500" in told["webhook"] and told["mail"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"alert_webhook": "file:///etc/passwd"}, "https://host/path"),
        ({"alert_webhook": "nonsense"}, "https://host/path"),
        ({"alert_mail_to": "a@b"}, "XFY_ALERT_SMTP"),
    ],
)
def test_a_way_that_cannot_be_used_is_refused_by_its_setting(setting: dict[str, str], told: str) -> None:
    with pytest.raises(AlertProblem, match=told):
        ways(Settings(**setting))


def test_no_shell_reads_the_message(tmp_path: Path) -> None:
    hostile = Alert("run_failed", "", "", "x; touch /tmp/never $(touch y)", ("`id`",))
    settings = Settings(data=tmp_path, alert_command=program(tmp_path, f"cat > {tmp_path}/out.json"))
    assert dict(send(settings, hostile)) == {"command": ""}
    assert json.loads((tmp_path / "out.json").read_text())["title"] == hostile.title


@dg.op
def fails() -> None:
    raise ValueError("the disk is full")


@dg.asset(check_specs=[dg.AssetCheckSpec("delivery", asset="f08")])
def f08() -> dg.MaterializeResult:
    found = dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"reasons": ["held: no rows at all"]}
    )
    return dg.MaterializeResult(check_results=[found])


def test_a_failed_run_and_an_unmet_check_wake_somebody(tmp_path: Path, receivers: tuple[int, int]) -> None:
    settings = Settings(data=tmp_path, alert_webhook=f"http://127.0.0.1:{receivers[0]}/hook")
    failed, unmet = alert_sensors(settings)
    assert {s.default_status for s in (failed, unmet)} == {dg.DefaultSensorStatus.RUNNING}

    @dg.job(executor_def=dg.in_process_executor)
    def whole_line() -> None:
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        result = whole_line.execute_in_process(instance=instance, raise_on_error=False)
        ended = next(e for e in result.all_events if e.event_type == dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context("failed_runs", ended, instance, result.dagster_run)
        failed(context.for_run_failure())
        done = dg.materialize([f08], instance=instance)
        event = next(e for e in done.all_events if e.event_type == dg.DagsterEventType.RUN_SUCCESS)
        unmet(dg.build_run_status_sensor_context("unmet_checks", event, instance, done.dagster_run))
    first, second = Hook.taken
    assert first["kind"] == "run_failed" and first["reasons"] == ["fails: ValueError: the disk is full"]
    assert second["kind"] == "checks_unmet" and "f08 delivery: held: no rows at all" in second["reasons"][0]
