"""One vectorised pass over a delivery: every row is accepted, held back with its reasons, or a recorded duplicate.

Takes text from a reader and a contract; gives frames. Writes nothing and decides nothing about the delivery as a whole
(`judge`). Raw identity numbers leave this module only inside the quarantine frame, which belongs in the vault.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines import identifiers
from pipelines.feeds import parse, rules
from pipelines.feeds.contracts import PART_SUFFIX, Column, Contract, RowRule
from pipelines.feeds.messages import Message, row_message
from pipelines.feeds.readers.raw import FILE, LINE, Raw

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


@dataclass(frozen=True)
class Rule:
    """A rule as rows break it: its code, the raw column people look at, its severity and message."""

    code: str
    column: str
    severity: str
    message: Message


@dataclass
class Checked:
    """The outcome. `delivered` = rows of the three frames together; `rule_counts` counts rows by rule code."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    duplicates: pl.DataFrame
    delivered: int
    rule_counts: dict[str, int]
    dropped: dict[str, int]


def lake_schema(contract: Contract) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Column types of a feed's rows in the lake, the three bookkeeping columns last."""
    schema: dict[str, pl.DataType | type[pl.DataType]] = {}
    for name, (kind, column) in contract.outputs.items():
        schema[name] = (
            pl.Decimal(column.intake.digits, column.intake.decimals) if kind == "number" else POLARS_TYPES[kind]
        )
    return schema | {LINE: pl.Int32, FILE: pl.String, "_dq": pl.List(pl.String)}


def check(contract: Contract, raw: Raw, key: identifiers.Key, business_on: date, reference: Path) -> Checked:
    """Check every row of a delivery against its contract."""
    values, broken = _read_columns(contract, raw, business_on, reference)
    rule_list = list(broken)
    flags = pl.DataFrame([series.alias(str(i)) for i, series in enumerate(broken.values())])
    errors = [str(i) for i, rule in enumerate(rule_list) if rule.severity == "error"]
    held = (
        flags.select(pl.any_horizontal(errors)).to_series() if errors and raw.frame.height else _none(raw.frame.height)
    )
    quarantine = _quarantine(contract, raw, flags, rule_list, held)
    duplicates, superseded = _duplicates(contract, raw, values, held)
    stay = ~held & ~superseded
    values = values.with_columns(_dq(flags, rule_list).alias("_dq")).filter(stay)
    rows = _pseudonymise(contract, values, key).select(list(lake_schema(contract)))
    counts = {rule.code: int(flags[str(i)].sum()) for i, rule in enumerate(rule_list)}
    for rule_name, count in raw.scraps.group_by("rule").len().sort("rule").iter_rows():
        counts[f"{contract.feed}.row.{rule_name}"] = count
    checked = Checked(
        rows=rows,
        quarantine=quarantine,
        duplicates=duplicates,
        delivered=raw.delivered,
        rule_counts={code: count for code, count in counts.items() if count},
        dropped=_dropped(contract, raw.frame),
    )
    accounted = rows.height + quarantine.height + duplicates.height
    if checked.delivered != accounted:
        raise AssertionError(f"{contract.feed}: {checked.delivered} rows delivered, {accounted} accounted for")
    return checked


# ---------------------------------------------------------------- columns


def _read_columns(
    contract: Contract, raw: Raw, business_on: date, reference: Path
) -> tuple[pl.DataFrame, dict[Rule, pl.Series]]:
    """Typed values of every column, and for every rule the rows that break it."""
    expressions: dict[str, pl.Expr] = {}
    flags: list[tuple[Rule, pl.Expr]] = []
    for column in contract.read_columns:
        if column.intake.role in ("identity", "credit_code", "drop"):
            continue
        reading = parse.read(column, reference)
        expressions[column.name] = reading.value
        flags += [(_rule(contract, column, name), broken) for name, broken in reading.broken.items()]
    values = raw.frame.select(pl.col(LINE), pl.col(FILE), *(e.alias(name) for name, e in expressions.items()))
    answers = raw.frame.select(e.fill_null(False).alias(str(i)) for i, (_, e) in enumerate(flags))
    broken = {rule: answers[str(i)] for i, (rule, _) in enumerate(flags)}
    for column in contract.read_columns:
        if column.intake.role == "identity":
            values, more = _identity(contract, column, raw.frame, values, business_on)
            broken |= more
        elif column.intake.role == "credit_code":
            values, more = _credit_code(contract, column, raw.frame, values)
            broken |= more
        if column.required and column.intake.role != "drop":
            empty = raw.frame.select(parse.clean(column.physical).is_null()).to_series()
            broken[_rule(contract, column, "required", "error")] = empty
    for column in contract.read_columns:
        if column.physical in raw.cut and column.intake.role != "drop":
            broken[_rule(contract, column, "cut_char", "warning")] = raw.cut[column.physical]
    return values, broken | _row_rules(contract, values, business_on)


