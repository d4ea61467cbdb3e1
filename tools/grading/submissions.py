"""What students handed in: found under the names that platforms give, and made fit to run.

Cells are told apart by nbgrader's `grade_id`. The master's order holds, and its locked cells run
in place of the student's; cells that a student added run where they stand.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from tools import notebooks
from tools.grading.tasks import Assignment, assignments

SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION.*?### END SOLUTION[^\n]*", re.S | re.M)
STUDENT = re.compile(r"^STUDENT = .*$", re.M)
MOODLE = re.compile(r"_\d+_assignsubmission_file_?$")
CANVAS = re.compile(r"(_LATE)?_\d+_\d+$")
LARGEST = 20 * 1024**2


@dataclass
class Submission:
    """A student's notebook of one assignment, or what stands in its way."""

    student: str
    assignment: Assignment
    path: Path | None = None
    problems: list[str] = field(default_factory=list)


@dataclass
class Prepared:
    """A submission made fit to run."""

    cells: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # what to call each cell
    answers: dict[str, str] = field(default_factory=dict)  # free-text task -> answer
    problems: list[str] = field(default_factory=list)


def grade_id(cell: NotebookNode) -> str:
    """The name that nbgrader knows a cell by; empty for a cell of the student's own."""
    found = cell.metadata.get("nbgrader", {})
    return str(found.get("grade_id", "")) if isinstance(found, dict) else ""


def solves(cell: NotebookNode) -> bool:
    """Whether a master's cell is the student's to write."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def emptied(master: NotebookNode) -> NotebookNode:
    """The master without its solutions: what a student has who wrote nothing."""
    copy: NotebookNode = notebooks.clean(master)
    for cell in copy.cells:
        if solves(cell) and cell.cell_type == "markdown":
            cell.source = "YOUR ANSWER HERE"
        elif solves(cell):
            cell.source = SOLUTION.sub(r"\1raise NotImplementedError()", cell.source)
    return copy


def find(folder: Path, known: list[Assignment]) -> tuple[list[Submission], list[tuple[str, str]]]:
    """All submissions: STUDENT/NN_name.ipynb, STUDENT_NN_name.ipynb, and platforms' variants.

    Every student gets a submission for each assignment that anyone handed in. What cannot be
    attributed is returned too, as (student, problem); what is of an assignment that is not among
    the known ones is left alone.
    """
    handed: dict[str, list[Path]] = {}
    strays: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            paths = [p for p in sorted(entry.rglob("*.ipynb")) if not p.parent.name.startswith(".")]
            handed.setdefault(MOODLE.sub("", entry.name), []).extend(paths)
        elif entry.suffix == ".ipynb":
            start = re.search(r"_\d\d_[a-z]", entry.stem)
            student = entry.stem[: start.start()] if start else entry.stem
            handed.setdefault(CANVAS.sub("", student), []).append(entry)
        else:
            strays.append((entry.name, "neither a folder nor a notebook"))
    found: dict[tuple[str, str], list[Path]] = {}
    by_name = {assignment.name: assignment for assignment in known}
    others = [assignment for assignment in assignments() if assignment.name not in by_name]
    for student, paths in handed.items():
        for path in paths:
            assignment = _recognised(path, known, others)
            if assignment is None:
                strays.append((student, f"of no known assignment: {path.name}"))
            elif assignment.name in by_name:
                found.setdefault((student, assignment.name), []).append(path)
    names = {name for _, name in found}
    submissions = []
    for student in sorted(handed):
        for name in sorted(names):
            one = Submission(student, by_name[name])
            paths = sorted(found.get((student, name), []), key=lambda p: not p.stem.endswith(name))
            if paths:
                one.path = paths[0]
                one.problems += [f"handed in twice: {p.name} was not graded" for p in paths[1:]]
                if not paths[0].stem.endswith(name):
                    one.problems.append(f"renamed: {paths[0].name}")
            else:
                one.problems.append("nothing handed in")
            submissions.append(one)
    return submissions, strays


def _recognised(path: Path, known: list[Assignment], others: list[Assignment]) -> Assignment | None:
    """The assignment that a file is of: by its name, else by its cells, else the only known one."""
    for assignment in (*known, *others):
        if assignment.name in path.stem:
            return assignment
    try:
        ids = {grade_id(cell) for cell in _notebook(path).cells}
        for assignment in (*known, *others):
            wanted = {grade_id(cell) for cell in assignment.master.cells if solves(cell)}
            if 2 * len(wanted & ids) > len(wanted):
                return assignment
    except ValueError:
        pass
    return known[0] if len(known) == 1 else None


def _notebook(path: Path) -> NotebookNode:
    """Read a notebook of unknown origin; ValueError says what is wrong with it."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("unreadable: not a plain file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"unreadable: larger than {LARGEST // 1024**2} MiB")
    try:
        notebook = notebooks.read(path)
        assert all(isinstance(c.source, str) and c.metadata is not None for c in notebook.cells)
        return notebook
    except Exception as error:  # whatever a broken file makes nbformat raise
        raise ValueError(f"unreadable: not a notebook ({type(error).__name__})") from error


