"""Count which combinations of the blossoms' discrete factors a generator reaches.

    python benchmarks/judge_blossoms.py data/checkpoints/blossoms.keras --save

Prints one JSON object; --save also writes it to data/results/blossoms_quality.json, or what the
generator's file is called. One that takes labels is asked for each kind equally often. A small
convolutional network with one head per factor (petals, shape, color, background) is trained here
on drawn pictures, whose factors are known, and must name at least 97 % of each factor right on
pictures it has not seen, else the run fails. Then it reads 20,000 generated pictures.
`combinations` are those of the 180 that it finds; `marginals` are the shares of each value, which
are equal in the drawn set; `worst_marginal` is their largest relative distance from that;
`as_asked`, with labels, is the share of pictures with the number and shape of petals asked for,
its 95 % interval, and the share by kind. The same figures for 20,000 drawn pictures say what a
perfect generator would get.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import blossoms, data

FACTORS = {
    "petals": blossoms.PETALS,
    "shape": blossoms.SHAPES,
    "color": blossoms.COLORS,
    "background": blossoms.BACKGROUNDS,
}
KINDS = len(blossoms.PETALS) * len(blossoms.SHAPES)
SAMPLES, TRAINING, LEAST = 20_000, 24_000, 0.97


def kinds(known: dict[str, np.ndarray]) -> np.ndarray:
    """One label from 0 to 11 for each number and shape of petals: 3 · petals + shape."""
    return len(blossoms.SHAPES) * known["petals"] + known["shape"]


def factors(count: int, seed: int) -> dict[str, np.ndarray]:
    """The discrete factors of drawn pictures."""
    known = blossoms.blossom_factors(count, seed=seed)
    return {name: known[name] for name in FACTORS}


def train_reader(seed: int = 0) -> tuple[keras.Model, dict[str, float]]:
    """Return a network that reads the factors, and its accuracies on unseen pictures."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    picture = x = keras.Input((32, 32, 3))
    for filters in (32, 64, 96):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    x = layers.Dense(128, activation="relu")(x)
    heads = {
        name: layers.Dense(len(values), activation="softmax", name=name)(x)
        for name, values in FACTORS.items()
    }
    reader = keras.Model(picture, heads)
    kind = "sparse_categorical_crossentropy"
    reader.compile("adam", dict.fromkeys(FACTORS, kind))
    known = factors(TRAINING, seed=1)
    reader.fit(data.blossoms(TRAINING, seed=1), known, epochs=8, batch_size=128, verbose=0)
    truth, found = factors(4000, seed=2), read(reader, data.blossoms(4000, seed=2))
    accuracy = {name: float((truth[name] == found[name]).mean()) for name in FACTORS}
    if min(accuracy.values()) < LEAST:
        raise SystemExit(f"the reader is too weak on unseen pictures: {accuracy}")
    return reader, accuracy


def read(reader: keras.Model, pictures: Any) -> dict[str, np.ndarray]:
    """The most likely value of each factor."""
    found = reader.predict(pictures, batch_size=500, verbose=0)
    return {name: found[name].argmax(axis=1) for name in FACTORS}


def count(found: dict[str, np.ndarray]) -> dict[str, Any]:
    """Combinations reached, those missing, and the shares of each factor's values."""
    sizes = [len(values) for values in FACTORS.values()]
    numbers = np.ravel_multi_index([found[name] for name in FACTORS], sizes)
    counts = np.bincount(numbers, minlength=int(np.prod(sizes)))
    missing = [
        ", ".join(str(FACTORS[name][i]) for name, i in zip(FACTORS, where, strict=True))
        for where in zip(*np.unravel_index(np.flatnonzero(counts == 0), sizes), strict=True)
    ]
    shares = {
        name: np.bincount(found[name], minlength=len(values)) / len(numbers)
        for name, values in FACTORS.items()
    }
    worst = max(float(np.abs(share * len(share) - 1).max()) for share in shares.values())
    return {
        "combinations": int((counts > 0).sum()),
        "of": len(counts),
        "missing": missing,
        "rarest": int(counts.min()),
        "marginals": {
            name: dict(zip(map(str, values), shares[name].round(4).tolist(), strict=True))
            for name, values in FACTORS.items()
        },
        "worst_marginal": round(worst, 4),
    }


def main() -> None:
    """Judge the generator of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", help="a .keras file, from noise to pictures")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--save", action="store_true", help="write the results file")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    clock = provenance.Clock()
    generator = keras.saving.load_model(arguments.generator, compile=False)
    reader, accuracy = train_reader()
    rng = np.random.default_rng(arguments.seed)
    latent_dim = generator.inputs[0].shape[1]
    noise = rng.standard_normal((SAMPLES, latent_dim), dtype=np.float32)
    asked = np.arange(SAMPLES) % KINDS if len(generator.inputs) > 1 else None
    inputs = noise if asked is None else [noise, asked]
    found = read(reader, generator.predict(inputs, batch_size=500, verbose=0))
    images, known = data.blossoms(SAMPLES, seed=3, factors=True)
    drawn = read(reader, images)
    figures: dict[str, Any] = {
        "accuracy_unseen": {name: round(share, 4) for name, share in accuracy.items()},
        "samples": SAMPLES,
        "generated": count(found),
        "drawn": count(drawn),
    }
    if asked is not None:
        figures["generated"]["as_asked"] = provenance.as_asked(kinds(found), asked, "kind")
        figures["drawn"]["as_asked"] = provenance.as_asked(kinds(drawn), kinds(known), "kind")
    result = {"figures": figures, **clock.card(seed=arguments.seed)}
    print(json.dumps(result, indent=2))
    if arguments.save:
        name = f"{Path(arguments.generator).stem}_quality.json"
        provenance.write(provenance.RESULTS / name, result)


if __name__ == "__main__":
    main()
