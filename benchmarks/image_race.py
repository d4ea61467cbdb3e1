"""How fast three recipes come near real images: Fréchet distance over seconds, paired by seed.

    python benchmarks/image_race.py mnist --path FOLDER --pace  # first, on an idle machine
    python benchmarks/image_race.py mnist --path FOLDER         # the test images' idx files
    python benchmarks/image_race.py cifar10 --path FILE.tar     # pictures in class folders

images        `recipes.get("images")`
wgan_gp       `recipes.get("wgan_gp")`, as in tutorials: α from U[0, 1], three critic updates,
              Adam(2e-4, 0.5, 0.9), no average, a constant rate
wgan_gp_ema   the same with the running average and the falling rate of "images"

All train the same networks on the 10,000 test images, for --seconds each. How many steps that is
follows from the pace: the seconds of a step on all cores. It is measured first, as the fastest of
rounds of the three recipes, by --pace, and kept; the runs may then share the machine: their
seconds are steps times pace, and the schedules are stretched to the number of steps. At points
along the way 5,000 generated images are compared with all real ones, by the Fréchet distance on two
sets of features: those of a small classifier trained on the same images, the same in all runs, and
random filters. Neither is the network of the FID. The distance of one half of the real images to
the other is given as what a perfect sampler of that size might get.

Pace and finished runs are kept in runs/image_race/, and the command goes on where it was stopped.
Once all three have run with a seed, data/results/image_race_NAME.json is written, and anew after
each further run; runs of a seed that is not whole stand in it apart, as `unpaired`. What that file
holds is not run again, in a fresh clone either. Two commands may share the work, each with its own
--seeds and --threads 1.
"""

import argparse
import collections
import dataclasses
import functools
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
from gpat_lib import data, features, metrics, recipes

RUNS = provenance.ROOT / "runs" / "image_race"
OURS, TUTORIAL = recipes.get("images"), recipes.get("wgan_gp")
RACERS = {
    "images": OURS,
    "wgan_gp": TUTORIAL,
    "wgan_gp_ema": dataclasses.replace(TUTORIAL, ema=OURS.ema, final_rate=OURS.final_rate),
}
LOADERS = {"mnist": data.mnist, "cifar10": data.cifar10}
GENERATED, POINTS = 5000, 10
ROUNDS, ROUND = 12, 10  # of the pace: how many, and steps in each


def judges(images: np.ndarray, labels: np.ndarray) -> dict[str, keras.Model]:
    """The extractors, by name."""
    return {
        "trained": features.trained(images, labels, epochs=8).features,
        "random_filters": features.random_filters(images.shape[1:]),
    }


def moments(extractor: keras.Model, images: np.ndarray) -> metrics.Moments:
    """Mean and covariance of the images' features."""
    gathered = metrics.Moments()
    for batch in features.stream(extractor, images):
        gathered.update(batch)
    return gathered


def pace(images: np.ndarray) -> dict[str, float]:
    """Seconds of a step, by recipe: the least of some rounds, since others may disturb one."""
    racers = {}
    for name, recipe in RACERS.items():
        batches = data.batches(images, recipe.batch_size, seed=0).repeat()
        gan = recipe.build(ROUNDS * ROUND, seed=0, image_shape=images.shape[1:])
        gan.fit(batches, steps_per_epoch=2, verbose=0)  # traces
        racers[name] = functools.partial(gan.fit, batches, steps_per_epoch=ROUND, verbose=0)
    spent: dict[str, list[float]] = {name: [] for name in racers}
    for _ in range(ROUNDS):
        for name, fit in racers.items():
            begin = time.monotonic()
            fit()
            spent[name].append((time.monotonic() - begin) / ROUND)
    return {name: round(min(seconds), 5) for name, seconds in spent.items()}


