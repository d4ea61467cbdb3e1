"""Runs the student's functions on secret inputs; what is right, it does not know."""

import numpy as np
import tensorflow as tf
from tools.grading.asking import attempt, flat, number

SIMPLE = (
    "cross_entropy_d",
    "non_saturating_g",
    "minimax_g",
    "wasserstein_d",
    "wasserstein_g",
    "hinge_d",
    "least_squares_d",
    "least_squares_g",
)


def value(function, real, fake):
    """The loss."""
    return np.asarray(function(tf.constant(real), tf.constant(fake)))


def slopes(function, real, fake):
    """The loss's derivatives by every score, the real ones first; 0 where there is none."""
    real, fake = tf.constant(real), tf.constant(fake)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = function(real, fake)
    zero = tf.UnconnectedGradients.ZERO
    return np.stack(
        tape.gradient(loss, [real, fake], unconnected_gradients=zero)
    )


def scores(seed, *shape):
    """Real and fake scores, float32."""
    return (
        np.random.default_rng(seed)
        .normal(scale=2.0, size=(2, *shape))
        .astype("float32")
    )


def losses(names, seed):
    """Values on vectors, columns and maps; slopes; values and slopes at large scores."""
    functions = {name: names[name] for name in SIMPLE}
    batches = [
        scores(seed, 6),
        scores(seed + 1, 5, 1),
        scores(seed + 2, 2, 2, 2, 1),
    ]
    batches[0][0] += (
        6  # a discriminator that is right, one that is wrong, one that guesses
    )
    batches[1][1] += 6
    large = np.array(
        [[[90.0], [-300.0], [4.0]], [[-120.0], [200.0], [95.0]]], "float32"
    )
    answers = {"prediction": number(names["prediction_factor"])}
    for name, function in functions.items():
        answers[f"{name}_values"] = [
            attempt(value, function, *pair) for pair in batches
        ]
        answers[f"{name}_slopes"] = attempt(slopes, function, *batches[2])
        answers[f"{name}_large"] = attempt(value, function, *large)
        answers[f"{name}_large_slopes"] = attempt(slopes, function, *large)
    return flat(answers)


def refuses(function, real, fake):
    """Whether the function raises a ValueError."""
    try:
        function(tf.constant(real), tf.constant(fake))
    except ValueError:
        return True
    except Exception:
        return False
    return False


def paired(names, seed):
    """The relativistic pair: values, slopes, large scores, and shapes that do not fit."""
    answers = {"prediction": number(names["prediction_shift"])}
    column, batch = scores(seed, 5, 1), scores(seed + 1, 7)
    large = np.array([[[400.0], [-400.0]], [[-400.0], [400.0]]], "float32")
    for name in ("relativistic_d", "relativistic_g"):
        function = names[name]
        answers[f"{name}_values"] = [
            attempt(value, function, *pair) for pair in (column, batch)
        ]
        answers[f"{name}_slopes"] = attempt(slopes, function, *column)
        answers[f"{name}_large"] = attempt(value, function, *large)
        answers[f"{name}_refuses"] = refuses(
            function, column[0], column[1][:, 0]
        )
    return flat(answers)


def optimal(names, seed):
    """Best scores and lowest losses for distributions on a few places."""
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(7), size=2)
    apart = np.array([[0.25, 0.75, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])
    half = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    best, divergence, lowest = (
        names[name]
        for name in ("best_scores", "jensen_shannon", "lowest_loss")
    )
    pairs = [(p, q), apart, half, (p, p)]
    answers = {
        f"best_{loss}": attempt(best, loss, p, q)
        for loss in ("cross_entropy", "least_squares", "hinge")
    }
    answers["divergences"] = [
        attempt(divergence, *pair) for pair in pairs[:1]
    ]
    answers["with_zeros"] = [
        attempt(divergence, *pair) for pair in pairs[1:]
    ]
    answers["lowest"] = [attempt(lowest, *pair) for pair in pairs]
    answers["prediction"] = number(names["prediction_lowest"])
    return flat(answers)


def vanishing(names, seed):
    """Pushes at a few distances, and where the push of minimax dies."""
    rng = np.random.default_rng(seed)
    distances = [float(m) for m in rng.uniform(0.3, 6.0, size=5)]
    push, dies = names["push"], names["dies_at"]
    answers = {
        loss: [attempt(push, loss, m) for m in distances]
        for loss in (
            "minimax",
            "non_saturating",
            "least_squares",
            "wasserstein",
        )
    }
    thresholds = [
        float(10.0**-power) for power in rng.uniform(2.0, 9.0, size=3)
    ]
    answers["dies"] = [
        attempt(dies, threshold) for threshold in thresholds
    ]
    answers["mine"] = number(names["my_distance"])
    answers["prediction"] = number(names["prediction_distance"])
    return flat(answers)


def diagnosis(names, seed):
    """The fault's name, and the repaired pair of losses."""
    column = scores(seed, 6, 1)
    large = np.array(
        [[[300.0], [-300.0]], [[-300.0], [-100.0]]], "float32"
    )
    answers = {"fault": str(names["fault"])[:40]}
    for name in ("repaired_d", "repaired_g"):
        function = names[name]
        answers[f"{name}_value"] = attempt(value, function, *column)
        answers[f"{name}_slopes"] = attempt(slopes, function, *column)
        answers[f"{name}_large"] = attempt(value, function, *large)
        answers[f"{name}_large_slopes"] = attempt(slopes, function, *large)
    return flat(answers)


PROBES = {
    "losses": losses,
    "paired": paired,
    "optimal": optimal,
    "vanishing": vanishing,
    "diagnosis": diagnosis,
}
