"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

Nothing here looks at the student's own project: data, plan and report are for a reader.
"""

import json
import platform
from pathlib import Path

import numpy as np
from gpat_lib import practice
from scipy import stats
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("leak", "copies", "peek", "lucky", "seed", "worst")


def patient(student):
    """Which fault the notebook draws for this student."""
    rng = practice.variant(student, "08_project")
    rng.integers(4, 9)
    rng.integers(10, 31)
    return FAULTS[rng.integers(len(FAULTS))]


# -------------------------------------------------------------------- dataset


def pictures_right(answers, x):
    """Bytes of an exact square, a cut wide picture, and a grey one; also enlarged."""
    found = {
        8: np.asarray(answers["pictures/path"]),
        16: np.asarray(answers["pictures/text"]),
    }
    for size, images in found.items():
        if images.shape != (3, size, size, 3) or images.dtype.kind != "f":
            return False
        # Enlarged, what was cut off may shine in at the border.
        inner = images[1] if size == 8 else images[1, 4:-4, 4:-4]
        cut = np.broadcast_to(x["wide"][0, 5] / 127.5 - 1, inner.shape)
        grey = np.full((size, size, 3), x["grey"] / 127.5 - 1)
        # A byte of rounding, and a few of JPEG's.
        if not (
            close(inner, cut, 0, 0.02) and close(images[2], grey, 0, 0.05)
        ):
            return False
    return close(found[8][0], x["square"] / 127.5 - 1, 0, 0.02)


def parts_of(answers, name):
    """The three arrays of a split; empty ones where there is none."""
    parts = [
        np.asarray(answers.get(f"split/{name}/{part}"))
        for part in PROBE.PARTS
    ]
    return [
        p if p.ndim == 1 and p.dtype.kind in "iu" else np.zeros(0, int)
        for p in parts
    ]


def shares_right(answers, name, count):
    """Three disjoint parts of about 60, 20 and 20 % of the distinct samples."""
    parts = parts_of(answers, name)
    places = np.concatenate(parts)
    right = [
        abs(len(p) - s * count) <= 2.6
        for p, s in zip(parts, (0.6, 0.2, 0.2), strict=True)
    ]
    return all(right) and len(np.unique(places)) == len(places)


def distinct_right(answers, name, samples):
    """Exactly one of each group of samples that are the same."""
    places = np.concatenate(parts_of(answers, name))
    if not ((places >= 0) & (places < len(samples))).all():
        return False
    flat = samples.reshape(len(samples), -1)
    return (
        len(np.unique(flat[places], axis=0))
        == len(places)
        == len(np.unique(flat, axis=0))
    )


def judge_dataset(answers, seed, student):
    """Pictures, points, splits."""
    x = PROBE.inputs(seed)
    refused = [
        str(answers[f"refused/{kind}"])
        for kind in ("beyond", "negative", "shape")
    ]
    refused += [
        str(answers[f"refused/{kind}"]) for kind in ("infinite", "nan")
    ]
    counts = {
        name: len(np.unique(x[name].reshape(len(x[name]), -1), axis=0))
        for name in ("points", "images")
    }
    first, again, other = (
        parts_of(answers, f"points/{which}")
        for which in ("0", "again", "1")
    )
    same = [
        close(a, b, 0, 0) and len(a) > 0
        for a, b in zip(first, again, strict=True)
    ]
    still = [close(a, b, 0, 0) for a, b in zip(first, other, strict=True)]
    return [
        Check(
            pictures_right(answers, x),
            1.5,
            "A folder's pictures come out wrong: which files, the centred square, RGB, the range, "
            "or the shape.",
        ),
        Check(
            agree(answers, {"points": x["points"] / x["bound"]}, "points"),
            0.5,
            "Points come out wrong: divide them by the bound, all of them.",
        ),
        Check(
            all(said.startswith("ValueError") for said in refused),
            0.5,
            "Points that cannot be used raise no ValueError: beyond the bound on either side, "
            "not finite, or of another shape.",
        ),
        Check(
            all(
                shares_right(answers, f"{name}/{which}", count)
                for name, count in counts.items()
                for which in (0, 1)
            ),
            1,
            "The parts of a split are no arrays of whole numbers, overlap, or have wrong shares "
            "of the distinct samples; pictures have four axes.",
        ),
        Check(
            all(
                distinct_right(answers, f"{name}/{which}", x[name])
                for name in counts
                for which in (0, 1)
            ),
            1,
            "Of samples that are the same, not exactly one is used.",
        ),
        Check(
            all(same) and not all(still),
            1,
            "The same seed gives another split, or another seed the same one.",
        ),
        made(answers["prediction"], 0.5),
    ]


# -------------------------------------------------------------------- protocol


def interval(values):
    """Student's."""
    mean, error = np.mean(values), stats.sem(values)
    half = stats.t.ppf(0.975, len(values) - 1) * error
    return np.array([mean, mean - half, mean + half])


