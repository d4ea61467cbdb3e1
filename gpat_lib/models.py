"""Generators and discriminators as plain Keras models."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from gpat_lib import _checks

if not tf.config.list_physical_devices("GPU"):
    # TensorFlow's graph rewriter tries to fuse convolution, bias and LeakyReLU, fails when their
    # gradient is needed too, and says so on stderr. Without it the speed is the same.
    tf.config.optimizer.set_experimental_options({"remapping": False})


@keras.saving.register_keras_serializable(package="gpat_lib")
class ClipWeights(keras.constraints.Constraint):
    """Weight clipping: after each update, every weight is cut to [−limit, limit].

    The original way to bound a critic's slope (Arjovsky et al. 2017, algorithm 1, limit 0.01).
    Keras's optimisers apply it after each update; until the first one the initial weights stand.

    Args:
        limit: Largest absolute value of a weight, > 0.

    Raises:
        ValueError: If the limit is not a number > 0.
    """

    def __init__(self, limit: float = 0.01):
        self.limit = _checks.number("limit", limit, least=1e-12)

    def __call__(self, weights: Any) -> Any:
        """The weights, each cut to the range."""
        return keras.ops.clip(weights, -self.limit, self.limit)

    def get_config(self) -> dict[str, float]:
        """The arguments of a copy."""
        return {"limit": self.limit}


@keras.saving.register_keras_serializable(package="gpat_lib")
def leaky_relu(x: Any, negative_slope: float = 0.0) -> Any:
    """X where x > 0, else ``negative_slope``·x: the bend in the course's discriminators.

    Values and gradients are those of Keras's ReLU and LeakyReLU, and cheaper under a gradient
    penalty. TensorFlow's own pass a second derivative of *zeros* to the features, which are then
    carried back through the whole network. Here the slope at ``x`` is a constant for every tape.

    Args:
        x: Tensor of floats.
        negative_slope: Slope below and at 0.

    Returns:
        A tensor of the shape and type of ``x``.
    """

    @tf.custom_gradient
    def bend(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        # Values times the slope at x: linear, so its gradient is the same function again.
        product = tf.raw_ops.LeakyReluGrad(gradients=values, features=x, alpha=negative_slope)
        return product, bend

    return bend(x)


@keras.saving.register_keras_serializable(package="gpat_lib")
class LeakyReLU(layers.LeakyReLU):
    """Keras's layer, computed by ``leaky_relu``."""

    def call(self, x: Any) -> Any:
        """The bent features."""
        return leaky_relu(x, self.negative_slope)


