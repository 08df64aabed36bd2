"""`simulate`: builds the district, lets days pass, and writes what each department sends on each day."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.simulate import earlier as past
from pipelines.simulate import life, population
from pipelines.simulate.deliveries import (
    b01,
    b02,
    b03,
    b04,
    b05,
    f01,
    f02,
    f03,
    f04,
    f05,
    f06,
    f07,
    f08,
    f09,
    f10,
    f11,
    f12,
    f13,
    f14,
    f15,
    f16,
    f17,
    f18,
    f19,
    f20,
    f21,
    f22,
    f23,
    f24,
    f25,
    f26,
    f27,
    f28,
    f29,
    f30,
    f31,
    f32,
    f33,
    f34,
    platform,
)
from pipelines.simulate.deliveries.common import Occasion
from pipelines.simulate.population import World
from pipelines.simulate.reference import Reference
from pipelines.simulate.registers import residence
from pipelines.simulate.truth import Truth

SMALLEST = 0.001
_DELIVERY = "001"
_WRITERS = {
    "B01": b01.write, "B02": b02.write, "B03": b03.write, "B04": b04.write, "B05": b05.write,
    "F02": f02.write, "F03": f03.write, "F04": f04.write, "F05": f05.write, "F06": f06.write,
    "F07": f07.write, "F08": f08.write, "F09": f09.write, "F10": f10.write, "F11": f11.write,
    "F12": f12.write, "F13": f13.write, "F14": f14.write, "F15": f15.write, "F16": f16.write,
    "F17": f17.write, "F18": f18.write, "F19": f19.write, "F20": f20.write, "F21": f21.write,
    "F22": f22.write, "F23": f23.write, "F24": f24.write, "F25": f25.write, "F28": f28.write,
    "F29": f29.write, "F32": f32.write, "F33": f33.write, "F34": f34.write,
    "F26": f26.write,
    "F27": f27.write,
    "F30": f30.write,
    "F31": f31.write,
    "I01": platform.ledger,
    "I02": platform.writer("I02"),
    "I03": platform.writer("I03"),
    "I04": platform.writer("I04"),
    "I05": platform.writer("I05"),
    "I06": platform.writer("I06"),
    "I07": platform.writer("I07"),
    "I08": platform.writer("I08"),
    "I09": platform.writer("I09"),
    "I10": platform.writer("I10"),
    "I11": platform.writer("I11"),
    "I13": platform.writer("I13"),
}  # fmt: skip
_DUE: dict[str, Callable[[date], bool]] = {
    "B01": lambda day: True,
    "B02": lambda day: day.weekday() == 0,
    "B03": lambda day: False,
    "B04": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "B05": lambda day: False,
    "F01": lambda day: True,
    "F02": lambda day: day.weekday() == 0,
    "F03": lambda day: day.weekday() == 0,
    "F04": lambda day: True,
    "F05": lambda day: day.day == 5,
    "F06": lambda day: day.day == 10,
    "F07": lambda day: day.day == 1,
    "F08": lambda day: day.day == 1,
    "F09": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "F10": lambda day: day.day == 1,
    "F11": lambda day: day.day == 1,
    "F12": lambda day: day.day == 1,
    "F13": lambda day: day.day == 1,
    "F14": lambda day: day.weekday() == 0,
    "F15": lambda day: day.weekday() == 0,
    "F16": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "F17": lambda day: day.day == 1,
    "F18": lambda day: day.day == 1,
    "F19": lambda day: day.weekday() == 0,
    "F20": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "F21": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "F22": lambda day: day.day == 1,
    "F23": lambda day: True,
    "F24": lambda day: True,
    "F25": lambda day: day.day == 1,
    "F26": lambda day: True,
    "F27": lambda day: True,
    "F28": lambda day: day.day == 1,
    "F29": lambda day: day.month in (1, 4, 7, 10) and day.day == 1,
    "F30": lambda day: day.day == 1,
    "F31": lambda day: day.day == 1,
    "F32": lambda day: day.weekday() == 0,
    "F33": lambda day: True,
    "F34": lambda day: True,
    "I01": lambda day: True,
    "I02": lambda day: True,
    "I03": lambda day: True,
    "I04": lambda day: True,
    "I05": lambda day: True,
    "I06": lambda day: True,
    "I07": lambda day: True,
    "I08": lambda day: True,
    "I09": lambda day: True,
    "I10": lambda day: True,
    "I11": lambda day: True,
    "I13": lambda day: True,
}


ARGUMENTS = "simulation.json"
"""In the vault: how the district was simulated, so that its next day can be."""


@dataclass(frozen=True)
class Delivered:
    """One delivery written: rows as the department counts them, bytes of its files."""

    feed: str
    business_on: date
    delivery: str
    rows: int
    bytes: int


@dataclass
class Summary:
    """What a simulation made; `planted` counts defects by (feed, dirt, expected fate)."""

    scale: float
    seed: int
    as_of: date
    days: int
    out: Path
    residents: int = 0
    persons: int = 0
    dwellings: int = 0
    deliveries: list[Delivered] = field(default_factory=list)
    planted: dict[tuple[str, str, str], int] = field(default_factory=dict)
    seconds: float = 0.0


def simulate(
    scale: float,
    seed: int,
    as_of: date,
    days: int,
    out: Path,
    report: Callable[[str], None] | None = None,
    earlier: int = 0,
) -> Summary:
    """Write deliveries to `out`/landing and the truth to `out`/vault/truth.

    `scale` is the share of the district (1 = all; at least 0.001), `days` the number of business dates ending on
    `as_of`; feeds that do not come every day have delivered on `earlier` due dates before as well.
    The same arguments give the same bytes, and a longer span that starts on the same day begins with the
    same deliveries. Raises ValueError for impossible arguments, FileExistsError where a delivery or truth is already
    there; then nothing has been written.
    """
    if not SMALLEST <= scale <= 1:
        raise ValueError(f"scale must lie between {SMALLEST} and 1, not {scale}")
    if days < 1 or earlier < 0:
        raise ValueError(f"days must be at least 1 and earlier at least 0, not {days} and {earlier}")
    out = Path(out)
    _refuse_existing(out)
    say = report or (lambda message: None)
    begun = time.perf_counter()
    work = out / ".simulate"
    shutil.rmtree(work, ignore_errors=True)
    summary = Summary(scale, seed, as_of, days, out)
    truth = Truth()
    first = as_of - timedelta(days=days - 1)
    world = population.build(Reference(), scale, seed, first)
    world = life.furnish(world, first)
    say(f"people: {len(world.people):,}, dwellings: {len(world.dwellings):,}")
    _before(world, first, earlier, work, truth, summary, say)
    registered = None
    for step in range(days):
        day = first + timedelta(days=step)
        if step:
            before, world = world, life.next_day(world, day)
            truth.changed(before, world, day)
        registered = _day(world, day, work, truth, summary, registered, say)
    truth.write(work / "vault" / "truth", world, as_of)
    said = {"scale": scale, "seed": seed, "as_of": as_of.isoformat(), "days": days, "earlier": earlier}
    (work / "vault" / ARGUMENTS).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    (work / "vault" / ARGUMENTS).chmod(0o600)
    summary.residents = _residents(work / "vault" / "truth")
    summary.persons, summary.dwellings = len(world.people), len(world.dwellings)
    summary.planted = dict(truth.counts)
    f16.keep_password(work / "vault", seed)
    _move(work, out)
    summary.seconds = time.perf_counter() - begun
    return summary


def next_day(out: Path, report: Callable[[str], None] | None = None) -> Summary:
    """Write the day after the last into a landing that `simulate` made; what lies there already stays as it is.

    The district is lived once more from its first day, so that the result is what one span of one day more would have
    written, byte by byte. Raises ValueError where the landing was not made by `simulate`, or holds another district.
    """
    out = Path(out)
    arguments, kept = out / "vault" / ARGUMENTS, out / "vault" / "truth"
    try:
        said = json.loads(arguments.read_text("utf-8"))
        as_of = date.fromisoformat(said["as_of"]) + timedelta(days=1)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{arguments} does not say how this district was simulated ({error})") from None
    work = out / ".next"
    shutil.rmtree(work, ignore_errors=True)
    try:
        summary = simulate(said["scale"], said["seed"], as_of, said["days"] + 1, work, report, said["earlier"])
        fresh = sorted((work / "landing").glob(f"*/{as_of}"))
        for old in sorted((out / "landing").glob(f"*/{as_of}")):
            raise ValueError(f"{old} is there already: this day was delivered by somebody else")
        for folder in fresh:
            place = out / "landing" / folder.parent.name
            place.mkdir(parents=True, exist_ok=True)
            folder.rename(place / folder.name)
        # The truth speaks about the last day; it is replaced whole.
        shutil.rmtree(kept)
        (work / "vault" / "truth").rename(kept)
        (work / "vault" / ARGUMENTS).replace(arguments)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    summary.out = out
    summary.deliveries = [d for d in summary.deliveries if d.business_on == as_of]
    return summary


def _residents(folder: Path) -> int:
    return pl.scan_parquet(folder / "persons.parquet").select(pl.col("is_resident").sum()).collect().item()


def _day(
    world: World,
    day: date,
    work: Path,
    truth: Truth,
    summary: Summary,
    registered: pl.DataFrame | None,
    say: Callable[[str], None],
) -> pl.DataFrame:
    """Write everything due on `day`; returns the residence register, which tomorrow's increment starts from."""
    starting = registered is None
    after = residence.build(world, day)
    for feed, due in _DUE.items():
        if not (starting or due(day)):
            continue
        folder = work / "landing" / feed / day.isoformat() / _DELIVERY
        folder.mkdir(parents=True)
        occasion = Occasion(feed, day, folder, truth, starting)
        if feed == "F01":
            before = after.clear() if registered is None else registered
            rows = f01.write(world, occasion, residence.changes(before, after))
        else:
            rows = _WRITERS[feed](world, occasion)
        _delivered(occasion, rows, summary, say)
    return after


