"""Style transfer: train a generator on one style image, and repaint photographs with it.

    python -m gpat_lib.style photo.jpg --style woodcut -o out.png

The model is ``GPAT`` from image to image. A critic of patches learns to tell crops of the style
image from crops of what the generator makes of photographs; a content loss keeps the photograph.
A generator knows the one style it was trained on and carries a thumbnail of it in its file.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # before TensorFlow is imported: a command shall not chatter
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from gpat_lib import _checks, losses, metrics, models, pictures
from gpat_lib.training import GPAT, LossWeights

CHECKPOINTS = Path(__file__).resolve().parent.parent / "data" / "checkpoints"
ContentLoss = Callable[[Any, Any], tf.Tensor]
THUMBNAIL = 8  # side in pixels
# Root of the mean squared difference of two thumbnails. Of the course's eight styles, strongly
# compressed copies at half the size differ by up to 0.03, copies that lack ten rows and columns by
# 0.11, and the two most similar styles by 0.35.
SAME_STYLE = 0.15
CALIBRATION = 64  # crops
TONES = 17  # of the curve from a photograph's tones to a style's
EPOCH = 50  # steps between two looks of a callback


@keras.saving.register_keras_serializable(package="gpat_lib")
class StyleStamp(keras.layers.Layer):
    """Changes nothing; keeps a style's name and thumbnail in a network's file.

    Args:
        style: The style's name.
    """

    def __init__(self, style: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.style = style
        shape = (THUMBNAIL, THUMBNAIL, 3)
        self.thumbnail = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="thumbnail"
        )

    def call(self, images: Any) -> Any:
        """What came."""
        return images

    def get_config(self) -> dict[str, Any]:
        """The arguments of a copy."""
        return {**super().get_config(), "style": self.style}


# ---------------------------------------------------------------- what shall be kept


def encoder_content(generator: keras.Model) -> ContentLoss:
    """E ‖E(x) − E(x̃)‖²: the generator's own features tell what the content is.

    E is the way down of an ``image_generator``, with zeros for the noise; the mean is taken over
    all features. E is trained along with the rest, so it learns to see what style does not change
    (the style-aware content loss of Sanakoyeu et al. 2018). Normalisation keeps E from shrinking.

    Args:
        generator: The generator in training.

    Raises:
        ValueError: If the generator has no convolution of stride 2.
    """
    strided = [i for i, x in enumerate(generator.layers) if getattr(x, "strides", 1) == (2, 2)]
    if not strided:
        raise ValueError("generator must have a convolution of stride 2; it has none")
    # That convolution, its normalisation, its bend.
    encoder = keras.Model(generator.inputs, generator.layers[strided[-1] + 2].output)
    noise_channels = generator.input_shape[-1] - 3

    def features(images: tf.Tensor) -> tf.Tensor:
        return encoder(tf.pad(images, [[0, 0], [0, 0], [0, 0], [0, noise_channels]]))

    return perceptual_content(features)


def perceptual_content(extractor: Callable[[Any], Any]) -> ContentLoss:
    """E ‖F(x) − F(x̃)‖²: features that a network of yours makes of both images.

    The feature reconstruction loss of Johnson et al. 2016, equation 2, with any network in the
    place of VGG; the mean is taken over all features.

    Args:
        extractor: Callable from images ``(n, h, w, 3)`` in [−1, 1] to features.
    """

    def content(contents: Any, stylised: Any) -> tf.Tensor:
        difference = extractor(contents) - extractor(stylised)
        return tf.reduce_mean(tf.square(tf.cast(difference, tf.float32)))

    return content


def toned_content(photographs: Sequence[np.ndarray], style: np.ndarray) -> ContentLoss:
    """E (A(f(Y(x))) − A(Y(x̃)))²: light and dark as in the photograph, in the tones of the style.

    Y and A are those of ``losses.luma_content``. The curve f rises and takes the lumas of all
    photographs to those of the style, quantile to quantile, straight in between (histogram
    matching). So the content loss and the critic do not argue about how dark a picture shall be.

    Args:
        photographs: Floats ``(h, w, 3)``: those to train on.
        style: The style image, likewise.
    """
    shares = np.linspace(0.0, 1.0, TONES)
    lumas = np.concatenate([(image @ losses.LUMA).ravel() for image in photographs])
    # Kept apart: many pixels may have the same luma.
    knots = np.quantile(lumas, shares) + 1e-3 * np.arange(TONES)
    tones = np.quantile(style @ losses.LUMA, shares)
    bends = np.diff(np.diff(tones) / np.diff(knots), prepend=0.0).astype(np.float32)
    first, knots = float(tones[0]), knots[:-1].astype(np.float32)

    def content(contents: Any, stylised: Any) -> tf.Tensor:
        wide = tf.cast(contents, tf.float32)
        luma = tf.reduce_sum(wide * losses.LUMA, axis=-1, keepdims=True)
        toned = first + tf.reduce_sum(bends * tf.nn.relu(luma - knots), axis=-1, keepdims=True)
        return losses.luma_content(toned, stylised)

    return content


# name -> (makes the loss for a generator, photographs and a style, the weight if none is given)
CONTENT_LOSSES: dict[str, tuple[Callable[..., ContentLoss], float]] = {
    "tones": (lambda generator, photographs, style: toned_content(photographs, style), 40.0),
    "luma": (lambda *_: losses.luma_content, 60.0),
    "encoder": (lambda generator, *_: encoder_content(generator), 10.0),
}


def get(content_loss: str | ContentLoss | None, *made_for: Any) -> ContentLoss | None:
    """Return the content loss of that name; callables and ``None`` pass through.

    Args:
        content_loss: A name in ``CONTENT_LOSSES``, a callable, or ``None``.
        *made_for: The generator in training, the photographs, and the style image.

    Raises:
        ValueError: If no content loss has that name; the message lists the known ones.
    """
    if content_loss is None or callable(content_loss):
        return content_loss
    return _checks.member("content_loss", content_loss, CONTENT_LOSSES)[0](*made_for)


# ---------------------------------------------------------------- training


class Progress(keras.callbacks.Callback):
    """One progress bar for a whole run."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Draw the empty bar."""
        self.bar = keras.utils.Progbar(self.params["steps"] * self.params["epochs"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """One step further."""
        shown = [(name, (logs or {})[name]) for name in ("critic_gap", "content")]
        self.bar.add(1, values=shown)


def train_style(
    style_image: Any,
    content_images: Any,
    *,
    steps: int = 400,
    content_loss: str | ContentLoss | None = "tones",
    content_weight: float | None = None,
    loss: str = "wasserstein",
    penalty: str | Callable[..., Any] | None = "wgan_gp",
    lambda_4: float = 10.0,
    n_critic: int = 2,
    batch_size: int = 4,
    crop: int = 64,
    learning_rate: float = 5e-4,
    final_rate: float = 0.1,
    ema: float = 0.99,
    widths: Sequence[int] = (16, 32, 64),
    critic_widths: Sequence[int] = (24, 48, 96, 96),
    strided: bool = False,
    noise_channels: int = 2,
    style_side: int = 256,
    content_side: int = 160,
    name: str | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
    verbose: int = 1,
) -> tuple[keras.Model, keras.Model]:
    """Train a generator and a critic on one style image; two minutes on two CPU cores.

    Crops of the style image and of the photographs, each drawn for itself and half of them
    mirrored, are the samples and the contents of ``GPAT``. Strokes keep their size in pixels:
    the style image at 256 pixels paints the same strokes on a large photograph as on a small one.

    Keras's global random seed is set, for the first weights.

    Args:
        style_image: Anything ``pictures.load`` takes.
        content_images: Photographs, a sequence, or a dictionary of them, as
            ``data.content_images()`` gives.
        steps: Generator updates. Multiples of 50 let callbacks look every 50 steps (an "epoch").
        content_loss: A name in ``CONTENT_LOSSES``, a callable ``(contents, stylised) -> scalar``,
            or ``None``.
        content_weight: Weight of the content loss; that of ``CONTENT_LOSSES`` if not given, of your
            own callable 1. More keeps more of the photograph and paints less.
        loss: As in ``GPAT.compile``.
        penalty: As in ``GPAT.compile``; ``None`` for none.
        lambda_4: Weight of the penalty.
        n_critic: Critic updates per step.
        batch_size: Crops per update.
        crop: Side of the crops in pixels; at least what a logit of the critic sees.
        learning_rate: Of both Adams, whose betas are 0 and 0.9, at the first update.
        final_rate: At the last update, as a share of the first; it falls along half a cosine.
        ema: Decay of the generator's running average, which is what is returned.
        widths: Of ``models.image_generator``.
        critic_widths: Of ``models.patch_discriminator``.
        strided: Of ``models.patch_discriminator``.
        noise_channels: Of ``models.image_generator``.
        style_side: The shorter side of the style image is brought down to this.
        content_side: The shorter side of each photograph is brought down to this.
        name: The style's name, for messages; that of the file if not given.
        seed: Of weights, crops and noise.
        callbacks: As in Keras's ``fit``; for pictures on the way
            ``SampleGrid(folder, contents=...)``.
        verbose: 0 for no progress bar.

    Returns:
        ``(generator, discriminator)``: the averaged generator, its last bias set so that the mean
        colour of what it paints is the style's, and the critic; both stamped with the style.

    Raises:
        ValueError: If an image cannot be read or, brought down, is smaller than a crop; if a crop
            is smaller than what a logit sees; or an argument is out of range.
    """
    steps, crop = _checks.whole("steps", steps), _checks.whole("crop", crop)
    seed = _checks.whole("seed", seed, least=0)
    style = pictures.load(style_image, "style_image", crop).rgb
    photographs = [
        _brought_down(image, content_side, crop)
        for image in pictures.load_all(content_images, "content_images", crop)
    ]
    strokes = [_brought_down(style, style_side, crop)]
    keras.utils.set_random_seed(seed)
    generator = models.image_generator(widths, noise_channels=noise_channels)
    critic = models.patch_discriminator(critic_widths, strided)
    seen, _ = models.receptive_field(critic)
    if crop < max(seen, models.least_side(generator)):
        raise ValueError(f"crop must be at least the {seen} pixels that a logit sees; got {crop}")
    if content_weight is None:
        content_weight = CONTENT_LOSSES.get(content_loss, (None, 1.0))[1]  # type: ignore[arg-type]
    stamp = _name_of(style_image, name), _thumbnail(style)
    gan = GPAT(_stamped(generator, *stamp), _stamped(critic, *stamp), latent_dim=None, seed=seed)
    gan.compile(
        loss=loss,
        penalty=penalty,
        weights=LossWeights(lambda_4=lambda_4),
        g_optimizer=_adam(learning_rate, final_rate, steps),
        d_optimizer=_adam(learning_rate, final_rate, steps * n_critic),
        n_critic=n_critic,
        ema=ema,
        content_loss=get(content_loss, generator, photographs, strokes[0]),
        content_weight=content_weight,
    )
    batch_size = _checks.whole("batch_size", batch_size)

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng(seed)
        while True:
            samples = pictures.random_crops(strokes, batch_size, crop, rng)
            yield samples, pictures.random_crops(photographs, batch_size, crop, rng)

    signature = 2 * (tf.TensorSpec((batch_size, crop, crop, 3)),)
    gan.fit(
        tf.data.Dataset.from_generator(pairs, output_signature=signature).prefetch(4),
        steps_per_epoch=steps if steps % EPOCH else EPOCH,
        epochs=1 if steps % EPOCH else steps // EPOCH,
        callbacks=[*(callbacks or []), *([Progress()] if verbose else [])],
        verbose=0,
    )
    crops = pictures.random_crops(photographs, CALIBRATION, crop, np.random.default_rng(seed))
    inputs = np.concatenate([crops, gan.noise(CALIBRATION, seed, crops)], axis=3)
    _calibrate(gan.ema_generator, inputs, strokes[0].mean(axis=(0, 1)))
    return gan.ema_generator, gan.discriminator


def _calibrate(generator: keras.Model, inputs: np.ndarray, colour: np.ndarray) -> None:
    """Set the last bias so that the mean of what is painted is that colour.

    The players circle each other, and the mean colour wanders with them. Of all that wanders it is
    the easiest to see and to mend. Newton's method, per channel: d tanh(z) / dz = 1 - tanh(z)².
    """
    bias = [x for x in generator.layers if isinstance(x, keras.layers.Conv2D)][-1].bias
    for _ in range(4):
        painted = np.asarray(generator(inputs, training=False))
        slope = np.maximum(np.mean(1.0 - painted**2, axis=(0, 1, 2)), 0.05)
        bias.assign_add((colour - painted.mean(axis=(0, 1, 2))) / slope)


def _brought_down(image: np.ndarray, side: int, crop: int) -> np.ndarray:
    """A copy whose shorter side is at most ``side``."""
    height, width = image.shape[:2]
    scale = min(1.0, _checks.whole("style_side and content_side", side, crop) / min(height, width))
    return pictures.resized(image, round(scale * height), round(scale * width))


def _adam(rate: float, final_rate: float, updates: int) -> keras.optimizers.Optimizer:
    schedule = keras.optimizers.schedules.CosineDecay(rate, updates, final_rate)
    return keras.optimizers.Adam(schedule, beta_1=0.0, beta_2=0.9)


# ---------------------------------------------------------------- which style a network knows


def _thumbnail(rgb: np.ndarray) -> np.ndarray:
    return pictures.resized(rgb, THUMBNAIL, THUMBNAIL)


def _name_of(source: Any, name: str | None = None) -> str:
    """What messages call an image: its name, or its file's."""
    file = getattr(source, "filename", source)
    if name is None and isinstance(file, str | os.PathLike) and os.fspath(file):
        name = Path(file).stem
    return name or "an image without a name"


def _stamped(network: keras.Model, name: str, thumbnail: np.ndarray) -> keras.Model:
    stamp = StyleStamp(name, dtype="float32")
    stamped = keras.Model(network.inputs[0], stamp(network.outputs[0]), name=network.name)
    stamp.thumbnail.assign(thumbnail)
    return stamped


def stamp_of(network: keras.Model) -> StyleStamp:
    """The layer that says which style a network was trained on: ``.style``, ``.thumbnail``.

    Raises:
        ValueError: If there is none: the network is not one of ``train_style``'s.
    """
    found = [x for x in network._flatten_layers() if isinstance(x, StyleStamp)]
    if not found:
        raise ValueError(f"{network.name} knows no style; expected a network made by train_style")
    return found[0]


def _check_style(rgb: np.ndarray, name: str, network: keras.Model) -> None:
    stamp = stamp_of(network)
    distance = float(np.sqrt(np.mean((np.asarray(stamp.thumbnail) - _thumbnail(rgb)) ** 2)))
    if distance > SAME_STYLE:
        raise ValueError(
            f"style_image must be the one that the {network.name} was trained on, {stamp.style!r}; "
            f"got {name!r} (thumbnails differ by {distance:.2f}, more than {SAME_STYLE}). A "
            "network knows one style: for another, train_style"
        )


# ---------------------------------------------------------------- use


def style_transfer(
    content_image: Any,
    style_image: Any,
    generator: keras.Model,
    discriminator: keras.Model,
    *,
    strength: float = 1.0,
    luma_only: bool = False,
    seed: int = 0,
    draws: int = 4,
    max_side: int = 1024,
) -> Any:
    """Repaint a photograph in the style that a generator has learnt.

    The generator paints several times, with other noise each time, and the critic's favourite is
    kept. A photograph whose longer side exceeds ``max_side`` is painted at that size, and the
    change of its pixels is enlarged and added to it, which keeps its fine detail. With sides of
    1024 pixels this needs 0.5 GB beside TensorFlow; of 4000 × 3000 pixels brought down, 1.1 GB.

    Args:
        content_image: The photograph: a path, an open file, a PIL image or an array, as
            ``pictures.load`` describes them.
        style_image: The style image, or a copy of it: the generator must have been trained on it.
        generator: One of ``train_style`` or ``load_style``.
        discriminator: The critic that was trained with it.
        strength: 0 leaves the photograph, 1 is what the generator makes; between and above, the
            change is multiplied.
        luma_only: Change light and dark alone: the photograph keeps its colours.
        seed: Of the noise.
        draws: How many times to paint, ≥ 1.
        max_side: Largest side to paint at.

    Returns:
        The picture at the photograph's size, in the form it came in: a PIL image for a file, an
        array of the same type, range and axes for an array. Alpha stays.

    Raises:
        ValueError: If a picture cannot be read or is too small; if the networks know no style, or
            another one (both are named); or an argument is out of range.
    """
    strength = _checks.number("strength", strength)
    draws, seed = _checks.whole("draws", draws), _checks.whole("seed", seed, least=0)
    style = pictures.load(style_image, "style_image")
    for network in (generator, discriminator):
        _check_style(style.rgb, _name_of(style_image), network)
    least = models.least_side(generator)
    content = pictures.load(content_image, "content_image", least)
    height, width = content.rgb.shape[:2]
    scale = min(1.0, _checks.whole("max_side", max_side, least) / max(height, width))
    small = pictures.resized(
        content.rgb, *(max(least, round(scale * side)) for side in (height, width))
    )
    rng = np.random.default_rng(seed)
    best, highest = small, -np.inf
    for _ in range(draws):
        noise = rng.standard_normal((*small.shape[:2], generator.input_shape[-1] - 3), np.float32)
        painted = _run(generator, np.concatenate([small, noise], axis=2))
        score = _score(painted, discriminator)
        if score > highest:
            best, highest = painted, score
    change = best - small
    if luma_only:
        change[:] = (change @ np.array(metrics.LUMA, np.float32))[..., None]
    # Halved, so that it stays in the range of images.
    change = 2.0 * pictures.resized(change / 2.0, height, width)
    return content.restore(content.rgb + strength * change)


def _score(painted: np.ndarray, discriminator: keras.Model) -> float:
    """The critic's mean logit; an image smaller than a patch is continued by its mirror image."""
    seen, _ = models.receptive_field(discriminator)
    pads = [(0, max(0, seen - side)) for side in painted.shape[:2]]
    patches = np.pad(painted, [*pads, (0, 0)], "symmetric")
    return float(np.mean(_run(discriminator, patches)))


def _run(network: keras.Model, image: np.ndarray) -> np.ndarray:
    """What a network makes of one image, by a graph for all sizes that is kept with the network.

    A graph frees features that are no longer needed, which saves three quarters of the memory.
    Keras's own would be traced again for each size, and TensorFlow would warn of that.
    """
    graph = getattr(network, "_graph_for_all_sizes", None)
    if graph is None:
        traced = tf.function(lambda images: network(images, training=False))
        channels = network.input_shape[-1]
        graph = traced.get_concrete_function(tf.TensorSpec((1, None, None, channels)))
        object.__setattr__(network, "_graph_for_all_sizes", graph)  # not for Keras to track
    return np.asarray(graph(tf.constant(image[None], tf.float32)))[0]


def styles() -> list[str]:
    """Names of the styles that come with the course, ready to use."""
    return sorted(
        path.stem.removeprefix("style_")
        for path in CHECKPOINTS.glob("style_*.keras")
        if not path.stem.endswith("_critic")
    )


def load_style(style: str | Path) -> tuple[keras.Model, keras.Model]:
    """A trained generator with its critic.

    Args:
        style: A name of ``styles()``, or the path of a generator's ``.keras`` file, beside which
            its critic's lies with ``_critic`` at the end of its name, as ``save_style``
            leaves them.

    Raises:
        ValueError: If there is no such style (the known ones are listed), or a file is broken.
    """
    path = Path(style)
    if path.suffix != ".keras":
        _checks.member("style", style, dict.fromkeys(styles()))
        path = CHECKPOINTS / f"style_{style}.keras"
    pair = []
    for file in (path, path.with_stem(f"{path.stem}_critic")):
        try:
            pair.append(keras.saving.load_model(file, compile=False))
        except Exception as error:  # Keras raises many kinds
            reason = (str(error) or repr(error)).splitlines()[0]
            raise ValueError(f"style {str(file)!r} cannot be read: {reason}") from error
        stamp_of(pair[-1])
    return pair[0], pair[1]


def save_style(path: str | Path, generator: keras.Model, discriminator: keras.Model) -> None:
    """Write a pair that ``load_style`` reads: ``NAME.keras`` and ``NAME_critic.keras``."""
    path = Path(path).with_suffix(".keras")
    files = path, path.with_stem(f"{path.stem}_critic")
    for file, network in zip(files, (generator, discriminator), strict=True):
        part = file.with_name(f"unfinished-{os.getpid()}-{file.name}")
        try:
            network.save(part)
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)


# ---------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m gpat_lib.style``; returns the exit code: 0, or 1 if anything went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m gpat_lib.style",
        description="Repaint photographs in the style of another picture.",
        epilog="A picture of your own as style needs --train: a few minutes, once; the trained "
        "networks are kept beside the output, as PICTURE.keras, and can be named as --style later.",
    )
    parser.add_argument("photos", nargs="*", help="photographs to repaint")
    parser.add_argument("--style", help="one of --list, a .keras file, or with --train a picture")
    parser.add_argument("-o", "--output", type=Path, help="a picture; for several photos a folder")
    parser.add_argument("--list", action="store_true", help="print the styles ready to use")
    parser.add_argument("--train", action="store_true", help="learn the style first")
    parser.add_argument("--steps", type=int, default=400, help="of training (default 400)")
    parser.add_argument("--strength", type=float, default=1.0, help="0: the photo, 1: the painting")
    parser.add_argument("--luma-only", action="store_true", help="keep the photograph's colours")
    parser.add_argument("--max-side", type=int, default=1024, help="largest side to paint at")
    parser.add_argument("--seed", type=int, default=0, help="another one, other strokes")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    given = parser.parse_args(arguments)
    if given.list:
        print("\n".join(styles()))
        return 0
    if not (given.photos and given.style and given.output):
        parser.error("photos, --style and --output are needed")
    try:
        return _repaint(given)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _repaint(given: argparse.Namespace) -> int:
    """What the command does once its arguments are known; returns the exit code."""
    # What can be known to fail is looked at before the long work.
    outputs = _outputs(given.photos, given.output)
    kept = outputs[0].with_name(f"{Path(given.style).stem}.keras")
    for path in [*outputs, *([kept] if given.train else [])]:
        if path.exists() and not given.force:
            raise FileExistsError(f"{str(path)!r} exists; --force replaces it")
    if given.train:
        _train(given, kept)
    pair = load_style(kept if given.train else given.style)
    # The style image itself need not be there: its thumbnail, as bytes, is in the generator.
    style_image = np.round(127.5 * (np.asarray(stamp_of(pair[0]).thumbnail) + 1.0)).astype(np.uint8)
    options = {name: getattr(given, name) for name in ("strength", "luma_only", "max_side", "seed")}
    failed = 0
    for photo, path in zip(given.photos, outputs, strict=True):
        try:
            painted = style_transfer(photo, style_image, *pair, **options)
            print(pictures.save(painted, path, force=given.force))
        except (ValueError, OSError) as error:  # the other photographs may be well
            failed += 1
            print(f"error: {error}", file=sys.stderr)
    return int(failed > 0)


