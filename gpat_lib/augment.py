"""Discriminator augmentation: random changes of images, differentiable, chosen by name.

With few training images a discriminator learns them by heart. It cannot if it sees every image,
real or generated, only after a random change, and the generator is not led to make changed
images as long as its gradient passes through the change (DiffAugment, Zhao et al. 2020). What
each change does and how far it goes is theirs, but for the edges of a shift, and the flip.

A change is a pure function ``(images, seed) -> images`` of images ``(n, height, width,
channels)`` in [−1, 1], drawn anew for each image; ``seed`` is a pair of whole numbers, as
TensorFlow's stateless functions take. Results may leave [−1, 1].
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gpat_lib import _checks

Change = Callable[[Any, Any], tf.Tensor]


def shift(images: tf.Tensor, seed: Any) -> tf.Tensor:
    """Move each image by up to an eighth of its sides, whole pixels, all moves equally likely.

    The border repeats its nearest pixel. (The paper fills with zeros, which here would be grey
    and would mark a shifted image of a dark background.)
    """
    for axis in (1, 2):
        side = images.shape[axis]
        most = round(side / 8)
        moves = tf.floor(_uniform(images, seed, axis, -most, most + 1)[:, :, 0, 0])
        places = tf.clip_by_value(tf.range(side) - tf.cast(moves, tf.int32), 0, side - 1)
        images = tf.gather(images, places, axis=axis, batch_dims=1)
    return images


def color(images: tf.Tensor, seed: Any) -> tf.Tensor:
    """Brightness + U[−½, ½), saturation × U[0, 2), contrast × U[½, 1½), in this order.

    Saturation is the distance of a pixel's channels from their mean, contrast that of all values
    from the image's mean. Grey images have no saturation, which leaves them as they are.
    """
    images = images + _uniform(images, seed, 0, -0.5, 0.5)
    for draw, axes, least, most in ((1, [3], 0.0, 2.0), (2, [1, 2, 3], 0.5, 1.5)):
        mean = tf.reduce_mean(images, axes, keepdims=True)
        images = mean + (images - mean) * _uniform(images, seed, draw, least, most)
    return images


def flip(images: tf.Tensor, seed: Any) -> tf.Tensor:
    """Left and right exchanged in half of the images. Not for digits or letters."""
    return tf.where(_uniform(images, seed, 0, 0.0, 1.0) < 0.5, images[:, :, ::-1], images)


def cutout(images: tf.Tensor, seed: Any) -> tf.Tensor:
    """A square of half the image's sides set to 0 (grey), its centre anywhere in the image."""
    inside = []
    for axis in (1, 2):
        side = images.shape[axis]
        first = tf.floor(_uniform(images, seed, axis, 0.0, side + 1.0)[:, 0, 0]) - side // 4
        places = tf.range(side, dtype=images.dtype)
        inside.append((places >= first) & (places < first + side // 2))
    square = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return tf.where(square, tf.zeros_like(images), images)


def _uniform(images: tf.Tensor, seed: Any, draw: int, least: float, most: float) -> tf.Tensor:
    """One number per image, ``(n, 1, 1, 1)``, from U[least, most)."""
    shape, seed = [tf.shape(images)[0], 1, 1, 1], tf.random.fold_in(seed, draw)
    return least + (most - least) * tf.random.stateless_uniform(shape, seed, dtype=images.dtype)


CHANGES: dict[str, Change] = {"shift": shift, "color": color, "flip": flip, "cutout": cutout}


def get(augment: str | Sequence[str] | Change | None) -> Change:
    """Return one function that makes the named changes, one after the other.

    Args:
        augment: A name in ``CHANGES``, or several; a callable of your own
            ``(images, seed) -> images``, which passes through; ``None`` for no change.

    Returns:
        A callable ``(images, seed) -> images``. That of names raises ``ValueError`` if samples
        do not have the four axes of images.

    Raises:
        ValueError: If no change has that name; the message lists the known ones.
    """
    if callable(augment):
        return augment
    names = augment if isinstance(augment, list | tuple) else [augment]
    changes = [_checks.member("augment", x, CHANGES) for x in names if x is not None]

    def changed(images: Any, seed: Any) -> tf.Tensor:
        if changes and len(images.shape) != 4:
            shape = tuple(images.shape)
            raise ValueError(f"augment={augment!r} is for images; got samples of shape {shape}")
        for i, change in enumerate(changes):
            images = change(images, tf.random.fold_in(seed, i))
        return images

    return changed
