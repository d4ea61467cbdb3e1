"""Distances of features: closed forms, references, another library, and intervals that hold."""

import importlib
import importlib.metadata
import sys
import tracemalloc
import types

import numpy as np
import pytest
from scipy.linalg import sqrtm

from gpat_lib import metrics


def gaussians(n=300, m=250, d=6, seed=0):
    """Correlated features of two laws; more than one scale, means far from 0."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(2, d, d))
    return rng.normal(size=(n, d)) @ mix[0] + 5, rng.normal(size=(m, d)) @ mix[1] + 4


def with_moments(mean, covariance, n=50, seed=0):
    """n samples that have exactly this mean and covariance (n − 1)."""
    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    white = np.random.default_rng(seed).normal(size=(n, len(mean)))
    white = np.linalg.qr(white - white.mean(0))[0] * np.sqrt(n - 1)
    return mean + white @ sqrtm(covariance).real


def by_sqrtm(a, b):
    c, d = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(c @ d).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(c + d - 2 * root)


def by_loops(x, y):
    """Unbiased MMD² with the cubic kernel, pair by pair."""

    def k(p, q):
        return (sum(s * t for s, t in zip(p, q, strict=True)) / len(p) + 1) ** 3

    def within(z):
        return np.mean([k(p, q) for i, p in enumerate(z) for j, q in enumerate(z) if i != j])

    return within(x) + within(y) - 2 * np.mean([k(p, q) for p in x for q in y])


@pytest.fixture(scope="module")
def tf_gan():
    """TF-GAN's functions on features. Its package asks for parts that TensorFlow no longer has,
    so that its own __init__ files are passed over."""
    folder = importlib.metadata.distribution("tensorflow-gan").locate_file("tensorflow_gan")
    names = ["tensorflow_gan", "tensorflow_gan.python", "tensorflow_gan.python.eval"]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            package = types.ModuleType(name)
            package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
            patch.setitem(sys.modules, name, package)
        yield importlib.import_module("tensorflow_gan.python.eval.classifier_metrics")


# ---------------------------------------------------------------- moments


def test_batches_and_one_go_give_the_same_moments():
    a, _ = gaussians(n=101)
    moments = metrics.Moments()
    for batch in np.split(a, [1, 2, 40, 90]):
        assert moments.update(batch) is moments
    assert moments.count == 101
    np.testing.assert_allclose(moments.mean, a.mean(0), rtol=1e-13)
    np.testing.assert_allclose(moments.covariance, np.cov(a, rowvar=False), rtol=1e-12)


def test_moments_keep_their_digits_far_from_zero():
    """Sums of squares would lose everything here: (1e8)² has no digit left for a spread of 1."""
    a = np.random.default_rng(0).normal(size=(1000, 2))
    moments = metrics.Moments()
    for batch in np.split(a + 1e8, 10):
        moments.update(batch)
    np.testing.assert_allclose(moments.covariance, np.cov(a, rowvar=False), rtol=1e-6)


def test_moments_of_float32_are_summed_in_float64():
    a = (np.random.default_rng(0).normal(size=(5000, 3)) + 1000).astype(np.float32)
    moments = metrics.Moments().update(a)
    assert moments.mean.dtype == moments.covariance.dtype == np.float64
    reference = np.cov(a.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(moments.covariance, reference, rtol=1e-10)
    one_by_one = metrics.Moments()
    for row in a[:50]:
        one_by_one.update(row[None])
    np.testing.assert_allclose(one_by_one.mean, a[:50].astype(np.float64).mean(0), rtol=1e-14)


def test_the_given_features_are_not_changed():
    a, b = gaussians()
    kept = a.copy(), b.copy()
    metrics.Moments().update(a)
    metrics.frechet_distance(a, b)
    metrics.kernel_distance(a, b, subsets=2)
    np.testing.assert_array_equal((a, b)[0], kept[0])
    np.testing.assert_array_equal(b, kept[1])


def test_memory_does_not_grow_with_the_number_of_images():
    """A few (d, d) arrays: with d = 2048, where one has 34 MB, that is far below 2 GB."""
    d, peaks = 128, []
    rng = np.random.default_rng(0)
    for batches in (5, 20):
        tracemalloc.start()
        moments = metrics.Moments()
        for _ in range(batches):
            moments.update(rng.normal(size=(100, d)))
        metrics.frechet_distance(moments, moments)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.05 * peaks[0]
    assert peaks[1] < 14 * 8 * d**2


# ---------------------------------------------------------------- Fréchet distance


def test_frechet_distance_in_one_dimension():
    """Δμ² + (σ₁ − σ₂)²."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, (40, 1)), rng.normal(4, 0.5, (30, 1))
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_known_gaussians():
    """Covariances that commute: ‖Δμ‖² + Σ(√λ − √μ)²; else 2-D: tr √(Σ₁Σ₂) = √(tr + 2√det)."""
    a = with_moments([1, 2, 3], np.diag([4.0, 9.0, 1.0]), seed=1)
    b = with_moments([1, 0, 3], np.diag([1.0, 1.0, 16.0]), seed=2)
    assert metrics.frechet_distance(a, b) == pytest.approx(4 + 1 + 4 + 9, rel=1e-10)
    first, second = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[5.0, -2.0], [-2.0, 1.0]])
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(first + second) - 2 * root
    found = metrics.frechet_distance(with_moments([0, 0], first), with_moments([0, 0], second))
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", [0, 1])
def test_frechet_distance_by_scipys_root(seed):
    a, b = gaussians(seed=seed)
    found = metrics.frechet_distance(a, b)
    assert found == pytest.approx(by_sqrtm(a, b), rel=1e-9)
    assert found == pytest.approx(metrics.frechet_distance(b, a), rel=1e-12)


