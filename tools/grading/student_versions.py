"""Write the students' versions of all assignments, and a zip of them: `make assignments`.

nbgrader does the work, in an environment of its own: it takes solutions out, locks cells and
notes their checksums. What else an assignment's folder holds never comes near its course folder.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat

from tools import notebooks
from tools.execute import replace
from tools.grading import leaks
from tools.grading.tasks import Assignment, assignments

ROOT = notebooks.ROOT
NBGRADER = ROOT / ".venv-grading" / "bin"


def generate(assignment: Assignment, course: Path) -> str:
    """A student's notebook, as text."""
    name = assignment.name
    source = course / "source" / name / f"{name}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(notebooks.clean(assignment.master), source)
    command = [str(NBGRADER / "nbgrader"), "generate_assignment", name, f"--course-dir={course}"]
    # nbgrader looks for alembic on the path.
    env = {**os.environ, "PATH": f"{NBGRADER}{os.pathsep}{os.environ['PATH']}"}
    env |= {"JUPYTER_CONFIG_DIR": str(course), "JUPYTER_DATA_DIR": str(course)}
    done = subprocess.run(command, cwd=course, env=env, capture_output=True, text=True)
    made = course / "release" / name / f"{name}.ipynb"
    if done.returncode != 0 or not made.exists():
        raise SystemExit(f"{name}: nbgrader failed.\n{done.stderr[-2000:]}")
    notebook = notebooks.read(made)
    notebook.metadata.kernelspec = nbformat.from_dict(notebooks.KERNEL)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return str(nbformat.writes(notebook)) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write assignments/NN_name.ipynb and assignments.zip; nothing if a solution is left in one."""
    parser = argparse.ArgumentParser(prog="tools.grading.student_versions")
    parser.add_argument("--out", type=Path, default=ROOT / "assignments")
    out = parser.parse_args(arguments).out
    with tempfile.TemporaryDirectory(prefix="gpat-course-") as folder:
        made = {a: generate(a, Path(folder)) for a in assignments()}
    for assignment, text in made.items():
        found = leaks.found_in(
            text.encode(), f"{assignment.name}.ipynb", leaks.needles(assignments())
        )
        if found:
            print(*found, sep="\n", file=sys.stderr)
            return 1
    out.mkdir(parents=True, exist_ok=True)
    for assignment, text in made.items():
        replace(out / f"{assignment.name}.ipynb", text)
    with zipfile.ZipFile(out / "assignments.zip", "w") as archive:
        for assignment, text in made.items():
            # A fixed date: the same notebooks make the same file.
            archive.writestr(
                zipfile.ZipInfo(f"{assignment.name}.ipynb"), text, zipfile.ZIP_DEFLATED
            )
    print(f"{len(made)} assignments in {out}, and all of them in assignments.zip")
    return 0


if __name__ == "__main__":
    sys.exit(main())
