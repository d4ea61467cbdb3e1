"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- losses

LOSSES = """
mean, sp = tf.reduce_mean, tf.math.softplus

def cross_entropy_d(real, fake):
    return mean(sp(-real)) + mean(sp(fake))

def non_saturating_g(real, fake):
    return mean(sp(-fake))

def minimax_g(real, fake):
    return -mean(sp(fake))

def wasserstein_d(real, fake):
    return mean(fake) - mean(real)

def wasserstein_g(real, fake):
    return -mean(fake)

def hinge_d(real, fake):
    return mean(tf.nn.relu(1 - real)) + mean(tf.nn.relu(1 + fake))

def least_squares_d(real, fake):
    return 0.5 * mean((real - 1) ** 2) + 0.5 * mean(fake**2)

def least_squares_g(real, fake):
    return 0.5 * mean((fake - 1) ** 2)

prediction_factor = 3000
"""

FLOAT64 = """
def wide(scores):
    return tf.cast(tf.reshape(scores, [-1]), tf.float64)

def one(function):
    def loss(real, fake):
        return tf.reduce_mean(function(wide(real), wide(fake)))
    return loss

cross_entropy_d = one(lambda r, f: tf.math.softplus(-r) + tf.math.softplus(f))
non_saturating_g = one(lambda r, f: -tf.math.log_sigmoid(f))
minimax_g = one(lambda r, f: tf.math.log_sigmoid(-f))
wasserstein_d = one(lambda r, f: f - r)
wasserstein_g = one(lambda r, f: -f)
hinge_d = one(lambda r, f: tf.maximum(0.0, 1 - r) + tf.maximum(0.0, 1 + f))
least_squares_d = one(lambda r, f: (tf.square(r - 1) + tf.square(f)) / 2)
least_squares_g = one(lambda r, f: tf.square(f - 1) / 2)
prediction_factor = np.exp(8.0)
"""

KERAS = """
import keras

bce = keras.losses.BinaryCrossentropy(from_logits=True)
mse = keras.losses.MeanSquaredError()

def flat(scores):
    return keras.ops.reshape(scores, (-1, 1))

def cross_entropy_d(real, fake):
    real, fake = flat(real), flat(fake)
    return bce(keras.ops.ones_like(real), real) + bce(keras.ops.zeros_like(fake), fake)

def non_saturating_g(real, fake):
    return bce(keras.ops.ones_like(flat(fake)), flat(fake))

def minimax_g(real, fake):
    return -bce(keras.ops.zeros_like(flat(fake)), flat(fake))

def wasserstein_d(real, fake):
    return keras.ops.mean(fake) - keras.ops.mean(real)

def wasserstein_g(real, fake):
    return keras.ops.mean(-fake)

def hinge_d(real, fake):
    return keras.ops.mean(keras.ops.relu(1 - real)) + keras.ops.mean(keras.ops.relu(1 + fake))

def least_squares_d(real, fake):
    real, fake = flat(real), flat(fake)
    return (mse(keras.ops.ones_like(real), real) + mse(keras.ops.zeros_like(fake), fake)) / 2

def least_squares_g(real, fake):
    return mse(keras.ops.ones_like(flat(fake)), flat(fake)) / 2

prediction_factor = 8
"""

LOOPS = """
def average(function, scores):
    values = [function(score) for score in tf.unstack(tf.reshape(scores, [-1]))]
    return tf.add_n(values) / len(values)

def sp(s):
    if s > 0:
        return s + tf.math.log1p(tf.exp(-s))
    return tf.math.log1p(tf.exp(s))

def hinge(s):
    return s if s > 0 else 0 * s

def cross_entropy_d(real, fake):
    return average(lambda s: sp(-s), real) + average(sp, fake)

def non_saturating_g(real, fake):
    return average(lambda s: sp(-s), fake)

def minimax_g(real, fake):
    return -average(sp, fake)

def wasserstein_d(real, fake):
    return average(lambda s: s, fake) - average(lambda s: s, real)

def wasserstein_g(real, fake):
    return -average(lambda s: s, fake)

def hinge_d(real, fake):
    return average(lambda s: hinge(1 - s), real) + average(lambda s: hinge(1 + s), fake)

def least_squares_d(real, fake):
    return (average(lambda s: (s - 1) * (s - 1), real) + average(lambda s: s * s, fake)) / 2

def least_squares_g(real, fake):
    return average(lambda s: s * s, fake - 1) / 2

prediction_factor = 1000.0
"""