def _outputs(photos: list[str], output: Path) -> list[Path]:
    """Where each photograph goes."""
    picture = output.suffix.lower() in pictures.EXTENSIONS and not output.is_dir()
    if picture != (len(photos) == 1) and not output.is_dir():
        wish = f"end in {', '.join(pictures.EXTENSIONS)}" if len(photos) == 1 else "be a folder"
        raise ValueError(f"--output must {wish} for {len(photos)} photos; got {str(output)!r}")
    for photo in photos:
        if not Path(photo).is_file():
            raise ValueError(f"there is no photo {photo!r}")
    if picture:
        if not output.parent.is_dir():
            raise ValueError(f"--output {str(output)!r} must lie in a folder that exists")
        return [output]
    paths = [output / f"{Path(photo).stem}.png" for photo in photos]
    if len(set(paths)) < len(paths):
        raise ValueError("photos must have different names: each names its output")
    output.mkdir(parents=True, exist_ok=True)
    return paths


def _train(given: argparse.Namespace, kept: Path) -> None:
    """Learn the style of a picture from the course's photographs, and keep the networks."""
    from gpat_lib import data
    from gpat_lib.callbacks import DivergenceGuard

    guard = DivergenceGuard()
    pair = train_style(
        given.style, data.content_images(), steps=given.steps, seed=given.seed, callbacks=[guard]
    )
    if guard.message:
        raise ValueError(f"learning {given.style!r} diverged; try another --seed")
    save_style(kept, *pair)
    print(kept)


if __name__ == "__main__":
    # The library's module, not this copy of it: classes in files belong to that one.
    from gpat_lib import style

    sys.exit(style.main())
