"""Runs the student's functions on secret inputs; what is right, it does not know."""

import numpy as np
from tools.grading.asking import attempt, flat, number


def field(names, seed):
    """Fields at a few states, without and with R1."""
    rng = np.random.default_rng(seed)
    states = list(rng.normal(size=(4, 2)))
    gamma, matrix = float(rng.uniform(0.5, 2)), rng.normal(size=(2, 3))
    points = list(rng.normal(size=(3, 5)))
    dirac, bilinear = names["dirac_field"], names["bilinear_field"]
    losses = "minimax", "non_saturating", "wasserstein"
    return flat(
        {
            "plain": {
                loss: [attempt(dirac, s.copy(), loss, 0.0) for s in states]
                for loss in losses
            },
            "r1": {
                loss: [
                    attempt(dirac, s.copy(), loss, gamma) for s in states
                ]
                for loss in losses
            },
            "bilinear": [
                attempt(bilinear, p.copy(), matrix.copy()) for p in points
            ],
            "prediction": number(names["prediction_round"]),
        }
    )


def steps(names, seed):
    """Steps and runs on a linear field and on a bent one, of two players of 2 and 1 numbers."""
    rng = np.random.default_rng(seed)
    matrix, start = rng.normal(size=(3, 3)), rng.normal(size=3)
    h = float(rng.uniform(0.1, 0.3))
    fields = {
        "linear": lambda state: matrix @ np.asarray(state, float),
        "bent": lambda state: (
            np.tanh(matrix @ np.asarray(state, float))
            - 0.1 * np.asarray(state)
        ),
    }
    simultaneous, alternating = names["simultaneous"], names["alternating"]
    play = names["play"]
    answers = {"prediction": number(names["prediction_distance"])}
    kept = start.copy()
    for name, v in fields.items():
        answers[name] = {
            "simultaneous": attempt(simultaneous, v, start, h),
            "alternating": attempt(alternating, v, start, h, 2, 1),
            "critic": attempt(alternating, v, start, h, 2, 4),
        }
    answers["untouched"] = float(np.abs(start - kept).max())
    start = kept.copy()
    drift = matrix[0] / 10

    def mover(state):
        """A step that moves the very array that it was given."""
        state += drift
        return state

    runs = {"new": lambda state: state + drift, "in_place": mover}
    for name, step in runs.items():
        answers[f"play_{name}"] = attempt(play, step, start.copy(), 5)
    answers["play_none"] = attempt(play, runs["new"], start.copy(), 0)
    return flat(answers)


def polynomial(values):
    """The polynomial with these roots: eigenvalues, in whatever order they come."""
    values = np.asarray(values, complex)
    if values.ndim != 1 or not 1 <= len(values) <= 9:
        raise ValueError("a list of eigenvalues was expected")
    return np.stack([np.poly(values).real, np.poly(values).imag])


def eigen(names, seed):
    """Jacobians, eigenvalues, and the largest steps that converge."""
    rng = np.random.default_rng(seed)
    matrix, state = rng.normal(size=(3, 3)), rng.normal(size=3)
    bent = lambda s: np.tanh(matrix @ np.asarray(s, float))
    sets = {
        "pair": [complex(-rng.uniform(0.1, 1), b) for b in (2.0, -2.0)],
        "real": list(-rng.uniform(0.1, 3.0, size=3)),
        "mixed": [-0.2 + 0.1j, -0.2 - 0.1j, complex(-rng.uniform(2, 5))],
        "turning": [1j, -1j],
        "leaving": [-1.0, complex(rng.uniform(0.1, 1))],
    }
    jacobian, eigenvalues = names["jacobian"], names["eigenvalues"]
    largest, alternating = (
        names["largest_step"],
        names["largest_alternating"],
    )
    return flat(
        {
            "jacobian": attempt(jacobian, bent, state.copy()),
            "eigenvalues": attempt(
                lambda: polynomial(eigenvalues(bent, state.copy()))
            ),
            "largest": {
                name: attempt(largest, np.array(mu, complex))
                for name, mu in sets.items()
            },
            "alternating": [
                attempt(alternating, slope, n)
                for slope, n in ((0.5, 1), (1.0, 4), (0.7, 3))
            ],
            "prediction": number(names["prediction_step"]),
        }
    )


def cures(names, seed):
    """R1's eigenvalues and critical weight, the consensus field, the student's own step."""
    rng = np.random.default_rng(seed)
    matrix, gamma = rng.normal(size=(2, 3)), float(rng.uniform(0.5, 2))
    points = list(rng.normal(size=(3, 5)))
    weights = [
        float(g)
        for g in (0.0, *rng.uniform(0.1, 0.9, 2), *rng.uniform(2.1, 5, 2))
    ]
    r1, critical = names["r1_eigenvalues"], names["critical_gamma"]
    consensus = names["consensus_field"]
    return flat(
        {
            "r1": [
                attempt(lambda g=g, s=s: polynomial(r1(g, s)))
                for g in weights
                for s in (0.5, 1.0)
            ],
            "critical": [
                attempt(critical, slope) for slope in (0.5, 1.0, 0.3)
            ],
            "consensus": [
                attempt(consensus, p.copy(), matrix.copy(), gamma)
                for p in points
            ],
            "mine": number(names["my_step"]),
            "prediction": number(names["prediction_gamma"]),
        }
    )


def diagnosis(names, seed):
    """The fault's name, and runs of the repaired game."""
    rng = np.random.default_rng(seed)
    start, h = rng.normal(size=2), float(rng.uniform(0.1, 0.4))
    gamma, repaired = float(rng.uniform(0.3, 1.5)), names["repaired_run"]
    return flat(
        {
            "fault": str(names["fault"])[:40],
            "plain": attempt(repaired, list(start), 6, h, 0.0, 1),
            "r1": attempt(repaired, list(start), 6, h, gamma, 1),
            "critic": attempt(repaired, list(start), 6, h, gamma, 3),
        }
    )


PROBES = {
    "field": field,
    "steps": steps,
    "eigen": eigen,
    "cures": cures,
    "diagnosis": diagnosis,
}
