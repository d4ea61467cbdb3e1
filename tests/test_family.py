"""GPAT with every loss, every penalty and every kind of λ2, lazily, and in competitive steps."""

import dataclasses
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from test_training import assert_same, dirac, jacobian, moved, one_step, sgd, values

from gpat_lib import GPAT, LossWeights, data, losses, optimizers, penalties, recipes
from gpat_lib.training import LOG_NAMES

# ---------------------------------------------------------------- every member


@pytest.mark.parametrize("penalty", [None, *penalties.PENALTIES])
@pytest.mark.parametrize("loss", losses.LOSSES)
def test_a_step_descends_the_losses_of_the_tables(toy_gan, points, loss, penalty):
    """L_d = λ3 L_cGAN + λ4 L_grad and L_g = λ1 L_cGAN, each put together here from its parts."""
    gan = toy_gan()
    scoring = gan.discriminator
    latents = tf.random.stateless_normal([64, 3], [0, 0])
    fake = gan.generator(latents, training=True)
    with tf.GradientTape() as tape:
        d_loss = 2.0 * losses.get(loss).discriminator(scoring(points), scoring(fake))
        if penalty:
            real = tf.constant(points)
            d_loss += 5.0 * penalties.get(penalty)(scoring, real, fake, seed=[0, 2])
    expected = tape.gradient(d_loss, scoring.trainable_variables)
    expected = np.concatenate(
        [
            np.zeros(v.shape).ravel() if g is None else -g.numpy().ravel()
            for g, v in zip(expected, scoring.trainable_variables, strict=True)
        ]
    )
    _, d_moved, logs = one_step(gan, points, (0.5, 0, 2, 5), loss, penalty)
    np.testing.assert_allclose(d_moved, expected, rtol=1e-3, atol=1e-5)
    assert logs["d_loss"] == pytest.approx(float(d_loss), rel=1e-4)
    assert np.linalg.norm(expected) > 1e-3

    latents = tf.random.stateless_normal([64, 3], [0, 1])
    with tf.GradientTape() as tape:
        fake = gan.generator(latents, training=True)
        g_loss = 0.5 * losses.get(loss).generator(scoring(points), scoring(fake))
    expected = tape.gradient(g_loss, gan.generator.trainable_variables)
    g_moved, _, logs = one_step(gan, points, (0.5, 0, 0, 0), loss, None)
    expected = -np.concatenate([g.numpy().ravel() for g in expected])
    np.testing.assert_allclose(g_moved, expected, rtol=1e-3, atol=1e-5)
    assert logs["g_loss"] == pytest.approx(float(g_loss), rel=1e-4)


def test_the_logs_of_the_discriminator_are_means_over_its_updates(toy_gan, points):
    """With n_critic = 2 the log is the mean of both updates, not the last one alone."""

    def step(samples, n_critic):
        gan = toy_gan()
        gan.compile(g_optimizer=sgd(0.0), d_optimizer=sgd(0.0), n_critic=n_critic)
        logs = gan.train_step(tf.constant(samples))
        return gan, logs

    gan, logs = step(points, 2)
    gan.g_optimizer.iterations.assign(0)  # the step has passed: back to its noise
    latents = gan.step_noise(64, stream=0)
    fake = gan.discriminator(gan.generator(latents, training=True))
    gap = tf.reduce_mean(gan.discriminator(points)) - tf.reduce_mean(fake)
    assert float(logs["critic_gap"]) == pytest.approx(float(gap), abs=1e-5)


# ---------------------------------------------------------------- lazy penalties


