"""An attacker who knows every shown cell and that counts are not negative learns no hidden cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.products.disclosure import Hidden, Measure, Table, hide

FAMILIES = {
    "class": ["local", "migrant", "foreign"],
    "age": ["m_0", "m_60", "f_0", "f_60"],
    "home": ["rented", "other"],
}
MEASURES = [
    Measure("all", {"class": FAMILIES["class"], "age": FAMILIES["age"]}, threshold=5),
    *[Measure(c, {"class": [c]}, threshold=5) for c in FAMILIES["class"]],
    *[Measure(c, {"age": [c]}, threshold=5) for c in FAMILIES["age"]],
    Measure("60", {"age": ["m_60", "f_60"]}, threshold=5),
    Measure("homes", {"home": FAMILIES["home"]}),
    Measure("rented", {"home": ["rented"]}, threshold=10, hide_zero=True),
]


def make(towns: list[int], people: list[list[int]], homes: list[list[int]]) -> Table:
    """Villages with a joint count of class x age, so that both families have one total."""
    rows = []
    for cells, home in zip(people, homes, strict=True):
        joint = np.array(cells).reshape(3, 4)
        rows.append([*joint.sum(axis=1), *joint.sum(axis=0), *home])
    return Table(np.array(rows, dtype=np.int64), np.array(towns), FAMILIES, MEASURES)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    towns = [t for t, size in enumerate(sizes) for _ in range(size)]
    few = st.one_of(st.integers(0, 3), st.integers(0, 30))
    people = [draw(st.lists(few, min_size=12, max_size=12)) for _ in towns]
    homes = [draw(st.lists(few, min_size=2, max_size=2)) for _ in towns]
    return make(towns, people, homes)


def shown_equations(table: Table, hidden: Hidden) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """What the reader knows: coefficients over all village base columns and their sums; and the hidden cells."""
    villages, width = table.counts.shape
    rows, sums, unknown = [], [], []
    areas = [(hidden.village[v], [v]) for v in range(villages)]
    areas += [(hidden.town[t], np.flatnonzero(table.town_of == t)) for t in range(hidden.town.shape[0])]
    areas += [(hidden.district[0], range(villages))]
    for mask, members in areas:
        for j, vectors in enumerate(table.selectors):
            for vector in vectors:
                row = np.zeros((villages, width))
                row[list(members)] = vector
                if mask[j]:
                    unknown.append(row.ravel())
                else:
                    rows.append(row.ravel())
                    sums.append(float((row * table.counts).sum()))
            # Splitting one total two ways is known even where the total is hidden.
            for vector in vectors[1:]:
                row = np.zeros((villages, width))
                row[list(members)] = vector - vectors[0]
                rows.append(row.ravel())
                sums.append(0.0)
    return np.array(rows), np.array(sums), unknown


def width_of(direction: np.ndarray, equations: np.ndarray, sums: np.ndarray) -> float:
    """How far apart the greatest and the least value are that a cell may have."""
    found = []
    for sign in (1.0, -1.0):
        solved = linprog(sign * direction, A_eq=equations, b_eq=sums, bounds=(0, None), method="highs")
        if solved.status == 3:
            return np.inf
        assert solved.status == 0, solved.message
        found.append(sign * solved.fun)
    return found[1] - found[0]


@settings(max_examples=25, deadline=None)
@given(tables())
def test_linear_programming_recovers_no_hidden_cell(table: Table) -> None:
    hidden = hide(table)
    equations, sums, unknown = shown_equations(table, hidden)
    for direction in unknown:
        assert width_of(direction, equations, sums) >= 1 - 1e-6


@settings(max_examples=60, deadline=None)
@given(tables())
def test_small_cells_are_hidden_and_every_witness_agrees_with_what_is_shown(table: Table) -> None:
    hidden = hide(table)
    values = table.village_values
    for j, measure in enumerate(table.measures):
        small = (values[:, j] < measure.threshold) & ((values[:, j] > 0) | measure.hide_zero)
        assert hidden.village[small, j].all()
    explained = np.zeros_like(hidden.village)
    for witness in hidden.witnesses:
        other = witness.apply(table.counts)
        assert (other >= 0).all()
        for j, vectors in enumerate(table.selectors):
            before, after = table.counts @ vectors[0], other @ vectors[0]
            assert not ((before != after) & ~hidden.village[:, j]).any()
            explained[:, j] |= before != after
            assert hidden.district[0, j] or before.sum() == after.sum()
            for t in range(hidden.town.shape[0]):
                here = table.town_of == t
                assert hidden.town[t, j] or before[here].sum() == after[here].sum()
    assert (explained | ~hidden.village).all()


def test_hiding_only_the_small_cells_would_have_been_found_out() -> None:
    """The attacker is able: without complementary cells he reads the small one."""
    table = make([0, 0, 0], [[9] * 12, [9] * 12, [9] * 12], [[3, 40], [30, 40], [20, 40]])
    nothing = np.zeros((1, len(MEASURES)), dtype=bool)
    naive = Hidden(table.village_values < 0, nothing, nothing.copy())
    rented = [m.name for m in MEASURES].index("rented")
    naive.village[0, rented] = True
    equations, sums, unknown = shown_equations(table, naive)
    assert width_of(unknown[0], equations, sums) == pytest.approx(0)
    hidden = hide(table)
    assert hidden.village[:, rented].tolist() == [True, False, True]
    assert not hidden.town.any() and not hidden.district.any()


def test_a_lone_village_takes_its_town_and_a_second_town_along() -> None:
    table = make([0, 1, 1], [[9] * 12, [9] * 12, [9] * 12], [[3, 40], [30, 40], [20, 40]])
    hidden = hide(table)
    rented = [m.name for m in MEASURES].index("rented")
    assert hidden.village[:, rented].tolist() == [True, False, True]
    assert hidden.town[:, rented].tolist() == [True, True] and not hidden.district.any()


def test_families_that_do_not_split_the_same_total_are_refused() -> None:
    table = make([0], [[9] * 12], [[3, 40]])
    table.counts[0, 0] += 1
    with pytest.raises(ValueError, match="all: its families class, age do not give the same sums"):
        hide(table)


def test_a_district_is_done_in_seconds() -> None:
    """Thirty-six age groups by sex in 355 villages of 180 people: most cells are small, none takes long."""
    generator = np.random.default_rng(7)
    names = [f"a{i}" for i in range(36)]
    counts = generator.poisson(5, (355, 36)).astype(np.int64)
    measures = [Measure(n, {"age": [n]}, threshold=5) for n in names]
    measures += [Measure("all", {"age": names}, threshold=5), Measure("60", {"age": names[12:18] + names[30:]}, 5)]
    table = Table(counts, np.arange(355) // 33, {"age": names}, measures)
    hidden = hide(table)
    share = hidden.village[:, :36].mean()
    assert ((counts > 0) & (counts < 5)).mean() <= share < ((counts > 0) & (counts < 5)).mean() + 0.1
    assert not hidden.town.any()
