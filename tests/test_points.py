"""Points of known laws: closed-form moments, and NumPy's draw against TensorFlow's."""

import time

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import kstest

from gpat_lib import GPAT, data, models
from gpat_lib.points import POINTS, point_stream, points

COUNT = 1 << 16
PI = np.pi


def from_numpy(name, seed=11):
    return points(name, COUNT, seed=seed).astype(float)


def from_stream(name, seed=11):
    batches = point_stream(name, 1 << 12, seed=seed).take(COUNT >> 12)
    return np.concatenate(list(batches.as_numpy_iterator())).astype(float)


DRAWS = pytest.mark.parametrize("draw", [from_numpy, from_stream])

# Covariances without noise. Ring: E cos² = ½. Grid: the mean of 16, 4, 0, 4, 16. Roll and moons:
# integrals over t and over the angle.
COVARIANCES = {
    "ring": np.eye(2) / 2,
    "grid": np.eye(2) * 8,
    "swiss_roll": np.array(
        [
            [4.875 * PI**2 - 0.25 - 4, 1.5 * PI - 4 / (3 * PI)],
            [1.5 * PI - 4 / (3 * PI), 4.875 * PI**2 + 0.25 - 4 / (9 * PI**2)],
        ]
    )
    / 7.5**2,
    "two_moons": np.array([[0.75, 1 / 8 - 1 / PI], [1 / 8 - 1 / PI, 9 / 16 - 1 / PI]]),
}
SIGMAS = {"ring": 0.01, "grid": 0.05, "swiss_roll": 1 / 30, "two_moons": 0.05}


# ---------------------------------------------------------------- the laws


def test_the_table_of_laws():
    assert {name: law.sigma for name, law in POINTS.items()} == pytest.approx(SIGMAS)
    ring, grid = POINTS["ring"].modes, POINTS["grid"].modes
    assert ring.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1.0)
    angles = np.sort(np.arctan2(ring[:, 1], ring[:, 0]))
    np.testing.assert_allclose(np.diff(angles), PI / 4)
    sides = (-4, -2, 0, 2, 4)
    assert sorted(map(tuple, grid)) == [(x, y) for x in sides for y in sides]
    assert POINTS["swiss_roll"].modes is None
    assert POINTS["two_moons"].modes is None


@DRAWS
@pytest.mark.parametrize("name", POINTS)
def test_mean_and_covariance(draw, name):
    """Each entry within 5 standard errors, estimated from the sample itself."""
    x = draw(name)
    bound = 5 * x.std(axis=0) / COUNT**0.5
    assert (abs(x.mean(axis=0)) < bound).all()
    products = x[:, :, None] * x[:, None, :]
    error = products.mean(axis=0) - COVARIANCES[name] - SIGMAS[name] ** 2 * np.eye(2)
    assert (abs(error) < 5 * products.std(axis=0) / COUNT**0.5).all()


@DRAWS
@pytest.mark.parametrize("name", ["ring", "grid"])
def test_modes_are_equally_likely_gaussians(draw, name):
    x, modes, sigma = draw(name), POINTS[name].modes, SIGMAS[name]
    k = len(modes)
    nearest = np.linalg.norm(x[:, None] - modes, axis=-1).argmin(axis=1)
    shares = np.bincount(nearest, minlength=k) / COUNT
    np.testing.assert_allclose(shares, 1 / k, atol=5 * (1 / k / COUNT) ** 0.5)
    for mode in range(k):
        noise = (x[nearest == mode] - modes[mode]) / sigma
        np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=5 * (k / COUNT) ** 0.5)
        np.testing.assert_allclose(np.cov(noise.T), np.eye(2), atol=7 * (k / COUNT) ** 0.5)
    assert kstest(((x - modes[nearest]) / sigma).ravel(), "norm").pvalue > 1e-3


@DRAWS
def test_the_roll_is_even_in_its_angle_and_as_thick_as_its_noise(draw):
    """Off the curve, r = t at the angle t: r − t has the noise's width, and t is uniform."""
    x = draw("swiss_roll") * 7.5 + [2, 2 / (3 * PI)]
    r = np.linalg.norm(x, axis=1)
    angle = np.arctan2(x[:, 1], x[:, 0])
    t = angle + 2 * PI * np.rint((r - angle) / (2 * PI))
    assert np.std(r - t) == pytest.approx(0.25, rel=0.02)
    assert kstest(t, "uniform", args=(1.5 * PI, 3 * PI)).pvalue > 1e-3


@DRAWS
def test_the_moons_are_even_half_circles(draw):
    """Half a turn brings moon 1 onto moon 0: radius 1, angles from 0 to π."""
    x = draw("two_moons")
    centre = np.array([-0.5, -0.25])
    distances = []
    for side in (1, -1):
        y = side * x - centre
        below = y[:, 1] < -0.2  # on the circle's other half, which is no moon
        distances.append(np.where(below, np.inf, abs(np.linalg.norm(y, axis=1) - 1)))
    sign = np.where(distances[0] < distances[1], 1, -1)
    assert np.mean(sign) == pytest.approx(0.0, abs=0.03)
    for side in (1, -1):
        y = side * x[sign == side] - centre
        assert np.std(np.linalg.norm(y, axis=1)) == pytest.approx(0.05, rel=0.05)
        angle = np.arctan2(y[:, 1], y[:, 0])
        shares = np.histogram(angle, bins=np.linspace(0.2, PI - 0.2, 9))[0] / len(y)
        np.testing.assert_allclose(shares, (PI - 0.4) / 8 / PI, atol=0.01)


