"""Generators and discriminators as plain Keras models."""

import keras
import tensorflow as tf
from keras import layers

from gpat_lib import _checks

if not tf.config.list_physical_devices("GPU"):
    # TensorFlow's graph rewriter tries to fuse convolution, bias and LeakyReLU, fails when their
    # gradient is needed too, and says so on stderr. Without it the speed is the same.
    tf.config.optimizer.set_experimental_options({"remapping": False})


def dcgan_generator(latent_dim: int = 100, width: int = 64, channels: int = 3) -> keras.Model:
    """The course's generator: noise ``(n, latent_dim)`` to images ``(n, 32, 32, channels)``.

    Dense without bias to 4·4·8w features, then transposed convolutions 5×5 to 4w (stride 1),
    2w (stride 2), w (stride 2) and ``channels`` (stride 2). Each but the last is followed by
    batch normalisation and LeakyReLU (slope 0.3, Keras's default); the last by tanh. Width 64
    is the network of the source material; a DCGAN (Radford et al. 2016) in its main lines.

    Args:
        latent_dim: Number of noise values per image, ≥ 1.
        width: Number w of features before the last layer, ≥ 1; cost grows with its square.
        channels: 3 for colour, 1 for grey.

    Returns:
        A model with float32 outputs in (−1, 1).

    Raises:
        ValueError: If an argument is not a whole number ≥ 1.
    """
    latent_dim = _checks.whole("latent_dim", latent_dim)
    width = _checks.whole("width", width)
    channels = _checks.whole("channels", channels)

    def up(filters: int, strides: int) -> list[layers.Layer]:
        return [
            layers.Conv2DTranspose(filters, 5, strides=strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
        ]

    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(4 * 4 * 8 * width, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((4, 4, 8 * width)),
            *up(4 * width, strides=1),
            *up(2 * width, strides=2),
            *up(width, strides=2),
            # float32 also under mixed precision: images and penalties want the digits.
            layers.Conv2DTranspose(
                channels, 5, strides=2, padding="same", activation="tanh", dtype="float32"
            ),
        ],
        name="generator",
    )


def dcgan_discriminator(
    image_shape: tuple[int, int, int] = (32, 32, 3), width: int = 64, dropout: float = 0.3
) -> keras.Model:
    """The course's discriminator: images ``(n, *image_shape)`` to logits ``(n, 1)``.

    Convolutions 5×5 of stride 2 with w and 2w filters, each with LeakyReLU (slope 0.3) and
    dropout, then one Dense unit. The output is a logit: unbounded, without sigmoid. There is
    no batch normalisation, which would couple the samples of a batch and make a per-sample
    gradient penalty meaningless. Width 64 is the network of the source material.

    Args:
        image_shape: Height, width and channels of an image in pixels.
        width: Number w of filters in the first layer, ≥ 1.
        dropout: Share of features dropped in training, 0 ≤ dropout < 1.

    Returns:
        A model with float32 logits.

    Raises:
        ValueError: If an argument is out of its range.
    """
    if not isinstance(image_shape, tuple | list) or len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); got {image_shape!r}")
    shape = tuple(_checks.whole("image_shape", side) for side in image_shape)
    width = _checks.whole("width", width)
    dropout = _checks.number("dropout", dropout, below=1.0)

    def down(filters: int) -> list[layers.Layer]:
        return [
            layers.Conv2D(filters, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            layers.Dropout(dropout),
        ]

    return keras.Sequential(
        [
            keras.Input(shape),
            *down(width),
            *down(2 * width),
            layers.Flatten(),
            layers.Dense(1, dtype="float32"),
        ],
        name="discriminator",
    )
