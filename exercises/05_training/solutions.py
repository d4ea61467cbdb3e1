"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- step

STEP = """
def d_gradient(state, real, fake, settings):
    w = state["w"]
    s = np.sqrt(np.sum(w**2))
    g = settings["lambda_3"] * (np.mean(fake, axis=0) - np.mean(real, axis=0))
    if s > 0:
        g = g + settings["lambda_4"] * 2 * (s - 1) * w / s
    return g

def g_gradient(state, noise, settings):
    w = state["w"]
    mix = -settings["lambda_1"] * np.mean(noise, axis=0)[:, None] * w[None, :]
    return {"mix": mix, "shift": -settings["lambda_1"] * w}

def train_step(state, draw_real, draw_noise, settings):
    state = {name: value.copy() for name, value in state.items()}
    n = settings["batch"]
    for i in range(settings["n_critic"]):
        real, noise = draw_real(n), draw_noise(n)
        fake = noise @ state["mix"] + state["shift"]
        state["w"] -= settings["d_rate"] * d_gradient(state, real, fake, settings)
    g = g_gradient(state, draw_noise(n), settings)
    state["mix"] -= settings["g_rate"] * g["mix"]
    state["shift"] -= settings["g_rate"] * g["shift"]
    return state

prediction_slope = 1
"""
STEP_RIGHT = {
    "formulas": STEP,
    "autodiff": """
import tensorflow as tf

def tensors(state):
    return {name: tf.constant(value, tf.float64) for name, value in state.items()}

def d_gradient(state, real, fake, settings):
    w = tf.Variable(state["w"])
    score = lambda x: tf.linalg.matvec(tf.constant(x), w)
    with tf.GradientTape() as tape:
        slope = tf.sqrt(tf.reduce_sum(w * w) + 1e-20)
        loss = settings["lambda_3"] * tf.reduce_mean(score(fake) - score(real))
        loss += settings["lambda_4"] * (slope - 1) ** 2
    return tape.gradient(loss, w).numpy()

def g_gradient(state, noise, settings):
    s = tensors(state)
    with tf.GradientTape() as tape:
        tape.watch([s["mix"], s["shift"]])
        made = tf.constant(noise) @ s["mix"] + s["shift"]
        loss = -settings["lambda_1"] * tf.reduce_mean(tf.linalg.matvec(made, s["w"]))
    found = tape.gradient(loss, {"mix": s["mix"], "shift": s["shift"]})
    return {name: value.numpy() for name, value in found.items()}

def train_step(state, draw_real, draw_noise, settings):
    w = state["w"]
    for _ in range(settings["n_critic"]):
        fake = generate(state, draw_noise(settings["batch"]))
        now = {**state, "w": w}
        w = w - settings["d_rate"] * d_gradient(
            now, draw_real(settings["batch"]), fake, settings)
    found = g_gradient({**state, "w": w}, draw_noise(settings["batch"]), settings)
    moved = {name: state[name] - settings["g_rate"] * found[name] for name in found}
    return {"w": w, **moved}

prediction_slope = 1.3
""",
    "loops over samples": """
def d_gradient(state, real, fake, settings):
    total = [0.0] * len(state["w"])
    for x, y in zip(real, fake):
        for i in range(len(total)):
            total[i] += settings["lambda_3"] * (y[i] - x[i]) / len(real)
    slope = sum(v**2 for v in state["w"]) ** 0.5
    for i, v in enumerate(state["w"]):
        if slope != 0:
            total[i] += 2 * settings["lambda_4"] * (v - v / slope)
    return np.array(total)

def g_gradient(state, noise, settings):
    mix = np.zeros_like(state["mix"])
    for z in noise:
        mix -= settings["lambda_1"] * np.outer(z, state["w"]) / len(noise)
    return dict(mix=mix, shift=np.multiply(-settings["lambda_1"], state["w"]))

def train_step(state, draw_real, draw_noise, settings):
    import copy
    state = copy.deepcopy(state)
    left = settings["n_critic"]
    while left:
        left -= 1
        fake = generate(state, draw_noise(settings["batch"]))
        real = draw_real(settings["batch"])
        push = d_gradient(state, real, fake, settings)
        state["w"] = state["w"] - settings["d_rate"] * push
    noise = draw_noise(settings["batch"])
    for key, push in g_gradient(state, noise, settings).items():
        state[key] -= settings["g_rate"] * push
    return state

prediction_slope = np.float32(2.5)
""",
    "differences of the loss": """
def d_loss(w, real, fake, settings):
    gap = np.mean(real @ w) - np.mean(fake @ w)
    return -settings["lambda_3"] * gap + settings["lambda_4"] * (np.linalg.norm(w) - 1) ** 2

def by_differences(loss, at, width=1e-5):
    gradient = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        side = np.zeros(at.shape)
        side[place] = width
        gradient[place] = (loss(at + side) - loss(at - side)) / (2 * width)
    return gradient

def d_gradient(state, real, fake, settings):
    return by_differences(lambda w: d_loss(w, real, fake, settings), state["w"])

def g_gradient(state, noise, settings):
    def loss(mix, shift):
        return -settings["lambda_1"] * np.mean((noise @ mix + shift) @ state["w"])
    return {
        "mix": by_differences(lambda m: loss(m, state["shift"]), state["mix"]),
        "shift": by_differences(lambda b: loss(state["mix"], b), state["shift"])}

def train_step(state, draw_real, draw_noise, settings):
    critic, n = state, settings["batch"]
    for _ in range(settings["n_critic"]):
        gradient = d_gradient(
            critic, draw_real(n), generate(state, draw_noise(n)), settings)
        critic = {**critic, "w": critic["w"] - settings["d_rate"] * gradient}
    g = g_gradient(critic, draw_noise(n), settings)
    return {"w": critic["w"],
            "mix": state["mix"] - settings["g_rate"] * g["mix"],
            "shift": state["shift"] - settings["g_rate"] * g["shift"]}

prediction_slope = 1
""",
    "a class, noise drawn at once": """
class Pair:
    def __init__(self, state, settings):
        self.w, self.mix, self.shift = (np.array(state[n]) for n in ("w", "mix", "shift"))
        self.s = settings

    def critic(self, real, fake):
        length = np.linalg.norm(self.w)
        unit = self.w / max(length, 1e-300)
        apart = np.average(fake, axis=0) - np.average(real, axis=0)
        return self.s["lambda_3"] * apart + 2 * self.s["lambda_4"] * (length - 1) * unit

    def generator(self, noise):
        push = -self.s["lambda_1"] * self.w
        return {"mix": noise.T @ np.tile(push, (len(noise), 1)) / len(noise), "shift": push}

def d_gradient(state, real, fake, settings):
    return Pair(state, settings).critic(real, fake)

def g_gradient(state, noise, settings):
    return Pair(state, settings).generator(noise)

def train_step(state, draw_real, draw_noise, settings):
    pair, n = Pair(state, settings), settings["batch"]
    noise = draw_noise(n * (settings["n_critic"] + 1))
    for i in range(settings["n_critic"]):
        fake = noise[i * n : (i + 1) * n] @ pair.mix + pair.shift
        pair.w = pair.w - settings["d_rate"] * pair.critic(draw_real(n), fake)
    push = pair.generator(noise[-n:])
    pair.mix -= settings["g_rate"] * push["mix"]
    pair.shift -= settings["g_rate"] * push["shift"]
    return {"w": pair.w, "mix": pair.mix, "shift": pair.shift}

prediction_slope = 0.9
""",
}
STEP_WRONG = {
    "the critic's sign (seen)": but(
        STEP,
        (
            "np.mean(fake, axis=0) - np.mean(real, axis=0)",
            "np.mean(real, axis=0) - np.mean(fake, axis=0)",
        ),
    ),
    "the generator's sign (seen)": but(
        STEP,
        ('mix = -settings["lambda_1"]', 'mix = settings["lambda_1"]'),
        ('"shift": -settings', '"shift": settings'),
    ),
    "penalty without its weight": but(
        STEP, ('settings["lambda_4"] * 2', "2")
    ),
    "penalty without its two": but(
        STEP, ('settings["lambda_4"] * 2', 'settings["lambda_4"]')
    ),
    "penalty of slope 0 (R1)": but(STEP, ("(s - 1)", "s")),
    "penalty on the square of the slope": but(
        STEP, ("2 * (s - 1) * w / s", "4 * (s**2 - 1) * w")
    ),
    "NaN at a flat critic (seen)": but(STEP, ("if s > 0:", "if True:")),
    "one-sided penalty": but(STEP, ("(s - 1)", "max(s - 1, 0)")),
    "lambda_3 forgotten": but(STEP, ('settings["lambda_3"] * ', "")),
    "lambda_1 forgotten": but(STEP, ('-settings["lambda_1"] * ', "-")),
    "sums over the batch": but(
        STEP,
        ("np.mean(noise, axis=0)", "np.sum(noise, axis=0)"),
    ),
    "mix never learns": but(
        STEP, ('    state["mix"] -= settings["g_rate"] * g["mix"]\n', "")
    ),
    "the generator first (seen)": but(
        STEP,
        (
            '    for i in range(settings["n_critic"]):',
            "    old = dict(state)\n"
            '    for i in range(settings["n_critic"]):',
        ),
        (
            "g_gradient(state, draw_noise(n)",
            "g_gradient(old, draw_noise(n)",
        ),
        ('state["w"] -= ', 'state["w"] = state["w"] - '),
    ),
    "the critic moves in the generator's step (seen)": but(
        STEP,
        (
            "    return state\n",
            '    state["w"] = state["w"] + settings["g_rate"] * settings["lambda_1"]'
            ' * state["shift"]\n    return state\n',
        ),
    ),
    "the generator moves in the critic's step": but(
        STEP,
        (
            "    g = g_gradient(state, draw_noise(n), settings)\n",
            '    state["shift"] += settings["d_rate"] * state["w"]\n'
            "    g = g_gradient(state, draw_noise(n), settings)\n",
        ),
    ),
    "one noise for all of the step (seen)": but(
        STEP,
        (
            '    for i in range(settings["n_critic"]):\n'
            "        real, noise = draw_real(n), draw_noise(n)",
            "    noise = draw_noise(n)\n"
            '    for i in range(settings["n_critic"]):\n'
            "        real = draw_real(n)",
        ),
    ),
    "the critic's noise once more": but(
        STEP,
        ("g_gradient(state, draw_noise(n)", "g_gradient(state, noise"),
    ),
    "the same reals n_critic times (seen)": but(
        STEP,
        (
            '    for i in range(settings["n_critic"]):\n'
            "        real, noise = draw_real(n), draw_noise(n)",
            "    real = draw_real(n)\n"
            '    for i in range(settings["n_critic"]):\n'
            "        noise = draw_noise(n)",
        ),
    ),
    "one critic update": but(
        STEP, ('range(settings["n_critic"])', "range(1)")
    ),
    "rates exchanged": but(
        STEP,
        ("d_rate", "other"),
        ("g_rate", "d_rate"),
        ("other", "g_rate"),
    ),
    "the old state changes": but(
        STEP,
        (
            "    state = {name: value.copy() for name, value in state.items()}\n",
            "",
        ),
    ),
    "no prediction": but(
        STEP, ("prediction_slope = 1", "prediction_slope = None")
    ),
}

