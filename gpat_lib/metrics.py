"""Measures of generated samples, in NumPy and SciPy."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpat_lib import _checks


def precision_recall(real: Any, fake: Any, k: int = 3) -> tuple[float, float]:
    """Precision and recall of generated samples, by nearest neighbours.

    Each set spreads a ball around each of its samples, with the distance to its k-th nearest
    neighbour (itself skipped) as radius. Precision is the share of fakes inside any ball of the
    real set: are they plausible? Recall is the share of reals inside any ball of the fake set:
    is everything covered? (Kynkäänniemi et al. 2019, section 2.)

    Args:
        real: Features of real samples, array ``(n, d)``; other axes are flattened.
        fake: Features of generated samples, array ``(m, d)``.
        k: Which neighbour sets the radius, ≥ 1.

    Returns:
        ``(precision, recall)``, both in [0, 1].

    Raises:
        ValueError: If a set has not more than k samples, widths differ, or values are not finite.
    """
    from scipy.spatial.distance import cdist

    k = _checks.whole("k", k)
    real, fake = _features("real", real, k), _features("fake", fake, k)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"real and fake must have one width; got {real.shape[1]} and {fake.shape[1]}"
        )
    between = cdist(real, fake)
    real_radius = np.sort(cdist(real, real), axis=1)[:, k]  # column 0 is the sample itself
    fake_radius = np.sort(cdist(fake, fake), axis=1)[:, k]
    precision = (between <= real_radius[:, None]).any(axis=0).mean()
    recall = (between <= fake_radius[None, :]).any(axis=1).mean()
    return float(precision), float(recall)


def nearest_distance(samples: Any, references: Any) -> np.ndarray:
    """Euclidean distance of each sample to its nearest reference.

    Generated samples that sit much nearer to the training set than held-out real ones do are
    copies: the comparison shows memorising.

    Args:
        samples: Array ``(n, ...)``; all axes but the first are flattened.
        references: Array ``(m, ...)`` of the same width.

    Returns:
        float array ``(n,)``.

    Raises:
        ValueError: If a set is empty, widths differ, or values are not finite.
    """
    from scipy.spatial import KDTree

    samples, references = _features("samples", samples, 0), _features("references", references, 0)
    if samples.shape[1] != references.shape[1]:
        raise ValueError(
            "samples and references must have one width; got "
            f"{samples.shape[1]} and {references.shape[1]}"
        )
    return KDTree(references).query(samples)[0]


@dataclass(frozen=True)
class ModeCoverage:
    """What ``mode_coverage`` finds; printed as one line.

    Attributes:
        modes: Number of modes with at least one high-quality sample.
        share: Share of the samples that are of high quality, in [0, 1].
        kl: KL(histogram of the modes ‖ uniform) in nats, from 0 to ln k; infinite without any
            high-quality sample.
        counts: High-quality samples of each mode, in the order of the modes.
    """

    modes: int
    share: float
    kl: float
    counts: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"{self.modes} of {len(self.counts)} modes, {self.share:.1%} of high quality, "
            f"KL {self.kl:.4f}"
        )


def mode_coverage(samples: Any, modes: Any, sigma: float, radius: float = 3.0) -> ModeCoverage:
    """How much of a mixture of k Gaussians of one width is reached, and how evenly.

    A sample is of high quality if it lies within ``radius``·σ of its nearest mode; a mode counts
    with one such sample (as in Lin et al. 2018, PacGAN). The high-quality samples alone make
    the histogram p over the modes, and KL(p ‖ uniform) = Σ pᵢ ln(k pᵢ).

    Even perfect samples do not reach 100 % and 0. In two dimensions 1 − e^(−radius²/2) of them
    are of high quality, 98.9 % at radius 3, and the expected KL is about (k − 1)/(2n): for 25
    modes 0.0048 with n = 2,500 samples, as in published tables, and 0.0005 with 25,000. Compare
    only values from the same n, and take a large one.

    Args:
        samples: Array ``(n, ...)``; all axes but the first are flattened.
        modes: Centres of the Gaussians, array ``(k, ...)`` of the same width, for example
            ``data.POINTS["grid"].modes``.
        sigma: Standard deviation σ of each Gaussian along each axis, > 0.
        radius: What counts as near, in units of σ, > 0.

    Returns:
        A ``ModeCoverage``. Without any high-quality sample its KL is infinite: worse than all
        samples in one mode, which gives ln k.

    Raises:
        ValueError: If a set is empty, widths differ, or a value is not finite or out of range.
    """
    from scipy.spatial import KDTree

    samples, modes = _features("samples", samples, 0), _features("modes", modes, 0)
    if samples.shape[1] != modes.shape[1]:
        raise ValueError(
            f"samples and modes must have one width; got {samples.shape[1]} and {modes.shape[1]}"
        )
    sigma = _checks.number("sigma", sigma, least=1e-12)
    radius = _checks.number("radius", radius, least=1e-12)
    distances, nearest = KDTree(modes).query(samples)
    good = nearest[distances <= radius * sigma]
    counts = np.bincount(good, minlength=len(modes))
    p = counts[counts > 0] / max(len(good), 1)
    return ModeCoverage(
        modes=len(p),
        share=len(good) / len(samples),
        kl=float(np.sum(p * np.log(len(modes) * p))) if len(good) else math.inf,
        counts=tuple(counts.tolist()),
    )


def _features(name: str, values: Any, k: int) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim < 2 or len(values) <= k:
        raise ValueError(
            f"{name} must have shape (n, ...) with more than k = {k} samples; got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    return values.reshape(len(values), -1)