CLASSES = """
class Loss:
    def __call__(self, real, fake):
        n = tf.cast(tf.size(fake), fake.dtype)
        return tf.reduce_sum(self.terms(real, fake)) / n

class CrossEntropy(Loss):
    def __init__(self, signs):
        self.signs = signs
    def terms(self, real, fake):
        logits = tf.stack([real, fake])
        labels = tf.stack([tf.ones_like(real), tf.zeros_like(fake)])
        both = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.tensordot(self.signs, both, 1)

class NonSaturating(Loss):
    def terms(self, real, fake):
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(fake), logits=fake)

class Linear(Loss):
    def __init__(self, a, b):
        self.a, self.b = a, b
    def terms(self, real, fake):
        return self.a * real + self.b * fake

class Hinge(Loss):
    def terms(self, real, fake):
        return tf.where(real < 1, 1 - real, 0.0) + tf.where(fake > -1, 1 + fake, 0.0)

class Squares(Loss):
    def __init__(self, targets):
        self.targets = targets
    def terms(self, real, fake):
        return sum(
            tf.math.squared_difference(scores, target) / 2
            for scores, target in zip((real, fake), self.targets) if target is not None)

cross_entropy_d, minimax_g = CrossEntropy([1.0, 1.0]), CrossEntropy([0.0, -1.0])
non_saturating_g = NonSaturating()
wasserstein_d, wasserstein_g = Linear(-1.0, 1.0), Linear(0.0, -1.0)
hinge_d = Hinge()
least_squares_d, least_squares_g = Squares((1.0, 0.0)), Squares((None, 1.0))
prediction_factor = "2981"
"""

LOSSES_RIGHT = {
    "softplus": LOSSES,
    "float64 and log-sigmoid": FLOAT64,
    "Keras's losses": KERAS,
    "loops": LOOPS,
    "classes": CLASSES,
}

