"""The log of looks at single subjects: append-only, each entry chained to the one before by its hash, in the vault.

What a look is, and that none is given that cannot be logged, stands here; the chain is `pipelines.chain`.
"""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import chain
from pipelines.refusal import Refusal
from pipelines.settings import Settings

LOG, HEAD = "looks.jsonl", "looks.head"


class LookProblem(Refusal):
    """A look that cannot be logged, and so is not given; or a log that was tampered with."""


@dataclass(frozen=True)
class Look:
    """One look: who, in which role, for what, at whom, and which columns were shown open."""

    who: str
    role: str | None
    purpose: str | None
    subject: str
    subject_id: str
    as_of: str | None
    outcome: str
    columns: list[str] = field(default_factory=list)
    """Names of columns shown as they are; what was masked or hidden is not in it."""


def record(settings: Settings, look: Look) -> str:
    """Append a look and return its hash; it is on the disk when this returns. Raises LookProblem."""
    path = _path(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return chain.append(path, {"at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(look)})
    except OSError as error:
        raise LookProblem(
            f"the look cannot be logged in {path.parent.name}/ ({error.strerror}), so nothing is shown"
        ) from None
    except chain.ChainBroken:
        raise LookProblem(
            "the log of looks and its head do not fit, so nothing is shown. `xfy subject looks` says what is left; "
            "keep vault/looks as it is, and move it aside to begin a new one"
        ) from None


def entries(settings: Settings) -> list[dict[str, Any]]:
    """All looks, oldest first, as far as they can be read."""
    return chain.entries(_path(settings))


def verify(settings: Settings) -> tuple[int, str | None]:
    """How many looks are logged, and what is wrong with the log: None where every entry fits the one before."""
    return chain.verify(_path(settings))


def _path(settings: Settings) -> Path:
    return settings.vault / "looks" / LOG
