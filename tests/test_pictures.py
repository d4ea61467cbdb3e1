"""One picture of a person: every form in, the same form out; broken ones; safe writing."""

import errno
import io
import os

import numpy as np
import pytest
from PIL import Image

from gpat_lib import pictures

RNG = np.random.default_rng(5)
BYTES = RNG.integers(0, 256, (12, 20, 4), np.uint8)
FLOATS = (BYTES / 255.0).astype(np.float32)
OPAQUE = np.dstack([BYTES[..., :3], np.full((12, 20, 1), 255, np.uint8)])


# ---------------------------------------------------------------- arrays

ARRAYS = {
    "grey": BYTES[..., 0],
    "grey, one channel": BYTES[..., :1],
    "RGB": BYTES[..., :3],
    "RGBA": BYTES,
    "16 bit": BYTES[..., :3].astype(np.uint16) * 257,
    "16 bit grey": BYTES[..., 0].astype(np.uint16) * 251,
    "big-endian": BYTES.astype(">u2") * 257,
    "float32": FLOATS[..., :3],
    "float64 RGBA": FLOATS.astype(np.float64),
    "float16 grey": FLOATS[..., 0].astype(np.float16),
    "signed": FLOATS[..., :3] * 2 - 1,
    "signed RGBA": FLOATS * 2 - 1,
    "signed grey": FLOATS[..., :1] * 2 - 1,
}


@pytest.mark.parametrize("form", ARRAYS)
def test_an_array_comes_back_as_it_went_in(form):
    array = ARRAYS[form]
    before = array.copy()
    picture = pictures.load(array)
    assert picture.rgb.shape == (12, 20, 3)
    assert picture.rgb.dtype == np.float32
    assert picture.rgb.min() < -0.9
    assert 0.9 < picture.rgb.max() <= 1
    back = picture.restore(picture.rgb)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    exact = array.dtype.kind == "u"
    np.testing.assert_allclose(
        back.astype(float), array.astype(float), atol=0 if exact else 2e-3 if "16" in form else 1e-6
    )
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("form", ARRAYS)
def test_values_are_spread_over_minus_one_to_one(form):
    """Pixel values are known: those of the bytes they were made of."""
    array = ARRAYS[form]
    scale = 257 if form in ("16 bit", "big-endian") else 251 if form == "16 bit grey" else 1
    colours = BYTES[..., :3] if array.shape[2:] in ((3,), (4,)) else BYTES[..., [0, 0, 0]]
    expected = colours * (scale / 65535 if array.dtype.itemsize == 2 else 1 / 255) * 2.0 - 1.0
    if array.dtype == np.float16:
        expected = colours / 255 * 2.0 - 1.0
    picture = pictures.load(array)
    np.testing.assert_allclose(picture.rgb, expected, atol=1e-3)
    if array.shape[2:] == (4,):
        np.testing.assert_allclose(picture.alpha[..., 0], BYTES[..., 3] / 255, atol=1e-6)
    else:
        assert picture.alpha is None


@pytest.mark.parametrize("form", ["RGBA", "float64 RGBA", "signed RGBA"])
def test_a_stylised_copy_has_new_colours_and_the_old_alpha(form):
    picture = pictures.load(ARRAYS[form])
    back = picture.restore(np.full((12, 20, 3), 5.0))  # beyond white: cut
    assert (back[..., :3] == ARRAYS[form].dtype.type(255 if form == "RGBA" else 1)).all()
    np.testing.assert_allclose(back[..., 3], ARRAYS[form][..., 3], atol=1e-6)
    black = -1 if "signed" in form else 0
    assert (picture.restore(np.full((12, 20, 3), -1.0))[..., :3] == black).all()


def test_a_grey_array_gets_the_luma():
    colours = np.broadcast_to(np.float32([1.0, -1.0, 0.0]), (12, 20, 3))
    back = pictures.load(BYTES[..., 0]).restore(colours)
    assert back.shape == (12, 20)
    assert (back == round((0.299 - 0.587 + 1) * 127.5)).all()


def test_white_and_black_of_16_bits_and_of_floats_are_exact():
    for white in (np.uint8(255), np.uint16(65535), np.float32(1), np.float64(1)):
        for level, expected in ((white, 1.0), (white * 0, -1.0)):
            picture = pictures.load(np.full((9, 9), level))
            assert (picture.rgb == expected).all()
            assert (picture.restore(picture.rgb) == level).all()


