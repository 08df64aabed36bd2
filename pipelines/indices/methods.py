"""The vocabulary of methods: one small model for each treatment, imputation, normalisation, weighting, aggregation.

Belongs here: the names and parameters a specification may use, with their defaults and what each means. Not here: any
computation. Every model forbids unknown keys; a method without parameters may be written as its bare name.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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


def _named(value: Any) -> Any:
    return {"method": value} if isinstance(value, str) else value


Exact = Annotated[Fraction, BeforeValidator(_fraction)]
Formula = Annotated[Expression, BeforeValidator(_expression)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)]
Range = tuple[float, float]
SdType = Literal["sample", "population"]
Ties = Literal["min", "max", "average", "dense"]
PercentDefinition = Literal["over_n", "less_one"]


class ScopePeriod(Part):
    """Statistics are taken from one period only."""

    period: Text


Scope = Literal["period", "all"] | ScopePeriod


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
    skew: float = 2.0
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


class Clip(Part):
    """Pull values beyond fixed limits to them."""

    method: Literal["clip"]
    low: float | None = None
    high: float | None = None


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
    BeforeValidator(_named),
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
    """Mean or median of the column in the same period, within groups of `by` if given."""

    method: Literal["mean", "median"]
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
    BeforeValidator(_named),
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
    """A reference value: a unit's own value, a statistic over units, or a number."""

    unit: Text | None = None
    period: Text | None = None
    statistic: Literal["mean", "median", "min", "max", "best", "worst"] | None = None
    value: float | None = None

    @model_validator(mode="after")
    def _one(self) -> "Reference":
        if sum(value is not None for value in (self.unit, self.statistic, self.value)) != 1:
            raise ValueError("give exactly one of unit, statistic, value")
        return self


class _Norm(Part):
    clip: tuple[float | None, float | None] | None = None
    scope: Scope | None = None


class NormNone(Part):
    """Keep the value; with direction less, its negative."""

    method: Literal["none"]
    clip: tuple[float | None, float | None] | None = None


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
    scale: float = 100.0
    offset: float = 0.0
    ties: Ties | None = None


class DistanceToMax(_Norm):
    """1 - (max - x)/(max - min), times `scale`."""

    method: Literal["distance_to_max"]
    scale: float = 1.0


class DistanceToReference(_Norm):
    """1 - (ref - x)/(ref - min) = (x - min)/(ref - min), times `scale`; `cap: true` stops at the reference."""

    method: Literal["distance_to_reference"]
    reference: Reference
    scale: float = 1.0
    cap: bool = False


class DistanceToTarget(_Norm):
    """(x - min)/(target - min), for direction less (max - x)/(max - target), times `scale`."""

    method: Literal["distance_to_target"]
    target: float
    scale: float = 1.0
    cap: bool = False


class Ratio(_Norm):
    """x/ref (for direction less ref/x), times `scale`; `fraction_of_max` is the ratio to the best value."""

    method: Literal["ratio", "fraction_of_max"]
    reference: Reference = Reference(statistic="best")
    scale: float = 1.0


class Difference(_Norm):
    """x/ref - 1 (`relative: true`) or x - ref, times `scale`; sign turned for direction less."""

    method: Literal["difference"]
    reference: Reference
    relative: bool = True
    scale: float = 1.0


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
    BeforeValidator(_named),
]


# --- weights --------------------------------------------------------------------------------------------------------
class EqualWeights(Part):
    """1/k for each of k children."""

    method: Literal["equal"]


class GivenWeights(Part):
    """The children's own `weight`, or `values` by code; or, with `by`, one set for each value of a text column."""

    method: Literal["given"]
    values: dict[str, Exact] | None = None
    by: str | None = None
    sets: dict[str, dict[str, Exact]] | None = None

    @model_validator(mode="after")
    def _one(self) -> "GivenWeights":
        if (self.by is None) != (self.sets is None):
            raise ValueError("'by' and 'sets' belong together")
        if self.sets is not None and self.values is not None:
            raise ValueError("give either 'values' or 'by' with 'sets'")
        return self


class BudgetWeights(Part):
    """Mean of the points each expert gave; every expert gives the same total."""

    method: Literal["budget"]
    experts: dict[str, dict[str, Exact]] = Field(min_length=1)


