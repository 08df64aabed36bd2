"""Defects that are facts of life, and what is odd by nature: the simulator has them, and the contracts live with them.

Read by the contracts' own readers and checks; what landing makes of everything planted stands in tests/feeds.
"""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.feeds import readers
from pipelines.feeds.check import Checked, check
from pipelines.feeds.contracts import load_contracts
from pipelines.identifiers import Key
from pipelines.settings import Settings
from pipelines.simulate.oddities import ODDITIES

USUAL, OTHER = date(2026, 10, 28), date(2026, 11, 1)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def checked(landing):
    """Reads and checks one delivery: (feed, day) → what became of its rows."""
    contracts = load_contracts(SETTINGS.contracts)

    def of(feed: str, day: date) -> Checked:
        raw = readers.read(contracts[feed], landing / feed / day.isoformat() / "001")
        assert raw.added == (), "no column of the files is unknown to the contract"
        return check(contracts[feed], raw, Key(bytes(32)), day, SETTINGS.reference)

    return of


@pytest.fixture(scope="module")
def planted(truth):
    """The places of rows that carry a defect: (feed, day, its name) → _file and _line."""

    def of(feed: str, day: date, name: str) -> pl.DataFrame:
        mine = truth["dirt"].filter(feed=feed, business_on=day, dirt=name)
        return mine.select(pl.col("file").alias("_file"), pl.col("line").alias("_line"))

    return of


def accepted(result: Checked, places: pl.DataFrame) -> pl.DataFrame:
    """The rows of these places, of which none may be held back or dropped as said twice."""
    rows = result.rows.join(places, on=["_file", "_line"], how="semi")
    assert len(rows) == len(places) > 0
    return rows


def test_every_declared_oddity_is_there_and_on_lines_that_exist(truth, files):
    found = set(truth["odd"].select("feed", "oddity", "column", pl.col("line").is_null()).unique().rows())
    declared = {(oddity.feed, oddity.name, oddity.column, oddity.of_files) for oddity in ODDITIES}
    # Whether a name with a rare character falls into a small register is chance.
    assert found <= declared and {name for _, name, *_ in declared - found} <= {"character_lost"}
    for row in truth["odd"].iter_rows(named=True):
        of_file = files[row["feed"], row["business_on"], row["file"]] if row["line"] is not None else {}
        assert row["line"] is None or row["line"] in of_file


def test_two_files_under_one_header_say_what_they_say_under_their_own(landing, checked):
    headers = {}
    for day in (USUAL, OTHER):
        for name in ("quanzu.csv", "jifang.csv"):
            path = landing / "F25" / day.isoformat() / "001" / name
            headers[day, name] = path.read_bytes().decode("gbk").split("\r\n")[0].split(",")
    assert headers[OTHER, "quanzu.csv"] == headers[OTHER, "jifang.csv"]
    assert not set(headers[USUAL, "quanzu.csv"]) & {"设备编号"} and len(headers[OTHER, "jifang.csv"]) == 15
    usual, other = (checked("F25", day).rows for day in (USUAL, OTHER))
    lasting = ["device_id", "device_kind", "estate_id", "installed_on", "village_code"]
    before, after = (rows.filter(pl.col("device_id").is_not_null()).select(lasting) for rows in (usual, other))
    assert before.sort("device_id").equals(after.sort("device_id")) and len(before) >= 50
    assert other.filter(pl.col("device_id").is_null())["subject_id"].null_count() == 0


def test_orders_are_the_same_under_either_years_names(landing, checked, truth):
    days = truth["odd"].filter(feed="F27", oddity="columns_renamed")["business_on"].to_list()
    assert OTHER in days and USUAL not in days
    for day in (USUAL, OTHER):
        rows = checked("F27", day).rows.filter(pl.col("_file").str.starts_with("12345.xlsx"))
        assert len(rows) >= 1 and rows["order_id"].null_count() == 0
        assert rows["accepted_at"].dt.date().unique().to_list() == [day]


def test_phases_of_an_estate_are_rows_of_one_estate(checked, planted):
    rows = accepted(checked("F29", USUAL), planted("F29", USUAL, "split_by_phases"))
    assert rows["estate_id"].n_unique() * 2 == len(rows) and rows["name"].n_unique() == len(rows)
    assert rows["estate_id"].str.len_chars().unique().to_list() == [11]


def test_one_licence_may_cover_several_places_of_business(checked, planted):
    result = checked("F32", USUAL)
    sites = accepted(result, planted("F32", USUAL, "licence_at_several_sites"))
    for code, licence, address in sites.select("uscc", "lic_no", "biz_address").rows():
        of_firm = result.rows.filter(uscc=code)
        assert of_firm["lic_no"].unique().to_list() == [licence]
        assert of_firm["biz_address"].n_unique() == len(of_firm) == 2 and address in of_firm["biz_address"]


def test_a_station_that_moved_has_two_places_and_loses_no_reading(checked, truth):
    result = checked("F34", USUAL)
    assert result.duplicates.height == truth["dirt"].filter(
        feed="F34", business_on=USUAL, dirt="identical_row"
    ).height  # fmt: skip
    lines = truth["odd"].filter(feed="F34", business_on=USUAL, oddity="station_moved", file="hezhang.txt")["line"]
    moved = result.rows.filter((pl.col("_file") == "hezhang.txt") & pl.col("_line").is_in(lines.to_list()))
    of_points = result.rows.filter(pl.col("point_id").is_in(moved["point_id"].to_list()))
    places = of_points.group_by("point_id").agg(
        pl.col("village_code").n_unique(),
        pl.struct("village_code").sort_by("measured_at").rle_id().max().alias("moves"),
        pl.struct("metric", "measured_at").n_unique() == pl.len(),
    )
    assert places["village_code"].max() == 2 and places["moves"].max() == 1, "one place after the other"
    assert places["metric"].all()


def test_a_member_of_merged_villages_stays_in_both(checked, planted):
    rows = accepted(checked("F31", USUAL), planted("F31", USUAL, "again_after_merger"))
    assert rows["coop_uscc"].null_count() == 0


@pytest.mark.parametrize(
    ("feed", "dirt", "rule"),
    [
        ("F20", "party_years_disagree", "F20.joined_on.years_since_joining"),
        ("F22", "used_after_end", "F22.last_used_on.closed_is_not_used"),
    ],
)
def test_dates_that_disagree_are_told(checked, planted, feed, dirt, rule):
    result = checked(feed, USUAL)
    rows = accepted(result, planted(feed, USUAL, dirt))
    assert rows["_dq"].to_list() == [[rule]] * len(rows)
    assert result.rows.filter(pl.col("_dq").list.contains(rule)).height == len(rows), "and only those"


def test_a_case_opened_again_keeps_its_number(truth, files):
    for day, file, line in truth["odd"].filter(oddity="reopened").select("business_on", "file", "line").rows():
        row = files["F26", day, file][line]
        assert row["status"] != "结案" or row["endTime"] > row["solvingTime"] > row["dispatchTime"]
    for day, file, line in truth["odd"].filter(oddity="result_after_close").select(
        "business_on", "file", "line"
    ).rows():  # fmt: skip
        row = files["F24", day, file][line]
        assert row["closeTime"] and row["result"] == "转诉讼"


def test_the_page_on_the_simulator_lists_every_oddity():
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    for oddity in ODDITIES:
        of = "files" if oddity.of_files else "rows"
        assert f"| {oddity.feed} | `{oddity.name}` | {oddity.column or '(row)'} | {of} |" in page, oddity
