"""Write the shipped generators as ONNX files, which the laboratory's page runs in the browser.

    python benchmarks/export_live.py             # all
    python benchmarks/export_live.py blossoms    # only these; the others' files stay as they are

data/live/NAME.onnx, and index.json: what each takes, how far its output is from Keras's on random
inputs, and directions in the blossoms' noise. Such a direction is one that the generator's first
layer stretches most: a left singular vector of its weights, as a step of length 1.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import data, pictures, style

LIVE = provenance.ROOT / "data" / "live"
DIRECTIONS = 5
PHOTOGRAPH = "cat"


def inputs(model: keras.Model, count: int = 2, side: int = 72) -> list[np.ndarray]:
    """Random inputs of the kind a model takes: images with noise, or noise and perhaps labels."""
    rng = np.random.default_rng(0)
    first = model.inputs[0].shape
    if len(first) == 4:
        return [rng.uniform(-1, 1, (1, side, side + 9, first[-1])).astype(np.float32)]
    noise = rng.standard_normal((count, first[1])).astype(np.float32)
    return [noise, np.arange(count, dtype=np.int32)][: len(model.inputs)]


def export(model: keras.Model, name: str) -> dict[str, Any]:
    """Write one model; return what the page must know of it."""
    tried = inputs(model)
    argument = tried if len(tried) > 1 else tried[0]
    wanted = np.asarray(model(argument, training=False))
    path = LIVE / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / path.name
        model.export(fresh, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(fresh, providers=["CPUExecutionProvider"])
        names = [node.name for node in session.get_inputs()]
        (given,) = session.run(None, dict(zip(names, tried, strict=True)))
        difference = float(np.abs(given - wanted).max())
        if difference > 1e-4:
            raise SystemExit(f"{name}: ONNX and Keras differ by {difference}")
        path.write_bytes(fresh.read_bytes())
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "inputs": names,
        "output": session.get_outputs()[0].name,
        "largest_difference": float(f"{difference:.1e}"),
    }


def load(name: str) -> keras.Model:
    """A shipped generator."""
    if name.startswith("style_"):
        return style.load_style(name.removeprefix("style_"))[0]
    return keras.saving.load_model(provenance.CHECKPOINTS / f"{name}.keras", compile=False)


def main() -> None:
    """Export what is named, or all."""
    styles = sorted(provenance.CHECKPOINTS.glob("style_*_critic.keras"))
    known = ["blossoms", "digits_by_class", *(p.stem.removesuffix("_critic") for p in styles)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args().names or known
    if unknown := set(names) - set(known):
        parser.error(f"NAME: no generator {min(unknown)!r}; there are {', '.join(known)}")
    clock = provenance.Clock()
    LIVE.mkdir(parents=True, exist_ok=True)
    file = LIVE / "index.json"
    models = json.loads(file.read_text())["models"] if file.exists() else {}
    models |= {name: export(load(name), name) for name in names}
    first = next(layer for layer in load("blossoms").layers if layer.weights)
    directions = np.linalg.svd(first.get_weights()[0])[0][:, :DIRECTIONS].T
    photographs = data.content_images(split="test")
    pictures.save(photographs[PHOTOGRAPH], LIVE / "photograph.jpg", force=True)
    index = {
        "models": models,
        "directions": np.round(directions.astype(float), 5).tolist(),
        "photograph": data.CONTENT_CREDITS[PHOTOGRAPH],
        **clock.card(0),
    }
    provenance.write(file, index)


if __name__ == "__main__":
    main()
