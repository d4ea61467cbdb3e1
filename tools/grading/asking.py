"""What probes ask with. It goes into the sandbox with them, after the cells have reported."""

from collections.abc import Callable
from typing import Any

import numpy as np


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, in numbers, or how it failed, in short; a dict stays one."""
    try:
        answer = function(*arguments)
        if isinstance(answer, dict):
            return answer
        answer = np.asarray(answer)
        plain = answer.dtype.kind in "biuf" and answer.dtype.itemsize <= 8
        return answer if plain else f"not numbers: {answer.dtype}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def number(value: Any) -> float:
    """A prediction as a number; NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def flat(answers: Any, above: str = "") -> dict[str, Any]:
    """Nested answers as one level of names: "minimax/0"."""
    if isinstance(answers, list):
        answers = dict(enumerate(answers))
    if not isinstance(answers, dict):
        return {above.rstrip("/"): answers}
    return {
        place: value
        for key, below in answers.items()
        for place, value in flat(below, f"{above}{key}/").items()
    }
