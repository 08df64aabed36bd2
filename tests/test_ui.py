"""The guard around Dagster's UI: what the UI sends is let in, what another page could send is not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pipelines.ui import Guard

MUTATION = "mutation%7BreloadWorkspace%7B__typename%7D%7D"


async def _nothing(*_: Any) -> None:
    raise AssertionError("let in")


def let_in(path: str, method: str = "GET", query: str = "", kind: str = "http", **headers: str) -> bool:
    """Whether a request comes through; the application behind the guard says so by raising."""
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "method": method, "query_string": query.encode(), "headers": given}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        asyncio.run(Guard(_nothing, ["127.0.0.1", "localhost", "xfy.example"])(scope, _nothing, send))
    except AssertionError:
        return True
    assert sent[0].get("status") == 403 or sent[0]["type"] == "websocket.close"
    return False


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "LOCALHOST:3000", "xfy.example:443"])
def test_it_answers_under_its_own_names(host: str) -> None:
    assert let_in("/assets", host=host) and let_in("/graphql", kind="websocket", host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "evil.example:3000", "127.0.0.1@evil.example", "[::1"]
)
def test_it_answers_under_no_other(host: str) -> None:
    assert not let_in("/assets", host=host) and not let_in("/graphql", kind="websocket", host=host)


def test_a_second_host_is_none() -> None:
    scope = {"type": "http", "path": "/", "method": "GET", "query_string": b"",
             "headers": [(b"host", b"localhost"), (b"host", b"evil.example")]}  # fmt: skip
    assert Guard(_nothing, ["localhost"]).problem(scope) is not None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "file://"])
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    json_post = {"method": "POST", "content_type": "application/json"}
    assert not let_in("/graphql", host="localhost", origin=origin, **json_post)
    assert not let_in("/graphql", kind="websocket", host="localhost", origin=origin)
    assert let_in("/graphql", host="localhost:3000", origin="http://localhost:3000", **json_post)


def test_graphql_is_json_in_a_post_and_nothing_else() -> None:
    page = {"host": "localhost", "accept": "text/html"}
    assert let_in("/graphql", **page)
    assert not let_in("/graphql", query=f"query={MUTATION}", **page)
    assert not let_in("/graphql", query=f"query={MUTATION}", host="localhost")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql", ""):
        assert not let_in("/graphql", "POST", host="localhost", content_type=kind), kind
        assert not let_in("/graphql/", "POST", query=f"query={MUTATION}", host="localhost", content_type=kind), kind
    assert not let_in("/graphql", "POST", query=f"query={MUTATION}", host="localhost", content_type="application/json")
    assert let_in("/graphql", "POST", host="localhost", content_type="application/json; charset=utf-8")


def test_the_real_server_keeps_a_foreign_page_out_and_serves_data_docs(tmp_path: Path) -> None:
    """The one thing that shows that the guard stands before Dagster's own server; read-only, so without its daemon."""
    (tmp_path / "data" / "quality" / "F08").mkdir(parents=True)
    (tmp_path / "data" / "quality" / "F08" / "a.html").write_text("<p>ok</p>")
    port = 20000 + os.getpid() % 20000
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XFY_", "DAGSTER_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(port), "--read-only"],
        env={**environment, "XFY_DATA": str(tmp_path / "data")},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"

    def ask(path: str, body: dict | None = None, **headers: str) -> tuple[int, str]:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(base + path, data, {k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    try:
        for _ in range(600):
            try:
                if ask("/server_info")[0] == 200:
                    break
            except OSError:
                assert process.poll() is None, "it ended"
                time.sleep(0.2)
        assert ask("/data-docs/F08/a.html") == (200, "<p>ok</p>")
        assert ask("/data-docs/../vault/key")[0] in (403, 404)
        assert ask(f"/graphql?query={MUTATION}")[0] == 403
        assert ask("/server_info", Host="evil.example")[0] == 403
        status, text = ask("/graphql", {"query": "{version}"}, Content_Type="application/json")
        assert status == 200 and "version" in text
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
