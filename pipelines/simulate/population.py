"""The people of the first day as one table, and the dwellings they live in.

Puts together what the other modules draw: residents, households, homes, hukou, names, numbers, traits. The table's
columns are listed in docs/simulator.md; what changes from day to day is in life.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import (
    alike,
    days,
    dwellings,
    households,
    hukou,
    margins,
    names,
    numbers,
    overseas,
    places,
    relations,
    residents,
    traits,
)
from pipelines.simulate.reference import Reference
from pipelines.simulate.seeds import stream

_ABSENT = 150_000
_DIED_LAST_YEAR = 4_300
_MIXED_COUPLES = 9_000
_TILT = {0: 0.55, 12: 0.6, 20: 1.1, 30: 1.5, 45: 1.1, 60: 1.0, 80: 0.85, 104: 0.7}
TENURES = {"own": 1, "rent": 2, "dorm": 3, "relative": 4, "shed": 5, "institution": 6, "unknown": 9}
_QINGPU = 310118


@dataclass
class World:
    """State of the synthetic district: one row a person (`uid` = row), one a dwelling, one a village."""

    people: pl.DataFrame
    dwellings: pl.DataFrame
    villages: pl.DataFrame
    reference: Reference
    scale: float
    seed: int


def _absent(
    reference: Reference, scale: float, rng: np.random.Generator
) -> tuple[residents.Residents, households.Households]:
    """Registered in Qingpu, living elsewhere: people and the households they form there."""
    table = margins.single_years(reference.census) * margins.by_age(_TILT, np.arange(margins.OLDEST + 1))
    size = margins.count(_ABSENT, scale)
    counts = margins.scaled(table.reshape(-1), size / table.sum()).reshape(table.shape)
    age = np.concatenate([np.repeat(np.arange(table.shape[1]), row) for row in counts]).astype(np.int16)
    sex = np.repeat(np.array([1, 2], dtype=np.int8), counts.sum(axis=1))
    order = rng.permutation(len(age))
    age, sex = age[order], sex[order]
    people = residents.Residents(
        age, sex, np.ones(len(age), np.int8), residents.marital(age, sex, reference.census, rng)
    )
    few = len(age)
    forms = households.Forms(
        couples=round(0.27 * few),
        three=round(0.02 * few),
        two_parents=round(0.01 * few),
        lone_parents=round(0.02 * few),
    )
    quarters = np.zeros(len(age), dtype=np.int8)
    return people, households.assemble(people, quarters, {residents.REGISTERED: forms}, rng)


def _mix_couples(
    base: residents.Residents, groups: households.Households, scale: float, rng: np.random.Generator
) -> None:
    """Some registered men have wives from elsewhere: these change population type with single women of their age."""
    age = base.age.astype(float)
    wives = (groups.place == households.WIFE) & (base.kind == residents.REGISTERED) & (age < 52) & (groups.spouse >= 0)
    single = (groups.place == households.SINGLE) & (groups.household >= 0) & (base.kind == residents.MIGRANT)
    wives, single = np.flatnonzero(wives), np.flatnonzero(single & (base.sex == 2))
    size = min(margins.count(_MIXED_COUPLES, scale), len(wives), len(single))
    chosen = rng.permutation(wives)[:size]
    other = single[margins.match(age[chosen], age[single])]
    close = np.abs(age[chosen] - age[other]) <= 3
    base.kind[chosen[close]], base.kind[other[close]] = residents.MIGRANT, residents.REGISTERED


def _joined(first: households.Households, second: households.Households) -> households.Households:
    """Two groupings one after the other, rows and households of the second renumbered."""
    rows = len(first.place)

    def moved(name: str, offset: int) -> np.ndarray:
        late = getattr(second, name)
        return np.concatenate([getattr(first, name), np.where(late >= 0, late + offset, -1).astype(np.int32)])

    return households.Households(
        moved("household", first.count),
        np.concatenate([first.place, second.place]),
        np.concatenate([first.collective, second.collective]),
        moved("spouse", rows),
        moved("father", rows),
        moved("mother", rows),
        np.concatenate([first.paternal, second.paternal]),
        first.count + second.count,
    )


def _birth_dates(groups: households.Households, age: np.ndarray, day: date, rng: np.random.Generator) -> np.ndarray:
    """Birth days that fit the ages; siblings of one age are twins, of neighbouring ages at least ten months apart."""
    birth = days.births(day, age, rng)
    parent = np.where(groups.mother >= 0, groups.mother, groups.father)
    rows = np.flatnonzero(parent >= 0)
    rows = rows[np.lexsort((-age[rows], parent[rows]))]
    if len(rows) == 0:
        return birth
    older, younger = rows[:-1], rows[1:]
    same = parent[older] == parent[younger]
    near = same & (age[older] == age[younger] + 1)
    start = days.years_before(day, age + 1) + 1
    birth[older[near]] = start[older[near]] + rng.integers(0, 120, int(near.sum()))
    birth[younger[near]] = start[younger[near]] + rng.integers(100, 365, int(near.sum()))
    twins = same & (age[older] == age[younger])
    for _ in range(3):  # chains of three or four of one age
        birth[younger[twins]] = birth[older[twins]]
    return birth


def build(reference: Reference, scale: float, seed: int, day: date) -> World:
    """The district as it stands at the end of `day`."""
    census, villages = reference.census, reference.villages
    base = residents.draw(census, scale, stream(seed, "residents"))
    rng = stream(seed, "households")
    quarters = households.collective(base, census, scale, rng)
    forms = households.plan(base, quarters, census, scale)
    singles = margins.count(census["一人户数"], scale)
    groups = households.assemble(base, quarters, forms, rng, singles)
    _mix_couples(base, groups, scale, rng)
    away, away_groups = _absent(reference, scale, stream(seed, "absent"))
    living = len(base)
    age = np.concatenate([base.age, away.age])
    sex, kind = np.concatenate([base.sex, away.sex]), np.concatenate([base.kind, away.kind])
    marital = np.concatenate([base.marital, away.marital])
    homes = groups.count
    settlement = places.settle(groups, base.kind, base.age, base.sex, villages, scale, stream(seed, "places"))
    groups = _joined(groups, away_groups)
    relations.settle_lineage(groups)

    rng = stream(seed, "family")
    birth = _birth_dates(groups, age, day, rng)
    head = relations.heads(groups, birth, kind == residents.REGISTERED, rng)
    relation = relations.codes(groups, head, birth, sex, rng)
    pad = np.full(len(away), -1)
    village = np.concatenate([settlement.village, pad]).astype(np.int16)
    dwelling = np.concatenate([settlement.dwelling, pad]).astype(np.int32)
    homes_table = dwellings.build(settlement, villages, stream(seed, "dwellings"))
    tenure, status = _tenure(groups, kind, head, village, dwelling, homes_table, villages, stream(seed, "tenure"))

    family_of, families = _registered_families(groups, kind, head, village, dwelling, homes)
    free = np.flatnonzero(((status == 1) | (status == 2)) & (homes_table["use"] == places.HOME).to_numpy())
    entry = hukou.register(
        family_of, families, relation, birth, sex, free, settlement.dwelling_village,
        villages, census, scale, stream(seed, "hukou"),
    )  # fmt: skip
    frame = pl.DataFrame(
        {
            "uid": np.arange(len(age), dtype=np.int32),
            "sex": sex,
            "birth": birth,
            "kind": kind,
            "marital": traits.marriage_detail(marital, stream(seed, "marriage")),
            "household": groups.household,
            "place": groups.place,
            "collective": groups.collective,
            "relation": np.where(np.arange(len(age)) < living, relation, 0).astype(np.int8),
            "spouse": groups.spouse,
            "father": groups.father,
            "mother": groups.mother,
            "village": village,
            "dwelling": dwelling,
            "hukou_village": entry.village,
            "hukou_dwelling": entry.dwelling,
            "book": entry.book,
            "hukou_relation": entry.relation,
            "empty_hukou": entry.empty,
            "tenure": tenure,
        }
    )
    frame = _with_papers(frame, groups, entry.district, reference, stream(seed, "papers"), stream(seed, "names"))
    frame = _with_traits(frame, age, census, day, stream(seed, "traits"))
    frame = _with_dead(frame, reference, scale, day, stream(seed, "dead"))
    frame = alike.arrange(frame, seed, scale, day)
    return World(frame, homes_table.with_columns(pl.Series("status", status)), villages, reference, scale, seed)


def _tenure(
    groups: households.Households,
    kind: np.ndarray,
    head: np.ndarray,
    village: np.ndarray,
    dwelling: np.ndarray,
    homes: pl.DataFrame,
    villages: pl.DataFrame,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Tenure of each person and status of each dwelling (0 own, 1 let, 2 vacant, 3 lent, 4 business, 5 to go)."""
    pool = kind[head]
    draw = rng.random(groups.count)
    homestead = (homes["kind"] == dwellings.KINDS.index("宅基地")).to_numpy()
    own = np.select([pool == 1, pool == 2], [0.935, 0.095], 0.30)
    at = dwelling[head]
    own = np.where((pool == 2) & (at >= 0) & homestead[np.maximum(at, 0)], 0.004, own)
    code = np.where(draw < own, 1, np.where(draw < own + 0.012, 4, 2))
    tenure = np.where(groups.household >= 0, code[np.maximum(groups.household, 0)], 9)
    building = homes["kind"].to_numpy()[np.maximum(dwelling, 0)]
    shed = np.isin(building, [dwellings.KINDS.index("工棚"), dwellings.KINDS.index("厂房")])
    tenure = np.where(groups.collective == households.DORM, np.where(shed, 5, 3), tenure)
    tenure = np.where(groups.collective == households.INSTITUTION, 6, tenure)
    tenure = np.where(village < 0, 9, tenure).astype(np.int8)
    status = np.full(len(homes), 2, dtype=np.int8)
    inside = np.flatnonzero(dwelling >= 0)
    for value, result in ((4, 3), (1, 0), (2, 1)):  # a dwelling with any renter counts as let
        rows = inside[tenure[inside] == value]
        status[dwelling[rows]] = result
    status[dwelling[inside[np.isin(tenure[inside], (3, 5))]]] = 3
    status[dwelling[inside[tenure[inside] == 6]]] = 4
    vacant = np.flatnonzero(status == 2)
    status[vacant[rng.random(len(vacant)) < 0.03]] = 4
    status[vacant[rng.random(len(vacant)) < 0.02]] = 5
    return tenure, status