# -------------------------------------------------------------------- average

AVERAGE = """
def start_average(weights):
    return [w.copy() for w in weights]

def follow(average, weights, t, rho):
    r = min(rho, (1 + t) / (10 + t))
    return [r * a + (1 - r) * w for a, w in zip(average, weights)]

def half_life(rho):
    return np.log(2) / -np.log(rho)

my_warm_up = int(np.ceil((10 * RHO - 1) / (1 - RHO) - 1e-6))
prediction_left = 0.2
"""
AVERAGE_RIGHT = {
    "formulas": AVERAGE,
    "lerp": """
import copy

start_average = copy.deepcopy

def follow(average, weights, t, rho):
    rate = 1 - np.minimum(rho, (t + 1.0) / (t + 10.0))
    result = []
    for a, w in zip(average, weights):
        result.append(a + rate * (w - a))
    return result

half_life = lambda rho: -1 / np.log2(rho)
my_warm_up = next(t for t in range(1, 10**5) if (1 + t) / (10 + t) >= RHO)
prediction_left = ((1 - RHO) / (1 + RHO)) ** 0.5
""",
    "TensorFlow, float32": """
import tensorflow as tf

def start_average(weights):
    return [tf.Variable(w, dtype=tf.float32) for w in weights]

def follow(average, weights, t, rho):
    new = start_average(average)
    keep = tf.minimum(tf.cast(rho, tf.float32), tf.cast(1 + t, tf.float32) / (10 + t))
    for a, w in zip(new, weights):
        a.assign(a * keep + w * (1 - keep))
    return [a.numpy() for a in new]

def half_life(rho):
    return float(tf.math.log(tf.constant(0.5, tf.float64)) / np.log(rho))

my_warm_up = (10 * RHO - 1) / (1 - RHO)
prediction_left = tf.constant(0.3)
""",
    "in place on own copies": """
def start_average(weights):
    return list(map(np.array, weights))

def follow(average, weights, t, rho):
    warm = (1 + t) / (10 + t)
    new = start_average(average)
    for i, w in enumerate(weights):
        new[i] *= warm if warm < rho else rho
        new[i] += w * (1 - (warm if warm < rho else rho))
    return new

def half_life(rho):
    low, high = 1e-3, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if rho**middle > 0.5 else (low, middle)
    return low

ts = np.arange(1, 20000)
my_warm_up = ts[(1 + ts) / (10 + ts) >= RHO][0]
prediction_left = 1
""",
    "tuples and einsum": """
def start_average(weights):
    return tuple(w + 0.0 for w in weights)

def follow(average, weights, t, rho):
    keep = sorted([rho, 1 - 9 / (10 + t)])[0]
    both = np.array([keep, 1 - keep])
    return [np.einsum("i,i...->...", both, np.stack([a, w])) for a, w in zip(average, weights)]

def half_life(rho):
    import math
    return math.log(0.5, rho)

my_warm_up = round(9 / (1 - RHO) - 10)
prediction_left = np.float64(0.15)
""",
}
AVERAGE_WRONG = {
    "the same arrays (seen)": but(
        AVERAGE, ("[w.copy() for w in weights]", "list(weights)")
    ),
    "the same list (seen)": but(
        AVERAGE, ("[w.copy() for w in weights]", "weights")
    ),
    "starts at zero": but(AVERAGE, ("w.copy()", "0 * w")),
    "no warm-up": but(AVERAGE, ("min(rho, (1 + t) / (10 + t))", "rho")),
    "warm-up for ever": but(
        AVERAGE, ("min(rho, (1 + t) / (10 + t))", "(1 + t) / (10 + t)")
    ),
    "the larger decay": but(AVERAGE, ("min(rho", "max(rho")),
    "steps counted from 0": but(
        AVERAGE, ("(1 + t) / (10 + t)", "t / (9 + t)")
    ),
    "weights exchanged (seen)": but(
        AVERAGE, ("r * a + (1 - r) * w", "(1 - r) * a + r * w")
    ),
    "adds up": but(AVERAGE, ("(1 - r) * w", "w")),
    "the old average changes": but(
        AVERAGE,
        (
            "    return [r * a + (1 - r) * w for a, w in zip(average, weights)]",
            "    for a, w in zip(average, weights):\n"
            "        a *= r\n        a += (1 - r) * w\n    return average",
        ),
    ),
    "a half-life of e": but(AVERAGE, ("np.log(2) /", "1 /")),
    "a half-life of halves": but(
        AVERAGE, ("np.log(2) / -np.log(rho)", "0.5 / (1 - rho)")
    ),
    "warm-up of another rho": but(AVERAGE, ("10 * RHO - 1", "10 * RHO")),
    "no prediction": but(
        AVERAGE, ("prediction_left = 0.2", "prediction_left = None")
    ),
}

