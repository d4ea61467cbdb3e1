"""The penalty doctor: healthy functions pass in any style, each illness gets its own name."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import doctor, losses, penalties

# ---------------------------------------------------------------- ill penalties


def rest(x):
    """All axes but the first."""
    return list(range(1, len(x.shape)))


def per_sample(x):
    return [len(x), *[1] * len(rest(x))]


def uniform(x):
    return tf.random.uniform(per_sample(x))


def slope(gradient):
    return tf.sqrt(tf.reduce_sum(gradient**2, rest(gradient)) + 1e-12)


def penalty(
    alpha=uniform,
    points=None,
    scores=lambda critic, x: critic(x),
    watched="points",
    norm=slope,
    cost=lambda s: (s - 1) ** 2,
    mean=tf.reduce_mean,
    result=lambda value: value,
):
    """WGAN-GP, with a choice at each step."""

    def function(critic, real, fake):
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            x = points(real, fake) if points else real + alpha(real) * (fake - real)
            tape.watch(x)
            total = scores(critic, x)
        source = {"points": x, "real": real, "fake": fake}[watched]
        return result(mean(cost(norm(tape.gradient(total, source)))))

    return function


def dragan(noise=tf.random.uniform, alpha=uniform, half=0.5, **choices):
    def points(real, fake):
        return real + alpha(real) * half * tf.math.reduce_std(real) * noise(tf.shape(real))

    return penalty(points=points, **choices)


def over(*axes):
    return lambda g: tf.sqrt(tf.reduce_sum(g**2, axes) + 1e-12)


def bare(gradient):
    return tf.sqrt(tf.reduce_sum(gradient**2, rest(gradient)))


def excess(s):
    return tf.nn.relu(s - 1) ** 2


def squares(s):
    return s**2


def r1(**choices):
    half = {"result": lambda value: value / 2}
    place = {"points": lambda real, fake: real}
    return penalty(**{"cost": squares, **place, **half, **choices})


def r1_r2(factor=0.5):
    return lambda critic, real, fake: (
        factor
        * (
            penalty(points=lambda real, fake: real, cost=squares)(critic, real, fake)
            + penalty(points=lambda real, fake: fake, cost=squares)(critic, real, fake)
        )
    )


def raising(critic, real, fake):
    raise RuntimeError("no slope today")


def scores_instead_of_slopes(critic, real, fake):
    return tf.reduce_mean((critic(real) - critic(fake)) ** 2)


def alpha_for_64(critic, real, fake):
    """A bug that hides with equal batch sizes: alpha was made for a batch of 64."""
    return penalty(alpha=lambda x: tf.random.uniform([64, 1, 1, 1]))(critic, real, fake)


def fixed(x):
    return tf.random.stateless_uniform(per_sample(x), seed=[1, 2])


HALF_DETACHED = penalty(cost=lambda s: (s - 1) * tf.stop_gradient(s - 1))

# What is meant, the illness, a function that has it.
ILL = [
    ("wgan_gp", "raises", raising),
    ("wgan_gp", "raises", alpha_for_64),
    ("wgan_gp", "raises", lambda critic, real, fake: None),
    ("wgan_gp", "raises", penalty(scores=lambda c, x: c(tf.reshape(x, [len(x), -1])))),
    ("wgan_gp", "not_scalar", penalty(mean=lambda costs: costs)),
    ("wgan_gp", "not_scalar", penalty(result=lambda value: value[None])),
    ("wgan_gp", "not_finite", penalty(cost=lambda s: tf.math.log(-s))),
    ("wgan_gp", "changes_type", penalty(result=lambda value: tf.cast(value, tf.float64))),
    ("wgan_gp", "formula", penalty(cost=lambda s: tf.exp(s))),
    ("r1", "formula", r1(cost=lambda s: s**2 + 1)),
    ("wgan_gp", "wrong_sign", penalty(result=lambda value: -value)),
    ("wgan_gp", "sum_over_batch", penalty(mean=tf.reduce_sum)),
    ("r1", "sum_over_batch", r1(mean=tf.reduce_sum)),
    ("r1", "sum_over_batch", r1(norm=over(0, 1, 2, 3))),  # for squares it is the same
    ("r1", "factor_doubled", r1(result=lambda value: value)),
    ("r1_r2", "factor_doubled", r1_r2(1.0)),
    ("r1", "factor_halved", r1(result=lambda value: value / 4)),
    ("r1_r2", "factor_halved", r1_r2(0.25)),
    ("wgan_gp", "factor_halved", penalty(result=lambda value: value / 2)),
    ("wgan_gp", "factor_wrong", penalty(result=lambda value: 10 * value)),
    ("wgan_gp", "detached", penalty(norm=lambda g: tf.stop_gradient(slope(g)))),
    ("wgan_gp", "detached", penalty(result=lambda value: value.numpy())),
    (
        "one_sided",
        "wrong_gradient",
        penalty(cost=lambda s: tf.nn.relu(s - 1) * tf.stop_gradient(tf.nn.relu(s - 1))),
    ),
    ("wgan_gp", "wrong_gradient", HALF_DETACHED),
    ("wgan_gp", "dropout", penalty(scores=lambda critic, x: critic(x, training=True))),
    ("wgan_gp", "no_gradient", scores_instead_of_slopes),
    ("wgan_gp", "no_guard", penalty(norm=lambda g: tf.norm(tf.reshape(g, [len(g), -1]), axis=1))),
    ("wgan_gp", "no_guard", penalty(norm=lambda g: bare(g) + 1e-12)),
    ("dragan", "no_guard", dragan(norm=bare)),
    ("wgan_gp", "only_real", penalty(points=lambda real, fake: real)),
    ("dragan", "only_real", penalty(points=lambda real, fake: real)),
    ("r1_r2", "only_real", r1()),
    ("wgan_gp", "only_fake", penalty(points=lambda real, fake: fake)),
    ("r1", "only_fake", r1(points=lambda real, fake: fake)),
    ("r2", "only_real", r1()),
    ("r1", "real_and_fake", r1_r2()),
    ("dragan", "between", penalty()),
    ("wgan_gp", "beside_real", dragan()),
    ("wgan_gp", "elsewhere", penalty(points=lambda real, fake: real + fake)),
    ("r1", "elsewhere", r1(points=lambda real, fake: tf.random.normal(real.shape))),
    ("wgan_gp", "alpha_normal", penalty(alpha=lambda x: tf.random.normal(per_sample(x)))),
    (
        "wgan_gp",
        "alpha_normal",
        penalty(alpha=lambda x: tf.random.normal(per_sample(x), 0.5, 0.15)),
    ),
    (
        "zero_centered",
        "alpha_normal",
        penalty(alpha=lambda x: tf.random.normal(per_sample(x)), cost=squares),
    ),
    ("wgan_gp", "alpha_law", penalty(alpha=lambda x: tf.random.uniform(per_sample(x), -1, 1))),
    ("wgan_gp", "alpha_law", penalty(alpha=lambda x: tf.random.uniform(per_sample(x), 0, 0.5))),
    ("wgan_gp", "alpha_law", penalty(alpha=lambda x: uniform(x) ** 2)),
    ("wgan_gp", "alpha_per_pixel", penalty(alpha=lambda x: tf.random.uniform(x.shape))),
    ("wgan_gp", "alpha_per_pixel", penalty(alpha=lambda x: tf.random.uniform([len(x), 4, 3, 1]))),
    ("dragan", "alpha_per_pixel", dragan(alpha=lambda x: tf.random.uniform(x.shape))),
    ("wgan_gp", "alpha_per_batch", penalty(alpha=lambda x: tf.random.uniform([]))),
    ("dragan", "alpha_per_batch", dragan(alpha=lambda x: tf.random.uniform([]))),
    ("wgan_gp", "alpha_fixed", penalty(alpha=lambda x: 0.5)),
    ("wgan_gp", "alpha_fixed", penalty(alpha=fixed)),
    ("dragan", "no_alpha", dragan(alpha=lambda x: 1.0)),
    ("dragan", "noise_negative", dragan(noise=tf.random.normal)),
    ("dragan", "noise_negative", dragan(noise=lambda shape: tf.random.uniform(shape, -1, 1))),
    ("dragan", "noise_scale", dragan(half=1.0)),
    ("dragan", "noise_scale", dragan(half=0.25)),
    ("wgan_gp", "mean_before_gradient", penalty(scores=lambda c, x: tf.reduce_mean(c(x)))),
    ("r1", "mean_before_gradient", r1(scores=lambda c, x: tf.reduce_mean(c(x)))),
    ("wgan_gp", "wrong_variable", penalty(watched="real")),
    ("wgan_gp", "wrong_variable", penalty(watched="fake")),
    ("wgan_gp", "norm_wrong_axes", penalty(norm=over(3))),
    ("wgan_gp", "norm_wrong_axes", penalty(norm=over(1))),
    ("one_sided", "norm_wrong_axes", penalty(norm=over(1, 2), cost=excess)),
    ("r1", "norm_wrong_axes", r1(norm=over(3))),
    ("wgan_gp", "norm_whole_batch", penalty(norm=over(0, 1, 2, 3))),
    ("wgan_gp", "no_norm", penalty(norm=tf.abs)),
    ("wgan_gp", "no_norm", penalty(norm=lambda g: g)),
    (
        "wgan_gp",
        "mean_for_sum",
        penalty(norm=lambda g: tf.sqrt(tf.reduce_mean(g**2, rest(g)) + 1e-12)),
    ),
    ("r1", "mean_for_sum", r1(norm=lambda g: g)),  # for squares it is the same
    ("wgan_gp", "squared_norm", penalty(norm=lambda g: tf.reduce_sum(g**2, rest(g)))),
    ("r1", "squared_norm", r1(norm=lambda g: tf.reduce_sum(g**2, rest(g)))),
    ("wgan_gp", "norm_l1", penalty(norm=lambda g: tf.reduce_sum(tf.abs(g), rest(g)))),
    ("wgan_gp", "mean_before_square", penalty(norm=lambda g: tf.reduce_mean(slope(g)))),
    ("r1", "mean_before_square", r1(norm=lambda g: tf.reduce_mean(slope(g)))),
    ("one_sided", "two_sided", penalty()),
    ("zero_centered", "two_sided", penalty()),
    ("wgan_gp", "one_sided", penalty(cost=excess)),
    ("wgan_gp", "zero_centered", penalty(cost=squares)),
    ("one_sided", "wrong_side", penalty(cost=lambda s: tf.nn.relu(1 - s) ** 2)),
    ("wgan_gp", "no_square", penalty(cost=lambda s: tf.abs(s - 1))),
    ("wgan_gp", "no_square", penalty(cost=lambda s: s - 1)),
    ("one_sided", "no_square", penalty(cost=lambda s: tf.nn.relu(s - 1))),
    ("r1", "no_square", r1(cost=lambda s: s)),
]


@pytest.mark.parametrize(("meant", "illness", "function"), ILL, ids=[f"{i[0]}-{i[1]}" for i in ILL])
def test_each_ill_penalty_gets_the_name_of_its_illness_and_no_other(meant, illness, function):
    report = doctor.examine(function, meant)
    assert report.names == [illness], report


def test_every_illness_of_penalties_and_losses_is_met_here():
    """The two tables together."""
    met = {illness for _, illness, _ in ILL} | {illness for _, illness, *_ in ILL_LOSSES}
    assert met | {"changes_input"} == set(doctor.ILLNESSES)


def test_a_mean_over_both_batches_divides_by_the_size_of_both():
    assert doctor.examine(mean_of_both, "r1_r2").names == ["mean_before_gradient"]


def test_two_illnesses_at_once_are_both_named():
    double = r1(norm=over(3), result=lambda value: value)
    assert doctor.examine(double, "r1").names == ["norm_wrong_axes", "factor_doubled"]
    double = penalty(alpha=fixed, norm=lambda g: g, cost=squares)
    assert doctor.examine(double).names == ["alpha_fixed", "mean_for_sum", "zero_centered"]


def test_an_alpha_of_the_wrong_rank_does_not_fit_by_accident():
    """α of shape (n, 1) would broadcast over the width, were the batch as wide as an image."""
    report = doctor.examine(
        penalty(alpha=lambda x: tf.random.uniform([len(x), 1])), sample_shape=(4, 5, 7)
    )
    assert report.names == ["raises"]
    assert "hapes" in report.findings[0].seen


@pytest.mark.parametrize("name", penalties.PENALTIES)
@pytest.mark.parametrize("shape", [(4, 3, 5), (2,), (5, 7, 1)])
def test_the_librarys_penalties_are_healthy(name, shape):
    report = doctor.examine(penalties.get(name), name, sample_shape=shape)
    assert report.healthy, report
    assert str(report) == f"{name}: healthy."


# ---------------------------------------------------------------- healthy, in other styles


def with_norm(critic, real, fake):
    """tf.norm, with a guard of its own: values of size 1e-6 added to the squares."""
    alpha = tf.random.uniform([tf.shape(real)[0], 1, 1, 1], dtype=real.dtype)
    x = alpha * real + (1 - alpha) * fake
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x, training=False)
    g = tf.reshape(tape.gradient(scores, x), [len(real), -1])
    padded = tf.concat([g, tf.fill([len(real), 1], 1e-5)], axis=1)
    return tf.reduce_mean((tf.norm(padded, axis=1) - 1.0) ** 2)


@tf.function
def compiled(critic, real, fake, seed=None):
    x = penalties.between(real, fake, seed)
    g = gradient_of(critic, x)
    s = tf.sqrt(tf.maximum(tf.einsum("nhwc,nhwc->n", g, g), 1e-12))
    return tf.reduce_sum((s - 1) ** 2) / tf.cast(tf.shape(s)[0], s.dtype)


def gradient_of(critic, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    return tape.gradient(scores, x)


def sample_by_sample(critic, real, fake):
    total = 0.0
    for i in range(len(real)):
        x = real[i : i + 1] + tf.random.uniform([]) * (fake[i : i + 1] - real[i : i + 1])
        g = gradient_of(critic, x)
        total += (tf.sqrt(tf.reduce_sum(g * g) + 1e-10) - 1.0) ** 2
    return total / len(real)


def jacobian(critic, real, fake):
    x = real + uniform(real) * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    g = tape.batch_jacobian(scores, x)[:, 0]
    return tf.reduce_mean((slope(g) - 1) ** 2)


def score_by_score(critic, real, fake):
    x = real + uniform(real) * (fake - real)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        scores = tf.unstack(critic(x)[:, 0])
    g = tf.stack([tape.gradient(score, x)[i] for i, score in enumerate(scores)])
    return tf.reduce_mean((slope(g) - 1) ** 2)


def inside_float64(critic, real, fake, seed=0):
    real, fake = tf.cast(real, tf.float64), tf.cast(fake, tf.float64)
    x = tf.stop_gradient(penalties.between(real, fake, seed))
    g = tf.reshape(gradient_of(critic, x), (real.shape[0], -1))
    s = tf.sqrt(1e-12 + tf.linalg.diag_part(g @ tf.transpose(g)))
    return tf.cast(tf.reduce_mean(s * s - 2 * s + 1), tf.float32)


def r1_by_squares(critic, real, fake, **unused):
    g = gradient_of(critic, real)
    return 0.5 * tf.nn.l2_loss(g) * 2 / len(real)


def r1_r2_in_one_pass(critic, real, fake):
    g = gradient_of(critic, tf.concat([fake, real], axis=0))
    return tf.reduce_mean(tf.reduce_sum(g**2, axis=[1, 2, 3]))


def mean_of_both(critic, real, fake):
    g = gradient_of(lambda x: tf.reduce_mean(critic(x)), tf.concat([fake, real], axis=0))
    return tf.reduce_mean(tf.reduce_sum(g**2, axis=[1, 2, 3]))


def r1_r2_in_pairs(critic, real, fake):
    total = 0.0
    for i in range(len(real)):
        for samples in (real, fake):
            total += tf.nn.l2_loss(gradient_of(critic, samples[i : i + 1]))
    return total / len(real)


def dragan_by_hand(critic, real, fake):
    noise = 0.5 * np.std(real) * np.random.default_rng().random(real.shape)
    alpha = np.random.default_rng().random((len(real), 1, 1, 1))
    x = tf.constant(np.asarray(real) + alpha * noise, tf.float32)
    return tf.reduce_mean((slope(gradient_of(critic, x)) - 1) ** 2)


def with_a_wasserstein_gap(critic, real, fake):
    """Other calls of the critic do not count: no gradient is taken there."""
    _ = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
    return penalty()(critic, real, fake)


HEALTHY = [
    ("wgan_gp", with_norm),
    ("wgan_gp", compiled),
    ("wgan_gp", sample_by_sample),
    ("wgan_gp", jacobian),
    ("wgan_gp", score_by_score),
    ("wgan_gp", inside_float64),
    ("wgan_gp", with_a_wasserstein_gap),
    ("wgan_gp", penalty()),
    ("one_sided", penalty(cost=lambda s: tf.where(s > 1, s - 1, 0.0) ** 2)),
    ("zero_centered", penalty(norm=lambda g: tf.reduce_sum(g**2, rest(g)), cost=lambda s: s)),
    ("r1", r1_by_squares),
    ("r1", r1()),
    ("r2", r1(points=lambda real, fake: fake)),
    ("r1_r2", r1_r2()),
    ("r1_r2", r1_r2_in_one_pass),
    ("r1_r2", r1_r2_in_pairs),
    ("dragan", dragan()),
    ("dragan", dragan_by_hand),
]


@pytest.mark.parametrize(("meant", "function"), HEALTHY)
def test_right_penalties_in_another_style_are_healthy(meant, function):
    report = doctor.examine(function, meant)
    assert report.healthy, report


# ---------------------------------------------------------------- NumPy


def numpy_penalty(
    alpha=lambda n: np.random.default_rng().random((n, 1, 1, 1)),
    gradient=lambda critic, x: critic.gradient(x),
    norm=lambda g: np.sqrt((g**2).sum(axis=(1, 2, 3))),
    cost=lambda s: (s - 1) ** 2,
):
    def function(critic, real, fake):
        x = real + alpha(len(real)) * (fake - real)
        return np.mean(cost(norm(gradient(critic, x))))

    return function


def divided(g):
    """The slope, along the gradient's direction; which has none at 0."""
    return (g * g / np.sqrt((g * g).sum(axis=(1, 2, 3), keepdims=True))).sum(axis=(1, 2, 3))


