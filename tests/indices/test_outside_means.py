"""Published methods of means and ratios, specified by reading docs/index_spec.md only, against plain arithmetic.

The data are made up; each answer is computed here a second time in a few lines of Python that share nothing with the
engine.
"""

import math
from statistics import mean

import numpy as np
import polars as pl
import pytest

from tests.indices.outside import build_outside, ranks, scores

GENDER = """
index: gender inequality
edition: "1"
table: {unit: iso}
rank: {best: lowest}
defaults: {normalise: none}
nodes:
  - {code: GII, aggregate: {method: formula, formula: 1 - HARMONIC / TOGETHER}}
  - {code: HARMONIC, parent: GII, aggregate: harmonic, best: highest}
  - {code: WOMEN, parent: HARMONIC, aggregate: geometric}
  - {code: MEN, parent: HARMONIC, aggregate: geometric}
  - {code: W_HEALTH, parent: WOMEN, aggregate: geometric}
  - {code: W_VOICE, parent: WOMEN, aggregate: geometric}
  - {code: M_VOICE, parent: MEN, aggregate: geometric}
  - {code: TOGETHER, parent: GII, aggregate: geometric}
  - {code: HEALTH, parent: TOGETHER, aggregate: {method: formula, formula: (W_HEALTH + 1) / 2}}
  - {code: VOICE, parent: TOGETHER, aggregate: {method: formula, formula: (W_VOICE + M_VOICE) / 2}}
  - {code: WORK, parent: TOGETHER, aggregate: {method: formula, formula: (w_work + m_work) / 2}}
indicators:
  - {code: maternal, parent: W_HEALTH, direction: more, value: "10 / min(max(mmr, 10), 1000)"}
  - {code: teenage, parent: W_HEALTH, direction: more, value: 1 / abr}
  - {code: w_seats, parent: W_VOICE, direction: more, value: "max(seats, 0.1) / 100"}
  - {code: w_school, parent: W_VOICE, direction: more, value: school_f / 100}
  - {code: w_work, parent: WOMEN, direction: more, value: work_f / 100}
  - {code: m_health, parent: MEN, direction: more, value: "1"}
  - {code: m_seats, parent: M_VOICE, direction: more, value: "1 - max(seats, 0.1) / 100"}
  - {code: m_school, parent: M_VOICE, direction: more, value: school_m / 100}
  - {code: m_work, parent: MEN, direction: more, value: work_m / 100}
"""


def _gender(row: dict[str, float]) -> float:
    seats, health = max(row["seats"], 0.1) / 100, math.sqrt(10 / min(max(row["mmr"], 10), 1000) / row["abr"])
    women, men = math.sqrt(seats * row["school_f"] / 100), math.sqrt((1 - seats) * row["school_m"] / 100)
    g_women = (health * women * row["work_f"] / 100) ** (1 / 3)
    g_men = (1 * men * row["work_m"] / 100) ** (1 / 3)
    harmonic = 2 / (1 / g_women + 1 / g_men)
    together = ((health + 1) / 2 * (women + men) / 2 * (row["work_f"] + row["work_m"]) / 200) ** (1 / 3)
    return 1 - harmonic / together


def test_gender_inequality_is_one_less_a_ratio_of_means_of_means_and_ranks_the_lowest_first(tmp_path):
    rng = np.random.default_rng(2)
    size = 15
    columns = {"mmr": (2, 1400), "abr": (1, 150), "school_f": (5, 99), "school_m": (10, 99)}
    columns |= {"work_f": (15, 80), "work_m": (50, 90), "seats": (3, 55)}
    table = pl.DataFrame(
        {"iso": [f"C{n:02d}" for n in range(size)], **{k: rng.uniform(*v, size).round(1) for k, v in columns.items()}}
    ).with_columns(seats=pl.when(pl.col("iso") == "C03").then(0.0).otherwise("seats"))
    frame = build_outside(tmp_path, GENDER, table)
    expected = {row["iso"]: _gender(row) for row in table.iter_rows(named=True)}
    found = scores(frame, "GII")
    assert {iso: found[iso, ""] for iso in expected} == pytest.approx(expected, abs=1e-9)
    order = sorted(expected, key=expected.__getitem__)
    assert [iso for iso, _ in sorted(ranks(frame, "GII").items(), key=lambda pair: pair[1])] == order
    women = scores(frame, "WOMEN")
    assert min(ranks(frame, "WOMEN").items(), key=lambda pair: pair[1])[0] == min(women, key=women.__getitem__)[0]


