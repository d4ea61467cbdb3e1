"""Grade a folder of submissions: `make grade SUBMISSIONS=folder`.

First a canary: the reference must get full marks and an empty notebook none, or nothing is graded.
Then each submission runs in the sandbox, two at a time; what its code answered is judged here.
Each result is a file of its own, written whole, and kept while neither the submission nor the
assignment changed: a run that was cut short goes on where it was, and one student can be graded
anew alone.

Why not nbgrader's autograder: it runs student code with the grader's rights beside the gradebook,
compares inside the student's process, and gives everyone zero when a package is missing.
"""

import argparse
import copy as copies
import hashlib
import json
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tools.execute import replace
from tools.grading import reports, sandbox, submissions
from tools.grading.submissions import Prepared, Submission
from tools.grading.tasks import Assignment, assignments, judged

AT_ONCE = 2


def marked(
    assignment: Assignment, prepared: Prepared, result: sandbox.Result, student: str, seed: int
) -> dict[str, Any]:
    """Points of each task, with what is said to the student."""
    tasks = {}
    for name, task in assignment.tasks.items():
        missing = submissions.asked_names(assignment, name) - result.names
        if name in result.answers and not result.stopped:
            checks = judged(task, result.answers[name], seed, student)
            points = sum(check.points for check in checks if check.passed)
            said = [check.said for check in checks if not check.passed]
        else:
            points, said = 0.0, [f"Your code raised {result.failed.get(name, 'an error')} here."]
            if result.stopped:
                said = [result.stopped]
            elif missing:
                said = [f"Not defined after your notebook ran: {', '.join(sorted(missing))}."]
            elif result.failed.get(name) == "NotImplementedError":
                said = ["This task was not done."]
            elif result.failed.get(name) == "TimeoutError":
                said = ["Your code took too long."]
        tasks[name] = {"points": points, "of": task.points, "said": said}
    errors = [
        {"cell": label, **error}
        for label, error in zip(prepared.labels, result.cells, strict=False)
        if error is not None
    ]
    return {"tasks": tasks, "errors": errors, "answers": prepared.answers}