def numpy_r1(critic, real, fake):
    return 0.5 * np.mean([np.vdot(g, g) for g in critic.gradient(real)])


def in_place(critic, real, fake):
    real += np.random.default_rng().random((len(real), 1, 1, 1)) * (fake - real)
    return np.mean((np.linalg.norm(critic.gradient(real).reshape(len(real), -1), axis=1) - 1) ** 2)


def by_differences(critic, real, fake):
    return np.mean((critic(real + 1e-3) - critic(real)) ** 2)


NUMPY = [
    ("wgan_gp", [], numpy_penalty()),
    ("wgan_gp", [], numpy_penalty(norm=lambda g: np.linalg.norm(g.reshape(len(g), -1), axis=1))),
    ("one_sided", [], numpy_penalty(cost=lambda s: np.clip(s - 1, 0, None) ** 2)),
    ("r1", [], numpy_r1),
    ("wgan_gp", ["changes_input"], in_place),
    ("wgan_gp", ["no_gradient"], by_differences),
    ("wgan_gp", ["no_guard"], numpy_penalty(norm=divided)),
    ("wgan_gp", ["only_real", "zero_centered"], lambda *three: 2 * numpy_r1(*three)),
    ("wgan_gp", ["raises"], lambda critic, real, fake: critic.gradient(real[0])),
    ("wgan_gp", ["not_scalar"], lambda *three: [numpy_penalty()(*three)]),
    ("wgan_gp", ["dropout"], numpy_penalty(gradient=lambda c, x: c.gradient(x, training=True))),
    (
        "wgan_gp",
        ["alpha_normal"],
        numpy_penalty(lambda n: np.random.default_rng().normal(size=(n, 1, 1, 1))),
    ),
    (
        "wgan_gp",
        ["alpha_per_pixel", "alpha_normal"],
        numpy_penalty(lambda n: np.random.default_rng().normal(size=(n, 4, 3, 5))),
    ),
    ("wgan_gp", ["norm_wrong_axes"], numpy_penalty(norm=lambda g: np.linalg.norm(g, axis=-1))),
    (
        "wgan_gp",
        ["mean_before_gradient"],
        numpy_penalty(gradient=lambda c, x: c.gradient(x) / len(x)),
    ),
    ("wgan_gp", ["factor_doubled"], lambda *three: 2 * numpy_penalty()(*three)),
]


