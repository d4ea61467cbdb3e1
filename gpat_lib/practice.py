"""Individual variants: the numbers of an assignment, drawn for one student."""

import hashlib

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
