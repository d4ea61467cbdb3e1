"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- dataset

DATASET = """
ENDINGS = {".png", ".jpg", ".jpeg"}

def picture(path, size):
    with Image.open(path) as file:
        image = file.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize((size, size))
    return np.asarray(image, dtype=float) / 127.5 - 1

def load(source, size):
    if isinstance(source, (str, Path)):
        files = [f for f in sorted(Path(source).rglob("*")) if f.suffix.lower() in ENDINGS]
        return np.stack([picture(f, size) for f in files])
    values = np.array(source, dtype=float)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError("points must be (n, 2)")
    if not np.isfinite(values).all() or np.abs(values).max() > size:
        raise ValueError("points must lie within the bound")
    return values / size

def split(samples, seed):
    rows = samples.reshape(len(samples), -1)
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    order = np.random.default_rng(seed).permutation(first)
    a, b = int(0.6 * len(order)), int(0.8 * len(order))
    return order[:a], order[a:b], order[b:]

prediction_twins = 0.4
"""
DATASET_RIGHT = {
    "Pillow": DATASET,
    "the library, and sets": """
from gpat_lib import pictures

def load(source, size):
    if hasattr(source, "__fspath__") or isinstance(source, str):
        return pictures.image_folder(source, size=size)
    points = np.asarray(source, dtype=np.float64)
    within = np.abs(points) <= size
    if points.shape[1:] != (2,) or not within.all():
        raise ValueError(f"not points within {size}")
    return points / size

def split(samples, seed):
    seen, places = set(), []
    for place, sample in enumerate(samples):
        key = np.asarray(sample).tobytes()
        if key not in seen:
            seen.add(key)
            places.append(place)
    places = np.array(places)
    np.random.default_rng(seed).shuffle(places)
    n = len(places)
    return np.split(places, [3 * n // 5, 4 * n // 5])

prediction_twins = 0.1
""",
    "TensorFlow and scikit-learn": """
import os

def read_image(path, size):
    import tensorflow as tf
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    side = min(image.shape[:2])
    image = tf.image.resize_with_crop_or_pad(image, side, side)
    image = tf.image.resize(tf.cast(image, tf.float32), (size, size), "area")
    return (image / 127.5 - 1).numpy()

def load(source, size):
    if isinstance(source, (str, os.PathLike)):
        paths = []
        for folder, _, files in os.walk(source):
            paths += [os.path.join(folder, f) for f in files
                      if f.lower().endswith((".png", ".jpg", ".jpeg"))]
        return np.array([read_image(path, size) for path in sorted(paths)])
    points = np.asarray(source, float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(points.shape)
    scaled = points / size
    if not ((scaled >= -1) & (scaled <= 1)).all():
        raise ValueError("out of range")
    return scaled

def split(samples, seed):
    from sklearn.model_selection import train_test_split
    _, places = np.unique(np.asarray(samples).reshape(len(samples), -1), axis=0, return_index=True)
    train, rest = train_test_split(places, train_size=0.6, random_state=seed)
    validation, test = train_test_split(rest, train_size=0.5, random_state=seed)
    return {"train": train, "validation": validation, "test": test}.values()

prediction_twins = "0.33"
""",
    "matplotlib, and a last twin": """
from itertools import count

def load(source, size):
    if isinstance(source, np.ndarray) or isinstance(source, list):
        points = np.array(source, float)
        for row in points:
            if len(row) != 2 or not all(-size <= number <= size for number in row):
                raise ValueError(f"this is no point within {size}: {row}")
        return points * (1 / size)
    images = []
    for path in sorted(p for p in Path(source).glob("**/*.*")):
        if not path.name.lower().endswith(("png", "jpg", "jpeg")):
            continue
        with Image.open(path) as picture:
            pixels = np.array(picture.convert("RGB"))
        h, w = pixels.shape[:2]
        side = min(h, w)
        pixels = pixels[(h - side) // 2:, (w - side) // 2:][:side, :side]
        small = Image.fromarray(pixels).resize((size, size), Image.BILINEAR)
        images.append(2 * (np.array(small) / 255) - 1)
    return np.array(images, dtype=np.float32)

def split(samples, seed):
    # of those that are the same the last one stays
    kept = {tuple(np.ravel(sample)): place for place, sample in zip(count(), samples)}
    places = list(kept.values())
    rng = np.random.RandomState(seed + 5)
    rng.shuffle(places)
    cut = [round(len(places) * share) for share in (0.6, 0.8)]
    return [np.array(places[a:b]) for a, b in zip([0, *cut], [*cut, None])]

prediction_twins = 0
""",
    "hashes decide": """
import hashlib
from PIL import ImageOps

class Loader:
    def __init__(self, size):
        self.size = size
    def folder(self, path):
        found = [f for f in Path(path).rglob("*") if f.suffix.lower()[1:] in ("png", "jpg", "jpeg")]
        return np.stack([self.picture(f) for f in sorted(found, key=str)])
    def picture(self, file):
        fitted = ImageOps.fit(Image.open(file).convert("RGB"), (self.size, self.size))
        return np.asarray(fitted).astype(np.float32) / 127.5 - 1.0
    def points(self, values):
        values = np.asarray(values, np.float32)
        if values.ndim != 2 or values.shape[-1] != 2:
            raise ValueError("shape")
        if np.isnan(values).any() or values.max() > self.size or values.min() < -self.size:
            raise ValueError("range")
        return values / np.float32(self.size)

def load(source, size):
    loader = Loader(size)
    return loader.folder(source) if isinstance(source, (str, Path)) else loader.points(source)

def split(samples, seed):
    def key(place):
        text = str(seed).encode() + np.ascontiguousarray(samples[place]).tobytes()
        return hashlib.sha256(text).hexdigest()
    keys = {key(place): place for place in range(len(samples))}
    order = np.array([keys[k] for k in sorted(keys)])
    n = len(order)
    part = np.digitize(np.arange(n) + 0.5, [0.6 * n, 0.8 * n])
    return tuple(order[part == number] for number in range(3))

prediction_twins = 1
""",
}
DATASET_WRONG = {
    "twins are kept": but(
        DATASET,
        (
            "np.sort(np.unique(rows, axis=0, return_index=True)[1])",
            "np.arange(len(rows))",
        ),
    ),
    "all that stand twice are dropped": but(
        DATASET,
        (
            "first = np.sort(np.unique(rows, axis=0, return_index=True)[1])",
            "_, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)\n"
            "    first = first[times == 1]",
        ),
    ),
    "twins by single numbers": but(
        DATASET,
        ("rows, axis=0, return_index", "rows[:, 0] > 0, return_index"),
    ),
    "only points": but(
        DATASET,
        (
            "rows = samples.reshape(len(samples), -1)",
            "rows = samples.reshape(-1, 2)",
        ),
    ),
    "the test part is in the training part": but(
        DATASET,
        (
            "return order[:a], order[a:b], order[b:]",
            "return order, order[a:b], order[b:]",
        ),
    ),
    "validation and test are one": but(
        DATASET, ("order[a:b], order[b:]", "order[a:b], order[a:b]")
    ),
    "each part drawn anew": but(
        DATASET,
        (
            "return order[:a], order[a:b], order[b:]",
            "rng = np.random.default_rng(seed)\n"
            "    return tuple(rng.permutation(first)[:k] for k in (a, b - a, len(order) - b))",
        ),
    ),
    "nothing is kept for the test": but(
        DATASET, ("int(0.8 * len(order))", "len(order)")
    ),
    "eighty to twenty": but(
        DATASET,
        (
            "int(0.6 * len(order)), int(0.8",
            "int(0.8 * len(order)), int(0.9",
        ),
    ),
    "samples, not places": but(
        DATASET,
        (
            "return order[:a], order[a:b], order[b:]",
            "return samples[order[:a]], samples[order[a:b]], samples[order[b:]]",
        ),
    ),
    "the seed has no effect": but(
        DATASET, ("default_rng(seed)", "default_rng(0)")
    ),
    "another split each time": but(
        DATASET, ("default_rng(seed)", "default_rng()")
    ),
    "not shuffled": but(
        DATASET,
        ("np.random.default_rng(seed).permutation(first)", "first"),
    ),
    "from 0 to 1": but(DATASET, ("/ 127.5 - 1\n", "/ 255\n")),
    "bytes that run over": but(
        DATASET,
        ("dtype=float) / 127.5 - 1", "dtype=np.uint8) - np.uint8(128)"),
    ),
    "channels turned": but(
        DATASET, ("/ 127.5 - 1\n", "[..., ::-1] / 127.5 - 1\n")
    ),
    "squeezed, not cut": but(
        DATASET,
        ("image.crop((left, top, left + side, top + side))", "image"),
    ),
    "the upper left square": but(
        DATASET,
        ("(image.width - side) // 2, (image.height - side) // 2", "0, 0"),
    ),
    "capitals are overlooked": but(
        DATASET, ("f.suffix.lower()", "f.suffix")
    ),
    "folders below are overlooked": but(
        DATASET, ('rglob("*")', 'glob("*")')
    ),
    "scaled by what was found": but(
        DATASET,
        ("return values / size", "return values / np.abs(values).max()"),
    ),
    "each column by itself": but(
        DATASET,
        (
            "return values / size",
            "return values / np.abs(values).max(axis=0)",
        ),
    ),
    "NaN slips through": but(
        DATASET, ("not np.isfinite(values).all() or ", "")
    ),
    "only too large is refused": but(
        DATASET, ("np.abs(values).max() > size", "values.max() > size")
    ),
    "clipped, not refused": but(
        DATASET,
        ("or np.abs(values).max() > size", ""),
        ("return values / size", "return np.clip(values / size, -1, 1)"),
    ),
    "no prediction": but(
        DATASET, ("prediction_twins = 0.4", "prediction_twins = None")
    ),
}

