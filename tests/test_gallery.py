"""Drawn styles and photographs: there, as described, apart, and never downloaded."""

import importlib.metadata
import importlib.util
import itertools
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpat_lib import data, gallery

NAMES = [
    "brush_strokes",
    "gilded",
    "halftone",
    "marbling",
    "mosaic",
    "stained_glass",
    "stippling",
    "woodcut",
]
CRITIC = 26  # pixels that the patch critic sees at once
LUMA = [0.299, 0.587, 0.114]

# ---------------------------------------------------------------- styles


@pytest.fixture(scope="module")
def styles():
    return data.style_images()


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw", gallery.STYLES / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_style_is_there(styles):
    assert list(styles) == NAMES
    for image in styles.values():
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.float32
        assert -1 <= image.min() < -0.6
        assert 0.6 < image.max() <= 1
    for one, other in itertools.combinations(styles.values(), 2):
        assert np.abs(one - other).mean() > 0.3


def test_every_place_of_a_style_shows_it(styles):
    """What the critic sees is nowhere flat, and a crop has as much contrast as the whole."""
    for name, image in styles.items():
        luma = image @ LUMA
        patches = np.lib.stride_tricks.sliding_window_view(luma, (CRITIC, CRITIC))[::6, ::6]
        assert patches.std((2, 3)).min() > 0.06, name
        crops = np.lib.stride_tricks.sliding_window_view(luma, (64, 64))[::16, ::16]
        assert crops.std((2, 3)).min() > 0.3 * luma.std(), name


def test_styles_by_name_and_size(styles):
    one = data.style_images("woodcut", size=64)
    assert list(one) == ["woodcut"]
    assert one["woodcut"].shape == (64, 64, 3)
    small = styles["woodcut"].reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert np.abs(one["woodcut"] - small).mean() < 0.1
    assert list(data.style_images(["mosaic", "gilded"], 8)) == ["mosaic", "gilded"]
    with pytest.raises(ValueError, match="^unknown style 'oil'; known: brush_strokes, .*woodcut$"):
        data.style_images(["mosaic", "oil"])
    with pytest.raises(ValueError, match="^size must be"):
        data.style_images(size=7)


def test_without_the_drawings_the_message_says_where_they_should_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "STYLES", tmp_path)
    with pytest.raises(ValueError, match=f"^the drawn styles lie in '{tmp_path}'; there are none"):
        data.style_images("woodcut")


def test_the_code_draws_the_stored_files(draw, tmp_path):
    draw.main(["--folder", str(tmp_path)])
    assert sorted(draw.STYLES) == NAMES
    assert {file.name for file in gallery.STYLES.iterdir() if file.is_file()} == {
        "draw.py", *(f"{name}.jpg" for name in NAMES)
    }  # fmt: skip
    for name in NAMES:
        stored = gallery.STYLES / f"{name}.jpg"
        assert stored.stat().st_size < 150_000
        with Image.open(stored) as old, Image.open(tmp_path / f"{name}.jpg") as new:
            assert old.size == (256, 256)
            difference = np.abs(np.asarray(old, float) - np.asarray(new, float)).mean()
        assert difference < 1.0, name  # other seeds: 8 and more


def test_an_unknown_drawing_is_named(draw, tmp_path, capsys):
    with pytest.raises(SystemExit):
        draw.main(["oil", "--folder", str(tmp_path)])
    assert "unknown names ['oil']; known: brush_strokes" in capsys.readouterr().err


# ---------------------------------------------------------------- photographs


@pytest.fixture(scope="module")
def photos():
    return data.content_images(128, "all")


