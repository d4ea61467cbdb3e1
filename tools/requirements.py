"""Print what extras of pyproject.toml require; `library` stands for what the library requires.

`pip install .[book]` would bring TensorFlow along; rendering stored outputs does not need it. Nor
is the library itself installed: whoever uses it here has it beside them; in Colab it is cloned.
Standard library only, because it runs before anything is installed.
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main(arguments: list[str]) -> int:
    """Print the requirements, one a line."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    known = {"library": project["dependencies"], **project["optional-dependencies"]}
    if not arguments or not set(arguments) <= set(known):
        print(f"expected some of {sorted(known)}, got {arguments}", file=sys.stderr)
        return 2
    print("\n".join(line for name in arguments for line in known[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
