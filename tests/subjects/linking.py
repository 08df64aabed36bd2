"""A small lake for tests of linkage: deliveries of a few feeds from hand-made rows, and their replay."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.feeds.check import lake_schema
from pipelines.feeds.contracts import Contract
from pipelines.feeds.judge import Status
from pipelines.feeds.land import ROWS
from pipelines.identifiers import Key, pseudonym
from pipelines.settings import Settings
from pipelines.subjects.folders import Step
from pipelines.subjects.linkage import kept
from pipelines.subjects.linkage import step as linkage
from pipelines.subjects.replay import replay

KEY = Key(b"t" * 32)
FIRST = date(2026, 10, 29)
SECOND = date(2026, 10, 30)
Row = Mapping[str, Any]


def number(name: str) -> str:
    """The pseudonym a made-up number has in the lake."""
    return pseudonym(KEY, "person", name)


TABLES = (
    linkage.KEY, linkage.MENTION, linkage.MENTION_ROW, linkage.HISTORY_FILE, linkage.SUSPICION, linkage.OPEN,
    linkage.ALIAS,
)  # fmt: skip


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table of a date, and the model."""
    tables = {name: pl.read_parquet(folder / name) for name in TABLES}
    tables |= {name: kept.read(folder, name, *shape) for name, shape in linkage.KEPT.items()}
    found = {
        name: (len(frame), int(frame.hash_rows(seed=3).sum()) if len(frame) else 0) for name, frame in tables.items()
    }
    return found | {linkage.MODEL: (0, hash((folder / linkage.MODEL).read_text()))}


class Lake:
    """Deliveries by hand; `who` replays them and tells the person of every row by its mark (`_file`)."""

    def __init__(self, root: Path, contracts: Mapping[str, Contract]):
        self.settings = Settings(data=root)
        self.contracts = contracts
        self.statuses: list[Status] = []
        (self.settings.root / "tmp").mkdir(parents=True, exist_ok=True)

    def deliver(self, feed: str, day: date, rows: Sequence[Row], delivery: str = "001") -> None:
        """An accepted delivery. Columns left out are null; `_file` marks a row for `who`."""
        contract = self.contracts[feed]
        schema = lake_schema(contract)
        filled = [{"_line": i, "_file": f"{feed}{i}"} | dict(row) for i, row in enumerate(rows, 1)]
        frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in filled], schema=schema, orient="row")
        path = self.settings.lake / feed / day.isoformat() / delivery / ROWS
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        self.statuses = [s for s in self.statuses if (s.feed, s.business_on, s.number) != (feed, day, delivery)]
        n, told = len(rows), frame.hash_rows(seed=7).sum()
        self.statuses.append(
            Status(feed, day, delivery, "accepted", n, n, 0, 0, f"{told}", contract.version, (), is_in_use=True)
        )

    def decide(self, *decisions: Mapping[str, Any]) -> None:
        """Lay decisions into landing/."""
        folder = self.settings.landing / "decisions"
        folder.mkdir(parents=True, exist_ok=True)
        common = {"name": "张三", "reason": "电话核实", "decided_on": SECOND}
        entries = [common | dict(decision) for decision in decisions]
        (folder / f"{len(list(folder.iterdir())):03d}.yml").write_text(yaml.safe_dump(entries, allow_unicode=True))

    def replay(self, as_of: date = SECOND, step: Step = linkage.step) -> Path:
        """The folder of the last date."""
        return replay(self.settings, self.contracts, self.statuses, KEY, as_of, [step])

    def who(self, as_of: date = SECOND) -> dict[str, tuple[str, str]]:
        """Mark → (person, method) of every row in use; the first slot of each feed."""
        folder = self.replay(as_of)
        keys = dict(pl.read_parquet(folder / linkage.KEY).select("person_key", "person_id").iter_rows())
        loose = pl.read_parquet(folder / linkage.MENTION_ROW).join(
            pl.read_parquet(folder / linkage.MENTION), on="mention_id"
        )
        found = {
            mark: (person, method) for mark, person, method in loose.select("_file", "person_id", "method").iter_rows()
        }
        for status in self.statuses:
            path = self.settings.lake / status.feed / status.business_on.isoformat() / status.number / ROWS
            slot = self.contracts[status.feed].people[0]
            for mark, key in pl.read_parquet(path).select("_file", f"{slot.id}_id").iter_rows():
                if key is not None:
                    found.setdefault(mark, (keys[key], "number"))
        return found

    def table(self, name: str, as_of: date = SECOND) -> pl.DataFrame:
        """A file of the last date's folder."""
        return pl.read_parquet(self.replay(as_of) / name)


def resident(name: str, who: str, born: date, **more: Any) -> dict[str, Any]:
    """A row of the base: `who` is the made-up number."""
    row = {
        "person_id": number(who),
        "source_row": f"R{who}",
        "name": name,
        "birth_on": born,
        "sex_code": "1",
        "_file": f"base {who}",
    }
    return row | more


def crowd(count: int = 40) -> list[dict[str, Any]]:
    """People about whom nothing is said elsewhere, so that a known name is one of many."""
    given = "安邦昌达恩福刚海健康乐敏宁平庆荣胜泰伟兴扬忠"
    return [
        resident(
            "赵钱孙李周吴郑"[i % 7] + given[i % 22] + given[(i * 5 + 3) % 22],
            f"crowd{i}",
            date(1950 + i, 1 + i % 12, 1 + i % 28),
            sex_code="12"[i % 2],
            res_village_code=f"31011810{i % 3}201",
            mobile=f"1390000{i:04d}",
        )
        for i in range(count)
    ]
