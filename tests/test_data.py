"""Digits, batches, and folders of a user's own pictures, good and broken."""

import struct
import time
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

from gpat_lib import data

# ---------------------------------------------------------------- digits


@pytest.fixture(scope="module")
def digits():
    return data.digits(labels=True)


def test_digits_have_the_shape_and_range_of_the_networks(digits):
    images, labels = digits
    assert images.shape == (1797, 32, 32, 3)
    assert images.dtype == np.float32
    assert images.min() == -1.0
    assert images.max() == 1.0
    assert images[:, 0, 0].mean() < -0.95  # the ground is black
    assert (images[..., :1] == images).all()
    assert labels.shape == (1797,)
    assert labels.dtype == np.int64


def test_digits_are_those_of_scikit_learn_with_their_labels(digits):
    """Averaged back to 8×8, every picture is nearest to its original, which has its label."""
    images, labels = digits
    bunch = load_digits()
    small = images[..., 0].reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)
    originals = bunch.images.reshape(-1, 64) / 8 - 1
    squares = (small**2).sum(1)[:, None] + (originals**2).sum(1) - 2 * small @ originals.T
    nearest = squares.argmin(axis=1)
    assert len(np.unique(nearest)) >= 1795  # every original once; some are almost twins
    np.testing.assert_array_equal(bunch.target[nearest], labels)
    assert np.abs(small - originals[nearest]).mean() < 0.1
    assert (nearest != np.arange(1797)).mean() > 0.9  # shuffled


def test_the_splits_share_nothing_and_hold_every_class(digits):
    images, labels = digits
    train, train_labels = data.digits("train", labels=True)
    test, test_labels = data.digits("test", labels=True)
    assert (len(train), len(test)) == (1437, 360)
    np.testing.assert_array_equal(np.concatenate([train, test]), images)
    np.testing.assert_array_equal(np.concatenate([train_labels, test_labels]), labels)
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797  # so no picture is in both
    for part in (train_labels, test_labels):
        assert np.bincount(part, minlength=10).min() > 0.07 * len(part)
    np.testing.assert_array_equal(data.digits("test"), test)


@pytest.mark.parametrize("wrong", ["valid", None, 3])
def test_an_unknown_split_lists_the_known(wrong):
    with pytest.raises(ValueError, match="unknown split.*all, test, train"):
        data.digits(wrong)


# ---------------------------------------------------------------- batches


def test_batches_are_shuffled_anew_each_epoch_and_seeded():
    samples = np.arange(20.0).reshape(10, 2)

    def epochs(seed):
        batches = data.batches(samples, batch_size=5, seed=seed)
        return [np.concatenate([b.numpy() for b in batches]) for _ in range(2)]

    first, second = epochs(3)
    assert (first != second).any()
    for epoch in (first, second):
        np.testing.assert_array_equal(epoch[epoch[:, 0].argsort()], samples)
    np.testing.assert_array_equal([first, second], epochs(3))
    assert (first != epochs(4)[0]).any()
    np.testing.assert_array_equal(epochs(None), [samples, samples])


def test_the_last_batch_is_kept_on_request():
    sizes = {
        drop: [len(b) for b in data.batches(np.zeros((10, 1)), 4, drop_remainder=drop)]
        for drop in (True, False)
    }
    assert sizes == {True: [4, 4], False: [4, 4, 2]}
    spec = data.batches(np.zeros((10, 3), np.float32), 4).element_spec
    assert spec == tf.TensorSpec((4, 3), tf.float32)


@pytest.mark.parametrize("samples", [np.zeros((0, 2)), np.zeros((3, 2)), np.float32(1)])
def test_too_few_samples_are_named(samples):
    with pytest.raises(ValueError, match="^batch_size must be at most the . samples; got 4"):
        data.batches(samples, batch_size=4)


# ---------------------------------------------------------------- folders of pictures

# Left half one colour, right half another: shows mirroring, turning and the crop's place.
LEFT, RIGHT = (200, 40, 90), (20, 180, 240)


def two_halves(width=40, height=40, mode="RGB"):
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = LEFT, RIGHT
    return Image.fromarray(pixels).convert(mode)


