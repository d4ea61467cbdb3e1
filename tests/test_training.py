"""GPAT: the training step against hand-written loops and closed forms; fit, generate, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from gpat_lib import GPAT, LossWeights, losses, penalties
from gpat_lib.training import LOG_NAMES, DivergenceGuard, SampleGrid


def sgd(rate=0.1):
    return keras.optimizers.SGD(rate)


def adam():
    return keras.optimizers.Adam(1e-2, beta_1=0.5, beta_2=0.9)


def values(model):
    """All weights of a model or optimiser, copied."""
    variables = model.variables if isinstance(model, keras.optimizers.Optimizer) else model.weights
    return [v.numpy() for v in variables]


def assert_same(first, second, **tolerance):
    for a, b in zip(values(first), values(second), strict=True):
        if tolerance:
            np.testing.assert_allclose(a, b, **tolerance)
        else:
            np.testing.assert_array_equal(a, b)


def moved(before, model):
    """How far weights went, as one vector."""
    after = values(model)
    return np.concatenate([(b - a).ravel() for a, b in zip(before, after, strict=True)])


# ---------------------------------------------------------------- one step, by hand


def by_hand(gan, samples, loss, penalty, weights, n_critic, optimizers, steps):
    """The algorithm as a chapter would write it, on copies of the networks, for 2-D points."""
    generator, discriminator = (
        keras.models.clone_model(m) for m in (gan.generator, gan.discriminator)
    )
    generator.set_weights(gan.generator.get_weights())
    discriminator.set_weights(gan.discriminator.get_weights())
    g_optimizer, d_optimizer = optimizers
    size = len(samples) // n_critic

    def adversarial(real_logits, fake_logits):
        if loss == "wasserstein":
            return (
                tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits),
                -tf.reduce_mean(fake_logits),
            )
        return (
            tf.reduce_mean(tf.nn.softplus(fake_logits) + tf.nn.softplus(-real_logits)),
            tf.reduce_mean(tf.nn.softplus(-fake_logits)),
        )

    def l_grad(real, fake, seed):
        if penalty is None:
            return 0.0
        if penalty == "wgan_gp":
            alpha = tf.random.stateless_uniform([size, 1], seed)
            real = alpha * fake + (1 - alpha) * real
        with tf.GradientTape() as tape:
            tape.watch(real)
            score = discriminator(real)
        slope = tf.sqrt(tf.reduce_sum(tape.gradient(score, real) ** 2, axis=1) + 1e-12)
        cost = (slope - 1) ** 2 if penalty == "wgan_gp" else slope**2 / 2
        return tf.reduce_mean(cost)

    for step in range(steps):

        def seed(stream, step=step):
            return [gan.seed, step * (n_critic + 2) + stream]

        latents = tf.random.stateless_normal([size * n_critic, gan.latent_dim], seed(0))
        fakes = generator(latents)
        for i in range(n_critic):
            part = slice(i * size, (i + 1) * size)
            real, fake = tf.constant(samples[part]), fakes[part]
            with tf.GradientTape() as tape:
                cost, _ = adversarial(discriminator(real), discriminator(fake))
                cost = weights.lambda_3 * cost
                cost += weights.lambda_4 * l_grad(real, fake, seed(2 + i))
            trained = discriminator.trainable_variables
            gradients = tape.gradient(cost, trained, unconnected_gradients="zero")
            d_optimizer.apply_gradients(zip(gradients, trained, strict=True))
        latents = tf.random.stateless_normal([size, gan.latent_dim], seed(1))
        with tf.GradientTape() as tape:
            _, cost = adversarial(discriminator(real), discriminator(generator(latents)))
            cost = weights.lambda_1 * cost
        trained = generator.trainable_variables
        g_optimizer.apply_gradients(zip(tape.gradient(cost, trained), trained, strict=True))
    return generator, discriminator


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize(
    ("loss", "penalty", "n_critic"),
    [
        ("wasserstein", "wgan_gp", 2),
        ("non_saturating", "r1", 1),
        ("wasserstein", "r1", 3),
        ("non_saturating", None, 2),
    ],
)
def test_a_step_equals_the_loop_by_hand(toy_gan, points, optimizer, loss, penalty, n_critic):
    gan = toy_gan(seed=4)
    weights = LossWeights(lambda_1=0.7, lambda_3=1.3, lambda_4=2.0)
    samples = points[: 10 * n_critic]
    hand = by_hand(
        gan, samples, loss, penalty, weights, n_critic, (optimizer(), optimizer()), steps=2
    )
    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=weights,
        g_optimizer=optimizer(),
        d_optimizer=optimizer(),
        n_critic=n_critic,
    )
    before = values(gan.discriminator)
    for _ in range(2):
        gan.train_step(tf.constant(samples))
    assert np.abs(moved(before, gan.discriminator)).max() > 1e-3
    assert_same(gan.generator, hand[0], rtol=0, atol=1e-6)
    assert_same(gan.discriminator, hand[1], rtol=0, atol=1e-6)


def test_fit_takes_the_same_steps_as_train_step(toy_gan, points):
    runs = []
    for compiled in (True, False):
        gan = toy_gan()
        gan.compile(n_critic=2, g_optimizer=sgd(), d_optimizer=sgd())
        batches = tf.data.Dataset.from_tensor_slices(points).batch(16, drop_remainder=True)
        if compiled:
            gan.fit(batches, verbose=0)
        else:
            for i in range(2):
                gan.train_step(tf.constant(points[32 * i : 32 * (i + 1)]))
        runs.append(gan)
    assert runs[0].g_optimizer.iterations == 2
    assert runs[0].d_optimizer.iterations == 4
    assert_same(*runs, rtol=0, atol=1e-6)


# ---------------------------------------------------------------- the four weights


def one_step(gan, points, lambdas, loss="non_saturating", penalty="r1"):
    """How far one step of plain gradient descent with rate 1 moves (generator, discriminator)."""
    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=LossWeights(*lambdas),
        g_optimizer=sgd(1.0),
        d_optimizer=sgd(1.0),
        n_critic=1,
    )
    before = values(gan.generator), values(gan.discriminator)
    gan.reset_metrics()
    logs = gan.train_step(tf.constant(points))
    steps = moved(before[0], gan.generator), moved(before[1], gan.discriminator)
    gan.generator.set_weights(before[0])
    gan.discriminator.set_weights(before[1])
    return *steps, {name: float(value) for name, value in logs.items()}


def test_lambda_1_scales_the_generators_gradient_alone(toy_gan, points):
    gan = toy_gan()
    g1, d1, _ = one_step(gan, points, (1, 0, 1, 1))
    g3, d3, _ = one_step(gan, points, (3, 0, 1, 1))
    np.testing.assert_allclose(g3, 3 * g1, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(d3, d1)
    assert not one_step(gan, points, (0, 0, 1, 1))[0].any()


def test_lambda_3_and_lambda_4_weigh_the_discriminators_two_terms(toy_gan, points):
    gan = toy_gan()
    _, adversarial, _ = one_step(gan, points, (1, 0, 1, 0))
    _, penalty, logs = one_step(gan, points, (1, 0, 0, 1))
    assert np.abs(adversarial).max() > 1e-2
    assert np.abs(penalty).max() > 1e-2  # a penalised model goes elsewhere
    _, both, both_logs = one_step(gan, points, (1, 0, 2, 5))
    np.testing.assert_allclose(both, 2 * adversarial + 5 * penalty, rtol=1e-4, atol=1e-6)
    assert both_logs["penalty"] == pytest.approx(logs["penalty"], rel=1e-5)  # unweighted
    bare = one_step(gan, points, (1, 0, 1, 0))[2]["d_loss"]
    assert both_logs["d_loss"] == pytest.approx(2 * bare + 5 * logs["penalty"], rel=1e-5)


def test_lambda_2_adds_the_gradient_of_half_the_squared_field(toy_gan, points):
    """The generator's L_grad is ½‖∇_φ L_D‖²; its gradient here by finite differences."""
    gan = toy_gan()
    frozen = {"loss": "non_saturating", "penalty": None}
    plain, _, plain_logs = one_step(gan, points, (1, 0, 0, 0), **frozen)
    with_field, still, field_logs = one_step(gan, points, (1, 0.7, 0, 0), **frozen)
    assert not still.any()
    latents = tf.random.stateless_normal([64, 3], [0, 1])

    def field(weights):
        gan.generator.set_weights(weights)
        fake = gan.generator(latents)
        with tf.GradientTape() as tape:
            real_logits, fake_logits = gan.discriminator(points), gan.discriminator(fake)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
        gradients = tape.gradient(loss, gan.discriminator.trainable_variables)
        return 0.5 * sum(float(tf.reduce_sum(g**2)) for g in gradients)

    start = gan.generator.get_weights()
    assert field_logs["g_loss"] - plain_logs["g_loss"] == pytest.approx(
        0.7 * field(start), rel=1e-3
    )
    expected = []
    for k, weight in enumerate(start):
        for index in np.ndindex(*weight.shape):
            ends = []
            for step in (1e-2, -1e-2):
                shifted = [w.copy() for w in start]
                shifted[k][index] += step
                ends.append(field(shifted))
            expected.append(-0.7 * (ends[0] - ends[1]) / 2e-2)
    gan.generator.set_weights(start)
    assert np.linalg.norm(expected) > 1e-2
    error = np.linalg.norm(with_field - plain - expected) / np.linalg.norm(expected)
    assert error < 5e-3


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), "1", None, True])
@pytest.mark.parametrize("name", ["lambda_1", "lambda_2", "lambda_3", "lambda_4"])
def test_a_bad_weight_is_named(name, wrong):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        LossWeights(**{name: wrong})