def _identity(
    contract: Contract, column: Column, frame: pl.DataFrame, values: pl.DataFrame, business_on: date
) -> tuple[pl.DataFrame, dict[Rule, pl.Series]]:
    """Add the parts of an identity number; its canonical form stands where its pseudonym will (`_pseudonymise`)."""
    options = column.intake
    text = frame.select(parse.clean(column.physical)).to_series()
    if options.unknown:
        text = text.set(text.is_in(list(options.unknown)).fill_null(False), None)
    found = identifiers.examine(
        text,
        kinds=options.kinds or identifiers.KINDS,
        declared=values[options.declared_by] if options.declared_by else None,
        with_suffix=options.with_suffix,
        allow_synthetic=contract.synthetic_areas,
        latest=business_on,
    )
    parts = [part for part in PART_SUFFIX if part not in ("id", "masked")]
    values = values.with_columns(
        found["canonical"].alias(_value_name(column)),
        *(found[part].alias(column.name + PART_SUFFIX[part]) for part in parts),
    )
    problems = found["problem"]
    broken = {}
    for problem in problems.drop_nulls().unique().sort():
        name = "birth_date" if problem == "date" else problem
        broken[_rule(contract, column, name)] = (problems == problem).fill_null(False)
    return values, broken


def _credit_code(
    contract: Contract, column: Column, frame: pl.DataFrame, values: pl.DataFrame
) -> tuple[pl.DataFrame, dict[Rule, pl.Series]]:
    text = frame.select(parse.clean(column.physical)).to_series()
    distinct = text.unique()
    found = identifiers.credit_codes(distinct).with_columns(distinct.alias("text"))
    found = pl.DataFrame({"text": text}).join(found, on="text", how="left", nulls_equal=True, maintain_order="left")
    broken = {
        _rule(contract, column, problem, severity): (found["problem"] == problem).fill_null(False)
        for problem, severity in (("characters", column.severity), ("check_digit", "warning"))
    }
    return values.with_columns(found["canonical"].alias(column.name)), broken


def _row_rules(contract: Contract, values: pl.DataFrame, business_on: date) -> dict[Rule, pl.Series]:
    """Rows for which a condition is false; where it is unknown the row passes."""
    if not contract.row_rules:
        return {}
    dated = values.lazy().with_columns(
        pl.lit(business_on).alias("business_on"), pl.lit(business_on.year).alias("business_year")
    )
    answers = dated.select(_broken(rule).alias(str(i)) for i, rule in enumerate(contract.row_rules)).collect()
    return {
        Rule(
            f"{contract.feed}.{rule.column}.{rule.name}",
            contract.by_name[rule.column].physical,
            rule.severity,
            Message(rule.message_zh, rule.message_en),
        ): answers[str(i)]
        for i, rule in enumerate(contract.row_rules)
    }


def _broken(rule: RowRule) -> pl.Expr:
    condition = rules.expression(rule.expression)
    if not rule.within:
        return (~condition).fill_null(False)
    return ~condition.fill_null(False).any().over(list(rule.within))


def _rule(contract: Contract, column: Column, name: str, severity: str | None = None) -> Rule:
    if severity is None:
        severity = "warning" if name == "rare_char" else column.severity
    message = row_message(name, column.label, column.physical)
    return Rule(f"{contract.feed}.{column.name}.{name}", column.physical, severity, message)


def _value_name(column: Column) -> str:
    """Where a column's value stands: an identity's canonical number under the name its pseudonym will have."""
    return column.name + PART_SUFFIX["id"] if column.intake.role == "identity" else column.name


# ---------------------------------------------------------------- outcomes


def _dq(flags: pl.DataFrame, rule_list: list[Rule]) -> pl.Series:
    """For each row the codes of the warnings it carries."""
    warnings = {
        str(i): rule.code for i, rule in enumerate(rule_list) if rule.severity == "warning" and flags[str(i)].any()
    }
    return _names(flags, warnings)


