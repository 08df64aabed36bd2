"""`xfy feeds …` as a person or a machine uses it: what it prints, how it ends, what it writes."""

import csv as csv_module
import errno
import io
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from pipelines import chain
from pipelines.cli import app
from pipelines.feeds.export import LOG, TITLES
from pipelines.settings import Settings
from tests.feeds.making import DAY, citizen, column, deliver, document, rule, write_contract

DAY_TEXT = DAY.isoformat()
HEADER = "编号,证号,起,止,信仰\n"
WRONG = citizen(9)[:-1] + ("0" if citizen(9)[-1] != "0" else "1")
HOSTILE = "=cmd|' /C calc'!A0"
DECIDES = ["--name", "张三", "--reason", "已与来源单位核实", "--decided-on", DAY_TEXT]
TAKES = ["--name", "李四", "--purpose", "退回来源单位更正"]


@pytest.fixture
def house(tmp_path, monkeypatch) -> Settings:
    """An installation with one feed of its own, as the environment tells it."""
    columns = [
        column("thing", "编号", required=True, primaryKey=True),
        column("person", "证号", role="identity", classification="sensitive"),
        column("start_on", "起", "date", required=True),
        column("end_on", "止", "date"),
        column("faith", "信仰", role="drop"),
    ]
    delivery = {"format": "delimited", "files": "*.csv", "volume": {"slack_rows": 1}, "quarantine_slack_rows": 99}
    rules = [rule("after_start", "end_on", "end_on >= start_on", messageZh="止期早于起期;请核对。")]
    write_contract(tmp_path / "contracts", document("T01", columns, delivery, *rules))
    (tmp_path / "contracts" / "profile.yml").write_text("synthetic_areas: true\n", "utf-8")
    monkeypatch.setenv("XFY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XFY_CONTRACTS", str(tmp_path / "contracts"))
    return Settings()


@pytest.fixture
def landed(house) -> Settings:
    rows = [
        ("1", citizen(1), "20260101", "20260201", "甲"),
        (HOSTILE, citizen(2), "20260301", "20260201", ""),
        ("3", WRONG, "20260101", "20260201", "乙"),
    ]
    deliver(house, "T01", DAY, "001", {"f.csv": (HEADER + "".join(",".join(r) + "\n" for r in rows)).encode()})
    assert xfy("feeds", "land")[0] == 0
    return house