def prepare(submission: Submission) -> Prepared:
    """Choose the cells to run, and say what was changed; ValueError if it cannot be read."""
    if submission.path is None:
        raise ValueError(submission.problems[0])
    return prepared(submission.assignment, _notebook(submission.path), submission.student)


def prepared(assignment: Assignment, notebook: NotebookNode, student: str) -> Prepared:
    """As `prepare`, of a notebook in memory."""
    known = {grade_id(cell) for cell in assignment.master.cells} - {""}
    own: dict[str, NotebookNode] = {}
    added: dict[str, list[str]] = {}
    anchor = ""
    for cell in notebook.cells:
        name = grade_id(cell)
        if name in known and name not in own:
            own[name], anchor = cell, name
        elif cell.cell_type == "code" and cell.source.strip():
            added.setdefault(anchor, []).append(cell.source)
    result = Prepared()

    def take(source: str, label: str) -> None:
        result.cells.append(source)
        result.labels.append(label)

    for source in added.get("", []):
        take(source, "a cell at the top")
    for cell in assignment.master.cells:
        name = grade_id(cell)
        if not name:
            continue
        mine = own.get(name)
        if mine is None:
            result.problems.append(f"incomplete: cell {name!r} is missing")
        if name in assignment.manual:
            text = "" if mine is None else mine.source.strip()
            result.answers[name] = "" if text == "YOUR ANSWER HERE" else text
        elif cell.cell_type == "code" and STUDENT.search(cell.source):
            says = "" if mine is None else "\n".join(STUDENT.findall(mine.source))
            if says and repr(student) not in says.replace('"', "'"):
                result.problems.append(f"another name: {says.split('#')[0].strip()[:80]}")
            take(STUDENT.sub(f"STUDENT = {student!r}".replace("\\", r"\\"), cell.source), name)
        elif cell.cell_type == "code" and not solves(cell):
            if mine is not None and mine.source.split() != cell.source.split():
                result.problems.append(f"altered: cell {name!r} differs from ours, which was run")
            take(cell.source, name)
        elif mine is not None and cell.cell_type == "code":
            take(mine.source, name)
        for source in added.get(name, []):
            take(source, f"a cell after {name}")
    written = [cell.source for cell in own.values() if solves(cell) and cell.cell_type == "code"]
    for source in (*written, *(s for sources in added.values() for s in sources)):
        for module in assignment.scratch:
            if uses(source, module):
                result.problems.append(f"uses {module}, which was to be written from scratch")
    result.problems = list(dict.fromkeys(result.problems))
    return result


def uses(source: str, module: str) -> bool:
    """Whether code names a module of the library, by import, attribute or text."""
    package, _, last = module.rpartition(".")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return module in source
    for node in ast.walk(tree):
        names: list[Any] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant):
            names = [node.value]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [f"{node.value.id}.{node.attr}"]
        if module in names:
            return True
    return False


def asked_names(assignment: Assignment, task: str) -> set[str]:
    """The names that a task's solution defines."""
    names: set[str] = set()
    for cell in assignment.master.cells:
        if grade_id(cell) == task and cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    names.add(node.name)
                elif isinstance(node, ast.Assign):
                    names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names
