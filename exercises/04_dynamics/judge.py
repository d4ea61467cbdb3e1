"""Works out what is right and gives points. Runs outside the sandbox and is never mounted there.

What a reference answers to the very same probe is what is expected. The references are closed
forms of chapter 08, with the library's sign: reals score high.
"""

from pathlib import Path

import numpy as np
from gpat_lib import practice
from tools.grading.tasks import Assignment, Check, Task, agree, close, made

PROBE = Assignment(Path(__file__).parent).module("probe")
FAULTS = ("stale", "sign", "player", "half", "alias", "order")
SLOPES = {"minimax": 0.5, "non_saturating": 0.5, "wasserstein": 1.0}


def drawn(student):
    """What the notebook draws for this student, in its order."""
    rng = practice.variant(student, "04_dynamics")
    loss = str(rng.choice(list(SLOPES)))
    gamma = float(rng.integers(2, 31)) / 10
    rng.integers(2, 6)
    rng.normal(size=(2, 2))
    return loss, gamma, int(rng.integers(len(FAULTS)))


# -------------------------------------------------------------------- references


def sigmoid(s):
    """Through tanh, which cannot overflow."""
    return 0.5 + 0.5 * np.tanh(s / 2)


def dirac_field(state, loss, gamma):
    """Where both players push."""
    theta, psi = state
    score = theta * psi
    pushes = {
        "minimax": (sigmoid(score), sigmoid(score)),
        "non_saturating": (sigmoid(-score), sigmoid(score)),
        "wasserstein": (1.0, 1.0),
    }[loss]
    return np.array([pushes[0] * psi, -pushes[1] * theta - gamma * psi])


def bilinear_field(state, matrix):
    """The generator descends x·Ay, the discriminator climbs it."""
    x, y = np.split(state, [len(matrix)])
    return np.concatenate([-matrix @ y, matrix.T @ x])


def simultaneous(field, state, h):
    """Both look, then both step."""
    return state + h * field(state)


def alternating(field, state, h, p, n_critic):
    """The discriminator first."""
    generator = np.arange(len(state)) < p
    for _ in range(n_critic):
        state = state + h * np.where(generator, 0.0, field(state))
    return state + h * np.where(generator, field(state), 0.0)


def play(step, start, count):
    """All states, the start first."""
    states = [np.array(start)]
    for _ in range(count):
        states.append(np.array(step(states[-1].copy())))
    return np.array(states)


def jacobian(field, state, width=1e-5):
    """Central differences."""
    sides = width * np.eye(len(state))
    columns = [
        (field(state + s) - field(state - s)) / (2 * width) for s in sides
    ]
    return np.transpose(columns)


def eigenvalues(field, state):
    """Of the Jacobian."""
    return np.linalg.eigvals(jacobian(field, state))


def largest_step(mu):
    """|1 + hμ|² = 1 + 2h Re μ + h²|μ|² is 1 at h = −2 Re μ / |μ|²."""
    mu = np.asarray(mu)
    return max(0.0, float(np.min(-2 * mu.real / np.abs(mu) ** 2)))


def largest_alternating(slope, n_critic):
    """A = h f′ √n must stay below 2."""
    return 2 / (slope * np.sqrt(n_critic))


def r1_eigenvalues(gamma, slope):
    """The roots of μ² + γμ + f′²."""
    return np.roots([1.0, gamma, slope**2])


def critical_gamma(slope):
    """Where the two meet."""
    return 2 * slope


def consensus_field(state, matrix, gamma):
    """The bilinear field minus γ times the gradient of half its own squared length."""
    x, y = np.split(state, [len(matrix)])
    pull = np.concatenate(
        [matrix @ (matrix.T @ x), matrix.T @ (matrix @ y)]
    )
    return bilinear_field(state, matrix) - gamma * pull


def run(start, steps, h, gamma, n_critic):
    """The healthy patient."""
    v = lambda state: dirac_field(state, "wasserstein", gamma)
    return play(
        lambda state: alternating(v, state, h, 1, n_critic), start, steps
    )


REFERENCE = {
    **{
        f.__name__: f
        for f in (
            dirac_field,
            bilinear_field,
            simultaneous,
            alternating,
            play,
            jacobian,
            eigenvalues,
            largest_step,
            largest_alternating,
            r1_eigenvalues,
            critical_gamma,
            consensus_field,
        )
    },
    "repaired_run": run,
    "fault": "",
    "my_step": 0,
    "prediction_round": 0,
    "prediction_distance": 0,
    "prediction_step": 0,
    "prediction_gamma": 0,
}


# -------------------------------------------------------------------- judges


def gains(answers, expected):
    """Whether R1 adds to each field what it should, right field or not."""
    for key, value in expected.items():
        if key.startswith("r1/"):
            without = key.replace("r1/", "plain/")
            pair = answers.get(key), answers.get(without)
            if not all(np.shape(a) == (2,) and close(a, a) for a in pair):
                return False
            gain = np.subtract(*pair)
            if not close(gain, value - expected[without]):
                return False
    return True


