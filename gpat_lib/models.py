"""Generators and discriminators as plain Keras models."""

from collections.abc import Sequence
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
    """Keep x where x > 0, else take ``negative_slope``·x: the bend in the course's discriminators.

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


def _limited(stack: list[Any], spectral_norm: bool = False, clip: float | None = None) -> list[Any]:
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


def _residual(filters: int, bend: type[layers.Layer] = LeakyReLU) -> keras.Model:
    """A branch that adds to what passes by: x + conv(bend(conv(bend(x)))), both 3×3.

    The second one begins at zero, so that a deep stack begins as no more than its other layers
    and needs no normalisation (Zhang et al. 2019; in GANs Huang et al. 2024).
    """
    x = branch = keras.Input((None, None, filters))
    for start in ("he_normal", "zeros"):
        convolution = layers.Conv2D(filters, 3, padding="same", kernel_initializer=start)
        branch = convolution(bend(0.2)(branch))
    return keras.Model(x, layers.Add()([x, branch]))


def _labels(num_classes: int) -> tuple[Any, Any]:
    """The input of labels ``(n,)``, and the same as one-hot rows ``(n, num_classes)``.

    A dense layer without bias makes of these rows a learned embedding, one vector per class. The
    layer between is where ``GPAT`` reads the number of classes.
    """
    num_classes = _checks.whole("num_classes", num_classes, least=2)
    labels = keras.Input((), dtype="int32", name="labels")
    return labels, layers.CategoryEncoding(num_classes, output_mode="one_hot")(labels)


def _generator(stack: list[Any], latent_dim: int, num_classes: int | None) -> keras.Model:
    """The layers on noise; with classes on noise joined to an embedding of its size and spread."""
    latents = keras.Input((latent_dim,))
    if num_classes is None:
        return keras.Sequential([latents, *stack], name="generator")
    labels, rows = _labels(num_classes)
    normal = keras.initializers.RandomNormal(stddev=1.0)
    embedding = layers.Dense(latent_dim, use_bias=False, kernel_initializer=normal)(rows)
    images = keras.Sequential(stack)(layers.Concatenate()([latents, embedding]))
    return keras.Model([latents, labels], images, name="generator")


def _discriminator(
    shape: tuple[int, ...], stack: list[Any], num_classes: int | None, *limits: Any
) -> keras.Model:
    """The layers and a score; with classes a(h) + ⟨e(y), h⟩, h the features of the last layer."""
    images = keras.Input(shape)
    # float32 also under mixed precision: losses and penalties want the digits.
    score = layers.Dense(1, dtype="float32")
    if num_classes is None:
        stack = [images, *_limited([*stack, score], *limits)]
        return keras.Sequential(stack, name="discriminator")
    labels, rows = _labels(num_classes)
    # ⟨e(y), h⟩ for every y at once, of which the row of the label picks its own.
    projection = layers.Dense(num_classes, use_bias=False, dtype="float32")
    features = keras.Sequential(_limited(stack, *limits))(images)
    score, agreement = (head(features) for head in _limited([score, projection], *limits))
    own = layers.Dot(1, dtype="float32")([rows, agreement])
    score = layers.Add(dtype="float32")([score, own])
    return keras.Model([images, labels], score, name="discriminator")


def dcgan_generator(
    latent_dim: int = 100, width: int = 64, channels: int = 3, num_classes: int | None = None
) -> keras.Model:
    """The course's generator: noise ``(n, latent_dim)`` to images ``(n, 32, 32, channels)``.

    Dense without bias to 4·4·8w features, then transposed convolutions 5×5 to 4w (stride 1),
    2w (stride 2), w (stride 2) and ``channels`` (stride 2). Each but the last is followed by
    batch normalisation and LeakyReLU (slope 0.3, Keras's default); the last by tanh. Width 64
    is the network of the source material; a DCGAN (Radford et al. 2016) in its main lines.

    Args:
        latent_dim: Number of noise values per image, ≥ 1.
        width: Number w of features before the last layer, ≥ 1; cost grows with its square.
        channels: 3 for colour, 1 for grey.
        num_classes: With a number ≥ 2 the model takes ``[noise, labels]``, labels ``(n,)`` whole
            numbers below it. A learned vector per class, as long as the noise, is joined to the
            noise (Mirza and Osindero 2014).

    Returns:
        A model with float32 outputs in (−1, 1).

    Raises:
        ValueError: If an argument is not a whole number of at least 1, ``num_classes`` 2.
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

    stack = [
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
    ]
    return _generator(stack, latent_dim, num_classes)


def dcgan_discriminator(
    image_shape: tuple[int, int, int] = (32, 32, 3),
    width: int = 64,
    dropout: float = 0.3,
    depth: int = 2,
    hidden: int = 0,
    spectral_norm: bool = False,
    clip: float | None = None,
    num_classes: int | None = None,
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
        num_classes: With a number ≥ 2 the model takes ``[images, labels]``, labels ``(n,)`` whole
            numbers below it, and is a projection discriminator (Miyato and Koyama 2018): with h
            the last features, e(y) a learned vector per class and a the Dense unit, the score is
            a(h) + ⟨e(y), h⟩. Bounds on weights hold for e too.

    Returns:
        A model with float32 logits.

    Raises:
        ValueError: If an argument is out of its range, or both ``spectral_norm`` and ``clip`` are
            set.
    """
    shape = _image_shape(image_shape)
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
    return _discriminator(shape, stack, num_classes, spectral_norm, clip)


def _image_shape(image_shape: Any) -> tuple[int, ...]:
    if not isinstance(image_shape, tuple | list) or len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); got {image_shape!r}")
    return tuple(_checks.whole("image_shape", side) for side in image_shape)


def resnet_generator(
    latent_dim: int = 100,
    width: int = 32,
    channels: int = 3,
    size: int = 32,
    num_classes: int | None = None,
    mapping: Sequence[int] = (),
) -> keras.Model:
    """A residual generator: noise ``(n, latent_dim)`` to images ``(n, size, size, channels)``.

    Dense to 4·4 places, then for each doubling of the sides: pixels repeated, a 1×1 convolution
    to the new number of features, a residual block; a 3×3 convolution with tanh at the end.
    Features: w at the full size, 2w at half of it, 4w below. There is no normalisation, as in
    Huang et al. 2024 (Gulrajani et al. 2017 had batch normalisation here): images of a batch
    do not depend on each other, and training and use are one function.

    Args:
        latent_dim: Number of noise values per image, ≥ 1.
        width: Number w of features at the full size, ≥ 1.
        channels: 3 for colour, 1 for grey.
        size: Side of the images: 8, 16, 32, 64 and so on.
        num_classes: As in ``dcgan_generator``.
        mapping: Units of Dense layers with LeakyReLU that the noise passes first, such as
            (256, 256): a mapping network (Karras et al. 2019, StyleGAN). There the generator can
            decide what concerns the whole image, such as its kind, before it has places.

    Returns:
        A model with float32 outputs in (−1, 1).

    Raises:
        ValueError: If an argument is out of its range.
    """
    latent_dim = _checks.whole("latent_dim", latent_dim)
    width = _checks.whole("width", width)
    channels = _checks.whole("channels", channels)
    if _checks.whole("size", size, least=8) & (size - 1):
        raise ValueError(f"size must be a power of 2; got {size}")
    stack: list[Any] = []
    for units in _widths(mapping, "mapping", least=0):
        stack += [layers.Dense(units), layers.LeakyReLU(0.2)]
    stack += [layers.Dense(4 * 4 * 4 * width), layers.Reshape((4, 4, 4 * width))]
    for k in reversed(range(size.bit_length() - 3)):
        filters = min(2**k, 4) * width
        block = _residual(filters, layers.LeakyReLU)
        stack += [layers.UpSampling2D(), layers.Conv2D(filters, 1), block]
    stack += [
        layers.LeakyReLU(0.2),
        layers.Conv2D(channels, 3, padding="same", activation="tanh", dtype="float32"),
    ]
    return _generator(stack, latent_dim, num_classes)


def resnet_discriminator(
    image_shape: tuple[int, int, int] = (32, 32, 3), width: int = 32, num_classes: int | None = None
) -> keras.Model:
    """A residual discriminator: images ``(n, *image_shape)`` to logits ``(n, 1)``.

    The mirror image of ``resnet_generator``: for each halving of the sides, down to 4 or less, a
    1×1 convolution, a residual block and the mean of 2×2 pixels; then another block and one
    Dense unit. Each of these has the second derivatives that a gradient penalty needs. There is
    neither normalisation nor dropout.

    Args:
        image_shape: Height, width and channels of an image in pixels.
        width: Number w of features at the full size, ≥ 1; 2w at half of it, 4w below.
        num_classes: As in ``dcgan_discriminator``.

    Returns:
        A model with float32 logits.

    Raises:
        ValueError: If an argument is out of its range.
    """
    shape = _image_shape(image_shape)
    width = _checks.whole("width", width)
    stack: list[Any] = []
    for k in range((min(shape[:2]) - 1).bit_length() - 2):
        filters = min(2**k, 4) * width
        halve = layers.AveragePooling2D(2, padding="same")
        stack += [layers.Conv2D(filters, 1), _residual(filters), halve]
    stack += [layers.Conv2D(4 * width, 1), _residual(4 * width), LeakyReLU(0.2), layers.Flatten()]
    return _discriminator(shape, stack, num_classes)


@keras.saving.register_keras_serializable(package="gpat_lib")
class ReflectionPadding(layers.Layer):
    """Continue an image beyond its border by its mirror image, so that nothing there looks odd.

    Args:
        size: Pixels added on each side, ≥ 1.

    Raises:
        ValueError: When called, if an image has no more than ``size`` pixels along a side.
    """

    def __init__(self, size: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = _checks.whole("size", size)

    def call(self, images: Any) -> Any:
        """Images ``(n, h, w, c)`` to ``(n, h + 2·size, w + 2·size, c)``."""
        if any(side is not None and side <= self.size for side in images.shape[1:3]):
            raise ValueError(
                f"images must have sides of more than {self.size} pixels where {self.name} pads "
                f"them by reflection; got {tuple(images.shape)}"
            )
        pads = [self.size, self.size]
        return tf.pad(images, [[0, 0], pads, pads, [0, 0]], "REFLECT")

    def get_config(self) -> dict[str, Any]:
        """The arguments of a copy."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="gpat_lib")
class ResizeLike(layers.Layer):
    """Enlarge features, bilinearly, to the size that others have."""

    def call(self, features: Any, like: Any) -> Any:
        """Features ``(n, h, w, c)`` to ``(n, H, W, c)``, H and W those of ``like``."""
        resized = tf.image.resize(features, tf.shape(like)[1:3])  # in float32
        return tf.cast(tf.ensure_shape(resized, [None, *like.shape[1:3], None]), features.dtype)

    def compute_output_shape(self, features_shape: Any, like_shape: Any) -> tuple[Any, ...]:
        """The shape ``(n, H, W, c)``."""
        return (features_shape[0], *like_shape[1:3], features_shape[3])


def image_generator(
    widths: Sequence[int] = (16, 32, 64), residual_blocks: int = 2, noise_channels: int = 2
) -> keras.Model:
    """An image-to-image generator: photographs and noise ``(n, h, w, 3 + noise)`` to images.

    It has the lines of Johnson et al. 2016, narrower: a convolution 5×5, then one 3×3 of stride 2
    for every further width; residual blocks at the smallest size; the way back by bilinear
    enlargement and convolutions 3×3; a convolution 5×5 and tanh. All pad by reflection and all but
    the last are followed by instance normalisation (Ulyanov et al. 2016) and ReLU. Enlarging goes
    to the size that the features had on the way down, so the images that come out have exactly the
    size of those that go in, odd sides included. Noise, one channel N(0, 1) or several, gives the
    network something to paint with where a photograph is even.

    Sides must be at least 2ᵏ + 1 pixels with k strides (5 with three widths, as ``least_side``
    says), and 3. Normalisation is over a whole image: pieces stylised alone do not fit together.

    Args:
        widths: Features at full size, after one stride, after two, and so on.
        residual_blocks: How many at the smallest size.
        noise_channels: Channels of noise beside the three of the photograph; 0 for none.

    Returns:
        A model with float32 outputs ``(n, h, w, 3)`` in (−1, 1).

    Raises:
        ValueError: If an argument is out of its range.
    """
    first, *deeper = _widths(widths)
    channels = 3 + _checks.whole("noise_channels", noise_channels, least=0)

    def convolved(x: Any, filters: int, kernel: int = 3, strides: int = 1) -> Any:
        x = ReflectionPadding(kernel // 2)(x)
        x = layers.Conv2D(filters, kernel, strides, use_bias=False)(x)
        return layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)  # one group per channel

    def bent(*arguments: Any) -> Any:
        return layers.ReLU()(convolved(*arguments))

    images = keras.Input((None, None, channels), name="contents_and_noise")
    passed = [bent(images, first, 5)]
    for filters in deeper:
        passed.append(bent(passed[-1], filters, 3, 2))
    x = passed.pop()
    for _ in range(_checks.whole("residual_blocks", residual_blocks, least=0)):
        x = layers.Add()([x, convolved(bent(x, x.shape[-1]), x.shape[-1])])
    for before in reversed(passed):
        x = bent(ResizeLike()(x, before), before.shape[-1])
    # float32 also under mixed precision: images and penalties want the digits.
    last = layers.Conv2D(3, 5, activation="tanh", dtype="float32")
    return keras.Model(images, last(ReflectionPadding(2)(x)), name="generator")


def patch_discriminator(
    widths: Sequence[int] = (24, 48, 96, 96), strided: bool = False
) -> keras.Model:
    """A discriminator of patches: images ``(n, h, w, 3)`` to maps of logits ``(n, h', w', 1)``.

    Every logit of the map judges one patch of the image (Isola et al. 2017), so the network learns
    what strokes look like and nothing about what is painted. Convolutions 3×3 with LeakyReLU
    (slope 0.2), the first two each followed by the mean of 2×2 pixels, then 1×1 to the logits.
    Nothing is padded, so that no logit knows where the border is, and nothing normalised, as a
    penalty per sample asks for. A logit sees 26 × 26 pixels, every 4 pixels there is one.

    With ``strided`` all convolutions are 4×4 of stride 2 instead: with widths 64, 128, 256 and 512
    this is the network of the source material; a logit sees 46 × 46 pixels, one every 16.

    Args:
        widths: Filters of each convolution.
        strided: Strides instead of pooling.

    Returns:
        A model with float32 logits. ``receptive_field`` tells what a logit sees.

    Raises:
        ValueError: If a width is not a whole number ≥ 1.
    """
    stack: list[Any] = [keras.Input((None, None, 3))]
    for i, filters in enumerate(_widths(widths)):
        stack += [layers.Conv2D(filters, 4, 2) if strided else layers.Conv2D(filters, 3)]
        stack += [LeakyReLU(0.2)]
        stack += [] if strided or i > 1 else [layers.AveragePooling2D(2)]
    stack += [layers.Conv2D(1, 1, dtype="float32")]
    return keras.Sequential(stack, name="discriminator")


def receptive_field(network: keras.Model) -> tuple[int, int]:
    """Side in pixels of the patch that an output sees, and the step from one to the next.

    Each window of k places, s apart, adds (k − 1) steps and makes the step s times longer.

    Args:
        network: A chain of convolutions and poolings.
    """
    size = step = 1
    for layer in network._flatten_layers(include_self=False):
        window = getattr(layer, "kernel_size", getattr(layer, "pool_size", (1,)))
        size += (window[0] - 1) * step
        step *= getattr(layer, "strides", (1,))[0]
    return size, step


def least_side(generator: keras.Model) -> int:
    """Least height and width of an image that an ``image_generator`` takes."""
    return max(3, receptive_field(generator)[1] + 1)


def _widths(widths: Any, name: str = "widths", least: int = 1) -> list[int]:
    if isinstance(widths, str) or not isinstance(widths, Sequence) or len(widths) < least:
        raise ValueError(f"{name} must be a row of whole numbers; got {widths!r}")
    return [_checks.whole(name, width) for width in widths]


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
    stack = _hidden(width, depth, leaky_relu)
    return _discriminator((input_dim,), stack, None, spectral_norm, clip)


def _hidden(width: int, depth: int, activation: Any) -> list[layers.Layer]:
    width, depth = _checks.whole("width", width), _checks.whole("depth", depth)
    return [layers.Dense(width, activation=activation) for _ in range(depth)]
