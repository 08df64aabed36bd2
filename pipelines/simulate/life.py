"""What a day changes in people's lives: births, deaths and their late reporting, weddings, divorces, corrections.

`next_day` lets one day pass; arrivals and moves are in movement. Rates are events a day in the whole district; at small
scales each kind happens at least once a day, so that a short simulation shows them all.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days, margins, movement, names, numbers
from pipelines.simulate.households import CHILD, HUSBAND, SINGLE, WIFE
from pipelines.simulate.ledger import Ledger
from pipelines.simulate.population import World
from pipelines.simulate.registers import leases
from pipelines.simulate.relations import NON_RELATIVE, SELF
from pipelines.simulate.residents import MARRIED, MIGRANT, NEVER, REGISTERED, WIDOWED
from pipelines.simulate.seeds import shares

_BIRTHS, _DEATHS, _WEDDINGS, _DIVORCES = 19, 14, 9, 5
_NEW_NUMBERS = 2
_VISITS, _NEW_MOBILES, _SCHOOLING, _RENAMED, _SMOKE_ALARMS = 4_200, 600, 25, 4, 60
_LATEST_REPORT = 9  # days until a death is known to the register
_FORGOTTEN = 400  # days after which the row of a dead person leaves the register
_DEATH_BY_AGE = {0: 0.002, 1: 0.0002, 40: 0.001, 60: 0.007, 70: 0.018, 80: 0.055, 90: 0.16, 104: 0.45}
_HIGHER = {61: 31, 71: 61, 31: 21, 81: 71, 41: 31}
# what a child is to the head, by what its parent is: (son, daughter)
_CHILD_OF = {
    1: (20, 30),
    2: (20, 30),
    11: (20, 30),
    12: (20, 30),
    20: (41, 42),
    21: (41, 42),
    22: (41, 42),
    23: (41, 42),
}
_CHILD_OF |= {
    24: (41, 42),
    25: (41, 42),
    38: (41, 42),
    28: (43, 44),
    30: (43, 44),
    31: (43, 44),
    32: (43, 44),
    33: (43, 44),
}
_OTHER_RELATIVE = (97, 97)


def furnish(world: World, day: date) -> World:
    """Adds to the dwellings who owns them and since when they are let."""
    number = world.dwellings["dwelling"].to_numpy()
    since = days.number(day) - 5 - np.floor(shares(world.seed, "lease.since", number) * 1_500).astype(np.int64)
    world.dwellings = world.dwellings.with_columns(
        landlord=pl.Series(leases.landlords(world).astype(np.int32)), let_since=pl.Series(since.astype(np.int32))
    )
    return world


def next_day(world: World, day: date) -> World:
    """The district at the end of `day`, which follows the day of `world`; `world` itself is left as it was."""
    ledger = Ledger(world, day)

    def times(rate: float) -> int:
        return max(1, round(rate * world.scale))

    _deaths(ledger, times(_DEATHS))
    _reported(ledger)
    _weddings(ledger, times(_WEDDINGS))
    _divorces(ledger, times(_DIVORCES))
    movement.happen(ledger)
    _corrections(ledger, times)
    _births(ledger, times(_BIRTHS))
    _new_numbers(ledger, times(_NEW_NUMBERS))
    return ledger.close()


def _deaths(ledger: Ledger, size: int) -> None:
    """People die; the register may hear of it days later."""
    here = np.flatnonzero(ledger.here() & (ledger.people("kind") != 3))
    chance = margins.by_age(_DEATH_BY_AGE, ledger.age()[here])
    dead = ledger.rng.choice(here, min(size, len(here)), replace=False, p=chance / chance.sum())
    ledger.people("alive")[dead] = False
    ledger.people("died")[dead] = ledger.today
    late = ledger.rng.integers(0, _LATEST_REPORT + 1, len(dead))
    late[:1] = np.minimum(late[:1], 1)  # so that a simulation of two days shows a report
    ledger.people("reported")[dead] = ledger.today + late


def _reported(ledger: Ledger) -> None:
    """Deaths become known: the dead leave their homes, spouses are widowed, households get a new head."""
    known = np.flatnonzero((ledger.people("reported") == ledger.today) & (ledger.people("village") >= 0))
    spouse = ledger.people("spouse")
    for row in known.tolist():
        partner = int(spouse[row])
        _succeed(ledger, row, "household", "relation", SELF)
        _succeed(ledger, row, "book", "hukou_relation", 2)
        if partner >= 0:
            ledger.people("marital")[partner] = WIDOWED
            spouse[partner] = -1
            ledger.touch(np.array([partner]))
    left = ledger.people("dwelling")[known].copy()
    for column, value in (("village", -1), ("dwelling", -1), ("household", -1), ("relation", 0), ("tenure", 9)):
        ledger.people(column)[known] = value
    ledger.people("updated")[known] = ledger.today
    ledger.clear_empty(left)
    forgotten = (ledger.people("reported") > days.NONE) & (ledger.people("reported") < ledger.today - _FORGOTTEN)
    ledger.people("until")[forgotten] = np.minimum(ledger.people("until")[forgotten], ledger.today)


def _succeed(ledger: Ledger, row: int, group: str, relation: str, head_code: int) -> None:
    """A dead head's place goes to the spouse, else to the oldest adult; the others keep the ties that still hold."""
    ties, number = ledger.people(relation), ledger.people(group)[row]
    if ties[row] != head_code or number < 0:
        return
    members = np.flatnonzero((ledger.people(group) == number) & ledger.people("alive"))
    if len(members) == 0:
        return
    partner = members[np.isin(ties[members], (11, 12))]
    head = partner[0] if len(partner) else members[np.argmin(ledger.people("birth")[members])]
    keeps = np.isin(ties[members], range(20, 50)) & (len(partner) > 0)
    ties[members] = np.where(keeps, ties[members], 97)
    ties[head] = head_code


