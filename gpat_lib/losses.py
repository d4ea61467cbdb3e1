"""L_cGAN: adversarial losses, each a pair of pure functions of the discriminator's logits.

Of the maps of a patch discriminator too the mean is taken over all elements. For the Wasserstein
loss this is the score of an image; cross-entropy asks its question of every patch (Isola et al.
2017), which is more than to ask it of the mean. Content losses of style transfer stand at the end.

The discriminator D scores real images high. ``real_logits`` and ``fake_logits`` are D(x) and
D(x̃), of any shape; the mean is taken over all their elements. Logits are unbounded: put no
sigmoid in front. Arithmetic is at least float32, so half-precision logits are safe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gpat_lib import _checks
from gpat_lib.metrics import LUMA

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


def hinge_discriminator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(x̃)): scores beyond ±1 earn nothing more.

    Source: Lim and Ye 2017; Miyato et al. 2018, equation 16. The generator's loss is −E D(x̃),
    as for Wasserstein.
    """
    real_loss = tf.reduce_mean(tf.nn.relu(1.0 - _wide(real_logits)))
    fake_loss = tf.reduce_mean(tf.nn.relu(1.0 + _wide(fake_logits)))
    return real_loss + fake_loss


def least_squares_discriminator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """½ E (D(x) − 1)² + ½ E D(x̃)²: targets 1 and 0, with the ½ of Mao et al. 2017, equation 9."""
    real_loss = tf.reduce_mean(tf.square(_wide(real_logits) - 1.0))
    fake_loss = tf.reduce_mean(tf.square(_wide(fake_logits)))
    return 0.5 * (real_loss + fake_loss)


def least_squares_generator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """½ E (D(x̃) − 1)² (Mao et al. 2017, equation 9)."""
    del real_logits
    return 0.5 * tf.reduce_mean(tf.square(_wide(fake_logits) - 1.0))


def relativistic_discriminator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E softplus(D(x̃) − D(x)): each real sample should beat the fake it is paired with.

    Only differences count: adding a constant to D changes nothing. Source: Jolicoeur-Martineau
    2018 (RpGAN); with R1 and R2 the baseline of Huang et al. 2024.

    Raises:
        ValueError: If the logits differ in shape, so that they cannot be paired.
    """
    return tf.reduce_mean(tf.math.softplus(-_advantage(real_logits, fake_logits)))


def relativistic_generator(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """E softplus(D(x) − D(x̃)): each fake should beat the real sample it is paired with.

    Raises:
        ValueError: As ``relativistic_discriminator``.
    """
    return tf.reduce_mean(tf.math.softplus(_advantage(real_logits, fake_logits)))


def _advantage(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """D(x) − D(x̃), pair by pair; broadcasting (n, 1) against (n,) would pair all with all."""
    real_logits, fake_logits = _wide(real_logits), _wide(fake_logits)
    if not real_logits.shape.is_compatible_with(fake_logits.shape):
        raise ValueError(
            "real_logits and fake_logits must have one shape, since they are paired; got "
            f"{tuple(real_logits.shape)} and {tuple(fake_logits.shape)}"
        )
    return real_logits - fake_logits


LOSSES = {
    loss.name: loss
    for loss in (
        AdversarialLoss("non_saturating", cross_entropy_discriminator, non_saturating_generator),
        AdversarialLoss("minimax", cross_entropy_discriminator, minimax_generator),
        AdversarialLoss("wasserstein", wasserstein_discriminator, wasserstein_generator),
        AdversarialLoss("hinge", hinge_discriminator, wasserstein_generator),
        AdversarialLoss("least_squares", least_squares_discriminator, least_squares_generator),
        AdversarialLoss("relativistic", relativistic_discriminator, relativistic_generator),
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


def luma_content(contents: Any, stylised: Any) -> tf.Tensor:
    """E (A(Y(x)) − A(Y(x̃)))²: are light and dark where the photograph has them?

    Y is the luma, 0.299 red + 0.587 green + 0.114 blue, and A the mean of 4×4 pixels: colours and
    single strokes are free. Pixels that fill no whole 4×4 at the right and the bottom are left out.

    Args:
        contents: Photographs ``(n, h, w, 3)``, both sides ≥ 4.
        stylised: What became of them, the same shape.
    """
    difference = tf.reduce_sum((_wide(contents) - _wide(stylised)) * LUMA, axis=-1, keepdims=True)
    pooled = tf.nn.avg_pool2d(difference, 4, 4, "VALID")
    return tf.reduce_mean(tf.square(pooled))


CONTENT_LOSSES: dict[str, LogitLoss] = {"luma": luma_content}


def get_content(content_loss: str | LogitLoss | None) -> LogitLoss | None:
    """Return the content loss of that name; a callable of your own and ``None`` pass through.

    Args:
        content_loss: A name in ``CONTENT_LOSSES``, or ``(contents, stylised) -> scalar``.

    Raises:
        ValueError: If no content loss has that name; the message lists the known ones.
    """
    if content_loss is None or callable(content_loss):
        return content_loss
    return _checks.member("content_loss", content_loss, CONTENT_LOSSES)
