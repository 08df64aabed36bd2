"""Where things are and how much of the machine they may use.

One object, read once from the environment (`XFY_*`). Nothing here opens, makes or checks a file: that is the business
of the package that owns the file.
"""

from datetime import date
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Paths, date, limits and keys of one installation.

    `data` is the data root (`XFY_DATA`); every run-time file lies below it. `as_of` is the date a run speaks about;
    it is given on the command line or by the Dagster partition, never taken from the clock.
    """

    model_config = SettingsConfigDict(env_prefix="XFY_", extra="ignore")

    data: Path = Field(default=REPOSITORY / "data", description="data root (XFY_DATA)")
    key_file: Path | None = Field(default=None, description="pseudonym key (XFY_KEY_FILE), default <data>/vault/key")
    signing_key_file: Path | None = Field(
        default=None, description="key that signs releases (XFY_SIGNING_KEY_FILE), default <data>/vault/key.signing"
    )
    password_dir: Path | None = Field(
        default=None, description="archives' passwords (XFY_PASSWORD_DIR), default <data>/vault/passwords"
    )
    connection_dir: Path | None = Field(
        default=None, description="how to reach databases (XFY_CONNECTION_DIR), default <data>/vault/connections"
    )
    contracts: Path = REPOSITORY / "data" / "contracts"
    reference: Path = REPOSITORY / "data" / "reference"
    declarations: Path = REPOSITORY / "data"
    tag_rules: Path = REPOSITORY / "tag_rules"
    dbt_project: Path = REPOSITORY / "dbt_project"
    as_of: date | None = None
    memory_limit: str = Field(default="5GB", description="DuckDB's memory_limit")
    threads: int = Field(default=2, ge=1)
    keep_releases: int = Field(default=5, ge=1, description="how many releases retention keeps")

    @property
    def key_path(self) -> Path:
        """The pseudonym key's file."""
        return self.key_file or self.vault / "key"

    @property
    def restricted_key_path(self) -> Path:
        """The key of pseudonyms in `restricted/`, apart from the other."""
        return self.vault / "key.restricted"

    @property
    def signing_key_path(self) -> Path:
        """The key that signs releases; elsewhere than in the vault, whoever rewrites the vault cannot sign."""
        return self.signing_key_file or self.vault / "key.signing"

    @property
    def keys(self) -> dict[str, Path]:
        """The file of each key by its name."""
        return {
            "pseudonym": self.key_path,
            "restricted": self.restricted_key_path,
            "signing": self.signing_key_path,
        }

    @property
    def passwords(self) -> Path:
        """Folder of passwords for archives that come locked: one file a feed, named like it."""
        return self.password_dir or self.vault / "passwords"

    @property
    def connections(self) -> Path:
        """Folder of connection files for feeds pulled from a database: one a feed, named like it, without password."""
        return self.connection_dir or self.vault / "connections"

    @cached_property
    def root(self) -> Path:
        """The data root as an absolute path."""
        return self.data.expanduser().resolve()

    @property
    def landing(self) -> Path:
        """Deliveries as they came: `landing/<feed>/<date>/<number>/…`, and `landing/decisions/`."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """Accepted rows as Parquet with receipts."""
        return self.root / "lake"

    @property
    def vault(self) -> Path:
        """The only place for raw identity numbers: key, quarantine, simulator truth (mode 0700)."""
        return self.root / "vault"

    @property
    def identity(self) -> Path:
        """Who is who, a folder a business date (mode 0700): names and mobile numbers too."""
        return self.root / "identity"

    @property
    def warehouse(self) -> Path:
        """One DuckDB file a run."""
        return self.root / "warehouse"

    @property
    def releases(self) -> Path:
        """Published releases and the pointer `current`."""
        return self.root / "releases"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME: run history and event store."""
        return self.root / "dagster"

    @property
    def quality_docs(self) -> Path:
        """Great Expectations' Data Docs, kept per delivery."""
        return self.root / "quality"

    @property
    def run_lock(self) -> Path:
        """The file whose lock makes a run exclusive."""
        return self.root / "run.lock"
