"""The boundary around one delivery: what goes wrong inside is that delivery's, told with its file and what to do.

Here is told which failures are a delivery's and which are the run's own. A full disk, a table of codes that is gone or
a refusal stop the run; a library that fails on a file, in whatever way, does not. Wording is in `messages`.
"""

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.feeds.messages import DeliveryProblem
from pipelines.refusal import Refusal

# What the machine has not enough of, or does not let us do, whichever file is read.
_THE_RUN_S_OWN = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
)


@contextmanager
def confined(folder: Path, file: str = "") -> Iterator[None]:
    """Raise whatever fails in the block as a DeliveryProblem of the delivery in `folder`, about `file` where given.

    Refusals and failures that are the run's own pass through.
    """
    try:
        yield
    except (DeliveryProblem, Refusal):
        raise
    except OSError as error:
        if error.errno in _THE_RUN_S_OWN or not _is_inside(error.filename, folder):
            raise
        raise DeliveryProblem("unreadable", file=file, detail=error.strerror or type(error).__name__) from error
    except BaseException as error:
        # A library written in Rust panics with something that is no Exception; to be ended is no Exception either.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise DeliveryProblem("failed", file=file, detail=type(error).__name__) from error


def told(problem: DeliveryProblem) -> str:
    """What failed and where, for whoever mends the reader. It may hold what a row holds: it belongs in the vault."""
    cause = problem.__cause__ or problem
    text = "".join(traceback.format_exception(cause))
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _is_inside(name: object, folder: Path) -> bool:
    """Whether a failure is about a file of the delivery; one that names no file came from reading."""
    return name is None or (isinstance(name, str | Path) and Path(name).is_relative_to(folder))
