"""Sensitivity estimators: known effects of a test function, indifference to an offset, and the design itself."""

import numpy as np
import pytest

from pipelines.indices.effects import effects, saltelli_points, unit_total_effects


def ishigami(points: np.ndarray) -> np.ndarray:
    x = (points * 2 - 1) * np.pi
    return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


FIRST, TOTAL = [0.3139, 0.4424, 0.0], [0.5576, 0.4424, 0.2437]


@pytest.mark.parametrize("offset", [0.0, 20.0, 1000.0])
def test_known_effects_whatever_the_offset(offset):
    points = saltelli_points(1024, [0, 1, 2], seed=3)
    found = effects(ishigami(points) + offset, 200, 1)
    assert found.first == pytest.approx(FIRST, abs=0.03)
    assert found.total == pytest.approx(TOTAL, abs=0.03)
    assert (found.first_low <= found.first).all() and (found.first <= found.first_high).all()
    assert (found.total_low <= TOTAL).all() and (np.array(TOTAL) <= found.total_high + 0.02).all()


def test_error_at_128_points_is_that_of_scrambled_sobol_points():
    errors = [effects(ishigami(saltelli_points(128, [0, 1, 2], seed)) + 20, 0, 1).first - FIRST for seed in range(20)]
    assert np.sqrt(np.mean(np.square(errors))) < 0.09


def test_a_group_of_inputs_has_one_effect():
    points = saltelli_points(1024, [0, 1, 0], seed=3)
    found = effects(ishigami(points), 0, 1)
    assert found.first == pytest.approx([1 - 0.4424, 0.4424], abs=0.03)
    assert points.shape == (4, 1024, 3)


def test_the_design_mixes_exactly_one_group():
    points = saltelli_points(16, [0, 0, 1, 2], seed=9)
    a, b = points[0], points[1]
    for group, columns in enumerate(([0, 1], [2], [3])):
        mixed = points[2 + group]
        others = [c for c in range(4) if c not in columns]
        assert (mixed[:, columns] == b[:, columns]).all() and (mixed[:, others] == a[:, others]).all()
    assert (saltelli_points(16, [0, 1], 5) == saltelli_points(16, [0, 1], 5)).all()
    assert not (saltelli_points(16, [0, 1], 5) == saltelli_points(16, [0, 1], 6)).all()


def test_an_output_that_does_not_vary_has_no_effects():
    assert effects(np.ones((4, 8)), 10, 1).total.tolist() == [0, 0]


def test_many_outputs_at_once_agree_with_one_by_one():
    points = saltelli_points(256, [0, 1, 2], seed=1)
    outputs = np.stack([ishigami(points), points[..., 0], np.zeros(points.shape[:2])], axis=2)
    first, total = unit_total_effects(outputs)
    single = effects(outputs[:, :, 0], 0, 1)
    assert first[:, 0] == pytest.approx(single.first) and total[:, 0] == pytest.approx(single.total)
    assert total[:, 1] == pytest.approx([1, 0, 0], abs=0.05) and total[:, 2].tolist() == [0, 0, 0]