INEQUALITY = """
index: adjusted human development
edition: "1"
table: {unit: iso}
defaults: {normalise: {method: goalposts, range: [0, 1]}}
node_defaults: {availability: 1}
nodes:
  - {code: IHDI, aggregate: geometric}
  - {code: LIFE, parent: IHDI}
  - {code: EDU, parent: IHDI, after: "x * (1 - loss_edu / 100)"}
  - {code: GNI, parent: IHDI}
  - {code: PLAIN, parent: IHDI, headline: false}
  - code: HDI
    parent: IHDI
    headline: false
    aggregate: {method: formula, formula: (le_plain * (eys + mys) / 2 * gni_plain) ** (1/3)}
  - code: LOSS
    parent: IHDI
    headline: false
    best: lowest
    aggregate: {method: formula, formula: 100 * (1 - IHDI / HDI)}
indicators:
  - {code: le, parent: LIFE, direction: more, goalposts: [20, 85], after: "x * (1 - loss_le / 100)"}
  - {code: eys, parent: EDU, direction: more, goalposts: [0, 18]}
  - {code: mys, parent: EDU, direction: more, goalposts: [0, 15]}
  - {code: gni, parent: GNI, direction: more, goalposts: [100, 75000], transform: ln, after: "x * (1 - loss_gni / 100)"}
  - {code: le_plain, parent: PLAIN, direction: more, value: le, goalposts: [20, 85]}
  - {code: gni_plain, parent: PLAIN, direction: more, value: gni, goalposts: [100, 75000], transform: ln}
"""


def test_inequality_adjusted_development_with_its_loss_beside_the_plain_index(tmp_path):
    rng = np.random.default_rng(3)
    size = 12
    bounds = {"le": (45, 88), "eys": (5, 20), "mys": (1, 14), "gni": (400, 90000)}
    bounds |= {"loss_le": (2, 40), "loss_edu": (1, 45), "loss_gni": (10, 60)}
    table = pl.DataFrame(
        {"iso": [f"C{n:02d}" for n in range(size)], **{k: rng.uniform(*v, size).round(2) for k, v in bounds.items()}}
    )
    frame = build_outside(tmp_path, INEQUALITY, table)
    adjusted, loss = scores(frame, "IHDI"), scores(frame, "LOSS")
    for row in table.iter_rows(named=True):
        share = lambda x, low, high: min(max((x - low) / (high - low), 0), 1)  # noqa: E731
        life = share(row["le"], 20, 85)
        learning = mean([share(row["eys"], 0, 18), share(row["mys"], 0, 15)])
        income = share(math.log(row["gni"]), math.log(100), math.log(75000))
        plain = (life * learning * income) ** (1 / 3)
        kept = [1 - row[name] / 100 for name in ("loss_le", "loss_edu", "loss_gni")]
        found = (life * kept[0] * learning * kept[1] * income * kept[2]) ** (1 / 3)
        assert adjusted[row["iso"], ""] == pytest.approx(found, abs=1e-9)
        assert loss[row["iso"], ""] == pytest.approx(100 * (1 - found / plain), abs=1e-8)


POVERTY = """
index: multidimensional poverty
edition: "1"
table: {unit: household}
units: {level: household}
levels: [{level: country, by: country}]
rank: {best: lowest}
defaults: {normalise: none, rollup: {method: weighted_mean, weight: members}}
nodes:
  - {code: MPI, aggregate: {method: formula, formula: deprived}}
  - {code: PARTS, parent: MPI, headline: false}
  - code: INTENSITY
    parent: MPI
    headline: false
    aggregate: {method: formula, formula: "where(poor > 0, deprived / poor, null)"}
indicators:
  - {code: deprived, parent: MPI, direction: more,
     value: "where(round((food + death) / 6 + (school + attends) / 6 + (fuel + water + power) / 9, 9) >= round(1/3, 9),
             (food + death) / 6 + (school + attends) / 6 + (fuel + water + power) / 9, 0)"}
  - {code: poor, parent: PARTS, direction: more,
     value: "round((food + death) / 6 + (school + attends) / 6 + (fuel + water + power) / 9, 9) >= round(1/3, 9)"}
"""


