"""What a day's rows say of who people are, in one shape whatever the feed: the input of linkage.

Reads the columns that a contract's slots name and brings names and addresses into one form. Of a snapshot that follows
another only what differs is brought into form (`difference`). What follows from the evidence is decided in `linkage`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.feeds.contracts import Contract
from pipelines.feeds.people import Slot
from pipelines.identifiers import pseudonyms
from pipelines.subjects.day import Day, said_in
from pipelines.subjects.linkage import names
from pipelines.subjects.linkage.difference import differing
from pipelines.subjects.linkage.rules import LinkageRules

MENTION_DOMAIN = "mention"
# What a row may say of a person, in the order in which a mention's text is made.
FACTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "name": pl.String,
    "birth_on": pl.Date,
    "sex_code": pl.String,
    "mobile": pl.String,
    "address": pl.String,
    "dwelling": pl.String,
    "village": pl.String,
    "household_no": pl.String,
    "mask_key": pl.String,
    "digest": pl.String,
    "guardian": pl.String,
}
# Facts that are another person's or the number itself: they stand in no mention's text beside the others.
_APART = ("digest", "guardian")
# What only an unusable number leaves behind.
TRACES: dict[str, pl.DataType | type[pl.DataType]] = {"number": pl.List(pl.String), "stated_birth_on": pl.Date}
PLACE: dict[str, pl.DataType | type[pl.DataType]] = {
    "feed": pl.String,
    "slot": pl.String,
    "business_on": pl.Date,
    "delivery": pl.String,
    "_file": pl.String,
    "_line": pl.Int64,
}
# A row that says none of these, and whose number has no repairs, is about nobody.
_SAYS = ("person_key", "name", "birth_on", "mobile", "mask_key", "digest", "stated_birth_on")
_LAKE_TRACE = {
    "number": "_candidates",
    "stated_birth_on": "_stated_birth_on",
    "mask_key": "_mask_key",
    "digest": "_digest",
}
NAMED: dict[str, pl.DataType | type[pl.DataType]] = {"person_key": pl.String, "name": pl.String}


@dataclass(frozen=True)
class Again:
    """What a snapshot says as the delivery before it said it, on `since`, and what it does not.

    `touched` are the numbers of whom other rows speak than before, or several; all rows of theirs are read. `rows`
    (NAMED, names as delivered) are those of the numbers of whom the same row speaks as before.
    """

    since: date
    touched: pl.Series
    rows: pl.DataFrame


@dataclass(frozen=True)
class Part:
    """What the deliveries of one feed say in one slot, with the slot's rank: base feeds first.

    Columns of `rows`: those of PLACE, `person_key` (null without a usable number), `record` (null where the feed has
    none of its own), FACTS and TRACES. Rows that say nothing of anybody are left out, and those in `again`.
    """

    rank: int
    contract: Contract
    rows: pl.DataFrame
    again: Again | None

    def named(self, keys: pl.Series | None, rules: LinkageRules) -> pl.DataFrame:
        """The names (NAMED, distinct) that the deliveries give some numbers, or all of whom `rows` speak."""
        found = self.rows.select(*NAMED)
        if keys is not None:
            mine = pl.col("person_key").is_in(keys.implode())
            found = found.filter(mine)
            if self.again:
                left = self.again.rows.filter(mine)
                found = pl.concat([found, left.with_columns(_name(left["name"], rules))])
        return found.drop_nulls().unique()


def read_day(day: Day, rules: LinkageRules, is_whole: bool) -> Iterator[Part]:
    """What the deliveries dated `day` and in use say, slot by slot; all of it where `is_whole`."""
    contracts = sorted(day.contracts.values(), key=lambda c: (c.precedence, c.feed))
    slots = [(contract, slot) for contract in contracts for slot in contract.people]
    for rank, (contract, slot) in enumerate(slots):
        used = set(day.in_use.get(contract.feed, ()))
        paths = [path for path in day.arrived.get(contract.feed, ()) if path in used]
        if not paths:
            continue
        earlier = None if is_whole else _replaced(day, contract)
        if earlier:
            yield _difference(rank, earlier, paths[-1], contract, slot, rules)
        else:
            rows = [_formed(_raw(path, contract, slot, rules).collect(), path, contract, slot, rules) for path in paths]
            yield Part(rank, contract, pl.concat(rows), None)


def _replaced(day: Day, contract: Contract) -> Path | None:
    """The delivery that a snapshot took the place of, where it is still there to compare with."""
    was = day.was_in_use.get(contract.feed, ())
    return was[-1] if contract.delivery.load == "snapshot" and was and was[-1].exists() else None


def _difference(rank: int, earlier: Path, path: Path, contract: Contract, slot: Slot, rules: LinkageRules) -> Part:
    """A snapshot without the rows with a number that stood in the delivery before."""
    now = _raw(path, contract, slot, rules).collect()
    has_key = pl.col("person_key").is_not_null()
    was = _raw(earlier, contract, slot, rules).filter(has_key).select("person_key", "record", *FACTS).collect()
    is_other, is_gone = differing(was, now, ["person_key", "record"])
    others = now.filter(is_other)
    again = Again(
        since=said_in(earlier)[0],
        touched=pl.concat([others["person_key"], was["person_key"].filter(is_gone)]).drop_nulls().unique(),
        rows=now.select(*NAMED).filter(~is_other),
    )
    return Part(rank, contract, _formed(others, path, contract, slot, rules), again)


def _raw(path: Path, contract: Contract, slot: Slot, rules: LinkageRules) -> pl.LazyFrame:
    """One file's rows as one slot sees them and as delivered, without those that say nothing of anybody."""
    frame = pl.scan_parquet(path)
    has = set(frame.collect_schema().names())
    columns: dict[str, pl.Expr] = {}
    for field in FACTS:
        name = slot.columns.get(field)
        columns[field] = pl.col(name) if name in has else pl.lit(None, FACTS[field])
    if slot.other_name in has:
        columns["name"] = pl.coalesce(columns["name"], pl.col(slot.other_name))
    for field, suffix in _LAKE_TRACE.items():
        name = f"{slot.id}{suffix}"
        if slot.id and name in has:
            columns[field] = pl.col(name)
        else:
            columns[field] = pl.lit(None, (TRACES | FACTS)[field])
    if slot.guardian and f"{slot.guardian}_id" in has:
        columns["guardian"] = pl.col(f"{slot.guardian}_id")
    record = rules.records.get(contract.feed) if slot == contract.people[0] else None
    columns["record"] = pl.col(record) if record in has else pl.lit(None, pl.String)
    columns["person_key"] = pl.col(f"{slot.id}_id") if slot.id else pl.lit(None, pl.String)
    columns |= {"_file": pl.col("_file"), "_line": pl.col("_line").cast(pl.Int64)}
    kinds = FACTS | TRACES | PLACE
    return frame.select(**{n: e.cast(kinds.get(n, pl.String)) for n, e in columns.items()}).filter(_says_anything())


