"""What a stored chapter must look like; shared by `make execute` and the tests."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import nbstripout
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LOG_LINE = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:\d\d:\d\d")
# Differs from run to run or from machine to machine, and tells a reader nothing.
VOLATILE = [
    "metadata.papermill",
    "metadata.language_info.version",
    "metadata.widgets",
    "cell.metadata.papermill",
    "cell.metadata.execution",
]


def chapters() -> list[Path]:
    """Return the chapters' paths in reading order."""
    return sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def title(path: Path) -> str:
    """Return a chapter's title, which begins with its number."""
    return read(path).cells[0].source.splitlines()[0].removeprefix("# ")


def tiers() -> dict[str, dict[str, dict[str, Any]]]:
    """Return chapters/tiers.yml: tier -> chapter -> parameter -> value."""
    return yaml.safe_load((CHAPTERS / "tiers.yml").read_text(encoding="utf-8"))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that hold code."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Return the cells that carry a tag."""
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def default_parameters(notebook: NotebookNode) -> dict[str, Any]:
    """Return the literal assignments of the cell tagged `parameters`."""
    values: dict[str, Any] = {}
    for cell in tagged(notebook, "parameters"):
        for node in ast.parse(cell.source).body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                values[target.id] = ast.literal_eval(node.value)
    return values


@dataclass
class Exercise:
    """A practice exercise: its text, the cells for its answer and its check, its solution."""

    label: str
    text: str
    answers: list[NotebookNode] = field(default_factory=list)
    checks: list[NotebookNode] = field(default_factory=list)
    solution: str = ""

    @property
    def code(self) -> list[str]:
        """The solution's pieces of code: the first takes the answer cell's place."""
        pieces = r"^```python\n(.*?)^```"
        return re.findall(pieces, self.solution, flags=re.DOTALL | re.MULTILINE)


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """Return a chapter's exercises: text, a cell tagged `answer`, one `check`, a solution."""
    found: dict[str, Exercise] = {}
    label = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for match in re.finditer(r"\{exercise\}.*\n:label: (\S+)", cell.source):
                label = match[1]
                found[label] = Exercise(label, cell.source)
            for match in re.finditer(r"\{solution\} (\S+)", cell.source):
                if match[1] in found:
                    found[match[1]].solution = cell.source[match.end() :]
        elif label:
            tags = cell.metadata.get("tags", [])
            found[label].answers += [cell] if "answer" in tags else []
            found[label].checks += [cell] if "check" in tags else []
    return list(found.values())


def answered(notebook: NotebookNode) -> NotebookNode:
    """Return a copy with the solutions' code: for the answer, and what follows after the check."""
    copy: NotebookNode = nbformat.from_dict(notebook)
    for exercise in exercises(copy):
        for cell in exercise.answers:
            cell.source = "".join(exercise.code[:1])
        for check in exercise.checks[-1:]:
            after = copy.cells.index(check) + 1
            copy.cells[after:after] = map(new_code_cell, exercise.code[1:])
    return copy


def unanswered(notebook: NotebookNode) -> list[str]:
    """Say which checks of an answered chapter, after its run, do not find the answers right."""
    problems = []
    for exercise in exercises(notebook):
        for cell in exercise.checks:
            said = "".join(o.get("text", "") for o in cell.outputs).strip()
            if not said or not all(line.endswith(": right.") for line in said.splitlines()):
                problems.append(f"{exercise.label}: the check of its own solution says {said!r}")
    return problems


def without_logs(text: str) -> str:
    """Leave out lines that TensorFlow's C++ code logs: from 2.21 on, some cannot be silenced."""
    return "".join(line for line in text.splitlines(True) if not LOG_LINE.match(line)).strip()


def run_problems(notebook: NotebookNode, stored: bool = True) -> list[str]:
    """Say what shows that a notebook was not run whole, in order and without errors.

    What is stored is on a page: not even TensorFlow's log lines may be in it.

    Neither papermill nor nbval notices a cell that never ran: a cell that calls `sys.exit(0)` ends
    the run quietly, and nbval does not compare a cell without an execution count.
    """
    problems = []
    for number, cell in enumerate(code_cells(notebook), start=1):
        first_line = cell.source.strip().splitlines()[0]
        if cell.execution_count != number:
            problems.append(
                f"code cell {number} ({first_line!r}) has execution count {cell.execution_count}, "
                f"expected {number}: it was not run, or not in order"
            )
        for output in cell.outputs:
            if output.output_type == "error":
                problems.append(f"code cell {number} ({first_line!r}) raised {output.ename}")
            elif output.get("name") == "stderr" and (stored or without_logs(output.text)):
                problems.append(
                    f"code cell {number} ({first_line!r}) wrote to stderr: {output.text.strip()!r}"
                )
    return problems


def clean(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without what differs from run to run; outputs and counts stay."""
    copy: NotebookNode = nbformat.from_dict(notebook)
    nbstripout.strip_output(
        copy, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE
    )
    copy.metadata.kernelspec = nbformat.from_dict(KERNEL)
    return copy
