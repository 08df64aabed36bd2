"""How well rows find their persons, against the simulator's truth.

    python benchmarks/linkage.py DATA_ROOT [--json]

DATA_ROOT is a data root that was simulated and run (landing, lake, identity, vault/truth). Every row in use on the last
business date, and every person it names, is compared with who that really is. Two rows of one person are a pair;
precision is the share of the pairs put together that are pairs, recall the share of the pairs that are put together.
Prints one line for all rows, one for those without a usable number, one for those of them that say anything at all of
the person (a broken number alone may say nothing), one a feed. No name and no number
is printed.
"""

import argparse
import json
import sys
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract, load_contracts
from pipelines.feeds.status import judged
from pipelines.settings import Settings
from pipelines.subjects.day import in_use_on, rows_path, usable
from pipelines.subjects.linkage import step as linkage

PLACE = ["feed", "business_on", "delivery", "_file", "_line", "slot"]


def rows_in_use(settings: Settings, contracts: dict[str, Contract], identity: Path) -> pl.DataFrame:
    """Every person that a row in use names: the row's place, the slot, the person it got, and how."""
    keys = pl.read_parquet(identity / linkage.KEY, columns=["person_key", "person_id"])
    found = pl.read_parquet(identity / linkage.MENTION_ROW).join(
        pl.read_parquet(identity / linkage.MENTION, columns=["mention_id", "person_id", "method"]), on="mention_id"
    )
    good = usable(judged(settings, contracts))
    frames = []
    for feed, statuses in in_use_on(contracts, good, max(s.business_on for s in good)).items():
        people = [slot for slot in contracts[feed].people if slot.id]
        for status in statuses if people else ():
            columns = {"_file", "_line", *(f"{slot.id}_id" for slot in people)}
            lake = pl.read_parquet(rows_path(settings.lake, status), columns=sorted(columns))
            for slot in people:
                rows = lake.select(
                    pl.lit(feed).alias("feed"),
                    pl.lit(status.business_on).alias("business_on"),
                    pl.lit(status.number).alias("delivery"),
                    "_file",
                    pl.col("_line").cast(pl.Int64),
                    pl.lit(slot.slot).alias("slot"),
                    person_key=f"{slot.id}_id",
                )
                by_number = rows.join(keys, on="person_key", how="left")
                frames.append(by_number.join(found, on=PLACE, how="left", suffix="_found"))
    # A row whose number many use is read as if it had none.
    has_number = pl.col("person_key").is_not_null() & pl.col("method").is_null()
    return pl.concat(frames).select(
        *PLACE,
        "person_key",
        has_number=has_number,
        person_id=pl.coalesce("person_id_found", "person_id"),
        method=pl.when(has_number & pl.col("method").is_null()).then(pl.lit("number")).otherwise("method"),
    )


def counts(rows: pl.DataFrame) -> dict[str, int]:
    """Pairs of rows that were put together, that are one person, and that are both."""
    by = {"put": ["person_id"], "real": ["person_uid"], "both": ["person_id", "person_uid"]}
    sizes = {name: rows.group_by(columns).len()["len"].cast(pl.Int64) for name, columns in by.items()}
    return {name: int((n * (n - 1) // 2).sum()) for name, n in sizes.items()}


def scored(rows: pl.DataFrame, chosen: pl.Expr) -> dict[str, float]:
    """Precision and recall over the pairs of which at least one row is chosen: all pairs less those among the others.

    `placed` is the share of the chosen rows that were put with most of the other rows of their person.
    """
    every, others = counts(rows), counts(rows.filter(~chosen))
    n = {name: every[name] - others[name] for name in every}
    home = (
        rows.filter("has_number").group_by("person_uid", "person_id").len()
        .sort("len", "person_id", descending=[True, False]).unique("person_uid", keep="first", maintain_order=True)
    )  # fmt: skip
    mine = rows.filter(chosen)
    known = mine.join(home.select("person_uid", home="person_id"), on="person_uid")
    return {
        "rows": len(mine),
        "precision": n["both"] / n["put"] if n["put"] else 1.0,
        "recall": n["both"] / n["real"] if n["real"] else 1.0,
        "placed": float((known["person_id"] == known["home"]).mean() or 0.0) if len(known) else 1.0,
        "false_pairs": n["put"] - n["both"],
        "missed_pairs": n["real"] - n["both"],
    }


def false_merges(settings: Settings, identity: Path, rows: pl.DataFrame) -> dict[str, int]:
    """Persons put under one id who have two valid numbers and are two people in truth; and those of them suspected."""
    mixed = rows.filter("has_number").group_by("person_id").agg(
        pl.col("person_uid").n_unique().alias("people"), pl.col("person_key").n_unique().alias("numbers")
    ).filter((pl.col("people") > 1) & (pl.col("numbers") > 1))  # fmt: skip
    doubts = pl.read_parquet(identity / linkage.SUSPICION)
    known = pl.concat([doubts["person_id"], doubts["other_id"].drop_nulls()]).unique()
    return {"false_merges": len(mixed), "of_them_suspected": int(mixed["person_id"].is_in(known.implode()).sum())}


def measure(root: Path) -> dict[str, dict[str, float]]:
    """Scores by name: all rows, rows without a usable number, then each feed."""
    settings = Settings(data=root)
    contracts = load_contracts(settings.contracts)
    identity = max(p for p in settings.identity.iterdir() if not p.name.startswith("."))
    truth = pl.read_parquet(settings.vault / "truth" / "rows.parquet").drop_nulls("person_uid").select(
        "feed", "business_on", "delivery", "slot", "person_uid", _file="file", _line=pl.col("line").cast(pl.Int64)
    )  # fmt: skip
    rows = rows_in_use(settings, contracts, identity).join(truth, on=PLACE)
    alone = pl.concat_str(pl.lit("alone "), pl.int_range(pl.len()).cast(pl.String))
    rows = rows.with_columns(pl.coalesce("person_id", alone).alias("person_id"))
    result = {
        "all rows": scored(rows, pl.lit(True)),
        "without number": scored(rows, ~pl.col("has_number")),
        "  saying anything": scored(rows, ~pl.col("has_number") & pl.col("method").is_not_null()),
    }
    for feed in rows["feed"].unique().sort():
        loose = (pl.col("feed") == feed) & ~pl.col("has_number")
        result[feed] = scored(rows, pl.col("feed") == feed) | {
            f"loose_{name}": value
            for name, value in scored(rows, loose).items()
            if name in ("rows", "recall", "placed")
        }
    return result | {"persons": {name: float(n) for name, n in false_merges(settings, identity, rows).items()}}


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.data_root)
    if options.json:
        print(json.dumps(result, indent=1))
        return 0
    print(
        f"{'':<16}{'rows':>9}{'precision':>11}{'recall':>9}{'placed':>9}   of them without number: rows, recall, placed"
    )
    for name, s in result.items():
        if name == "persons":
            print(f"false merges of two valid numbers: {s['false_merges']:.0f}, suspected {s['of_them_suspected']:.0f}")
            continue
        line = f"{name:<16}{s['rows']:>9,.0f}{s['precision']:>11.5f}{s['recall']:>9.5f}{s['placed']:>9.5f}"
        if "loose_rows" in s:
            line += f"   {s['loose_rows']:>7,.0f} {s['loose_recall']:>8.4f} {s['loose_placed']:>8.4f}"
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
