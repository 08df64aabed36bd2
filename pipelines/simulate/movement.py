"""Who comes, goes and moves on one day: arrivals and departures of migrants, moves between dwellings, homecomings."""

import numpy as np
import polars as pl

from pipelines.simulate import days, names, numbers
from pipelines.simulate.households import HUSBAND, SINGLE, WIFE
from pipelines.simulate.ledger import LET, OWN, Ledger
from pipelines.simulate.relations import NON_RELATIVE, SELF
from pipelines.simulate.residents import MARRIED, MIGRANT, NEVER, REGISTERED

# events a day in the whole district
_ARRIVING_SINGLES, _ARRIVING_COUPLES, _LEAVING_HOUSEHOLDS = 560, 120, 520
_MIGRANT_MOVES, _REGISTERED_MOVES, _GONE_AWAY, _COME_HOME = 420, 45, 14, 10
_JOINS = 0.55  # arriving singles who join a shared flat


def happen(ledger: Ledger) -> None:
    """All movements of the day."""
    rate = ledger.world.scale
    departures(ledger, max(1, round(_LEAVING_HOUSEHOLDS * rate)))
    moves(ledger, MIGRANT, LET, max(1, round(_MIGRANT_MOVES * rate)))
    moves(ledger, REGISTERED, OWN, max(1, round(_REGISTERED_MOVES * rate)))
    gone_away(ledger, max(1, round(_GONE_AWAY * rate)))
    come_home(ledger, max(1, round(_COME_HOME * rate)))
    arrivals(ledger, max(1, round(_ARRIVING_SINGLES * rate)), max(1, round(_ARRIVING_COUPLES * rate)))


