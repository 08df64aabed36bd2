"""How indicators hang together and tell units apart: effective weights, correlations, alpha, spread, leave-one-out.

All of it describes a built index; nothing here changes a score. Not here: doubt about ranks (`sensitivity`,
`sampling`).
"""

from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import kendalltau, pearsonr, spearmanr

from pipelines.indices.batch import Plan, evaluate_draws, rank_draws
from pipelines.indices.cells import observed
from pipelines.indices.normalise import scope_of
from pipelines.indices.numerics import is_constant
from pipelines.indices.problems import DataError
from pipelines.indices.result import Result, exact_text
from pipelines.indices.rollup import label_of
from pipelines.indices.tree import COMPUTED

Array = NDArray[np.float64]
REDUNDANT, CONTRARY, SIGNIFICANT, DENOMINATOR, CONSISTENT = 0.9, 0.0, 0.05, 0.6, 0.7


def effective_weights(result: Result) -> pl.DataFrame:
    """Return each part's share of the whole: the product of its weights up to the root."""
    rows = []
    labels = sorted({label for _, label in result.fits.weights})
    for label in labels or [""]:
        found: dict[str, Fraction] = {result.spec.root.code: Fraction(1)}
        stack = [result.spec.root.code]
        while stack:
            code = stack.pop()
            weights = result.fits.weights.get((code, label)) or result.fits.weights.get((code, ""))
            if weights is None:
                continue
            for child, weight in zip(result.spec.children(code), weights.weights, strict=True):
                found[child] = found[code] * weight
                if child in result.units.nodes:
                    stack.append(child)
        rows += [(code, label, float(weight), exact_text(weight)) for code, weight in found.items()]
    schema = {
        "code": pl.String,
        "label": pl.String,
        "effective_weight": pl.Float64,
        "effective_weight_exact": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").unique(
        ["code", "effective_weight_exact"], maintain_order=True
    )


def _columns(result: Result, period: str | None) -> dict[str, Array]:
    """Return scores of indicators and nodes over the units that are ranked, in one period."""
    at = result.units
    chosen = period or at.periods[-1]
    rows = (np.array(at.periods) == chosen) & at.ranked
    columns = {code: at.leaves.scores[rows, number] for number, code in enumerate(at.leaves.codes)}
    columns.update({code: found.score[rows] for code, found in at.nodes.items()})
    return columns


def correlation(first: Array, second: Array, kind: str) -> tuple[float, float, int]:
    """Return coefficient, p value and count over rows where both are present; NaN below 3 rows or without spread."""
    both = ~np.isnan(first) & ~np.isnan(second)
    x, y = first[both], second[both]
    if len(x) < 3 or is_constant(x) or is_constant(y):
        return float("nan"), float("nan"), len(x)
    function = {"pearson": pearsonr, "spearman": spearmanr, "kendall": kendalltau}[kind]
    found = function(x, y)
    return float(found.statistic), float(found.pvalue), len(x)


def correlations(result: Result, kind: str = "pearson", period: str | None = None) -> pl.DataFrame:
    """Return pairwise correlations of siblings, of each part with its parent and with the root, with flags.

    Flags: `redundant` (|r| > 0.9 between siblings), `contrary` (negative, with p below 0.05, with
    a sibling, the parent or the root).
    """
    columns = _columns(result, period)
    rows = []
    root = result.spec.root.code
    for node in result.spec.nodes:
        children = result.spec.children(node.code)
        pairs = [(a, b, "sibling") for i, a in enumerate(children) for b in children[i + 1 :]]
        pairs += [(a, node.code, "parent") for a in children]
        if node.code != root:
            pairs += [(a, root, "root") for a in children]
        for first, second, relation in pairs:
            r, p, n = correlation(columns[first], columns[second], kind)
            flag = None
            if relation == "sibling" and abs(r) > REDUNDANT:
                flag = "redundant"
            elif r < CONTRARY and p < SIGNIFICANT:
                flag = "contrary"
            rows.append((first, second, relation, kind, _none(r), _none(p), n, flag))
    names = ("first", "second", "relation", "kind", "r", "p", "n", "flag")
    kinds = (*[pl.String] * 4, pl.Float64, pl.Float64, pl.Int64, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def _none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 10)


