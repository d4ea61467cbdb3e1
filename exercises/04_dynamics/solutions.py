"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- field

FIELD = """
def sigma(s):
    return 1 / (1 + np.exp(-s))

def dirac_field(state, loss, gamma):
    theta, psi = state
    if loss == "minimax":
        return np.array([sigma(theta * psi) * psi, -sigma(theta * psi) * theta - gamma * psi])
    if loss == "non_saturating":
        return np.array([sigma(-theta * psi) * psi, -sigma(theta * psi) * theta - gamma * psi])
    return np.array([psi, -theta - gamma * psi])

def bilinear_field(state, matrix):
    p = matrix.shape[0]
    x, y = state[:p], state[p:]
    return np.concatenate([-matrix @ y, matrix.T @ x])

prediction_round = 6
"""
FIELD_RIGHT = {
    "formulas": FIELD,
    "autodiff": """
import tensorflow as tf

def minus_gradient(loss, own):
    with tf.GradientTape() as tape:
        tape.watch(own)
        value = loss(own)
    return -tape.gradient(value, own).numpy()

def dirac_field(state, loss, gamma):
    theta, psi = (tf.constant(float(value), tf.float64) for value in state)
    sp = tf.math.softplus
    g = {"minimax": lambda s: -sp(s), "non_saturating": lambda s: sp(-s),
         "wasserstein": lambda s: -s}[loss]
    d = {"wasserstein": lambda s: s}.get(loss, sp)
    return np.array([
        minus_gradient(lambda t: g(psi * t), theta),
        minus_gradient(lambda w: d(w * theta) + gamma / 2 * w**2, psi)])

def bilinear_field(state, matrix):
    x, y = (tf.constant(part) for part in np.split(state, [len(matrix)]))
    value = lambda a, b: tf.tensordot(a, tf.linalg.matvec(tf.constant(matrix), b), 1)
    return np.concatenate([
        minus_gradient(lambda a: value(a, y), x), minus_gradient(lambda b: -value(x, b), y)])

prediction_round = 3.1
""",
    "loops and math": """
import math

def dirac_field(state, loss, gamma):
    score = state[0] * state[1]
    real = 0.5 + 0.5 * math.tanh(score / 2)
    pulls = dict(minimax=(real, real), non_saturating=(1 - real, real), wasserstein=(1, 1))
    return [pulls[loss][0] * state[1], -pulls[loss][1] * state[0] - gamma * state[1]]

def bilinear_field(state, matrix):
    p, q = len(matrix), len(matrix[0])
    push = [0.0] * (p + q)
    for i in range(p):
        for j in range(q):
            push[i] -= matrix[i][j] * state[p + j]
            push[p + j] += matrix[i][j] * state[i]
    return np.array(push)

prediction_round = 10
""",
    "matrices": """
def dirac_field(state, loss, gamma):
    theta, psi = state
    s = theta * psi
    if loss == "wasserstein":
        a = b = 1.0
    else:
        b = np.exp(-np.logaddexp(0, -s))
        a = b if loss == "minimax" else np.exp(-np.logaddexp(0, s))
    return np.array([[0, a], [-b, -gamma]]) @ np.array([theta, psi])

def bilinear_field(state, matrix):
    p, q = np.shape(matrix)
    whole = np.block([[np.zeros((p, p)), -matrix], [matrix.T, np.zeros((q, q))]])
    return whole @ state

prediction_round = np.float64(6.28)
""",
    "differences": """
def losses(theta, psi, loss, gamma):
    s = theta * psi
    penalty = gamma * 0.5 * psi * psi
    if loss == "wasserstein":
        return -s, s + penalty
    l_g = -np.logaddexp(0, s) if loss == "minimax" else np.logaddexp(0, -s)
    return l_g, np.logaddexp(0, s) + penalty

def dirac_field(state, loss, gamma):
    theta, psi = state
    w = 1e-5
    d_theta = losses(theta + w, psi, loss, gamma)[0] - losses(theta - w, psi, loss, gamma)[0]
    d_psi = losses(theta, psi + w, loss, gamma)[1] - losses(theta, psi - w, loss, gamma)[1]
    return -np.array([d_theta, d_psi]) / (2 * w)

class Bilinear:
    def __init__(self, matrix):
        self.matrix = np.asarray(matrix)
    def __call__(self, state):
        p = self.matrix.shape[0]
        push = np.empty(len(state))
        push[:p] = -np.einsum("ij,j->i", self.matrix, state[p:])
        push[p:] = np.einsum("ij,i->j", self.matrix, state[:p])
        return push

def bilinear_field(state, matrix):
    return Bilinear(matrix)(state)

prediction_round = "7"
""",
}
FIELD_WRONG = {
    "fakes score high": but(
        FIELD,
        (
            "return np.array([psi, -theta - gamma * psi])",
            "return np.array([-psi, theta - gamma * psi])",
        ),
    ),
    "both descend one loss": but(
        FIELD,
        (
            "[sigma(theta * psi) * psi, -sigma(theta * psi) * theta - gamma * psi]",
            "[-sigma(theta * psi) * psi, -sigma(theta * psi) * theta - gamma * psi]",
        ),
    ),
    "the gradient, not minus it": but(
        FIELD,
        (
            "np.array([psi, -theta - gamma * psi])",
            "-np.array([psi, -theta - gamma * psi])",
        ),
    ),
    "one sigmoid for both": but(
        FIELD, ("sigma(-theta * psi) * psi", "sigma(theta * psi) * psi")
    ),
    "both sigmoids turned": but(
        FIELD,
        (
            "[sigma(-theta * psi) * psi, -sigma(theta * psi)",
            "[sigma(-theta * psi) * psi, -sigma(-theta * psi)",
        ),
    ),
    "R1 without its one half": but(
        FIELD, ("gamma * psi", "2 * gamma * psi")
    ),
    "R1 with half the strength": but(
        FIELD, ("gamma * psi", "gamma / 2 * psi")
    ),
    "R1 drives": but(FIELD, ("- gamma * psi", "+ gamma * psi")),
    "R1 on the generator": but(
        FIELD,
        (
            "np.array([psi, -theta - gamma * psi])",
            "np.array([psi - gamma * theta, -theta])",
        ),
    ),
    "the penalty's constant sign": but(
        FIELD, ("gamma * psi", "gamma * np.sign(psi)")
    ),
    "bilinear signs turned": but(
        FIELD,
        ("[-matrix @ y, matrix.T @ x]", "[matrix @ y, -matrix.T @ x]"),
    ),
    "bilinear, both descend": but(
        FIELD, ("matrix.T @ x])", "-matrix.T @ x])")
    ),
    "split in the middle": but(
        FIELD, ("p = matrix.shape[0]", "p = len(state) // 2 + 1")
    ),
    "no prediction": but(
        FIELD, ("prediction_round = 6", "prediction_round = None")
    ),
}