def xfy(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "400"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def answer(*words: str) -> dict:
    code, said = xfy(*words, "--json")
    assert code == 0, said
    return json.loads(said)


# ---------------------------------------------------------------- looking


def test_a_delivery_goes_from_received_to_accepted(house):
    deliver(house, "T01", DAY, "001", {"f.csv": (HEADER + f"1,{citizen(1)},20260101,,\n").encode()})
    assert [r["state"] for r in answer("feeds", "status")] == ["received"]
    xfy("feeds", "land")
    (row,) = answer("feeds", "status", "T01")
    assert (row["state"], row["delivered"], row["accepted"], row["waived"]) == ("accepted", 1, 1, 0)


def test_a_feed_is_shown_with_rules_columns_and_what_was_dropped(landed):
    body = answer("feeds", "show", "T01")
    assert (body["feed"], body["load"], body["key"], body["in_use"]) == ("T01", "snapshot", ["thing"], DAY_TEXT)
    (delivery,) = body["deliveries"]
    assert (delivery["accepted"], delivery["quarantined"]) == (1, 2)
    told = {r["rule"]: (r["rows"], r["message_zh"]) for r in body["rules"]}
    assert told["T01.end_on.after_start"] == (1, "止期早于起期;请核对。")
    assert told["T01.person.check_digit"][1].startswith("证号(证号)校验位不符")
    columns = {c["column"]: c for c in body["columns"]}
    assert (columns["faith"]["dropped"], columns["faith"]["lake"]) == (2, [])
    assert (columns["person"]["class"], columns["person"]["lake"][0]) == ("sensitive", "person_id")
    code, said = xfy("feeds", "show", "T01")
    assert code == 0 and "T01.person.check_digit" in said and WRONG not in said and HOSTILE not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["feeds", "show", "T99"], "there is no feed T99; there are: T01"),
        (["feeds", "release-hold", "T01", DAY_TEXT, "1", *DECIDES], "'1' is no delivery number"),
        (["feeds", "release-hold", "T01", "30.10.2026", "001", *DECIDES], "is no date"),
        (["feeds", "release-hold", "T01", DAY_TEXT, "001", *DECIDES], "is not held: it is accepted"),
        (["feeds", "release-hold", "T01", DAY_TEXT, "009", *DECIDES], "there is no delivery T01"),
        (["feeds", "release-hold", "T01", DAY_TEXT, "001", "--name", " ", "--reason", "无"], "needs the name of who"),
        (["feeds", "quarantine", "waive", "T01", DAY_TEXT, "001", "--line", "2", *DECIDES], "no row on line 2"),
        (["feeds", "quarantine", "replay", "T01", DAY_TEXT, "002"], "there is no delivery T01"),
        (["feeds", "quarantine", "export", "T01", "--to", "q.csv", "--delivery", "../*", *TAKES], "no delivery number"),
        (["feeds", "check", "T01", "/nowhere.csv"], "does not exist"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(landed, words, told):
    code, said = xfy(*words)
    assert code == 2 and told in said.replace("\n", " "), said
    assert "Traceback" not in said


def test_a_decisions_file_that_cannot_be_read_is_told_with_its_name(landed):
    folder = landed.landing / "decisions"
    folder.mkdir()
    (folder / "a.yaml").write_text("- {decision: accept, feed: T01}\n", "utf-8")
    code, said = xfy("feeds", "status")
    assert code == 2 and "landing/decisions/a.yaml" in said


def test_a_file_is_tried_as_if_it_were_delivered(landed, tmp_path):
    many = "".join(f"{i},{citizen(i)},20260101,,\n" for i in range(1, 60))
    deliver(landed, "T01", DAY + timedelta(days=1), "001", {"f.csv": (HEADER + many).encode()})
    xfy("feeds", "land")
    day = (DAY + timedelta(days=1)).isoformat()
    answer("feeds", "release-hold", "T01", day, "001", "--name", "张三", "--reason", "新增属实", "--decided-on", day)
    before = sorted(p for p in landed.root.rglob("*") if p.name != "run.lock")
    for name, text, state, told in (
        ("good.csv", many, "accepted", ""),
        ("few.csv", "".join(many.splitlines(keepends=True)[:5]), "held", "outside -20 % to +50 %"),
        ("none.csv", "", "held", "no rows at all"),
        ("cut.csv", many[:-1], "rejected", "cut off"),
    ):
        (tmp_path / name).write_text(HEADER + text, "utf-8")
        day = (DAY + timedelta(days=2)).isoformat()
        code, said = xfy("feeds", "check", "T01", str(tmp_path / name), "--date", day, "--json")
        body = json.loads(said)
        assert (code, body["state"]) == (0 if state == "accepted" else 1, state)
        assert told in " ".join(body["reasons"])
    assert sorted(p for p in landed.root.rglob("*") if p.name != "run.lock") == before


def test_a_try_says_file_line_column_rule_and_what_to_do(landed, tmp_path):
    text = HEADER + f"1,{citizen(1)},20260101,,\n2,{WRONG},20260101,,\n3,{citizen(3)},20260101,nonsense,\n"
    (tmp_path / "f.csv").write_text(text, "utf-8")
    words = ["feeds", "check", "T01", str(tmp_path / "f.csv"), "--date", DAY_TEXT]
    rules = {r["rule"]: r for r in json.loads(xfy(*words, "--json")[1])["rules"]}
    wrong, left_out = rules["T01.person.check_digit"], rules["T01.end_on.date"]
    assert (wrong["holds_back"], wrong["column"], wrong["lines"]) == (True, "证号", ["f.csv:3"])
    assert (left_out["holds_back"], left_out["column"], left_out["lines"]) == (False, "止", ["f.csv:4"])
    assert "check the document" in wrong["message"] and "请核对证件" in wrong["message_zh"]
    code, said = xfy(*words)
    assert code == 1 and "f.csv:3" in said and "f.csv:4" in said and WRONG not in said and "nonsense" not in said


def test_a_file_of_another_name_is_not_taken_for_a_missing_one(landed, tmp_path):
    (tmp_path / "f.xlsx").write_bytes(b"x")
    code, said = xfy("feeds", "check", "T01", str(tmp_path / "f.xlsx"), "--date", DAY_TEXT)
    assert code == 2 and "T01: its file is called *.csv, not f.xlsx" in said.replace("\n", " ")


def test_rows_held_back_are_listed_with_place_and_rule_and_nothing_they_say(landed):
    rows = answer("feeds", "quarantine", "list", "T01")
    assert [(r["date"], r["delivery"], r["file"], r["line"], r["rules"]) for r in rows] == [
        (DAY_TEXT, "001", "f.csv", 3, ["T01.end_on.after_start"]),
        (DAY_TEXT, "001", "f.csv", 4, ["T01.person.check_digit"]),
    ]
    assert rows[0]["message_zh"] == "止期早于起期;请核对。" and "check the document" in rows[1]["message_en"]
    only = ["feeds", "quarantine", "list", "T01", "--date", DAY_TEXT, "--delivery", "001"]
    assert [r["line"] for r in answer(*only, "--rule", "T01.person.check_digit")] == [4]
    code, said = xfy(*only)
    assert code == 0 and "f.csv" in said and WRONG not in said and HOSTILE not in said
    assert answer("feeds", "quarantine", "list", "T01", "--delivery", "002") == []


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EACCES, "as the user whom the data root belongs to"), (errno.ENOSPC, "the disk is full")],
)
def test_what_the_machine_refuses_is_a_message_with_its_path(landed, monkeypatch, number, told):
    def refuse(*_: object) -> None:
        raise OSError(number, "refused", "/somewhere")

    monkeypatch.setattr("pipelines.feeds.status.read_decisions", refuse)
    for words in (["list"], ["status"], ["show", "T01"], ["release-hold", "T01", DAY_TEXT, "001", *DECIDES]):
        code, said = xfy("feeds", *words)
        assert code == 2 and "/somewhere: refused; " in said and told in said.replace("\n", " ")


