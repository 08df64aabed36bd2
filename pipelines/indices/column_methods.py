"""Methods for columns of cells: treatment, imputation, normalisation; their names, parameters and defaults.

Belongs here: what a specification may say and what each parameter means. Not here: any computation. A method without
parameters may be written as its bare name.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipelines.indices.parts import (
    Limits,
    Part,
    PercentDefinition,
    Range,
    Scale,
    Scope,
    SdType,
    Text,
    Ties,
    named,
    rising,
)


# --- treatment of outliers ------------------------------------------------------------------------------------------
class TreatNone(Part):
    """Leave values as they are."""

    method: Literal["none"]


LogForm = Literal["none", "log_ct", "log_ct_plus", "log_ct_original", "log_gii"]


class BoxCox(Part):
    """Box-Cox with the given lambda on x - min + 1."""

    boxcox: float


class Winsorise(Part):
    """Pull the extreme to the next value until skewness or kurtosis passes; if `points` do not suffice, `otherwise`."""

    method: Literal["winsorise"]
    skew: float = Field(default=2.0, gt=0)
    kurtosis: float = 3.5
    rule: Literal["or", "and"] = "or"
    points: int = Field(default=5, ge=1)
    otherwise: LogForm | BoxCox = "none"
    force: bool = False
    scope: Scope | None = None


class PercentileClip(Part):
    """Pull values beyond two percentiles to them."""

    method: Literal["percentile_clip"]
    low: float = Field(default=2.5, ge=0, le=100)
    high: float = Field(default=97.5, ge=0, le=100)
    scope: Scope | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "PercentileClip":
        rising((self.low, self.high))
        return self


class Clip(Part):
    """Pull values beyond fixed limits to them."""

    method: Literal["clip"]
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Clip":
        rising((self.low, self.high))
        return self


class LogTreat(Part):
    """Apply one logarithmic form to the whole column whatever its shape."""

    method: Literal["log_ct", "log_ct_plus", "log_ct_original", "log_gii"]
    scope: Scope | None = None


class BoxCoxTreat(Part):
    """Box-Cox on x - min + 1."""

    method: Literal["boxcox"]
    power: float
    scope: Scope | None = None


Treat = Annotated[
    Annotated[
        TreatNone | Winsorise | PercentileClip | Clip | LogTreat | BoxCoxTreat,
        Field(discriminator="method"),
    ],
    BeforeValidator(named),
]


# --- imputation -----------------------------------------------------------------------------------------------------
class ImputeNone(Part):
    """Leave missing values missing."""

    method: Literal["none"]


class ImputeConstant(Part):
    """Put one number in every gap."""

    method: Literal["constant"]
    value: float


class ImputeCentre(Part):
    """Mean, median, worst or best value of the column in the same period, within groups of `by` if given."""

    method: Literal["mean", "median", "worst", "best"]
    by: str | None = None
    scope: Scope | None = None


class ImputeRow(Part):
    """Mean or median of the unit's others below `within`, on a 0-1 min-max with direction, transformed back."""

    method: Literal["row_mean", "row_median"]
    within: str | None = None
    scope: Scope | None = None


class ImputeCarry(Part):
    """The unit's latest earlier value, at most `max_gap` periods back."""

    method: Literal["carry_forward"]
    max_gap: int | None = Field(default=None, ge=1)


class ImputeLinear(Part):
    """Straight line between the unit's neighbouring periods; `ends: hold` extends the first and last value."""

    method: Literal["linear"]
    ends: Literal["hold", "missing"] = "hold"


class ImputeRegression(Part):
    """Least squares on the named indicators, fitted on complete rows."""

    method: Literal["regression"]
    on: list[str] = Field(min_length=1)
    scope: Scope | None = None


class ImputeEm(Part):
    """Conditional mean under one multivariate normal, fitted by EM over all indicators that ask for it."""

    method: Literal["em"]
    iterations: int = Field(default=200, ge=1)
    tolerance: float = Field(default=1e-8, gt=0)
    scope: Scope | None = None


ImputeStep = Annotated[
    Annotated[
        ImputeNone
        | ImputeConstant
        | ImputeCentre
        | ImputeRow
        | ImputeCarry
        | ImputeLinear
        | ImputeRegression
        | ImputeEm,
        Field(discriminator="method"),
    ],
    BeforeValidator(named),
]
Impute = Annotated[tuple[ImputeStep, ...], BeforeValidator(lambda v: v if isinstance(v, list | tuple) else (v,))]


# --- normalisation --------------------------------------------------------------------------------------------------
class Post(Part):
    """A goalpost taken from the data: a percentile, the mean of the n best or worst units, or a statistic."""

    percentile: float | None = Field(default=None, ge=0, le=100)
    best: int | None = Field(default=None, ge=1)
    worst: int | None = Field(default=None, ge=1)
    statistic: Literal["mean", "median", "min", "max"] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Post":
        if sum(value is not None for value in (self.percentile, self.best, self.worst, self.statistic)) != 1:
            raise ValueError("give exactly one of percentile, best, worst, statistic")
        return self