def _households(ledger: Ledger, kind: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Members of `size` random households whose head is of a population type, and for each its household's turn."""
    head = ledger.here() & (ledger.people("kind") == kind) & (ledger.people("household") >= 0)
    head &= np.isin(ledger.people("relation"), (SELF, NON_RELATIVE))
    chosen = np.sort(ledger.people("household")[ledger.draw(head, size)])
    chosen = np.unique(chosen)
    household = ledger.people("household")
    turn = np.searchsorted(chosen, household)
    inside = ledger.here() & (turn < len(chosen))
    inside[inside] &= chosen[turn[inside]] == household[inside]
    rows = np.flatnonzero(inside)
    return rows, turn[rows]


def departures(ledger: Ledger, size: int) -> None:
    """Migrant households leave Qingpu; their rows leave the register."""
    rows, _ = _households(ledger, MIGRANT, size)
    migrants = rows[ledger.people("kind")[rows] == MIGRANT]
    left = ledger.people("dwelling")[migrants].copy()
    ledger.people("until")[migrants] = ledger.today
    ledger.clear_empty(left)


def moves(ledger: Ledger, kind: int, status: int, size: int) -> None:
    """Households move into vacant dwellings and then live there by themselves."""
    rows, turn = _households(ledger, kind, size)
    homes = ledger.vacant()
    fits = turn < len(homes)
    rows, turn = rows[fits], turn[fits]
    left = ledger.people("dwelling")[rows].copy()
    ledger.occupy(rows, homes[turn], status)
    lone = rows[ledger.people("relation")[rows] == NON_RELATIVE]
    ledger.people("relation")[lone] = SELF
    ledger.touch(rows)
    ledger.clear_empty(left)


def gone_away(ledger: Ledger, size: int) -> None:
    """Registered people living alone leave Qingpu and stay registered (户在人不在)."""
    alone = ledger.here() & (ledger.people("place") == SINGLE) & (ledger.people("household") >= 0)
    rows = ledger.draw(alone & (ledger.people("book") >= 0), size)
    left = ledger.people("dwelling")[rows].copy()
    for column, value in (("village", -1), ("dwelling", -1), ("relation", 0), ("tenure", 9)):
        ledger.people(column)[rows] = value
    ledger.touch(rows)
    ledger.clear_empty(left)


def come_home(ledger: Ledger, size: int) -> None:
    """Registered people who lived alone elsewhere come back to Qingpu."""
    away = ledger.people("alive") & (ledger.people("village") < 0) & (ledger.people("place") == SINGLE)
    away &= (ledger.people("book") >= 0) & ~ledger.people("uncertain") & (ledger.people("died") == days.NONE)
    away &= ledger.people("until") > ledger.today
    homes = ledger.vacant()
    rows = ledger.draw(away, min(size, len(homes)))
    ledger.occupy(rows, homes[: len(rows)], OWN)
    ledger.people("relation")[rows] = SELF
    ledger.touch(rows)


def arrivals(ledger: Ledger, singles: int, couples: int) -> None:
    """New migrants: alone into a flat of their own or a shared one, or as couples."""
    models = ledger.here() & (ledger.people("kind") == MIGRANT) & (ledger.age() > 19) & (ledger.age() < 52)
    models &= ledger.people("collective") == 0
    if not models.any():
        return
    homes = ledger.vacant()
    men, women = (_models(ledger, models, sex, min(couples, len(homes) // 2)) for sex in (1, 2))
    pairs = min(len(men), len(women))
    flats, homes = homes[:pairs], homes[pairs:]
    alone = ledger.draw(models, singles)
    shared = _shared_flats(ledger, round(len(alone) * _JOINS))
    own = homes[: max(len(alone) - len(shared), 0)]
    lone = len(own) + len(shared)
    rows = np.concatenate([alone[:lone], men[:pairs], women[:pairs]])
    home = np.concatenate([own, shared, flats, flats])
    relation = np.repeat([SELF, NON_RELATIVE, SELF, 12], [len(own), len(shared), pairs, pairs])
    household = ledger.next_household + np.concatenate([np.arange(lone + pairs), lone + np.arange(pairs)])
    ledger.next_household += lone + pairs
    uid = ledger.size + np.arange(lone, lone + 2 * pairs)
    spouse = np.concatenate([np.full(lone, -1), uid[pairs:], uid[:pairs]])
    ledger.homes("status")[home] = LET
    ledger.homes("let_since")[np.concatenate([own, flats])] = ledger.today
    ledger.add(
        _newcomers(ledger, rows).with_columns(
            dwelling=pl.Series(home),
            village=pl.Series(ledger.homes("village")[home]),
            relation=pl.Series(relation),
            place=pl.Series(np.repeat([SINGLE, HUSBAND, WIFE], [lone, pairs, pairs])),
            household=pl.Series(household),
            spouse=pl.Series(spouse),
            marital=pl.Series(np.where(spouse >= 0, MARRIED + 1, NEVER)),
        )
    )


def _models(ledger: Ledger, models: np.ndarray, sex: int, size: int) -> np.ndarray:
    """Rows of one sex whose traits newcomers get, by age, so that couples fit."""
    rows = ledger.draw(models & (ledger.people("sex") == sex) & (ledger.age() > 23), size)
    return rows[np.argsort(ledger.people("birth")[rows], kind="stable")]


def _shared_flats(ledger: Ledger, size: int) -> np.ndarray:
    """Dwellings in which migrants live who are not one family."""
    sharing = ledger.here() & (ledger.people("kind") == MIGRANT) & (ledger.people("place") == SINGLE)
    sharing &= (ledger.people("collective") == 0) & (ledger.people("tenure") == 2)
    return np.unique(ledger.people("dwelling")[ledger.draw(sharing, size)])


def _newcomers(ledger: Ledger, rows: np.ndarray) -> pl.DataFrame:
    """People with the traits of existing migrants, but their own name, number, birth date and dates of arrival."""
    rng, world, size = ledger.rng, ledger.world, len(rows)
    base = world.people[rows]
    birth = ledger.people("birth")[rows] + rng.integers(-300, 300, size).astype(np.int32)
    sex, division = base["sex"].to_numpy(), base["division"].to_numpy()
    surname = names.surnames(world.reference, rng, np.zeros(size, dtype=bool))
    arrived = ledger.today - np.minimum(rng.geometric(0.45, size) - 1, 6)
    return base.with_columns(
        birth=pl.Series(birth),
        kind=pl.lit(MIGRANT),
        cert_kind=pl.lit("111"),
        nation=pl.lit("CHN"),
        cert_no=ledger.take_numbers(division // 10_000, birth, sex),
        surname=pl.Series(surname),
        name=names.chinese(world.reference, rng, surname, sex, numbers.yyyymmdd(birth) // 10_000),
        father=pl.lit(-1),
        mother=pl.lit(-1),
        collective=pl.lit(0),
        tenure=pl.lit(2),
        arrived=pl.Series(arrived),
        entered=pl.lit(days.NONE),
        subtype=pl.lit(0),
        mobile=pl.Series([str(value) for value in rng.integers(10_000_000_000, 10_200_000_000, size)], dtype=pl.String),
        mobile_on=pl.lit(ledger.today),
        verified=pl.lit(ledger.today),
        updated=pl.lit(ledger.today),
        second=pl.Series(rng.integers(28_800, 64_800, size)),
        alive=pl.lit(True),
        from_day=pl.lit(ledger.today),
        until=pl.lit(-days.NONE),
    )
