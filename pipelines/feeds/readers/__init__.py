"""Readers, one a format. Each turns a delivery's files into rows of text, exactly placed, or raises DeliveryProblem.

A reader knows formats, not feeds: what it needs to know of a feed stands in the contract. It reads every value as text
and judges none of them; that is the business of `check`.
"""

from collections.abc import Callable
from pathlib import Path

from pipelines.feeds.contracts import Contract
from pipelines.feeds.messages import DeliveryProblem
from pipelines.feeds.readers.columnar import read_parquet
from pipelines.feeds.readers.database import read_sqlite
from pipelines.feeds.readers.delimited import read_delimited
from pipelines.feeds.readers.features import read_geojson
from pipelines.feeds.readers.fixed_width import read_fixed_width
from pipelines.feeds.readers.nested import read_json_array, read_json_lines
from pipelines.feeds.readers.parts import read_parts
from pipelines.feeds.readers.raw import Raw, find_files
from pipelines.feeds.readers.workbook import read_workbook

_READERS: dict[str, Callable[[Contract, Path], Raw]] = {
    "delimited": read_delimited,
    "fixed_width": read_fixed_width,
    "workbook": read_workbook,
    "parquet": read_parquet,
    "sqlite": read_sqlite,
    "geojson": read_geojson,
    "json_lines": read_json_lines,
    "json": read_json_array,
}


def read(contract: Contract, folder: Path, passwords: Path | None = None) -> Raw:
    """Read the delivery in `folder` as the contract says; `passwords` is where locked archives find theirs.

    Raises DeliveryProblem.
    """
    if contract.delivery.parts:
        return read_parts(contract, folder, read)
    if contract.delivery.is_password_protected:
        return read_workbook(contract, folder, _password(contract, passwords))
    return _READERS[contract.delivery.format](contract, folder)


def _password(contract: Contract, passwords: Path | None) -> str:
    path = passwords / contract.feed if passwords else None
    if path is None or not path.is_file():
        raise DeliveryProblem("no_password", detail=contract.feed)
    return path.read_text("utf-8").strip()


__all__ = ["Raw", "find_files", "read"]
