"""Every method of style transfer in the course, on the same photographs and styles.

    python benchmarks/compare_styles.py              # all runs; goes on where it was stopped
    python benchmarks/compare_styles.py --only adversarial/woodcut/3
    python benchmarks/compare_styles.py --judge      # stored paintings anew, by changed measures

The photographs are those of `data.content_images(split="test")`, which no training sees, 160 × 160
pixels; the style images have 256 × 256. Every run is a process of its own, so that its peak memory
is its own, and leaves its figures and its paintings in runs/compare_styles/. After each of them
data/results/ gets style_comparison.json and style_comparison.jpg from what is there; the first
says which runs are missing. To start anew, after a change of the library say, move
runs/compare_styles/ away.

Of each run `relative` is the patch distance (7 × 7) of the paintings to the style image, as a share
of the photographs' own; `styles` the share of paintings whose patches are nearest to their own
style image, of all eight; `foreign` how far patches are from the nearest one of the style image,
which sees colours and marks that the style does not have, and likes blur; `photographs` the share
of paintings whose edges fit their own photograph best, of all eleven; `edges` how well they fit it;
`ssim` compares with the photograph too. Seconds are of the clock, which other programs on the
machine slow down, and of the processor. `train` is what a style costs, `picture` one painting of
160 × 160, `picture_512` one of 512 × 512: of networks one pass, the median of five after a first
call. What a run should reach (`TARGETS`) was fixed before.
"""

import argparse
import functools
import io
import json
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from benchmarks.judge_style import TARGETS, known_styles, measures
from gpat_lib import data, pictures, plotting, style, style_statistics
from gpat_lib.training import DivergenceGuard

RUNS = provenance.ROOT / "runs" / "compare_styles"
RESULT = provenance.RESULTS / "style_comparison.json"
SHEET = provenance.RESULTS / "style_comparison.jpg"
# Per method the maker's name and what differs from its defaults. "full_width" has the widths of
# the source material's two listings, its generator's in reverse: there the widest layer comes
# first, at half the size of the image.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "gram": ("optimise", {}),
    "patches": ("synthesise", {"steps": 50}),
    "feed_forward": ("feed_forward", {}),
    "adversarial": ("adversarial", {}),
    "no_penalty": ("adversarial", {"penalty": None}),
    "no_content": ("adversarial", {"content_loss": None}),
    "cross_entropy": (
        "adversarial",
        {
            "loss": "non_saturating",
            "penalty": "r1",
            "lambda_4": 20.0,
            "content_weight": 10.0,
            "learning_rate": 1e-3,
        },
    ),
    "full_width": (
        "adversarial",
        {"widths": [64, 128, 256, 512], "critic_widths": [64, 128, 256, 512], "strided": True},
    ),
    # As "adversarial", with its weight, but the photograph's own tones are wanted.
    "luma": ("adversarial", {"content_loss": "luma", "content_weight": 40.0}),
}
SETTINGS: dict[str, Any] = {
    "side": 160,
    "styles": ["woodcut", "gilded", "mosaic"],
    "spread": {"methods": ["adversarial", "no_penalty"], "seeds": 3, "seeds_of_first_style": 10},
    "methods": METHODS,
}
LARGE = "full_width"
TILE, PICTURED, SHEET_BYTES = 80, ("cat", "pagoda"), 200_000


class Made(NamedTuple):
    """A way to paint, and what it took to get it."""

    paint: Callable[[np.ndarray], np.ndarray]
    one_pass: Callable[[np.ndarray], Any]
    networks: tuple[keras.Model, ...] = ()
    facts: dict[str, Any] = {}


def optimise(image: np.ndarray, seed: int, settings: dict[str, Any]) -> Made:
    """Chapter 10: Gram matrices of random filters, pixel by pixel."""

    def paint(photograph: np.ndarray) -> np.ndarray:
        return style_statistics.stylise_by_optimisation(photograph, image, seed=seed, **settings)

    return Made(paint, paint)