@pytest.mark.parametrize(("meant", "illnesses", "function"), NUMPY)
def test_functions_for_numpy(meant, illnesses, function):
    report = doctor.examine(function, meant, framework="numpy")
    assert report.names == illnesses, report


def test_the_numpy_critic_knows_its_gradient():
    critic = doctor.Critic(np.array([1.0, -2.0]), curvature=0.5, kink=0.25)
    x = np.array([[1.0, 2.0], [-3.0, 0.5]])
    assert critic(x).shape == (2, 1)
    for i in range(2):
        step = 1e-6 * np.eye(2)[i]
        slopes = (critic(x + step) - critic(x - step))[:, 0] / 2e-6
        np.testing.assert_allclose(critic.gradient(x)[:, i], slopes, rtol=1e-6)
    with pytest.raises(ValueError, match=r"\(n, 2\); got shape \(2,\)"):
        critic(x[0])


# ---------------------------------------------------------------- losses


def bce(label, logits, **options):
    return tf.reduce_mean(
        tf.keras.losses.binary_crossentropy(label * tf.ones_like(logits), logits, **options)
    )


softplus, sigmoid, mean = tf.math.softplus, tf.sigmoid, tf.reduce_mean


def d_bce(r, f):
    return bce(1.0, r, from_logits=True) + bce(0.0, f, from_logits=True)


