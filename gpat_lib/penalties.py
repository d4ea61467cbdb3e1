"""L_grad: gradient penalties, all built on one primitive, the per-sample gradient norm.

A penalty is two choices: *where you look* (at which points x the slope ‖∇ₓD(x)‖ is taken) and
*what slope you want* (the cost of a slope). ``PENALTIES`` is the table of these choices.
Penalties are unweighted: λ4 multiplies them. R1 and R2 carry the ½ of their paper, so that λ4 is
the literature's γ. The points are constants: a penalty trains the discriminator alone.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gpat_lib import _checks

Discriminator = Callable[[Any], Any]

# Added inside the square root: the root's derivative is infinite at 0, and inf · 0 is NaN.
EPSILON = 1e-12


def gradient_norm(discriminator: Discriminator, points: Any) -> tf.Tensor:
    """The slope of the discriminator at each point: s(x) = ‖∇ₓD(x)‖₂, one number per sample.

    The norm runs over all axes but the first. Scores are summed over the batch before
    differentiating, which leaves each sample's gradient whole (a mean would shrink it by the
    batch size). A map of scores per sample (patch discriminator) is averaged first. The result
    can itself be differentiated with respect to the discriminator's weights.

    Args:
        discriminator: Any callable from points ``(n, ...)`` to scores ``(n, ...)``. It must
            treat samples separately: with batch normalisation "per sample" has no meaning.
        points: Tensor ``(n, ...)``; half precision is cast to float32.

    Returns:
        Tensor ``(n,)``: √(Σ (∂D/∂x)² + 1e-12).

    Raises:
        ValueError: If the scores do not depend on the points, or are not one per sample.
    """
    points = tf.convert_to_tensor(points)
    if points.dtype.size < 4:
        points = tf.cast(points, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        scores = tf.cast(discriminator(points), points.dtype)
        if scores.shape.rank == 0 or not scores.shape[:1].is_compatible_with(points.shape[:1]):
            raise ValueError(
                "discriminator must give one score or one map of scores per sample; got scores "
                f"of shape {scores.shape} for points of shape {points.shape}"
            )
        per_sample = tf.reduce_mean(tf.reshape(scores, [tf.shape(scores)[0], -1]), axis=1)
        total = tf.reduce_sum(per_sample)
    gradient = tape.gradient(total, points)
    if gradient is None:
        raise ValueError(
            "discriminator's scores do not depend on its input, so they have no gradient; "
            "expected a differentiable function of the points"
        )
    squares = tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(gradient.shape))))
    return tf.sqrt(squares + EPSILON)


# Where you look: functions (real, fake, seed) -> points.


def at_real(real: tf.Tensor, fake: tf.Tensor, seed: Any) -> tf.Tensor:
    """At the real samples."""
    del fake, seed
    return real


def at_fake(real: tf.Tensor, fake: tf.Tensor, seed: Any) -> tf.Tensor:
    """At the generated samples."""
    del real, seed
    return fake


def between(real: tf.Tensor, fake: tf.Tensor, seed: Any) -> tf.Tensor:
    """On lines between real and fake: x + α(x̃ − x), one α ~ U[0, 1) per sample."""
    alpha = _uniform(_one_per_sample(real), real.dtype, seed)
    return real + alpha * (fake - real)


def around_real(real: tf.Tensor, fake: tf.Tensor, seed: Any) -> tf.Tensor:
    """Near the real samples: x + αδ, α ~ U[0, 1) per sample, δ = ½ std(x) · U[0, 1) per value.

    std is that of all values of the batch. This is the law of the authors' program, where δ has
    no negative values; the paper's text (Kodali et al. 2017) has normal noise instead.
    """
    del fake
    delta = 0.5 * tf.math.reduce_std(real) * _uniform(tf.shape(real), real.dtype, seed, draw=1)
    return real + _uniform(_one_per_sample(real), real.dtype, seed) * delta


def _one_per_sample(samples: tf.Tensor) -> list[Any]:
    """The shape (n, 1, ..., 1) of one number per sample."""
    return [tf.shape(samples)[0]] + [1] * (len(samples.shape) - 1)


def _uniform(shape: Any, dtype: tf.DType, seed: Any, draw: int = 0) -> tf.Tensor:
    """Numbers from U[0, 1): a pure function of seed and draw, if there is a seed."""
    if seed is None:
        return tf.random.uniform(shape, dtype=dtype)
    seed = tf.cast(tf.convert_to_tensor(seed, dtype_hint=tf.int64), tf.int64)
    pair = seed if seed.shape.rank == 1 else tf.stack([seed, tf.zeros_like(seed)])
    if draw:
        pair = tf.random.fold_in(pair, draw)
    return tf.random.stateless_uniform(shape, seed=pair, dtype=dtype)


# What slope you want: functions slopes (n,) -> cost (n,).


def slope_one(slopes: tf.Tensor) -> tf.Tensor:
    """(s − 1)²: both steeper and flatter than 1 cost."""
    return tf.square(slopes - 1.0)


def slope_at_most_one(slopes: tf.Tensor) -> tf.Tensor:
    """max(0, s − 1)²: only steeper than 1 costs."""
    return tf.square(tf.nn.relu(slopes - 1.0))


def slope_zero(slopes: tf.Tensor) -> tf.Tensor:
    """s²: any slope costs."""
    return tf.square(slopes)


@dataclass(frozen=True)
class GradientPenalty:
    """factor · E cost(‖∇ₓD(x)‖), summed over the places where you look; a callable.

    Attributes:
        name: The name that ``get`` knows it by.
        where: Places, each a function ``(real, fake, seed) -> points (n, ...)``.
        cost: ``slopes (n,) -> costs (n,)``, what each slope costs.
        factor: The ½ that some papers put in front.
    """

    name: str
    where: tuple[Callable[[tf.Tensor, tf.Tensor, Any], tf.Tensor], ...]
    cost: Callable[[tf.Tensor], tf.Tensor]
    factor: float = 1.0

    def __call__(
        self, discriminator: Discriminator, real: Any, fake: Any, seed: Any = None
    ) -> tf.Tensor:
        """The unweighted penalty, a scalar.

        Args:
            discriminator: Callable from samples to scores (logits).
            real: Tensor ``(n, ...)`` of real samples.
            fake: Tensor of generated samples, the same shape.
            seed: ``None`` for TensorFlow's global generator, else a whole number or a pair of
                them, which makes the draw a pure function of the seed.

        Raises:
            ValueError: If ``real`` and ``fake`` differ in shape, or scores ignore the samples.
        """
        real, fake = tf.convert_to_tensor(real), tf.convert_to_tensor(fake)
        if not real.shape.is_compatible_with(fake.shape):
            raise ValueError(
                f"real and fake must have one shape; got {tuple(real.shape)} and "
                f"{tuple(fake.shape)}"
            )
        dtype = real.dtype if real.dtype.size >= 4 else tf.float32
        real, fake = tf.cast(real, dtype), tf.cast(fake, dtype)
        total = tf.zeros((), dtype)
        for place in self.where:
            points = tf.stop_gradient(place(real, fake, seed))
            total += tf.reduce_mean(self.cost(gradient_norm(discriminator, points)))
        return self.factor * total


PENALTIES = {
    penalty.name: penalty
    for penalty in (
        # Gulrajani et al. 2017, equation 3: E (s(x̂) − 1)², x̂ between real and fake.
        GradientPenalty("wgan_gp", where=(between,), cost=slope_one),
        # Petzka et al. 2018, equation 8: E max(0, s(x̂) − 1)².
        GradientPenalty("one_sided", where=(between,), cost=slope_at_most_one),
        # Thanh-Tung et al. 2019: E s(x̂)².
        GradientPenalty("zero_centered", where=(between,), cost=slope_zero),
        # Mescheder et al. 2018, equation 9: ½ E s(x)², x real; λ4 is their γ.
        GradientPenalty("r1", where=(at_real,), cost=slope_zero, factor=0.5),
        # Mescheder et al. 2018, equation 10: ½ E s(x̃)².
        GradientPenalty("r2", where=(at_fake,), cost=slope_zero, factor=0.5),
        # Huang et al. 2024: both.
        GradientPenalty("r1_r2", where=(at_real, at_fake), cost=slope_zero, factor=0.5),
        # Kodali et al. 2017: E (s(x + αδ) − 1)².
        GradientPenalty("dragan", where=(around_real,), cost=slope_one),
    )
}


def get(penalty: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the penalty of that name; a callable of your own passes through.

    Args:
        penalty: A name in ``PENALTIES``, or a callable
            ``(discriminator, real, fake) -> scalar``, with or without an argument ``seed``.

    Returns:
        A callable ``(discriminator, real, fake, seed=None) -> scalar``.

    Raises:
        ValueError: If no penalty has that name; the message lists the known ones.
    """
    if not callable(penalty):
        return _checks.member("penalty", penalty, PENALTIES)
    arguments = inspect.signature(penalty).parameters
    if "seed" in arguments or any(a.kind is a.VAR_KEYWORD for a in arguments.values()):
        return penalty

    @functools.wraps(penalty)
    def without_seed(discriminator: Discriminator, real: Any, fake: Any, seed: Any = None) -> Any:
        del seed
        return penalty(discriminator, real, fake)

    return without_seed