@pytest.mark.parametrize(
    ("array", "wish"),
    [
        (np.zeros((9, 9, 2), np.uint8), r"\(h, w, 4\); got shape \(9, 9, 2\)"),
        (np.zeros((1, 9, 9, 3), np.uint8), r"got shape \(1, 9, 9, 3\)"),
        (np.zeros((0, 9, 3), np.uint8), r"got shape \(0, 9, 3\)"),
        (np.zeros(9, np.uint8), r"got shape \(9,\)"),
        (None, "be a path, an open file, a PIL image or an array .*; got NoneType"),
        (7, "got int"),
        (np.zeros((9, 9, 3), np.int64), "be of uint8, uint16 or floats; got int64"),
        (np.zeros((9, 9, 3), bool), "got bool"),
        (np.zeros((9, 9, 3), complex), "got complex128"),
        (np.full((9, 9, 3), 200.0), r"floats in \[0, 1\] or \[-1, 1\]; got values from 200"),
        (np.full((9, 9, 3), -1.1), "got values from -1.1"),
        (np.full((9, 9, 3), np.nan), "got values from nan"),
        (np.where(np.arange(9) == 4, np.nan, np.zeros((9, 9))), "got values from nan"),
        (np.where(np.arange(9) == 4, np.inf, np.zeros((9, 9))), "from 0 to inf"),
        (np.zeros((1, 1, 3), np.uint8), "be at least 8 × 8 pixels; got 1 × 1"),
        (np.zeros((7, 30)), "be at least 8 × 8 pixels; got 30 × 7"),
    ],
)
def test_a_wrong_array_is_named(array, wish):
    with pytest.raises(ValueError, match=f"^content_image must .*{wish}"):
        pictures.load(array, "content_image")


def test_the_callers_bounds():
    array = np.zeros((30, 20), np.uint8)
    pictures.load(array, least_side=20, max_pixels=600)
    with pytest.raises(ValueError, match="at least 21 × 21 pixels; got 20 × 30"):
        pictures.load(array, least_side=21)
    with pytest.raises(ValueError, match="20 × 30 is more than 599 pixels"):
        pictures.load(array, max_pixels=599)


@pytest.mark.parametrize("wrong", [np.zeros((20, 12, 3)), np.zeros((12, 20)), np.zeros((1, 3))])
def test_another_size_cannot_be_restored(wrong):
    with pytest.raises(ValueError, match=r"^rgb must have shape \(12, 20, 3\); got"):
        pictures.load(BYTES).restore(wrong)


def test_a_nan_cannot_be_restored():
    with pytest.raises(ValueError, match="^rgb must be finite"):
        pictures.load(BYTES).restore(np.full((12, 20, 3), np.nan))


# ---------------------------------------------------------------- files and PIL images


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_every_mode_gives_a_colour_image_back(mode):
    image = Image.fromarray(BYTES).convert("RGB" if mode in ("HSV", "YCbCr") else "RGBA")
    image = image.convert("RGB").convert(mode) if mode == "CMYK" else image.convert(mode)
    picture = pictures.load(image)
    alpha = mode in ("LA", "RGBA")
    wish = image.convert("RGBA" if alpha or mode == "P" else "RGB")
    if mode == "P":
        wish = wish.convert("RGB") if picture.alpha is None else wish
    back = picture.restore(picture.rgb)
    assert back.mode == wish.mode
    assert (picture.alpha is not None) == (wish.mode == "RGBA")
    np.testing.assert_array_equal(np.asarray(back), np.asarray(wish))


@pytest.mark.parametrize("form", ["path", "string", "file", "stream", "image"])
def test_every_way_to_hand_over_a_file(tmp_path, form):
    file = tmp_path / "a.png"
    Image.fromarray(BYTES).save(file)
    with open(file, "rb") as opened, Image.open(file) as image:
        sources = {"path": file, "string": str(file), "file": opened, "image": image,
                   "stream": io.BytesIO(file.read_bytes())}  # fmt: skip
        picture = pictures.load(sources[form])
        np.testing.assert_array_equal(np.asarray(picture.restore(picture.rgb)), BYTES)
        if form == "image":
            assert np.asarray(image).shape == BYTES.shape  # still open