def test_frechet_distance_from_streams_and_images():
    a, b = gaussians()
    expected = metrics.frechet_distance(a, b)
    stream = metrics.Moments()
    for batch in np.array_split(a, 7):
        stream.update(batch)
    assert metrics.frechet_distance(stream, b) == pytest.approx(expected, rel=1e-12)
    images = a.reshape(-1, 1, 2, 3), b.reshape(-1, 1, 2, 3)
    assert metrics.frechet_distance(*images) == pytest.approx(expected, rel=1e-12)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-12)


def test_frechet_distance_with_singular_covariances():
    """Dead and repeated features add what they add on their own, and no noise from zeros."""
    a, b = gaussians()
    expected = metrics.frechet_distance(a, b)
    dead = [np.hstack([x, np.full((len(x), 60), 7.0)]) for x in (a, b)]
    assert metrics.frechet_distance(*dead) == pytest.approx(expected, rel=1e-9)
    twice = [np.hstack([x] * 20) for x in (a, b)]
    assert metrics.frechet_distance(*twice) == pytest.approx(20 * expected, rel=1e-9)
    assert metrics.frechet_distance(a, np.tile(b[:1], (9, 1))) == pytest.approx(
        np.sum((a.mean(0) - b[0]) ** 2) + np.trace(np.cov(a, rowvar=False)), rel=1e-9
    )


def test_rounding_leaves_nothing_of_directions_without_spread():
    """Σ₁ = c uuᵀ against a full Σ₂: tr √(Σ₁Σ₂) = √(c uᵀΣ₂u), to the last digits."""
    rng = np.random.default_rng(0)
    u, along = rng.normal(size=80), rng.normal(size=(200, 1))
    line, cloud = along * u, rng.normal(size=(200, 80)) @ rng.normal(size=(80, 80))
    full = np.cov(cloud, rowvar=False)
    scale = along.var(ddof=1)
    expected = (
        np.sum((line.mean(0) - cloud.mean(0)) ** 2)
        + scale * u @ u
        + np.trace(full)
        - 2 * np.sqrt(scale * u @ full @ u)
    )
    assert metrics.frechet_distance(line, cloud) == pytest.approx(expected, rel=1e-12)


def test_the_bias_of_the_frechet_distance_falls_as_one_over_n():
    """What the docstring says of a perfect sampler with d = 64: about 2,230/n."""
    rng = np.random.default_rng(0)
    for n in (65, 256, 1000):
        found = np.mean(
            [
                metrics.frechet_distance(rng.normal(size=(n, 64)), rng.normal(size=(n, 64)))
                for _ in range(3)
            ]
        )
        assert found * n == pytest.approx(2230, rel=0.05)


# ---------------------------------------------------------------- kernel distance


def test_kernel_distance_by_loops():
    a, b = gaussians(n=12, m=12, d=3)
    found = metrics.kernel_distance(a, b, subsets=2, subset_size=12)
    assert found == pytest.approx(by_loops(a, b), rel=1e-10)


