"""One small district, run once for the whole session through Dagster; tests read what it published."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.simulate import simulate
from tests.end_to_end.support import AS_OF, SCALE, xfy


@pytest.fixture(scope="session")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with two days of deliveries, the truth and the key, and nothing run yet."""
    root = tmp_path_factory.mktemp("district") / "data"
    simulate(scale=SCALE, seed=7, as_of=AS_OF, days=2, out=root)
    (root / "vault").chmod(0o700)
    (root / "vault" / "key").write_bytes(bytes(range(32)))
    (root / "vault" / "key").chmod(0o600)
    return root


@pytest.fixture(scope="session")
def district(deliveries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same root after one run of the whole line."""
    root = tmp_path_factory.mktemp("run") / "data"
    shutil.copytree(deliveries, root)
    done = xfy(root, "run", "--json")
    (root / "run.json").write_text(done.stdout)
    (root / "run.log").write_text(done.stderr)
    return root


@pytest.fixture
def settings(district: Path) -> Iterator[Settings]:
    yield Settings(data=district)


@pytest.fixture
def call(district: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda *words, check=True: xfy(district, *words, check=check)