def synthesise(image: np.ndarray, seed: int, settings: dict[str, Any]) -> Made:
    """Chapter 10: patches moved onto those of the style, light and dark held."""

    def paint(photograph: np.ndarray) -> np.ndarray:
        return style_statistics.synthesise_texture(
            image, content_image=photograph, seed=seed, **settings
        )

    return Made(paint, paint)


def feed_forward(image: np.ndarray, seed: int, settings: dict[str, Any]) -> Made:
    """Chapter 11: a network taught by fixed statistics."""
    contents = list(data.content_images(SETTINGS["side"]).values())
    network = style_statistics.train_feed_forward(image, contents, seed=seed, **settings)

    def paint(photograph: np.ndarray) -> np.ndarray:
        return one_pass(network, photograph)

    return Made(paint, paint, (network,))


def adversarial(image: np.ndarray, seed: int, settings: dict[str, Any]) -> Made:
    """Chapter 12: a network against a critic of patches."""
    guard, history = DivergenceGuard(), keras.callbacks.History()
    pair = style.train_style(
        image,
        data.content_images(),
        name="style",
        seed=seed,
        callbacks=[guard, history],
        verbose=0,
        **settings,
    )
    last = {name: round(values[-1], 4) for name, values in history.history.items()}
    return Made(
        lambda photograph: style.style_transfer(photograph, image, *pair),
        lambda photograph: one_pass(pair[0], photograph),
        pair,
        {"stopped": guard.message is not None, "last_logs": last},
    )


def one_pass(network: keras.Model, photograph: np.ndarray) -> np.ndarray:
    """What a generator makes of one photograph and noise."""
    shape = (*photograph.shape[:2], network.input_shape[-1] - 3)
    noise = np.random.default_rng(0).standard_normal(shape, np.float32)
    return network.predict_on_batch(np.concatenate([photograph, noise], axis=2)[None])[0]


