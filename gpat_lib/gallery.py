"""Pictures for style transfer that need no download: drawn styles, and photographs to restyle."""

import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gpat_lib import _checks
from gpat_lib.pictures import load, resized

__all__ = ["CONTENT_CREDITS", "content_images", "style_images"]

STYLES = Path(__file__).resolve().parent.parent / "data" / "styles"


class Photo(NamedTuple):
    """A square of a photograph: the file in an installed package, and where the square lies."""

    split: str
    package: str
    file: str
    left: int
    top: int
    side: int
    credit: str


# No photograph is in both splits; where two squares are of one photograph, they do not overlap.
_CHINA = "china, danielbuechele, CC BY 2.0"
_CAMERA = "camera, Lav Varshney, CC0"
_COINS = "coins, Brooklyn Museum, no known copyright restrictions"
CONTENT = {
    "astronaut": Photo("train", "skimage", "data/astronaut.png", 0, 0, 512,
                       "astronaut (Eileen Collins), NASA, public domain"),
    "coffee": Photo("train", "skimage", "data/coffee.png", 100, 0, 400,
                    "coffee, Rachel Michetti (Pikolo Espresso Bar), CC0"),
    "flower": Photo("train", "sklearn", "datasets/images/flower.jpg", 140, 0, 427,
                    "flower, vultilion, CC BY 2.0"),
    "glands": Photo("train", "skimage", "data/ihc.png", 0, 0, 512,
                    "immunohistochemistry, CMMI, no known copyright restrictions"),
    "grass": Photo("train", "skimage", "data/grass.png", 0, 0, 512, "grass, linolafett, CC0"),
    "rocket": Photo("train", "skimage", "data/rocket.jpg", 170, 0, 427,
                    "rocket, SpaceX, public domain"),
    "brick": Photo("test", "skimage", "data/brick.png", 0, 0, 512, "brick, CC0Textures, CC0"),
    "cameraman": Photo("test", "skimage", "data/camera.png", 0, 60, 320, _CAMERA),
    "cat": Photo("test", "skimage", "data/chelsea.png", 80, 0, 300,
                 "chelsea, Stefan van der Walt, CC0"),
    "coins_left": Photo("test", "skimage", "data/coins.png", 8, 8, 180, _COINS),
    "coins_right": Photo("test", "skimage", "data/coins.png", 190, 110, 190, _COINS),
    "galaxies": Photo("test", "skimage", "data/hubble_deep_field.jpg", 500, 350, 400,
                      "hubble_deep_field, NASA, public domain"),
    "gravel": Photo("test", "skimage", "data/gravel.png", 0, 0, 512, "gravel, CC0Textures, CC0"),
    "lake": Photo("test", "sklearn", "datasets/images/china.jpg", 400, 187, 240, _CHINA),
    "pagoda": Photo("test", "sklearn", "datasets/images/china.jpg", 30, 5, 360, _CHINA),
    "retina": Photo("test", "skimage", "data/retina.jpg", 0, 0, 1411,
                    "retina, Mikael Häggström, CC0"),
    "skyline": Photo("test", "skimage", "data/camera.png", 322, 110, 190, _CAMERA),
}  # fmt: skip
SPLITS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}

#: Name of each content image: the photograph it was cut from, its author and licence.
CONTENT_CREDITS = {name: photo.credit for name, photo in CONTENT.items()}


def style_images(
    names: str | Sequence[str] | None = None, size: int = 256
) -> dict[str, np.ndarray]:
    """Original pictures drawn by code, each a style of its own; CC BY 4.0.

    ``data/styles/draw.py`` draws them at 256 × 256, with marks smaller than 26 pixels. At another
    size the marks shrink or grow with the picture.

    Args:
        names: Which; one name, several, or ``None`` for all.
        size: Side of the squares in pixels, ≥ 8.

    Returns:
        Name → float32 ``(size, size, 3)`` in [−1, 1], in the order of ``names``.

    Raises:
        ValueError: If a name is unknown, or the drawings are not there.
    """
    size = _checks.whole("size", size, least=8)
    files = {file.stem: file for file in sorted(STYLES.glob("*.jpg"))}
    if not files:
        raise ValueError(f"the drawn styles lie in {str(STYLES)!r}; there are none")
    chosen = list(files) if names is None else [names] if isinstance(names, str) else names
    return {
        name: resized(load(_checks.member("style", name, files)).rgb, size, size) for name in chosen
    }


def content_images(size: int = 256, split: str = "train") -> dict[str, np.ndarray]:
    """Photographs that lie in the installed scikit-image and scikit-learn; nothing is downloaded.

    Six are for training; eleven squares of eight other photographs are held out. Credits are in
    ``CONTENT_CREDITS``, by the same names.

    Args:
        size: Side of the squares in pixels, ≥ 8.
        split: ``"train"``, ``"test"`` or ``"all"``.

    Returns:
        Name → float32 ``(size, size, 3)`` in [−1, 1]. What an installed version lacks is left out
        with a warning.

    Raises:
        ValueError: If the split is unknown, or fewer than half of its photographs are there.
    """
    size = _checks.whole("size", size, least=8)
    splits = _checks.member("split", split, SPLITS)
    images, missing = {}, []
    wanted = {name: photo for name, photo in CONTENT.items() if photo.split in splits}
    for name, photo in wanted.items():
        spec = importlib.util.find_spec(photo.package)
        folders = (spec and spec.submodule_search_locations) or ["(not installed)"]
        file = Path(folders[0]) / photo.file
        try:
            rows, columns = (slice(start, start + photo.side) for start in (photo.top, photo.left))
            images[name] = resized(load(file).rgb[rows, columns], size, size)
        except ValueError as error:
            missing.append(f"{name} ({error})")
    if len(images) < len(wanted) / 2:
        raise ValueError(
            f"only {len(images)} of the {len(wanted)} photographs of split {split!r} are there; "
            f"reinstall scikit-image and scikit-learn, or give your own. {'; '.join(missing)}"
        )
    if missing:
        warnings.warn(f"photographs left out: {'; '.join(missing)}", stacklevel=2)
    return images
