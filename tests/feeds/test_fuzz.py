"""Deliveries of every format, damaged at random: read with every row accounted for, or refused with a reason."""

import random
import shutil
from datetime import date

import pytest

from pipelines.feeds import readers
from pipelines.feeds.check import check
from pipelines.feeds.messages import DeliveryProblem
from pipelines.settings import Settings
from pipelines.simulate import simulate

AS_OF = date(2026, 10, 31)
ROUNDS = 12


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    root = tmp_path_factory.mktemp("fuzz")
    simulate(scale=0.001, seed=5, as_of=AS_OF, days=1, out=root)
    return root / "landing"


def damaged(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    kind = chance.choice(["flip", "flips", "cut", "again", "zeros", "noise", "gap", "encoding", "lines"])
    if kind in ("flip", "flips"):
        out = bytearray(data)
        for _ in range(1 if kind == "flip" else 20):
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
        return bytes(out)
    if kind == "encoding":
        return data.decode("gb18030", errors="replace").encode("utf-8")
    if kind == "lines":
        lines = data.split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    size = chance.randrange(1, 400)
    middle = {"zeros": bytes(size), "noise": chance.randbytes(size), "again": data[max(0, at - size) : at]}
    end = {"cut": b"", "gap": data[at + size :], "zeros": data[at + size :]}
    return data[:at] + middle.get(kind, b"") + end.get(kind, data[at:])


@pytest.mark.parametrize("feed", ["B01", "B02", "B03", "B04", "B05", "F01", "F02", "F06", "F08", "F11"])
def test_damage_is_met_row_by_row_or_refused_whole(feed, landing, contracts, key, tmp_path):
    chance = random.Random(feed)
    (source,) = (landing / feed).glob("*/001")
    for turn in range(ROUNDS):
        folder = tmp_path / str(turn)
        shutil.copytree(source, folder)
        path = chance.choice([p for p in sorted(folder.rglob("*")) if p.is_file()])
        path.write_bytes(damaged(path.read_bytes(), chance))
        try:
            raw = readers.read(contracts[feed], folder)
            done = check(contracts[feed], raw, key, AS_OF, Settings().reference)
        except DeliveryProblem as problem:
            said = problem.describe(feed, "2026-10-31", "001")
            assert problem.message.zh in said and problem.message.en in said
        else:
            assert done.delivered == done.rows.height + done.quarantine.height + done.duplicates.height
