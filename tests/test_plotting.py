"""Figures: sizes, values, style, and nothing left behind."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from gpat_lib import plotting


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """No test may change Matplotlib's settings for the code after it."""
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def ramp(count, height=4, width=6, channels=3):
    """Image i is of one colour, from -1 to 1."""
    colors = np.linspace(-1, 1, count).reshape(count, 1, 1, 1)
    return np.broadcast_to(colors, (count, height, width, channels)).astype(np.float32)


def test_to_bytes_maps_the_range_to_0_255():
    levels = np.array([-2.0, -1.0, 0.0, 1.0, 3.0, np.nan])
    pixels = plotting.to_bytes(levels.reshape(6, 1, 1))
    assert pixels.dtype == np.uint8
    assert pixels.ravel().tolist() == [0, 0, 128, 255, 255, 128]
    every = np.arange(256).reshape(256, 1, 1) / 127.5 - 1
    assert plotting.to_bytes(every).ravel().tolist() == list(range(256))


@pytest.mark.parametrize(
    ("count", "columns", "rows_columns"),
    [(9, None, (3, 3)), (5, None, (2, 3)), (1, None, (1, 1)), (6, 6, (1, 6)), (3, 1, (3, 1))],
)
def test_tiles_lie_row_by_row(count, columns, rows_columns):
    images = ramp(count)
    sheet = plotting.tile(images, columns, gap=2)
    rows, columns = rows_columns
    assert sheet.shape == (rows * 6 - 2, columns * 8 - 2, 3)
    for i in range(count):
        y, x = (i // columns) * 6, (i % columns) * 8
        piece = sheet[y : y + 4, x : x + 6]
        np.testing.assert_array_equal(piece, plotting.to_bytes(images[i]))
    covered = count * 4 * 6 * 3
    assert (sheet == 253).sum() >= sheet.size - covered  # the gaps and empty places


@pytest.mark.parametrize("channels", [1, 3])
def test_image_grid_draws_the_sheet(channels):
    images = ramp(8, channels=channels)
    figure = plotting.image_grid(images, columns=4, title="eight")
    (ax,) = figure.axes
    drawn = np.asarray(ax.images[0].get_array())
    np.testing.assert_array_equal(drawn, plotting.tile(images, 4).squeeze())
    assert ax.get_title() == "eight"
    assert not ax.axison
    assert ax.images[0].get_interpolation() == "nearest"
    assert mpl.colors.to_hex(figure.get_facecolor()) == plotting.GROUND
    bare = plotting.image_grid(images, columns=4)
    assert bare.get_figheight() < figure.get_figheight()
    assert bare.get_figwidth() > 1.5 * bare.get_figheight()  # 4 × 6 pixels by 2 × 4


def test_image_grid_takes_lists_and_draws_on_given_axes():
    images = ramp(4)
    figure, axes = plt.subplots(1, 2)
    assert plotting.image_grid(list(images), ax=axes[1]) is figure
    assert len(axes[1].images) == 1
    assert not axes[0].images
    assert len(plotting.image_grid(list(images)).axes) == 1


def test_save_grid_writes_a_png_in_one_piece(tmp_path):
    images = ramp(4)
    path = tmp_path / "grid.png"
    path.write_text("an older file")
    plotting.save_grid(images, path, zoom=3)
    picture = np.asarray(Image.open(path))
    sheet = plotting.tile(images)
    assert picture.shape == (3 * sheet.shape[0], 3 * sheet.shape[1], 3)
    np.testing.assert_array_equal(picture[::3, ::3], sheet)
    assert [f.name for f in tmp_path.iterdir()] == ["grid.png"]
    plotting.save_grid(ramp(2, channels=1), tmp_path / "grey.png")
    assert Image.open(tmp_path / "grey.png").mode == "L"


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4)), np.zeros((2, 4, 4)), np.zeros((2, 4, 4, 2)), np.zeros((0, 4, 4, 3))]
)
def test_bad_images_are_named(wrong, tmp_path):
    for function in (plotting.tile, plotting.image_grid):
        with pytest.raises(ValueError, match="^images must have"):
            function(wrong)
    with pytest.raises(ValueError, match="^images must have"):
        plotting.save_grid(wrong, tmp_path / "grid.png")
    assert not plt.get_fignums()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [0, -1, 1.5])
def test_bad_columns_are_named(wrong):
    with pytest.raises(ValueError, match="^columns must be"):
        plotting.tile(ramp(4), wrong)