# -------------------------------------------------------------------- monitor

MONITOR = """
def diverged_at(log, limit):
    for look in range(len(log["distance"])):
        if not all(np.isfinite(log[name][look]) for name in log):
            return look
        if log["gradient_norm"][look] > limit:
            return look
    return -1

def best_look(log, limit):
    end = diverged_at(log, limit)
    if end == -1:
        end = len(log["distance"])
    return int(np.argmin(log["distance"][:end]))

def stop_look(distances, patience, least):
    record = distances[0]
    bad = 0
    for look in range(1, len(distances)):
        if distances[look] < record - least:
            record = distances[look]
            bad = 0
        else:
            bad += 1
            if bad >= patience:
                return look
    return len(distances) - 1

def verdict(log, limit):
    n = max(1, len(log["distance"]) // 4)
    end = lambda name: np.mean(log[name][-n:])
    if diverged_at(log, limit) >= 0:
        return "diverged"
    if end("spread") < 0.3:
        return "collapse"
    if end("gap") > 2 * end("held_out_gap"):
        return "memorising"
    if end("slope") > 2:
        return "steep"
    return "healthy"

prediction_stop = 20
"""
MONITOR_RIGHT = {
    "loops": MONITOR,
    "arrays": """
def diverged_at(log, limit):
    table = np.stack(list(log.values()))
    bad = np.flatnonzero((~np.isfinite(table)).any(axis=0) | (log["gradient_norm"] > limit))
    return bad[0] if len(bad) else -1

def best_look(log, limit):
    distances, end = np.array(log["distance"]), diverged_at(log, limit)
    if end >= 0:
        distances[end:] = np.inf
    return distances.argmin()

def stop_look(distances, patience, least):
    record, when = distances[0], 0
    for i, d in enumerate(distances):
        if record - d > least:
            record, when = d, i
        if i == when + patience:
            return i
    return i

def verdict(log, limit):
    n = max(1, len(log["slope"]) // 4)
    spread, gap, held, slope = (
        log[name][-n:].mean() for name in ("spread", "gap", "held_out_gap", "slope"))
    choices = [diverged_at(log, limit) != -1, spread < 0.3, gap > 2 * held, slope > 2]
    words = ["diverged", "collapse", "memorising", "steep"]
    return str(np.select(choices, words, "healthy"))

prediction_stop = np.int64(30)
""",
    "masked arrays": """
def diverged_at(log, limit):
    bad = np.zeros(np.shape(log["slope"]), dtype=bool)
    for values in log.values():
        bad |= np.ma.getmaskarray(np.ma.masked_invalid(values))
    bad |= np.nan_to_num(log["gradient_norm"]) > limit
    return int(np.argmax(np.append(bad, True))) if bad.any() else -1

def best_look(log, limit):
    end, looks = diverged_at(log, limit), np.arange(len(log["distance"]))
    hidden = (looks >= end) & (end >= 0)
    return int(np.ma.array(log["distance"], mask=hidden).argmin())

def stop_look(distances, patience, least):
    record, count = distances[0], 0
    for look in range(1, len(distances)):
        count += 1
        if distances[look] < record - least:
            record, count = distances[look], 0
        if count == patience:
            break
    return look

def verdict(log, limit):
    count = max(1, len(log["slope"]) // 4)
    end = {name: np.nansum(values[-count:]) / count for name, values in log.items()}
    if diverged_at(log, limit) > -1:
        word = "diverged"
    elif end["spread"] < 0.3:
        word = "collapse"
    elif end["gap"] - 2 * end["held_out_gap"] > 0:
        word = "memorising"
    else:
        word = "steep" if end["slope"] > 2 else "healthy"
    return word

prediction_stop = 12.0
""",
    "recursion and next": """
def diverged_at(log, limit):
    sums = sum(0.0 * np.asarray(values) for values in log.values())  # NaN where not finite
    looks = (i for i, s in enumerate(sums) if s != 0 or log["gradient_norm"][i] > limit)
    return next(looks, -1)

def best_look(log, limit):
    end = diverged_at(log, limit) % (len(log["distance"]) + 1)
    return min(range(end), key=lambda i: log["distance"][i])

def stop_look(distances, patience, least, start=0):
    record = distances[start]
    for look in range(start + 1, len(distances)):
        if distances[look] < record - least:
            return stop_look(distances, patience, least, look)
        if look - start == patience:
            return look
    return len(distances) - 1

def verdict(log, limit):
    q = max(1, len(log["spread"]) // 4)
    tail = {k: sum(list(v)[-q:]) / q for k, v in log.items()}
    return ("diverged" if diverged_at(log, limit) >= 0 else
            "collapse" if tail["spread"] < 0.3 else
            "memorising" if tail["gap"] > 2 * tail["held_out_gap"] else
            "steep" if tail["slope"] > 2 else "healthy")

prediction_stop = 7
""",
    "records by hand": """
def diverged_at(log, limit):
    first = [len(log["d_loss"])]
    for name, values in log.items():
        wrong = [not np.isfinite(v) or (name == "gradient_norm" and v > limit) for v in values]
        if True in wrong:
            first.append(wrong.index(True))
    return min(first) if len(first) > 1 else -1

def best_look(log, limit):
    best, end = 0, diverged_at(log, limit)
    for i, d in enumerate(log["distance"]):
        if i == end:
            break
        if d < log["distance"][best]:
            best = i
    return best

def stop_look(distances, patience, least):
    records = [0]
    for i in range(len(distances)):
        if distances[i] < distances[records[-1]] - least:
            records.append(i)
        if i - records[-1] >= patience:
            return i
    return len(distances) - 1

def verdict(log, limit):
    count = len(log["gap"]) // 4 or 1
    ends = {}
    for name in log:
        ends[name] = np.average(log[name][len(log[name]) - count:])
    if diverged_at(log, limit) >= 0: return "diverged"
    if ends["spread"] < 0.3: return "collapse"
    if ends["gap"] / 2 > ends["held_out_gap"]: return "memorising"
    if ends["slope"] > 2: return "steep"
    return "healthy"

prediction_stop = 0
""",
}
MONITOR_WRONG = {
    "NaN alone": but(MONITOR, ("np.isfinite(log", "not np.isnan(log")),
    "losses alone": but(
        MONITOR, ("for name in log)", 'for name in ("d_loss", "g_loss"))')
    ),
    "the norm is not looked at": but(
        MONITOR, ('log["gradient_norm"][look] > limit', "False")
    ),
    "the limit itself is too much": but(
        MONITOR,
        (
            'log["gradient_norm"][look] > limit',
            'log["gradient_norm"][look] >= limit',
        ),
    ),
    "None if nothing broke": but(
        MONITOR,
        ("    return -1\n", "    return None\n"),
        ("if end == -1", "if end is None"),
        (
            "diverged_at(log, limit) >= 0",
            "diverged_at(log, limit) is not None",
        ),
    ),
    "a start that broke counts as none": but(
        MONITOR,
        ("for look in range(len", "for look in range(1, len"),
    ),
    "best by the critic's loss (seen)": but(
        MONITOR, ('np.argmin(log["distance"]', 'np.argmin(log["d_loss"]')
    ),
    "best after it broke": but(
        MONITOR, ('log["distance"][:end]', 'log["distance"]')
    ),
    "the last look (seen)": but(
        MONITOR, ('int(np.argmin(log["distance"][:end]))', "end - 1")
    ),
    "the last of equals": but(
        MONITOR,
        (
            'int(np.argmin(log["distance"][:end]))',
            'end - 1 - int(np.argmin(log["distance"][:end][::-1]))',
        ),
    ),
    "compared with the look before (seen)": but(
        MONITOR,
        (
            "            record = distances[look]\n            bad = 0",
            "            bad = 0",
        ),
        ("record - least", "distances[look - 1] - least"),
    ),
    "patience never starts anew": but(
        MONITOR, ("            bad = 0\n", "")
    ),
    "least forgotten": but(MONITOR, ("record - least", "record")),
    "stops one later": but(MONITOR, ("bad >= patience", "bad > patience")),
    "records creep": but(
        MONITOR,
        (
            "            bad += 1\n",
            "            bad += 1\n"
            "            record = min(record, distances[look])\n",
        ),
    ),
    "the last look decides": but(MONITOR, ("n = max(1", "n = 1 or max(1")),
    "the mean of all looks": but(MONITOR, ("[-n:]", "")),
    "steep first": but(
        MONITOR,
        (
            'if end("spread") < 0.3',
            'if end("slope") > 2:\n'
            '        return "steep"\n    if end("spread") < 0.3',
        ),
    ),
    "memorising before collapse": but(
        MONITOR,
        (
            'if end("spread") < 0.3',
            'if end("gap") > 2 * end("held_out_gap"):\n'
            '        return "memorising"\n    if end("spread") < 0.3',
        ),
    ),
    "gaps exchanged": but(
        MONITOR,
        (
            'end("gap") > 2 * end("held_out_gap")',
            'end("held_out_gap") > 2 * end("gap")',
        ),
    ),
    "divergence never a verdict": but(
        MONITOR, ("diverged_at(log, limit) >= 0", "False")
    ),
    "no prediction": but(
        MONITOR, ("prediction_stop = 20", "prediction_stop = None")
    ),
}