# -------------------------------------------------------------------- steps

STEPS = """
def simultaneous(field, state, h):
    return state + h * field(state)

def alternating(field, state, h, p, n_critic):
    new = np.array(state, dtype=float)
    for _ in range(n_critic):
        new[p:] = new[p:] + h * field(new.copy())[p:]
    new[:p] = new[:p] + h * field(new.copy())[:p]
    return new

def play(step, start, count):
    path = [np.array(start, dtype=float)]
    for _ in range(count):
        path.append(np.array(step(path[-1].copy())))
    return np.array(path)

prediction_distance = 5
"""
STEPS_RIGHT = {
    "copies": STEPS,
    "masks": """
def simultaneous(field, state, h):
    return np.add(state, np.multiply(h, field(np.array(state))))

def alternating(field, state, h, p, n_critic):
    place = np.arange(np.size(state))
    for mask in [place >= p] * n_critic + [place < p]:
        state = state + h * mask * field(state)
    return state

def play(step, start, count):
    path = np.empty((count + 1, len(start)))
    path[0] = start
    for k in range(count):
        path[k + 1] = step(path[k].copy())
    return path

prediction_distance = 9.31
""",
    "plain lists": """
def simultaneous(field, state, h):
    push = field(np.array(state))
    return np.array([w + h * v for w, v in zip(state, push)])

def alternating(field, state, h, p, n_critic):
    values = list(state)
    for turn in range(n_critic + 1):
        push = field(np.array(values))
        for i in range(len(values)):
            if (i < p) == (turn == n_critic):
                values[i] = values[i] + h * push[i]
    return np.array(values)

def play(step, start, count):
    now, path = list(start), [list(start)]
    for _ in range(count):
        now = list(step(np.array(now)))
        path.append(list(now))
    return path

prediction_distance = 12.0
""",
    "concatenation and recursion": """
def simultaneous(field, state, h):
    return h * np.asarray(field(state)) + state

def critic(field, x, y, h, times):
    if times == 0:
        return y
    push = field(np.concatenate([x, y]))
    return critic(field, x, y + h * push[len(x):], h, times - 1)

def alternating(field, state, h, p, n_critic):
    x, y = np.split(np.asarray(state), [p])
    y = critic(field, x, y, h, n_critic)
    return np.concatenate([x + h * field(np.concatenate([x, y]))[:p], y])

def play(step, start, count):
    if count == 0:
        return np.array(start, float)[None]
    before = play(step, start, count - 1)
    return np.vstack([before, step(before[-1].copy())])

prediction_distance = 1
""",
    "a class and TensorFlow": """
import itertools

class Player:
    def __init__(self, field, chosen, h):
        self.field, self.chosen, self.h = field, chosen, h
    def move(self, state):
        moved = np.array(state, float)
        moved[self.chosen] += self.h * np.asarray(self.field(state))[self.chosen]
        return moved

def simultaneous(field, state, h):
    return Player(field, slice(None), h).move(state)

def alternating(field, state, h, p, n_critic):
    turns = [Player(field, slice(p, None), h)] * n_critic + [Player(field, slice(p), h)]
    for player in turns:
        state = player.move(state)
    return state

def play(step, start, count):
    follow = itertools.accumulate(range(count), lambda s, _: np.array(step(s.copy())),
                                  initial=np.array(start))
    return np.stack([np.array(state) for state in follow])

prediction_distance = 0
""",
}
STEPS_WRONG = {
    "ascends": but(STEPS, ("return state + h", "return state - h")),
    "changes what it is given": but(
        STEPS,
        (
            "return state + h * field(state)",
            "state += h * field(state)\n    return state",
        ),
    ),
    "stale: simultaneous by accident": but(
        STEPS,
        (
            "new = np.array(state, dtype=float)",
            "new = np.array(state, dtype=float)\n    old = field(state)",
        ),
        ("h * field(new.copy())[:p]", "h * old[:p]"),
    ),
    "generator first": but(
        STEPS,
        (
            "    for _ in range(n_critic):\n",
            "    new[:p] = new[:p] + h * field(new.copy())[:p]\n    for _ in range(n_critic):\n",
        ),
        (
            "[p:]\n    new[:p] = new[:p] + h * field(new.copy())[:p]\n    return new",
            "[p:]\n    return new",
        ),
    ),
    "a single critic step left out": but(
        STEPS,
        ("range(n_critic)", "range(n_critic if n_critic > 1 else 0)"),
    ),
    "n_critic ignored": but(STEPS, ("range(n_critic)", "range(1)")),
    "one gradient for all critic steps": but(
        STEPS,
        (
            "    for _ in range(n_critic):\n"
            "        new[p:] = new[p:] + h * field(new.copy())[p:]\n",
            "    new[p:] = new[p:] + n_critic * h * field(new.copy())[p:]\n",
        ),
    ),
    "a generator step for each critic step": but(
        STEPS,
        (
            "\n    new[:p] = new[:p] + h * field(new.copy())[:p]",
            "\n        new[:p] = new[:p] + h * field(new.copy())[:p]",
        ),
    ),
    "players exchanged": but(
        STEPS, ("[p:]", "[:-p]_"), ("[:p]", "[-p:]"), ("[:-p]_", "[:-p]")
    ),
    "one array for all of history": but(
        STEPS,
        (
            "path.append(np.array(step(path[-1].copy())))",
            "path.append(step(path[-1]))",
        ),
    ),
    "the start is missing": but(
        STEPS,
        ("return np.array(path)", "return np.array(path[1:] or path)"),
    ),
    "one step too few": but(STEPS, ("range(count)", "range(count - 1)")),
    "no prediction": but(
        STEPS, ("prediction_distance = 5", "prediction_distance = 'far'")
    ),
}

