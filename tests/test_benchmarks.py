"""The benchmarks that need no district run at their smallest, and the page of measurements names what there is.

Those that need one are run on the small district of the end-to-end tests.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
PAGES = [*sorted(REPOSITORY.glob("README*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]


def run(script: str, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *words], capture_output=True, text=True, timeout=timeout, check=False
    )


def test_every_tag_has_the_value_an_engineer_computes_by_hand() -> None:
    """The yardstick is written without the rule language, so this is a second opinion on every tag's meaning too."""
    done = run("tags_vs_polars.py", "--persons", "3000", "--rounds", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    tags = int(re.search(r"^(\d+) tags", done.stdout, re.MULTILINE)[1])
    assert tags >= 278 and "differs: 0" in done.stdout


def test_the_index_engine_and_the_reader_of_addresses_are_measured() -> None:
    for words in (("index_engine.py", "--smallest"), ("addresses.py", "--speed", "2000")):
        done = run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


DIES = """
import os, sys
sys.path.insert(0, {benchmarks!r})
from processes import in_a_process
if __name__ == "__main__":
    in_a_process(os._exit, 9)
"""


def test_a_child_that_dies_ends_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(DIES.format(benchmarks=str(BENCHMARKS)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "died" in done.stderr and "Traceback" not in done.stderr


def test_no_benchmark_measures_in_a_process_of_its_own_making() -> None:
    for path in BENCHMARKS.glob("*.py"):
        text = path.read_text("utf-8")
        assert path.name == "processes.py" or not re.search(
            r"^import multiprocessing|ProcessPoolExecutor", text, re.M
        ), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_script_and_test_a_page_names_is_there_with_its_options(page: Path) -> None:
    text = page.read_text("utf-8")
    for script, words in re.findall(r"python (benchmarks/\w+\.py)([^`\n|]*)", text):
        assert (REPOSITORY / script).is_file(), script
        source = (REPOSITORY / script).read_text("utf-8")
        for option in re.findall(r"(?<!\S)--[a-z-]+", words):
            assert option in source, f"{script} has no {option}"
    for path in re.findall(r"(?<![\w/])tests/[\w/]+(?:\.\w+)?", text):
        assert (REPOSITORY / path).exists(), path
    for target in re.findall(r"`make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE), target