@pytest.mark.parametrize("every", [2, 3])
def test_a_lazy_penalty_has_the_mean_gradient_of_the_eager_one(toy_gan, points, every):
    """With the players held still, k times the penalty every k updates adds up to the same."""
    gan = toy_gan()
    rate, updates = 1e-3, 6  # so small that the networks hardly move

    def after(penalty_every, lambda_4):
        start = values(gan.generator), values(gan.discriminator)
        gan.compile(
            penalty="r1",
            weights=LossWeights(lambda_1=0, lambda_3=0, lambda_4=lambda_4),
            g_optimizer=sgd(0.0),
            d_optimizer=sgd(rate),
            n_critic=1,
            penalty_every=penalty_every,
        )
        steps = []
        for _ in range(updates):
            before = values(gan.discriminator)
            gan.train_step(tf.constant(points))
            steps.append(moved(before, gan.discriminator))
        for model, weights in zip((gan.generator, gan.discriminator), start, strict=True):
            model.set_weights(weights)
        return np.array(steps)

    eager, lazy = after(1, 1.0), after(every, 1.0)
    np.testing.assert_allclose(lazy.sum(0), eager.sum(0), rtol=2e-2, atol=2e-6)
    due = np.arange(updates) % every == 0
    assert not lazy[~due].any()
    np.testing.assert_allclose(lazy[0], every * eager[0], rtol=1e-3, atol=1e-6)
    assert np.abs(lazy[due]).max(axis=1).min() > 1e-5


def test_a_lazy_penalty_costs_nothing_in_between(toy_gan, points):
    calls = []

    def penalty(discriminator, real, fake):
        calls.append(1)
        return penalties.get("r1")(discriminator, real, fake)

    gan = toy_gan()
    gan.compile(penalty=penalty, n_critic=1, penalty_every=4, run_eagerly=True)
    gan.fit(points, batch_size=8, epochs=1, verbose=0)
    assert len(calls) == 2  # at the updates 0 and 4 of 8


def test_lazy_penalty_logs_and_compiles_like_the_eager_one(toy_gan, points):
    gan = toy_gan()
    gan.compile(n_critic=2, penalty_every=2, steps_per_execution=2)
    history = gan.fit(points, batch_size=8, epochs=2, verbose=0).history
    eager = toy_gan()
    eager.compile(n_critic=2)
    first = eager.fit(points, batch_size=8, epochs=2, verbose=0).history["penalty"][0]
    assert history["penalty"][0] == pytest.approx(first, rel=0.5)  # not 0, not doubled
    assert history["penalty"][0] > 0


# ---------------------------------------------------------------- λ4 on a schedule


def test_lambda_4_may_follow_a_schedule_of_discriminator_updates(toy_gan, points):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [3.0, 0.0])
    moves = []
    for lambda_4 in (3.0, schedule):
        gan = toy_gan()
        gan.compile(
            penalty="r1",
            weights=LossWeights(lambda_1=0, lambda_3=0, lambda_4=lambda_4),
            g_optimizer=sgd(0.0),
            d_optimizer=sgd(0.1),
            n_critic=1,
        )
        for _ in range(3):
            before = values(gan.discriminator)
            gan.train_step(tf.constant(points))
            moves.append(moved(before, gan.discriminator))
    constant, scheduled = moves[:3], moves[3:]
    np.testing.assert_allclose(scheduled[:2], constant[:2], rtol=1e-5, atol=1e-8)
    assert np.abs(constant[2]).max() > 1e-5
    assert not scheduled[2].any()


# ---------------------------------------------------------------- λ2


def consensus_step(theta, psi, gamma, rate=1.0):
    """(θ, ψ) after one step on the Dirac-GAN with consensus in both losses."""
    gan = dirac.gan
    gan.generator.set_weights([np.array([theta])])
    gan.discriminator.set_weights([np.array([[psi]])])
    gan.compile(
        loss="minimax",
        penalty=None,
        weights=LossWeights(1, gamma, 1, 0),
        g_optimizer=sgd(rate),
        d_optimizer=sgd(rate),
        n_critic=1,
        generator_penalty="consensus",
    )
    gan.train_step(tf.zeros([4, 1]))
    return float(gan.generator.weights[0][0]), float(gan.discriminator.weights[0][0, 0])


@pytest.mark.parametrize(("theta", "psi"), [(0.8, 0.5), (-0.6, 1.2)])
def test_consensus_takes_the_closed_step_on_the_dirac_gan(theta, psi):
    """R = ½ (θ² + ψ²) s², s = σ(θψ): each player descends its own loss + γR."""
    dirac(theta, psi, (0, 0, 0, 0))  # builds the networks
    rate, gamma = 0.1, 0.7

    def r(theta, psi):
        return 0.5 * (theta**2 + psi**2) / (1 + np.exp(-theta * psi)) ** 2

    h = 1e-6
    s = 1 / (1 + np.exp(-theta * psi))
    r_psi = (r(theta, psi + h) - r(theta, psi - h)) / (2 * h)
    new_psi = psi - rate * (theta * s + gamma * r_psi)
    s = 1 / (1 + np.exp(-theta * new_psi))
    r_theta = (r(theta + h, new_psi) - r(theta - h, new_psi)) / (2 * h)
    new_theta = theta + rate * (new_psi * s - gamma * r_theta)
    got = consensus_step(theta, psi, gamma, rate)
    np.testing.assert_allclose(got, (new_theta, new_psi), rtol=1e-4)


