"""Named training recipes: objective, optimisers and schedules that were chosen by measurement."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from gpat_lib import _checks, models
from gpat_lib.training import GPAT, LossWeights


def _dcgan_generator(
    width: int, image_shape: tuple[int, ...] = (32, 32, 3), num_classes: int | None = None
) -> keras.Model:
    if tuple(image_shape[:2]) != (32, 32):
        wish = "this recipe's is (32, 32, channels). For another: recipe.compile(GPAT(...))"
        raise ValueError(f"image_shape is {image_shape}; {wish}")
    return models.dcgan_generator(100, width, image_shape[2], num_classes)


@dataclass(frozen=True)
class Recipe:
    """Everything about a run but the data.

    The learning rates fall along half a cosine, λ4 falls geometrically: a strong penalty while the
    generator is far off, a weak one while it settles. Equal ends keep them constant. What a recipe
    leaves out is the source material's setting, ``"source"``: its networks, the Wasserstein loss
    and WGAN-GP, with the numbers of Gulrajani et al. 2017, algorithm 1. A variant of a recipe:
    ``dataclasses.replace(recipe, n_critic=2)``.

    Attributes:
        name: The name in ``RECIPES``.
        generator: Makes the generator; of a recipe for images, of ``image_shape`` (32 × 32 pixels)
            and ``num_classes``.
        discriminator: Makes the discriminator, of the same arguments.
        loss: L_cGAN, a name in ``losses.LOSSES``.
        penalty: L_grad, a name in ``penalties.PENALTIES``.
        lambda_4: The penalty's weight at the first and at the last update.
        learning_rate: Of both Adams, at the first update.
        final_rate: The learning rate at the last update, as a share of the first; 1 is constant.
        betas: β₁ and β₂ of both Adams.
        ema: Decay of the generator's running average; 0 for none.
        n_critic: Discriminator updates per step.
        batch_size: Samples per batch.
        steps: Length of a run if none is given; if rate or λ4 fall, the one that was measured.
        augment: Random changes of all images, as in ``GPAT.compile``.
        steps_per_execution: As in Keras: for very small networks, calling TensorFlow once per
            step would cost as much as the step.
    """

    name: str
    generator: Callable[..., keras.Model] = functools.partial(_dcgan_generator, width=64)
    discriminator: Callable[..., keras.Model] = models.dcgan_discriminator
    loss: str = "wasserstein"
    penalty: str = "wgan_gp"
    lambda_4: tuple[float, float] = (10.0, 10.0)
    learning_rate: float = 1e-4
    final_rate: float = 1.0
    betas: tuple[float, float] = (0.0, 0.9)
    ema: float = 0.0
    n_critic: int = 5
    batch_size: int = 64
    steps: int = 14_000
    augment: tuple[str, ...] | None = None
    steps_per_execution: int = 1

    def build(self, steps: int | None = None, seed: int = 0, **networks: Any) -> GPAT:
        """A new model with the recipe's networks, compiled for a run of so many steps.

        Args:
            steps: As in ``compile``.
            seed: Seed of the model's noise. The first weights come from Keras's own generator:
                call ``keras.utils.set_random_seed`` before, to repeat a run.
            **networks: For images: ``image_shape``, (32, 32, 3) if not given, and ``num_classes``
                of a class-conditional model.

        Raises:
            ValueError: If the networks cannot be made so.
        """
        generator = self.generator(**networks)
        latent_dim = generator.inputs[0].shape[1]
        gan = GPAT(generator, self.discriminator(**networks), latent_dim, seed)
        return self.compile(gan, steps)

    def compile(self, gan: GPAT, steps: int | None = None) -> GPAT:
        """Compile a model, of your own networks perhaps, for a run of so many steps; return it.

        Args:
            gan: The model.
            steps: Length of the run, which stretches the schedules; the recipe's own if ``None``.

        Raises:
            ValueError: If ``steps`` is not a whole number ≥ 1.
        """
        steps = _checks.whole("steps", self.steps if steps is None else steps)
        updates = steps * self.n_critic
        rate, (first, last) = self.learning_rate, self.lambda_4
        schedules = keras.optimizers.schedules
        weights = LossWeights(
            lambda_4=schedules.ExponentialDecay(first, updates, decay_rate=last / first)
        )
        g_optimizer, d_optimizer = (
            keras.optimizers.Adam(schedules.CosineDecay(rate, count, self.final_rate), *self.betas)
            for count in (steps, updates)
        )
        gan.compile(
            loss=self.loss,
            penalty=self.penalty,
            weights=weights,
            g_optimizer=g_optimizer,
            d_optimizer=d_optimizer,
            n_critic=self.n_critic,
            ema=self.ema,
            augment=self.augment,
            steps_per_execution=min(steps, self.steps_per_execution),
        )
        return gan


# The critic needs to see whole digits, hence its hidden layer.
_SMALL_NETWORKS: dict[str, Any] = {
    "generator": functools.partial(_dcgan_generator, width=24),
    "discriminator": functools.partial(
        models.dcgan_discriminator, width=24, dropout=0.0, depth=3, hidden=256
    ),
}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        # For points in the plane scaled into about [−1, 1]: the relativistic loss with R1 and R2 of
        # Huang et al. 2024, with their falling λ4. Measured by benchmarks/points_recipe.py.
        Recipe(
            "points",
            generator=models.mlp_generator,
            discriminator=models.mlp_discriminator,
            loss="relativistic",
            penalty="r1_r2",
            lambda_4=(0.03, 0.0003),
            learning_rate=7e-4,
            final_rate=0.0,
            betas=(0.0, 0.99),
            ema=0.999,
            n_critic=1,
            batch_size=256,
            steps=62_000,
            steps_per_execution=100,
        ),
        Recipe("source"),
        # What tutorials on WGAN-GP use, with the networks of "images", to compare with.
        Recipe("wgan_gp", **_SMALL_NETWORKS, learning_rate=2e-4, betas=(0.5, 0.9), n_critic=3),
        # The modern baseline of Huang et al. 2024. Measured on 1,437 digits, which are few: hence
        # a strong penalty, so as not to learn them by heart. See benchmarks/train_checkpoint.py.
        Recipe(
            "images",
            **_SMALL_NETWORKS,
            loss="relativistic",
            penalty="r1_r2",
            lambda_4=(2.0, 2.0),
            learning_rate=1e-3,
            final_rate=0.05,
            betas=(0.0, 0.99),
            ema=0.999,
            n_critic=1,
        ),
    )
}


def get(recipe: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        ValueError: If no recipe has that name; the message lists the known ones.
    """
    return _checks.member("recipe", recipe, RECIPES)
