"""Named image sets: every form of their files, hostile ones too; downloads from a bad server."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import re
import struct
import tarfile
import threading
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gpat_lib import archives, data, datasets
from gpat_lib.datasets import Download, fetch

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, so that no test sees or changes that of the user."""
    monkeypatch.setenv("GPAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# ---------------------------------------------------------------- synthetic files


def idx(array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def grey_set(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count, np.uint8)


def colour_set(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.integers(0, 10, count, np.uint8)


def as_rows(pixels):
    """CIFAR-10's order: all red values, then green, then blue."""
    return np.stack([pixels[..., channel].reshape(len(pixels), -1) for channel in range(3)], 1)


def cifar_binary(pixels, labels):
    rows = as_rows(pixels).reshape(len(pixels), -1)
    return np.concatenate([labels[:, None], rows], axis=1).tobytes()


def short(text):
    return b"U" + bytes([len(text)]) + text


def cifar_pickle(
    pixels, labels, dtype=b"u1", begin=b"cnumpy.core.multiarray\n_reconstruct\n", order="C"
):
    """What Python 2 wrote (protocol 2): strings are bytes, which Python 3 no longer writes."""
    values = as_rows(pixels).reshape(len(pixels), -1).tobytes(order)
    array = (
        begin + b"cnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R(K\x01"
        + b"M" + struct.pack("<H", len(pixels)) + b"M" + struct.pack("<H", 3072) + b"\x86"
        + b"cnumpy\ndtype\n" + short(dtype) + b"K\x00K\x01\x87R"
        + b"(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + {"C": b"\x89T", "F": b"\x88T"}[order] + struct.pack("<i", len(values)) + values + b"tb"
    )  # fmt: skip
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + short(b"labels") + numbers + short(b"data") + array + b"u."


def write_mnist(folder, suffix="", name="{}-{}-idx{}-ubyte", pack=lambda content: content):
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", 7), ("t10k", 4)):
        images, labels = grey_set(count, count)
        for kind, rank, array in (("images", 3, images), ("labels", 1, labels)):
            (folder / (name.format(part, kind, rank) + suffix)).write_bytes(pack(idx(array)))
    return folder


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(stream, "PNG")
    return stream.getvalue()


def picture_members(seed=0, names=NAMES, folder="test/"):
    """One picture a class, in another order than that of the names."""
    pixels, _ = colour_set(len(names), seed)
    members = [(f"{folder}{name}/1.png", png(pixels[i])) for i, name in enumerate(names)]
    return pixels, members[::-1]


def scaled(pixels):
    return pixels.astype(np.float32) / np.float32(127.5) - 1


def assert_grey(images, pixels):
    """The pixels lie in the middle of a black frame, on all channels."""
    assert images.shape == (len(pixels), 32, 32, 3)
    assert images.dtype == np.float32
    assert images.flags.c_contiguous
    assert images.flags.writeable
    framed = np.full((len(pixels), 32, 32), -1, np.float32)
    framed[:, 2:30, 2:30] = scaled(pixels)
    for channel in range(3):
        np.testing.assert_array_equal(images[..., channel], framed)


# ---------------------------------------------------------------- forms of a local copy


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize(
    ("suffix", "name", "pack"),
    [
        ("", "{}-{}-idx{}-ubyte", bytes),
        (".gz", "{}-{}-idx{}-ubyte", gzip.compress),
        ("", "{}-{}.idx{}-ubyte", bytes),
    ],
)
def test_idx_files_in_a_folder(tmp_path, monkeypatch, load, suffix, name, pack):
    folder = write_mnist(tmp_path / "raw" / "deep", suffix, name, pack)
    for split, count in (("train", 7), ("test", 4)):
        images, labels = load(split, labels=True, path=str(tmp_path / "raw"))
        pixels, expected = grey_set(count, count)
        assert_grey(images, pixels)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(load(path=folder), load("train", path=folder))
    monkeypatch.chdir(folder)
    np.testing.assert_array_equal(load(path="."), load(path=folder))
    images, labels = load("all", labels=True, path=folder)
    pairs = {(image.tobytes(), label) for image, label in zip(images, labels, strict=True)}
    apart = [load(split, labels=True, path=folder) for split in ("train", "test")]
    assert len(pairs) == 11
    assert pairs == {
        (image.tobytes(), label) for part in apart for image, label in zip(*part, strict=True)
    }


def test_a_single_idx_file_and_the_labels_beside_it(tmp_path):
    write_mnist(tmp_path, ".gz", pack=gzip.compress)
    images, labels = data.mnist("test", True, tmp_path / "t10k-images-idx3-ubyte.gz")
    pixels, expected = grey_set(4, 4)
    assert_grey(images, pixels)
    np.testing.assert_array_equal(labels, expected)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert_grey(data.mnist("test", path=tmp_path / "t10k-images-idx3-ubyte.gz"), pixels)
    with pytest.raises(ValueError, match=r"^path .*t10k-images.* holds no labels"):
        data.mnist("test", labels=True, path=tmp_path / "t10k-images-idx3-ubyte.gz")


def test_copies_of_a_file_count_once_and_different_ones_are_refused(tmp_path):
    write_mnist(tmp_path / "mnist")
    write_mnist(tmp_path / "mnist", ".gz", pack=gzip.compress)
    assert len(data.mnist("test", path=tmp_path)) == 4
    other = idx(grey_set(4, seed=99)[0])
    (tmp_path / "fashion").mkdir()
    (tmp_path / "fashion" / "t10k-images-idx3-ubyte").write_bytes(other)
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte: another file of this name"):
        data.mnist("test", path=tmp_path)


BATCHES = {"cifar-10-batches-bin/data_batch_{}.bin": cifar_binary,
           "cifar-10-batches-py/data_batch_{}": cifar_pickle}  # fmt: skip


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("form", ["folder", "tar", "tar.gz", "tgz"])
def test_cifar_batches(tmp_path, name, form):
    parts = {name.format(i): colour_set(3, i) for i in (2, 1)}
    parts[name.replace("data_batch_{}", "test_batch")] = colour_set(5, 0)
    members = [(key, BATCHES[name](*part)) for key, part in parts.items()]
    members.append((name.split("/")[0] + "/batches.meta", b"not read"))
    if form == "folder":
        path = tmp_path / "folder"
        for key, content in members:
            (path / key).parent.mkdir(parents=True, exist_ok=True)
            (path / key).write_bytes(content)
    else:
        path = write_tar(tmp_path / f"cifar.{form}", members, "w" if form == "tar" else "w:gz")
    first, second = colour_set(3, 1), colour_set(3, 2)
    for split, pixels, expected in (
        ("train", *(np.concatenate(pair) for pair in zip(first, second, strict=True))),
        ("test", *colour_set(5, 0)),
    ):
        images, labels = data.cifar10(split, labels=True, path=path)
        np.testing.assert_array_equal(images, scaled(pixels))
        np.testing.assert_array_equal(labels, expected)
        assert (images.dtype, labels.dtype) == (np.float32, np.int64)
        assert images.flags.c_contiguous


def test_a_single_batch(tmp_path):
    pixels, labels = colour_set(3, 1)
    for name, content in (
        ("data_batch_1.bin", cifar_binary(pixels, labels)),
        ("data_batch_1", cifar_pickle(pixels, labels)),
        ("data_batch_1", cifar_pickle(pixels, labels, order="F")),
    ):
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(data.cifar10(path=tmp_path / name), scaled(pixels))


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_pictures_in_class_folders(tmp_path, form):
    pixels, members = picture_members()
    train, more = picture_members(1, folder="train/")
    members += [*more, ("test/readme.txt", b"no picture")]
    if form == "tar":
        path = write_tar(tmp_path / "pictures.tar", members)
    else:
        path = tmp_path / "pictures"
        for name, content in members:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    for split, expected in (("test", pixels), ("train", train)):
        images, labels = data.cifar10(split, labels=True, path=path)
        np.testing.assert_array_equal(labels, range(10))
        np.testing.assert_array_equal(images, scaled(expected))
    assert len(data.cifar10("all", path=path)) == 20
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked


def test_pictures_without_folders_for_splits_count_for_any(tmp_path):
    pixels, members = picture_members(folder="")
    path = write_tar(tmp_path / "pictures.tar", members)
    for split in ("train", "test"):
        np.testing.assert_array_equal(data.cifar10(split, path=path), scaled(pixels))


def test_grey_pictures_get_the_frame_too(tmp_path):
    pixels, _ = grey_set(10, 0)
    members = [(f"{digit}/a.png", png(pixels[digit])) for digit in range(10)]
    images, labels = data.mnist("test", True, write_tar(tmp_path / "digits.tar", members))
    assert_grey(images, pixels)
    np.testing.assert_array_equal(labels, range(10))


# ---------------------------------------------------------------- broken and hostile files


def test_a_missing_path_or_split_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"^path must be a folder or file; there is none .*nowhere"
    ):
        data.cifar10(path=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="unknown split 'valid'; known: all, test, train"):
        data.mnist("valid", path=tmp_path)
    with pytest.raises(ValueError, match="must hold train images of shape .28, 28, 1.; got 0"):
        data.mnist(path=tmp_path)
    write_mnist(tmp_path)
    with pytest.raises(ValueError, match=r"shape \(32, 32, 3\); got 4 of shapes \[\(28, 28, 1\)\]"):
        data.cifar10("test", path=tmp_path)


GOOD = idx(grey_set(4, 4)[0])
BROKEN_IDX = {
    "wrong magic": (b"\0\0\x0d" + GOOD[3:], "begin with 00 00 08 03; got 00 00 0d 03"),
    "labels for images": (idx(grey_set(4, 4)[1]), "begin with 00 00 08 03; got 00 00 08 01"),
    "empty": (b"", "begin with 00 00 08 03; got "),
    "only the head": (GOOD[:10], r"sizes \[4, 0, 0\] need another length than 10 bytes"),
    "truncated": (GOOD[:-1], r"sizes \[4, 28, 28\] need another length than 3151 bytes"),
    "too long": (GOOD + b"\0", "need another length than 3153 bytes"),
    "huge": (GOOD[:4] + b"\xff" * 12 + GOOD[16:], "need another length"),
    "cut gzip": (gzip.compress(GOOD)[:-20], "ended before"),
    "corrupt gzip": (gzip.compress(GOOD)[:-8] + bytes(8), "CRC"),
    "no gzip": (b"\x1f\x8b" + bytes(30), "compression"),
}


@pytest.mark.parametrize("kind", BROKEN_IDX)
def test_broken_idx_files(tmp_path, kind):
    content, message = BROKEN_IDX[kind]
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(content)
    begin = r"^path .* cannot be read, at .*t10k-images-idx3-ubyte: .*"
    with pytest.raises(ValueError, match=begin + message):
        data.mnist("test", path=tmp_path)


@pytest.mark.parametrize("wrong", [[0, 1, 2, 10], [0, 1, 2], [0, 1, 2, 3, 4], []])
def test_labels_out_of_range_or_of_another_number(tmp_path, wrong):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array(wrong, np.uint8)))
    with pytest.raises(ValueError, match=f"must hold 4 labels 0 … 9; got {len(wrong)}, namely"):
        data.mnist("test", labels=True, path=tmp_path)


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_LIMIT", 5000)
    write_mnist(tmp_path)
    assert len(data.mnist("test", path=tmp_path)) == 4
    for content in (gzip.compress(bytes(5001)), bytes(5001)):
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(content)
        with pytest.raises(ValueError, match="it holds more than 5000 bytes"):
            data.mnist("test", path=tmp_path)