@pytest.mark.parametrize("name", POINTS)
def test_both_draws_follow_one_law(name):
    """Along several directions neither sample can be told from the other."""
    x, y = from_numpy(name), from_stream(name)
    for angle in (0.0, 0.7, PI / 2, 2.3):
        direction = [np.cos(angle), np.sin(angle)]
        assert kstest(x @ direction, y @ direction).pvalue > 1e-3


def test_labels_name_the_mode_and_the_moon():
    for name in ("ring", "grid"):
        x, labels = points(name, 2000, labels=True)
        assert labels.dtype == np.int64
        distances = np.linalg.norm(x - POINTS[name].modes[labels], axis=1)
        assert distances.max() < 6 * SIGMAS[name]
        assert len(np.unique(labels)) == len(POINTS[name].modes)
        np.testing.assert_array_equal(x, points(name, 2000))
    x, labels = points("two_moons", 2000, seed=0, labels=True)
    assert set(labels) == {0, 1}
    on_first = np.linalg.norm(x[labels == 0] + [0.5, 0.25], axis=1)
    on_second = np.linalg.norm(x[labels == 1] - [0.5, 0.25], axis=1)
    assert max(abs(on_first - 1).max(), abs(on_second - 1).max()) < 6 * 0.05
    with pytest.raises(ValueError, match="^labels must be False for 'swiss_roll'"):
        points("swiss_roll", 3, labels=True)


# ---------------------------------------------------------------- the draws


def test_points_are_float32_and_repeat_with_their_seed():
    x = points("grid", 50, seed=3)
    assert x.shape == (50, 2)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, points("grid", 50, seed=3))
    assert abs(x - points("grid", 50, seed=4)).max() > 0.1


def take(stream, count):
    return np.concatenate(list(stream.take(count).as_numpy_iterator()))


@pytest.mark.parametrize("batch_size", [1, 7, 256, 50_000])
def test_the_stream_is_endless_in_batches_of_known_shape(batch_size):
    stream = point_stream("ring", batch_size)
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    assert stream.element_spec == tf.TensorSpec((batch_size, 2), tf.float32)
    assert next(iter(stream)).shape == (batch_size, 2)


def test_the_stream_is_a_function_of_its_seed_and_brings_nothing_twice():
    first = take(point_stream("two_moons", 1000, seed=5), 50)
    np.testing.assert_array_equal(first, take(point_stream("two_moons", 1000, seed=5), 50))
    assert len(np.unique(first, axis=0)) > 49_900  # float32 meets by chance, but seldom
    np.testing.assert_array_equal(first, take(point_stream("two_moons", 500, seed=5), 100))
    other = take(point_stream("two_moons", 1000, seed=6), 50)
    assert len(np.intersect1d(first[:, 0], other[:, 0])) < 0.1 * len(first)
    assert abs(np.corrcoef(first[:, 0], other[:, 0])[0, 1]) < 0.03


def test_scale_multiplies_noise_and_modes():
    plain, small = (take(point_stream("grid", 100, scale=s), 1) for s in (1.0, 0.25))
    np.testing.assert_allclose(small, 0.25 * plain, rtol=1e-6)


def test_the_noise_is_not_that_of_a_model_with_the_same_seed():
    """Else a generator could read the data's noise off its own."""
    gan = GPAT(models.mlp_generator(width=2), models.mlp_discriminator(width=2), 2, seed=0)
    gan.compile(n_critic=1)
    x = take(point_stream("ring", 64, seed=0), 1)
    modes = POINTS["ring"].modes
    nearest = np.linalg.norm(x[:, None] - modes, axis=-1).argmin(axis=1)
    noise = (x - modes[nearest]) / 0.01
    for stream in range(4):
        assert abs(gan.step_noise(64, stream) - noise).numpy().max() > 0.1


def test_a_model_trains_on_the_stream():
    gan = GPAT(models.mlp_generator(width=4), models.mlp_discriminator(width=4), latent_dim=2)
    gan.compile(n_critic=2, run_eagerly=True)
    history = gan.fit(point_stream("grid", 32, scale=0.25), steps_per_epoch=2, verbose=0)
    assert int(gan.d_optimizer.iterations) == 4
    assert np.isfinite(history.history["d_loss"]).all()


def test_a_batch_costs_little():
    """Processor time: other work on the machine does not count."""
    batches = iter(point_stream("grid", 256))
    next(batches)
    costs = []
    for _ in range(3):
        begin = time.process_time()
        for _ in range(300):
            next(batches)
        costs.append((time.process_time() - begin) / 300)
    assert min(costs) < 0.3e-3


def test_data_offers_them():
    assert data.points is points
    assert data.point_stream is point_stream
    assert data.POINTS is POINTS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("spiral", 3), "unknown name 'spiral'; known: grid, ring, swiss_roll, two_moons"),
        ((None, 3), "unknown name None"),
        (("ring", 0), "^{} must be a whole number >= 1; got 0"),
        (("ring", 2.0), "^{} must be a whole number"),
        (("ring", 3, -1), "^seed must be a whole number >= 0; got -1"),
        (("ring", 3, None), "^seed must be"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message.format("count")):
        points(*arguments)
    with pytest.raises(ValueError, match=message.format("batch_size")):
        point_stream(*arguments)


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf"), "1"])
def test_a_bad_scale_is_named(scale):
    with pytest.raises(ValueError, match="^scale must be"):
        point_stream("ring", 3, scale=scale)
