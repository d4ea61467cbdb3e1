"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected. The references are those of
the library where it has them.
"""

import math
from pathlib import Path

import numpy as np
from gpat_lib import metrics, practice
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("train", "range", "few", "self", "swapped", "own")


def drawn(student):
    """What the notebook draws for this student, in its order: right, asked and the patient."""
    rng = practice.variant(student, "06_quality")
    rng.integers(4, 9)
    rng.choice([40, 60, 80])
    asked = int(rng.choice([30, 40, 50, 60]))
    right = asked // 2 + int(rng.integers(2, 9))
    rng.integers(12, 21)
    return right, asked, FAULTS[int(rng.integers(6))]


# -------------------------------------------------------------------- references


def without_bias(a, b):
    """The line through 1/n and 2/n, at 0."""
    even, odd = (
        metrics.frechet_distance(a[i::2], b[i::2]) for i in (0, 1)
    )
    return 2 * metrics.frechet_distance(a, b) - (even + odd) / 2


def kernel_distance(real, fake):
    """With the kernel of all samples at once."""
    points = np.concatenate([real, fake])
    values = (points @ points.T / points.shape[1] + 1) ** 3
    np.fill_diagonal(values, 0)
    n, m = len(real), len(fake)
    weights = np.full((n + m, n + m), -1 / (n * m))
    weights[:n, :n], weights[n:, n:] = 1 / (n * n - n), 1 / (m * m - m)
    return np.sum(values * weights)


def p_value(real, fake, orders):
    """Dealt anew."""
    points, n = np.concatenate([real, fake]), len(real)
    dealt = np.array(
        [kernel_distance(points[o[:n]], points[o[n:]]) for o in orders]
    )
    least = kernel_distance(real, fake)
    return (1 + np.sum(dealt >= least)) / (1 + len(dealt))


def wilson(right, asked):
    """Where (share - q)² = z² share (1 - share) / n."""
    share, part = right / asked, 1.96**2 / asked
    half = math.sqrt(part * share * (1 - share) + part**2 / 4)
    middle = share + part / 2
    return (middle - half) / (1 + part), (middle + half) / (1 + part)


def radii(points, k):
    """By sorted differences, one sample at a time."""
    return np.array(
        [
            np.sort(np.sqrt(((np.delete(points, i, 0) - p) ** 2).sum(1)))[
                k - 1
            ]
            for i, p in enumerate(points)
        ]
    )


def coverage(real, fake, k):
    """Of each real sample's own ball."""
    reach = radii(real, k)
    nearest = metrics.nearest_distance(real, fake)
    return np.mean(nearest <= reach)


def evaluate(train, held_out, generated):
    """The healthy patient."""
    to_numbers = lambda values: 2 * values.astype(float) / 255 - 1
    n = min(len(held_out), len(generated))
    sets = to_numbers(train), to_numbers(held_out)[:n], generated[:n]
    middle, width = sets[0].mean(axis=0), sets[0].std(axis=0)
    learned, real, fake = ((x - middle) / width for x in sets)
    near, far = (
        metrics.nearest_distance(x, learned) for x in (fake, real)
    )
    precision, recall = metrics.precision_recall(real, fake, 3)
    return {
        "frechet": metrics.frechet_distance(real, fake),
        "precision": precision,
        "recall": recall,
        "copies": np.mean(near < far.min()),
    }


REFERENCE = {
    **{
        f.__name__: f
        for f in (
            without_bias,
            kernel_distance,
            p_value,
            wilson,
            radii,
            coverage,
        )
    },
    "frechet": metrics.frechet_distance,
    "precision_recall": metrics.precision_recall,
    "repaired_evaluate": evaluate,
    "fault": "",
    "my_interval": (0, 0),
    "prediction_bias": 0,
    "prediction_self": 0,
    "prediction_outlier": 0,
}


# -------------------------------------------------------------------- judges


def rough(answers, expected, *places):
    """Float32 and some ways to a matrix root lose digits; no wrong answer here is so near."""
    return agree(answers, expected, *places, rtol=1e-3, atol=1e-3)