def test_broken_binary_batches(tmp_path):
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"images of shape \(32, 32, 3\); got 0 of shapes"):
        data.cifar10(path=path)
    pixels, labels = colour_set(2, 0)
    path.write_bytes(cifar_binary(pixels, labels)[:-1])
    with pytest.raises(ValueError, match=r"data_batch_1\.bin: expected rows of 3073 .* 6145"):
        data.cifar10(path=path)
    path.write_bytes(cifar_binary(pixels, np.array([3, 11], np.uint8)))
    with pytest.raises(ValueError, match="labels 0 … 9; got 2, namely . 3 11."):
        data.cifar10(path=path)


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_a_hostile_pickle_runs_nothing(tmp_path):
    path, trace = tmp_path / "test_batch", tmp_path / "trace"
    hostile = pickle.dumps({"data": Touch(trace), "labels": [1]}, protocol=2)
    pickle.loads(hostile)
    assert trace.exists()  # it is hostile
    trace.unlink()
    path.write_bytes(hostile)
    with pytest.raises(ValueError, match=r"test_batch: its pickle asks for (posix|nt)\.system"):
        data.cifar10("test", path=path)
    assert not trace.exists()


def test_a_pickle_gets_none_of_numpys_own_objects(tmp_path):
    """NumPy's array over given bytes, read as addresses of objects, would crash or worse."""
    pixels, labels = colour_set(1, 0)
    addresses = (
        b"\x80\x02cnumpy\nndarray\n(K\x01\x85cnumpy\ndtype\n" + short(b"O") + b"\x85R"
        + short(b"A" * 8) + b"tR."
    )  # fmt: skip
    made = archives._Unpickler(io.BytesIO(addresses), encoding="bytes").load()
    assert type(made) is archives._Stand
    broken = {
        "objects": (cifar_pickle(pixels, labels, dtype=b"O8"), "array of uint8; got b'O8'"),
        "floats": (cifar_pickle(pixels, labels, dtype=b"f8"), "array of uint8; got b'f8'"),
        "load": (cifar_pickle(pixels, labels, begin=b"cnumpy\nload\n"), "asks for numpy.load"),
        "eval": (cifar_pickle(pixels, labels, begin=b"cbuiltins\neval\n"), "builtins.eval"),
        "cut": (cifar_pickle(pixels, labels)[:-9], "truncated"),
        "no pickle": (b"hello", "."),
        "no array": (pickle.dumps({b"data": 1, b"labels": [1]}, 2), "."),
        "a list": (pickle.dumps([1, 2], 2), "."),
    }
    for content, message in broken.values():
        (tmp_path / "test_batch").write_bytes(content)
        with pytest.raises(
            ValueError, match=f"^path .* cannot be read, at test_batch: .*{message}"
        ):
            data.cifar10("test", path=tmp_path / "test_batch")