def _limited(stack: list[Any], spectral_norm: bool, clip: float | None) -> list[Any]:
    """The layers of a discriminator, those with a kernel bound in the way asked for, if any."""
    if spectral_norm and clip is not None:
        raise ValueError(
            "at most one of spectral_norm and clip may be set; got "
            f"spectral_norm={spectral_norm!r} and clip={clip!r}"
        )
    constraint = None if clip is None else ClipWeights(_checks.number("clip", clip, least=1e-12))
    limited = []
    for layer in stack:
        if isinstance(layer, layers.Dense | layers.Conv2D):
            layer.kernel_constraint = layer.bias_constraint = constraint
            if spectral_norm:
                # float32 for the wrapper alone: the layer inside keeps its own precision, but at
                # bfloat16 the wrapper would round the stored kernel and lose small updates.
                layer = layers.SpectralNormalization(layer, power_iterations=1, dtype="float32")
        limited.append(layer)
    return limited


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
    image_shape: tuple[int, int, int] = (32, 32, 3),
    width: int = 64,
    dropout: float = 0.3,
    depth: int = 2,
    hidden: int = 0,
    spectral_norm: bool = False,
    clip: float | None = None,
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
        depth: Number of convolutions, ≥ 1; each has twice the filters of the one before.
        hidden: Units of a Dense layer with LeakyReLU before the last one; 0 for none. Without it
            the score is a sum over places, which sees strokes well and whole digits badly.
        spectral_norm: As in ``mlp_discriminator``. A convolution's kernel is taken as a matrix
            with one column per filter, as in the paper: here this bounds the slope of a layer
            by 3, since strides of 2 let nine windows see a pixel.
        clip: As in ``mlp_discriminator``.

    Returns:
        A model with float32 logits.

    Raises:
        ValueError: If an argument is out of its range, or both ``spectral_norm`` and ``clip`` are
            set.
    """
    if not isinstance(image_shape, tuple | list) or len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); got {image_shape!r}")
    shape = tuple(_checks.whole("image_shape", side) for side in image_shape)
    width = _checks.whole("width", width)
    dropout = _checks.number("dropout", dropout, below=1.0)
    depth = _checks.whole("depth", depth)
    hidden = _checks.whole("hidden", hidden, least=0)

    def down(filters: int) -> list[layers.Layer]:
        return [
            layers.Conv2D(filters, 5, strides=2, padding="same"),
            LeakyReLU(),
            layers.Dropout(dropout),
        ]

    stack = [layer for i in range(depth) for layer in down(2**i * width)]
    stack += [layers.Flatten()]
    stack += [layers.Dense(hidden), LeakyReLU()] if hidden else []
    stack += [layers.Dense(1, dtype="float32")]
    return keras.Sequential(
        [keras.Input(shape), *_limited(stack, spectral_norm, clip)], name="discriminator"
    )


def mlp_generator(
    latent_dim: int = 2, width: int = 128, depth: int = 3, output_dim: int = 2
) -> keras.Model:
    """A generator of points: noise ``(n, latent_dim)`` to points ``(n, output_dim)``.

    ``depth`` dense layers of ``width`` units with ReLU, then a dense layer without activation.
    There is no normalisation.

    Args:
        latent_dim: Number of noise values per point, ≥ 1.
        width: Units of a hidden layer, ≥ 1.
        depth: Number of hidden layers, ≥ 1.
        output_dim: Coordinates of a point, ≥ 1.

    Returns:
        A model with float32 outputs of any size.

    Raises:
        ValueError: If an argument is not a whole number ≥ 1.
    """
    latent_dim = _checks.whole("latent_dim", latent_dim)
    output_dim = _checks.whole("output_dim", output_dim)
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            *_hidden(width, depth, "relu"),
            layers.Dense(output_dim, dtype="float32"),
        ],
        name="generator",
    )


def mlp_discriminator(
    input_dim: int = 2,
    width: int = 128,
    depth: int = 3,
    spectral_norm: bool = False,
    clip: float | None = None,
) -> keras.Model:
    """A discriminator of points: ``(n, input_dim)`` to logits ``(n, 1)``.

    ``depth`` dense layers of ``width`` units with ReLU, then one dense unit without activation.

    With ``spectral_norm`` every kernel is divided by an estimate of its largest singular value,
    from one power iteration per call (Miyato et al. 2018), so that each dense layer has a slope
    of about 1 at most. Keras's layer writes the quotient back into the kernel at every call with
    ``training=True``: a projection of the weights, whose gradient does not pass through the
    division as it does in the paper. With ``training=False``, as penalties see it, the stored
    kernel is used as it is: the same function as in the training call before it.

    Args:
        input_dim: Coordinates of a point, ≥ 1.
        width: Units of a hidden layer, ≥ 1.
        depth: Number of hidden layers, ≥ 1.
        spectral_norm: Normalise every kernel by its spectral norm.
        clip: Cut kernels and biases to [−clip, clip] after each update, see ``ClipWeights``;
            > 0, or ``None``. Not together with ``spectral_norm``.

    Returns:
        A model with float32 logits.

    Raises:
        ValueError: If an argument is out of its range, or both ``spectral_norm`` and ``clip`` are
            set.
    """
    input_dim = _checks.whole("input_dim", input_dim)
    stack = [*_hidden(width, depth, leaky_relu), layers.Dense(1, dtype="float32")]
    return keras.Sequential(
        [keras.Input((input_dim,)), *_limited(stack, spectral_norm, clip)], name="discriminator"
    )


def _hidden(width: int, depth: int, activation: Any) -> list[layers.Layer]:
    width, depth = _checks.whole("width", width), _checks.whole("depth", depth)
    return [layers.Dense(width, activation=activation) for _ in range(depth)]