class Reference(Part):
    """A reference value: a unit's own value, a statistic over units, or a number; `period` names the base period."""

    unit: Text | None = None
    period: Text | None = None
    statistic: Literal["mean", "median", "min", "max", "best", "worst"] | None = None
    value: float | None = None

    @model_validator(mode="after")
    def _one(self) -> "Reference":
        if sum(value is not None for value in (self.unit, self.statistic, self.value)) != 1:
            raise ValueError("give exactly one of unit, statistic, value")
        if self.value is not None and self.period is not None:
            raise ValueError("a number has no period")
        return self


class _Norm(Part):
    clip: Limits | None = None
    scope: Scope | None = None


class NormNone(Part):
    """Keep the value; with direction less, its negative."""

    method: Literal["none"]
    clip: Limits | None = None


class MinMax(_Norm):
    """(x - min)/(max - min) onto `range`."""

    method: Literal["minmax"]
    range: Range = (0.0, 100.0)


class Goalposts(_Norm):
    """(x - low)/(high - low) onto `range`, cut at its ends unless `inside: false`; posts in the value's own unit."""

    method: Literal["goalposts"]
    low: float | Post | None = None
    high: float | Post | None = None
    range: Range = (0.0, 100.0)
    inside: bool = True


class ZScore(_Norm):
    """(x - mean)/sd * spread + centre."""

    method: Literal["zscore"]
    centre: float = 0.0
    spread: float = Field(default=1.0, gt=0)
    sd: SdType | None = None


class RankNorm(_Norm):
    """Rank with the highest value on top (worst = 1); `borda` is rank - 1."""

    method: Literal["rank", "borda"]
    ties: Ties | None = None


class PercentileRank(_Norm):
    """Rank as a share: rank/n (`over_n`) or (rank - 1)/(n - 1) (`less_one`), times `scale`."""

    method: Literal["percentile_rank"]
    definition: PercentDefinition | None = None
    scale: Scale = 100.0
    offset: float = 0.0
    ties: Ties | None = None


class DistanceToMax(_Norm):
    """1 - (max - x)/(max - min), times `scale`."""

    method: Literal["distance_to_max"]
    scale: Scale = 1.0


class DistanceToReference(_Norm):
    """1 - (ref - x)/(ref - min) = (x - min)/(ref - min), times `scale`; `cap: true` stops at the reference."""

    method: Literal["distance_to_reference"]
    reference: Reference
    scale: Scale = 1.0
    cap: bool = False


class DistanceToTarget(_Norm):
    """(x - min)/(target - min), for direction less (max - x)/(max - target), times `scale`."""

    method: Literal["distance_to_target"]
    target: float
    scale: Scale = 1.0
    cap: bool = False


class Ratio(_Norm):
    """x/ref (for direction less ref/x), times `scale`; `fraction_of_max` is the ratio to the best value."""

    method: Literal["ratio", "fraction_of_max"]
    reference: Reference = Reference(statistic="best")
    scale: Scale = 1.0


class Difference(_Norm):
    """x/ref - 1 (`relative: true`) or x - ref, times `scale`; sign turned for direction less."""

    method: Literal["difference"]
    reference: Reference
    relative: bool = True
    scale: Scale = 1.0


class AboveBelow(_Norm):
    """1, 0 or -1: more than `share` above, near, or more than `share` below the reference."""

    method: Literal["above_below"]
    share: float = Field(default=0.2, ge=0)
    reference: Reference = Reference(statistic="mean")


class Categorical(_Norm):
    """`scores[i]` between `cuts[i-1]` and `cuts[i]`; cuts in percentile rank or in the value itself."""

    method: Literal["categorical"]
    cuts: tuple[float, ...] = (5, 15, 35, 65, 85, 95)
    scores: tuple[float, ...] = (0, 20, 40, 50, 60, 80, 100)
    of: Literal["percentile_rank", "value"] = "percentile_rank"
    definition: PercentDefinition | None = None
    ties: Ties | None = None
    boundary: Literal["upper", "lower"] = "upper"

    @model_validator(mode="after")
    def _shape(self) -> "Categorical":
        if len(self.scores) != len(self.cuts) + 1:
            raise ValueError(
                f"{len(self.cuts)} cuts make {len(self.cuts) + 1} classes, but there are {len(self.scores)} scores"
            )
        if list(self.cuts) != sorted(set(self.cuts)):
            raise ValueError("cuts must rise")
        return self


class Ampi(_Norm):
    """(x - lo)/(hi - lo)*60 + 70 with lo, hi = reference -+ half the range over all periods; the reference gets 100."""

    method: Literal["ampi"]
    reference: Reference
    width: float = Field(default=60.0, gt=0)


Normalise = Annotated[
    Annotated[
        NormNone
        | MinMax
        | Goalposts
        | ZScore
        | RankNorm
        | PercentileRank
        | DistanceToMax
        | DistanceToReference
        | DistanceToTarget
        | Ratio
        | Difference
        | AboveBelow
        | Categorical
        | Ampi,
        Field(discriminator="method"),
    ],
    BeforeValidator(named),
]