def test_weights_may_be_numpy_numbers_and_zero():
    weights = LossWeights(np.float32(0.5), 0, np.float64(2), np.int64(3))
    assert weights == LossWeights(0.5, 0.0, 2.0, 3.0)
    assert {type(w) for w in vars(weights).values()} == {float}
    assert LossWeights(0, 0, 0, 0).lambda_4 == 0


# ---------------------------------------------------------------- the Dirac-GAN


@keras.saving.register_keras_serializable(package="tests")
class Shift(layers.Layer):
    """A generator whose one weight θ is the point it makes."""

    def build(self, shape):
        self.theta = self.add_weight(shape=(1,), name="theta")

    def call(self, noise):
        return 0 * noise + self.theta


def dirac(theta, psi, weights, loss="minimax", penalty="r1", rate=1.0, n_critic=1, batch=4):
    """(θ, ψ) after one step; data at 0, generator at θ, D(x) = ψx, which scores reals high."""
    if not hasattr(dirac, "gan"):
        generator = keras.Sequential([keras.Input((1,)), Shift()])
        discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
        dirac.gan = GPAT(generator, discriminator, latent_dim=1)
    gan = dirac.gan
    gan.generator.set_weights([np.array([theta])])
    gan.discriminator.set_weights([np.array([[psi]])])
    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=LossWeights(*weights),
        g_optimizer=sgd(rate),
        d_optimizer=sgd(rate),
        n_critic=n_critic,
    )
    gan.train_step(tf.zeros([batch * n_critic, 1]))
    return float(gan.generator.weights[0][0]), float(gan.discriminator.weights[0][0, 0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("theta", "psi"), [(0.8, 0.5), (-0.6, 1.2), (0.3, -0.9)])
@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "wasserstein"])
@pytest.mark.parametrize("penalty", ["r1", "wgan_gp"])
def test_dirac_gan_takes_the_closed_step(theta, psi, loss, penalty):
    """Textbooks score fakes high; here ψ is minus theirs. The discriminator moves first."""
    rate, gamma = 0.2, 0.6
    got = dirac(theta, psi, (1, 0, 1, gamma), loss, penalty, rate)
    slope = 1.0 if loss == "wasserstein" else sigmoid(theta * psi)
    cost = psi if penalty == "r1" else 2 * (abs(psi) - 1) * np.sign(psi)
    new_psi = psi - rate * (theta * slope + gamma * cost)
    pull = {
        "wasserstein": new_psi,
        "minimax": new_psi * sigmoid(theta * new_psi),
        "non_saturating": new_psi * sigmoid(-theta * new_psi),
    }[loss]
    np.testing.assert_allclose(got, (theta + rate * pull, new_psi), rtol=1e-5)


