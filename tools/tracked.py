"""The files of this tree, as git knows them."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def files(root: Path = ROOT, untracked: bool = True) -> list[str]:
    """Return the names of the files that git tracks, or also those it would, and that are there."""
    more = ["--cached", "--others", "--exclude-standard"] if untracked else []
    command = ["git", "ls-files", "-z", *more]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    # One may be deleted but not yet committed; a submodule is a folder.
    return sorted(name for name in names.split("\0") if name and (root / name).is_file())


def copy(names: Iterable[str], folder: Path) -> None:
    """Copy files of this tree to the same places in a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