# -------------------------------------------------------------------- diagnosis

NAMED = """
fault = "reset"
for word, sign in (("moves", "w += "), ("noise", "noises[0]"), ("swapped", "shift -="),
                   ("shared", "average = shift\\n")):
    if sign in patient_source:
        fault = word
if "pull" not in patient_source:
    fault = "detached"
"""
# Named by what the patient does, not by how it is written.
EXAMINED = """
def named():
    still = [0.0] * 3
    held = small_run(patient_train, still, still, 1.0, 1.0, d_rate=0, g_rate=0.5)
    if held["w"][-1] != 1:
        return "moves"
    if held["shift"][0] < 1:
        return "swapped"
    if np.allclose(held["shift"], held["average"]):
        return "shared"
    if np.isclose(small_run(patient_train, still, still, 3.0, 0.0, lambda_4=1.0)["w"][0], 3):
        return "detached"
    noisy = small_run(patient_train, still, [1, -1, 1], 1.0, 0.0)["w"]
    return "noise" if noisy[1] < noisy[0] else "reset"

fault = named()
"""
REPAIRED = """
def repaired_train(start, reals, noises, settings):
    w, shift = np.array(start["w"], float), np.array(start["shift"], float)
    average, m = shift.copy(), np.zeros(len(w))
    log = {"w": [], "shift": [], "average": [], "d_loss": []}
    for real, noise in zip(reals, noises):
        gap = real.mean(axis=0) - (noise + shift).mean(axis=0)
        s = np.linalg.norm(w)
        log["d_loss"].append(settings["lambda_4"] * (s - 1) ** 2 - gap @ w)
        m = settings["beta"] * m + 2 * settings["lambda_4"] * (s - 1) * w / s - gap
        w = w - settings["d_rate"] * m
        shift = shift + settings["g_rate"] * w
        average = settings["rho"] * average + (1 - settings["rho"]) * shift
        log["w"].append(w)
        log["shift"].append(shift)
        log["average"].append(average)
    return {name: np.array(rows) for name, rows in log.items()}
"""
DIAGNOSIS_RIGHT = {
    "read, new arrays": NAMED + REPAIRED,
    "examined, new arrays": EXAMINED + REPAIRED,
    "the patient's text mended": EXAMINED
    + """
mended = patient_source
for old, new in (
    ('        w += settings["g_rate"] * fake.mean(axis=0)\\n', ""),
    ("noises[0]", "noises[step]"),
    ("average = shift\\n", "average = shift.copy()\\n"),
    ("shift -=", "shift +="),
    ("        momentum = np.zeros_like(w)\\n", ""),
    ("momentum - gap", "momentum + pull - gap"),
):
    mended = mended.replace(old, new)
if fault == "detached":
    mended = mended.replace("        log[\\"d_loss\\"]", \"\"\"
        pull = 2 * settings["lambda_4"] * (slope - 1) * w / slope
        log["d_loss"]\"\"\")
if fault == "reset":
    mended = mended.replace("    log = {", "    momentum = np.zeros_like(w)\\n    log = {")
house = {"np": np}
exec(mended, house)
repaired_train = house["train"]
""",
    "from part 1": NAMED
    + """
def repaired_train(start, reals, noises, settings):
    state = {name: np.array(values) for name, values in start.items()}
    state["mix"] = np.eye(len(state["w"]))
    ones = {**settings, "lambda_1": 1.0, "lambda_3": 1.0}
    average, m, rows = state["shift"], 0, []
    for real, noise in zip(reals, noises):
        fake = generate(state, noise)
        loss = np.mean(fake @ state["w"]) - np.mean(real @ state["w"])
        loss += settings["lambda_4"] * (np.linalg.norm(state["w"]) - 1) ** 2
        m = settings["beta"] * m + d_gradient(state, real, fake, ones)
        state["w"] = state["w"] - settings["d_rate"] * m
        push = g_gradient(state, noise, ones)["shift"]
        state["shift"] = state["shift"] - settings["g_rate"] * push
        average = average + (1 - settings["rho"]) * (state["shift"] - average)
        rows.append((state["w"], state["shift"], average, loss))
    w, shift, average, loss = zip(*rows)
    return {"w": w, "shift": shift, "average": average, "d_loss": loss}
""",
    "TensorFlow": EXAMINED
    + """
import tensorflow as tf

def repaired_train(start, reals, noises, settings):
    kind = tf.float64
    w, shift, average, m = (
        tf.Variable(start[name], dtype=kind) for name in ("w", "shift", "shift", "w"))
    m.assign(tf.zeros_like(m))
    log = {"w": [], "shift": [], "average": [], "d_loss": []}
    for real, noise in zip(tf.constant(reals), tf.constant(noises)):
        with tf.GradientTape() as tape:
            fake = tf.stop_gradient(noise + shift)
            loss = tf.reduce_mean(tf.linalg.matvec(fake, w) - tf.linalg.matvec(real, w))
            loss += settings["lambda_4"] * (tf.norm(w) - 1) ** 2
        m.assign(settings["beta"] * m + tape.gradient(loss, w))
        w.assign_sub(settings["d_rate"] * m)
        with tf.GradientTape() as tape:
            g_loss = -tf.reduce_mean(tf.linalg.matvec(noise + shift, w))
        shift.assign_sub(settings["g_rate"] * tape.gradient(g_loss, shift))
        average.assign_add((1 - settings["rho"]) * (shift - average))
        for name, value in (("w", w), ("shift", shift), ("average", average), ("d_loss", loss)):
            log[name].append(np.array(value))
    return {name: np.array(rows) for name, rows in log.items()}
""",
}
DIAGNOSIS_WRONG = {
    "not repaired": NAMED + "repaired_train = patient_train\n",
    "another word": NAMED + "fault = 'stale'\n" + REPAIRED,
    "the neighbour's fault": REPAIRED
    + """
fault = ["noise", "detached", "shared", "swapped", "reset", "moves"][PATIENT]
""",
    "the first noise": NAMED
    + but(REPAIRED, ("(noise + shift)", "(noises[0] + shift)")),
    "penalty left out": NAMED
    + but(REPAIRED, ('+ 2 * settings["lambda_4"] * (s - 1) * w / s ', "")),
    "momentum left out": NAMED
    + but(REPAIRED, ('settings["beta"] * m + ', "")),
    "momentum as an average": NAMED
    + but(
        REPAIRED,
        ("* w / s - gap", '* w / s - (1 - settings["beta"]) * gap'),
    ),
    "momentum from the second step (Nesterov)": NAMED
    + but(
        REPAIRED,
        (
            'settings["d_rate"] * m',
            'settings["d_rate"] * (m + settings["beta"] * m)',
        ),
    ),
    "average before the update": NAMED
    + but(
        REPAIRED,
        (
            "        average = settings",
            "        shift, old = shift - settings['g_rate'] * w, shift\n"
            "        average = settings",
        ),
        (
            '        log["w"].append(w)',
            '        shift = old\n        log["w"].append(w)',
        ),
    ),
    "average with the rest": NAMED
    + but(
        REPAIRED,
        (
            'settings["rho"] * average + (1 - settings["rho"]) * shift',
            '(1 - settings["rho"]) * average + settings["rho"] * shift',
        ),
    ),
    "the average is the weights": NAMED
    + but(
        REPAIRED,
        (
            'settings["rho"] * average + (1 - settings["rho"]) * shift',
            "shift",
        ),
    ),
    "the generator sees the old critic": NAMED
    + but(
        REPAIRED,
        ("        w = w - settings", "        old, w = w, w - settings"),
        ('settings["g_rate"] * w', 'settings["g_rate"] * old'),
    ),
    "the generator flees": NAMED
    + but(
        REPAIRED,
        ('shift + settings["g_rate"]', 'shift - settings["g_rate"]'),
    ),
    "the loss without its penalty": NAMED
    + but(
        REPAIRED,
        ('settings["lambda_4"] * (s - 1) ** 2 - gap @ w', "-gap @ w"),
    ),
}

RIGHT = {
    "step": STEP_RIGHT,
    "average": AVERAGE_RIGHT,
    "monitor": MONITOR_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "step": STEP_WRONG,
    "average": AVERAGE_WRONG,
    "monitor": MONITOR_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