def jacobian(weights, **options):
    """Linearised field at the equilibrium; each player moves while the other stands still."""
    lambda_1, lambda_2, lambda_3, lambda_4 = weights
    size, columns = 1e-3, []
    for start in ((size, 0.0), (0.0, size)):
        theta, _ = dirac(*start, (lambda_1, lambda_2, 0, 0), **options)
        _, psi = dirac(*start, (0, 0, lambda_3, lambda_4), **options)
        columns.append([(theta - start[0]) / size, (psi - start[1]) / size])
    return np.array(columns).T


def assert_eigenvalues(matrix, expected):
    found = np.sort_complex(np.linalg.eigvals(matrix))
    np.testing.assert_allclose(found, np.sort_complex(np.array(expected)), atol=2e-3)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
def test_dirac_gan_unregularised_turns_in_circles(loss):
    assert_eigenvalues(jacobian((1, 0, 1, 0), loss=loss), [0.5j, -0.5j])


@pytest.mark.parametrize("gamma", [0.4, 1.6])
def test_dirac_gan_with_r1_has_the_eigenvalues_of_the_paper(gamma):
    root = np.sqrt(gamma**2 / 4 - 0.25 + 0j)
    assert_eigenvalues(jacobian((1, 0, 1, gamma)), [-gamma / 2 + root, -gamma / 2 - root])
    root = np.sqrt(gamma**2 / 4 - 1 + 0j)
    matrix = jacobian((1, 0, 1, gamma), loss="wasserstein")
    assert_eigenvalues(matrix, [-gamma / 2 + root, -gamma / 2 - root])


@pytest.mark.parametrize("eta", [0.5, 3.0])
def test_dirac_gan_with_lambda_2_is_nagarajan_and_kolters(eta):
    """Their η‖∇‖² is λ2 = 2η on the ½ form; alone it brings the spiral in, as they prove."""
    root = np.sqrt(eta**2 / 16 - 0.25 + 0j)
    assert_eigenvalues(jacobian((1, 2 * eta, 1, 0)), [-eta / 4 + root, -eta / 4 - root])