def judge_protocol(answers, seed, student):
    """Intervals, the choice, and what was asked on the way."""
    rng = np.random.default_rng(seed)
    wanted = {
        f"interval/{i}": interval(rng.normal(3, 2, n))
        for i, n in enumerate((3, 5, 12))
    }
    right, reported, test_once = [], [], []
    for which in range(3):
        values, place = PROBE.table(seed, which), f"choose{which}/"
        means = values[0].mean(axis=1)
        best = int(np.argmin(np.where(np.isfinite(means), means, np.inf)))
        right.append(
            close(answers.get(f"{place}setting"), best)
            and close(answers.get(f"{place}validation"), means[best])
        )
        reported.append(
            close(answers.get(f"{place}test"), values[1, best])
            and close(
                answers.get(f"{place}interval"), interval(values[1, best])
            )
        )
        calls = np.asarray(answers[f"calls{which}"])
        once = np.zeros((5, 4))
        once[best] = 1
        test_once.append(
            close(calls[1], once) and bool((calls[0] >= 1).all())
        )
    return [
        Check(
            agree(answers, wanted, "interval"),
            1,
            "The interval is wrong: mean, low, high, with Student's factor and n − 1 twice.",
        ),
        Check(
            str(answers["few"]).startswith("ValueError"),
            0.5,
            "An interval of two values raises no ValueError.",
        ),
        Check(
            right[0],
            1,
            "choose takes another setting, or says another validation mean: the lowest mean over "
            "seeds, on validation; settings may be dictionaries.",
        ),
        Check(
            all(right[1:])
            and str(answers.get("choose3/error")).startswith("ValueError"),
            1,
            "choose is wrong where runs diverged: such a setting is out, and if all are, "
            "a ValueError.",
        ),
        Check(
            all(reported),
            1,
            "The test measures are not those of the chosen setting in the order of the seeds, or "
            "the interval is not theirs.",
        ),
        Check(
            all(test_once),
            1,
            "evaluate was called on the test part for another setting, more or less than once for "
            "a seed, or not for every setting and seed on validation.",
        ),
        made(answers["prediction"], 0.5),
    ]


# -------------------------------------------------------------------- record


