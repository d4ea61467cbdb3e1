"""Pictures: files in the usual formats, read, cropped, resized, and written safely."""

import contextlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gpat_lib import _checks
from gpat_lib.metrics import LUMA

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "EXTENSIONS",
    "Picture",
    "image_folder",
    "load",
    "load_all",
    "random_crops",
    "read_picture",
    "resized",
    "save",
]

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 50_000_000


@dataclass(frozen=True)
class Picture:
    """One picture, and what it takes to give an answer back in the form it came in.

    Attributes:
        rgb: float32 ``(h, w, 3)`` in [−1, 1].
        alpha: float32 ``(h, w, 1)`` in [0, 1], 1 is opaque; ``None`` if the picture has none.
        dtype: Of the array it came as; ``None`` if it came as a file or PIL image.
        axes: The array's axes after height and width: ``()``, ``(1,)``, ``(3,)`` or ``(4,)``.
        black: What black is in the array: −1 for floats in [−1, 1], else 0.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    dtype: np.dtype | None = None
    axes: tuple[int, ...] = (3,)
    black: float = 0.0

    def restore(self, rgb: Any) -> Any:
        """Another picture in this one's form, with this one's alpha: a stylised copy, say.

        Args:
            rgb: Floats ``(h, w, 3)`` of this picture's size. Values are cut to [−1, 1].

        Returns:
            A PIL image (RGB, or RGBA with alpha) for what came as a file or PIL image, in colour
            even if that was grey; for an array one of its dtype, range and axes: a grey array
            gives the luma.

        Raises:
            ValueError: If the size is another, or a value is not finite.
        """
        rgb = np.asarray(rgb, np.float32)
        if rgb.shape != self.rgb.shape:
            raise ValueError(f"rgb must have shape {self.rgb.shape}; got {rgb.shape}")
        if not np.isfinite(rgb).all():
            raise ValueError("rgb must be finite; it holds NaN or infinity")
        values = np.clip(rgb, -1.0, 1.0)
        if self.axes in ((), (1,)):
            values = (values @ np.array(LUMA, np.float32))[..., None]
        elif self.alpha is not None:
            values = np.concatenate([values, 2.0 * self.alpha - 1.0], axis=-1)
        if not self.black:  # in place: photographs are large
            values += 1.0
            values /= 2.0
        dtype = self.dtype or np.dtype(np.uint8)
        if dtype.kind == "u":
            values *= np.iinfo(dtype).max
            np.rint(values, out=values)
        values = values.astype(dtype)
        if self.dtype:
            return values.reshape(rgb.shape[:2] + self.axes)
        from PIL import Image

        return Image.fromarray(values)


def load(
    source: Any, name: str = "picture", least_side: int = 8, max_pixels: int = MAX_PIXELS
) -> Picture:
    """One picture of a person, whatever form it comes in, at its own size.

    The camera's rotation (EXIF) is applied; grey, palette, CMYK and 16-bit files become RGB; alpha
    is kept apart, and the colours under it stay. Of an animation the first frame is taken.

    Args:
        source: A path, a binary open file, a PIL image, or an array: ``(h, w)`` or ``(h, w, 1)``
            grey, ``(h, w, 3)`` RGB, ``(h, w, 4)`` RGBA; uint8, uint16, or floats in [0, 1], or in
            [−1, 1] if any is below 0.
        name: What error messages call it: the caller's argument.
        least_side: Smaller pictures are refused.
        max_pixels: Larger pictures are refused, before they are decoded.

    Raises:
        ValueError: If the file is missing, empty, broken or no picture; the array has another
            shape, type or range, or NaN; or the picture is too small or too large.
    """
    from PIL import Image

    if isinstance(source, str | os.PathLike):
        where = f"{name} {os.fspath(source)!r}"
        if not Path(source).is_file():
            raise ValueError(f"{where} must be a picture's file; there is none")
        if not Path(source).stat().st_size:
            raise ValueError(f"{where} must be a picture's file; it is empty (0 bytes)")
    else:
        file_name = getattr(source, "filename", "") or getattr(source, "name", "")
        where = f"{name} {file_name!r}" if isinstance(file_name, str) and file_name else name
    if isinstance(source, str | os.PathLike | Image.Image) or hasattr(source, "read"):
        try:
            image = _decoded(source, max_pixels)
        except Exception as error:  # Pillow raises many kinds for broken files
            raise ValueError(
                f"{where} cannot be read ({error}); expected a whole picture of a usual format "
                f"({', '.join(EXTENSIONS)})"
            ) from error
        picture = _from_array(where, np.asarray(image))
        picture = Picture(picture.rgb, picture.alpha)
    else:
        picture = _from_array(where, source)
    height, width, _ = picture.rgb.shape
    if min(height, width) < least_side:
        raise ValueError(
            f"{where} must be at least {least_side} × {least_side} pixels; got {width} × {height}"
        )
    if height * width > max_pixels:
        raise ValueError(f"{where}: {width} × {height} is more than {max_pixels} pixels")
    return picture


def load_all(sources: Any, name: str = "pictures", least_side: int = 8) -> list[np.ndarray]:
    """The RGB of several pictures: a sequence of what ``load`` takes, or a dictionary of them.

    Raises:
        ValueError: If there is none, or ``load`` refuses one; the message says which.
    """
    if isinstance(sources, Mapping):
        sources = list(sources.values())
    one = isinstance(sources, str | os.PathLike) or not hasattr(sources, "__len__")
    if one or not len(sources):
        raise ValueError(f"{name} must be a list of at least one picture; got {sources!r}")
    return [load(x, f"{name}[{i}]", least_side).rgb for i, x in enumerate(sources)]


def random_crops(
    images: Sequence[np.ndarray], count: int, side: int, rng: np.random.Generator
) -> np.ndarray:
    """Squares of random images at random places, half of them mirrored.

    Args:
        images: Floats ``(h, w, 3)``, no side below ``side``.
        count: How many squares.
        side: Of the squares, in pixels.
        rng: What draws.

    Returns:
        float32 ``(count, side, side, 3)``.
    """
    squares = np.empty((count, side, side, 3), np.float32)
    for square in squares:
        image = images[rng.integers(len(images))]
        y, x = (rng.integers(length - side + 1) for length in image.shape[:2])
        square[:] = image[y : y + side, x : x + side][:, :: rng.choice((-1, 1))]
    return squares


def _from_array(where: str, source: Any) -> Picture:
    """An array as ``load`` describes it."""
    array = np.asarray(source)
    axes = array.shape[2:]
    if array.ndim < 2 or axes not in ((), (1,), (3,), (4,)) or array.size == 0:
        got = f"shape {array.shape}" if array.ndim else type(source).__name__
        raise ValueError(
            f"{where} must be a path, an open file, a PIL image or an array (h, w), (h, w, 1), "
            f"(h, w, 3) or (h, w, 4); got {got}"
        )
    black = 0.0
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= -1.001 and high <= 1.001):  # false for NaN too
            raise ValueError(
                f"{where} must hold floats in [0, 1] or [-1, 1]; got values from {low:g} to "
                f"{high:g}. For values from 0 to 255: image.astype('uint8')"
            )
        black = -1.0 if low < 0.0 else 0.0
    elif array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{where} must be of uint8, uint16 or floats; got {array.dtype}")
    values = array.astype(np.float32).reshape(*array.shape[:2], -1)
    if not black:
        values *= 2.0 if array.dtype.kind == "f" else 2.0 / np.iinfo(array.dtype).max
        values -= 1.0
    np.clip(values, -1.0, 1.0, out=values)
    alpha = (values[..., 3:] + 1.0) / 2.0 if axes == (4,) else None
    rgb = np.repeat(values, 3, axis=-1) if axes in ((), (1,)) else values[..., :3]
    return Picture(rgb, alpha, array.dtype, axes, black)


def resized(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image ``(h, w, 3)`` in [−1, 1] brought to another size by Lanczos's filter, as float32.

    Args:
        rgb: The image.
        height: Of the result, in pixels.
        width: Of the result.
    """
    if rgb.shape[:2] == (height, width):
        return np.asarray(rgb, np.float32)
    from PIL import Image

    layers = [
        Image.fromarray(layer).resize((width, height), Image.Resampling.LANCZOS)
        for layer in np.ascontiguousarray(np.moveaxis(rgb, -1, 0), np.float32)
    ]
    return np.clip(np.stack([np.asarray(layer) for layer in layers], axis=-1), -1.0, 1.0)


