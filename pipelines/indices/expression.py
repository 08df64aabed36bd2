"""A small arithmetic language over columns: `ln(gni)`, `100 * filed / (open + 0.5)`, `where(n < 5, null, x)`.

Belongs here: parsing to a checked tree and evaluation over arrays. A value that is missing (NaN) makes the result
missing, except in `coalesce`, `is_missing`, `min_of` and `max_of`. Not here: which names exist; the caller supplies
them, and a name nobody supplied is an error with the nearest one.
"""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pipelines.indices.problems import DataError, nearest, some

Array = NDArray[np.float64]

_BINARY: dict[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Array, Array], NDArray[np.bool_]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


def _rounded(value: Array, digits: Array) -> Array:
    power = 10.0 ** np.asarray(digits)
    return np.sign(value) * np.floor(np.abs(value) * power + 0.5) / power


def _coalesce(*values: Array) -> Array:
    result = values[0]
    for value in values[1:]:
        result = np.where(np.isnan(result), value, result)
    return result


def _where(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0, yes, no))


def _reduce(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def apply(*values: Array) -> Array:
        result = values[0]
        for value in values[1:]:
            result = function(result, value)
        return result

    return apply


_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Array]]] = {
    "ln": (1, 1, np.log),
    "log10": (1, 1, np.log10),
    "log2": (1, 1, np.log2),
    "exp": (1, 1, np.exp),
    "sqrt": (1, 1, np.sqrt),
    "abs": (1, 1, np.abs),
    "normal_cdf": (1, 1, ndtr),
    "round": (2, 2, _rounded),
    "min": (2, 99, _reduce(np.minimum)),
    "max": (2, 99, _reduce(np.maximum)),
    "min_of": (2, 99, _reduce(np.fmin)),
    "max_of": (2, 99, _reduce(np.fmax)),
    "coalesce": (2, 99, _coalesce),
    "where": (3, 3, _where),
    "is_missing": (1, 1, lambda value: np.isnan(value).astype(float)),
}


@dataclass(frozen=True)
class Past:
    """A column of earlier periods read by a formula: `lag(column, periods)` or `past_mean(column, periods)`."""

    function: str
    column: str
    periods: int

    @property
    def name(self) -> str:
        """How the formula's values call it."""
        return f"{self.function}({self.column}, {self.periods})"

    def value(self, series: Array) -> Array:
        """Reduce a column of this and earlier periods (rows x periods, the latest first) to one number a row."""
        if self.function == "lag":
            return series[:, self.periods]
        present = ~np.isnan(series)
        count = present.sum(axis=1)
        return np.where(count > 0, np.where(present, series, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)

    @property
    def reach(self) -> int:
        """How many periods back it reads."""
        return self.periods if self.function == "lag" else self.periods - 1


_PAST = ("lag", "past_mean")


def _past(call: ast.Call) -> Past:
    """Read `lag(column, 5)`; raises `ValueError` where it is written otherwise."""
    function = call.func.id if isinstance(call.func, ast.Name) else ""
    match call.args:
        case [ast.Name(id=column), ast.Constant(value=int() as periods)] if periods > 0:
            return Past(function, column, periods)
        case [ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str() as column)]), last]:
            if isinstance(last, ast.Constant) and isinstance(last.value, int) and last.value > 0:
                return Past(function, column, last.value)
    raise ValueError(f"'{function}' takes a column and a whole number of periods, such as {function}(gdp, 5)")


@dataclass(frozen=True)
class Expression:
    """A parsed formula: its text and the names it reads."""

    text: str
    names: frozenset[str]
    past: frozenset["Past"] = frozenset()

    def evaluate(self, values: Mapping[str, Array], rows: int, who: Callable[[int], str], what: str) -> Array:
        """Evaluate over arrays of `rows` numbers.

        `who(row)` names a row and `what` the formula in messages. Raises `DataError` where a finite input gives an
        infinite or undefined result (logarithm of zero, division by zero).
        """
        unknown = sorted(name for name in self.names if name not in values)
        if unknown:
            raise DataError(f"{what}: unknown name '{unknown[0]}'{nearest(unknown[0], values)} in '{self.text}'")
        tree = ast.parse(self.text, mode="eval")
        with np.errstate(all="ignore"):
            result = np.broadcast_to(_evaluate(tree.body, values), (rows,)).astype(float)
        bad = np.isinf(result)
        inputs = [np.isnan(np.broadcast_to(values[name], (rows,))) for name in self.names]
        any_missing = np.any(inputs, axis=0) if inputs else np.zeros(rows, dtype=bool)
        if not _may_make_missing(tree):
            bad |= np.isnan(result) & ~any_missing
        if bad.any():
            places = some(who(int(row)) for row in np.flatnonzero(bad))
            raise DataError(f"{what}: '{self.text}' has no value for {places} (logarithm or division by zero?)")
        return result