def _weddings(ledger: Ledger, size: int) -> None:
    """Migrants who live alone marry each other; the wife moves to the husband."""
    alone = ledger.here() & (ledger.people("kind") == MIGRANT) & (ledger.people("place") == SINGLE)
    alone &= (
        (ledger.people("marital") == NEVER) & (ledger.people("collective") == 0) & (ledger.people("household") >= 0)
    )
    age = ledger.age()
    women = ledger.draw(alone & (ledger.people("sex") == 2) & (age > 21) & (age < 40), 5 * size)
    men = ledger.draw(alone & (ledger.people("sex") == 1) & (age > 23) & (age < 44), 5 * size)
    bride, groom = margins.pair(ledger.rng, age[women], age[men], size, (1.5, 2.0, -4.0, 8.0))
    wives, husbands = women[bride], men[groom]
    left = ledger.people("dwelling")[wives].copy()
    for column in ("dwelling", "village", "household", "tenure"):
        ledger.people(column)[wives] = ledger.people(column)[husbands]
    ledger.people("spouse")[wives], ledger.people("spouse")[husbands] = husbands, wives
    ledger.people("relation")[wives], ledger.people("relation")[husbands] = 12, SELF
    ledger.people("place")[wives], ledger.people("place")[husbands] = WIFE, HUSBAND
    for rows in (wives, husbands):
        ledger.people("marital")[rows] = MARRIED + 1
        ledger.touch(rows)
    ledger.clear_empty(left)


def _divorces(ledger: Ledger, size: int) -> None:
    """Couples part; both stay at their address for now, the one that is not the head as no relative."""
    spouse = ledger.people("spouse")
    wives = ledger.here() & (ledger.people("place") == WIFE) & (spouse >= 0) & (ledger.age() < 60)
    wives = ledger.draw(wives, size)
    husbands = spouse[wives].copy()
    for rows in (wives, husbands):
        spouse[rows] = -1
        ledger.people("marital")[rows] = 40
        apart = rows[np.isin(ledger.people("relation")[rows], (11, 12))]
        ledger.people("relation")[apart] = NON_RELATIVE
        tied = rows[np.isin(ledger.people("hukou_relation")[rows], (11, 12))]
        ledger.people("hukou_relation")[tied] = NON_RELATIVE
        ledger.touch(rows)


