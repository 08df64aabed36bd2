"""How every command speaks: tables, JSON, messages and exit codes. Knows no room and computes nothing."""

import errno
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.refusal import Refusal


class Screen(Console):
    """A console that leaves a closed pipe to whoever deals with errors; rich's own ends the process with 1."""

    def on_broken_pipe(self) -> None:
        """Called while the error is dealt with."""
        raise BrokenPipeError(errno.EPIPE, "the reader has gone")


# A table cut at eighty columns is no use in a file.
out = Screen(soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Screen(stderr=True, soft_wrap=True)
AsJson = Annotated[bool, typer.Option("--json", help="for machines")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")]
FAILED, WRONG_USE = 1, 2
# As shells count: 128 and the signal's number. 70 is sysexits' word for a defect of the program.
DEFECT, INTERRUPTED, PIPE_CLOSED, TERMINATED = 70, 130, 141, 143
_MACHINE_REFUSES = {
    errno.EACCES: "this command must run as the user whom the data root belongs to",
    errno.EPERM: "this command must run as the user whom the data root belongs to",
    errno.EROFS: "what it stands on can only be read",
    errno.ENOSPC: "the disk is full, free some space and try again",
}
_MACHINE_CANNOT = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file where a folder must stand",
    errno.EISDIR: "it is a folder; give a file",
    errno.EEXIST: "it is in the way; give another name, or move it",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EIO: "the disk or the network share fails; look at the system's log",
    errno.EMFILE: "this process may open no more files; raise `ulimit -n`",
}


@contextmanager
def speaking() -> Iterator[None]:
    """Turns what a package or the machine refuses into a message and an exit code; a defect passes."""
    try:
        yield
    except Refusal as error:
        raise wrong_use(str(error)) from None
    except OSError as error:
        if error.errno not in _MACHINE_REFUSES:
            raise
        raise wrong_use(told_by_machine(error)) from None


def told_by_machine(error: OSError) -> str:
    """What the operating system refuses, and what to do about it, as one sentence."""
    todo = {**_MACHINE_CANNOT, **_MACHINE_REFUSES}.get(error.errno or 0, "mend that and start again")
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}; {todo}"


def wrong_use(message: str) -> typer.Exit:
    """Print what is wrong; the caller raises what is returned."""
    err.print(message, style="red", markup=False)
    return typer.Exit(WRONG_USE)


def failed() -> typer.Exit:
    """For commands that were well used and found something wrong; the caller raises it."""
    return typer.Exit(FAILED)


def as_date(text: str) -> date:
    """A date as people type it. Raises typer.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it as 2026-10-31") from None


def say(message: str) -> None:
    """Progress, with the time, on the error stream."""
    err.print(f"{datetime.now():%H:%M:%S} {message}", highlight=False, markup=False)


def tell(message: str) -> None:
    """A line of the answer."""
    out.print(message, markup=False, highlight=False)


def give(body: Any, as_json: bool, columns: Iterable[str]) -> None:
    """Rows as JSON, or as a table of the named columns."""
    print_json(body) if as_json else print_table(body, list(columns))


def print_json(body: object) -> None:
    """For machines: dates and paths as text, Chinese as it is."""
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=1, default=str) + "\n")


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table without lines."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Cells are data: what looks like markup in them is none.
        table.add_row(*(Text(_cell(row.get(c))) for c in columns))
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(map(_cell, value))
    if isinstance(value, dict):
        return " ".join(str(v) for v in value.values() if not isinstance(v, bool))
    return "" if value is None else str(value)
