"""Runs the student's functions on secret inputs; what is right, it does not know."""

import numpy as np
from tools.grading.asking import attempt, flat, number

WORDS = ("diverged", "collapse", "memorising", "steep", "healthy")


def chosen(answer, *keys):
    """These entries of a dictionary, as numbers."""
    return {key: np.array(answer[key], dtype=float) for key in keys}


def changed(before, after):
    """How far arrays have moved from what they were."""
    pairs = zip(before, after, strict=True)
    return float(max(np.abs(a - b).max() for a, b in pairs))


def new_state(rng):
    """A pair of players: two values of noise, three coordinates."""
    return {
        "w": rng.normal(size=3),
        "mix": rng.normal(size=(2, 3)),
        "shift": rng.normal(size=3),
    }


def step(names, seed):
    """Gradients, and steps with one and with several critic updates."""
    rng = np.random.default_rng(seed)
    state = new_state(rng)
    usual = {
        "lambda_1": float(rng.uniform(0.5, 2)),
        "lambda_3": float(rng.uniform(0.5, 2)),
        "lambda_4": float(rng.uniform(1, 5)),
        "n_critic": 1,
        "d_rate": 0.1,
        "g_rate": 0.2,
        "batch": 5,
    }
    without = {**usual, "lambda_4": 0.0}
    real, fake = rng.normal(size=(2, 6, 3))
    noise, streams = rng.normal(size=(6, 2)), int(rng.integers(2**30))
    d_gradient, g_gradient = names["d_gradient"], names["g_gradient"]

    def stepped(state, settings):
        reals, noises = (
            np.random.default_rng([streams, i]) for i in (0, 1)
        )
        after = names["train_step"](
            state,
            lambda n: reals.normal(size=(n, 3)) + 1,
            lambda n: noises.normal(size=(n, 2)) + 0.5,
            settings,
        )
        return chosen(after, "w", "mix", "shift")

    unit = state["w"] / np.linalg.norm(state["w"])
    steep, flat_state = ({**state, "w": s * unit} for s in (2.5, 0.0))
    gentle = {**state, "w": 0.4 * unit}
    answers = {
        "sign": attempt(d_gradient, state, real, fake, without),
        "penalty": [
            attempt(d_gradient, at, real, fake, usual)
            for at in (steep, gentle)
        ],
        "flat": attempt(d_gradient, flat_state, real, fake, usual),
        "generator": attempt(
            lambda: chosen(g_gradient(state, noise, usual), "mix", "shift")
        ),
        "one": attempt(stepped, state, usual),
        "several": attempt(stepped, state, {**usual, "n_critic": 3}),
        "critic_held": attempt(stepped, state, {**usual, "d_rate": 0.0}),
        "generator_held": attempt(
            stepped, state, {**usual, "g_rate": 0.0}
        ),
        "prediction": number(names["prediction_slope"]),
    }
    fresh = new_state(np.random.default_rng(seed))
    kept = {name: value.copy() for name, value in fresh.items()}

    def untouched():
        stepped(fresh, {**usual, "n_critic": 2})
        return changed(kept.values(), fresh.values())

    answers["untouched"] = attempt(untouched)
    return flat(answers)


def average(names, seed):
    """The average's start, single steps, and a run that moves weights in place."""
    rng = np.random.default_rng(seed)
    start, follow = names["start_average"], names["follow"]
    sets = [
        [rng.normal(size=(2, 3)), rng.normal(size=4)] for _ in range(3)
    ]
    rho = float(rng.uniform(0.8, 0.95))

    def begun():
        weights = [value.copy() for value in sets[0]]
        average = start(weights)
        for value in weights:
            value += 3
        return dict(enumerate(average))

    def one(t, rho):
        old, new = ([v.copy() for v in sets[i]] for i in (0, 1))
        return dict(enumerate(follow(old, new, t, rho)))

    def untouched():
        old, new = ([v.copy() for v in sets[i]] for i in (0, 1))
        follow(old, new, 3, rho)
        return changed(sets[0] + sets[1], old + new)

    def run():
        weights = [value.copy() for value in sets[0]]
        average, moves = start(weights), np.random.default_rng(seed)
        for t in range(1, 9):
            for value in weights:
                value += moves.normal(size=value.shape)
            average = follow(average, weights, t, rho)
        return dict(enumerate(average))

    return flat(
        {
            "start": attempt(begun),
            "early": [attempt(one, t, 0.999) for t in (1, 4)],
            "late": [attempt(one, t, rho) for t in (400, 10**5)],
            "untouched": attempt(untouched),
            "run": attempt(run),
            "half_life": [
                attempt(names["half_life"], r) for r in (0.5, rho, 0.999)
            ],
            "mine": number(names["my_warm_up"]),
            "prediction": number(names["prediction_left"]),
        }
    )


def healthy(rng, looks):
    """A log of a run with nothing wrong."""
    u = lambda low, high: rng.uniform(low, high, size=looks)
    gap = u(1, 2)
    return {
        "d_loss": u(-2, 2),
        "g_loss": u(-2, 2),
        "gradient_norm": u(0, 5),
        "slope": u(0.5, 1.5),
        "distance": u(0.5, 2),
        "spread": u(0.7, 1.1),
        "gap": gap,
        "held_out_gap": gap * u(0.8, 1.1),
    }


