"""Batch size and number of epochs, chosen on images held out of training.

    python benchmarks/choose_by_validation.py           # all runs; goes on where it was stopped
    python benchmarks/choose_by_validation.py --only 64/0 --epochs 20

The 1,437 training digits, one channel, are cut into four folds. For each batch size and each fold a
small pair of networks (width 8) learns the other three; fold i goes with seed i. Every run sees the
same number of images, whatever its batch size: that is what "epochs" counts, and the CPU seconds
that it took are noted beside. The learning rate stays as it is, so every point of a curve is what
a run stopped there would have given, and the half-life of the average is one number of images.

At each reading 1,000 generated images are compared with the held-out fold, and with the images
learned from, by the unbiased kernel distance. Its features are those of a classifier trained on
the 360 test digits, which no fold holds. Finished runs are kept in runs/choose_by_validation/;
with all of them data/results/choose_by_validation.json is written.
"""

import argparse
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
from gpat_lib import GPAT, LossWeights, data, features, metrics, models

RUNS = provenance.ROOT / "runs" / "choose_by_validation"
RESULT = provenance.RESULTS / "choose_by_validation.json"
BATCH_SIZES = (16, 32, 64, 128)
SETTINGS: dict[str, Any] = {
    "folds": 4,
    "epochs": 48,
    "reading_every": 6,
    "width": 8,
    "learning_rate": 1e-3,
    "betas": (0.0, 0.99),
    "loss": "relativistic",
    "penalty": "r1_r2",
    "lambda_4": 2.0,
    "half_life_images": 5_000,
    "generated": 1_000,
}


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """One channel of the digits, and their labels."""
    images, labels = data.digits(split, labels=True)
    return np.ascontiguousarray(images[..., :1]), labels


def build(batch_size: int, seed: int) -> GPAT:
    """The checkpoint's recipe on small networks, with a rate that stays."""
    keras.utils.set_random_seed(seed)
    width = SETTINGS["width"]
    gan = GPAT(
        models.dcgan_generator(100, width, channels=1),
        models.dcgan_discriminator((32, 32, 1), width, dropout=0.0, depth=3, hidden=8 * width),
        latent_dim=100,
        seed=seed,
    )
    gan.compile(
        loss=SETTINGS["loss"],
        penalty=SETTINGS["penalty"],
        weights=LossWeights(lambda_4=SETTINGS["lambda_4"]),
        g_optimizer=keras.optimizers.Adam(SETTINGS["learning_rate"], *SETTINGS["betas"]),
        d_optimizer=keras.optimizers.Adam(SETTINGS["learning_rate"], *SETTINGS["betas"]),
        n_critic=1,
        ema=0.5 ** (batch_size / SETTINGS["half_life_images"]),
    )
    return gan


def run(batch_size: int, fold: int, ruler: keras.Model, epochs: int) -> dict[str, Any]:
    """Train once without one fold; read the distances on the way."""
    images = digits("train")[0]
    held_out = np.arange(len(images)) % SETTINGS["folds"] == fold
    known = {
        name: features.extract(ruler, images[chosen])
        for name, chosen in (("held_out", held_out), ("learned", ~held_out))
    }
    gan = build(batch_size, seed=fold)
    stream = data.batches(images[~held_out], batch_size, seed=fold).repeat()
    steps = round(SETTINGS["reading_every"] * (~held_out).sum() / batch_size)
    readings, seconds = [], 0.0
    for epoch in range(SETTINGS["reading_every"], epochs + 1, SETTINGS["reading_every"]):
        begin = time.process_time()
        gan.fit(stream, steps_per_epoch=steps, verbose=0)
        seconds += time.process_time() - begin
        made = features.extract(ruler, gan.generate(SETTINGS["generated"], seed=1))
        distances = {
            name: round(metrics.kernel_distance(real, made, subsets=20, subset_size=300), 4)
            for name, real in known.items()
        }
        readings.append({"epochs": epoch, "cpu_seconds": round(seconds, 1), **distances})
    return {"batch_size": batch_size, "fold": fold, "readings": readings}


def main() -> None:
    """Run what is missing; with all of it, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="instead of the study's own")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--only", nargs="+", metavar="BATCH/FOLD", help="print these runs")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    pairs = [(size, fold) for fold in range(SETTINGS["folds"]) for size in BATCH_SIZES]
    names = [f"{size}/{fold}" for size, fold in pairs]
    unknown = set(options.only or names) - set(names)
    if unknown:
        parser.error(f"--only: expected pairs such as 64/0, got {' '.join(sorted(unknown))}")
    if options.epochs is not None and not options.only:
        parser.error("--epochs goes with --only: the study has its own number")

    clock = provenance.Clock()
    ruler = features.trained(*digits("test"), held_out=digits("train"), seed=0)
    if options.only:
        for size, fold in (map(int, name.split("/")) for name in options.only):
            epochs = options.epochs or SETTINGS["epochs"]
            print(json.dumps(run(size, fold, ruler.features, epochs)), flush=True)
        return
    provenance.keep_settings(RUNS, SETTINGS)
    runs = []
    for size, fold in tqdm(pairs, desc="runs", disable=not sys.stderr.isatty()):
        path = RUNS / f"{size}-{fold}.json"
        if not path.exists():
            provenance.write(path, run(size, fold, ruler.features, SETTINGS["epochs"]))
            print(path.stem, flush=True)
        runs.append(json.loads(path.read_text()))
    minutes = sum(each["readings"][-1]["cpu_seconds"] for each in runs) / 60
    card = {**clock.card(seed=0), "minutes": round(minutes, 1), "threads": options.threads}
    accuracy = round(ruler.accuracy, 4)
    content = {"settings": SETTINGS, "ruler_accuracy": accuracy, "runs": runs, **card}
    provenance.write(RESULT, content)


if __name__ == "__main__":
    main()