def test_counting_poverty_censors_below_the_cutoff_and_adds_up_by_people(tmp_path):
    rng = np.random.default_rng(4)
    size, names = 60, ("food", "death", "school", "attends", "fuel", "water", "power")
    table = pl.DataFrame(
        {
            "household": [f"h{n:02d}" for n in range(size)],
            "country": [("A", "B", "C")[n % 3] for n in range(size)],
            "members": rng.integers(1, 9, size),
            **{name: (rng.random(size) < 0.3 + 0.1 * (np.arange(size) % 3)).astype(int) for name in names},
        }
    )
    frame = build_outside(tmp_path, POVERTY, table)
    headcount, intensity = {}, {}
    for country in "ABC":
        people = poor = sums = 0.0
        for row in table.filter(pl.col("country") == country).iter_rows(named=True):
            # Eighteenths, so that a household exactly at one third is poor.
            share = 3 * sum(row[n] for n in names[:4]) + 2 * sum(row[n] for n in names[4:])
            people += row["members"]
            if share >= 6:
                poor += row["members"]
                sums += row["members"] * share / 18
        headcount[country], intensity[country] = sums / people, sums / poor
    found, depth = scores(frame, "MPI", "country"), scores(frame, "INTENSITY", "country")
    assert {c: found[c, ""] for c in "ABC"} == pytest.approx(headcount, abs=1e-9)
    assert {c: depth[c, ""] for c in "ABC"} == pytest.approx(intensity, abs=1e-9)
    assert ranks(frame, "MPI", "country")[min(headcount, key=headcount.__getitem__)] == 1


CORRUPTION = """
index: perceived corruption
edition: "1"
table: {unit: iso}
units: {all_missing: keep}
defaults:
  # mean 45 and spread 20 of the base year, fixed: (x - mean) / sd * 20 + 45, cut to 0-100
  normalise: {method: goalposts, range: [45, 65], inside: false, clip: [0, 100]}
nodes: [{code: CPI, availability: {threshold: 3/5, of: count}, after: "round(x, 0)"}]
indicators:
  - {code: s1, parent: CPI, direction: more, goalposts: [50, 70]}
  - {code: s2, parent: CPI, direction: more, goalposts: [4.2, 6.1]}
  - {code: s3, parent: CPI, direction: less, goalposts: [3, 4]}
  - {code: s4, parent: CPI, direction: more, goalposts: [0.5, 0.7]}
  - {code: s5, parent: CPI, direction: more, goalposts: [50, 75]}
"""


def test_sources_standardised_by_a_fixed_base_and_at_least_three_of_them(tmp_path):
    rng = np.random.default_rng(5)
    base = {"s1": (50, 20, 1), "s2": (4.2, 1.9, 1), "s3": (4.0, 1.0, -1), "s4": (0.5, 0.2, 1), "s5": (50, 25, 1)}
    size = 40
    columns = {k: rng.normal(m, s * 1.3, size).round(2) for k, (m, s, _) in base.items()}
    holes = rng.random((size, 5)) < 0.35
    values = [[None if holes[n, j] else float(columns[k][n]) for n in range(size)] for j, k in enumerate(base)]
    table = pl.DataFrame({"iso": [f"C{n:02d}" for n in range(size)], **dict(zip(base, values, strict=True))})
    found = scores(build_outside(tmp_path, CORRUPTION, table), "CPI")
    for row in table.iter_rows(named=True):
        parts = [
            min(max(45 + sign * 20 * (row[k] - m) / s, 0), 100)
            for k, (m, s, sign) in base.items()
            if row[k] is not None
        ]
        expected = math.floor(mean(parts) + 0.5) if len(parts) >= 3 else None
        assert found[row["iso"], ""] == expected