def test_consensus_has_the_eigenvalues_of_the_closed_form():
    """−γ/4 ± i/2 on the Dirac-GAN: both players are damped, with the field term only one is."""
    dirac(0.1, 0.1, (0, 0, 0, 0))
    gamma, size, rate = 0.8, 1e-3, 1e-3
    columns = []
    for start in ((size, 0.0), (0.0, size)):
        end = consensus_step(*start, gamma, rate)  # a step so small that taking turns is nothing
        columns.append((np.array(end) - start) / (rate * size))
    found = np.sort_complex(np.linalg.eigvals(np.array(columns).T))
    np.testing.assert_allclose(found, [-gamma / 4 - 0.5j, -gamma / 4 + 0.5j], atol=0.03)
    field = np.linalg.eigvals(jacobian((1, gamma, 1, 0)))
    np.testing.assert_allclose(field.real, -gamma / 8, atol=2e-3)


def test_consensus_adds_to_the_discriminators_loss_what_field_does_not(toy_gan, points):
    def step(kind, lambda_2):
        gan = toy_gan()
        gan.compile(
            loss="non_saturating",
            penalty=None,
            weights=LossWeights(1, lambda_2, 1, 0),
            g_optimizer=sgd(1.0),
            d_optimizer=sgd(1.0),
            n_critic=1,
            generator_penalty=kind,
        )
        before = values(gan.discriminator)
        gan.train_step(tf.constant(points))
        return moved(before, gan.discriminator)

    plain = step("field", 0.0)
    np.testing.assert_array_equal(step("consensus", 0.0), plain)
    np.testing.assert_array_equal(step("field", 3.0), plain)
    assert np.abs(step("consensus", 3.0) - plain).max() > 1e-4


# ---------------------------------------------------------------- competitive steps


def competitive(points_gan, loss="wasserstein", rate=0.05, **options):
    points_gan.compile(
        loss=loss,
        penalty=options.pop("penalty", None),
        weights=options.pop("weights", None),
        g_optimizer=optimizers.CompetitiveGradient(rate, **options),
        n_critic=1,
    )
    return points_gan


def test_a_competitive_step_is_the_closed_one_on_the_dirac_gan():
    """f = θψ with the Wasserstein loss (real 0): CGD divides ‖w‖² by 1 + η² each step."""
    dirac(0.1, 0.1, (0, 0, 0, 0))
    gan, rate = dirac.gan, 0.4
    competitive(gan, rate=rate, tolerance=1e-7)
    gan.generator.set_weights([np.array([0.8])])
    gan.discriminator.set_weights([np.array([[0.5]])])
    squares = [0.8**2 + 0.5**2]
    for _ in range(3):
        logs = gan.train_step(tf.zeros([4, 1]))
        theta, psi = gan.generator.weights[0][0], gan.discriminator.weights[0][0, 0]
        squares.append(float(theta) ** 2 + float(psi) ** 2)
    np.testing.assert_allclose(squares[1:], np.array(squares[:-1]) / (1 + rate**2), rtol=1e-5)
    assert set(logs) == set(LOG_NAMES)


