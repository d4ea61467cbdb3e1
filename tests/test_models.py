"""The networks of the source material, layer by layer."""

import keras
import numpy as np
import pytest
from keras import layers

from gpat_lib import models


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_generator_at_width_64_layer_by_layer():
    generator = models.dcgan_generator()
    w, latent_dim, channels = 64, 100, 3
    expected = [  # layer, output shape, parameters
        ("Dense", (128 * w,), latent_dim * 128 * w),
        ("BatchNormalization", (128 * w,), 4 * 128 * w),
        ("LeakyReLU", (128 * w,), 0),
        ("Reshape", (4, 4, 8 * w), 0),
        ("Conv2DTranspose", (4, 4, 4 * w), 25 * 8 * w * 4 * w),
        ("BatchNormalization", (4, 4, 4 * w), 4 * 4 * w),
        ("LeakyReLU", (4, 4, 4 * w), 0),
        ("Conv2DTranspose", (8, 8, 2 * w), 25 * 4 * w * 2 * w),
        ("BatchNormalization", (8, 8, 2 * w), 4 * 2 * w),
        ("LeakyReLU", (8, 8, 2 * w), 0),
        ("Conv2DTranspose", (16, 16, w), 25 * 2 * w * w),
        ("BatchNormalization", (16, 16, w), 4 * w),
        ("LeakyReLU", (16, 16, w), 0),
        ("Conv2DTranspose", (32, 32, channels), 25 * w * channels + channels),
    ]
    found = [
        (kind, tuple(layer.output.shape[1:]), layer.count_params())
        for kind, layer in zip(kinds(generator), generator.layers, strict=True)
    ]
    assert found == expected
    assert generator.count_params() == sum(row[2] for row in expected) == 5_159_363
    assert generator.input_shape == (None, latent_dim)
    ups = [layer for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert [up.strides for up in ups] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert {up.kernel_size for up in ups} == {(5, 5)}
    assert [up.use_bias for up in ups] == [False, False, False, True]
    assert ups[-1].activation is keras.activations.tanh


def test_discriminator_at_width_64_layer_by_layer():
    discriminator = models.dcgan_discriminator()
    w = 64
    expected = [
        ("Conv2D", (16, 16, w), 25 * 3 * w + w),
        ("LeakyReLU", (16, 16, w), 0),
        ("Dropout", (16, 16, w), 0),
        ("Conv2D", (8, 8, 2 * w), 25 * w * 2 * w + 2 * w),
        ("LeakyReLU", (8, 8, 2 * w), 0),
        ("Dropout", (8, 8, 2 * w), 0),
        ("Flatten", (8 * 8 * 2 * w,), 0),
        ("Dense", (1,), 8 * 8 * 2 * w + 1),
    ]
    found = [
        (kind, tuple(layer.output.shape[1:]), layer.count_params())
        for kind, layer in zip(kinds(discriminator), discriminator.layers, strict=True)
    ]
    assert found == expected
    assert discriminator.count_params() == sum(row[2] for row in expected) == 217_985
    assert discriminator.input_shape == (None, 32, 32, 3)
    downs = [layer for layer in discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert {(down.kernel_size, down.strides) for down in downs} == {((5, 5), (2, 2))}
    drops = [layer.rate for layer in discriminator.layers if isinstance(layer, layers.Dropout)]
    assert drops == [0.3, 0.3]


@pytest.mark.parametrize("build", [models.dcgan_generator, models.dcgan_discriminator])
def test_leaky_relu_has_the_slope_of_the_source_material(build):
    slopes = [
        layer.negative_slope
        for layer in build(width=4).layers
        if isinstance(layer, layers.LeakyReLU)
    ]
    assert slopes
    np.testing.assert_allclose(slopes, 0.3, rtol=1e-6)


def test_no_batch_normalisation_in_the_discriminator():
    """Each sample's score depends on that sample alone."""
    discriminator = models.dcgan_discriminator(width=4, dropout=0.0)
    images = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    together = discriminator(images, training=True).numpy()
    changed = images.copy()
    changed[1:] = 0.5
    np.testing.assert_allclose(discriminator(changed, training=True)[0], together[0], rtol=1e-5)


def test_images_fill_the_range_of_tanh_and_logits_are_unbounded():
    generator = models.dcgan_generator(6, width=4)
    discriminator = models.dcgan_discriminator(width=4)
    noise = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)
    for weight in generator.layers[-1].weights:
        weight.assign(weight * 1e3 + 1.0)
    images = generator(noise, training=False).numpy()
    assert images.shape == (16, 32, 32, 3)
    assert -1.0 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1.0
    logits = discriminator(1e3 * images).numpy()
    assert logits.shape == (16, 1)
    assert np.ptp(logits) > 2.0
    assert discriminator.layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize(("width", "channels", "latent_dim"), [(4, 1, 1), (7, 3, 10)])
def test_narrower_networks(width, channels, latent_dim):
    generator = models.dcgan_generator(latent_dim, width, channels)
    assert generator.output_shape == (None, 32, 32, channels)
    assert generator.layers[0].units == 128 * width
    discriminator = models.dcgan_discriminator((32, 32, channels), width)
    assert discriminator.layers[0].filters == width
    assert discriminator.layers[3].filters == 2 * width
    assert discriminator.output_shape == (None, 1)


@pytest.mark.parametrize("size", [(28, 28, 1), (17, 33, 3)])
def test_the_discriminator_takes_other_sizes(size):
    assert models.dcgan_discriminator(size, width=2)(np.zeros((2, *size))).shape == (2, 1)


def test_outputs_are_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        generator = models.dcgan_generator(3, width=2)
        discriminator = models.dcgan_discriminator(width=2)
    finally:
        keras.config.set_dtype_policy("float32")
    assert generator.layers[4].compute_dtype == "bfloat16"
    images = generator(np.zeros((2, 3)))
    assert images.dtype == discriminator(images).dtype == "float32"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("latent_dim", 0),
        ("latent_dim", 2.5),
        ("latent_dim", "100"),
        ("width", 0),
        ("width", -4),
        ("width", True),
        ("channels", 0),
        ("channels", None),
    ],
)
def test_generator_names_a_bad_argument(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be a whole number"):
        models.dcgan_generator(**{argument: value})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("image_shape", (32, 32)),
        ("image_shape", (32, 32, 3, 1)),
        ("image_shape", (32, 0, 3)),
        ("image_shape", (32.0, 32, 3)),
        ("image_shape", 32),
        ("width", 0),
        ("dropout", -0.1),
        ("dropout", 1.0),
        ("dropout", float("nan")),
        ("dropout", "0.3"),
    ],
)
def test_discriminator_names_a_bad_argument(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        models.dcgan_discriminator(**{argument: value})
