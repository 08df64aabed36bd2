"""Simulated deliveries of all feeds against the simulator's truth: what was planted is found, nothing else is."""

from datetime import date

import polars as pl
import pytest

from pipelines.feeds.contracts import load_contracts
from pipelines.feeds.expectations import judge_batches, looked_at
from pipelines.feeds.judge import Status, judge
from pipelines.feeds.land import DUPLICATES, ROWS, land_feed
from pipelines.feeds.receipts import read_receipts
from pipelines.identifiers import load_key, pseudonym
from pipelines.settings import Settings
from pipelines.simulate import simulate

AS_OF = date(2026, 10, 31)
ON = ["feed", "business_on", "delivery", "file", "line"]
# Defects that leave a row without a number to be told by.
WITHOUT_NUMBER = ["number_wrong_check", "number_missing", "no_number", "number_masked", "temporary_without_number"]
WITHOUT_NUMBER += ["number_as_numeric_cell", "infant_under_guardian", "number_left_out", "masked_name_slip"]
WITHOUT_NUMBER += ["no_number_name_slip", "no_number_birth_slip", "stranger_without_number"]
MISTYPED = ["number_wrong_check", "number_transposed", "number_one_digit"]
WITHOUT_NUMBER += MISTYPED
# Defects that put another valid number where the person's own belongs.
OTHER_NUMBER = ["second_number", "number_of_nobody", "one_number_of_many", "passport_renewed"]
# The slot of the person a row is about, where it is not called that.
MAIN = {"F02": "landlord", "F24": "applicant", "F30": "owner"}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Settings:
    """Two days of a five-hundredth of the district, landed."""
    settings = Settings(data=tmp_path_factory.mktemp("house"))
    simulate(scale=0.002, seed=1, as_of=AS_OF, days=2, out=settings.root)
    key = load_key(settings.key_path, must_exist=False)
    for contract in load_contracts(settings.contracts).values():
        land_feed(settings, contract, key, AS_OF)
    return settings


@pytest.fixture(scope="module")
def statuses(house) -> dict[str, list[Status]]:
    contracts = load_contracts(house.contracts)
    return {feed: judge(c, read_receipts(house.lake, feed), [], AS_OF) for feed, c in contracts.items()}


def lake_rows(house: Settings, name: str, columns: list[str]) -> pl.DataFrame:
    """The files `name` of all deliveries with their place, only those with rows."""
    frames = []
    for path in sorted(house.lake.rglob(name)):
        feed, day, number = path.parts[-4:-1]
        placed = [
            pl.lit(feed).alias("feed"),
            pl.lit(date.fromisoformat(day)).alias("business_on"),
            pl.lit(number).alias("delivery"),
        ]
        frames.append(pl.read_parquet(path).select(*placed, *columns))
    return pl.concat(frames)


@pytest.fixture(scope="module")
def planted(house) -> pl.DataFrame:
    return pl.read_parquet(house.vault / "truth" / "dirt.parquet").with_columns(pl.col("line").cast(pl.Int32))


@pytest.fixture(scope="module")
def quarantine(house) -> pl.DataFrame:
    paths = sorted((house.vault / "quarantine").rglob("*.parquet"))
    return pl.concat([pl.read_parquet(path) for path in paths]).rename({"date": "business_on"})


@pytest.fixture(scope="module")
def duplicates(house) -> pl.DataFrame:
    return lake_rows(house, DUPLICATES, ["file", "line", "reason"])


def differences(expected: pl.DataFrame, found: pl.DataFrame) -> tuple[list, list]:
    missed = expected.join(found, on=ON, how="anti").select(*ON, "dirt").rows()
    return missed, found.join(expected, on=ON, how="anti").select(ON).rows()


def test_every_delivery_reconciles_and_is_accepted(statuses):
    assert sum(len(of_feed) for of_feed in statuses.values()) >= 12
    for of_feed in statuses.values():
        assert of_feed and all(s.delivered == s.accepted + s.quarantined + s.duplicate > 0 for s in of_feed)
        assert [s for s in of_feed if s.state != "accepted"] == []


def test_no_planted_error_passes_and_no_clean_row_is_held(planted, quarantine):
    assert differences(planted.filter(expect="quarantine"), quarantine) == ([], [])


def test_repeated_rows_are_exactly_those_planted(planted, duplicates):
    assert differences(planted.filter(expect="duplicate"), duplicates) == ([], [])


