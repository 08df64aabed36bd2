"""How right the warehouse is about people, against the simulator's truth, and why where it is not.

    python benchmarks/survivorship.py DATA_ROOT [--json]

DATA_ROOT is a data root that was simulated and run (lake, identity, vault/truth). Every attribute of every person who
is in both is compared with the truth on the last business date, and every wrong value is explained by its sources:

  nobody_says        no source states the attribute, so there is no value
  not_reported_yet   no source has the true value, because it became true and nobody has told it (a death, a departure)
  all_sources_wrong  sources state it and none has the true value
  higher_rank_wrong  a source has the true value, but one that goes before it, or spoke later, says something else
  unexplained        none of these: a defect, and the command ends with 1

A value whose feed does not say it, or that another feed should have overruled, is unexplained too. `worse` in the table
of feeds counts wrong values by the feed whose word counted. No name and no number is printed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.feeds.contracts import load_contracts
from pipelines.identifiers import load_key, pseudonyms
from pipelines.settings import Settings
from pipelines.subjects.survivorship import layers
from pipelines.subjects.survivorship.checks import load_rules
from pipelines.subjects.survivorship.rules import Group, Rules
from pipelines.subjects.survivorship.step import CLAIMS, PEOPLE

# Attribute → column of the truth, and the date since when that has been so, where the truth tells.
TRUTH: dict[str, tuple[str, str | None]] = {
    "name": ("name", None), "sex_code": ("sex_code", None), "birth_on": ("birth_on", None),
    "pop_type_code": ("pop_type_code", None), "hukou_div_code": ("hukou_div_code", None),
    "hukou_village_code": ("hukou_village_code", None), "marital_code": ("marital_code", None),
    "edu_code": ("edu_code", None), "alive": ("alive", "death_on"), "death_on": ("death_on", "death_on"),
    "spouse_key": ("spouse_id", None), "res_village_code": ("res_village_code", "left_on"),
}  # fmt: skip
CLASSES = ("nobody_says", "not_reported_yet", "all_sources_wrong", "higher_rank_wrong", "unexplained")


def truth_of(settings: Settings, identity: Path) -> pl.DataFrame:
    """The truth by person_id, in the terms of `person`."""
    people = pl.read_parquet(settings.vault / "truth" / "persons.parquet")
    key = load_key(settings.key_path, must_exist=True)
    told = people["told_by"] if "told_by" in people.columns else people["cert_no"]
    people = people.with_columns(pseudonyms(key, "person", told).alias("person_key"))
    owners = pl.read_parquet(identity / "key.parquet", columns=["person_key", "person_id"])
    people = people.join(owners, on="person_key").unique("person_id", keep="none")
    spouses = people.select(pl.col("person_uid").alias("spouse_uid"), pl.col("person_id").alias("spouse_id"))
    alive = pl.when("alive").then(pl.lit("alive")).when(~pl.col("alive")).then(pl.lit("dead"))
    return people.join(spouses, on="spouse_uid", how="left").with_columns(alive=alive)


def judged(rules: Rules, identity: Path, truth: pl.DataFrame, attribute: str) -> pl.DataFrame:
    """One row a person: truth, value, `why` where they differ, and the feed whose word counted."""
    group = next(g for g in rules.groups if attribute in g.attributes)
    column, since = TRUTH[attribute]
    source = f"{attribute}_source"
    names = ["person_id", attribute, source, "alive"]
    people = layers.scan(identity, PEOPLE).select(list(dict.fromkeys(names))).collect()
    told = truth.select("person_id", true=column, since=since or pl.lit(None, dtype=pl.Date))
    frame = people.join(told, on="person_id").with_columns(feed=pl.col(source).cast(pl.String))
    if attribute == "res_village_code":
        # Where the dead lived last is nobody's residence.
        frame = frame.with_columns(pl.when(pl.col("alive") != "dead").then(attribute).alias(attribute))
    for feed in group.feeds:
        frame = frame.join(said_by(rules, identity, feed, group, attribute), on="person_id", how="left")
    claims = [pl.col(f"{feed}:value") for feed in group.feeds]
    says_so = pl.any_horizontal(
        (pl.col("feed") == feed) & (c == pl.col(attribute)) for feed, c in zip(group.feeds, claims, strict=True)
    )
    is_sound = (says_so | pl.col(attribute).is_null()) & ~overruled(group, attribute)
    speaks = pl.any_horizontal(pl.col(f"{feed}:says").fill_null(False) for feed in group.feeds)
    has_truth = pl.any_horizontal(
        c.eq_missing(pl.col("true")) & pl.col(f"{feed}:says") for feed, c in zip(group.feeds, claims, strict=True)
    )
    is_late = pl.col("since").is_not_null()
    why = (
        pl.when(pl.col(attribute).eq_missing(pl.col("true"))).then(None)
        .when(~is_sound.fill_null(False)).then(pl.lit("unexplained"))
        .when(has_truth).then(pl.lit("higher_rank_wrong"))
        .when(is_late).then(pl.lit("not_reported_yet"))
        .when(~speaks).then(pl.lit("nobody_says"))
        .otherwise(pl.lit("all_sources_wrong"))
    )  # fmt: skip
    return frame.select("person_id", "feed", why=why)


def said_by(rules: Rules, identity: Path, feed: str, group: Group, attribute: str) -> pl.DataFrame:
    """What a feed says: `<feed>:value`, `<feed>:says` whether it speaks at all, `<feed>:by` what decides."""
    claim = rules.speaker(feed, group)
    assert claim is not None
    by = group.by if group.by in claim.names else None
    wanted = [n for n in dict.fromkeys([attribute, by]) if n and n in claim.names]
    frame = layers.scan(identity, f"{CLAIMS}/{claim.name}").select("person_id", *wanted).collect()
    value = pl.col(attribute) if attribute in wanted else pl.lit(None, dtype=pl.String)
    decides = pl.col(by) if by else value
    return frame.select("person_id", value.alias(f"{feed}:value"), decides.alias(f"{feed}:by"),
                        (decides.is_not_null() | value.is_not_null()).alias(f"{feed}:says"))  # fmt: skip


def overruled(group: Group, attribute: str) -> pl.Expr:
    """Whether by the declared order another feed's word should have counted.

    Of a feed that only confirms it is not asked here what others agree with it.
    """
    plain = [feed for feed in group.feeds if feed not in group.confirms]
    held = pl.lit(False)
    for place, feed in enumerate(plain):
        for other in plain:
            if group.kind == "newest":
                before = pl.col(f"{other}:by") > pl.col(f"{feed}:by")
            elif plain.index(other) < place:
                before = pl.col(f"{other}:{'value' if group.by is None else 'by'}").is_not_null()
            else:
                continue
            held |= (pl.col("feed") == feed) & before.fill_null(False) & pl.lit(not group.confirms)
    return held


def main() -> int:
    """Prints the table and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    settings = Settings(data=arguments.root)
    rules = load_rules(settings, load_contracts(settings.contracts))
    dates = sorted(p for p in settings.identity.glob("2*") if layers.exists(p, PEOPLE))
    if not dates:
        sys.stderr.write(f"{settings.identity} holds no date: run the data root first\n")
        return 2
    truth = truth_of(settings, dates[-1])
    rows: list[dict[str, Any]] = []
    for attribute in TRUTH:
        found = judged(rules, dates[-1], truth, attribute)
        wrong = found.filter(pl.col("why").is_not_null())
        by_class = dict(wrong.group_by("why").len().iter_rows())
        feeds = dict(wrong.group_by(pl.col("feed").fill_null("-")).len().sort("len", descending=True).iter_rows())
        share = round(1 - len(wrong) / len(found), 6) if len(found) else None
        rows.append({"attribute": attribute, "people": len(found), "right": len(found) - len(wrong), "accuracy": share,
                     **{c: by_class.get(c, 0) for c in CLASSES}, "worse": feeds})  # fmt: skip
    unexplained = sum(row["unexplained"] for row in rows)
    if arguments.as_json:
        print(json.dumps({"date": dates[-1].name, "attributes": rows, "unexplained": unexplained}, ensure_ascii=False))
        return int(unexplained > 0)
    print(f"{'attribute':20}{'people':>10}{'accuracy':>11}" + "".join(f"{c:>19}" for c in CLASSES) + "  wrong by feed")
    for row in rows:
        told = f"{row['attribute']:20}{row['people']:>10,}{row['accuracy']:>11.4%}"
        feeds = ", ".join(f"{feed} {n:,}" for feed, n in row["worse"].items())
        print(told + "".join(f"{row[c]:>19,}" for c in CLASSES) + f"  {feeds}")
    print(f"unexplained: {unexplained}")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
