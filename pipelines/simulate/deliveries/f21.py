"""F21, mass organisations: a quarterly JSON array; villages by name, roles as people write them."""

import json

import polars as pl

from pipelines.simulate import days, numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NAME, NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import unions

FILE = "qunzuan.json"
_ORG_CODES = {"工会": "GH", "团": "TW", "妇联": "FL", "红十字": "HSZ", "科协": "KX", "关工委": "GGW"}
_ROLES = {
    "会员": "普通会员",
    "干部": "工会干部",
    "执委": "执行委员",
    "代表": "职工代表",
    "志愿者": "志愿服务者",
    "辅导员": "校外辅导员",
}


def snapshot(world: World, occasion: Occasion) -> pl.DataFrame:
    """The clean rows, all text, plus `uid`."""
    frame = unions.build(world, occasion.day)
    people = world.people[frame["uid"].to_numpy()]
    return frame.select(
        "uid",
        "org",
        people["cert_no"].alias("person_id_no"),
        people["name"].alias("name"),
        "role",
        days.text("joined", "%Y-%m-%d").alias("join_date"),
        pl.when("is_hardship").then(pl.lit("1")).otherwise(pl.lit("0")).alias("hardship_flag"),
        "award",
        "household_award",
        ("青浦第" + pl.col("unit").cast(pl.String) + "基层组织").alias("unit"),
        world.villages["name"].gather(frame["village"]).alias("village_name"),
        pl.lit("").alias("remark"),
    )


def write(world: World, occasion: Occasion) -> int:
    """Write the array; returns its members."""
    frame = snapshot(world, occasion)
    picker = Picker("F21", world.seed, frame["uid"].to_numpy())
    frame = files.spoil(
        frame,
        picker,
        [
            ("number_wrong_check", "person_id_no", None, lambda old, _: numbers.wrong_check(old)),
            ("no_number", "person_id_no", None, lambda _, n: ""),
            ("two_villages_of_that_name", "village_name", None, lambda _, n: "建新村"),
            ("role_in_free_text", "role", None, lambda old, _: _ROLES[old]),
            ("organisation_as_code", "org", None, lambda old, _: _ORG_CODES[old]),
        ],
    )
    frame = misidentified(frame, picker, {NUMBER: "person_id_no", NAME: "name"})
    frame = files.repeat(frame, picker)
    text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in frame.drop("uid").iter_rows(named=True))
    (occasion.folder / FILE).write_text(f"[{text}]\n", encoding="utf-8")
    files.told(occasion, FILE, picker, 1, frame["uid"].to_numpy())
    return len(frame)