def g_bce(r, f):
    return bce(1.0, f, from_logits=True)


def g_half_dead(r, f):
    return mean(tf.math.log1p(tf.exp(-tf.clip_by_value(f, -12.0, 12.0))))


def half_detached(r, f):
    return mean(softplus(-r)) + tf.stop_gradient(mean(softplus(f)))


W = losses.get("wasserstein")
LS = losses.get("least_squares")
H = losses.get("hinge")
RP = losses.get("relativistic")

# What is meant, the illness, the player, its loss; the other player's is right.
ILL_LOSSES = [
    ("non_saturating", "raises", "generator", raising),
    ("non_saturating", "raises", "discriminator", lambda r, f: tf.matmul(r, f)),
    ("non_saturating", "not_scalar", "generator", lambda r, f: softplus(-f)),
    ("non_saturating", "changes_type", "generator", lambda r, f: tf.cast(g_bce(r, f), tf.float64)),
    ("non_saturating", "not_finite", "generator", lambda r, f: -mean(tf.math.log(f))),
    ("non_saturating", "formula", "generator", lambda r, f: mean(tf.abs(f))),
    ("non_saturating", "wrong_sign", "generator", lambda r, f: mean(softplus(f))),
    ("non_saturating", "wrong_sign", "generator", lambda r, f: -g_bce(r, f)),
    ("non_saturating", "wrong_sign", "discriminator", lambda r, f: -d_bce(r, f)),
    ("wasserstein", "wrong_sign", "discriminator", lambda r, f: mean(r) - mean(f)),
    ("wasserstein", "wrong_sign", "generator", lambda r, f: mean(f)),
    ("hinge", "wrong_sign", "generator", lambda r, f: mean(f)),
    (
        "least_squares",
        "wrong_sign",
        "generator",
        lambda r, f: mean(f**2) / 2,
    ),
    ("relativistic", "wrong_sign", "generator", RP.discriminator),
    (
        "non_saturating",
        "sum_over_batch",
        "discriminator",
        lambda r, f: tf.reduce_sum(softplus(-r) + softplus(f)),
    ),
    ("least_squares", "factor_doubled", "discriminator", lambda r, f: 2 * LS.discriminator(r, f)),
    ("least_squares", "factor_doubled", "generator", lambda r, f: mean((f - 1) ** 2)),
    ("non_saturating", "factor_halved", "discriminator", lambda r, f: d_bce(r, f) / 2),
    ("non_saturating", "factor_wrong", "generator", lambda r, f: g_bce(r, f) / tf.math.log(2.0)),
    ("non_saturating", "detached", "generator", lambda r, f: tf.stop_gradient(g_bce(r, f))),
    ("non_saturating", "wrong_gradient", "discriminator", half_detached),
    ("non_saturating", "swapped", "discriminator", lambda r, f: d_bce(f, r)),
    ("non_saturating", "swapped", "generator", lambda r, f: g_bce(f, r)),
    ("hinge", "swapped", "discriminator", lambda r, f: H.discriminator(f, r)),
    ("least_squares", "swapped", "discriminator", lambda r, f: LS.discriminator(f, r)),
    ("relativistic", "swapped", "discriminator", RP.generator),
    ("wasserstein", "swapped", "generator", lambda r, f: -mean(r)),
    ("non_saturating", "missing_term", "discriminator", lambda r, f: mean(softplus(-r))),
    ("hinge", "missing_term", "discriminator", lambda r, f: mean(tf.nn.relu(1 + f))),
    ("hinge", "another_loss", "discriminator", W.discriminator),
    ("minimax", "another_loss", "generator", g_bce),
    ("non_saturating", "saturates", "generator", lambda r, f: -mean(softplus(f))),
    (
        "non_saturating",
        "saturates",
        "generator",
        lambda r, f: -mean(tf.math.log(sigmoid(f) + 1e-8)),
    ),
    ("non_saturating", "saturates", "generator", g_half_dead),
    ("non_saturating", "overflow", "generator", lambda r, f: mean(tf.math.log(1 + tf.exp(-f)))),
    ("non_saturating", "overflow", "generator", lambda r, f: -mean(tf.math.log(sigmoid(f)))),
    (
        "minimax",
        "overflow",
        "discriminator",
        lambda r, f: -mean(tf.math.log(sigmoid(r)) + tf.math.log(1 - sigmoid(f))),
    ),
    (
        "non_saturating",
        "double_sigmoid",
        "discriminator",
        lambda r, f: d_bce(sigmoid(r), sigmoid(f)),
    ),
    ("non_saturating", "not_logits", "generator", lambda r, f: bce(1.0, f)),
    ("minimax", "not_logits", "discriminator", lambda r, f: bce(1.0, r) + bce(0.0, f)),
    ("relativistic", "all_pairs", "generator", lambda r, f: mean(softplus(r - f[:, 0]))),
]


