"""The shape of a specification: table, indicators, nodes, roll-up, doubt. One `IndexSpec` is one edition of one index.

Belongs here: the models and the cross-checks that need only the specification (the tree, codes, weights that match
children). Not here: reading files (`load`), method parameters (`column_methods`, `node_methods`), anything that needs
the table.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from pipelines.indices.column_methods import (
    Goalposts,
    Impute,
    ImputeNone,
    MinMax,
    Normalise,
    NormNone,
    Post,
    Treat,
    TreatNone,
)
from pipelines.indices.doubt_parts import Expectation, Publish, RankRule, Sampling, Uncertainty
from pipelines.indices.node_methods import (
    Aggregate,
    EqualWeights,
    FormulaNode,
    GivenWeights,
    Mean,
    RandomIndex,
    Weights,
)
from pipelines.indices.parts import (
    Exact,
    Formula,
    Limits,
    Part,
    PercentDefinition,
    Scale,
    Scope,
    SdType,
    Text,
    Texts,
    Ties,
)
from pipelines.indices.table_parts import Adjustment, Screen, TableSpec, UnitsSpec

_DIRECTIONS = {"more": 1, "less": -1, "+": 1, "-": -1, "1": 1, "-1": -1, "+1": 1}


def _direction(value: Any) -> int:
    found = _DIRECTIONS.get(str(value))
    if found is None:
        raise ValueError(f"'{value}' is no direction: write more (more is better) or less (less is better)")
    return found


def _day(value: Any) -> Any:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is no date; write it as 2026-01-01") from None
    return str(value)


Day = Annotated[str, BeforeValidator(_day)]
Direction = Annotated[Literal[1, -1], BeforeValidator(_direction)]
Stage = Literal["denominate", "impute", "screen", "transform", "treat"]


class Conventions(Part):
    """Choices that change results and are therefore written down and repeated in the output."""

    sd: SdType = "sample"
    ties: Ties = "min"
    percentile_rank: PercentDefinition = "less_one"
    quantile: int = Field(default=7, ge=4, le=9, description="Hyndman and Fan's type")
    random_index: RandomIndex = "saaty_1980"
    rank_decimals: int = Field(default=10, ge=0, le=14)
    not_applicable: Literal["excluded", "missing"] = "excluded"


class Availability(Part):
    """Least share of what a node needs, by weight, by count of children or by count of indicators below it."""

    threshold: Exact
    of: Literal["weight", "count", "leaves"] = "weight"
    strict: bool = Field(default=False, description="the share must exceed the threshold, not only reach it")

    @model_validator(mode="after")
    def _range(self) -> "Availability":
        if not 0 <= self.threshold <= 1:
            raise ValueError("the threshold lies between 0 and 1")
        return self


def _availability(value: Any) -> Any:
    return {"threshold": value} if isinstance(value, int | float | str | Fraction) else value


Available = Annotated[Availability, BeforeValidator(_availability)]


class MissingRule(Part):
    """What a blank, a zero denominator and a too small denominator mean for one indicator."""

    blank: Literal["missing", "zero", "not_applicable", "error"] = "missing"
    zero_denominator: Literal["error", "missing", "not_applicable"] = "error"
    not_applicable_when: Formula | None = None
    least_denominator: Scale | None = None


class Shrink(Part):
    """Pull small units to the rate of the level above: (n * own rate + k * that rate)/(n + k).

    An indicator's own keys are laid over those of `defaults`; what neither gives is as declared here.
    """

    towards: str | None = None
    k: float = Field(default=30.0, gt=0, description="how many of what n counts weigh as much as the level above")
    n: Text | None = Field(default=None, description="column or formula: what the value rests on; the denominator")
    within: Literal["nothing", "goalposts"] = Field(
        default="nothing", description="goalposts: both rates are cut there first, so that no end outweighs the other"
    )
    counts: str = Field(default="", description="what n counts, as a reader calls it; words only")


class RollMean(Part):
    """Aggregate's value = mean of the units' values weighted by a column; `require: all` refuses gaps."""

    method: Literal["weighted_mean"]
    weight: str
    require: Literal["any", "all"] = "any"


class RollOther(Part):
    """ratio: sums of numerators over sums of denominators; sum: sum of values; given: the aggregate's own row; none."""

    method: Literal["ratio", "sum", "given", "none"]


RollUp = Annotated[
    Annotated[RollMean | RollOther, Field(discriminator="method")],
    BeforeValidator(lambda value: {"method": value} if isinstance(value, str) else value),
]


class Noise(Part):
    """How a unit's value would vary from sample to sample."""

    method: Literal["binomial", "poisson", "mean", "none"]
    sd: float | None = Field(default=None, gt=0, description="mean: standard deviation of one observation")
    squares: str | None = Field(default=None, description="mean: column with the sum of squares")


