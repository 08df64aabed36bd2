"""Pulling deliveries from a real PostgreSQL server: every hard type, and every way it can go wrong.

The server is Debian's. Where it is not installed the tests install it; where it can be neither found nor installed they
are skipped, and say so.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.feeds.contracts import Contract, ContractProblem, load_contracts
from pipelines.feeds.deliveries import find
from pipelines.feeds.land import land_feed
from pipelines.feeds.postgres import SourceProblem
from pipelines.feeds.pull import pull
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, document, make_contract, write_contract

PASSWORD = "a secret'\\ with marks"
DELIVERY = {
    "format": "sqlite",
    "files": "view.db",
    "table": "V",
    "pull": {"namespace": 'Dept "x"', "relation": "v_thing"},
}
COLUMNS = [
    column("thing_id", "thingId", required=True, primaryKey=True),
    column("person", "idNo", role="identity"),
    column("name", "姓名", role="name", classification="sensitive"),
    column("amount_cny", "amount", "number", decimals=2, rounded=True),
    column("seen_at", "seenAt", "timestamp", dates=["datetime"], may_be_future=True),
    column("born_on", "born", "date", dates=["dashed"]),
    column("is_open", "open", "boolean"),
    column("mark", "mark"),
    column("note", "note"),
]
HOSTILE = ["", "'; drop table t; --", '"', "a\tb\nc\\N", "\x1f", "=1+1", "𠮷野 ·　", "x" * 20_000, None]


class Server:
    """One server of our own, in a folder of our own, spoken to through a socket there."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.binaries = folder, binaries
        self.data, self.socket = folder / "data", folder / "s"
        self.socket.mkdir(mode=0o755)

    def start(self) -> None:
        options = f"-k {self.socket} -c listen_addresses= -c fsync=off -c unix_socket_permissions=0777"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def make(self) -> None:
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-N")
        (self.data / "pg_hba.conf").write_text("local all reader scram-sha-256\nlocal all all trust\n")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket), user="postgres", dbname="postgres", autocommit=True)

    def _run(self, program: str, *words: str) -> None:
        # The server refuses to run as root; its own user is Debian's postgres.
        switch = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run(
            [str(self.binaries / program), *words],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, text=True, timeout=120, **switch,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}"


def binaries() -> Path | None:
    """The folder of the newest server of the machine, where there is a user who may run it."""
    if os.getuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return None
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    found = shutil.which("initdb")
    return known[-1].parent if known else Path(found).resolve().parent if found else None


def installed() -> Path | None:
    """The same, installed from Debian first where it is missing and we may."""
    if binaries() is None and os.getuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *words], env=env, timeout=240, check=False, **quiet)
    return binaries()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    place = installed()
    if place is None:
        pytest.skip("no PostgreSQL server here, and Debian's cannot be installed (apt-get install postgresql)")
    # Not below pytest's own folder: a socket's path may have 107 bytes, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = Server(folder, place)
        if os.getuid() == 0:
            shutil.chown(server.socket, "postgres", "postgres")
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def source(server) -> Iterator[psycopg.Connection]:
    """A schema with a hostile name, a view over hard types, and a role that may read it."""
    with server.connect() as connection:
        connection.execute('drop schema if exists "Dept ""x""" cascade')
        connection.execute('create schema "Dept ""x"""')
        connection.execute('set search_path to "Dept ""x"""')
        connection.execute("create domain instant as timestamptz")
        connection.execute(
            'create table t ("thingId" bigint primary key, idno varchar(18), "姓名" text, amount numeric, '
            '"seenAt" instant, born date, open boolean, mark bytea, note text, extra jsonb)'
        )
        connection.execute("create view v_thing as select * from t")
        if not connection.execute("select 1 from pg_roles where rolname = 'reader'").fetchone():
            connection.execute("create role reader login")
        connection.execute(f"alter role reader password {psycopg.sql.Literal(PASSWORD).as_string(connection)}")
        connection.execute("alter role reader set timezone to 'America/New_York'")
        connection.execute("alter role reader set datestyle to 'SQL, DMY'")
        connection.execute('grant usage on schema "Dept ""x""" to reader')
        connection.execute("grant select on v_thing to reader")
        yield connection


@pytest.fixture
def house(tmp_path, server) -> Settings:
    settings = Settings(data=tmp_path / "data")
    settings.connections.mkdir(parents=True)
    (settings.connections / "T01").write_text(f"host={server.socket}\ndbname=postgres user=reader\n")
    settings.passwords.mkdir()
    (settings.passwords / "T01").write_text(PASSWORD + "\n", "utf-8")
    return settings


@pytest.fixture
def contract(tmp_path) -> Contract:
    return make_contract(tmp_path / "contracts", COLUMNS, DELIVERY)


