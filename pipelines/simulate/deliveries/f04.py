"""F04, visits: a daily increment of JSON lines with lists and an object inside.

The first delivery brings a fortnight, later ones the day before.
"""

import json
from datetime import datetime, timedelta

import polars as pl

from pipelines.simulate import numbers
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.files import spoil, told
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import visits

FILE = "zoufang.jsonl"
_FREE = ["想办老年卡", "希望有人陪聊", "家里灯坏了"]


def _milliseconds(text: str) -> str:
    return str(int(datetime.fromisoformat(text).timestamp()) * 1_000)


def _later(text: str) -> str:
    return (datetime.fromisoformat(text) + timedelta(hours=3)).isoformat()


def write(world: World, occasion: Occasion) -> int:
    """Write the visits; returns their rows."""
    frame = visits.build(world, occasion.day, 14 if occasion.first else 1)
    ids = frame["visitId"].str.slice(1).cast(pl.Int64).to_numpy()
    picker = Picker("F04", world.seed, ids, whole=occasion.first)
    known = (frame["uid"] >= 0).to_numpy()
    rows = picker.rows("need_in_free_words")
    words = pl.Series([[_FREE[n % len(_FREE)]] for n in range(len(rows))], dtype=pl.List(pl.String))
    tags = frame["needTags"].to_list()
    for row, free in zip(rows.tolist(), words.to_list(), strict=True):
        tags[row] = [*tags[row], *free]
    picker.plant("need_in_free_words", rows)
    changes = [
        ("number_wrong_check", "personIdNo", known, lambda old, _: numbers.wrong_check(old)),
        ("time_in_milliseconds", "visitTime", None, lambda old, _: _milliseconds(old)),
        ("village_of_nine_digits", "villageCode", None, lambda old, _: old[:9]),
        ("null_as_word", "householdNo", None, lambda old, _: "null"),
    ]
    frame = spoil(frame, picker, changes).with_columns(needTags=pl.Series(tags, dtype=pl.List(pl.String)))
    broken = picker.rows("broken_line")
    picker.plant("broken_line", broken)
    # The second upload stands behind and stays; the first one is what is said again.
    rows = picker.rows("uploaded_twice")
    picker.plant("uploaded_twice", rows)
    again = frame[rows].with_columns(
        updateTime=pl.Series([_later(t) for t in frame["updateTime"].gather(rows)], dtype=pl.String)
    )
    frame = pl.concat([frame, again])
    lines = [json.dumps(_record(row), ensure_ascii=False, separators=(",", ":")) for row in frame.iter_rows(named=True)]
    for row in broken.tolist():
        lines[row] = lines[row][: len(lines[row]) // 2]
    (occasion.folder / FILE).write_text("\n".join([*lines, ""]), encoding="utf-8")
    told(occasion, FILE, picker, 1, frame["uid"].to_numpy())
    occasion.odd("position_in_gcj02", FILE)
    return len(frame)


def _record(row: dict) -> dict:
    """A visit as the interface gives it."""
    moment = row["visitTime"]
    plain = {
        name: row[name] or None
        for name in ("visitId", "villageCode", "householdNo", "addressText", "personIdNo", "visitorAccount")
    }
    return plain | {
        "visitTime": int(moment) if moment.isdigit() else moment,
        "visitType": row["visitType"],
        "meetResult": row["meetResult"],
        "needTags": row["needTags"],
        "content": "例行走访",
        "photos": [f"{row['visitId']}.jpg"],
        "geo": {"lng": row["lng"], "lat": row["lat"]},
        "updateTime": row["updateTime"],
    }