def test_what_a_held_delivery_leaves_in_use_is_marked_stale(landed):
    assert answer("feeds", "list")[0]["is_stale"] is False and answer("feeds", "status")[0]["is_stale"] is False
    day = DAY + timedelta(days=1)
    deliver(landed, "T01", day, "001", {"f.csv": HEADER.encode()})
    xfy("feeds", "land")
    (row,) = answer("feeds", "list")
    assert (row["is_stale"], row["in_use_on"], row["waiting"]) == (True, DAY_TEXT, [f"{day}/001 held"])
    states = [(r["state"], r["is_in_use"], r["is_stale"]) for r in answer("feeds", "status")]
    assert states == [("accepted", True, True), ("held", False, False)]
    assert (body := answer("feeds", "show", "T01"))["is_stale"] and body["waiting"] == [f"{day}/001 held"]
    assert all("stale" in xfy("feeds", *words)[1] for words in (["list"], ["status"]))
    assert f"xfy feeds release-hold T01 {day} 001" in xfy("feeds", "status")[1]
    answer("feeds", "release-hold", "T01", day.isoformat(), "001", *DECIDES[:4], "--decided-on", day.isoformat())
    assert answer("feeds", "list")[0]["is_stale"] is False


def test_a_feed_that_is_overdue_is_stale_in_the_light_of_what_the_others_brought(landed):
    contract = json.dumps(document("T02", [column("thing", "编号", required=True, primaryKey=True)], {
        "format": "delimited", "files": "*.csv"
    }), ensure_ascii=False)  # fmt: skip
    (landed.contracts / "T02.yaml").write_text(contract, "utf-8")
    deliver(landed, "T02", DAY + timedelta(days=9), "001", {"f.csv": "编号\n1\n".encode()})
    xfy("feeds", "land")
    assert {r["feed"]: (r["is_stale"], r["waiting"]) for r in answer("feeds", "list")} == {
        "T01": (True, []),
        "T02": (False, []),
    }


# ---------------------------------------------------------------- deciding


def test_a_held_delivery_is_let_through_from_the_command_line(landed):
    deliver(landed, "T01", DAY + timedelta(days=1), "001", {"f.csv": HEADER.encode()})
    xfy("feeds", "land")
    day = (DAY + timedelta(days=1)).isoformat()
    words = [
        "feeds",
        "release-hold",
        "T01",
        day,
        "001",
        "--name",
        "张三",
        "--reason",
        "当日确无数据",
        "--decided-on",
        day,
    ]
    dry = answer(*words, "--dry-run")
    assert (dry["done"], dry["file"]) == (False, None) and "no rows at all" in dry["held_because"][0]
    assert answer("feeds", "status")[-1]["state"] == "held"
    assert Path(answer(*words)["file"]).is_file()
    status = answer("feeds", "status")[-1]
    assert status["state"] == "accepted" and "let through by 张三" in status["reasons"][-1]
    (decision,) = answer("feeds", "show", "T01")["decisions"]
    assert (decision["decision"], decision["name"]) == ("accept", "张三")