NAIVE = (
    "sp = tf.reduce_mean, tf.math.softplus",
    "sp = tf.reduce_mean, lambda s: {}",
)
LOSSES_WRONG = {
    "labels swapped": but(
        LOSSES,
        (
            "mean(sp(-real)) + mean(sp(fake))",
            "mean(sp(real)) + mean(sp(-fake))",
        ),
    ),
    "no sign that fools": but(
        LOSSES, ("return mean(sp(-fake))", "return mean(sp(fake))")
    ),
    "minimax with the sign of cross-entropy": but(
        LOSSES, ("return -mean(sp(fake))", "return mean(sp(fake))")
    ),
    "critic's sign turned": but(
        LOSSES, ("mean(fake) - mean(real)", "mean(real) - mean(fake)")
    ),
    "distance in absolute value": but(
        LOSSES,
        ("mean(fake) - mean(real)", "tf.abs(mean(fake) - mean(real))"),
    ),
    "squared difference of the scores": but(
        LOSSES, ("mean(fake) - mean(real)", "mean((fake - real) ** 2)")
    ),
    "hinge without margins": but(
        LOSSES, ("1 - real", "-real"), ("1 + fake", "fake")
    ),
    "hinge bends the wrong way": but(
        LOSSES, ("tf.nn.relu(1 - real)", "-tf.nn.relu(real - 1)")
    ),
    "hinge charges the sum": but(
        LOSSES,
        (
            "mean(tf.nn.relu(1 - real)) + mean(tf.nn.relu(1 + fake))",
            "tf.nn.relu(2 + mean(fake) - mean(real))",
        ),
    ),
    "least squares without one half": but(LOSSES, ("0.5 * ", "")),
    "targets 1 and -1": but(
        LOSSES, ("0.5 * mean(fake**2)", "0.5 * mean((fake + 1) ** 2)")
    ),
    "sigmoid before least squares": but(
        LOSSES,
        (
            "0.5 * mean((fake - 1) ** 2)",
            "0.5 * mean((tf.sigmoid(fake) - 1) ** 2)",
        ),
    ),
    "sigmoid twice": but(
        LOSSES,
        (NAIVE[0], NAIVE[1].format("tf.math.softplus(tf.sigmoid(s))")),
    ),
    "exponential overflows": but(
        LOSSES, (NAIVE[0], NAIVE[1].format("tf.math.log(1 + tf.exp(s))"))
    ),
    "logarithm of a probability": but(
        LOSSES,
        (NAIVE[0], NAIVE[1].format("-tf.math.log(1 - tf.sigmoid(s))")),
    ),
    "probability clipped": but(
        LOSSES,
        (
            NAIVE[0],
            NAIVE[1].format(
                "-tf.math.log(1 - tf.clip_by_value(tf.sigmoid(s), 0, 1 - 1e-7))"
            ),
        ),
    ),
    "sum for mean": but(LOSSES, ("tf.reduce_mean", "tf.reduce_sum")),
    "mean over the batch axis only": but(
        LOSSES,
        (
            "mean, sp = tf.reduce_mean",
            "mean, sp = lambda s: tf.reduce_mean(s, 0)",
        ),
    ),
    "mean of both in place of their sum": but(
        LOSSES,
        (
            "mean(sp(-real)) + mean(sp(fake))",
            "(mean(sp(-real)) + mean(sp(fake))) / 2",
        ),
    ),
    "one-sided label smoothing": but(
        LOSSES,
        (
            "mean(sp(-real)) + ",
            "0.9 * mean(sp(-real)) + 0.1 * mean(sp(real)) + ",
        ),
    ),
    "NumPy, so no gradient": but(
        LOSSES,
        (NAIVE[0], "sp = tf.reduce_mean, lambda s: np.logaddexp(0, s)"),
    ),
    "detached": but(
        LOSSES,
        (
            "return mean(sp(-fake))",
            "return tf.stop_gradient(mean(sp(-fake)))",
        ),
    ),
    "no prediction": but(
        LOSSES, ("prediction_factor = 3000", "prediction_factor = None")
    ),
}

# -------------------------------------------------------------------- paired