@pytest.mark.parametrize(
    ("meant", "illness", "player", "function"),
    ILL_LOSSES,
    ids=[f"{i[0]}-{i[1]}" for i in ILL_LOSSES],
)
def test_each_ill_loss_gets_the_name_of_its_illness_and_no_other(meant, illness, player, function):
    right = losses.get(meant)
    pair = {"discriminator": right.discriminator, "generator": right.generator, player: function}
    report = doctor.examine_loss(tuple(pair.values()), meant)
    assert report.names == [illness], report
    assert report.findings[0].seen.startswith(f"{player}: ")


@pytest.mark.parametrize("name", losses.LOSSES)
def test_the_librarys_losses_are_healthy(name):
    assert doctor.examine_loss(losses.get(name), name).healthy


HEALTHY_LOSSES = [
    ("non_saturating", (d_bce, g_bce), "tensorflow"),
    ("non_saturating", (d_bce, lambda fake: g_bce(None, fake)), "tensorflow"),
    ("wasserstein", (tf.function(lambda r, f: -mean(r - f)), lambda r, f: -mean(f)), "tensorflow"),
    (
        "hinge",
        (lambda r, f: mean(tf.maximum(0.0, 1 - r) + tf.maximum(0.0, 1 + f)), lambda f: mean(-f)),
        "tensorflow",
    ),
    (
        "minimax",
        (
            lambda r, f: np.mean(np.logaddexp(0, -r)) + np.mean(np.logaddexp(0, f)),
            lambda r, f: np.mean(-np.logaddexp(0, f)),
        ),
        "numpy",
    ),
    (
        "least_squares",
        (
            lambda r, f: (np.var(r) + np.mean(r - 1) ** 2 + np.mean(f**2)) / 2,
            lambda f: np.mean((f - 1) ** 2) / 2,
        ),
        "numpy",
    ),
]