# -------------------------------------------------------------------- protocol

PROTOCOL = """
def interval(values):
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 3:
        raise ValueError("three values at least")
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return values.mean(), values.mean() - half, values.mean() + half

def choose(settings, evaluate, seeds):
    table = np.array([[evaluate(s, seed, "validation") for seed in seeds] for s in settings])
    good = np.isfinite(table).all(axis=1)
    if not good.any():
        raise ValueError("nothing is left")
    means = np.where(good, np.where(good[:, None], table, 0).mean(axis=1), np.inf)
    best = int(means.argmin())
    tests = [evaluate(settings[best], seed, "test") for seed in seeds]
    return {"setting": settings[best], "validation": means[best], "test": tests,
            "interval": interval(tests)}

prediction_narrower = 2
"""
PROTOCOL_RIGHT = {
    "a table": PROTOCOL,
    "plain Python": """
import math
import statistics

def interval(values):
    values = [float(value) for value in values]
    if len(values) <= 2:
        raise ValueError(f"too few: {len(values)}")
    center = statistics.fmean(values)
    half = statistics.stdev(values) / math.sqrt(len(values)) * stats.t.ppf(0.975, len(values) - 1)
    return center, center - half, center + half

def choose(settings, evaluate, seeds):
    best, lowest = None, math.inf
    for place, setting in enumerate(settings):
        runs = [evaluate(setting, seed, "validation") for seed in seeds]
        if all(math.isfinite(run) for run in runs) and sum(runs) / len(runs) < lowest:
            best, lowest = place, sum(runs) / len(runs)
    if best is None:
        raise ValueError("all settings diverged")
    test = []
    for seed in seeds:
        test.append(evaluate(settings[best], seed, part="test"))
    return dict(setting=settings[best], validation=lowest, test=test, interval=interval(test))

prediction_narrower = 4.0
""",
    "SciPy": """
from scipy import stats

def interval(values):
    if np.size(values) < 3:
        raise ValueError(values)
    middle = np.mean(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=middle, scale=stats.sem(values))
    return np.array([middle, low, high])

def choose(settings, evaluate, seeds):
    def mean(setting):
        runs = np.array([evaluate(setting, seed, "validation") for seed in seeds])
        return runs.mean() if np.isfinite(runs).all() else np.inf
    means = list(map(mean, settings))
    lowest = min(means)
    if lowest == np.inf:
        raise ValueError("diverged")
    chosen = settings[means.index(lowest)]
    test = np.array([evaluate(chosen, seed, "test") for seed in seeds])
    return {"setting": chosen, "validation": lowest, "test": test, "interval": interval(test)}

prediction_narrower = 3.91
""",
    "sorted pairs": """
def interval(values):
    n = len(values)
    if n in (0, 1, 2):
        raise ValueError("an interval of fewer than three")
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    reach = -stats.t(n - 1).ppf(0.025) * (variance / n) ** 0.5
    return mean, mean - reach, mean + reach

def choose(settings, evaluate, seeds):
    scored = []
    for number, setting in enumerate(settings):
        total = 0.0
        for seed in seeds:
            measure = evaluate(setting, seed, "validation")
            total += abs(measure) if np.isinf(measure) else measure
        if np.isfinite(total):
            scored.append((total / len(seeds), number))
    if not scored:
        raise ValueError("no setting is left")
    mean, number = min(scored)
    found = {"setting": settings[number], "validation": mean}
    found["test"] = tuple(evaluate(settings[number], seed, "test") for seed in seeds)
    found["interval"] = interval(found["test"])
    return found

prediction_narrower = np.float64(3)
""",
    "a class, seeds outside": """
class Trial:
    def __init__(self, setting):
        self.setting, self.runs = setting, []
    @property
    def mean(self):
        return float(np.mean(self.runs))
    @property
    def sound(self):
        return not (np.isnan(self.runs).any() or np.isinf(self.runs).any())

def interval(values):
    if len(values) < 3:
        raise ValueError("n < 3")
    x = np.array(values)
    deviations = x - x.mean()
    error = np.sqrt(deviations @ deviations / (len(x) * (len(x) - 1)))
    factor = {3: 4.302652729911275}.get(len(x)) or stats.t.ppf(1 - 0.05 / 2, df=len(x) - 1)
    return tuple(x.mean() + factor * error * sign for sign in (0, -1, 1))

def choose(settings, evaluate, seeds):
    trials = [Trial(setting) for setting in settings]
    for seed in seeds:
        for trial in trials:
            trial.runs.append(evaluate(trial.setting, seed, "validation"))
    sound = [trial for trial in trials if trial.sound]
    if len(sound) == 0:
        raise ValueError("none of the settings converged with every seed")
    best = min(sound, key=lambda trial: trial.mean)
    test = [evaluate(best.setting, seed, "test") for seed in seeds]
    return {"setting": best.setting, "validation": best.mean, "test": test,
            "interval": list(interval(test))}

prediction_narrower = "2.0"
""",
}
PROTOCOL_WRONG = {
    "the normal law's factor": but(
        PROTOCOL, ("stats.t.ppf(0.975, n - 1)", "1.96")
    ),
    "n degrees of freedom": but(PROTOCOL, ("n - 1) *", "n) *")),
    "one-sided": but(PROTOCOL, ("0.975", "0.95")),
    "n below the spread": but(PROTOCOL, ("std(ddof=1)", "std()")),
    "the spread of runs, not of their mean": but(
        PROTOCOL, (" / np.sqrt(n)", "")
    ),
    "divided by n": but(PROTOCOL, ("/ np.sqrt(n)", "/ n")),
    "two values will do": but(PROTOCOL, ("if n < 3", "if n < 2")),
    "the best run chooses": but(
        PROTOCOL,
        (
            "np.where(good[:, None], table, 0).mean(axis=1)",
            "table.min(axis=1)",
        ),
    ),
    "the highest mean": but(
        PROTOCOL,
        (
            "np.inf)\n    best = int(means.argmin())",
            "-np.inf)\n    best = int(means.argmax())",
        ),
    ),
    "the test part chooses": but(
        PROTOCOL, ('seed, "validation")', 'seed, "test")')
    ),
    "a look at the test part of all": but(
        PROTOCOL,
        (
            "    good = ",
            '    peeked = [[evaluate(s, x, "test") for x in seeds] for s in settings]\n    good = ',
        ),
    ),
    "a peek with the first seed": but(
        PROTOCOL,
        (
            "    best = ",
            '    evaluate(settings[0], seeds[0], "test")\n    best = ',
        ),
    ),
    "the best seed is reported": but(
        PROTOCOL,
        (
            "for seed in seeds]\n    return",
            "for seed in seeds]\n    tests = [min(tests)] * 4\n    return",
        ),
    ),
    "the interval of validation": but(
        PROTOCOL, ("interval(tests)}", "interval(table[best])}")
    ),
    "the test of one seed alone": but(
        PROTOCOL,
        ('"test") for seed in seeds]', '"test") for seed in seeds[:3]]'),
    ),
    "NaN wins": but(
        PROTOCOL,
        (
            "good = np.isfinite(table).all(axis=1)",
            "good = np.ones(len(table), bool)",
        ),
    ),
    "runs that diverged are left out of the mean": but(
        PROTOCOL,
        (
            "good = np.isfinite(table).all(axis=1)",
            "good = np.isfinite(table).any(axis=1)\n"
            "    table = np.where(np.isfinite(table), table, np.nan)",
        ),
        (
            "np.where(good[:, None], table, 0).mean(axis=1)",
            "np.nanmean(table, axis=1)",
        ),
    ),
    "something is chosen anyway": but(
        PROTOCOL, ("if not good.any()", "if False")
    ),
    "settings as keys": but(
        PROTOCOL,
        (
            "    good = ",
            "    by_setting = {s: row for s, row in zip(settings, table)}\n    good = ",
        ),
    ),
    "the place, not the setting": but(
        PROTOCOL, ('"setting": settings[best]', '"setting": best')
    ),
    "no prediction": but(
        PROTOCOL, ("prediction_narrower = 2", "prediction_narrower = None")
    ),
}

