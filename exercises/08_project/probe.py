"""Runs the student's functions on secret inputs; what is right, it does not know."""

import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tools.grading.asking import attempt, flat, number

PARTS = ("train", "validation", "test")


def inputs(seed):
    """Samples of which some stand there twice, and pictures; the judge draws the same."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(43, 2))
    points = rng.permutation(
        np.concatenate([points, points[rng.integers(43, size=17)]])
    )
    images = rng.uniform(-1, 1, (25, 4, 4, 3))
    images = rng.permutation(
        np.concatenate([images, images[:5], images[:5]])
    )
    square = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    wide = np.zeros((8, 14, 3), np.uint8)
    wide[:, 3:11] = rng.integers(0, 256, 3)
    return {
        "points": points,
        "images": images,
        "square": square,
        "wide": wide,
        "grey": int(rng.integers(0, 256)),
        "bound": float(rng.uniform(5, 9)),
    }


def dataset(names, seed):
    """A folder of pictures, points, and splits of both kinds."""
    x, load, split = inputs(seed), names["load"], names["split"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "c").mkdir()
        Image.fromarray(x["square"]).save(folder / "a.png")
        Image.fromarray(x["wide"]).save(folder / "b.PNG")
        Image.new("L", (20, 30), x["grey"]).save(folder / "c" / "d.jpeg")
        (folder / "c" / "e.txt").write_text("no picture")
        pictures = {
            "path": attempt(load, folder, 8),
            "text": attempt(load, str(folder), 16),
        }
    bad = np.array(x["points"])
    bad[3, 1] = np.inf
    refused = {
        "beyond": attempt(
            load, np.array(x["points"]), float(np.abs(bad[:3]).min() / 2)
        ),
        "negative": attempt(load, np.array([[0.5, -2.0]]), 1.0),
        "infinite": attempt(load, bad, x["bound"]),
        "nan": attempt(load, np.array([[0.0, np.nan]]), 3.0),
        "shape": attempt(load, np.zeros((4, 3)), 3.0),
    }

    def parts(samples, number_):
        found = zip(PARTS, split(np.array(samples), number_), strict=True)
        return {name: attempt(np.asarray, part) for name, part in found}

    splits = {
        f"{name}/{number_}": attempt(parts, x[name], number_)
        for name in ("points", "images")
        for number_ in (0, 1)
    }
    splits["points/again"] = attempt(parts, x["points"], 0)
    return flat(
        {
            "pictures": pictures,
            "points": attempt(load, np.array(x["points"]), x["bound"]),
            "refused": {
                name: str(said)[:60] for name, said in refused.items()
            },
            "split": splits,
            "prediction": number(names["prediction_twins"]),
        }
    )


def table(seed, which):
    """Measures of five settings with four seeds: validation, then test."""
    rng = np.random.default_rng([seed, which])
    values = rng.uniform(2, 3, (2, 5, 4))
    best, lucky, tested = rng.permutation(5)[:3]
    values[0, best] -= 0.6
    values[0, lucky, rng.integers(4)] = (
        0.5  # one good run, and three that are worse
    )
    values[0, lucky] += [0.4] * 4
    values[1, tested] -= 1.5
    if which == 1:  # one run that diverged: the best setting otherwise
        values[0, tested] = [0.1, 0.1, np.nan, 0.1]
    if which == 2:
        values[0, tested] = [0.1, np.inf, 0.1, -np.inf]
    if which == 3:
        values[0, :, 1] = np.nan
    return values


def protocol(names, seed):
    """Intervals; choices, with every call of evaluate noted."""
    rng = np.random.default_rng(seed)
    interval, choose = names["interval"], names["choose"]
    answers = {
        "interval": [
            attempt(interval, list(rng.normal(3, 2, n)))
            for n in (3, 5, 12)
        ],
        "few": str(attempt(interval, [1.0, 2.0]))[:60],
        "prediction": number(names["prediction_narrower"]),
    }
    seeds = [7, 3, 12, 0]
    for which in range(4):
        values, calls = table(seed, which), np.zeros((2, 5, 4), int)
        settings = [
            {"number": i} if which == 0 else f"setting {i}"
            for i in range(5)
        ]

        def evaluate(
            setting,
            seed,
            part,
            values=values,
            calls=calls,
            settings=settings,
        ):
            place = (
                PARTS.index(part) - 1,
                settings.index(setting),
                seeds.index(seed),
            )
            calls[place] += 1
            return float(values[place])

        try:
            found = choose(list(settings), evaluate, list(seeds))
            answers[f"choose{which}"] = {
                "setting": attempt(settings.index, found["setting"]),
                **{
                    key: attempt(np.asarray, found[key])
                    for key in ("validation", "test")
                },
                "interval": attempt(np.asarray, found["interval"]),
            }
        except Exception as error:
            answers[f"choose{which}"] = {
                "error": f"{type(error).__name__}: {error}"[:60]
            }
        answers[f"calls{which}"] = calls.copy()
    return flat(answers)


def given(seed):
    """What a card is made of, in NumPy's types."""
    rng = np.random.default_rng(seed)
    settings = {
        "rate": np.float32(rng.uniform()),
        "layers": (np.int64(rng.integers(9)), [np.uint8(7), (1, 2)]),
        "deep": {
            "ema": np.bool_(True),
            "weights": rng.normal(size=(2, 2)),
        },
        "name": "ring",
        "none": None,
    }
    measures = {
        "distance": rng.normal(),
        "lost": float("nan"),
        "curve": np.array([1.5, np.inf, -np.inf]),
        "pairs": [{"x": np.float64("nan")}, (np.float32(0.5),)],
    }
    return (
        settings,
        np.int32(rng.integers(1000)),
        np.float64(rng.uniform()),
        measures,
    )


