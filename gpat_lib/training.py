"""GPAT: a Keras model whose ``train_step`` is the algorithm of the course.

::

    L_g = λ1 L_cGAN + λ2 L_grad
    L_d = λ3 L_cGAN + λ4 L_grad
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
from gpat_lib import augment as augmentations
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

    With two networks of two inputs, ``[noise, labels]`` and ``[samples, labels]``, the model is
    class-conditional (Mirza and Osindero 2014): ``fit`` takes samples with their labels, a fake
    gets the label of the real sample it is compared with, ``generate`` makes the classes asked
    for. Labels are whole numbers from 0, of shape ``(n,)``; how many classes there are is read
    from the ``keras.layers.CategoryEncoding`` on each network's labels.

    With ``latent_dim=None`` the model is image-to-image: the generator repaints RGB images, the
    contents, whose three channels it takes together with those of the noise, drawn per pixel
    (``models.image_generator``); ``fit`` takes samples of the style with contents of the same
    size, ``generate`` contents. Which sample stands beside which content means nothing. There is
    one more log, ``content``, the content loss before its weight.

    Args:
        generator: Keras model from noise ``(n, latent_dim)``, or contents and noise
            ``(n, h, w, 3 + channels)``, to samples.
        discriminator: Keras model from samples to logits, one or a map of them per sample.
        latent_dim: Number of noise values per sample; ``None`` for image-to-image.
        seed: Seed of all noise. The noise of a step is a pure function of the seed and the step.

    Raises:
        ValueError: If the generator does not take ``latent_dim`` values, the discriminator
            does not take what the generator makes, they differ in their number of classes, or
            an image-to-image generator does not make RGB images of RGB images.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_dim: int | None = 100,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.latent_dim = None if latent_dim is None else _checks.whole("latent_dim", latent_dim)
        self.seed = _checks.whole("seed", seed, least=0)
        taken, judged = (tuple(net.inputs[0].shape[1:]) for net in (generator, discriminator))
        made = tuple(generator.output_shape[1:])
        if latent_dim is None and (len(taken) != 3 or taken[2] < 3 or made[2:] != (3,)):
            raise ValueError(
                "generator must take images of 3 channels and those of the noise, and make images "
                f"of 3, when latent_dim is None; it takes {taken}, and makes {made}"
            )
        if latent_dim is not None and taken != (latent_dim,):
            raise ValueError(
                f"latent_dim must be what the generator takes; got latent_dim={latent_dim} for a "
                f"generator with inputs of shape {taken}"
            )
        if made != judged:
            raise ValueError(
                f"discriminator must take what the generator makes; it takes {judged}, the "
                f"generator makes {made}"
            )
        self.num_classes = _num_classes(generator, discriminator)
        self.in_pairs = latent_dim is None or self.num_classes is not None
        self.noise_channels = taken[-1] - 3  # of image-to-image
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.set_weights(generator.get_weights())
        self.ema_generator.trainable = False
        names = LOG_NAMES if latent_dim else (*LOG_NAMES, "content")
        self.trackers = [keras.metrics.Mean(name=name) for name in names]
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
        augment: Any = None,
        content_loss: str | Callable[..., Any] | None = None,
        content_weight: float = 1.0,
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
            augment: Random changes of all images that the discriminator sees, real and generated,
                in both players' updates (``gpat_lib.augment``): names such as
                ``("shift", "color")``, a callable ``(images, seed) -> images``, or ``None``. The
                penalty looks at the changed images, which are what is scored.
            content_loss: What an image-to-image generator shall keep of the contents, added to L_g:
                a name in ``losses.CONTENT_LOSSES``, a callable ``(contents, made) -> scalar``
                (``gpat_lib.style`` has more), or ``None``.
            content_weight: Weight of the content loss, ≥ 0.
            steps_per_execution: Steps per call of the compiled function, as in Keras.
            jit_compile: As in Keras, but ``"auto"`` leaves XLA out where there is no GPU: on a CPU
                it made these steps 1.5 to 5 times slower.
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
        both = _checks.member("generator_penalty", generator_penalty, GENERATOR_PENALTIES)
        self.consensus = both and self.loss_weights.lambda_2 > 0
        self.generator_penalty = generator_penalty
        self.augment = augment
        self.change = augmentations.get(augment)
        self.content_loss = losses.get_content(content_loss)
        self.content_weight = _checks.number("content_weight", content_weight)
        if content_loss is not None and self.latent_dim is not None:
            raise ValueError(
                "content_loss is for image-to-image models (latent_dim=None); got "
                f"{content_loss!r} with latent_dim={self.latent_dim}"
            )
        if jit_compile == "auto" and not tf.config.list_physical_devices("GPU"):
            jit_compile = False
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
            ("content_loss", self.content_loss, None),
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

    def train_step(self, batch: Any) -> dict[str, tf.Tensor]:
        """One generator update after ``n_critic`` discriminator updates.

        Args:
            batch: ``n_critic`` batches of real samples in one tensor, as ``fit`` prepares them:
                every discriminator update sees fresh real samples and fresh noise. With classes,
                the pair (samples, labels); image-to-image, the pair (samples, contents).

        Returns:
            The logs named in the class's docstring.
        """
        samples, given = batch if self.in_pairs else (batch, None)
        with tf.control_dependencies([samples]):  # where the samples end, nothing runs
            if self.d_optimizer is None:
                return self._log(self._update_both(samples, given))
            # Step 1, initialising both networks, was done when they were built.
            # Step 2: noise to images. The fakes of all discriminator updates are drawn at once and
            # outside any tape: they are constants for the discriminator. (The generator's batch
            # normalisation therefore sees one large batch here.)
            latents = self.step_noise(tf.shape(samples)[0], stream=0, given=given)
            fakes = self.generator(self._made_from(latents, given), training=True)
            reals, fakes, latents, given = map(self._split, (samples, fakes, latents, given))
            d_logs = [
                self._update_discriminator(*parts, stream=2 + i)
                for i, parts in enumerate(zip(reals, fakes, latents, given, strict=True))
            ]
            g_logs = self._update_generator(reals[-1], given[-1])
            # Step 7, repeating until convergence, is fit's.
            return self._log({**_mean(d_logs), **g_logs})

    def _update_discriminator(
        self, real: tf.Tensor, fake: tf.Tensor, latents: tf.Tensor, given: Any, stream: int
    ) -> dict[str, tf.Tensor]:
        weights = self.loss_weights
        variables = self.discriminator.trainable_variables
        penalty = tf.zeros(())
        with tf.GradientTape() as tape:
            with tf.GradientTape(persistent=True) as field:
                if self.consensus:  # the gradient of the generator is penalised too
                    fake = self.generator(self._made_from(latents, given), training=True)
                real, fake = self._augmented(real, fake, stream)
                # Step 3: score the images.
                real_logits = self.discriminator(self._judged(real, given), training=True)
                fake_logits = self.discriminator(self._judged(fake, given), training=True)
                adversarial = self.adversarial_loss.discriminator(real_logits, fake_logits)
                g_adversarial = self.adversarial_loss.generator(real_logits, fake_logits)
            # Step 5: the discriminator's loss, L_d = λ3 L_cGAN + λ4 L_grad.
            d_loss = weights.lambda_3 * adversarial
            if self._penalised:
                penalty = self._lazy_penalty(real, fake, given, stream)
                d_loss += weights.penalty_weight(self.d_optimizer.iterations) * penalty
            if self.consensus:
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

    def _update_generator(self, real: tf.Tensor, given: Any) -> dict[str, tf.Tensor]:
        weights = self.loss_weights
        variables = self.generator.trainable_variables
        latents = self.step_noise(tf.shape(real)[0], stream=1, given=given)
        with tf.GradientTape() as tape:
            with tf.GradientTape(persistent=True) as field:
                # Steps 2 and 3 again, on the tape: the generator learns through the scores.
                made = self.generator(self._made_from(latents, given), training=True)
                real, fake = self._augmented(real, made, stream=1)
                fake_logits = self.discriminator(self._judged(fake, given), training=True)
                real_logits = self.discriminator(self._judged(real, given), training=True)
                adversarial = self.adversarial_loss.generator(real_logits, fake_logits)
                d_adversarial = self.adversarial_loss.discriminator(real_logits, fake_logits)
            # Step 4: the generator's loss, L_g = λ1 L_cGAN + λ2 L_grad.
            g_loss = weights.lambda_1 * adversarial
            if weights.lambda_2 > 0:
                g_loss += weights.lambda_2 * self._field_term(field, d_adversarial, adversarial)
            content = tf.zeros(())
            if self.content_loss is not None:  # style transfer: the photograph shall stay
                content = self.content_loss(given, made)
                g_loss += self.content_weight * content
        # Step 6, second half: update the generator.
        gradients = _gradient(tape, g_loss, self.generator)
        self.g_optimizer.apply(_zeros_for_none(gradients, variables), variables)
        self._update_average()
        return {
            "g_loss": g_loss,
            "content": content,
            "slope": self._slope(fake, given),
            "g_gradient_norm": tf.linalg.global_norm(gradients),
        }

    def _update_both(self, samples: tf.Tensor, given: Any) -> dict[str, tf.Tensor]:
        """One competitive step of the zero-sum game f = −L_d, which both players see whole."""
        weights = self.loss_weights
        latents = self.step_noise(tf.shape(samples)[0], stream=0, given=given)
        logs: dict[str, tf.Tensor] = {}

        def objective() -> tf.Tensor:
            # Evaluated several times per step, so nothing in it may be random: dropout is off.
            fake = self.generator(self._made_from(latents, given), training=True)
            real, fake = self._augmented(samples, fake, stream=2)
            real_logits, fake_logits = self._score(real, given), self._score(fake, given)
            d_loss = weights.lambda_3 * self.adversarial_loss.discriminator(
                real_logits, fake_logits
            )
            penalty = tf.zeros(())
            if self._penalised:
                penalty = self._penalty(real, fake, given, stream=2)
                d_loss += weights.penalty_weight(self.g_optimizer.iterations) * penalty
            if not logs:  # the first evaluation is that of the players as they stand
                g_loss = self.adversarial_loss.generator(real_logits, fake_logits)
                logs["d_loss"], logs["g_loss"] = d_loss, weights.lambda_1 * g_loss
                logs["critic_gap"] = tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits)
                logs["penalty"], logs["slope"] = penalty, self._slope(fake, given)
            return -d_loss

        _, g_gradient, d_gradient = self.g_optimizer.update_players(
            objective, self.generator.trainable_variables, self.discriminator.trainable_variables
        )
        self._update_average()
        norms = {"g_gradient_norm": tf.norm(g_gradient), "d_gradient_norm": tf.norm(d_gradient)}
        return {**logs, **norms}

    def _made_from(self, latents: tf.Tensor, given: Any) -> Any:
        """What the generator takes: noise, noise and labels, or contents that carry the noise."""
        if self.latent_dim is None:
            return tf.concat([given, latents], axis=-1)
        return latents if given is None else [latents, given]

    def _judged(self, samples: tf.Tensor, given: Any) -> Any:
        """What the discriminator takes: samples, and their labels, but never the contents."""
        return samples if self.num_classes is None else [samples, given]

    def _split(self, tensor: Any) -> list[Any]:
        """One part per discriminator update."""
        return [None] * self.n_critic if tensor is None else tf.split(tensor, self.n_critic)

    def _augmented(self, real: tf.Tensor, fake: tf.Tensor, stream: int) -> list[tf.Tensor]:
        """Both under random changes of one law, each drawn for itself; without any as they are."""
        seed = self.step_seed(stream)
        return [self.change(x, tf.random.fold_in(seed, 2 + i)) for i, x in enumerate((real, fake))]

    @property
    def _penalised(self) -> bool:
        return self.gradient_penalty is not None and self.loss_weights.lambda_4 != 0

    def _penalty(self, real: tf.Tensor, fake: tf.Tensor, given: Any, stream: int) -> tf.Tensor:
        seed = self.step_seed(stream)
        return self.gradient_penalty(lambda x: self._score(x, given), real, fake, seed=seed)

    def _lazy_penalty(self, real: tf.Tensor, fake: tf.Tensor, given: Any, stream: int) -> tf.Tensor:
        """The penalty; with ``penalty_every`` = k, k times the penalty at every k-th update."""
        if self.penalty_every == 1:
            return self._penalty(real, fake, given, stream)
        due = tf.equal(self.d_optimizer.iterations % self.penalty_every, 0)
        return tf.cond(
            due,
            lambda: self.penalty_every * self._penalty(real, fake, given, stream),
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

    def _slope(self, fake: tf.Tensor, given: Any) -> tf.Tensor:
        """Mean ‖∇ₓD‖ at sixteen fakes: enough for a log; more would slow every step down."""
        given = None if given is None else given[:16]
        return tf.reduce_mean(penalties.gradient_norm(lambda x: self._score(x, given), fake[:16]))

    def _score(self, samples: tf.Tensor, given: Any) -> tf.Tensor:
        """The discriminator as penalties see it: labels given, dropout off.

        With dropout on, every pass would see another random thinning, and the penalised function
        would not be the one whose scores are trained.
        """
        return self.discriminator(self._judged(samples, given), training=False)

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
            tracker.update_state(logs.get(tracker.name, 0.0))
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def step_seed(self, stream: int) -> tf.Tensor:
        """The seed ``(2,)`` of one draw in the coming step: a function of seed, step and stream.

        A resumed run therefore goes on with the same numbers. Stream 0 is the noise of the
        discriminator's fakes, 1 that of the generator's, 2 + i that of the i-th penalty.
        Augmentation has seeds of its own, derived from those of 1 and 2 + i.
        """
        draws_per_step = self.n_critic + 2
        step = tf.cast(self.g_optimizer.iterations, tf.int64)
        return tf.stack([tf.constant(self.seed, tf.int64), step * draws_per_step + stream])

    def step_noise(self, count: Any, stream: int, given: Any = None) -> tf.Tensor:
        """The noise that the coming step draws from N(0, 1), ``(count, latent_dim)``.

        Image-to-image: ``(count, h, w, channels)``, h and w those of the contents given.
        """
        shape = self._noise_shape(count, given)
        return tf.random.stateless_normal(shape, seed=self.step_seed(stream))

    def _noise_shape(self, count: Any, given: Any) -> list[Any]:
        if self.latent_dim is not None:
            return [count, self.latent_dim]
        return [count, *tf.unstack(tf.shape(given)[1:3]), self.noise_channels]

    # ---------------------------------------------------------------- using it

    def fit(
        self, x: Any, y: Any = None, batch_size: int | None = None, **kwargs: Any
    ) -> keras.callbacks.History:
        """Train, as ``keras.Model.fit`` does; a step is one generator update.

        Args:
            x: Real samples: an array ``(n, *sample_shape)`` (then give ``batch_size``), or a
                ``tf.data.Dataset`` of batches of them. Images are floats in [−1, 1]. One step
                uses ``n_critic`` batches; what is left over at an epoch's end is skipped. A data
                set is not autotuned unless its options ask for it (``autotune.enabled``). With
                classes: the pair (samples, labels), or a data set of such pairs; image-to-image:
                pairs (samples, contents) of one shape.
            y: Labels, whole numbers ``(n,)``, or contents: another way to give the pair (x, y).
            batch_size: For an array: samples per batch; 64 if not given.
            **kwargs: ``epochs``, ``callbacks``, ``verbose``, ``steps_per_epoch`` and so on, as
                in Keras.

        Returns:
            Keras's history: a list per logged name.

        Raises:
            ValueError: Before training, if the samples are empty, fewer than a step needs, of
                the wrong shape, not finite, or images outside [−1, 1]; if labels are missing, not
                wanted, not whole numbers, out of range, or not one per sample; if contents are
                not images like the samples, of their shape and number. (Of a data set the first
                batch is looked at. A label out of range in a later one ends training with
                TensorFlow's ``InvalidArgumentError``.)
        """
        if y is not None:
            x = (x, y)
        if not self.compiled:
            raise ValueError("the model must be compiled before fit; call gan.compile(...)")
        if isinstance(self.g_optimizer, CompetitiveGradient):
            kwargs["callbacks"] = [*(kwargs.get("callbacks") or []), SolverWatch()]
        if kwargs.get("steps_per_epoch") is None and _endless(x):
            raise ValueError("steps_per_epoch must be given for a data set without end; got None")
        # Batches are shuffled already, or are the caller's own: Keras would warn that it does not.
        return super().fit(self._steps(x, batch_size), **{"shuffle": False, **kwargs})

    def _steps(self, x: Any, batch_size: int | None) -> tf.data.Dataset:
        """A data set whose every element is what one ``train_step`` takes."""
        if isinstance(x, tf.data.Dataset):
            if batch_size is not None:
                raise ValueError(
                    f"batch_size={batch_size!r} goes with an array; this tf.data.Dataset "
                    "already has batches"
                )
            first = next(iter(x), None)
            if first is None:
                raise ValueError("x is an empty data set; expected at least one batch of samples")
            batches, size = x, len(tf.nest.flatten(self._checked(first))[0])
        else:
            x = self._checked(x)
            count = len(tf.nest.flatten(x)[0])
            size = min(64, count) if batch_size is None else batch_size
            size = _checks.whole("batch_size", size)
            batches = data.batches(x, batch_size=min(size, count), seed=self.seed)
        needed = size * self.n_critic
        steps = batches.map(self._typed).rebatch(needed, drop_remainder=True)
        if next(iter(steps), None) is None:
            raise ValueError(
                f"x has fewer samples than one training step needs: batch_size × n_critic = "
                f"{size} × {self.n_critic} = {needed}"
            )
        count = int(batches.cardinality())  # negative: unknown or infinite
        if count >= 0 and tf.nest.flatten(batches.element_spec)[0].shape[0] is not None:
            # Full batches only: the progress bar can know its end.
            count //= self.n_critic
            steps = steps.apply(tf.data.experimental.assert_cardinality(count))
        if batches.options().autotune.enabled is None:
            # TensorFlow's tuner of pipelines sleeps ever longer, and the end of a fit may wait
            # until it wakes: for as long as the fit itself took, up to a minute (2.20, measured).
            options = tf.data.Options()
            options.autotune.enabled = False
            steps = steps.with_options(options)
        return steps

    def _checked(self, x: Any) -> Any:
        """What a step can take: samples, or a pair of them with labels or contents."""
        shape = tuple(self.generator.output_shape[1:])
        if not self.in_pairs:
            return data.check_samples("x", x, shape)
        second, kind = "labels", f"of {self.num_classes} classes"
        if self.num_classes is None:
            second, kind = "contents", "from image to image"
        if not isinstance(x, tuple | list) or len(x) != 2:
            known = f"for networks {kind}; got a {type(x).__name__}"
            raise ValueError(f"x must be a pair (samples, {second}), or y be given, {known}")
        samples = data.check_samples("x", x[0], shape)
        if self.num_classes is not None:
            return samples, data.check_labels(second, x[1], len(samples), self.num_classes)
        contents = data.check_samples(second, x[1], samples.shape[1:])
        if len(contents) != len(samples):
            raise ValueError(
                f"contents must be {len(samples)}, as the samples; got {len(contents)}"
            )
        return samples, contents

    def _typed(self, samples: tf.Tensor, given: Any = None) -> Any:
        samples = tf.cast(samples, tf.float32)
        if given is None:
            return samples
        if self.num_classes is None:
            return samples, tf.cast(given, tf.float32)
        labels = tf.cast(given, tf.int64)  # a byte could not be compared with 256 classes
        known = (labels >= 0) & (labels < self.num_classes)
        message = f"labels must be >= 0 and < {self.num_classes}; got"
        tf.debugging.Assert(tf.reduce_all(known), [message, labels])
        return samples, tf.cast(labels, tf.int32)

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Samples ``(n, ...)`` that the averaged generator makes of what a generator takes."""
        del training  # the average is for use, not for training
        return self.ema_generator(inputs, training=False)

    def noise(self, count: int, seed: int | None = None, contents: Any = None) -> np.ndarray:
        """Noise from N(0, 1), float32, ``(count, latent_dim)``; ``seed`` repeats a draw.

        Image-to-image: ``(count, h, w, channels)``, h and w those of the ``contents``.
        """
        count = _checks.whole("count", count)
        if seed is not None:
            seed = _checks.whole("seed", seed, least=0)
        rng = np.random.default_rng(seed)
        shape = tuple(map(int, self._noise_shape(count, contents)))
        return rng.standard_normal(shape, dtype=np.float32)

    def generate(
        self,
        count: int | None = None,
        *,
        contents: Any = None,
        labels: Any = None,
        latents: Any = None,
        seed: int | None = None,
        ema: bool = True,
        batch_size: int | None = None,
    ) -> np.ndarray:
        """Generate samples.

        Args:
            count: How many; or give ``latents``. Image-to-image: as many as the contents.
            contents: Image-to-image: RGB images ``(n, h, w, 3)`` in [−1, 1] to repaint.
            labels: With classes: one class for all samples, or an array ``(n,)`` with that of
                each. If not given, classes come in random order, all equally often (up to one).
            latents: Noise to use instead of drawing it, of the shape that ``noise`` has.
            seed: Makes the draw repeatable.
            ema: Use the averaged generator (default), or the one in training.
            batch_size: Samples per pass, which bounds the memory; 256 if not given, of contents 8.

        Returns:
            float32 array ``(n, *sample_shape)``; images lie in [−1, 1].

        Raises:
            ValueError: If neither or both of ``count`` and ``latents`` are given, the noise has
                the wrong shape or is not finite, a number is out of range, or contents or labels
                are missing, not wanted, or do not fit.
        """
        if (contents is None) != (self.latent_dim is not None):
            raise ValueError(
                "contents are for image-to-image models (latent_dim=None), which need them; got "
                f"{contents!r:.40} with latent_dim={self.latent_dim}"
            )
        if contents is not None:
            contents = data.check_samples("contents", contents, (None, None, 3))
            count = len(contents) if latents is None and count is None else count
        if (count is None) == (latents is None):
            raise ValueError(f"give either count or latents; got {count=}, latents={latents!r:.40}")
        if latents is None:
            latents = self.noise(count, seed, contents)  # type: ignore[arg-type]
        latents = np.asarray(latents, dtype=np.float32)
        total = len(latents) if contents is None else len(contents)
        shape = tuple(map(int, self._noise_shape(total, contents)))
        if latents.shape != shape or not total:
            wish = ", ".join(map(str, ("n", *shape[1:]) if contents is None else shape))
            raise ValueError(f"latents must have shape ({wish}); got {latents.shape}")
        if not np.isfinite(latents).all():
            raise ValueError("latents must be finite; they hold NaN or infinity")
        given = self._labels(labels, total, seed) if contents is None else contents
        generator = self.ema_generator if ema else self.generator
        if batch_size is None:
            batch_size = 256 if contents is None else 8
        parts = math.ceil(total / _checks.whole("batch_size", batch_size))
        noise = np.array_split(latents, parts)
        beside = [None] * parts if given is None else np.array_split(given, parts)
        batches = (self._made_from(*part) for part in zip(noise, beside, strict=True))
        return np.concatenate([np.float32(generator(x, training=False)) for x in batches])

    def _labels(self, labels: Any, count: int, seed: int | None) -> np.ndarray | None:
        if self.num_classes is None:
            if labels is not None:
                raise ValueError(f"labels={labels!r:.40} are for networks with num_classes")
            return None
        if labels is None:
            # A stream of its own: the noise of a seed is the same with and without labels.
            rng = np.random.default_rng(None if seed is None else [seed, 1])
            rounds = range(math.ceil(count / self.num_classes))
            labels = np.concatenate([rng.permutation(self.num_classes) for _ in rounds])[:count]
        elif np.ndim(labels) == 0:
            labels = np.full(count, labels)
        return data.check_labels("labels", labels, count, self.num_classes)

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
            "augment": self.augment
            if not callable(self.augment)
            else _name_of(self.augment, augmentations.CHANGES),
            "content_loss": self.content_loss
            and _name_of(self.content_loss, losses.CONTENT_LOSSES),
            "content_weight": self.content_weight,
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


def _num_classes(*networks: keras.Model) -> int | None:
    """How many classes both networks know, by the layers on their labels; ``None`` without."""
    inputs = [len(network.inputs) for network in networks]
    layers = [network._flatten_layers() for network in networks]
    found = [
        {layer.num_tokens for layer in some if hasattr(layer, "num_tokens")} for some in layers
    ]
    if inputs == [1, 1]:
        return None
    if inputs != [2, 2] or found[0] != found[1] or len(found[0]) != 1:
        raise ValueError(
            "generator and discriminator must both have one input, or both two, the second labels "
            "with a CategoryEncoding(num_classes, output_mode='one_hot') of one num_classes; got "
            f"{inputs} inputs and num_classes {found}"
        )
    return found[0].pop()


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
