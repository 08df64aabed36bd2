"""From text to typed values, by the contract's options.

`read` takes one column's texts and gives its values and, rule by rule, which of them are broken: a text that is there
but gives no value, or a value that cannot be. Which grammar reads a column is decided here; the grammars stand beside
(`amounts`, `days`, `spelling`). Numbers of identity are not read here (`columns`), and what becomes of a broken row is
not decided here (`check`).
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.feeds import amounts, days, spelling
from pipelines.feeds.codes import spellings
from pipelines.feeds.fields import Column
from pipelines.feeds.reading import NO_SUCH_THING, STROKE, Answer, Reading, clean, is_missing, read_odd

__all__ = ["Reading", "clean", "is_missing", "read", "said"]

# No word for nothing begins so, and identifiers and telephones nearly all do.
_NEVER_NOTHING = r"^[A-MO-TV-Z1-9]"
_DATED = {"date": days.dates, "timestamp": days.moments}


def said(column: Column, texts: pl.Series) -> pl.Series:
    """Cleaned texts without those by which the column says that there is nothing."""
    kind, role = column.logical_type, column.intake.role
    if column.intake.unknown:
        texts = texts.set(texts.is_in(list(column.intake.unknown)).fill_null(False), None)
    if column.is_identifier or role == "phone":
        maybe = (~texts.str.contains(_NEVER_NOTHING)).fill_null(False).arg_true()
        words = texts.gather(maybe)
        nothing = words.str.contains(NO_SUCH_THING) | (words.str.contains("^[0０]+$") & (role == "phone"))
        texts = texts.clone().scatter(maybe.filter(nothing), None) if nothing.any() else texts
    elif kind in ("integer", "number", *_DATED) and column.intake.codes is None:
        texts = texts.set(texts.str.contains(STROKE).fill_null(False), None)
    return texts


def read(column: Column, texts: pl.Series, reference: Path) -> Answer:
    """Values of what the column says, and for every rule that any of them breaks which ones do."""
    if column.logical_type in _DATED and column.intake.codes is None:
        texts = texts if column.intake.leading is None else texts.str.slice(0, column.intake.leading)
        value = _DATED[column.logical_type](texts, column)
        unreadable = texts.is_not_null() & value.is_null()
        return value, {"date": unreadable} if unreadable.any() else {}
    if column.intake.role == "phone":
        return read_odd(texts, spelling.is_usual_phone(texts), lambda odd: _read(column, odd, reference))
    if column.is_identifier and not (column.intake.strip or column.intake.pattern or column.intake.leading):
        usual = spelling.is_usual_identifier(column, texts)
        return read_odd(texts, usual, lambda odd: _read(column, odd, reference))
    return _read(column, texts, reference)


def _read(column: Column, texts: pl.Series, reference: Path) -> Answer:
    reading = _reading(column, pl.col("text"), reference)
    rules = {name: broken.fill_null(False) for name, broken in reading.broken.items()}
    is_number = column.logical_type in ("integer", "number") and column.intake.codes is None
    frame = amounts.taken_apart(column, texts) if is_number else pl.DataFrame({"text": texts})
    answer = frame.lazy().select(reading.value.alias("value"), **rules).collect()
    return answer["value"], {name: answer[name] for name in rules if answer[name].any()}


def _reading(column: Column, text: pl.Expr, reference: Path) -> Reading:
    role, kind = column.intake.role, column.logical_type
    if role == "name":
        return spelling.name(text)
    if role == "phone":
        return spelling.phone(text)
    if role == "address":
        return spelling.address(text)
    text = text if column.intake.leading is None else text.str.slice(0, column.intake.leading)
    if column.intake.codes is not None:
        return _coded(column, text, spellings(column.intake.codes, reference))
    if kind == "boolean":
        yes, no = text.is_in(list(column.intake.yes)), text.is_in(list(column.intake.no))
        value = pl.when(yes).then(True).when(no).then(False)
        return Reading(value, {"invalid": text.is_not_null() & value.is_null()})
    if kind in ("integer", "number"):
        return amounts.number(column)
    reading = spelling.identifier(column, text) if column.is_identifier else Reading(text)
    if column.intake.pattern is not None:
        fits = reading.value.str.contains(f"^(?:{column.intake.pattern})$")
        strange = reading.value.is_not_null() & ~fits
        return Reading(pl.when(fits).then(reading.value), reading.broken | {"pattern": strange})
    if column.is_identifier:
        return reading if role in ("key", "door") else spelling.without_numbers(reading)
    for word in column.intake.strip:
        text = text.str.strip_prefix(word)
    return Reading(text) if role == "door" else spelling.text(text)


def _coded(column: Column, text: pl.Expr, accepted: Mapping[str, str]) -> Reading:
    if column.logical_type != "array":
        value = text.replace_strict(dict(accepted), default=None, return_dtype=pl.String)
        return Reading(value, {"code": text.is_not_null() & value.is_null()})
    marks = column.intake.separators
    items = text.str.replace_all(f"[{marks}]", marks[0]).str.split(marks[0])
    items = items.list.eval(pl.element().str.strip_chars())
    # A word such as 无 says that there is none, which an empty field does not.
    items = items.list.eval(pl.element().filter(~pl.element().is_in(["", *column.intake.nothing])))
    known = pl.element().replace_strict(dict(accepted), default=None, return_dtype=pl.String)
    value = items.list.eval(known)
    strange = text.is_not_null() & value.list.eval(pl.element().is_null()).list.any()
    return Reading(value.list.drop_nulls().list.unique().list.sort(), {"code": strange.fill_null(False)})
