"""Data sets: images, always float32 in [−1, 1]; points; and the ``tf.data`` pipeline of a run."""

import warnings
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from gpat_lib import _checks
from gpat_lib.blossoms import blossoms
from gpat_lib.datasets import cifar10, fashion_mnist, mnist, stacked_digits, stacked_stream
from gpat_lib.gallery import CONTENT_CREDITS, content_images, style_images
from gpat_lib.pictures import image_folder
from gpat_lib.points import POINTS, point_stream, points

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = [
    "CONTENT_CREDITS",
    "POINTS",
    "batches",
    "blossoms",
    "check_labels",
    "check_samples",
    "cifar10",
    "content_images",
    "digits",
    "fashion_mnist",
    "image_folder",
    "mnist",
    "point_stream",
    "points",
    "stacked_digits",
    "stacked_stream",
    "style_images",
]

# Of the 1,797 digits in a fixed shuffled order, the first 1,437 are for training.
SPLITS = {"all": slice(None), "train": slice(0, 1437), "test": slice(1437, None)}


def batches(
    samples: Any, batch_size: int = 64, seed: int | None = 0, drop_remainder: bool = True
) -> "tf.data.Dataset":
    """A ``tf.data`` pipeline: shuffled anew each epoch, in batches, prefetched.

    Args:
        samples: Array ``(n, ...)``, or a tuple of such arrays of one length, images and labels
            say, which stay together.
        batch_size: Samples per batch, at most n.
        seed: Seed of the order; ``None`` keeps the order of the array.
        drop_remainder: Leave out the last batch if it is not full.

    Raises:
        ValueError: If there are no samples, or fewer than ``batch_size``.
    """
    import tensorflow as tf

    batch_size = _checks.whole("batch_size", batch_size)
    paired = isinstance(samples, tuple)
    samples = tuple(map(np.asarray, samples)) if paired else np.asarray(samples)
    count = min(len(x) if x.ndim else 0 for x in (samples if paired else [samples]))
    if count < batch_size:
        raise ValueError(f"batch_size must be at most the {count} samples; got {batch_size}")
    dataset = tf.data.Dataset.from_tensor_slices(samples)
    if seed is not None:
        dataset = dataset.shuffle(count, seed=seed)
    return dataset.batch(batch_size, drop_remainder=drop_remainder).prefetch(2)


def check_samples(name: str, samples: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``samples`` as a float32 array if a model of inputs ``shape`` can train on them.

    Raises:
        ValueError: If they are not one array (a pair of images and labels, say), are empty, have
            another shape, are not finite, or are images outside [−1, 1].
    """
    if isinstance(samples, tuple | list | dict) and not np.isscalar(samples):
        if isinstance(samples, tuple | dict) or len(np.shape(samples)) != len(shape) + 1:
            raise ValueError(
                f"{name} must hold samples only; got a {type(samples).__name__}. Drop labels, for "
                "example with dataset.map(lambda image, label: image)"
            )
    samples = np.asarray(samples)
    if samples.size == 0:
        raise ValueError(f"{name} is empty (shape {samples.shape}); expected (n, *{shape})")
    if samples.shape[1:] != shape:
        raise ValueError(
            f"{name} must have shape (n, {', '.join(map(str, shape))}); got {samples.shape}"
        )
    if samples.dtype.kind != "f":
        raise ValueError(
            f"{name} must be floats; got {samples.dtype}. For bytes: images / 127.5 - 1"
        )
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    if len(shape) == 3:
        if low < -1.001 or high > 1.001:
            raise ValueError(
                f"{name} must be images in [-1, 1], as tanh makes them; got values from {low:g} "
                f"to {high:g}. For values from 0 to 255: images / 127.5 - 1"
            )
        if low >= 0.0 and len(samples) > 1:
            warnings.warn(
                f"{name} has no value below 0, so it looks scaled to [0, 1]; expected [-1, 1]. "
                "If so: images * 2 - 1",
                stacklevel=3,
            )
    return samples.astype(np.float32, copy=False)


def check_labels(name: str, labels: Any, count: int, num_classes: int) -> np.ndarray:
    """Return ``labels`` as an int32 array if they are the classes of ``count`` samples.

    Raises:
        ValueError: If they are not whole numbers from 0 below ``num_classes``, one per sample.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers; got {labels.dtype}")
    if labels.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), one per sample; got {labels.shape}")
    if labels.min() < 0 or labels.max() >= num_classes:
        found = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"{name} must be from 0 to {num_classes - 1}; got {found}")
    return labels.astype(np.int32)


@overload
def digits(split: str = ..., labels: Literal[False] = ...) -> np.ndarray: ...
@overload
def digits(split: str, labels: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...
def digits(split: str = "all", labels: bool = False) -> Any:
    """1,797 real handwritten digits, offline: scikit-learn's copy of the UCI test set.

    The originals are 8×8 with 17 grey levels (Alpaydin and Kaynak 1998). They are enlarged to
    32×32 by bicubic interpolation and repeated over three channels. They come in one fixed
    shuffled order, so that both parts hold all classes and writers.

    Args:
        split: ``"all"``, ``"train"`` (1,437 of them) or ``"test"`` (the other 360).
        labels: Also return the digits 0 … 9.

    Returns:
        float32 ``(n, 32, 32, 3)`` in [−1, 1], black background; with ``labels`` also int64
        ``(n,)``.

    Raises:
        ValueError: If the split is unknown.
    """
    chosen = _checks.member("split", split, SPLITS)
    from PIL import Image
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.images))[chosen]
    enlarged = [
        np.asarray(
            Image.fromarray(image.astype(np.float32)).resize((32, 32), Image.Resampling.BICUBIC)
        )
        for image in bunch.images[order]
    ]
    grey = np.clip(np.stack(enlarged) / 8.0 - 1.0, -1.0, 1.0).astype(np.float32)
    images = np.repeat(grey[..., None], 3, axis=-1)
    return (images, bunch.target[order].astype(np.int64)) if labels else images
