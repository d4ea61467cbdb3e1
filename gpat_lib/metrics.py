"""Measures of generated samples, in NumPy and SciPy.

Features ``(n, d)`` come from ``gpat_lib.features``, or are the samples themselves. For style
transfer there are always two questions, and no one number answers both: are these the strokes of
the style (``patch_distance``), and is this still the photograph (``structural_similarity``,
``edge_similarity``)?
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpat_lib import _checks

BLOCK = 2**23  # numbers in a block of distances: 64 MB
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in a grey picture (ITU-R BT.601)


class Moments:
    """Mean and covariance of features that come batch by batch, in float64.

    Batches are merged by the update of Chan, Golub and LeVeque (1983), which loses no digits when
    the mean is large. Memory is a few ``(d, d)`` arrays, however many samples come: with d = 2048,
    50,000 images need 0.2 GB::

        moments = metrics.Moments()
        for batch in features.stream(extractor, images):
            moments.update(batch)

    Attributes:
        count: Samples so far, n.
        mean: float64 ``(d,)``.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(0)
        self._scatter = np.zeros((0, 0))  # Σ (x − mean)(x − mean)ᵀ

    def update(self, features: Any) -> "Moments":
        """Take in a batch ``(b, d)``, b ≥ 1; return this object.

        Raises:
            ValueError: If the batch is empty, not finite, or not as wide as those before.
        """
        features = _features("features", features, 0).astype(np.float64)
        if not self.count:
            width = features.shape[1]
            self.mean, self._scatter = np.zeros(width), np.zeros((width, width))
        if features.shape[1] != len(self.mean):
            raise ValueError(f"features must be {len(self.mean)} wide; got {features.shape[1]}")
        total = self.count + len(features)
        mean = features.mean(axis=0)
        shift = mean - self.mean
        features -= mean
        self._scatter += features.T @ features
        self._scatter += np.outer(shift, shift * (self.count * len(features) / total))
        self.mean = self.mean + shift * (len(features) / total)
        self.count = total
        return self

    @property
    def covariance(self) -> np.ndarray:
        """float64 ``(d, d)``, divided by n − 1; NaN before the second sample, as NumPy's."""
        return self._scatter / (self.count - 1 or math.nan)


def frechet_distance(a: Any, b: Any) -> float:
    """Squared Fréchet distance of two sets of features, each taken for a Gaussian.

    ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½), covariances with n − 1 (Dowson and Landau 1982; for
    images Heusel et al. 2017). The field gives this squared form; it is called FID only when
    ``features.inception`` with the original weights made the features: name the extractor. The
    last trace is the sum of the singular values of Σ₁^½ Σ₂^½, so singular covariances (features
    that never change, or depend on each other) do no harm.

    The estimate is too large, by about c/n. A perfect sampler of N(0, I) with d = 64 gets 2,230/n:
    0.4 with n = 5,000, 8.8 with 256, and 34 with 65, where the traces are 128 together. So compare
    only values of one n, or remove the bias: ``interval(frechet_distance, a, b,
    extrapolate=True)``. Other tools accept n ≤ d without a word; here it is an error.

    Args:
        a: Features ``(n, d)``, other axes flattened, or a ``Moments``.
        b: The other set; n may differ.

    Returns:
        A number ≥ 0.

    Raises:
        ValueError: If a set has not more samples than features, so that its covariance cannot have
            full rank; if widths differ, or values are not finite.
    """
    first, second = _moments("a", a), _moments("b", b)
    means = _pair("a", first.mean[None], "b", second.mean[None], 0)
    halves, distance = [], np.sum((means[0] - means[1]) ** 2)
    for covariance in (first.covariance, second.covariance):
        values, vectors = np.linalg.eigh(covariance)
        # What rounding leaves of a zero eigenvalue, 1e-16, would have a root that counts, 1e-8.
        values[values < values[-1] * len(values) * np.finfo(float).eps] = 0.0
        halves.append(vectors * np.sqrt(values))
        distance += values.sum()
    distance -= 2.0 * np.linalg.svd(halves[0].T @ halves[1], compute_uv=False).sum()
    return max(float(distance), 0.0)