def _registered_families(
    groups: households.Households,
    kind: np.ndarray,
    head: np.ndarray,
    village: np.ndarray,
    dwelling: np.ndarray,
    homes: int,
) -> tuple[np.ndarray, hukou.Families]:
    """Family of each registered person for its hukou: its household, or itself where it lives in quarters."""
    family_of = np.where(kind == residents.REGISTERED, groups.household, -1).astype(np.int64)
    lone = np.flatnonzero((kind == residents.REGISTERED) & (groups.household < 0))
    family_of[lone] = groups.count + np.arange(len(lone))
    heads = np.concatenate([head, lone])
    member = family_of >= 0
    size = np.bincount(family_of[member], minlength=len(heads))
    # overseas and migrant households have no registered member: they keep size 0 and are dropped by renumbering
    used = np.flatnonzero(size > 0)
    renumber = np.full(len(heads), -1, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    family_of = np.where(member, renumber[np.maximum(family_of, 0)], -1)
    top = heads[used]
    return family_of, hukou.Families(size[used], top, village[top].astype(np.int64), dwelling[top])


def _with_papers(
    frame: pl.DataFrame,
    groups: households.Households,
    district: np.ndarray,
    reference: Reference,
    rng: np.random.Generator,
    name_rng: np.random.Generator,
) -> pl.DataFrame:
    """Divisions of hukou, identity documents, nationalities and names."""
    kind, sex, birth = (frame[name].to_numpy() for name in ("kind", "sex", "birth"))
    size = len(frame)
    division = np.full(size, _QINGPU, dtype=np.int32)
    family = np.where(groups.household >= 0, groups.household, groups.count + np.arange(size))
    from_far = reference.pick_origins(rng, groups.count + size, shanghai=False)
    from_near = reference.pick_origins(rng, groups.count + size, shanghai=True)
    division = np.where(kind == residents.MIGRANT, from_far[family], division)
    division = np.where(district, from_near[family], division)
    married_in = (groups.place == households.WIFE) & (rng.random(size) < 0.35) & (kind == residents.MIGRANT)
    division = np.where(married_in, reference.pick_origins(rng, size, shanghai=False), division)
    division = np.where(kind == residents.OVERSEAS, 0, division).astype(np.int32)

    cert = pl.Series(["111"]).gather(np.zeros(size, dtype=np.int64))
    nation = pl.Series(["CHN"]).gather(np.zeros(size, dtype=np.int64))
    bodies = np.full(size, 0, dtype=np.int64)
    # an old number keeps the province of birth; here hukou and number agree, as the rules for made-up numbers ask
    chinese = np.flatnonzero(kind != residents.OVERSEAS)
    bodies[chinese] = numbers.citizen_bodies(rng, division[chinese] // 10_000, birth[chinese], sex[chinese])
    number = numbers.citizen_numbers(bodies)
    source = relations.surname_sources(groups)
    surname = names.surnames(reference, name_rng, (kind == residents.REGISTERED) & (division == _QINGPU))
    for _ in range(3):
        surname = surname[source]
    year = numbers.yyyymmdd(birth) // 10_000
    name = names.chinese(reference, name_rng, surname, sex, year)
    few = np.flatnonzero((kind == residents.MIGRANT) & (name_rng.random(size) < 0.003) & (groups.place == 0))
    few = few if len(few) else np.flatnonzero(kind == residents.MIGRANT)[:1]
    name = name.scatter(few, names.minority(reference, name_rng, len(few)))
    guests = np.flatnonzero(kind == residents.OVERSEAS)
    papers = overseas.papers(birth[guests], sex[guests], rng)
    number, cert = number.scatter(guests, papers["number"]), cert.scatter(guests, papers["cert"])
    nation = nation.scatter(guests, papers["nation"])
    western = guests[papers["is_foreign"].to_numpy()]
    name = name.scatter(western, names.latin(reference, name_rng, len(western)))
    return frame.with_columns(
        division=pl.Series(division),
        cert_kind=cert,
        cert_no=number,
        nation=nation,
        name=name,
        surname=pl.Series(surname),
    )


def _with_traits(
    frame: pl.DataFrame, age: np.ndarray, census: dict[str, float], day: date, rng: np.random.Generator
) -> pl.DataFrame:
    """Schooling, work, phone, arrival and the register's own dates."""
    kind, sex, village = (frame[name].to_numpy() for name in ("kind", "sex", "village"))
    size = len(frame)
    edu = np.zeros(size, dtype=np.int8)
    for part in (village >= 0, village < 0):  # the census counts residents only
        edu[part] = traits.schooling(age[part], sex[part], kind[part], census, rng)
    work = traits.occupation(age, sex, kind, edu, census, rng)
    arrived = np.where(kind == 1, days.NONE, traits.past_days(rng, day, size, 2_300, 12_000))
    arrived = np.where(arrived > days.NONE, np.maximum(arrived, frame["birth"].to_numpy()), days.NONE)
    stay = np.select([work == 0, rng.random(size) < 0.09], [0, 2], 1)
    stay = np.where((stay == 0) & (age < 60) & (age >= 6) & (rng.random(size) < 0.35), 4, stay)
    stay = np.where((stay == 0) & (rng.random(size) < 0.85), 3, np.where(stay == 0, 9, stay))
    verified = traits.past_days(rng, day, size, 120, 1_500)
    seen = traits.past_days(rng, day, size, 210, 2_000)
    entered = np.where(kind == 3, np.minimum(verified + 5, days.number(day) - 1), days.NONE)
    draw = rng.random(size)
    subtype = np.select([draw < 0.45, draw < 0.85, draw < 0.90, draw < 0.99], [0, 210, 211, 212], 200)
    book = np.searchsorted([0.96, 0.99], rng.random(size)) + 1
    return frame.with_columns(
        edu=pl.Series(edu),
        work=pl.Series(work),
        arrived=pl.Series(arrived.astype(np.int32)),
        entered=pl.Series(entered.astype(np.int32)),
        stay=pl.Series(np.where(kind == 2, stay, 0).astype(np.int8)),
        subtype=pl.Series(np.where(kind == 2, subtype, 0).astype(np.int16)),
        book_kind=pl.Series(np.where(frame["book"].to_numpy() >= 0, book, 0).astype(np.int8)),
        nature=pl.Series(np.where(kind == 1, 1 + (rng.random(size) < 0.42), 0).astype(np.int8)),
        mobile=traits.mobiles(age, rng),
        mobile_on=pl.Series(np.maximum(seen, frame["birth"].to_numpy())),
        verified=pl.Series(np.maximum(verified, frame["birth"].to_numpy())),
        updated=pl.Series(np.maximum(traits.past_days(rng, day, size, 200, 2_000), frame["birth"].to_numpy())),
        second=pl.Series(rng.integers(0, 86_400, size).astype(np.int32)),
        ethnic=pl.Series(np.where(rng.random(size) < 0.0175, rng.integers(2, 57, size), 1).astype(np.int8)),
        alive=pl.Series(np.ones(size, dtype=bool)),
        uncertain=pl.Series((village < 0) & (rng.random(size) < 0.012)),
        died=pl.Series(np.full(size, days.NONE, dtype=np.int32)),
        reported=pl.Series(np.full(size, days.NONE, dtype=np.int32)),
        from_day=pl.Series(np.full(size, days.number(day), dtype=np.int32)),
        until=pl.Series(np.full(size, -days.NONE, dtype=np.int32)),
    )  # fmt: skip


def _with_dead(
    frame: pl.DataFrame, reference: Reference, scale: float, day: date, rng: np.random.Generator
) -> pl.DataFrame:
    """Registered people who died in the past year, whose rows the register still keeps: the spouses of the widowed."""
    widowed = frame.filter((pl.col("marital") == residents.WIDOWED) & (pl.col("book") >= 0) & (pl.col("village") >= 0))
    size = min(margins.count(_DIED_LAST_YEAR, scale, 2), len(widowed))
    chosen = widowed[np.sort(rng.permutation(len(widowed))[:size])]
    today = days.number(day)
    died = today - 2 - np.floor(rng.random(size) * 363).astype(np.int64)
    sex = 3 - chosen["sex"].to_numpy()
    birth = chosen["birth"].to_numpy() - np.rint(rng.normal(np.where(sex == 1, 2, -2) * 365, 900)).astype(np.int64)
    birth = np.maximum(birth, days.years_before(day, np.array([103]))[0])
    taken = np.sort(frame.filter(pl.col("cert_kind") == "111")["cert_no"].str.slice(0, 17).cast(pl.Int64).to_numpy())
    bodies = numbers.citizen_bodies(rng, np.full(size, 31), birth, sex, taken)
    year = numbers.yyyymmdd(birth) // 10_000
    surname = names.surnames(reference, rng, np.ones(size, dtype=bool))
    dead = chosen.with_columns(
        uid=pl.Series(np.arange(len(frame), len(frame) + size, dtype=np.int32)),
        sex=pl.Series(sex.astype(np.int8)),
        birth=pl.Series(birth.astype(np.int32)),
        marital=pl.lit(21, dtype=pl.Int8),
        spouse=chosen["uid"],
        father=pl.lit(-1, dtype=pl.Int32),
        mother=pl.lit(-1, dtype=pl.Int32),
        household=pl.lit(-1, dtype=pl.Int32),
        village=pl.lit(-1, dtype=pl.Int16),
        dwelling=pl.lit(-1, dtype=pl.Int32),
        relation=pl.lit(0, dtype=pl.Int8),
        hukou_relation=pl.lit(97, dtype=pl.Int8),
        tenure=pl.lit(9, dtype=pl.Int8),
        division=pl.lit(_QINGPU, dtype=pl.Int32),
        cert_no=numbers.citizen_numbers(bodies),
        name=names.chinese(reference, rng, surname, sex, year),
        surname=pl.Series(surname),
        mobile=pl.lit(""),
        alive=pl.lit(False),
        died=pl.Series(died.astype(np.int32)),
        reported=pl.Series(np.minimum(died + rng.integers(0, 12, size), today).astype(np.int32)),
        updated=pl.Series(np.minimum(died + 12, today - 1).astype(np.int32)),
    )
    return pl.concat([frame, dead])
