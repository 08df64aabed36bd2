"""The truth agrees with the deliveries: every row is known, every planted defect is there, nothing else is broken."""

import re
import stat
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

from pipelines.simulate.kinds import KINDS

NUMBER = {
    "B01": ("ZJHM", "ZJZLDM"),
    "F01": ("ZJHM", "ZJZL"),
    "F02": ("房东证号", None),
    "F06": ("成员身份证号", None),
    "F08": ("残疾人证号", None),
    "F11": ("person_cert", None),
    "F03": ("证件号码", None),
    "F04": ("personIdNo", None),
    "F09": ("公民身份号码", None),
    "F16": ("身份证号", None),
    "F17": ("身份证号", None),
    "F05": ("GMSFHM", None),
    "F13": ("idNo", None),
    "F15": ("cert_no", None),
    "F07": ("身份证号", None),
    "F10": ("zjhm", None),
    "F12": ("FN_SFZ", None),
    "F14": ("cert_no", None),
    "F18": ("证件号码", None),
    "F20": ("公民身份证号码", None),
    "F21": ("person_id_no", None),
    "F22": ("身份证号", None),
    "F23": ("SFZH", None),
    "F31": ("身份证号", None),
    "I01": ("身份证号", None),
    "I02": ("idNo", None),
    "I03": ("idNo", None),
    "I04": ("idNo", None),
    "I05": ("idNo", None),
    "I06": ("idNo", None),
    "I07": ("idNo", None),
    "I08": ("idNo", None),
    "I09": ("idNo", None),
    "I10": ("idNo", None),
    "I11": ("idNo", None),
    "I13": ("idNo", None),
}
# The slot of the person a row is about, where it is not called that.
MAIN = {"F02": "landlord", "F24": "applicant", "F30": "owner"}
# Defects after which a number is no number any more.
BREAKING = {
    "number_wrong_check", "number_transposed", "number_one_digit", "number_in_scientific_notation", "number_masked",
    "number_impossible_date", "number_17_characters", "number_as_numeric_cell", "masked_name_slip",
    "owner_columns_swapped",
}  # fmt: skip
# Defects that put another number, or none, where the person's own belongs; a row of a stranger has the stranger's.
OTHER_NUMBER = {"second_number", "number_of_nobody", "one_number_of_many", "infant_under_guardian"}
ONE_DAY = timedelta(days=1)
FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘ", "0123456789X")


def is_citizen_number(text: object) -> bool:
    """Whether an old or new number, after folding width, case and blanks, is right; by stdnum's checksum."""
    value = str(text).translate(FULL_WIDTH).replace(" ", "").upper()
    if len(value) == 15 and value.isdigit():
        value = f"{value[:6]}19{value[6:]}"
        value += mod_11_2.calc_check_digit(value)
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
        mod_11_2.validate(value)
    except (ValidationError, ValueError):
        return False
    return len(value) == 18


def test_every_kind_of_defect_is_planted(truth):
    planted = set(truth["dirt"].select("feed", "dirt", "column", "expect").unique().rows())
    assert planted == {(kind.feed, kind.name, kind.column, kind.expect) for kind in KINDS}


def test_defects_lie_on_lines_that_exist_and_only_one_on_a_line(files, truth):
    dirt = truth["dirt"]
    assert dirt.select("feed", "business_on", "delivery", "file", "line").is_duplicated().sum() == 0
    for row in dirt.iter_rows(named=True):
        assert row["line"] in files[row["feed"], row["business_on"], row["file"]]


def test_every_person_row_is_known(files, truth):
    known = about(truth).group_by("feed", "business_on", "file").agg(pl.col("line").sort())
    for feed, day, file, lines in known.iter_rows():
        assert lines == sorted(files[feed, day, file]), (feed, day, file)
    assert set(known["feed"]) == {*NUMBER, *MAIN, "F25"}


def about(truth):
    """Rows of the truth in the slot of the person a row is about."""
    return truth["rows"].filter(pl.col("slot") == pl.col("feed").replace_strict(MAIN, default="person"))


def test_every_slot_of_the_contracts_that_the_simulator_fills_is_told(truth):
    told = truth["rows"].select("feed", "slot").unique().rows()
    also = {("B01", "spouse"), ("F06", "head"), ("F07", "partner"), ("F12", "spouse"), ("F12", "child")}
    assert {(feed, slot) for feed, slot in told if MAIN.get(feed, "person") != slot} == also | {("F24", "respondent")}


def test_the_others_a_row_names_are_who_the_truth_says(files, truth):
    names = dict(truth["persons"].select("person_uid", "name").rows())
    columns = {("B01", "spouse"): "POXM", ("F07", "partner"): "对方姓名", ("F06", "head"): "户主姓名"}
    seen = 0
    renamed = set(truth["identity"].filter(kind="name")["person_uid"])
    for feed, day, file, line, slot, uid in (
        truth["rows"].select("feed", "business_on", "file", "line", "slot", "person_uid").rows()
    ):
        if (feed, slot) in columns and uid is not None and uid not in renamed:
            assert files[feed, day, file][line][columns[feed, slot]] == names[uid], (feed, slot, line)
            seen += 1
    assert seen > 1_000


