"""Metrics against references that are written out, and on sets whose values are known."""

import numpy as np
import pytest

from gpat_lib import data, metrics


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


# ---------------------------------------------------------------- mode coverage


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_a_perfect_sampler_covers_all_modes(name):
    """1 − e^−4.5 = 98.9 % within 3σ; 2n·KL follows χ² with k − 1 degrees of freedom."""
    law, count = data.POINTS[name], 25_000
    found = metrics.mode_coverage(data.points(name, count, seed=5), law.modes, law.sigma)
    k = len(law.modes)
    assert found.modes == len(found.counts) == k
    expected = 1 - np.exp(-4.5)
    assert found.share == pytest.approx(
        expected, abs=4 * (expected * (1 - expected) / count) ** 0.5
    )
    assert sum(found.counts) == round(found.share * count)
    degrees = k - 1
    spread = 4 * (2 * degrees) ** 0.5
    assert degrees - spread < 2 * count * found.kl < degrees + spread


@pytest.mark.parametrize(("count", "expected"), [(2_500, 0.0048), (25_000, 0.00048)])
def test_the_divergence_of_a_perfect_sampler_shrinks_with_its_size(count, expected):
    law = data.POINTS["grid"]
    values = [
        metrics.mode_coverage(data.points("grid", count, seed=s), law.modes, law.sigma).kl
        for s in range(20)
    ]
    assert np.mean(values) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("radius", [1.0, 2.0])
def test_the_share_within_another_radius(radius):
    law = data.POINTS["grid"]
    samples = data.points("grid", 25_000, seed=2)
    found = metrics.mode_coverage(samples, law.modes, law.sigma, radius=radius)
    assert found.share == pytest.approx(1 - np.exp(-(radius**2) / 2), abs=0.015)


def test_a_collapsed_sampler():
    """All in one mode: KL = ln k, the most there is."""
    law = data.POINTS["grid"]
    found = metrics.mode_coverage(np.tile(law.modes[7], (40, 1)), law.modes, law.sigma)
    assert (found.modes, found.share) == (1, 1.0)
    assert found.kl == pytest.approx(np.log(25))
    assert found.counts == tuple(40 * (np.arange(25) == 7))


def test_an_unbalanced_sampler():
    """p = (½, ¼, ¼, 0) among the good half: KL = ½ ln 2. Bad samples count in the share only."""
    modes = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    good = np.repeat(modes, [50, 25, 25, 0], axis=0)
    found = metrics.mode_coverage(np.concatenate([good, modes[3] + good + 1.0]), modes, sigma=0.3)
    assert (found.modes, found.share, found.counts) == (3, 0.5, (50, 25, 25, 0))
    assert found.kl == pytest.approx(0.5 * np.log(2))
    assert str(found) == "3 of 4 modes, 50.0% of high quality, KL 0.3466"
    assert "counts=(50, 25, 25, 0)" in repr(found)


def test_high_quality_ends_at_three_sigma():
    """The distance is Euclidean: (2σ, 2σ) is inside, (2.5σ, 2.5σ) is not."""
    sigma = 0.5
    samples = sigma * np.array([[2.0, 2.0], [2.5, 2.5], [2.99, 0.0], [0.0, -3.01]])
    found = metrics.mode_coverage(samples, np.zeros((1, 2)), sigma)
    assert (found.share, found.kl) == (0.5, 0.0)


def test_no_sample_of_high_quality_is_worse_than_collapse():
    found = metrics.mode_coverage(np.full((9, 2), 50.0), np.eye(2), 0.1)
    assert (found.modes, found.share, found.counts) == (0, 0.0, (0, 0))
    assert found.kl == np.inf


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[:0], GOOD, 1.0), "^samples must have"),
        ((GOOD[0], GOOD, 1.0), "^samples must have"),
        ((GOOD, GOOD[:0], 1.0), "^modes must have"),
        ((GOOD, None, 1.0), "^modes must have"),
        ((GOOD, GOOD[:, :1], 1.0), "^samples and modes must have one width; got 2 and 1"),
        ((GOOD * np.nan, GOOD, 1.0), "^samples must be finite"),
        ((GOOD, GOOD + np.inf, 1.0), "^modes must be finite"),
        ((GOOD, GOOD, 0.0), "^sigma must be"),
        ((GOOD, GOOD, -1.0), "^sigma must be"),
        ((GOOD, GOOD, "1"), "^sigma must be a number"),
        ((GOOD, GOOD, 1.0, 0), "^radius must be"),
        ((GOOD, GOOD, 1.0, np.inf), "^radius must be"),
    ],
)
def test_mode_coverage_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.mode_coverage(*arguments)