def timed(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What a call gives, with its seconds by the clock and by the processor."""
    start = time.monotonic(), time.process_time()
    result = call()
    spent = {"clock": time.monotonic() - start[0], "processor": time.process_time() - start[1]}
    return result, {name: round(value, 3) for name, value in spent.items()}


def median_of(times: list[dict[str, float]]) -> dict[str, float]:
    """The median of several measured times."""
    return {key: statistics.median(each[key] for each in times) for key in times[0]}


def judge(name: str, painted: dict[str, np.ndarray]) -> dict[str, Any]:
    """The measures of one set of paintings."""
    photographs = data.content_images(SETTINGS["side"], "test")
    image = data.style_images(name)[name]
    return {
        **measures(name, painted, photographs, known_styles()),
        "foreign": round(foreign(list(painted.values()), image), 4),
    }


def foreign(images: list[np.ndarray], image: np.ndarray, size: int = 7) -> float:
    """Mean distance per value of 200 patches of each image to the nearest of a style image."""

    def patches(of: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(of, (size, size), (0, 1))  # type: ignore[call-overload]
        return np.ascontiguousarray(windows, np.float32).reshape(-1, 3 * size * size)

    rng, distances = np.random.default_rng(0), []
    bank = patches(image)[::2]
    bank = np.concatenate([bank, patches(image[:, ::-1])[1::2]])  # training mirrors, too
    squares = np.square(bank).sum(axis=1)
    for one in images:
        some = rng.choice(patches(one), 200, replace=False)
        least = (squares - 2.0 * some @ bank.T).min(axis=1) + np.square(some).sum(axis=1)
        distances.append(np.sqrt(np.maximum(least, 0.0) / bank.shape[1]).mean())
    return float(np.mean(distances))


def run(method: str, name: str, seed: int, threads: int) -> dict[str, Any]:
    """One run in this process; leaves its paintings beside its figures."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    maker, settings = METHODS[method]
    image = data.style_images(name)[name]
    photographs = data.content_images(SETTINGS["side"], "test")
    made, train = timed(lambda: globals()[maker](image, seed, settings))
    pairs = {key: timed(functools.partial(made.paint, x)) for key, x in photographs.items()}
    # In kilobytes, so far: the judges below need memory of their own.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    painted = {key: picture for key, (picture, _) in pairs.items()}
    seconds = {"train": train} if made.networks else {}
    seconds["picture"] = median_of([spent for _, spent in pairs.values()])
    figures: dict[str, Any] = {"method": method, "style": name, "seed": seed}
    figures |= {**judge(name, painted), "seconds": seconds, "peak_memory_mb": peak // 1024}
    figures |= {"parameters": sum(x.count_params() for x in made.networks), **made.facts}
    if seed == 0 and name == SETTINGS["styles"][0]:
        large = data.content_images(512, "test")["cat"]
        if made.networks:
            made.one_pass(large)
        times = [timed(lambda: made.one_pass(large))[1] for _ in range(5 if made.networks else 1)]
        seconds["picture_512"] = median_of(times)
    if made.networks:
        figures["parameters_of_generator"] = made.networks[0].count_params()
        with tempfile.TemporaryDirectory() as folder:
            for i, network in enumerate(made.networks):
                network.save(Path(folder) / f"{i}.keras")
            figures["bytes"] = sum(path.stat().st_size for path in Path(folder).iterdir())
    plotting.save_grid(np.stack(list(painted.values())), place(method, name, seed, "png"), zoom=1)
    return figures


def place(method: str, name: str, seed: int, kind: str = "json") -> Path:
    """Where a run leaves its figures or its paintings."""
    return RUNS / f"{method}-{name}-{seed}.{kind}"


def plan() -> list[tuple[str, str, int]]:
    """All runs, in an order such that a part of them is already a comparison."""
    (first, *others), spread = SETTINGS["styles"], SETTINGS["spread"]
    small = [method for method in METHODS if method != LARGE]
    seeds = range(1, spread["seeds_of_first_style"])
    todo = [(method, first, 0) for method in small]
    todo += [(method, first, seed) for seed in seeds for method in spread["methods"]]
    todo.append((LARGE, first, 0))
    todo += [(method, name, 0) for name in others for method in small]
    for seed in range(1, spread["seeds"]):
        todo += [(method, name, seed) for name in others for method in spread["methods"]]
    return [*todo, *((LARGE, name, 0) for name in others)]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the runs of one method and style: medians, least and largest, and how many fell short."""
    table: dict[str, Any] = {key: rows[0][key] for key in ("method", "style")}
    table["seeds"] = len(rows)
    for key in ("relative", "styles", "foreign", "photographs", "edges", "ssim"):
        values = [row[key] for row in rows]
        table[key] = [round(float(f(values)), 4) for f in (np.median, np.min, np.max)]
    table["stopped"] = sum(row.get("stopped", False) for row in rows)
    short = {
        "relative": sum(row["relative"] > TARGETS["relative"] for row in rows),
        "photographs": sum(row["photographs"] < TARGETS["photographs"] for row in rows),
        "styles": sum(row["styles"] < TARGETS["styles"] for row in rows),
    }
    return {**table, "short_of_target": short}


def paintings(method: str, name: str, seed: int) -> dict[str, np.ndarray]:
    """What a run painted, from its file; nothing if it is missing."""
    path, side = place(method, name, seed, "png"), SETTINGS["side"]
    if not path.exists():
        return {}
    sheet = np.asarray(Image.open(path).convert("RGB"), np.float32) / 127.5 - 1.0
    step, found = side + 2, {}
    for i, key in enumerate(data.content_images(side, "test")):
        y, x = divmod(i, (sheet.shape[1] + 2) // step)
        found[key] = sheet[y * step : y * step + side, x * step : x * step + side]
    return found


def tiles(method: str, name: str, seed: int, wanted: tuple[str, ...]) -> list[np.ndarray]:
    """Some paintings of a run as small squares; grey ones if it is missing."""
    found, grey = paintings(method, name, seed), np.full((TILE, TILE, 3), 0.9, np.float32)
    return [pictures.resized(found.get(key, grey), TILE, TILE) for key in wanted]


def draw_sheet() -> dict[str, Any]:
    """Write the contact sheet; return what its rows and columns are."""
    photographs, styles = data.content_images(TILE, "test"), data.style_images(size=TILE)
    squares: list[np.ndarray] = []
    rows = []
    for name in SETTINGS["styles"]:
        painted = [tiles(method, name, 0, PICTURED) for method in METHODS]
        for i, key in enumerate(PICTURED):
            squares += [styles[name], photographs[key], *(some[i] for some in painted)]
            rows.append(f"{key}, {name}")
    first, spread = SETTINGS["styles"][0], SETTINGS["spread"]
    for method in spread["methods"]:
        for seed in range(spread["seeds_of_first_style"]):
            squares += tiles(method, first, seed, PICTURED[:1])
        left = (2 + len(METHODS)) - spread["seeds_of_first_style"]
        squares += left * [np.ones((TILE, TILE, 3), np.float32)]
        rows.append(f"{PICTURED[0]}, {first}, {method}, by seed")
    columns = 2 + len(METHODS)
    sheet = Image.fromarray(plotting.tile(np.stack(squares), columns, gap=0))
    for quality in range(85, 10, -5):  # the best that the limit allows
        stream = io.BytesIO()
        sheet.save(stream, format="JPEG", quality=quality, optimize=True)
        if stream.tell() <= SHEET_BYTES:
            break
    fresh = SHEET.with_name(f".{SHEET.name}")
    fresh.write_bytes(stream.getvalue())
    os.replace(fresh, SHEET)
    return {
        "file": SHEET.name,
        "rows": rows,
        "columns": ["style", "photograph", *METHODS],
        "side": TILE,
    }


def collect(clock: provenance.Clock, threads: int) -> None:
    """Write the results from the runs that are there."""
    todo = plan()
    rows = [json.loads(place(*each).read_text()) for each in todo if place(*each).exists()]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: list(METHODS).index(row["method"])):
        groups.setdefault((row["method"], row["style"]), []).append(row)
    originals = list(data.content_images(SETTINGS["side"], "test").values())
    content = {
        "settings": SETTINGS,
        "targets": TARGETS,
        "missing": ["/".join(map(str, each)) for each in todo if not place(*each).exists()],
        "photographs": list(data.content_images(SETTINGS["side"], "test")),
        "picture": draw_sheet(),
        "foreign_of_photographs": {
            name: round(foreign(originals, image), 4)
            for name, image in data.style_images().items()
            if name in SETTINGS["styles"]
        },
        "table": [summary(group) for group in groups.values()],
        "runs": rows,
        **clock.card(seed=0),
        "minutes": round(sum(row["minutes"] for row in rows), 1),
        "threads": threads or os.cpu_count(),
    }
    provenance.write(RESULT, content)


def main() -> None:
    """Run what is missing, each run in a process of its own, and keep the results up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--only", nargs="+", metavar="METHOD/STYLE/SEED", help="these runs")
    parser.add_argument("--judge", action="store_true", help="judge the stored paintings anew")
    options = parser.parse_args()
    todo = plan()
    if options.only:
        names = {"/".join(map(str, each)): each for each in todo}
        if unknown := set(options.only) - set(names):
            parser.error(f"--only: no run {min(unknown)}; the runs are {', '.join(names)}")
        todo = [names[name] for name in options.only]
    clock = provenance.Clock()
    provenance.keep_settings(RUNS, SETTINGS)
    for each in todo if options.judge else []:
        if place(*each).exists():
            figures = json.loads(place(*each).read_text())
            provenance.write(place(*each), figures | judge(each[1], paintings(*each)))
    apart = multiprocessing.get_context("spawn")
    for method, name, seed in tqdm(todo, desc="runs", disable=not sys.stderr.isatty()):
        path = place(method, name, seed)
        if not path.exists() and not options.judge:
            begin = time.monotonic()
            with ProcessPoolExecutor(1, mp_context=apart) as pool:
                figures = pool.submit(run, method, name, seed, options.threads).result()
            figures["minutes"] = round((time.monotonic() - begin) / 60, 2)
            provenance.write(path, figures)
            print(json.dumps(figures), flush=True)
            collect(clock, options.threads)
    collect(clock, options.threads)


if __name__ == "__main__":
    main()
