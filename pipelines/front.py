"""How the command line begins and ends: language, version, and what becomes of an error, a stop or a closed pipe.

Every command of `xfy` runs inside `Front`. What a command does, and the words of a room, are no business of it.
"""

import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from pipelines.helptexts import dress, dress_page, language_of
from pipelines.refusal import Refusal
from pipelines.settings import Settings, check_places
from pipelines.terminal import DEFECT, INTERRUPTED, PIPE_CLOSED, TERMINATED, err, told_by_machine, wrong_use

HERE = Path(__file__).resolve().parent
STOPPED = (
    "stopped. Nothing half done is published and the release that was current still is. "
    "Start the same command again when you like: it takes up what is finished"
)


_ARRIVED: list[int] = []
"""The reading end of a pipe that has the number of every signal that came, once `listen` was called."""


class Terminated(BaseException):
    """SIGTERM arrived."""


def listen() -> None:
    """From now on a process told to end unwinds like one interrupted at the keyboard, and `stop` knows by which."""

    def terminated(_: int, __: FrameType | None) -> NoReturn:
        raise Terminated

    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, terminated)
    _ARRIVED[:] = [reading]


def stop() -> BaseException:
    """What to raise for a command whose library took the signal for itself, as Dagster does."""
    with suppress(BlockingIOError):
        if _ARRIVED and signal.SIGTERM in os.read(_ARRIVED[0], 4096):
            return Terminated()
    return KeyboardInterrupt()


class Front(TyperGroup):
    """The group of all commands."""

    asks_only = False
    """Whether only help or the version is asked for, which a bad setting must not stand in the way of."""

    def main(self, args: Sequence[str] | None = None, *words: Any, **more: Any) -> Any:
        """Parse and run. `--lang` is taken out first, because it may stand anywhere."""
        rest, language = language_of(list(sys.argv[1:] if args is None else args))
        if language not in ("en", "zh"):
            raise SystemExit(wrong_use(f"--lang is en or zh, not {language}").exit_code)
        dress(self, "", language)
        dress_page(language)
        Later.language = language
        self.asks_only = bool({"--help", "--version", "--show-completion", "--install-completion"} & set(rest))
        return super().main(rest, *words, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whatever it raises ends in one paragraph and an exit code."""
        try:
            if not self.asks_only:
                check_places(Settings())
            return super().invoke(ctx)
        except Refusal as error:
            raise wrong_use(str(error)) from None
        except BrokenPipeError:
            # Whoever read has enough. What is still in the buffer must not raise again when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(PIPE_CLOSED) from None
        except OSError as error:
            raise wrong_use(_traced(error, told_by_machine(error))) from None
        except KeyboardInterrupt:
            raise _stopped(INTERRUPTED) from None
        except Terminated:
            raise _stopped(TERMINATED) from None
        except RecursionError:
            raise wrong_use("what was given is nested too deeply to be read: make it flatter") from None
        except Exception as error:
            if _is_flow(error):
                raise
            words = _of_a_database(error)
            if words:
                raise wrong_use(_traced(error, words)) from None
            err.print(_traced(error, _defect(error)), style="red", markup=False, highlight=False)
            raise typer.Exit(DEFECT) from None


class Later(TyperGroup):
    """A group whose commands are loaded when one of them is asked for: its libraries take a second to load."""

    module = ""
    """Where its typer application, `app`, stands."""
    language = "en"
    _loaded: TyperGroup | None = None

    @property
    def real(self) -> TyperGroup:
        """The group itself, dressed."""
        if self._loaded is None:
            found = get_command(import_module(self.module).app)
            if not isinstance(found, TyperGroup):
                raise TypeError(f"{self.name} is no group")
            dress(found, str(self.name), self.language)
            self._loaded = found
        return self._loaded

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command by name."""
        return self.real.get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        return self.real.list_commands(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that words ask for."""
        return self.real.resolve_command(ctx, args)


def _is_flow(error: Exception) -> bool:
    """Whether typer itself deals with it: wrong words, an exit, an abort."""
    return isinstance(error, typer.Exit | typer.Abort) or type(error).__module__.startswith("typer.")


def _of_a_database(error: Exception) -> str:
    """What to say of a DuckDB file that cannot be opened or read; empty for everything else."""
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or not isinstance(error, duckdb.IOException | duckdb.SerializationException):
        return ""
    told = str(error).splitlines()[0]
    if "does not exist" in told:
        return f"{told}\nGive the path of a database, or publish a release first: `xfy run`."
    return (
        f"{told}\nThe database cannot be read. `xfy release verify` says whether the release is whole; if it is not, "
        "`xfy release rollback` points readers at the one before."
    )


def _stopped(code: int) -> typer.Exit:
    # A further Ctrl-C, by an impatient hand, must not cut the sentence off.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    err.print(STOPPED, style="yellow", markup=False, highlight=False)
    return typer.Exit(code)


def _defect(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(HERE)]
    place = f" at {Path(own[-1].filename).relative_to(HERE.parent)} line {own[-1].lineno}" if own else ""
    # A message may quote a value: runs of digits in it could be somebody's number.
    said = re.sub(r"\d{8,}", "…", " ".join(str(error).split()))[:300]
    return (
        f"xfy has a defect: {type(error).__name__}{place}: {said}\n"
        "Nothing half done is published. Run the command again with XFY_TRACEBACK=1 and send what it prints "
        "to those who maintain xfy; docs/runbook.md says what to do until it is mended."
    )


def _traced(error: Exception, words: str) -> str:
    if os.environ.get("XFY_TRACEBACK"):
        return "".join(traceback.format_exception(error)) + words
    return words
