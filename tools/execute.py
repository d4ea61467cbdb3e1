"""Run chapters by papermill; at the book tier, store their outputs.

A chapter runs into a temporary file, is checked and cleaned, and only then replaces the stored
one in a single step: a run that fails, or is interrupted, changes nothing. Every other tier runs
and throws the notebooks away. The smoke tier does what a student in Colab does (tools/colab.py),
with the solutions in the place of the exercises' answers; their checks must find them right, and
what else a solution shows must run.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillException

from tools import colab, notebooks, readme

STORED_TIER = "book"
MEMORY = 8  # GiB that a chapter may take: Colab has 12


class ChapterError(Exception):
    """A chapter did not run as it should; the message says where."""


def select(prefix: str) -> list[Path]:
    """Return the chapters whose names start with `prefix`, all for an empty one."""
    known = notebooks.chapters()
    chosen = [path for path in known if path.stem.startswith(prefix)]
    if not chosen:
        names = "\n  ".join(path.stem for path in known) or "(none)"
        raise SystemExit(
            f"CHAPTER: no chapter starts with {prefix!r}. The chapters are:\n  {names}"
        )
    return chosen


def run(path: Path, tier: str, timeout: int, place: Path | None) -> nbformat.NotebookNode:
    """Run one chapter at a tier and return the checked, cleaned notebook.

    It runs in its own folder, or, where a place is given, in a new folder there.
    """
    # The book tier injects nothing: an injected cell would be stored, and nbval would then
    # compare with a run that readers do not make. A test keeps its values equal to the defaults.
    parameters = {} if tier == STORED_TIER else notebooks.tiers()[tier].get(path.stem, {})
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / path.name
        source = path
        if tier == "smoke":
            source = Path(folder) / f"answered-{path.name}"
            nbformat.write(notebooks.answered(notebooks.read(path)), source)
        try:
            papermill.execute_notebook(
                source,
                output,
                parameters,
                kernel_name="python3",
                language="python",
                progress_bar={"desc": path.stem} if sys.stderr.isatty() else False,
                cwd=path.parent if place is None else tempfile.mkdtemp(dir=place),
                execution_timeout=timeout,
            )
        except (PapermillException, CellTimeoutError, DeadKernelError) as error:
            raise ChapterError(str(error).strip()) from error
        notebook = notebooks.read(output)
    problems = notebooks.run_problems(notebook, stored=tier == STORED_TIER)
    if tier == "smoke":
        problems += notebooks.unanswered(notebook)
    if problems:
        raise ChapterError("\n".join(problems))
    return notebooks.clean(notebook)


def replace(path: Path, text: str) -> None:
    """Write a file in one step: readers see the old text or the new one, never a part."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def record(stem: str, tier: str, seconds: float) -> None:
    """Note in data/results/chapters.json how a stored chapter was run."""
    runs = readme.recorded_runs()
    runs[stem] = {
        "tier": tier,
        "seconds": round(seconds, 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "cpu_threads": os.cpu_count(),
    }
    readme.RECORD.parent.mkdir(parents=True, exist_ok=True)
    replace(readme.RECORD, json.dumps(runs, indent=2, sort_keys=True) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen chapters and print a table of times."""
    parser = argparse.ArgumentParser(prog="tools.execute", description=__doc__)
    parser.add_argument("chapter", nargs="?", default="", help="the start of a name, such as 01")
    parser.add_argument("--tier", choices=sorted(notebooks.tiers()), default=STORED_TIER)
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take")
    options = parser.parse_args(arguments)
    if options.timeout <= 0:
        parser.error(f"--timeout: expected a number of seconds above 0, got {options.timeout}")

    rows = []
    paths = select(options.chapter)
    with colab.session() if options.tier == "smoke" else contextlib.nullcontext() as place:
        for path in paths:
            start = time.perf_counter()
            try:
                notebook = run(path, options.tier, options.timeout, place)
            except ChapterError as error:
                words = f"{path.stem} failed; the stored chapter is as it was."
                print(f"\n{words}\n{error}\n", flush=True)
                result = "FAILED"
            else:
                result = "ok"
            seconds = time.perf_counter() - start
            if result == "ok" and options.tier == STORED_TIER:
                replace(path, nbformat.writes(notebook) + "\n")
                record(path.stem, options.tier, seconds)
            rows.append((path.stem, seconds, result))

    if options.tier == STORED_TIER:
        readme.main()
    print(f"\n{'chapter (' + options.tier + ' tier)':<44}{'seconds':>8}  result")
    for stem, seconds, result in rows:
        print(f"{stem:<44}{seconds:>8.1f}  {result}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest
    print(f"most memory: {memory:.1f} GiB, of {MEMORY} allowed")
    return 0 if all(result == "ok" for _, _, result in rows) and memory <= MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
