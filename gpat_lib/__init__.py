"""Gradient-Penalised Adversarial Training (GPAT): the small library of the course.

Nothing heavy is imported until it is used: ``import gpat_lib`` alone does not load TensorFlow,
and training loads no plotting, SciPy or image package.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gpat_lib import (
        augment,
        data,
        doctor,
        dynamics,
        features,
        losses,
        metrics,
        models,
        optimizers,
        patients,
        penalties,
        plotting,
        practice,
        recipes,
        style,
        training,
    )
    from gpat_lib.training import GPAT, LossWeights

_MODULES = (
    "augment",
    "data",
    "doctor",
    "dynamics",
    "features",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "patients",
    "penalties",
    "plotting",
    "practice",
    "recipes",
    "style",
    "training",
)
_CLASSES = {"GPAT": "training", "LossWeights": "training"}

__all__ = ["GPAT", "LossWeights", "__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    """Import a module or class of the library at its first use (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(f"gpat_lib.{name}")
    if name in _CLASSES:
        return getattr(importlib.import_module(f"gpat_lib.{_CLASSES[name]}"), name)
    raise AttributeError(f"module 'gpat_lib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