def strict(value):
    """JSON's text; raises for NaN and for what is not JSON."""
    return json.dumps(value, allow_nan=False)


def record(names, seed):
    """Cards, and files."""
    card, save, read = names["card"], names["save"], names["read"]
    note = card(*given(seed))
    answers = {
        key: attempt_text(lambda key=key: strict(note[key]))
        for key in ("settings", "seed", "seconds", "measures")
    }
    answers["keys"] = attempt_text(lambda: " ".join(sorted(note)))
    for name in ("python", "numpy"):
        answers[name] = attempt_text(
            lambda name=name: note["versions"][name]
        )
    settings, _, _, measures = own = given(seed)
    attempt(card, *own)
    answers["untouched"] = bool(
        isinstance(settings["layers"], tuple)
        and isinstance(measures["curve"], np.ndarray)
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, place in (
            ("path", Path(folder) / "a.json"),
            ("text", f"{folder}/b.json"),
        ):
            attempt(save, note, place)
            answers[f"read {name}"] = attempt_text(
                lambda p=place: agree(read(p), note)
            )
            answers[f"file {name}"] = attempt_text(
                lambda p=place: agree(
                    json.loads(Path(p).read_text(encoding="utf-8")), note
                )
            )
        other = card({}, 0, 0.0, {})
        answers["again"] = str(
            attempt(save, other, Path(folder) / "a.json")
        )[:60]
        answers["kept"] = attempt_text(
            lambda: agree(read(Path(folder) / "a.json"), note)
        )
    answers["prediction"] = number(names["prediction_tenth"])
    return answers


def agree(one, other):
    """Whether two cards are the same JSON."""
    same = json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )
    return "same" if same else "different"


def attempt_text(function):
    """A text, or how it failed."""
    try:
        return str(function())[:490]
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def diagnosis(names, seed):
    """The fault's name; the repaired study with splits and losses of our own."""
    repaired, answers = names["repaired_study"], {}
    for which in range(6):
        rng = np.random.default_rng([seed, which])
        points = rng.uniform(-1, 1, (30, 2))
        widths = [
            float(w) for w in rng.permutation(np.linspace(0.1, 1.0, 6))
        ]
        waves = rng.normal(0, 9, (2, 2))

        def split(points, seed):
            """Overlapping with nothing, and another for each seed."""
            order = np.random.default_rng(seed).permutation(len(points))
            return np.split(order, [len(order) // 2, 3 * len(order) // 4])

        def loss(fit, held, width, waves=waves):
            """A sum that depends on all points, but not on their order."""
            near = np.linalg.norm(fit[:, None] - held[None], axis=-1).min(
                axis=0
            )
            rest = (
                np.sin(held @ waves[0] + 40 * width).mean()
                + np.cos(fit @ waves[1]).mean()
            )
            return float(np.log(near + 0.003).mean() + rest)

        def study(points=points, widths=widths, split=split, loss=loss):
            return [
                float(v)
                for v in repaired(
                    points.copy(), list(widths), [4, 9, 1], split, loss
                )
            ]

        answers[str(which)] = attempt(study)
    return flat(
        {
            "fault": str(names["fault"])[:40],
            "study": answers,
            "prediction": number(names["prediction_luck"]),
        }
    )


PROBES = {
    "dataset": dataset,
    "protocol": protocol,
    "record": record,
    "diagnosis": diagnosis,
}
