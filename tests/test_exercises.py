"""The graded assignments: right solutions lose nothing, wrong ones lose where they should."""

import functools

import pytest

from tools import notebooks, set_repository, setup_cell
from tools.grading import submissions, trials
from tools.grading.tasks import assignments

ASSIGNMENTS = assignments()
DRAWS = [("ada", 1), ("Zoë M.", 20_000)]  # student, seed
TASKS = [(a, task) for a in ASSIGNMENTS for task in a.tasks]


def name_of(value):
    return getattr(value, "name", value)


@functools.lru_cache(maxsize=4)
def reference(assignment, student):
    return trials.reference(assignment, student)


def cells(assignment):
    found = {}
    for cell in assignment.master.cells:
        name = submissions.grade_id(cell)
        assert not name or name not in found, f"two cells are called {name}"
        found[name] = cell
    return found


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name_of)
def test_notebook_and_judge_agree(assignment):
    known = cells(assignment)
    for task, points in [(t, task.points) for t, task in assignment.tasks.items()]:
        assert submissions.solves(known[task])
        assert "### BEGIN SOLUTION" in known[task].source
        test = known[f"{task}_test"].metadata.nbgrader
        assert (test.grade, test.locked, test.points) == (True, True, points)
    rubric = (assignment.folder / "rubric.md").read_text(encoding="utf-8")
    for task, points in assignment.manual.items():
        assert known[task].metadata.nbgrader.points == points
        assert task in rubric
    assert "nterview" in rubric
    master = assignment.master
    assert master.cells[0].source.startswith("# ")
    setup = notebooks.code_cells(master)[0]
    assert setup.source == setup_cell.source(set_repository.current())
    student = notebooks.code_cells(master)[1]  # the grader puts the right name in
    assert submissions.STUDENT.search(student.source)
    assert submissions.grade_id(student)
    for cell in notebooks.code_cells(master)[1:]:
        assert max(map(len, cell.source.splitlines())) <= 75, cell.source
        assert not cell.outputs


@pytest.mark.parametrize(("assignment", "task"), TASKS, ids=name_of)
def test_there_are_five_of_each(assignment, task):
    solutions = assignment.module("solutions")
    assert len(set(solutions.RIGHT[task].values())) >= 5
    assert len(set(solutions.WRONG[task].values())) >= 5


@pytest.mark.parametrize(("assignment", "task"), TASKS, ids=name_of)
@pytest.mark.parametrize(("student", "seed"), DRAWS)
def test_right_solutions_lose_nothing(assignment, task, student, seed):
    base = reference(assignment, student)
    alarms = {"master": trials.lost(assignment, task, base, seed, student)}
    for name, source in assignment.module("solutions").RIGHT[task].items():
        names = trials.with_solutions(assignment, {task: source}, base)
        alarms[name] = trials.lost(assignment, task, names, seed, student)
        assert trials.visible(assignment, task, names) == "", name
    assert {name: lost for name, lost in alarms.items() if lost} == {}


@pytest.mark.parametrize("style", range(6))
@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name_of)
def test_right_solutions_work_together(assignment, style):
    """A student has a style of their own in every task; one task's builds on another's."""
    right = assignment.module("solutions").RIGHT
    sources = {
        task: list(all_.values())[(style + number) % len(all_)]
        for number, (task, all_) in enumerate(right.items())
    }
    student, seed = DRAWS[1]
    names = trials.with_solutions(assignment, sources, reference(assignment, student))
    for task in assignment.tasks:
        assert trials.lost(assignment, task, names, seed, student) == {}, task
        assert trials.visible(assignment, task, names) == "", task


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name_of)
def test_wrong_solutions_lose_points_at_their_task(assignment, capsys):
    rows = trials.mutants(assignment, *DRAWS[0])
    with capsys.disabled():
        print(f"\n{assignment.name}: points lost\n{trials.table(rows)}")
    order = list(assignment.tasks)
    for name, row in rows.items():
        task = name.split(": ")[0]
        assert row[task] > 0, f"{name} lost nothing"
        before = {other: row[other] for other in order[: order.index(task)] if row[other]}
        assert before == {}, f"{name} lost points at earlier tasks"


@pytest.mark.parametrize(("assignment", "task"), TASKS, ids=name_of)
def test_answers_of_any_kind_only_lose_points(assignment, task):
    """A judge meets nothing, texts, wrong shapes and empty arrays without stumbling over them."""
    import numpy as np

    from tools.grading.tasks import judged

    names = reference(assignment, "ada")
    keys = assignment.module("probe").PROBES[task](names, 1)
    full = assignment.tasks[task].points
    for junk in ("text", np.zeros(0), np.full((3, 3), np.nan), np.array(True)):
        checks = judged(assignment.tasks[task], dict.fromkeys(keys, junk), 1, "ada")
        assert sum(c.points for c in checks if c.passed) < full
