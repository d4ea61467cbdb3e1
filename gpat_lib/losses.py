"""L_cGAN: adversarial losses, each a pair of pure functions of the discriminator's logits.

The discriminator D scores real images high. ``real_logits`` and ``fake_logits`` are D(x) and
D(x̃), of any shape; the mean is taken over all their elements. Logits are unbounded: put no
sigmoid in front. Arithmetic is at least float32, so half-precision logits are safe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gpat_lib import _checks

LogitLoss = Callable[[Any, Any], tf.Tensor]


@dataclass(frozen=True)
class AdversarialLoss:
    """What each player minimises, as functions ``(real_logits, fake_logits) -> scalar``.

    Attributes:
        name: The name that ``get`` knows it by.
        discriminator: The discriminator's loss.
        generator: The generator's loss.
    """

    name: str
    discriminator: LogitLoss
    generator: LogitLoss


def _wide(logits: Any) -> tf.Tensor:
    """Half-precision logits as float32: a mean of many bfloat16 values loses digits."""
    logits = tf.convert_to_tensor(logits)
    return tf.cast(logits, tf.float32) if logits.dtype.size < 4 else logits


def cross_entropy_discriminator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E softplus(−D(x)) + E softplus(D(x̃)): cross-entropy with labels 1 and 0.

    Source: Goodfellow et al. 2014, equation 1, with D's sigmoid folded into the loss.
    """
    real_loss = tf.reduce_mean(tf.math.softplus(-_wide(real_logits)))
    fake_loss = tf.reduce_mean(tf.math.softplus(_wide(fake_logits)))
    return real_loss + fake_loss


def non_saturating_generator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E softplus(−D(x̃)): the fakes should be called real (Goodfellow et al. 2014, section 3)."""
    del real_logits
    return tf.reduce_mean(tf.math.softplus(-_wide(fake_logits)))


def minimax_generator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """−E softplus(D(x̃)): the discriminator's gain is the generator's loss; it saturates."""
    del real_logits
    return -tf.reduce_mean(tf.math.softplus(_wide(fake_logits)))


def wasserstein_discriminator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E D(x̃) − E D(x): minus the critic's estimate of the distance (Arjovsky et al. 2017)."""
    return tf.reduce_mean(_wide(fake_logits)) - tf.reduce_mean(_wide(real_logits))


def wasserstein_generator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """−E D(x̃) (Arjovsky et al. 2017)."""
    del real_logits
    return -tf.reduce_mean(_wide(fake_logits))


LOSSES = {
    loss.name: loss
    for loss in (
        AdversarialLoss("non_saturating", cross_entropy_discriminator, non_saturating_generator),
        AdversarialLoss("minimax", cross_entropy_discriminator, minimax_generator),
        AdversarialLoss("wasserstein", wasserstein_discriminator, wasserstein_generator),
    )
}


def get(loss: str | AdversarialLoss) -> AdversarialLoss:
    """Return the adversarial loss of that name; a loss of your own passes through.

    Args:
        loss: A name in ``LOSSES``, or an ``AdversarialLoss``.

    Raises:
        ValueError: If no loss has that name; the message lists the known ones.
    """
    if isinstance(loss, AdversarialLoss):
        return loss
    return _checks.member("loss", loss, LOSSES)
