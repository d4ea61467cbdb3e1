"""The laboratory's models: the shipped Keras models in ONNX, equal within 1e-4."""

import json

import keras
import numpy as np
import onnxruntime
import pytest

from benchmarks import export_live
from gpat_lib import style
from tools import notebooks

LIVE = notebooks.ROOT / "data" / "live"
CHECKPOINTS = notebooks.ROOT / "data" / "checkpoints"
INDEX = json.loads((LIVE / "index.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-4


def shipped(name):
    """The Keras model that a live model was made from."""
    if name.startswith("style_"):
        return style.load_style(name.removeprefix("style_"))[0]
    return keras.saving.load_model(CHECKPOINTS / f"{name}.keras", compile=False)


def test_every_style_is_there():
    styles = {p.name.split("_critic")[0] for p in CHECKPOINTS.glob("style_*_critic.keras")}
    assert set(INDEX["models"]) == styles | {"blossoms", "digits_by_class"}


@pytest.mark.parametrize("name", sorted(INDEX["models"]))
def test_a_live_model_is_the_shipped_one(name):
    card = INDEX["models"][name]
    path = LIVE / card["file"]
    assert path.stat().st_size == card["bytes"]
    model = shipped(name)
    rng = np.random.default_rng(1)
    given = [
        x if x.dtype == np.int32 else rng.uniform(-1, 1, x.shape).astype(np.float32)
        for x in export_live.inputs(model, count=3, side=61)
    ]
    wanted = np.asarray(model(given if len(given) > 1 else given[0], training=False))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (made,) = session.run([card["output"]], dict(zip(card["inputs"], given, strict=True)))
    assert np.ptp(wanted) > 0.5
    np.testing.assert_allclose(made, wanted, atol=TOLERANCE)


def test_the_directions_change_the_blossoms_most():
    """Steps along them move the generator's first layer more than steps along others."""
    directions = np.array(INDEX["directions"])
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-3)
    kernel = next(x for x in shipped("blossoms").layers if x.weights).get_weights()[0]
    others = np.random.default_rng(0).standard_normal((200, 100))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    along = np.linalg.norm(directions @ kernel, axis=1)
    assert along.min() > np.median(np.linalg.norm(others @ kernel, axis=1))
    assert along.max() > np.linalg.norm(others @ kernel, axis=1).max()
