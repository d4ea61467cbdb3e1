"""Style as statistics: numbers are measured on one image, then pixels or a network follow them.

Two measures. Gram matrices (Gatys et al. 2016) say which features occur together; the features are
those of VGG19, or of random filters, which need no download (Ustyuzhaninov et al. 2016). Patch
distributions (Heitz et al. 2021) are compared by sorting their values along random filters.

All images are float32 ``(h, w, 3)`` in [−1, 1]; arguments that are pictures may have any form that
``pictures.load`` takes.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from gpat_lib import _checks, models, pictures
from gpat_lib.features import published

STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv2"
VGG_BGR_MEAN = (103.939, 116.779, 123.68)
PATCH = 7  # side of the patches in pixels
EDGE = PATCH - 1  # margin that a patch at the border needs
LEAST = 16  # least side of a picture
# Light and dark, not finer than a brush: the luma under a Gaussian of 2 pixels.
_bell = np.exp(-(np.arange(-6, 7) ** 2) / 8)
BLURRED_LUMA = np.einsum("i,j,k->ijk", *2 * [_bell / _bell.sum()], pictures.LUMA)[..., None]


def gram(features: Any) -> tf.Tensor:
    """Gram matrices: G_ij = (1/hw) Σ_p F_pi F_pj, which features occur together, and how strongly.

    The sum is over places p, so G does not know where anything is. Gatys et al. (2016) do not
    divide by the number of places hw, so their values grow with the image; their loss does it.

    Args:
        features: Floats ``(n, h, w, c)``.

    Returns:
        ``(n, c, c)``, symmetric.

    Raises:
        ValueError: If features have not four axes.
    """
    features = tf.convert_to_tensor(features)
    if features.shape.rank != 4:
        raise ValueError(f"features must have shape (n, h, w, c); got {features.shape}")
    count = tf.cast(tf.shape(features)[1] * tf.shape(features)[2], features.dtype)
    return tf.einsum("nhwi,nhwj->nij", features, features) / count


def random_filters(scales: int = 3, filters: int = 64, size: int = 7, seed: int = 0) -> keras.Model:
    """An extractor that was never trained: random filters with ReLU on a pyramid of the image.

    One layer of random filters carries enough for textures if they come in many sizes
    (Ustyuzhaninov et al. 2016). Here the filters stay small and the image is halved, again and
    again, by means over overlapping 4 × 4 fields. Weights are N(0, 1), scaled to norm 1 per filter.

    Args:
        scales: How often the image is looked at, each time at half the size.
        filters: Per scale.
        size: Side of a filter in pixels; images need ``size``·2^(scales − 1) pixels a side.
        seed: Of the filters.

    Returns:
        A model from images ``(n, h, w, 3)`` in [−1, 1] to a list of feature maps, the style's, and
        last the content's: the luma, blurred by a Gaussian of 2 pixels.
    """
    scales, filters = _checks.whole("scales", scales), _checks.whole("filters", filters)
    size = _checks.whole("size", size)
    rng = np.random.default_rng(_checks.whole("seed", seed, least=0))
    images = level = keras.Input((None, None, 3))
    maps = []
    for _ in range(scales):
        bank = rng.standard_normal((size, size, 3, filters))
        bank /= np.linalg.norm(bank.reshape(-1, filters), axis=0)
        maps.append(_fixed(bank, "relu")(level))
        level = layers.AveragePooling2D(4, 2, "same")(level)
    return keras.Model(
        images, [*maps, _fixed(BLURRED_LUMA, padding="same")(images)], name="random_filters"
    )


def vgg19(weights: Any = "imagenet", pooling: str = "average") -> keras.Model:
    """The extractor of Gatys et al. (2016): VGG19, a classifier of photographs, cut off early.

    Style is read from the first convolution of each of the five blocks, content from the second
    one of the fourth. As VGG wants it, images become BGR from 0 to 255, less the mean of ImageNet.
    Keras caches the weights in ``~/.keras/models`` and checks the file's hash.

    Args:
        weights: ``"imagenet"``: Keras's cached copy, or a download of 80 MB; the path of a file;
            or ``None`` for random weights, which run the same path.
        pooling: ``"average"``, for smoother results as the paper says, or ``"max"``, the original.

    Returns:
        A model like that of ``random_filters``, for images of at least 16 × 16.

    Raises:
        ValueError: If ``pooling`` is unknown.
        OSError: If the weights can neither be read nor downloaded.
    """
    kinds = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
    pool = _checks.member("pooling", pooling, kinds)
    network = published(
        lambda: keras.applications.VGG19(include_top=False, weights=weights),
        f"VGG19 has no weights: {weights!r}",
        "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "style_statistics.random_filters",
    )
    images = keras.Input((None, None, 3))
    offset = [127.5 - mean for mean in VGG_BGR_MEAN]
    x = layers.Rescaling(127.5, offset)(keras.ops.flip(images, -1))
    found = {}
    for layer in network.layers[1:]:
        x = pool(2)(x) if isinstance(layer, layers.MaxPooling2D) else layer(x)
        found[layer.name] = x
    outputs = [found[name] for name in (*STYLE_LAYERS, CONTENT_LAYER)]
    model = keras.Model(images, outputs, name="vgg19")
    model.trainable = False
    return model


def patch_loss(
    images: Any,
    style_images: Any,
    seed: Any,
    size: int = PATCH,
    projections: int = 32,
    step: int = 1,
) -> tf.Tensor:
    """Sliced Wasserstein distance of the patches of images and of a style: a loss with gradients.

    All size × size patches are projected on random unit filters; along each filter the values of
    both sides are sorted, and the mean of (p₍ᵢ₎ − q₍ᵢ₎)² is taken: the squared Wasserstein-2
    distance on a line, for which any order but the sorted one costs more (Heitz et al. 2021, who
    take features of VGG19 instead of patches; patches as in Elnekave and Weiss 2022). Where the
    style has another number of patches, its quantiles are taken at the levels of the images'.
    ``metrics.patch_distance`` is the measure without gradients; it takes absolute values.

    Args:
        images: ``(n, h, w, 3)``; each is compared by itself.
        style_images: ``(1, h', w', 3)`` or ``(n, h', w', 3)``.
        seed: Two whole numbers, for ``tf.random.stateless_normal``: fresh ones in every step draw
            fresh filters, so that in time all directions count.
        size: Side of the patches in pixels.
        projections: Number of filters.
        step: Take every step-th patch along each side, from a random one on; sorting is what costs.

    Returns:
        A scalar, the mean over images and filters.
    """
    bank = tf.random.stateless_normal((size * size * 3, projections), seed)
    bank = tf.reshape(tf.linalg.l2_normalize(bank, axis=0), (size, size, 3, projections))
    offsets = tf.random.stateless_uniform((2, 2), seed, 0, step, tf.int32)

    def ranked(pictures: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
        shadows = tf.nn.conv2d(pictures[:, offset[0] :, offset[1] :], bank, step, "VALID")
        rows = tf.reshape(shadows, (tf.shape(shadows)[0], -1, projections))
        return tf.sort(tf.transpose(rows, (0, 2, 1)))

    ours, theirs = ranked(images, offsets[0]), ranked(style_images, offsets[1])
    count, available = tf.shape(ours)[-1], tf.shape(theirs)[-1]
    places = (2 * tf.range(count) + 1) * available // (2 * count)
    return tf.reduce_mean(tf.square(ours - tf.gather(theirs, places, axis=-1)))


def synthesise_texture(
    style_image: Any,
    shape: tuple[int, int] = (96, 96),
    content_image: Any = None,
    content_weight: float = 0.03,
    steps: int = 100,
    scales: int = 5,
    seed: int = 0,
) -> np.ndarray:
    """A new picture made of the patches of a style: patch distributions matched, coarse to fine.

    On a small copy of the style noise is moved until ``patch_loss`` is small; the result is
    enlarged and goes on at the next size, √2 times larger. A step moves every patch along 48
    random filters onto its partners in sorted order, and each pixel by the mean of what its
    patches want, with momentum: gradient descent, with the length of the step known.

    Args:
        style_image: What to take patches from, anything ``pictures.load`` takes.
        shape: Height and width of the result, without a photograph.
        content_image: A photograph whose light and dark the result shall keep; its size is taken.
        content_weight: Which share of the difference in luma, blurred, each
            step takes back, in [0, 1].
        steps: Per size.
        scales: How many sizes.
        seed: Of the noise and the filters.

    Returns:
        float32 ``(h, w, 3)`` in [−1, 1].

    Raises:
        ValueError: If a picture cannot be used, is too small, or a number is out of range.
    """
    style = pictures.load(style_image, "style_image", LEAST).rgb
    content = None
    if content_image is not None:
        content = pictures.load(content_image, "content_image", LEAST).rgb
        shape = content.shape[:2]
    height, width = (_checks.whole("shape", side, LEAST) for side in shape)
    weight = _checks.number("content_weight", content_weight, below=1.0 + 1e-9)
    steps, scales = _checks.whole("steps", steps), _checks.whole("scales", scales)
    seed = _checks.whole("seed", seed, least=0)
    move, pull = tf.function(_move), tf.constant(weight, tf.float32)
    image: Any = None
    # A margin, cut off in the end: all inner pixels lie in equally many patches.
    margin = [[0, 0], [EDGE, EDGE], [EDGE, EDGE], [0, 0]]
    for scale in range(scales):
        factor = 2.0 ** ((scale + 1 - scales) / 2)
        sides = [max(LEAST, round(side * factor)) for side in (height, width)]
        small = [max(LEAST, round(side * factor)) for side in style.shape[:2]]
        target = tf.constant(pictures.resized(style, *small)[None])
        light = None
        if content is not None:
            light = tf.pad(pictures.resized(content, *sides)[None], margin, "REFLECT")
        if image is None:
            noise = np.random.default_rng(seed).normal(0.0, 0.3, (1, *sides, 3))
            image = tf.constant(noise, tf.float32)
        image = tf.pad(tf.image.resize(image, sides, "bicubic"), margin, "REFLECT")
        speed = tf.zeros_like(image)
        for i in range(steps):
            key, rest = tf.constant([seed, scale * steps + i]), tf.constant(1.0 - i / steps)
            image, speed = move(image, speed, target, light, key, rest, pull)
        image = image[:, EDGE:-EDGE, EDGE:-EDGE]
    return np.clip(image[0].numpy(), -1.0, 1.0)


def stylise_by_optimisation(
    content_image: Any,
    style_image: Any,
    extractor: keras.Model | None = None,
    steps: int = 100,
    content_weight: float = 0.01,
    tv_weight: float = 1e-3,
    seed: int = 0,
) -> np.ndarray:
    """Repaint a photograph by optimising its pixels (Gatys et al. 2016).

    The loss of an image x with photograph c and style s is

        mean over layers ‖G(x) − G(s)‖² / ‖G(s)‖² + content_weight · ‖F(x) − F(c)‖² / ‖F(c) − F̄(c)‖²
        + tv_weight · mean squared difference of neighbouring pixels,

    G Gram matrices, F the content's features, F̄ their means over places. The paper has
    ‖G(x) − G(s)‖²/(4c²) per layer, with weights: relative errors make one weight serve every
    extractor. Pixels follow L-BFGS with bounds, from the photograph plus weak noise. Without
    content, its loss after 100 gradients was a tenth of what Adam reached with 120.

    Args:
        content_image: The photograph, anything ``pictures.load`` takes.
        style_image: The style, of any size.
        extractor: As made by ``vgg19`` or ``random_filters``, which is the default.
        steps: Iterations of L-BFGS.
        content_weight: 0 starts from noise alone: texture synthesis (Gatys et al. 2015).
        tv_weight: Smoothness.
        seed: Of the noise.

    Returns:
        float32 ``(h, w, 3)`` in [−1, 1], of the photograph's size.

    Raises:
        ValueError: If a picture cannot be used, is too small, or a number is out of range.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    steps = _checks.whole("steps", steps)
    content = pictures.load(content_image, "content_image", LEAST).rgb
    # A margin, cut off in the end: pixels at the border lie in few filters' view.
    content = np.pad(content, [[EDGE, EDGE], [EDGE, EDGE], [0, 0]], "reflect")[None]
    weight, smooth = _weights(content_weight, tv_weight)
    extractor = extractor or random_filters()
    style_loss, features = (
        _gram_loss(extractor, style_image),
        _maps(extractor, "content_image", content)[-1],
    )

    @tf.function
    def value_and_slope(flat: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.reshape(tf.cast(flat, tf.float32), content.shape)
        with tf.GradientTape() as tape:
            tape.watch(image)
            maps = extractor(image)
            loss = style_loss(maps) + weight * _content_loss(maps[-1], features)
            loss += smooth * _roughness(image)
        slope = tf.reshape(tape.gradient(loss, image), [-1])
        return tf.cast(loss, tf.float64), tf.cast(slope, tf.float64)

    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        # At the scale of the relative errors SciPy's first step would be a few millionths.
        loss, slope = value_and_slope(tf.constant(flat))
        return 1e3 * float(loss), 1e3 * slope.numpy()

    noise = np.random.default_rng(_checks.whole("seed", seed, least=0)).normal(
        0, 0.1, content.shape
    )
    start = np.clip(noise + (content if weight else 0.0), -1.0, 1.0).ravel()
    limits = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20}
    bounds = [(-1, 1)] * start.size
    # SciPy's own part is small; its threads would wait for each other in the way of TensorFlow's.
    with threadpool_limits(1, user_api="blas"):
        found = minimize(
            evaluate, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits
        )
    image = found.x.reshape(content.shape[1:]).astype(np.float32)
    return image[EDGE:-EDGE, EDGE:-EDGE]


