"""What importing the library loads, and what training with it loads on top."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gpat_lib

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["tensorflow", "keras", "matplotlib", "scipy", "skimage", "sklearn", "PIL", "h5py"]
NOT_FOR_TRAINING = ["matplotlib", "scipy", "skimage", "sklearn", "PIL"]


def loaded_after(code: str, names: list[str]) -> list[list[str]]:
    """Run code in a fresh interpreter; each ``look()`` in it records which of names are loaded."""
    prelude = (
        "import json, sys\nseen = []\n"
        f"def look(): seen.append([n for n in {names} if n in sys.modules])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", prelude + code + "\nprint(json.dumps(seen))"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_importing_the_library_alone_loads_nothing_heavy():
    code = "import gpat_lib; dir(gpat_lib); gpat_lib.__version__; look()"
    assert loaded_after(code, HEAVY) == [[]]


def test_the_metrics_load_nothing_heavy_until_they_are_used():
    code = "from gpat_lib import metrics; look(); metrics.kernel_distance([[1.0], [2]], [[3], [4]])"
    assert loaded_after(code + "; look()", HEAVY) == [[], []]


def test_training_asks_for_no_plotting_science_or_image_package():
    """Keras may load some of them by itself; what counts is what the library asks for."""
    code = f"""
import builtins
plain = builtins.__import__

def watched(name, globals=None, *others, **named):
    asker = (globals or {{}}).get("__name__", "")
    if asker.startswith("gpat_lib") and name.split(".")[0] in {NOT_FOR_TRAINING}:
        seen.append([asker, name])
    return plain(name, globals, *others, **named)

builtins.__import__ = watched
import keras
from gpat_lib import GPAT, LossWeights, losses, penalties, models, data, training
from gpat_lib import features, metrics
gan = GPAT(
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)]),
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
    latent_dim=1,
)
gan.compile(n_critic=1, run_eagerly=True)
gan.fit(data.blossoms(2)[:, 0, 0, :2], verbose=0, callbacks=[training.DivergenceGuard()])
gan.generate(1)
assert not seen, seen
data.digits("test")  # the watch does see what is asked for
"""
    assert ["gpat_lib.data", "sklearn.datasets"] in loaded_after(code, NOT_FOR_TRAINING)


def test_modules_and_classes_are_found_at_first_use():
    assert gpat_lib.GPAT is gpat_lib.training.GPAT
    assert gpat_lib.LossWeights is gpat_lib.training.LossWeights
    for name in gpat_lib.__all__:
        assert getattr(gpat_lib, name) is not None
        assert name in dir(gpat_lib)
    with pytest.raises(AttributeError, match="no attribute 'gan'"):
        _ = gpat_lib.gan
    with pytest.raises(ImportError):
        from gpat_lib import nothing  # noqa: F401
