"""Solutions of a task tried in this process, as the tests do it: no sandbox, the same judges."""

import contextlib
import itertools
import json
from typing import Any

import matplotlib.pyplot as plt

from tools.grading import runner, sandbox, submissions
from tools.grading.tasks import EXERCISES, Assignment, judged

NUMBERS = itertools.count()


def reference(assignment: Assignment, student: str) -> dict[str, Any]:
    """The names after the master ran, with a student's numbers."""
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    plt.switch_backend("Agg")
    with contextlib.chdir(EXERCISES):  # beside the library, as a student's notebook
        for cell in assignment.master.cells:
            if cell.cell_type == "code" and not submissions.grade_id(cell).endswith("_test"):
                source = submissions.STUDENT.sub(f"STUDENT = {student!r}", cell.source)
                execute(source, names)
    plt.close("all")
    return names


def execute(source: str, names: dict[str, Any]) -> None:
    """Run a cell's source."""
    runner.run_cell(next(NUMBERS), source, names)


def with_solutions(
    assignment: Assignment, sources: dict[str, str], names: dict[str, Any]
) -> dict[str, Any]:
    """The names after the master's solutions ran with others in the place of some tasks' own.

    What a mistake does to later tasks is seen too: they are built on this one. Cells that are the
    student's and no task, such as a project, do not run.
    """
    mine = dict(names)
    for cell in assignment.master.cells:
        task = submissions.grade_id(cell)
        if task in assignment.tasks:
            execute(sources.get(task, cell.source), mine)
    return mine


def mutants(assignment: Assignment, student: str, seed: int) -> dict[str, dict[str, float]]:
    """The points that each wrong solution loses, by task."""
    base = reference(assignment, student)
    rows: dict[str, dict[str, float]] = {}
    for task, sources in assignment.module("solutions").WRONG.items():
        for name, source in sources.items():
            names = with_solutions(assignment, {task: source}, base)
            rows[f"{task}: {name}"] = {
                other: sum(lost(assignment, other, names, seed, student).values())
                for other in assignment.tasks
            }
    return rows


def table(rows: dict[str, dict[str, float]]) -> str:
    """Mutants by tasks, as text; a dot where nothing was lost."""
    tasks = list(next(iter(rows.values())))
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{task[:12]:>14}" for task in tasks)]
    for name, row in rows.items():
        marks = (f"-{row[task]:g}" if row[task] else "." for task in tasks)
        lines.append(f"{name:<{width}}" + "".join(f"{mark:>14}" for mark in marks))
    return "\n".join(lines)


def visible(assignment: Assignment, task: str, names: dict[str, Any]) -> str:
    """What the test says that students see; empty if it holds."""
    for cell in assignment.master.cells:
        if submissions.grade_id(cell) == f"{task}_test":
            try:
                execute(cell.source, dict(names))
            except Exception as error:
                return f"{type(error).__name__}: {error}"
    return ""


def lost(
    assignment: Assignment, task: str, names: dict[str, Any], seed: int, student: str
) -> dict[str, float]:
    """What a task lost, in points, by what is said of it; empty if nothing was lost."""
    try:
        given = assignment.module("probe").PROBES[task](names, seed)
        packed = json.loads(json.dumps({key: runner.plain(value) for key, value in given.items()}))
        answers = {key: sandbox._value(value) for key, value in packed.items()}
    except Exception as error:
        return {f"{type(error).__name__}: {error}": assignment.tasks[task].points}
    checks = judged(assignment.tasks[task], answers, seed, student)
    return {check.said: check.points for check in checks if not check.passed}
