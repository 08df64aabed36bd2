"""What is really so, kept apart from the deliveries: persons, the person behind each row, and the planted defects.

Collected while deliveries are written; the files lie in vault/truth (mode 0700, files 0600), since they hold identity
numbers.
"""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.simulate import days, strangers
from pipelines.simulate.dirt import Picker
from pipelines.simulate.kinds import Kind
from pipelines.simulate.oddities import NAMED
from pipelines.simulate.population import World

_DIRT_COLUMNS = {
    "feed": pl.String,
    "business_on": pl.Date,
    "delivery": pl.String,
    "file": pl.String,
    "line": pl.Int32,
    "dirt": pl.String,
    "column": pl.String,
    "expect": pl.String,
}
_ODD_COLUMNS = {of: kind for of, kind in _DIRT_COLUMNS.items() if of not in ("dirt", "expect")} | {
    "oddity": pl.String,
}


_EVENT_COLUMNS = {
    "on": pl.Date,
    "kind": pl.String,
    "person_uid": pl.Int32,
    "old": pl.String,
    "new": pl.String,
}


class Truth:
    """Collects the truth of a simulation."""

    def __init__(self) -> None:
        self._rows: list[pl.DataFrame] = []
        self._events: list[pl.DataFrame] = []
        self._dirt: list[pl.DataFrame] = []
        self._odd: list[pl.DataFrame] = []
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def rows(
        self,
        feed: str,
        day: date,
        file: str,
        line: np.ndarray,
        uid: np.ndarray,
        slot: str = "person",
        delivery: str = "001",
    ) -> None:
        """Say which person each line of a file is about, or names in another slot of its contract (-1: nobody)."""
        frame = pl.DataFrame({"line": line.astype(np.int32), "person_uid": np.asarray(uid).astype(np.int32)})
        self._rows.append(
            frame.select(
                pl.lit(feed).alias("feed"),
                pl.lit(day).alias("business_on"),
                pl.lit(delivery).alias("delivery"),
                pl.lit(file).alias("file"),
                "line",
                pl.lit(slot).alias("slot"),
                pl.when(pl.col("person_uid") >= 0).then("person_uid").alias("person_uid"),
            )
        )

    def changed(self, before: World, after: World, day: date) -> None:
        """Say whose number, sex or name is another at the end of `day` than in the world before."""
        old, new = before.people, after.people.head(len(before.people))
        for kind, column in (("number", "cert_no"), ("sex", "sex"), ("name", "name")):
            rows = (old[column] != new[column]).arg_true()
            self.event(kind, day, new["uid"].gather(rows), old[column].gather(rows), new[column].gather(rows))

    def event(self, kind: str, day: date, uid: pl.Series, old: pl.Series, new: pl.Series) -> None:
        """Say that something that tells people apart is, from `day` on, `new` for them and no longer or also `old`."""
        self._events.append(
            pl.DataFrame(
                {"person_uid": uid.cast(pl.Int32), "old": old.cast(pl.String), "new": new.cast(pl.String)}
            ).select(pl.lit(day).alias("on"), pl.lit(kind).alias("kind"), "person_uid", "old", "new")
        )

    def _identity(self) -> pl.DataFrame:
        """Every event once: a second record is there in the first delivery of the base and in all that follow."""
        events = pl.concat([pl.DataFrame(schema=_EVENT_COLUMNS), *self._events])
        doubles = (pl.col("kind") == "second_number") & ~pl.struct("kind", "person_uid", "new").is_first_distinct()
        return events.filter(~doubles)

    def dirt(self, kind: Kind, day: date, file: str, line: np.ndarray, delivery: str = "001") -> None:
        """Say that these lines carry a planted defect."""
        self.counts[kind.feed, kind.name, kind.expect] += len(line)
        self._dirt.append(
            pl.DataFrame({"line": np.asarray(line).astype(np.int32)}).select(
                pl.lit(kind.feed).alias("feed"),
                pl.lit(day).alias("business_on"),
                pl.lit(delivery).alias("delivery"),
                pl.lit(file).alias("file"),
                "line",
                pl.lit(kind.name).alias("dirt"),
                pl.lit(kind.column).alias("column"),
                pl.lit(kind.expect).alias("expect"),
            )
        )

    def odd(
        self, feed: str, name: str, day: date, file: str, line: np.ndarray | None = None, delivery: str = "001"
    ) -> None:
        """Say that these lines of a file, or the file (None), are odd by nature in a declared way."""
        column = NAMED[feed, name].column
        lines = pl.Series("line", [None] if line is None else np.asarray(line), dtype=pl.Int32)
        words = {"feed": feed, "business_on": day, "delivery": delivery, "file": file, "column": column, "oddity": name}
        columns = [pl.lit(words[of]).alias(of) if of in words else pl.col(of) for of in _ODD_COLUMNS]
        self._odd.append(pl.DataFrame(lines).select(columns))

    def planted(self, picker: Picker, day: date, file: str, first_line: int) -> None:
        """Record everything a picker planted in a file whose row 0 stands on `first_line`."""
        for kind, rows in picker.planted:
            self.dirt(kind, day, file, rows + first_line)

    def write(self, folder: Path, world: World, day: date) -> None:
        """Write persons, rows, changes of identity, dirt and oddities as they are known at the end of `day`."""
        folder.mkdir(parents=True, mode=0o700)
        folder.parent.chmod(0o700)
        folder.chmod(0o700)
        identity = self._identity()
        tables = {
            "persons": _as_first_known(pl.concat([persons(world, day), _strangers(world)], how="diagonal"), identity),
            "identity": identity,
            "rows": pl.concat(self._rows),
            "dirt": pl.concat([pl.DataFrame(schema=_DIRT_COLUMNS), *self._dirt]),
            "odd": pl.concat([pl.DataFrame(schema=_ODD_COLUMNS), *self._odd]),
        }
        for name, table in tables.items():
            path = folder / f"{name}.parquet"
            table.write_parquet(path)
            path.chmod(0o600)