Noisy = Annotated[Noise, BeforeValidator(lambda value: {"method": value} if isinstance(value, str) else value)]


class IndicatorDefaults(Part):
    """What an indicator does unless it says otherwise."""

    normalise: Normalise = MinMax(method="minmax")
    treat: Treat = TreatNone(method="none")
    impute: Impute = (ImputeNone(method="none"),)
    missing: MissingRule = MissingRule()
    rollup: RollUp | None = None
    shrink: Shrink | None = None
    noise: Noisy = Noise(method="none")


class NodeDefaults(Part):
    """What a node does unless it says otherwise."""

    aggregate: Aggregate = Mean(method="arithmetic")
    weights: Weights = EqualWeights(method="equal")
    availability: Available = Availability(threshold=Fraction(0))


class Indicator(Part):
    """One leaf: where its value comes from, which way is better, and how it becomes a score."""

    code: Text
    parent: Text
    name: str = ""
    name_en: str = ""
    value: Text | None = Field(default=None, description="column or formula; default the code")
    numerator: Text | None = None
    denominator: Text | None = None
    scale: Scale = 1.0
    direction: Direction
    unit: str = ""
    transform: Literal["ln", "log10", "sqrt", "reciprocal"] | None = None
    caps: Limits | None = None
    goalposts: tuple[float | Post, float | Post] | None = None
    normalise: Normalise | None = None
    treat: Treat | None = None
    impute: Impute | None = None
    missing: MissingRule | None = None
    rollup: RollUp | None = None
    shrink: Shrink | Literal["none"] | None = None
    noise: Noisy | None = None
    after: Formula | None = Field(
        default=None, description="formula in x and columns, applied to the score (penalties)"
    )
    weight: Exact | None = None
    source: Texts = ()
    cadence: str = ""
    legal: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> "Indicator":
        if self.value is not None and self.numerator is not None:
            raise ValueError("give either 'value' or 'numerator' with 'denominator'")
        if self.denominator is not None and self.numerator is None and self.value is None:
            raise ValueError("'denominator' needs 'numerator' or 'value'")
        if self.goalposts is not None and self.normalise is not None and not isinstance(self.normalise, Goalposts):
            raise ValueError(f"'goalposts' beside normalise '{self.normalise.method}': give one of them")
        if self.weight is not None and self.weight < 0:
            raise ValueError("a weight cannot be negative")
        return self


class Node(Part):
    """One inner node: how its children become its score and when they are too few."""

    code: Text
    parent: Text | None = None
    name: str = ""
    name_en: str = ""
    aggregate: Aggregate | None = None
    weights: Weights | None = None
    weight: Exact | None = None
    availability: Available | None = None
    after: Formula | None = Field(default=None, description="formula in x, children's codes, availability and columns")
    impute: Impute = (ImputeNone(method="none"),)
    normalise: Normalise = NormNone(method="none")
    headline: bool = Field(default=True, description="false: shown beside the index, enters no parent")
    best: Literal["highest", "lowest"] | None = Field(default=None, description="which end ranks first; default rank's")
    note: str = ""


class Level(Part):
    """One level of areas above the units: groups by a text column, or one group `all` named by the given code."""

    level: str
    by: str | None = None
    all: Text | None = None
    name: str | None = Field(default=None, description="column with the group's name")
    title: str | None = Field(default=None, description="name of the one group of `all`")
    own_row: dict[str, Text] = Field(default_factory=dict, description="group -> unit code of the aggregate's own row")

    @model_validator(mode="after")
    def _one(self) -> "Level":
        if (self.by is None) == (self.all is None):
            raise ValueError("give either 'by' (a column) or 'all' (one code)")
        if self.title is not None and (self.all is None or self.name is not None):
            raise ValueError(
                "'title' names the one area of 'all'; areas of 'by' take their names from the column 'name'"
            )
        return self


