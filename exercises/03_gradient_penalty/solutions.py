"""Right solutions in different styles, and wrong ones; for tests only.

The wrong ones marked "seen" stand in public programs or articles.
"""

RIGHT = {
    "interpolates": {
        "numpy": """
def interpolates(real, fake):
    real, fake = np.asarray(real), np.asarray(fake)
    alpha = np.random.rand(len(real), *[1] * (real.ndim - 1))
    return tf.constant((1 - alpha) * real + alpha * fake, tf.float32)
""",
        "loop over samples": """
def interpolates(real, fake):
    mixed = []
    for x, y in zip(real, fake):
        a = tf.random.uniform([])
        mixed.append(x + a * (y - x))
    return tf.stack(mixed)
""",
        "weights the other way": """
def interpolates(r, f):
    n = tf.shape(r)[0]
    eps = tf.random.uniform(tf.concat([[n], tf.ones(tf.rank(r) - 1, tf.int32)], 0))
    return eps * r + (1 - eps) * f
""",
        "flattened": """
def interpolates(real, fake):
    flat_real = tf.reshape(real, (real.shape[0], -1))
    flat_fake = tf.reshape(fake, (fake.shape[0], -1))
    alpha = tf.random.uniform((real.shape[0], 1))
    return tf.reshape(flat_real + alpha * (flat_fake - flat_real), real.shape)
""",
        "generator and float64": """
class Mixer:
    def __init__(self):
        self.source = tf.random.Generator.from_non_deterministic_state()

    def __call__(self, real, fake):
        kind = real.dtype
        real, fake = tf.cast(real, tf.float64), tf.cast(fake, tf.float64)
        alpha = self.source.uniform((len(real),), dtype=tf.float64)
        while alpha.ndim < real.ndim:
            alpha = alpha[..., tf.newaxis]
        return tf.cast(real * (1 - alpha) + fake * alpha, kind)

interpolates = Mixer()
""",
        "vectorized_map": """
def interpolates(real, fake):
    alpha = tf.random.uniform((tf.shape(real)[0],))
    return tf.vectorized_map(lambda t: t[0] + t[2] * (t[1] - t[0]), (real, fake, alpha))
""",
    },
    "prediction": {
        "right": "prediction = COUNT",
        "wrong, but made": "prediction = 1",
        "a float": "prediction = 0.5",
        "numpy": "prediction = np.float32(7)",
        "a tensor": "prediction = tf.constant(3)",
    },
    "slopes": {
        "flattened, norm with guard": """
def slopes(critic, points):
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = critic(points)
    g = tf.reshape(tape.gradient(scores, points), (points.shape[0], -1))
    return tf.sqrt(tf.reduce_sum(tf.square(g), axis=1) + 1e-8)
""",
        "loop over samples": """
def slopes(critic, points):
    result = []
    for point in points:
        point = point[tf.newaxis]
        with tf.GradientTape() as tape:
            tape.watch(point)
            score = tf.reduce_sum(critic(point))
        g = tape.gradient(score, point)
        result.append(tf.maximum(tf.reduce_sum(g * g), 1e-16) ** 0.5)
    return tf.stack(result)
""",
        "batch_jacobian": """
def slopes(critic, points):
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = tf.reshape(critic(points), (-1, 1))
    g = tape.batch_jacobian(scores, points)
    g = tf.reshape(g, (len(points), -1))
    return tf.sqrt(tf.einsum("ij,ij->i", g, g) + 1e-10)
""",
        "tf.gradients in a graph": """
def slopes(critic, points):
    @tf.function
    def inner(points):
        g = tf.gradients(tf.reduce_sum(critic(points)), [points])[0]
        return tf.sqrt(1e-12 + tf.reduce_sum(g**2, axis=tf.range(1, tf.rank(g))))
    return inner(points)
""",
        "float64": """
def slopes(critic, points):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(points)
        total = tf.math.add_n(tf.unstack(tf.reshape(critic(points), [-1])))
    g = tf.cast(tape.gradient(total, points), tf.float64)
    return tf.sqrt(tf.reduce_sum(g**2, axis=list(range(1, g.ndim))) + 1e-15)
""",
        "where around zero": """
def slopes(critic, points):
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(critic(points))
    g = tape.gradient(total, points)
    squares = tf.reduce_sum(g * g, axis=list(range(1, len(g.shape))))
    flat = squares <= 0
    return tf.where(flat, 0.0, tf.sqrt(tf.where(flat, 1.0, squares)))
""",
    },
    "penalty": {
        "one line": """
penalty = lambda c, r, f: tf.reduce_mean(tf.square(slopes(c, interpolates(r, f)) - TARGET))
""",
        "expanded square": """
def penalty(critic, real, fake):
    s = slopes(critic, interpolates(real, fake))
    return tf.reduce_mean(s**2) - 2 * TARGET * tf.reduce_mean(s) + TARGET**2
""",
        "loop": """
def penalty(critic, real, fake):
    total, n = 0.0, 0
    for s in tf.unstack(slopes(critic, interpolates(real, fake))):
        total, n = total + (s - TARGET) ** 2, n + 1
    return total / n
""",
        "without the parts": """
def penalty(critic, real, fake):
    n = tf.shape(real)[0]
    alpha = tf.random.uniform(tf.concat([[n], tf.ones_like(tf.shape(real)[1:])], 0))
    x = real * alpha + fake * (1 - alpha)
    with tf.GradientTape() as t:
        t.watch(x)
        y = critic(x)
    g = tf.reshape(t.gradient(y, x), [n, -1])
    norm = tf.sqrt(tf.reduce_sum(g**2, 1) + 1e-12)
    return tf.reduce_mean((TARGET - norm) ** 2)
""",
        "keras mean squared error": """
import keras
def penalty(critic, real, fake):
    s = slopes(critic, interpolates(real, fake))
    return keras.losses.mean_squared_error(tf.fill(tf.shape(s), TARGET), s)
""",
        "class": """
class Penalty:
    target = TARGET
    def __call__(self, critic, real, fake):
        at = interpolates(real, fake)
        off = slopes(critic, at) - self.target
        return tf.tensordot(off, off, 1) / tf.cast(tf.size(off), off.dtype)
penalty = Penalty()
""",
    },
    "r1": {
        "no root": """
def r1(critic, real):
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(critic(real))
    g = tape.gradient(total, real)
    return tf.reduce_sum(g**2) / (2 * len(real))
""",
        "flattened": """
def r1(critic, real):
    with tf.GradientTape() as tape:
        tape.watch(real)
        scores = critic(real)
    g = tf.reshape(tape.gradient(scores, real), (real.shape[0], -1))
    return 0.5 * tf.reduce_mean(tf.reduce_sum(g**2, axis=1))
""",
        "l2_loss": """
def r1(critic, real):
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(critic(real))
    return tf.nn.l2_loss(tape.gradient(total, real)) / real.shape[0]
""",
        "float64 mean": """
def r1(critic, real):
    s = tf.cast(slopes(critic, real), tf.float64)
    return tf.reduce_mean(s * s) / 2
""",
        "loop": """
def r1(critic, real):
    parts = [slopes(critic, x[None])[0] ** 2 / 2 for x in real]
    return tf.add_n(parts) / len(parts)
""",
    },
    "clinic": {
        "patched by hand": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
def repaired(critic, real, fake):
    n = tf.shape(real)[0]
    alpha = tf.random.uniform([n, 1, 1, 1])
    mixed = real + alpha * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        total = tf.reduce_sum(critic(mixed))
    gradient = tape.gradient(total, mixed)
    lengths = tf.sqrt(tf.reduce_sum(gradient**2, axis=[1, 2, 3]) + 1e-12)
    return tf.reduce_mean((lengths - 1.0) ** 2)
""",
        "from the parts": """
fault = {0: "law", 1: "shared", 2: "axes", 3: "mean", 4: "detached", 5: "root"}[patient_number]
def repaired(critic, real, fake):
    return tf.reduce_mean((1 - slopes(critic, interpolates(real, fake))) ** 2)
""",
        "swapped ends": """
fault = "law shared axes mean detached root".split()[patient_number]
repaired = lambda c, r, f: tf.reduce_mean((slopes(c, interpolates(f, r)) - 1) ** 2)
""",
        "norm over flat": """
fault = ("law", "shared", "axes", "mean", "detached", "root")[patient_number]
def repaired(critic, real, fake):
    x = interpolates(real, fake)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    g = tf.reshape(tape.gradient(scores, x), (len(x), -1))
    return tf.reduce_mean((tf.norm(g + 1e-12, axis=1) - 1) ** 2)
""",
        "graph": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
def repaired(critic, real, fake):
    s = slopes(critic, interpolates(real, fake))
    return tf.math.reduce_variance(s) + (tf.reduce_mean(s) - 1) ** 2
""",
    },
}