def field(answers, seed, student):
    """Values at random states."""
    expected = PROBE.field(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "plain/minimax", "plain/wasserstein"),
            1,
            "The field of minimax or Wasserstein is wrong without a penalty: who descends what? "
            "The field is minus each player's own gradient.",
        ),
        Check(
            agree(answers, expected, "plain/non_saturating"),
            1,
            "The non-saturating field is wrong: its two players have different losses, and so "
            "two different sigmoids.",
        ),
        Check(
            gains(answers, expected),
            1,
            "With R1 a field is wrong: the penalty is half the squared slope, times γ, and it "
            "stands in the discriminator's loss alone.",
        ),
        Check(
            agree(answers, expected, "bilinear"),
            1,
            "The bilinear field is wrong, or has a wrong shape, for a matrix that is not square.",
        ),
        made(answers["prediction"], 1),
    ]


def steps(answers, seed, student):
    """One step, several critic steps, and the run's memory."""
    expected = PROBE.steps(REFERENCE, seed)
    return [
        Check(
            agree(
                answers,
                expected,
                "linear/simultaneous",
                "bent/simultaneous",
                "untouched",
            ),
            1,
            "A simultaneous step is wrong, or it changes the state that it was given.",
        ),
        Check(
            agree(
                answers, expected, "linear/alternating", "bent/alternating"
            ),
            1,
            "An alternating step is wrong: the discriminator moves first, alone, and the "
            "generator sees where it went.",
        ),
        Check(
            agree(answers, expected, "linear/critic", "bent/critic"),
            1,
            "Several critic steps are wrong: each looks at the state that the last one left.",
        ),
        Check(
            agree(
                answers, expected, "play_new", "play_in_place", "play_none"
            ),
            1,
            "play is wrong: all states with the start first, each as it was, also if a step "
            "moves the array that it is given.",
        ),
        made(answers["prediction"], 1),
    ]


def eigen(answers, seed, student):
    """The linear picture."""
    expected = PROBE.eigen(REFERENCE, seed)
    return [
        Check(
            agree(answers, expected, "jacobian", rtol=1e-3, atol=1e-4),
            1,
            "The Jacobian is wrong away from the origin: entry (i, j) is the derivative of "
            "push i by number j.",
        ),
        Check(
            agree(answers, expected, "eigenvalues", rtol=1e-3, atol=1e-3),
            0.5,
            "The eigenvalues are not those of the field's Jacobian.",
        ),
        Check(
            agree(
                answers,
                expected,
                "largest/pair",
                "largest/real",
                "largest/mixed",
            ),
            1,
            "largest_step is wrong where steps can converge: 1 + hμ must lie inside the unit "
            "circle for every μ.",
        ),
        Check(
            agree(answers, expected, "largest/turning", "largest/leaving"),
            0.5,
            "largest_step is wrong where no step converges: it should be 0.",
        ),
        Check(
            agree(answers, expected, "alternating"),
            1,
            "largest_alternating is wrong: what does it depend on besides the loss's slope?",
        ),
        made(answers["prediction"], 1),
    ]


def cures(answers, seed, student):
    """Friction."""
    expected = PROBE.cures(REFERENCE, seed)
    loss, gamma, _ = drawn(student)
    mine = largest_step(r1_eigenvalues(gamma, SLOPES[loss]))
    return [
        Check(
            agree(answers, expected, "r1", rtol=1e-3, atol=1e-4),
            1,
            "The eigenvalues with R1 are wrong for some weight or slope: below the critical "
            "weight they are complex, above it real.",
        ),
        Check(
            agree(answers, expected, "critical"),
            1,
            "critical_gamma is wrong: where does the root vanish?",
        ),
        Check(
            agree(answers, expected, "consensus"),
            1.5,
            "The consensus field is wrong: both players also descend γ times half the squared "
            "length of the plain field.",
        ),
        Check(
            close(answers["mine"], mine, rtol=1e-3, atol=1e-6),
            0.5,
            "my_step is not the largest step for your own LOSS and GAMMA.",
        ),
        made(answers["prediction"], 1),
    ]


def diagnosis(answers, seed, student):
    """The fault's name, and runs of the repaired game."""
    expected = PROBE.diagnosis(REFERENCE, seed)
    return [
        Check(
            str(answers["fault"]) == FAULTS[drawn(student)[2]],
            2,
            "The fault is another one: which symptom does the one you named not explain?",
        ),
        Check(
            agree(answers, expected, "plain"),
            1,
            "Without a penalty the repaired run goes elsewhere, or has another shape.",
        ),
        Check(
            agree(answers, expected, "r1"),
            1,
            "With R1 and one critic step the repaired run goes elsewhere.",
        ),
        Check(
            agree(answers, expected, "critic"),
            1,
            "With R1 and several critic steps the repaired run goes elsewhere.",
        ),
    ]


TASKS = {
    "field": Task(points=5, judge=field),
    "steps": Task(points=5, judge=steps),
    "eigen": Task(points=5, judge=eigen),
    "cures": Task(points=5, judge=cures),
    "diagnosis": Task(points=5, judge=diagnosis),
}
MANUAL = {"explain_friction": 3, "explain_fault": 3}
SCRATCH = ("gpat_lib.dynamics",)