def race(
    recipe: recipes.Recipe,
    images: np.ndarray,
    extractors: dict[str, keras.Model],
    real: dict[str, metrics.Moments],
    steps: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One run: points (steps, distances) along it."""
    keras.utils.set_random_seed(seed)
    gan = recipe.build(steps, seed=seed, image_shape=images.shape[1:])
    batches = data.batches(images, recipe.batch_size, seed=seed).repeat()
    points: list[dict[str, Any]] = []
    for done in np.linspace(0, steps, POINTS + 1).astype(int)[1:].tolist():
        before = points[-1]["steps"] if points else 0
        gan.fit(batches, steps_per_epoch=done - before, verbose=0)
        made = gan.generate(GENERATED, seed=1)
        distances = {
            name: round(metrics.frechet_distance(real[name], moments(extractor, made)), 4)
            for name, extractor in extractors.items()
        }
        points.append({"steps": done, **distances})
    return points


def kept(name: str, seconds: float, recipe: str, seed: int) -> Path:
    """The file of one run."""
    return RUNS / f"{name}-{seconds:g}-{recipe}-{seed}.json"


def unpack(name: str, seconds: float, results: Path) -> None:
    """Take over pace and runs of that length from a results file, where runs/ lacks them."""
    content = json.loads(results.read_text())
    if content["seconds"] != seconds:
        return
    runs = content["runs"] + content["unpaired"]
    files = {kept(name, seconds, run["recipe"], run["seed"]): run for run in runs}
    for path, known in {RUNS / f"{name}-pace.json": content["pace"], **files}.items():
        if not path.exists():
            provenance.write(path, known)


def finished(name: str, seconds: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The runs of seeds with which every recipe has run, and those of the other seeds."""
    found = [json.loads(path.read_text()) for path in RUNS.glob(f"{name}-{seconds:g}-*.json")]
    found.sort(key=lambda run: (run["seed"], list(RACERS).index(run["recipe"])))
    recipes_run = collections.Counter(run["seed"] for run in found)
    whole = [run for run in found if recipes_run[run["seed"]] == len(RACERS)]
    return whole, [run for run in found if run not in whole]


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Ratios of our last distance to the others' with the same seed: median, least, greatest."""
    last = {(run["recipe"], run["seed"]): run["points"][-1]["trained"] for run in runs}
    table = {}
    for other in list(RACERS)[1:]:
        ratios = [
            value / last[other, seed] for (name, seed), value in last.items() if name == "images"
        ]
        figures = (float(np.median(ratios)), min(ratios), max(ratios))
        names = ("median", "least", "greatest")
        table[f"images / {other}"] = {
            "seeds": len(ratios),
            **dict(zip(names, np.round(figures, 3).tolist(), strict=True)),
        }
    return table


def main() -> None:
    """Run what is missing; write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(LOADERS))
    parser.add_argument("--path", help="a local copy; downloaded if not given")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5), help="which ones: 0 1 2")
    parser.add_argument("--seconds", type=float, default=600.0, help="of training, per run")
    parser.add_argument("--threads", type=int, default=0, help="of the runs; 0: all cores")
    parser.add_argument("--pace", action="store_true", help="only measure the seconds of a step")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    images, labels = LOADERS[options.name]("test", labels=True, path=options.path)
    results = provenance.RESULTS / f"image_race_{options.name}.json"
    if results.exists():
        unpack(options.name, options.seconds, results)
    paced = RUNS / f"{options.name}-pace.json"
    if options.pace:
        provenance.write(paced, {**pace(images), "cores": os.cpu_count()})
        return
    if not paced.exists():
        parser.error("the pace is not known yet: give --pace first, on an idle machine")
    extractors = judges(images, labels)
    real = {name: moments(extractor, images) for name, extractor in extractors.items()}
    order = np.random.default_rng(0).permutation(len(images))
    halves = np.array_split(images[order], 2)
    floor = {
        name: round(metrics.frechet_distance(*(moments(extractor, half) for half in halves)), 4)
        for name, extractor in extractors.items()
    }
    clock = provenance.Clock()
    per_step = json.loads(paced.read_text())
    pairs = [(seed, name) for seed in options.seeds for name in RACERS]
    for seed, name in tqdm(pairs, desc="runs", disable=not sys.stderr.isatty()):
        path = kept(options.name, options.seconds, name, seed)
        if path.exists():
            continue
        steps = max(POINTS, round(options.seconds / per_step[name]))
        points = race(RACERS[name], images, extractors, real, steps, seed)
        for point in points:
            point["seconds"] = round(point["steps"] * per_step[name], 1)
        provenance.write(path, {"recipe": name, "seed": seed, "points": points})
        print(path.stem, points[-1], flush=True)
        runs, unpaired = finished(options.name, options.seconds)
        if not runs:
            continue
        content = {
            "images": len(images),
            "half against half": floor,
            "ratios": summary(runs),
            "runs": runs,  # chapter 06 compares these
            "unpaired": unpaired,
            "seconds": options.seconds,
            "pace": per_step,
            **clock.card(seed=0),
            # Not the path of one machine.
            "command": f"python benchmarks/image_race.py {options.name} --path PATH",
        }
        provenance.write(results, content)


if __name__ == "__main__":
    main()
