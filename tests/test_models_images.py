"""Image-to-image generator and patch discriminator: sizes, borders, what a logit sees, files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gpat_lib import models, penalties


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(0)
    return models.image_generator((4, 6, 8), residual_blocks=1, noise_channels=2)


# ---------------------------------------------------------------- sizes


def test_the_generator_at_its_defaults_layer_by_layer():
    generator = models.image_generator()
    kernels = [  # side, from, to
        (5, 5, 16),
        *((3, 16, 32), (3, 32, 64)),
        *[(3, 64, 64)] * 4,
        *((3, 64, 32), (3, 32, 16)),
        (5, 16, 3),
    ]
    found = [x for x in generator.layers if isinstance(x, layers.Conv2D)]
    assert [(*x.kernel.shape[1:2], *x.kernel.shape[2:]) for x in found] == kernels
    assert [x.strides[0] for x in found] == [1, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    assert [x.use_bias for x in found] == [False] * 9 + [True]
    assert {x.padding for x in found} == {"valid"}
    weights = sum(k * k * a * b for k, a, b in kernels)
    assert generator.count_params() == weights + 2 * sum(k[2] for k in kernels[:-1]) + 3
    assert generator.input_shape == (None, None, None, 5)
    pair = generator.count_params() + models.patch_discriminator().count_params()
    assert pair == 333_364


@pytest.mark.parametrize("size", [(5, 5), (5, 64), (7, 10), (33, 18), (40, 40)])
def test_what_comes_out_has_the_size_of_what_goes_in(generator, size):
    images = noise(2, *size, 5)
    assert generator.predict(images, verbose=0).shape == (2, *size, 3)  # after another size, too
    made = generator(images)
    assert made.shape == (2, *size, 3)
    assert made.dtype == tf.float32
    assert np.abs(made).max() < 1
    assert made.numpy().std() > 0.05


@pytest.mark.parametrize("widths", [(4,), (4, 4), (4, 4, 4), (4, 4, 4, 4)])
def test_the_least_side_is_just_enough(widths):
    generator = models.image_generator(widths, residual_blocks=1, noise_channels=0)
    side = models.least_side(generator)
    assert side == {1: 3, 2: 3, 3: 5, 4: 9}[len(widths)]
    assert generator(noise(1, side, side, 3)).shape == (1, side, side, 3)
    with pytest.raises(ValueError, match=r"images must have sides of more than . pixels"):
        generator(noise(1, side, side - 1, 3))


def test_image_and_noise_both_count(generator):
    images = noise(1, 12, 12, 5)
    other = images.copy()
    other[..., 4] = noise(1, 12, 12, seed=1)
    assert np.abs(generator(images) - generator(other)).max() > 1e-3
    other = images.copy()
    other[..., 0] = noise(1, 12, 12, seed=1)
    assert np.abs(generator(images) - generator(other)).max() > 1e-3


def test_images_of_a_batch_do_not_depend_on_each_other(generator):
    images = noise(3, 12, 12, 5)
    np.testing.assert_allclose(generator(images)[1:2], generator(images[1:2]), atol=1e-5)


def test_it_is_blind_to_contrast_and_brightness(generator):
    """Instance normalisation: after the first convolution each channel has mean 0 and spread 1."""
    images = noise(1, 12, 12, 5)
    np.testing.assert_allclose(generator(images), generator(0.5 * images + 0.25), atol=2e-3)


# ---------------------------------------------------------------- the layers


def test_reflection_continues_an_image_without_repeating_its_border():
    row = tf.reshape(tf.range(4.0), [1, 1, 4, 1])
    image = tf.concat([row, row + 10, row + 20], axis=1)
    padded = models.ReflectionPadding(2)(image)[0, :, :, 0]
    np.testing.assert_array_equal(padded[2], [2, 1, 0, 1, 2, 3, 2, 1])
    np.testing.assert_array_equal(padded[:, 2], [20, 10, 0, 10, 20, 10, 0])


def test_an_even_image_stays_even(generator):
    """Zeros beyond the border would show in the whole image after normalisation."""
    made = generator(np.full((1, 20, 24, 5), 0.5, np.float32))
    assert np.ptp(made, axis=(1, 2)).max() < 1e-5


def test_enlarging_interpolates_to_any_size():
    row = tf.reshape([0.0, 4.0], [1, 1, 2, 1])
    larger = models.ResizeLike()(row, tf.zeros([1, 3, 4, 7]))
    np.testing.assert_allclose(larger[0, :, :, 0], [[0, 1, 3, 4]] * 3)
    assert models.ResizeLike()(row, tf.zeros([1, 3, 5, 7])).shape == (1, 3, 5, 1)
    half = models.ResizeLike(dtype="bfloat16")(tf.cast(row, tf.bfloat16), tf.zeros([1, 2, 2, 1]))
    assert half.dtype == tf.bfloat16


# ---------------------------------------------------------------- the critic


@pytest.mark.parametrize(
    ("strided", "seen", "step", "widths"),
    [(False, 26, 4, (3, 4, 5, 5)), (True, 46, 16, (3, 4, 5, 5)), (False, 18, 4, (3, 4, 5))],
)
def test_what_a_logit_sees(strided, seen, step, widths):
    """By the gradient of one logit of the map."""
    critic = models.patch_discriminator(widths, strided)
    assert models.receptive_field(critic) == (seen, step)
    images = tf.constant(noise(1, seen + 2 * step, seen + step, 3))
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = critic(images)
        one = logits[0, 2, 1, 0]
    assert logits.shape == (1, 3, 2, 1)
    touched = np.abs(tape.gradient(one, images)).sum(axis=(0, 3)) > 0
    rows, columns = touched.any(axis=1), touched.any(axis=0)
    np.testing.assert_array_equal(np.flatnonzero(rows), 2 * step + np.arange(seen))
    np.testing.assert_array_equal(np.flatnonzero(columns), step + np.arange(seen))
    assert critic(images[:, :seen, :seen]).shape == (1, 1, 1, 1)


def test_the_source_materials_critic_at_full_width():
    critic = models.patch_discriminator((64, 128, 256, 512), strided=True)
    found = [x for x in critic.layers if isinstance(x, layers.Conv2D)]
    assert [(x.kernel_size[0], x.strides[0], x.filters) for x in found] == [
        *((4, 2, 64), (4, 2, 128), (4, 2, 256), (4, 2, 512)),
        (1, 1, 1),
    ]
    assert found[-1].activation is keras.activations.linear  # logits, not probabilities
    slopes = [x.negative_slope for x in critic.layers if isinstance(x, models.LeakyReLU)]
    assert slopes == [pytest.approx(0.2)] * 4


def test_a_penalty_differentiates_the_critic_twice():
    critic = models.patch_discriminator((4, 4, 4, 4))
    real, fake = (tf.constant(noise(2, 32, 32, 3, seed=i)) for i in range(2))
    with tf.GradientTape() as tape:
        cost = penalties.get("wgan_gp")(critic, real, fake, seed=0)
    gradient = tape.gradient(cost, critic.trainable_variables[0])
    assert 0 < np.abs(gradient).max() < np.inf


# ---------------------------------------------------------------- files, precision, bad input


def test_files_bring_back_the_same_networks(generator, tmp_path):
    images = noise(1, 30, 33, 5)
    for i, network in enumerate((generator, models.patch_discriminator((3, 4)))):
        network.save(tmp_path / f"{i}.keras")
        again = keras.saving.load_model(tmp_path / f"{i}.keras")
        given = images[..., : network.input_shape[-1]]
        np.testing.assert_array_equal(again(given), network(given))


def test_half_precision_ends_in_float32():
    policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        generator = models.image_generator((4, 4), 1, 0)
        made = generator(noise(1, 33, 30, 3))
        logits = models.patch_discriminator((3, 4))(made)
    finally:
        keras.mixed_precision.set_global_policy(policy)
    assert generator.layers[2].compute_dtype == "bfloat16"
    assert made.dtype == logits.dtype == tf.float32
    assert np.isfinite(made).all()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: models.image_generator(()), r"widths must be a row of whole numbers; got \(\)"),
        (lambda: models.image_generator(16), "widths must be a row of whole numbers; got 16"),
        (lambda: models.patch_discriminator((8, 0)), "widths must be a whole number >= 1; got 0"),
        (lambda: models.image_generator(noise_channels=-1), "noise_channels must be a whole"),
        (lambda: models.image_generator(residual_blocks=1.5), "residual_blocks must be a whole"),
        (lambda: models.ReflectionPadding(0), "size must be a whole number >= 1; got 0"),
    ],
)
def test_bad_arguments_are_named(build, words):
    with pytest.raises(ValueError, match=words):
        build()