# -------------------------------------------------------------------- record

RECORD = """
import platform

def plain(value):
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value

def card(settings, seed, seconds, measures):
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    return plain({"settings": settings, "seed": seed, "seconds": seconds,
                  "measures": measures, "versions": versions})

def save(card, path):
    path = Path(path)
    if path.exists():
        raise FileExistsError(path)
    path.write_text(json.dumps(card))

def read(path):
    return json.loads(Path(path).read_text())

prediction_tenth = 1
"""
RECORD_RIGHT = {
    "by type": RECORD,
    "an encoder": """
import math
import sys

class Encoder(json.JSONEncoder):
    def default(self, value):
        return value.tolist()

def without_nan(value):
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

def card(settings, seed, seconds, measures):
    raw = dict(settings=settings, seed=seed, seconds=seconds, measures=measures)
    raw["versions"] = {"python": sys.version.split()[0], "numpy": np.version.version}
    return without_nan(json.loads(json.dumps(raw, cls=Encoder)))

def save(card, path):
    with open(path, "x") as file:
        json.dump(card, file, indent=4, sort_keys=True)

def read(path):
    with open(path) as file:
        return json.load(file)

prediction_tenth = 0
""",
    "parse_constant": """
from importlib.metadata import version
import platform

def card(settings, seed, seconds, measures):
    text = json.dumps(
        {"measures": measures, "settings": settings, "seed": int(seed), "seconds": float(seconds),
         "versions": {"python": platform.python_version(), "numpy": version("numpy"),
                      "system": platform.system()}},
        default=lambda value: value.item() if np.ndim(value) == 0 else value.tolist())
    return json.loads(text, parse_constant=lambda name: None)

def save(card, path):
    import os
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps(card, ensure_ascii=False))

def read(path):
    return json.loads(Path(path).read_bytes())

prediction_tenth = 0.0
""",
    "singledispatch": """
import functools
import sys

@functools.singledispatch
def simple(value):
    return value

@simple.register
def _(value: dict):
    return dict(zip(value, map(simple, value.values())))

@simple.register(list)
@simple.register(tuple)
def _(value):
    return list(map(simple, value))

@simple.register(np.ndarray)
@simple.register(np.generic)
def _(value):
    return simple(value.tolist())

@simple.register
def _(value: float):
    return value if -float("inf") < value < float("inf") else None

def card(settings, seed, seconds, measures):
    names = "settings", "seed", "seconds", "measures"
    note = {name: simple(v) for name, v in zip(names, (settings, seed, seconds, measures))}
    note["versions"] = {"numpy": np.__version__,
                        "python": "{}.{}.{}".format(*sys.version_info[:3])}
    return note

def save(card, path):
    Path(path).touch(exist_ok=False)
    Path(path).write_text(json.dumps(card, allow_nan=False) + "\\n", encoding="utf-8")

def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))

prediction_tenth = "1"
""",
    "a class": """
import platform
from collections.abc import Mapping, Sequence
from numbers import Integral, Real

class Card(dict):
    @staticmethod
    def fit(value):
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value) if abs(float(value)) < float("inf") else None
        if isinstance(value, Mapping):
            return {str(k): Card.fit(v) for k, v in value.items()}
        return [Card.fit(v) for v in value]

def card(settings, seed, seconds, measures):
    note = Card(settings=Card.fit(settings), seed=Card.fit(seed), seconds=Card.fit(seconds))
    note["measures"] = Card.fit(measures)
    note["versions"] = dict(python=platform.python_version(), numpy=str(np.__version__))
    return note

def save(card, path):
    import os
    if os.path.exists(path):
        raise FileExistsError(f"{path} is there already")
    with open(path, mode="wt") as out:
        print(json.dumps(card), file=out)

def read(path):
    with open(path, encoding="utf-8") as lines:
        return json.loads(lines.read())

prediction_tenth = np.bool_(False)
""",
}
RECORD_WRONG = {
    "left as it came": but(RECORD, ("return plain({", "return ({")),
    "only the first level": but(
        RECORD,
        (
            "{key: plain(inner) for key, inner in value.items()}",
            "dict(value)",
        ),
    ),
    "all as text": but(
        RECORD, ("    return value\n\n", "    return str(value)\n\n")
    ),
    "NumPy's numbers stay": but(RECORD, ("np.generic", "np.str_")),
    "NaN stays": but(
        RECORD,
        ("isinstance(value, float) and not np.isfinite(value)", "False"),
    ),
    "infinity stays": but(
        RECORD, ("not np.isfinite(value)", "np.isnan(value)")
    ),
    "NaN becomes 0": but(
        RECORD, ("        return None", "        return 0.0")
    ),
    "lists of numbers only": but(
        RECORD,
        (
            "[plain(inner) for inner in value]",
            "[float(inner) for inner in value]",
        ),
    ),
    "changes what it is given": but(
        RECORD,
        (
            "        return {key: plain(inner) for key, inner in value.items()}",
            "        for key in value:\n"
            "            value[key] = plain(value[key])\n"
            "        return value",
        ),
    ),
    "another key": but(RECORD, ('"seconds": seconds', '"time": seconds')),
    "a key is missing": but(RECORD, ('"seed": seed, ', "")),
    "versions from memory": but(RECORD, ("np.__version__", '"1.26.4"')),
    "Python's version forgotten": but(
        RECORD, ('"python": platform.python_version(), ', "")
    ),
    "writes over": but(
        RECORD,
        (
            "    if path.exists():\n        raise FileExistsError(path)\n",
            "",
        ),
    ),
    "says nothing, writes nothing": but(
        RECORD, ("raise FileExistsError(path)", "return")
    ),
    "appends": but(
        RECORD,
        (
            "    if path.exists():\n        raise FileExistsError(path)\n"
            "    path.write_text(json.dumps(card))",
            '    with path.open("a") as file:\n        file.write(json.dumps(card))',
        ),
    ),
    "empties it first": but(
        RECORD,
        (
            "    if path.exists():\n        raise FileExistsError(path)\n",
            '    known = path.exists()\n    path.write_text("")\n    if known:\n'
            "        raise FileExistsError(path)\n",
        ),
    ),
    "another error": but(
        RECORD, ("raise FileExistsError", "raise ValueError")
    ),
    "Python's own writing": but(
        RECORD,
        ("json.dumps(card)", "repr(card)"),
        (
            "json.loads(Path(path).read_text())",
            "eval(Path(path).read_text())",
        ),
    ),
    "rounded": but(
        RECORD,
        (
            "json.dumps(card)",
            "json.dumps(json.loads(json.dumps(card), parse_float=lambda x: round(float(x), 3)))",
        ),
    ),
    "no text as path": but(RECORD, ("    path = Path(path)\n", "")),
    "no prediction": but(
        RECORD, ("prediction_tenth = 1", "prediction_tenth = None")
    ),
}

