"""Disability certificates of registered people (behind F08). A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins
from pipelines.simulate.deliveries.common import present
from pipelines.simulate.population import World
from pipelines.simulate.seeds import shares

KINDS = ["视力", "听力", "言语", "肢体", "智力", "精神", "多重"]
_PERSONS = 27_000
_KIND_SHARE = np.array([0.15, 0.13, 0.01, 0.50, 0.09, 0.09, 0.03])
_BY_AGE = {0: 0.1, 10: 0.3, 20: 0.45, 40: 0.8, 55: 1.5, 65: 2.4, 80: 2.2, 104: 1.2}
_GRADES = np.array([0.13, 0.22, 0.31, 0.34])


def build(world: World, day: date) -> pl.DataFrame:
    """One row a certificate, by person: uid, kind 1–7, grade 1–4, issued and end (day numbers), guardian (uid or -1),
    employed ('' when not of working age), subsidies and services as lists of words."""
    today = days.number(day)
    people = present(world, day).filter(
        (pl.col("book") >= 0) & ((pl.col("reported") == days.NONE) | (pl.col("reported") > today))
    )
    every = people["uid"].to_numpy()
    weight = margins.by_age(_BY_AGE, days.ages(people["birth"].to_numpy(), day))
    rank = -np.log(shares(world.seed, "disability.chosen", every) + 1e-12) / weight
    size = min(margins.count(_PERSONS, world.scale, 20), len(every))
    people = people[np.sort(np.argsort(rank, kind="stable")[:size])]
    uid = people["uid"].to_numpy()

    def share(name: str) -> np.ndarray:
        return shares(world.seed, f"disability.{name}", uid)

    age = days.ages(people["birth"].to_numpy(), day)
    kind = 1 + np.searchsorted(np.cumsum(_KIND_SHARE)[:-1], share("kind"))
    grade = 1 + np.searchsorted(np.cumsum(_GRADES)[:-1], share("grade"))
    issued = today - 30 - np.floor(share("issued") * 11.5 * 365).astype(np.int64)
    issued = np.maximum(issued, people["birth"].to_numpy() + 200).clip(max=today - 1)
    mother, father = people["mother"].to_numpy(), people["father"].to_numpy()
    parent = np.where(mother >= 0, mother, father)
    guardian = np.where(
        (age < 18) | np.isin(kind, (5, 6)), np.where(parent >= 0, parent, people["spouse"].to_numpy()), -1
    )
    working = (age >= 16) & (age < 60)
    employed = np.where(working, np.where(people["work"].to_numpy() > 0, "在业", "未就业"), "")
    severe = grade <= 2
    services = [
        ("阳光之家", (kind == 5) & (age >= 16) & (age < 50) & (share("a") < 0.4)),
        ("阳光心园", (kind == 6) & (share("b") < 0.35)),
        ("阳光基地", working & (share("c") < 0.04)),
        ("辅具", np.isin(kind, (1, 2, 4, 7)) & (share("d") < 0.22)),
        ("无障碍改造", np.isin(kind, (1, 4)) & severe & (share("e") < 0.25)),
        ("居家养护", severe & (share("f") < 0.25)),
        ("康复训练", ((age < 18) | (kind == 4)) & (share("g") < 0.18)),
    ]
    subsidies = [("生活补贴", share("h") < 0.10), ("护理补贴", severe & (share("i") < 0.85))]

    def joined(words: list[tuple[str, np.ndarray]]) -> pl.Expr:
        parts = [pl.when(pl.Series(mask)).then(pl.lit(word)) for word, mask in words]
        return pl.concat_list(parts).list.drop_nulls()

    return pl.DataFrame(
        {
            "uid": uid,
            "kind": kind.astype(np.int8),
            "grade": grade.astype(np.int8),
            "issued": issued.astype(np.int32),
            "end": (issued + 3_652).astype(np.int32),
            "guardian": guardian.astype(np.int32),
            "employed": pl.Series(employed.astype(object), dtype=pl.String),
        }
    ).with_columns(subsidies=joined(subsidies), services=joined(services))
