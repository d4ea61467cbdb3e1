"""Student code is untrusted: here it runs in bubblewrap, and only plain data comes back.

Inside there is no network, nothing but the system's libraries, the interpreter, the course's
library and data, and the files handed in, all read-only; an unprivileged user; and bounds on time,
memory, processes, files and what is said. Limits that a process sets for itself hold per process;
what all of them use together is watched from here.
"""

import base64
import builtins
import contextlib
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tools.notebooks import ROOT

MIB = 1024**2
ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type)}
ERRORS |= {"InvalidArgumentError", "ResourceExhaustedError", "UnimplementedError"}  # TensorFlow's
NOBODY = 65534
# Where root grades, each run gets a user of its own: the limit on processes counts by user.
USERS = itertools.cycle(range(65000, 65500))
RUNNER = Path(__file__).with_name("runner.py")
ASKING = RUNNER.with_name("asking.py")
COURSE = Path("/course")  # what the sandbox calls the repository
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
MISSING = """\
Student code may not run unprotected, and bubblewrap is missing or may not make name spaces here.
Install it (Debian, Ubuntu: apt-get install bubblewrap), or run this command in a container
that has it: docker run --privileged -v "$PWD":/course -w /course debian:stable ...
With UNSAFE=1 the code runs with your own rights: only for notebooks that you wrote yourself."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run; bytes and seconds."""

    seconds: int = 300  # on the clock, altogether
    cpu: int = 240  # of each process
    cell: int = 40  # of the processor, for each cell and probe
    memory: int = 4096 * MIB
    processes: int = 160  # threads count
    disk: int = 64 * MIB
    said: int = 16 * MIB


@dataclass
class Result:
    """What came back from the sandbox, checked: types are as said, contents are the student's."""

    cells: list[dict[str, Any] | None] = field(default_factory=list)  # type, text, line
    names: set[str] = field(default_factory=set)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # task -> type of the error
    stopped: str = ""  # why it did not come to its end


class Stopped(Exception):
    """A run went over a bound, or broke off; the message says it to the student."""


def available() -> bool:
    """Whether bubblewrap works here."""
    if shutil.which("bwrap") is None:
        return False
    return subprocess.run([*_walls(Limits()), "true"], capture_output=True).returncode == 0


@contextlib.contextmanager
def library(forbidden: Sequence[str]) -> Iterator[Path]:
    """A copy of gpat_lib in which the forbidden modules raise on use."""
    with tempfile.TemporaryDirectory(prefix="gpat-library-") as folder:
        copy = Path(folder) / "gpat_lib"
        shutil.copytree(ROOT / "gpat_lib", copy, ignore=shutil.ignore_patterns("__pycache__"))
        for module in forbidden:
            stub = (
                "def __getattr__(name):\n"
                '    if name.startswith("__"):\n        raise AttributeError(name)\n'
                f'    raise ImportError("{module} may not be used in this assignment")\n'
            )
            (Path(folder) / f"{module.replace('.', '/')}.py").write_text(stub)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield copy


