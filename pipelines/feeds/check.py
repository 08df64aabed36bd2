"""One vectorised pass over a delivery: every row is accepted, held back with its reasons, or a recorded duplicate.

Takes text from a reader and a contract; gives frames. Writes nothing and decides nothing about the delivery as a whole
(`judge`). Raw identity numbers leave this module only inside the quarantine frame, which belongs in the vault.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines import identifiers
from pipelines.feeds import links, rules
from pipelines.feeds.columns import Rule, read_columns, value_name
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Waiver
from pipelines.feeds.fields import PART_SUFFIX
from pipelines.feeds.holders import told_by
from pipelines.feeds.messages import Message, row_message
from pipelines.feeds.readers.raw import FILE, LINE, Raw
from pipelines.feeds.rules import RowRule
from pipelines.feeds.shape import Shape, measure, with_keys
from pipelines.feeds.waivers import let_in, row_texts, rows_of

POLARS_TYPES: dict[str, type[pl.DataType] | pl.DataType] = {
    "string": pl.String,
    "integer": pl.Int32,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "array": pl.List(pl.String),
}
_QUARANTINE_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "file": pl.String,
    "line": pl.Int32,
    "raw": pl.String,
    "rules": pl.List(pl.String),
    "columns": pl.List(pl.String),
    "messages_zh": pl.List(pl.String),
    "messages_en": pl.List(pl.String),
}
_NEVER = "never"
QUARANTINE_SCHEMA = pl.Schema(_QUARANTINE_TYPES)
DUPLICATE_SCHEMA = pl.Schema(
    {
        "file": pl.String,
        "line": pl.Int32,
        "kept_file": pl.String,
        "kept_line": pl.Int32,
        "reason": pl.String,
    }
)


@dataclass
class Checked:
    """The outcome. `delivered` = rows of the three frames together; `rule_counts` counts rows by rule code."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    duplicates: pl.DataFrame
    delivered: int
    rule_counts: dict[str, int]
    dropped: dict[str, int]
    # Rows a person let in; rows that such decisions name and that could not be let in, or need not be any more.
    waived: int = 0
    void_waivers: int = 0
    shape: Shape = field(default_factory=dict)


def lake_schema(contract: Contract) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Column types of a feed's rows in the lake, the three bookkeeping columns last."""
    schema: dict[str, pl.DataType | type[pl.DataType]] = {}
    for name, (kind, column) in contract.outputs.items():
        schema[name] = (
            pl.Decimal(column.intake.digits, column.intake.decimals) if kind == "number" else POLARS_TYPES[kind]
        )
    return schema | {LINE: pl.Int32, FILE: pl.String, "_dq": pl.List(pl.String)}


def check(
    contract: Contract,
    raw: Raw,
    key: identifiers.Key,
    business_on: date,
    reference: Path,
    waivers: Collection[Waiver] = (),
) -> Checked:
    """Check every row of a delivery against its contract. `raw` is used up: its frame is empty afterwards.

    `waivers` are the decisions on this delivery's rows: the rows they let in are accepted, the rules in `_dq`.
    """
    delivered = raw.delivered
    columns = read_columns(contract, raw, business_on, reference)
    of_rows = _row_rules(contract, columns.values, business_on)
    values = links.disown(contract, columns.values, {rule.code: rows for rule, rows in of_rows.items()})
    # What is no longer needed is let go of: a district's people are a gigabyte as text and another as values.
    columns.values = columns.values.clear()
    broken = columns.broken | of_rows
    measured = measure(contract, values, broken)
    rule_list = list(broken)
    # The first flag is never raised: it gives the frame its height where no rule is broken.
    flags = pl.DataFrame({_NEVER: _none(raw.frame.height)} | {str(i): rows for i, rows in enumerate(broken.values())})
    errors = [str(i) for i, rule in enumerate(rule_list) if rule.severity == "error"]
    held = flags.select(pl.any_horizontal(_NEVER, *errors)).to_series()
    waived = let_in(contract, waivers, raw.frame, values, {rule_list[int(i)]: flags[i] for i in errors}, held, key)
    held &= ~waived
    quarantine = _quarantine(contract, raw, flags, rule_list, held)
    duplicates, superseded = _duplicates(contract, raw, values, held)
    raw.frame = raw.frame.clear()
    stay = ~held & ~superseded
    told = {str(i): rule.code for i, rule in enumerate(rule_list) if rule.severity == "warning" or waived.any()}
    kept = [*values.get_columns(), _names(flags, told).alias("_dq")]
    del values
    for i, column in enumerate(kept):
        kept[i] = column.filter(stay)
    rows = _pseudonymise(contract, kept, key).select(list(lake_schema(contract)))
    counts = {rule.code: int(flags[str(i)].sum()) for i, rule in enumerate(rule_list)}
    for rule_name, count in raw.scraps.group_by("rule").len().sort("rule").iter_rows():
        counts[f"{contract.feed}.row.{rule_name}"] = count
    checked = Checked(
        rows=rows,
        quarantine=quarantine,
        duplicates=duplicates,
        delivered=delivered,
        rule_counts={code: count for code, count in counts.items() if count},
        dropped=columns.dropped,
        waived=int(waived.sum()),
        void_waivers=len(rows_of(waivers)) - int(waived.sum()),
        shape=with_keys(contract, measured, rows),
    )
    accounted = rows.height + quarantine.height + duplicates.height
    if checked.delivered != accounted:
        raise AssertionError(f"{contract.feed}: {checked.delivered} rows delivered, {accounted} accounted for")
    return checked