def monitor(names, seed):
    """Verdicts and looks on drawn logs."""
    rng = np.random.default_rng(seed)
    looks = 4 * int(rng.integers(5, 10)) + int(rng.integers(1, 4))
    at = int(rng.integers(5, looks - 6))
    quarter, limit = looks // 4, 6.0

    def log(**changes):
        """A healthy log with some numbers changed: name=(place, values)."""
        found = healthy(rng, looks)
        for name, (place, values) in changes.items():
            found[name][place] = values
        return found

    end, most = slice(-quarter, None), slice(None, -quarter)
    whole = slice(None)
    inf = float("inf")
    diverged = {
        "none": log(),
        "nan": log(g_loss=(at, float("nan"))),
        "infinite": log(held_out_gap=(at, -inf), d_loss=(at + 2, inf)),
        "norm": log(gradient_norm=(slice(at, at + 3), 7.0)),
        "edge": log(gradient_norm=(at, limit)),
        "start": log(spread=(0, float("nan"))),
    }
    best = {
        "plain": log(distance=(at, 0.1)),
        "twice": log(distance=([at, at + 3], 0.1)),
        "late": log(distance=([at - 2, -1], [0.2, 0.1]), slope=(at, inf)),
        "broken": log(distance=([at - 3, at], [0.2, float("nan")])),
    }
    verdicts = {
        "healthy": log(),
        "recovered": log(spread=(most, 0.1), slope=(most, 9.0)),
        "one_look": log(spread=(-1, 0.05), slope=(-1, 2.5)),
        "collapse": log(spread=(end, 0.2)),
        "memorising": log(held_out_gap=(end, 0.3)),
        "negative": log(held_out_gap=(end, -0.5)),
        "steep": log(slope=(end, 3.0)),
        "diverged": log(spread=(end, 0.2), d_loss=(at, float("nan"))),
        "both": log(spread=(end, 0.2), held_out_gap=(end, 0.3)),
        "heart": log(held_out_gap=(end, 0.3), slope=(end, 3.0)),
    }
    three = {
        name: values[:3]
        for name, values in log(slope=(whole, 3.0)).items()
    }
    three["slope"] = np.array([9.0, 9.0, 1.0])
    verdicts["three"] = three
    falls = np.linspace(5, 1, looks) + 0.01 * rng.normal(size=looks)
    slow = 3 - 0.04 * np.arange(looks)
    jumpy = rng.uniform(1, 2, size=looks)
    stops = {
        "never": (falls, looks + 5, 0.0),
        "slow": (slow, 3, 0.1),
        "crawl": (slow, 2, 0.1),
        "jumpy": (jumpy, 4, 0.0),
        "strict": (jumpy, 3, 0.2),
        "reset": (np.array([5.0, 6, 4, 6, 6, 3, 6, 6, 6, 2]), 3, 0.5),
        "one": (np.array([2.0, 2.0, 1.0]), 1, 0.0),
        "exact": (np.array([2.0, 1.5, 1.5, 1.5, 0.0]), 2, 0.5),
    }
    word = names["verdict"]
    return flat(
        {
            "diverged": {
                name: attempt(names["diverged_at"], one, limit)
                for name, one in diverged.items()
            },
            "best": {
                name: attempt(names["best_look"], one, limit)
                for name, one in best.items()
            },
            "stop": {
                name: attempt(names["stop_look"], *one)
                for name, one in stops.items()
            },
            "verdict": {
                name: attempt(
                    lambda one=one: WORDS.index(str(word(one, limit)))
                )
                for name, one in verdicts.items()
            },
            "prediction": number(names["prediction_stop"]),
        }
    )


def diagnosis(names, seed):
    """The fault's name, and runs of the repaired training."""
    rng = np.random.default_rng(seed)
    reals, noises = rng.normal(size=(2, 7, 4, 3)) + 0.3
    start = {
        "w": list(rng.normal(size=3)),
        "shift": list(rng.normal(size=3)),
    }
    rates = {
        "d_rate": 0.1,
        "g_rate": 0.3,
        "rho": float(rng.uniform(0.3, 0.8)),
    }
    weight = float(rng.uniform(0.5, 2))
    settings = {
        "plain": {"lambda_4": 0.0, "beta": 0.0},
        "momentum": {"lambda_4": 0.0, "beta": 0.8},
        "penalty": {"lambda_4": weight, "beta": 0.0},
        "all": {"lambda_4": weight, "beta": 0.5},
    }

    def run(changes):
        log = names["repaired_train"](
            {name: list(value) for name, value in start.items()},
            reals.copy(),
            noises.copy(),
            {**rates, **changes},
        )
        return chosen(log, "w", "shift", "average", "d_loss")

    return flat(
        {
            "fault": str(names["fault"])[:40],
            **{name: attempt(run, s) for name, s in settings.items()},
        }
    )


PROBES = {
    "step": step,
    "average": average,
    "monitor": monitor,
    "diagnosis": diagnosis,
}
