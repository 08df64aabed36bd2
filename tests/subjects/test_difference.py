"""A day that is read by its difference from the day before, against the same day read whole."""

import dataclasses
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.feeds.contracts import Contract
from pipelines.subjects.day import Day
from pipelines.subjects.linkage import evidence, kept
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.linkage.difference import differing
from pipelines.subjects.linkage.rules import LinkageRules, load_rules
from tests.subjects.linking import FIRST, Lake, content, crowd, number, resident

DAYS = [FIRST + timedelta(days=n) for n in range(6)]
BORN = date(1953, 7, 14)
NAMES = ("沈阿珍", "周建国", "陆永福", "诸葛无名", "沈阿真", None)


@pytest.fixture(autouse=True)
def learns_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has learnt after the first date: until then everything is read."""

    def few_rows(path: Path) -> LinkageRules:
        rules = load_rules(path)
        return rules.model_copy(update={"training": rules.training.model_copy(update={"least_rows": 10})})

    monkeypatch.setattr(linkage, "load_rules", few_rows)


def whole(before: Path | None, day: Day, out: Path) -> None:
    """The step of linkage where nothing tells what was in use on the date before."""
    linkage.step(before, dataclasses.replace(day, was_in_use={}), out)


class Both:
    """Two lakes of the same deliveries: one is read by differences, the other whole."""

    def __init__(self, root: Path, contracts: dict[str, Contract]):
        self.lakes = (Lake(root / "difference", contracts), Lake(root / "whole", contracts))
        self.deliver("F12", FIRST, [{"name": p["name"], "person_id": p["person_id"]} for p in crowd(20)])

    def deliver(self, feed: str, day: date, rows: list[dict[str, Any]]) -> None:
        for lake in self.lakes:
            lake.deliver(feed, day, rows)

    def table(self, name: str, day: date) -> pl.DataFrame:
        """A table of a date, which must be the same both ways."""
        folder = self.lakes[0].replay(day)
        assert content(folder) == content(self.lakes[1].replay(day, whole))
        return pl.read_parquet(folder / name)

    def doubted(self, day: date) -> set[str]:
        """Numbers that go with several people's names."""
        return set(self.table(linkage.ALIAS, day)["person_key"])


@pytest.fixture
def both(tmp_path: Path, contracts: dict[str, Contract]) -> Both:
    return Both(tmp_path, contracts)


def archive(who: str, name: str | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "person_id": number(who)} | more


def test_a_second_snapshot_is_read_by_its_difference(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, int, bool]] = []
    read_day = evidence.read_day

    def spied(*given: Any, **said: Any) -> Any:
        for part in read_day(*given, **said):
            read.append((part.contract.feed, len(part.rows), part.again is not None))
            yield part

    monkeypatch.setattr(linkage, "read_day", spied)
    base = crowd()
    both.deliver("B01", FIRST, base)
    both.deliver("B01", DAYS[1], [*base[:-1], base[-1] | {"mobile": "13900009999"}])
    both.lakes[0].replay(DAYS[1])
    assert read == [("B01", 40, False), ("B01", 0, False), ("F12", 20, False), ("F12", 0, False), ("F12", 0, False)] + [
        ("B01", 1, True), ("B01", 0, True)
    ]  # fmt: skip


def test_a_number_that_many_used_and_one_keeps(both: Both) -> None:
    people = crowd()
    both.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *people])
    many = [archive("a", p["name"], _file=f"of {i}") for i, p in enumerate(people[:5])]
    both.deliver("F13", FIRST, [*many, archive("a", "沈阿珍"), archive("crowd7", "周七七")])
    assert both.doubted(FIRST) == {number("a"), number("crowd7")}
    rows = both.table(linkage.MENTION_ROW, FIRST)
    assert set(rows["_file"]) == {f"of {i}" for i in range(5)}
    both.deliver("F13", DAYS[1], [many[0], archive("a", "沈阿珍")])  # two names: a suspicion, no crowd
    assert both.doubted(DAYS[1]) == {number("a")}
    assert both.table(linkage.MENTION_ROW, DAYS[1]).is_empty()
    both.deliver("F13", DAYS[2], [archive("a", "沈阿珍")])
    assert both.doubted(DAYS[2]) == set()
    both.deliver("F13", DAYS[3], [archive("a", "沈阿珍"), *many])
    assert both.doubted(DAYS[3]) == {number("a")}
    both.deliver("F13", DAYS[4], [archive("a", "沈阿珍"), *many])  # as before, and its rows are those in use
    rows = both.table(linkage.MENTION_ROW, DAYS[4])
    assert set(rows["business_on"]) == {DAYS[4]}
    assert len(rows) == 5