# ---------------------------------------------------------------- row rules


def _row_rules(contract: Contract, values: pl.DataFrame, business_on: date) -> dict[Rule, pl.Series]:
    """Rows for which a condition is false; where it is unknown the row passes."""
    if not contract.row_rules:
        return {}
    dated = values.lazy().with_columns(
        pl.lit(business_on).alias("business_on"),
        pl.lit(business_on.year).alias("business_year"),
        pl.lit(business_on + timedelta(days=1)).alias("day_after"),
    )
    answers = dated.select(_broken(rule).alias(str(i)) for i, rule in enumerate(contract.row_rules)).collect()
    return {
        Rule(
            f"{contract.feed}.{rule.column}.{rule.name}",
            contract.by_name[rule.column].physical,
            "warning" if rule.severity == "link" else rule.severity,
            Message(rule.message_zh, rule.message_en),
        ): answers[str(i)]
        for i, rule in enumerate(contract.row_rules)
    }


def _broken(rule: RowRule) -> pl.Expr:
    condition = rules.expression(rule.expression)
    if not rule.within:
        return (~condition).fill_null(False)
    return ~condition.fill_null(False).any().over(list(rule.within))


# ---------------------------------------------------------------- outcomes


def _names(flags: pl.DataFrame, names: dict[str, str]) -> pl.Series:
    """For each row the names of the flags that are true, as a list; only rows with a flag pay for it."""
    names = {i: name for i, name in names.items() if flags[i].any()}
    nothing = pl.Series([[]], dtype=pl.List(pl.String))
    if not names:
        return nothing.new_from_index(0, flags.height)
    flagged = flags.select(pl.any_horizontal(list(names))).to_series()
    lists = flags.filter(flagged).select(
        pl.concat_list(pl.when(pl.col(i)).then(pl.lit(name)) for i, name in names.items()).list.drop_nulls()
    )
    place = pl.select(pl.when(flagged).then(flagged.cast(pl.Int64).cum_sum() - 1).otherwise(lists.height)).to_series()
    return lists.to_series().append(nothing).gather(place)


def _quarantine(
    contract: Contract, raw: Raw, flags: pl.DataFrame, rule_list: list[Rule], held: pl.Series
) -> pl.DataFrame:
    """Rows held back: where they stood, what they said, which rules they broke and what to do about each."""
    bad_flags, bad = flags.filter(held), raw.frame.filter(held).cast({pl.Categorical: pl.String})
    broken = {str(i): rule for i, rule in enumerate(rule_list) if rule.severity == "error" and bad_flags[str(i)].any()}
    parsed = bad.select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        row_texts(contract, bad),
    ).with_columns(
        _names(bad_flags, {i: r.code for i, r in broken.items()}).alias("rules"),
        _names(bad_flags, {i: r.column for i, r in broken.items()}).alias("columns"),
        _names(bad_flags, {i: r.message.zh for i, r in broken.items()}).alias("messages_zh"),
        _names(bad_flags, {i: r.message.en for i, r in broken.items()}).alias("messages_en"),
    )
    scraps = [
        {
            "file": file,
            "line": line,
            "raw": text,
            "rules": [f"{contract.feed}.row.{rule}"],
            "columns": [""],
            "messages_zh": [row_message(rule, "", "").zh],
            "messages_en": [row_message(rule, "", "").en],
        }
        for file, line, text, rule in raw.scraps.iter_rows()
    ]
    return pl.concat([parsed.cast(QUARANTINE_SCHEMA), pl.DataFrame(scraps, schema=QUARANTINE_SCHEMA)])