TAPE = """
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(critic(points))
    g = tape.gradient(total, points)
    axes = list(range(1, len(g.shape)))
"""
SLOPES = "def slopes(critic, points):" + TAPE

WRONG = {
    "interpolates": {
        "normal law (seen)": """
def interpolates(real, fake):
    shape = [real.shape[0]] + [1] * (len(real.shape) - 1)
    return real + tf.random.normal(shape) * (fake - real)
""",
        "one alpha for the batch (seen)": """
def interpolates(real, fake):
    return real + tf.random.uniform([]) * (fake - real)
""",
        "one alpha per value (seen)": """
def interpolates(real, fake):
    return real + tf.random.uniform(tf.shape(real)) * (fake - real)
""",
        "no interpolation (seen)": """
def interpolates(real, fake):
    return real
""",
        "drawn once": """
drawn = tf.random.uniform((1000,))
def interpolates(real, fake):
    alpha = tf.reshape(drawn[: real.shape[0]], [-1] + [1] * (len(real.shape) - 1))
    return real + alpha * (fake - real)
""",
        "for images only (seen)": """
def interpolates(real, fake):
    return real + tf.random.uniform((real.shape[0], 1, 1, 1)) * (fake - real)
""",
        "always the middle": """
def interpolates(real, fake):
    return 0.5 * (real + fake)
""",
        "from -1 to 1": """
def interpolates(real, fake):
    shape = [real.shape[0]] + [1] * (len(real.shape) - 1)
    return real + tf.random.uniform(shape, -1, 1) * (fake - real)
""",
        "around real data": """
def interpolates(real, fake):
    shape = [real.shape[0]] + [1] * (len(real.shape) - 1)
    return real + 0.1 * tf.random.uniform(shape) * (fake - real)
""",
    },
    "prediction": {
        "none": "prediction = None",
        "text": 'prediction = "smaller"',
        "not a number": "prediction = float('nan')",
        "infinite": "prediction = np.inf",
        "a list": "prediction = []",
    },
    "slopes": {
        "mean of the scores (seen)": SLOPES.replace(
            "reduce_sum(c", "reduce_mean(c"
        )
        + "    return tf.sqrt(tf.reduce_sum(g**2, axis=axes) + 1e-12)\n",
        "no guard (seen)": SLOPES
        + "    return tf.sqrt(tf.reduce_sum(g**2, axis=axes))\n",
        "tf.norm (seen)": SLOPES
        + "    return tf.norm(tf.reshape(g, (g.shape[0], -1)), axis=1)\n",
        "guard outside the root": SLOPES
        + "    return tf.sqrt(tf.reduce_sum(g**2, axis=axes)) + 1e-12\n",
        "large guard": SLOPES
        + "    return tf.sqrt(tf.reduce_sum(g**2, axis=axes) + 0.1)\n",
        "channels only (seen)": SLOPES
        + "    return tf.sqrt(tf.reduce_sum(g**2, axis=1) + 1e-12)\n",
        "norm of the whole batch": SLOPES
        + "    return tf.fill((g.shape[0],), tf.sqrt(tf.reduce_sum(g**2) + 1e-12))\n",
        "detached (seen)": SLOPES
        + "    return tf.stop_gradient(tf.sqrt(tf.reduce_sum(g**2, axis=axes) + 1e-12))\n",
        "through numpy": SLOPES
        + "    return tf.constant(np.sqrt((g.numpy() ** 2).reshape(len(g), -1).sum(1)))\n",
        "squared": SLOPES
        + "    return tf.reduce_sum(g**2, axis=axes) + 1e-12\n",
        "L1": SLOPES + "    return tf.reduce_sum(tf.abs(g), axis=axes)\n",
        "root mean square": SLOPES
        + "    return tf.sqrt(tf.reduce_mean(g**2, axis=axes) + 1e-12)\n",
        "difference of scores (seen)": """
def slopes(critic, points):
    return tf.reshape(critic(points) - critic(points + 1), [-1]) ** 2
""",
    },
    "penalty": {
        "target one": """
def penalty(critic, real, fake):
    return tf.reduce_mean((slopes(critic, interpolates(real, fake)) - 1) ** 2)
""",
        "target zero": """
def penalty(critic, real, fake):
    return tf.reduce_mean(slopes(critic, interpolates(real, fake)) ** 2)
""",
        "square of the mean (seen)": """
def penalty(critic, real, fake):
    return (tf.reduce_mean(slopes(critic, interpolates(real, fake))) - TARGET) ** 2
""",
        "one-sided": """
def penalty(critic, real, fake):
    s = slopes(critic, interpolates(real, fake))
    return tf.reduce_mean(tf.nn.relu(s - TARGET) ** 2)
""",
        "at real points": """
def penalty(critic, real, fake):
    return tf.reduce_mean((slopes(critic, real) - TARGET) ** 2)
""",
        "absolute": """
def penalty(critic, real, fake):
    return tf.reduce_mean(tf.abs(slopes(critic, interpolates(real, fake)) - TARGET))
""",
        "sum": """
def penalty(critic, real, fake):
    return tf.reduce_sum((slopes(critic, interpolates(real, fake)) - TARGET) ** 2)
""",
        "detached (seen)": """
def penalty(critic, real, fake):
    s = tf.stop_gradient(slopes(critic, interpolates(real, fake)))
    return tf.reduce_mean((s - TARGET) ** 2)
""",
        "sign": """
def penalty(critic, real, fake):
    return -tf.reduce_mean((slopes(critic, interpolates(real, fake)) - TARGET) ** 2)
""",
        "difference of scores (seen)": """
def penalty(critic, real, fake):
    return tf.reduce_mean((critic(real) - critic(fake)) ** 2)
""",
        "weighted": """
def penalty(critic, real, fake):
    return 10 * tf.reduce_mean((slopes(critic, interpolates(real, fake)) - TARGET) ** 2)
""",
    },
    "r1": {
        "no half (seen)": """
def r1(critic, real):
    return tf.reduce_mean(slopes(critic, real) ** 2)
""",
        "not squared": """
def r1(critic, real):
    return 0.5 * tf.reduce_mean(slopes(critic, real))
""",
        "square of the mean": """
def r1(critic, real):
    return 0.5 * tf.reduce_mean(slopes(critic, real)) ** 2
""",
        "mean over pixels": """
def r1(critic, real):
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(critic(real))
    return 0.5 * tf.reduce_mean(tape.gradient(total, real) ** 2)
""",
        "mean of the scores (seen)": """
def r1(critic, real):
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_mean(critic(real))
    g = tape.gradient(total, real)
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.reshape(g, (len(real), -1)) ** 2, 1))
""",
        "target one": """
def r1(critic, real):
    return 0.5 * tf.reduce_mean((slopes(critic, real) - 1) ** 2)
""",
    },
    "clinic": {
        "not cured": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
repaired = patient
""",
        "always the same word": """
fault = "sign"
def repaired(critic, real, fake):
    return tf.reduce_mean((slopes(critic, interpolates(real, fake)) - 1) ** 2)
""",
        "the next word": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][(patient_number + 1) % 6]
def repaired(critic, real, fake):
    return tf.reduce_mean((slopes(critic, interpolates(real, fake)) - 1) ** 2)
""",
        "task 3 handed in": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
repaired = penalty
""",
        "all words": """
fault = ["law", "shared", "axes", "mean", "detached", "root"]
def repaired(critic, real, fake):
    return tf.reduce_mean((slopes(critic, interpolates(real, fake)) - 1) ** 2)
""",
        "another place": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
def repaired(critic, real, fake):
    return tf.reduce_mean((slopes(critic, real) - 1) ** 2)
""",
        "negative": """
fault = ["law", "shared", "axes", "mean", "detached", "root"][patient_number]
def repaired(critic, real, fake):
    return -tf.reduce_mean((slopes(critic, interpolates(real, fake)) - 1) ** 2)
""",
    },
}
