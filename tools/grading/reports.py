"""What is made of the results: CSV for Canvas and Moodle, feedback, a summary, a list of problems.

Canvas finds a student by SIS Login ID and an assignment by its column; Moodle asks on import which
column is the username, and wants grade and feedback together. nbgrader's exporter writes neither,
and its feedback shows the test cells; so these few lines are ours.

Points given by hand are read from manual.csv, where free-text answers are listed. The file is the
instructor's: rows are added for answers that are new, none is ever changed. Where an answer
was handed in again in other words, the points stay, and problems.csv says so.
"""

import csv
import html
import io
import json
import re
import statistics
from pathlib import Path
from typing import Any

from tools.execute import replace
from tools.grading.tasks import Assignment

WORD = re.compile(r"\w+")  # spreadsheets change quotes and line ends
MANUAL = ["student", "assignment", "task", "answer", "of", "points", "remark"]
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 45em; margin: 2em auto; padding: 0 1em;
color-scheme: light dark }} td, th {{ padding: .3em .8em; text-align: left; vertical-align: top }}
</style>
<h1>{title}</h1>
{body}
</html>
"""

Records = dict[str, dict[str, Any]]  # student -> record
Hand = dict[tuple[str, str, str], dict[str, str]]


def read(out: Path, assignment: Assignment) -> Records:
    """All results of an assignment."""
    paths = sorted((out / "results" / assignment.name).glob("*.json"))
    return {r["student"]: r for r in (json.loads(p.read_text(encoding="utf-8")) for p in paths)}


def table(rows: list[list[Any]]) -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula is quoted."""
    stream = io.StringIO()
    for row in rows:
        safe = [f"'{v}" if isinstance(v, str) and v[:1] in {*"=+-@"} else v for v in row]
        csv.writer(stream, lineterminator="\n").writerow(safe)
    return stream.getvalue()


def by_hand(out: Path, results: dict[str, Records], known: dict[str, Assignment]) -> Hand:
    """The points given by hand; rows are added for what is not listed yet."""
    path = out / "manual.csv"
    hand: Hand = {}
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                hand[row["student"], row["assignment"], row["task"]] = row
    new = [
        [student, name, task, record["answers"].get(task, ""), of, "", ""]
        for name, records in results.items()
        for student, record in records.items()
        for task, of in known[name].manual.items()
        if (student, name, task) not in hand
    ]
    if new or not path.exists():
        old = path.read_text(encoding="utf-8") if path.exists() else table([MANUAL])
        replace(path, old + ("" if old.endswith("\n") else "\n") + table(new))
    return hand


def manual_points(hand: Hand, student: str, assignment: Assignment) -> dict[str, float | None]:
    """Points by hand of each free-text task, None where there are none yet."""
    points: dict[str, float | None] = {}
    for task, of in assignment.manual.items():
        given = hand.get((student, assignment.name, task), {}).get("points") or ""
        try:
            points[task] = min(max(float(given.replace(",", ".")), 0.0), of) if given else None
        except ValueError:
            raise SystemExit(
                f"manual.csv: points of {student}, {assignment.name}, {task}: "
                f"expected a number, got {given!r}"
            ) from None
    return points


