"""Time one training step of ``GPAT.fit`` against a loop by hand and against the tutorial form.

    python benchmarks/train_step.py                 # prints a table, about two minutes
    python benchmarks/train_step.py --save          # writes data/results/train_step.json too

All three train the same networks (the course's, `--widths`) on the same pictures with the
Wasserstein loss, WGAN-GP, Adam, and `--n-critic` discriminator updates per step:

gpat      ``GPAT.fit``, compiled and called with defaults.
hand      A ``tf.function`` of one step and a Python loop over the data. The same arithmetic: fresh
          real pictures for each discriminator update, all fakes of the step drawn at once outside
          the tape, the same penalty, the same running average. It logs the two losses only.
tutorial  A ``keras.Model`` whose ``train_step`` is the form of public WGAN-GP examples: the fakes
          of each discriminator update are drawn inside its tape, all updates of a step see the
          same batch of real pictures, dropout is on in the penalty; ``fit`` with defaults. It
          keeps no running average and logs the two losses.

They take turns in one process, gpat, hand, tutorial, gpat, ...; in each turn two steps go by
before the clock starts. The figures are medians over the turns; a ratio is taken within each round
(time of the other / time of gpat, above 1 where gpat is faster) and given as its median and range.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import provenance
from gpat_lib import GPAT, data, models

RESULT = provenance.RESULTS / "train_step.json"
LATENT_DIM, LAMBDA, EMA = 100, 10.0, 0.999
UNTIMED = 2  # steps at the beginning of a turn: the pipeline fills up


def networks(width: int, seed: int) -> tuple[keras.Model, keras.Model]:
    """A generator and a discriminator, always with the same first weights."""
    keras.utils.set_random_seed(seed)
    return models.dcgan_generator(LATENT_DIM, width), models.dcgan_discriminator(width=width)


def adam() -> keras.optimizers.Adam:
    return keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9)


class Stopwatch(keras.callbacks.Callback):
    """Seconds per step of one ``fit``, without its first steps."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the time."""
        now = time.perf_counter()
        if batch == UNTIMED - 1:
            self.begin = now
        self.seconds = (now - self.begin) / max(1, batch + 1 - UNTIMED) if batch >= UNTIMED else 0.0


def time_fit(model: keras.Model, pictures: tf.data.Dataset, steps: int) -> float:
    watch = Stopwatch()
    model.fit(pictures, steps_per_epoch=steps + UNTIMED, callbacks=[watch], verbose=0)
    return watch.seconds


# ---------------------------------------------------------------- by hand