def _may_make_missing(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "null" for node in ast.walk(tree))


def parse_expression(text: str) -> Expression:
    """Parse a formula; raises `ValueError` with the reason for anything outside the language."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError) as fault:
        raise ValueError(f"'{text}' is not a formula") from fault
    names: set[str] = set()
    _check(tree.body, names, 0)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    past = [_past(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id in _PAST]
    return Expression(text, frozenset(names), frozenset(past))


def _check(node: ast.AST, names: set[str], depth: int) -> None:
    """Refuse every node outside the language and collect the names read."""
    if depth > 50:
        raise ValueError("the formula is nested too deeply")
    for child in _parts(node, names):
        _check(child, names, depth + 1)


def _parts(node: ast.AST, names: set[str]) -> Iterable[ast.AST]:
    """Return the operands of one allowed node; raise `ValueError` if the node is not allowed."""
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return ()
        case ast.Name(id="null"):
            return ()
        case ast.Name(id=name):
            names.add(name)
            return ()
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return left, right
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            return (operand,)
        case ast.BoolOp(values=values):
            return values
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return left, right
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)], keywords=[]):
            names.add(name)
            return ()
        case ast.Call(func=ast.Name(id=function), keywords=[]) if function in _PAST:
            names.add(_past(node).name)
            return ()
        case ast.Call(func=ast.Name(id=function), args=args, keywords=[]):
            _check_call(function, len(args))
            return args
    raise ValueError(f"'{ast.unparse(node)}' is not allowed in a formula")


def _check_call(function: str, count: int) -> None:
    if function not in _FUNCTIONS:
        raise ValueError(f"unknown function '{function}'{nearest(function, [*_FUNCTIONS, *_PAST, 'col'])}")
    least, most, _ = _FUNCTIONS[function]
    if not least <= count <= most:
        raise ValueError(f"'{function}' takes {least if least == most else f'at least {least}'} arguments")


def _evaluate(node: ast.AST, values: Mapping[str, Array]) -> Array:
    match node:
        case ast.Constant(value=value):
            return np.asarray(float(str(value)))
        case ast.Name(id="null"):
            return np.asarray(np.nan)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _evaluate(operand, values)
            return np.where(np.isnan(inner), np.nan, inner == 0)
        case ast.UnaryOp(operand=operand):
            return _evaluate(operand, values)
        case ast.BoolOp(op=op, values=operands):
            return _logic(isinstance(op, ast.And), [_evaluate(operand, values) for operand in operands])
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            first, second = _evaluate(left, values), _evaluate(right, values)
            unknown = np.isnan(first) | np.isnan(second)
            return np.where(unknown, np.nan, _COMPARE[type(op)](first, second))
        case ast.Call(func=ast.Name(id=function)):
            return _called(function, node, values)
    raise ValueError(f"'{ast.unparse(node)}' is not allowed in a formula")


def _called(function: str, call: ast.Call, values: Mapping[str, Array]) -> Array:
    match call.args:
        case [ast.Constant(value=str() as name)] if function == "col":
            return values[name]
    if function in _PAST:
        return values[_past(call).name]
    return _FUNCTIONS[function][2](*(_evaluate(argument, values) for argument in call.args))


def _logic(conjunction: bool, operands: list[Array]) -> Array:
    """Three-valued and/or: the deciding value wins over missing, missing wins over the other."""
    decides = 0.0 if conjunction else 1.0
    truth = [np.where(np.isnan(operand), np.nan, operand != 0) for operand in operands]
    decided = np.any([value == decides for value in truth], axis=0)
    missing = np.any([np.isnan(value) for value in truth], axis=0)
    return np.where(decided, decides, np.where(missing, np.nan, 1.0 - decides))