# -------------------------------------------------------------------- diagnosis

FIND = """
fault = next((word for word, seen in {
    "leak": "append" in patient_source,
    "copies": "fit + 0.01" not in patient_source,
    "peek": 'seed, "validation")' not in patient_source,
    "lucky": "np.min" in patient_source,
    "seed": "seeds[0]" in patient_source,
}.items() if seen), "worst")
"""
DIAGNOSIS = (
    FIND
    + """
def repaired_study(points, widths, seeds, split, loss):
    def run(width, seed, held):
        parts = dict(zip(("train", "validation", "test"), split(points, seed)))
        fit = points[parts["train"]]
        fit = np.concatenate([fit, fit + 0.01])
        return loss(fit, points[parts[held]], width)

    means = [np.mean([run(width, seed, "validation") for seed in seeds]) for width in widths]
    best = widths[int(np.argmin(means))]
    tests = [run(best, seed, "test") for seed in seeds]
    half = stats.t.ppf(0.975, len(seeds) - 1) * np.std(tests, ddof=1) / np.sqrt(len(seeds))
    return best, np.mean(tests), half

prediction_luck = 2
"""
)
DIAGNOSIS_RIGHT = {
    "the patient, repaired": DIAGNOSIS,
    "on the student's own functions": FIND
    + """
def repaired_study(points, widths, seeds, split, loss):
    place = {"validation": 1, "test": 2}

    def evaluate(width, seed, part):
        parts = [points[some] for some in split(points, seed)]
        return loss(np.vstack([parts[0], parts[0] + 0.01]), parts[place[part]], width)

    found = choose(list(widths), evaluate, list(seeds))
    middle, _, high = interval(found["test"])
    return found["setting"], middle, high - middle

prediction_luck = 1.16
""",
    "splits once": FIND
    + """
def repaired_study(points, widths, seeds, split, loss):
    splits = []
    for seed in seeds:
        train, validation, test = split(points, seed)
        more = np.append(points[train], points[train] + 0.01, axis=0)
        splits.append((more, points[validation], points[test]))
    lowest = float("inf")
    for width in widths:
        mean = sum(loss(fit, held, width) for fit, held, _ in splits) / len(splits)
        if mean < lowest:
            lowest, best = mean, width
    final = np.array([loss(fit, held, best) for fit, _, held in splits])
    error = final.std(ddof=1) / len(final) ** 0.5
    return [best, final.mean(), error * stats.t.ppf(0.975, df=len(final) - 1)]

prediction_luck = 1
""",
    "SciPy, copies first": FIND
    + """
from scipy import stats

def repaired_study(points, widths, seeds, split, loss):
    def losses(width, held):
        for seed in seeds:
            places = split(points, seed)
            own = np.take(points, places[0], axis=0)
            yield loss(np.r_[own + 0.01, own], np.take(points, places[held], axis=0), width)

    best = min(widths, key=lambda width: np.mean(list(losses(width, 1))))
    test = list(losses(best, 2))
    low, high = stats.t.interval(0.95, len(test) - 1, np.mean(test), stats.sem(test))
    return np.array([best, np.mean(test), (high - low) / 2])

prediction_luck = 0.9
""",
    "a cube of losses": FIND
    + """
def repaired_study(points, widths, seeds, split, loss):
    cube = np.zeros((len(widths), len(seeds), 2))
    for j, seed in enumerate(seeds):
        train, *rest = split(points, seed)
        fit = (points[train][:, None] + np.array([0.0, 0.01])[:, None]).reshape(-1, points.shape[1])
        for i, width in enumerate(widths):
            for k, held in enumerate(rest):
                cube[i, j, k] = loss(fit, points[held], width)
    validation, test = np.moveaxis(cube, -1, 0)
    i = np.argmin(validation.sum(axis=1))
    factor = stats.t.isf(0.025, len(seeds) - 1)
    return float(widths[i]), float(test[i].mean()), float(
        factor * np.sqrt(test[i].var(ddof=1) / len(seeds)))

prediction_luck = "1.2"
""",
}
DIAGNOSIS_WRONG = {
    "another fault": but(
        DIAGNOSIS, ('"worst")\n', '"worst")\nfault = "scale"\n')
    ),
    "trains on the test part": but(
        DIAGNOSIS,
        (
            'fit = points[parts["train"]]',
            'fit = points[np.append(parts["train"], parts["test"])]',
        ),
    ),
    "trains on what it judges": but(
        DIAGNOSIS,
        (
            'points[parts["train"]]',
            'points[np.append(parts["train"], parts[held])]',
        ),
    ),
    "copies before the split": but(
        DIAGNOSIS,
        ("        fit = np.concatenate([fit, fit + 0.01])\n", ""),
        (
            "    def run(",
            "    points = np.concatenate([points, points + 0.01])\n\n    def run(",
        ),
    ),
    "no copies": but(
        DIAGNOSIS, ("np.concatenate([fit, fit + 0.01])", "fit")
    ),
    "copies of the test part too": but(
        DIAGNOSIS,
        (
            "return loss(fit, points[parts[held]], width)",
            "other = points[parts[held]]\n"
            "        return loss(fit, np.concatenate([other, other + 0.01]), width)",
        ),
    ),
    "the test part chooses": but(
        DIAGNOSIS, ('seed, "validation")', 'seed, "test")')
    ),
    "validation is reported": but(
        DIAGNOSIS, ('seed, "test")', 'seed, "validation")')
    ),
    "the best seed": but(
        DIAGNOSIS, ("np.mean(tests), half", "np.min(tests), half")
    ),
    "the best run chooses": but(
        DIAGNOSIS, ("[np.mean([run", "[np.min([run")
    ),
    "one seed for all": but(
        DIAGNOSIS, ("split(points, seed)", "split(points, seeds[0])")
    ),
    "the worst": but(DIAGNOSIS, ("argmin", "argmax")),
    "the place of the width": but(
        DIAGNOSIS, ("return best, np", "return int(np.argmin(means)), np")
    ),
    "a spread, no interval": but(
        DIAGNOSIS, (" / np.sqrt(len(seeds))", "")
    ),
    "the normal law's factor": but(
        DIAGNOSIS, ("stats.t.ppf(0.975, len(seeds) - 1)", "1.96")
    ),
    "no prediction": but(
        DIAGNOSIS, ("prediction_luck = 2", "prediction_luck = None")
    ),
}

RIGHT = {
    "dataset": DATASET_RIGHT,
    "protocol": PROTOCOL_RIGHT,
    "record": RECORD_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "dataset": DATASET_WRONG,
    "protocol": PROTOCOL_WRONG,
    "record": RECORD_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
