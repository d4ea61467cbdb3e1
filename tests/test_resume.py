"""A training run that is killed goes on from its last finished epoch; bad files are refused."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from gpat_lib.training import DivergenceGuard, Resume

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("generator", "discriminator", "ema_generator", "g_optimizer", "d_optimizer")


def state(gan):
    """Everything a resumed run needs, by name."""
    found = {}
    for part in PARTS:
        owner = getattr(gan, part)
        variables = owner.variables if part.endswith("optimizer") else owner.weights
        found |= {f"{part}_{i}": v.numpy() for i, v in enumerate(variables)}
    found |= {f"random_{i}": v.numpy() for i, v in enumerate(gan._random_states())}
    return found


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def build(seed=0, units=5, optimizer="adam"):
    """A GAN of points with dropout, and 64 points in a data set of 4 steps an epoch."""
    from gpat_lib import GPAT

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    gan = GPAT(
        keras.Sequential([keras.Input((3,)), layers.Dense(units, "tanh"), layers.Dense(2)]),
        keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(units, "softplus"),
                layers.Dropout(0.3),
                layers.Dense(1),
            ]
        ),
        latent_dim=3,
    )
    gan.compile(n_critic=2, g_optimizer=optimizer, d_optimizer=optimizer)
    points = np.random.default_rng(7).normal(1.0, 0.5, (64, 2)).astype(np.float32)
    return gan, tf.data.Dataset.from_tensor_slices(points).batch(8, drop_remainder=True)


CHILD = textwrap.dedent(
    """
    import os, signal, sys
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np
    from gpat_lib.training import Resume
    from test_resume import build, state

    folder, moment = sys.argv[1:]
    gan, batches = build()

    class Killer(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if moment == "mid-epoch" and epochs == 2 and batch == 1:
                np.savez(folder + "/advanced.npz", **state(gan))
                os.kill(os.getpid(), signal.SIGKILL)

        def on_epoch_end(self, epoch, logs=None):
            global epochs
            epochs = epoch + 1
            np.savez(f"{folder}/epoch_{epochs}.npz", **state(gan))

    epochs = 0
    if moment == "while saving":
        write = gan.save_weights

        def half(path, **options):
            write(path, **options)
            if epochs == 2:  # during the save of the third epoch
                with open(path, "r+b") as file:
                    file.truncate(os.path.getsize(path) // 2)
                os.kill(os.getpid(), signal.SIGKILL)

        gan.save_weights = half
    gan.fit(batches, epochs=9, verbose=0,
            callbacks=[Resume(folder + "/run.weights.h5"), Killer()])
    """
)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of two runs, killed at the same time to save some of it."""
    folders, children = {}, {}
    for moment in ("mid-epoch", "while saving"):
        folders[moment] = tmp_path_factory.mktemp("run")
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        children[moment] = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folders[moment]), moment],
            env={**os.environ, "PYTHONPATH": path},
            stderr=subprocess.PIPE,
        )
    for child in children.values():
        _, errors = child.communicate(timeout=300)
        assert child.returncode == -signal.SIGKILL, errors.decode()
    return folders