def view(connection: psycopg.Connection, note: str = "note", born: str = "born") -> None:
    """The view anew, one or two of its columns computed otherwise."""
    connection.execute("drop view v_thing")
    connection.execute(
        f'create view v_thing as select "thingId", idno, "姓名", amount, "seenAt", {born}, open, mark, {note} from t'
    )
    connection.execute("grant select on v_thing to reader")


def put(connection: psycopg.Connection, *rows: tuple) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", rows)


def thing(number: int, **more) -> tuple:
    row = {
        "number": number, "person": citizen(number % 900 + 1), "name": "李明", "amount": Decimal("1.50"),
        "seen": "2026-10-30 23:59:59.999999+00", "born": date(1970, 1, 2), "open": True, "mark": b"\x00\xff",
        "note": "w",
    }  # fmt: skip
    return tuple((row | more).values())


def landing(settings: Settings) -> list[str]:
    return sorted(p.relative_to(settings.landing).as_posix() for p in settings.landing.rglob("*") if p.is_file())


def rows(settings: Settings, number: str = "001") -> pl.DataFrame:
    place = settings.lake / "T01" / DAY.isoformat() / number
    return pl.read_parquet(place / "rows.parquet").sort("thing_id")


# ---------------------------------------------------------------- what comes through


def test_hard_types_come_through_exactly(source, house, contract, key):
    put(
        source,
        thing(1),
        thing(2, amount=Decimal("-99999999999999.995"), seen="1969-12-31 16:00:00+00", open=False, mark=b""),
        thing(3, person=None, name=None, amount=None, seen=None, born=None, open=None, mark=None, note=None),
        thing(4, seen="infinity", amount=Decimal("NaN")),
    )
    assert pull(house, contract, DAY)["rows"] == {"view.db": 4}
    (receipt,) = land_feed(house, contract, key, DAY)
    assert (receipt.delivered, receipt.accepted, receipt.quarantined, receipt.duplicate) == (4, 4, 0, 0)
    assert receipt.rules == {"T01.amount_cny.invalid": 1, "T01.seen_at.date": 1}
    found = rows(house)
    told = found.select("amount_cny", "seen_at", "born_on", "is_open", "mark")
    assert str(told["seen_at"][0]) == "2026-10-31 07:59:59"
    assert told.row(0)[0] == Decimal("1.50") and told.row(0)[2:] == (date(1970, 1, 2), True, "\\x00ff")
    assert str(told["seen_at"][1]) == "1970-01-01 00:00:00"
    assert told["mark"].to_list()[1:3] == ["\\x", None] and told.row(2) == (None,) * 5
    # Rounded to the contract's two places by the door, not by the pull.
    assert told["amount_cny"][1] == Decimal("-100000000000000.00")
    assert found["person_id"].null_count() == 1


def test_hostile_texts_come_through_exactly(source, house, contract, key):
    put(source, *(thing(i, note=text) for i, text in enumerate(HOSTILE, start=1)))
    pull(house, contract, DAY)
    (receipt,) = land_feed(house, contract, key, DAY)
    assert receipt.accepted == len(HOSTILE) and not receipt.rules
    # Surrounding spaces and control characters are taken off, empty means null: that is the door's, not the pull's.
    wanted = [None, "'; drop table t; --", '"', "a\tb\nc\\N", None, "=1+1", "𠮷野 ·", "x" * 20_000, None]
    assert rows(house)["note"].to_list() == wanted


def test_the_same_rows_make_the_same_bytes_and_no_second_delivery(source, house, contract, key):
    put(source, *(thing(i) for i in range(1, 50)))
    assert pull(house, contract, DAY)["delivery"] == "001"
    first = (house.landing / "T01" / DAY.isoformat() / "001" / "view.db").read_bytes()
    source.execute("create table other as select * from t order by random()")
    source.execute("create or replace view v_thing as select * from other")
    again = pull(house, contract, DAY)
    assert (again["unchanged"], again["delivery"], again["done"]) == (True, "001", False)
    source.execute('update other set amount = 2 where "thingId" = 7')
    assert pull(house, contract, DAY)["delivery"] == "002"
    assert (house.landing / "T01" / DAY.isoformat() / "001" / "view.db").read_bytes() == first
    assert [r.accepted for r in land_feed(house, contract, key, DAY)] == [49, 49]
    assert landing(house) == ["T01/.pull.lock", *(f"T01/{DAY}/{n}/view.db" for n in ("001", "002"))]


def test_an_empty_view_is_a_delivery_that_a_person_must_look_at(source, house, contract, key):
    assert pull(house, contract, DAY)["rows"] == {"view.db": 0}
    (receipt,) = land_feed(house, contract, key, DAY)
    assert (receipt.delivered, receipt.problem) == (0, None)