def test_a_row_is_let_in_and_a_delivery_read_again(landed):
    words = ["feeds", "quarantine", "waive", "T01", DAY_TEXT, "001", "--line", "4", *DECIDES]
    assert answer(*words, "--dry-run")["done"] is False
    assert answer(*words)["rules"] == ["T01.person.check_digit"]
    tried = answer("feeds", "quarantine", "replay", "T01", DAY_TEXT, "001", "--dry-run")
    assert tried["became"] == {"held": 1, "accepted": 1, "duplicate": 0, "gone": 0}
    assert answer("feeds", "status")[0]["quarantined"] == 2
    done = answer("feeds", "quarantine", "replay", "T01", DAY_TEXT, "001")
    assert (done["before"]["accepted"], done["after"]["accepted"], done["after"]["waived"]) == (1, 2, 1)
    (status,) = answer("feeds", "status")
    assert status["delivered"] == status["accepted"] + status["quarantined"] + status["duplicate"]
    assert status["waived"] == 1


def test_what_a_replay_let_in_stays_in_when_landing_runs_again(landed):
    """A decision of today counts in both, though the newest delivery is older."""
    decided = ["--line", "4", "--name", "张三", "--reason", "已与来源单位核实"]
    assert xfy("feeds", "quarantine", "waive", "T01", DAY_TEXT, "001", *decided)[0] == 0
    replayed = answer("feeds", "quarantine", "replay", "T01", DAY_TEXT, "001")["after"]
    assert replayed["waived"] == 1
    answer("feeds", "land")
    [status] = answer("feeds", "status", "T01")
    assert {name: status[name] for name in ("accepted", "quarantined", "waived")} == {
        name: replayed[name] for name in ("accepted", "quarantined", "waived")
    }


# ---------------------------------------------------------------- writing out


def test_rows_held_back_are_written_out_as_texts_and_written_down(landed, tmp_path):
    book, sheet = tmp_path / "q.xlsx", tmp_path / "q.csv"
    body = answer("feeds", "quarantine", "export", "T01", "--to", str(book), *TAKES)
    assert (body["rows"], body["rules"]) == (2, {"T01.end_on.after_start": 1, "T01.person.check_digit": 1})
    answer("feeds", "quarantine", "export", "T01", "--to", str(sheet), "--date", DAY_TEXT, *TAKES)
    for path in (book, sheet):
        assert path.stat().st_mode & 0o777 == 0o600
    cells = list(openpyxl.load_workbook(book).active.iter_rows())
    assert tuple(c.value for c in cells[0]) == TITLES
    assert [c.data_type for row in cells for c in row if c.value is not None] == ["s"] * 30
    assert "校验位不符" in cells[2][8].value and WRONG in cells[2][9].value and "乙" not in cells[2][9].value
    rows = list(csv_module.reader(io.StringIO(sheet.read_text("utf-8-sig"))))
    assert rows[1:] == [[str(c.value) for c in row] for row in cells[1:]]
    log = chain.entries(landed.vault / LOG)
    assert [(e["name"], e["purpose"], e["rows"]) for e in log] == [("李四", "退回来源单位更正", 2)] * 2
    assert log[0]["sha256"] == body["sha256"] and datetime.fromisoformat(log[0]["at"]).tzinfo is not None
    assert (landed.vault / LOG).stat().st_mode & 0o777 == 0o600
    assert answer("feeds", "quarantine", "exports")["count"] == 2
    code, said = xfy("feeds", "quarantine", "exports")
    assert code == 0 and "李四" in said and WRONG not in said
    text = (landed.vault / LOG).read_text("utf-8")
    assert WRONG not in text
    (landed.vault / LOG).write_text(text.replace("李四", "王五", 1), "utf-8")
    code, said = xfy("feeds", "quarantine", "exports")
    assert code == 1 and "line 1 was changed" in said


