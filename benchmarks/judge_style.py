"""Judge every trained style on photographs that no training saw.

    python benchmarks/judge_style.py

Looks at all pairs of networks that `benchmarks/train_style.py` left, shipped and of other seeds,
and writes data/results/style_quality.json. What is already judged is kept in
runs/style_quality/ and not judged anew unless the networks change.

`swd7` is the patch distance (7 × 7) of the repainted photographs to the style image; `relative` is
its share of the photographs' own distance. `ssim` compares with the photographs. `photographs` is
the share of repainted ones whose edges fit their own photograph best, `edges` how well they fit
it, `styles` the share whose patches are nearest to their own style image, of all styles.
`seconds_512` is `style_transfer` of 512 × 512 pixels after a first call, the median of five; the
generator alone is beside it. A style is `reached` if every seed's `relative` is; both shares are
taken over all runs `together`.
"""

import argparse
import functools
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from benchmarks.train_style import RUNS, place
from gpat_lib import data, metrics, style

JUDGED = provenance.ROOT / "runs" / "style_quality"
RESULT = provenance.RESULTS / "style_quality.json"
TARGETS = {"relative": 0.35, "photographs": 0.9, "styles": 0.95}


def found(names: list[str]) -> list[tuple[str, int, Path]]:
    """(style, seed, generator's file) of every trained pair."""
    pairs = [(name, 0, place(name, 0)) for name in names if place(name, 0).exists()]
    for name in names:
        for path in sorted(RUNS.glob(f"style_{name}_seed*.keras")):
            seed = path.stem.removeprefix(f"style_{name}_seed")
            if seed.isdigit():
                pairs.append((name, int(seed), path))
    return pairs


def median_seconds(call: Callable[[], Any]) -> float:
    """Of five calls, after one that does not count."""
    call()
    times = []
    for _ in range(5):
        start = time.monotonic()
        call()
        times.append(time.monotonic() - start)
    return round(statistics.median(times), 3)


def known_styles() -> dict[str, np.ndarray]:
    """The patch quantiles of all style images, by name."""
    return {name: metrics.patch_quantiles([image]) for name, image in data.style_images().items()}


def measures(
    name: str,
    painted: dict[str, np.ndarray],
    photographs: dict[str, np.ndarray],
    known: dict[str, np.ndarray],
) -> dict[str, Any]:
    """How paintings of the style ``name`` fit it and their photographs, and whose they seem."""

    def distance(images: Iterable[np.ndarray], other: str) -> float:
        quantiles = metrics.patch_quantiles(list(images))
        return float(np.abs(quantiles - known[other]).mean())

    swd = distance(painted.values(), name)
    fits = np.array(
        [[metrics.edge_similarity(x, y) for x in photographs.values()] for y in painted.values()]
    )
    nearest = {
        key: min(known, key=functools.partial(distance, [one])) for key, one in painted.items()
    }
    similarities = [metrics.structural_similarity(photographs[k], painted[k]) for k in painted]
    figures = {
        "swd7": swd,
        "relative": swd / distance(photographs.values(), name),
        "ssim": np.mean(similarities),
        "photographs": np.mean(fits.argmax(axis=1) == np.arange(len(fits))),
        "edges": fits.diagonal().mean(),
        "styles": np.mean([other == name for other in nearest.values()]),
    }
    return {
        **{key: round(float(value), 4) for key, value in figures.items()},
        "taken_for": {key: other for key, other in nearest.items() if other != name},
    }


def judge(name: str, path: Path, known: dict[str, np.ndarray]) -> dict[str, Any]:
    """The figures of one pair; ``known`` as of ``known_styles``."""
    pair = style.load_style(path)
    image = data.style_images(name)[name]
    photographs = data.content_images(split="test")
    painted = {
        key: style.style_transfer(photograph, image, *pair)
        for key, photograph in photographs.items()
    }
    large = data.content_images(512, "test")["cat"]
    noise = np.zeros((1, 512, 512, pair[0].input_shape[-1] - 3), np.float32)
    batch = np.concatenate([large[None], noise], axis=3)
    return {
        **measures(name, painted, photographs, known),
        "seconds_512": median_seconds(lambda: style.style_transfer(large, image, *pair)),
        "generator_seconds_512": median_seconds(lambda: pair[0].predict_on_batch(batch)),
    }


def main() -> None:
    """Judge what is there and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    clock, known = provenance.Clock(), known_styles()
    rows = []
    for name, seed, path in found(list(known)):
        critic = path.with_stem(f"{path.stem}_critic")
        digest = hashlib.sha256(path.read_bytes() + critic.read_bytes()).hexdigest()[:16]
        kept = JUDGED / f"{name}_{seed}_{digest}.json"
        if not kept.exists():
            provenance.write(kept, judge(name, path, known))
        rows.append({"style": name, "seed": seed, **json.loads(kept.read_text())})
        print(json.dumps(rows[-1]), flush=True)
    if not rows:
        sys.exit("no trained styles; run benchmarks/train_style.py first")
    summary = {}
    for name in dict.fromkeys(row["style"] for row in rows):
        some = [row for row in rows if row["style"] == name]
        summary[name] = {
            "seeds": len(some),
            **{
                key: [min(row[key] for row in some), max(row[key] for row in some)]
                for key in ("relative", "ssim", "photographs", "styles", "seconds_512")
            },
            "reached": all(row["relative"] <= TARGETS["relative"] for row in some),
        }
    # Every photograph counts once, whatever its style and seed.
    together = {
        key: round(statistics.mean(row[key] for row in rows), 4)
        for key in ("photographs", "styles")
    }
    photographs = list(data.content_images(split="test"))
    figures = {
        "targets": TARGETS,
        "photographs": photographs,
        "styles": summary,
        "together": together,
        "runs": rows,
    }
    card = clock.card(seed=0)
    provenance.write(RESULT, {**figures, **card, "threads": arguments.threads or os.cpu_count()})


if __name__ == "__main__":
    main()