def run(**logs):
    return SimpleNamespace(history=logs)


def test_loss_curves_of_one_run():
    figure = plotting.loss_curves(run(d_loss=[3.0, 2.0, 1.0], g_loss=[0, 1, 2], slope=[1, 1, 1]))
    assert [ax.get_title() for ax in figure.axes] == ["d_loss", "g_loss", "slope"]
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert figure.axes[0].get_xlabel() == "epoch"
    assert figure.legends == []


def test_loss_curves_of_several_runs_differ_by_colour_and_dash():
    runs = {"with": run(slope=[1, 2]), "without": run(slope=[1, 2, 3])}
    figure = plotting.loss_curves(runs, names=["slope"], xlabel="step")
    (ax,) = figure.axes
    assert [line.get_label() for line in ax.lines] == ["with", "without"]
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 3]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["with", "without"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert ax.get_xlabel() == "step"


def test_an_unknown_log_is_named_and_no_empty_figure_stays():
    with pytest.raises(ValueError, match="unknown log 'loss'; known: d_loss, g_loss"):
        plotting.loss_curves(run(d_loss=[1], g_loss=[1]), names=["loss"])
    assert not plt.get_fignums()


def test_colours_are_those_of_okabe_and_ito_and_seen_on_the_ground():
    assert set(plotting.COLORS) <= {
        "#000000",
        "#E69F00",
        "#56B4E9",
        "#009E73",
        "#F0E442",
        "#0072B2",
        "#D55E00",
        "#CC79A7",
    }
    assert len(set(plotting.COLORS)) == len(plotting.COLORS) == len(plotting.DASHES)

    def luminance(color):
        c = np.array(mpl.colors.to_rgb(color))
        c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return c @ [0.2126, 0.7152, 0.0722]

    ground, ink = luminance(plotting.GROUND), luminance(plotting.INK)
    assert (ground + 0.05) / (ink + 0.05) > 7
    for color in plotting.COLORS[:2]:  # what most figures use
        assert (ground + 0.05) / (luminance(color) + 0.05) > 3


def test_style_is_for_the_block_only():
    with plotting.style():
        assert mpl.rcParams["axes.facecolor"] == plotting.GROUND


# ---------------------------------------------------------------- critics


def test_arrows_are_the_critics_gradient_at_the_fakes():
    import tensorflow as tf

    fake = np.array([[0.5, -0.25], [-1.0, 0.75]])
    figure = plotting.critic_field(
        lambda x: tf.reduce_sum(x**2, axis=1, keepdims=True), fake=fake, arrow_scale=0.1
    )
    (arrows,) = [c for c in figure.axes[0].collections if isinstance(c, mpl.quiver.Quiver)]
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), 0.1 * 2 * fake, rtol=1e-6)
    np.testing.assert_allclose(arrows.XY, fake)
    assert (arrows.scale, arrows.angles, arrows.scale_units) == (1, "xy", "xy")


def test_points_of_another_width_are_refused_before_a_figure_is_made():
    for name in ("real", "fake"):
        with pytest.raises(ValueError, match=rf"{name} must have shape \(n, 2\); got \(4, 3\)"):
            plotting.critic_field(lambda x: x[:, :1], **{name: np.zeros((4, 3))})
    assert not plt.get_fignums()


def two_figures():
    return {value: plt.subplots(figsize=(1, 1))[0] for value in (0, 10)}


def test_a_slider_holds_every_figure_with_its_words():
    slider = plotting.FigureSlider(two_figures(), "λ4", {0: "arrows < all over", 10: "home"})
    assert not plt.get_fignums()
    page = slider._repr_html_()
    assert page.count("<img ") == page.count("data:image/png;base64,") == 2
    assert 'alt="arrows &lt; all over"' in page
    assert "λ4 = 10" in page
    assert 'max="1"' in page
    assert "http" not in page  # nothing is fetched
    assert repr(slider) == "<FigureSlider λ4: 0, 10>"


def test_a_slider_needs_two_figures_and_words_for_each():
    with pytest.raises(ValueError, match="at least two; got 1"):
        plotting.FigureSlider({1: plt.figure()}, "x", {1: "one"})
    with pytest.raises(ValueError, match=r"nothing is said of \[10\]"):
        plotting.FigureSlider(two_figures(), "x", {0: "zero"})