def test_kernel_distance_is_unbiased_in_the_size():
    """A perfect sampler: 0 on average, also with tiny subsets, where the biased form gives > 1."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4000, 4))
    for size in (2, 10):
        values = [
            metrics.kernel_distance(a, b, subsets=1, subset_size=size, seed=s) for s in range(2000)
        ]
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values)) < 4 * error
        assert min(values) < 0
        assert error < 0.1


def test_kernel_distance_of_known_laws():
    """x = u or x̃ = v always: k(u, u) + k(v, v) − 2k(u, v), with k(x, y) = (x·y/d + 1)³."""
    u, v = np.array([1.0, 1.0, 2.0, 0.0]), np.array([0.0, 2.0, 2.0, 2.0])
    expected = (6 / 4 + 1) ** 3 + (12 / 4 + 1) ** 3 - 2 * (6 / 4 + 1) ** 3
    found = metrics.kernel_distance(np.tile(u, (9, 1)), np.tile(v, (5, 1)), subsets=3)
    assert found == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_draws_by_its_seed():
    a, b = gaussians(n=60, m=40)
    found = metrics.kernel_distance(a, b, 5, 10, seed=3)
    assert found == metrics.kernel_distance(a, b, 5, 10, seed=3)
    assert found != metrics.kernel_distance(a, b, 5, 10, seed=4)
    single = [metrics.kernel_distance(a, b, 1, 10, seed=s) for s in range(20)]
    several = [metrics.kernel_distance(a, b, 20, 10, seed=s) for s in range(20)]
    assert np.std(several) < 0.6 * np.std(single)


def test_kernel_distance_of_float32_is_summed_in_float64():
    a, b = (x.astype(np.float32) + 30 for x in gaussians())
    exact = metrics.kernel_distance(a.astype(float), b.astype(float), subsets=2)
    assert metrics.kernel_distance(a, b, subsets=2) == pytest.approx(exact, rel=1e-13)


# ---------------------------------------------------------------- another library


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_distances_agree_with_tf_gan(tf_gan, shift):
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(32, 32)) / 6
    a, b = rng.normal(size=(500, 32)), rng.normal(size=(500, 32)) @ (np.eye(32) + mix) + shift
    frechet = float(tf_gan.frechet_classifier_distance_from_activations(a, b))
    assert metrics.frechet_distance(a, b) == pytest.approx(frechet, rel=1e-6)
    first, second = (tf_gan.tf.constant(x) for x in (a, b))
    kernel = float(tf_gan.kernel_classifier_distance_from_activations(first, second))
    assert metrics.kernel_distance(a, b, subsets=1) == pytest.approx(kernel, rel=1e-6)


# ---------------------------------------------------------------- intervals


def trials(statistic, draw, truth, **options):
    """In what share of 60 trials the interval holds the truth."""
    held = []
    for seed in range(60):
        _, low, high = metrics.interval(statistic, *draw(), repeats=60, seed=seed, **options)
        held.append((low <= truth) & (truth <= high))
    return np.mean(held, axis=0)


def test_intervals_of_the_frechet_distance_hold_what_they_should():
    """Too high without extrapolation; the bootstrap would hold the average in 44 % only."""
    rng = np.random.default_rng(0)

    def draw():
        return rng.normal(size=(100, 8)), rng.normal(0.3, 1.2, (100, 8))

    truth = 8 * (0.3**2 + 0.2**2)
    average = np.mean([metrics.frechet_distance(*draw()) for _ in range(200)])
    assert average > 1.4 * truth
    assert trials(metrics.frechet_distance, draw, average) > 0.88
    assert trials(metrics.frechet_distance, draw, truth) < 0.7
    assert trials(metrics.frechet_distance, draw, truth, extrapolate=True) > 0.88


def test_an_interval_is_as_wide_as_theory_says():
    """The mean of n values: ±1.96 σ/√n."""
    values = np.random.default_rng(0).normal(3.0, 2.0, (400, 1))
    value, low, high = metrics.interval(np.mean, values, repeats=4000)
    half = 1.96 * values.std(ddof=1) / 20
    assert value == pytest.approx(values.mean())
    assert (value - low, high - value) == (pytest.approx(half, rel=0.1),) * 2


def test_an_interval_for_each_value_of_a_statistic():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(200, 2)), rng.normal(0.5, 0.7, (100, 2))
    value, low, high = metrics.interval(metrics.precision_recall, real, fake, repeats=40)
    np.testing.assert_array_equal(value, metrics.precision_recall(real, fake))
    assert ((low < value) & (value < high)).all()
    assert value.shape == low.shape == high.shape == (2,)


def test_extrapolation_removes_a_bias_of_one_over_n_exactly():
    """E of the statistic 3 + 5/n is 3 + 5/n; the interval moves along and keeps its width."""
    values = np.zeros((40, 1))
    found = metrics.interval(lambda x: 3 + 5 / len(x), values, repeats=3, extrapolate=True)
    assert found == (pytest.approx(3.0),) * 3
    a, b = np.random.default_rng(0).normal(size=(2, 200, 6))
    plain = np.array(metrics.interval(metrics.frechet_distance, a, b, repeats=20))
    moved = np.array(metrics.interval(metrics.frechet_distance, a, b, repeats=20, extrapolate=True))
    np.testing.assert_allclose(np.diff(moved), np.diff(plain))
    assert moved[0] < 0.5 * plain[0]


def test_halves_are_drawn_without_replacement_and_by_seed():
    seen = []

    def statistic(first, second):
        seen.append((first, second))
        return first.sum()

    a, b = np.arange(10.0)[:, None], np.arange(7.0)[:, None]
    found = metrics.interval(statistic, a, b, repeats=5, seed=1)
    assert found == metrics.interval(statistic, a, b, repeats=5, seed=1)
    for first, second in seen[1:6]:
        assert len(np.unique(first)) == len(first) == 5
        assert len(np.unique(second)) == len(second) == 3
    assert len({tuple(first.ravel()) for first, _ in seen[1:6]}) > 1


def test_wilsons_interval_by_its_formula():
    z, p, n = 1.959963985, 0.3, 50
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert metrics.proportion_interval(15, 50) == pytest.approx((p, center - half, center + half))
    share, low, high = metrics.proportion_interval(20, 20)
    assert (share, high) == (1.0, 1.0)
    assert low == pytest.approx(20 / (20 + z**2))


# ---------------------------------------------------------------- bad input

GOOD = np.random.default_rng(0).normal(size=(5, 2))
STREAM = metrics.Moments().update(GOOD)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[:2], GOOD), "^a must have more samples than features.*got 2 samples of 2 features"),
        ((GOOD, GOOD[:1]), r"^b must have shape \(n, ...\)"),
        ((GOOD, metrics.Moments()), "^b must have more samples.*got 0 samples of 0 features"),
        ((metrics.Moments().update(GOOD[:2]), GOOD), "^a must have more samples"),
        ((GOOD, GOOD[:, :1]), "^a and b must have one width; got 2 and 1"),
        ((STREAM, GOOD[:, :1]), "^a and b must have one width; got 2 and 1"),
        ((GOOD * np.nan, GOOD), "^a must be finite"),
        ((GOOD, None), "^b must have shape"),
    ],
)
def test_frechet_distance_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.frechet_distance(*arguments)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (GOOD[:, :1], "^features must be 2 wide; got 1"),
        (GOOD[:0], "^features must have shape"),
        (GOOD + np.inf, "^features must be finite"),
    ],
)
def test_moments_name_a_bad_batch_and_stay_as_they_were(batch, message):
    moments = metrics.Moments().update(GOOD)
    with pytest.raises(ValueError, match=message):
        moments.update(batch)
    np.testing.assert_allclose(moments.covariance, np.cov(GOOD, rowvar=False))
    assert moments.count == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[:1], GOOD), "^real must have shape.*more than k = 1"),
        ((GOOD, GOOD[:, :1]), "^real and fake must have one width"),
        ((GOOD, GOOD * np.nan), "^fake must be finite"),
        ((GOOD, GOOD, 0), "^subsets must be"),
        ((GOOD, GOOD, 1, 1), "^subset_size must be"),
    ],
)
def test_kernel_distance_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.kernel_distance(*arguments)


def test_intervals_name_bad_input():
    with pytest.raises(ValueError, match="^repeats must be"):
        metrics.interval(np.mean, GOOD, repeats=1)
    with pytest.raises(ValueError, match="^a must have more samples than features.*got 2"):
        metrics.interval(metrics.frechet_distance, GOOD, GOOD)  # halves of 5 are too few
    with pytest.raises(ValueError, match="^trials must be a whole number >= 6; got 5"):
        metrics.proportion_interval(6, 5)
    with pytest.raises(ValueError, match="^successes must be"):
        metrics.proportion_interval(-1, 5)
    with pytest.raises(ValueError, match="^trials must be"):
        metrics.proportion_interval(0, 0)
