"""Run what CI runs, cheapest first; stop at the first part that fails; print each part's time.

`python -m tools.check` runs all parts, `python -m tools.check lint tests` those named.
"""

import shutil
import subprocess
import sys
import time

from tools.notebooks import ROOT

PYTHON = [sys.executable, "-m"]
PARTS: dict[str, list[list[str]]] = {
    "lint": [
        [*PYTHON, "ruff", "check", "."],
        [*PYTHON, "ruff", "format", "--check", "."],
        [*PYTHON, "mypy"],
    ],
    "tests": [[*PYTHON, "pytest", "--durations=5", "-m", "not rendered"]],
    "smoke": [[*PYTHON, "tools.execute", "--tier", "smoke"]],
    # Pictures are not compared byte by byte, their `<Figure ...>` lines are.
    "outputs": [
        [
            *PYTHON,
            "pytest",
            "--nbval",
            "--nbval-current-env",
            "--nbval-cell-timeout=600",
            "chapters",
        ]
    ],
    "book": [["make", "book"], ["make", "pdf"]],
    "pages": [[*PYTHON, "pytest", "-m", "rendered"]],
}


def main(names: list[str]) -> int:
    """Run the named parts, all of them by default."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"expected parts among {list(PARTS)}, got {unknown}", file=sys.stderr)
        return 2
    times = {}
    failed = None
    for name in names or PARTS:
        print(f"\n=== {name} ===", flush=True)
        if name == "book":
            shutil.rmtree(ROOT / "_build", ignore_errors=True)  # a page read before warns no more
        start = time.perf_counter()
        # `all` stops at a part's first command that fails.
        passed = all(subprocess.run(command, cwd=ROOT).returncode == 0 for command in PARTS[name])
        times[name] = time.perf_counter() - start
        if not passed:
            failed = name
            break
    print()
    for name, seconds in times.items():
        print(f"{name:<10}{seconds:>7.0f} s  {'FAILED' if name == failed else 'ok'}")
    print(f"{'together':<10}{sum(times.values()):>7.0f} s")
    return 0 if failed is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
