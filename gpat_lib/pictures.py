"""Pictures: files in the usual formats, read, cropped and resized."""

import warnings
from pathlib import Path
from typing import IO

import numpy as np

from gpat_lib import _checks

__all__ = ["EXTENSIONS", "image_folder", "read_picture"]

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 50_000_000


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

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides
        with Image.open(file) as image:
            if image.width * image.height > max_pixels:
                raise ValueError(f"{image.width} × {image.height} is more than {max_pixels} pixels")
            image.draft("RGB", (2 * size, 2 * size))  # lets a JPEG be decoded at a lower size
            picture = ImageOps.exif_transpose(image)
            if picture.mode.startswith("I"):  # 16 bit: Pillow's own conversion would clip
                grey = np.asarray(picture, dtype=np.float64) / 65535.0 * 255.0
                picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
            if "A" in picture.getbands() or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                white = Image.new("RGBA", picture.size, "white")
                picture = Image.alpha_composite(white, picture)
            picture = picture.convert("RGB" if channels == 3 else "L")
            fitted = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(size, size, channels)
