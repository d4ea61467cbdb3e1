"""Gradient penalties: closed forms, finite differences, and the traps of public code."""

import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import penalties

RNG = np.random.default_rng(3)
SHAPES = [(8, 2), (8, 4, 4, 3)]


def samples(shape, seed=0):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.normal(size=shape)), tf.constant(rng.normal(2.0, 1.0, shape))


def linear(weights):
    """D(x) = Σ w x + 3, for points and for images."""
    return lambda x: (
        tf.reduce_sum(x * tf.cast(weights, x.dtype), list(range(1, len(x.shape))))[:, None] + 3
    )


class Recorder:
    """A discriminator that remembers where it was asked."""

    def __call__(self, points):
        self.points = points
        return tf.reduce_sum(points, axis=list(range(1, len(points.shape))))


# ---------------------------------------------------------------- closed forms

# A linear critic has one slope everywhere: what each penalty costs there, and its derivative.
ON_LINEAR = {
    "wgan_gp": lambda s: (s - 1) ** 2,
    "one_sided": lambda s: max(0, s - 1) ** 2,
    "zero_centered": lambda s: s**2,
    "r1": lambda s: s**2 / 2,
    "r2": lambda s: s**2 / 2,
    "r1_r2": lambda s: s**2,
    "dragan": lambda s: (s - 1) ** 2,
}
DERIVATIVE = {
    "wgan_gp": lambda s: 2 * (s - 1),
    "one_sided": lambda s: 2 * max(0, s - 1),
    "zero_centered": lambda s: 2 * s,
    "r1": lambda s: s,
    "r2": lambda s: s,
    "r1_r2": lambda s: 2 * s,
    "dragan": lambda s: 2 * (s - 1),
}


def test_every_penalty_has_a_closed_form_here():
    assert set(ON_LINEAR) == set(DERIVATIVE) == set(penalties.PENALTIES)
    assert all(penalty.name == name for name, penalty in penalties.PENALTIES.items())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_linear_critic(shape, scale):
    """∇D = w everywhere, so that each penalty is a function of ‖w‖."""
    w = np.random.default_rng(1).normal(size=shape[1:]) * scale
    norm = np.sqrt((w**2).sum())
    real, fake = samples(shape)
    np.testing.assert_allclose(penalties.gradient_norm(linear(w), real), [norm] * 8, rtol=1e-9)
    for name, formula in ON_LINEAR.items():
        value = penalties.get(name)(linear(w), real, fake)
        np.testing.assert_allclose(value, formula(norm), rtol=1e-9)
        assert value.shape == ()


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_critic_trains_its_weights_and_not_its_bias(shape):
    """The penalty reaches the weights: ∇ is its derivative times w/‖w‖; the bias has none."""
    w = tf.Variable(3.0 * np.random.default_rng(1).normal(size=shape[1:]))
    b = tf.Variable(np.float64(0.5))
    norm = np.sqrt((w.numpy() ** 2).sum())
    assert norm > 1.1
    real, fake = samples(shape)
    for name, derivative in DERIVATIVE.items():
        with tf.GradientTape() as tape:
            value = penalties.get(name)(lambda x: linear(w)(x) + b, real, fake)
        to_w, to_b = tape.gradient(value, [w, b])
        np.testing.assert_allclose(to_w, derivative(norm) * w.numpy() / norm, rtol=1e-6)
        assert to_b is None


def test_quadratic_critic():
    """D = ½ xᵀAx has ∇D = Ax, so R1 = ½ E‖Ax‖²; WGAN-GP looks between real and fake."""
    a = 0.2 * np.random.default_rng(4).normal(size=(3, 3))
    a = a + a.T
    real, fake = samples((16, 3))

    def critic(x):
        return 0.5 * tf.reduce_sum(x * (x @ a), axis=1, keepdims=True)

    at_real = 0.5 * ((real.numpy() @ a) ** 2).sum(1).mean()
    at_fake = 0.5 * ((fake.numpy() @ a) ** 2).sum(1).mean()
    for name, expected in {"r1": at_real, "r2": at_fake, "r1_r2": at_real + at_fake}.items():
        np.testing.assert_allclose(penalties.get(name)(critic, real, fake), expected, rtol=1e-9)

    seed = [4, 9]
    alpha = tf.random.stateless_uniform([16, 1], seed, dtype=tf.float64).numpy()
    between = (1 - alpha) * real.numpy() + alpha * fake.numpy()
    slopes = np.linalg.norm(between @ a, axis=1)
    for name, costs in {
        "wgan_gp": (slopes - 1) ** 2,
        "one_sided": np.maximum(0, slopes - 1) ** 2,
        "zero_centered": slopes**2,
    }.items():
        got = penalties.get(name)(critic, real, fake, seed=seed)
        np.testing.assert_allclose(got, costs.mean(), rtol=1e-9)
    assert slopes.min() < 1 < slopes.max()