def plain(value):
    """As it should stand in JSON."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return (
        None
        if isinstance(value, float) and not np.isfinite(value)
        else value
    )


def alike(one, other):
    """Whether two values of JSON agree; numbers nearly."""
    if isinstance(other, dict):
        return (
            isinstance(one, dict)
            and one.keys() == other.keys()
            and all(alike(one[key], value) for key, value in other.items())
        )
    if isinstance(other, list):
        return (
            isinstance(one, list)
            and len(one) == len(other)
            and all(map(alike, one, other))
        )
    if isinstance(other, str) or other is None:
        return one == other
    return close(one, other, 1e-6, 1e-9)


def says(answers, key, expected):
    """Whether an answer is JSON that agrees with what is expected."""
    try:
        return alike(json.loads(str(answers.get(key))), plain(expected))
    except ValueError:
        return False


def judge_record(answers, seed, student):
    """Cards, and files."""
    settings, number, seconds, measures = PROBE.given(seed)
    same = [
        str(answers.get(key)) == "same"
        for key in ("read path", "read text")
    ]
    same += [
        str(answers.get(key)) == "same"
        for key in ("file path", "file text")
    ]
    numpy, python = str(answers["numpy"]), str(answers["python"])
    keys = "measures seconds seed settings versions"
    return [
        Check(
            says(answers, "settings", settings)
            and says(answers, "measures", measures)
            and close(answers["untouched"], True),
            1,
            "Settings or measures come out otherwise, do not fit into JSON, or were changed: "
            "NumPy's types, tuples, NaN and infinity, at any depth.",
        ),
        Check(
            says(answers, "seed", number)
            and says(answers, "seconds", seconds)
            and str(answers["keys"]) == keys,
            0.5,
            "The card has other keys, or another seed or time than were given.",
        ),
        Check(
            numpy == np.__version__
            and python.startswith(platform.python_version()),
            0.5,
            "The versions are not those that run, as texts.",
        ),
        Check(
            all(same),
            1,
            "What is read is not what was saved, or the file is not JSON; a path may be a text.",
        ),
        Check(
            str(answers["again"]).startswith("FileExistsError")
            and str(answers["kept"]) == "same",
            0.5,
            "Saving over a file raises no FileExistsError, or changes it.",
        ),
        made(answers["prediction"], 0.5),
    ]


# -------------------------------------------------------------------- diagnosis


def study(points, widths, seeds, split, loss):
    """The healthy study."""
    results = {}
    for seed in seeds:
        train, *held = (points[places] for places in split(points, seed))
        fit = np.concatenate([train, train + 0.01])
        for width in widths:
            results[width, seed] = [
                loss(fit, part, width) for part in held
            ]
    table = np.array(
        [[results[width, seed] for seed in seeds] for width in widths]
    )
    best = int(table[..., 0].mean(axis=1).argmin())
    mean, _, high = interval(table[best, :, 1])
    return widths[best], mean, high - mean


def judge_diagnosis(answers, seed, student):
    """The fault's name, and the repaired study."""
    reference = {
        "repaired_study": study,
        "fault": "",
        "prediction_luck": 0,
    }
    expected = PROBE.diagnosis(reference, seed)
    keys = [key for key in expected if key.startswith("study/")]
    found = [np.asarray(answers.get(key)) for key in keys]
    found = [
        one if one.shape == (3,) else np.full(3, np.nan) for one in found
    ]
    wanted = [expected[key] for key in keys]
    agrees = [
        all(
            close(one[i], other[i], 1e-3, 1e-6)
            for one, other in zip(found, wanted, strict=True)
        )
        for i in range(3)
    ]
    return [
        Check(
            str(answers["fault"]) == patient(student),
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            agrees[0],
            1,
            "The repaired study chooses another width in some case: the lowest mean over seeds, "
            "on validation, with what each seed's split gives.",
        ),
        Check(
            agrees[1],
            1,
            "The repaired study reports another mean: of all seeds, on the test part, trained on "
            "training points and their moved copies alone.",
        ),
        Check(
            agrees[2],
            0.5,
            "The repaired study reports another half width.",
        ),
        made(answers["prediction"], 0.5),
    ]


TASKS = {
    "dataset": Task(points=6, judge=judge_dataset),
    "protocol": Task(points=6, judge=judge_protocol),
    "record": Task(points=4, judge=judge_record),
    "diagnosis": Task(points=5, judge=judge_diagnosis),
}
MANUAL = {"plan": 9, "explain_fault": 3, "report": 17}
SCRATCH = ()
