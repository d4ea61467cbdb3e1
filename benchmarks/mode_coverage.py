"""Which loss with which penalty finds all 25 modes of the grid? Every pair, ten seeds each.

    python benchmarks/mode_coverage.py             # the whole study; goes on where it was stopped
    python benchmarks/mode_coverage.py --only hinge/r1 wasserstein/clip --steps 500

The cells of the table are losses × {no penalty, each penalty, weight clipping, spectral
normalisation}. All get one budget: the same networks, batches, optimiser and number of steps, one
discriminator update a step, and one λ4 per penalty, none of them tuned for a cell. The seeds of a
cell are trained together as one model whose layers hold a matrix per seed (`SeedDense`); nothing
flows between them. 25,000 samples per seed are counted by `metrics.mode_coverage`.

A finished cell is kept in runs/mode_coverage/. When all are there, data/results/ gets the table,
mode_coverage.json, and the wall, mode_coverage.png: a thumbnail of each run.
"""

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import GPAT, LossWeights, data, metrics, models
from gpat_lib.losses import LOSSES
from gpat_lib.penalties import PENALTIES

RUNS = provenance.ROOT / "runs" / "mode_coverage"
RESULT = provenance.RESULTS / "mode_coverage.json"
WALL = provenance.RESULTS / "mode_coverage.png"

# The weight λ4 of each penalty, on points scaled into [−1, 1]: one value for all losses.
LAMBDA_4 = {
    "wgan_gp": 0.1,  # Gulrajani et al. 2017 on toys of this size
    "one_sided": 0.1,
    "dragan": 0.1,
    "zero_centered": 0.1,
    "r1": 0.1,
    "r2": 0.1,
    "r1_r2": 0.1,
}
REGULARISERS = ("none", *PENALTIES, "clip", "spectral_norm")
CLIP = 0.1
SCALE = 0.25  # the grid within [−1, 1]
LATENT_DIM, SAMPLES, PICTURED = 2, 25_000, 500


class SeedDense(keras.layers.Layer):
    """A dense layer for each seed: ``(seeds · n, inputs)`` to ``(seeds · n, units)``.

    Rows come seed by seed. With ``spectral_norm`` each seed's kernel is divided by its own
    largest singular value, from one power iteration per training call (Miyato et al. 2018).
    """

    def __init__(
        self,
        seeds: int,
        units: int,
        activation: str | None = None,
        spectral_norm: bool = False,
        clip: float | None = None,
    ):
        super().__init__()
        self.seeds, self.units, self.spectral_norm = seeds, units, spectral_norm
        self.activation, self.clip = keras.activations.get(activation), clip
        self.constraint = None if clip is None else models.ClipWeights(clip)

    def get_config(self) -> dict[str, Any]:
        """The arguments, which Keras needs for a copy."""
        names = ("seeds", "units", "activation", "spectral_norm", "clip")
        return {name: getattr(self, name) for name in names}

    def build(self, shape: tuple[int, ...]) -> None:
        """One kernel per seed, each drawn as Keras's Dense draws it."""
        inputs = shape[-1]
        limit = (6 / (inputs + self.units)) ** 0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        size = (self.seeds, inputs, self.units)
        self.kernel = self.add_weight(shape=size, initializer=uniform, constraint=self.constraint)
        size = (self.seeds, 1, self.units)
        self.bias = self.add_weight(shape=size, initializer="zeros", constraint=self.constraint)
        if self.spectral_norm:
            self.vector = self.add_weight(shape=size, initializer="random_normal", trainable=False)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Multiply each seed's rows by its own kernel."""
        kernel: Any = self.kernel.value
        if self.spectral_norm:
            v = self.vector.value
            u = tf.math.l2_normalize(v @ tf.stop_gradient(tf.linalg.matrix_transpose(kernel)), -1)
            if training:
                v = tf.math.l2_normalize(u @ tf.stop_gradient(kernel), -1)
                self.vector.assign(v)
            sigma = tf.reduce_sum((u @ kernel) * tf.math.l2_normalize(v, -1), -1, keepdims=True)
            kernel = kernel / sigma
        rows = tf.reshape(x, [self.seeds, -1, x.shape[-1]])
        return tf.reshape(self.activation(rows @ kernel + self.bias), [-1, self.units])


def network(seeds: int, inputs: int, outputs: int, width: int, **limits: Any) -> keras.Model:
    """Three hidden layers of ReLUs and a linear one, for each seed."""
    relus = [SeedDense(seeds, width, "relu", **limits) for _ in range(3)]
    return keras.Sequential([keras.Input((inputs,)), *relus, SeedDense(seeds, outputs, **limits)])


class SeedGPAT(GPAT):
    """``GPAT`` without the log of slopes, whose sixteen samples do not divide by the seeds."""

    def _slope(self, fake: tf.Tensor, labels: Any) -> tf.Tensor:
        return tf.zeros(())