def _duplicates(contract: Contract, raw: Raw, values: pl.DataFrame, held: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Rows said again: with the same key (the latest by the contract's order stays), or wholly identical.

    Where the key's identity number cannot be used a row is its own key: only wholly identical ones repeat it. Returns
    the record of duplicates and the rows they are. Rows held back neither repeat nor are repeated.
    """
    keys = [value_name(contract.by_name[name]) for name in contract.key]
    whole = ~held
    again = []
    if keys:
        whole &= _without_number(contract, values)
        # Under names of our own: a contract may call its columns anything, such as what is worked with below.
        named = {f"key {i}": key for i, key in enumerate(keys)}
        order = {"order": contract.delivery.latest_by} if contract.delivery.latest_by else {}
        keyed = values.select(pl.col(name).alias(ours) for ours, name in (named | order).items())
        # By hashes, which are short; those that only seem alike, or are alike to rows held back, are told apart below.
        seem_alike = keyed.select(list(named)).hash_rows(seed=0).is_duplicated()
        keyed = keyed.with_row_index("at").filter(seem_alike & ~held)
        keyed = keyed.filter(pl.all_horizontal(pl.col(k).is_not_null() for k in named))
        again.append(_said_again(contract, raw, keyed, list(named), list(order)))
    if whole.any():
        hashed = raw.frame.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"))
        hashed = hashed.with_columns(raw.frame.select(list(contract.physicals)).hash_rows(seed=0).alias("hash"))
        alike = hashed.filter(whole).filter(pl.col("hash").is_duplicated())
        again.append(_said_again(contract, raw, alike, ["text"], []))
    every = pl.concat([frame for frame in again if frame.height] or [pl.DataFrame(schema={"at": pl.UInt32})])
    if every.is_empty():
        return pl.DataFrame(schema=DUPLICATE_SCHEMA), _none(raw.frame.height)
    every = every.sort("at")
    return every.drop("at").cast(DUPLICATE_SCHEMA), _none(raw.frame.height).scatter(every["at"], True)


def _without_number(contract: Contract, values: pl.DataFrame) -> pl.Series:
    """Rows accepted although the identity number in their key cannot be used."""
    linked = [value_name(c) for c in (contract.by_name[name] for name in contract.key) if c.is_linked]
    if not linked:
        return _none(values.height)
    return values.select(pl.any_horizontal(pl.col(name).is_null() for name in linked)).to_series()


def _said_again(
    contract: Contract, raw: Raw, candidates: pl.DataFrame, keys: list[str], order: list[str]
) -> pl.DataFrame:
    """Of rows that may say the same, those that do not stay: `at` and the record. `text` is the row as it came."""
    if candidates.is_empty():
        return pl.DataFrame(schema={"at": pl.UInt32, **DUPLICATE_SCHEMA})
    texts = (
        raw.frame[candidates["at"]]
        .cast({pl.Categorical: pl.String})
        .select(FILE, LINE, pl.struct(list(contract.physicals)).struct.json_encode().alias("text"))
    )
    candidates = pl.concat([candidates, texts], how="horizontal")
    # Identical rows: the first stays. Otherwise the latest by the contract's order, then the last in the file.
    kept = (
        candidates.sort(*order, FILE, LINE, nulls_last=False)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.all_horizontal((pl.col("text") == pl.col("text").first()).all()).alias("identical"),
            *(
                getattr(pl.col(name), end)().alias(f"{end}_{name}")
                for end in ("first", "last")
                for name in ("at", FILE, LINE)
            ),
        )
        .with_columns(
            pl.when("identical").then(f"first_{name}").otherwise(f"last_{name}").alias(f"kept_{name}")
            for name in ("at", FILE, LINE)
        )
    )
    again = candidates.join(kept, on=keys, how="inner").filter(pl.col("at") != pl.col("kept_at"))
    return again.select(
        "at",
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.col(f"kept_{FILE}").alias("kept_file"),
        pl.col(f"kept_{LINE}").alias("kept_line"),
        pl.when("identical").then(pl.lit("identical")).otherwise(pl.lit("same_key")).alias("reason"),
    )


def _pseudonymise(contract: Contract, kept: list[pl.Series], key: identifiers.Key) -> pl.DataFrame:
    """Replace numbers and keys by pseudonyms and masks: the last place where they are in the clear.

    `kept` is used up, so that what is replaced is let go of at once.
    """
    values = pl.DataFrame(kept)
    kept.clear()
    for column in contract.columns:
        if column.intake.role == "identity":
            number = values[value_name(column)]
            more = [identifiers.pseudonyms(key, "person", told_by(column, values))]
            if "masked" in column.intake.keep:
                more.append(identifiers.masks(number).alias(column.name + PART_SUFFIX["masked"]))
            values = values.with_columns(*more, *links.pseudonymised(column, values, key))
        elif column.intake.role == "key":
            values = values.with_columns(identifiers.pseudonyms(key, str(column.intake.domain), values[column.name]))
    derived = {c.name: rules.expression(c.logic) for c in contract.columns if c.logic is not None}
    return values.with_columns(expression.alias(name) for name, expression in derived.items())


def _none(height: int) -> pl.Series:
    return pl.repeat(False, height, dtype=pl.Boolean, eager=True)
