"""Metrics against references that are written out, and on sets whose values are known."""

import numpy as np
import pytest

from gpat_lib import metrics


def by_loops(real, fake, k):
    """Precision and recall as the paper's words say it."""

    def radius(points, i):
        distances = [np.linalg.norm(points[i] - p) for j, p in enumerate(points) if j != i]
        return sorted(distances)[k - 1]

    def covered(points, balls):
        return np.mean(
            [
                any(np.linalg.norm(p - b) <= radius(balls, i) for i, b in enumerate(balls))
                for p in points
            ]
        )

    return covered(fake, real), covered(real, fake)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_precision_and_recall_by_brute_force(k, seed):
    rng = np.random.default_rng(seed)
    real, fake = rng.normal(size=(30, 3)), rng.normal(0.8, 0.7, (20, 3))
    expected = by_loops(real, fake, k)
    assert 0 < expected[1] < 1
    np.testing.assert_allclose(metrics.precision_recall(real, fake, k=k), expected)


def test_precision_and_recall_of_known_sets():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 4))
    assert metrics.precision_recall(points, points) == (1.0, 1.0)
    assert metrics.precision_recall(points, points + 100) == (0.0, 0.0)
    images = points.reshape(50, 2, 2, 1)
    assert metrics.precision_recall(images, images) == (1.0, 1.0)


def test_a_dropped_mode_lowers_recall_only_and_noise_precision_only():
    rng = np.random.default_rng(0)
    modes = np.array([[0.0, 0.0], [50.0, 0.0]])
    real = (modes[:, None] + rng.normal(size=(2, 200, 2))).reshape(-1, 2)
    again = (modes[:, None] + rng.normal(size=(2, 200, 2))).reshape(-1, 2)
    precision, recall = metrics.precision_recall(real, again)
    assert min(precision, recall) > 0.9
    one_mode = modes[0] + rng.normal(size=(400, 2))
    precision, recall = metrics.precision_recall(real, one_mode)
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.05)
    half_noise = np.concatenate([again, rng.uniform(500, 5000, (400, 2))])
    precision, recall = metrics.precision_recall(real, half_noise)
    assert precision == pytest.approx(0.5, abs=0.05)
    assert recall > 0.9


def test_nearest_distance_by_brute_force():
    rng = np.random.default_rng(0)
    samples, references = rng.normal(size=(7, 2, 3)), rng.normal(size=(11, 2, 3))
    difference = samples.reshape(7, 1, 6) - references.reshape(1, 11, 6)
    expected = np.linalg.norm(difference, axis=-1).min(axis=1)
    np.testing.assert_allclose(metrics.nearest_distance(samples, references), expected)
    copies = metrics.nearest_distance(references[[4, 2]], references)
    np.testing.assert_array_equal(copies, [0, 0])


GOOD = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[:3], GOOD), r"^real must have.*more than k = 3 samples; got \(3, 2\)"),
        ((GOOD, GOOD[:3]), "^fake must have"),
        ((GOOD[0], GOOD), r"^real must have shape \(n, ...\)"),
        ((GOOD, GOOD[:, :1]), "one width; got 2 and 1"),
        ((GOOD, GOOD + np.nan), "^fake must be finite"),
        ((GOOD + np.inf, GOOD), "^real must be finite"),
        ((GOOD, GOOD, 0), "^k must be"),
        ((GOOD, GOOD, 1.5), "^k must be"),
    ],
)
def test_precision_recall_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.precision_recall(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[:0], GOOD), "^samples must have"),
        ((GOOD, GOOD[:0]), "^references must have"),
        ((GOOD, GOOD[:, :1]), "one width; got 2 and 1"),
        ((GOOD * np.nan, GOOD), "^samples must be finite"),
    ],
)
def test_nearest_distance_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.nearest_distance(*arguments)
