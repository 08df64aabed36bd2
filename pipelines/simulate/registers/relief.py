"""Social-assistance cases of registered households (behind F06). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.deliveries.common import present
from pipelines.simulate.population import World
from pipelines.simulate.seeds import shares

LOW_INCOME, DESTITUTE, BORDERLINE, TEMPORARY = "城乡低保", "特困供养", "低保边缘", "临时救助"
SHEETS = [LOW_INCOME, DESTITUTE, BORDERLINE, TEMPORARY]
_PERSONS = 14_000
_STANDARD = 1_595  # monthly amount a person in 2024; later ones are not known
_CAUSES = ["因病", "因残", "失业", "缺劳力", "因学", "因灾", "其他"]


def build(world: World, day: date) -> pl.DataFrame:
    """One row a member, members of a case together (head first), cases by sheet and village.

    Columns: sheet, case, uid, head (uid), family, covered, relation code, status, decided/stopped/review day numbers,
    cents, cause, village.
    """
    today = days.number(day)
    people = present(world, day).filter(
        (pl.col("book") >= 0) & ((pl.col("reported") == days.NONE) | (pl.col("reported") > today))
    )
    book, uid = people["book"].to_numpy().astype(np.int64), people["uid"].to_numpy()
    age = days.ages(people["birth"].to_numpy(), day)
    found, row, size = np.unique(book, return_inverse=True, return_counts=True)
    oldest = np.zeros(len(found))
    np.maximum.at(oldest, row, age)

    def share(name: str) -> np.ndarray:
        return shares(world.seed, f"relief.{name}", found)

    work = np.bincount(row, weights=people["work"].to_numpy() > 0)
    weight = np.where(work == 0, 2.5, 0.6) * np.where(size <= 4, 1.0, 0.15)
    order = np.argsort(-np.log(share("chosen") + 1e-12) / weight, kind="stable")
    wanted = margins.count(_PERSONS, world.scale, 12)
    chosen = order[: max(int(np.searchsorted(np.cumsum(size[order]), wanted)) + 1, 8)]
    is_case = np.zeros(len(found), dtype=bool)
    is_case[chosen] = True
    draw = share("sheet")
    sheet = np.select([draw < 0.48, draw < 0.80], [0, 2], 3)
    sheet = np.where((size == 1) & (oldest >= 60) & (share("alone") < 0.5), 1, sheet)
    rank = np.argsort(share("chosen")[chosen], kind="stable")
    if len(set(sheet[chosen])) < len(SHEETS):  # a handful of cases still fills every sheet
        sheet[chosen[rank]] = np.arange(len(chosen)) % len(SHEETS)

    stopped = share("stopped") < 0.09
    status = np.where(stopped, "停发", np.where(share("open") < 0.035, "审批中", "在享"))
    decided = today - 20 - np.floor(share("decided") * 1_400).astype(np.int64)
    ended = np.where(stopped, decided + np.floor(share("ended") * (today - decided)).astype(np.int64), days.NONE)
    review = np.where(stopped, days.NONE, today - 25 + np.floor(share("review") * 365).astype(np.int64))
    level = np.select([sheet == 1, sheet == 0, sheet == 2], [1.3, 0.25 + 0.75 * share("level"), 0.2], 0.9)
    cents = np.rint(_STANDARD * level * 10).astype(np.int64) * 10
    member = is_case[row]
    case = row[member]
    head = np.full(len(found), -1, dtype=np.int64)
    by_age = np.argsort(age, kind="stable")
    head[row[by_age]] = uid[by_age]
    named = (people["hukou_relation"] == 2).to_numpy()
    head[row[named]] = uid[named]
    frame = pl.DataFrame(
        {
            "sheet": sheet[case].astype(np.int8),
            "village": people["hukou_village"].to_numpy()[member],
            "case": found[case],
            "uid": uid[member],
            "head": head[case].astype(np.int32),
            "family": size[case],
            "relation": people["hukou_relation"].to_numpy()[member],
            "status": pl.Series(status[case].astype(object), dtype=pl.String),
            "decided": decided[case].astype(np.int32),
            "stopped": ended[case].astype(np.int32),
            "review": review[case].astype(np.int32),
            "cents": np.where(status[case] == "审批中", 0, cents[case]),
            "cause": pl.Series(_CAUSES).gather(np.floor(share("cause")[case] * len(_CAUSES)).astype(np.int64)),
        }
    )
    return frame.sort("sheet", "village", "case", pl.col("uid") != pl.col("head"), "uid")