def _births(ledger: Ledger, size: int) -> None:
    """Children of the last weeks are registered, with their mother's or father's hukou."""
    mother_of, birth = ledger.people("mother"), ledger.people("birth")
    recent = np.unique(mother_of[(birth > ledger.today - 400) & (mother_of >= 0)])
    able = ledger.here() & (ledger.people("sex") == 2) & (ledger.people("spouse") >= 0)
    able &= (ledger.age() > 21) & (ledger.age() < 41) & np.isin(ledger.people("place"), (WIFE,))
    able[recent] = False
    able &= np.isin(ledger.people("kind"), (REGISTERED, MIGRANT))
    mothers = np.sort(ledger.draw(able, size))
    fathers = ledger.people("spouse")[mothers]
    kept = (ledger.people("kind")[fathers] != 3) & ledger.people("alive")[fathers]
    mothers, fathers = mothers[kept], fathers[kept]
    if len(mothers) == 0:
        return
    rng, count = ledger.rng, len(mothers)
    sex = np.where(rng.random(count) < 0.52, 1, 2)
    born = ledger.today - rng.integers(0, 26, count)
    # the child is registered where the father is, if he has a place in a booklet of Qingpu, else with the mother
    source = np.where(ledger.people("book")[fathers] >= 0, fathers, mothers)
    surname = ledger.people("surname")[fathers]
    own = {
        name: ledger.people(name)[source]
        for name in ("kind", "division", "book", "hukou_village", "hukou_dwelling", "book_kind", "nature")
    }
    base = ledger.world.people[source]
    ledger.add(
        base.with_columns(
            *(pl.Series(name, values) for name, values in own.items()),
            sex=pl.Series(sex),
            birth=pl.Series(born),
            marital=pl.lit(NEVER),
            household=pl.Series(ledger.people("household")[mothers]),
            place=pl.lit(CHILD),
            collective=pl.lit(0),
            relation=pl.Series(_as_child(ledger.people("relation")[mothers], ledger.people("relation")[fathers], sex)),
            spouse=pl.lit(-1),
            father=pl.Series(fathers),
            mother=pl.Series(mothers),
            village=pl.Series(ledger.people("village")[mothers]),
            dwelling=pl.Series(ledger.people("dwelling")[mothers]),
            hukou_relation=pl.Series(
                np.where(own["book"] >= 0, _as_child(ledger.people("hukou_relation")[source], None, sex), 0)
            ),
            tenure=pl.Series(ledger.people("tenure")[mothers]),
            cert_no=ledger.take_numbers(own["division"] // 10_000, born, sex),
            cert_kind=pl.lit("111"),
            nation=pl.lit("CHN"),
            surname=pl.Series(surname),
            name=names.chinese(ledger.world.reference, rng, surname, sex, numbers.yyyymmdd(born) // 10_000),
            edu=pl.lit(0),
            work=pl.lit(0),
            arrived=pl.Series(np.where(own["kind"] == MIGRANT, born, days.NONE)),
            entered=pl.lit(days.NONE),
            stay=pl.Series(np.where(own["kind"] == MIGRANT, 3, 0)),
            subtype=pl.lit(0),
            empty_hukou=pl.lit(False),
            mobile=pl.lit(""),
            verified=pl.lit(ledger.today),
            updated=pl.lit(ledger.today),
            uncertain=pl.lit(False),
            from_day=pl.lit(ledger.today),
            until=pl.lit(-days.NONE),
        )
    )


def _new_numbers(ledger: Ledger, size: int) -> None:
    """People are given another number: a mistake of old is put right, or the sex marker changes, every third time."""
    fit = ledger.here() & (ledger.people("kind") == REGISTERED) & (ledger.people("spouse") < 0)
    fit &= (ledger.world.people["cert_kind"] == "111").to_numpy() & (ledger.age() > 20) & (ledger.age() < 80)
    fit &= (ledger.people("place") == SINGLE) & (ledger.people("household") >= 0)
    rows = ledger.draw(fit, size)
    if len(rows) == 0:
        return
    sex = ledger.people("sex")
    changes = rows[(ledger.today + np.arange(len(rows))) % 3 == 0]
    sex[changes] = 3 - sex[changes]
    province = ledger.people("division")[rows] // 10_000
    fresh = ledger.take_numbers(province, ledger.people("birth")[rows], sex[rows])
    ledger.text("cert_no", rows, fresh.to_list())
    ledger.touch(rows)


def _as_child(parent: np.ndarray, other: np.ndarray | None, sex: np.ndarray) -> np.ndarray:
    """Relation of a child to the head its parents have these relations to."""
    codes = []
    for place, value in enumerate(parent.tolist()):
        second = 0 if other is None else int(other[place])
        pair = _CHILD_OF.get(value) or _CHILD_OF.get(second, _OTHER_RELATIVE)
        codes.append(pair[int(sex[place]) - 1])
    return np.array(codes, dtype=np.int8)


def _corrections(ledger: Ledger, times: Callable[[float], int]) -> None:
    """Visits confirm residence; phones change, schooling is completed, names are corrected, alarms installed."""
    here = ledger.here()
    rows = ledger.draw(here, times(_VISITS))
    ledger.people("verified")[rows] = ledger.today
    rows = ledger.draw(here & (ledger.age() > 15), times(_NEW_MOBILES))
    fresh = ledger.rng.integers(10_000_000_000, 10_200_000_000, len(rows))
    ledger.text("mobile", rows, [str(value) for value in fresh])
    ledger.people("mobile_on")[rows] = ledger.today
    ledger.touch(rows)
    edu = ledger.people("edu")
    rows = ledger.draw(
        here & np.isin(edu, list(_HIGHER)) & (ledger.age() > 16) & (ledger.age() < 45), times(_SCHOOLING)
    )
    edu[rows] = [_HIGHER[int(value)] for value in edu[rows]]
    ledger.touch(rows)
    rows = ledger.draw(here & (ledger.people("kind") != 3), times(_RENAMED))
    again = names.chinese(
        ledger.world.reference,
        ledger.rng,
        ledger.people("surname")[rows],
        ledger.people("sex")[rows],
        numbers.yyyymmdd(ledger.people("birth")[rows]) // 10_000,
    )
    ledger.text("name", rows, again.to_list())
    ledger.touch(rows)
    alarms = ledger.homes("smoke")
    alarms[ledger.draw(~alarms, times(_SMOKE_ALARMS))] = True
