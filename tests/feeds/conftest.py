import pytest

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.identifiers import Key
from pipelines.settings import Settings


@pytest.fixture(scope="session")
def contracts() -> dict[str, Contract]:
    return load_contracts(Settings().contracts)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """An empty installation that uses the repository's contracts and reference tables."""
    return Settings(data=tmp_path / "data")


@pytest.fixture
def key() -> Key:
    return Key(bytes(range(32)))
