"""Adversarial losses: closed forms, extreme logits, directions, names."""

import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import losses

REAL = np.array([[-1.5], [0.0], [0.3], [4.0]])
FAKE = np.array([[2.0], [-0.7], [0.1], [-3.0]])


def softplus(x):
    return np.logaddexp(0.0, x)


CLOSED_FORMS = {
    "non_saturating": (
        softplus(-REAL).mean() + softplus(FAKE).mean(),
        softplus(-FAKE).mean(),
    ),
    "minimax": (softplus(-REAL).mean() + softplus(FAKE).mean(), -softplus(FAKE).mean()),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
    "hinge": (
        np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(),
        -FAKE.mean(),
    ),
    "least_squares": (
        ((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2,
        ((FAKE - 1) ** 2).mean() / 2,
    ),
    "relativistic": (softplus(FAKE - REAL).mean(), softplus(REAL - FAKE).mean()),
}


def test_every_loss_has_a_closed_form_here():
    assert set(CLOSED_FORMS) == set(losses.LOSSES)
    assert all(loss.name == name for name, loss in losses.LOSSES.items())


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("shape", [(4, 1), (4,), (1, 2, 2, 1)])
def test_values_are_those_of_the_formulas(name, shape):
    loss = losses.get(name)
    real, fake = REAL.reshape(shape), FAKE.reshape(shape)
    discriminator, generator = CLOSED_FORMS[name]
    assert loss.discriminator(real, fake).shape == ()
    np.testing.assert_allclose(loss.discriminator(real, fake), discriminator, rtol=1e-12)
    np.testing.assert_allclose(loss.generator(real, fake), generator, rtol=1e-12)


def test_an_undecided_discriminator_costs_two_log_two():
    """At D = 0 everywhere, the equilibrium: −log ½ for the reals and again for the fakes."""
    zero = np.zeros((3, 1))
    for name in ("non_saturating", "minimax"):
        np.testing.assert_allclose(losses.get(name).discriminator(zero, zero), 2 * np.log(2))
    np.testing.assert_allclose(losses.get("non_saturating").generator(zero, zero), np.log(2))
    np.testing.assert_allclose(losses.get("minimax").generator(zero, zero), -np.log(2))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_values_and_gradients_are_finite_at_extreme_logits(name, dtype, sign):
    loss = losses.get(name)
    real = tf.fill([4, 1], tf.cast(sign * 1e4, dtype))
    fake = -real
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        values = [loss.discriminator(real, fake), loss.generator(real, fake)]
    for value in values:
        assert np.isfinite(value)
        assert value.dtype == ("float64" if dtype == "float64" else "float32")
        gradients = [g for g in tape.gradient(value, [real, fake]) if g is not None]
        assert gradients
        assert all(np.isfinite(tf.cast(g, tf.float32)).all() for g in gradients)


def test_the_cross_entropy_is_exact_where_a_sigmoid_would_round_to_one():
    """−log σ(−50) = 50; computed as log(1 − σ(50)) in float32 it would be infinite."""
    logits = tf.constant([[50.0]])
    np.testing.assert_allclose(losses.get("minimax").discriminator(-logits, logits), 100.0)


def test_half_precision_is_averaged_in_float32():
    rng = np.random.default_rng(0)
    logits = tf.cast(rng.normal(3.0, 1.0, 5000), tf.bfloat16)
    expected = tf.cast(logits, tf.float64).numpy().mean()
    np.testing.assert_allclose(
        losses.get("wasserstein").generator(logits, logits), -expected, rtol=1e-5
    )


def gradients_of(name, player, real, fake):
    real, fake = tf.constant(real), tf.constant(fake)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = getattr(losses.get(name), player)(real, fake)
    return tape.gradient(value, [real, fake])


# Where each loss pulls: scores on the wrong side of every target and margin.
WRONG_REAL, WRONG_FAKE = np.full((4, 1), -1.5), np.full((4, 1), 0.5)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_each_player_pushes_the_scores_its_own_way(name):
    """Descent raises D(x) and lowers D(x̃) for the discriminator, raises D(x̃) for the generator."""
    to_real, to_fake = gradients_of(name, "discriminator", WRONG_REAL, WRONG_FAKE)
    assert (to_real.numpy() < 0).all()
    assert (to_fake.numpy() > 0).all()
    to_real, to_fake = gradients_of(name, "generator", WRONG_REAL, WRONG_FAKE)
    assert (to_fake.numpy() < 0).all()
    assert (to_real is not None) == (name == "relativistic")  # only pairs bring the reals in


def test_hinge_is_flat_beyond_its_margins():
    to_real, to_fake = gradients_of("hinge", "discriminator", [[1.2]], [[-1.2]])
    assert float(to_real[0, 0]) == float(to_fake[0, 0]) == 0.0
    assert float(losses.get("hinge").discriminator([[1.2]], [[-1.2]])) == 0.0


def test_least_squares_pulls_back_scores_beyond_the_targets():
    """Unlike the others, a score that is too good costs."""
    to_real, to_fake = gradients_of("least_squares", "discriminator", [[3.0]], [[-3.0]])
    np.testing.assert_allclose([to_real, to_fake], [[[2.0]], [[-3.0]]])


def test_relativistic_sees_only_differences_of_pairs():
    loss = losses.get("relativistic")
    for player in (loss.discriminator, loss.generator):
        np.testing.assert_allclose(player(REAL + 7, FAKE + 7), player(REAL, FAKE), rtol=1e-12)
        assert abs(float(player(REAL, FAKE) - player(REAL, FAKE[::-1]))) > 1e-3
        with pytest.raises(ValueError, match=r"real_logits and fake_logits.*\(4, 1\).*\(4,\)"):
            player(REAL, FAKE[:, 0])


def test_minimax_saturates_where_the_discriminator_is_sure():
    sure = np.full((4, 1), -20.0)
    minimax = gradients_of("minimax", "generator", -sure, sure)[1].numpy()
    alive = gradients_of("non_saturating", "generator", -sure, sure)[1].numpy()
    assert (np.abs(minimax) < 1e-8).all()
    np.testing.assert_allclose(alive, -0.25, rtol=1e-6)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown loss 'wgan'.*minimax.*non_sat.*wasserstein"):
        losses.get("wgan")
    for wrong in (None, 3, ["wasserstein"]):
        with pytest.raises(ValueError, match=r"unknown loss.*minimax"):
            losses.get(wrong)


def test_a_loss_of_your_own_passes_through():
    mine = losses.AdversarialLoss("mine", lambda r, f: r, lambda r, f: f)
    assert losses.get(mine) is mine