def test_competitive_training_runs_in_fit_and_is_saved(toy_gan, points, tmp_path):
    gan = competitive(toy_gan(), "minimax", penalty="r1", weights=LossWeights(lambda_4=0.1))
    before = values(gan.generator), values(gan.discriminator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = gan.fit(points, batch_size=32, epochs=2, verbose=0).history
    assert set(history) == set(LOG_NAMES)
    assert all(np.isfinite(series).all() for series in history.values())
    assert min(history["gradient_norm"]) > 0
    assert np.abs(moved(before[0], gan.generator)).max() > 1e-4
    assert np.abs(moved(before[1], gan.discriminator)).max() > 1e-4
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    for model in (gan, loaded):
        model.fit(points, batch_size=32, epochs=1, shuffle=False, verbose=0)
    assert_same(gan, loaded)


def test_a_solve_that_hits_its_cap_warns_once_and_goes_on(toy_gan, points):
    gan = competitive(toy_gan(), rate=2.0, max_iterations=1, tolerance=1e-9)
    with pytest.warns(UserWarning, match=r"after 1 iterations with relative residual") as caught:
        history = gan.fit(points, batch_size=16, epochs=2, verbose=0)
    assert len([w for w in caught if "residual" in str(w.message)]) == 1
    assert len(history.history["d_loss"]) == 2
    assert float(gan.g_optimizer.residual) > 1e-9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"d_optimizer": "adam"}, "d_optimizer must be None"),
        ({"n_critic": 2}, "n_critic must be 1"),
        ({"penalty_every": 2}, "penalty_every must be 1"),
        ({"weights": LossWeights(lambda_2=0.1)}, "lambda_2 must be 0"),
        ({"weights": LossWeights(lambda_1=2.0)}, "lambda_1 must be 1"),
        ({"loss": "non_saturating"}, "loss must be zero-sum.*minimax, wasserstein"),
    ],
)
def test_competitive_refuses_what_is_not_one_zero_sum_game(toy_gan, options, words):
    with pytest.raises(ValueError, match=words):
        toy_gan().compile(
            **{"g_optimizer": optimizers.CompetitiveGradient(0.1), "n_critic": 1, **options}
        )


# ---------------------------------------------------------------- conjugate gradients in GPAT


def test_conjugate_gradients_train_both_players(toy_gan, points, tmp_path):
    gan = toy_gan()
    gan.compile(
        g_optimizer=optimizers.ConjugateGradient(1e-2, "hybrid_fr_prp"),
        d_optimizer=optimizers.ConjugateGradient(1e-2, "hager_zhang"),
        n_critic=2,
    )
    history = gan.fit(points, batch_size=8, epochs=2, verbose=0).history
    assert all(np.isfinite(series).all() for series in history.values())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.d_optimizer.get_config() == gan.d_optimizer.get_config()
    for model in (gan, loaded):
        model.fit(points, batch_size=8, epochs=1, verbose=0)
    assert_same(gan, loaded)


# ---------------------------------------------------------------- saving, faults


def test_every_new_option_is_saved_with_the_model(toy_gan, points, tmp_path):
    gan = toy_gan()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.3, 10, 0.1)
    gan.compile(
        loss="relativistic",
        penalty="r1_r2",
        weights=LossWeights(1, 0.2, 1, schedule),
        n_critic=1,
        penalty_every=2,
        generator_penalty="consensus",
    )
    gan.fit(points, batch_size=16, epochs=1, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.penalty_every == 2
    assert loaded.generator_penalty == "consensus"
    assert loaded.loss_weights.lambda_4.get_config() == schedule.get_config()
    for model in (gan, loaded):
        model.fit(points, batch_size=16, epochs=1, verbose=0)
    assert_same(gan, loaded)


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_a_lazy_interval_below_one_is_refused(toy_gan, every):
    with pytest.raises(ValueError, match="penalty_every must be a whole number >= 1"):
        toy_gan().compile(penalty_every=every)


def test_an_unknown_generator_penalty_lists_the_known_ones(toy_gan):
    with pytest.raises(ValueError, match="unknown generator_penalty 'both'.*consensus.*field"):
        toy_gan().compile(generator_penalty="both")


@pytest.mark.parametrize("eager", [False, True])
def test_a_layer_without_second_derivative_is_named(eager):
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(48), layers.Reshape((4, 4, 3))])
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2D(4, 3),
            layers.UpSampling2D(2, interpolation="bicubic", name="enlarge"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    gan = GPAT(generator, discriminator, latent_dim=3)
    gan.compile(penalty="r1", n_critic=1, run_eagerly=eager)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 3)).astype(np.float32)
    with pytest.raises(ValueError, match=r"twice differentiable.*enlarge \(UpSampling2D\)"):
        gan.fit(images, batch_size=4, verbose=0)
    gan.compile(penalty=None, n_critic=1)
    gan.fit(images, batch_size=4, verbose=0)  # without a penalty it trains


