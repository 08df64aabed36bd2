"""Rules that follow from what columns are: fields of one row that contradict each other or the delivery's date.

A contract says once whose birth date and sex a column holds (`people`), which dates may lie ahead (`may_be_future`) and
which come after others (`not_before`); the rules follow from it, in every contract alike. All of them warn: the row is
accepted, and the rule's code stands in its `_dq`. Where a contract writes such a rule itself, with a severity of its
own, it goes first. What belongs to one feed alone is written there, not here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pipelines.feeds.fields import PART_SUFFIX, Column
from pipelines.feeds.messages import row_message
from pipelines.feeds.people import Slot
from pipelines.feeds.rules import RowRule

MOST_YEARS = 120
DATED = ("date", "timestamp")


def derived(columns: Sequence[Column], people: Collection[Slot], own: Collection[RowRule]) -> tuple[RowRule, ...]:
    """The rules that follow, but for those the contract writes itself."""
    by_name = {column.name: column for column in columns}
    written = {(rule.column, _squeezed(rule.expression)) for rule in own}
    found = [*_births(by_name, people), *_futures(columns), *_orders(by_name)]
    return tuple(rule for rule in found if (rule.column, _squeezed(rule.expression)) not in written)


def problems(columns: Sequence[Column]) -> Iterator[str]:
    """What is wrong with the words the rules follow from."""
    by_name = {column.name: column for column in columns}
    for column in columns:
        if column.intake.may_be_future and not _is_dated(column):
            yield f"{column.name}: may_be_future is for dates and moments"
        for other in column.intake.not_before:
            if other not in by_name or not (_is_dated(by_name[other]) and _is_dated(column)):
                yield f"{column.name}: not_before names no date or moment: {other}"
            elif column.logical_type == "date" and by_name[other].logical_type == "timestamp":
                yield f"{column.name}: a day is not told from a moment of the same day: {other}"


def _squeezed(expression: str) -> str:
    return " ".join(expression.split())


def _is_dated(column: Column) -> bool:
    return column.logical_type in DATED and column.role not in ("drop", "identity") and column.logic is None


def _rule(name: str, column: Column, expression: str, **words: str) -> RowRule:
    message = row_message(name, column.label, column.physical, **words)
    # One column may have to come after several others.
    code = f"{name}_{words['than']}" if "than" in words else name
    return RowRule(
        name=code, column=column.name, expression=expression, severity="warning",
        message_zh=message.zh, message_en=message.en,
    )  # fmt: skip


def _births(columns: Mapping[str, Column], people: Collection[Slot]) -> Iterator[RowRule]:
    """Birth date and sex of a person against the number of the same person, and against all likelihood."""
    for slot in people:
        birth, sex = columns.get(slot.birth_on or ""), columns.get(slot.sex_code or "")
        if birth is not None:
            yield _rule("plausible", birth, f"year({birth.name}) >= business_year - {MOST_YEARS}")
        if birth is not None and slot.id:
            number = slot.id + PART_SUFFIX["birth_on"]
            same = f"{birth.name} = {number}"
            if "month" in birth.intake.dates:
                month = " and ".join(f"{part}({birth.name}) = {part}({number})" for part in ("year", "month"))
                same = f"{same} or (day({birth.name}) = 1 and {month})"
            yield _rule("as_number", birth, same)
        if sex is not None and slot.id:
            yield _rule(
                "as_number", sex, f"{sex.name} = {slot.id}{PART_SUFFIX['sex_code']} or {sex.name} in ('0', '9')"
            )


def _futures(columns: Sequence[Column]) -> Iterator[RowRule]:
    """What has happened has happened by the date of the delivery."""
    for column in columns:
        if _is_dated(column) and not column.intake.may_be_future:
            until = f"{column.name} <= business_on" if column.logical_type == "date" else f"{column.name} < day_after"
            yield _rule("not_in_future", column, until)


def _orders(columns: Mapping[str, Column]) -> Iterator[RowRule]:
    """What ends has begun."""
    for column in columns.values():
        for other in (columns[name] for name in column.intake.not_before if name in columns):
            name = other.name
            words = {"other": other.label, "other_column": other.physical, "than": name}
            yield _rule("not_before", column, f"{column.name} >= {name}", **words)
