"""Where a figure comes from: command, seed, versions and time, the same in every results file."""

import datetime
import json
import os
import platform
import shlex
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "data" / "checkpoints"
RESULTS = ROOT / "data" / "results"


class Clock:
    """Starts when it is made; ``card`` says what ran and for how long."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    @property
    def minutes(self) -> float:
        """Minutes since the start."""
        return (time.monotonic() - self.start) / 60

    def card(self, seed: int, minutes_before: float = 0.0) -> dict[str, Any]:
        """Command, seed, minutes, cores, date and versions of this run."""
        import keras
        import numpy as np
        import tensorflow as tf

        script = Path(sys.argv[0]).resolve().relative_to(ROOT)
        return {
            "command": shlex.join(["python", str(script), *sys.argv[1:]]),
            "seed": seed,
            "minutes": round(minutes_before + self.minutes, 1),
            "cores": os.cpu_count(),
            "date": datetime.date.today().isoformat(),
            "versions": {
                "python": platform.python_version(),
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
        }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a results file whole, or leave the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}")
    fresh.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def as_asked(found: Any, asked: Any, each: str) -> dict[str, Any]:
    """For a results file: the share found as asked, its 95 % interval, and it for each label."""
    import numpy as np

    from gpat_lib import metrics

    right = found == asked
    share = metrics.proportion_interval(int(right.sum()), len(right))
    return {
        **dict(zip(("share", "low", "high"), np.round(share, 4).tolist(), strict=True)),
        f"by_{each}": [round(float(right[asked == y].mean()), 3) for y in np.unique(asked)],
    }


def keep_settings(runs: Path, settings: dict[str, Any]) -> None:
    """Note a study's settings beside its finished runs; exit if those there had others."""
    path = runs / "settings.json"
    if not runs.exists():
        write(path, settings)
    if json.loads(path.read_text()) != json.loads(json.dumps(settings)):
        sys.exit(f"{runs} holds runs of other settings; move it away to start anew")
