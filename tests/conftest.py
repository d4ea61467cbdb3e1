"""What the library's tests share: quiet TensorFlow, no windows, and very small models."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest


@pytest.fixture
def toy_gan():
    """A function that builds a tiny GAN of 2-D points, not compiled."""

    def build(seed=0, dropout=0.0, batch_norm=False):
        import keras
        from keras import layers

        from gpat_lib import GPAT

        keras.utils.set_random_seed(seed)
        hidden = [layers.Dense(5, "tanh")]
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                *hidden,
                *([layers.BatchNormalization()] if batch_norm else []),
                layers.Dense(2),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(6, "softplus"),
                *([layers.Dropout(dropout)] if dropout else []),
                layers.Dense(1),
            ]
        )
        return GPAT(generator, discriminator, latent_dim=3, seed=seed)

    return build


@pytest.fixture
def points():
    """64 points in the plane."""
    return np.random.default_rng(7).normal(1.0, 0.5, (64, 2)).astype(np.float32)


@pytest.fixture
def image_gan():
    """A function that builds the course's networks, very narrow, not compiled."""

    def build(width=4, latent_dim=5, dropout=0.3):
        import keras

        from gpat_lib import GPAT, models

        keras.utils.set_random_seed(0)
        return GPAT(
            models.dcgan_generator(latent_dim, width),
            models.dcgan_discriminator(width=width, dropout=dropout),
            latent_dim=latent_dim,
        )

    return build