@pytest.mark.parametrize(("n_critic", "rate"), [(1, 0.5), (2, 0.5), (3, 2.0)])
def test_dirac_gan_alternating_steps(n_critic, rate):
    """1 − a²/2 ± √((1 − a²/2)² − 1) with a = √n_critic · rate · ½."""
    size, columns = 1e-3, []
    for start in ((size, 0.0), (0.0, size)):
        end = dirac(*start, (1, 0, 1, 0), penalty=None, rate=rate, n_critic=n_critic)
        columns.append(np.array(end) / size)
    middle = 1 - n_critic * rate**2 / 8
    root = np.sqrt(middle**2 - 1 + 0j)
    assert_eigenvalues(np.array(columns).T, [middle + root, middle - root])


# ---------------------------------------------------------------- noise, reals, average


def test_the_average_follows_with_a_warm_up_and_includes_batch_statistics(toy_gan, points):
    gan = toy_gan(batch_norm=True)
    gan.compile(n_critic=1, ema=0.25, g_optimizer=sgd(), d_optimizer=sgd())
    average = values(gan.generator)
    assert_same(gan.ema_generator, gan.generator)
    for step in range(1, 4):
        gan.train_step(tf.constant(points))
        decay = min(0.25, (1 + step) / (10 + step))  # 2/11, 3/12, then ema
        current = values(gan.generator)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, current, strict=True)]
        for a, b in zip(average, values(gan.ema_generator), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    names = [w.name for w in gan.ema_generator.weights]
    assert "moving_mean" in names
    assert not gan.ema_generator.trainable_weights


def test_generate_uses_the_average(toy_gan, points):
    gan = toy_gan(batch_norm=True)
    gan.compile(n_critic=1)
    gan.fit(points, batch_size=32, epochs=2, verbose=0)
    latents = gan.noise(4, seed=2)
    averaged, current = gan.generate(latents=latents), gan.generate(latents=latents, ema=False)
    np.testing.assert_allclose(averaged, gan.ema_generator(latents, training=False), rtol=1e-6)
    np.testing.assert_allclose(current, gan.generator(latents, training=False), rtol=1e-6)
    np.testing.assert_allclose(averaged, gan(latents), rtol=1e-6)
    assert np.abs(averaged - current).max() > 1e-4


def test_every_update_sees_fresh_noise_fresh_reals_and_a_fresh_seed(toy_gan):
    """In an epoch each real sample is used exactly once, in another order than the epoch before."""
    reals, fakes, seeds, latents = [], [], [], []

    def spy(discriminator, real, fake, seed=None):
        reals.append(real.numpy())
        fakes.append(fake.numpy())
        seeds.append(tuple(np.asarray(seed)))
        return tf.reduce_mean(discriminator(real))

    gan = toy_gan()
    samples = np.stack([np.arange(48), np.zeros(48)], axis=1).astype(np.float32)
    gan.compile(penalty=spy, n_critic=3, run_eagerly=True)
    draw = gan.step_noise
    gan.step_noise = lambda *a, **k: latents.append(draw(*a, **k).numpy()) or draw(*a, **k)
    gan.fit(samples, batch_size=8, epochs=2, verbose=0)
    assert gan.g_optimizer.iterations == 4
    assert len(reals) == 12
    epochs = np.concatenate(reals[:6])[:, 0], np.concatenate(reals[6:])[:, 0]
    for epoch in epochs:
        assert sorted(epoch) == list(range(48))
    assert (epochs[0] != epochs[1]).any()
    assert (epochs[0] != np.arange(48)).any()
    assert len(set(seeds)) == 12
    assert all(len(f) == 8 for f in fakes)
    drawn = np.concatenate(latents)  # per step 3 × 8 for the critic and 8 for the generator
    assert drawn.shape == (4 * 32, 3)
    assert len(np.unique(drawn[:, 0])) == len(drawn)
    assert abs(drawn.mean()) < 0.2
    assert abs(drawn.std() - 1) < 0.2


def test_the_penalty_sees_the_discriminator_without_dropout(toy_gan, points):
    scores = []

    def spy(discriminator, real, fake):
        scores.append([discriminator(real).numpy(), discriminator(real).numpy()])
        return tf.reduce_mean(discriminator(real))

    gan = toy_gan(dropout=0.5)
    gan.compile(penalty=spy, n_critic=1)
    gan.train_step(tf.constant(points))
    np.testing.assert_array_equal(*scores[0])


def test_a_discriminator_with_batch_normalisation_is_warned_about():
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)]
    )
    gan = GPAT(keras.Sequential([keras.Input((3,)), layers.Dense(2)]), discriminator, 3)
    with pytest.warns(UserWarning, match="BatchNormalization"):
        gan.compile(penalty="r1")