def hand_written(width: int, n_critic: int, seed: int) -> Callable[[tf.Tensor], Any]:
    """A function that takes one step, the reals of all its updates in one tensor."""
    generator, discriminator = networks(width, seed)
    average = keras.models.clone_model(generator)
    average.set_weights(generator.get_weights())
    g_optimizer, d_optimizer = adam(), adam()
    g_variables = generator.trainable_variables
    d_variables = discriminator.trainable_variables
    g_optimizer.build(g_variables)
    d_optimizer.build(d_variables)

    @tf.function
    def step(samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise = tf.random.normal([samples.shape[0], LATENT_DIM])
        reals = tf.split(samples, n_critic)
        fakes = tf.split(generator(noise, training=True), n_critic)
        for real, fake in zip(reals, fakes, strict=True):
            with tf.GradientTape() as tape:
                gap = tf.reduce_mean(discriminator(real, training=True)) - tf.reduce_mean(
                    discriminator(fake, training=True)
                )
                alpha = tf.random.uniform([real.shape[0], 1, 1, 1])
                between = real + alpha * (fake - real)
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch(between)
                    score = tf.reduce_sum(discriminator(between, training=False))
                squares = tf.reduce_sum(inner.gradient(score, between) ** 2, axis=[1, 2, 3])
                penalty = tf.reduce_mean((tf.sqrt(squares + 1e-12) - 1) ** 2)
                d_loss = -gap + LAMBDA * penalty
            gradients = tape.gradient(d_loss, d_variables, unconnected_gradients="zero")
            d_optimizer.apply(gradients, d_variables)
        noise = tf.random.normal([reals[0].shape[0], LATENT_DIM])
        with tf.GradientTape() as tape:
            fake = generator(noise, training=True)
            g_loss = -tf.reduce_mean(discriminator(fake, training=True))
        g_optimizer.apply(tape.gradient(g_loss, g_variables), g_variables)
        t = tf.cast(g_optimizer.iterations, tf.float32)
        rate = 1 - tf.minimum(EMA, (1 + t) / (10 + t))
        for slow, fast in zip(average.weights, generator.weights, strict=True):
            slow.assign_add(rate * (fast - slow))
        return d_loss, g_loss

    return step


def time_hand(step: Callable[[tf.Tensor], Any], pictures: tf.data.Dataset, steps: int) -> float:
    iterator = iter(pictures)
    for _ in range(UNTIMED):
        step(next(iterator))
    begin = time.perf_counter()
    for _ in range(steps):
        losses = step(next(iterator))
    float(losses[0])  # where work runs ahead of Python, wait for it
    return (time.perf_counter() - begin) / steps


# ---------------------------------------------------------------- as in tutorials


class Tutorial(keras.Model):
    """The form of public examples: all in one ``train_step``, one batch at a time."""

    def __init__(self, generator: keras.Model, discriminator: keras.Model, n_critic: int):
        super().__init__()
        self.generator, self.discriminator, self.n_critic = generator, discriminator, n_critic

    def compile(self, g_optimizer: Any, d_optimizer: Any) -> None:
        """Keep both optimisers."""
        super().compile()
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer

    def gradient_penalty(self, count: Any, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """WGAN-GP, as tutorials write it."""
        alpha = tf.random.uniform([count, 1, 1, 1])
        between = real + alpha * (fake - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.discriminator(between, training=True)
        gradient = tape.gradient(scores, [between])[0]
        norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]) + 1e-12)
        return tf.reduce_mean((norm - 1.0) ** 2)

    def train_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        """All updates of one step, with one batch."""
        count = tf.shape(real)[0]
        for _ in range(self.n_critic):
            noise = tf.random.normal([count, LATENT_DIM])
            with tf.GradientTape() as tape:
                fake = self.generator(noise, training=True)
                fake_logits = self.discriminator(fake, training=True)
                real_logits = self.discriminator(real, training=True)
                d_loss = tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)
                d_loss += LAMBDA * self.gradient_penalty(count, real, fake)
            variables = self.discriminator.trainable_variables
            gradients = tape.gradient(d_loss, variables, unconnected_gradients="zero")
            self.d_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        noise = tf.random.normal([count, LATENT_DIM])
        with tf.GradientTape() as tape:
            fake = self.generator(noise, training=True)
            g_loss = -tf.reduce_mean(self.discriminator(fake, training=True))
        variables = self.generator.trainable_variables
        gradients = tape.gradient(g_loss, variables)
        self.g_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


# ---------------------------------------------------------------- measuring


def measure(width: int, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds per step of the three, and the ratios, at one width."""
    batch, n_critic, seed = options.batch_size, options.n_critic, options.seed
    pictures = data.batches(data.blossoms(2048), batch, seed=seed).repeat()
    all_reals = pictures.rebatch(batch * n_critic, drop_remainder=True)

    gan = GPAT(*networks(width, seed), latent_dim=LATENT_DIM)
    gan.compile(g_optimizer=adam(), d_optimizer=adam(), n_critic=n_critic)
    step = hand_written(width, n_critic, seed)
    tutorial = Tutorial(*networks(width, seed), n_critic)
    tutorial.compile(adam(), adam())

    turns = {
        "gpat": lambda: time_fit(gan, pictures, options.steps),
        "hand": lambda: time_hand(step, all_reals, options.steps),
        "tutorial": lambda: time_fit(tutorial, pictures, options.steps),
    }
    for turn in turns.values():
        turn()  # traces and warms up
    rounds = [{name: turn() for name, turn in turns.items()} for _ in range(options.rounds)]
    seconds = {name: spread([r[name] for r in rounds]) for name in turns}
    ratios = {
        f"{name} / gpat": spread([r[name] / r["gpat"] for r in rounds])
        for name in ("hand", "tutorial")
    }
    return {"width": width, "seconds_per_step": seconds, "ratios": ratios}


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def table(results: list[dict[str, Any]]) -> str:
    lines = [f"{'width':<7}{'what':<18}{'median':>9}{'min':>9}{'max':>9}"]
    for result in results:
        for group, unit in (("seconds_per_step", " s/step"), ("ratios", "")):
            for name, row in result[group].items():
                figures = "".join(f"{row[key]:>9.3f}" for key in ("median", "min", "max"))
                lines.append(f"{result['width']:<7}{name + unit:<18}{figures}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the results file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[16])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--n-critic", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each, after one to warm up")
    parser.add_argument("--steps", type=int, default=15, help="timed steps per turn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help="write the results file")
    options = parser.parse_args()
    clock = provenance.Clock()
    results = [measure(width, options) for width in options.widths]
    print(table(results))
    if options.save:
        settings = {
            key: getattr(options, key) for key in ("batch_size", "n_critic", "rounds", "steps")
        }
        content = {"results": results, "settings": settings, **clock.card(seed=options.seed)}
        provenance.write(RESULT, content)
        print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
