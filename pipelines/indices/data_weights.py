"""Weights that come from the data: entropy, CRITIC, two kinds of PCA, spread.

They describe the sample, not importance: another edition's data give other weights. Rows with a gap are left out. Not
here: weights that people set (`weights`).
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.indices.node_methods import CriticWeights, EntropyWeights, PcaFactors, PcaLoadings, Variation
from pipelines.indices.numerics import is_constant, standardise
from pipelines.indices.problems import DataError
from pipelines.indices.weights import WeightSet, exact

Array = NDArray[np.float64]
# Differences of eigenvalues, and sums of loadings, that are nothing but the last digits of floats.
_TIED, _CANCELS = 1e-9, 1e-9
DataWeights = EntropyWeights | CriticWeights | PcaLoadings | PcaFactors | Variation


def data_weights(
    method: DataWeights, values: Array, scores: Array, directions: Array, sd: str, codes: tuple[str, ...], what: str
) -> WeightSet:
    """Fit weights on complete rows.

    `values` are treated values in their own order, `scores` normalised scores (both rows x children, fitting rows
    only), `directions` 1 or -1. `sd` is the convention where the method names none. Raises `DataError` for too few
    rows and for a constant column where that has no meaning.
    """
    complete = ~np.isnan(values).any(axis=1) & ~np.isnan(scores).any(axis=1)
    if complete.sum() < 3:
        raise DataError(f"{what}: weights from data need three complete rows, there are {int(complete.sum())}")
    values, scores = values[complete], scores[complete]
    extra = {"rows": float(complete.sum())}
    match method:
        case EntropyWeights(on="raw"):
            if (directions < 0).any():
                code = codes[int(np.flatnonzero(directions < 0)[0])]
                raise DataError(f"{what}: raw entropy has no meaning for '{code}' (less is better); use on: minmax")
            found = entropy(values, method.zero, codes, what)
        case EntropyWeights():
            found = entropy(_unit_range(values * directions), method.zero, codes, what)
        case CriticWeights():
            turned = values * directions if method.use_direction else values
            found = critic(_unit_range(turned), method.sd or sd, codes, what)
        case PcaLoadings():
            found, more = pca_loadings(scores, method.allow_negative, codes, what)
            extra.update(more)
        case PcaFactors():
            found, more = pca_factors(scores, method, codes, what)
            extra.update(more)
        case Variation():
            found, more = variation(values, scores, method, 1 if (method.sd or sd) == "sample" else 0, codes, what)
            extra.update(more)
    return WeightSet(exact(found), extra)


def variation(
    values: Array, scores: Array, method: Variation, ddof: int, codes: tuple[str, ...], what: str
) -> tuple[Array, dict[str, float]]:
    """Return weights by spread, unscaled, and each child's standard deviation or coefficient of variation."""
    matrix = {"inverse_sd": scores, "std": _unit_range(values), "cv": values}[method.method]
    _refuse_constant(matrix, codes, what)
    spread = matrix.std(axis=0, ddof=ddof)
    if method.method == "cv":
        means = matrix.mean(axis=0)
        if (matrix < 0).any() or (means <= 0).any():
            code = codes[int(np.argmin(matrix.min(axis=0)))]
            raise DataError(f"{what}: a coefficient of variation needs values of zero or more, '{code}' has others")
        spread = spread / means
    numbers = {f"{'cv' if method.method == 'cv' else 'sd'} {c}": float(s) for c, s in zip(codes, spread, strict=True)}
    return (1.0 / spread if method.method == "inverse_sd" else spread), numbers


def _components(values: Array, loadings: Array, codes: tuple[str, ...]) -> dict[str, float]:
    """All eigenvalues, greatest first, and the loading of every child on every component kept, for the output."""
    numbers = {f"eigenvalue {number}": float(value) for number, value in enumerate(values, 1)}
    for number in range(loadings.shape[1]):
        numbers |= {f"loading {number + 1} {c}": float(v) for c, v in zip(codes, loadings[:, number], strict=True)}
    return numbers


def _unit_range(matrix: Array) -> Array:
    """0-1 min-max by column; a constant column becomes zeros, which the methods then weigh with 0 or refuse."""
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return (matrix - low) / width


def _refuse_constant(matrix: Array, codes: tuple[str, ...], what: str) -> None:
    for column, code in enumerate(codes):
        if is_constant(matrix[:, column]):
            raise DataError(f"{what}: '{code}' is constant in the rows that fit the weights")


def entropy(matrix: Array, zero: float, codes: tuple[str, ...], what: str) -> Array:
    """Return 1 - E scaled to sum 1; a constant column gets 0, all constant columns get equal weights."""
    if (matrix < 0).any():
        code = codes[int(np.flatnonzero((matrix < 0).any(axis=0))[0])]
        raise DataError(f"{what}: entropy weights need values of zero or more, '{code}' has negative ones")
    if zero > 0:
        matrix = np.where(matrix == 0, zero, matrix)
    sums = matrix.sum(axis=0)
    share = matrix / np.where(sums == 0, 1.0, sums)
    terms = np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), 0.0)
    evenness = -terms.sum(axis=0) / np.log(len(matrix))
    # A column of equal values (after min-max: of zeros) tells units apart as little as an even one.
    constant = np.array([is_constant(matrix[:, column]) for column in range(matrix.shape[1])])
    divergence = np.where(constant, 0.0, 1.0 - evenness)
    if divergence.sum() <= 0:
        return np.full(matrix.shape[1], 1.0 / matrix.shape[1])
    return divergence / divergence.sum()


