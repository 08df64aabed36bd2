"""Published methods of trees, panels and comparisons, specified by reading docs/index_spec.md only.

The data are made up; each answer is computed here a second time with plain Python and NumPy that share nothing with
the engine.
"""

from itertools import combinations
from statistics import mean

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.indices.outside import build_outside, ranks, scores

INNOVATION = """
index: innovation
edition: "1"
table: {unit: iso}
defaults:
  normalise: {method: minmax, range: [0, 100]}
  treat: {method: winsorise, skew: 2, kurtosis: 3.5, points: 5, otherwise: log_gii}
nodes:
  - {code: GII}
  - {code: INPUT, parent: GII, availability: {threshold: 0.66, of: leaves}}
  - {code: OUTPUT, parent: GII, availability: {threshold: 0.66, of: leaves}}
  - {code: PEOPLE, parent: INPUT, availability: {threshold: 2/3, of: count}}
  - {code: SCHOOL, parent: PEOPLE}
  - {code: UNIVERSITY, parent: PEOPLE}
  - {code: LABS, parent: PEOPLE}
  - {code: MARKET, parent: INPUT}
  - {code: IDEAS, parent: OUTPUT}
  - {code: EFFICIENCY, parent: GII, headline: false, aggregate: {method: formula, formula: OUTPUT / INPUT}}
indicators:
  - {code: s1, parent: SCHOOL, direction: more, weight: 1}
  - {code: s2, parent: SCHOOL, direction: less, weight: 0.5}
  - {code: u1, parent: UNIVERSITY, direction: more, weight: 1}
  - {code: u2, parent: UNIVERSITY, direction: more, weight: 0.5}
  - {code: l1, parent: LABS, direction: more, weight: 1}
  - {code: m1, parent: MARKET, direction: more, numerator: credit, denominator: gdp, scale: 100}
  - {code: m2, parent: MARKET, direction: less}
  - {code: i1, parent: IDEAS, direction: more}
  - {code: i2, parent: IDEAS, direction: more}
  - {code: i3, parent: IDEAS, direction: more}
"""
_TREE = {"SCHOOL": ["s1", "s2"], "UNIVERSITY": ["u1", "u2"], "LABS": ["l1"]}
_HALF, _LESS = {"s2", "u2"}, {"s2", "m2"}


def _treated(x: np.ndarray) -> np.ndarray:
    """Winsorise at most five points, else one logarithm, by the type 2 estimators of scipy."""

    def fails(y: np.ndarray) -> bool:
        return abs(stats.skew(y, bias=False)) >= 2 and stats.kurtosis(y, bias=False) >= 3.5

    y = x.copy()
    for _ in range(5):
        if not fails(y):
            return y
        order = np.unique(y)
        if stats.skew(y, bias=False) >= 0:
            y[y == order[-1]] = order[-2]
        else:
            y[y == order[0]] = order[1]
    return np.log((x.max() - 1) * (x - x.min()) / (x.max() - x.min()) + 1) if fails(y) else y