@pytest.mark.parametrize(("meant", "pair", "framework"), HEALTHY_LOSSES)
def test_right_losses_in_another_style_are_healthy(meant, pair, framework):
    report = doctor.examine_loss(pair, meant, framework)
    assert report.healthy, report


def test_a_gradient_is_dead_long_before_the_logits_are_extreme():
    pair = (d_bce, lambda f: -mean(tf.math.log(sigmoid(f) + 1e-8)))
    (finding,) = doctor.examine_loss(pair).findings
    assert "at logits of ±20" in finding.seen
    assert finding.expected == "-0.2"


def test_ill_losses_for_numpy():
    naive = (
        lambda r, f: np.mean(np.log(1 + np.exp(-r)) + np.log(1 + np.exp(f))),
        lambda r, f: np.mean(f),
    )
    report = doctor.examine_loss(naive, "non_saturating", "numpy")
    assert report.names == ["overflow", "another_loss", "wrong_sign"]


# ---------------------------------------------------------------- chance


def laws(law):
    """What a look keeps, without the function: α or noise of a law, and four small batches."""

    def one(n):
        values = law(n, 60)
        return SimpleNamespace(alpha=values, noise=values)

    return [one(n) for n in (7, 11, 7, 11)], one(128), one(1024)


RANDOM = np.random.default_rng(8)


