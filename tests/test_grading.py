"""The grading kit, on a tiny assignment of its own: no TensorFlow, so a run takes half a second."""

import copy
import csv
import os
import shutil
import sys
import textwrap
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.grading import grade, leaks, reports, sandbox, submissions, tasks
from tools.notebooks import ROOT

PROBE = """
import numpy as np
def double(names, seed):
    x = np.random.default_rng(seed).normal(size=5)
    return {"y": np.asarray(names["double"](x))}
def triple(names, seed):
    return {"y": float(names["triple"](seed % 97))}
PROBES = {"double": double, "triple": triple}
"""
JUDGE = """
import numpy as np
from tools.grading.tasks import Check, Task, close
def double(answers, seed, student):
    x = np.random.default_rng(seed).normal(size=5)
    return [Check(close(answers["y"], x + x), 2, "It is not twice as much.")]
def triple(answers, seed, student):
    return [Check(close(answers["y"], 3.0 * (seed % 97)), 1, "It is not three times as much.")]
TASKS = {"double": Task(2, double), "triple": Task(1, triple)}
MANUAL = {"why": 3}
SCRATCH = ("gpat_lib.penalties",)
"""
ANSWER = "Because the sum of a number with itself is what one calls twice that very number."


def metadata(name, **more):
    flags = {"solution": False, "grade": False, "locked": False, "task": False}
    return {"nbgrader": {"schema_version": 3, "grade_id": name, **flags, **more}}


def code(name, source, **more):
    return new_code_cell(textwrap.dedent(source).strip(), metadata=metadata(name, **more))


