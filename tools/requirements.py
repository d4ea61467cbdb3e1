"""Print the requirements of one extra of pyproject.toml, without those of the package itself.

`pip install .[book]` would bring TensorFlow along; rendering stored outputs does not need it.
Standard library only, because it runs before anything is installed.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main(arguments: list[str]) -> int:
    """Print the extra's requirements, one a line."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    if len(arguments) != 1 or arguments[0] not in extras:
        print(f"expected one extra of {sorted(extras)}, got {arguments}", file=sys.stderr)
        return 2
    print("\n".join(extras[arguments[0]]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