def denominator_correlations(result: Result, period: str | None = None) -> pl.DataFrame:
    """Return correlations of each indicator's value with its own denominator; |r| > 0.6 is flagged."""
    at = result.units
    chosen = period or at.periods[-1]
    keep = (np.array(at.periods) == chosen) & at.ranked
    rows = []
    for column, code in enumerate(at.leaves.codes):
        values, sizes = at.stages["denominated"][keep, column], at.denominator[keep, column]
        r, p, n = correlation(values, sizes, "pearson")
        if n >= 3 and not np.isnan(r):
            rows.append((code, round(r, 10), round(p, 10), n, "denominator" if abs(r) > DENOMINATOR else None))
    names = ("code", "r", "p", "n", "flag")
    kinds = (pl.String, pl.Float64, pl.Float64, pl.Int64, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def cronbach_alpha(matrix: Array) -> float:
    """Return Cronbach's alpha over complete rows: k/(k-1) (1 - sum of variances / variance of the sum)."""
    complete = matrix[~np.isnan(matrix).any(axis=1)]
    k = matrix.shape[1]
    if k < 2 or len(complete) < 3:
        return float("nan")
    total = complete.sum(axis=1).var(ddof=1)
    return float("nan") if total == 0 else float(k / (k - 1) * (1.0 - complete.var(axis=0, ddof=1).sum() / total))


def consistency(result: Result, period: str | None = None) -> pl.DataFrame:
    """Return how far each node's children (those with any value) measure one thing.

    Cronbach's alpha (flagged below 0.7), the Kaiser-Meyer-Olkin measure (above 0.6 is usual for factors) and the
    greatest variance inflation factor (below 4 is usual), the latter two null where children determine each other.
    """
    columns = _columns(result, period)
    rows = []
    for node in result.spec.nodes:
        children = [code for code in result.spec.children(node.code) if not np.isnan(columns[code]).all()]
        matrix = np.column_stack([columns[code] for code in children]) if children else np.empty((0, 0))
        alpha = cronbach_alpha(matrix) if children else float("nan")
        kmo, inflation = sampling_adequacy(matrix)
        flag = "inconsistent" if alpha < CONSISTENT else None
        rows.append((node.code, len(children), _none(alpha), _none(kmo), _none(inflation), flag))
    names = ("node", "children", "alpha", "kmo", "greatest_vif", "flag")
    kinds = (pl.String, pl.Int64, pl.Float64, pl.Float64, pl.Float64, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def spread(result: Result, period: str | None = None) -> pl.DataFrame:
    """Return how far each indicator tells units apart: how many have a score, and how many stand at either end.

    `flag` is `empty` without any score, `constant` where all scores are equal, `low` or `high` where the
    share of `expect.at_one_end` stands at the lowest or highest score there can be: it orders none of those.
    """
    at, spec = result.units, result.spec
    chosen, most = period or at.periods[-1], spec.expect.at_one_end
    rows = (np.array(at.periods) == chosen) & at.ranked
    found = []
    for indicator, setting in zip(spec.indicators, result.cells.settings, strict=True):
        scores = observed(_leaf(result, indicator.code), rows)
        norm = result.norms.get((setting.code, label_of(scope_of(setting.normalise), spec.statistics, chosen)))
        low, high = (norm.low, norm.high) if norm is not None else (-np.inf, np.inf)
        count, lows, highs = len(scores), int((scores <= low).sum()), int((scores >= high).sum())
        flag = None
        if count == 0:
            flag = "empty"
        elif lows >= most * count:
            flag = "low"
        elif highs >= most * count:
            flag = "high"
        elif is_constant(scores):
            flag = "constant"
        found.append((indicator.code, count, lows, highs, len(np.unique(np.round(scores, 10))), flag))
    names = ("indicator", "units", "at_low", "at_high", "distinct", "flag")
    kinds = (pl.String, pl.Int64, pl.Int64, pl.Int64, pl.Int64, pl.String)
    return pl.DataFrame(found, schema=dict(zip(names, kinds, strict=True)), orient="row")


def sampling_adequacy(matrix: Array) -> tuple[float, float]:
    """Return the Kaiser-Meyer-Olkin measure and the greatest variance inflation factor over complete rows."""
    complete = matrix[~np.isnan(matrix).any(axis=1)] if matrix.size else matrix
    if matrix.shape[1] < 2 or len(complete) <= matrix.shape[1] or (np.ptp(complete, axis=0) == 0).any():
        return float("nan"), float("nan")
    r = np.atleast_2d(np.corrcoef(complete, rowvar=False))
    if np.linalg.cond(r) > 1e10:
        return float("nan"), float("nan")
    inverse = np.linalg.inv(r)
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = np.ones(r.shape, dtype=bool)
    np.fill_diagonal(off, False)
    squares, partials = (r[off] ** 2).sum(), (partial[off] ** 2).sum()
    return float(squares / (squares + partials)), float(np.diag(inverse).max())


def leave_one_out(result: Result, node: str | None = None, period: str | None = None) -> pl.DataFrame:
    """Return for each indicator below a node how far ranks move without it: mean and greatest shift, units lost."""
    at, spec = result.units, result.spec
    name = node or spec.root.code
    if name not in at.nodes:
        raise DataError(f"unknown node '{name}'")
    chosen = period or at.periods[-1]
    rows = np.flatnonzero((np.array(at.periods) == chosen) & at.ranked & (at.nodes[name].status == COMPUTED))
    leaves = [code for code in spec.leaves(name) if not np.isnan(_leaf(result, code)[rows]).all()]
    if len(rows) < 2 or not leaves:
        schema = {"code": pl.String, "mean_shift": pl.Float64, "max_shift": pl.Float64, "lost": pl.Int64}
        return pl.DataFrame(schema=schema)
    multipliers = {code: (np.arange(len(leaves)) != number).astype(float) for number, code in enumerate(leaves)}
    plan = Plan(spec, list(at.nodes.values()), rows, at.leaves.codes)
    scores = evaluate_draws(plan, at.leaves.scores[rows], multipliers, [name])[name]
    sign = spec.rank_sign(name)
    reference = rank_draws(at.nodes[name].score[rows][None, :] * sign, spec.conventions.rank_decimals)[0]
    shifts = np.abs(rank_draws(scores * sign, spec.conventions.rank_decimals) - reference)
    lost = np.isnan(shifts).sum(axis=1)
    present = np.where(np.isnan(shifts), 0.0, shifts)
    counted = np.maximum(shifts.shape[1] - lost, 1)
    return pl.DataFrame(
        {
            "code": leaves,
            "mean_shift": np.round(present.sum(axis=1) / counted, 10),
            "max_shift": present.max(axis=1),
            "lost": lost,
        }
    ).sort(["mean_shift", "code"], descending=[True, False])


def _leaf(result: Result, code: str) -> Array:
    column: Array = result.units.leaves.scores[:, result.units.leaves.codes.index(code)]
    return column


def main_effects(result: Result, node: str | None = None, period: str | None = None, bins: int = 10) -> pl.DataFrame:
    """Return the correlation ratio Var(E[y|x])/Var(y) of the node's score on each part, beside the effective weight.

    E[y|x] is the mean within `bins` groups of equal count: a rough measure, never negative, of how much of the score's
    spread a part alone accounts for.
    """
    columns = _columns(result, period)
    y = columns[node or result.spec.root.code]
    nominal = {row["code"]: row["effective_weight"] for row in effective_weights(result).iter_rows(named=True)}
    rows = []
    for code in result.spec.leaves(node or result.spec.root.code):
        both = ~np.isnan(columns[code]) & ~np.isnan(y)
        if both.sum() >= 2 * bins and np.ptp(y[both]) > 0:
            ratio = round(_ratio(columns[code][both], y[both], bins), 10)
            rows.append((code, nominal.get(code), ratio))
    schema = {"code": pl.String, "effective_weight": pl.Float64, "correlation_ratio": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ratio(x: Array, y: Array, bins: int) -> float:
    groups = np.array_split(np.argsort(x, kind="stable"), bins)
    means = np.array([y[group].mean() for group in groups])
    sizes = np.array([len(group) for group in groups], dtype=float)
    return float((sizes * (means - y.mean()) ** 2).sum() / (len(y) * y.var()))
