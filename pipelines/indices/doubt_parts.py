"""What a specification says about doubt and about publishing: uncertain choices, sampling error, ranks, what is hidden.

Belongs here: the models. Not here: drawing and judging (`sensitivity`, `sampling`) and the report.
"""

from fractions import Fraction
from typing import Any, Literal

from pydantic import Field, model_validator

from pipelines.indices.parts import Part, Percents, Share, Texts


class Factor(Part):
    """One uncertain choice of the method: alternatives (`declared` is the specification's own), or noise on weights."""

    factor: Literal["normalise", "treat", "impute", "aggregate", "weights", "weight_noise", "drop"]
    choices: tuple[Any, ...] = ()
    nodes: Texts = ()
    spread: float = Field(default=0.25, gt=0, lt=1)


class RankRule(Part):
    """How units are ranked; `hide_below` hides ranks of units whose column is below the value."""

    best: Literal["highest", "lowest"] = "highest"
    ties: Literal["min", "max", "average", "dense"] = "min"
    hide_column: str | None = None
    hide_below: float | None = None

    @model_validator(mode="after")
    def _both(self) -> "RankRule":
        if (self.hide_column is None) != (self.hide_below is None):
            raise ValueError("'hide_column' and 'hide_below' belong together")
        return self


class Publish(Part):
    """What a report hides: values resting on fewer than `least_n`, or on 1 to `least_count` - 1 cases or exceptions."""

    least_n: int = Field(default=10, ge=0)
    least_count: int = Field(default=5, ge=0)
    open: Texts = Field(default=(), description="indicators that count no people, and are never small")


class Expectation(Part):
    """What the index promises of itself and is held to; no number depends on it."""

    at_one_end: Share = Field(
        default=Fraction(9, 10),
        description="an indicator with this share of units at its worst or best score is flagged",
    )
    still: float | None = Field(
        default=None, ge=0, description="points no unit's score moves in a day on which nothing came"
    )


class Uncertainty(Part):
    """The Monte Carlo over the method: base draws (a power of two), seed and factors."""

    draws: int = Field(default=1024, ge=2)
    seed: int = 1
    bootstrap: int = Field(default=500, ge=0)
    interval: Percents = (5.0, 95.0)
    factors: tuple[Factor, ...] = ()

    @model_validator(mode="after")
    def _power(self) -> "Uncertainty":
        if self.draws & (self.draws - 1):
            raise ValueError(f"draws must be a power of two (Sobol' points), not {self.draws}")
        return self


class Sampling(Part):
    """The Monte Carlo over the data of small units: draws, seed and width of the interval."""

    draws: int = Field(default=1000, ge=100)
    seed: int = 1
    interval: float = Field(default=0.8, gt=0, lt=1)