def test_rows_name_the_person_they_are_about(files, truth):
    """The number on a sound row is the number of the person the truth names."""
    numbers = {uid: {number} for uid, number in truth["persons"].select("person_uid", "cert_no").rows()}
    for uid, old in truth["identity"].filter(kind="number").select("person_uid", "old").rows():
        numbers[uid].add(old)
    spoilt = set(truth["dirt"].select("feed", "business_on", "file", "line").rows())
    for feed, day, file, line, uid in about(truth).select("feed", "business_on", "file", "line", "person_uid").rows():
        if feed in NUMBER and (feed, day, file, line) not in spoilt and uid is not None:
            assert str(files[feed, day, file][line][NUMBER[feed][0]])[:18] in numbers[uid]


def test_no_number_is_broken_but_the_planted_ones(files, truth):
    fatal = truth["dirt"].filter(
        pl.col("column").is_in([column for column, _ in NUMBER.values()]) & pl.col("dirt").is_in(list(BREAKING))
    )
    broken = set(fatal.select("feed", "business_on", "file", "line").rows())
    found = set()
    for (feed, day, file), rows in files.items():
        if feed not in NUMBER:
            continue
        column, kind = NUMBER[feed]
        for line, row in rows.items():
            if column not in row:
                continue  # a part of the delivery that is about no person
            text = row[column][:20] if feed == "F08" else row[column]
            text = str(text).replace(" ", "")[:18] if feed == "F08" else str(text)
            if kind and row[kind] != "111":
                continue
            if text in ("None", ""):
                continue  # nobody was met
            if feed in ("F02", "F03") and re.fullmatch(r"[A-Z0-9()]{8,15}", text.strip()):
                continue  # a foreigner's document
            if not is_citizen_number(text):
                found.add((feed, day, file, line))
    assert found == broken


def test_own_rows_of_residents_in_b01_survive(files, truth):
    """Whoever lives here has on every day a row of B01 that is not to be quarantined."""
    bad = truth["dirt"].filter(pl.col("expect") != "accept").select("feed", "business_on", "file", "line")
    rows = truth["rows"].join(bad, on=["feed", "business_on", "file", "line"], how="anti")
    rows = rows.filter((pl.col("feed") == "B01") & (pl.col("slot") == "person"))
    second = truth["dirt"].filter(dirt="second_number").select("feed", "business_on", "file", "line")
    rows = rows.join(second, on=["feed", "business_on", "file", "line"], how="anti")
    last = rows.filter(pl.col("business_on") == pl.col("business_on").max())
    assert last["person_uid"].is_duplicated().sum() == 0
    residents = truth["persons"].filter("is_resident")["person_uid"]
    assert set(residents) <= set(last["person_uid"])


def test_residence_of_truth_is_the_residence_delivered(files, truth):
    persons = {row["person_uid"]: row for row in truth["persons"].iter_rows(named=True)}
    rows = about(truth).filter(pl.col("feed") == "B01")
    day = rows["business_on"].max()
    here = 0
    for file, line, uid in rows.filter(pl.col("business_on") == day).select("file", "line", "person_uid").rows():
        row, person = files["B01", day, file][line], persons[uid]
        if person["is_resident"]:
            silent = row["JZDJWHDM"] == "" and row["JZDZ"] == "" and row["FLAG"] == "0"
            assert (row["HJDJWHDM"] if silent else row["JZDJWHDM"]) == person["res_village_code"]
            here += 1
        elif person["alive"]:
            assert row["JZDJWHDM"] == "" and row["JZDZ"] != ""
    assert here >= truth["persons"]["is_resident"].sum()


def test_planted_b01_defects_look_like_their_name(files, truth):
    shapes = {
        "old_number_15": ("ZJHM", r"\d{15}"),
        "lower_case_x": ("ZJHM", r"\d{17}x"),
        "full_width_number": ("ZJHM", r"[０-９Ｘ]{18}"),
        "number_in_scientific_notation": ("ZJHM", r"\d\.\d{5}E\+17"),
        "number_17_characters": ("ZJHM", r"\d{17}"),
        "number_impossible_date": ("ZJHM", r"\d{10}0230\d{3}[\dX]"),
        "sex_in_words": ("XBDM", r"男|女|M|F|01|02"),
        "birth_date_style": ("CSRQ", r"\d{4}[-.]\d\d[-.]\d\d"),
        "education_synonym": ("WHCDDM", r"72|82"),
    }
    seen = set()
    for row in truth["dirt"].filter(pl.col("feed") == "B01").iter_rows(named=True):
        if row["dirt"] in shapes:
            column, shape = shapes[row["dirt"]]
            text = files["B01", row["business_on"], row["file"]][row["line"]][column]
            assert re.fullmatch(shape, text), row
            seen.add(row["dirt"])
    assert seen == set(shapes)


def test_duplicates_are_identical_to_another_row(files, truth):
    for row in truth["dirt"].filter(pl.col("dirt") == "identical_row").iter_rows(named=True):
        rows = files[row["feed"], row["business_on"], row["file"]]
        assert sum(other == rows[row["line"]] for other in rows.values()) == 2