def train_feed_forward(
    style_image: Any,
    content_images: Any,
    generator: keras.Model | None = None,
    extractor: keras.Model | None = None,
    steps: int = 250,
    batch_size: int = 4,
    crop: int = 64,
    content_weight: float = 0.6,
    tv_weight: float = 0.0,
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> keras.Model:
    """Train a network to do in one pass what the optimisation does (Johnson et al. 2016).

    Each step takes random crops of the photographs and moves the generator's weights down the same
    kind of loss, with Adam, whose rate falls to a tenth. The photographs' blurred luma is the
    content.

    Args:
        style_image: The style, anything ``pictures.load`` takes.
        content_images: Photographs to train on, a list of such pictures, each at least ``crop``
            pixels a side.
        generator: An image-to-image model, trained in place; ``models.image_generator()`` if none.
        extractor: If given, the loss is that of ``stylise_by_optimisation``. Without, style is
            ``patch_loss`` at three sizes, halved each time, which with nothing to download gives
            better strokes than random filters, and content the mean squared difference of lumas.
        steps: Of Adam.
        batch_size: Crops per step.
        crop: Their side in pixels, at least 32.
        content_weight: Of the content's loss.
        tv_weight: Of the mean squared difference of neighbouring pixels.
        learning_rate: Of the first step.
        seed: Seeds Python's, NumPy's and Keras's global generators, so that training repeats.

    Returns:
        The generator. Its input is a photograph and channels of noise N(0, 1), if it takes any.

    Raises:
        ValueError: If a picture cannot be used, is too small, or a number is out of range.
    """
    crop = _checks.whole("crop", crop, 32)
    steps, batch_size = _checks.whole("steps", steps), _checks.whole("batch_size", batch_size)
    rate = _checks.number("learning_rate", learning_rate, least=1e-12)
    weight, smooth = _weights(content_weight, tv_weight)
    photographs = pictures.load_all(content_images, "content_images", crop)
    style = tf.constant(pictures.load(style_image, "style_image", crop).rgb[None])
    keras.utils.set_random_seed(_checks.whole("seed", seed, least=0))
    generator = generator or models.image_generator()
    noise = generator.input_shape[-1] - 3
    teacher = (
        _patch_teacher(style, weight)
        if extractor is None
        else _gram_teacher(extractor, style_image, weight)
    )
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.PolynomialDecay(rate, steps, rate / 10)
    )

    @tf.function
    def update(crops: tf.Tensor, key: tf.Tensor) -> None:
        drawn = tf.random.stateless_normal((batch_size, crop, crop, noise), key + [0, 3])
        with tf.GradientTape() as tape:
            images = generator(tf.concat([crops, drawn], axis=-1), training=True)
            loss = teacher(images, crops, key) + smooth * _roughness(images)
        gradients = tape.gradient(loss, generator.trainable_variables)
        optimizer.apply(gradients, generator.trainable_variables)

    rng = np.random.default_rng(seed)
    for i in range(steps):
        crops = pictures.random_crops(photographs, batch_size, crop, rng)
        update(tf.constant(crops), tf.constant([seed, 4 * i]))
    return generator