def _walls(limits: Limits) -> list[str]:
    """Bubblewrap's call with what every run has: a bare system, read-only."""
    if os.getuid() == 0:  # no user name space: the runner steps down to a user without rights
        user = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        user += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        user = ["--unshare-all", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    walls = ["bwrap", *user, "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    walls += ["--clearenv", *(w for pair in ENVIRONMENT.items() for w in ("--setenv", *pair))]
    for place in ("/usr", "/lib", "/lib64", "/bin"):
        if Path(place).is_symlink():
            walls += ["--symlink", os.readlink(place), place]
        elif Path(place).exists():
            walls += ["--ro-bind", place, place]
    for place in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime"):
        walls += ["--ro-bind-try", place, place]
    walls += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/dev/shm"):
        walls += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", place]
    return walls


def command(copy: Path, files: Sequence[Path], limits: Limits) -> list[str]:
    """The whole call: the walls, the interpreter, the library, and the files handed in."""
    here = Path(sys.prefix).resolve()
    walls = _walls(limits)
    places = {here, Path(sys.base_prefix).resolve(), Path(sysconfig.get_path("stdlib")).resolve()}
    for place in sorted(places):
        if not place.is_relative_to("/usr"):
            for parent in reversed(place.parents[:-1]):  # made readable; root's are not by default
                walls += ["--perms", "0755", "--dir", str(parent)]
            walls += ["--ro-bind", str(place), str(place)]
    walls += ["--perms", "0755", "--dir", str(COURSE)]
    work = COURSE / "assignments"
    walls += ["--ro-bind", str(copy), str(COURSE / "gpat_lib")]
    walls += ["--perms", "0755", "--dir", str(COURSE / "data")]
    for place in sorted((ROOT / "data").iterdir()):
        if place.is_dir() and place.name != "results":  # what was measured on the tests is there
            walls += ["--ro-bind", str(place), str(COURSE / "data" / place.name)]
    walls += ["--ro-bind", str(RUNNER), str(COURSE / "runner.py")]
    walls += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", str(work)]
    for path in files:
        walls += ["--ro-bind", str(path), str(work / path.name)]
    walls += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(work)]
    walls += ["--setenv", "PYTHONPATH", str(COURSE)]
    return [*walls, str(here / "bin" / "python"), "-u", str(COURSE / "runner.py")]


def run(
    cells: Sequence[str],
    probe: str,
    seed: int,
    copy: Path,
    files: Sequence[Path] = (),
    limits: Limits = Limits(),
    unsafe: bool = False,
) -> Result:
    """Run cells, then probes.

    Args:
        cells: Sources, in order.
        probe: The probes' source; it goes in after the cells have reported.
        seed: What the probes draw their inputs from.
        copy: The library's copy.
        files: What else the student handed in; visible, not writable.
        limits: Bounds.
        unsafe: Run without walls, with the rights of whoever grades.
    """
    result = Result()
    env = None
    call = command(copy, files, limits)
    with tempfile.TemporaryDirectory(prefix="gpat-work-") as work:
        if unsafe:
            call = [sys.executable, "-u", str(RUNNER)]
            env = {**os.environ, **ENVIRONMENT, "HOME": work, "PYTHONPATH": str(copy.parent)}
        process = subprocess.Popen(
            call,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=work,
            env=env,
            start_new_session=True,
        )
        pipe = _Pipe(process, limits)
        try:
            user = -1 if unsafe else next(USERS)
            pipe.send({"cells": list(cells), "limits": {**asdict(limits), "uid": user}})
            _read_cells(result, pipe.receive(), len(cells))
            asking = ASKING.read_text(encoding="utf-8")
            pipe.send({"asking": asking, "probe": probe, "seed": seed})
            _read_answers(result, pipe.receive())
        except Stopped as error:
            result.stopped = str(error)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.communicate()
    return result


class _Pipe:
    """Blocks to and from a run, within its bounds."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.process, self.limits = process, limits
        self.end = time.monotonic() + limits.seconds
        self.left = limits.said

    def send(self, content: Any) -> None:
        """Write a block; whoever does not read it is not waited for."""
        block = json.dumps(content).encode()
        stream = self.process.stdin
        assert stream is not None

        def write() -> None:
            with contextlib.suppress(OSError, ValueError):
                stream.write(len(block).to_bytes(8) + block)
                stream.flush()

        threading.Thread(target=write, daemon=True).start()

    def receive(self) -> Any:
        """Read a block."""
        size = int.from_bytes(self._bytes(8))
        try:
            return json.loads(self._bytes(size))
        except (ValueError, RecursionError) as error:
            raise Stopped("What came back could not be read.") from error

    def _bytes(self, size: int) -> bytes:
        if size > self.left:
            raise Stopped("It gave out more than is allowed.")
        self.left -= size
        stream = self.process.stdout
        assert stream is not None
        read = bytearray()
        while len(read) < size:
            if time.monotonic() > self.end:
                raise Stopped(f"It was stopped after {self.limits.seconds} seconds.")
            if memory(self.process.pid) > self.limits.memory:
                raise Stopped(f"It used more than {self.limits.memory // MIB} MiB of memory.")
            if select.select([stream], [], [], 0.3)[0]:
                part = os.read(stream.fileno(), size - len(read))
                if not part:
                    raise Stopped("It ended Python, or was ended for going over a limit.")
                read += part
        return bytes(read)


def memory(pid: int) -> int:
    """Bytes that a process and all below it hold."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, AttributeError):
                number = int(entry.name)
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[number] = int(stat[1])
                sizes[number] = int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
    total = 0
    for number, size in sizes.items():
        above: int | None = number
        while above is not None and above != pid:
            above = parents.get(above)
        total += size if above == pid else 0
    return total


def _read_cells(result: Result, report: Any, count: int) -> None:
    """Take the cells' report, if it is one."""
    try:
        for cell in report["cells"][:count]:
            line = cell["line"] if cell is not None and isinstance(cell["line"], int) else None
            result.cells.append(
                cell
                and {"type": str(cell["type"])[:60], "text": str(cell["text"])[:500], "line": line}
            )
        result.names = {str(name) for name in report["names"]}
    except (KeyError, TypeError) as error:
        raise Stopped("What came back could not be read.") from error


def _read_answers(result: Result, report: Any) -> None:
    """Take the answers, each either text or an array whose bytes fit its shape."""
    if not isinstance(report, dict):
        raise Stopped("What came back could not be read.")
    for task, answer in report.items():
        try:
            if isinstance(answer, str):  # types of a student's own could carry a message
                result.failed[task] = answer if answer in ERRORS else "an error"
            else:
                result.answers[task] = {key: _value(value) for key, value in answer.items()}
        except Exception:  # whatever it is, it is no answer
            result.failed[task] = "unreadable"


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value
    kind, shape, packed = value
    if not re.fullmatch(r"[<|>]?[biuf][1248]", kind):
        raise TypeError(kind)
    return np.frombuffer(base64.b64decode(packed), dtype=kind).reshape([int(n) for n in shape])
