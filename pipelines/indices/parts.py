"""The ground of every specification part: immutable models, exact fractions, formulas, scopes of statistics.

Not here: methods (`column_methods`, `node_methods`) and the specification itself (`spec`).
"""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from pipelines.indices.expression import Expression, parse_expression


class Part(BaseModel):
    """Base of everything in a specification: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number or a fraction such as 3/5")
    try:
        return Fraction(str(value).replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{value}' is neither a number nor a fraction such as 3/5") from None


def _expression(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise ValueError("must be a formula")
    return parse_expression(str(value))


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) else value


def named(value: Any) -> Any:
    """Read a bare word as a method without parameters."""
    return {"method": value} if isinstance(value, str) else value


Exact = Annotated[Fraction, BeforeValidator(_fraction)]
Formula = Annotated[Expression, BeforeValidator(_expression)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_texts)]
Range = tuple[float, float]
SdType = Literal["sample", "population"]
Ties = Literal["min", "max", "average", "dense"]
PercentDefinition = Literal["over_n", "less_one"]


class ScopePeriod(Part):
    """Statistics are taken from one period only."""

    period: Text


Scope = Literal["period", "all"] | ScopePeriod
