"""Runs the student's functions on secret inputs; what is right, it does not know."""

import itertools

import numpy as np
from tools.grading.asking import attempt, flat, number


def frechet(names, seed):
    """Distances of clouds, some of them flat, and what is refused."""
    rng = np.random.default_rng(seed)
    distance, fair = names["frechet"], names["without_bias"]

    def cloud(n, d=4):
        return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + (
            rng.normal(size=d)
        )

    a, b = cloud(40), cloud(26)
    axes = [
        rng.normal(size=(30, 3)) * rng.uniform(0.5, 3, 3) for _ in "ab"
    ]
    still = [np.insert(x, 1, rng.normal(), axis=1) for x in (a, b)]
    repeated = [np.hstack([x, x[:, :2] - x[:, 1:3]]) for x in (a, b)]
    crossed = [
        cloud(25) * rng.permutation([0, 1, 1, 0]) + 1.0 for _ in "ab"
    ]
    return flat(
        {
            "axes": attempt(distance, *axes),
            "clouds": attempt(distance, a.copy(), b.copy()),
            "back": attempt(distance, b, a),
            "still": attempt(distance, *still),
            "repeated": attempt(distance, *repeated),
            "crossed": attempt(distance, *crossed),
            "few": [
                str(attempt(distance, a[:4], b)),
                str(attempt(distance, a, b[:3])),
            ],
            "fair": attempt(fair, a, b),
            "fair_same": attempt(fair, cloud(20, 3), cloud(20, 3)),
            "prediction": number(names["prediction_bias"]),
        }
    )


def kernel(names, seed):
    """Kernel distances, p-values and intervals."""
    rng = np.random.default_rng(seed)
    distance, wilson = names["kernel_distance"], names["wilson"]
    equal = rng.normal(size=(2, 8, 3)) + rng.normal(size=(2, 1, 1))
    small, large = rng.normal(size=(5, 2)), rng.normal(size=(12, 2)) * 1.5
    pair = rng.normal(size=(2, 2, 5))
    first, second = rng.normal(size=(2, 8, 3)), rng.normal(size=(2, 11, 3))
    orders = np.array([rng.permutation(19) for _ in range(40)])
    # Whole numbers, two by two: all deals of two pairs, with ties that are exact.
    four = rng.permutation(9)[:4].reshape(2, 2, 1) - 4.0
    all_deals = np.array(list(itertools.permutations(range(4))))
    asked = int(rng.integers(20, 60))
    scores = [
        (0, 12),
        (9, 9),
        (int(rng.integers(1, asked)), asked),
        (3, 4),
    ]
    interval = lambda score: np.array(
        [float(end) for end in wilson(*score)]
    )
    return flat(
        {
            "equal": attempt(distance, *equal),
            "unequal": [
                attempt(distance, small, large),
                attempt(distance, large, small),
            ],
            "pair": attempt(distance, *pair),
            "itself": attempt(distance, small, small.copy()),
            "p": [
                attempt(names["p_value"], one, two + move, orders)
                for one, two in zip(first, second, strict=True)
                for move in (0.0, 0.3, 3.0)
            ],
            "ties": attempt(names["p_value"], *four, all_deals),
            "wilson": [attempt(interval, score) for score in scores],
            "mine": attempt(
                lambda: np.array([float(e) for e in names["my_interval"]])
            ),
            "prediction": number(names["prediction_self"]),
        }
    )


def neighbours(names, seed):
    """Radii and shares of drawn points, and of points on a line with ties."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=(40, 2))
    fake = rng.normal(size=(50, 2)) * [1.3, 0.5] + 0.6
    # Whole numbers: two at one place, and distances that are met exactly.
    start = int(rng.integers(-5, 5))
    line = start + np.array([[0.0], [0], [2], [5], [9], [20]])
    other = start + np.array([[0.0], [-1], [12], [13], [23], [40], [41]])

    def pair(*arguments):
        return np.array(
            [float(v) for v in names["precision_recall"](*arguments)]
        )

    return flat(
        {
            "radii": [attempt(names["radii"], real, k) for k in (1, 3, 6)],
            "radii_twice": [
                attempt(names["radii"], line, k) for k in (1, 2)
            ],
            "shares": [attempt(pair, real, fake, k) for k in (1, 2, 3)],
            "back": attempt(pair, fake, real, 2),
            "shares_line": [
                attempt(pair, line, other, 1),
                attempt(pair, other, line, 1),
            ],
            "coverage": [
                attempt(names["coverage"], real, fake, k) for k in (1, 3)
            ],
            "coverage_line": [
                attempt(names["coverage"], line, other, 1),
                attempt(names["coverage"], other, line, 1),
            ],
            "prediction": number(names["prediction_outlier"]),
        }
    )


def diagnosis(names, seed):
    """The fault's name, and what the repaired evaluation says of drawn sets."""
    rng = np.random.default_rng(seed)
    width = rng.uniform(20, 60, size=4)

    def to_bytes(n):
        values = 128 + width * rng.normal(size=(n, 4))
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    def run(held, made, count):
        train, held_out = to_bytes(50), to_bytes(held)
        generated = to_bytes(made) / 127.5 - 1
        generated = np.clip(generated * 0.8 + 0.1, -1, 1)
        generated[:count] = train[5 : 5 + count] / 127.5 - 1
        generated[20:] *= 0.3
        found = names["repaired_evaluate"](train, held_out, generated)
        keys = "frechet", "precision", "recall", "copies"
        return {key: np.array(float(found[key])) for key in keys}

    return flat(
        {
            "fault": str(names["fault"])[:40],
            "more_held_out": attempt(run, 45, 30, 7),
            "more_generated": attempt(run, 28, 40, 4),
            "no_copies": attempt(run, 33, 33, 0),
        }
    )


PROBES = {
    "frechet": frechet,
    "kernel": kernel,
    "neighbours": neighbours,
    "diagnosis": diagnosis,
}