def test_a_name_is_anothers_once_its_owner_is_renamed(both: Both) -> None:
    told = [archive("a", "沈阿珍")]
    both.deliver("B01", FIRST, [resident("沈阿珍", "a", BORN), *crowd()])
    both.deliver("F13", FIRST, told)
    both.deliver("B01", DAYS[1], [resident("钱大力", "a", BORN), *crowd()])
    assert both.doubted(DAYS[1]) == set()  # the archives have not spoken since
    both.deliver("F13", DAYS[2], told)
    assert both.doubted(DAYS[2]) == {number("a")}
    both.deliver("B01", DAYS[3], [resident("沈阿珍", "a", BORN), *crowd()])
    both.deliver("F13", DAYS[4], told)
    assert both.doubted(DAYS[4]) == set()


def test_a_record_that_moves_between_people(both: Both) -> None:
    first = [resident("沈阿珍", "a", BORN, source_row="R1"), resident("周建国", "b", date(1960, 1, 1), source_row="R2")]
    both.deliver("B01", FIRST, [*first, *crowd()])
    swapped = [resident("沈阿珍", "a", BORN, source_row="R2"), resident("沈阿珍", "c", BORN, source_row="R1")]
    both.deliver("B01", DAYS[1], [*swapped, *crowd()])
    both.deliver("B01", DAYS[2], [*swapped[::-1], *crowd()[::-1]])
    merged = both.table(linkage.HISTORY_FILE, DAYS[2]).filter(pl.col("event") == "merged")
    assert merged.select("person_id", "other_id").rows() == [(number("a"), number("c"))]


@pytest.mark.parametrize("seed", [1, 3])
def test_days_by_difference_are_days_read_whole(both: Both, seed: int) -> None:
    chance = random.Random(seed)
    base = crowd(24)
    for day in DAYS:
        if chance.random() < 0.8:
            for _ in range(chance.randrange(4)):
                i = chance.randrange(len(base))
                base[i] = base[i] | chance.choice([
                    {"name": chance.choice(NAMES)},
                    {"person_id": number(f"crowd{chance.randrange(30)}")},
                    {"source_row": f"Rcrowd{chance.randrange(24)}"},
                    {"res_village_code": f"31011810{chance.randrange(3)}201"},
                ])  # fmt: skip
            chance.shuffle(base)
            both.deliver("B01", day, [row for row in base if chance.random() < 0.97])
        if chance.random() < 0.7:
            rows = [archive(f"crowd{chance.randrange(6)}", chance.choice(NAMES)) for _ in range(14)]
            rows += [{"name": chance.choice(NAMES[:3]), "person_stated_birth_on": BORN} for _ in range(3)]
            both.deliver("F13", day, rows)
        both.table(linkage.KEY, day)


GROUPED = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from("abcde"),
            "record": st.sampled_from(["1", "2", "3", None]),
            "said": st.sampled_from("xy"),
        }
    ),
    max_size=8,
)
SCHEMA = {"key": pl.String, "record": pl.String, "said": pl.String}


@settings(deadline=None)
@given(was=GROUPED, now=GROUPED)
def test_what_is_left_out_stands_in_both_and_alone(was: list[dict[str, str]], now: list[dict[str, str]]) -> None:
    before, after = pl.DataFrame(was, schema=SCHEMA), pl.DataFrame(now, schema=SCHEMA)
    is_other, is_gone = differing(before, after, ["key", "record"])
    assert before.filter(is_gone).rows() == [row for row in before.rows() if row not in after.rows()]
    left, looked_at = after.filter(~is_other), after.filter(is_other)
    assert set(left.rows()) <= set(before.rows())
    for tie in ("key", "record"):
        values = left[tie].drop_nulls()
        assert values.is_unique().all()
        assert not set(values) & {*looked_at[tie], *before.filter(is_gone)[tie]}


def test_what_differs_is_kept_beside_a_base_until_it_is_much(tmp_path: Path) -> None:
    schema = {"key": pl.String, "said": pl.Int64}
    table = pl.DataFrame({"key": [f"k{i:02}" for i in range(40)], "said": [0] * 40}, schema=schema)
    folders = []
    before = None
    for n in range(4):
        out = tmp_path / str(n)
        out.mkdir()
        new = table.clear() if before is None else pl.DataFrame({"key": [f"k{n}0", f"new{n}"], "said": [n, n]})
        table = pl.concat([table.join(new, on="key", how="anti"), new])
        kept.write(before, out, "t.parquet", schema, ["key"], table if before is None else new)
        read = kept.read(out, "t.parquet", schema, ["key"])
        assert read.sort("key").equals(table.sort("key"))
        folders.append(out)
        before = out
    inodes = [(folder / "t.parquet").stat().st_ino for folder in folders]
    assert inodes[0] == inodes[1] == inodes[2] != inodes[3]
    assert kept.read(None, "t.parquet", schema, ["key"]).schema == pl.Schema(schema)
