"""Names and texts as SQL writes them (DuckDB, SQLite, PostgreSQL and Spark alike). A leaf; it makes no queries."""


def quoted(name: str) -> str:
    """An identifier that is safe whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: object) -> str:
    """A text, a path or anything else by its text, as a literal in quotes."""
    return "'" + str(value).replace("'", "''") + "'"