PAIRED = """
def relativistic_d(real, fake):
    if real.shape != fake.shape:
        raise ValueError("scores must have one shape")
    return tf.reduce_mean(tf.math.softplus(fake - real))

def relativistic_g(real, fake):
    if real.shape != fake.shape:
        raise ValueError("scores must have one shape")
    return tf.reduce_mean(tf.math.softplus(real - fake))

prediction_shift = 0
"""
PAIRED_RIGHT = {
    "softplus": PAIRED,
    "one function for both": """
def pair(winner, loser):
    if tuple(winner.shape) != tuple(loser.shape):
        raise ValueError(f"{winner.shape} and {loser.shape} cannot be paired")
    return -tf.reduce_mean(tf.math.log_sigmoid(winner - loser))

def relativistic_d(real, fake):
    return pair(real, fake)

def relativistic_g(real, fake):
    return pair(fake, real)

prediction_shift = 100
""",
    "TensorFlow's check": """
def relativistic_d(real, fake):
    real.shape.assert_is_compatible_with(fake.shape)
    return tf.reduce_mean(tf.nn.softplus(fake - real))

def relativistic_g(real, fake):
    return relativistic_d(fake, real)

prediction_shift = 0.0
""",
    "a loop over pairs, float64": """
def relativistic_d(real, fake):
    if len(real.shape) != len(fake.shape) or any(a != b for a, b in zip(real.shape, fake.shape)):
        raise ValueError("pairs!")
    total = tf.constant(0.0, tf.float64)
    pairs = list(zip(tf.unstack(tf.reshape(real, [-1])), tf.unstack(tf.reshape(fake, [-1]))))
    for r, f in pairs:
        gap = tf.cast(f, tf.float64) - tf.cast(r, tf.float64)
        total += tf.math.softplus(gap)
    return total / len(pairs)

relativistic_g = lambda real, fake: relativistic_d(fake, real)
prediction_shift = 1e-9
""",
    "cross-entropy of differences": """
def cross_entropy(label, real, fake):
    tf.debugging.assert_equal(tf.rank(real), tf.rank(fake))
    if real.shape.as_list() != fake.shape.as_list():
        raise ValueError(real.shape)
    gaps = real - fake
    labels = tf.ones_like(gaps) * label
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=gaps))

def relativistic_d(real, fake):
    if real.shape.rank != fake.shape.rank:
        raise ValueError("ranks")
    return cross_entropy(1.0, real, fake)

def relativistic_g(real, fake):
    if real.shape.rank != fake.shape.rank:
        raise ValueError("ranks")
    return cross_entropy(0.0, real, fake)

prediction_shift = -3
""",
}
CHECKED = 'if real.shape != fake.shape:\n        raise ValueError("scores must have one shape")'
PAIRED_WRONG = {
    "all paired with all": but(PAIRED, (CHECKED, "pass")),
    "shapes made to fit": but(
        PAIRED,
        (
            CHECKED,
            "real, fake = tf.reshape(real, [-1]), tf.reshape(fake, [-1])",
        ),
    ),
    "an assertion for a ValueError": but(
        PAIRED, (CHECKED, "assert real.shape == fake.shape")
    ),
    "goals swapped": but(
        PAIRED,
        ("fake - real", "real - fake_"),
        ("real - fake)", "fake - real)"),
        ("fake_", "fake"),
    ),
    "mean taken first": but(
        PAIRED,
        (
            "tf.reduce_mean(tf.math.softplus(fake - real))",
            "tf.math.softplus(tf.reduce_mean(fake - real))",
        ),
    ),
    "against the average fake": but(
        PAIRED,
        ("softplus(fake - real)", "softplus(tf.reduce_mean(fake) - real)"),
    ),
    "saturating generator": but(
        PAIRED,
        (
            "return tf.reduce_mean(tf.math.softplus(real - fake))",
            "return -tf.reduce_mean(tf.math.softplus(fake - real))",
        ),
    ),
    "reals detached in the generator's loss": but(
        PAIRED,
        (
            "softplus(real - fake)",
            "softplus(tf.stop_gradient(real) - fake)",
        ),
    ),
    "exponential overflows": but(
        PAIRED,
        (
            "tf.math.softplus(fake - real)",
            "tf.math.log(1 + tf.exp(fake - real))",
        ),
    ),
    "sum for mean": but(PAIRED, ("reduce_mean", "reduce_sum")),
    "no prediction": but(
        PAIRED, ("prediction_shift = 0", "prediction_shift = float('nan')")
    ),
}

# -------------------------------------------------------------------- optimal