def run_cell(loss: str, regulariser: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train all seeds of one cell and count their modes."""
    keras.utils.set_random_seed(0)
    limits: dict[str, Any] = {"clip": {"clip": CLIP}, "spectral_norm": {"spectral_norm": True}}
    seeds, steps = options.seeds, options.steps
    gan = SeedGPAT(
        network(seeds, LATENT_DIM, 2, options.width),
        network(seeds, 2, 1, options.width, **limits.get(regulariser, {})),
        latent_dim=LATENT_DIM,
    )

    def adam() -> keras.optimizers.Adam:
        rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
        return keras.optimizers.Adam(rate, 0.0, 0.99)

    gan.compile(
        loss=loss,
        penalty=regulariser if regulariser in PENALTIES else None,
        weights=LossWeights(lambda_4=LAMBDA_4.get(regulariser, 0.0)),
        g_optimizer=adam(),
        d_optimizer=adam(),
        n_critic=1,
        ema=0.99,
        steps_per_execution=100,
    )
    batches = data.point_stream("grid", options.batch_size * seeds, seed=0, scale=SCALE)
    begin = time.monotonic()
    gan.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0)
    seconds = time.monotonic() - begin
    count = SAMPLES * seeds
    samples = gan.generate(count, seed=1, batch_size=count).reshape(seeds, SAMPLES, 2) / SCALE
    law = data.POINTS["grid"]
    figures = []
    for points in samples:
        finite = points[np.isfinite(points).all(axis=1)]
        if len(finite) < SAMPLES:  # a run that diverged has no sample worth counting
            figures.append({"modes": 0, "high_quality": 0.0, "kl": None})
            continue
        coverage = metrics.mode_coverage(points, law.modes, law.sigma)
        figures.append(
            {
                "modes": coverage.modes,
                "high_quality": round(coverage.share, 4),
                "kl": round(coverage.kl, 4) if np.isfinite(coverage.kl) else None,
            }
        )
    thumbnails = np.clip(np.nan_to_num(samples[:, :PICTURED]), -6, 6).round(2).tolist()
    return {
        "loss": loss,
        "regulariser": regulariser,
        "lambda_4": LAMBDA_4.get(regulariser, 0.0),
        "seconds": round(seconds, 1),
        "runs": figures,
        "thumbnails": thumbnails,
    }


def draw_wall(cells: list[dict[str, Any]], path: Path) -> None:
    """One thumbnail per run: a block of seeds for each loss (across) and regulariser (down).

    The ground is orange where a run missed a mode, or hit the modes unevenly (KL above 0.01).
    """
    from PIL import Image, ImageDraw, ImageFont

    side, gap, columns = 40, 4, 5
    left, top = 180, 40
    rows = -(-len(cells[0]["runs"]) // columns)
    block = columns * (side + gap) + 16, rows * (side + gap) + 16
    size = left + block[0] * len(LOSSES), top + block[1] * len(REGULARISERS)
    wall = Image.new("RGB", size, "#fdfcf9")
    pen, font = ImageDraw.Draw(wall), ImageFont.load_default(size=22)
    for i, loss in enumerate(LOSSES):
        pen.text((left + i * block[0], 6), loss, fill="#222222", font=font)
    for j, regulariser in enumerate(REGULARISERS):
        middle = top + j * block[1] + block[1] // 2 - 22
        pen.text((6, middle), regulariser, fill="#222222", font=font)
    for cell in cells:
        x0 = left + list(LOSSES).index(cell["loss"]) * block[0]
        y0 = top + REGULARISERS.index(cell["regulariser"]) * block[1]
        for k, (run, points) in enumerate(zip(cell["runs"], cell["thumbnails"], strict=True)):
            fine = run["modes"] == 25 and run["kl"] < 0.01
            ground = np.array([228, 238, 246] if fine else [250, 205, 165])
            place = np.round((np.array(points) + 5) / 10 * (side - 1)).astype(int)
            x, y = place[((place >= 0) & (place < side)).all(axis=1)].T
            dots = np.bincount((side - 1 - y) * side + x, minlength=side**2).reshape(side, side)
            shade = np.exp(-0.5 * dots)[..., None] * ground
            corner = x0 + k % columns * (side + gap), y0 + k // columns * (side + gap)
            wall.paste(Image.fromarray(shade.astype(np.uint8)), corner)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}")
    wall.save(fresh, format="PNG", optimize=True)
    os.replace(fresh, path)


def main() -> None:
    """Run the cells that are missing; with all of them, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--only", nargs="+", metavar="LOSS/REGULARISER", help="print these cells")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    pairs = list(itertools.product(LOSSES, REGULARISERS))
    if options.only:
        for pair in options.only:
            loss, _, regulariser = pair.partition("/")
            if (loss, regulariser) not in pairs:
                parser.error(f"--only: expected a pair such as hinge/r1, got {pair!r}")
            cell = run_cell(loss, regulariser, options)
            print(json.dumps({**cell, "thumbnails": "..."}), flush=True)
        return

    clock = provenance.Clock()
    settings = {
        name: getattr(options, name)
        for name in ("steps", "seeds", "width", "batch_size", "learning_rate")
    }
    settings |= {"scale": SCALE, "clip": CLIP, "latent_dim": LATENT_DIM, "samples": SAMPLES}
    if not RUNS.exists():
        provenance.write(RUNS / "settings.json", settings)
    if json.loads((RUNS / "settings.json").read_text()) != settings:
        sys.exit(f"{RUNS} holds cells of other settings; move it away to start anew")
    cells = []
    for loss, regulariser in tqdm(pairs, desc="cells", disable=not sys.stderr.isatty()):
        path = RUNS / f"{loss}-{regulariser}.json"
        if not path.exists():
            provenance.write(path, run_cell(loss, regulariser, options))
            print(path.stem, flush=True)
        cells.append(json.loads(path.read_text()))
    draw_wall(cells, WALL)
    for cell in cells:
        del cell["thumbnails"]
    minutes = sum(cell["seconds"] for cell in cells) / 60
    card = {**clock.card(seed=0), "minutes": round(minutes, 1), "threads": options.threads}
    provenance.write(RESULT, {"settings": settings, "cells": cells, **card})


if __name__ == "__main__":
    main()
