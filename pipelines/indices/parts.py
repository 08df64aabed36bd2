"""The ground of every specification part: immutable models, exact fractions, formulas, scopes of statistics.

Not here: methods (`column_methods`, `node_methods`) and the specification itself (`spec`).
"""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

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


def _share(value: Fraction) -> Fraction:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is no share: it lies between 0 and 1")
    return value


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
Share = Annotated[Exact, AfterValidator(_share)]
# Written out as the text it was read from: its names are a set, which no fingerprint and no JSON can hold.
Formula = Annotated[Expression, BeforeValidator(_expression), PlainSerializer(lambda formula: formula.text)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)]
Percent = Annotated[float, Field(ge=0, le=100)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_texts)]


def _different(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] == ends[1]:
        raise ValueError(f"a range from {ends[0]:g} to {ends[1]:g} would give every unit the same score")
    return ends


def rising(ends: Any) -> Any:
    """Return two limits as they are; either may be None. Raises `ValueError` if the lower is not below the upper."""
    low, high = ends
    if low is not None and high is not None and low >= high:
        raise ValueError(f"the lower limit {low:g} does not lie below the upper one, {high:g}")
    return ends


# A range whose first end lies above its second turns scores round: the best value gets the second.
Range = Annotated[tuple[float, float], AfterValidator(_different)]
# A negative scale would turn the order round; the direction says which end is good.
Scale = Annotated[float, Field(gt=0)]
Limits = Annotated[tuple[float | None, float | None], AfterValidator(rising)]
Percents = Annotated[tuple[Percent, Percent], AfterValidator(rising)]
SdType = Literal["sample", "population"]
Ties = Literal["min", "max", "average", "dense"]
PercentDefinition = Literal["over_n", "less_one"]


class ScopePeriod(Part):
    """Statistics are taken from one period only."""

    period: Text


Scope = Literal["period", "all"] | ScopePeriod
