"""`make execute` and `make smoke`, on chapters of a few lines in a copy of the tools."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import notebooks, readme, set_repository

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def course(tmp_path):
    """Return a function that makes a course of one chapter and runs tools.execute on it."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "README.md").write_text(f"# Toy course\n\n{readme.BEGIN}{readme.END}")
    chapters = tmp_path / "chapters"
    chapters.mkdir()
    (chapters / "tiers.yml").write_text("smoke: {01_toy: {n: 1}}\nbook: {01_toy: {}}\n")
    chapter = chapters / "01_toy.ipynb"

    def run(*sources, cells=(), arguments=()):
        all_cells = [new_markdown_cell("# 01 Toy"), *map(new_code_cell, sources), *cells]
        all_cells[1].metadata.tags = ["parameters"]
        nbformat.write(new_notebook(cells=all_cells), chapter)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        before = chapter.read_bytes()
        command = [sys.executable, "-m", "tools.execute", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        left = sorted(path.name for path in chapters.iterdir())
        assert left == ["01_toy.ipynb", "tiers.yml"], "nothing is left behind"
        done.changed = chapter.read_bytes() != before
        return done

    run.folder = tmp_path
    return run


def test_a_good_run_is_stored_clean_and_recorded(course):
    done = course("n = 3", "import os\n\nprint(n, os.path.basename(os.getcwd()))")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.changed
    notebook = notebooks.read(course.folder / "chapters" / "01_toy.ipynb")
    assert notebook.cells[2].outputs[0].text == "3 chapters\n"
    assert notebooks.run_problems(notebook) == []
    assert notebooks.clean(notebook) == notebook
    record = json.loads((course.folder / "data" / "results" / "chapters.json").read_text())
    assert record["01_toy"]["tier"] == "book"
    assert record["01_toy"]["seconds"] > 0
    assert "[01 Toy](chapters/01_toy.ipynb)" in (course.folder / "README.md").read_text()


def test_the_smoke_tier_injects_its_parameters_and_stores_nothing(course):
    done = course("n = 3", "assert n == 1", arguments=["--tier", "smoke", "01"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.changed
    assert not (course.folder / "data").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys\n\nsys.exit(0)", "was not run"),
        ("import warnings\n\nwarnings.warn('careful')", "wrote to stderr"),
    ],
)
def test_a_bad_run_changes_nothing(course, source, message):
    done = course("n = 3", source, "n")
    assert done.returncode == 1
    assert message in done.stdout
    assert "the stored chapter is as it was" in done.stdout
    assert not done.changed


def test_a_cell_that_takes_too_long_changes_nothing(course):
    done = course("n = 3", "import time\n\ntime.sleep(60)", arguments=["--timeout", "1"])
    assert done.returncode == 1
    assert not done.changed


def test_an_unknown_chapter_is_answered_with_the_known_ones(course):
    done = course("n = 3", arguments=["07"])
    assert done.returncode == 1
    assert "no chapter starts with '07'" in done.stderr
    assert "01_toy" in done.stderr


def test_the_smoke_tier_is_a_session_in_colab(course):
    """An empty folder, `google.colab` loaded, the course at its public address, nothing else."""
    address = set_repository.current()
    lines = [
        "import os, subprocess, sys",
        "assert 'google.colab' in sys.modules and os.listdir() == []",
        f"subprocess.run(['git', 'clone', '-q', '--depth=1', '{address}', 'here'], check=True)",
        "assert os.path.isfile('here/chapters/01_toy.ipynb')",
        f"assert not any(path.startswith({str(course.folder)!r}) for path in sys.path)",
    ]
    done = course("n = 3", "\n".join(lines), arguments=["--tier", "smoke"])
    assert done.returncode == 0, done.stdout + done.stderr


ASKED = "# Toy\n\n:::{exercise} Sum\n:label: ex-01-sum\n:::"
SOLVED = ":::{solution} ex-01-sum\n\n```python\ntotal = 1 + %d\n```\n:::"


@pytest.mark.parametrize(("number", "right"), [(1, True), (2, False)])
def test_the_smoke_tier_tries_the_solutions(course, number, right):
    cells = [
        new_markdown_cell(ASKED),
        new_code_cell("total = ...", metadata={"tags": ["answer"]}),
        new_code_cell(
            "print('total:', {2: 'right.', ...: 'not answered yet.'}.get(total, 'wrong.'))",
            metadata={"tags": ["check"]},
        ),
        new_markdown_cell(SOLVED % number),
    ]
    done = course("n = 3", cells=cells, arguments=["--tier", "smoke"])
    assert done.returncode == (0 if right else 1)
    assert ("ex-01-sum: the check of its own solution says 'total: wrong.'" in done.stdout) != right
    done = course("n = 3", cells=cells)
    stored = notebooks.read(course.folder / "chapters" / "01_toy.ipynb")
    assert stored.cells[4].outputs[0].text == "total: not answered yet.\n"


@pytest.mark.parametrize(("name", "runs"), [("total", True), ("lost", False)])
def test_the_smoke_tier_runs_what_follows_in_a_solution(course, name, runs):
    cells = [
        new_markdown_cell(ASKED),
        new_code_cell("total = ...", metadata={"tags": ["answer"]}),
        new_code_cell("print('total: right.')", metadata={"tags": ["check"]}),
        new_markdown_cell((SOLVED % 1)[:-3] + f"More:\n\n```python\nprint({name} + 1)\n```\n:::"),
    ]
    done = course("n = 3", cells=cells, arguments=["--tier", "smoke"])
    assert done.returncode == (0 if runs else 1), done.stdout
    assert ("name 'lost' is not defined" in done.stdout) != runs


LOG = "I0000 00:00:1795410114.353918    7159 port.cc:153] oneDNN custom operations are on."


def test_tensorflows_log_lines_stop_only_what_is_stored(course):
    source = f"import sys\n\nprint({LOG!r}, file=sys.stderr)"
    assert course("n = 3", source, arguments=["--tier", "smoke"]).returncode == 0
    assert course("n = 3", source).returncode == 1
    both = f"{source}\nprint('careful', file=sys.stderr)"
    assert course("n = 3", both, arguments=["--tier", "smoke"]).returncode == 1


def test_a_half_run_notebook_is_found():
    cells = [new_code_cell("1", execution_count=1), new_code_cell("2"), new_code_cell(" ")]
    problems = notebooks.run_problems(new_notebook(cells=cells))
    assert len(problems) == 1
    assert "code cell 2" in problems[0]