def one_alpha(n):
    return RANDOM.random((n, 1))


@pytest.mark.parametrize(
    ("judge", "law"),
    [
        (doctor._judge_alpha, lambda n, d: one_alpha(n).repeat(d, 1)),
        (doctor._judge_noise, lambda n, d: one_alpha(n) * RANDOM.random((n, d))),
        (doctor._judge_noise, lambda n, d: one_alpha(n) * RANDOM.random((n, 8))),
    ],
)
def test_chance_makes_no_healthy_law_ill(judge, law):
    """The bounds say once in a million; a margin of half their size would show in 500."""
    for _ in range(500):
        looks, *sizes = laws(law)
        for size in sizes:
            report = doctor.Report("a law")
            judge(report, looks, size)
            assert report.healthy, report


@pytest.mark.parametrize(
    ("judge", "illness", "law"),
    [
        (
            doctor._judge_alpha,
            "alpha_normal",
            lambda n, d: np.repeat(RANDOM.normal(size=(n, 1)), d, 1),
        ),
        (
            doctor._judge_noise,
            "alpha_per_pixel",
            lambda n, d: RANDOM.random((n, d)) * RANDOM.random((n, d)),
        ),
        (doctor._judge_noise, "no_alpha", lambda n, d: RANDOM.random((n, d))),
        (
            doctor._judge_noise,
            "alpha_per_batch",
            lambda n, d: RANDOM.uniform(0.05, 0.95) * RANDOM.random((n, d)),
        ),
        (
            doctor._judge_noise,
            "noise_scale",
            lambda n, d: one_alpha(n) * RANDOM.random((n, d)) / 2,
        ),
    ],
)
def test_an_ill_law_is_named_from_few_samples_too(judge, illness, law):
    for _ in range(50):
        looks, *sizes = laws(law)
        for size in sizes:
            report = doctor.Report("a law")
            judge(report, looks, size)
            assert report.names == [illness], report


def test_one_alpha_for_the_batch_may_have_a_wrong_law_too():
    names = doctor.examine(penalty(alpha=lambda x: 2 + tf.random.uniform([]))).names
    assert names[0] == "alpha_per_batch"
    assert names[1] in ("alpha_law", "alpha_normal")  # a few numbers do not tell which
    assert len(names) == 2