class IndexSpec(Part):
    """One edition of one index."""

    index: Text
    edition: Text
    name: str = ""
    name_en: str = ""
    valid_from: Day | None = None
    valid_to: Day | None = Field(default=None, description="last day, for an overlap with the next edition")
    supersedes: Text | None = None
    source: str = ""
    note: str = ""
    table: TableSpec = TableSpec()
    units: UnitsSpec = UnitsSpec()
    conventions: Conventions = Conventions()
    statistics: Scope = Field(default="period", description="which rows fit data-driven statistics")
    stages: tuple[Stage, ...] = ("denominate", "impute", "screen", "transform", "treat")
    screen: Screen | None = None
    defaults: IndicatorDefaults = IndicatorDefaults()
    node_defaults: NodeDefaults = NodeDefaults()
    nodes: tuple[Node, ...] = Field(min_length=1)
    indicators: tuple[Indicator, ...] = Field(min_length=1)
    adjustments: tuple[Adjustment, ...] = ()
    levels: tuple[Level, ...] = ()
    rank: RankRule = RankRule()
    publish: Publish = Publish()
    expect: Expectation = Expectation()
    uncertainty: Uncertainty = Uncertainty()
    sampling: Sampling = Sampling()
    # File and line of each node and indicator, for messages about data; not part of the method.
    _places: dict[str, tuple[str, int]] = PrivateAttr(default_factory=dict)

    @property
    def places(self) -> dict[str, tuple[str, int]]:
        """File and line of each code, filled by whoever read the file."""
        return self._places

    @model_validator(mode="after")
    def _dates(self) -> "IndexSpec":
        if self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} lies before valid_from {self.valid_from}")
        return self

    @model_validator(mode="after")
    def _stages(self) -> "IndexSpec":
        if sorted(self.stages) != sorted(("denominate", "impute", "screen", "transform", "treat")):
            raise ValueError("stages names denominate, impute, screen, transform and treat once each, in some order")
        return self

    def resolved(self, indicator: Indicator) -> "Resolved":
        """Return the indicator with its defaults filled in."""
        return Resolved.of(self, indicator)

    @property
    def root(self) -> Node:
        """The node without a parent."""
        return next(node for node in self.nodes if node.parent is None)

    def children(self, code: str) -> tuple[str, ...]:
        """Codes that enter `code`: its children, nodes first, in the order of the file; then what its formula names."""
        nodes = [node.code for node in self.nodes if node.parent == code and node.headline]
        own = (*nodes, *(indicator.code for indicator in self.indicators if indicator.parent == code))
        return (*own, *sorted(self.formula_names(code) - set(own)))

    def formula_names(self, code: str) -> frozenset[str]:
        """Return the codes the formula of a node reads; none where the node is no formula."""
        node = next(node for node in self.nodes if node.code == code)
        method = node.aggregate or self.node_defaults.aggregate
        return method.formula.names if isinstance(method, FormulaNode) else frozenset()

    def rank_sign(self, code: str) -> int:
        """Return 1 where a node's highest score ranks first, -1 where its lowest does."""
        node = next(node for node in self.nodes if node.code == code)
        return 1 if (node.best or self.rank.best) == "highest" else -1

    def part(self, code: str) -> Node | Indicator:
        """Return the node or indicator with this code; `KeyError` if there is none."""
        parts: tuple[Node | Indicator, ...] = (*self.nodes, *self.indicators)
        for part in parts:
            if part.code == code:
                return part
        raise KeyError(code)

    def leaves(self, code: str) -> Iterator[str]:
        """Yield the indicators below `code`, each once."""
        yield from dict.fromkeys(self._leaves(code))

    def _leaves(self, code: str) -> Iterator[str]:
        for child in self.children(code):
            if any(indicator.code == child for indicator in self.indicators):
                yield child
            else:
                yield from self._leaves(child)


class Resolved(Part):
    """An indicator's effective settings."""

    code: str
    normalise: Normalise
    treat: Treat
    impute: Impute
    missing: MissingRule
    rollup: RollUp
    shrink: Shrink | None
    noise: Noisy

    @classmethod
    def of(cls, spec: IndexSpec, indicator: Indicator) -> "Resolved":
        """Fill in the defaults of `spec` and the shorthand `goalposts`."""
        defaults = spec.defaults
        normalise = indicator.normalise or defaults.normalise
        if indicator.goalposts is not None:
            low, high = indicator.goalposts
            # Posts beside a default of goalposts keep its range and its cut.
            own = normalise if isinstance(normalise, Goalposts) else Goalposts(method="goalposts")
            normalise = own.model_copy(update={"low": low, "high": high})
        has_ratio = indicator.denominator is not None or spec.table.numerator is not None
        rollup = indicator.rollup or defaults.rollup or RollOther(method="ratio" if has_ratio else "none")
        shrink = indicator.shrink or defaults.shrink
        if isinstance(indicator.shrink, Shrink) and defaults.shrink is not None:
            shrink = Shrink.model_validate(
                {**defaults.shrink.model_dump(exclude_unset=True), **indicator.shrink.model_dump(exclude_unset=True)}
            )
        return cls(
            code=indicator.code,
            normalise=normalise,
            treat=indicator.treat or defaults.treat,
            impute=indicator.impute or defaults.impute,
            missing=indicator.missing or defaults.missing,
            rollup=rollup,
            shrink=None if shrink == "none" else shrink,
            noise=indicator.noise or defaults.noise,
        )


def weights_of(spec: IndexSpec, node: Node) -> Weights:
    """Return the node's weighting: its own, `given` if its children carry weights, else the default."""
    if node.weights is not None:
        return node.weights
    if isinstance(node.aggregate or spec.node_defaults.aggregate, FormulaNode):
        return EqualWeights(method="equal")
    if any(spec.part(code).weight is not None for code in spec.children(node.code)):
        return GivenWeights(method="given")
    return spec.node_defaults.weights
