"""Points in the plane whose law is known exactly: toy data on which collapse can be counted.

=========== ========= ====================================================================
name        noise σ   where the noise is added, with u ~ U[0, 1) and all parts equally likely
=========== ========= ====================================================================
ring        0.01      8 modes at equal angles on the circle of radius 1
grid        0.05      25 modes at {−4, −2, 0, 2, 4}²
swiss_roll  1/30      (t cos t − 2, t sin t − 2/(3π)) / 7.5, t = 3π/2 (1 + 2u)
two_moons   0.05      ±(cos πu − ½, sin πu − ¼)
=========== ========= ====================================================================

Ring and grid have the sizes of mode-coverage tables (Lin et al. 2018, PacGAN). The roll is the one
of Gulrajani et al. 2017 (noise 0.25, all divided by 7.5), shifted so that its mean is 0; its
standard deviation is 0.88 along x and 0.93 along y. All four laws have mean 0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from gpat_lib import _checks

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["POINTS", "Distribution", "point_stream", "points"]

_BLOCK = 1 << 14  # points that the stream draws at a time: one such draw costs a millisecond


# Curves: functions (xp, part, along) -> points (n, 2). xp is numpy or tensorflow: both draws then
# follow one law. part is the number of a mode or moon, as float; along runs from 0 to 1.


def _ring(xp: Any, part: Any, along: Any) -> Any:
    del along
    angle = 2 * math.pi / 8 * part
    return xp.stack([xp.cos(angle), xp.sin(angle)], axis=-1)


def _grid(xp: Any, part: Any, along: Any) -> Any:
    del along
    return xp.stack([2 * (part // 5) - 4, 2 * (part % 5) - 4], axis=-1)


def _swiss_roll(xp: Any, part: Any, along: Any) -> Any:
    del part
    t = 1.5 * math.pi * (1 + 2 * along)
    x, y = t * xp.cos(t) - 2, t * xp.sin(t) - 2 / (3 * math.pi)
    return xp.stack([x, y], axis=-1) / 7.5


def _two_moons(xp: Any, part: Any, along: Any) -> Any:
    """The second moon is the first one after half a turn about the origin."""
    sign, angle = 1 - 2 * part, math.pi * along
    return xp.stack([sign * (xp.cos(angle) - 0.5), sign * (xp.sin(angle) - 0.25)], axis=-1)


@dataclass(frozen=True)
class Distribution:
    """A law in the plane: a part, a place on the part's curve, and noise, all independent.

    Attributes:
        name: The name in ``POINTS``.
        parts: Number of equally likely parts: modes or moons.
        sigma: Standard deviation σ of the noise along each axis.
        curve: ``(xp, part, along) -> points (n, 2)``, the points before the noise; ``xp`` is
            the module ``numpy`` or ``tensorflow``.
        gaussians: Whether each part is one point, so that the law is a mixture of Gaussians.
    """

    name: str
    parts: int
    sigma: float
    curve: Callable[[Any, Any, Any], Any]
    gaussians: bool

    @property
    def modes(self) -> np.ndarray | None:
        """The Gaussians' centres ``(parts, 2)`` in the labels' order; ``None`` for curves."""
        return self.curve(np, np.arange(self.parts, dtype=float), 0.0) if self.gaussians else None

    def place(self, xp: Any, part: Any, along: Any, noise: Any) -> Any:
        """The points ``curve(part, along) + σ·noise``."""
        return self.curve(xp, part, along) + self.sigma * noise


POINTS = {
    law.name: law
    for law in (
        Distribution("ring", 8, 0.01, _ring, gaussians=True),
        Distribution("grid", 25, 0.05, _grid, gaussians=True),
        Distribution("swiss_roll", 1, 0.25 / 7.5, _swiss_roll, gaussians=False),
        Distribution("two_moons", 2, 0.05, _two_moons, gaussians=False),
    )
}


@overload
def points(name: str, count: int, seed: int = ..., labels: Literal[False] = ...) -> np.ndarray: ...
@overload
def points(
    name: str, count: int, seed: int, labels: Literal[True]
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def points(
    name: str, count: int, seed: int = ..., *, labels: Literal[True]
) -> tuple[np.ndarray, np.ndarray]: ...
def points(name: str, count: int, seed: int = 0, labels: bool = False) -> Any:
    """Draw points of a known law.

    Args:
        name: ``"ring"``, ``"grid"``, ``"swiss_roll"`` or ``"two_moons"``; the module's docstring
            states the laws.
        count: How many, ≥ 1.
        seed: Whole number ≥ 0; the same seed and count give the same points.
        labels: Also return the number of each point's mode or moon.

    Returns:
        float32 ``(count, 2)``; with ``labels`` also int64 ``(count,)``.

    Raises:
        ValueError: If the name is unknown, a number is out of range, or labels are asked for of
            the swiss roll, which has no parts.
    """
    law = _checks.member("name", name, POINTS)
    count = _checks.whole("count", count)
    rng = np.random.default_rng(_checks.whole("seed", seed, least=0))
    if labels and law.parts == 1:
        raise ValueError(f"labels must be False for {name!r}, which has no parts; got {labels!r}")
    part = rng.integers(law.parts, size=count)
    along, noise = rng.random(count), rng.standard_normal((count, 2))
    drawn = law.place(np, part.astype(float), along, noise).astype(np.float32)
    return (drawn, part) if labels else drawn


def point_stream(
    name: str, batch_size: int, seed: int = 0, scale: float = 1.0
) -> "tf.data.Dataset":
    """An endless ``tf.data`` pipeline of fresh points of a known law: no sample comes twice.

    The stream is a function of name, seed and scale; ``batch_size`` only cuts it. Its numbers
    differ from those of ``points``. In ``fit``, give ``steps_per_epoch``: an epoch has no end.

    Args:
        name: A name in ``POINTS``, as in ``points``.
        batch_size: Points per batch, ≥ 1.
        seed: Whole number ≥ 0; the same seed gives the same stream.
        scale: Factor on all points, > 0, for example 0.25 for a grid with modes in [−1, 1]². Divide
            generated points by it before you measure them against ``POINTS[name].modes``.

    Returns:
        A data set of float32 batches ``(batch_size, 2)`` with infinite cardinality.

    Raises:
        ValueError: If the name is unknown or a number is out of range.
    """
    import tensorflow as tf

    law = _checks.member("name", name, POINTS)
    batch_size = _checks.whole("batch_size", batch_size)
    seed = _checks.whole("seed", seed, least=0)
    scale = _checks.number("scale", scale, least=1e-6)

    def draw(block: tf.Tensor) -> tf.Tensor:
        # Split, not counted on: GPAT draws its noise with seeds (seed, 0), (seed, 1), ... and
        # equal seeds would make a model's noise equal to that of its data.
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), block]), num=3)
        part = tf.random.stateless_uniform([_BLOCK], seeds[0], maxval=law.parts, dtype=tf.int32)
        along = tf.random.stateless_uniform([_BLOCK], seeds[1])
        noise = tf.random.stateless_normal([_BLOCK, 2], seeds[2])
        return scale * law.place(tf, tf.cast(part, tf.float32), along, noise)

    blocks = tf.data.Dataset.counter().map(draw).prefetch(1)
    batches = blocks.rebatch(batch_size, drop_remainder=True)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return batches.apply(endless)  # tf.data forgets it in rebatch