# -------------------------------------------------------------------- eigen

EIGEN = """
def jacobian(field, state):
    d, w = len(state), 1e-6
    out = np.zeros((d, d))
    for j in range(d):
        side = np.zeros(d)
        side[j] = w
        out[:, j] = (np.asarray(field(state + side)) - np.asarray(field(state - side))) / (2 * w)
    return out

def eigenvalues(field, state):
    return np.linalg.eigvals(jacobian(field, state))

def largest_step(mu):
    steps = [-2 * m.real / abs(m) ** 2 for m in mu]
    return max(0.0, min(steps))

def largest_alternating(slope, n_critic):
    return 2 / (slope * n_critic**0.5)

prediction_step = 1
"""
EIGEN_RIGHT = {
    "central differences": EIGEN,
    "forward differences, roots": """
def jacobian(field, state):
    here = np.asarray(field(state))
    return np.array([(np.asarray(field(state + 1e-7 * e)) - here) / 1e-7
                     for e in np.eye(len(state))]).T

def eigenvalues(field, state):
    return np.roots(np.poly(jacobian(field, state)))

def largest_step(mu):
    mu = np.asarray(mu, complex)
    limit = np.inf
    for m in mu:
        # |1 + hm|² = 1 + 2 h Re m + h² |m|²
        roots = np.roots([abs(m) ** 2, 2 * m.real, 0.0])
        limit = min(limit, roots.real.max())
    return limit if (mu.real < 0).all() else 0

def largest_alternating(slope, n_critic):
    return 2 / slope / np.sqrt(n_critic)

prediction_step = 3
""",
    "five points, Schur": """
from scipy import linalg

def jacobian(field, state):
    f = lambda t: np.asarray(field(state + t))
    w = 1e-3
    columns = []
    for e in np.eye(len(state)) * w:
        columns.append((8 * (f(e) - f(-e)) - (f(2 * e) - f(-2 * e))) / (12 * w))
    return np.column_stack(columns)

def eigenvalues(field, state):
    return np.diag(linalg.schur(jacobian(field, state), output="complex")[0])

def largest_step(mu):
    real, size = np.real(mu), np.abs(mu)
    return float(np.clip(np.min(2 * -real / size**2), 0, None))

def largest_alternating(slope, n_critic):
    return (4 / (slope**2 * n_critic)) ** 0.5

prediction_step = 0.1
""",
    "bisection": """
def jacobian(field, state):
    d = len(state)
    return np.array([[
        (field(state + 1e-6 * np.eye(d)[j])[i] - field(state - 1e-6 * np.eye(d)[j])[i]) / 2e-6
        for j in range(d)] for i in range(d)])

def eigenvalues(field, state):
    values, _ = np.linalg.eig(jacobian(field, state))
    return values[::-1]

def inside(mu, h):
    return all(abs(1 + h * m) < 1 for m in mu)

def largest_step(mu):
    low, high = 0.0, 1e3
    if not inside(mu, 1e-9 + 1e-7):
        return 0.0
    low = 1e-7
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(mu, middle) else (low, middle)
    return low

def largest_alternating(slope, n_critic):
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        step = np.eye(2)
        for _ in range(n_critic):
            step = np.array([[1, 0], [-middle * slope, 1]]) @ step
        step = np.array([[1, middle * slope], [0, 1]]) @ step
        if abs(np.trace(step)) < 2:
            low = middle
        else:
            high = middle
    return low

prediction_step = 2.5
""",
    "SciPy's derivative": """
from scipy.optimize import approx_fprime

def jacobian(field, state):
    return np.stack([
        approx_fprime(np.asarray(state, float), lambda s, i=i: field(s)[i], 1e-7)
        for i in range(len(state))])

def eigenvalues(field, state):
    return np.linalg.eigvals(jacobian(field, state).T)

def largest_step(mu):
    if max(np.real(mu)) >= 0:
        return 0
    # 1 + hμ in the unit circle: 1/h is more than |μ|²/(-2 Re μ)
    return 1 / max(abs(m) ** 2 / (-2 * m.real) for m in mu)

largest_alternating = lambda slope, n_critic: 2.0 / np.sqrt(n_critic * slope * slope)
prediction_step = 4
""",
}
EIGEN_WRONG = {
    "Jacobian transposed": but(EIGEN, ("return out", "return out.T")),
    "a width that is no width": but(EIGEN, ("1e-6", "0.5")),
    "not divided by the width twice": but(EIGEN, ("/ (2 * w)", "/ w")),
    "at the origin": but(
        EIGEN,
        ("field(state + side)", "field(side)"),
        ("field(state - side)", "field(-side)"),
    ),
    "singular values": but(
        EIGEN,
        (
            "np.linalg.eigvals(jacobian(field, state))",
            "np.linalg.svd(jacobian(field, state))[1]",
        ),
    ),
    "of the symmetric part": but(
        EIGEN,
        (
            "np.linalg.eigvals(jacobian(field, state))",
            "np.linalg.eigvalsh(jacobian(field, state) + jacobian(field, state).T) / 2",
        ),
    ),
    "real parts alone": but(
        EIGEN, ("-2 * m.real / abs(m) ** 2", "-2 / m.real")
    ),
    "a factor of two": but(EIGEN, ("-2 * m.real", "-m.real")),
    "the loosest limit": but(EIGEN, ("min(steps)", "max(steps)")),
    "negative where nothing converges": but(
        EIGEN, ("max(0.0, min(steps))", "min(steps)")
    ),
    "one over the largest": but(
        EIGEN, ("max(0.0, min(steps))", "1 / max(abs(m) for m in mu)")
    ),
    "critic steps count in full": but(
        EIGEN, ("n_critic**0.5", "n_critic")
    ),
    "critic steps do not count": but(
        EIGEN, ("(slope * n_critic**0.5)", "slope")
    ),
    "slope on top": but(
        EIGEN, ("2 / (slope * n_critic**0.5)", "2 * slope / n_critic**0.5")
    ),
    "no prediction": but(
        EIGEN, ("prediction_step = 1", "prediction_step = None")
    ),
}