# ---------------------------------------------------------------- fit


def compiled(gan, n_critic=2, **options):
    gan.compile(n_critic=n_critic, g_optimizer=adam(), d_optimizer=adam(), **options)
    return gan


def test_history_has_the_six_logs(toy_gan, points):
    gan = compiled(toy_gan())
    history = gan.fit(points, batch_size=16, epochs=3, verbose=0).history
    assert set(history) == set(LOG_NAMES)
    assert set(LOG_NAMES) == {
        "d_loss",
        "g_loss",
        "critic_gap",
        "penalty",
        "slope",
        "gradient_norm",
    }
    assert all(len(v) == 3 and np.isfinite(v).all() for v in history.values())
    assert min(history["penalty"]) > 0
    assert min(history["slope"]) > 0
    assert min(history["gradient_norm"]) > 0


def test_the_logs_are_what_their_names_say(toy_gan, points):
    gan = toy_gan()
    g, d, logs = one_step(gan, points, (1, 0, 1, 2), loss="wasserstein")
    np.testing.assert_allclose(
        logs["gradient_norm"], np.sqrt((g**2).sum() + (d**2).sum()), rtol=1e-4
    )
    fake = gan.generator(tf.random.stateless_normal([64, 3], [0, 0]))
    gap = tf.reduce_mean(gan.discriminator(points)) - tf.reduce_mean(gan.discriminator(fake))
    np.testing.assert_allclose(logs["critic_gap"], gap, rtol=1e-4)
    np.testing.assert_allclose(logs["d_loss"], -gap + 2 * logs["penalty"], rtol=1e-4)


@pytest.mark.parametrize("kind", ["static", "unknown", "infinite", "float64"])
def test_fit_takes_data_sets(toy_gan, points, kind):
    batches = tf.data.Dataset.from_tensor_slices(points)
    options = {}
    if kind == "static":
        batches = batches.batch(16, drop_remainder=True)
    elif kind == "unknown":
        batches = batches.batch(16)
    elif kind == "float64":
        batches = batches.map(lambda x: tf.cast(x, tf.float64)).batch(16)
    else:
        batches = batches.repeat().batch(16)
        options = {"steps_per_epoch": 2}
    gan = compiled(toy_gan())
    history = gan.fit(batches, epochs=2, verbose=0, **options)
    assert gan.g_optimizer.iterations == 4  # 64 points, 2 × 16 a step, two epochs
    assert gan.d_optimizer.iterations == 8
    assert np.isfinite(history.history["d_loss"]).all()


@pytest.mark.parametrize(("wish", "tuned"), [(None, False), (True, True)])
def test_the_end_of_a_fit_does_not_wait_for_the_tuner(toy_gan, points, monkeypatch, wish, tuned):
    """TensorFlow's tuner of pipelines, on by default, can hold it up; who asks for it has it."""
    taken = []
    monkeypatch.setattr(keras.Model, "fit", lambda self, x, **_: taken.append(x.options()))
    options = tf.data.Options()
    if wish is not None:
        options.autotune.enabled = wish
    batches = tf.data.Dataset.from_tensor_slices(points).batch(16).with_options(options)
    compiled(toy_gan()).fit(batches)
    assert [x.autotune.enabled for x in taken] == [tuned]


def test_the_progress_bar_knows_its_end(toy_gan, points, capsys):
    compiled(toy_gan()).fit(points, batch_size=16, verbose=1)
    assert "2/2" in capsys.readouterr().out


def test_leftovers_are_skipped_and_default_batch_is_64_at_most(toy_gan, points):
    gan = compiled(toy_gan(), n_critic=1)
    gan.fit(points[:50], verbose=0)
    assert gan.g_optimizer.iterations == 1
    gan.fit(points[:50], batch_size=20, verbose=0)
    assert gan.g_optimizer.iterations == 3


def test_several_steps_per_execution_change_nothing(toy_gan, points):
    runs = []
    for steps in (1, 2):
        gan = compiled(toy_gan(dropout=0.3), n_critic=1, steps_per_execution=steps)
        gan.fit(points, batch_size=16, verbose=0)
        runs.append(gan)
    assert runs[1].g_optimizer.iterations == 4
    assert_same(*runs)


def test_runs_with_one_seed_agree_and_with_another_differ(toy_gan, points):
    def run(seed):
        gan = toy_gan(seed=0)
        gan.seed = seed
        return compiled(gan)

    runs = [run(seed) for seed in (1, 1, 2)]
    for gan in runs:
        gan.fit(points, batch_size=16, verbose=0)
    assert_same(runs[0], runs[1])
    assert np.abs(moved(values(runs[0]), runs[2])).max() > 1e-4