@pytest.mark.parametrize("name", ["../../x/1.png", "/x/1.png", "test/../../x/1.png"])
def test_archive_members_that_lie_outside(tmp_path, name):
    _, members = picture_members()
    path = write_tar(tmp_path / "a.tar", [*members, (name, members[0][1])])
    with pytest.raises(ValueError, match="lies outside of it"):
        data.cifar10("test", path=path)


def test_links_and_devices_in_an_archive_are_passed_over(tmp_path):
    pixels, members = picture_members()
    secret = tmp_path / "secret.png"
    secret.write_bytes(members[0][1])
    path = write_tar(tmp_path / "a.tar", members)
    with tarfile.open(path, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo("test/bird/2.png")
            info.type, info.linkname = kind, str(secret)
            archive.addfile(info)
    np.testing.assert_array_equal(data.cifar10("test", path=path), scaled(pixels))


def test_broken_archives(tmp_path):
    _, members = picture_members()
    path = write_tar(tmp_path / "a.tar", members)
    whole, packed = path.read_bytes(), gzip.compress(path.read_bytes())
    broken_header = bytearray(whole)
    second = 512 + -(-len(members[0][1]) // 512) * 512
    broken_header[second : second + 100] = b"#" * 100
    for name, content in (
        ("a.tar", whole[: second + 700]),
        ("a.tar", bytes(broken_header)),
        ("a.tar", b"no archive" * 100),
        ("a.tar", b""),
        ("a.tar.gz", packed[: len(packed) // 2]),
        ("a.tar.gz", packed[:5000] + b"#" * 100 + packed[5100:]),
        ("a.tar.gz", b"\x1f\x8b" + bytes(100)),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"^path .*{name}' cannot be read, at "):
            data.cifar10("test", path=tmp_path / name)


def test_a_broken_picture_or_a_missing_class_is_refused(tmp_path):
    _, members = picture_members()
    path = write_tar(tmp_path / "a.tar", [*members, ("test/bird/2.png", b"no picture")])
    with pytest.raises(ValueError, match=r"at test/bird/2\.png: cannot identify image"):
        data.cifar10("test", path=path)
    with pytest.raises(ValueError, match=r"must hold 10 folders of pictures; got \['automobile', "):
        data.cifar10("test", path=write_tar(path, members[:-1]))
    _, members = picture_members(names=[*NAMES, "zebra"])
    with pytest.raises(ValueError, match=r"must hold 10 folders of pictures; got .*'zebra'\]"):
        data.cifar10("test", path=write_tar(path, members))


# ---------------------------------------------------------------- downloads

CONTENT = np.random.default_rng(3).bytes(300_000)


class Server:
    """A web server whose answers follow a plan, one word for each request; then it serves whole."""

    def __init__(self):
        self.files, self.plan, self.asked = {"/a/file.bin": CONTENT}, [], []
        self.free = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *arguments):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, request):
        word = self.plan.pop(0) if self.plan else "whole"
        content, span = self.files.get(request.path), request.headers["Range"]
        self.asked.append((request.path, span))
        if word == "404" or content is None:
            return request.send_error(404)
        if word == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if word == "garbage":
            return request.wfile.write(b"this is no answer\r\n\r\n")
        if word == "page":
            content = b"<html>Please log in</html>"
        start = int(span[6:-1]) if span and word not in ("no range", "page") else 0
        request.send_response(206 if start else 200)
        if word != "endless":
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        half = start + (len(content) - start) // 2
        request.wfile.write(content[start : half if word in ("cut", "stall") else None])
        request.wfile.flush()
        if word == "stall":
            self.free.wait(10)
        if word == "endless":
            with contextlib.suppress(ConnectionError):  # the reader must hang up
                for _ in range(1000):
                    request.wfile.write(bytes(100_000))
                self.asked.append("all of it")

    def close(self):
        self.free.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def download(server, folders=("/a/",), content=CONTENT, file="set/file.bin"):
    sha256 = hashlib.sha256(content).hexdigest()
    return Download(file, len(content), sha256, tuple(server.address + f for f in folders))


HALF = f"bytes={len(CONTENT) // 2}-"
PLANS = {
    "whole": ([], [None]),
    "cut, then resumed": (["cut"], [None, HALF]),
    "cut twice": (["cut", "cut"], [None, HALF, f"bytes={3 * len(CONTENT) // 4}-"]),
    "cut, then Range ignored": (["cut", "no range"], [None, HALF]),
    "wrong bytes, then whole": (["wrong"], [None, None]),
    "a log-in page for the rest": (["cut", "page"], [None, HALF, HALF]),
    "missing, then whole": (["404"], [None, None]),
    "garbage, then whole": (["garbage"], [None, None]),
    "too long, then whole": (["endless"], [None, None]),
    "stalled, then resumed": (["stall"], [None, HALF]),
}


@pytest.mark.parametrize("plan", PLANS)
def test_a_download_ends_whole(server, cache, plan):
    server.plan, asked = list(PLANS[plan][0]), PLANS[plan][1]
    path = fetch(download(server), timeout=0.3)
    assert path == cache / "set" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert server.asked == [("/a/file.bin", span) for span in asked]
    assert [file.name for file in path.parent.iterdir()] == ["file.bin"]
    assert fetch(download(server)) == path
    assert len(server.asked) == len(asked)  # the second call asks for nothing


def test_progress_is_shown(server, capsys):
    """At most once a per cent: 20 MB come in hundreds of blocks."""
    content = server.files["/a/file.bin"] = bytes(20_000_000)
    fetch(download(server, content=content))
    shown = capsys.readouterr().err
    assert shown.startswith("\rfile.bin: ")
    assert shown.endswith("\rfile.bin: 100%\n")
    assert 1 < shown.count("\r") <= 101


@pytest.mark.parametrize(
    ("word", "reason", "left"),
    [
        ("404", "HTTP Error 404: Not Found", None),
        ("wrong", "deleted, its SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}", None),
        ("page", "offers 26 bytes, expected 300000", None),
        ("cut", r"the connection ended after \d+ of 300000 bytes", 3 / 4),
        ("stall", "timed out", 3 / 4),
    ],
)
def test_a_download_that_fails_says_why_and_leaves_no_file(server, cache, word, reason, left):
    server.plan = [word] * 4
    file = download(server, ("/b/", "/a/"))
    with pytest.raises(OSError, match="^cannot get 'file.bin'") as caught:
        fetch(file, "Use sticks meanwhile.", timeout=0.3, tries=1 if left is None else 2)
    message, place = str(caught.value), cache / "set" / "file.bin"
    assert f"({server.address}/b/file.bin: HTTP Error 404: Not Found; " in message
    assert re.search(f"; {server.address}/a/file.bin: {reason}", message)
    assert message.endswith(f"Put it by hand at {str(place)!r}. Use sticks meanwhile.")
    assert not place.exists()
    part = place.with_name("file.bin.part")
    assert part.exists() == (left is not None)
    if left is not None:
        assert part.read_bytes() == CONTENT[: round(left * len(CONTENT))]


def test_a_second_mirror_goes_on_where_the_first_stopped(server):
    server.files["/b/file.bin"] = CONTENT
    server.plan = ["cut"]
    fetch(download(server, ("/a/", "/b/")))
    assert server.asked == [("/a/file.bin", None), ("/b/file.bin", HALF)]


def test_a_run_that_was_killed_goes_on(server, cache, monkeypatch):
    def stop(text="", **options):
        if int(re.search(r"(\d+)%", text)[1]) >= 40:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("builtins.print", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(download(server))
    (part,) = (cache / "set").iterdir()
    size = part.stat().st_size
    assert part.name == "file.bin.part"
    assert 0.4 < size / len(CONTENT) < 0.9
    assert fetch(download(server)).read_bytes() == CONTENT
    assert server.asked[1:] == [("/a/file.bin", f"bytes={size}-")]


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        (CONTENT, []),  # killed before the check
        (bytes(len(CONTENT)), [None]),
        (bytes(len(CONTENT) + 1), [None]),
        (bytes(1000), ["bytes=1000-", None]),
        (b"", [None]),
    ],
)
def test_what_an_earlier_run_left_is_checked(server, cache, left, asked):
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "file.bin.part").write_bytes(left)
    assert fetch(download(server)).read_bytes() == CONTENT
    assert [span for _, span in server.asked] == asked


