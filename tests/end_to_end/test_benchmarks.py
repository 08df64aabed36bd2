"""The benchmarks that need a district, on the smallest there is: each runs, and what it compares agrees.

`whole_line.py` runs the line once more and `quality.py` reads every delivery eight times over: they are `heavy`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ON_A_RUN = ("truth.py", "survivorship.py", "linkage.py", "addresses.py", "drift.py")


def run(script: str, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XFY_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("script", ON_A_RUN)
def test_what_is_known_of_the_district_agrees_with_what_was_published(district: Path, script: str) -> None:
    assert run(script, str(district)).strip()


def test_landing_and_identity_are_measured(deliveries: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(deliveries, root)
    assert "both sides wrote the same rows" in run(
        "feeds_vs_polars.py", str(root), "--rounds", "1", "--feeds", "F01,F18"
    )
    run("feeds.py", str(root), "--as-of", "2026-10-30")
    run("identity.py", str(root), "--again")


@pytest.mark.heavy
def test_the_whole_line_and_the_quality_of_feeds_are_measured(district: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(district, root)
    run("quality.py", str(root), "--write", str(tmp_path / "quality.md"))
    told = run("whole_line.py", str(root))
    assert "whole run" in told and "releases" in told
