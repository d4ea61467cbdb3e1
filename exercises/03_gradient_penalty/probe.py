"""What is asked of a student's functions; inputs only, no expectations."""

import numpy as np
import tensorflow as tf

IMAGES, POINTS = (6, 4, 4, 3), (9, 2)


def inputs(seed):
    """Weights, images and points; the judge draws the same."""
    rng = np.random.default_rng(seed)
    return {
        "w": rng.normal(0, 0.5, IMAGES[1:]),
        "v": rng.normal(0, 1, POINTS[1:]),
        "images": rng.normal(0, 1, IMAGES),
        "points": rng.normal(0, 1, POINTS),
    }


def tensors(seed):
    return {
        name: tf.constant(value, tf.float32)
        for name, value in inputs(seed).items()
    }


def like(w, x):
    return tf.cast(w, x.dtype)


def linear(w):
    """A linear critic; its scores are (n,)."""
    return lambda x: tf.reduce_sum(
        tf.reshape(x * like(w, x), (tf.shape(x)[0], -1)), axis=1
    )


def cubic(w):
    """A critic whose slope differs from point to point; (n, 1)."""
    return lambda x: linear(w)(x * x * x)[:, None]


def pull(value, weights):
    """The value of a function, and its gradient for the weights."""
    weights = tf.Variable(weights)
    with tf.GradientTape() as tape:
        result = value(weights)
    gradient = tape.gradient(result, weights)
    if gradient is None:
        gradient = np.full(weights.shape, np.nan)
    return np.asarray(result), np.asarray(gradient)


def interpolates(names, seed):
    draw = names["interpolates"]
    images = tensors(seed)["images"]
    first = draw(tf.zeros((1000, 1, 2, 1)), tf.ones((1000, 1, 2, 1)))
    again = draw(tf.zeros((1000, 1, 2, 1)), tf.ones((1000, 1, 2, 1)))
    plane = draw(tf.zeros((50, 2)), tf.ones((50, 2)))
    return {
        "first": np.asarray(first),
        "again": np.asarray(again),
        "plane": np.asarray(plane),
        "images": np.asarray(draw(images, images + 1)),
    }


def prediction(names, seed):
    return {"value": float(names["prediction"])}


def slopes(names, seed):
    slopes, x = names["slopes"], tensors(seed)
    flat, trained = pull(
        lambda w: tf.reduce_sum(
            slopes(lambda x: linear(w)(x * x), tf.zeros_like(x["images"]))
        ),
        x["w"],
    )
    _, pulled = pull(
        lambda w: tf.reduce_sum(slopes(cubic(w), x["points"])), x["v"]
    )
    return {
        "images": np.asarray(slopes(cubic(x["w"]), x["images"])),
        "points": np.asarray(slopes(cubic(x["v"]), x["points"])),
        "pulled": pulled,
        "flat": flat,
        "flat_pull": trained,
    }


def penalty(names, seed):
    penalty, x = names["penalty"], tensors(seed)
    value, pulled = pull(
        lambda w: penalty(linear(w), x["images"], x["images"] + 1),
        x["w"],
    )
    ramp = lambda x: tf.reduce_sum(x**2, axis=1) / 2
    zeros, ones = tf.zeros((2000, 1)), tf.ones((2000, 1))
    return {
        "value": value,
        "pulled": pulled,
        "one_place": np.asarray(
            penalty(cubic(x["v"]), x["points"], x["points"])
        ),
        "ramp": np.asarray(penalty(ramp, zeros, ones)),
    }


def r1(names, seed):
    x = tensors(seed)
    value, pulled = pull(
        lambda w: names["r1"](cubic(w), x["images"]), x["w"]
    )
    return {"value": value, "pulled": pulled}


def clinic(names, seed):
    repaired, x = names["repaired"], tensors(seed)
    seen = []

    def watching(points):
        # Also in a graph, where points have no values yet.
        tf.py_function(
            lambda p: seen.append(p.numpy()[..., 0]), [points], []
        )
        return tf.reduce_sum(points, axis=(1, 2, 3))

    value, pulled = pull(
        lambda w: repaired(linear(w), x["images"], x["images"] + 1),
        x["w"],
    )
    shape = (1000, 1, 2, 1)
    repaired(watching, tf.zeros(shape), tf.ones(shape))
    return {
        "fault": str(names["fault"]),
        "value": value,
        "pulled": pulled,
        "looked": np.concatenate(seen)[: shape[0]],
    }


PROBES = {
    "interpolates": interpolates,
    "prediction": prediction,
    "slopes": slopes,
    "penalty": penalty,
    "r1": r1,
    "clinic": clinic,
}
