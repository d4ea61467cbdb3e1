"""Downloads that can be trusted: resumed, checked by SHA-256, kept whole in a cache."""

import hashlib
import http.client
import os
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from gpat_lib import _checks

__all__ = ["Download", "fetch"]


@dataclass(frozen=True)
class Download:
    """A file on the internet, and how to know it.

    Attributes:
        file: Its place below the cache's folder.
        size: Number of bytes.
        sha256: SHA-256 of all its bytes, as 64 lower-case hexadecimal digits.
        mirrors: Addresses of folders, tried in turn; the file's own name is appended.
    """

    file: str
    size: int
    sha256: str
    mirrors: tuple[str, ...]


def fetch(file: Download, instead: str = "", timeout: float = 20.0, tries: int = 3) -> Path:
    """The path of a file in the cache, downloaded before if it is not there yet.

    The cache is the folder ``$GPAT_CACHE``, else ``~/.cache/gpat``. What has come is kept in a file
    ``.part`` beside the place, and the next try or call asks for the rest (HTTP Range). Only a
    whole file with the right SHA-256 gets the final name. A file that you put there yourself is
    checked in the same way. Progress goes to stderr.

    Args:
        file: What to fetch.
        instead: Closing words of the error message: what to use without the file.
        timeout: Seconds without a byte after which a connection is given up, > 0.
        tries: How often to go through the mirrors, ≥ 1.

    Returns:
        The path of the whole, checked file.

    Raises:
        OSError: If no mirror gives the file. The message names the file, each address with the
            reason, and where to put the file by hand.
        ValueError: If ``timeout`` or ``tries`` is out of range.
    """
    timeout = _checks.number("timeout", timeout, least=1e-3)
    tries = _checks.whole("tries", tries)
    path = Path(os.environ.get("GPAT_CACHE") or "~/.cache/gpat").expanduser() / file.file
    part = path.with_name(path.name + ".part")
    reasons = {}
    if path.exists():
        if (found := _sha256(path)) == file.sha256:
            return path
        reasons[str(path)] = f"its SHA-256 is {found}, expected {file.sha256}"
    path.parent.mkdir(parents=True, exist_ok=True)
    for address in [mirror + path.name for mirror in file.mirrors] * tries:
        try:
            _download(address, part, file.size, timeout)
        except (OSError, http.client.HTTPException) as error:  # cut, stalled, refused, offline
            reasons[address] = str(error) or type(error).__name__
            continue
        if (found := _sha256(part)) == file.sha256:
            os.replace(part, path)
            return path
        part.unlink()
        reasons[address] = f"deleted, its SHA-256 is {found}, expected {file.sha256}"
    tried = "; ".join(f"{place}: {reason}" for place, reason in reasons.items())
    raise OSError(f"cannot get {path.name!r} ({tried}). Put it by hand at {str(path)!r}. {instead}")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(address: str, part: Path, size: int, timeout: float) -> None:
    """Bring ``part`` to ``size`` bytes, from where it ends; ``OSError`` if it stays shorter."""
    total = part.stat().st_size if part.exists() else 0
    if total >= size:  # stopped between the last byte and the check, which comes now
        return
    request = urllib.request.Request(address, headers={"Range": f"bytes={total}-"} if total else {})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        total = total if answer.status == 206 else 0  # else the server ignored Range
        offered = size if answer.length is None else total + answer.length
        if offered != size:  # most likely a page that says why not
            raise OSError(f"offers {offered} bytes, expected {size}")
        with part.open("ab" if total else "wb") as out:
            shown = ""
            while total <= size and (block := answer.read1(1 << 16)):
                total += out.write(block)
                if shown != (shown := f"{part.stem}: {total / size:.0%}"):
                    print(f"\r{shown}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if total < size:
        raise OSError(f"the connection ended after {total} of {size} bytes")
