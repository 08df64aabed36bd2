"""Leases of let dwellings (behind F02): landlord, term, number of people, checks. A pure function of state and day."""

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulate import days
from pipelines.simulate.deliveries.common import present
from pipelines.simulate.population import World
from pipelines.simulate.registers.draws import level
from pipelines.simulate.relations import NON_RELATIVE, SELF
from pipelines.simulate.seeds import shares

_KNOWN = 0.805  # let dwellings the security branch knows of
_LET = 1


def landlords(world: World) -> np.ndarray:
    """For each dwelling a registered adult who owns it: registered there if anybody is, else in the village."""
    people = world.people
    adult = (people["book"] >= 0) & (people["birth"] < days.number(date(1998, 1, 1))) & people["alive"]
    rows = people.filter(adult)
    uid = rows["uid"].to_numpy().astype(np.int64)
    owner = np.full(len(world.dwellings), -1, dtype=np.int64)
    heads = rows.filter(pl.col("hukou_relation") == 2)
    owner[heads["hukou_dwelling"].to_numpy()] = heads["uid"].to_numpy()
    village = rows["hukou_village"].to_numpy().astype(np.int64)
    order = np.argsort(village, kind="stable")
    wanted = world.dwellings["village"].to_numpy().astype(np.int64)
    first = np.searchsorted(village[order], wanted, "left")
    last = np.searchsorted(village[order], wanted, "right")
    none = last == first
    first, last = np.where(none, 0, first), np.where(none, len(order), last)
    draw = shares(world.seed, "lease.landlord", world.dwellings["dwelling"].to_numpy())
    other = uid[order[first + np.floor(draw * (last - first)).astype(np.int64)]]
    return np.where(owner >= 0, owner, other)


def build(world: World, day: date) -> pl.DataFrame:
    """Leases known at the end of `day`, in order of dwelling: `dwelling`, `landlord` (uid) and plain values."""
    today = days.number(day)
    homes = world.dwellings
    number = homes["dwelling"].to_numpy()

    def share(name: str, of: np.ndarray) -> np.ndarray:
        return shares(world.seed, f"lease.{name}", of)

    people = present(world, day).filter((pl.col("village") >= 0) & pl.col("alive"))
    at = people["dwelling"].to_numpy()
    rents = (people["tenure"] == 2).to_numpy()
    adults = (people["birth"] < today - 18 * 365).to_numpy()
    apart = adults & people["relation"].is_in([SELF, NON_RELATIVE]).to_numpy()
    size = len(homes)
    inside = np.bincount(at, minlength=size)
    tenants = np.bincount(at[rents], minlength=size)
    unrelated = np.bincount(at[apart], minlength=size)
    known = (homes["status"] == _LET).to_numpy() & (share("known", number) < _KNOWN) & (tenants > 0)
    chosen = np.flatnonzero(known)
    unit = number[chosen]
    since = homes["let_since"].to_numpy()[chosen].astype(np.int64)
    term = np.select([share("term", unit) < 0.68, share("term", unit) < 0.88], [365, 730], 1_095)
    periods = np.where(share("renews", unit) < 0.90, np.maximum(today - since, 0) // term, 0)
    start = since + periods * term
    checked = today - 1 - np.floor(share("checked", unit) * 160).astype(np.int64)
    crowd = unrelated[chosen]
    draw = share("crowd", unit)
    # Flats let by the bed are confirmed more often in some villages than in others, also where few are registered.
    crowding = 0.016 * level(world, "crowding", homes["village"].to_numpy()[chosen])
    few = np.select([draw < 0.004, draw < 0.004 + crowding], [1, 2], 0)
    group = np.where(crowd >= 6, np.select([draw < 0.25, draw < 0.45, draw < 0.9], [2, 3, 1], 0), few)
    return pl.DataFrame(
        {
            "dwelling": unit.astype(np.int32),
            "landlord": homes["landlord"].to_numpy()[chosen].astype(np.int32),
            "filed": share("filed", unit) < 0.62,
            "start": start.astype(np.int32),
            "end": (start + term - 1).astype(np.int32),
            "tenants": np.maximum(tenants[chosen] - (share("fewer", unit) < 0.15), 1).astype(np.int64),
            "inside": inside[chosen].astype(np.int64),
            "area": homes["area"].to_numpy()[chosen],
            "sublet": share("sublet", unit) < 0.06,
            "group": group.astype(np.int8),
            "mixed": share("mixed", unit) < np.where(homes["business"].to_numpy()[chosen], 0.15, 0.004),
            "checked": np.maximum(checked, start).clip(max=today).astype(np.int32),
            "officer": np.floor(share("officer", unit // 900) * 400).astype(np.int64),
            "note": np.floor(share("note", unit) * 12).astype(np.int64),
        }
    )
