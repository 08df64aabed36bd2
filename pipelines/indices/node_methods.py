"""Methods for nodes of the tree: weights and aggregation; their names, parameters and defaults.

Belongs here: what a specification may say and what each parameter means. Not here: any computation.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipelines.indices.parts import Exact, Formula, Part, Scope, SdType, named


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


class Variation(Part):
    """By spread: 1/sd, so that each child varies equally; or sd; or the coefficient of variation, sd over the mean.

    `inverse_sd` looks at scores, `std` at a 0-1 min-max of the treated values, `cv` at the treated values themselves.
    """

    method: Literal["inverse_sd", "std", "cv"]
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
        | Variation,
        Field(discriminator="method"),
    ],
    BeforeValidator(named),
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
    BeforeValidator(named),
]
