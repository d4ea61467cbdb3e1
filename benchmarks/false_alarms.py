"""How often a right solution loses a point, over 100 seeds; and what each wrong one loses.

python benchmarks/false_alarms.py        all assignments
python benchmarks/false_alarms.py 03     those that start with 03; the others' results are kept
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from tools.grading import trials
from tools.grading.tasks import assignments

SEEDS, STUDENTS = 100, 10
TABLE = provenance.RESULTS / "false_alarms.json"


def main(prefix: str) -> None:
    """Try every right solution with every seed."""
    known = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    for assignment in assignments(prefix):
        clock = provenance.Clock()
        right = assignment.module("solutions").RIGHT
        alarms = []
        for student in (f"student {number}" for number in range(STUDENTS)):
            base = trials.reference(assignment, student)
            for task, sources in right.items():
                for name, source in sources.items():
                    names = trials.with_solutions(assignment, {task: source}, base)
                    for seed in range(SEEDS // STUDENTS):
                        drawn = 1000 * seed + int(student.split()[1])
                        lost = trials.lost(assignment, task, names, drawn, student)
                        alarms += [[task, name, student, drawn, said] for said in lost]
        known[assignment.name] = {
            "card": clock.card(0),
            "seeds": SEEDS,
            "students": STUDENTS,
            "solutions": {task: len(sources) for task, sources in right.items()},
            "alarms": alarms,
            "mutants": trials.mutants(assignment, "ada", 1),
        }
        print(assignment.name, len(alarms), "alarms", flush=True)
        provenance.write(TABLE, known)


if __name__ == "__main__":
    main("".join(sys.argv[1:2]))