def test_a_file_put_there_by_hand_is_checked(server, cache):
    place = cache / "set" / "file.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert fetch(download(server)) == place
    assert server.asked == []
    place.write_bytes(CONTENT[:-1])
    with pytest.raises(OSError, match=f"{place}: its SHA-256 is [0-9a-f]+, expected .*404"):
        fetch(download(server, ("/b/",)))
    assert place.read_bytes() == CONTENT[:-1]
    assert fetch(download(server)).read_bytes() == CONTENT


def test_the_cache_lies_at_home_unless_said(server, tmp_path, monkeypatch):
    monkeypatch.delenv("GPAT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(download(server)) == tmp_path / ".cache" / "gpat" / "set" / "file.bin"
    monkeypatch.setenv("GPAT_CACHE", "~/other")
    assert fetch(download(server)) == tmp_path / "other" / "set" / "file.bin"


@pytest.mark.parametrize(("argument", "wrong"), [("timeout", 0), ("tries", 0), ("tries", 1.5)])
def test_bad_arguments_of_fetch_are_named(argument, wrong):
    with pytest.raises(ValueError, match=f"^{argument} must be"):
        fetch(Download("a/b", 1, "0", ()), **{argument: wrong})


# ---------------------------------------------------------------- sets by download


def test_the_table_of_downloads():
    files = [file for group in datasets.DOWNLOADS.values() for file in group]
    assert len({file.sha256 for file in files}) == len({file.file for file in files}) == 9
    for file in files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert len(file.mirrors) == 2
        assert all(re.fullmatch(r"https://.*/", mirror) for mirror in file.mirrors)
    assert {name: sum(f.size for f in group) for name, group in datasets.DOWNLOADS.items()} == {
        "mnist": 11_594_722, "fashion_mnist": 30_878_645, "cifar10": 170_052_171
    }  # fmt: skip


def served(server, monkeypatch, name, contents):
    """Make a set's downloads those that the server has."""
    for file, content in contents.items():
        server.files[f"/{name}/{file}"] = content
    files = [download(server, (f"/{name}/",), c, f"{name}/{f}") for f, c in contents.items()]
    monkeypatch.setitem(datasets.DOWNLOADS, name, tuple(files))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_grey_sets_are_downloaded_once(server, tmp_path, monkeypatch, name):
    folder = write_mnist(tmp_path / "origin", ".gz", pack=gzip.compress)
    contents = {file.name: file.read_bytes() for file in folder.iterdir()}
    served(server, monkeypatch, name, contents)
    for _ in range(2):
        images, labels = getattr(data, name)("test", labels=True)
        assert_grey(images, grey_set(4, 4)[0])
        np.testing.assert_array_equal(labels, grey_set(4, 4)[1])
    assert Counter(path for path, _ in server.asked) == {
        f"/{name}/t10k-{kind}-ubyte.gz": 1 for kind in ("images-idx3", "labels-idx1")
    }
    assert_grey(getattr(data, name)(), grey_set(7, 7)[0])
    assert len(getattr(data, name)("all")) == 11
    assert len(server.asked) == 4


def test_cifar10_is_one_archive_for_all_splits(server, tmp_path, monkeypatch):
    parts = {"data_batch_1": colour_set(3, 1), "test_batch": colour_set(2, 2)}
    members = [(f"c/{key}.bin", cifar_binary(*part)) for key, part in parts.items()]
    archive = write_tar(tmp_path / "cifar-10-binary.tar.gz", members, "w:gz")
    served(server, monkeypatch, "cifar10", {archive.name: archive.read_bytes()})
    for split, part in zip(("train", "test"), parts.values(), strict=True):
        images, labels = data.cifar10(split, labels=True)
        np.testing.assert_array_equal(images, scaled(part[0]))
        np.testing.assert_array_equal(labels, part[1])
    assert len(server.asked) == 1


def test_offline_without_a_cache_the_error_says_what_to_do(server, cache, monkeypatch):
    served(server, monkeypatch, "mnist", {"t10k-images-idx3-ubyte.gz": b"never asked for"})
    server.close()
    address = f"{server.address}/mnist/t10k-images-idx3-ubyte.gz"
    with pytest.raises(OSError, match="^cannot get 't10k-images-idx3-ubyte.gz'") as caught:
        data.mnist("test")
    message = str(caught.value)
    assert f"({address}: <urlopen error [Errno" in message
    assert str(cache / "mnist" / "t10k-images-idx3-ubyte.gz") in message
    assert message.endswith("Offline, use data.digits() or data.blossoms() meanwhile.")


# ---------------------------------------------------------------- stacked digits


def plain_digits():
    """Image i is flat, of a value that tells i; its label is i mod 10."""
    levels = np.linspace(-1, 1, 30, dtype=np.float32)
    images = np.broadcast_to(levels[:, None, None, None], (30, 4, 5, 3))
    return images, np.arange(30) % 10


def array_draw(images, labels, count, seed=0):
    return data.stacked_digits(images, labels, count, seed)


def stream_draw(images, labels, count, seed=0):
    batches = data.stacked_stream(images, labels, 250, seed).take(-(-count // 250))
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images)[:count], np.concatenate(labels)[:count]


DRAWS = pytest.mark.parametrize("draw", [array_draw, stream_draw])


@DRAWS
@pytest.mark.parametrize("channels", [1, 3])
def test_each_channel_shows_a_digit_of_its_own(draw, channels):
    images, labels = plain_digits()
    stacked, classes = draw(images[..., :channels], labels, 500)
    assert stacked.shape == (500, 4, 5, 3)
    assert (stacked.dtype, classes.dtype) == (np.float32, np.int64)
    assert np.all(stacked == stacked[:, :1, :1])
    index = np.rint((stacked[:, 0, 0] + 1) * 29 / 2).astype(int)  # which image in which channel
    np.testing.assert_array_equal(index % 10 @ [100, 10, 1], classes)


@DRAWS
def test_the_three_digits_are_uniform_and_independent(draw):
    """χ² of the counts: mean its degrees of freedom k, standard deviation √(2k)."""
    images, labels = plain_digits()
    count = 20_000
    stacked, classes = draw(images, labels, count, seed=5)
    index = np.rint((stacked[:, 0, 0] + 1) * 29 / 2).astype(int)
    for values, cells in (
        *((index[:, channel], 30) for channel in range(3)),
        *((index[:, a] * 30 + index[:, b], 900) for a, b in ((0, 1), (0, 2), (1, 2))),
        (classes, 1000),
    ):
        expected = count / cells
        chi2 = np.sum((np.bincount(values, minlength=cells) - expected) ** 2) / expected
        assert abs(chi2 - (cells - 1)) < 4 * np.sqrt(2 * (cells - 1))


@DRAWS
def test_a_seed_gives_the_same_stack_again(draw):
    images, labels = plain_digits()
    one, again, other = (draw(images, labels, 250, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.mean(one == other) < 0.1


def test_the_stream_does_not_end_nor_repeat():
    stream = data.stacked_stream(*plain_digits(), batch_size=250)
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    assert stream.element_spec[0] == tf.TensorSpec((250, 4, 5, 3), tf.float32)
    first, second = (labels for _, labels in stream.take(2).as_numpy_iterator())
    assert np.mean(first == second) < 0.1


@pytest.mark.parametrize("function", [data.stacked_digits, data.stacked_stream])
def test_bad_arguments_of_stacks_are_named(function):
    images, labels = plain_digits()
    colours = images.copy()
    colours[7, 0, 0, 1] = 0.5
    for wrong in (images[..., 0], images[:0], colours):
        with pytest.raises(ValueError, match="^images must be grey, shape"):
            function(wrong, labels[: len(wrong)], 5)
    for bad in (labels[:-1], labels + 1, labels - 1, labels + 0.5):
        with pytest.raises(ValueError, match="^labels must be 30 numbers 0 … 9"):
            function(images, bad, 5)
    with pytest.raises(ValueError, match="^(count|batch_size) must be"):
        function(images, labels, 0)
    with pytest.raises(ValueError, match="^seed must be"):
        function(images, labels, 5, seed=-1)
