"""Metrics against references that are written out, and on sets whose values are known."""

import tracemalloc

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


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_agree_with_prdc(k):
    """The package of Naeem et al. 2020."""
    from prdc import compute_prdc

    rng = np.random.default_rng(k)
    real, fake = rng.normal(size=(300, 8)), rng.normal(0.3, 0.8, (250, 8))
    expected = compute_prdc(real, fake, k)
    assert 0 < expected["recall"] < expected["precision"] < 1
    found = metrics.precision_recall(real, fake, k=k)
    np.testing.assert_allclose(found, (expected["precision"], expected["recall"]), rtol=1e-12)


@pytest.mark.parametrize("block", [1, 100, 1000, 10**6])
def test_precision_and_recall_do_not_depend_on_the_blocks(monkeypatch, block):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 3)), rng.normal(0.8, 0.7, (45, 3))
    expected = by_loops(real, fake, 3)
    monkeypatch.setattr(metrics, "BLOCK", block)
    np.testing.assert_allclose(metrics.precision_recall(real, fake), expected)


def test_precision_and_recall_hold_their_distances_in_blocks(monkeypatch):
    """1,500 × 1,500 distances would need 18 MB at once."""
    points = np.random.default_rng(0).normal(size=(2, 1500, 2))
    monkeypatch.setattr(metrics, "BLOCK", 2**16)
    metrics.precision_recall(*points[:, :10])  # imports are not counted
    tracemalloc.start()
    metrics.precision_recall(*points)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


def test_precision_and_recall_of_known_sets():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 4))
    assert metrics.precision_recall(points, points) == (1.0, 1.0)
    assert metrics.precision_recall(points, points + 100) == (0.0, 0.0)
    images = points.reshape(50, 2, 2, 1)
    assert metrics.precision_recall(images, images) == (1.0, 1.0)


def test_a_ball_holds_its_rim():
    """With k = 1 the radius is 1 around 0 and 1, ½ around 2 and 2.5: rims touch samples."""
    real, fake = np.array([[0.0], [1.0]]), np.array([[2.0], [2.5]])
    assert metrics.precision_recall(real, fake, k=1) == (0.5, 0.0)
    assert metrics.precision_recall(fake, real + 0.5, k=1) == (0.5, 1.0)


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


# ---------------------------------------------------------------- class coverage


def test_class_coverage_of_known_counts():
    """p = (½, ¼, ¼, 0): KL = ½ ln 2; all in one class: ln k; even: 0."""
    found = metrics.class_coverage(np.repeat([0, 1, 2], [50, 25, 25]), 4)
    assert (found.modes, found.share, found.counts) == (3, 1.0, (50, 25, 25, 0))
    assert found.kl == pytest.approx(0.5 * np.log(2))
    assert metrics.class_coverage([999] * 7, 1000).kl == pytest.approx(np.log(1000))
    assert metrics.class_coverage(np.arange(10, dtype=np.uint8), 10).kl == pytest.approx(0)


def test_class_coverage_of_probabilities():
    """The likeliest class counts, from the given confidence on; the boundary belongs to it."""
    found = np.array([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    assert metrics.class_coverage(found, 3).counts == (1, 2, 1)
    sure = metrics.class_coverage(found, 3, confidence=0.75)
    assert (sure.modes, sure.share, sure.counts) == (1, 0.5, (0, 2, 0))
    assert sure.kl == pytest.approx(np.log(3))
    none = metrics.class_coverage(found[:1], 3, confidence=0.9)
    assert (none.modes, none.share, none.kl) == (0, 0.0, np.inf)


def test_a_perfect_sampler_of_stacked_digits():
    """26,000 samples of 1,000 classes: KL 0.019, as the field's tables have it for real data."""
    rng = np.random.default_rng(0)
    found = [metrics.class_coverage(rng.integers(0, 1000, 26_000), 1000) for _ in range(20)]
    assert {coverage.modes for coverage in found} == {1000}
    assert np.mean([coverage.kl for coverage in found]) == pytest.approx(0.0193, rel=0.02)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 3), "^predictions must be probabilities"),
        ((np.zeros(0, int), 3), "^predictions must hold classes"),
        ((np.zeros((0, 3)), 3), "^predictions must hold classes"),
        (([0, 3], 3), "^predictions must hold classes from 0 to 2"),
        (([0, -1], 3), "^predictions must hold classes from 0 to 2"),
        (([0.0, 1.0], 3), r"^predictions must be probabilities.*got float64 \(2,\)"),
        ((np.eye(3), 4), r"^predictions must be probabilities \(n, 4\).*got float64 \(3, 3\)"),
        ((np.eye(3) * 5, 3), "^predictions must be probabilities.*sum to 1"),
        ((np.eye(3) * np.nan, 3), "^predictions must be probabilities"),
        (([0, 1], 3, 0.9), "^predictions must be probabilities.*without confidence"),
        ((np.eye(3), 3, 1.0), "^confidence must be"),
        (([0], 0), "^classes must be"),
    ],
)
def test_class_coverage_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.class_coverage(*arguments)