def _says_anything() -> pl.Expr:
    """Whether a row says anything of anybody."""
    return pl.any_horizontal(pl.col(c).is_not_null() for c in _SAYS) | (pl.col("number").list.len() > 0).fill_null(
        False
    )


def _formed(rows: pl.DataFrame, path: Path, contract: Contract, slot: Slot, rules: LinkageRules) -> pl.DataFrame:
    """Rows of one file with everything brought into one form."""
    business_on, delivery = said_in(path)
    formed = rows.with_columns(
        pl.lit(contract.feed).alias("feed"),
        pl.lit(slot.slot).alias("slot"),
        pl.lit(business_on).alias("business_on"),
        pl.lit(delivery).alias("delivery"),
        _name(rows["name"], rules),
        _plain_text(rows["address"]).alias("address"),
        pl.col("mobile").str.replace_all(r"[^0-9]", "").str.replace(r"^86(1[0-9]{10})$", "${1}").replace("", None),
        pl.col("number").fill_null([]).list.sort(),
    )
    return formed.filter(_says_anything()).select(*PLACE, "person_key", "record", *FACTS, *TRACES)


def _name(names_as_delivered: pl.Series, rules: LinkageRules) -> pl.Series:
    """Names in the form in which they are compared."""
    first = _first(names_as_delivered, rules.names.between)
    return names.normal(first, rules.names.dots, rules.names.traditional).alias("name")


def _first(text: pl.Series, marks: str) -> pl.Series:
    """Of several people in one field the first."""
    if not marks:
        return text
    inner = marks.replace("]", r"\]")
    return text.str.extract(f"^([^{inner}]*)", 1)


def _plain_text(text: pl.Series) -> pl.Series:
    """An address without what typing adds; null where nothing is left."""
    if text.null_count() == len(text):
        return text
    return text.str.normalize("NFKC").str.replace_all(r"[\s\p{Cf}]", "").str.to_uppercase().replace("", None)


def mentions(day: Day, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without a usable number with `mention_id` beside them: one id a distinct piece of evidence.

    Evidence that tells people apart (a number's traces, or a name with a birth date or a mobile number) is the same
    person wherever it stands; a mere name is one only within its feed and slot. Of a row with a digest of the number
    nothing else counts: it is the number in another form. A child without a name is told by its guardian's number, its
    birth date and its sex.
    """
    name, birth = pl.col("name").is_not_null(), pl.col("birth_on").is_not_null()
    traced = (pl.col("number").list.len() > 0) | pl.col("mask_key").is_not_null() & name
    tells = traced | name & (birth | pl.col("mobile").is_not_null() | pl.col("stated_birth_on").is_not_null())
    where = pl.when(tells).then(pl.lit("")).otherwise(pl.concat_str("feed", "slot", separator="/"))
    said = [pl.col(fact).cast(pl.String).fill_null("") for fact in FACTS if fact not in _APART]
    said += [pl.col("stated_birth_on").cast(pl.String).fill_null(""), pl.col("number").list.join(",")]
    child = pl.concat_str("guardian", "birth_on", pl.col("sex_code").fill_null(""), separator="\x1f")
    nameless = pl.when(~name & ~traced).then(child)  # null where one of the two is
    text = rows.select(pl.coalesce("digest", nameless, pl.concat_str(where, *said, separator="\x1f"))).to_series()
    return rows.with_columns(pseudonyms(day.key, MENTION_DOMAIN, text).alias("mention_id"))


def deliveries_in_use(in_use: Mapping[str, tuple[Path, ...]]) -> pl.DataFrame:
    """Feed, business date and number of every delivery in use."""
    told = [(feed, *said_in(path)) for feed, paths in in_use.items() for path in paths]
    schema = {"feed": pl.String, "business_on": pl.Date, "delivery": pl.String}
    return pl.DataFrame(told, schema=schema, orient="row") if told else pl.DataFrame(schema=schema)