def test_where_the_record_was_tampered_with_nothing_is_written_out(landed, tmp_path):
    words = ["feeds", "quarantine", "export", "T01", *TAKES, "--to"]
    answer(*words, str(tmp_path / "a.csv"))
    (landed.vault / LOG).write_text("")
    code, said = xfy(*words, str(tmp_path / "b.csv"))
    assert code == 2 and "do not fit" in said and not (tmp_path / "b.csv").exists()


def test_a_cell_never_becomes_a_formula(house, tmp_path):
    deliver(house, "T01", DAY, "001", {"f.csv": (HEADER + "=1+1,2\n").encode()})
    xfy("feeds", "land")
    answer("feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.xlsx"), *TAKES)
    answer("feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.csv"), *TAKES)
    cell = openpyxl.load_workbook(tmp_path / "q.xlsx").active.cell(2, 10)
    assert (cell.value, cell.data_type) == ("=1+1,2", "s")
    assert '"\'=1+1,2"' in (tmp_path / "q.csv").read_text("utf-8-sig")


def test_a_long_row_is_cut_with_a_word_about_it(house, tmp_path):
    deliver(house, "T01", DAY, "001", {"f.csv": (HEADER + "长" * 40_000 + ",2\n").encode()})
    xfy("feeds", "land")
    answer("feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.xlsx"), *TAKES)
    cell = openpyxl.load_workbook(tmp_path / "q.xlsx").active.cell(2, 10)
    assert len(cell.value) == 32_767 and cell.value.endswith("全文见隔离区）")


def test_raw_rows_go_nowhere_they_must_not_and_overwrite_nothing(landed, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("mine")
    refused = {
        str(there): "is not overwritten",
        str(tmp_path / "q.txt"): "ends in .xlsx or .csv",
        str(tmp_path / "no" / "q.csv"): "is no folder",
        str(landed.lake / "q.csv"): "only vault/ may hold raw rows",
    }
    for to, told in refused.items():
        code, said = xfy("feeds", "quarantine", "export", "T01", "--to", to, *TAKES)
        assert code == 2 and told in said.replace("\n", ""), said
    code, said = xfy(
        "feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.csv"), "--name", "李四", "--purpose", ""
    )
    assert code == 2 and "what for" in said
    assert xfy("feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.csv"))[0] == 2
    code, said = xfy(
        "feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.csv"), "--delivery", "002", *TAKES
    )
    assert code == 2 and "no rows are held back there" in said
    assert not answer("feeds", "quarantine", "export", "T01", "--to", str(tmp_path / "q.csv"), *TAKES, "--dry-run")[
        "done"
    ]
    assert there.read_text() == "mine" and not (tmp_path / "q.csv").exists() and not (landed.vault / LOG).exists()
    inside = landed.vault / "q.csv"
    assert answer("feeds", "quarantine", "export", "T01", "--to", str(inside), *TAKES)["done"] and inside.is_file()


# ---------------------------------------------------------------- the program as a whole


def test_help_loads_none_of_the_heavy_libraries():
    heavy = ("polars", "duckdb", "dagster", "pyarrow", "numpy", "great_expectations", "psycopg")
    program = (
        "import sys, pipelines.cli\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(pipelines.cli.app, ['feeds', '--help']).exit_code == 0\n"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_list_says_of_every_feed_how_many_dates_are_accepted_and_that_rows_reconcile(house):
    before = json.loads(xfy("feeds", "list", "--json")[1])
    assert [(f["feed"], f["accepted_dates"], f["last_accepted"], f["reconciled"]) for f in before] == [
        ("T01", 0, None, False)
    ]
    good, empty = (HEADER + f"1,{citizen(1)},20260101,20260201,\n").encode(), HEADER.encode()
    for days, number, text in ((0, "001", good), (0, "002", good + b"\n"), (1, "001", good), (2, "001", empty)):
        deliver(house, "T01", DAY + timedelta(days=days), number, {"f.csv": text})
    assert xfy("feeds", "land")[0] == 0
    (after,) = json.loads(xfy("feeds", "list", "--json")[1])
    assert after["contract"] == "T01.yaml" and after["deliveries"] == 4
    # Two deliveries of one date are one date; the empty one is held.
    assert (after["accepted_dates"], after["reconciled"]) == (2, True)
    assert after["last_accepted"] == (DAY + timedelta(days=1)).isoformat()
