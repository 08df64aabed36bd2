"""The white list of functions: what each takes and gives. Anything not named here is refused.

How each is computed stands in the engines (`interpret`, `to_polars`, `to_sql`), which a test holds together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.tags.tree import Literal, Node, Parameter
from pipelines.tags.values import BOOL, DATE, INT, MAX_SCALE, TEXT, TEXTS, Type, decimal

Check = Callable[[Sequence[Node]], Type]


class WrongArguments(Exception):
    """A function is given what it does not take; the message says what it takes."""


@dataclass(frozen=True)
class Function:
    """A function's name, how it is written, what it means and how its result type follows from its arguments."""

    name: str
    signature: str
    meaning: str
    result: Check


def _exactly(signature: str, *wanted: Type, gives: Type) -> Check:
    def check(args: Sequence[Node]) -> Type:
        if len(args) != len(wanted) or any(a.type.kind != w.kind for a, w in zip(args, wanted, strict=False)):
            raise WrongArguments(f"is written {signature}; here it gets ({', '.join(str(a.type) for a in args)})")
        return gives

    return check


def _left(args: Sequence[Node]) -> Type:
    if len(args) != 2 or args[0].type != TEXT or not _is_literal_between(args[1], 0, 100):
        raise WrongArguments("is written left(text, n) with a constant n from 0 to 100")
    return TEXT


def _same_type(args: Sequence[Node]) -> Type:
    if len(args) < 2 or len({a.type for a in args}) != 1:
        raise WrongArguments(f"takes two or more values of one type, not ({', '.join(str(a.type) for a in args)})")
    return args[0].type


def _nullif(args: Sequence[Node]) -> Type:
    if len(args) != 2 or args[0].type != args[1].type or args[0].type == TEXTS:
        raise WrongArguments(f"takes two values of one type, not ({', '.join(str(a.type) for a in args)})")
    return args[0].type


def _only_if(args: Sequence[Node]) -> Type:
    if len(args) != 2 or args[0].type != BOOL:
        raise WrongArguments("is written only_if(condition, value)")
    return args[1].type


def _ratio(args: Sequence[Node]) -> Type:
    if len(args) != 3 or not all(a.type.is_number for a in args):
        raise WrongArguments("is written ratio_at_least(part, whole, $share) with three numbers")
    if not isinstance(args[2], Parameter | Literal):
        raise WrongArguments("takes a parameter or a constant as its share")
    return BOOL


def _fraction(args: Sequence[Node]) -> Type:
    numbers = len(args) == 3 and all(a.type.is_number for a in args[:2])
    if not numbers or not _is_literal_between(args[2], 0, 6):
        raise WrongArguments("is written fraction(part, whole, digits) with two numbers and 0 to 6 digits")
    if args[0].type.scale + args[1].type.scale > MAX_SCALE:
        raise WrongArguments(f"takes numbers of at most {MAX_SCALE} digits after the point together")
    digits = args[2].value if isinstance(args[2], Literal) else 0
    return decimal(digits if isinstance(digits, int) else 0)


def _is_literal_between(node: Node, low: int, high: int) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, int) and low <= node.value <= high


def _dated(name: str, meaning: str) -> Function:
    signature = f"{name}(date)"
    return Function(name, signature, meaning, _exactly(signature, DATE, gives=INT))


FUNCTIONS = {
    f.name: f
    for f in (
        _dated("years_since", "full years from the date to as_of, unknown before it; 29 February counts on 1 March"),
        _dated("months_since", "full months from the date to as_of by the same rule; unknown before it"),
        _dated("days_since", "days from the date to as_of, negative for a date to come"),
        _dated("year", "the year of a date"),
        _dated("month", "the month of a date, 1 to 12"),
        _dated("day", "the day of the month of a date"),
        Function(
            "starts_with",
            "starts_with(text, text)",
            "whether a text begins with another",
            _exactly("starts_with(text, text)", TEXT, TEXT, gives=BOOL),
        ),
        Function("left", "left(text, n)", "the first n characters", _left),
        Function("length", "length(text)", "the number of characters", _exactly("length(text)", TEXT, gives=INT)),
        Function(
            "has",
            "has(list of text, text)",
            "whether a list holds a text; unknown if the list is unknown",
            _exactly("has(list of text, text)", TEXTS, TEXT, gives=BOOL),
        ),
        Function("coalesce", "coalesce(value, …)", "the first value that is known", _same_type),
        Function("nullif", "nullif(value, value)", "the first value, unknown where both are equal", _nullif),
        Function(
            "only_if", "only_if(condition, value)", "the value where the condition is true, else unknown", _only_if
        ),
        Function(
            "ratio_at_least",
            "ratio_at_least(part, whole, $share)",
            "whether part / whole reaches a share, compared by multiplying; unknown unless whole is above 0",
            _ratio,
        ),
        Function(
            "fraction",
            "fraction(part, whole, digits)",
            "part / whole, halves rounded up, to so many digits; unknown if part is below 0 or whole not above 0",
            _fraction,
        ),
    )
}
"""Every function a rule may use, by name."""

ROWS_FUNCTIONS = {
    "any_of": "any_of(rows, condition)",
    "all_of": "all_of(rows, condition)",
    "count_of": "count_of(rows, condition)",
    "max_of": "max_of(rows, value[, condition])",
    "min_of": "min_of(rows, value[, condition])",
    "latest": "latest(rows, value, by[, condition])",
}
"""Functions over related rows, read by the parser because their arguments are not plain values."""

ALL_NAMES = (*FUNCTIONS, *ROWS_FUNCTIONS, "tag")