def write(out: Path, known: list[Assignment], strays: list[tuple[str, str]]) -> None:
    """Write all reports of all results; strays are files that belong to no submission."""
    named = {a.name: a for a in known}
    results = {a.name: records for a in known if (records := read(out, a))}
    hand = by_hand(out, results, named)
    students = sorted({student for records in results.values() for student in records})
    canvas: list[list[Any]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *results]
    ]
    canvas.append(["Points Possible", "", "", "", "", *(named[name].points for name in results)])
    heads = [text for name in results for text in (name, f"{name} feedback")]
    moodle: list[list[Any]] = [["username", *heads]]
    problems: list[list[Any]] = [["student", "assignment", "problem"]]
    problems += [[student, "", problem] for student, problem in strays]
    for student in students:
        grades: list[Any] = []
        remarks: list[Any] = []
        for name, records in results.items():
            record = records.get(student)
            if record is None:
                grades.append("")
                remarks += ["", ""]
                continue
            given = manual_points(hand, student, named[name])
            tests = sum(row["points"] for row in record["tasks"].values())
            grades.append(round(tests + sum(p or 0 for p in given.values()), 2))
            waiting = sum(p is None for p in given.values())
            said = f"{tests:g} of {sum(t.points for t in named[name].tasks.values()):g} by tests"
            remarks += [grades[-1], said + (f"; {waiting} answers not marked yet" * bool(waiting))]
            problems += [[student, name, problem] for problem in record["problems"]]
            for task, answer in record["answers"].items():
                listed = hand.get((student, name, task), {}).get("answer", answer) or ""
                if WORD.findall(listed) != WORD.findall(answer):
                    said = f"{task}: the answer is no longer the one in manual.csv"
                    problems.append([student, name, said])
            page = feedback(named[name], record, given, hand)
            path = out / "feedback" / student / f"{name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, page)
        canvas.append(["", "", "", student, "", *grades])
        moodle.append([student, *remarks])
    replace(out / "grades.csv", table(canvas))
    replace(out / "moodle.csv", table(moodle))
    replace(out / "problems.csv", table(problems))
    replace(out / "summary.md", summary(results, named, hand))


def feedback(
    assignment: Assignment, record: dict[str, Any], given: dict[str, float | None], hand: Hand
) -> str:
    """A student's page: points, what was wrong in words, errors of the student's own cells."""

    def line(*texts: Any) -> str:
        return "<tr>" + "".join(f"<td>{html.escape(str(t))}</td>" for t in texts) + "</tr>"

    rows = ["<table><tr><th>task</th><th>points</th><th>of</th><th>what was wrong</th></tr>"]
    for task, row in record["tasks"].items():
        rows.append(line(task, f"{row['points']:g}", f"{row['of']:g}", " ".join(row["said"])))
    for task, points in given.items():
        remark = hand.get((record["student"], assignment.name, task), {}).get("remark") or ""
        mark = "to come" if points is None else f"{points:g}"
        rows.append(line(task, mark, f"{assignment.manual[task]:g}", remark))
    marks = [row["points"] for row in record["tasks"].values()]
    marks += [points for points in given.values() if points is not None]
    rows.append(line("together", f"{sum(marks):g}", f"{assignment.points:g}", ""))
    rows.append("</table>")
    for heading, lines in (
        ("Notes", record["problems"]),
        (
            "Errors when your notebook ran",
            [f"{e['cell']}, line {e['line']}: {e['type']}: {e['text']}" for e in record["errors"]],
        ),
    ):
        if lines:
            items = "".join(f"<li>{html.escape(text)}</li>" for text in lines)
            rows.append(f"<h2>{heading}</h2><ul>{items}</ul>")
    title = html.escape(f"{assignment.name}: {record['student']}")
    return PAGE.format(title=title, body="\n".join(rows))


def summary(results: dict[str, Records], named: dict[str, Assignment], hand: Hand) -> str:
    """Points of each task over the class."""
    lines = ["# Summary"]
    for name, records in results.items():
        lines += ["", f"## {name}: {len(records)} students", ""]
        lines += ["| task | of | mean | full marks | none |", "| --- | --- | --- | --- | --- |"]
        columns = {
            task: [r["tasks"].get(task, {}).get("points", 0.0) for r in records.values()]
            for task in named[name].tasks
        }
        of = {task: t.points for task, t in named[name].tasks.items()} | named[name].manual
        for task in named[name].manual:
            points = [manual_points(hand, s, named[name])[task] for s in records]
            columns[f"{task}"] = [p for p in points if p is not None]
        for task, column in columns.items():
            if not column:
                lines.append(f"| {task} | {of[task]:g} | not marked yet | | |")
                continue
            full = sum(p >= of[task] for p in column) / len(column)
            none = sum(p == 0 for p in column) / len(column)
            mean = statistics.fmean(column)
            lines.append(f"| {task} | {of[task]:g} | {mean:.2f} | {full:.0%} | {none:.0%} |")
        count = sum(bool(r["problems"]) for r in records.values())
        lines += ["", f"Submissions with a problem: {count}; problems.csv names them."]
    return "\n".join(lines) + "\n"