def test_the_broken_rule_points_at_the_planted_column(planted, quarantine):
    both = planted.filter(expect="quarantine").join(quarantine, on=ON)
    assert both.select("feed", "dirt").n_unique() >= 20
    for dirt, column, columns, rules in both.select("dirt", "column", "columns", "rules").iter_rows():
        if rules[0].split(".")[1] == "row":
            continue  # a row that does not fit its header has no columns to point at
        assert any(name.startswith(column) for name in columns), (dirt, column, columns)


def test_every_reason_is_said_in_both_languages_and_quotes_no_value(quarantine):
    for rules, zh, en, raw in quarantine.select("rules", "messages_zh", "messages_en", "raw").iter_rows():
        assert len(rules) == len(zh) == len(en) >= 1
        numbers = [word for word in raw.replace('"', " ").split() if len(word) >= 15 and word[:6].isdigit()]
        assert not any(number in " ".join(zh + en) for number in numbers)


def test_dirt_to_live_with_is_read_and_what_could_not_be_read_is_flagged(house, planted):
    rows = lake_rows(house, ROWS, [pl.col("_file").alias("file"), pl.col("_line").alias("line"), "_dq"])
    accepted = planted.filter(expect="accept").join(rows, on=ON, how="left")
    assert accepted["_dq"].null_count() == 0, "every row planted to be accepted was accepted"
    flagged = {dirt: any(dq) for dirt, dq in accepted.group_by("dirt").agg(pl.col("_dq").list.len() > 0).iter_rows()}
    must = ["marital_out_of_code", "education_out_of_code", "year_of_two_digits", "address_cut_in_character"]
    must += ["head_not_member", "need_in_free_words", "guardian_is_patient", "employer_short_name"]
    must += ["number_wrong_check", "number_missing", "no_number", "number_masked", "temporary_without_number"]
    must += ["number_as_numeric_cell", "infant_under_guardian"]
    must_not = ["old_number_15", "lower_case_x", "full_width_number", "sex_in_words", "area_with_unit"]
    must_not += ["count_in_words", "reissue_suffix", "spaces_in_number", "birth_month_only", "last_paid_zero"]
    must_not += ["level_in_words", "status_as_letter", "yuan_for_fen", "dose_in_words", "vaccine_synonym"]
    must_not += ["birth_day_first", "nation_in_other_words", "enlisted_season", "time_in_milliseconds"]
    must_not += ["null_as_word", "risk_not_rated", "days_in_words", "parity_zero", "bar_in_remark", "result_spelling"]
    assert {d for d in must if not flagged[d]} == set()
    assert {d for d in must_not if flagged[d]} == set()


def test_no_row_is_flagged_of_which_the_truth_knows_nothing(house, planted):
    odd = pl.read_parquet(house.vault / "truth" / "odd.parquet").with_columns(pl.col("line").cast(pl.Int32))
    rows = lake_rows(house, ROWS, [pl.col("_file").alias("file"), pl.col("_line").alias("line"), "_dq"])
    flagged = rows.filter(pl.col("_dq").list.len() > 0)
    unexplained = flagged.join(planted, on=ON, how="anti").join(odd, on=ON, how="anti")
    assert flagged.height > 100 and unexplained.rows() == []


def test_a_number_that_cannot_be_used_leaves_no_person_but_what_it_tells(house, planted):
    key = load_key(house.key_path, must_exist=True)
    contracts = load_contracts(house.contracts)
    persons = pl.read_parquet(house.vault / "truth" / "persons.parquet").select("person_uid", "told_by")
    truth = pl.read_parquet(house.vault / "truth" / "rows.parquet").with_columns(pl.col("line").cast(pl.Int32))
    changed = pl.read_parquet(house.vault / "truth" / "identity.parquet").filter(kind="number")
    persons = persons.join(changed, on="person_uid", how="anti")
    repaired = seen = 0
    for feed, contract in contracts.items():
        linked = [c for c in contract.columns if c.is_linked and c.required]
        mistyped = planted.filter(pl.col("dirt").is_in(MISTYPED), feed=feed, expect="accept")
        if not linked or mistyped.is_empty():
            continue
        name = linked[0].name
        columns = [f"{name}{part}" for part in ("_id", "_candidates", "_stated_birth_on", "_mask_key")]
        frames = [
            pl.read_parquet(path).select(
                pl.lit(date.fromisoformat(path.parts[-3])).alias("business_on"),
                pl.lit(path.parts[-2]).alias("delivery"),
                pl.col("_file").alias("file"),
                pl.col("_line").alias("line"),
                *columns,
            )
            for path in sorted((house.lake / feed).rglob(ROWS))
        ]
        rows = mistyped.join(pl.concat(frames), on=ON[1:], how="left")
        assert rows[columns[0]].null_count() == rows.height, feed
        assert rows[columns[3]].null_count() == rows.height, "nothing was masked"
        told = rows.join(truth.filter(slot=MAIN.get(feed, "person")), on=ON).join(persons, on="person_uid")
        for guesses, number in told.select(columns[1], "told_by").iter_rows():
            seen += 1
            repaired += pseudonym(key, "person", number) in guesses
    assert seen > 20 and repaired == seen, "the true number is always among the candidates"


