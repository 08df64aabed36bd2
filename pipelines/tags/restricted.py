"""Restricted tags as they leave the house: true values only, under ids of a key of their own, apart from everything.

Whoever holds them cannot join them to the analysts' database without that key.
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.identifiers import Key, pseudonyms
from pipelines.tags.evaluate import RESTRICTED
from pipelines.tags.registry import id_column


def write(files: Mapping[str, Path], key: Key, folder: Path) -> dict[str, Path]:
    """Writes `<subject>_tags.parquet` (id, code, value; only what is true) with re-keyed ids; returns them by subject.

    `files` are what `evaluate` returned. Folder mode 0700, files 0600. Rows are in order of id and code.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    written = {}
    for name, path in files.items():
        if not name.startswith(RESTRICTED):
            continue
        subject = name.removeprefix(RESTRICTED)
        column = id_column(subject)
        wide = pl.read_parquet(path)
        held = wide.unpivot(index=column, variable_name="code", value_name="value").filter(pl.col("value"))
        held = held.with_columns(pseudonyms(key, f"restricted.{subject}", held[column]).alias(column))
        target = folder / f"{subject}_tags.parquet"
        held.sort(column, "code").write_parquet(target)
        target.chmod(0o600)
        written[subject] = target
    return written
