"""Train one of the styles that ship with the course (the `full` tier).

    python benchmarks/train_style.py woodcut

Seed 0 is what ships: data/checkpoints/style_NAME.keras, its critic, a card, and a picture of
photographs that training never saw. Other seeds, which only `benchmarks/judge_style.py` looks at,
go to runs/styles/. A run takes about two minutes; one that is stopped starts anew.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import data, pictures, plotting, style
from gpat_lib.training import DivergenceGuard

RUNS = provenance.ROOT / "runs" / "styles"
# What a style needs that differs from train_style's defaults, chosen by judge_style.py.
SETTINGS: dict[str, dict[str, Any]] = {
    # Little of these styles is light and dark: more content costs more style.
    "brush_strokes": {"content_weight": 25.0, "learning_rate": 1e-3},
    "marbling": {"content_weight": 15.0},
    "stained_glass": {"content_weight": 30.0},
    "woodcut": {"content_weight": 30.0},
}


def place(name: str, seed: int) -> Path:
    """The generator's file of a style and seed."""
    if seed == 0:
        return provenance.CHECKPOINTS / f"style_{name}.keras"
    return RUNS / f"style_{name}_seed{seed}.keras"


def main() -> None:
    """Train, save, and write the card."""
    images = data.style_images()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(images))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="train_style's default if not given")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    settings = dict(SETTINGS.get(arguments.name, {}))
    if arguments.steps is not None:
        settings["steps"] = arguments.steps
    clock, guard, history = provenance.Clock(), DivergenceGuard(), keras.callbacks.History()
    contents, start = data.content_images(), (time.monotonic(), time.process_time())
    pair = style.train_style(
        images[arguments.name],
        contents,
        name=arguments.name,
        seed=arguments.seed,
        callbacks=[guard, history],
        **settings,
    )
    if guard.message:
        sys.exit(guard.message)
    seconds, cpu = time.monotonic() - start[0], time.process_time() - start[1]
    path = place(arguments.name, arguments.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    style.save_style(path, *pair)
    photographs = data.content_images(split="test")
    painted = [
        style.style_transfer(photograph, images[arguments.name], *pair)
        for photograph in photographs.values()
    ]
    sheet = plotting.tile(np.stack([pictures.resized(image, 128, 128) for image in painted]))
    pictures.save(sheet, path.with_suffix(".jpg"), force=True)
    card = {
        "what": f"generator and critic of the style {arguments.name}",
        "trained_on": {"style": f"data/styles/{arguments.name}.jpg", "photographs": list(contents)},
        "picture": f"{', '.join(photographs)}; none of them seen in training",
        "settings": settings or "train_style's defaults",
        "parameters": {network.name: network.count_params() for network in pair},
        "bytes": {
            file.name: file.stat().st_size for file in (path, path.with_stem(f"{path.stem}_critic"))
        },
        "seconds": round(seconds),
        "cpu_seconds": round(cpu),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "last_logs": {name: round(values[-1], 4) for name, values in history.history.items()},
        **clock.card(seed=arguments.seed),
        "threads": arguments.threads or os.cpu_count(),
        "licence": "CC BY 4.0, as the course's figures",
    }
    provenance.write(path.with_suffix(".json"), card)


if __name__ == "__main__":
    main()
