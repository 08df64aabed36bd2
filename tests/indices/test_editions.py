"""Editions: which is in force, frozen ones that were changed, and series of dates under one edition."""

from datetime import date

import polars as pl
import pytest

from pipelines.indices.build import build
from pipelines.indices.editions import LOCK, changes, find_editions, fingerprint, freeze, read_lock, series
from pipelines.indices.load import load_spec, parse_spec
from pipelines.indices.problems import DataError, SpecError
from tests.indices.conftest import flat, table

TEXT = """index: {index}
edition: "{edition}"
valid_from: "{start}"
name: 名称
nodes: [{{code: R}}]
indicators:
  - {{code: x, parent: R, name: 甲, direction: more, goalposts: [0, {high}]}}
"""


def _write(folder, name: str, **values) -> None:
    (folder / name).write_text(
        TEXT.format(**{"index": "i", "edition": "1", "start": "2026-01-01", "high": 10, **values})
    )


def test_the_latest_edition_not_after_the_date_is_in_force(tmp_path):
    _write(tmp_path, "old.yml")
    _write(tmp_path, "new.yml", edition="2", start="2027-01-01", high=20)
    _write(tmp_path, "other.yml", index="j")
    found = {e.spec.index: e.spec.edition for e in find_editions(tmp_path, date(2026, 10, 31))}
    assert found == {"i": "1", "j": "1"}
    assert {e.spec.index: e.spec.edition for e in find_editions(tmp_path, date(2027, 1, 1))} == {"i": "2", "j": "1"}
    assert find_editions(tmp_path, date(2025, 1, 1)) == []


def test_both_editions_are_in_force_while_they_overlap(tmp_path):
    _write(tmp_path, "old.yml")
    _write(tmp_path, "new.yml", edition="2", start="2025-01-01", high=20)

    def given(name: str, line: str) -> None:
        path = tmp_path / name
        path.write_text(path.read_text().replace("name:", f"{line}\nname:", 1))

    # A later beginning wins until the newer method says that it supersedes the older and covers the past as well.
    assert [e.spec.edition for e in find_editions(tmp_path, date(2026, 6, 1))] == ["1"]
    given("new.yml", 'supersedes: "1"')
    assert [e.spec.edition for e in find_editions(tmp_path, date(2026, 6, 1))] == ["2"]
    given("old.yml", 'valid_to: "2026-12-31"')
    assert sorted(e.spec.edition for e in find_editions(tmp_path, date(2026, 6, 1))) == ["1", "2"]
    assert [e.spec.edition for e in find_editions(tmp_path, date(2027, 1, 1))] == ["2"]
    given("old.yml", 'valid_from: "soon"')
    with pytest.raises(SpecError, match="stands twice"):
        find_editions(tmp_path, date(2026, 6, 1))
    _write(tmp_path, "old.yml", start="soon")
    with pytest.raises(SpecError, match="old.yml:3: 'valid_from': 'soon' is no date"):
        find_editions(tmp_path, date(2026, 6, 1))


def test_one_edition_stands_in_one_file(tmp_path):
    _write(tmp_path, "a.yml")
    _write(tmp_path, "b.yml", high=20)
    with pytest.raises(SpecError, match="also declared in a.yml"):
        find_editions(tmp_path, date(2026, 10, 31))


def test_a_frozen_edition_cannot_change_its_method_but_its_words_can(tmp_path):
    _write(tmp_path, "a.yml")
    mark = fingerprint(load_spec(tmp_path / "a.yml"))
    (tmp_path / LOCK).write_text(f'"i 1": {mark}\n')
    assert len(find_editions(tmp_path, date(2026, 10, 31))) == 1
    renamed = (tmp_path / "a.yml").read_text().replace("甲", "乙")
    (tmp_path / "a.yml").write_text(renamed)
    assert len(find_editions(tmp_path, date(2026, 10, 31))) == 1
    _write(tmp_path, "a.yml", high=11)
    with pytest.raises(SpecError, match="frozen, but its method changed; give it a new edition"):
        find_editions(tmp_path, date(2026, 10, 31))