def test_16_bit_and_float_layers(tmp_path):
    grey = np.linspace(0, 1, 240, dtype=np.float32).reshape(12, 20)
    Image.fromarray(np.rint(grey * 65535).astype(np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(grey).save(tmp_path / "b.tif")
    for name in ("a.png", "b.tif"):
        picture = pictures.load(tmp_path / name)
        np.testing.assert_allclose(picture.rgb[..., 1], grey * 2 - 1, atol=0.01)
        assert picture.restore(picture.rgb).mode == "RGB"
    Image.fromarray(grey * 300).save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match=r"b\.tif.*floats in .* to 300"):
        pictures.load(tmp_path / "b.tif")


def test_the_cameras_rotation_is_undone_and_not_done_twice(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(BYTES).save(tmp_path / "a.png", exif=exif)
    picture = pictures.load(tmp_path / "a.png")
    assert picture.rgb.shape == (20, 12, 3)
    back = picture.restore(picture.rgb)
    np.testing.assert_array_equal(np.asarray(back), np.rot90(BYTES, -1))
    assert back.getexif().get(0x0112) is None


def broken(tmp_path):
    """Files by what is wrong with them, and what the message must say."""
    noise = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(noise, "PNG")
    huge = io.BytesIO()
    Image.new("1", (9000, 9000)).save(huge, "PNG")
    bomb = io.BytesIO()
    Image.new("1", (14000, 14000)).save(bomb, "PNG")  # beyond Pillow's own limit
    tiny = io.BytesIO()
    Image.new("RGB", (1, 1)).save(tiny, "PNG")
    cases = {
        "truncated": (noise.getvalue()[:3000], "cannot be read .*truncated.*whole picture"),
        "text": (b"I am no picture", r"cannot be read \(cannot identify.*\.jpg"),
        "empty": (b"", "is empty|cannot identify"),
        "huge": (huge.getvalue(), "9000 × 9000 is more than 50000000 pixels"),
        "bomb": (bomb.getvalue(), "cannot be read .*pixels"),
        "tiny": (tiny.getvalue(), "must be at least 8 × 8 pixels; got 1 × 1"),
    }
    for kind, (content, wish) in cases.items():
        (tmp_path / f"{kind}.png").write_bytes(content)
        yield kind, tmp_path / f"{kind}.png", wish


def test_a_broken_file_is_named_with_what_was_expected(tmp_path):
    for kind, file, wish in broken(tmp_path):
        with pytest.raises(ValueError, match=rf"^content_image '.*{kind}\.png' .*({wish})"):
            pictures.load(file, "content_image")
        with open(file, "rb") as opened, pytest.raises(ValueError, match=f"{kind}.*({wish})"):
            pictures.load(opened)
        with pytest.raises(ValueError, match=f"^picture .*({wish})"):
            pictures.load(io.BytesIO(file.read_bytes()))


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    image = Image.new("1", (9000, 9000))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match="^picture cannot be read .9000 × 9000 is more than"):
        pictures.load(image)


def test_a_missing_file_or_folder_is_named(tmp_path):
    for path in (tmp_path / "no.png", tmp_path):
        with pytest.raises(ValueError, match=rf"^picture '{path}' must be a picture's file"):
            pictures.load(path)


# ---------------------------------------------------------------- writing


def files(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("ending", pictures.EXTENSIONS)
def test_every_ending_can_be_written(tmp_path, ending):
    smooth = Image.linear_gradient("L").resize((20, 20)).convert("RGB")
    path = pictures.save(smooth, tmp_path / f"a{ending.upper()}")
    with Image.open(path) as image:
        assert np.abs(np.asarray(image.convert("RGB")) - np.asarray(smooth, float)).mean() < 4
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp", ".jpg", ".bmp"])
def test_alpha_is_kept_or_laid_on_white(tmp_path, ending):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8, :, 3] = 255
    with Image.open(pictures.save(pixels, str(tmp_path / f"a{ending}"))) as image:
        found = np.asarray(image)
    if ending in (".jpg", ".bmp"):
        assert found.shape == (16, 16, 3)
        np.testing.assert_allclose(found[8:].mean(), 255, atol=2)
        np.testing.assert_allclose(found[:8].mean(), 0, atol=2)
    else:
        np.testing.assert_array_equal(found[..., 3], pixels[..., 3])


def test_arrays_are_written_as_they_are_read(tmp_path):
    for number, array in enumerate(ARRAYS.values()):
        path = pictures.save(array, tmp_path / f"{number}.png")
        np.testing.assert_allclose(
            pictures.load(path).rgb, pictures.load(array).rgb, atol=1.01 / 255
        )


def test_a_file_is_replaced_on_request_only(tmp_path):
    path = tmp_path / "a.png"
    pictures.save(OPAQUE, path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"a\.png' exists; say force to replace it"):
        pictures.save(BYTES, path)
    assert path.read_bytes() == before
    pictures.save(BYTES, path, force=True)
    assert (pictures.load(path).alpha < 1).any()
    assert files(tmp_path) == ["a.png"]


def test_a_file_that_comes_into_being_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    monkeypatch.setattr(os, "fsync", lambda number: path.write_bytes(b"another program's"))
    with pytest.raises(FileExistsError):
        pictures.save(OPAQUE, path)
    assert path.read_bytes() == b"another program's"
    assert files(tmp_path) == ["a.png"]


@pytest.mark.parametrize("where", ["write", "fsync", "interrupt"])
@pytest.mark.parametrize("old", [None, b"what was there"])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, where, old):
    path = tmp_path / "a.png"
    if old:
        path.write_bytes(old)
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*arguments, **options):
        raise KeyboardInterrupt if where == "interrupt" else full

    def half(image, stream, *arguments, **options):
        stream.write(b"half a file")
        fail()

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Image.Image, "save", half)
    wish = KeyboardInterrupt if where == "interrupt" else OSError
    with pytest.raises(wish, match=None if where == "interrupt" else r"a\.png' cannot .*No space"):
        pictures.save(OPAQUE, path, force=True)
    assert files(tmp_path) == (["a.png"] if old else [])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.pdf", "png"])
def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"^path must end in \.bmp.*\.webp; got '.*'"):
        pictures.save(OPAQUE, tmp_path / name)
    assert files(tmp_path) == []


def test_a_missing_folder_and_a_format_too_small_are_named(tmp_path):
    with pytest.raises(OSError, match=r"no/a\.png' cannot be written.*No such file"):
        pictures.save(OPAQUE, tmp_path / "no" / "a.png")
    wide = np.zeros((8, 17_000), np.uint8)
    with pytest.raises((ValueError, OSError), match="WEBP|cannot be written"):
        pictures.save(wide, tmp_path / "a.webp")
    assert files(tmp_path) == []
