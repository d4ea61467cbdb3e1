"""GPAT: a Keras model whose ``train_step`` is the algorithm of the course.

L_g = λ1 L_cGAN + λ2 L_grad        L_d = λ3 L_cGAN + λ4 L_grad
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gpat_lib import _checks, data, losses, penalties
from gpat_lib.callbacks import DivergenceGuard, Resume, SampleGrid, SolverWatch
from gpat_lib.optimizers import CompetitiveGradient

__all__ = ["GPAT", "LOG_NAMES", "DivergenceGuard", "LossWeights", "Resume", "SampleGrid"]

Schedule = keras.optimizers.schedules.LearningRateSchedule
GENERATOR_PENALTIES = {
    # Nagarajan and Kolter 2017 (their η is λ2 / 2): the generator's loss gets ½‖∇_φ L_d‖².
    "field": False,
    # Mescheder et al. 2017 (their γ is λ2): both losses get ½(‖∇_φ L_d‖² + ‖∇_θ L_g‖²).
    "consensus": True,
}
ZERO_SUM = ("minimax", "wasserstein")  # losses where L_g = −L_d, up to what θ does not touch


@dataclass(frozen=True)
class LossWeights:
    """The four weights of the two objectives, each finite and ≥ 0.

    Attributes:
        lambda_1: Weight of L_cGAN in the generator's loss.
        lambda_2: Weight of L_grad in the generator's loss; ``generator_penalty`` of
            ``GPAT.compile`` says which term that is.
        lambda_3: Weight of L_cGAN in the discriminator's loss.
        lambda_4: Weight of L_grad, the gradient penalty, in the discriminator's loss: a number,
            or one of Keras's schedules, from discriminator updates to the weight.

    Raises:
        ValueError: If a weight is negative, infinite or not a number.
    """

    lambda_1: float = 1.0
    lambda_2: float = 0.0
    lambda_3: float = 1.0
    lambda_4: Any = 10.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (name == "lambda_4" and isinstance(value, Schedule)):
                object.__setattr__(self, name, _checks.number(name, value))

    def penalty_weight(self, updates: Any) -> Any:
        """λ4 after so many discriminator updates."""
        return self.lambda_4(updates) if isinstance(self.lambda_4, Schedule) else self.lambda_4


LOG_NAMES = ("d_loss", "g_loss", "critic_gap", "penalty", "slope", "gradient_norm")


@keras.saving.register_keras_serializable(package="gpat_lib")
class GPAT(keras.Model):
    """A generator and a discriminator, trained against each other with a gradient penalty.

    Use it like any Keras model: ``compile``, ``fit``, ``save``; then ``generate``. The running
    average (EMA) of the generator's weights, ``ema_generator``, is what generates.

    ``fit`` logs, each a mean over the epoch's steps: ``d_loss`` and ``g_loss`` (full L_d and
    L_g), ``critic_gap`` (E D(x) − E D(x̃)), ``penalty`` (L_grad before λ4), ``slope`` (mean
    ‖∇ₓD‖ at the generated images) and ``gradient_norm`` (of both players' parameters).

    Args:
        generator: Keras model from noise ``(n, latent_dim)`` to samples.
        discriminator: Keras model from samples to logits.
        latent_dim: Number of noise values per sample.
        seed: Seed of all noise. The noise of a step is a pure function of the seed and the step.

    Raises:
        ValueError: If the generator does not take ``latent_dim`` values, or the discriminator
            does not take what the generator makes.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_dim: int = 100,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.latent_dim = _checks.whole("latent_dim", latent_dim)
        self.seed = _checks.whole("seed", seed, least=0)
        if tuple(generator.input_shape[1:]) != (latent_dim,):
            raise ValueError(
                f"latent_dim must be what the generator takes; got latent_dim={latent_dim} for a "
                f"generator with inputs of shape {tuple(generator.input_shape[1:])}"
            )
        if tuple(generator.output_shape[1:]) != tuple(discriminator.input_shape[1:]):
            raise ValueError(
                "discriminator must take what the generator makes; it takes "
                f"{tuple(discriminator.input_shape[1:])}, the generator makes "
                f"{tuple(generator.output_shape[1:])}"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        self.trackers = [keras.metrics.Mean(name=name) for name in LOG_NAMES]
        self.built = True  # all weights exist: save_weights may be called at once

    def compile(
        self,
        loss: str | losses.AdversarialLoss = "wasserstein",
        penalty: str | Callable[..., Any] | None = "wgan_gp",
        weights: LossWeights | None = None,
        g_optimizer: keras.optimizers.Optimizer | str | None = None,
        d_optimizer: keras.optimizers.Optimizer | str | None = None,
        n_critic: int = 5,
        ema: float = 0.999,
        penalty_every: int = 1,
        generator_penalty: str = "field",
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
    ) -> None:
        """Choose the objective and the optimisers.

        Args:
            loss: L_cGAN: a name in ``losses.LOSSES`` or an ``AdversarialLoss``.
            penalty: L_grad of the discriminator: a name in ``penalties.PENALTIES``, a callable
                ``(discriminator, real, fake, seed=None) -> scalar``, or ``None``.
            weights: λ1 … λ4; ``LossWeights()`` if not given.
            g_optimizer: The generator's optimiser; Adam(4e-4, β 0 and 0.9) if not given: the
                betas of Gulrajani et al. 2017, the rate that trained the course's generators.
                An ``optimizers.CompetitiveGradient`` moves both players at once: then give no
                ``d_optimizer``, a zero-sum loss, and ``n_critic=1``.
            d_optimizer: The discriminator's; the same default.
            n_critic: Discriminator updates per generator update, ≥ 1.
            ema: Decay of the generator's running average, 0 ≤ ema < 1.
            penalty_every: Apply the penalty only at every k-th discriminator update, k times as
                strong, which keeps the mean gradient (lazy regularisation, Karras et al. 2020).
                Their Adam is rescaled to match: ``optimizers.lazy_adam``.
            generator_penalty: What λ2 weighs: ``"field"``, ½‖∇_φ L‖² of the discriminator's
                adversarial loss in the generator's loss (Nagarajan and Kolter 2017, whose η is
                λ2/2), or ``"consensus"``, half the squared norm of both players' adversarial
                gradients in both losses (Mescheder et al. 2017, whose γ is λ2).
            steps_per_execution: Steps per call of the compiled function, as in Keras.
            jit_compile: As in Keras; ``"auto"`` uses XLA only where it pays.
            run_eagerly: As in Keras, for debugging.

        Raises:
            ValueError: If a name is unknown (the known ones are listed) or a value out of range.
        """
        self.adversarial_loss = losses.get(loss)
        self.gradient_penalty: Any = None if penalty is None else penalties.get(penalty)
        layers = self.discriminator._flatten_layers()
        if penalty and any(isinstance(x, keras.layers.BatchNormalization) for x in layers):
            warnings.warn(
                "the discriminator has a BatchNormalization, which couples the samples of a batch: "
                "a penalty of each sample's slope has no clear meaning then. Take it out, or use "
                "LayerNormalization",
                stacklevel=2,
            )
        self.loss_weights = LossWeights() if weights is None else weights
        if not isinstance(self.loss_weights, LossWeights):
            raise ValueError(f"weights must be a LossWeights; got {weights!r}")
        self.n_critic = _checks.whole("n_critic", n_critic)
        self.ema = _checks.number("ema", ema, below=1.0)
        self.penalty_every = _checks.whole("penalty_every", penalty_every)
        self.consensus = _checks.member("generator_penalty", generator_penalty, GENERATOR_PENALTIES)
        self.generator_penalty = generator_penalty
        super().compile(
            optimizer=None,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
        )
        self.g_optimizer = _optimizer(g_optimizer)
        # Built now, so that a loaded model finds a place for each optimiser's state.
        self.g_optimizer.build(self.generator.trainable_variables)
        if isinstance(self.g_optimizer, CompetitiveGradient):
            self._check_competitive(d_optimizer)
            self.d_optimizer: Any = None
            return
        self.d_optimizer = _optimizer(d_optimizer)
        if self.g_optimizer is self.d_optimizer:
            raise ValueError("g_optimizer and d_optimizer must be two objects; got one for both")
        self.d_optimizer.build(self.discriminator.trainable_variables)

    def _check_competitive(self, d_optimizer: Any) -> None:
        weights = self.loss_weights
        for name, value, wanted in (
            ("d_optimizer", d_optimizer, None),
            ("n_critic", self.n_critic, 1),
            ("penalty_every", self.penalty_every, 1),
            ("lambda_2", weights.lambda_2, 0.0),
            ("lambda_1", weights.lambda_1, weights.lambda_3),
        ):
            if value != wanted:
                raise ValueError(
                    f"{name} must be {wanted!r} with CompetitiveGradient, which moves both players "
                    f"of one zero-sum game; got {value!r}"
                )
        if self.adversarial_loss.name not in ZERO_SUM:
            raise ValueError(
                "loss must be zero-sum with CompetitiveGradient, one of "
                f"{', '.join(ZERO_SUM)}; got {self.adversarial_loss.name!r}"
            )

    # ---------------------------------------------------------------- the algorithm

    def train_step(self, samples: tf.Tensor) -> dict[str, tf.Tensor]:
        """One generator update after ``n_critic`` discriminator updates.

        Args:
            samples: ``n_critic`` batches of real samples in one tensor, as ``fit`` prepares them:
                every discriminator update sees fresh real samples and fresh noise.

        Returns:
            The logs named in the class's docstring.
        """
        with tf.control_dependencies([samples]):  # where the samples end, nothing runs
            if self.d_optimizer is None:
                return self._log(self._update_both(samples))
            # Step 1, initialising both networks, was done when they were built.
            real_batches = tf.split(samples, self.n_critic)
            # Step 2: noise to images. The fakes of all discriminator updates are drawn at once and
            # outside any tape: they are constants for the discriminator. (The generator's batch
            # normalisation therefore sees one large batch here.)
            latents = self.step_noise(tf.shape(samples)[0], stream=0)
            fake_batches = tf.split(self.generator(latents, training=True), self.n_critic)
            latent_batches = tf.split(latents, self.n_critic)
            d_logs = [
                self._update_discriminator(real, fake, latents, stream=2 + i)
                for i, (real, fake, latents) in enumerate(
                    zip(real_batches, fake_batches, latent_batches, strict=True)
                )
            ]
            g_logs = self._update_generator(real_batches[-1])
            # Step 7, repeating until convergence, is fit's.
            return self._log({**_mean(d_logs), **g_logs})

    def _update_discriminator(
        self, real: tf.Tensor, fake: tf.Tensor, latents: tf.Tensor, stream: int
    ) -> dict[str, tf.Tensor]:
        weights = self.loss_weights
        variables = self.discriminator.trainable_variables
        penalty = tf.zeros(())
        with tf.GradientTape() as tape:
            with tf.GradientTape(persistent=True) as field:
                if self.consensus and weights.lambda_2 > 0:
                    fake = self.generator(latents, training=True)  # its gradient is penalised too
                # Step 3: score the images.
                real_logits = self.discriminator(real, training=True)
                fake_logits = self.discriminator(fake, training=True)
                adversarial = self.adversarial_loss.discriminator(real_logits, fake_logits)
                g_adversarial = self.adversarial_loss.generator(real_logits, fake_logits)
            # Step 5: the discriminator's loss, L_d = λ3 L_cGAN + λ4 L_grad.
            d_loss = weights.lambda_3 * adversarial
            if self._penalised:
                penalty = self._lazy_penalty(real, fake, stream)
                d_loss += weights.penalty_weight(self.d_optimizer.iterations) * penalty
            if self.consensus and weights.lambda_2 > 0:
                d_loss += weights.lambda_2 * self._field_term(field, adversarial, g_adversarial)
        # Step 6, first half: update the discriminator.
        gradients = _gradient(tape, d_loss, self.discriminator)
        self.d_optimizer.apply(_zeros_for_none(gradients, variables), variables)
        return {
            "d_loss": d_loss,
            "critic_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
            "penalty": penalty,
            "d_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _update_generator(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = self.loss_weights
        variables = self.generator.trainable_variables
        latents = self.step_noise(tf.shape(real)[0], stream=1)
        with tf.GradientTape() as tape:
            with tf.GradientTape(persistent=True) as field:
                # Steps 2 and 3 again, on the tape: the generator learns through the scores.
                fake = self.generator(latents, training=True)
                fake_logits = self.discriminator(fake, training=True)
                real_logits = self.discriminator(real, training=True)
                adversarial = self.adversarial_loss.generator(real_logits, fake_logits)
                d_adversarial = self.adversarial_loss.discriminator(real_logits, fake_logits)
            # Step 4: the generator's loss, L_g = λ1 L_cGAN + λ2 L_grad.
            g_loss = weights.lambda_1 * adversarial
            if weights.lambda_2 > 0:
                g_loss += weights.lambda_2 * self._field_term(field, d_adversarial, adversarial)
        # Step 6, second half: update the generator.
        gradients = _gradient(tape, g_loss, self.generator)
        self.g_optimizer.apply(_zeros_for_none(gradients, variables), variables)
        self._update_average()
        return {
            "g_loss": g_loss,
            "slope": self._slope(fake),
            "g_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _update_both(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        """One competitive step of the zero-sum game f = −L_d, which both players see whole."""
        weights = self.loss_weights
        latents = self.step_noise(tf.shape(real)[0], stream=0)

        def objective() -> tf.Tensor:
            # Evaluated several times per step, so nothing in it may be random: dropout is off.
            fake = self.generator(latents, training=True)
            d_loss = weights.lambda_3 * self.adversarial_loss.discriminator(
                self._score(real), self._score(fake)
            )
            if self._penalised:
                d_loss += weights.penalty_weight(self.g_optimizer.iterations) * self._penalty(
                    real, fake, stream=2
                )
            return -d_loss

        fake = self.generator(latents, training=True)
        real_logits, fake_logits = self._score(real), self._score(fake)
        logs = {
            "g_loss": weights.lambda_1 * self.adversarial_loss.generator(real_logits, fake_logits),
            "critic_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
            "penalty": self._penalty(real, fake, stream=2) if self._penalised else tf.zeros(()),
            "slope": self._slope(fake),
        }
        value, g_gradient, d_gradient = self.g_optimizer.update_players(
            objective, self.generator.trainable_variables, self.discriminator.trainable_variables
        )
        self._update_average()
        norms = {"g_gradient_norm": tf.norm(g_gradient), "d_gradient_norm": tf.norm(d_gradient)}
        return {**logs, **norms, "d_loss": -value}

    @property
    def _penalised(self) -> bool:
        return self.gradient_penalty is not None and self.loss_weights.lambda_4 != 0

    def _penalty(self, real: tf.Tensor, fake: tf.Tensor, stream: int) -> tf.Tensor:
        return self.gradient_penalty(self._score, real, fake, seed=self.step_seed(stream))

    def _lazy_penalty(self, real: tf.Tensor, fake: tf.Tensor, stream: int) -> tf.Tensor:
        """The penalty; with ``penalty_every`` = k, k times the penalty at every k-th update."""
        if self.penalty_every == 1:
            return self._penalty(real, fake, stream)
        due = tf.equal(self.d_optimizer.iterations % self.penalty_every, 0)
        return tf.cond(
            due,
            lambda: self.penalty_every * self._penalty(real, fake, stream),
            lambda: tf.zeros(()),
        )

    def _field_term(
        self, field: tf.GradientTape, d_adversarial: tf.Tensor, g_adversarial: tf.Tensor
    ) -> tf.Tensor:
        """What λ2 weighs: ½‖∇_φ L_d‖², with consensus + ½‖∇_θ L_g‖², of the adversarial losses.

        It pulls both players towards points where nothing is left to learn.
        """
        gradients = field.gradient(d_adversarial, self.discriminator.trainable_variables)
        if self.consensus:
            gradients += field.gradient(g_adversarial, self.generator.trainable_variables)
        return 0.5 * tf.add_n([tf.reduce_sum(tf.square(g)) for g in gradients if g is not None])

    def _slope(self, fake: tf.Tensor) -> tf.Tensor:
        """Mean ‖∇ₓD‖ at sixteen fakes: enough for a log; more would slow every step down."""
        return tf.reduce_mean(penalties.gradient_norm(self._score, fake[:16]))

    def _score(self, samples: tf.Tensor) -> tf.Tensor:
        """The discriminator as penalties see it: dropout off.

        With dropout on, every pass would see another random thinning, and the penalised function
        would not be the one whose scores are trained.
        """
        return self.discriminator(samples, training=False)

    def _update_average(self) -> None:
        """One step of the running average; early on it follows faster (decay (1 + t)/(10 + t))."""
        t = tf.cast(self.g_optimizer.iterations, tf.float32)
        rate = 1.0 - tf.minimum(self.ema, (1.0 + t) / (10.0 + t))
        pairs = zip(self.ema_generator.weights, self.generator.weights, strict=True)
        for average, weight in pairs:
            average.assign_add(tf.cast(rate, average.dtype) * (weight - average))

    def _log(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logs["gradient_norm"] = tf.linalg.global_norm(
            [logs["d_gradient_norm"], logs["g_gradient_norm"]]
        )
        for tracker in self.trackers:
            tracker.update_state(logs[tracker.name])
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def step_seed(self, stream: int) -> tf.Tensor:
        """The seed ``(2,)`` of one draw in the coming step: a function of seed, step and stream.

        A resumed run therefore goes on with the same numbers. Stream 0 is the noise of the
        discriminator's fakes, 1 that of the generator's, 2 + i that of the i-th penalty.
        """
        draws_per_step = self.n_critic + 2
        step = tf.cast(self.g_optimizer.iterations, tf.int64)
        return tf.stack([tf.constant(self.seed, tf.int64), step * draws_per_step + stream])

    def step_noise(self, count: Any, stream: int) -> tf.Tensor:
        """The noise ``(count, latent_dim)`` that the coming step draws from N(0, 1)."""
        return tf.random.stateless_normal([count, self.latent_dim], seed=self.step_seed(stream))

    # ---------------------------------------------------------------- using it

    def fit(self, x: Any, batch_size: int | None = None, **kwargs: Any) -> keras.callbacks.History:
        """Train, as ``keras.Model.fit`` does; a step is one generator update.

        Args:
            x: Real samples: an array ``(n, *sample_shape)`` (then give ``batch_size``), or a
                ``tf.data.Dataset`` of batches of them. Images are floats in [−1, 1]. One step
                uses ``n_critic`` batches; what is left over at an epoch's end is skipped.
            batch_size: For an array: samples per batch; 64 if not given.
            **kwargs: ``epochs``, ``callbacks``, ``verbose``, ``steps_per_epoch`` and so on, as
                in Keras.

        Returns:
            Keras's history: a list per logged name.

        Raises:
            ValueError: Before training, if the samples are empty, fewer than a step needs, of
                the wrong shape, not finite, or images outside [−1, 1].
        """
        if not self.compiled:
            raise ValueError("the model must be compiled before fit; call gan.compile(...)")
        if isinstance(self.g_optimizer, CompetitiveGradient):
            kwargs["callbacks"] = [*(kwargs.get("callbacks") or []), SolverWatch()]
        if kwargs.get("steps_per_epoch") is None and _endless(x):
            raise ValueError("steps_per_epoch must be given for a data set without end; got None")
        return super().fit(self._steps(x, batch_size), **kwargs)

    def _steps(self, x: Any, batch_size: int | None) -> tf.data.Dataset:
        """A data set whose every element is what one ``train_step`` takes."""
        shape = tuple(self.discriminator.input_shape[1:])
        if isinstance(x, tf.data.Dataset):
            if batch_size is not None:
                raise ValueError(
                    f"batch_size={batch_size!r} goes with an array; this tf.data.Dataset "
                    "already has batches"
                )
            first = next(iter(x), None)
            if first is None:
                raise ValueError("x is an empty data set; expected at least one batch of samples")
            data.check_samples("x", first, shape)
            batches, size = x, int(first.shape[0])
        else:
            x = data.check_samples("x", x, shape)
            size = min(64, len(x)) if batch_size is None else batch_size
            size = _checks.whole("batch_size", size)
            batches = data.batches(x, batch_size=min(size, len(x)), seed=self.seed)
        needed = size * self.n_critic
        steps = batches.map(lambda batch: tf.cast(batch, tf.float32))
        steps = steps.rebatch(needed, drop_remainder=True)
        if next(iter(steps), None) is None:
            raise ValueError(
                f"x has fewer samples than one training step needs: batch_size × n_critic = "
                f"{size} × {self.n_critic} = {needed}"
            )
        count = int(batches.cardinality())  # negative: unknown or infinite
        if count >= 0 and batches.element_spec.shape[0] is not None:
            # Full batches only: the progress bar can know its end.
            count //= self.n_critic
            steps = steps.apply(tf.data.experimental.assert_cardinality(count))
        return steps

    def call(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Samples ``(n, ...)`` that the averaged generator makes of noise ``(n, latent_dim)``."""
        del training  # the average is for use, not for training
        return self.ema_generator(latents, training=False)

    def noise(self, count: int, seed: int | None = None) -> np.ndarray:
        """Noise ``(count, latent_dim)`` from N(0, 1), float32; ``seed`` repeats a draw."""
        count = _checks.whole("count", count)
        if seed is not None:
            seed = _checks.whole("seed", seed, least=0)
        rng = np.random.default_rng(seed)
        return rng.standard_normal((count, self.latent_dim), dtype=np.float32)

    def generate(
        self,
        count: int | None = None,
        *,
        latents: Any = None,
        seed: int | None = None,
        ema: bool = True,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Generate samples.

        Args:
            count: How many; or give ``latents``.
            latents: Noise ``(n, latent_dim)`` to use instead of drawing it.
            seed: Makes the draw repeatable.
            ema: Use the averaged generator (default), or the one in training.
            batch_size: Samples per pass, which bounds the memory.

        Returns:
            float32 array ``(n, *sample_shape)``; images lie in [−1, 1].

        Raises:
            ValueError: If neither or both of ``count`` and ``latents`` are given, the noise has
                the wrong width or is not finite, or a number is out of range.
        """
        if (count is None) == (latents is None):
            raise ValueError(f"give either count or latents; got {count=}, latents={latents!r:.40}")
        if latents is None:
            latents = self.noise(count, seed)  # type: ignore[arg-type]
        latents = np.asarray(latents, dtype=np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not len(latents):
            raise ValueError(f"latents must have shape (n, {self.latent_dim}); got {latents.shape}")
        if not np.isfinite(latents).all():
            raise ValueError("latents must be finite; they hold NaN or infinity")
        generator = self.ema_generator if ema else self.generator
        batch_size = _checks.whole("batch_size", batch_size)
        parts = np.array_split(latents, math.ceil(len(latents) / batch_size))
        return np.concatenate([np.float32(generator(part, training=False)) for part in parts])

    # ---------------------------------------------------------------- saving

    def get_config(self) -> dict[str, Any]:
        """What ``from_config`` needs: both networks and the arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "latent_dim": self.latent_dim,
            "seed": self.seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "GPAT":
        """Rebuild an uncompiled model from ``get_config``'s result."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    def get_compile_config(self) -> dict[str, Any] | None:
        """What ``compile_from_config`` needs: the objective and both optimisers."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "loss": _name_of(self.adversarial_loss, losses.LOSSES),
            "penalty": self.gradient_penalty
            and _name_of(self.gradient_penalty, penalties.PENALTIES),
            "weights": serialize(vars(self.loss_weights)),
            "g_optimizer": serialize(self.g_optimizer),
            "d_optimizer": serialize(self.d_optimizer),
            "n_critic": self.n_critic,
            "ema": self.ema,
            "penalty_every": self.penalty_every,
            "generator_penalty": self.generator_penalty,
            "steps_per_execution": self.steps_per_execution,
            "run_eagerly": self.run_eagerly,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as ``get_compile_config`` recorded."""
        names = ("weights", "g_optimizer", "d_optimizer")
        objects = {name: keras.saving.deserialize_keras_object(config[name]) for name in names}
        self.compile(**{**config, **objects, "weights": LossWeights(**objects["weights"])})

    def _random_states(self) -> list[keras.Variable]:
        """States of the layers' seed generators (dropout), which Keras does not save."""
        return [v for v in self.non_trainable_variables if v.name == "seed_generator_state"]

    def save_own_variables(self, store: Any) -> None:
        """Save the random states, so that a loaded model goes on with the same dropout."""
        for i, state in enumerate(self._random_states()):
            store[str(i)] = np.asarray(state)

    def load_own_variables(self, store: Any) -> None:
        """Load what ``save_own_variables`` saved."""
        for i, state in enumerate(self._random_states()):
            state.assign(store[str(i)])


def _optimizer(optimizer: keras.optimizers.Optimizer | str | None) -> keras.optimizers.Optimizer:
    if optimizer is None:
        return keras.optimizers.Adam(4e-4, beta_1=0.0, beta_2=0.9)
    return keras.optimizers.get(optimizer)


def _endless(x: Any) -> bool:
    infinite = tf.data.INFINITE_CARDINALITY
    return isinstance(x, tf.data.Dataset) and bool(x.cardinality() == infinite)


def _mean(logs: list[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    return {name: tf.add_n([log[name] for log in logs]) / len(logs) for name in logs[0]}


def _gradient(tape: tf.GradientTape, loss: tf.Tensor, player: keras.Model) -> list[Any]:
    """The gradient for the player's variables; a layer that has no second derivative is named."""
    try:
        return tape.gradient(loss, player.trainable_variables)
    except LookupError as error:  # TensorFlow: "gradient registry has no entry for ..."
        guilty = [
            f"{layer.name} ({type(layer).__name__})"
            for layer in player._flatten_layers(include_self=False)
            if not _twice_differentiable(layer)
        ]
        raise ValueError(
            f"{player.name} must be twice differentiable for a penalty on gradients; TensorFlow "
            f"has no second derivative for: {', '.join(guilty) or 'one of its operations'} "
            f"({error}). Replace that layer, or train without the penalty"
        ) from error


def _twice_differentiable(layer: keras.layers.Layer) -> bool:
    try:
        points = tf.ones([1, *layer.input.shape[1:]])
    except (AttributeError, ValueError, TypeError):  # no single input of known shape
        return True
    try:
        with tf.GradientTape() as outer:
            outer.watch(points)
            slope = penalties.gradient_norm(lambda x: layer(x, training=False), points)
        outer.gradient(slope, points)
    except LookupError:
        return False
    except ValueError:  # the layer ignores its input
        pass
    return True


def _zeros_for_none(gradients: list[Any], variables: list[Any]) -> list[tf.Tensor]:
    """A variable that the loss does not reach (a last bias under a penalty alone) has zero."""
    return [
        tf.zeros(v.shape, v.dtype) if g is None else g
        for g, v in zip(gradients, variables, strict=True)
    ]


def _name_of(member: Any, table: Mapping[str, Any]) -> str:
    for name, known in table.items():
        if member is known:
            return name
    raise ValueError(
        f"a model compiled with {member!r} of your own cannot be saved whole, since a file holds "
        f"no code; use save_weights, or one of: {', '.join(sorted(table))}"
    )