def test_two_level_weights_missing_data_rules_and_a_ratio_of_sub_indices(tmp_path):
    rng = np.random.default_rng(11)
    size, names = 40, ["s1", "s2", "u1", "u2", "l1", "m2", "i1", "i2", "i3", "credit"]
    data = {name: rng.lognormal(2, 1.5 if name in ("i1", "u1") else 0.5, size) + 2 for name in names}
    data["gdp"] = rng.uniform(50, 900, size)
    for name in names:
        data[name][rng.random(size) < 0.2] = np.nan
    data["s1"][:3] = data["s2"][:3] = data["u1"][:3] = data["u2"][:3] = np.nan
    table = pl.DataFrame({"iso": [f"C{n:02d}" for n in range(size)], **data}).fill_nan(None)
    frame = build_outside(tmp_path, INNOVATION, table, "--parameters", str(tmp_path / "p.csv"))
    fitted = pl.read_csv(tmp_path / "p.csv").filter(pl.col("name") == "points")
    assert fitted.filter(pl.col("value").cast(float) > 0).height, "some column must really be treated"

    raw = {**data, "m1": data["credit"] / data["gdp"] * 100}
    leaf = {}
    for name in [*sum(_TREE.values(), []), "m1", "m2", "i1", "i2", "i3"]:
        there = ~np.isnan(raw[name])
        y = raw[name].copy()
        y[there] = _treated(y[there])
        y = (y - np.nanmin(y)) / (np.nanmax(y) - np.nanmin(y)) * 100
        leaf[name] = 100 - y if name in _LESS else y
    found = {node: scores(frame, node) for node in ("GII", "INPUT", "OUTPUT", "EFFICIENCY", "PEOPLE")}
    seen = {"people_short": 0, "input_short": 0, "scored": 0}
    for n in range(size):
        value = {k: float(v[n]) for k, v in leaf.items() if not np.isnan(v[n])}
        sub = {}
        for node, children in _TREE.items():
            pairs = [(0.5 if c in _HALF else 1.0, value[c]) for c in children if c in value]
            if pairs:
                sub[node] = sum(w * v for w, v in pairs) / sum(w for w, _ in pairs)
        people = mean(sub.values()) if len(sub) >= 2 else None
        market = [value[c] for c in ("m1", "m2") if c in value]
        pillars = [p for p in (people, mean(market) if market else None) if p is not None]
        enough = sum(c in value for c in ("s1", "s2", "u1", "u2", "l1", "m1", "m2")) / 7 >= 0.66
        inputs = mean(pillars) if pillars and enough else None
        ideas = [value[c] for c in ("i1", "i2", "i3") if c in value]
        output = mean(ideas) if len(ideas) / 3 >= 0.66 else None
        both = [s for s in (inputs, output) if s is not None]
        expected = {
            "PEOPLE": people,
            "INPUT": inputs,
            "OUTPUT": output,
            "GII": mean(both) if both else None,
            "EFFICIENCY": None if inputs is None or output is None else output / inputs,
        }
        seen["people_short"] += people is None
        seen["input_short"] += inputs is None
        seen["scored"] += bool(both)
        for node, score in expected.items():
            own = found[node][f"C{n:02d}", ""]
            assert (own is None) == (score is None), (n, node)
            assert own is None or own == pytest.approx(score, abs=1e-8)
    assert min(seen.values()) > 0


GOALS = """
index: goals
edition: "1"
table: {unit: iso}
defaults: {normalise: {method: goalposts, range: [0, 100]}}
nodes:
  - {code: INDEX, availability: {threshold: 4/5, of: leaves}}
  - {code: G1, parent: INDEX}
  - {code: G2, parent: INDEX}
  - {code: G14, parent: INDEX, impute: {method: mean, by: region}}
indicators:
  - {code: poverty, parent: G1, direction: less, goalposts: [0, {percentile: 97.5}]}
  - {code: slums, parent: G1, direction: less, goalposts: [0, {percentile: 97.5}], missing: {blank: zero}}
  - {code: yield, parent: G2, direction: more, goalposts: [{percentile: 2.5}, {best: 5}]}
  - {code: stunting, parent: G2, direction: less, goalposts: [0, 50]}
  - {code: fish, parent: G14, direction: less, goalposts: [0, 90], missing: {not_applicable_when: "landlocked == 1"}}
"""