def kernel_distance(
    real: Any, fake: Any, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> float:
    """Squared maximum mean discrepancy with the kernel (x·y/d + 1)³, unbiased.

    mean of k(x, x′) over x ≠ x′, plus the same of the fakes, minus twice the mean of k(x, x̃)
    (Bińkowski et al. 2018, section 4; KID when the features are Inception's). It is the mean over
    random subsets, drawn anew without replacement. Unbiased: for a perfect sampler the
    expectation is 0 at any size, and a value may be below 0.

    Args:
        real: Features of real samples ``(n, d)``; other axes are flattened.
        fake: Features of generated samples ``(m, d)``.
        subsets: How many subsets.
        subset_size: Samples per subset and set, ≥ 2; at most as many as the smaller set has.
        seed: Of the subsets.

    Raises:
        ValueError: If a set has less than 2 samples, widths differ, or values are not finite.
    """
    real, fake = _pair("real", real, "fake", fake, 1)
    subsets = _checks.whole("subsets", subsets)
    size = min(_checks.whole("subset_size", subset_size, least=2), len(real), len(fake))
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(subsets):
        drawn = [s[rng.choice(len(s), size, replace=False)] for s in (real, fake)]
        points = np.concatenate(drawn, dtype=np.float64)
        base = points @ points.T / points.shape[1] + 1.0
        kernel = base * base * base
        np.fill_diagonal(kernel, 0.0)  # no sample is compared with itself
        within = kernel[:size, :size].sum() + kernel[size:, size:].sum()
        total += within / (size * (size - 1)) - 2.0 * kernel[:size, size:].mean()
    return float(total / subsets)


def precision_recall(real: Any, fake: Any, k: int = 3) -> tuple[float, float]:
    """Precision and recall of generated samples, by nearest neighbours.

    Each set spreads a ball around each of its samples, with the distance to its k-th nearest
    neighbour (itself skipped) as radius. Precision is the share of fakes inside any ball of the
    real set: are they plausible? Recall is the share of reals inside any ball of the fake set:
    is everything covered? (Kynkäänniemi et al. 2019, section 2.) Distances are held in blocks, so
    that 10,000 samples against 10,000 need 0.2 GB.

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
    real, fake = _pair("real", real, "fake", fake, k)

    def radii(points: np.ndarray) -> np.ndarray:
        # Column 0 is the sample itself. A view would keep the whole block alive, hence the copy.
        blocks = _blocks(points, BLOCK // len(points))
        return np.concatenate([np.partition(cdist(b, points), k)[:, k].copy() for b in blocks])

    fake_radius, rows = radii(fake), BLOCK // len(fake)
    plausible, covered = np.zeros(len(fake), bool), 0
    for part, radius in zip(_blocks(real, rows), _blocks(radii(real), rows), strict=True):
        between = cdist(part, fake)
        plausible |= (between <= radius[:, None]).any(axis=0)
        covered += int((between <= fake_radius).any(axis=1).sum())
    return float(plausible.mean()), covered / len(real)


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

    samples, references = _pair("samples", samples, "references", references, 0)
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

    samples, modes = _pair("samples", samples, "modes", modes, 0)
    sigma = _checks.number("sigma", sigma, least=1e-12)
    radius = _checks.number("radius", radius, least=1e-12)
    distances, nearest = KDTree(modes).query(samples)
    return _coverage(nearest[distances <= radius * sigma], len(modes), len(samples))


def class_coverage(predictions: Any, classes: int, confidence: float = 0.0) -> ModeCoverage:
    """How many classes a classifier finds in generated samples, and how evenly.

    A sample counts for its likeliest class if that has a probability of at least ``confidence``;
    the counted samples make the histogram p, and KL(p ‖ uniform) = Σ pᵢ ln(k pᵢ). At the default
    all count, as in the published tables of stacked digits (Metz et al. 2017, Lin et al. 2018:
    1,000 classes, 26,000 samples, where a perfect sampler has a KL of 0.019).

    Args:
        predictions: Classes ``(n,)``, whole numbers from 0 to k − 1, or probabilities ``(n, k)``
            whose rows sum to 1. For stacked digits: 100·red + 10·green + blue, say.
        classes: How many classes k there are.
        confidence: The least probability that counts, in [0, 1); with classes alone, 0.

    Returns:
        A ``ModeCoverage``: ``modes`` is the number of classes with a counted sample, ``share`` the
        share of counted samples.

    Raises:
        ValueError: If predictions are neither of these, or there are none, or ``confidence`` is
            given without probabilities.
    """
    classes = _checks.whole("classes", classes)
    confidence = _checks.number("confidence", confidence, below=1.0)
    found = given = np.asarray(predictions)
    if given.shape == (len(given), classes) and np.allclose(given.sum(axis=1), 1.0, atol=1e-3):
        found = given.argmax(axis=1)[given.max(axis=1) >= confidence]
    elif given.ndim != 1 or given.dtype.kind not in "iu" or confidence:
        raise ValueError(
            f"predictions must be probabilities (n, {classes}) whose rows sum to 1, or whole "
            f"numbers (n,) without confidence; got {given.dtype} {given.shape}"
        )
    if not len(given) or set(np.unique(found)) - set(range(classes)):
        raise ValueError(f"predictions must hold classes from 0 to {classes - 1}; got {given}")
    return _coverage(found, classes, len(given))


def interval(
    statistic: Any, *samples: Any, repeats: int = 200, extrapolate: bool = False, seed: int = 0
) -> tuple[Any, Any, Any]:
    """A statistic with its 95 % confidence interval, by half-sampling.

    The statistic is taken anew on random halves of the samples, drawn without replacement. A half
    has twice the variance, of which the common samples fix one half; so the spread of these values
    around their mean is that of the statistic itself (subsampling: Politis and Romano 1994). The
    interval is the value plus the 2.5 % and 97.5 % quantiles of these deviations. It speaks of
    other samples of the same size: a bias that the size brings stays in.

    The usual bootstrap draws with replacement, and repeated samples look like a narrower law. For
    Gaussians with d = 16, n = 500 and a Fréchet distance of 2.49 on average it moved the values up
    by 0.40, two standard deviations, and its intervals held that average in 44 % of 200 trials.
    Half-sampling held it in 96 %, and the average kernel distance, precision and recall in 92 to
    97 %; for a perfect sampler its intervals of the Fréchet distance are too wide (100 %). For
    plain means take ``scipy.stats.bootstrap``, for shares ``proportion_interval``.

    Args:
        statistic: From arrays like ``samples`` to a number or an array, for example
            ``frechet_distance`` or ``precision_recall``. Half the samples must be enough for it.
            It is called ``repeats`` + 1 times: give ``kernel_distance`` few subsets.
        *samples: Arrays ``(n, ...)``, each halved by itself.
        repeats: How many pairs of halves, ≥ 2.
        extrapolate: Remove a bias of order 1/n: twice the value less the mean of the halves, whose
            bias is double (the line through 1/n of Chong and Forsyth 2020, with two sizes). The
            Fréchet distance above became 2.08, which is the truth, and the intervals held the
            truth in 96 % of trials, else in 46 %.
        seed: Of the halves.

    Returns:
        ``(value, low, high)``, each a number, or an array if the statistic gives several.

    Raises:
        ValueError: If an argument is out of range, or the statistic finds fault with the samples.
    """
    repeats = _checks.whole("repeats", repeats, least=2)
    arrays = [np.asarray(values) for values in samples]
    rng = np.random.default_rng(seed)

    def half(values: np.ndarray) -> np.ndarray:
        return values[rng.choice(len(values), len(values) // 2, replace=False)]

    value = np.asarray(statistic(*arrays), np.float64)[()]
    halves = np.asarray([statistic(*map(half, arrays)) for _ in range(repeats)], np.float64)
    center = halves.mean(axis=0)
    low, high = value - center + np.quantile(halves, [0.025, 0.975], axis=0)
    shift = value - center if extrapolate else 0.0
    return value + shift, low + shift, high + shift


def proportion_interval(successes: int, trials: int) -> tuple[float, float, float]:
    """A share with its 95 % confidence interval (Wilson 1927), for counts of independent trials.

    Args:
        successes: How many, from 0 to ``trials``.
        trials: Of how many, ≥ 1.

    Returns:
        ``(share, low, high)``, within [0, 1], not empty even at a share of 0 or 1.

    Raises:
        ValueError: If a number is not whole or not in its range.
    """
    from scipy.stats import binomtest

    successes = _checks.whole("successes", successes, least=0)
    trials = _checks.whole("trials", trials, least=max(successes, 1))
    found = binomtest(successes, trials).proportion_ci(method="wilson")
    return successes / trials, float(found.low), float(found.high)


def patch_distance(
    images_a: Any, images_b: Any, size: int = 7, filters: int = 64, seed: int = 0
) -> float:
    """SWDp: how differently two sets of images are made of p × p patches, wherever these lie.

    The mean over random filters of the Wasserstein-1 distance between the responses of all patches
    of one set and of the other: ``∫ |Q_a(t) − Q_b(t)| dt``, with the quantile functions of
    ``patch_quantiles``. This is the sliced Wasserstein distance of patches (Rabin et al. 2011; for
    GANs Karras et al. 2018, who normalise the patches), with images as they are: contrast and
    colour count.

    It sees texture alone. An image cut up and put together anew has nearly the same patches, so a
    generator that paints the style and forgets the photograph scores well.

    Args:
        images_a: RGB images in [−1, 1], a list or an array ``(n, h, w, 3)``; in a list each may
            have its own size. One image ``(h, w, 3)`` counts as a list of one.
        images_b: The other set; numbers and sizes may differ.
        size: Side p of the patches in pixels.
        filters: How many filters.
        seed: Of the filters; compare only values of one seed.

    Returns:
        A number ≥ 0; 0 for the same patches.

    Raises:
        ValueError: If a set is empty, an image is not RGB, smaller than a patch, or not finite.
    """
    a = patch_quantiles(images_a, size, filters, seed, "images_a")
    b = patch_quantiles(images_b, size, filters, seed, "images_b")
    return float(np.abs(a - b).mean())


def patch_quantiles(
    images: Any, size: int = 7, filters: int = 64, seed: int = 0, name: str = "images"
) -> np.ndarray:
    """What ``patch_distance`` compares: the mean absolute difference of two such arrays is SWDp.

    A filter has p·p·3 weights, drawn from N(0, 1) and scaled to norm 1, so values of different p
    can be compared. 256 bytes a pixel are needed with 64 filters.

    Args:
        images: As in ``patch_distance``.
        size: As in ``patch_distance``.
        filters: As in ``patch_distance``.
        seed: As in ``patch_distance``.
        name: What error messages call the images.

    Returns:
        float64 ``(filters, 1000)``: of the responses to each filter the quantiles at 1,000 levels
        from 0.0005 to 0.9995.

    Raises:
        ValueError: As ``patch_distance``.
    """
    size, filters = _checks.whole("size", size), _checks.whole("filters", filters)
    bank = np.random.default_rng(seed).standard_normal((3 * size * size, filters))
    bank = (bank / np.linalg.norm(bank, axis=0)).astype(np.float32)
    if isinstance(images, np.ndarray) and images.ndim == 3:
        images = images[None]
    if not len(images):
        raise ValueError(f"{name} must hold at least one image; got none")
    responses = np.concatenate([_responses(_image(name, x, size), size, bank) for x in images])
    count = len(responses)  # the i-th smallest of n stands for level (i + ½) / n
    places, levels = np.arange(count) + 0.5, (np.arange(1000) + 0.5) / 1000
    return np.stack([np.interp(levels * count, places, row) for row in np.sort(responses.T)])


def structural_similarity(image_a: Any, image_b: Any) -> float:
    """SSIM of two images of one size, on their luma: 1 for the same, near 0 for unrelated ones.

    Mean and contrast in windows of 7 × 7 are compared (Wang et al. 2004), by scikit-image.

    Args:
        image_a: RGB image ``(h, w, 3)`` in [−1, 1], both sides ≥ 7.
        image_b: The other.

    Raises:
        ValueError: If an image is not RGB, too small or not finite, or their sizes differ.
    """
    from skimage import metrics as skimage_metrics

    a, b = _lumas(image_a, image_b)
    return float(skimage_metrics.structural_similarity(a, b, data_range=2.0))


def edge_similarity(image_a: Any, image_b: Any, sigma: float = 2.0) -> float:
    """Do two images have their edges in the same places? Correlation of Sobel magnitudes.

    The lumas are blurred first, so that an outline counts and a single stroke does not. The image
    of a set of photographs that fits best tells which of them was painted over.

    Args:
        image_a: RGB image ``(h, w, 3)`` in [−1, 1], both sides ≥ 7.
        image_b: The other, of the same size.
        sigma: Standard deviation of the blur in pixels; 0 for none.

    Returns:
        Pearson's correlation, in [−1, 1]; 0 if an image has no edges at all.

    Raises:
        ValueError: As ``structural_similarity``.
    """
    from scipy import ndimage

    sigma = _checks.number("sigma", sigma)
    edges = []
    for luma in _lumas(image_a, image_b):
        luma = ndimage.gaussian_filter(luma, sigma)
        magnitude = np.hypot(ndimage.sobel(luma, 0), ndimage.sobel(luma, 1))
        edges.append(magnitude - magnitude.mean())
    norms = [np.linalg.norm(edge) for edge in edges]
    # What rounding leaves of an even image is not an edge.
    return float((edges[0] * edges[1]).sum() / (norms[0] * norms[1])) if min(norms) > 1e-9 else 0.0


def _coverage(found: np.ndarray, k: int, total: int) -> ModeCoverage:
    counts = np.bincount(found, minlength=k)
    p = counts[counts > 0] / max(len(found), 1)
    return ModeCoverage(
        modes=len(p),
        share=len(found) / total,
        kl=float(np.sum(p * np.log(k * p))) if len(found) else math.inf,
        counts=tuple(counts.tolist()),
    )


def _features(name: str, values: Any, k: int) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype not in (np.float32, np.float64):  # these stay: a copy may not fit the memory
        values = values.astype(np.float64)
    if values.ndim < 2 or len(values) <= k:
        raise ValueError(
            f"{name} must have shape (n, ...) with more than k = {k} samples; got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    return values.reshape(len(values), -1)


def _pair(name: str, a: Any, other: str, b: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = _features(name, a, k), _features(other, b, k)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name} and {other} must have one width; got {a.shape[1]} and {b.shape[1]}"
        )
    return a, b


def _moments(name: str, samples: Any) -> Moments:
    moments = samples
    if not isinstance(samples, Moments):
        moments = Moments()
        for block in _blocks(_features(name, samples, 1), 4096):
            moments.update(block)
    if moments.count <= len(moments.mean):
        raise ValueError(
            f"{name} must have more samples than features, for a covariance of full rank; got "
            f"{moments.count} samples of {len(moments.mean)} features"
        )
    return moments


def _blocks(values: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (values[i : i + max(rows, 1)] for i in range(0, len(values), max(rows, 1)))


def _image(name: str, image: Any, least: int) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < least:
        raise ValueError(
            f"{name} must be RGB, (height, width, 3), with sides of at least {least} pixels; got "
            f"{image.shape}"
        )
    if not np.isfinite(image).all() or np.abs(image).max() > 1.001:
        raise ValueError(f"{name} must lie in [-1, 1]; it does not, or holds NaN")
    return image


def _responses(image: np.ndarray, size: int, bank: np.ndarray) -> np.ndarray:
    """What each filter ``(3·size², filters)`` finds in each patch of an image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), (0, 1))  # type: ignore[call-overload]
    # A patch is as long as a filter; some rows of them at a time, which bounds the memory.
    rows = _blocks(windows, BLOCK // (windows.shape[1] * len(bank)))
    return np.concatenate([np.float32(block).reshape(-1, len(bank)) @ bank for block in rows])


def _lumas(image_a: Any, image_b: Any) -> list[np.ndarray]:
    images = _image("image_a", image_a, 7), _image("image_b", image_b, 7)
    if images[0].shape != images[1].shape:
        raise ValueError(
            f"image_a and image_b must have one size; got {images[0].shape} and {images[1].shape}"
        )
    return [image.astype(np.float64) @ np.array(LUMA) for image in images]