def _names(flags: pl.DataFrame, names: dict[str, str]) -> pl.Series:
    """For each row the names of the flags that are true, as a list; only rows with a flag pay for it."""
    if not names:
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, flags.height)
    any_flag = flags.select(pl.any_horizontal(list(names)).arg_true()).to_series()
    lists = flags[any_flag].select(
        pl.concat_list(pl.when(pl.col(i)).then(pl.lit(name)) for i, name in names.items()).list.drop_nulls()
    )
    empty = pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, flags.height)
    positions = pl.DataFrame({"at": any_flag, "names": lists.to_series()})
    all_rows = pl.DataFrame({"at": pl.int_range(flags.height, dtype=pl.UInt32, eager=True), "empty": empty})
    joined = all_rows.join(positions, on="at", how="left", maintain_order="left")
    return joined.select(pl.coalesce("names", "empty")).to_series()


def _quarantine(
    contract: Contract, raw: Raw, flags: pl.DataFrame, rule_list: list[Rule], held: pl.Series
) -> pl.DataFrame:
    """Rows held back: where they stood, what they said, which rules they broke and what to do about each."""
    bad_flags, bad = flags.filter(held), raw.frame.filter(held)
    broken = {str(i): rule for i, rule in enumerate(rule_list) if rule.severity == "error" and bad_flags[str(i)].any()}
    # What the contract drops at the door is not kept in the vault either.
    kept = list(dict.fromkeys(c.physical for c in contract.read_columns if c.intake.role != "drop"))
    parsed = bad.select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.struct(kept).struct.json_encode().alias("raw"),
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

    Returns the record of duplicates and the rows they are. Rows held back neither repeat nor are repeated.
    """
    names = list(contract.physicals)
    if contract.key:
        keys = [_value_name(contract.by_name[name]) for name in contract.key]
        candidates = values.with_row_index("at").filter(~held).filter(pl.struct(keys).is_duplicated())
        candidates = candidates.filter(pl.all_horizontal(pl.col(k).is_not_null() for k in keys)).select(
            "at", *keys, *([contract.delivery.latest_by] if contract.delivery.latest_by else [])
        )
    else:
        keys = ["hash"]
        hashed = raw.frame.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"))
        hashed = hashed.with_columns(raw.frame.select(names).hash_rows(seed=0).alias("hash"))
        candidates = hashed.filter(~held).filter(pl.col("hash").is_duplicated())
    if candidates.is_empty():
        return pl.DataFrame(schema=DUPLICATE_SCHEMA), _none(raw.frame.height)
    texts = raw.frame[candidates["at"]].select(FILE, LINE, pl.struct(names).struct.json_encode().alias("text"))
    candidates = pl.concat([candidates, texts], how="horizontal")
    if not contract.key:
        keys = ["text"]
    order = [contract.delivery.latest_by] if contract.delivery.latest_by and contract.key else []
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
    again = candidates.join(kept, on=keys, how="inner").filter(pl.col("at") != pl.col("kept_at")).sort("at")
    record = again.select(
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.col(f"kept_{FILE}").alias("kept_file"),
        pl.col(f"kept_{LINE}").alias("kept_line"),
        pl.when("identical").then(pl.lit("identical")).otherwise(pl.lit("same_key")).alias("reason"),
    )
    superseded = _none(raw.frame.height).scatter(again["at"], True) if again.height else _none(raw.frame.height)
    return record.cast(DUPLICATE_SCHEMA), superseded


def _pseudonymise(contract: Contract, values: pl.DataFrame, key: identifiers.Key) -> pl.DataFrame:
    """Replace numbers and keys by pseudonyms and masks: the last place where they are in the clear."""
    for column in contract.columns:
        if column.intake.role == "identity":
            number = values[_value_name(column)]
            more = [identifiers.pseudonyms(key, "person", number)]
            if "masked" in column.intake.keep:
                more.append(identifiers.masks(number).alias(column.name + PART_SUFFIX["masked"]))
            values = values.with_columns(more)
        elif column.intake.role == "key":
            values = values.with_columns(identifiers.pseudonyms(key, str(column.intake.domain), values[column.name]))
    derived = {c.name: rules.expression(c.logic) for c in contract.columns if c.logic is not None}
    return values.with_columns(expression.alias(name) for name, expression in derived.items())


def _dropped(contract: Contract, frame: pl.DataFrame) -> dict[str, int]:
    """How many non-empty values of each dropped column were left at the door."""
    names = [c.physical for c in contract.columns if c.intake.role == "drop"]
    if not names:
        return {}
    return frame.select(parse.clean(name).count().alias(name) for name in names).row(0, named=True)


def _none(height: int) -> pl.Series:
    return pl.repeat(False, height, dtype=pl.Boolean, eager=True)