def test_cut_addresses_end_inside_a_character(landing, truth):
    cut = truth["dirt"].filter(pl.col("dirt").str.contains("cut_in_character"))
    assert len(cut) >= 2
    for row in cut.iter_rows(named=True):
        body = (landing / "F01" / row["business_on"].isoformat() / "001" / "lhry.txt").read_bytes()
        record = body.split(b"\r\n")[row["line"] - 1]
        field = record[84:164] if row["column"] == "HJXZ" else record[164:264]
        with pytest.raises(UnicodeDecodeError):
            field.decode("gb18030")
        assert field[:-1].decode("gb18030")


def test_truth_is_readable_by_its_owner_only(small):
    folder = small[0] / "vault"
    for path in (folder, folder / "truth"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (folder / "truth").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_page_on_the_simulator_lists_every_defect():
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    for kind in KINDS:
        row = f"| {kind.feed} | `{kind.name}` | {kind.rate:g} | {kind.column or '(row)'} | {kind.expect} |"
        assert row in page, row


def test_strangers_are_in_no_base_and_come_with_and_without_their_numbers(files, truth):
    strangers = truth["persons"].filter(~pl.col("in_base"))
    mine = truth["rows"].join(strangers.select("person_uid", "cert_no"), on="person_uid")
    assert "B01" not in set(mine["feed"]) and {"F14", "F15", "F18", "F22"} == set(mine["feed"])
    given = {"with": 0, "without": 0}
    for feed, day, file, line, number in mine.select("feed", "business_on", "file", "line", "cert_no").rows():
        text = files[feed, day, file][line][NUMBER[feed][0]]
        assert text in (number, "", None), "nobody else's number"
        given["with" if text == number else "without"] += 1
    assert min(given.values()) >= 3
    feeds = mine.group_by("person_uid").agg(pl.col("feed").n_unique())
    assert feeds["feed"].max() >= 3, "the same stranger is met by several departments"


def test_mistaken_numbers_are_wrong_in_the_way_they_are_called(files, truth):
    numbers = dict(truth["persons"].select("person_uid", "cert_no").rows())
    wrong = truth["dirt"].join(about(truth), on=["feed", "business_on", "file", "line"])
    owners: dict[str, set[int]] = {}
    seen = set()
    for feed, day, file, line, dirt, uid in wrong.select(
        "feed", "business_on", "file", "line", "dirt", "person_uid"
    ).rows():
        if dirt not in {"number_transposed", "number_one_digit", *OTHER_NUMBER} or feed not in NUMBER:
            continue
        text, true = str(files[feed, day, file][line][NUMBER[feed][0]])[:18], numbers[uid]
        differing = [place for place in range(18) if text[place] != true[place]]
        seen.add(dirt)
        if dirt == "number_transposed":
            assert len(differing) == 2 and differing[1] - differing[0] == 1 and sorted(text) == sorted(true)
        elif dirt == "number_one_digit":
            assert len(differing) == 1
        elif dirt == "one_number_of_many":
            owners.setdefault(text, set()).add(uid)
        else:
            assert is_citizen_number(text) and text not in (set(numbers.values()) if "nobody" in dirt else ())
    assert seen == {"number_transposed", "number_one_digit", *OTHER_NUMBER}
    assert all(len(people) >= 5 for people in owners.values()), "one number, many people"


def test_who_changes_number_or_sex_stays_the_same_record(files, truth):
    changes = truth["identity"].filter(kind="number")
    assert len(changes) >= 3 and len(truth["identity"].filter(kind="sex")) >= 1
    rows = about(truth).filter(feed="B01")
    for on, uid, old, new in changes.select("on", "person_uid", "old", "new").rows():
        seen = rows.filter(pl.col("person_uid") == uid).select("business_on", "file", "line").rows()
        told = [(day, files["B01", day, file][line]) for day, file, line in seen]
        own = {day: row["ZJHM"] for day, row in told if row["RID"] == f"R{uid:010d}"}
        assert len(own) == len({day for day, _, _ in seen}) and old != new
        assert {number for day, number in own.items() if day >= on} == {new} and new not in own.get(on - ONE_DAY, "")
        assert is_citizen_number(new) and old[6:14] == new[6:14]


def test_some_people_are_easily_taken_for_each_other(truth):
    persons = truth["persons"].filter("in_base")
    alike = persons.filter(pl.struct("name", "birth_on", "sex_code").is_duplicated())
    near = alike.group_by("name", "birth_on", "sex_code").agg(pl.col("res_village_code").n_unique())
    assert near.filter(pl.col("res_village_code") == 1).height >= 2
    twins = persons.drop_nulls("mother_uid").filter(pl.struct("mother_uid", "birth_on").is_duplicated())
    heads = twins.group_by("mother_uid", "birth_on").agg(pl.col("name").str.head(2).n_unique().alias("heads"))
    assert heads.height >= 1 and (heads["heads"] == 1).sum() >= 1