def assert_halves(image, left=LEFT, right=RIGHT, tolerance=3):
    """The result has these colours (0 … 255) left and right of the middle."""
    assert image.dtype == np.float32
    assert np.abs(image).max() <= 1
    size = image.shape[1]
    found = (image + 1) * 127.5
    np.testing.assert_allclose(found[2:-2, 2 : size // 2 - 2].mean((0, 1)), left, atol=tolerance)
    np.testing.assert_allclose(found[2:-2, size // 2 + 2 : -2].mean((0, 1)), right, atol=tolerance)


def grey(color):
    return round(np.dot(color, [0.299, 0.587, 0.114]))


GREYS = (grey(LEFT),) * 3, (grey(RIGHT),) * 3


def with_alpha(mode):
    """The right half is transparent, and of a colour that must not show."""
    picture = two_halves(mode="RGBA")
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:, 20:] = 0
    picture.putalpha(Image.fromarray(alpha))
    return picture.convert(mode)


def palette_with_transparency():
    pixels = np.zeros((40, 40), np.uint8)
    pixels[:, 20:] = 1
    picture = Image.fromarray(pixels, mode="L").convert("P")
    picture.putpalette([*LEFT, *RIGHT])
    picture.putdata(pixels.ravel().tolist())
    return picture


def sixteen_bit():
    pixels = np.empty((40, 40), np.uint16)
    pixels[:, :20], pixels[:, 20:] = 50 * 257, 200 * 257
    return Image.fromarray(pixels)


WHITE = (255, 255, 255)
MODES = {
    "RGB": ("a.png", lambda: two_halves(), {}, (LEFT, RIGHT)),
    "L": ("a.png", lambda: two_halves(mode="L"), {}, GREYS),
    "1": ("a.png", lambda: two_halves().point(lambda v: 255 * (v > 100)).convert("1", dither=0),
          {}, ((0, 0, 0), WHITE)),
    "LA": ("a.png", lambda: with_alpha("LA"), {}, (GREYS[0], WHITE)),
    "RGBA": ("a.png", lambda: with_alpha("RGBA"), {}, (LEFT, WHITE)),
    "P": ("a.png", palette_with_transparency, {}, (LEFT, RIGHT)),
    "P transparent": ("a.png", palette_with_transparency, {"transparency": 1}, (LEFT, WHITE)),
    "RGB transparent": ("a.png", two_halves, {"transparency": RIGHT}, (LEFT, WHITE)),
    "L transparent": ("a.png", lambda: two_halves(mode="L"), {"transparency": grey(RIGHT)},
                      (GREYS[0], WHITE)),
    "I;16": ("a.png", sixteen_bit, {}, ((50,) * 3, (200,) * 3)),
    "I;16 tiff": ("a.tif", sixteen_bit, {}, ((50,) * 3, (200,) * 3)),
    "CMYK": ("a.tiff", lambda: two_halves(mode="CMYK"), {}, (LEFT, RIGHT)),
    "JPEG": ("a.JPG", two_halves, {"quality": 95}, (LEFT, RIGHT)),
    "JPEG grey": ("a.jpg", lambda: two_halves(mode="L"), {"quality": 95}, GREYS),
    "JPEG CMYK": ("a.jpeg", lambda: two_halves(mode="CMYK"), {"quality": 95}, (LEFT, RIGHT)),
    "BMP": ("a.bmp", two_halves, {}, (LEFT, RIGHT)),
    "GIF": ("a.gif", lambda: two_halves().quantize(4), {}, (LEFT, RIGHT)),
    "WebP": ("a.webp", two_halves, {"lossless": True}, (LEFT, RIGHT)),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_colour(tmp_path, mode):
    name, make, options, colors = MODES[mode]
    make().save(tmp_path / name, **options)
    images = data.image_folder(tmp_path, size=16)
    assert images.shape == (1, 16, 16, 3)
    assert_halves(images[0], *colors, tolerance=12 if "JPEG" in mode else 4)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_grey(tmp_path, mode):
    name, make, options, colors = MODES[mode]
    make().save(tmp_path / name, **options)
    images = data.image_folder(tmp_path, size=16, channels=1)
    assert images.shape == (1, 16, 16, 1)
    left, right = (grey(color) for color in colors)
    assert_halves(images[0], left, right, tolerance=12 if "JPEG" in mode else 4)


def test_half_transparent_parts_are_laid_on_white(tmp_path):
    Image.new("RGBA", (20, 20), (100, 0, 200, 51)).save(tmp_path / "a.png")
    expected = np.array([100, 0, 200]) * 0.2 + 255 * 0.8
    found = (data.image_folder(tmp_path, size=8)[0] + 1) * 127.5
    np.testing.assert_allclose(found.mean((0, 1)), expected, atol=2)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(1, None), (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
     (8, Image.Transpose.ROTATE_270), (2, Image.Transpose.FLIP_LEFT_RIGHT)],
)  # fmt: skip
def test_the_cameras_rotation_is_undone(tmp_path, orientation, turn):
    """Stored turned, with the note how to turn it back."""
    picture = two_halves(64, 48)
    stored = picture if turn is None else picture.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert_halves(data.image_folder(tmp_path, size=16)[0], tolerance=12)


@pytest.mark.parametrize("shape", [(120, 40), (40, 120)])
def test_the_middle_square_is_cut_out_and_not_squeezed(tmp_path, shape):
    """Bars at both ends of the long side fall away; a disc stays round."""
    width, height = shape
    y, x = np.mgrid[:height, :width] - np.array([height, width]).reshape(2, 1, 1) / 2 + 0.5
    pixels = np.where(x**2 + y**2 < 15**2, 255, 0).astype(np.uint8)
    pixels[np.maximum(abs(x), abs(y)) > 20] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = data.image_folder(tmp_path, size=40, channels=1)[0, ..., 0]
    expected = np.where(np.hypot(*np.mgrid[-19.5:20, -19.5:20]) < 15, 1.0, -1.0)
    np.testing.assert_allclose(image, expected, atol=0.02)


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (16, 16), color) for color in (LEFT, RIGHT, WHITE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert_halves(data.image_folder(tmp_path, size=16)[0], LEFT, LEFT)


def test_files_are_read_in_order_below_the_folder_and_others_left_out(tmp_path):
    (tmp_path / "b").mkdir()
    for name, level in (("b/2.png", 200), ("a.png", 0), ("c.PNG", 250)):
        Image.new("L", (9, 9), level).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    images = data.image_folder(str(tmp_path), size=8)
    levels = (images.mean((1, 2, 3)) + 1) * 127.5
    np.testing.assert_allclose(levels, [0, 200, 250], atol=1)


def png_header(width, height):
    """The beginning of a PNG of that size; its pixels would be a small stream of zeros."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels)


def broken(kind, path):
    if kind == "truncated":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "text":
        path.write_text("I am no picture")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "huge":
        path.write_bytes(png_header(20_000, 20_000))
    elif kind == "large":  # below Pillow's own limit: ours must find it
        path.write_bytes(png_header(9_000, 9_000))


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "huge", "large"])
def test_a_broken_file_is_skipped_and_named(tmp_path, kind):
    broken(kind, tmp_path / "broken.png")
    two_halves().save(tmp_path / "good.png")
    begin = time.perf_counter()
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 pictures: broken\.png \(.+\)") as record:
        images = data.image_folder(tmp_path, size=16)
    assert time.perf_counter() - begin < 2.0
    assert len(record) == 1
    if kind in ("huge", "large"):
        assert "pixels" in str(record[0].message)
    assert images.shape == (1, 16, 16, 3)
    assert_halves(images[0])


def test_max_pixels_is_the_callers_choice(tmp_path):
    two_halves(60, 50).save(tmp_path / "a.png")
    two_halves(20, 20).save(tmp_path / "b.png")
    assert len(data.image_folder(tmp_path, size=8, max_pixels=3000)) == 2
    with pytest.warns(UserWarning, match=r"a\.png \(60 × 50 is more than 2999 pixels\)"):
        assert len(data.image_folder(tmp_path, size=8, max_pixels=2999)) == 1


def test_a_folder_without_one_good_picture_is_refused(tmp_path):
    for kind in ("text", "truncated"):
        broken(kind, tmp_path / f"{kind}.png")
    with pytest.raises(ValueError, match=r"none of the 2 pictures.*text\.png.*truncated\.png"):
        data.image_folder(tmp_path)


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="^path must be a folder of pictures.*nowhere"):
        data.image_folder(tmp_path / "nowhere")
    file = tmp_path / "a.png"
    two_halves().save(file)
    with pytest.raises(ValueError, match="^path must be a folder"):
        data.image_folder(file)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"^path .*empty' holds no picture; expected.*\.png"):
        data.image_folder(tmp_path / "empty")


@pytest.mark.parametrize(
    ("argument", "wrong"),
    [("size", 7), ("size", 32.0), ("channels", 4), ("channels", "3"), ("max_pixels", 0)],
)
def test_bad_arguments_are_named(tmp_path, argument, wrong):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        data.image_folder(tmp_path, **{argument: wrong})