def critic(matrix: Array, sd: str, codes: tuple[str, ...], what: str) -> Array:
    """Return sd_j * sum_k (1 - r_jk) scaled to sum 1, on columns already in 0-1."""
    _refuse_constant(matrix, codes, what)
    deviation = matrix.std(axis=0, ddof=1 if sd == "sample" else 0)
    information = deviation * (1.0 - correlations(matrix)).sum(axis=0)
    if information.sum() <= 1e-12:
        raise DataError(f"{what}: all children are perfectly correlated, CRITIC gives them no weight")
    return information / information.sum()


def correlations(matrix: Array) -> Array:
    """Return Pearson correlations of the columns; 1 for a single column."""
    return np.atleast_2d(np.corrcoef(matrix, rowvar=False))


def pca_loadings(
    matrix: Array, allow_negative: bool, codes: tuple[str, ...], what: str
) -> tuple[Array, dict[str, float]]:
    """Return the first eigenvector of the correlation matrix, turned so that its sum is positive, scaled to sum 1.

    Beside it all eigenvalues and the loadings on the first component (eigenvector times root of eigenvalue).
    """
    _refuse_constant(matrix, codes, what)
    values, vectors = np.linalg.eigh(correlations(matrix))
    _refuse_tie(values[::-1], 1, what)
    vector = vectors[:, -1]
    if abs(vector.sum()) <= _CANCELS:
        raise DataError(
            f"{what}: the loadings on the first component cancel out, so that they cannot be scaled to sum 1"
        )
    vector = vector if vector.sum() >= 0 else -vector
    if (vector < 0).any() and not allow_negative:
        code = codes[int(np.argmin(vector))]
        raise DataError(
            f"{what}: '{code}' has a negative loading on the first component; allow_negative: true keeps it"
        )
    loadings = (vector * np.sqrt(values[-1]))[:, None]
    return vector / vector.sum(), _components(values[::-1], loadings, codes)


def _refuse_tie(values: Array, kept: int, what: str) -> None:
    """Refuse to cut between components of equal variance: which of them is kept would be chance."""
    if kept < len(values) and values[kept - 1] - values[kept] <= _TIED:
        raise DataError(
            f"{what}: components {kept} and {kept + 1} explain the same variance, so that the first {kept} are not "
            "determined; use equal or given weights"
        )


def varimax(loadings: Array, sweeps: int = 200, tolerance: float = 1e-12) -> Array:
    """Rotate loadings (indicators x factors) to the varimax criterion with Kaiser normalisation, pair by pair."""
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    rotated = loadings / length
    rows, factors = rotated.shape
    for _ in range(sweeps):
        greatest = 0.0
        for first in range(factors):
            for second in range(first + 1, factors):
                x, y = rotated[:, first].copy(), rotated[:, second].copy()
                u, v = x**2 - y**2, 2.0 * x * y
                top = 2.0 * (u * v).sum() - 2.0 * u.sum() * v.sum() / rows
                bottom = (u**2 - v**2).sum() - (u.sum() ** 2 - v.sum() ** 2) / rows
                angle = np.arctan2(top, bottom) / 4.0
                rotated[:, first] = x * np.cos(angle) + y * np.sin(angle)
                rotated[:, second] = y * np.cos(angle) - x * np.sin(angle)
                greatest = max(greatest, abs(float(angle)))
        if greatest < tolerance:
            break
    return rotated * length


def pca_factors(matrix: Array, method: PcaFactors, codes: tuple[str, ...], what: str) -> tuple[Array, dict[str, float]]:
    """Return weights by squared rotated loadings: each child counts for the factor it loads on most."""
    _refuse_constant(matrix, codes, what)
    values, vectors = np.linalg.eigh(correlations(standardise(matrix, "sample")))
    order = np.argsort(values)[::-1]
    values, vectors = np.clip(values[order], 0.0, None), vectors[:, order]
    if method.components is not None:
        kept = min(method.components, len(values))
    else:
        enough = (values >= method.eigenvalue - _TIED) & (values / values.sum() >= method.variance_share - _TIED)
        kept = int(enough.sum())
    if kept == 0:
        raise DataError(f"{what}: no component reaches eigenvalue {method.eigenvalue:g}")
    _refuse_tie(values, kept, what)
    loadings = vectors[:, :kept] * np.sqrt(values[:kept])
    rotated = varimax(loadings) if kept > 1 else loadings
    squared = rotated**2
    explained = squared.sum(axis=0)
    best = squared.argmax(axis=1)
    share = explained / explained.sum()
    weights = squared[np.arange(len(codes)), best] / explained[best] * share[best]
    numbers = {"components": float(kept), "variance_explained": float(explained.sum() / len(codes))}
    return weights / weights.sum(), numbers | _components(values, rotated, codes)