def solved(body):
    return f"### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """exercises/99_tiny, in place of the real ones."""
    folder = tmp_path / "exercises" / "99_tiny"
    folder.mkdir(parents=True)
    cells = [
        new_markdown_cell("# Tiny"),
        code("student", 'STUDENT = "ada"'),
        code("given", "factor = len(STUDENT)", locked=True),
        code("double", "def double(x):\n    " + solved("return x + x"), solution=True),
        code("double_test", "assert double(2) == 4", grade=True, locked=True, points=2),
        code("triple", "def triple(x):\n    " + solved("return 3 * x"), solution=True),
        code("triple_test", "assert triple(2) == 6", grade=True, locked=True, points=1),
        new_markdown_cell(ANSWER, metadata=metadata("why", solution=True, grade=True, points=3)),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "master.ipynb")
    (folder / "probe.py").write_text(PROBE)
    (folder / "judge.py").write_text(JUDGE)
    (folder / "solutions.py").write_text("RIGHT, WRONG = {}, {}\n")
    (folder / "rubric.md").write_text("Full marks for whoever says that a sum with itself is it.\n")
    monkeypatch.setattr(tasks, "EXERCISES", folder.parent)
    (assignment,) = tasks.assignments()
    monkeypatch.setattr(tasks.sys, "modules", dict(tasks.sys.modules))  # judges are not kept
    return assignment


@pytest.fixture
def walls():
    if not sandbox.available():
        if os.environ.get("CI"):
            pytest.fail("bubblewrap is missing or does not work; .ci/run installs it")
        pytest.skip("bubblewrap is missing or does not work: apt-get install bubblewrap")


def changed(assignment, **sources):
    """The master with other sources in some cells."""
    notebook = copy.deepcopy(assignment.master)
    for cell in notebook.cells:
        cell.source = textwrap.dedent(sources.get(submissions.grade_id(cell), cell.source))
    return notebook


def hand_in(folder, student, notebook, name="99_tiny.ipynb"):
    (folder / student).mkdir(parents=True, exist_ok=True)
    if isinstance(notebook, str):
        (folder / student / name).write_text(notebook)
    else:
        nbformat.write(notebook, folder / student / name)


def run(cells, probe="PROBES = {}", **limits):
    bounds = sandbox.Limits(**{"seconds": 30, "cell": 5, **limits})
    with sandbox.library(("gpat_lib.penalties",)) as library:
        return sandbox.run(cells, probe, 7, library, limits=bounds)


def failures(result):
    return [cell and cell["type"] for cell in result.cells]


# What a judge is given


@pytest.mark.parametrize(
    "answer", [None, "2", [1, [2]], object(), {}, np.nan, [2.0, 2.0], 2 + 0j, np.array([object()])]
)
def test_close_is_false_for_whatever_is_no_answer(answer):
    assert not tasks.close(answer, 2.0)
    assert tasks.close(np.float32(2), 2.0)
    assert not tasks.close(2.1, 2.0)


def test_a_judge_that_stumbles_gives_nothing():
    task = tasks.Task(2, lambda answers, seed, student: [tasks.Check(answers["x"] > 1, 2, "")])
    assert [c.passed for c in tasks.judged(task, {"x": 2}, 0, "")] == [True]
    assert [c.passed for c in tasks.judged(task, {"x": "text"}, 0, "")] == [False]
    assert [c.points for c in tasks.judged(task, {}, 0, "")] == [2]


# The sandbox


@pytest.mark.usefixtures("walls")
def test_a_notebook_runs_as_it_does_elsewhere():
    result = run(
        [
            "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
            "import numpy as np\nfrom gpat_lib import practice, penalties\ndisplay(np.ones(2))",
            "open('picture.txt', 'w').write('kept')\nexit()",
            "x = open('picture.txt').read()",
            "penalties.get('r1')",
        ],
        "PROBES = {'t': lambda names, seed: {'x': names['x'], 'y': names['np'].ones(2) * seed},"
        "'o': lambda names, seed: {'x': object()}}",
        cell=30,
    )
    assert failures(result) == [None, None, "SystemExit", None, "ImportError"]
    assert result.stopped == ""
    assert result.answers["t"]["x"] == "kept"
    np.testing.assert_array_equal(result.answers["t"]["y"], [7, 7])
    assert result.failed == {"o": "TypeError"}


@pytest.mark.usefixtures("walls")
def test_a_cell_reaches_nothing_outside():
    secrets = [str(ROOT), str(ROOT / "exercises"), "/root", "/home", "/work"]
    # The interpreter itself may live under /tmp; the way to it is then seen, nothing beside it.
    ways = [Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)]
    seen = [way.parts[2] for way in ways if way.is_relative_to("/tmp")]
    result = run(
        [
            "import socket\nsocket.create_connection(('1.1.1.1', 53), 2)",
            "import urllib.request\nurllib.request.urlopen('http://localhost:8000', timeout=2)",
            "import os",
            f"found = [p for p in {secrets} if os.path.isdir(p + '/exercises')]\nassert not found",
            "assert set(os.listdir('/course')) == {'assignments', 'data', 'gpat_lib', 'runner.py'}"
            f"\nassert set(os.listdir('/tmp')) <= set({seen})"
            "\nassert os.listdir('/course/data/styles')"  # readable to a user without rights
            "\nassert not os.path.exists('/etc/passwd')",
            "assert os.getuid() >= 65000\nos.setuid(0)",
            "open('/course/gpat_lib/losses.py', 'w')",
            "import shutil\nshutil.rmtree('/usr')",
            "shutil.rmtree('/course')",
            "assert len([p for p in os.listdir('/proc') if p.isdigit()]) < 5",
            "open('/dev/new', 'w')",
        ]
    )
    types = failures(result)
    assert types[0] in ("OSError", "ConnectionRefusedError")
    assert types[1] == "URLError"
    assert types[2:5] == [None, None, None]
    assert types[5] == "PermissionError"
    assert all(kind in ("OSError", "PermissionError") for kind in types[6:9])
    assert types[9] is None
    assert types[10] in ("OSError", "PermissionError")


HOSTILE = {
    "endless": ("while True: pass", {"cell": 1}, ["TimeoutError", None], ""),
    "endless, clock stopped": (
        "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True: pass",
        {"seconds": 3},
        [],
        "seconds",
    ),
    "many processes": (
        "import os\nwhile True: os.fork()",
        {"seconds": 20},
        ["BlockingIOError", None],
        "",
    ),
    "much memory": ("x = b'1' * 2**30", {"memory": 2**29}, ["MemoryError", None], ""),
    "memory of many": (
        "import os, time\nfor i in range(8):\n    if not os.fork():\n"
        "        x = b'1' * 2**27\n        time.sleep(60)\ntime.sleep(30)",
        {"memory": 2**29},
        [],
        "memory",
    ),
    "full disk": (
        "for i in range(9): open(f'/tmp/{i}', 'wb').write(bytes(2**20))",
        {"disk": 2**22},
        ["OSError", None],
        "",
    ),
    "large output": ("print('x' * 2**27)", {}, [None, None], ""),
    "large report": ("raise ValueError('x' * 2**27)", {}, ["ValueError", None], ""),
    "many names": (
        "globals().update({f'n{i}' * 99: 1 for i in range(2**16)})",
        {},
        [],
        "more than",
    ),
    "gone": ("import os\nos._exit(0)", {}, [], "ended"),
    "false report": (
        "import os\nfor n in range(3, 20):\n    try: os.write(n, b'\\0' * 7 + b'\\2{}')\n"
        "    except OSError: pass",
        {},
        [],
        "could not be read",
    ),
}


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_cells_are_held(name):
    source, limits, expected, stopped = HOSTILE[name]
    result = run([source, "x = 1"], **limits)
    assert failures(result) == expected
    assert stopped in result.stopped
    assert bool(result.stopped) == bool(stopped)


def test_what_comes_back_is_not_trusted():
    for value in (
        ["O", [1], ""],
        ["<f8", [10**12], ""],
        ["<f8", [-1], "x"],
        [1],
        3,
        ["<M8", [0], ""],
    ):
        result = sandbox.Result()
        sandbox._read_answers(result, {"t": {"x": value}, "u": "<script>"})
        assert result.failed == {"t": "unreadable", "u": "an error"}
    with pytest.raises(sandbox.Stopped):
        sandbox._read_answers(sandbox.Result(), [])
    with pytest.raises(sandbox.Stopped):
        sandbox._read_cells(sandbox.Result(), {"cells": 3}, 1)


def test_without_walls_nothing_runs(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    hand_in(tmp_path / "in", "ada", tiny.master)
    assert grade.main([str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    assert "bubblewrap" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert grade.main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--unsafe"]) == 0
    assert points(tmp_path / "out")["ada"] == {"double": 2, "triple": 1}


# Submissions


def test_names_that_platforms_give(tiny, tmp_path):
    folder = tmp_path / "in"
    for student, name in {
        "ada": "99_tiny.ipynb",
        "Bo Li_1234_assignsubmission_file": "99_tiny.ipynb",
        "carl": "99_tiny (1).ipynb",
        "dora": "Untitled.ipynb",
    }.items():
        hand_in(folder, student, tiny.master, name)
    (folder / "eve").mkdir()
    for name in (
        "fay_99_tiny.ipynb",
        "gulhan_12345_67890_99_tiny.ipynb",
        "hu_LATE_1_2_99_tiny.ipynb",
    ):
        nbformat.write(tiny.master, folder / name)
    hand_in(folder, "ada", tiny.master, "99_tiny-copy.ipynb")
    (folder / "ivy.zip").write_bytes(b"")
    found, strays = submissions.find(folder, [tiny])
    assert strays == [("ivy.zip", "neither a folder nor a notebook")]
    assert {one.student: one.problems for one in found} == {
        "ada": ["handed in twice: 99_tiny-copy.ipynb was not graded"],
        "Bo Li": [],
        "carl": ["renamed: 99_tiny (1).ipynb"],
        "dora": ["renamed: Untitled.ipynb"],
        "eve": ["nothing handed in"],
        "fay": [],
        "gulhan": [],
        "hu": [],
    }


def test_what_is_of_another_assignment_is_left_alone(tiny, tmp_path):
    other = tiny.folder.with_name("98_other")
    shutil.copytree(tiny.folder, other)
    cells = [code(name, "", solution=True) for name in ("half", "third", "double")]
    nbformat.write(new_notebook(cells=cells), other / "master.ipynb")
    theirs, ours = tasks.assignments()
    folder = tmp_path / "in"
    hand_in(folder, "ada", ours.master)
    hand_in(folder, "ada", theirs.master, "98_other.ipynb")
    hand_in(folder, "ada", theirs.master, "Untitled.ipynb")
    hand_in(folder, "bob", theirs.master, "98_other (1).ipynb")
    hand_in(folder, "carl", new_notebook(), "Untitled.ipynb")
    found, strays = submissions.find(folder, [ours])
    assert strays == []
    assert {one.student: one.problems for one in found} == {
        "ada": [],
        "bob": ["nothing handed in"],
        "carl": ["renamed: Untitled.ipynb"],
    }
    found, strays = submissions.find(folder, [theirs, ours])
    assert strays == [("carl", "of no known assignment: Untitled.ipynb")]
    assert {(one.student, one.assignment.name): one.path and one.path.name for one in found} == {
        ("ada", "98_other"): "98_other.ipynb",
        ("ada", "99_tiny"): "99_tiny.ipynb",
        ("bob", "98_other"): "98_other (1).ipynb",
        ("bob", "99_tiny"): None,
        ("carl", "98_other"): None,
        ("carl", "99_tiny"): None,
    }


def test_locked_cells_are_ours_and_additions_stay(tiny):
    notebook = changed(
        tiny,
        student='STUDENT = "bob"',
        double_test="pass",
        triple="from gpat_lib.penalties import get\ndef triple(x): return 3 * x",
    )
    notebook.cells.insert(4, new_code_cell("helper = 1"))
    del notebook.cells[2]
    ready = submissions.prepared(tiny, notebook, "o'neil")
    assert ready.cells[:2] == ['STUDENT = "o\'neil"', "factor = len(STUDENT)"]
    assert ready.cells[3:5] == ["helper = 1", "assert double(2) == 4"]
    assert ready.answers == {"why": ANSWER}
    assert ready.problems == [
        'another name: STUDENT = "bob"',
        "incomplete: cell 'given' is missing",
        "altered: cell 'double_test' differs from ours, which was run",
        "uses gpat_lib.penalties, which was to be written from scratch",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import gpat_lib.penalties as p",
        "from gpat_lib import losses, penalties",
        "from gpat_lib.penalties import get",
        "import gpat_lib\ngpat_lib.penalties.get('r1')",
        "__import__('importlib').import_module('gpat_lib.penalties')",
        "%magic\nfrom gpat_lib.penalties import get",
    ],
)
def test_uses_of_a_module_are_found(source):
    assert submissions.uses(source, "gpat_lib.penalties")
    assert not submissions.uses(source, "gpat_lib.metrics")


# A batch


def points(out):
    records = reports.read(out, tasks.assignments()[0])
    return {s: {t: row["points"] for t, row in r["tasks"].items()} for s, r in records.items()}


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("walls")
def test_a_batch(tiny, tmp_path, capsys, monkeypatch):
    folder, out = tmp_path / "in", tmp_path / "out"
    hand_in(folder, "ada", tiny.master)
    hand_in(folder, "bob", changed(tiny, triple="def triple(x): return 2 * x", why="=1+1"))
    hand_in(folder, "carl", "{")
    hand_in(folder, "dora", submissions.emptied(tiny.master))
    patched = "import numpy as np\nnp.allclose = lambda *a, **k: True\ndef double(x): return 0 * x"
    hand_in(folder, "eve", changed(tiny, double=patched, double_test="print('passed')"))
    score = "import json\ndef triple(x): return {'points': 100}\njson.dumps = lambda *a: '{}'"
    hand_in(folder, "fay", changed(tiny, triple=score))
    (folder / "gil").mkdir()
    (folder / "gil" / "99_tiny.ipynb").symlink_to(tiny.folder / "master.ipynb")
    arguments = [str(folder), "--out", str(out)]
    assert grade.main(arguments) == 0
    assert points(out) == {
        "ada": {"double": 2, "triple": 1},
        "bob": {"double": 2, "triple": 0},
        "carl": {"double": 0, "triple": 0},
        "dora": {"double": 0, "triple": 0},
        "eve": {"double": 0, "triple": 1},
        "fay": {"double": 0, "triple": 0},
        "gil": {"double": 0, "triple": 0},
    }
    problems = {
        (row["student"], row["problem"].split(":")[0]) for row in rows(out / "problems.csv")
    }
    assert {("carl", "unreadable"), ("eve", "altered"), ("gil", "unreadable")} <= problems

    header, possible, *students = rows_plain(out / "grades.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "99_tiny"]
    assert possible == ["Points Possible", "", "", "", "", "6"]
    assert [(row[3], float(row[5])) for row in students][:2] == [("ada", 3.0), ("bob", 2.0)]
    assert len(students) == 7
    assert rows(out / "moodle.csv")[0]["username"] == "ada"
    page = (out / "feedback" / "bob" / "99_tiny.html").read_text()
    assert "It is not three times as much." in page
    assert "<h1>99_tiny: bob</h1>" in page
    assert "<td>together</td><td>2</td><td>6</td>" in page
    assert "def triple(names" not in page
    assert "seed" not in page
    assert "| triple | 1 |" in (out / "summary.md").read_text()
    assert leaks.check(out / "feedback", leaks.needles([tiny])) == []

    # Points by hand are read back; the file stays as the instructor left it.
    manual = (out / "manual.csv").read_text()
    assert "'=1+1" in manual
    manual = manual.replace(f"{ANSWER},3,,", f"{ANSWER},3,2.5,Nearly", 1)
    (out / "manual.csv").write_text(manual)
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in (out / "results").rglob("*.json")}
    assert grade.main(arguments) == 0
    assert "0 graded" in capsys.readouterr().out
    assert (out / "manual.csv").read_text() == manual
    assert [float(row[5]) for row in rows_plain(out / "grades.csv")[2:3]] == [5.5]
    page = (out / "feedback" / "ada" / "99_tiny.html").read_text()
    assert "Nearly" in page
    assert "<td>together</td><td>5.5</td><td>6</td>" in page
    assert "no longer" not in (out / "problems.csv").read_text()

    # One student anew, or one result lost: the others are not touched.
    assert grade.main([*arguments, "--student", "bob"]) == 0
    (out / "results" / "99_tiny" / "dora.json").unlink()
    hand_in(folder, "ada", changed(tiny, double="def double(x): return x * 2"))
    assert grade.main(arguments) == 0
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {p.stem for p in before if after[p] != before[p]} == {"ada", "bob", "dora"}
    assert points(out)["ada"] == {"double": 2, "triple": 1}

    # Another answer is not marked by itself; whoever marks is told.
    hand_in(folder, "ada", changed(tiny, why="No idea."))
    assert grade.main(arguments) == 0
    assert (out / "manual.csv").read_text() == manual
    said = "why: the answer is no longer the one in manual.csv"
    assert [row["student"] for row in rows(out / "problems.csv") if row["problem"] == said] == [
        "ada"
    ]


def rows_plain(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.usefixtures("walls")
def test_a_crash_half_way_resumes(tiny, tmp_path, monkeypatch):
    folder, out = tmp_path / "in", tmp_path / "out"
    for student in ("ada", "bob", "carl"):
        hand_in(folder, student, tiny.master)
    real, done = grade.marked, []

    def crashing(assignment, prepared, result, student, seed):
        done.append(student)
        if len(done) == 4:  # two canaries and one student
            raise KeyboardInterrupt
        return real(assignment, prepared, result, student, seed)

    monkeypatch.setattr(grade, "marked", crashing)
    with pytest.raises(KeyboardInterrupt):
        grade.main([str(folder), "--out", str(out)])
    kept = [path.stem for path in (out / "results" / "99_tiny").glob("*.json")]
    assert len(kept) == 1
    monkeypatch.setattr(grade, "marked", real)
    before = (out / "results" / "99_tiny" / f"{kept[0]}.json").stat().st_mtime_ns
    assert grade.main([str(folder), "--out", str(out)]) == 0
    assert (out / "results" / "99_tiny" / f"{kept[0]}.json").stat().st_mtime_ns == before
    assert set(points(out)) == {"ada", "bob", "carl"}


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize(
    ("judge", "probe", "message"),
    [
        (JUDGE.replace("x + x)", "x)"), PROBE, "The reference notebook got 0 of 2 for double"),
        (JUDGE, PROBE.replace('names["triple"](', "3.0 * ("), "The empty notebook got 1 of 1"),
    ],
)
def test_the_canary_stops_a_broken_kit(tiny, tmp_path, judge, probe, message):
    (tiny.folder / "judge.py").write_text(judge)
    (tiny.folder / "probe.py").write_text(probe)
    hand_in(tmp_path / "in", "ada", tiny.master)
    with pytest.raises(SystemExit, match=message):
        grade.main([str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert list((tmp_path / "out").rglob("*.json")) == []


# Leaks


def test_a_planted_solution_is_found(tiny, tmp_path):
    real = tasks.Assignment(ROOT / "exercises" / "03_gradient_penalty")
    wanted = leaks.needles([tiny, real])
    solution = next(
        text for where, text, _ in leaks.secret(real) if where == "the solution of slopes"
    )
    rubric = (tiny.folder / "rubric.md").read_text()
    indented = textwrap.indent(textwrap.dedent(solution), "\t")
    page = new_notebook(cells=[new_code_cell("pass", metadata={"hint": solution})])
    plants = {
        "notes.md": f"text\n```python\n{indented}\n```\n",
        "chapter.ipynb": nbformat.writes(page),
        "page.html": f"<p>{ANSWER.replace('sum', '<b>sum</b>')}</p>",
        "lib.py": PROBE,
        "feedback.html": rubric,
    }
    place = tmp_path / "public"
    place.mkdir()
    for name, text in plants.items():
        (place / name).write_text(text)
        assert leaks.check(place, wanted) != [], name
        (place / name).unlink()
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        archive.writestr("b/c.py", solution)
    assert leaks.check(place, wanted)[0].startswith("a.zip/b/c.py gives away 03_gradient")
    (place / "a.zip").unlink()
    nbformat.write(submissions.emptied(real.master), place / "student.ipynb")
    assert leaks.check(place, wanted) == []
    (place / "judge.py").touch()
    assert leaks.check(place, wanted) == ["judge.py is a file of the instructors"]


def test_what_is_public_gives_nothing_away():
    wanted = leaks.needles(tasks.assignments())
    assert len(wanted) > 100
    for folder in ("chapters", "gpat_lib", "data"):
        assert leaks.check(ROOT / folder, wanted) == []


@pytest.mark.rendered
def test_rendered_pages_give_nothing_away():
    assert leaks.check(ROOT / "_build" / "html", leaks.needles(tasks.assignments())) == []
