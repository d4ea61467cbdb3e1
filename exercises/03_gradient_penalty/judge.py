"""What is right, by closed forms; never in a student's hands.

D(x) = w · x³, value by value, has the gradient 3 w x², so the slope
3 ‖w x²‖. The drawn α are held against the uniform law by the largest
distance of the two distribution functions: for 1,000 draws it exceeds
0.1 once in 200 million.
"""

import numpy as np
from gpat_lib import practice
from tools.grading.tasks import Check, Task, close

FAULTS = ("law", "shared", "axes", "mean", "detached", "root")


def variant(student):
    """The student's numbers, in the notebook's order."""
    rng = practice.variant(student, "03_gradient_penalty")
    target = float(rng.choice([0.5, 0.75, 1.5, 2.0]))
    rng.integers(6, 13)
    return target, FAULTS[int(rng.integers(6))]


def inputs(seed):
    rng = np.random.default_rng(seed)
    sizes = {
        "w": (4, 4, 3),
        "v": (2,),
        "images": (6, 4, 4, 3),
        "points": (9, 2),
    }
    scales = {"w": 0.5}
    return {
        name: rng.normal(0, scales.get(name, 1), size).astype(np.float32)
        for name, size in sizes.items()
    }


def cubic_slopes(w, x):
    gradient = 3.0 * w * x.astype(np.float64) ** 2
    return np.sqrt((gradient**2).reshape(len(x), -1).sum(axis=1))


def finite(*answers):
    return all(
        np.asarray(a).dtype.kind in "iuf"
        and np.size(a) > 0
        and np.isfinite(a).all()
        for a in answers
    )


def alphas(answer, shape):
    """One number a sample, if the answer has one for each; else None."""
    if answer.dtype.kind != "f" or answer.shape != shape:
        return None
    flat = answer.astype(np.float64).reshape(shape[0], -1)
    one_each = np.ptp(flat, axis=1).max() < 1e-5
    return flat[:, 0] if one_each and np.isfinite(flat).all() else None


def uniform(draws):
    """Whether numbers look drawn from U[0, 1]."""
    if draws is None or draws.min() < -1e-5 or draws.max() > 1 + 1e-5:
        return False
    steps = np.arange(len(draws) + 1) / len(draws)
    ordered = np.sort(draws)
    above = np.abs(steps[1:] - ordered).max()
    return max(above, np.abs(steps[:-1] - ordered).max()) < 0.1


def interpolates(answers, seed, student):
    x = inputs(seed)["images"]
    moved = answers["images"] - x
    first = alphas(answers["first"], (1000, 1, 2, 1))
    again = alphas(answers["again"], (1000, 1, 2, 1))
    plane = alphas(answers["plane"], (50, 2))
    per_image = alphas(moved, x.shape)
    fresh = (
        first is not None
        and again is not None
        and np.abs(first - again).mean() > 0.1
    )
    return [
        Check(
            first is not None and per_image is not None,
            1,
            "The points of one image do not share one alpha.",
        ),
        Check(
            uniform(first), 1, "The alphas do not follow the uniform law."
        ),
        Check(fresh, 0.5, "Two calls draw the same alphas."),
        Check(
            plane is not None and np.ptp(plane) > 0.1,
            0.5,
            "Points in the plane are not mixed sample by sample.",
        ),
    ]


def prediction(answers, seed, student):
    said = "The prediction is not a number."
    one = np.shape(answers["value"]) == ()
    return [Check(one and finite(answers["value"]), 1, said)]


def slopes(answers, seed, student):
    x = inputs(seed)
    on_images = cubic_slopes(x["w"], x["images"])
    on_points = cubic_slopes(x["v"], x["points"])
    parts = (3.0 * x["points"].astype(np.float64) ** 2) ** 2 * x["v"]
    pulled = (parts / on_points[:, None]).sum(axis=0)
    return [
        Check(
            close(answers["images"], on_images, rtol=2e-3, atol=2e-3),
            2,
            "The slopes of a critic of images are wrong.",
        ),
        Check(
            close(answers["points"], on_points, rtol=2e-3, atol=2e-3),
            1,
            "The slopes of a critic of points, with scores (n, 1), are wrong.",
        ),
        Check(
            close(answers["pulled"], pulled, rtol=5e-3, atol=5e-3),
            1,
            "The gradient of the slopes for the critic's weights is wrong.",
        ),
        Check(
            finite(answers["flat"], answers["flat_pull"])
            and np.abs(answers["flat"]).max() < 0.05,
            1,
            "Where the critic is flat, slope or gradient is not what it should be.",
        ),
    ]


def penalty(answers, seed, student):
    target, _ = variant(student)
    x = inputs(seed)
    length = np.linalg.norm(x["w"].astype(np.float64))
    there = np.mean((cubic_slopes(x["v"], x["points"]) - target) ** 2)
    ramp = 1 / 3 - target + target**2
    return [
        Check(
            close(answers["value"], (length - target) ** 2, rtol=5e-3),
            1,
            "A linear critic gets the wrong penalty.",
        ),
        Check(
            close(
                answers["pulled"],
                2 * (length - target) * x["w"] / length,
                rtol=5e-3,
                atol=5e-3,
            ),
            1,
            "The penalty pulls the critic's weights the wrong way, or not at all.",
        ),
        Check(
            close(answers["one_place"], there, rtol=5e-3, atol=5e-3),
            1,
            "The penalty is wrong where slopes differ from point to point.",
        ),
        Check(
            close(answers["ramp"], ramp, atol=0.12),
            1,
            "The penalty does not look evenly between real and generated points.",
        ),
    ]


def r1(answers, seed, student):
    x = inputs(seed)
    squares = cubic_slopes(x["w"], x["images"]) ** 2
    gradient = 9.0 * x["images"].astype(np.float64) ** 4 * x["w"]
    return [
        Check(
            close(answers["value"], squares.mean() / 2, rtol=5e-3),
            1,
            "R1 has the wrong value where slopes differ.",
        ),
        Check(
            close(
                answers["pulled"],
                gradient.mean(axis=0),
                rtol=5e-3,
                atol=5e-3,
            ),
            1,
            "The gradient of R1 for the critic's weights is wrong.",
        ),
    ]


def clinic(answers, seed, student):
    _, fault = variant(student)
    w = inputs(seed)["w"].astype(np.float64)
    length = np.linalg.norm(w)
    right = close(answers["value"], (length - 1) ** 2, rtol=5e-3)
    pulled = 2 * (length - 1) * w / length
    drawn = alphas(answers["looked"][..., None], (1000, 1, 2, 1))
    return [
        Check(answers["fault"] == fault, 2, "Another fault is named."),
        Check(right, 1, "The cured penalty has a wrong value."),
        Check(
            close(answers["pulled"], pulled, rtol=5e-3, atol=5e-3),
            1,
            "The cured penalty does not train the critic as it should.",
        ),
        Check(
            uniform(drawn),
            1,
            "The cured penalty looks at the wrong points.",
        ),
    ]


TASKS = {
    "interpolates": Task(3, interpolates),
    "prediction": Task(1, prediction),
    "slopes": Task(5, slopes),
    "penalty": Task(4, penalty),
    "r1": Task(2, r1),
    "clinic": Task(5, clinic),
}
MANUAL = {"explain_alpha": 3, "explain_fault": 4}
SCRATCH = ("gpat_lib.penalties",)
