"""Train one of the generators that ship with the course (the `full` tier).

    python benchmarks/train_checkpoint.py digits
    python benchmarks/train_checkpoint.py blossoms

A run that is stopped goes on where it was when the same command is given again. At its end the
averaged generator is written to data/checkpoints/NAME.keras, with a card, NAME.json, that says
how it was made.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import GPAT, LossWeights, data, models, plotting
from gpat_lib.training import DivergenceGuard, Resume, SampleGrid

BASE = {
    "ema": 0.999,
    "batch_size": 64,
    "generator_width": 24,
}
RECIPES: dict[str, dict[str, Any]] = {
    # 1,437 digits are few: the critic needs to see whole digits, and a strong penalty so as not
    # to learn them by heart.
    "digits": {
        "samples": lambda: data.digits("train"),
        "steps": 14_000,
        "loss": "relativistic",
        "penalty": "r1_r2",
        "lambda_4": 2.0,
        "n_critic": 1,
        "learning_rate": 1e-3,
        "betas": (0.0, 0.99),
        "discriminator": {"width": 24, "depth": 3, "hidden": 256},
        **BASE,
    },
    "blossoms": {
        "samples": lambda: data.blossoms(20_000, seed=0),
        "steps": 9_000,
        "loss": "wasserstein",
        "penalty": "wgan_gp",
        "lambda_4": 10.0,
        "n_critic": 2,
        "learning_rate": 4e-4,
        "betas": (0.0, 0.9),
        "discriminator": {"width": 32},
        **BASE,
    },
}
STEPS_PER_EPOCH = 250  # an "epoch" is what one stop can lose at most


def build(recipe: dict[str, Any], seed: int) -> GPAT:
    """A compiled model; the learning rate falls to a twentieth along a cosine."""
    keras.utils.set_random_seed(seed)
    gan = GPAT(
        models.dcgan_generator(100, recipe["generator_width"]),
        models.dcgan_discriminator(**recipe["discriminator"], dropout=0.0),
        latent_dim=100,
        seed=seed,
    )

    def adam(updates: int) -> keras.optimizers.Adam:
        rate = keras.optimizers.schedules.CosineDecay(recipe["learning_rate"], updates, alpha=0.05)
        return keras.optimizers.Adam(rate, *recipe["betas"])

    gan.compile(
        loss=recipe["loss"],
        penalty=recipe["penalty"],
        weights=LossWeights(lambda_4=recipe["lambda_4"]),
        g_optimizer=adam(recipe["steps"]),
        d_optimizer=adam(recipe["steps"] * recipe["n_critic"]),
        n_critic=recipe["n_critic"],
        ema=recipe["ema"],
    )
    return gan


class Minutes(keras.callbacks.Callback):
    """Keep the minutes of all starts of a resumed run in a file beside its weights."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.before = json.loads(path.read_text()) if path.exists() else 0.0
        self.clock = provenance.Clock()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the sum."""
        self.path.write_text(json.dumps(self.before + self.clock.minutes))


def main() -> None:
    """Train, save, and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--run", type=Path, help="folder of the run, default runs/NAME")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    recipe = RECIPES[arguments.name]
    run = arguments.run or provenance.ROOT / "runs" / arguments.name
    run.mkdir(parents=True, exist_ok=True)

    gan = build(recipe, arguments.seed)
    samples = data.batches(recipe["samples"](), recipe["batch_size"], seed=arguments.seed)
    guard, minutes = DivergenceGuard(), Minutes(run / "minutes.json")
    gan.fit(
        samples.repeat(),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=recipe["steps"] // STEPS_PER_EPOCH,
        callbacks=[Resume(run / "last.weights.h5"), SampleGrid(run, count=64), guard, minutes],
        verbose=2,
    )
    if guard.message:
        sys.exit(guard.message)

    provenance.CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    shipped = provenance.CHECKPOINTS / arguments.name
    gan.ema_generator.save(shipped.with_suffix(".keras"))
    plotting.save_grid(gan.generate(64, seed=1), shipped.with_suffix(".png"))
    card = {
        "what": f"averaged generator, trained on gpat_lib's {arguments.name}",
        "recipe": {key: value for key, value in recipe.items() if key != "samples"},
        "parameters": gan.ema_generator.count_params(),
        **minutes.clock.card(seed=arguments.seed, minutes_before=minutes.before),
        "threads": arguments.threads or os.cpu_count(),
        "licence": "CC BY 4.0, as the course's figures",
    }
    provenance.write(shipped.with_suffix(".json"), card)


if __name__ == "__main__":
    main()