OPTIMAL = """
def best_scores(loss, p, q):
    if loss == "cross_entropy":
        return np.log(p) - np.log(q)
    if loss == "least_squares":
        return p / (p + q)
    return np.where(p > q, 1.0, -1.0)

def jensen_shannon(p, q):
    m = (p + q) / 2
    total = 0.0
    for a, b, c in zip(p, q, m):
        if a > 0:
            total += a * np.log(a / c) / 2
        if b > 0:
            total += b * np.log(b / c) / 2
    return total

def lowest_loss(p, q):
    return 2 * np.log(2) - 2 * jensen_shannon(p, q)

prediction_lowest = 1.0
"""
OPTIMAL_RIGHT = {
    "formulas and a loop": OPTIMAL,
    "entropies": """
from scipy.special import xlogy

def entropy(w):
    return -np.sum(xlogy(w, w))

def best_scores(loss, p, q):
    return {
        "cross_entropy": lambda: np.log(p / q),
        "least_squares": lambda: 1 / (1 + q / p),
        "hinge": lambda: np.sign(p - q),
    }[loss]()

def jensen_shannon(p, q):
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2

def lowest_loss(p, q):
    return np.log(4) - 2 * jensen_shannon(p, q)

prediction_lowest = 0.1
""",
    "the loss itself at its best": """
def best_scores(loss, p, q):
    share = p / (p + q)
    if loss == "cross_entropy":
        return np.log(share / (1 - share))
    return share if loss == "least_squares" else 2.0 * (share > 0.5) - 1

def lowest_loss(p, q):
    share = np.divide(p, p + q, out=np.zeros_like(p), where=p + q > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_real = np.where(p > 0, -p * np.log(share), 0.0)
        on_fake = np.where(q > 0, -q * np.log(1 - share), 0.0)
    return np.sum(on_real + on_fake)

def jensen_shannon(p, q):
    return np.log(2) - lowest_loss(p, q) / 2

prediction_lowest = 1.38
""",
    "a search over scores": """
def best_scores(loss, p, q):
    scores = np.linspace(-1, 1, 200001)[:, None]
    if loss == "cross_entropy":
        return -np.log(q) + np.log(p)
    if loss == "hinge":
        costs = [p * max(0, 1 - s) + q * max(0, 1 + s) for s in (-1.0, 1.0)]
        return np.array([-1.0, 1.0])[np.argmin(costs, axis=0)]
    cost = p * (scores - 1) ** 2 + q * scores**2
    best = scores[np.argmin(cost, axis=0), 0]
    # The grid finds the place, one Newton step on a parabola the rest.
    return best - (p * (best - 1) + q * best) / (p + q)

def kl(a, b):
    keep = a != 0
    return float(np.sum(a[keep] * (np.log(a[keep]) - np.log(b[keep]))))

def jensen_shannon(p, q):
    middle = 0.5 * p + 0.5 * q
    return 0.5 * (kl(p, middle) + kl(q, middle))

def lowest_loss(p, q):
    return 2 * (np.log(2) - jensen_shannon(p, q))

prediction_lowest = 0.7
""",
    "TensorFlow": """
def best_scores(loss, p, q):
    p, q = tf.constant(p), tf.constant(q)
    if loss == "cross_entropy":
        return tf.math.log(p / q)
    if loss == "least_squares":
        return tf.sigmoid(tf.math.log(p / q))
    return tf.sign(tf.math.log(p / q))

def jensen_shannon(p, q):
    p, q = tf.constant(p), tf.constant(q)
    ratio_p = tf.math.divide_no_nan(2 * p, p + q)
    ratio_q = tf.math.divide_no_nan(2 * q, p + q)
    return tf.reduce_sum(tf.math.xlogy(p, ratio_p) + tf.math.xlogy(q, ratio_q)) / 2

def lowest_loss(p, q):
    return float(2 * tf.math.log(tf.constant(2.0, tf.float64)) - 2 * jensen_shannon(p, q))

prediction_lowest = np.float32(1.2)
""",
}
OPTIMAL_WRONG = {
    "probability for a logit": but(
        OPTIMAL, ("np.log(p) - np.log(q)", "p / (p + q)")
    ),
    "fakes score high": but(
        OPTIMAL, ("np.log(p) - np.log(q)", "np.log(q) - np.log(p)")
    ),
    "ratio without logarithm": but(
        OPTIMAL, ("np.log(p) - np.log(q)", "p / q")
    ),
    "least squares with targets 1 and -1": but(
        OPTIMAL, ("return p / (p + q)", "return (p - q) / (p + q)")
    ),
    "hinge as a ramp": but(
        OPTIMAL,
        ("np.where(p > q, 1.0, -1.0)", "np.clip(np.log(p / q), -1, 1)"),
    ),
    "hinge between 0 and 1": but(OPTIMAL, ("1.0, -1.0)", "1.0, 0.0)")),
    "NaN at zeros": but(
        OPTIMAL, ("if a > 0:", "if True:"), ("if b > 0:", "if True:")
    ),
    "a small number against zeros": but(
        OPTIMAL,
        (
            "        if a > 0:",
            "        a, b = a + 1e-3, b + 1e-3\n        if a > 0:",
        ),
    ),
    "without the halves": but(
        OPTIMAL,
        (" / 2\n        if b", "\n        if b"),
        ("np.log(b / c) / 2", "np.log(b / c)"),
    ),
    "bits for nats": but(
        OPTIMAL,
        ("np.log(a / c)", "np.log2(a / c)"),
        ("np.log(b / c)", "np.log2(b / c)"),
    ),
    "Kullback-Leibler for Jensen-Shannon": but(
        OPTIMAL,
        ("np.log(b / c) / 2", "0"),
        ("np.log(a / c) / 2", "np.log(a / b)"),
    ),
    "bits where nothing is 0": OPTIMAL
    + """
nats = jensen_shannon

def lowest_loss(p, q):
    return 2 * np.log(2) - 2 * nats(p, q)

def jensen_shannon(p, q):
    return nats(p, q) / np.log(2) if (p * q > 0).all() else nats(p, q)
""",
    "places with a 0 left out": OPTIMAL
    + """
nats = jensen_shannon

def lowest_loss(p, q):
    return 2 * np.log(2) - 2 * nats(p, q)

def jensen_shannon(p, q):
    return nats(p[p * q > 0], q[p * q > 0])
""",
    "one JS too few": but(
        OPTIMAL, ("2 * np.log(2) - 2 * jensen", "2 * np.log(2) - jensen")
    ),
    "no prediction": but(
        OPTIMAL, ("prediction_lowest = 1.0", "prediction_lowest = [P, Q]")
    ),
}

