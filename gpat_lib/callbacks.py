"""Callbacks for ``GPAT.fit``: pictures, a guard against divergence, resuming, a solver's watch."""

import os
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gpat_lib import _checks


class SolverWatch(keras.callbacks.Callback):
    """Warn once when the competitive update's linear solve ends at its iteration cap."""

    warned = False

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the residual of the step's solve."""
        optimizer = self.model.g_optimizer
        residual = float(optimizer.residual)
        if residual > optimizer.tolerance and not self.warned:
            self.warned = True
            warnings.warn(
                f"CompetitiveGradient's solve ended after {optimizer.max_iterations} iterations "
                f"with relative residual {residual:.2g} (tolerance {optimizer.tolerance:.2g}); "
                "training goes on. A smaller learning rate makes the system easier, a larger "
                "max_iterations more exact",
                stacklevel=2,
            )


class SampleGrid(keras.callbacks.Callback):
    """Save a grid of generated images as PNG, always from the same noise.

    Args:
        folder: Where ``epoch_0001.png`` and so on are written; made if it is missing.
        every: Epochs between two grids.
        count: Images per grid.
        seed: Seed of the noise.
        contents: Image-to-image: the images ``(n, h, w, 3)`` in [−1, 1] to repaint, all of them.
    """

    def __init__(
        self,
        folder: str | Path,
        every: int = 1,
        count: int = 16,
        seed: int = 0,
        contents: Any = None,
    ):
        super().__init__()
        self.contents = contents
        self.folder = Path(folder)
        self.every = _checks.whole("every", every)
        self.count = _checks.whole("count", count)
        self.seed = _checks.whole("seed", seed, least=0)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the grid of this epoch."""
        if (epoch + 1) % self.every:
            return
        from gpat_lib import plotting  # here, so that training needs no Matplotlib

        self.folder.mkdir(parents=True, exist_ok=True)
        count = self.count if self.contents is None else None
        images = self.model.generate(count, contents=self.contents, seed=self.seed)
        plotting.save_grid(images, self.folder / f"epoch_{epoch + 1:04d}.png")


class DivergenceGuard(keras.callbacks.Callback):
    """Stop training when it diverges, and say what to try.

    Args:
        max_gradient_norm: Training stops when ``gradient_norm`` exceeds it, or when any log is
            not a number.
    """

    def __init__(self, max_gradient_norm: float = 1e5):
        super().__init__()
        self.max_gradient_norm = _checks.number("max_gradient_norm", max_gradient_norm)
        self.message: str | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forget an earlier run."""
        self.message = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the logs of the step."""
        logs = logs or {}
        broken = [name for name, value in logs.items() if not np.isfinite(value)]
        if broken:
            symptom = f"{', '.join(broken)} is not finite"
        elif logs.get("gradient_norm", 0.0) > self.max_gradient_norm:
            symptom = (
                f"gradient_norm is {logs['gradient_norm']:.3g}, above {self.max_gradient_norm:.3g}"
            )
        else:
            return
        self.message = (
            f"Training diverged at step {batch + 1} of this epoch: {symptom}. Try, in this order: "
            "a gradient penalty if there is none (penalty='wgan_gp' or 'r1'); a smaller learning "
            "rate for both optimisers (a quarter); β₁ = 0 in Adam; another λ4."
        )
        print("\n" + self.message)
        self.model.stop_training = True


class Resume(keras.callbacks.Callback):
    """Save everything after each epoch, and go on from there when ``fit`` is called again.

    The file holds weights, average, both optimisers' states and the number of finished epochs.
    It is written beside its final place, flushed to the disk and then renamed, so that a process
    killed at any moment leaves the last good file. An epoch with a log that is not finite, or one
    that a callback stopped (``DivergenceGuard``), is not saved.

    Args:
        path: The file, ending in ``.weights.h5``.

    Raises:
        ValueError: If the path has another ending; or, when training starts, if the file cannot
            be read or belongs to another model. The file is left as it is.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)
        if not self.path.name.endswith(".weights.h5"):
            raise ValueError(f"path must end in .weights.h5; got {str(path)!r}")

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Load the file, if there is one, and skip the epochs it holds."""
        self.model._initial_epoch = None  # of an earlier fit that was interrupted
        if not self.path.exists():
            return
        import h5py

        try:
            with h5py.File(self.path, "r") as file, warnings.catch_warnings():
                epochs = int(file.attrs["epochs"])
                # Keras only warns when an optimiser's state does not fit.
                warnings.filterwarnings("error", message="Skipping variable loading")
                self.model.load_weights(self.path)
        except Exception as error:  # h5py and Keras raise many kinds
            raise ValueError(
                f"path {str(self.path)!r} cannot be resumed from: {error}. Expected a file that "
                "this callback wrote for this model; move it away to start anew"
            ) from error
        self.model._initial_epoch = epochs  # where Keras's own BackupAndRestore puts it

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, unless the epoch went wrong."""
        finite = all(np.isfinite(value) for value in (logs or {}).values())
        if self.model.stop_training or not finite:
            return
        import h5py

        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f"unfinished-{os.getpid()}-{self.path.name}")
        try:
            self.model.save_weights(fresh)
            with h5py.File(fresh, "a") as file:
                file.attrs["epochs"] = epoch + 1
            _flush(fresh)
            os.replace(fresh, self.path)
            _flush(self.path.parent)
        finally:
            fresh.unlink(missing_ok=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """A later ``fit`` without this callback starts at its own first epoch."""
        self.model._initial_epoch = None


def _flush(path: Path) -> None:
    """Make sure that a file, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