def _before(
    world: World,
    first: date,
    count: int,
    work: Path,
    truth: Truth,
    summary: Summary,
    say: Callable[[str], None],
) -> None:
    """Write what feeds that do not come daily delivered on the last `count` due dates before `first`."""
    wanted = {feed: past.due_before(due, first, count) for feed, due in _DUE.items()} if count else {}
    dates = sorted({day for each in wanted.values() for day in each})
    if dates:
        wanted["B01"] = dates[:1]
    for day in dates:
        then = past.view(world, first, day)
        for feed in (feed for feed, each in wanted.items() if day in each):
            folder = work / "landing" / feed / day.isoformat() / _DELIVERY
            folder.mkdir(parents=True)
            occasion = Occasion(feed, day, folder, truth, first=False, earlier=True)
            _delivered(occasion, _WRITERS[feed](then, occasion), summary, say)


def _delivered(occasion: Occasion, rows: int, summary: Summary, say: Callable[[str], None]) -> None:
    size = sum(path.stat().st_size for path in occasion.folder.rglob("*") if path.is_file())
    summary.deliveries.append(Delivered(occasion.feed, occasion.day, _DELIVERY, rows, size))
    say(f"{occasion.day} {occasion.feed}: {rows:,} rows, {size / 1e6:.1f} MB")


def _refuse_existing(out: Path) -> None:
    taken = [out / "landing" / feed for feed in _DUE] + [out / "vault" / "truth"]
    for path in taken:
        if path.exists():
            raise FileExistsError(f"{path} is already there; simulate into an empty landing or remove it first")


def _move(work: Path, out: Path) -> None:
    """Put the finished files in place by renaming; vault first, so that no delivery is seen without its truth."""
    (out / "vault").mkdir(mode=0o700, exist_ok=True)
    (out / "vault").chmod(0o700)
    (work / "vault" / "truth").rename(out / "vault" / "truth")
    (work / "vault" / ARGUMENTS).replace(out / "vault" / ARGUMENTS)
    passwords = out / "vault" / "passwords"
    passwords.mkdir(mode=0o700, exist_ok=True)
    for path in sorted((work / "vault" / "passwords").iterdir()):
        path.replace(passwords / path.name)
    (out / "landing").mkdir(exist_ok=True)
    for folder in sorted((work / "landing").iterdir()):
        folder.rename(out / "landing" / folder.name)
    shutil.rmtree(work)
