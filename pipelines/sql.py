"""Names and texts as SQL writes them, and how far a query may reach. A leaf; it makes no queries."""

from collections.abc import Iterable
from pathlib import Path

import duckdb


def quoted(name: str) -> str:
    """An identifier that is safe whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: object) -> str:
    """A text, a path or anything else by its text, as a literal in quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def sealed(connection: duckdb.DuckDBPyConnection, folders: Iterable[str | Path] = ()) -> duckdb.DuckDBPyConnection:
    """The connection, from now on without access to any file but its database and those below `folders`.

    SQL that is made from declarations runs on no other: whatever slipped into it can then neither read a key nor write
    a file, and cannot take the seal off again. Spilling to the temporary directory goes on.
    """
    allowed = ", ".join(text_literal(Path(folder).resolve()) for folder in folders)
    connection.execute(f"set allowed_directories = [{allowed}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection
