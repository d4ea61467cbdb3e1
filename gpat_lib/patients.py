"""Ten small programs, each with one fault that raises no error: patients of the debugging clinic.

``PATIENTS`` holds them by name. A docstring tells what is meant and the symptom; finding the cause
is the exercise. ``check`` examines a cured version and says in words whether it is well.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from gpat_lib import _checks, doctor, losses

Complaint = tuple[str, str, str]  # what was seen, what was expected, a hint


def turns_to_nan(critic: Any, real: Any, fake: Any) -> tf.Tensor:
    """WGAN-GP. Trains well for a while; where the critic is flat, every weight turns to NaN."""
    alpha = tf.random.uniform([real.shape[0], 1, 1, 1])
    x = real + alpha * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    gradient = tf.reshape(tape.gradient(scores, x), [real.shape[0], -1])
    return tf.reduce_mean((tf.norm(gradient, axis=1) - 1) ** 2)


def too_steep(critic: Any, real: Any, fake: Any) -> tf.Tensor:
    """WGAN-GP. A critic of slope 1 costs nothing alone, and the more the larger the batch."""
    alpha = tf.random.uniform([real.shape[0], 1, 1, 1])
    x = real + alpha * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_mean(critic(x))
    squares = tf.reduce_sum(tape.gradient(score, x) ** 2, axis=[1, 2, 3])
    return tf.reduce_mean((tf.sqrt(squares + 1e-12) - 1) ** 2)


def fine_on_points(critic: Any, real: Any, fake: Any) -> tf.Tensor:
    """WGAN-GP. On points (n, 2) all is well. On images even a critic of slope 1 is charged."""
    alpha = tf.random.uniform([real.shape[0]] + [1] * (len(real.shape) - 1))
    x = real + alpha * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    squares = tf.reduce_sum(tape.gradient(scores, x) ** 2, axis=1)
    return tf.reduce_mean((tf.sqrt(squares + 1e-12) - 1) ** 2)


def no_even_grey(critic: Any, real: Any, fake: Any) -> tf.Tensor:
    """WGAN-GP. What lies between a black and a white image is an even grey; here it is not."""
    x = real + tf.random.uniform(real.shape) * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
    squares = tf.reduce_sum(tape.gradient(scores, x) ** 2, axis=[1, 2, 3])
    return tf.reduce_mean((tf.sqrt(squares + 1e-12) - 1) ** 2)


def gives_up(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """The non-saturating generator's loss. It learns nothing from a discriminator that is sure."""
    del real_logits
    return -tf.reduce_mean(tf.math.log(tf.sigmoid(fake_logits) + 1e-8))


def never_even(real_logits: Any, fake_logits: Any) -> tf.Tensor:
    """The relativistic discriminator's loss. It is not log 2 where all fakes match their reals."""
    real_logits = tf.reshape(real_logits, [-1])
    return tf.reduce_mean(tf.math.softplus(fake_logits - real_logits))


@tf.function
def few_pictures(count: int) -> tf.Tensor:
    """Compiled normal noise (count, 2). A generator knows the pictures it was trained on only."""
    return tf.constant(np.random.default_rng().normal(size=(count, 2)), tf.float32)


def spoils_the_judge(generator: Any, discriminator: Any, noise: Any, rate: float) -> None:
    """A step of the generator. After it, the discriminator judges worse than before."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.softplus(-discriminator(generator(noise))))
    variables = tape.watched_variables()
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(rate * gradient)


def restless(average: list[Any], weights: list[Any], rho: float) -> list[Any]:
    """The running average of weights after a step. It jumps as the weights do."""
    return [rho * w + (1 - rho) * a for a, w in zip(average, weights, strict=True)]


def any_digit(images: Any, labels: Any, seed: int) -> tuple[Any, Any]:
    """Shuffles a training set. The generator then draws any digit for any label."""
    rng = np.random.default_rng(seed)
    return rng.permutation(images), rng.permutation(labels)


def _noise(cured: Callable[..., Any]) -> Iterator[Complaint]:
    first, second = cured(64), cured(64)
    if tuple(first.shape) != (64, 2):
        yield f"noise has shape {tuple(first.shape)}", "(64, 2)", "One row per sample."
    elif np.array_equal(first, second):
        yield "two calls give the same noise", "new noise", "What runs when a graph is only used?"


def _step(cured: Callable[..., Any]) -> Iterator[Complaint]:
    generator, discriminator = tf.Variable([[0.5, -1.0]]), tf.Variable([[1.0], [2.0]])
    noise = tf.constant([[1.0], [2.0]])
    players = (lambda z: z @ generator), (lambda x: x @ discriminator)
    before = players[1](players[0](noise))
    cured(*players, noise, 0.1)
    if not np.array_equal(discriminator, [[1.0], [2.0]]):
        yield "it moved the discriminator's weights", "those of the generator", "Whose turn is it?"
    elif not np.all(players[1](players[0](noise)) > before):
        yield "scores of the generated samples did not rise", "higher ones", "Mind the sign."


def _average(cured: Callable[..., Any]) -> Iterator[Complaint]:
    average = [np.zeros(2), np.zeros(1)]
    for _ in range(3):
        average = cured(average, [np.ones(2), np.full(1, 2.0)], 0.9)
    if not np.allclose(np.concatenate(average), (1 - 0.9**3) * np.array([1, 1, 2])):
        seen = f"from 0, three steps with ρ = 0.9 toward 1 lead to {float(average[0][0]):.3g}"
        yield seen, "1 - ρ³ = 0.271", "Who keeps ρ?"


def _shuffle(cured: Callable[..., Any]) -> Iterator[Complaint]:
    labels = np.arange(50)
    images = labels[:, None, None] * np.ones((1, 2, 2))
    shuffled, with_them = map(np.asarray, cured(images, labels, 0))
    if not np.array_equal(shuffled[:, 0, 0], with_them):
        yield "images have others' labels", "each its own", "How many permutations are there?"
    elif sorted(with_them) != list(labels) or np.array_equal(with_them, labels):
        yield "it is no shuffle of the set", "each image once, in a new order", "Count them."


PATIENTS: dict[str, Callable[..., Any]] = {
    patient.__name__: patient
    for patient in (
        *(turns_to_nan, too_steep, fine_on_points, no_even_grey),
        *(gives_up, never_even),
        *(few_pictures, spoils_the_judge, restless, any_digit),
    )
}
_CHECKS: dict[str, Callable[[Callable[..., Any]], Iterator[Complaint]]] = {
    "few_pictures": _noise,
    "spoils_the_judge": _step,
    "restless": _average,
    "any_digit": _shuffle,
}


def check(name: str, cured: Callable[..., Any]) -> doctor.Report:
    """Examine a cured version of a patient.

    Penalties and losses are examined by the doctor, the others on a case that is worked out by
    hand.

    Args:
        name: The patient, a name in ``PATIENTS``.
        cured: Your version of that function, with the same arguments.

    Returns:
        A report; print it. What ``cured`` raises is a finding, too.

    Raises:
        ValueError: If there is no such patient.
    """
    _checks.member("patient", name, PATIENTS)
    try:
        if name == "gives_up":
            pair = (losses.get("non_saturating").discriminator, cured)
            found = doctor.examine_loss(pair, "non_saturating").findings
        elif name == "never_even":
            pair = (cured, losses.get("relativistic").generator)
            found = doctor.examine_loss(pair, "relativistic").findings
        elif name in _CHECKS:
            found = [doctor.Finding("not_cured", *one) for one in _CHECKS[name](cured)]
        else:
            found = doctor.examine(cured, "wgan_gp").findings
    except Exception as error:
        seen = f"the function stopped with {type(error).__name__}: {error}".splitlines()[0]
        found = [doctor.Finding("raises", seen, "a result", "Does it take the same arguments?")]
    return doctor.Report(name, found)
