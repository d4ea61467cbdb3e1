"""Runs the student's functions on secret inputs; what is right, it does not know."""

import numpy as np
from tools.grading.asking import attempt, flat, number


def sizes(names, seed):
    """Output sizes and receptive fields."""
    rng = np.random.default_rng(seed)
    cases = [
        (int(rng.integers(9, 40)), kernel, stride)
        for kernel in (1, 2, 3, 4, 5)
        for stride in (1, 2, 3)
    ]
    stacks = [
        [
            (int(rng.integers(1, 8)), int(rng.integers(1, 4)))
            for _ in range(layers)
        ]
        for layers in (1, 2, 3, 5)
    ]
    answers = {}
    for padding in ("same", "valid"):
        for name in ("conv_size", "transposed_size"):
            function = names[name]
            answers[f"{name}_{padding}"] = [
                attempt(function, size, kernel, stride, padding)
                for size, kernel, stride in cases
            ]
    answers["fields"] = [
        attempt(names["receptive_field"], stack) for stack in stacks
    ]
    answers["prediction"] = number(names["prediction_field"])
    return flat(answers)


def parameters(names, seed):
    """Numbers of parameters of single layers: all, and those that are trained."""
    rng = np.random.default_rng(seed)
    k, n, m = (
        int(value) for value in rng.integers((2, 3, 20), (8, 19, 40))
    )
    groups = {
        "kernels": [
            ("dense", n, m, False),
            ("conv", k, n, m, False),
            ("up", k, n, m, False),
        ],
        "biases": [
            ("dense", n, m, True),
            ("conv", k, n, m, True),
            ("up", k, n, m, True),
        ],
        "norm": [("norm", m)],
        "none": [("none",)],
    }
    count = names["parameters"]
    answers = {
        name: [attempt(count, layer) for layer in group]
        for name, group in groups.items()
    }
    answers["prediction"] = number(names["prediction_growth"])
    return flat(answers)


def set_weights(model, seed):
    """Give every weight values that depend on its shape and its kind alone, not on its place."""
    for weight in model.weights:
        shape = tuple(weight.shape)
        kind = weight.name.split("/")[-1].split(":")[0]
        kinds = ("gamma", "beta", "moving_mean", "moving_variance")
        rng = np.random.default_rng(
            [
                seed,
                *shape,
                kinds.index(kind) if kind in kinds else len(kinds),
            ]
        )
        if kind in ("gamma", "moving_variance"):
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            values = 0.3 * rng.normal(size=shape)
        else:
            values = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
        weight.assign(values)


def shapes(model):
    """The shapes of the weights, sorted, each as four numbers."""
    rows = sorted(
        (tuple(weight.shape) + (0,) * 4)[:4] for weight in model.weights
    )
    return np.array(rows[:100], dtype=np.int64).reshape(-1, 4)


def generator(model, latent_dim, seed):
    """What a generator draws, with known weights, in use and in training."""
    noise = (
        np.random.default_rng(seed)
        .normal(size=(3, latent_dim))
        .astype("float32")
    )
    if (
        not model.weights
    ):  # a model of one's own class has none before its first call
        model(noise)
    set_weights(model, seed)
    in_use = np.asarray(
        model(np.concatenate([noise, 1000 * noise]), training=False)
    )
    training = np.asarray(model(noise, training=True))
    return {
        "shapes": shapes(model),
        "images": in_use[:3],
        "loud": in_use[3:],
        "training": training,
    }


def discriminator(model, image_shape, seed):
    """How a discriminator scores, with known weights, in use and in training."""
    images = (
        np.random.default_rng(seed + 1)
        .normal(size=(4, *image_shape))
        .astype("float32")
    )
    if not model.weights:
        model(images)
    set_weights(model, seed)
    in_use = np.asarray(
        model(np.concatenate([images, 1000 * images]), training=False)
    )
    alike = np.repeat(images[:1], 1000, axis=0)
    return {
        "shapes": shapes(model),
        "scores": in_use[:4],
        "loud": in_use[4:],
        "spread": float(np.std(np.asarray(model(alike, training=True)))),
    }


def networks(names, seed):
    """Both networks, at a small width."""
    rng = np.random.default_rng(seed)
    latent_dim, width, channels = (
        int(rng.integers(5, 9)),
        int(rng.integers(3, 5)),
        2,
    )
    dropout = float(rng.choice([0.1, 0.2]))
    build_g, build_d = (
        names["build_generator"],
        names["build_discriminator"],
    )
    return flat(
        {
            "generator": attempt(
                lambda: generator(
                    build_g(latent_dim, width, channels), latent_dim, seed
                )
            ),
            "discriminator": attempt(
                lambda: discriminator(
                    build_d((12, 12, channels), width, dropout),
                    (12, 12, channels),
                    seed,
                )
            ),
            "prediction": number(names["prediction_loud"]),
        }
    )


def variant(names, seed):
    """The student's own generator, and its number of parameters by hand."""
    model = names["my_generator"]
    latent_dim = int(model.input_shape[-1])
    return flat(
        {
            "latent_dim": latent_dim,
            "generator": attempt(
                lambda: generator(model, latent_dim, seed)
            ),
            "total": number(names["my_total"]),
            "prediction": number(names["prediction_reach"]),
        }
    )


def diagnosis(names, seed):
    """The fault's name, and the repaired pair."""
    rng = np.random.default_rng(seed)
    latent_dim, width, channels = (
        int(rng.integers(9, 14)),
        int(rng.integers(5, 7)),
        3,
    )
    fault, build = str(names["fault"])[:40], names["repaired_pair"]
    try:
        g, d = build(latent_dim, width, channels)
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"[:200]
        return {"fault": fault, "failed": failed}
    return flat(
        {
            "fault": fault,
            "generator": attempt(generator, g, latent_dim, seed),
            "discriminator": attempt(
                discriminator, d, (16, 16, channels), seed
            ),
        }
    )


PROBES = {
    "sizes": sizes,
    "parameters": parameters,
    "networks": networks,
    "variant": variant,
    "diagnosis": diagnosis,
}