def frechet(answers, seed, student):
    """Distances, refusals, and less bias."""
    expected = PROBE.frechet(REFERENCE, seed)
    refused = (str(answers[f"few/{i}"]) for i in (0, 1))
    return [
        Check(
            rough(answers, expected, "axes"),
            0.5,
            "The distance of two clouds with nearly independent features is wrong: means, "
            "covariances with n - 1, and the square is not undone.",
        ),
        Check(
            rough(answers, expected, "clouds", "back"),
            1,
            "The distance of two clouds whose features depend on each other is wrong.",
        ),
        Check(
            rough(answers, expected, "still", "repeated", "crossed"),
            1,
            "Where a covariance is singular the distance is wrong, or is no number.",
        ),
        Check(
            all(said.startswith("ValueError") for said in refused),
            0.5,
            "A set with not more samples than features was not refused with a ValueError.",
        ),
        Check(
            rough(answers, expected, "fair", "fair_same"),
            1.5,
            "without_bias is wrong: twice the distance of all rows, less the mean of those of the "
            "even and of the odd rows.",
        ),
        made(answers["prediction"], 0.5),
    ]


def kernel(answers, seed, student):
    """Kernel distance and chance."""
    expected = PROBE.kernel(REFERENCE, seed)
    right, asked, _ = drawn(student)
    return [
        Check(
            rough(answers, expected, "equal", "pair"),
            1,
            "The kernel distance of two sets of one size is wrong: which pairs count, and by "
            "how many is divided?",
        ),
        Check(
            rough(answers, expected, "unequal", "itself"),
            1,
            "The kernel distance is wrong for sets of two sizes, or for a set and itself.",
        ),
        Check(
            agree(answers, expected, "p", "ties"),
            1,
            "A p-value is wrong: deals at least as large as what was measured, equal ones too, "
            "and the measured one itself.",
        ),
        Check(
            agree(answers, expected, "wilson", rtol=1e-3, atol=1e-4),
            1,
            "Wilson's interval is wrong for some score; none and all right are scores too.",
        ),
        Check(
            close(
                answers["mine"], wilson(right, asked), rtol=1e-3, atol=1e-4
            ),
            0.5,
            "my_interval is not that of your own RIGHT of ASKED.",
        ),
        made(answers["prediction"], 0.5),
    ]


def neighbours(answers, seed, student):
    """Balls and shares."""
    expected = PROBE.neighbours(REFERENCE, seed)
    firsts = {
        key: np.take(value, 0)
        for key, value in expected.items()
        if key.startswith(("shares", "back"))
    }
    seconds = {key: np.take(expected[key], 1) for key in firsts}
    pairs = {key: np.asarray(answers[key]) for key in firsts}
    pairs = {
        key: value if value.shape == (2,) else np.full(2, np.nan)
        for key, value in pairs.items()
    }
    places = "shares", "back", "shares_line"
    return [
        Check(
            rough(answers, expected, "radii"),
            1,
            "Radii are wrong: the k-th neighbour in the same set, itself not counted.",
        ),
        Check(
            agree({k: v[0] for k, v in pairs.items()}, firsts, *places),
            1,
            "Precision is wrong: fakes in balls of reals, the edge included.",
        ),
        Check(
            agree({k: v[1] for k, v in pairs.items()}, seconds, *places),
            1,
            "Recall is wrong: reals in balls of fakes, the edge included.",
        ),
        Check(
            agree(answers, expected, "coverage", "coverage_line"),
            1,
            "Coverage is wrong: each real sample's own ball, and the edge is inside.",
        ),
        Check(
            agree(answers, expected, "radii_twice"),
            0.5,
            "Radii are wrong where two samples lie at one place: each is the other's neighbour.",
        ),
        made(answers["prediction"], 0.5),
    ]


def diagnosis(answers, seed, student):
    """The fault's name, and what the repaired evaluation says."""
    expected = PROBE.diagnosis(REFERENCE, seed)
    runs = "more_held_out", "more_generated", "no_copies"
    shares = [
        f"{r}/{name}" for r in runs for name in ("precision", "recall")
    ]
    return [
        Check(
            str(answers["fault"]) == drawn(student)[2],
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            rough(answers, expected, *(f"{r}/frechet" for r in runs)),
            1,
            "The repaired Fréchet distance is wrong for some sets.",
        ),
        Check(
            agree(answers, expected, *shares),
            1,
            "The repaired precision or recall is wrong for some sets.",
        ),
        Check(
            agree(answers, expected, *(f"{r}/copies" for r in runs)),
            1,
            "The repaired share of copies is wrong for some sets.",
        ),
    ]


TASKS = {
    "frechet": Task(points=5, judge=frechet),
    "kernel": Task(points=5, judge=kernel),
    "neighbours": Task(points=5, judge=neighbours),
    "diagnosis": Task(points=5, judge=diagnosis),
}
MANUAL = {"explain_outlier": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.metrics",)
