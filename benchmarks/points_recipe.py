"""The recipe for points in the plane, on the grid of 25 and, untuned, on the ring and the roll.

    python benchmarks/points_recipe.py           # all runs; goes on where it was stopped
    python benchmarks/points_recipe.py --only grid/0 --steps 500

`recipes.get("points")` as it is, ten seeds on the grid, three on the ring and on the swiss roll,
one run after the other. A run is judged on 25,000 samples: modes, high-quality share and KL by
`metrics.mode_coverage`. The roll has no modes: a sample is of high quality within 3σ of the curve,
and KL is that of 25 stretches of it that are equally likely. "perfect" judges 25,000 samples of
the law itself. λ4 and the loss were chosen on the grid with seeds 0 and 1, batch size and learning
rate with seeds 100 to 102. Finished runs are kept in runs/points_recipe/; with all of them
data/results/points_recipe.json is written.
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
from gpat_lib import data, metrics, recipes

RUNS = provenance.ROOT / "runs" / "points_recipe"
RESULT = provenance.RESULTS / "points_recipe.json"
SEEDS = {"grid": 10, "ring": 3, "swiss_roll": 3}
SCALES = {"grid": 0.25, "ring": 1.0, "swiss_roll": 0.5}  # each law within about [−1, 1]
SAMPLES, STRETCHES = 25_000, 25


def judge(name: str, samples: np.ndarray) -> dict[str, Any]:
    """Modes, high-quality share and KL of samples on the law's own scale."""
    law = data.POINTS[name]
    places = law.modes
    if places is None:  # a curve: count near any of its points, then by stretch
        fine = 40 * STRETCHES
        places = law.curve(np, np.zeros(fine), (np.arange(fine) + 0.5) / fine)
    coverage = metrics.mode_coverage(samples, places, law.sigma)
    counts = np.reshape(coverage.counts, (STRETCHES, -1) if law.modes is None else (-1, 1)).sum(1)
    found = metrics.class_coverage(np.repeat(np.arange(len(counts)), counts), len(counts))
    return {
        "modes": found.modes,
        "of": len(counts),
        "high_quality": round(coverage.share, 4),
        "kl": round(found.kl, 5),
    }


def run(name: str, seed: int, steps: int | None) -> dict[str, Any]:
    """Train once and judge."""
    recipe = recipes.get("points")
    steps = recipe.steps if steps is None else steps
    scale = SCALES[name]
    begin = time.monotonic()
    keras.utils.set_random_seed(seed)
    gan = recipe.build(seed=seed, steps=steps)
    stream = data.point_stream(name, recipe.batch_size, seed=seed, scale=scale)
    gan.fit(stream, steps_per_epoch=steps, verbose=0)
    seconds = time.monotonic() - begin
    samples = gan.generate(SAMPLES, seed=1, batch_size=SAMPLES) / scale
    return {
        "data": name,
        "seed": seed,
        "steps": steps,
        "seconds": round(seconds, 1),
        "threads": tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count(),
        **judge(name, samples),
        "samples": " ".join(f"{value:.3f}" for value in samples[:1000].ravel()),
    }


def main() -> None:
    """Run what is missing; with all of it, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, help="instead of the recipe's own")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--only", nargs="+", metavar="DATA/SEED", help="print these runs")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    pairs = [(name, seed) for name, count in SEEDS.items() for seed in range(count)]
    if options.only:
        for name, _, seed in (pair.partition("/") for pair in options.only):
            if name not in SEEDS or not seed.isdigit():
                parser.error(f"--only: expected a pair such as grid/0, got {name}/{seed}")
            print(json.dumps({**run(name, int(seed), options.steps), "samples": "..."}), flush=True)
        return
    if options.steps is not None:
        parser.error("--steps goes with --only: the study runs the recipe as it is")

    clock = provenance.Clock()
    runs = []
    for name, seed in tqdm(pairs, desc="runs", disable=not sys.stderr.isatty()):
        path = RUNS / f"{name}-{seed}.json"
        if not path.exists():
            provenance.write(path, run(name, seed, None))
            print(path.stem, flush=True)
        runs.append(json.loads(path.read_text()))
    perfect = {name: judge(name, data.points(name, SAMPLES, seed=0)) for name in SEEDS}
    pictured = {name: next(r["samples"] for r in runs if r["data"] == name) for name in SEEDS}
    for each in runs:
        del each["samples"]
    minutes = sum(each["seconds"] for each in runs) / 60
    card = {**clock.card(seed=0), "minutes": round(minutes, 1), "threads": options.threads}
    content = {"runs": runs, "perfect": perfect, "pictured": pictured, "scales": SCALES, **card}
    provenance.write(RESULT, content)


if __name__ == "__main__":
    main()
