"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected.
"""

from pathlib import Path

import numpy as np
from gpat_lib import practice
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("moves", "noise", "detached", "shared", "swapped", "reset")


def drawn(student):
    """What the notebook draws for this student, in its order: rho and the patient."""
    rng = practice.variant(student, "05_training")
    rng.choice([0.5, 1.0, 2.0])
    rng.choice([1.0, 2.0, 4.0, 5.0])
    rng.integers(2, 6)
    rng.integers(1, 5, size=2)
    rng.choice([-1.0, 1.0], size=2)
    rho = float(rng.choice([0.9, 0.95, 0.98, 0.99]))
    rng.integers(3, 7)
    rng.choice(["collapse", "memorising", "steep"])
    return rho, FAULTS[int(rng.integers(6))]


# -------------------------------------------------------------------- references


def d_gradient(state, real, fake, settings):
    """Of the linear critic's loss."""
    w = state["w"]
    length = np.sqrt(np.sum(w**2))
    ahead = w / length if length else 0 * w
    difference = np.mean(real, axis=0) - np.mean(fake, axis=0)
    pull = 2 * settings["lambda_4"] * (length - 1) * ahead
    return pull - settings["lambda_3"] * difference


def g_gradient(state, noise, settings):
    """Of the generator's loss."""
    mean = np.mean(noise, axis=0)
    return {
        "mix": -settings["lambda_1"] * mean[:, None] * state["w"],
        "shift": -settings["lambda_1"] * state["w"],
    }


def train_step(state, draw_real, draw_noise, settings):
    """The critic n_critic times, then the generator."""
    w, mix, shift = (state[name].copy() for name in ("w", "mix", "shift"))
    n = settings["batch"]
    for _ in range(settings["n_critic"]):
        fake = draw_noise(n) @ mix + shift
        gradient = d_gradient({"w": w}, draw_real(n), fake, settings)
        w -= settings["d_rate"] * gradient
    gradients = g_gradient({"w": w}, draw_noise(n), settings)
    mix -= settings["g_rate"] * gradients["mix"]
    shift -= settings["g_rate"] * gradients["shift"]
    return {"w": w, "mix": mix, "shift": shift}


def start_average(weights):
    """Own copies."""
    return [weight.copy() for weight in weights]


def follow(average, weights, t, rho):
    """With warm-up."""
    part = 1 - min(rho, (1 + t) / (10 + t))
    return [
        a + part * (w - a) for a, w in zip(average, weights, strict=True)
    ]


def half_life(rho):
    """Where rho to this power is one half."""
    return -1 / np.log2(rho)


def diverged_at(log, limit):
    """Look by look."""
    for look in range(len(log["slope"])):
        numbers = [values[look] for values in log.values()]
        if (
            not np.isfinite(numbers).all()
            or log["gradient_norm"][look] > limit
        ):
            return look
    return -1


def best_look(log, limit):
    """The first smallest before the run broke."""
    end = diverged_at(log, limit)
    return int(log["distance"][: end if end >= 0 else None].argmin())


def stop_look(distances, patience, least):
    """Patience counts looks since the record."""
    record, at = distances[0], 0
    for look, distance in enumerate(distances):
        if distance < record - least:
            record, at = distance, look
        if look - at == patience:
            return look
    return len(distances) - 1