def _weights(content_weight: Any, tv_weight: Any) -> tuple[float, float]:
    return _checks.number("content_weight", content_weight), _checks.number("tv_weight", tv_weight)


def _maps(extractor: keras.Model, name: str, images: Any) -> list[tf.Tensor]:
    """The extractor's features, or ``ValueError`` if it leaves none of so small an image."""
    try:
        maps = extractor(images)
    except (ValueError, tf.errors.InvalidArgumentError):
        maps = []
    if not maps or min(min(each.shape[1:3]) for each in maps) < 1:
        size = "{1} × {2}".format(*images.shape)
        raise ValueError(f"{name} is too small for the extractor {extractor.name!r}; got {size}")
    return maps


def _gram_loss(extractor: keras.Model, style_image: Any) -> Callable[[list[tf.Tensor]], tf.Tensor]:
    """From feature maps to the mean relative error of their Gram matrices."""
    style = pictures.load(style_image, "style_image", LEAST).rgb[None]
    goals = [gram(each) for each in _maps(extractor, "style_image", style)[:-1]]
    scales = [tf.maximum(tf.reduce_sum(tf.square(goal)), 1e-12) for goal in goals]

    def loss(maps: list[tf.Tensor]) -> tf.Tensor:
        errors = [
            tf.reduce_mean(tf.reduce_sum(tf.square(gram(each) - goal), (1, 2))) / scale
            for each, goal, scale in zip(maps[:-1], goals, scales, strict=True)
        ]
        return tf.add_n(errors) / len(errors)

    return loss


