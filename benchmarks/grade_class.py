"""A class of 60 simulated submissions, graded in one command: who gets what, in how many minutes.

Right in different styles, wrong, half done, empty, unreadable, and hostile: a cell at the top does
what nobody should. But for it, hostile ones are right: full marks mean that the cell did no harm.
Two hostile ones are empty instead, and try to pass by tampered tests and a patched NumPy.
"""

import copy
import itertools
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from tools.grading import grade, reports, submissions
from tools.grading.tasks import Assignment, assignments

SEED = 0
CLASS = 60
RUNS = provenance.ROOT / "runs" / "grade_class"
HOSTILE = {
    "infinite loop": "while True: pass",
    "infinite loop, timer off": (
        "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True: pass"
    ),
    "many processes": "import os\nwhile True: os.fork()",
    "network call": (
        "import urllib.request\nurllib.request.urlopen('https://example.org', timeout=5)"
    ),
    "reading the master": (
        "import glob\nfound = glob.glob('/**/master.ipynb') + glob.glob('/*/*/exercises')\n"
        f"found += [open({str(provenance.ROOT / 'README.md')!r}).read()]"
    ),
    "deleting files": "import shutil\nfor place in ('/usr', '/course', '/'): shutil.rmtree(place)",
    "huge output": "print('x' * 10**9)",
    "huge error": "raise ValueError('x' * 10**8)",
    "much memory": "hoard = bytearray(10**11)",
    "full disk": "open('/tmp/full', 'wb').write(bytes(10**9))",
    "ends Python": "import os\nos._exit(0)",
    "false report": "import os\nfor n in range(3, 30):\n    try: os.write(n, b'{}' * 9)\n"
    "    except OSError: pass",
}
PATCH = (
    "import numpy as np\nnp.allclose = np.isclose = lambda *a, **k: True\n"
    "np.testing.assert_allclose = lambda *a, **k: None"
)


def notebook_with(assignment: Assignment, sources: dict[str, str]) -> Any:
    """The master with other solutions."""
    notebook = copy.deepcopy(assignment.master)
    for cell in notebook.cells:
        cell.source = sources.get(submissions.grade_id(cell), cell.source)
    return notebook


def simulated(assignment: Assignment) -> dict[str, Any]:
    """Student -> notebook, or text of a broken file; the name says what it is."""
    solutions = assignment.module("solutions")
    made: dict[str, Any] = {}
    for name, source in HOSTILE.items():
        hostile = copy.deepcopy(assignment.master)
        hostile.cells.insert(3, nbformat.v4.new_code_cell(source))  # after the student's name
        made[f"hostile, {name}"] = hostile
    empty = submissions.emptied(assignment.master)
    made["hostile, tampered test cells"] = copy.deepcopy(empty)
    made["hostile, patched NumPy"] = copy.deepcopy(empty)
    for cell in made["hostile, tampered test cells"].cells:
        if submissions.grade_id(cell).endswith("_test"):
            cell.source = "print('all tests passed')"
    made["hostile, patched NumPy"].cells.insert(3, nbformat.v4.new_code_cell(PATCH))
    for number in range(3):
        made[f"empty {number}"] = copy.deepcopy(empty)
    made["unreadable, cut off"] = nbformat.writes(assignment.master)[:2000]
    made["unreadable, nothing"] = ""
    for number in range(6):  # done down to some task
        keep = list(assignment.tasks)[: 1 + number % (len(assignment.tasks) - 1)]
        half = copy.deepcopy(assignment.master)
        for cell, blank in zip(half.cells, empty.cells, strict=True):
            if submissions.solves(cell) and submissions.grade_id(cell) not in keep:
                cell.source = blank.source
        made[f"half {number}"] = half
    wrong = [(t, n, s) for t, all_ in solutions.WRONG.items() for n, s in all_.items()]
    for task, name, source in wrong[:: max(1, len(wrong) // 12)][:12]:
        made[f"wrong, {task}, {name}"] = notebook_with(assignment, {task: source})
    styles = {task: itertools.cycle(all_.values()) for task, all_ in solutions.RIGHT.items()}
    for number in range(CLASS - len(made)):
        sources = {task: next(style) for task, style in styles.items()}
        made[f"right {number}"] = notebook_with(assignment, sources)
    return made


def main() -> None:
    """Write the class, grade it, note what came of it."""
    (assignment,) = assignments("03")
    shutil.rmtree(RUNS, ignore_errors=True)
    for student, notebook in simulated(assignment).items():
        name = "".join(c if c.isalnum() or c in " ,-" else "_" for c in student)
        folder = RUNS / "in" / name
        folder.mkdir(parents=True)
        path = folder / f"{assignment.name}.ipynb"
        if student == "right 0":
            path = folder / "my homework.ipynb"
        text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
        path.write_text(text, encoding="utf-8")
    clock = provenance.Clock()
    grade.main([str(RUNS / "in"), "--out", str(RUNS / "out"), "--assignment", assignment.name])
    minutes = round(clock.minutes, 1)
    records = reports.read(RUNS / "out", assignment)
    best = sum(task.points for task in assignment.tasks.values())
    rows = {
        student: {
            "points": sum(row["points"] for row in record["tasks"].values()),
            "seconds": record["seconds"],
            "errors": sorted({error["type"] for error in record["errors"]}),
            "problems": [p for p in record["problems"] if not p.startswith("another name")],
        }
        for student, record in records.items()
    }
    kinds = {student: student.split(",")[0].split()[0] for student in rows}
    full = (kinds[student] for student, row in rows.items() if row["points"] == best)
    provenance.write(
        provenance.RESULTS / "grading_class.json",
        {
            "card": clock.card(SEED),
            "assignment": assignment.name,
            "submissions": dict(Counter(kinds.values())),
            "best": best,
            "minutes": minutes,
            "at_once": grade.AT_ONCE,
            "full_marks": dict(Counter(full)),
            "rows_in_csv": len(Path(RUNS / "out" / "grades.csv").read_text().splitlines()) - 2,
            "students": rows,
        },
    )


if __name__ == "__main__":
    main()