# -------------------------------------------------------------------- cures

CURES = """
import cmath

def r1_eigenvalues(gamma, slope):
    root = cmath.sqrt(gamma**2 / 4 - slope**2)
    return np.array([-gamma / 2 + root, -gamma / 2 - root])

def critical_gamma(slope):
    return 2 * slope

def consensus_field(state, matrix, gamma):
    p = matrix.shape[0]
    x, y = state[:p], state[p:]
    return np.concatenate([
        -matrix @ y - gamma * matrix @ (matrix.T @ x),
        matrix.T @ x - gamma * matrix.T @ (matrix @ y)])

SLOPE = {"minimax": 0.5, "non_saturating": 0.5, "wasserstein": 1.0}[LOSS]
my_step = min(-2 * m.real / abs(m) ** 2 for m in r1_eigenvalues(GAMMA, SLOPE))
prediction_gamma = 2
"""
CURES_RIGHT = {
    "formulas": CURES,
    "matrices": """
def r1_eigenvalues(gamma, slope):
    return np.linalg.eigvals(np.array([[0, slope], [-slope, -gamma]]).astype(complex))

def critical_gamma(slope):
    return slope + slope

def consensus_field(state, matrix, gamma):
    p, q = matrix.shape
    turn = np.block([[np.zeros((p, p)), -matrix], [matrix.T, np.zeros((q, q))]])
    return turn @ state - gamma * turn.T @ turn @ state

mu = r1_eigenvalues(GAMMA, 1.0 if LOSS == "wasserstein" else 0.5)
my_step = np.min(-2 * np.real(mu) / np.abs(mu) ** 2)
prediction_gamma = 0.5
""",
    "autodiff": """
import tensorflow as tf

def r1_eigenvalues(gamma, slope):
    return np.roots([1, gamma, slope**2])

def critical_gamma(slope):
    return (4 * slope**2) ** 0.5

def consensus_field(state, matrix, gamma):
    w, a = tf.constant(state), tf.constant(matrix)
    with tf.GradientTape() as outer:
        outer.watch(w)
        x, y = w[: len(matrix)], w[len(matrix):]
        push = tf.concat([-tf.linalg.matvec(a, y), tf.linalg.matvec(a, x, transpose_a=True)], 0)
        half = tf.nn.l2_loss(push)
    return (push - gamma * outer.gradient(half, w)).numpy()

slope_of_mine = dict(wasserstein=1.0).get(LOSS, 0.5)
step = 1e-4
while max(abs(1 + step * r1_eigenvalues(GAMMA, slope_of_mine))) < 1:
    step += 1e-4
my_step = step
prediction_gamma = 1.0
""",
    "singular vectors": """
def r1_eigenvalues(gamma, slope):
    inner = gamma * gamma / 4 - slope * slope
    root = np.sqrt(abs(inner)) * (1 if inner >= 0 else 1j)
    return [root - gamma / 2, -root - gamma / 2]

def critical_gamma(slope):
    return slope / 0.5

def consensus_field(state, matrix, gamma):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    p = len(matrix)
    a, b = left.T @ state[:p], right @ state[p:]
    pushed_a = -values * b - gamma * values**2 * a
    pushed_b = values * a - gamma * values**2 * b
    return np.concatenate([left @ pushed_a, right.T @ pushed_b])

f = 0.5 + 0.5 * (LOSS == "wasserstein")
if GAMMA < 2 * f:
    my_step = GAMMA / f**2
else:
    my_step = 2 / (GAMMA / 2 + (GAMMA**2 / 4 - f**2) ** 0.5)
prediction_gamma = 4
""",
    "loops and differences": """
def r1_eigenvalues(gamma, slope):
    disc = np.emath.sqrt(gamma**2 - 4 * slope**2)
    return np.array([(-gamma + sign * disc) / 2 for sign in (1, -1)])

def critical_gamma(slope):
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if middle**2 > 4 * slope**2 else (middle, high)
    return high

def v(state, matrix):
    p = len(matrix)
    return np.concatenate([-(matrix @ state[p:]), state[:p] @ matrix])

def consensus_field(state, matrix, gamma):
    pull = np.zeros(len(state))
    for i, side in enumerate(np.eye(len(state)) * 1e-4):
        ahead, behind = v(state + side, matrix), v(state - side, matrix)
        pull[i] = (ahead @ ahead - behind @ behind) / (2 * 2e-4)
    return v(state, matrix) - gamma * pull

m = r1_eigenvalues(GAMMA, {"wasserstein": 1}.get(LOSS, 0.5))
my_step = float(min(-2 * m.real / abs(m) ** 2))
prediction_gamma = np.int64(1)
""",
}
CURES_WRONG = {
    "NaN below the critical weight": but(
        CURES,
        (
            "cmath.sqrt(gamma**2 / 4 - slope**2)",
            "np.sqrt(gamma**2 / 4 - slope**2)",
        ),
    ),
    "R1 without its one half": but(
        CURES,
        ("gamma**2 / 4", "gamma**2"),
        ("-gamma / 2 +", "-gamma +"),
        ("-gamma / 2 -", "-gamma -"),
    ),
    "eigenvalues with another sign": but(
        CURES,
        ("-gamma / 2 +", "gamma / 2 +"),
        ("-gamma / 2 -", "gamma / 2 -"),
    ),
    "slope fixed at one half": but(CURES, ("- slope**2", "- 0.25")),
    "real below the critical weight too": CURES
    + """
def r1_eigenvalues(gamma, slope):
    root = abs(gamma**2 / 4 - slope**2) ** 0.5
    return np.array([-gamma / 2 + root, -gamma / 2 - root])
""",
    "critical weight of R1 + R2": but(
        CURES, ("return 2 * slope", "return slope")
    ),
    "critical weight fixed at 1": but(
        CURES, ("return 2 * slope", "return 1.0")
    ),
    "consensus drives": but(
        CURES, ("- gamma * matrix", "+ gamma * matrix")
    ),
    "consensus on one player": but(
        CURES, (" - gamma * matrix.T @ (matrix @ y)", "")
    ),
    "friction without the matrix": but(
        CURES,
        ("gamma * matrix @ (matrix.T @ x)", "gamma * x"),
        ("gamma * matrix.T @ (matrix @ y)", "gamma * y"),
    ),
    "the square without its one half": but(
        CURES, ("gamma * matrix", "2 * gamma * matrix")
    ),
    "squares added, not gradients": but(
        CURES,
        (
            "gamma * matrix @ (matrix.T @ x)",
            "gamma * np.sum((matrix @ y) ** 2) / 2",
        ),
    ),
    "largest step without R1": but(
        CURES,
        ("r1_eigenvalues(GAMMA, SLOPE)", "r1_eigenvalues(0.0, SLOPE)"),
    ),
    "largest step of the other losses": but(
        CURES,
        ('"wasserstein": 1.0}', '"wasserstein": 0.5}'),
        (
            '"minimax": 0.5, "non_saturating": 0.5',
            '"minimax": 1.0, "non_saturating": 1.0',
        ),
    ),
    "no prediction": but(
        CURES, ("prediction_gamma = 2", "prediction_gamma = None")
    ),
}