def _gram_teacher(extractor: keras.Model, style_image: Any, weight: float) -> Callable[..., Any]:
    """The loss of ``stylise_by_optimisation`` for a batch of images and their photographs."""
    style_loss = _gram_loss(extractor, style_image)

    def loss(images: tf.Tensor, crops: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        maps = extractor(images)
        return style_loss(maps) + weight * _content_loss(maps[-1], extractor(crops)[-1])

    return loss


def _patch_teacher(style: tf.Tensor, weight: float) -> Callable[..., Any]:
    """``patch_loss`` at three sizes, and the mean squared difference of blurred lumas."""
    bank = tf.constant(BLURRED_LUMA, tf.float32)

    def loss(images: tf.Tensor, crops: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        lost = tf.nn.conv2d(images - crops, bank, 1, "SAME")
        total, theirs = weight * tf.reduce_mean(tf.square(lost)), style
        for level in range(3):
            total += patch_loss(images, theirs, key + [0, level], step=1 if level else 2)
            images, theirs = _halved(images), _halved(theirs)
        return total

    return loss


def _content_loss(features: tf.Tensor, goals: tf.Tensor) -> tf.Tensor:
    """Mean squared difference, in units of the goals' variance over places."""
    spread = tf.reduce_mean(tf.math.reduce_variance(goals, axis=(1, 2)))
    return tf.reduce_mean(tf.square(features - goals)) / tf.maximum(spread, 1e-6)


def _roughness(images: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of neighbouring pixels, down and across."""
    down, across = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
    return tf.reduce_mean(tf.square(down)) + tf.reduce_mean(tf.square(across))


def _halved(images: tf.Tensor) -> tf.Tensor:
    """Half the size, by means over 4 × 4 pixels that overlap: descent leaves no blocks."""
    return tf.nn.avg_pool2d(images, 4, 2, "SAME")


def _move(
    image: tf.Tensor,
    speed: tf.Tensor,
    style: tf.Tensor,
    light: tf.Tensor | None,
    key: tf.Tensor,
    rest: tf.Tensor,
    pull: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of ``synthesise_texture``, on images ``(1, h, w, 3)``."""
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = patch_loss(image, style, key, PATCH, 48, 1 if max(image.shape[1:3]) < 48 else 2)
    # A patch is to move by Σ_k f_k (q − p)_k · (3 · PATCH² / 48), a pixel by the mean over the
    # PATCH² patches that hold it; the gradient is the sum of both, times 2 / (48 · patches).
    patches = (image.shape[1] - PATCH + 1) * (image.shape[2] - PATCH + 1)
    speed = 0.7 * speed - 0.5 * rest * (1.5 * patches) * tape.gradient(loss, image)
    image += speed
    if light is not None:
        lost = tf.nn.conv2d(light - image, tf.constant(BLURRED_LUMA, tf.float32), 1, "SAME")
        image += pull * lost
    return image, speed


def _fixed(kernel: Any, activation: Any = None, padding: str = "valid") -> layers.Layer:
    """A convolution without bias whose kernel is given and stays."""
    size, _, _, filters = kernel.shape
    law = keras.initializers.Constant(kernel)
    layer = layers.Conv2D(
        filters, size, 1, padding, activation=activation, use_bias=False, kernel_initializer=law
    )
    layer.trainable = False
    return layer
