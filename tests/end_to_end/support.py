"""How end-to-end tests call the command line and read what it published."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

AS_OF = date(2026, 10, 31)
SCALE = 0.002


def xfy(
    root: Path, *words: str, check: bool = True, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line as a user calls it, on a data root of the test's own; `more` are settings by their names."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XFY_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *words],
        env={**environment, "XFY_DATA": str(root), **(more or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if check:
        assert done.returncode == 0, f"xfy {' '.join(words)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def hashes(root: Path) -> dict[str, str]:
    """Content hash of every published table of the current release."""
    manifest = json.loads((root / "releases" / "current" / "manifest.json").read_text())
    return {f"{t['schema']}.{t['name']}": t["content_hash"] for t in manifest["tables"]}
