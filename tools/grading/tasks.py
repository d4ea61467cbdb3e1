"""What a judge is made of, and an assignment's folder read.

A judge gets what a student's code answered. It trusts neither types nor shapes nor sizes: it
compares by `close`, which is False for whatever is not the expected array of finite numbers.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tools import notebooks

EXERCISES = notebooks.ROOT / "exercises"


@dataclass(frozen=True)
class Check:
    """One thing that a judge looked at.

    Attributes:
        passed: Whether it was right.
        points: What it is worth.
        said: Shown to the student if it was wrong: the symptom in words, without expected values.
    """

    passed: bool
    points: float
    said: str


Judge = Callable[[Mapping[str, Any], int, str], list[Check]]


@dataclass(frozen=True)
class Task:
    """A task that is graded by itself: `judge(answers, seed, student)` gives its checks."""

    points: float
    judge: Judge


def close(answer: Any, expected: Any, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Whether an answer of any type is the expected numbers, shape and all; never raises."""
    try:
        given, wanted = np.asarray(answer), np.asarray(expected)
        if given.dtype.kind not in "biuf" or given.shape != wanted.shape:
            return False
        given, wanted = given.astype(np.float64), wanted.astype(np.float64)
        return bool(np.isfinite(given).all() and np.allclose(given, wanted, rtol=rtol, atol=atol))
    except Exception:
        return False


def agree(
    answers: Mapping[str, Any],
    expected: Mapping[str, Any],
    *places: str,
    rtol: float = 1e-4,
    atol: float = 1e-5,
) -> bool:
    """Whether the answers at and below these places ("generator/images") are those expected."""
    for place in places:
        wanted = {
            key: value for key, value in expected.items() if f"{key}/".startswith(f"{place}/")
        }
        assert wanted, f"the probe asks nothing called {place}"
        for key, value in wanted.items():
            if not close(answers.get(key), value, rtol, atol):
                return False
    return True


def made(prediction: Any, points: float) -> Check:
    """A prediction earns its points by being made, right or wrong."""
    return Check(
        np.shape(prediction) == () and close(prediction, prediction),
        points,
        "No prediction was made: it should be a number, and yours may be wrong.",
    )


def judged(task: Task, answers: Mapping[str, Any], seed: int, student: str) -> list[Check]:
    """The task's checks; answers so strange that the judge stumbles lose all its points."""
    try:
        checks = task.judge(answers, seed, student)
        checks = [replace(check, passed=bool(check.passed)) for check in checks]
    except Exception:
        strange = "The answers are not of the kind asked for (a number, an array, a text)."
        return [Check(False, task.points, strange)]
    worth = sum(check.points for check in checks)
    assert abs(worth - task.points) < 1e-9, f"checks are worth {worth}, the task {task.points}"
    return checks


@dataclass(frozen=True)
class Assignment:
    """One folder of exercises/; what is in it is loaded when it is asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """Its name, such as 03_gradient_penalty."""
        return self.folder.name

    @cached_property
    def master(self) -> Any:
        """The master notebook, with solutions."""
        return notebooks.read(self.folder / "master.ipynb")

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks that are graded by themselves, in the notebook's order."""
        return self.module("judge").TASKS

    @cached_property
    def manual(self) -> dict[str, float]:
        """The points of the tasks that are graded by hand."""
        return self.module("judge").MANUAL

    @cached_property
    def scratch(self) -> tuple[str, ...]:
        """The modules of the library that may not be used."""
        return self.module("judge").SCRATCH

    @property
    def points(self) -> float:
        """What all tasks are worth together."""
        return sum(task.points for task in self.tasks.values()) + sum(self.manual.values())

    def module(self, name: str) -> ModuleType:
        """Load probe, judge or solutions; two assignments' modules do not mix."""
        title = f"exercises_{self.name}_{name}"
        if title not in sys.modules:
            spec = importlib.util.spec_from_file_location(title, self.folder / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[title] = module
        return sys.modules[title]


def assignments(prefix: str = "") -> list[Assignment]:
    """The assignments whose names start with `prefix`, in order."""
    return [Assignment(p.parent) for p in sorted(EXERCISES.glob(f"{prefix}*/master.ipynb"))]