# -------------------------------------------------------------------- vanishing

VANISHING = """
def push(loss, m):
    sigma = 1 / (1 + np.exp(m * m / 2))
    if loss == "minimax":
        return m * sigma
    if loss == "non_saturating":
        return m * (1 - sigma)
    if loss == "least_squares":
        return (1 - sigma) * m * sigma * (1 - sigma)
    return 1.0

def dies_at(threshold):
    low, high = 1.5, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        if push("minimax", middle) > threshold:
            low = middle
        else:
            high = middle
    return low

my_distance = dies_at(THRESHOLD)
prediction_distance = 5
"""
VANISHING_RIGHT = {
    "formulas and bisection": VANISHING,
    "autodiff and a fine grid": """
def sample_push(loss, m):
    x = tf.Variable(m, dtype=tf.float64)
    with tf.GradientTape() as tape:
        score = tf.cast(m, tf.float64) ** 2 / 2 - m * x
        if loss == "wasserstein":
            l_g = x
        elif loss == "minimax":
            l_g = -tf.math.softplus(score)
        elif loss == "non_saturating":
            l_g = tf.math.softplus(-score)
        else:
            l_g = (tf.sigmoid(score) - 1) ** 2 / 2
    return float(tape.gradient(l_g, x))

push = sample_push

def dies_at(threshold):
    far = np.linspace(1.5, 10, 400001)
    pushes = far / (1 + np.exp(far**2 / 2))
    return far[np.argmax(pushes < threshold)]

my_distance = float(dies_at(THRESHOLD))
prediction_distance = 3.5
""",
    "SciPy's root finder": """
from scipy.optimize import brentq
from scipy.special import expit

def push(loss, m):
    s = -m**2 / 2
    slope = {"minimax": m, "non_saturating": m, "wasserstein": 1,
             "least_squares": m * expit(s) * expit(-s)}
    factor = {"minimax": expit(s), "non_saturating": expit(-s), "wasserstein": 1,
              "least_squares": 1 - expit(s)}
    return slope[loss] * factor[loss]

def dies_at(threshold):
    return brentq(lambda m: np.log(push("minimax", m) / threshold), 1.5, 12)

my_distance = dies_at(THRESHOLD)
prediction_distance = 12
""",
    "differences": """
def score(loss, m, x):
    logit = m**2 / 2 - m * x
    if loss == "wasserstein":
        return -x
    return 1 / (1 + np.exp(-logit)) if loss == "least_squares" else logit

def generator(loss, s):
    if loss == "minimax":
        return -np.log1p(np.exp(s))
    if loss == "non_saturating":
        return np.logaddexp(0, -s)
    return -s if loss == "wasserstein" else (s - 1) ** 2 / 2

def push(loss, m):
    m = np.longdouble(m)
    h = np.longdouble(1e-5)
    cost = lambda x: generator(loss, score(loss, m, x))
    return float((cost(m + h) - cost(m - h)) / (2 * h))

def dies_at(threshold):
    m, step = 1.5, 1.0
    while step > 1e-7:
        if (m + step) / (1 + np.exp((m + step) ** 2 / 2)) > threshold:
            m += step
        else:
            step /= 2
    return m

my_distance = dies_at(THRESHOLD)
prediction_distance = 2
""",
    "a fixed point": """
import math

def sigma(s):
    return 0.5 + 0.5 * math.tanh(s / 2) if s > -20 else math.exp(s)

def push(loss, m):
    low, high = sigma(-m * m / 2), sigma(m * m / 2)
    return dict(minimax=m * low, non_saturating=m * high,
                least_squares=m * low * high * high, wasserstein=1)[loss]

def dies_at(threshold):
    m = 4.0
    for _ in range(200):
        # m = threshold (1 + exp(m²/2)), solved for the m in the exponent
        m = math.sqrt(2 * math.log(m / threshold - 1))
    return m

my_distance = np.array(dies_at(THRESHOLD))
prediction_distance = 4.0
""",
}
VANISHING_WRONG = {
    "slope forgotten": but(
        VANISHING,
        ("return m * sigma", "return sigma"),
        ("return m * (1 - sigma)", "return 1 - sigma"),
    ),
    "non-saturating without its slope": but(
        VANISHING, ("return m * (1 - sigma)", "return 1 - sigma")
    ),
    "one answer for every threshold": VANISHING
    + """
def dies_at(threshold):
    return my_distance
""",
    "the factors exchanged": but(
        VANISHING,
        ("return m * sigma\n", "return m * (1 - sigma) \n"),
        ("return m * (1 - sigma)\n", "return m * sigma\n"),
    ),
    "score at the data, not the sample": but(
        VANISHING, ("np.exp(m * m / 2)", "np.exp(-m * m / 2)")
    ),
    "exponent without one half": but(
        VANISHING, ("np.exp(m * m / 2)", "np.exp(m * m)")
    ),
    "least squares with a logit": but(
        VANISHING,
        ("(1 - sigma) * m * sigma * (1 - sigma)", "(1 + m * m / 2) * m"),
    ),
    "least squares without the factor": but(
        VANISHING,
        (
            "(1 - sigma) * m * sigma * (1 - sigma)",
            "m * sigma * (1 - sigma)",
        ),
    ),
    "Wasserstein with the slope of the others": but(
        VANISHING, ("return 1.0", "return m")
    ),
    "push to the right": but(
        VANISHING, ("return m * sigma\n", "return -m * sigma\n")
    ),
    "the near side": but(
        VANISHING, ("low, high = 1.5, 40.0", "low, high = 1.0, 0.0")
    ),
    "a coarse grid": but(
        VANISHING, ("    return low", "    return round(low, 1)")
    ),
    "somebody else's threshold": but(
        VANISHING, ("dies_at(THRESHOLD)", "dies_at(1e-8)")
    ),
    "no prediction": but(
        VANISHING,
        ("prediction_distance = 5", "prediction_distance = 'far'"),
    ),
}

