"""A stand-in for Colab: an empty folder, `google.colab` loaded, and the course at its address.

What a student does there is done here: a chapter is opened alone, its set-up cell clones the course
by git from the public address, which leads to a copy of this tree, and the rest follows.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from tools import set_repository, tracked

STARTUP = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
GIT = ["git", "-c", "user.name=course", "-c", "user.email=course@example.org"]


def versions() -> dict[str, str]:
    """Return the installed packages and their versions."""
    return {found.metadata["Name"]: found.version for found in distributions()}


def commit(folder: Path) -> None:
    """Make a repository of what git tracks, or would track, of this tree as it is now."""
    tracked.copy(tracked.files(), folder)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "course"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True)


@contextlib.contextmanager
def session() -> Iterator[Path]:
    """Give a folder in which each chapter finds itself in Colab, without a GPU.

    Raises:
        RuntimeError: At the end, if a package's version is not what it was at the start.
    """
    before, environment = versions(), dict(os.environ)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        startup = folder / "ipython" / "profile_default" / "startup"
        for made in (startup, folder / "course", folder / "content"):
            made.mkdir(parents=True)
        (startup / "colab.py").write_text(STARTUP)
        commit(folder / "course")
        os.environ.update(
            IPYTHONDIR=str(folder / "ipython"),
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=f"url.{(folder / 'course').as_uri()}.insteadOf",
            GIT_CONFIG_VALUE_0=set_repository.current(),
        )
        os.environ.pop("PYTHONPATH", None)
        try:
            yield folder / "content"
        finally:
            os.environ.clear()
            os.environ.update(environment)
    changed = set(before.items()) ^ set(versions().items())
    if changed:
        raise RuntimeError(f"a chapter changed what is installed: {sorted(changed)}")
