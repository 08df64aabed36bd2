"""PostgreSQL as departments run it: connecting read-only, looking at a relation, and its rows as texts.

What belongs here: the conversation with the server. What does not: what becomes of the rows (`pull`). Everything the
server says is turned into a message that names no value of a row.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pipelines.feeds.transport import Pull
from pipelines.refusal import Refusal
from pipelines.settings import Settings
from pipelines.sql import quoted

_ZONE = "Asia/Shanghai"
# One spelling of every value, whatever the server or the role is set to.
_SESSION = {
    "timezone": _ZONE,
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "10min",
}
_CONNECT: dict[str, Any] = {
    "connect_timeout": 10,
    "client_encoding": "utf8",
    "application_name": "xfy feeds pull",
    "tcp_user_timeout": 60_000,
}
# Classes of errors whose message speaks of the server, the connection or a name, never of a row's values.
_ABOUT_NO_ROW = ("08", "25", "28", "3D", "3F", "42", "53", "55", "57", "58")


class SourceProblem(Refusal):
    """A database cannot be read; the message says which feed's, why, and what to do."""


@contextmanager
def connected(settings: Settings, feed: str) -> Iterator[psycopg.Connection]:
    """A read-only transaction on the feed's database: one snapshot for everything that is read in it.

    How to reach the database stands in `<connection folder>/<feed>` in libpq's words (`host=… dbname=… user=…`, or
    `service=…`), the password in `<password folder>/<feed>`; without one the server must know the user otherwise (a
    socket, a certificate). Raises SourceProblem, also for what goes wrong inside the block.
    """
    words = _conninfo(settings, feed)
    try:
        with psycopg.connect(**words) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            for name, value in _SESSION.items():
                connection.execute("select pg_catalog.set_config(%s, %s, false)", [name, value])
            yield connection
    except psycopg.Error as error:
        raise SourceProblem(f"{feed}: {_told(error)}; nothing was delivered") from None


def columns(connection: psycopg.Connection, pull: Pull) -> dict[str, str]:
    """Column names of a table or view and their types (domains by their base); empty where there is none."""
    rows = connection.execute(
        "select a.attname, pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), null) "
        "from pg_catalog.pg_attribute a "
        "join pg_catalog.pg_class c on c.oid = a.attrelid "
        "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
        "join pg_catalog.pg_type t on t.oid = a.atttypid "
        "where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped order by a.attnum",
        [pull.namespace, pull.relation],
    ).fetchall()
    return dict(rows)


def texts(
    connection: psycopg.Connection, pull: Pull, wanted: Sequence[str], types: dict[str, str]
) -> Iterator[tuple[str | None, ...]]:
    """Rows of a relation, the `wanted` columns as text, in an order that depends on nothing but the values.

    Moments come to the second, in Shanghai's clock time without a zone; bytes as hexadecimal digits. Raises
    psycopg.Error, and SourceProblem where the server sent another number of rows than it says.
    """
    selected = ", ".join(f"{_text(name, types[name])} as c{i}" for i, name in enumerate(wanted))
    order = ", ".join(f'c{i} collate "C"' for i in range(len(wanted)))
    relation = f"{quoted(pull.namespace)}.{quoted(pull.relation)}"
    # Ordered outside: a name of the output cannot stand in an expression of the same query's order.
    query = f"copy (select * from (select {selected} from {relation}) r order by {order}) to stdout"
    got = 0
    with connection.cursor() as cursor:
        with cursor.copy(query.encode()) as copy:
            for row in copy.rows():
                got += 1
                yield row
        if cursor.rowcount != got:
            raise SourceProblem(f"the server speaks of {cursor.rowcount} rows and sent {got}; nothing was delivered")


def count(connection: psycopg.Connection, pull: Pull) -> int:
    """Rows of a relation."""
    query = f"select count(*) from {quoted(pull.namespace)}.{quoted(pull.relation)}"
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _text(name: str, kind: str) -> str:
    column = quoted(name)
    if kind == "timestamp with time zone":
        column = f"({column} at time zone '{_ZONE}')"
    if kind.startswith("timestamp"):
        column = f"pg_catalog.date_trunc('second', {column})"
    return f"{column}::pg_catalog.text"


def _conninfo(settings: Settings, feed: str) -> dict[str, Any]:
    path = settings.connections / feed
    if not path.is_file():
        raise SourceProblem(
            f"{feed}: how to reach its database is not said; write host, dbname and user (or service) into {path}"
        )
    try:
        words = conninfo_to_dict(" ".join(path.read_text("utf-8").split()))
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        raise SourceProblem(f"{feed}: {path} is not in libpq's words (host=… dbname=… user=…)") from None
    if words.get("password"):
        raise SourceProblem(f"{feed}: a password does not belong in {path}; put it into {settings.passwords / feed}")
    password = settings.passwords / feed
    if password.is_file():
        words["password"] = password.read_text("utf-8").strip()
    return {**_CONNECT, **words}


def _told(error: psycopg.Error) -> str:
    """What the server said where that is about no row, else only what kind of error it was."""
    kind = type(error).__name__
    if error.sqlstate is None:
        said = str(error) if isinstance(error, psycopg.OperationalError) else kind
    elif error.sqlstate[:2] in _ABOUT_NO_ROW:
        said = error.diag.message_primary or kind
    else:
        said = f"the server cannot compute the view's rows ({kind}, {error.sqlstate}); ask the department"
    return re.sub(r"\s+", " ", said).strip()
