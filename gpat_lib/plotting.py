"""The book's figures: one visual style, readable on light and dark pages.

Figures have a solid, slightly warm white ground, so that they look the same in both themes.
Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; lines also
differ by dash.
"""

import base64
import html
import io
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpat_lib import _checks

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), "-")
GROUND, INK = "#fdfcf9", "#222222"

STYLE: dict[str, Any] = {
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.prop_cycle": cycler(color=COLORS) + cycler(linestyle=DASHES),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.8,
    "font.size": 10,
    "figure.dpi": 100,
    "legend.frameon": False,
}


@contextmanager
def style() -> Iterator[None]:
    """``with plotting.style():`` draws your own figure in the book's style."""
    with plt.rc_context(STYLE):
        try:
            yield
        finally:
            interactive = plt.isinteractive()
    # The first figure of a notebook switches inline display on; leaving the context must not
    # switch it off again with the other settings.
    plt.interactive(interactive)


def to_bytes(images: Any) -> np.ndarray:
    """Images in [−1, 1], ``(..., height, width, channels)``, as uint8 for display or a file.

    Raises:
        ValueError: If there is no axis of 1 or 3 channels.
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim < 3 or images.shape[-1] not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels as last axis; got {images.shape}")
    return np.clip(np.round((np.nan_to_num(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def tile(images: Any, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Lay images ``(n, h, w, c)`` in [−1, 1] side by side; the result is uint8 ``(H, W, c)``."""
    pictures = to_bytes(images)
    if pictures.ndim != 4 or len(pictures) == 0:
        raise ValueError(
            f"images must have shape (n, height, width, channels); got {pictures.shape}"
        )
    count, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else _checks.whole("columns", columns)
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 253, np.uint8
    )
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = picture
    return sheet


def image_grid(
    images: Any,
    columns: int | None = None,
    title: str | None = None,
    scale: float = 0.6,
    ax: Axes | None = None,
) -> Figure:
    """A figure of images in a grid.

    Args:
        images: Array ``(n, height, width, 1 or 3)`` in [−1, 1].
        columns: Images per row; about √n if not given.
        title: Words above the grid.
        scale: Inches per image.
        ax: Axes to draw on, instead of a new figure.

    Raises:
        ValueError: If the images have another shape.
    """
    images = np.asarray(images)
    sheet = tile(images, columns)
    with style():
        if ax is None:
            height, width = sheet.shape[0] / images.shape[1], sheet.shape[1] / images.shape[2]
            size = (width * scale, height * scale + (0.35 if title else 0.0))
            figure, ax = plt.subplots(figsize=size, layout="constrained")
        else:
            figure = ax.get_figure()
        ax.imshow(sheet.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set_axis_off()
        if title:
            ax.set_title(title, fontsize=10)
    return figure


def save_grid(images: Any, path: str | Path, columns: int | None = None, zoom: int = 3) -> None:
    """Write a grid of images as PNG, each pixel ``zoom`` × ``zoom``; the file appears whole."""
    from PIL import Image

    path = Path(path)
    sheet = tile(images, columns).repeat(zoom, axis=0).repeat(zoom, axis=1)
    fresh = path.with_name(f".{path.name}")
    Image.fromarray(sheet.squeeze()).save(fresh, format="PNG", optimize=True)
    os.replace(fresh, path)


def loss_curves(
    runs: Any, names: Sequence[str] = ("d_loss", "g_loss", "slope"), xlabel: str = "epoch"
) -> Figure:
    """One panel per logged name, over the epochs of one run or of several.

    Args:
        runs: What ``fit`` returned, or ``{label: what fit returned}`` for several runs.
        names: Which logs to draw.
        xlabel: Name of the horizontal axis.

    Raises:
        ValueError: If a run has no log of that name; the message lists those it has.
    """
    if not isinstance(runs, Mapping):
        runs = {"": runs}
    curves = {
        name: {label: _checks.member("log", name, run.history) for label, run in runs.items()}
        for name in names
    }
    with style():
        figure, axes = plt.subplots(
            1, len(names), figsize=(3.2 * len(names), 2.5), layout="constrained", squeeze=False
        )
        for ax, (name, lines) in zip(axes[0], curves.items(), strict=True):
            for label, values in lines.items():
                ax.plot(np.arange(1, len(values) + 1), values, label=label)
            ax.set(title=name, xlabel=xlabel)
        if any(runs):
            lines, labels = axes[0][0].get_legend_handles_labels()
            figure.legend(lines, labels, loc="outside upper center", ncols=len(labels))
    return figure


def critic_field(
    discriminator: Callable[[Any], Any],
    real: Any = None,
    fake: Any = None,
    extent: tuple[float, float, float, float] = (-1.5, 1.5, -1.5, 1.5),
    arrow_scale: float | None = 1.0,
    ax: Axes | None = None,
) -> Figure:
    """A discriminator of points in the plane: its level lines, and arrows ∇ₓD at the fakes.

    An arrow shows where, and how strongly, descent of a loss such as −D pushes that fake.

    Args:
        discriminator: Callable from float32 points ``(n, 2)`` to scores ``(n, 1)`` or ``(n,)``.
        real: Real points ``(n, 2)``, drawn as small blue dots.
        fake: Generated points ``(m, 2)``, drawn as orange dots with their arrows.
        extent: ``(left, right, bottom, top)`` of the picture.
        arrow_scale: Length of an arrow per slope of 1, in units of the axes, so that pictures
            with one scale can be compared; ``None`` draws no arrows.
        ax: Axes to draw on, instead of a new figure.

    Raises:
        ValueError: If points are not of shape ``(n, 2)``.
    """
    import tensorflow as tf

    for name, points in (("real", real), ("fake", fake)):
        if points is not None and (np.ndim(points) != 2 or np.shape(points)[1] != 2):
            raise ValueError(f"{name} must have shape (n, 2); got {np.shape(points)}")
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, 101), np.linspace(bottom, top, 101))
    places = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    scores = np.reshape(discriminator(tf.constant(places)), x.shape)
    with style():
        if ax is None:
            figure, ax = plt.subplots(figsize=(4.0, 4.0), layout="constrained")
        else:
            figure = ax.get_figure()
        ax.contourf(x, y, scores, levels=16, cmap="Greys", alpha=0.55)
        if real is not None:
            ax.plot(*np.transpose(real), ".", color=COLORS[0], markersize=3, label="real")
        if fake is not None:
            at = tf.convert_to_tensor(np.asarray(fake, np.float32))
            with tf.GradientTape() as tape:
                tape.watch(at)
                total = tf.reduce_sum(discriminator(at))
            ax.plot(*np.transpose(fake), "o", color=COLORS[1], markersize=3, label="generated")
            if arrow_scale is not None:
                arrows = arrow_scale * tape.gradient(total, at).numpy()
                ax.quiver(
                    *np.transpose(fake),
                    *arrows.T,
                    angles="xy",
                    scale_units="xy",
                    scale=1,
                    width=0.004,
                    color=COLORS[1],
                )
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        ax.grid(False)
    return figure