def test_a_trial_counts_and_writes_nothing(source, house, contract):
    put(source, thing(1))
    body = pull(house, contract, DAY, is_trial=True)
    assert (body["rows"], body["done"], body["delivery"]) == ({"view.db": 1}, False, None)
    assert not house.landing.exists()


def test_nothing_can_be_written_through_the_connection(source, house, contract):
    source.execute("create table spoilt (a int)")
    source.execute("grant insert on spoilt to reader")
    spoil = 'insert into "Dept ""x""".spoilt values (9)'
    source.execute(f"create function spoil() returns text language sql as $$ {spoil}; select 'x' $$")
    view(source, note="spoil() as note")
    put(source, thing(1))
    with pytest.raises(SourceProblem, match="read-only transaction"):
        pull(house, contract, DAY)
    assert source.execute("select count(*) from spoilt").fetchone() == (0,)


def test_the_command_says_what_it_did(source, house, contract, tmp_path, monkeypatch):
    monkeypatch.setenv("XFY_DATA", str(house.data))
    monkeypatch.setenv("XFY_CONTRACTS", str(contract.path.parent))
    put(source, thing(1))

    def xfy(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["feeds", "pull", *words])
        return result.exit_code, result.output.strip()

    assert xfy("T01", "--date", str(DAY), "--dry-run") == (0, f"T01 {DAY}/-: 1 rows in view.db (dry run)")
    assert xfy("T01", "--date", str(DAY)) == (0, f"T01 {DAY}/001: 1 rows in view.db")
    assert xfy("T01", "--date", str(DAY)) == (0, f"T01 {DAY}/001: 1 rows in view.db (nothing new, no delivery made)")
    source.execute("drop view v_thing")
    code, said = xfy("T01", "--date", str(DAY), "--json")
    assert code == 2 and "has no table or view" in said and "Traceback" not in said


# ---------------------------------------------------------------- what goes wrong


def refuses(settings: Settings, contract: Contract, told: str) -> None:
    """The pull says so, and landing/ holds no delivery, whole or half."""
    with pytest.raises(SourceProblem, match=told) as problem:
        pull(settings, contract, DAY)
    assert PASSWORD not in str(problem.value)
    assert [p for p in landing(settings) if not p.endswith(".pull.lock")] == []
    assert find(settings.landing, ["T01"]) == ([], [])
    assert not (settings.landing / "T01" / DAY.isoformat()).exists()


def test_a_wrong_password_is_told(source, house, contract):
    (house.passwords / "T01").write_text("wrong")
    refuses(house, contract, "password authentication failed")
    (house.passwords / "T01").unlink()
    refuses(house, contract, "no password supplied|password")


def test_a_password_in_the_connection_file_is_refused(source, house, contract):
    path = house.connections / "T01"
    path.write_text(path.read_text() + "password=x")
    refuses(house, contract, "a password does not belong in")
    path.write_text("this is no connection")
    refuses(house, contract, "not in libpq's words")
    path.unlink()
    refuses(house, contract, "how to reach its database is not said")


def test_a_server_that_is_down_is_told(source, server, house, contract):
    server.stop("fast")
    try:
        refuses(house, contract, "T01: connection .*failed")
    finally:
        server.start()


def test_a_missing_view_or_column_is_told(source, house, contract):
    source.execute("drop view v_thing")
    refuses(house, contract, 'has no table or view Dept "x".v_thing')
    source.execute('create view v_thing as select "thingId", idno from t')
    refuses(house, contract, "has no column 姓名")
    view(source, born='born as "Born", 1 as "BORN"')
    refuses(house, contract, "has no column born")
    view(source)
    source.execute("revoke select on v_thing from reader")
    refuses(house, contract, "permission denied for view v_thing")


def test_a_value_the_server_cannot_compute_is_told_without_it(source, house, contract):
    put(source, thing(1, note=citizen(7)))
    view(source, note="note::int::text as note")
    with pytest.raises(SourceProblem, match="cannot compute the view's rows") as problem:
        pull(house, contract, DAY)
    assert citizen(7) not in str(problem.value)
    refuses(house, contract, "NumericValueOutOfRange|InvalidTextRepresentation")


