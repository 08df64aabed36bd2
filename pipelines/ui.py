"""Dagster's UI for the engineer's own machine: its web server behind a guard, its daemon beside it, Data Docs under it.

The web server as it comes answers whatever Host it is asked by and runs mutations that stand in an address, so that any
page the engineer opens could start runs. The guard lets in only what the UI itself sends. It is no login: whoever can
reach the port sees everything. Behind a login it belongs on a server (docs/security.md says how).
"""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelines.settings import REPOSITORY, Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

DATA_DOCS = "/data-docs"
LOCAL = ("127.0.0.1", "localhost", "[::1]")
# Pages of Data Docs hold counts and words of contracts; should a script ever get into one, it does not run.
_INERT = b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


class Guard:
    """An ASGI application around another: refuses foreign hosts, foreign pages, and GraphQL but by JSON in a POST."""

    def __init__(self, app: App, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or one opening of a web socket."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        problem = self.problem(scope)
        if problem is None:
            await self.app(scope, receive, _with_headers(send, scope["path"]))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            body = problem.encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def problem(self, scope: Scope) -> str | None:
        """Why a request is not let in, or None."""
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value.decode("latin-1"))
        host = headers.get(b"host", [""])
        if len(host) != 1 or _name(host[0]) not in self.hosts:
            return "This UI answers under its own address only; set XFY_UI_HOSTS if it has another name."
        for origin in headers.get(b"origin", []):
            if _name(urlsplit(origin).netloc) not in self.hosts:
                return "A page of another origin may not use this UI."
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/graphql"):
            kind = ";".join(headers.get(b"content-type", [""])).split(";")[0].strip().lower()
            is_page = scope["method"] == "GET" and not scope["query_string"]
            if not is_page and (scope["method"] != "POST" or kind != "application/json"):
                return "GraphQL is taken as JSON in a POST only."
            if scope["method"] == "POST" and scope["query_string"]:
                return "GraphQL is taken as JSON in a POST only."
        return None


def _name(netloc: str) -> str:
    """Host without port, in lower case."""
    if netloc.startswith("["):
        return netloc.partition("]")[0].lower() + "]"
    return netloc.partition(":")[0].lower()


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            more = [(b"x-frame-options", b"DENY"), (b"x-content-type-options", b"nosniff")]
            if path.startswith(f"{DATA_DOCS}/"):
                more.append((b"content-security-policy", _INERT))
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending


def serve(settings: Settings, host: str, port: int, read_only: bool) -> None:
    """Serves the UI until interrupted; with the daemon, unless `read_only`. DAGSTER_HOME must be prepared."""
    import dagster as dg
    import uvicorn
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from starlette.staticfiles import StaticFiles

    os.environ["XFY_DATA_DOCS_URL"] = f"http://{host}:{port}{DATA_DOCS}"
    os.chdir(REPOSITORY)
    settings.quality_docs.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = WorkspaceFileTarget(paths=[str(REPOSITORY / "workspace.yaml")])
    with (
        dg.DagsterInstance.get() as instance,
        _daemon(not read_only),
        WorkspaceProcessContext(instance, version="", read_only=read_only, workspace_load_target=target) as context,
    ):
        app = create_app_from_workspace_process_context(context)
        app.router.routes.insert(0, _mount(settings.quality_docs, StaticFiles))
        hosts = (*LOCAL, host, *settings.ui_hosts.split())
        uvicorn.run(Guard(app, hosts), host=host, port=port, log_level="warning")


def _mount(folder: Path, static_files: Any) -> Any:
    from starlette.routing import Mount

    return Mount(DATA_DOCS, static_files(directory=folder, html=True), name="data-docs")


@contextmanager
def _daemon(wanted: bool) -> Iterator[None]:
    """Dagster's daemon as a child that ends with this process: sensors, schedules and the queue of runs."""
    if not wanted:
        yield
        return
    words = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(REPOSITORY / "workspace.yaml")]
    child = subprocess.Popen(words, cwd=REPOSITORY)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