class FigureSlider:
    """Figures behind a slider, for a page without a kernel.

    Every figure is drawn beforehand and travels inside the page as a PNG; a few lines of script
    show the one that the slider points at. Without scripts, and on paper, all are shown.

    Args:
        figures: ``{value of the slider: figure}``, at least two, in order. They are closed.
        name: What the slider changes, such as ``"λ4"``.
        alt: What a value's figure shows: ``{value: words}``.
        dpi: Resolution of the PNGs.

    Raises:
        ValueError: If there are fewer than two figures, or a figure has no words.
    """

    def __init__(
        self, figures: Mapping[Any, Figure], name: str, alt: Mapping[Any, str], dpi: int = 90
    ):
        if len(figures) < 2:
            raise ValueError(f"figures must hold at least two; got {len(figures)}")
        missing = [value for value in figures if not alt.get(value)]
        if missing:
            raise ValueError(f"alt must describe every figure; nothing is said of {missing}")
        self.name = name
        self.frames = []
        for value, figure in figures.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=dpi)
            plt.close(figure)
            self.frames.append((str(value), alt[value], buffer.getvalue()))

    def __repr__(self) -> str:
        values = ", ".join(value for value, _, _ in self.frames)
        return f"<FigureSlider {self.name}: {values}>"

    def _repr_html_(self) -> str:
        key = f"slider-{zlib.crc32(b''.join(png for _, _, png in self.frames)):08x}"
        pictures = "".join(
            f'<figure style="margin:0"><img alt="{html.escape(alt)}" style="max-width:100%" '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            f"<figcaption>{html.escape(self.name)} = {html.escape(value)}</figcaption></figure>"
            for value, alt, png in self.frames
        )
        return f"""<div id="{key}" class="figure-slider">
<label hidden>{html.escape(self.name)}
<input type="range" min="0" max="{len(self.frames) - 1}" value="0" step="1"></label>
{pictures}
<script>(() => {{
  const box = document.getElementById("{key}"), input = box.querySelector("input");
  const frames = [...box.querySelectorAll("figure")];
  const show = () => frames.forEach((frame, i) => {{
    frame.hidden = i !== Number(input.value);
    if (!frame.hidden) input.setAttribute("aria-valuetext", frame.lastChild.textContent);
  }});
  input.parentElement.hidden = false;
  input.addEventListener("input", show);
  addEventListener("beforeprint", () => frames.forEach((frame) => {{ frame.hidden = false; }}));
  addEventListener("afterprint", show);
  show();
}})();</script></div>"""
