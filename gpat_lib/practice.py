"""Practice: answers checked at once, in words, and an assignment's numbers for one student."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


def variant(student: str, assignment: str) -> np.random.Generator:
    """The random generator from which a student's data and constants are drawn.

    It is seeded by SHA-256 of both names, so that the same names give the same numbers on every
    machine, and two students have different ones. Space around a name and its case do not count.

    Args:
        student: The student's name, as the instructor's list has it.
        assignment: The assignment's name, such as ``"03_gradient_penalty"``.

    Returns:
        A NumPy generator, at its start.

    Raises:
        ValueError: If a name is not text, or is empty.
    """
    for name, value in (("student", student), ("assignment", assignment)):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name} must be a name; got {value!r}")
    key = f"{assignment.strip()}/{student.strip().lower()}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()))


def check(
    name: str,
    answer: Any,
    right: Any,
    *,
    mistakes: Mapping[str, Any] | None = None,
    tolerance: float = 0.01,
) -> None:
    """Print whether an answer to an exercise is right, or in words what is wrong with it.

    Args:
        name: What the answer is called; the line begins with it.
        answer: A number, an array, a word; ``...`` where there is none yet.
        right: What it should be.
        mistakes: Answers that come of known mistakes, by what to say about them.
        tolerance: How far a number may be off, as a share of the largest in `right`.

    Raises:
        ValueError: If one of `mistakes` is a right answer.
    """
    known = mistakes or {}
    for words, value in known.items():
        if not _fault(value, right, tolerance):
            raise ValueError(f"mistakes: the one called {words!r} is right")
    if answer is ... or answer is None:
        fault = "not answered yet."
    else:
        fault = _fault(answer, right, tolerance)
    if fault:
        for words, value in known.items():
            if not _fault(answer, value, tolerance):
                fault = words
    print(f"{name}: {fault or 'right.'}")


def check_function(
    function: Callable[..., Any],
    right: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    *,
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    tolerance: float = 0.01,
) -> None:
    """Print whether a function does what another does, or in words what is wrong with it.

    Args:
        function: The function that was written; its name begins the line. One that gives
            ``...`` or nothing is not answered yet.
        right: What it should do.
        cases: The arguments to try, a tuple each.
        mistakes: Functions that make known mistakes, by what to say about them.
        tolerance: As in `check`.

    Raises:
        ValueError: If a function of `mistakes` is right in all cases.
    """
    name, known = getattr(function, "__name__", "the function"), mistakes or {}
    wanted = [right(*case) for case in cases]

    def fault(tried: Callable[..., Any], expected: Sequence[Any]) -> str:
        for case, value in zip(cases, expected, strict=True):
            try:
                answer = tried(*case)
            except Exception as error:
                return f"it stops with {type(error).__name__}: {error}"
            if answer is ... or answer is None:
                return "not answered yet."
            if said := _fault(answer, value, tolerance):
                return f"{said[:-1]}, for {', '.join(map(_brief, case))}."
        return ""

    for words, wrong in known.items():
        if not fault(wrong, wanted):
            raise ValueError(f"mistakes: the one called {words!r} is right in all cases")
    said = fault(function, wanted)
    if said and said != "not answered yet.":
        for words, wrong in known.items():
            if not fault(function, [wrong(*case) for case in cases]):
                said = words
    print(f"{name}: {said or 'right.'}")


def _fault(answer: Any, right: Any, tolerance: float) -> str:
    """What is wrong with an answer, in words; empty if nothing is."""
    if isinstance(right, str):
        if not isinstance(answer, str):
            return f"a word was expected, in quotes; this is {type(answer).__name__}."
        return "" if answer.strip().lower() == right.lower() else f"it is not {answer!r}."
    wanted = np.asarray(right, np.float64)
    try:
        given = np.asarray(answer, np.float64)
    except (TypeError, ValueError):
        kind = "an array of numbers" if wanted.ndim else "a number"
        return f"{kind} was expected; this is {type(answer).__name__}."
    if given.shape != wanted.shape:
        return f"its shape is {given.shape}; expected was {wanted.shape}."
    if not np.isfinite(given).all():
        return "not all of it is a finite number."
    room = tolerance * (np.abs(wanted).max(initial=0.0) or 1.0)
    off = np.abs(given - wanted) > room
    if not off.any():
        return ""
    if wanted.any() and not (np.abs(given + wanted) > room).any():
        return "its sign is wrong."
    factor = float((given * wanted).sum() / ((wanted**2).sum() or 1.0))
    if wanted.size > 1 and factor > 0 and not (np.abs(given - factor * wanted) > room).any():
        return f"it is {factor:.3g} times as large as it should be."
    if wanted.ndim:
        return f"{off.sum()} of {off.size} numbers are wrong."
    return "it is too large." if given > wanted else "it is too small."


def _brief(value: Any) -> str:
    """An argument in a few words."""
    shape = getattr(value, "shape", ())
    return f"an array of shape {tuple(shape)}" if shape else repr(value)[:40]
