"""Write the tree that readers get: `make public DEST=folder`.

It holds what git tracks, without the graded assignments' sources and what grades them, and with
the students' versions. It is written beside its place, searched for leaks, and only then put there.
"""

import argparse
import shutil
import sys
from pathlib import Path

from tools import tracked
from tools.grading import leaks
from tools.grading.tasks import assignments

ROOT = tracked.ROOT
PRIVATE = (
    "exercises/",
    "tools/grading/",
    "tests/test_exercises.py",
    "tests/test_grading.py",
    "benchmarks/false_alarms.py",
    "benchmarks/grade_class.py",
    "data/results/false_alarms.json",
    "data/results/grading_class.json",
)


def main(arguments: list[str] | None = None) -> int:
    """Write the public tree; a leak, or a place that is not empty, stops it."""
    parser = argparse.ArgumentParser(prog="tools.grading.public")
    parser.add_argument("dest", type=Path)
    parser.add_argument("--assignments", type=Path, default=ROOT / "assignments")
    options = parser.parse_args(arguments)
    dest: Path = options.dest.resolve()
    if dest.exists() and any(dest.iterdir()):
        parser.error(f"DEST must be new or empty: {dest}")
    fresh = dest.with_name(f".{dest.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    tracked.copy((n for n in tracked.files(untracked=False) if not n.startswith(PRIVATE)), fresh)
    shutil.copytree(options.assignments, fresh / "assignments")
    ignore = fresh / ".gitignore"
    ignore.write_text(ignore.read_text(encoding="utf-8").replace("/assignments/\n", ""))
    problems = leaks.check(fresh, leaks.needles(assignments()))
    if problems:
        print(*problems, "Nothing was published.", sep="\n", file=sys.stderr)
        shutil.rmtree(fresh)
        return 1
    if dest.exists():
        dest.rmdir()
    fresh.rename(dest)
    print(f"The public tree is in {dest}; no solution, hidden test or rubric was found in it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