# -------------------------------------------------------------------- diagnosis

NAMED = """
if "fake - real" in patient_source:
    fault = "swapped"
elif "sigmoid" in patient_source:
    fault = "sigmoid"
elif "reduce_sum" in patient_source:
    fault = "sum"
elif "reshape" in patient_source:
    fault = "broadcast"
elif "exp(" in patient_source:
    fault = "overflow"
else:
    fault = "saturating"
"""
# Named by what the patient does, not by how it is written.
EXAMINED = """
def named():
    ones = tf.ones((4, 1))
    column = tf.constant([[2.0], [-1.0], [0.5], [3.0]])
    if float(patient_g(ones, ones)) < 0:
        return "saturating"
    if not np.isclose(patient_d(ones, ones), np.log(2)):
        return "sum"
    if patient_d(9 * ones, ones) > 1:
        return "swapped"
    if not np.isfinite(patient_g(300 * ones, ones)):
        return "overflow"
    if np.isclose(patient_d(column, column[::-1] - 1), patient_d(column, column - 1)):
        return "broadcast"
    return "sigmoid"

fault = named()
"""
REPAIRED = """
def repaired_d(real, fake):
    return tf.reduce_mean(tf.math.softplus(fake - real))

def repaired_g(real, fake):
    return tf.reduce_mean(tf.math.softplus(real - fake))
"""
DIAGNOSIS_RIGHT = {
    "read and rewritten": NAMED + REPAIRED,
    "examined and rewritten": EXAMINED + REPAIRED,
    "log-sigmoid, float64": NAMED
    + """
def repaired_d(real, fake):
    real, fake = tf.cast(real, tf.float64), tf.cast(fake, tf.float64)
    return -tf.reduce_mean(tf.math.log_sigmoid(real - fake))

def repaired_g(real, fake):
    return repaired_d(fake, real)
""",
    "a class and a stable sum": EXAMINED
    + """
class Pair:
    def __init__(self, sign):
        self.sign = sign
    def __call__(self, real, fake):
        gap = self.sign * (tf.reshape(fake, [-1]) - tf.reshape(real, [-1]))
        return tf.reduce_sum(tf.reduce_logsumexp(tf.stack([gap, 0 * gap]), 0)) / len(gap)

repaired_d, repaired_g = Pair(1.0), Pair(-1.0)
""",
    "patched text": NAMED
    + """
text = patient_source.replace("fake - real", "real - fake").replace("reduce_sum", "reduce_mean")
text = text.replace("tf.sigmoid(real) - tf.sigmoid(fake)", "real - fake")
text = text.replace("tf.reshape(real, [-1])", "real")
text = text.replace("-tf.reduce_mean(tf.math.softplus(-adv", "tf.reduce_mean(tf.math.softplus(adv")
for sign in ("-", ""):
    text = text.replace(f"tf.math.log(1 + tf.exp({sign}advantage(real, fake)))",
                        f"tf.math.softplus({sign}advantage(real, fake))")
healed = {"tf": tf}
exec(text, healed)
repaired_d, repaired_g = healed["d_loss"], healed["g_loss"]
""",
}
DIAGNOSIS_WRONG = {
    "not repaired": NAMED
    + "repaired_d, repaired_g = patient_d, patient_g\n",
    "another word": NAMED + "fault = 'detached'\n" + REPAIRED,
    "the neighbour's fault": REPAIRED
    + """
fault = ["sigmoid", "saturating", "sum", "broadcast", "overflow", "swapped"][PATIENT]
""",
    "the players exchanged": NAMED
    + REPAIRED
    + "repaired_d, repaired_g = repaired_g, repaired_d\n",
    "saturates": NAMED
    + REPAIRED
    + "def repaired_g(real, fake):\n    return -repaired_d(real, fake)\n",
    "sum for mean": NAMED + but(REPAIRED, ("reduce_mean", "reduce_sum")),
    "overflows": NAMED
    + but(
        REPAIRED,
        (
            "tf.math.softplus(real - fake)",
            "tf.math.log(1 + tf.exp(real - fake))",
        ),
    ),
    "clipped against overflow": NAMED
    + but(
        REPAIRED,
        (
            "tf.math.softplus(real - fake)",
            "tf.math.log(1 + tf.exp(tf.clip_by_value(real - fake, -50, 50)))",
        ),
    ),
    "all with all": NAMED
    + but(REPAIRED, ("real - fake", "real[:, 0] - fake")),
    "not paired": NAMED
    + but(
        REPAIRED,
        (
            "tf.reduce_mean(tf.math.softplus(fake - real))",
            "tf.reduce_mean(tf.math.softplus(-real)) + tf.reduce_mean(tf.math.softplus(fake))",
        ),
    ),
}

RIGHT = {
    "losses": LOSSES_RIGHT,
    "paired": PAIRED_RIGHT,
    "optimal": OPTIMAL_RIGHT,
    "vanishing": VANISHING_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "losses": LOSSES_WRONG,
    "paired": PAIRED_WRONG,
    "optimal": OPTIMAL_WRONG,
    "vanishing": VANISHING_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
