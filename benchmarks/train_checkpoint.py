"""Train one of the generators that ship with the course (the `full` tier).

    python benchmarks/train_checkpoint.py digits

or digits_by_class (on request), stacked_digits (1,000 classes), blossoms or blossoms_by_kind (on
request); all by the recipe "images" of `gpat_lib.recipes`, the blossoms with ten times its λ4 and
some more steps, those by kind with a residual generator, whose noise and label pass a mapping
network first, and a falling λ4. blossoms_unlabelled, which does not ship, is their twin without
labels: chapter 07 compares the two.

A run that is stopped goes on where it was when the same command is given again. At its end the
averaged generator is written to data/checkpoints/NAME.keras, with a card, NAME.json, that says
how it was made.
"""

import argparse
import dataclasses
import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import judge_blossoms, provenance
from gpat_lib import data, models, plotting, recipes
from gpat_lib.training import DivergenceGuard, Resume, SampleGrid

IMAGES = recipes.get("images")
# With the recipe's own λ4 some kinds of blossoms become rare: benchmarks/judge_blossoms.py counts.
BLOSSOMS = dataclasses.replace(IMAGES, lambda_4=(20.0, 20.0), steps=18_000)
BY_KIND = dataclasses.replace(
    IMAGES,
    generator=functools.partial(models.resnet_generator, width=16, mapping=(256, 256)),
    discriminator=functools.partial(
        models.dcgan_discriminator, width=32, dropout=0.0, depth=3, hidden=256
    ),
    lambda_4=(2.0, 0.2),
    steps=10_000,
)


def stacked(batch_size: int, seed: int) -> tf.data.Dataset:
    """Stacked digits without their labels."""
    stream = data.stacked_stream(*data.digits("train", labels=True), batch_size, seed)
    return stream.map(lambda image, label: image)


def blossoms() -> Any:
    """The colour set."""
    return data.blossoms(20_000, seed=0)


def blossoms_by_kind() -> tuple[Any, Any]:
    """Blossoms with labels, one for each number and shape of petals."""
    images, known = data.blossoms(20_000, seed=0, factors=True)
    return images, judge_blossoms.kinds(known)


def endless(samples: Callable[[], Any]) -> Callable[[int, int], tf.data.Dataset]:
    """Batches of a data set, shuffled anew each time through."""
    return lambda batch_size, seed: data.batches(samples(), batch_size, seed=seed).repeat()


# name -> (recipe, what makes endless batches, arguments of the networks)
RUNS: dict[str, tuple[recipes.Recipe, Callable[[int, int], tf.data.Dataset], dict[str, int]]] = {
    "digits": (IMAGES, endless(lambda: data.digits("train")), {}),
    "digits_by_class": (
        IMAGES,
        endless(lambda: data.digits("train", labels=True)),
        {"num_classes": 10},
    ),
    "stacked_digits": (IMAGES, stacked, {}),
    "blossoms": (BLOSSOMS, endless(blossoms), {}),
    "blossoms_by_kind": (BY_KIND, endless(blossoms_by_kind), {"num_classes": judge_blossoms.KINDS}),
    "blossoms_unlabelled": (BY_KIND, endless(blossoms), {}),
}
STEPS_PER_EPOCH = 250  # an "epoch" is what one stop can lose at most


def described(value: Any) -> Any:
    """A setting for the card: of networks the function's name and its arguments."""
    if isinstance(value, functools.partial):
        given = ", ".join(f"{name}={argument}" for name, argument in value.keywords.items())
        return f"{value.func.__name__.lstrip('_')}({given})"
    return f"{value.__name__}()" if callable(value) else value


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
    recipe, batches, networks = RUNS[arguments.name]
    run = arguments.run or provenance.ROOT / "runs" / arguments.name
    run.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(arguments.seed)
    gan = recipe.build(seed=arguments.seed, **networks)
    guard, minutes = DivergenceGuard(), Minutes(run / "minutes.json")
    gan.fit(
        batches(recipe.batch_size, arguments.seed),
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
        "recipe": {key: described(value) for key, value in vars(recipe).items()},
        "parameters": gan.ema_generator.count_params(),
        **minutes.clock.card(seed=arguments.seed, minutes_before=minutes.before),
        "threads": arguments.threads or os.cpu_count(),
        "licence": "CC BY 4.0, as the course's figures",
    }
    provenance.write(shipped.with_suffix(".json"), card)


if __name__ == "__main__":
    main()
