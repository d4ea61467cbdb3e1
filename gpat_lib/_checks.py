"""Checks of arguments that several modules share; each message names argument, value and wish."""

import math
import numbers
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return ``value`` if it is a whole number of at least ``least``, else raise ``ValueError``."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ValueError(f"{name} must be a whole number >= {least}; got {value!r}")
    return int(value)


def number(name: str, value: Any, least: float = 0.0, below: float = math.inf) -> float:
    """Return ``value`` if it is finite with ``least <= value < below``, else ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} must be a number; got {value!r}")
    real = float(value)
    if not (math.isfinite(real) and least <= real < below):
        wish = f">= {least:g}" + (f" and < {below:g}" if math.isfinite(below) else "")
        raise ValueError(f"{name} must be finite and {wish}; got {value!r}")
    return real


def member(name: str, value: Any, known: Mapping[str, T]) -> T:
    """Look ``value`` up in ``known``; an unknown name raises ``ValueError`` listing the known."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"unknown {name} {value!r}; known: {', '.join(sorted(known))}")
    return known[value]
