"""Train one of the generators that ship with the course (the `full` tier).

    python benchmarks/train_checkpoint.py digits
    python benchmarks/train_checkpoint.py blossoms

A run that is stopped goes on where it was when the same command is given again. At its end the
averaged generator is written to data/checkpoints/NAME.keras, with a card, NAME.json, that says
how it was made.
"""

import argparse
import functools
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
from gpat_lib import data, models, plotting, recipes
from gpat_lib.training import DivergenceGuard, Resume, SampleGrid

RUNS = {
    "digits": (recipes.get("images"), lambda: data.digits("train")),
    "blossoms": (
        recipes.Recipe(
            "blossoms",
            generator=recipes.get("images").generator,
            discriminator=functools.partial(models.dcgan_discriminator, width=32, dropout=0.0),
            learning_rate=4e-4,
            final_rate=0.05,
            ema=0.999,
            n_critic=2,
            steps=9_000,
        ),
        lambda: data.blossoms(20_000, seed=0),
    ),
}
STEPS_PER_EPOCH = 250  # an "epoch" is what one stop can lose at most


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
    parser.add_argument("name", choices=sorted(RUNS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--run", type=Path, help="folder of the run, default runs/NAME")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    recipe, samples = RUNS[arguments.name]
    run = arguments.run or provenance.ROOT / "runs" / arguments.name
    run.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(arguments.seed)
    gan = recipe.build(seed=arguments.seed)
    batches = data.batches(samples(), recipe.batch_size, seed=arguments.seed)
    guard, minutes = DivergenceGuard(), Minutes(run / "minutes.json")
    gan.fit(
        batches.repeat(),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=recipe.steps // STEPS_PER_EPOCH,
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
        "recipe": {key: value for key, value in vars(recipe).items() if not callable(value)},
        "parameters": gan.ema_generator.count_params(),
        **minutes.clock.card(seed=arguments.seed, minutes_before=minutes.before),
        "threads": arguments.threads or os.cpu_count(),
        "licence": "CC BY 4.0, as the course's figures",
    }
    provenance.write(shipped.with_suffix(".json"), card)


if __name__ == "__main__":
    main()
