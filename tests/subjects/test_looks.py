"""The log of looks: every entry follows the one before, whatever is done to it is found, and no look goes unlogged."""

import json
import threading
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.subjects.show.looks import HEAD, LOG, Look, LookProblem, entries, record, verify


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def look(subject_id: str = "p1", who: str = "王小明") -> Look:
    return Look(who, "auditor", "audit", "person", subject_id, "2026-10-31", "shown", ["age", "sex_code"])


def lines(settings: Settings) -> list[str]:
    return (settings.vault / "looks" / LOG).read_text("utf-8").removesuffix("\n").split("\n")


def rewrite(settings: Settings, rows: list[str]) -> None:
    (settings.vault / "looks" / LOG).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_looks_are_kept_in_order_with_all_that_was_said(settings: Settings) -> None:
    assert verify(settings) == (0, None) and entries(settings) == []
    for number in range(3):
        record(settings, look(f"p{number}"))
    assert verify(settings) == (3, None)
    assert [(e["n"], e["subject_id"], e["who"]) for e in entries(settings)] == [
        (n + 1, f"p{n}", "王小明") for n in range(3)
    ]
    assert entries(settings)[0]["columns"] == ["age", "sex_code"]
    folder = settings.vault / "looks"
    assert [oct(p.stat().st_mode & 0o777) for p in (folder, folder / LOG, folder / HEAD)] == ["0o700", "0o600", "0o600"]


def test_any_change_is_found_and_named(settings: Settings) -> None:
    for number in range(4):
        record(settings, look(f"p{number}"))
    good = lines(settings)
    changed = json.dumps(json.loads(good[1]) | {"who": "别人"}, ensure_ascii=False, sort_keys=True)
    for rows, problem in (
        ([good[0], changed, *good[2:]], "line 2 was changed"),
        ([good[0], *good[2:]], "line 2 does not follow"),
        ([good[1], good[0], *good[2:]], "line 1 does not follow"),
        ([*good, good[3]], "line 5 does not follow"),
        ([*good[:2], "", *good[2:]], "line 3 is no entry"),
        ([*good[:2], "[]", *good[2:]], "line 3 is no entry"),
        (good[:3], "do not fit"),
        ([], "do not fit"),
    ):
        rewrite(settings, rows)
        found = verify(settings)[1]
        assert found is not None and problem in found, (problem, found)
    rewrite(settings, good)
    assert verify(settings) == (4, None)


def test_a_damaged_log_takes_no_more_looks(settings: Settings) -> None:
    record(settings, look())
    record(settings, look())
    rewrite(settings, lines(settings)[:1])
    with pytest.raises(LookProblem, match="do not fit"):
        record(settings, look())
    (settings.vault / "looks" / LOG).unlink()
    assert verify(settings) == (0, "the log is gone, but its head is there")
    with pytest.raises(LookProblem, match="do not fit"):
        record(settings, look())


def test_a_look_cut_off_between_log_and_head_counts(settings: Settings) -> None:
    record(settings, look("p1"))
    head = (settings.vault / "looks" / HEAD).read_text()
    record(settings, look("p2"))
    (settings.vault / "looks" / HEAD).write_text(head)
    record(settings, look("p3"))
    assert verify(settings) == (3, None) and [e["subject_id"] for e in entries(settings)] == ["p1", "p2", "p3"]


def test_half_a_line_is_not_taken_for_a_look(settings: Settings) -> None:
    record(settings, look("p1"))
    path = settings.vault / "looks" / LOG
    path.write_text(path.read_text() + '{"n": 2, "who"', encoding="utf-8")
    with pytest.raises(LookProblem):
        record(settings, look("p2"))
    assert verify(settings)[1] == "line 2 is no entry" and len(entries(settings)) == 1


def test_where_nothing_can_be_logged_nothing_is_shown(settings: Settings) -> None:
    settings.vault.write_text("no folder", encoding="utf-8")
    with pytest.raises(LookProblem, match="nothing is shown"):
        record(settings, look())


def test_looks_at_once_do_not_lose_each_other(settings: Settings) -> None:
    threads = [threading.Thread(target=lambda: [record(settings, look()) for _ in range(5)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(settings) == (30, None)


def test_hostile_names_stay_in_their_entry(settings: Settings) -> None:
    record(settings, look(who='x"}\n{"n": 9, "hash": "0"\u2028\x85'))
    record(settings, look())
    assert verify(settings) == (2, None) and len(lines(settings)) == 2
