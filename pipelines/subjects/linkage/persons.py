"""Ids of persons: who has which, since when, and what merges, splits and decisions do to them.

A person's id is the pseudonym of the number it was first known by, or of its evidence where it has no number. Ids of
people about whom nothing changes never change; of two that become one the older stays. Nothing is compared here: who
is one person is decided in `decide`, by registers' records, and by people (`decisions`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pipelines.identifiers import Key, pseudonym
from pipelines.subjects.decisions import Merge, PersonDecision, Split
from pipelines.subjects.linkage.decide import CONFIDENCE, PROVISIONAL, SUSPECTED

KEYS: dict[str, pl.DataType | type[pl.DataType]] = {
    "person_key": pl.String,
    "person_id": pl.String,
    "first_feed": pl.String,
    "first_on": pl.Date,
}
MENTIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    "mention_id": pl.String,
    "person_id": pl.String,
    "method": pl.String,
    "confidence": CONFIDENCE,
    "status": pl.String,
    "first_feed": pl.String,
    "first_on": pl.Date,
}
HISTORY: dict[str, pl.DataType | type[pl.DataType]] = {
    "on": pl.Date,
    "event": pl.String,
    "person_id": pl.String,
    "other_id": pl.String,
    "via": pl.String,
    "confidence": CONFIDENCE,
    "feed": pl.String,
}
SPLIT_DOMAIN = "person_split"


@dataclass
class Persons:
    """Who has which id on a date: `keys` a row a number, `mentions` a row a piece of evidence without one.

    `events` gathers what happened, in the shape of HISTORY; `keys` and `mentions` are replaced as it happens.
    """

    on: date
    keys: pl.DataFrame
    mentions: pl.DataFrame
    events: list[pl.DataFrame] = field(default_factory=list)

    def tell(self, event: str, rows: pl.DataFrame) -> None:
        """Record an event of every row (person_id and whatever of HISTORY else is known)."""
        if len(rows):
            missing = [pl.lit(None, kind).alias(name) for name, kind in HISTORY.items() if name not in rows.columns]
            told = rows.with_columns(*missing).with_columns(pl.lit(self.on).alias("on"), pl.lit(event).alias("event"))
            self.events.append(told.select(*HISTORY).cast(pl.Schema(HISTORY)))

    def ids_of(self, names: Iterable[str]) -> dict[str, str]:
        """The person of each name that is a number's pseudonym, a mention or a person's id; unknown ones left out."""
        wanted = pl.DataFrame({"name": sorted(set(names))}, schema={"name": pl.String})
        found = [
            wanted.join(self.keys, left_on="name", right_on="person_key").select("name", "person_id"),
            wanted.join(self.mentions, left_on="name", right_on="mention_id").select("name", "person_id"),
        ]
        mine = [f.select("person_id").join(wanted, left_on="person_id", right_on="name", how="semi")
                for f in (self.keys, self.mentions)]  # fmt: skip
        same = pl.concat(mine).unique().select(name="person_id", person_id="person_id")
        return dict(pl.concat([same, *found]).iter_rows())

    def known(self, names: Iterable[str]) -> set[str]:
        """Those of some names that are numbers or mentions."""
        wanted = pl.DataFrame({"name": sorted(set(names))}, schema={"name": pl.String})
        keys, mentions = self.keys.select(name="person_key"), self.mentions.select(name="mention_id")
        return {name for frame in (keys, mentions) for name in frame.join(wanted, on="name", how="semi")["name"]}

    def since(self, ids: Iterable[str]) -> dict[str, tuple[date, int, str]]:
        """How old each person is: the date it was first known, numbers before mere evidence, then the id itself."""
        wanted = pl.DataFrame({"person_id": sorted(set(ids))}, schema={"person_id": pl.String})
        ages: dict[str, tuple[date, int, str]] = {}
        for rank, frame in ((0, self.keys), (1, self.mentions)):
            mine = frame.join(wanted, on="person_id", how="semi").group_by("person_id").agg(pl.col("first_on").min())
            for person, first in mine.iter_rows():
                ages[person] = min(ages.get(person, (date.max, 9, person)), (first, rank, person))
        return ages

    def give(self, changed: Mapping[str, str], among: Sequence[str] | None = None) -> None:
        """Replace ids by others, everywhere or for the keys and mentions in `among` only."""
        if not changed:
            return
        for attribute, key in (("keys", "person_key"), ("mentions", "mention_id")):
            frame: pl.DataFrame = getattr(self, attribute)
            swapped = pl.col("person_id").replace(dict(changed))
            if among is not None:
                swapped = pl.when(pl.col(key).is_in(list(among))).then(swapped).otherwise("person_id")
            setattr(self, attribute, frame.with_columns(swapped.alias("person_id")))

    def merge(self, pairs: pl.DataFrame) -> None:
        """Make one person of each pair (a, b: any names of persons; via, confidence, feed), the oldest id staying."""
        if pairs.is_empty():
            return
        ids = self.ids_of([*pairs["a"], *pairs["b"]])
        leader: dict[str, str] = {}

        def lead(person: str) -> str:
            while leader.get(person, person) != person:
                person = leader[person]
            return person

        ages = self.since(ids.values())
        told = []
        for row in pairs.sort("a", "b").iter_rows(named=True):
            if row["a"] not in ids or row["b"] not in ids:
                continue
            one, two = sorted((lead(ids[row["a"]]), lead(ids[row["b"]])), key=lambda person: ages[person])
            if one != two:
                leader[two] = one
                told.append({"person_id": one, "other_id": two} | {n: row[n] for n in ("via", "confidence", "feed")})
        self.give({person: lead(person) for person in leader})
        if told:
            kinds = {name: HISTORY[name] for name in told[0]}
            self.tell("merged", pl.DataFrame(told, schema=kinds, orient="row"))

    def split(self, key: Key, decision: Split) -> None:
        """Give the decision's keys an id of their own, where they have that of its person."""
        ids = self.ids_of([decision.person, *decision.keys])
        person = ids.get(decision.person)
        gone = sorted(name for name in decision.keys if ids.get(name) == person)
        if person is None or not gone:
            return
        free = [name for name in gone if name != person]
        new = free[0] if free else pseudonym(key, SPLIT_DOMAIN, person)
        self.give({person: new}, among=gone)
        alone = pl.col("mention_id").is_in(gone)
        self.mentions = self.mentions.with_columns(
            pl.when(alone).then(pl.lit("decided")).otherwise("method").alias("method"),
            pl.when(alone).then(pl.lit(None, CONFIDENCE)).otherwise("confidence").alias("confidence"),
            pl.when(alone).then(pl.lit(PROVISIONAL)).otherwise("status").alias("status"),
        )
        self.tell("split", pl.DataFrame({"person_id": [new], "other_id": [person], "via": ["decision"]}))


