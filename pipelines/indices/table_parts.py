"""What a specification says about its table: columns, layout, what means missing, which units count, cells set by hand.

Belongs here: the models. Not here: reading a table (`table`).
"""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from pipelines.indices.parts import Part, Share, Text, Texts


class TableSpec(Part):
    """How to read the table: which column is the unit, which the period, wide or long, what text means missing."""

    unit: str = "unit"
    period: str | None = None
    layout: Literal["wide", "long"] = "wide"
    indicator: str = Field(default="indicator", description="long: column with the indicator's code")
    value: str | None = Field(default=None, description="long: column with the value")
    numerator: str | None = Field(default=None, description="long: column with the numerator")
    denominator: str | None = Field(default=None, description="long: column with the denominator")
    extra: Texts = Field(default=(), description="long: further numeric columns, read as CODE:column")
    status: str | None = Field(default=None, description="column (long) whose text is missing or not_applicable")
    missing: Texts = Field(default=("", "NA", "N/A", "n/a", ".."), description="text read as missing")
    where: dict[str, Texts] = Field(default_factory=dict, description="keep only rows with these values")
    others: Literal["error", "ignore"] = Field(default="error", description="long: codes the specification lacks")
    name: str | None = Field(default=None, description="column with the unit's name")


class UnitsSpec(Part):
    """Which units are scored, which shape the statistics, and what to do with a unit without any value."""

    level: str = Field(default="unit", description="what the units are called in outputs, such as village")
    exclude: Texts = ()
    reference_only: dict[str, Texts] = Field(
        default_factory=dict, description="rows with these values are scored but shape no statistic and no rank"
    )
    all_missing: Literal["error", "keep"] = "error"


class Screen(Part):
    """Units with too few values are not scored and shape no statistic."""

    availability: Share = Fraction(2, 3)
    nonzero: Share | None = None
    include: Texts = ()
    exclude: Texts = ()


class Adjustment(Part):
    """One cell set by hand, with its reason."""

    unit: Text
    period: Text | None = None
    indicator: Text
    value: float | None
    reason: str = Field(min_length=1)