RandomIndex = Literal["saaty_1980", "saaty_2005", "donegan_dodd"]


class AhpWeights(Part):
    """Principal eigenvector of comparisons `{"A over B": 3}`; missing pairs are completed by least lambda_max."""

    method: Literal["ahp"]
    comparisons: dict[str, Exact] = Field(min_length=1)
    random_index: RandomIndex | None = None
    max_ratio: float = Field(default=0.1, gt=0)


class EntropyWeights(Part):
    """Entropy weights on positive data as they are (`raw`) or after a 0-1 min-max with direction (`minmax`)."""

    method: Literal["entropy"]
    on: Literal["raw", "minmax"]
    zero: float = Field(default=0.0, ge=0, description="number put in place of zeros; 0 keeps 0 ln 0 = 0")
    scope: Scope | None = None


class CriticWeights(Part):
    """sd times conflict, on a 0-1 min-max; `use_direction: false` reproduces studies that ignored directions."""

    method: Literal["critic"]
    sd: SdType | None = None
    use_direction: bool = True
    scope: Scope | None = None


class PcaLoadings(Part):
    """Loadings of the first component of the correlations, scaled to sum 1; negative ones only if allowed."""

    method: Literal["pca_loadings"]
    allow_negative: bool = False
    scope: Scope | None = None


class PcaFactors(Part):
    """Squared varimax loadings, highest factor for each indicator, times the factor's share of variance (Nicoletti)."""

    method: Literal["pca_factors"]
    components: int | None = Field(default=None, ge=1)
    eigenvalue: float = 1.0
    variance_share: float = Field(default=0.0, ge=0, le=1)
    scope: Scope | None = None


class InverseSd(Part):
    """1/sd, so that each child varies equally."""

    method: Literal["inverse_sd"]
    sd: SdType | None = None
    scope: Scope | None = None


Weights = Annotated[
    Annotated[
        EqualWeights
        | GivenWeights
        | BudgetWeights
        | AhpWeights
        | EntropyWeights
        | CriticWeights
        | PcaLoadings
        | PcaFactors
        | InverseSd,
        Field(discriminator="method"),
    ],
    BeforeValidator(_named),
]


# --- aggregation ----------------------------------------------------------------------------------------------------
class Mean(Part):
    """Weighted arithmetic, geometric or harmonic mean, minimum, maximum or median of the children present."""

    method: Literal["arithmetic", "geometric", "harmonic", "min", "max", "median"]


class PowerMean(Part):
    """(sum w x^p / sum w)^(1/p)."""

    method: Literal["power"]
    p: float

    @model_validator(mode="after")
    def _not_zero(self) -> "PowerMean":
        if self.p == 0:
            raise ValueError("p = 0 is the geometric mean: write geometric")
        return self


class Mpi(Part):
    """Mean minus (or plus) its variance over the mean: M(1 - cv^2) or M(1 + cv^2)."""

    method: Literal["mpi"]
    penalty: Literal["subtract", "add"] = "subtract"
    sd: SdType | None = None


class Outranking(Part):
    """Copeland: wins minus defeats against every other unit; with `share: true` rescaled to 0-1."""

    method: Literal["copeland"]
    share: bool = False


class Kemeny(Part):
    """The order with the greatest pairwise support, exactly; the score is the number of units ranked below."""

    method: Literal["kemeny"]
    limit: int = Field(default=30, ge=2)


class BenefitOfDoubt(Part):
    """The best score the unit can get by its own choice of weights when nobody may exceed 1 with them."""

    method: Literal["bod"]
    bound: Literal["none", "share_of_weight", "share_of_score"] = "none"
    low: float = Field(default=0.0, ge=0, le=1)
    high: float = Field(default=1.0, ge=0, le=1)


class FormulaNode(Part):
    """A formula over the children's codes, for ratios and gaps between sub-indices."""

    method: Literal["formula"]
    formula: Formula


Aggregate = Annotated[
    Annotated[
        Mean | PowerMean | Mpi | Outranking | Kemeny | BenefitOfDoubt | FormulaNode,
        Field(discriminator="method"),
    ],
    BeforeValidator(_named),
]