def test_a_custom_penalty_and_loss_train(toy_gan, points):
    def flat(discriminator, real, fake):
        return tf.reduce_mean(penalties.gradient_norm(discriminator, fake))

    squares = losses.AdversarialLoss(
        "squares",
        lambda r, f: tf.reduce_mean((r - 1) ** 2) + tf.reduce_mean(f**2),
        lambda r, f: tf.reduce_mean((f - 1) ** 2),
    )
    gan = compiled(toy_gan(), loss=squares, penalty=flat)
    history = gan.fit(points, batch_size=16, epochs=2, verbose=0).history
    assert min(history["penalty"]) > 0


def test_the_courses_networks_train_with_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        from gpat_lib import models

        gan = GPAT(models.dcgan_generator(4, 2), models.dcgan_discriminator(width=2), latent_dim=4)
        compiled(gan, n_critic=1)
        images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
        history = gan.fit(images, batch_size=4, verbose=0).history
        generated = gan.generate(3, seed=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert gan.generator.layers[4].compute_dtype == "bfloat16"
    assert all(np.isfinite(v).all() for v in history.values())
    assert generated.dtype == np.float32
    assert np.isfinite(generated).all()
    assert all(v.dtype == "float32" for v in gan.weights)


# ---------------------------------------------------------------- generate


def test_generate(image_gan):
    gan = image_gan()  # works before compile
    images = gan.generate(5, seed=3)
    assert images.shape == (5, 32, 32, 3)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1.0
    np.testing.assert_array_equal(images, gan.generate(5, seed=3))
    assert (images != gan.generate(5, seed=4)).any()
    assert (gan.generate(2) != gan.generate(2)).any()
    np.testing.assert_array_equal(images, gan.generate(latents=gan.noise(5, seed=3)))
    in_parts = gan.generate(5, seed=3, batch_size=2)
    np.testing.assert_allclose(images, in_parts, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "count or latents"),
        ({"count": 2, "latents": np.zeros((2, 3))}, "count or latents"),
        ({"count": 0}, "^count must be"),
        ({"count": 2.0}, "^count must be"),
        ({"count": 2, "seed": -1}, "^seed must be"),
        ({"count": 2, "seed": "a"}, "^seed must be"),
        ({"count": 2, "batch_size": 0}, "^batch_size must be"),
        ({"latents": np.zeros((2, 4))}, r"latents must have shape \(n, 3\); got \(2, 4\)"),
        ({"latents": np.zeros(3)}, r"latents must have shape \(n, 3\); got \(3,\)"),
        ({"latents": np.zeros((0, 3))}, "latents"),
        ({"latents": np.full((2, 3), np.nan)}, "latents must be finite"),
    ],
)
def test_generate_names_bad_input(toy_gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        toy_gan().generate(**arguments)


# ---------------------------------------------------------------- saving


def plain_batches(points):
    return tf.data.Dataset.from_tensor_slices(points).batch(16, drop_remainder=True)


@pytest.mark.parametrize("form", ["whole", "weights"])
def test_saved_and_loaded_a_run_goes_on_bit_for_bit(toy_gan, points, tmp_path, form):
    def build(seed):
        gan = toy_gan(seed=seed, dropout=0.3, batch_norm=True)
        gan.seed = 5
        gan.compile(
            loss="non_saturating",
            penalty="r1",
            weights=LossWeights(1.0, 0.1, 0.9, 2.0),
            g_optimizer=adam(),
            d_optimizer=keras.optimizers.RMSprop(1e-3, momentum=0.5),
            n_critic=2,
            ema=0.9,
        )
        return gan

    gan = build(0)
    gan.fit(plain_batches(points), epochs=2, verbose=0)
    if form == "whole":
        gan.save(tmp_path / "gan.keras")
        loaded = keras.models.load_model(tmp_path / "gan.keras")
        assert loaded.compiled
    else:
        gan.save_weights(tmp_path / "gan.weights.h5")
        loaded = build(1)
        loaded.load_weights(tmp_path / "gan.weights.h5")
    assert isinstance(loaded, GPAT)
    assert (loaded.seed, loaded.latent_dim) == (5, 3)
    assert loaded.loss_weights == gan.loss_weights
    assert (loaded.n_critic, loaded.ema) == (2, 0.9)
    assert loaded.adversarial_loss is losses.LOSSES["non_saturating"]
    assert loaded.gradient_penalty is penalties.PENALTIES["r1"]
    assert isinstance(loaded.d_optimizer, keras.optimizers.RMSprop)
    assert (moved(values(gan.ema_generator), gan.generator) != 0).any()
    np.testing.assert_array_equal(loaded.generate(6, seed=1), gan.generate(6, seed=1))
    for part in ("generator", "discriminator", "ema_generator", "g_optimizer", "d_optimizer"):
        assert_same(getattr(loaded, part), getattr(gan, part))
    for model in (gan, loaded):
        model.fit(plain_batches(points), verbose=0)
    for part in ("generator", "discriminator", "ema_generator", "g_optimizer", "d_optimizer"):
        assert_same(getattr(loaded, part), getattr(gan, part))


def test_an_uncompiled_model_and_one_without_penalty_are_saved(image_gan, toy_gan, tmp_path):
    gan = image_gan()
    gan.save(tmp_path / "image.keras")
    loaded = keras.models.load_model(tmp_path / "image.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.generate(2, seed=0), gan.generate(2, seed=0))
    gan = compiled(toy_gan(), penalty=None)
    gan.save(tmp_path / "toy.keras")
    assert keras.models.load_model(tmp_path / "toy.keras").gradient_penalty is None


def test_a_function_of_your_own_cannot_be_saved_whole(toy_gan, tmp_path):
    gan = compiled(toy_gan(), penalty=lambda d, r, f: tf.reduce_mean(d(r)))
    with pytest.raises(ValueError, match="of your own.*save_weights.*r1, .*wgan_gp"):
        gan.save(tmp_path / "gan.keras")
    gan.save_weights(tmp_path / "gan.weights.h5")


# ---------------------------------------------------------------- callbacks


def test_divergence_guard_stops_on_nan(toy_gan, points, capsys):
    def broken(discriminator, real, fake):
        return tf.reduce_mean(discriminator(real)) * np.nan

    gan, guard = compiled(toy_gan(), penalty=broken), DivergenceGuard()
    history = gan.fit(points, batch_size=8, epochs=5, verbose=0, callbacks=[guard])
    assert len(history.epoch) == 1
    assert gan.g_optimizer.iterations == 1  # at once, not at the epoch's end
    assert "step 1 " in guard.message
    assert "not finite" in guard.message
    assert "d_loss" in guard.message
    assert "Try" in guard.message
    assert "penalty" in guard.message
    assert guard.message in capsys.readouterr().out


def test_divergence_guard_stops_on_an_explosion_and_forgets_it(toy_gan, points):
    gan, guard = compiled(toy_gan()), DivergenceGuard(max_gradient_norm=1e-6)
    gan.fit(points, batch_size=8, epochs=5, verbose=0, callbacks=[guard])
    assert gan.g_optimizer.iterations == 1
    assert "gradient_norm is" in guard.message
    assert "learning rate" in guard.message
    guard.max_gradient_norm = 1e9
    history = gan.fit(points, batch_size=8, epochs=2, verbose=0, callbacks=[guard])
    assert guard.message is None
    assert len(history.epoch) == 2


@pytest.mark.parametrize("wrong", [-1, float("nan"), "big"])
def test_divergence_guard_names_a_bad_limit(wrong):
    with pytest.raises(ValueError, match="^max_gradient_norm must be"):
        DivergenceGuard(wrong)


def test_sample_grid_writes_the_same_noise_every_so_many_epochs(image_gan, tmp_path):
    gan = image_gan(width=2)
    grid = SampleGrid(tmp_path / "new" / "grids", every=2, count=5, seed=1)
    grid.set_model(gan)
    for epoch in range(4):
        grid.on_epoch_end(epoch)
    files = sorted((tmp_path / "new" / "grids").iterdir())
    assert [f.name for f in files] == ["epoch_0002.png", "epoch_0004.png"]
    first, second = (np.asarray(Image.open(f)) for f in files)
    assert first.shape[2] == 3
    np.testing.assert_array_equal(first, second)  # nothing was trained in between


@pytest.mark.parametrize(("argument", "wrong"), [("every", 0), ("count", 0), ("seed", -1)])
def test_sample_grid_names_a_bad_argument(tmp_path, argument, wrong):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        SampleGrid(tmp_path, **{argument: wrong})


# ---------------------------------------------------------------- bad input


def dense(inputs, outputs):
    return keras.Sequential([keras.Input(inputs), layers.Dense(outputs)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((dense((3,), 2), dense((2,), 1), 4), "latent_dim.*latent_dim=4.*3"),
        ((dense((3,), 2), dense((5,), 1), 3), r"discriminator.*\(5,\).*\(2,\)"),
        ((dense((3,), 2), dense((2,), 1), 0), "^latent_dim must be"),
        ((dense((3,), 2), dense((2,), 1), 3, -1), "^seed must be"),
        ((dense((3,), 2), dense((2,), 1), 3, 0.5), "^seed must be"),
    ],
)
def test_networks_that_do_not_fit_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GPAT(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "wgan"}, "unknown loss 'wgan'.*minimax, non_saturating, .*wasserstein"),
        ({"penalty": "gp"}, "unknown penalty 'gp'.*r1, .*wgan_gp"),
        ({"weights": {"lambda_4": 1}}, "^weights must be a LossWeights"),
        ({"n_critic": 0}, "^n_critic must be"),
        ({"n_critic": 1.5}, "^n_critic must be"),
        ({"ema": 1.0}, "^ema must be"),
        ({"ema": -0.1}, "^ema must be"),
        ({"g_optimizer": "gradient"}, "gradient"),
    ],
)
def test_compile_names_bad_input(toy_gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        toy_gan().compile(**arguments)


def test_one_optimizer_for_both_players_is_refused(toy_gan):
    optimizer = adam()
    with pytest.raises(ValueError, match="g_optimizer and d_optimizer"):
        toy_gan().compile(g_optimizer=optimizer, d_optimizer=optimizer)


def data_set(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


P = np.full((16, 2), -0.5, np.float32)
POINTS_FAULTS = {
    "empty array": (P[:0], "x is empty"),
    "empty data set": (data_set(P).take(0).batch(4), "x is an empty data set"),
    "too few": (P[:6], "x has fewer samples.*8"),
    "too few in a data set": (data_set(P[:6]).batch(4), "x has fewer samples.*8"),
    "rank": (P[:, 0], r"x must have shape \(n, 2\); got \(16,\)"),
    "width": (P[:, :1], r"x must have shape \(n, 2\); got \(16, 1\)"),
    "an axis too many": (P[:, None], r"x must have shape \(n, 2\); got \(16, 1, 2\)"),
    "unbatched": (data_set(P), r"x must have shape \(n, 2\); got \(2,\)"),
    "NaN": (np.where(np.arange(16)[:, None] == 3, np.nan, P), "x must be finite"),
    "infinity": (P - np.inf, "x must be finite"),
    "integers": (P.astype(np.int32), "x must be floats; got int32"),
    "labels": (data_set(P, np.zeros(16)).batch(4), "x must hold samples only; got a tuple"),
    "pair of arrays": ((P, np.zeros(16)), "x must hold samples only; got a tuple"),
    "dictionary": ({"points": P}, "x must hold samples only; got a dict"),
    "text": (np.full((16, 2), "a"), "x must be floats"),
    "nothing": (None, "x "),
}


@pytest.mark.parametrize("fault", POINTS_FAULTS)
def test_fit_names_bad_samples_before_training(toy_gan, fault):
    x, message = POINTS_FAULTS[fault]
    gan = compiled(toy_gan())
    before = values(gan)
    batch_size = None if isinstance(x, tf.data.Dataset) else 4
    with pytest.raises(ValueError, match=message):
        gan.fit(x, batch_size=batch_size, verbose=0)
    assert not moved(before, gan).any()
    assert gan.d_optimizer.iterations == 0


def test_fit_names_a_bad_batch_size(toy_gan, points):
    gan = compiled(toy_gan(), n_critic=1)
    for wrong in (0, -1, 2.5, "a"):
        with pytest.raises(ValueError, match="^batch_size must be"):
            gan.fit(points, batch_size=wrong, verbose=0)
    with pytest.raises(ValueError, match=r"x has fewer samples.*65 × 1"):
        gan.fit(points, batch_size=65, verbose=0)
    with pytest.raises(ValueError, match="batch_size=8 goes with an array"):
        gan.fit(data_set(points).batch(8), batch_size=8, verbose=0)


def test_fit_before_compile_says_so(toy_gan, points):
    with pytest.raises(ValueError, match="compile"):
        toy_gan().fit(points, verbose=0)


def image_faults():
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype(np.float32)
    return {
        "grey": (images[..., :1], r"x must have shape \(n, 32, 32, 3\); got \(8, 32, 32, 1\)"),
        "size": (images[:, :28, :28], r"\(n, 32, 32, 3\); got \(8, 28, 28, 3\)"),
        "one image": (images[0], r"got \(32, 32, 3\)"),
        "bytes": (np.uint8(images * 0 + 7), "x must be floats; got uint8.*127.5"),
        "0 to 255": ((images + 1) * 127.5, r"x must be images in \[-1, 1\].*127.5"),
        "data set": (data_set((images + 1) * 127.5).batch(4), r"x must be images in \[-1, 1\]"),
    }


def test_fit_names_bad_images_before_training(image_gan):
    gan = image_gan(width=2)
    gan.compile(n_critic=1)
    for x, message in image_faults().values():
        with pytest.raises(ValueError, match=message):
            gan.fit(x, verbose=0)
    assert gan.d_optimizer.iterations == 0


def test_images_scaled_to_zero_one_are_warned_about(image_gan):
    gan = image_gan(width=2)
    gan.compile(n_critic=1, run_eagerly=True)
    images = np.random.default_rng(0).uniform(0, 1, (4, 32, 32, 3)).astype(np.float32)
    with pytest.warns(UserWarning, match=r"x has no value below 0.*\[0, 1\]"):
        gan.fit(images, verbose=0)