class FirstLook(keras.callbacks.Callback):
    """The epoch at which training starts, and the state it starts from."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        if not self.epochs:
            self.state = state(self.model)
        self.epochs.append(epoch)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["mid-epoch", "while saving"])
def test_a_killed_run_goes_on_from_its_last_finished_epoch(killed, moment):
    folder = killed[moment]
    saved = dict(np.load(folder / "epoch_2.npz"))
    if moment == "mid-epoch":  # the run had gone further: this must not be taken
        advanced = dict(np.load(folder / "advanced.npz"))
        assert advanced["g_optimizer_0"] == saved["g_optimizer_0"] + 2
        assert (advanced["generator_0"] != saved["generator_0"]).any()
    else:
        assert len(list(folder.glob("unfinished-*"))) == 1
    gan, batches = build(seed=1)  # other weights than the killed run began with
    look = FirstLook()
    resume = Resume(folder / "run.weights.h5")
    history = gan.fit(batches, epochs=4, verbose=0, callbacks=[resume, look])
    assert look.epochs == [2, 3]
    assert history.epoch == [2, 3]
    assert_same(look.state, saved)
    assert gan.g_optimizer.iterations == 16


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    whole, batches = build()
    whole.fit(batches, epochs=3, verbose=0)
    path = tmp_path / "deep" / "run.weights.h5"
    for seed, epochs in ((0, 1), (1, 3)):
        gan, batches = build(seed)
        gan.fit(batches, epochs=epochs, verbose=0, callbacks=[Resume(path)])
    assert_same(state(gan), state(whole))
    assert [f.name for f in path.parent.iterdir()] == ["run.weights.h5"]
    gan, batches = build(seed=2)
    look = FirstLook()
    gan.fit(batches, epochs=3, verbose=0, callbacks=[Resume(path), look])
    assert look.epochs == []  # nothing left to do
    assert_same(state(gan), state(whole))


def test_later_fits_without_the_callback_begin_at_their_own_epoch(tmp_path):
    path = tmp_path / "run.weights.h5"
    gan, batches = build()
    for epochs in (1, 2):
        gan.fit(batches, epochs=epochs, verbose=0, callbacks=[Resume(path)])
    assert gan.fit(batches, epochs=1, verbose=0).epoch == [0]

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.fit(batches, epochs=5, verbose=0, callbacks=[Resume(path), Interrupt()])
    other = Resume(tmp_path / "other.weights.h5")
    assert gan.fit(batches, epochs=1, verbose=0, callbacks=[other]).epoch == [0]


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory):
    """What the callback writes after one epoch."""
    path = tmp_path_factory.mktemp("one") / "run.weights.h5"
    gan, batches = build()
    gan.fit(batches, epochs=1, verbose=0, callbacks=[Resume(path)])
    return path.read_bytes()


@pytest.fixture
def finished(tmp_path, one_epoch):
    """A file of one finished epoch."""
    path = tmp_path / "run.weights.h5"
    path.write_bytes(one_epoch)
    return path


def damage(path, kind):
    content = path.read_bytes()
    if kind == "cut in half":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "cut by a byte":
        path.write_bytes(content[:-1])
    elif kind == "text":
        path.write_text("not a file of weights")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "no epoch":
        with h5py.File(path, "a") as file:
            del file.attrs["epochs"]


@pytest.mark.parametrize("kind", ["cut in half", "cut by a byte", "text", "empty", "no epoch"])
def test_a_damaged_file_is_refused_and_left_alone(finished, kind):
    damage(finished, kind)
    before = finished.read_bytes()
    gan, batches = build(seed=1)
    with pytest.raises(ValueError, match=r"path '.*run\.weights\.h5' cannot be resumed from"):
        gan.fit(batches, epochs=2, verbose=0, callbacks=[Resume(finished)])
    assert finished.read_bytes() == before
    assert gan.g_optimizer.iterations == 0


@pytest.mark.parametrize("other", [{"units": 6}, {"optimizer": "sgd"}])
def test_a_file_of_another_model_is_refused(finished, other):
    before = finished.read_bytes()
    gan, batches = build(**other)
    with pytest.raises(ValueError, match="(?s)cannot be resumed from.*wrote for this model"):
        gan.fit(batches, epochs=2, verbose=0, callbacks=[Resume(finished)])
    assert finished.read_bytes() == before


def test_an_unfinished_file_is_never_taken(finished):
    unfinished = finished.with_name("unfinished-123-run.weights.h5")
    finished.rename(unfinished)
    gan, batches = build()
    assert gan.fit(batches, epochs=1, verbose=0, callbacks=[Resume(finished)]).epoch == [0]


@pytest.mark.parametrize("stage", ["save", "flush", "rename"])
def test_a_save_that_fails_leaves_the_last_good_file(finished, monkeypatch, stage):
    """The new file is on the disk, whole, before it takes the place of the old one."""
    good = finished.read_bytes()
    done = []

    def fail(*arguments):
        raise OSError("no space left")

    flush, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("flush") or flush(handle))
    monkeypatch.setattr(os, "replace", lambda *a: done.append("rename") or replace(*a))
    gan, batches = build()
    callback = Resume(finished)
    callback.set_model(gan)
    if stage == "save":
        gan.save_weights = fail
    elif stage == "flush":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        callback.on_epoch_end(1, {"d_loss": 1.0})
    assert finished.read_bytes() == good
    assert list(finished.parent.iterdir()) == [finished]
    assert "rename" not in done
    monkeypatch.undo()
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("flush") or flush(handle))
    monkeypatch.setattr(os, "replace", lambda *a: done.append("rename") or replace(*a))
    del gan, done[:]
    gan, _ = build()
    callback.set_model(gan)
    callback.on_epoch_end(1, {"d_loss": 1.0})
    assert done[:2] == ["flush", "rename"]
    assert finished.read_bytes() != good


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_epoch_that_went_wrong_is_not_saved(finished, wrong):
    good = finished.read_bytes()
    gan, _ = build()
    callback = Resume(finished)
    callback.set_model(gan)
    callback.on_epoch_end(1, {"d_loss": 0.0, "g_loss": wrong})
    assert finished.read_bytes() == good


@pytest.mark.parametrize("order", [1, -1])
def test_an_epoch_that_the_guard_cut_short_is_not_saved(finished, order):
    good = finished.read_bytes()
    gan, batches = build()
    guard = DivergenceGuard(max_gradient_norm=1e-6)
    callbacks = [Resume(finished), guard][::order]
    gan.fit(batches, epochs=3, verbose=0, callbacks=callbacks)
    assert guard.message is not None
    assert finished.read_bytes() == good


@pytest.mark.parametrize("wrong", ["run.h5", "run.keras", "run"])
def test_another_ending_is_refused(wrong):
    with pytest.raises(ValueError, match=r"path must end in \.weights\.h5; got"):
        Resume(wrong)