def save(image: Any, path: str | Path, force: bool = False) -> Path:
    """Write a picture whole or not at all: to a file beside ``path`` first, which is then renamed.

    Args:
        image: A PIL image, or an array as ``load`` takes it. Where the format knows no alpha
            (JPEG, BMP), it is laid on white.
        path: Its ending chooses the format.
        force: Replace the file if there is one.

    Returns:
        ``path``.

    Raises:
        ValueError: If the ending is unknown, or the image cannot be written in its format.
        FileExistsError: If there is such a file and ``force`` is false.
        OSError: If the folder is missing or cannot be written to, or the disk is full. What was
            at ``path`` before is there unchanged.
    """
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        raise ValueError(f"path must end in {', '.join(EXTENSIONS)}; got {str(path)!r}")
    if not isinstance(image, Image.Image):
        image = _as_image("image", image)
    kind = Image.registered_extensions()[path.suffix.lower()]
    if kind in ("BMP", "JPEG"):
        image = _on_white(image).convert("RGB")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as stream:
            image.save(stream, kind, quality=95)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists() and not force:
            raise FileExistsError(f"path {str(path)!r} exists; say force to replace it")
        os.replace(part, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(f"path {str(path)!r} cannot be written: {error}") from error
    except (ValueError, KeyError) as error:
        raise ValueError(f"image cannot be written as {kind}: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return path


def image_folder(
    path: str | Path, size: int = 32, channels: int = 3, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Your own pictures, read at once: centre-cropped to a square and resized.

    Every file below ``path`` whose name ends in a picture's extension is read, in the order of
    names. The camera's rotation (EXIF) is applied, transparent parts are laid on white, all modes
    (grey, palette, CMYK, 16 bit) become RGB or grey. Of an animation the first frame is taken. A
    file that cannot be read, or has more than ``max_pixels``, is skipped and named in one
    warning; since all reading happens here, none can stop a training run half-way.

    Args:
        path: A folder.
        size: Side of the square results in pixels, ≥ 8.
        channels: 3 (RGB) or 1 (grey).
        max_pixels: Larger pictures are skipped before they are decoded.

    Returns:
        float32 ``(n, size, size, channels)`` in [−1, 1].

    Raises:
        ValueError: If the folder is missing, holds no picture, or none of them can be read.
    """
    size = _checks.whole("size", size, least=8)
    max_pixels = _checks.whole("max_pixels", max_pixels)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3; got {channels!r}")
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(f"path must be a folder of pictures; there is none at {str(path)!r}")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in EXTENSIONS and f.is_file())
    if not files:
        raise ValueError(
            f"path {str(path)!r} holds no picture; expected files ending in {', '.join(EXTENSIONS)}"
        )
    images, skipped = [], []
    for file in files:
        try:
            images.append(read_picture(file, size, channels, max_pixels))
        except Exception as error:  # Pillow raises many kinds for broken files
            skipped.append(f"{file.relative_to(folder)} ({error})")
    if not images:
        raise ValueError(f"none of the {len(files)} pictures can be read: {'; '.join(skipped)}")
    if skipped:
        warnings.warn(
            f"skipped {len(skipped)} of {len(files)} pictures: {'; '.join(skipped)}", stacklevel=2
        )
    return np.stack(images).astype(np.float32) / 127.5 - 1.0


def read_picture(
    file: Path | IO[bytes], size: int, channels: int, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """One picture as ``image_folder`` reads it, but in bytes: uint8 ``(size, size, channels)``.

    Raises:
        Exception: Of Pillow's many kinds if the file is broken; ``ValueError`` if it is too large.
    """
    from PIL import Image, ImageOps

    picture = _on_white(_decoded(file, max_pixels, draft=2 * size))
    picture = picture.convert("RGB" if channels == 3 else "L")
    fitted = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(size, size, channels)


def _decoded(source: Any, max_pixels: int, draft: int | None = None) -> "Image.Image":
    """A path's, open file's or PIL image's picture, upright: RGB, or RGBA if it has alpha.

    Args:
        source: What to decode.
        max_pixels: Larger pictures raise ``ValueError`` before they are decoded.
        draft: A side in pixels: a JPEG may be decoded at a lower size that is not below it.
    """
    from PIL import Image, ImageOps

    given = isinstance(source, Image.Image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides
        with contextlib.nullcontext(source) if given else Image.open(source) as image:
            if image.width * image.height > max_pixels:
                raise ValueError(f"{image.width} × {image.height} is more than {max_pixels} pixels")
            if draft:
                image.draft("RGB", (draft, draft))
            picture = ImageOps.exif_transpose(image)
    if picture.mode == "F":
        picture = _as_image("its 32-bit layer", picture)
    if picture.mode.startswith("I"):  # 16 bit: Pillow's own conversion would clip
        grey = np.asarray(picture, dtype=np.float64) / 65535.0 * 255.0
        picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    alpha = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if alpha else "RGB")


def _as_image(where: str, array: Any) -> "Image.Image":
    """An array as a PIL image of 8 bits."""
    picture = _from_array(where, array)
    return Picture(picture.rgb, picture.alpha).restore(picture.rgb)


def _on_white(picture: "Image.Image") -> "Image.Image":
    """The picture with its transparent parts laid on white."""
    from PIL import Image

    if "A" not in picture.getbands():
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
