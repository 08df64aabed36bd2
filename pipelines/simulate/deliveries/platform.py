"""The platform's own modules: JSON Lines every day (I02 to I11, I13), ledgers as filled-in workbooks (I01).

The first delivery brings everything, later ones what is new or has changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from xlsxwriter import Workbook

from pipelines.simulate import numbers
from pipelines.simulate.deliveries import files
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.deliveries.identity import NUMBER, misidentified
from pipelines.simulate.dirt import Picker
from pipelines.simulate.population import World
from pipelines.simulate.registers import platform

LEDGER, LEDGER_SHEET = "taizhang.xlsx", "台账"
Change = Callable[[str, int], str]


@dataclass(frozen=True)
class Module:
    """One module: its file, its records and its own defects (name, column, change) beside those all have."""

    file: str
    build: Callable[[World, date, bool], pl.DataFrame]
    defects: tuple[tuple[str, str, Change], ...] = ()


def _former(old: str, _: int) -> str:
    return f"{old[:9]}999"


def _early(_: str, n: int) -> str:
    return "2019-01-01 08:00:00"


def _test(_: str, n: int) -> str:
    return "测试数据"


MODULES = {
    "I02": Module("mobil.jsonl", platform.mobilisation, (("read_before_sent", "readAt", _early),)),
    "I03": Module("forum.jsonl", platform.forum, (("unknown_village", "village", _former),)),
    "I04": Module(
        "report.jsonl",
        platform.reports,
        (("closed_before_created", "closedAt", _early), ("test_category", "category", _test)),
    ),
    "I05": Module("mediation.jsonl", platform.mediation, (("closed_before_applied", "closedAt", _early),)),
    "I06": Module(
        "volunteer.jsonl", platform.volunteers, (("hours_impossible", "yearHours", lambda old, _: f"9{old}99"),)
    ),
    "I07": Module("vendor.jsonl", platform.vendor, (("served_before_booked", "servedAt", _early),)),
    "I08": Module("points.jsonl", platform.points, (("negative_balance", "balance", lambda old, _: f"-{old}1"),)),
    "I09": Module("account.jsonl", platform.accounts, (("unknown_kind", "kind", _test),)),
    "I10": Module("groupbuy.jsonl", platform.group_buying, (("negative_amount", "amount", lambda old, _: f"-{old}"),)),
    "I11": Module("need.jsonl", platform.special_needs, (("unknown_village", "village", _former),)),
    "I13": Module(
        "code.jsonl", platform.codes, (("impossible_time", "printedAt", lambda old, _: old.replace(":", "-")),)
    ),
}


def _spoilt(
    frame: pl.DataFrame, picker: Picker, number: str, defects: tuple[tuple[str, str, Change], ...]
) -> pl.DataFrame:
    known = (frame[number] != "").to_numpy()
    changes: list[files.Change] = [("number_wrong_check", number, known, lambda old, _: numbers.wrong_check(old))]
    changes += [(name, column, (frame[column] != "").to_numpy(), change) for name, column, change in defects]
    frame = misidentified(files.spoil(frame, picker, changes), picker, {NUMBER: number})
    return files.repeat(frame, picker)


def writer(feed: str) -> Callable[[World, Occasion], int]:
    """The function that writes a module's deliveries and returns their rows."""
    module = MODULES[feed]

    def write(world: World, occasion: Occasion) -> int:
        frame = module.build(world, occasion.day, occasion.first)
        picker = Picker(feed, world.seed, frame["row"].to_numpy(), whole=occasion.first)
        frame = _spoilt(frame, picker, "idNo", module.defects)
        frame.drop("row", "uid").write_ndjson(occasion.folder / module.file)
        files.told(occasion, module.file, picker, 1, frame["uid"].to_numpy())
        return len(frame)

    return write


def ledger(world: World, occasion: Occasion) -> int:
    """Write the ledgers' new entries as a workbook; returns its rows."""
    frame = platform.ledger(world, occasion.day, occasion.first)
    picker = Picker("I01", world.seed, frame["row"].to_numpy(), whole=occasion.first)
    unknown = ("unknown_village", "居村委", lambda _, n: "新光明村村委会")
    frame = _spoilt(frame, picker, "身份证号", (unknown,))
    with Workbook(occasion.folder / LEDGER, {"in_memory": True}) as book:
        book.set_properties({"created": files.CREATED, "author": "居村委"})
        first = files.sheet(
            book, LEDGER_SHEET, frame, frame.columns[2:], title=f"台账填报({occasion.day:%Y年%m月%d日})"
        )
    told = np.asarray(frame["uid"].to_numpy())
    files.told(occasion, f"{LEDGER}#{LEDGER_SHEET}", picker, first, told)
    return len(frame)
