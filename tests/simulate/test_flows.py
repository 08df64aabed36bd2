"""What happens day by day keeps its number and only moves forward; layouts of the later feeds, looked at by hand."""

import json
from datetime import date, timedelta

import openpyxl
import pytest

from tests.simulate.conftest import AS_OF, DAYS
from tests.simulate.reading import READERS

FIRST = AS_OF - timedelta(days=DAYS - 1)
# feed: (number, what never changes, what is filled in later)
FLOWS = {
    "F24": ("caseNo", ["acceptTime", "villageCode"], ["closeTime"]),
    "F26": ("taskId", ["discoverTime", "address"], ["dispatchTime", "solvingTime", "endTime"]),
    "F33": ("inspect_id", ["inspect_time", "place_id", "hazard_no"], ["fixed_time"]),
    "I02": ("receiptNo", ["idNo", "sentAt"], ["readAt", "repliedAt"]),
    "I04": ("reportNo", ["idNo", "createdAt"], ["closedAt"]),
    "I07": ("bookingNo", ["idNo", "bookedAt"], ["servedAt"]),
    "I11": ("needNo", ["idNo", "createdAt"], ["closedAt"]),
}


@pytest.fixture(scope="module")
def spoilt(truth):
    return set(truth["dirt"].select("feed", "business_on", "file", "line").rows())


def days_of(landing, feed):
    for folder in sorted((landing / feed).iterdir()):
        yield date.fromisoformat(folder.name), READERS[feed](folder / "001")


@pytest.mark.parametrize("feed", FLOWS)
def test_a_record_keeps_its_number_and_only_moves_forward(landing, spoilt, feed):
    number, fixed, later = FLOWS[feed]
    seen: dict[str, dict] = {}
    again = 0
    for day, files in days_of(landing, feed):
        for file, rows in files.items():
            for line, row in rows.items():
                if number not in row or (feed, day, file, line) in spoilt:
                    continue
                before = seen.get(row[number])
                if before:
                    again += 1
                    assert all(before[name] == row[name] for name in fixed), (day, row[number])
                    assert all(not before[name] or before[name] == row[name] for name in later), (day, row[number])
                seen[row[number]] = row
    assert len(seen) > 50
    assert again > 0, "something that was delivered before has moved on"


def test_records_of_later_days_are_new_or_have_changed(landing, spoilt):
    """An increment does not repeat what stands already."""
    for feed in ("I04", "I07", "F33"):
        number, _, later = FLOWS[feed]
        seen: dict[str, list] = {}
        for day, files in days_of(landing, feed):
            for file, rows in files.items():
                for line, row in rows.items():
                    if (feed, day, file, line) in spoilt:
                        continue
                    state = [row[name] for name in later] + [row.get("status")]
                    assert day == FIRST or seen.get(row[number]) != state, (feed, day, row[number])
                    seen[row[number]] = state


def test_logins_and_hours_never_go_back(landing, spoilt):
    for feed, names in (("I09", ["lastLogin"]), ("I06", ["lastServiceAt"])):
        seen: dict[str, list] = {}
        for day, files in days_of(landing, feed):
            for file, rows in files.items():
                for line, row in rows.items():
                    if (feed, day, file, line) in spoilt:
                        continue
                    now = [row[name] for name in names]
                    assert seen.get(row["idNo"], now) <= now
                    assert all(value <= day.isoformat() for value in now)
                    seen[row["idNo"]] = now


@pytest.fixture(scope="module")
def first(landing):
    return lambda feed: landing / feed / FIRST.isoformat() / "001"


def test_f19_has_a_bom_and_semicolons(first):
    body = (first("F19") / "shangye.csv").read_bytes()
    assert body.startswith(b"\xef\xbb\xbf") and body.count(b"\n") == body.count(b"\r\n")
    assert body.decode("utf-8-sig").split("\r\n")[0].count(";") == 16


def test_f20_has_two_sheets_with_dates_as_numbers(first):
    book = openpyxl.load_workbook(first("F20") / "dangyuan.xlsx")
    assert book.sheetnames == ["党员", "党组织"]
    header = [cell.value for cell in book["党员"][2]]
    joined = [row[header.index("入党日期")] for row in book["党员"].iter_rows(min_row=3, values_only=True)]
    assert {type(value) for value in joined} <= {int, type(None)} and any(joined)


def test_f23_is_split_by_carets_in_gb18030(first):
    lines = (first("F23") / "shebei.txt").read_bytes().decode("gb18030").split("\r\n")
    assert lines[0] == "SBBH^SBLX^SFZH^FWBM^AZRQ^ZT^ZJGJSJ^GJLX^JWDM^GXRQ"


def test_f24_holds_parties_in_a_list_and_times_in_seconds(first):
    cases = json.loads((first("F24") / "tiaojie.json").read_text("utf-8"))
    assert all([party["role"] for party in case["parties"]] == ["申请人", "被申请人"] for case in cases)
    assert all(len(case["acceptTime"]) == 10 for case in cases)


def test_f27_names_differ_between_export_and_interface(first):
    header = [cell.value for cell in openpyxl.load_workbook(first("F27") / "12345.xlsx")["工单"][1]]
    row = json.loads((first("F27") / "gongdan.jsonl").read_text("utf-8").split("\n")[0])
    assert "12345工单编号" in header and "12345工单编号" not in row and "工单编号" in row


def test_f31_shows_broken_formulas(first):
    cells = openpyxl.load_workbook(first("F31") / "sanzi.xlsx")["合同"].iter_rows(values_only=True)
    shown = openpyxl.load_workbook(first("F31") / "sanzi.xlsx", data_only=True)["合同"].iter_rows(values_only=True)
    assert any("=SUM(#REF!)" in row for row in cells) and any("#REF!" in row for row in shown)


def test_f34_records_are_118_bytes(first):
    records = (first("F34") / "hezhang.txt").read_bytes().split(b"\r\n")
    assert records.pop() == b"" and {len(record) for record in records} == {118}


def test_no_member_s_nation_or_faith_is_asked_for_by_a_module(first):
    for feed in ("I06", "I08", "I09"):
        row = json.loads(next(iter(first(feed).iterdir())).read_text("utf-8").split("\n")[0])
        assert not {"name", "nation", "religion", "phone"} & set(row)