class Batch:
    """All submissions of one assignment, and where their results are kept."""

    def __init__(self, assignment: Assignment, out: Path, unsafe: bool = False) -> None:
        self.assignment, self.unsafe, self.limits = assignment, unsafe, sandbox.Limits()
        self.folder = out / "results" / assignment.name
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / ".seed"  # of this batch; what is asked can be asked again
        if not secret.exists():
            replace(secret, str(secrets.randbits(60)))
        self.secret = secret.read_text()
        self.probe = (assignment.folder / "probe.py").read_text(encoding="utf-8")

    def seed(self, student: str) -> int:
        """The secret seed of a student's probes."""
        key = f"{self.secret}/{student}".encode()
        return int.from_bytes(hashlib.sha256(key).digest()[:4]) // 2

    def path(self, student: str) -> Path:
        """The file of a student's result."""
        return self.folder / f"{student}.json"

    def digest(self, submission: Submission) -> str:
        """What a result depends on."""
        files = sorted(self.assignment.folder.iterdir())
        if submission.path is not None and not submission.path.is_symlink():
            files.append(submission.path)
        total = hashlib.sha256(repr((submission.problems, self.secret)).encode())
        for path in files:
            if path.is_file() and path.stat().st_size <= submissions.LARGEST:
                total.update(path.read_bytes())
        return total.hexdigest()

    def run(self, prepared: Prepared, student: str, copy: Path, beside: Path | None = None) -> Any:
        """Run a prepared submission in the sandbox, with the files handed in beside it."""
        files = []
        if beside is not None and beside.parent.is_dir():
            files = [p for p in sorted(beside.parent.iterdir()) if p != beside]
            files = [p for p in files if p.is_file() and not p.is_symlink()][:50]
        return sandbox.run(
            prepared.cells,
            self.probe,
            self.seed(student),
            copy,
            files,
            self.limits,
            self.unsafe,
        )

    def canary(self, copy: Path) -> None:
        """Stop unless the reference gets full marks and an empty notebook none."""
        empty = submissions.emptied(copies.deepcopy(self.assignment.master))
        for name, notebook, full in (
            ("reference", self.assignment.master, True),
            ("empty", empty, False),
        ):
            prepared = submissions.prepared(self.assignment, notebook, "canary")
            result = self.run(prepared, "canary", copy)
            record = marked(self.assignment, prepared, result, "canary", self.seed("canary"))
            for task, row in record["tasks"].items():
                if row["points"] != (row["of"] if full else 0):
                    errors = [f"{e['cell']}: {e['type']}: {e['text']}" for e in record["errors"]]
                    raise SystemExit(
                        f"{self.assignment.name}: nothing was graded, the canary failed. "
                        f"The {name} notebook got {row['points']:g} of {row['of']:g} for {task}: "
                        + " ".join([*row["said"], *errors[: 3 if full else 0]])
                    )

    def grade(self, submission: Submission, copy: Path, single: bool) -> dict[str, Any]:
        """Run one submission; judging is left to the main thread."""
        start = time.monotonic()
        prepared, result, problems = Prepared(), sandbox.Result(), list(submission.problems)
        try:
            prepared = submissions.prepare(submission)
        except Exception as error:  # a file may be broken in more ways than one thinks of
            known = isinstance(error, ValueError)
            reason = str(error) if known else f"unreadable ({type(error).__name__})"
            result.stopped = f"Not graded: {reason}."
            problems += [reason] * (reason not in problems)
        else:
            problems += prepared.problems
            beside = None if single else submission.path
            result = self.run(prepared, submission.student, copy, beside)
            problems += [result.stopped] * bool(result.stopped)
        seconds = round(time.monotonic() - start, 1)
        return {"problems": problems, "seconds": seconds, "ran": (prepared, result)}

    def all(self, found: list[Submission], top: Path, only: str = "") -> int:
        """Grade what has no result yet; return how many were graded."""
        todo = []
        for one in found:
            path, digest = self.path(one.student), self.digest(one)
            kept = json.loads(path.read_text()) if path.exists() else {}
            if only == one.student or (not only and kept.get("digest") != digest):
                todo.append((one, digest))
        if not todo:
            return 0
        with sandbox.library(self.assignment.scratch) as copy, ThreadPoolExecutor(AT_ONCE) as pool:
            self.canary(copy)
            running = {
                pool.submit(self.grade, one, copy, one.path is None or one.path.parent == top): (
                    one,
                    digest,
                )
                for one, digest in todo
            }
            for number, done in enumerate(as_completed(running), start=1):
                one, digest = running[done]
                record = done.result()
                prepared, result = record.pop("ran")
                seed = self.seed(one.student)
                record |= marked(self.assignment, prepared, result, one.student, seed)
                record |= {"student": one.student, "digest": digest}
                replace(self.path(one.student), json.dumps(record, indent=1) + "\n")
                got = sum(row["points"] for row in record["tasks"].values())
                print(f"{number:>4} of {len(todo)}  {self.assignment.name}  {got:>5.1f}  ", end="")
                print(one.student, *record["problems"][:1], sep="  ", flush=True)
        return len(todo)


def main(arguments: list[str] | None = None) -> int:
    """Grade, then write what instructors and students read."""
    parser = argparse.ArgumentParser(prog="tools.grading.grade")
    parser.add_argument(
        "folder", type=Path, help="STUDENT/NN_name.ipynb, or as platforms name them"
    )
    parser.add_argument("--assignment", default="", help="the start of a name, such as 03")
    parser.add_argument("--student", default="", help="grade this one anew, and nobody else")
    parser.add_argument("--out", type=Path, default=Path("grading"))
    parser.add_argument(
        "--unsafe", action="store_true", help="without a sandbox: your own code only"
    )
    options = parser.parse_args(arguments)
    known = assignments(options.assignment)
    if not known:
        parser.error(f"no assignment starts with {options.assignment!r}")
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    if not options.unsafe and not sandbox.available():
        print(sandbox.MISSING, file=sys.stderr)
        return 1
    found, strays = submissions.find(options.folder, known)
    if options.student and options.student not in {one.student for one in found}:
        parser.error(f"no submission of {options.student!r} in {options.folder}")
    start, graded = time.monotonic(), 0
    for assignment in known:
        theirs = [one for one in found if one.assignment is assignment]
        if theirs:
            batch = Batch(assignment, options.out, options.unsafe)
            graded += batch.all(theirs, options.folder, options.student)
    reports.write(options.out, assignments(), strays)
    minutes = (time.monotonic() - start) / 60
    print(f"{graded} graded in {minutes:.1f} minutes, {len(found) - graded} kept. {options.out}:")
    print("  grades.csv (Canvas), moodle.csv, summary.md, problems.csv, manual.csv, feedback/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