def test_freezing_writes_the_lock_once(tmp_path):
    _write(tmp_path, "a.yml")
    mark = freeze(tmp_path, "i", "1")
    assert freeze(tmp_path, "i", "1") == mark and read_lock(tmp_path) == {"i 1": mark}
    with pytest.raises(DataError, match="no specification"):
        freeze(tmp_path, "i", "9")
    _write(tmp_path, "a.yml", high=12)
    with pytest.raises(SpecError, match="frozen with another method"):
        freeze(tmp_path, "i", "1")


def test_the_fingerprint_follows_everything_that_changes_a_number():
    base = TEXT.format(index="i", edition="1", start="2026-01-01", high=10)
    marks = {fingerprint(parse_spec(base))}
    assert fingerprint(parse_spec(base.replace('valid_from: "2026-01-01"', 'valid_to: "2030-01-01"'))) in marks
    for old, new in (("direction: more", "direction: less"), ("[0, 10]", "[0, 9]"),
                     ("{code: R}", "{code: R, availability: 1/2}"),
                     ("nodes:", "conventions: {sd: population}\nnodes:")):  # fmt: skip
        marks.add(fingerprint(parse_spec(base.replace(old, new))))
    assert len(marks) == 5
    for words in ("name: 丙", "note: 丁", "source: [B01, F02]", "unit: 个"):
        assert fingerprint(parse_spec(base.replace("name: 甲", words))) in marks
    # What a report hides and which rows of other indices a table may hold change no number.
    for top in ("publish: {open: [x]}", "table: {others: ignore}"):
        changed = base.replace("nodes:", f"{top}\nnodes:")
        assert fingerprint(parse_spec(changed)) in marks
    # What is written out and equals the default is the same method; a reference unit is not words.
    assert fingerprint(parse_spec(base.replace("nodes:", "conventions: {sd: sample}\nnodes:"))) in marks
    references = {
        fingerprint(
            parse_spec(base.replace("goalposts: [0, 10]", f"normalise: {{method: ratio, reference: {{unit: {u}}}}}"))
        )
        for u in ("a", "b")
    }
    assert len(references) == 2
    assert all(len(mark) == 64 and mark.isalpha() for mark in marks)


def test_dates_under_one_edition_are_comparable():
    made = parse_spec(TEXT.format(index="i", edition="1", start="2026-01-01", high=10))
    dates = {"2025-10-31": table(x=[2.0, 4.0]), "2026-10-31": table(x=[4.0, 4.0])}
    result = series(made, dates)
    alone = build(made, dates["2026-10-31"]).scores().sort("area_code")["score"].to_list()
    together = result.scores().filter(pl.col("period") == "2026-10-31").sort("area_code")["score"].to_list()
    assert alone == together
    found = (
        changes(result).filter((pl.col("period") == "2026-10-31") & (pl.col("area_code") == "u0")).row(0, named=True)
    )
    assert found["change"] == pytest.approx(20) and found["change_pct"] == pytest.approx(100)
    assert found["yearly_growth_pct"] == pytest.approx(100, abs=0.2) and found["rank_change"] == -1
    soon = changes(series(made, {"2026-10-29": table(x=[2.0, 4.0]), **dates}))
    assert soon.filter(pl.col("period") == "2026-10-31")["yearly_growth_pct"].is_not_null().all()
    days = {"2026-10-29": table(x=[2.0, 4.0]), "2026-10-31": table(x=[4.0, 4.0])}
    assert changes(series(made, days))["yearly_growth_pct"].is_null().all()
    with pytest.raises(DataError, match="at least one date"):
        series(made, {})


def test_growth_of_numbered_and_named_periods():
    for periods in (["2001", "2003"], ["first", "second"]):
        frame = pl.DataFrame({"unit": ["a", "a"], "period": periods, "x": [4.0, 9.0]})
        found = changes(build(flat("x", head="table: {period: period}"), frame)).filter(pl.col("period") == periods[1])
        expected = 50.0 if periods[0] == "2001" else 125.0
        assert found["yearly_growth_pct"].item() == pytest.approx(expected)