def verdict(log, limit):
    """The rules in their order."""
    n = max(1, len(log["slope"]) // 4)
    end = {name: values[-n:].mean() for name, values in log.items()}
    if diverged_at(log, limit) >= 0:
        return "diverged"
    if end["spread"] < 0.3:
        return "collapse"
    if end["gap"] > 2 * end["held_out_gap"]:
        return "memorising"
    return "steep" if end["slope"] > 2 else "healthy"


def train(start, reals, noises, settings):
    """The healthy patient."""
    state = {name: np.array(value) for name, value in start.items()}
    state["mix"] = np.eye(len(state["w"]))
    ones = {**settings, "lambda_1": 1.0, "lambda_3": 1.0}
    average, momentum = state["shift"], 0.0
    rows = []
    for real, noise in zip(reals, noises, strict=True):
        fake, w = noise + state["shift"], state["w"]
        gap = np.mean((real - fake) @ w)
        loss = settings["lambda_4"] * (np.linalg.norm(w) - 1) ** 2 - gap
        momentum = settings["beta"] * momentum + d_gradient(
            state, real, fake, ones
        )
        state["w"] = w - settings["d_rate"] * momentum
        state["shift"] = state["shift"] + settings["g_rate"] * state["w"]
        gone = 1 - settings["rho"]
        average = average + gone * (state["shift"] - average)
        rows.append((state["w"], state["shift"], average, loss))
    names = "w", "shift", "average", "d_loss"
    columns = zip(*rows, strict=True)
    return {
        name: np.array(column)
        for name, column in zip(names, columns, strict=True)
    }


REFERENCE = {
    **{
        f.__name__: f
        for f in (
            d_gradient,
            g_gradient,
            train_step,
            start_average,
            follow,
            half_life,
            diverged_at,
            best_look,
            stop_look,
            verdict,
        )
    },
    "repaired_train": train,
    "fault": "",
    "my_warm_up": 0,
    "prediction_slope": 0,
    "prediction_left": 0,
    "prediction_stop": 0,
}


# -------------------------------------------------------------------- judges


def step(answers, seed, student):
    """Gradients and whole steps."""
    expected = PROBE.step(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "sign"),
            0.5,
            "Without a penalty the critic's gradient is wrong: it wants reals high and fakes low, "
            "weighed by lambda_3.",
        ),
        Check(
            agree(answers, expected, "penalty"),
            1,
            "With a penalty the critic's gradient is wrong: it differentiates "
            "lambda_4 (slope - 1)².",
        ),
        Check(
            agree(answers, expected, "flat"),
            0.5,
            "At w = 0 the critic's gradient is not that of the scores alone.",
        ),
        Check(
            agree(answers, expected, "generator"),
            1,
            "The generator's gradients are wrong: mix and shift both, weighed by lambda_1.",
        ),
        Check(
            agree(
                answers, expected, "one", "critic_held", "generator_held"
            ),
            1,
            "A step with one critic update goes elsewhere: who moves when, at which rate, and "
            "which critic does the generator see?",
        ),
        Check(
            agree(answers, expected, "several"),
            1,
            "A step with several critic updates goes elsewhere: each needs a fresh batch of "
            "both kinds.",
        ),
        Check(
            agree(answers, expected, "untouched"),
            0.5,
            "train_step changes the state that it was given.",
        ),
        made(answers["prediction"], 0.5),
    ]


def average(answers, seed, student):
    """The running average."""
    expected = PROBE.average(REFERENCE, seed)
    rho, _ = drawn(student)
    # The text asks for the first step; rounding may move it by one.
    mine = round((10 * rho - 1) / (1 - rho))
    return [
        Check(
            agree(answers, expected, "start"),
            1,
            "The average's start is wrong, or it moves with the weights that move in place.",
        ),
        Check(
            agree(answers, expected, "early"),
            1,
            "Early on the average is wrong: there the warm-up decides how much is kept.",
        ),
        Check(
            agree(answers, expected, "late", "untouched"),
            0.5,
            "Late in a run the average is wrong, or follow changes what it was given.",
        ),
        Check(
            agree(answers, expected, "run"),
            0.5,
            "Over a run of several steps the average goes elsewhere.",
        ),
        Check(
            agree(answers, expected, "half_life"),
            1,
            "half_life is wrong: which power of rho is one half?",
        ),
        Check(
            close(answers["mine"], mine, rtol=0, atol=1.01),
            0.5,
            "my_warm_up is not the first step at which the decay is your RHO.",
        ),
        made(answers["prediction"], 0.5),
    ]


def monitor(answers, seed, student):
    """Reading logs."""
    expected = PROBE.monitor(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "diverged"),
            1,
            "diverged_at is wrong: NaN and infinities in any of the arrays count, and a "
            "gradient norm above the limit; -1 if there are none.",
        ),
        Check(
            agree(answers, expected, "best"),
            1,
            "best_look is wrong: the smallest distance, the first of several, and none from "
            "where the run broke.",
        ),
        Check(
            agree(answers, expected, "stop"),
            1,
            "stop_look is wrong: a record is beaten by more than `least`, and patience counts "
            "the looks since.",
        ),
        Check(
            agree(answers, expected, "verdict"),
            1.5,
            "A verdict is wrong: look at the order of the rules, and at what 'at the end' means.",
        ),
        made(answers["prediction"], 0.5),
    ]


def diagnosis(answers, seed, student):
    """The fault's name, and runs of the repaired training."""
    expected = PROBE.diagnosis(REFERENCE, seed)
    return [
        Check(
            str(answers["fault"]) == drawn(student)[1],
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            agree(answers, expected, "plain/w", "plain/shift"),
            1,
            "Without penalty and momentum the repaired players go elsewhere.",
        ),
        Check(
            agree(answers, expected, "plain/average"),
            1,
            "The repaired average goes elsewhere.",
        ),
        Check(
            agree(
                answers,
                expected,
                "momentum/w",
                "penalty/w",
                "all/w",
                "penalty/d_loss",
            ),
            1,
            "With momentum or penalty the repaired critic goes elsewhere, or its logged loss is "
            "not that before its update.",
        ),
    ]


TASKS = {
    "step": Task(points=6, judge=step),
    "average": Task(points=5, judge=average),
    "monitor": Task(points=5, judge=monitor),
    "diagnosis": Task(points=5, judge=diagnosis),
}
MANUAL = {"explain_slope": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.training",)
