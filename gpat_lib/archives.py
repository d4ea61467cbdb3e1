"""Labelled images from files of others: idx, CIFAR-10's batches, pictures in folders or tars.

Such files are never trusted. Archives are read in memory and never unpacked, sizes are bounded, and
a pickle may hold numbers only.
"""

import gzip
import io
import math
import pickle
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np

from gpat_lib.pictures import EXTENSIONS, read_picture

__all__ = ["CLASSES", "SPLITS", "labelled_images"]

CLASSES = 10  # of each of the named sets
#: How the names of a split's files begin.
SPLITS: dict[str, tuple[str, ...]] = {"train": ("train", "data"), "test": ("t10k", "test")}
SPLITS["all"] = SPLITS["train"] + SPLITS["test"]

_LIMIT = 1 << 26  # bytes of one file; the largest real one, MNIST's training images, has 47 MB
_BATCH = re.compile(
    r"(train|data|t10k|test)[-_](images|labels|batch)(?:[-._](?:idx[13]-ubyte|(\d)))?(\.bin|\.gz)?"
)


def labelled_images(
    places: list[Path], split: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """All images of a split in some files and folders, whatever their form.

    Args:
        places: What to read together. ``data.mnist`` lists the forms.
        split: A name in ``SPLITS``.
        shape: Of one image, (height, width, channels). Pictures are brought to it.

    Returns:
        uint8 ``(n, *shape)`` and the labels 0 … 9, int64 ``(n,)``, or ``None`` if there are none.

    Raises:
        ValueError: If a file is broken, hostile or contradicts another, images are missing or have
            another shape, or labels do not fit.
    """
    found: dict[str, dict[str, np.ndarray]] = {"images": {}, "labels": {}}
    pictures: dict[PurePath, np.ndarray] = {}
    others = {"train", "test"}.difference(SPLITS[split])
    for place in places:
        name = PurePath(place.name)
        try:
            for name, stream in _members(place):
                batch = _BATCH.fullmatch(name.name)
                if batch and batch[1] in SPLITS[split]:
                    for kind, array in _decode(name.name, _content(stream)).items():
                        twin = found[kind].setdefault(f"{batch[1]} {batch[3]}", array)
                        if not np.array_equal(array, twin):
                            raise ValueError("another file of this name holds something else")
                elif name.suffix.lower() in EXTENSIONS and others.isdisjoint(name.parts[:-2]):
                    pictures[name] = read_picture(stream, shape[0], shape[2])
        except Exception as error:  # Pillow, tarfile, zlib and pickle raise many kinds
            raise ValueError(f"path {str(place)!r} cannot be read, at {name}: {error}") from error
    where = f"path {str(places[0])!r}"
    if pictures and not found["images"]:
        classes = sorted({name.parent.name for name in pictures})
        if len(classes) != CLASSES:
            raise ValueError(f"{where} must hold {CLASSES} folders of pictures; got {classes}")
        for name, picture in pictures.items():
            found["images"][str(name)] = picture[None]
            found["labels"][str(name)] = np.array([classes.index(name.parent.name)])
    images, labels = ([part[key] for key in sorted(part)] for part in found.values())
    count, shapes = sum(map(len, images)), {part.shape[1:] for part in images}
    if count == 0 or shapes != {shape}:
        got = f"{count} of shapes {sorted(shapes)}"
        raise ValueError(f"{where} must hold {split} images of shape {shape}; got {got}")
    pixels = np.concatenate(images)
    if not labels:
        return pixels, None
    numbers = np.concatenate(labels).astype(np.int64)
    if len(numbers) != count or numbers.min() < 0 or numbers.max() >= CLASSES:
        got = f"{len(numbers)}, namely {np.unique(numbers)}"
        raise ValueError(f"{where} must hold {count} labels 0 … {CLASSES - 1}; got {got}")
    return pixels, numbers


def _members(path: Path) -> Iterator[tuple[PurePath, IO[bytes]]]:
    """Name and opened content of each file in a folder or tar archive, or of one file."""
    if path.is_dir() or not re.search(r"\.(tar|tgz)\b", path.name):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as stream:
                    yield file.relative_to(path.parent), stream
        return
    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePath(member.name)
            if ".." in name.parts or name.is_absolute():
                raise ValueError(f"the archive's member {member.name!r} lies outside of it")
            content = archive.extractfile(member) if member.isfile() else None
            if content:
                yield name, content
        ending: Any = archive.fileobj
        ending.seek(archive.offset)  # where tarfile saw the end; a broken header counts as one
        if ending.read(512) not in (bytes(512), b""):
            raise ValueError("the archive is cut or broken")


def _content(stream: IO[bytes]) -> bytes:
    """All bytes of a file, unpacked if it is gzip's, and not more than ``_LIMIT``."""
    content = stream.read(_LIMIT + 1)
    if content.startswith(b"\x1f\x8b"):
        content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise ValueError(f"it holds more than {_LIMIT} bytes")
    return content


def _decode(name: str, content: bytes) -> dict[str, np.ndarray]:
    """Images ``(n, h, w, c)`` and labels ``(n,)`` of one file; an idx file has one of both."""
    if "batch" not in name:  # idx: two zeros, 8 for uint8, rank, then sizes as big-endian uint32
        rank = 3 if "images" in name else 1
        head = 4 + 4 * rank
        sizes = np.frombuffer(content[4:head].ljust(4 * rank, b"\0"), ">u4").tolist()
        if content[:4] != bytes((0, 0, 8, rank)):
            begin = content[:4].hex(" ")
            raise ValueError(f"idx data must begin with 00 00 08 0{rank}; got {begin}")
        if len(content) != head + math.prod(sizes):
            raise ValueError(f"sizes {sizes} need another length than {len(content)} bytes")
        array = np.frombuffer(content, np.uint8, offset=head).reshape(sizes)
        return {"images": array[..., None]} if rank == 3 else {"labels": array}
    if name.endswith(".bin"):  # rows of a label and 3 × 32 × 32 values
        if len(content) % 3073:
            raise ValueError(f"expected rows of 3073 bytes; got {len(content)} bytes")
        rows = np.frombuffer(content, np.uint8).reshape(-1, 3073)
        values, labels = rows[:, 1:], rows[:, 0]
    else:
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        values, labels = batch[b"data"].array(), np.array(batch[b"labels"], np.int64)
    return {"images": values.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), "labels": labels}


class _Stand:
    """Stands for NumPy's objects in a pickle: the real ones can be made to read any memory."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _, shape, dtype, fortran, values = self.state
        if dtype.arguments[0] != b"u1":
            raise ValueError(f"expected an array of uint8; got {dtype.arguments[0]!r}")
        return np.frombuffer(values, np.uint8).reshape(shape, order="F" if fortran else "C")


class _Unpickler(pickle.Unpickler):
    """Reads numbers, strings, lists, dictionaries and arrays of uint8; refuses all else."""

    def find_class(self, module: str, name: str) -> type:
        known = ("numpy.ndarray", "numpy.dtype", "numpy.core.multiarray._reconstruct")
        if f"{module}.{name}" not in known:
            raise ValueError(f"its pickle asks for {module}.{name}; only NumPy's arrays are read")
        return _Stand
