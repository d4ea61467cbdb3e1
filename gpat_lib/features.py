"""From images to features, which the metrics compare; extractors are Keras models.

What a distance says depends on the features it is taken on: name the extractor with the number.
``pixels`` and ``random_filters`` need no training and are baselines, ``trained`` knows the classes
of one data set, ``inception`` those of ImageNet.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from gpat_lib import _checks, data

Shape = tuple[int, int, int]


def stream(extractor: keras.Model, images: Any, batch_size: int = 256) -> Iterator[np.ndarray]:
    """Features of images, batch by batch: only one batch is held at a time.

    Args:
        extractor: A model from images in [−1, 1] to ``(n, d)``: one of this module's, or your own.
        images: Array ``(n, height, width, channels)`` in [−1, 1]; or batches of such, a
            ``tf.data`` pipeline or any iterable, whose sizes stay as they are.
        batch_size: How an array is cut.

    Yields:
        Arrays ``(b, d)``.

    Raises:
        ValueError: If images have not the extractor's shape, are outside [−1, 1] or not finite.
    """
    batch_size = _checks.whole("batch_size", batch_size)
    batches = images
    if hasattr(images, "shape"):
        batches = (images[i : i + batch_size] for i in range(0, len(images), batch_size))
    for batch in batches:
        batch = data.check_samples("images", batch, extractor.input_shape[1:])
        yield extractor.predict_on_batch(batch)


def extract(extractor: keras.Model, images: Any, batch_size: int = 256) -> np.ndarray:
    """Features of all images in one array ``(n, d)``; arguments and errors as of ``stream``."""
    return np.concatenate(list(stream(extractor, images, batch_size)))


def pixels(shape: Shape = (32, 32, 3), size: int = 8) -> keras.Model:
    """The image itself, made small: means over equal fields, flattened.

    Args:
        shape: Of the images; height and width must be multiples of ``size``.
        size: Fields along each side, so that d = size² · channels.

    Raises:
        ValueError: If the fields do not fill the image.
    """
    height, width, _ = shape
    if height % _checks.whole("size", size) or width % size:
        raise ValueError(f"size must divide the height and width of {shape}; got {size}")
    pool = layers.AveragePooling2D((height // size, width // size))
    return keras.Sequential([keras.Input(shape), pool, layers.Flatten()], name="pixels")


def random_filters(shape: Shape = (32, 32, 3), seed: int = 0) -> keras.Model:
    """An untrained convolutional network, always the same: 64 features, means over the image.

    Two layers of He-normal filters with ReLU. Like any means of local filters it sees texture and
    contrast, hardly shape; what it finds different is different, the reverse does not hold.

    Args:
        shape: Of the images, at least 16×16.
        seed: Of the filters.
    """
    stack: list[Any] = [keras.Input(shape)]
    for i, width in enumerate((32, 64)):
        law = keras.initializers.HeNormal(2 * seed + i)
        stack.append(layers.Conv2D(width, 5, 2, activation="relu", kernel_initializer=law))
    return keras.Sequential([*stack, layers.GlobalAveragePooling2D()], name="random_filters")


class Trained(NamedTuple):
    """A small classifier, whole and cut off before its last layer.

    Attributes:
        features: Model from images to the 64 values of the last hidden layer.
        probabilities: Model from images to probabilities ``(n, k)`` of the classes.
        accuracy: Share of held-out images that it recognises; NaN if none were given.
    """

    features: keras.Model
    probabilities: keras.Model
    accuracy: float


def trained(
    images: Any, labels: Any, held_out: Any = None, epochs: int = 40, seed: int = 0
) -> Trained:
    """Train a small convolutional classifier on the spot, as judge of generated images.

    On the 1,437 training digits it takes half a minute on two cores and recognises 99 % of the
    held-out ones.

    Args:
        images: Training images ``(n, height, width, channels)`` in [−1, 1], 13×13 or larger.
        labels: Their classes ``(n,)``, whole numbers 0 … k − 1, each of which must occur.
        held_out: Pair (images, labels) for the accuracy.
        epochs: Passes over the images.
        seed: Seeds Python's, NumPy's and Keras's global generators, so that training repeats.

    Raises:
        ValueError: If images are not in [−1, 1], labels do not match them, or a class is missing.
    """
    images = data.check_samples("images", images, np.shape(images)[1:])
    labels = np.asarray(labels)
    classes = np.unique(labels)
    if labels.shape != images.shape[:1] or not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"labels must be {len(images)} whole numbers, all of 0 ... k - 1 among them; got shape "
            f"{labels.shape}, values {classes[:20]}"
        )
    keras.utils.set_random_seed(seed)
    stack = [
        keras.Input(images.shape[1:]),
        layers.RandomTranslation(0.06, 0.06, fill_mode="nearest"),
        layers.Conv2D(16, 5, strides=2, activation="relu"),
        layers.Conv2D(32, 3, strides=2, activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(64, activation="relu", name="features"),
        layers.Dense(len(classes), activation="softmax"),
    ]
    network = keras.Sequential(stack)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(images, labels, epochs=_checks.whole("epochs", epochs), batch_size=64, verbose=0)
    accuracy = network.evaluate(*held_out, verbose=0)[1] if held_out else float("nan")
    hidden = keras.Model(network.inputs, network.get_layer("features").output)
    return Trained(hidden, network, float(accuracy))


def inception(path: Any = None, shape: Shape = (32, 32, 3)) -> keras.Model:
    """Inception-v3 trained on ImageNet, the 2,048 features of its last pooling, if it can be had.

    Images are resized to 299×299 (bilinear); grey ones are repeated over three channels. These
    are the weights of ``keras.applications``, not those of the network of Heusel et al. (2017),
    which were trained and exported apart, so numbers differ from published FIDs. The right name
    is "FID with Keras's Inception-v3 weights"; compare it with its like only.

    Args:
        path: The file of weights; ``None`` takes Keras's cached copy or downloads it (88 MB).
        shape: Of the images in [−1, 1].

    Raises:
        OSError: If the weights can neither be read nor downloaded; the message names the file, the
            address, and where to put it.
    """
    weights = str(path or "imagenet")
    network = published(
        lambda: keras.applications.InceptionV3(False, weights, pooling="avg"),
        f"Inception-v3 has no weights: {weights!r}",
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "features.trained",
    )
    image = keras.Input(shape)
    grey = layers.Concatenate()([image] * 3) if shape[-1] == 1 else image
    return keras.Model(image, network(layers.Resizing(299, 299)(grey)), name="inception")


def published(
    make: Callable[[], keras.Model], problem: str, file: str, instead: str
) -> keras.Model:
    """A network of ``keras.applications``, or advice where its weights can be neither read nor had.

    Args:
        make: Makes the network.
        problem: How the message begins: which network, and which weights were asked for.
        file: Folder and name of the weights at Keras's address.
        instead: What to use until then.

    Raises:
        OSError: If ``make`` fails; the message names the address and where to put the file.
    """
    try:
        return make()
    except Exception as error:  # no file, no network, another file: each raises its own kind
        site = "https://storage.googleapis.com/tensorflow/keras-applications/"
        raise OSError(
            f"{problem} gave {error}. Fetch {site}{file} and put it into ~/.keras/models, or give "
            f"its path; until then use {instead}"
        ) from error
