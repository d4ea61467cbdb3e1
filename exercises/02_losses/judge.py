"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected.
"""

import math
from pathlib import Path

import numpy as np
from gpat_lib import losses, practice
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = (
    "swapped",
    "sigmoid",
    "saturating",
    "sum",
    "broadcast",
    "overflow",
)


def drawn(student):
    """What the notebook draws for this student, in its order."""
    rng = practice.variant(student, "02_losses")
    p, q = (
        weights / weights.sum()
        for weights in rng.integers(1, 9, size=(2, 5))
    )
    return (
        p,
        q,
        float(10.0 ** -rng.uniform(3.0, 7.0)),
        int(rng.integers(len(FAULTS))),
    )


# -------------------------------------------------------------------- references


def best_scores(loss, p, q):
    """The score that is best where the densities are p and q (chapter 03)."""
    if loss == "cross_entropy":
        return np.log(p) - np.log(q)
    return (
        p / (p + q)
        if loss == "least_squares"
        else np.where(p > q, 1.0, -1.0)
    )


def jensen_shannon(p, q):
    """½ KL(p ‖ m) + ½ KL(q ‖ m), with 0 log 0 = 0."""
    return sum(
        a / 2 * math.log(2 * a / (a + b))
        for c, d in zip(p, q, strict=True)
        for a, b in ((c, d), (d, c))
        if a > 0
    )


def lowest_loss(p, q):
    """What the best discriminator of cross-entropy pays."""
    return 2 * math.log(2) - 2 * jensen_shannon(p, q)


def push(loss, m):
    """The product of the loss's factor and the best discriminator's slope, at x = m."""
    low = 1 / (1 + math.exp(m**2 / 2))
    return {
        "minimax": m * low,
        "non_saturating": m * (1 - low),
        "least_squares": m * low * (1 - low) ** 2,
        "wasserstein": 1.0,
    }[loss]


def dies_at(threshold):
    """By bisection, on the side where the push falls."""
    low, high = 1.5, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if push("minimax", middle) > threshold
            else (low, middle)
        )
    return low


REFERENCE = {
    "cross_entropy_d": losses.cross_entropy_discriminator,
    "non_saturating_g": losses.non_saturating_generator,
    "minimax_g": losses.minimax_generator,
    "wasserstein_d": losses.wasserstein_discriminator,
    "wasserstein_g": losses.wasserstein_generator,
    "hinge_d": losses.hinge_discriminator,
    "least_squares_d": losses.least_squares_discriminator,
    "least_squares_g": losses.least_squares_generator,
    "relativistic_d": losses.relativistic_discriminator,
    "relativistic_g": losses.relativistic_generator,
    "repaired_d": losses.relativistic_discriminator,
    "repaired_g": losses.relativistic_generator,
    "best_scores": best_scores,
    "jensen_shannon": jensen_shannon,
    "lowest_loss": lowest_loss,
    "push": push,
    "dies_at": dies_at,
    "my_distance": 0,
    "fault": "",
    **dict.fromkeys(
        (
            "prediction_factor",
            "prediction_shift",
            "prediction_lowest",
            "prediction_distance",
        ),
        0,
    ),
}


# -------------------------------------------------------------------- judges


def simple_losses(answers, seed, student):
    """Values and slopes of the losses without pairs."""
    expected = PROBE.losses(REFERENCE, seed)

    def right(*keys):
        return agree(answers, expected, *keys)

    # A wrong value is charged once: slopes and large scores are asked of the other losses.
    sound = [name for name in PROBE.SIMPLE if right(f"{name}_values")]

    smooth = [name for name in sound if right(f"{name}_slopes")]
    large = [
        f"{name}_{ending}"
        for name in smooth
        for ending in ("large", "large_slopes")
    ]

    return [
        Check(
            right(
                "cross_entropy_d_values",
                "non_saturating_g_values",
                "minimax_g_values",
            ),
            1,
            "Cross-entropy, non-saturating or minimax: a value is wrong, or is no single number, "
            "for scores of some shape. Check signs, labels, and sum against mean.",
        ),
        Check(
            right(
                "hinge_d_values",
                "wasserstein_d_values",
                "wasserstein_g_values",
            ),
            1,
            "Hinge or Wasserstein: a value is wrong, or is no single number. Which score should "
            "rise when the loss falls? Where does the hinge bend?",
        ),
        Check(
            right("least_squares_d_values", "least_squares_g_values"),
            1,
            "Least squares: a value is wrong. Targets are 1 and 0; mind the factor.",
        ),
        Check(
            len(sound) > 3 and smooth == sound,
            1,
            "A derivative by a score is wrong or missing: losses must be made of TensorFlow's "
            "functions, and nothing may be detached.",
        ),
        Check(
            len(smooth) > 3 and right(*large),
            1,
            "At scores of some hundreds a loss or its derivative is wrong or not finite: do not "
            "pass through probabilities, and let no exponential overflow.",
        ),
        made(answers["prediction"], 1),
    ]


def paired(answers, seed, student):
    """The relativistic pairing loss."""
    expected = PROBE.paired(REFERENCE, seed)
    both = "relativistic_d", "relativistic_g"
    return [
        Check(
            agree(answers, expected, *(f"{name}_values" for name in both))
            and agree(
                answers, expected, *(f"{name}_large" for name in both)
            ),
            1,
            "A value is wrong: pairs are taken in order, differences first, the mean last.",
        ),
        Check(
            agree(answers, expected, *(f"{name}_slopes" for name in both)),
            1,
            "A derivative is wrong: both players' losses depend on both scores of a pair.",
        ),
        Check(
            agree(
                answers, expected, *(f"{name}_refuses" for name in both)
            ),
            1,
            "Scores (n, 1) against (n,) do not raise a ValueError in both losses: TensorFlow "
            "would pair all with all, silently.",
        ),
        made(answers["prediction"], 1),
    ]


def optimal(answers, seed, student):
    """Best discriminators on a few places."""
    expected = PROBE.optimal(REFERENCE, seed)

    def right(*keys):
        return agree(answers, expected, *keys, rtol=1e-4, atol=1e-6)

    return [
        Check(
            right("best_cross_entropy"),
            1,
            "The best scores for cross-entropy are wrong: scores are logits, no probabilities.",
        ),
        Check(
            right("best_least_squares", "best_hinge"),
            1,
            "The best scores for least squares or hinge are wrong: minimise at one place, with "
            "weights p and q.",
        ),
        Check(
            right("divergences"),
            0.5,
            "The Jensen-Shannon divergence is wrong where both distributions are positive.",
        ),
        Check(
            right("with_zeros"),
            0.5,
            "The Jensen-Shannon divergence is wrong, or not a number, where a distribution is 0: "
            "0 log 0 counts as 0.",
        ),
        Check(
            right("lowest"),
            1,
            "The lowest loss is wrong: for which distributions must it be 0, for which 2 log 2?",
        ),
        made(answers["prediction"], 1),
    ]


def vanishing(answers, seed, student):
    """Pushes against the best discriminator."""
    expected = PROBE.vanishing(REFERENCE, seed)
    threshold = drawn(student)[2]

    def right(*keys):
        return agree(answers, expected, *keys, rtol=1e-3, atol=0.0)

    return [
        Check(
            right("minimax", "non_saturating"),
            1,
            "push is wrong for minimax or non-saturating: it is the product of the loss's "
            "factor at the best score and the slope of the best score.",
        ),
        Check(
            right("least_squares", "wasserstein"),
            1,
            "push is wrong for least squares or Wasserstein: their best discriminators are "
            "others, and so are their slopes.",
        ),
        Check(
            right("dies"),
            0.5,
            "dies_at is wrong for some threshold: look beyond the distance of the largest push.",
        ),
        Check(
            close(
                answers["mine"], dies_at(threshold), rtol=1e-3, atol=0.0
            ),
            0.5,
            "my_distance is not where the push falls below your own THRESHOLD.",
        ),
        made(answers["prediction"], 1),
    ]


def diagnosis(answers, seed, student):
    """The fault's name, and both losses healthy."""
    expected = PROBE.diagnosis(REFERENCE, seed)

    def healthy(name):
        keys = ("value", "slopes", "large", "large_slopes")
        return agree(answers, expected, *(f"{name}_{key}" for key in keys))

    return [
        Check(
            str(answers["fault"]) == FAULTS[drawn(student)[3]],
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            healthy("repaired_d"),
            1.5,
            "The repaired discriminator's loss is not healthy: its value, its derivatives, or "
            "both at large scores.",
        ),
        Check(
            healthy("repaired_g"),
            1.5,
            "The repaired generator's loss is not healthy: its value, its derivatives, or both "
            "at large scores.",
        ),
    ]


TASKS = {
    "losses": Task(points=6, judge=simple_losses),
    "paired": Task(points=4, judge=paired),
    "optimal": Task(points=5, judge=optimal),
    "vanishing": Task(points=4, judge=vanishing),
    "diagnosis": Task(points=5, judge=diagnosis),
}
MANUAL = {"explain_saturation": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.losses",)
