"""People who are easily taken for each other: twins, namesakes next door, and telephones that are not one's own.

Changes a finished table of people and nothing else about them; counts are for the whole district.
"""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins, numbers
from pipelines.simulate.households import SINGLE
from pipelines.simulate.relations import SELF
from pipelines.simulate.seeds import shares, stream

_NAMESAKES, _WORKERS, _ELDERS = 60, 25, 30
_NEXT_DOOR = 40  # dwellings: about the houses of a lane
_FAMILY_PHONE = 0.35
_TWIN_ENDS = "杰洁涛敏"


def arrange(people: pl.DataFrame, seed: int, scale: float, day: date) -> pl.DataFrame:
    """The people with twins named alike, namesakes born on one day next door, and shared telephones."""
    people = _namesakes(_twins(people), seed, scale, day)
    return _phones(people, seed, scale, day)


def _twins(people: pl.DataFrame) -> pl.DataFrame:
    """Brothers and sisters born on one day bear names that differ in the last character only."""
    parent = np.where(people["mother"].to_numpy() >= 0, people["mother"].to_numpy(), people["father"].to_numpy())
    rows = np.flatnonzero(parent >= 0)
    birth = people["birth"].to_numpy()
    rows = rows[np.lexsort((birth[rows], parent[rows]))]
    first, second = rows[:-1], rows[1:]
    same = (parent[first] == parent[second]) & (birth[first] == birth[second])
    pairs = np.flatnonzero(same)
    chosen = pairs[np.diff(pairs, prepend=-2) > 1]  # of three born on one day the first two
    first, second = first[chosen], second[chosen]
    named = people["name"].gather(first).to_list()
    like = [_like(name, other) for name, other in zip(named, people["name"].gather(second).to_list(), strict=True)]
    return people.with_columns(people["name"].scatter(second, pl.Series(like, dtype=pl.String)))


def _like(name: str, other: str) -> str:
    if len(name) != 3 or not name.isalpha():
        return other
    return name[:2] + next(end for end in _TWIN_ENDS if end != name[2])


def _namesakes(people: pl.DataFrame, seed: int, scale: float, day: date) -> pl.DataFrame:
    """People of one age and sex in neighbouring dwellings get one name and one birthday, each a number of its own."""
    rng = stream(seed, "namesakes")
    birth, sex = people["birth"].to_numpy().copy(), people["sex"].to_numpy()
    home, village, kind = (people[name].to_numpy() for name in ("dwelling", "village", "kind"))
    alone = (people["place"] == SINGLE).to_numpy() & (people["spouse"] < 0).to_numpy()
    fit = (home >= 0) & (people["cert_kind"] == "111").to_numpy() & people["alive"].to_numpy() & (kind != 3)
    age = days.ages(birth, day)
    rows = np.flatnonzero(fit & (age >= 18))
    rows = rows[np.argsort(home[rows], kind="stable")]
    wanted = margins.count(_NAMESAKES, scale, 3)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for at in rng.permutation(len(rows)).tolist():
        if len(pairs) == wanted:
            break
        one = int(rows[at])
        if one in taken:
            continue
        for two in rows[at + 1 : at + 1 + _NEXT_DOOR].tolist():
            near = 0 < home[two] - home[one] <= _NEXT_DOOR and village[two] == village[one]
            if near and alone[two] and two not in taken and sex[two] == sex[one] and age[two] == age[one]:
                pairs[two] = one
                taken |= {one, two}
                break
    second, first = np.array(list(pairs), dtype=np.int64), np.array(list(pairs.values()), dtype=np.int64)
    birth[second] = birth[first]
    citizens = people.filter(pl.col("cert_kind") == "111")["cert_no"]
    known = np.sort(citizens.str.slice(0, 17).cast(pl.Int64).to_numpy())
    province = people["division"].to_numpy()[second] // 10_000
    fresh = numbers.citizen_numbers(numbers.citizen_bodies(rng, province, birth[second], sex[second], known))
    arrived = np.where(
        people["arrived"].to_numpy() > days.NONE, np.maximum(people["arrived"].to_numpy(), birth), days.NONE
    )
    return people.with_columns(
        pl.Series("birth", birth),
        pl.Series("arrived", arrived.astype(np.int32)),
        people["name"].scatter(second, people["name"].gather(first)),
        people["surname"].scatter(second, people["surname"].gather(first)),
        people["cert_no"].scatter(second, fresh),
    )


def _phones(people: pl.DataFrame, seed: int, scale: float, day: date) -> pl.DataFrame:
    """Children and elders share the telephone of the household's head, some elders that of the village's worker."""
    mobile = people["mobile"]
    has = (mobile != "").to_numpy()
    household, village = people["household"].to_numpy(), people["village"].to_numpy()
    age = days.ages(people["birth"].to_numpy(), day)
    head_of = np.full(int(household.max()) + 1, -1, dtype=np.int64)
    heads = np.flatnonzero((household >= 0) & (people["relation"] == SELF).to_numpy() & has)
    head_of[household[heads]] = heads
    head = np.where(household >= 0, head_of[np.maximum(household, 0)], -1)
    shared = shares(seed, "phone.family", people["uid"].to_numpy()) < _FAMILY_PHONE
    rows = np.flatnonzero(shared & has & (head >= 0) & ((age < 16) | (age >= 70)))
    mobile = mobile.scatter(rows, mobile.gather(head[rows]))

    rng = stream(seed, "phone.workers")
    old = np.flatnonzero((age >= 70) & (village >= 0) & people["alive"].to_numpy())
    workers = np.flatnonzero((people["work"] == 3).to_numpy() & has & (village >= 0))
    for _ in range(margins.count(_WORKERS, scale, 1)):
        if len(old) == 0 or len(workers) == 0:
            break
        place = village[rng.choice(old)]
        elders = old[village[old] == place][:_ELDERS]
        mobile = mobile.scatter(elders, pl.repeat(mobile[int(rng.choice(workers))], len(elders), eager=True))
    return people.with_columns(mobile.alias("mobile"))