def test_a_discriminator_that_ignores_its_input_is_named(points):
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(2)])

    class Constant(layers.Layer):
        def build(self, shape):
            self.b = self.add_weight(shape=(1, 1))

        def call(self, x):
            return tf.zeros_like(x[:, :1]) + self.b

    gan = GPAT(generator, keras.Sequential([keras.Input((2,)), Constant()]), latent_dim=3)
    gan.compile(n_critic=1)
    with pytest.raises(ValueError, match="discriminator's scores do not depend on its input"):
        gan.fit(points, verbose=0)


def test_an_endless_stream_without_steps_per_epoch_is_refused(toy_gan):
    gan = toy_gan()
    gan.compile(n_critic=2)
    stream = data.point_stream("ring", 8)
    with pytest.raises(ValueError, match="steps_per_epoch"):
        gan.fit(stream, verbose=0)
    assert len(gan.fit(stream, steps_per_epoch=2, verbose=0).history["d_loss"]) == 1


# ---------------------------------------------------------------- recipes


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_compiles_what_it_says(toy_gan, name):
    recipe = recipes.get(name)
    assert recipe.name == name
    gan = recipe.compile(toy_gan(), steps=40)
    assert gan.adversarial_loss.name == recipe.loss
    assert gan.gradient_penalty is penalties.get(recipe.penalty)
    assert (gan.ema, gan.n_critic, gan.augment) == (recipe.ema, recipe.n_critic, recipe.augment)
    for updates, weight in ((0, recipe.lambda_4[0]), (40 * recipe.n_critic, recipe.lambda_4[1])):
        assert float(gan.loss_weights.penalty_weight(updates)) == pytest.approx(weight, rel=1e-4)
    for optimizer, count in ((gan.g_optimizer, 40), (gan.d_optimizer, 40 * recipe.n_critic)):
        schedule = keras.optimizers.schedules.deserialize(optimizer.get_config()["learning_rate"])
        last = recipe.learning_rate * recipe.final_rate
        assert float(schedule(0)) == pytest.approx(recipe.learning_rate)
        assert float(schedule(count / 2)) == pytest.approx((recipe.learning_rate + last) / 2)
        assert float(schedule(count)) == pytest.approx(last, abs=1e-9)
        assert (optimizer.beta_1, optimizer.beta_2) == recipe.betas
    assert gan.steps_per_execution == min(40, recipe.steps_per_execution)


def test_a_recipe_builds_its_networks():
    keras.utils.set_random_seed(0)
    recipe = recipes.get("points")
    built = recipe.build(steps=2, seed=3)
    assert (built.seed, built.latent_dim, built.steps_per_execution) == (3, 2, 2)
    built.fit(data.point_stream("ring", 16), steps_per_epoch=2, verbose=0)
    assert built.generate(5).shape == (5, 2)
    with pytest.raises(ValueError, match="steps must be a whole number >= 1"):
        recipe.compile(built, steps=0)
    with pytest.raises(ValueError, match="unknown recipe 'best'.*images, points, source, wgan_gp"):
        recipes.get("best")


def test_recipes_for_images_fit_shape_and_classes():
    """ "source" is the pair of the source material; another size is refused before it is built."""
    source = recipes.get("source").build()
    assert source.generator.count_params() == 5_159_363
    assert source.discriminator.count_params() == 217_985
    assert (source.latent_dim, source.num_classes) == (100, None)
    grey = recipes.get("images").build(image_shape=(32, 32, 1), num_classes=10)
    assert grey.num_classes == 10
    assert grey.generate(2).shape == (2, 32, 32, 1)
    with pytest.raises(ValueError, match=r"image_shape is \(64, 64, 3\); .*recipe.compile"):
        recipes.get("wgan_gp").build(image_shape=(64, 64, 3))
    own = dataclasses.replace(recipes.get("wgan_gp"), ema=0.999, final_rate=0.0, augment=("flip",))
    gan = own.compile(grey, steps=10)
    assert (gan.ema, gan.augment) == (0.999, ("flip",))