def add_numbers(persons: Persons, named: Sequence[tuple[str, pl.DataFrame]]) -> None:
    """Persons for numbers not known yet: feeds with the `person_key` they name, the feed that counts first first."""
    every = [frame.select("person_key", first_feed=pl.lit(feed)) for feed, frame in named]
    if not every:
        return
    said = pl.concat(every).unique("person_key", keep="first", maintain_order=True)
    known = persons.keys.select("person_key").join(said, on="person_key", how="semi")
    new = said.join(known, on="person_key", how="anti", maintain_order="left").select(
        "person_key", pl.col("person_key").alias("person_id"), "first_feed", first_on=pl.lit(persons.on, pl.Date)
    )
    if len(new):
        persons.keys = pl.concat([persons.keys, new.sort("person_key")])


def add_mentions(persons: Persons, found: pl.DataFrame) -> None:
    """Say of whom mentions are: mention_id, person_key (null: nobody known), method, confidence, status, feed.

    New ones get the person found or an id of their own. Old ones that were nobody known and have found somebody are
    merged with them, so that the older id stays.
    """
    certain = pl.col("person_key").is_not_null() & ~pl.col("status").is_in([PROVISIONAL, SUSPECTED])
    said = found.join(persons.keys.select("person_key", known="person_id"), on="person_key", how="left")
    said = said.with_columns(is_found=certain & pl.col("known").is_not_null())
    old = said.join(persons.mentions.select("mention_id", had="person_id"), on="mention_id", how="inner")
    new = said.join(persons.mentions, on="mention_id", how="anti")
    made = new.select(
        "mention_id",
        person_id=pl.when("is_found").then("known").otherwise("mention_id"),
        method="method",
        confidence="confidence",
        status="status",
        first_feed="feed",
        first_on=pl.lit(persons.on, pl.Date),
    )
    judged = old.select("mention_id", "method", "confidence", "status")
    kept = persons.mentions.update(judged, on="mention_id", how="left", include_nulls=False)
    persons.mentions = pl.concat([kept, made.select(*MENTIONS)]).sort("mention_id")
    event = pl.when(pl.col("method") == "repaired").then(pl.lit("repaired")).otherwise(pl.lit("linked"))
    links = new.filter("is_found").with_columns(event=event).select(
        "event", person_id="known", other_id="mention_id", via="method", confidence="confidence", feed="feed"
    )  # fmt: skip
    for word in ("repaired", "linked"):
        persons.tell(word, links.filter(pl.col("event") == word).drop("event").sort("other_id"))
    lone = new.filter(~pl.col("is_found")).select(person_id="mention_id", feed="feed").sort("person_id")
    persons.tell("created", lone)
    late = old.filter("is_found").select(a="had", b="known", via="method", confidence="confidence", feed="feed")
    persons.merge(late)


def decided_about(decisions: Iterable[PersonDecision]) -> list[str]:
    """The names that decisions mention."""
    said = [d.persons if isinstance(d, Merge) else (d.person, *d.keys) for d in decisions]
    return [name for mentioned in said for name in mentioned]


def obey(persons: Persons, decisions: Iterable[PersonDecision], key: Key, since: date | None, known: set[str]) -> None:
    """Do what people decided after `since`, and what they decided earlier about somebody not known until today.

    `known` are the names (numbers, mentions) that the date before knew.
    """
    for decision in decisions:
        names = decided_about([decision])
        is_new = since is None or decision.decided_on > since or any(name not in known for name in names)
        if not is_new:
            continue
        if isinstance(decision, Split):
            persons.split(key, decision)
        else:
            first, *others = decision.persons
            pairs = {"a": [first] * len(others), "b": list(others)}
            told = pl.DataFrame(pairs).with_columns(
                via=pl.lit("decision"), confidence=pl.lit(None, CONFIDENCE), feed=pl.lit(None, pl.String)
            )
            persons.merge(told)


def pinned(decisions: Iterable[PersonDecision]) -> set[str]:
    """Numbers and mentions that people parted from a person: nothing is linked to them or from them by itself."""
    return {name for decision in decisions if isinstance(decision, Split) for name in decision.keys}