def test_the_split_is_fixed(photos):
    train, test = (data.content_images(16, split) for split in ("train", "test"))
    assert list(train) == ["astronaut", "coffee", "flower", "glands", "grass", "rocket"]
    assert len(test) >= 10
    assert [*train, *test] == list(photos)
    assert list(data.content_images(16)) == list(train)
    for image in photos.values():
        assert image.shape == (128, 128, 3)
        assert image.dtype == np.float32
        assert np.abs(image).max() <= 1
        assert image.std() > 0.1
    assert (photos["cameraman"] == photos["cameraman"][..., :1]).all()  # grey as RGB
    with pytest.raises(ValueError, match="^unknown split 'valid'; known: all, test, train"):
        data.content_images(split="valid")
    with pytest.raises(ValueError, match="^size must be"):
        data.content_images(0)


def test_held_out_squares_are_of_other_photographs_and_do_not_overlap():
    for one, other in itertools.combinations(gallery.CONTENT.values(), 2):
        if one.file == other.file:
            assert one.split == other.split
            assert one.credit == other.credit
            apart = (
                one.left + one.side <= other.left
                or other.left + other.side <= one.left
                or one.top + one.side <= other.top
                or other.top + other.side <= one.top
            )
            assert apart, (one, other)


@pytest.mark.parametrize("name", gallery.CONTENT)
def test_each_photograph_lies_in_an_installed_wheel_and_holds_its_square(name, photos):
    photo = gallery.CONTENT[name]
    package = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[photo.package]
    (entry,) = (
        file
        for file in importlib.metadata.files(package)
        if file.as_posix() == f"{photo.package}/{photo.file}"
    )
    with Image.open(entry.locate()) as image:
        left, top, side = photo.left, photo.top, photo.side
        assert min(left, top) >= 0
        assert left + side <= image.width
        assert top + side <= image.height
        square = image.convert("RGB").crop((left, top, left + side, top + side))
    expected = np.asarray(square.resize((128, 128), Image.Resampling.LANCZOS)) / 127.5 - 1
    assert np.abs(photos[name] - expected).mean() < 0.003  # Pillow rounds and clips bytes twice


def test_nothing_is_asked_of_the_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a connection"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a look-up"))
    assert len(data.content_images(8, "all")) == len(gallery.CONTENT)


def lose(monkeypatch, names, package="skimage"):
    lost = {
        name: gallery.CONTENT[name]._replace(package=package, file="data/gone.png")
        for name in names
    }
    monkeypatch.setattr(gallery, "CONTENT", gallery.CONTENT | lost)


@pytest.mark.parametrize("package", ["skimage", "a_package_not_installed"])
def test_a_missing_photograph_is_left_out_and_named(monkeypatch, package):
    lose(monkeypatch, ["coffee", "rocket", "grass"], package)
    with pytest.warns(UserWarning, match=r"left out: coffee \(.*gone\.png.*grass.*rocket") as seen:
        images = data.content_images(8)
    assert list(images) == ["astronaut", "flower", "glands"]
    assert seen[0].filename == __file__


def test_too_few_photographs_are_an_error(monkeypatch):
    lose(monkeypatch, ["coffee", "rocket", "grass", "glands"])
    with pytest.raises(ValueError, match=r"^only 2 of the 6 photographs of split 'train'.*gone"):
        data.content_images(8)
    assert len(data.content_images(8, "test")) == 11


def test_every_photograph_has_a_credit_and_a_row_in_the_data_card():
    assert list(data.CONTENT_CREDITS) == list(gallery.CONTENT)
    card = (gallery.STYLES.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z_, ]+) \| `", card, flags=re.MULTILINE)
    assert sorted(", ".join(rows).split(", ")) == sorted(gallery.CONTENT)
    for credit in data.CONTENT_CREDITS.values():
        photograph, *author, licence = credit.split(", ")
        assert licence in ("CC0", "CC BY 2.0", "public domain",
                           "no known copyright restrictions")  # fmt: skip
        assert photograph
        assert author
    assert all(f"`{name}.jpg`" in card for name in NAMES)
    assert Path(gallery.__file__).parents[1] == gallery.STYLES.parents[1]
