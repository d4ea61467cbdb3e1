"""What a stored chapter must look like; shared by `make execute` and the tests."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import nbstripout
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
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


def run_problems(notebook: NotebookNode) -> list[str]:
    """Say what shows that a notebook was not run whole, in order and without errors.

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
            elif output.get("name") == "stderr":
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