# -------------------------------------------------------------------- diagnosis

NAMED = """
fault = "order"
for word, sign in (("stale", "before"), ("sign", "+ gamma"), ("player", "gamma * theta"),
                   ("half", "2 * gamma")):
    if sign in patient_source:
        fault = word
if "copy" not in patient_source:
    fault = "alias"
"""
# Named by what the patient does, not by how it is written.
EXAMINED = """
def named():
    plain = patient_run([1.0, 0.0], 2, 0.5, 0.0, 1)
    if np.allclose(plain[0], plain[2]):
        return "alias"
    if np.allclose(plain[1], [1.0, -0.5]):
        moved = patient_run([0.0, 1.0], 1, 0.5, 0.0, 1)[1]
        # Simultaneous steps leave ψ = 1 alone at θ = 0; the generator first does not.
        return "stale" if np.isclose(moved[1], 1.0) else "order"
    rubbed = patient_run([0.0, 1.0], 1, 0.5, 0.4, 1)[1, 1]
    return {1.2: "sign", 1.0: "player", 0.6: "half"}[round(rubbed, 3)]

fault = named()
"""
REPAIRED = """
def repaired_run(start, steps, h, gamma, n_critic):
    theta, psi = start
    path = [(theta, psi)]
    for _ in range(steps):
        for _ in range(n_critic):
            psi = psi - h * (theta + gamma * psi)
        theta = theta + h * psi
        path.append((theta, psi))
    return np.array(path)
"""
DIAGNOSIS_RIGHT = {
    "read, two numbers": NAMED + REPAIRED,
    "examined, two numbers": EXAMINED + REPAIRED,
    "arrays": NAMED
    + """
def repaired_run(start, steps, h, gamma, n_critic):
    path = np.zeros((steps + 1, 2))
    path[0] = start
    for k in range(steps):
        path[k + 1] = path[k]
        for _ in range(n_critic):
            path[k + 1, 1] -= h * path[k + 1, 0] + h * gamma * path[k + 1, 1]
        path[k + 1, 0] += h * path[k + 1, 1]
    return path
""",
    "matrix powers": NAMED
    + """
def repaired_run(start, steps, h, gamma, n_critic):
    critic = np.array([[1.0, 0.0], [-h, 1 - h * gamma]])
    generator = np.array([[1.0, h], [0.0, 1.0]])
    step = generator @ np.linalg.matrix_power(critic, n_critic)
    return np.array([np.linalg.matrix_power(step, k) @ start for k in range(steps + 1)])
""",
    "TensorFlow and autodiff": EXAMINED
    + """
import tensorflow as tf

def repaired_run(start, steps, h, gamma, n_critic):
    theta, psi = (tf.Variable(value, dtype=tf.float64) for value in start)
    rows = [[theta.numpy(), psi.numpy()]]
    for _ in range(steps):
        for turn in range(n_critic + 1):
            with tf.GradientTape() as tape:
                loss = -psi * theta if turn == n_critic else psi * theta + gamma * psi**2 / 2
            mover = theta if turn == n_critic else psi
            mover.assign_sub(h * tape.gradient(loss, mover))
        rows.append([theta.numpy(), psi.numpy()])
    return rows
""",
}
DIAGNOSIS_WRONG = {
    "not repaired": NAMED + "repaired_run = patient_run\n",
    "another word": NAMED + "fault = 'loss'\n" + REPAIRED,
    "the neighbour's fault": REPAIRED
    + """
fault = ["sign", "player", "half", "alias", "order", "stale"][PATIENT]
""",
    "simultaneous": NAMED
    + but(
        REPAIRED,
        (
            "        for _ in range(n_critic):",
            "        old = psi\n        for _ in range(n_critic):",
        ),
        ("theta + h * psi", "theta + h * old"),
    ),
    "friction drives": NAMED
    + but(REPAIRED, ("theta + gamma * psi", "theta - gamma * psi")),
    "friction twice": NAMED
    + but(REPAIRED, ("gamma * psi", "2 * gamma * psi")),
    "friction once for all critic steps": NAMED
    + but(
        REPAIRED,
        (
            "psi - h * (theta + gamma * psi)",
            "psi - h * (theta + gamma * psi / n_critic)",
        ),
    ),
    "friction with several critic steps only": NAMED
    + but(REPAIRED, ("gamma * psi", "gamma * (n_critic > 1) * psi")),
    "simultaneous without a penalty": NAMED
    + but(
        REPAIRED,
        (
            "theta + h * psi",
            "theta + h * psi + (gamma == 0) * h * h * theta",
        ),
    ),
    "one critic step": NAMED
    + but(REPAIRED, ("range(n_critic)", "range(1)")),
    "no friction": NAMED + but(REPAIRED, (" + gamma * psi", "")),
    "history of one": NAMED
    + but(
        REPAIRED,
        (
            "return np.array(path)",
            "return np.array([path[-1]] * (steps + 1))",
        ),
    ),
}

RIGHT = {
    "field": FIELD_RIGHT,
    "steps": STEPS_RIGHT,
    "eigen": EIGEN_RIGHT,
    "cures": CURES_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "field": FIELD_WRONG,
    "steps": STEPS_WRONG,
    "eigen": EIGEN_WRONG,
    "cures": CURES_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
