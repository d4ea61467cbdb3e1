"""Training a stylist, repainting with it, and the command: all with very small networks."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gpat_lib import models, pictures, style
from tools import notebooks

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")
ROOT = Path(__file__).resolve().parents[1]
TINY = {
    "steps": 1,
    "crop": 20,
    "widths": (3, 4),
    "critic_widths": (3, 4, 4),
    "batch_size": 2,
    "verbose": 0,
}


def picture(height=40, width=48, seed=0):
    """Soft blobs of colour, bytes."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height)))


@pytest.fixture(scope="module", autouse=True)
def without_graphs():
    """Networks this small take longer to compile than to run."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def style_image():
    return picture(seed=1)


@pytest.fixture(scope="module")
def pair(style_image):
    return style.train_style(style_image, [picture(seed=2)], name="blobs", **TINY)


@pytest.fixture
def transfer(pair, style_image):
    return lambda content, **options: style.style_transfer(content, style_image, *pair, **options)


# ---------------------------------------------------------------- content losses


def test_encoder_content_compares_the_generators_own_features():
    keras.utils.set_random_seed(0)
    generator = models.image_generator((3, 4, 5), 1, noise_channels=2)
    content = style.encoder_content(generator)
    first, second = (tf.constant(picture(16, 16, seed=i)[None] / 127.5 - 1) for i in (0, 1))
    assert float(content(first, first)) == 0
    relus = [x for x in generator.layers if isinstance(x, keras.layers.ReLU)]
    down = keras.Model(generator.input, relus[2].output)  # after 5×5 and two strides
    features = [down(tf.concat([x, tf.zeros([1, 16, 16, 2], x.dtype)], 3)) for x in (first, second)]
    assert features[0].shape == (1, 4, 4, 5)
    expected = np.mean((features[0] - features[1]) ** 2)
    assert float(content(first, second)) == pytest.approx(expected, rel=1e-5)
    with tf.GradientTape() as tape:
        cost = content(first, second)
    reached = tape.gradient(cost, generator.trainable_variables)
    assert [g is not None for g in reached[:3]] == [True] * 3
    assert reached[-1] is None  # what paints is not what looks
    with pytest.raises(ValueError, match="must have a convolution of stride 2"):
        style.encoder_content(models.image_generator((3,)))


def test_perceptual_content_takes_any_extractor():
    content = style.perceptual_content(lambda x: 3.0 * x)
    images = tf.ones([1, 2, 2, 3])
    assert float(content(images, images - 0.5)) == pytest.approx(2.25)


@pytest.mark.parametrize("content_loss", ["encoder", None])
def test_every_content_loss_trains(style_image, content_loss):
    seen = keras.callbacks.History()
    options = {**TINY, "content_loss": content_loss, "callbacks": [seen]}
    style.train_style(style_image, [picture(seed=2)], **options)
    assert np.isfinite(list(seen.history.values())).all()
    assert (seen.history["content"][0] != 0) == (content_loss is not None)


def test_toned_content_wants_the_photograph_in_the_tones_of_the_style():
    """A style with half of the contrast, and lighter: every luma Y is wanted as Y/2 + 1/4."""
    rng = np.random.default_rng(0)
    photographs = [rng.uniform(-1, 1, (40, 40, 3)).astype(np.float32) for _ in range(3)]
    style_image = photographs[0] / 2 + 0.25
    content = style.toned_content([photographs[0]], style_image)
    wanted = np.stack(photographs) / 2 + 0.25
    assert float(content(np.stack(photographs), wanted)) < 1e-4
    # The curve is off by up to 0.016: its knots are kept apart.
    assert float(content(np.stack(photographs), wanted + 0.1)) == pytest.approx(0.01, rel=0.15)
    assert float(content(np.stack(photographs), np.stack(photographs))) > 0.02


def test_toned_content_follows_a_bent_curve():
    """Luma Y to Y³, which no straight line does; a style of two tones cuts at the median."""
    ramp = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=2)
    content = style.toned_content([ramp], ramp**3)
    assert float(content(ramp[None], ramp[None] ** 3)) < 1e-3
    assert float(content(ramp[None], ramp[None])) > 0.03
    cut = style.toned_content([ramp], np.sign(ramp))
    assert float(cut(ramp[None], np.sign(ramp)[None])) < 0.05


def test_an_unknown_content_loss_is_named(style_image):
    with pytest.raises(
        ValueError, match="unknown content_loss 'chroma'; known: encoder, luma, tones"
    ):
        style.train_style(style_image, [picture()], content_loss="chroma", **TINY)


# ---------------------------------------------------------------- training


def test_training_returns_the_average_and_its_critic_both_stamped(pair, style_image):
    generator, critic = pair
    thumbnail = pictures.resized(pictures.load(style_image).rgb, 8, 8)
    for network in pair:
        assert style.stamp_of(network).style == "blobs"
        np.testing.assert_array_equal(style.stamp_of(network).thumbnail, thumbnail)
    assert generator.input_shape == (None, None, None, 5)
    assert critic.output_shape == (None, None, None, 1)
    assert models.receptive_field(critic)[0] == 18
    assert not any("thumbnail" in v.path for v in generator.trainable_variables)


def test_the_mean_colour_of_what_is_painted_is_set_to_the_styles(pair):
    generator = keras.models.clone_model(pair[0])
    inputs = np.random.default_rng(0).uniform(-1, 1, (4, 20, 20, 5)).astype(np.float32)
    colour = np.array([0.5, -0.25, 0.0], np.float32)
    before = [np.array(weight) for weight in generator.weights]
    style._calibrate(generator, inputs, colour)
    painted = generator.predict_on_batch(inputs)
    np.testing.assert_allclose(painted.mean(axis=(0, 1, 2)), colour, atol=1e-3)
    changed = [
        weight.path
        for weight, was in zip(generator.weights, before, strict=True)
        if not np.array_equal(weight, was)
    ]
    assert len(changed) == 1
    assert changed[0].endswith("bias")


def test_training_ends_with_the_colours_of_the_style(style_image):
    seen = []
    draw = style._calibrate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_calibrate", lambda *args: seen.append(args) or draw(*args))
        generator, _ = style.train_style(style_image, [picture(seed=2)], **TINY)
    ((calibrated, inputs, colour),) = seen
    np.testing.assert_allclose(colour, pictures.load(style_image).rgb.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(
        generator.predict_on_batch(inputs).mean(axis=(0, 1, 2)), colour, atol=1e-3
    )
    assert np.ptp(inputs[..., 3:]) > 4  # noise, not zeros
    assert calibrated.count_params() == generator.count_params()


def test_a_seed_repeats_a_run(pair, style_image):
    again = style.train_style(style_image, [picture(seed=2)], name="blobs", **TINY)
    for first, second in zip(pair, again, strict=True):
        for a, b in zip(first.weights, second.weights, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_crops_lie_anywhere_and_half_are_mirrored():
    rows, columns = np.mgrid[:22.0, :24.0]
    image = np.stack([rows, columns, 0 * rows], axis=2).astype(np.float32)
    crops = pictures.random_crops([image], 400, 20, np.random.default_rng(0))
    first, last = crops[:, 0, 0], crops[:, -1, -1]
    np.testing.assert_array_equal(last[:, 0] - first[:, 0], 19)
    mirrored = last[:, 1] < first[:, 1]
    assert 150 < mirrored.sum() < 250
    assert set(first[:, 0]) == {0, 1, 2}
    assert set(np.minimum(first, last)[:, 1]) == {0, 1, 2, 3, 4}


def test_training_sees_crops_of_the_style_and_of_the_photographs(style_image, monkeypatch):
    """And large images are brought down first, by their shorter side."""
    seen = []
    draw = pictures.random_crops
    monkeypatch.setattr(
        pictures, "random_crops", lambda images, *rest: seen.append(images) or draw(images, *rest)
    )
    contents = {"wide": picture(90, 180, seed=2), "small": picture(30, 30, seed=3)}
    style.train_style(style_image, contents, style_side=32, content_side=45, **TINY)
    assert {tuple(image.shape for image in images) for images in seen} == {
        ((32, 38, 3),),
        ((45, 90, 3), (30, 30, 3)),
    }


def test_fifty_steps_are_an_epoch_and_the_bar_is_one(style_image, capfd):
    tf.config.run_functions_eagerly(False)
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    options = {**TINY, "steps": 100, "verbose": 1, "batch_size": 1, "n_critic": 1}
    style.train_style(style_image, [picture()], callbacks=[count], **options)
    tf.config.run_functions_eagerly(True)
    assert epochs == [0, 1]
    assert "100/100" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"style_image": picture(19, 60)}, "style_image must be at least 20 × 20 pixels; got 60"),
        ({"content_images": [picture(), picture(60, 19)]}, r"content_images\[1\] must be at least"),
        ({"content_images": []}, "content_images must be a list of at least one"),
        ({"content_images": "photo.jpg"}, "content_images must be a list .*'photo.jpg'"),
        ({"crop": 17}, "crop must be at least the 18 pixels that a logit sees; got 17"),
        ({"style_side": 19}, "style_side and content_side must be a whole number >= 20; got 19"),
        ({"steps": 0}, "steps must be a whole number"),
        ({"style_image": "missing.png"}, "style_image 'missing.png' must be a picture's file"),
        ({"content_images": [np.full((30, 30), np.nan)]}, r"content_images\[0\] must hold floats"),
    ],
)
def test_bad_arguments_of_training_are_named(style_image, changes, words):
    arguments = {"style_image": style_image, "content_images": [picture()], **TINY, **changes}
    with pytest.raises(ValueError, match=words):
        style.train_style(**arguments)


# ---------------------------------------------------------------- repainting


@pytest.mark.parametrize("size", [(40, 48), (19, 33), (3, 3), (5, 90)])
def test_the_result_has_the_photographs_size_type_and_range(transfer, size):
    """Also of images smaller than what a logit sees."""
    photo = picture(*size)
    painted = transfer(photo)
    assert painted.shape == photo.shape
    assert painted.dtype == np.uint8
    assert np.abs(painted.astype(int) - photo).mean() > 1
    floats = transfer(photo / 255.0)
    assert floats.dtype == np.float64
    np.testing.assert_allclose(floats, painted / 255.0, atol=0.003)


def test_files_and_pil_images_give_pil_images(transfer, tmp_path):
    Image.fromarray(picture()).save(tmp_path / "photo.png")
    painted = transfer(tmp_path / "photo.png")
    assert isinstance(painted, Image.Image)
    assert painted.size == (48, 40)
    np.testing.assert_array_equal(painted, transfer(picture()))
    np.testing.assert_array_equal(painted, transfer(Image.fromarray(picture())))


def test_rotation_is_applied_and_alpha_stays(transfer, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    Image.fromarray(picture()).save(tmp_path / "turned.png", exif=exif)
    assert transfer(tmp_path / "turned.png").size == (40, 48)
    alpha = np.random.default_rng(0).integers(0, 256, (40, 48, 1), dtype=np.uint8)
    painted = transfer(np.concatenate([picture(), alpha], axis=2))
    np.testing.assert_array_equal(painted[..., 3:], alpha)
    np.testing.assert_array_equal(painted[..., :3], transfer(picture()))


def test_strength_goes_from_the_photograph_to_the_painting(transfer):
    photo = picture() / 127.5 - 1.0
    painted = transfer(photo)
    np.testing.assert_allclose(transfer(photo, strength=0), photo, atol=1e-6)
    half = transfer(photo, strength=0.5)
    np.testing.assert_allclose(half, (photo + painted) / 2, atol=1e-5)


def test_the_painting_is_the_generators_own(pair, transfer):
    generator, critic = pair
    photo = (picture() / 127.5 - 1.0).astype(np.float32)
    noise = np.random.default_rng(5).standard_normal((40, 48, 2), np.float32)
    expected = generator(np.concatenate([photo, noise], axis=2)[None])[0]
    np.testing.assert_allclose(transfer(photo, seed=5, draws=1), expected, atol=1e-5)


def test_luma_only_keeps_the_differences_of_colours(transfer):
    photo = picture() / 510.0 - 0.25  # far from the ends of the range, so that nothing is cut
    painted, grey = (transfer(photo, strength=0.2, luma_only=x) for x in (False, True))
    change = grey - photo
    np.testing.assert_allclose(change, change[..., :1] * np.ones(3), atol=1e-6)
    luma = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey @ luma, painted @ luma, atol=1e-5)
    assert np.abs(painted - grey).max() > 0.02


def test_the_critics_favourite_of_the_draws_is_kept(pair, transfer):
    photo = picture() / 127.5 - 1.0
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(5):
        noise = rng.standard_normal((40, 48, 2), np.float32)
        drawn.append(pair[0](np.concatenate([photo, noise], axis=2, dtype=np.float32)[None]))
    scores = [float(tf.reduce_mean(pair[1](x))) for x in drawn]
    best = int(np.argmax(scores))
    np.testing.assert_allclose(transfer(photo, seed=3, draws=5), drawn[best][0], atol=1e-5)
    worst = int(np.argmin(scores))
    assert np.abs(drawn[best] - drawn[worst]).max() > 1e-3


def test_a_large_photograph_is_painted_small_and_keeps_its_detail(pair, transfer, monkeypatch):
    photo = (picture(60, 120) / 510.0 - 0.25).astype(np.float32)
    photo[::2] += 0.1  # finer than the painting
    sizes = []
    run = style._run
    monkeypatch.setattr(style, "_run", lambda *given: sizes.append(given[1].shape) or run(*given))
    painted = transfer(photo, max_side=40, draws=1, strength=0.1)
    assert sizes[0] == (20, 40, 5)
    detail = (painted - photo)[::2] - (painted - photo)[1::2]
    assert np.abs(detail).mean() < 0.02  # of lines of 0.1, which are still there
    assert np.abs(painted - photo).mean() > 0.02
    assert transfer(picture(4, 200), max_side=10).shape == (4, 200, 3)


def test_many_networks_and_sizes_run_without_a_word(pair, style_image, caplog):
    """TensorFlow warns when functions are traced again and again."""
    tf.config.run_functions_eagerly(False)
    for i in range(7):
        networks = [keras.models.clone_model(network) for network in pair]
        for network, known in zip(networks, pair, strict=True):
            network.set_weights(known.get_weights())
        style.style_transfer(picture(30 + i, 40), style_image, *networks, draws=1)
    tf.config.run_functions_eagerly(True)
    assert "retracing" not in caplog.text


def test_a_change_from_black_to_white_is_brought_back_whole(pair, transfer, monkeypatch):
    monkeypatch.setattr(style, "_run", lambda network, x: np.ones((*x.shape[:2], 3), "f"))
    painted = transfer(np.full((30, 60, 3), -1.0, np.float32), max_side=20)
    np.testing.assert_allclose(painted, 1.0, atol=1e-5)


def test_a_copy_of_the_style_is_recognised_and_another_style_refused(
    pair, style_image, transfer, tmp_path
):
    copy = tmp_path / "copy.jpg"
    Image.fromarray(style_image).resize((90, 80)).save(copy, quality=50)
    painted = style.style_transfer(picture(), copy, *pair)
    np.testing.assert_array_equal(painted, transfer(picture()))
    Image.fromarray(picture(seed=9)).save(tmp_path / "waves.png")
    with pytest.raises(ValueError, match=r"the generator was trained on, 'blobs'; got 'waves'"):
        style.style_transfer(picture(), tmp_path / "waves.png", *pair)
    with pytest.raises(ValueError, match="'blobs'; got 'an image without a name'"):
        style.style_transfer(picture(), picture(seed=9), *pair)
    other = style.train_style(tmp_path / "waves.png", [picture(seed=2)], seed=1, **TINY)
    assert np.abs(other[0].weights[0] - pair[0].weights[0]).max() > 1e-2  # another seed
    with pytest.raises(ValueError, match="the discriminator was trained on, 'waves'"):
        style.style_transfer(picture(), style_image, pair[0], other[1])
    plain = models.image_generator((3, 4)), models.patch_discriminator((3,))
    with pytest.raises(ValueError, match="generator knows no style"):
        style.style_transfer(picture(), style_image, *plain)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (picture(1, 1), {}, "content_image must be at least 3 × 3 pixels; got 1 × 1"),
        (picture(40, 2), {}, "content_image must be at least 3 × 3 pixels; got 2 × 40"),
        (np.full((9, 9, 3), np.nan), {}, "content_image must hold floats"),
        ("missing.jpg", {}, "content_image 'missing.jpg' must be a picture's file; there is none"),
        (picture(), {"strength": -1}, "strength must be finite and >= 0"),
        (picture(), {"draws": 0}, "draws must be a whole number >= 1"),
        (picture(), {"max_side": 2}, "max_side must be a whole number >= 3"),
    ],
)
def test_bad_arguments_of_repainting_are_named(transfer, content, options, words):
    with pytest.raises(ValueError, match=words):
        transfer(content, **options)


# ---------------------------------------------------------------- files


@pytest.fixture
def shelf(pair, tmp_path, monkeypatch):
    """A folder of checkpoints with one style."""
    monkeypatch.setattr(style, "CHECKPOINTS", tmp_path / "shelf")
    (tmp_path / "shelf").mkdir()
    style.save_style(tmp_path / "shelf" / "style_blobs", *pair)
    return tmp_path / "shelf"


def test_a_stylist_comes_back_by_name_and_by_path(pair, shelf, style_image, transfer):
    assert sorted(os.listdir(shelf)) == ["style_blobs.keras", "style_blobs_critic.keras"]
    assert style.styles() == ["blobs"]
    for which in ("blobs", shelf / "style_blobs.keras"):
        painted = style.style_transfer(picture(), style_image, *style.load_style(which))
        np.testing.assert_array_equal(painted, transfer(picture()))
    with pytest.raises(ValueError, match="unknown style 'waves'; known: blobs"):
        style.load_style("waves")
    with pytest.raises(ValueError, match=r"missing\.keras' cannot be read"):
        style.load_style(shelf / "missing.keras")
    (shelf / "style_blobs_critic.keras").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"style_blobs_critic\.keras' cannot be read"):
        style.load_style("blobs")


def test_a_file_is_written_whole_or_not_at_all(pair, shelf, monkeypatch):
    before = (shelf / "style_blobs.keras").read_bytes()

    def full(self, path, **kwargs):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(pair[0]), "save", full)
    with pytest.raises(OSError, match="No space left"):
        style.save_style(shelf / "style_blobs", *pair)
    assert (shelf / "style_blobs.keras").read_bytes() == before
    assert len(os.listdir(shelf)) == 2


# ---------------------------------------------------------------- the command


@pytest.fixture
def photo(shelf, monkeypatch):
    """The name of a photograph in the current folder."""
    monkeypatch.chdir(shelf.parent)
    Image.fromarray(picture()).save("photo.png")
    return "photo.png"


def test_the_command_repaints_a_photograph(photo, transfer, capsys):
    assert style.main([photo, "--style", "blobs", "-o", "out.png"]) == 0
    assert capsys.readouterr() == ("out.png\n", "")
    np.testing.assert_array_equal(Image.open("out.png"), transfer(picture()))
    again = [photo, "--style", "shelf/style_blobs.keras", "-o", "out.png"]
    before = Path("out.png").read_bytes()
    assert style.main([*again, "--seed", "4"]) == 1
    assert capsys.readouterr().err == "error: 'out.png' exists; --force replaces it\n"
    assert Path("out.png").read_bytes() == before
    options = ["--seed", "4", "--strength", "0.5", "--luma-only", "--max-side", "30"]
    assert style.main([*again, *options, "--force"]) == 0
    expected = transfer(picture(), seed=4, strength=0.5, luma_only=True, max_side=30)
    np.testing.assert_array_equal(Image.open("out.png"), expected)


def test_several_photographs_go_to_a_folder_and_one_bad_file_stops_no_other(photo, capsys):
    Path("broken.png").write_bytes(Path(photo).read_bytes()[:200])
    assert style.main(["broken.png", photo, "--style", "blobs", "-o", "new/folder"]) == 1
    out, err = capsys.readouterr()
    assert out == f"{Path('new/folder/photo.png')}\n"
    assert err.startswith("error: content_image 'broken.png' cannot be read")
    assert err.count("\n") == 1
    assert os.listdir("new/folder") == ["photo.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png", "-o", "x.png"], "there is no photo 'nowhere.png'"),
        (["photo.png", "-o", "x.txt"], "--output must end in .bmp, "),
        (["photo.png", "-o", "nowhere/x.png"], "must lie in a folder that exists"),
        (["photo.png", "photo.png", "-o", "x.png"], "--output must be a folder for 2 photos"),
        (["photo.png", "photo.png", "-o", "x"], "photos must have different names"),
        (["photo.png", "-o", "x.png", "--style", "waves"], "unknown style 'waves'; known: blobs"),
        (["photo.png", "-o", "x.png", "--strength", "-1"], "strength must be finite and >= 0"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(photo, arguments, words, capsys):
    assert style.main(["--style", "blobs", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert not Path("x.png").exists()


def test_a_full_disk_loses_nothing(photo, monkeypatch, capsys):
    Path("out.png").write_bytes(b"precious")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    assert style.main([photo, "--style", "blobs", "-o", "out.png", "--force"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert Path("out.png").read_bytes() == b"precious"
    assert not [name for name in os.listdir() if "part" in name]


def test_the_command_learns_a_picture_of_ones_own_and_keeps_it(
    photo, style_image, monkeypatch, capsys
):
    Image.fromarray(style_image).save("mine.png")
    train = style.train_style

    def quick(image, contents, **options):
        assert len(contents) >= 3
        return train(image, contents, **{**options, **TINY})

    monkeypatch.setattr(style, "train_style", quick)
    command = [photo, "--style", "mine.png", "--train", "-o", "out.png"]
    assert style.main(command) == 0
    assert capsys.readouterr().out == "mine.keras\nout.png\n"
    assert style.stamp_of(style.load_style("mine.keras")[0]).style == "mine"
    Path("out.png").unlink()
    assert style.main(command) == 1
    assert "'mine.keras' exists; --force" in capsys.readouterr().err
    assert style.main([photo, "--style", "mine.keras", "-o", "out.png"]) == 0


def test_the_command_as_a_person_calls_it(tmp_path):
    listed = subprocess.run(
        [sys.executable, "-m", "gpat_lib.style", "--list"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0
    assert listed.stdout.split() == style.styles()
    assert notebooks.without_logs(listed.stderr) == ""


def test_the_command_needs_a_photo_a_style_and_an_output(capsys):
    with pytest.raises(SystemExit) as stop:
        style.main(["photo.jpg", "--style", "woodcut"])
    assert stop.value.code == 2
    assert "photos, --style and --output are needed" in capsys.readouterr().err