def test_a_connection_cut_in_the_middle_leaves_no_half_delivery(source, house, contract):
    slow = 'create or replace view v_thing as select t.* from t, pg_sleep(case when "thingId" >= 0 then 0.02 end)'
    source.execute(slow)
    put(source, *(thing(i, note="x" * 5_000) for i in range(1, 400)))

    cuts: list[object] = []

    def cut() -> None:
        running = "from pg_stat_activity where query like 'copy%' and usename = 'reader'"
        for _ in range(500):
            if source.execute(f"select 1 {running}").fetchone():
                # Some rows have come by then: they take 20 ms each and are sent two by two.
                time.sleep(0.5)
                cuts.append(source.execute(f"select pg_terminate_backend(pid) {running}").fetchone())
                return
            time.sleep(0.01)

    other = threading.Thread(target=cut)
    other.start()
    refuses(house, contract, "terminating connection|connection")
    other.join()
    assert cuts == [(True,)]


def test_a_server_killed_in_the_middle_leaves_no_half_delivery(source, server, house, contract):
    put(source, *(thing(i, note="x" * 5_000) for i in range(1, 400)))
    source.execute(
        'create or replace view v_thing as select t.* from t, pg_sleep(case when "thingId" >= 0 then 0.02 end)'
    )
    timer = threading.Timer(
        0.5, lambda: os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    )
    timer.start()
    try:
        refuses(house, contract, "T01: ")
    finally:
        timer.join()
        deadline = time.monotonic() + 20
        while (server.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        server.start()


def test_a_killed_pull_leaves_nothing_that_counts(source, house, contract, key):
    place = house.landing / "T01" / DAY.isoformat()
    (place / ".pull").mkdir(parents=True)
    (place / ".pull" / "view.db").write_bytes(b"half")
    assert find(house.landing, ["T01"]) == ([], [])
    put(source, thing(1))
    assert pull(house, contract, DAY)["delivery"] == "001"
    assert not (place / ".pull").exists()


def test_two_pulls_of_a_feed_do_not_meet(source, house, contract):
    (house.landing / "T01").mkdir(parents=True)
    with (house.landing / "T01" / ".pull.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SourceProblem, match="is being pulled by another process"):
            pull(house, contract, DAY)


# ---------------------------------------------------------------- what a contract may say


def test_a_part_can_be_pulled_where_the_others_need_not_come(source, house, tmp_path, key):
    parts = [
        {"files": "view.db", "format": "sqlite", "columns": ["thingId", "note"], "pull": DELIVERY["pull"]},
        {"files": "more.csv", "format": "delimited", "columns": ["thingId"], "optional": True},
    ]
    delivery = {"format": "sqlite", "files": "*", "table": "V", "parts": parts}
    columns = [column("thing_id", "thingId", primaryKey=True), column("note", "note")]
    contract = make_contract(tmp_path / "c", columns, delivery)
    put(source, thing(1))
    pull(house, contract, DAY)
    (receipt,) = land_feed(house, contract, key, DAY)
    assert receipt.accepted == 1


def test_the_grid_office_view_is_pulled_as_its_contract_says(source, house, contracts, key):
    contract = contracts["F26"]
    (part,) = [p for p in contract.delivery.parts if p.pull]
    # PostgreSQL folds names that nobody quoted: the view says taskid where the contract says taskId.
    names = ", ".join(f"null::text as {name}" for name in part.columns if name != "taskId")
    source.execute(f"create schema if not exists {part.pull.namespace}")
    view = f'{part.pull.namespace}."{part.pull.relation}"'
    source.execute(f"create view {view} as select 'G' || i as taskid, {names} from generate_series(1, 3) i")
    source.execute(f"grant select on {view} to reader")
    shutil.copy(house.connections / "T01", house.connections / "F26")
    shutil.copy(house.passwords / "T01", house.passwords / "F26")
    try:
        assert pull(house, contract, DAY)["rows"] == {part.files: 3}
    finally:
        source.execute(f"drop view {view}")
    (receipt,) = land_feed(house, contract, key, DAY)
    assert receipt.problem is None and receipt.delivered == 3
    assert receipt.accepted + receipt.quarantined + receipt.duplicate == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"files": "*.db"}, "only a SQLite file of a fixed name"),
        ({"format": "parquet"}, "only a SQLite file of a fixed name"),
        ({"parts": [{"files": "a.csv", "format": "delimited"}]}, "would lack a.csv"),
    ],
)
def test_a_pull_that_could_not_make_a_whole_delivery_is_refused_in_the_contract(tmp_path, change, told):
    write_contract(tmp_path, document("T01", COLUMNS, {**DELIVERY, **change}))
    with pytest.raises(ContractProblem, match=told):
        load_contracts(tmp_path)


def test_a_feed_that_is_not_pulled_says_so(tmp_path):
    contract = make_contract(tmp_path, [column("a", "A")], {"format": "delimited", "files": "f.csv"})
    with pytest.raises(SourceProblem, match="its contract names no relation"):
        pull(Settings(data=tmp_path), contract, DAY)