def test_a_loop_over_samples_hides_no_normal_alpha():
    def looped(critic, real, fake):
        total = 0.0
        for i in range(len(real)):
            x = real[i : i + 1] + tf.random.normal([]) * (fake[i : i + 1] - real[i : i + 1])
            total += (slope(gradient_of(critic, x))[0] - 1.0) ** 2
        return total / len(real)

    assert doctor.examine(looped, sample_shape=(6,)).names == ["alpha_normal"]


# ---------------------------------------------------------------- the report, and bad arguments


def test_a_report_reads_as_sentences():
    report = doctor.examine(penalty(alpha=lambda x: tf.random.normal(per_sample(x))))
    assert not report.healthy
    text = str(report)
    assert re.match(
        r"wgan_gp: 1 finding\.\n- alpha_normal: α looks normal: mean -?0\.\d\d, from", text
    )
    assert "expected α uniform in [0, 1). Draw it" in text.replace("\n  ", " ")
    finding = report.findings[0]
    assert finding.expected == "α uniform in [0, 1)"
    assert finding.hint == doctor.ILLNESSES["alpha_normal"][2]
    two = doctor.examine(penalty(alpha=lambda x: tf.random.normal(x.shape), cost=squares))
    assert two.names == ["alpha_per_pixel", "alpha_normal", "zero_centered"]
    assert str(two).startswith("wgan_gp: 3 findings.\n")
    assert "a slope s costs s²; expected (s - 1)²." in str(two)
    assert max(map(len, str(two).splitlines())) <= 95


def test_details_say_what_was_seen():
    seen = {
        (meant, illness): doctor.examine(function, meant).findings[0]
        for meant, illness, function in ILL
        if illness in ("raises", "norm_wrong_axes", "factor_wrong", "only_fake", "formula")
    }
    assert "slopes" not in seen["wgan_gp", "factor_wrong"].seen
    assert "10 times" in seen["wgan_gp", "factor_wrong"].seen
    assert "(1,)" in seen["wgan_gp", "norm_wrong_axes"].seen
    assert "(4, 3, 5)); got shape" not in seen["wgan_gp", "raises"].hint
    assert "the critic takes samples (n, 4, 3, 5); got shape (" in seen["wgan_gp", "raises"].seen
    assert seen["wgan_gp", "only_fake"].expected == "a look between real and fake"
    assert seen["r1", "formula"].seen == "the value is 0.625 where every slope is 0.5"
    assert seen["r1", "formula"].expected == "0.125"


def test_every_illness_has_words():
    for name, texts in doctor.ILLNESSES.items():
        assert len(texts) == 3, name
        assert all(text.strip() for text in texts)
    assert set(doctor._PENALTIES) == set(penalties.PENALTIES)
    assert set(doctor._LOSSES) == set(losses.LOSSES)


def test_another_penalty_or_loss_is_never_healthy():
    names = list(penalties.PENALTIES)
    for meant, other in zip(names, names[1:] + names[:1], strict=True):
        assert not doctor.examine(penalties.get(other), meant).healthy
    for meant in losses.LOSSES:
        for other in set(losses.LOSSES) - {meant}:
            report = doctor.examine_loss(losses.get(other), meant)
            assert set(report.names) <= {"another_loss", "saturates"}
            assert not report.healthy


def test_tensorflow_is_left_as_it_was():
    for setting in (True, False):
        tf.config.run_functions_eagerly(setting)
        doctor.examine(raising)
        doctor.examine_loss((raising, raising), framework="numpy")
        assert tf.config.functions_run_eagerly() == setting


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"unknown penalty 'gp'.*wgan_gp"):
        doctor.examine(penalty(), "gp")
    with pytest.raises(ValueError, match=r"unknown framework 'jax'.*numpy.*tensorflow"):
        doctor.examine(penalty(), framework="jax")
    with pytest.raises(ValueError, match="function must be callable; got 'wgan_gp'"):
        doctor.examine("wgan_gp")
    with pytest.raises(
        ValueError, match=r"sample_shape must have two values at least; got \(1, 1\)"
    ):
        doctor.examine(penalty(), sample_shape=(1, 1))
    with pytest.raises(ValueError, match=r"unknown loss 'gan'.*minimax"):
        doctor.examine_loss((d_bce, g_bce), "gan")
    for wrong in (d_bce, (d_bce,), (d_bce, "generator")):
        with pytest.raises(ValueError, match="pair must be two functions"):
            doctor.examine_loss(wrong)


def test_the_readmes_example_prints_what_it_says():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n([^`]*doctor\.examine[^`]*)```", readme)
    (said,) = re.findall(r"^# (.*)$", code, re.MULTILINE)
    printed = []
    exec(code, {"np": np, "doctor": doctor, "print": printed.append})
    _, finding = str(printed[0]).replace("\n  ", " ").split("\n")
    assert re.fullmatch(".*".join(map(re.escape, said.split("..."))), finding)
