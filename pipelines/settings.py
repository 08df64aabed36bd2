"""Where things are and how much of the machine they may use.

One object, read once from the environment (`XFY_*`). Nothing here opens or makes a file: that is the business of the
package that owns the file. Only whether the folders it names can be what they must be is asked, by `check_places`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.refusal import Refusal

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "XFY_"
# Set for dbt by its caller, and by a person who wants to see where a defect is.
OTHER_VARIABLES = ("XFY_WAREHOUSE", "XFY_TEMP", "XFY_TRACEBACK")
_SIZE = re.compile(r"\d+(\.\d+)? ?([KMGT]i?B|B|%)", re.IGNORECASE)
_FOLDERS = ("contracts", "reference", "declarations", "tag_rules", "dbt_project")


class BadSetting(Refusal):
    """One or more settings are wrong; the message has a line for each, with what to write instead."""


class Settings(BaseSettings):
    """Paths, date, limits and keys of one installation.

    `data` is the data root (`XFY_DATA`); every run-time file lies below it. `as_of` is the date a run speaks about;
    it is given on the command line or by the Dagster partition, never taken from the clock.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

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
    begins_on: date | None = Field(
        default=None, description="first date a run can speak about (XFY_BEGINS_ON), default: the earliest delivered"
    )
    as_of: date | None = None
    memory_limit: str = Field(default="5GB", description="DuckDB's memory_limit")
    threads: int = Field(default=2, ge=1)
    alert_command: str = Field(default="", description="a program that gets every alert as JSON (XFY_ALERT_COMMAND)")
    alert_webhook: str = Field(default="", description="an address that every alert is posted to (XFY_ALERT_WEBHOOK)")
    alert_mail_to: str = Field(default="", description="who gets every alert by mail (XFY_ALERT_MAIL_TO)")
    alert_mail_from: str = Field(default="xingfuyun@localhost", description="the sender of these (XFY_ALERT_MAIL_FROM)")
    alert_smtp: str = Field(default="", description="host:port of the mail server (XFY_ALERT_SMTP)")
    alert_smtp_user: str = Field(default="", description="user there; then TLS is used (XFY_ALERT_SMTP_USER)")
    alert_smtp_password_file: Path | None = Field(
        default=None, description="file with that user's password (XFY_ALERT_SMTP_PASSWORD_FILE)"
    )
    ui_hosts: str = Field(
        default="", description="names the UI answers under besides this machine's, with blanks between (XFY_UI_HOSTS)"
    )
    data_docs_url: str = Field(
        default="", description="where quality/ is served, for links in the UI (XFY_DATA_DOCS_URL); `make dev` sets it"
    )
    keep_releases: int = Field(default=5, ge=1, description="of how many dates retention keeps the newest release")
    keep_months: int = Field(default=13, ge=0, description="of how many months retention keeps the last date's release")

    def __init__(self, **given: Any) -> None:
        """Raises BadSetting, with a line for every setting that is wrong."""
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise BadSetting("\n".join(_sentence(fault) for fault in error.errors())) from None

    @field_validator("data", "key_file", "signing_key_file", "password_dir", "connection_dir", *_FOLDERS, mode="before")
    @classmethod
    def _is_a_path(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("is empty; give an absolute path, or unset it")
        if isinstance(value, str | Path) and not Path(value).expanduser().is_absolute():
            raise ValueError("is relative; give an absolute path, because other processes stand in other folders")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        if not _SIZE.fullmatch(value.strip()):
            raise ValueError("is no amount of memory; write it as 5GB")
        return value

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
    def first_day(self) -> date:
        """The first date a run can speak about: the one declared, else that of the earliest delivery's folder."""
        delivered = {path.name for path in self.landing.glob("[A-Z]*/20[0-9][0-9]-[01][0-9]-[0-3][0-9]")}
        days = []
        for name in delivered:
            with suppress(ValueError):
                days.append(date.fromisoformat(name))
        return self.begins_on or min(days, default=date(2026, 1, 1))

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


def check_places(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Raises BadSetting for a data root that is none, folders that are not there and settings that nobody reads."""
    problems = [*_of_root(settings), *_of_folders(settings), *_unknown(environment)]
    if problems:
        raise BadSetting("\n".join(problems))


def _of_root(settings: Settings) -> Iterator[str]:
    root, mend = settings.root, "set XFY_DATA to a folder of yours, or to one that can be made"
    if root.is_dir():
        if not os.access(root, os.R_OK | os.X_OK):
            yield f"XFY_DATA is {root}, which you may not read: run as the user whom it belongs to, or {mend}"
    elif root.exists():
        yield f"XFY_DATA is {root}, which is a file: {mend}"
    elif not root.parent.is_dir():
        yield f"XFY_DATA is {root}, and {root.parent} does not exist: make that folder first, or mend XFY_DATA"
    elif not os.access(root.parent, os.W_OK | os.X_OK):
        yield f"XFY_DATA is {root}, which does not exist and which you may not make in {root.parent}: {mend}"


def _of_folders(settings: Settings) -> Iterator[str]:
    for name in _FOLDERS:
        path = getattr(settings, name)
        if not path.is_dir():
            yield f"{PREFIX}{name.upper()} is {path}, which is no folder: give a folder, or unset it"
    for name in ("key_file", "signing_key_file"):
        path = getattr(settings, name)
        if path and not path.parent.is_dir():
            yield f"{PREFIX}{name.upper()} is {path}, and {path.parent} does not exist: make that folder first"
    for name in ("password_dir", "connection_dir"):
        path = getattr(settings, name)
        if path and not path.is_dir():
            yield f"{PREFIX}{name.upper()} is {path}, which is no folder: make it, or unset it"


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """A setting misspelt is a setting without effect. What resembles none of ours belongs to somebody else."""
    known = {*OTHER_VARIABLES, *(PREFIX + name.upper() for name in Settings.model_fields)}
    for name in sorted(n for n in environment if n.startswith(PREFIX) and n not in known):
        near = get_close_matches(name, sorted(known), n=1, cutoff=0.8)
        if near:
            yield f"{name} is no setting; did you mean {near[0]}?"


def _sentence(fault: Mapping[str, Any]) -> str:
    name, value = PREFIX + str(fault["loc"][0]).upper(), fault.get("input")
    said = str(fault["msg"]).removeprefix("Value error, ")
    if not said.startswith("is "):
        said = f"cannot be used: {said[0].lower()}{said[1:]}"
    return f"{name} is set to {str(value)!r}, which {said}"