def test_goals_with_bounds_from_data_zero_blanks_regional_means_and_a_fifth_missing_at_most(tmp_path):
    rng = np.random.default_rng(12)
    size = 50
    data = {
        "poverty": rng.gamma(2, 10, size),
        "slums": rng.gamma(2, 8, size),
        "yield": rng.uniform(0.5, 9, size),
        "stunting": rng.uniform(2, 60, size),
        "fish": rng.uniform(5, 99, size),
    }
    for name in data:
        data[name][rng.random(size) < 0.12] = np.nan
    region = ["north", "south"] * (size // 2)
    landlocked = (rng.random(size) < 0.2).astype(int)
    table = pl.DataFrame(
        {"iso": [f"C{n:02d}" for n in range(size)], **data, "landlocked": landlocked, "region": region}
    ).fill_nan(None)
    found = scores(build_outside(tmp_path, GOALS, table), "INDEX")

    data["slums"] = np.nan_to_num(data["slums"])
    data["fish"] = np.where(landlocked == 1, np.nan, data["fish"])
    bound = {n: (0, np.nanpercentile(data[n], 97.5)) for n in ("poverty", "slums")}
    harvest = np.sort(data["yield"][~np.isnan(data["yield"])])
    bound |= {"yield": (np.percentile(harvest, 2.5), float(harvest[-5:].mean()))}
    bound |= {"stunting": (0, 50), "fish": (0, 90)}
    leaf = {}
    for name, (low, high) in bound.items():
        score = np.clip((data[name] - low) / (high - low) * 100, 0, 100)
        leaf[name] = score if name == "yield" else 100 - score
    regional = {r: float(np.nanmean(leaf["fish"][np.array(region) == r])) for r in ("north", "south")}
    some_imputed = some_refused = 0
    for n in range(size):
        there = {k for k in leaf if not np.isnan(leaf[k][n])}
        needed = 5 - int(landlocked[n])
        goals = []
        for children in (("poverty", "slums"), ("yield", "stunting")):
            own = [leaf[c][n] for c in children if c in there]
            goals += [mean(own)] if own else []
        if "fish" in there:
            goals.append(leaf["fish"][n])
        elif not landlocked[n]:
            goals.append(regional[region[n]])
            some_imputed += 1
        expected = mean(goals) if 5 * len(there) >= 4 * needed else None
        some_refused += expected is None
        own = found[f"C{n:02d}", ""]
        assert own == (None if expected is None else pytest.approx(expected, abs=1e-8)), n
    assert some_imputed and some_refused


PENALTY = """
index: wellbeing
edition: "1"
table: {unit: region, period: year}
units: {reference_only: {kind: country}}
conventions: {sd: population}
defaults:
  normalise: {method: zscore, centre: 100, spread: 10}
  impute: {method: carry_forward, max_gap: 2}
nodes: [{code: WB, aggregate: {method: mpi, penalty: subtract}}]
indicators:
  - {code: school, parent: WB, direction: more}
  - {code: mortality, parent: WB, direction: less}
  - {code: growth, parent: WB, direction: more, value: "100 * (income / lag(income, 1) - 1)", impute: none}
  - {code: crime, parent: WB, direction: less, value: "past_mean(thefts, 3)"}
"""
_YEARS = range(2018, 2023)


def _panel() -> tuple[pl.DataFrame, dict[str, np.ndarray]]:
    """Ten regions and their country over five years; columns as arrays of years x regions (the country last)."""
    rng = np.random.default_rng(13)
    size = 11
    data = {
        "school": rng.normal(70, 8, (5, size)),
        "mortality": rng.normal(9, 2, (5, size)),
        "income": rng.uniform(90, 110, (5, size)) * 1.02 ** np.arange(5)[:, None],
        "thefts": rng.gamma(4, 3, (5, size)),
    }
    data["school"][2:4, 3] = data["mortality"][1, 5] = np.nan
    rows = [
        (f"R{n:02d}" if n < size - 1 else "ALL", "region" if n < size - 1 else "country", year)
        + tuple(float(data[k][y, n]) for k in data)
        for y, year in enumerate(_YEARS)
        for n in range(size)
    ]
    table = pl.DataFrame(rows, schema=["region", "kind", "year", *data], orient="row").fill_nan(None)
    return table, data


def _indicators(data: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The four indicators, better upwards, gaps filled from the year before."""
    filled = {k: v.copy() for k, v in data.items()}
    for k in ("school", "mortality"):
        for y in range(1, 5):
            filled[k][y] = np.where(np.isnan(filled[k][y]), filled[k][y - 1], filled[k][y])
    growth = np.full_like(data["income"], np.nan)
    growth[1:] = 100 * (data["income"][1:] / data["income"][:-1] - 1)
    thefts = np.array([data["thefts"][max(0, y - 2) : y + 1].mean(axis=0) for y in range(5)])
    return [filled["school"], -filled["mortality"], growth, -thefts]


def test_a_five_year_panel_with_penalties_growth_and_moving_means(tmp_path):
    table, data = _panel()
    found = scores(build_outside(tmp_path, PENALTY, table), "WB")
    for y, year in enumerate(_YEARS):
        parts = []
        for x in _indicators(data):
            if not np.isnan(x[y]).all():
                regions = x[y, :-1]
                parts.append(100 + 10 * (x[y] - regions.mean()) / regions.std())
        standard = np.array(parts)
        m, s = standard.mean(axis=0), standard.std(axis=0)
        expected = m - s * s / m
        own = [found[f"R{n:02d}" if n < 10 else "ALL", str(year)] for n in range(11)]
        assert own == pytest.approx(expected.tolist(), abs=1e-9)


@pytest.mark.parametrize(
    ("reference", "base"),
    [("{unit: ALL, period: 2018}", "country"), ("{statistic: mean, period: 2018}", "mean"), ("{value: 70}", "number")],
)
def test_the_adjusted_form_keeps_its_reference_at_hundred_over_the_years(tmp_path, reference, base):
    table, data = _panel()
    spec = PENALTY.replace("{method: zscore, centre: 100, spread: 10}", f"{{method: ampi, reference: {reference}}}")
    rows = [line for line in spec.splitlines() if "growth" not in line and "crime" not in line]
    if base == "number":
        rows = [line for line in rows if "mortality" not in line]
    found = scores(build_outside(tmp_path, "\n".join(rows) + "\n", table), "WB")
    parts = []
    for x in _indicators(data)[: 1 if base == "number" else 2]:
        half = (x[:, :-1].max() - x[:, :-1].min()) / 2
        middle = {"country": x[0, -1], "mean": x[0, :-1].mean(), "number": 70.0}[base]
        parts.append((x - (middle - half)) / (2 * half) * 60 + 70)
    standard = np.array(parts)
    m, s = standard.mean(axis=0), standard.std(axis=0)
    for y, year in enumerate(_YEARS):
        own = [found[f"R{n:02d}" if n < 10 else "ALL", str(year)] for n in range(11)]
        assert own == pytest.approx((m - s * s / m)[y].tolist(), abs=1e-9)
    if base == "country":
        assert found["ALL", "2018"] == pytest.approx(100)


LIFE = """
index: better life
edition: "1"
table: {unit: iso}
defaults: {normalise: {method: minmax, range: [0, 10]}}
nodes:
  - code: BLI
    weights:
      method: budget
      experts: {ann: {HOUSING: 5, JOBS: 3, VOICE: 2}, bo: {HOUSING: 2, JOBS: 4, VOICE: 4}}
  - {code: HOUSING, parent: BLI}
  - {code: JOBS, parent: BLI}
  - {code: VOICE, parent: BLI}
  - code: ORDER
    parent: BLI
    headline: false
    aggregate: copeland
    weights: {method: given, values: {o1: 2, o2: 1, o3: 1}}
indicators:
  - {code: rooms, parent: HOUSING, direction: more}
  - {code: cost, parent: HOUSING, direction: less}
  - {code: pay, parent: JOBS, direction: more}
  - {code: idle, parent: JOBS, direction: less}
  - {code: turnout, parent: VOICE, direction: more}
  - {code: o1, parent: ORDER, direction: more, value: pay, normalise: none}
  - {code: o2, parent: ORDER, direction: less, value: cost, normalise: none}
  - {code: o3, parent: ORDER, direction: more, value: turnout, normalise: none}
"""


def test_topics_weighed_by_people_and_an_order_by_pairs_beside_them(tmp_path):
    rng = np.random.default_rng(14)
    size = 18
    data = {n: rng.integers(10, 30, size).astype(float) for n in ("rooms", "cost", "pay", "idle", "turnout")}
    data["turnout"][4] = np.nan
    table = pl.DataFrame({"iso": [f"C{n:02d}" for n in range(size)], **data}).fill_nan(None)
    frame = build_outside(tmp_path, LIFE, table)

    def unit(x: np.ndarray, sign: int) -> np.ndarray:
        y = sign * x
        return (y - np.nanmin(y)) / (np.nanmax(y) - np.nanmin(y)) * 10

    topics = [
        (unit(data["rooms"], 1) + unit(data["cost"], -1)) / 2,
        (unit(data["pay"], 1) + unit(data["idle"], -1)) / 2,
        unit(data["turnout"], 1),
    ]
    found, order = scores(frame, "BLI"), scores(frame, "ORDER")
    for n in range(size):
        pairs = [(w, float(t[n])) for w, t in zip((3.5, 3.5, 3), topics, strict=True) if not np.isnan(t[n])]
        expected = sum(w * v for w, v in pairs) / sum(w for w, _ in pairs)
        assert found[f"C{n:02d}", ""] == pytest.approx(expected, abs=1e-9)
    wins = dict.fromkeys(range(size), 0)
    criteria = [(2, data["pay"]), (1, -data["cost"]), (1, data["turnout"])]
    for a, b in combinations(range(size), 2):
        both = [(w, x) for w, x in criteria if not (np.isnan(x[a]) or np.isnan(x[b]))]
        balance = sum(w * np.sign(x[a] - x[b]) for w, x in both)
        wins[a] += int(np.sign(balance))
        wins[b] -= int(np.sign(balance))
    assert {n: order[f"C{n:02d}", ""] for n in wins} == wins
    best = max(wins, key=lambda n: (wins[n], -n))
    assert ranks(frame, "ORDER")[f"C{best:02d}"] == 1