def test_quadratic_critic_on_a_normal_law():
    """For x ~ N(0, I), R1 of ½ xᵀAx is ½ tr(A²)."""
    a = np.array([[1.0, 0.5], [0.5, -2.0]])
    real = tf.constant(np.random.default_rng(0).normal(size=(200_000, 2)))
    value = penalties.get("r1")(lambda x: 0.5 * tf.reduce_sum(x * (x @ a), 1), real, real)
    np.testing.assert_allclose(value, 0.5 * np.trace(a @ a), rtol=0.02)


# ---------------------------------------------------------------- gradients of gradients


def mlp(weights, x):
    w1, b1, w2, b2, w3, b3 = weights
    return tf.math.softplus(tf.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def conv(weights, x):
    kernel, bias, w, b = weights
    hidden = tf.tanh(tf.nn.conv2d(x, kernel, strides=2, padding="SAME") + bias)
    return tf.reshape(hidden, [tf.shape(x)[0], -1]) @ w + b


CRITICS = {
    "mlp": (mlp, (6, 2), [(2, 4), (4,), (4, 3), (3,), (3, 1), (1,)]),
    "conv": (conv, (3, 4, 4, 2), [(3, 3, 2, 2), (2,), (8, 1), (1,)]),
}


@pytest.mark.parametrize("penalty", penalties.PENALTIES)
@pytest.mark.parametrize("critic", CRITICS)
def test_gradient_for_the_critics_weights_by_finite_differences(critic, penalty):
    function, shape, weight_shapes = CRITICS[critic]
    rng = np.random.default_rng(5)
    weights = [tf.Variable(rng.normal(size=s)) for s in weight_shapes]
    real, fake = samples(shape)

    @tf.function
    def value():
        return penalties.get(penalty)(lambda x: function(weights, x), real, fake, seed=11)

    with tf.GradientTape() as tape:
        result = value()
    gradients = tape.gradient(result, weights)
    assert gradients[-1] is None  # the last bias
    exact = np.concatenate([g.numpy().ravel() for g in gradients[:-1]])
    differences, step = [], 1e-5
    for weight in weights[:-1]:
        start = weight.numpy()
        for index in np.ndindex(*start.shape):
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * step
                weight.assign(moved)
                ends.append(float(value()))
            differences.append((ends[0] - ends[1]) / (2 * step))
        weight.assign(start)
    assert np.linalg.norm(exact) > 1e-2
    error = np.linalg.norm(exact - differences) / np.linalg.norm(exact)
    assert error < 1e-6


# ---------------------------------------------------------------- traps


def test_the_norm_is_per_sample_whatever_the_batch():
    """A mean over the batch before differentiating would divide each norm by the batch size."""
    real, _ = samples((7, 4, 4, 2))
    kernel = tf.constant(RNG.normal(size=(3, 3, 2, 1)))

    def critic(x):
        return tf.reduce_sum(tf.tanh(tf.nn.conv2d(x, kernel, 1, "SAME")), axis=[1, 2])

    together = penalties.gradient_norm(critic, real)
    alone = [penalties.gradient_norm(critic, real[i : i + 1])[0] for i in range(7)]
    assert together.shape == (7,)
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_the_norm_runs_over_all_axes_of_an_image():
    images, _ = samples((5, 4, 4, 3))

    def critic(x):
        return tf.reduce_sum(x**3, axis=list(range(1, len(x.shape))))

    flat = penalties.gradient_norm(critic, tf.reshape(images, [5, 48]))
    np.testing.assert_allclose(penalties.gradient_norm(critic, images), flat, rtol=1e-12)
    by_hand = np.sqrt(((3 * images.numpy() ** 2) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(flat, by_hand, rtol=1e-9)


@pytest.mark.parametrize("seed", [None, 5, [5, 2]])
def test_alpha_is_uniform_and_one_per_sample(seed):
    count = 8000
    real, fake = tf.zeros([count, 2, 2, 3]), tf.ones([count, 2, 2, 3])
    tf.random.set_seed(0)
    points = penalties.between(real, fake, seed).numpy()  # = α itself
    assert points.shape == real.shape
    alpha = points[:, 0, 0, 0]
    assert (points == alpha[:, None, None, None]).all()  # the same for every pixel
    assert len(np.unique(alpha)) > 0.99 * count  # another for every sample
    assert alpha.min() >= 0.0
    assert alpha.max() < 1.0
    quantiles = np.quantile(alpha, [0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(quantiles, [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.02)


def test_wgan_gp_looks_on_the_lines_between_and_r1_at_the_reals():
    real, fake = samples((20, 2, 2, 1))
    recorder = Recorder()
    penalties.get("r1")(recorder, real, fake)
    np.testing.assert_array_equal(recorder.points, real)
    penalties.get("wgan_gp")(recorder, real, fake)
    alpha = ((recorder.points - real) / (fake - real)).numpy()
    np.testing.assert_allclose(alpha, np.broadcast_to(alpha[:, :1, :1], alpha.shape), rtol=1e-6)
    assert alpha.min() >= 0.0
    assert alpha.max() < 1.0
    assert np.ptp(alpha) > 0.3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_flat_critic_gives_no_nan(shape, dtype):
    """The square root has no derivative at 0: the guard must be inside it."""
    real, fake = (tf.cast(x, dtype) for x in samples(shape))
    w = tf.Variable(tf.zeros(shape[1:], dtype))
    for name, formula in ON_LINEAR.items():
        with tf.GradientTape() as tape:
            value = penalties.get(name)(linear(w), real, fake)
        np.testing.assert_allclose(value, formula(0.0), atol=1e-5)
        assert np.isfinite(tape.gradient(value, w)).all()


def test_a_seed_makes_the_penalty_a_pure_function():
    real, fake = samples((8, 3))
    penalty = penalties.get("wgan_gp")

    def critic(x):
        return tf.reduce_sum(tf.sin(x), axis=1)

    first = float(penalty(critic, real, fake, seed=[1, 2]))
    tf.random.set_seed(99)
    assert float(penalty(critic, real, fake, seed=[1, 2])) == first
    assert float(penalty(critic, real, fake, seed=tf.constant([1, 2], tf.int64))) == first
    assert float(penalty(critic, real, fake, seed=[1, 3])) != first
    assert float(penalty(critic, real, fake, seed=3)) != float(penalty(critic, real, fake, seed=4))
    assert np.isfinite(float(penalty(critic, real, fake, seed=2**40)))
    assert float(penalty(critic, real, fake)) != float(penalty(critic, real, fake))


@pytest.mark.parametrize("name", ["r1", "dragan"])
def test_penalties_at_the_reals_ignore_the_fakes(name):
    real, fake = samples((8, 2))

    def critic(x):
        return tf.reduce_sum(tf.sin(x), axis=1)

    expected = penalties.get(name)(critic, real, fake, seed=1)
    assert float(penalties.get(name)(critic, real, fake * np.nan, seed=1)) == float(expected)


def test_r2_looks_at_the_fakes_only():
    real, fake = samples((8, 2))
    recorder = Recorder()
    penalties.get("r2")(recorder, real * np.nan, fake)
    np.testing.assert_array_equal(recorder.points, fake)


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_a_penalty_trains_the_discriminator_alone(name):
    """The fakes are constants, although R2 and the lines between touch them."""
    real, fake = samples((8, 2))
    fake, w = tf.Variable(fake), tf.Variable([0.3, -2.0], dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = penalties.get(name)(
            lambda x: tf.reduce_sum(tf.sin(x) * w, axis=1), real, fake, seed=2
        )
    to_fake, to_w = tape.gradient(value, [fake, w])
    assert to_fake is None
    assert np.abs(to_w).max() > 1e-3


@pytest.mark.parametrize("seed", [None, 5])
def test_dragan_looks_beside_the_reals_in_one_direction(seed):
    """x + αδ, δ = ½ std · U[0, 1) per value, α one per sample: between 0 and ½ std beside x."""
    real = tf.constant(np.random.default_rng(0).normal(0.0, 3.0, (4000, 2, 2, 1)))
    tf.random.set_seed(0)
    shift = (penalties.around_real(real, real, seed) - real).numpy()
    half_std = 0.5 * np.std(real)
    assert shift.min() >= 0.0
    assert 0.97 * half_std < shift.max() < half_std
    # The mean of a product of two uniform numbers is ¼, that of its square 1/9.
    np.testing.assert_allclose(shift.mean(), half_std / 4, rtol=0.03)
    np.testing.assert_allclose((shift**2).mean(), half_std**2 / 9, rtol=0.05)
    # Values of one sample share α: the mean of their product is E α² (E u)² = 1/12.
    products = (shift[:, 0, 0, 0] * shift[:, 1, 1, 0]).mean()
    np.testing.assert_allclose(products, half_std**2 / 12, rtol=0.06)


def test_a_conditional_discriminator_may_close_over_its_labels():
    """Every call sees one batch of n points, in the order of the samples."""
    real, fake = samples((6, 2))
    labels = tf.constant([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], tf.float64)[:, None]
    for name, penalty in penalties.PENALTIES.items():
        value = penalty(lambda x: labels * x, real, fake)  # a map of two scores: mean slope l/√2
        slopes = labels.numpy()[:, 0] / np.sqrt(2)
        expected = np.mean([ON_LINEAR[name](slope) for slope in slopes])
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_a_map_of_scores_is_averaged_per_sample():
    """A patch discriminator: each of the 12 scores is w·pixel, their mean has slope ‖w‖/√12."""
    real, fake = samples((5, 3, 4, 2))
    w = np.array([[0.6], [2.0]])
    expected = np.sqrt((w**2).sum() / 12)
    norms = penalties.gradient_norm(lambda x: x @ w, real)
    np.testing.assert_allclose(norms, [expected] * 5, rtol=1e-9)
    value = penalties.get("wgan_gp")(lambda x: x @ w, real, fake)
    np.testing.assert_allclose(value, (expected - 1) ** 2, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    """A slope of 300 has a square beyond float16's largest number."""
    real, fake = (tf.cast(x, dtype) for x in samples((8, 2)))
    recorder = Recorder()
    for name in sorted(penalties.PENALTIES):  # wgan_gp is the last
        value = penalties.get(name)(lambda x: 300 * recorder(x), real, fake)
        assert recorder.points.dtype == value.dtype == tf.float32
        slope = 300 * np.sqrt(2)
        np.testing.assert_allclose(value, ON_LINEAR[name](slope), rtol=1e-5)
    # The points between, too: rounded to half precision they would lie beside the line.
    assert (tf.cast(tf.cast(recorder.points, dtype), tf.float32) != recorder.points).numpy().any()
    slopes = penalties.gradient_norm(lambda x: 300 * Recorder()(x), real)
    assert slopes.dtype == tf.float32
    np.testing.assert_allclose(slopes, [slope] * 8, rtol=1e-5)


def test_half_precision_scores_of_float32_points_give_float32():
    real, fake = (tf.cast(x, tf.float32) for x in samples((8, 2)))
    value = penalties.get("r1")(lambda x: tf.cast(Recorder()(x), tf.bfloat16), real, fake)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, 1.0, rtol=1e-6)


def test_unknown_batch_size_in_a_graph():
    real, fake = samples((8, 4, 4, 1))
    w = RNG.normal(size=(4, 4, 1))
    spec = tf.TensorSpec([None, 4, 4, 1], tf.float64)
    in_graph = tf.function(
        lambda r, f: penalties.get("wgan_gp")(linear(w), r, f), input_signature=[spec, spec]
    )
    expected = (np.sqrt((w**2).sum()) - 1) ** 2
    np.testing.assert_allclose(in_graph(real, fake), expected, rtol=1e-9)


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_a_critic_that_ignores_its_input_is_named(name):
    real, fake = samples((8, 2))
    weight = tf.Variable(1.0)
    for critic in (lambda x: tf.ones([8, 1]), lambda x: tf.ones([8, 1]) * weight):
        with pytest.raises(ValueError, match="discriminator.*do not depend on its input"):
            penalties.get(name)(critic, real, fake)


@pytest.mark.parametrize("name", penalties.PENALTIES)
@pytest.mark.parametrize("shape", [(7, 2), (8, 3), (8, 2, 1), (1, 2)])
def test_shapes_that_differ_are_refused(name, shape):
    with pytest.raises(ValueError, match=r"real and fake.*\(8, 2\)"):
        penalties.get(name)(Recorder(), tf.zeros([8, 2]), tf.zeros(shape))


def test_one_score_for_the_whole_batch_is_refused():
    """A critic that averages its scores hides which sample has which slope."""
    with pytest.raises(ValueError, match="one score or one map of scores per sample"):
        penalties.gradient_norm(tf.reduce_mean, tf.ones([8, 2]))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown penalty 'gp'.*r1.*wgan_gp"):
        penalties.get("gp")
    for wrong in (3, ["r1"]):
        with pytest.raises(ValueError, match=r"unknown penalty.*r1"):
            penalties.get(wrong)


def test_a_penalty_of_your_own_may_take_a_seed_or_not():
    def seeded(discriminator, real, fake, seed=None):
        return ("seeded", seed)

    def plain(discriminator, real, fake):
        return "plain"

    def keywords(discriminator, real, fake, **others):
        return others

    assert penalties.get(seeded) is seeded
    assert penalties.get("r1") is penalties.get(penalties.get("r1"))
    assert penalties.get(plain)(None, None, None, seed=3) == "plain"
    assert penalties.get(keywords)(None, None, None, seed=3) == {"seed": 3}