def test_every_person_has_the_pseudonym_of_the_true_number(house, planted):
    key = load_key(house.key_path, must_exist=True)
    persons = pl.read_parquet(house.vault / "truth" / "persons.parquet").select("person_uid", "told_by")
    truth = pl.read_parquet(house.vault / "truth" / "rows.parquet").with_columns(pl.col("line").cast(pl.Int32))
    unusable = planted.filter(pl.col("dirt").is_in(WITHOUT_NUMBER + OTHER_NUMBER))
    changed = pl.read_parquet(house.vault / "truth" / "identity.parquet").filter(kind="number")
    persons = persons.join(changed, on="person_uid", how="anti")
    for feed, person in (
        ("B01", "person_id"),
        ("F01", "person_id"),
        ("F03", "person_id"),
        ("F02", "landlord_id"),
        ("F08", "person_id"),
        ("F11", "person_id"),
        ("F05", "person_id"),
        ("F07", "person_id"),
        ("F09", "person_id"),
        ("F10", "person_id"),
        ("F12", "person_id"),
        ("F14", "person_id"),
        ("F18", "person_id"),
    ):
        paths = sorted((house.lake / feed).rglob(ROWS))
        rows = pl.read_parquet(paths[0]).select(pl.col("_file").alias("file"), pl.col("_line").alias("line"), person)
        day, number = date.fromisoformat(paths[0].parts[-3]), paths[0].parts[-2]
        mine = truth.filter(feed=feed, business_on=day, delivery=number, slot=MAIN.get(feed, "person")).join(
            unusable, on=ON, how="anti"
        )
        both = mine.join(rows, on=["file", "line"]).join(persons, on="person_uid").filter(pl.col("told_by") != "")
        assert both.height > 5 and both[person].null_count() == 0
        expected = [pseudonym(key, "person", number) for number in both["told_by"].head(200)]
        assert both[person].head(200).to_list() == expected, feed


def test_no_identity_number_is_in_the_lake_or_on_a_page(house, statuses):
    contracts = load_contracts(house.contracts)
    for feed in ("B01", "F06"):
        verdicts = judge_batches(house, contracts[feed], statuses[feed])
        assert verdicts and all(v.page.exists() for v in verdicts)
    numbers = set(pl.read_parquet(house.vault / "truth" / "persons.parquet")["cert_no"]) - {""}
    names = set(pl.read_parquet(house.vault / "truth" / "persons.parquet")["name"])
    for path in [*house.lake.rglob("*.parquet")]:
        frame = pl.read_parquet(path)
        texts = frame.select(pl.col(pl.String)).unpivot(value_name="_text")["_text"].drop_nulls()
        assert not numbers.intersection(texts.to_list()), path
        assert not texts.str.contains(r"[0-9]{17}[0-9Xx]").any(), path
    for path in house.quality_docs.rglob("*.html"):
        page = path.read_text("utf-8")
        assert not any(number in page for number in numbers) and not any(f">{name}<" in page for name in names)


def test_pages_are_made_once_load_nothing_and_speak_of_no_person(house, statuses, monkeypatch):
    contracts = load_contracts(house.contracts)
    verdicts = judge_batches(house, contracts["F08"], statuses["F08"])
    page = verdicts[0].page.read_text("utf-8")
    assert verdicts[0].page.relative_to(house.quality_docs).parts[0] == "F08" and verdicts[0].expectations >= 5
    assert "http" not in page and "<script" not in page and "<link" not in page
    looked = looked_at(contracts["F08"])
    assert not {
        "name",
        "person_id",
        "person_cert_masked",
        "hukou_address",
        "guardian_phone",
        "kind_code",
        "services",
    } & set(looked)
    monkeypatch.setattr("pipelines.feeds.expectations._validate", None)
    assert judge_batches(house, contracts["F08"], statuses["F08"]) == verdicts


def test_two_days_alike_meet_every_expectation(house, statuses):
    contracts = load_contracts(house.contracts)
    verdicts = judge_batches(house, contracts["B01"], statuses["B01"])
    assert len(verdicts) == 2 and all(v.success for v in verdicts), verdicts
    assert verdicts[1].expectations > verdicts[0].expectations, "the second day is compared with the first"
