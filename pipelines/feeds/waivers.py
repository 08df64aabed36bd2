"""Rows a person lets in as they are: which of the rows held back that are, and a mark that binds to a row.

What belongs here: matching decisions with rows. What does not: reading decisions (`decisions`), and what becomes of the
rows (`check`). A row that cannot be a row at all, one without a usable key or with a wrong number of fields, is never
let in.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date

import polars as pl

from pipelines.feeds.columns import Rule, value_name
from pipelines.feeds.contracts import Contract
from pipelines.feeds.decisions import Waiver
from pipelines.feeds.readers.raw import FILE, LINE
from pipelines.identifiers import Key, pseudonyms

_DOMAIN = "row"


def concerning(waivers: Iterable[Waiver], feed: str, business_on: date, number: str, as_of: date) -> list[Waiver]:
    """The decisions on rows of one delivery that were taken by `as_of`."""
    return [waiver for waiver in waivers if waiver.concerns(feed, business_on, number, as_of)]


def fingerprint(waivers: Collection[Waiver]) -> str:
    """What a set of decisions lets in, as a hash; empty for none. Who decided and why does not count."""
    if not waivers:
        return ""
    said = sorted(json.dumps([sorted(w.rules), sorted([r.file, r.line, r.mark] for r in w.rows)]) for w in waivers)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def row_texts(contract: Contract, frame: pl.DataFrame) -> pl.Series:
    """Rows as JSON text of what they said, for the vault; without the columns the contract drops at the door."""
    kept = list(dict.fromkeys(c.physical for c in contract.read_columns if c.intake.role != "drop"))
    return frame.select(pl.struct(kept).struct.json_encode().alias("raw")).to_series()


def marks(key: Key, texts: pl.Series) -> pl.Series:
    """A keyed mark of each row's text: tells the same row again and says nothing of what stands in it.

    The order in which a contract lists its columns makes no difference.
    """
    sorted_texts = [json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True) for text in texts]
    return pseudonyms(key, _DOMAIN, pl.Series(sorted_texts, dtype=pl.String))


def let_in(
    contract: Contract,
    waivers: Collection[Waiver],
    raw: pl.DataFrame,
    values: pl.DataFrame,
    errors: Mapping[Rule, pl.Series],
    held: pl.Series,
    key: Key,
) -> pl.Series:
    """Of the rows held back, those that decisions let in, as flags.

    A row is let in where a decision bears its mark and names every rule it breaks, and its key can be read. `errors`
    are the rules that hold rows back with their rows.
    """
    answer = pl.repeat(False, raw.height, dtype=pl.Boolean, eager=True)
    named = rows_of(waivers)
    if not named:
        return answer
    places = pl.DataFrame([*named], schema={FILE: pl.String, LINE: pl.Int32}, orient="row")
    found = raw.select(pl.col(FILE).cast(pl.String), LINE).with_row_index("at").filter(held)
    found = found.join(places, on=[FILE, LINE], how="semi").sort("at")
    at = found["at"]
    texts = marks(key, row_texts(contract, raw[at].cast({pl.Categorical: pl.String})))
    empty = {name: values[value_name(contract.by_name[name])][at].is_null() for name in contract.key}
    good = []
    for i, (place, mark) in enumerate(zip(found.select(FILE, LINE).iter_rows(), texts, strict=True)):
        broken = {rule.code for rule, rows in errors.items() if rows[at[i]]}
        allowed = {code for of_mark, codes in named[place] if of_mark == mark for code in codes}
        # A part of the key that need not be there may be empty; one that broke a rule and is empty was not readable.
        spoilt = any(empty[code.split(".")[1]][i] for code in broken if code.split(".")[1] in empty)
        if broken <= allowed and not spoilt:
            good.append(at[i])
    return answer.scatter(good, True) if good else answer


def rows_of(waivers: Iterable[Waiver]) -> dict[tuple[str, int], list[tuple[str, frozenset[str]]]]:
    """Every row that decisions name, with what each says of it."""
    named: dict[tuple[str, int], list[tuple[str, frozenset[str]]]] = {}
    for waiver in waivers:
        for row in waiver.rows:
            named.setdefault((row.file, row.line), []).append((row.mark, frozenset(waiver.rules)))
    return named
