"""Measures of generated samples, in NumPy and SciPy."""

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


def _features(name: str, values: Any, k: int) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim < 2 or len(values) <= k:
        raise ValueError(
            f"{name} must have shape (n, ...) with more than k = {k} samples; got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    return values.reshape(len(values), -1)