def _strangers(world: World) -> pl.DataFrame:
    """People the base does not know, in the columns of `persons` as far as anything is known of them."""
    people = strangers.build(world.reference, world.scale, world.seed)
    return people.select(
        pl.col("uid").alias("person_uid"),
        "cert_no",
        pl.lit("111").alias("cert_kind"),
        pl.col("cert_no").alias("told_by"),
        "name",
        pl.col("sex").cast(pl.String).alias("sex_code"),
        days.as_date("birth").alias("birth_on"),
        pl.lit(True).alias("alive"),
        pl.lit(False).alias("is_resident"),
        pl.lit(False).alias("in_base"),
    )


def _as_first_known(people: pl.DataFrame, identity: pl.DataFrame) -> pl.DataFrame:
    """Persons told by the number they were first known by: it stays theirs when they get another."""
    former = identity.filter(kind="number").sort("on").unique("person_uid", keep="first", maintain_order=True)
    joined = people.join(former.select("person_uid", "old"), on="person_uid", how="left", maintain_order="left")
    return joined.with_columns(told_by=pl.coalesce("old", "told_by")).drop("old")


def _told_by() -> pl.Expr:
    """What is one person's alone: the number; of passports, which repeat between countries, with nation and birth."""
    passport = pl.concat_str("cert_no", "nation", days.text("birth", "%Y-%m-%d"), separator="/")
    return pl.when(pl.col("cert_kind") == "414").then(passport).otherwise("cert_no")


def persons(world: World, day: date) -> pl.DataFrame:
    """One row a person who ever was in the district: identity, residence and hukou at the end of `day`."""
    codes = world.villages.select(pl.col("village").cast(pl.Int16), "village_code")
    here = (pl.col("village") >= 0) & pl.col("alive") & (pl.col("until") > days.number(day))
    return (
        world.people.join(codes, on="village", how="left", maintain_order="left")
        .join(
            codes.rename({"village": "hukou_village", "village_code": "hukou_village_code"}),
            on="hukou_village",
            how="left",
            maintain_order="left",
        )
        .join(
            world.dwellings.select("dwelling", "dwelling_id"), on="dwelling", how="left", maintain_order="left"
        )
        .select(
            pl.col("uid").alias("person_uid"),
            "cert_no",
            "cert_kind",
            _told_by().alias("told_by"),
            "name",
            pl.col("sex").cast(pl.String).alias("sex_code"),
            days.as_date("birth").alias("birth_on"),
            "alive",
            days.as_date("died").alias("death_on"),
            pl.when(here).then("village_code").alias("res_village_code"),
            pl.when(here).then("dwelling_id").alias("res_dwelling_id"),
            "hukou_village_code",
            pl.col("division").cast(pl.String).replace("0", None).alias("hukou_div_code"),
            ("0" + pl.col("kind").cast(pl.String)).alias("pop_type_code"),
            here.alias("is_resident"),
            pl.lit(True).alias("in_base"),
            pl.col("marital").cast(pl.String).alias("marital_code"),
            pl.when(pl.col("edu") > 0).then(pl.col("edu").cast(pl.String)).alias("edu_code"),
            pl.when(here & (pl.col("household") >= 0)).then("household").alias("household_uid"),
            pl.when(pl.col("collective") == 1).then(pl.lit("dorm"))
            .when(pl.col("collective") == 2).then(pl.lit("institution"))
            .otherwise(pl.lit("home")).alias("quarters"),
            pl.when(pl.col("spouse") >= 0).then("spouse").alias("spouse_uid"),
            pl.when(pl.col("father") >= 0).then("father").alias("father_uid"),
            pl.when(pl.col("mother") >= 0).then("mother").alias("mother_uid"),
            pl.when(pl.col("until") > days.number(day)).then(None).otherwise(days.as_date("until")).alias("left_on"),
        )
    )  # fmt: skip
