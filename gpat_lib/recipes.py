"""Named training recipes: objective, optimisers and schedules that were chosen by measurement."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from gpat_lib import _checks, models
from gpat_lib.training import GPAT, LossWeights


@dataclass(frozen=True)
class Recipe:
    """Everything about a run but the data.

    Learning rates fall to zero along half a cosine. λ4 falls geometrically: a strong penalty while
    the generator is far off, a weak one while it settles.

    Attributes:
        name: The name in ``RECIPES``.
        generator: Makes the generator it was measured with.
        discriminator: Makes the discriminator.
        loss: L_cGAN, a name in ``losses.LOSSES``.
        penalty: L_grad, a name in ``penalties.PENALTIES``.
        lambda_4: The penalty's weight at the first and at the last update.
        learning_rate: Of both Adams, at the first update.
        betas: β₁ and β₂ of both Adams.
        ema: Decay of the generator's running average.
        n_critic: Discriminator updates per step.
        batch_size: Samples per batch.
        steps: How many steps the recipe was measured with.
    """

    name: str
    generator: Callable[[], keras.Model]
    discriminator: Callable[[], keras.Model]
    loss: str
    penalty: str
    lambda_4: tuple[float, float]
    learning_rate: float
    betas: tuple[float, float]
    ema: float
    n_critic: int
    batch_size: int
    steps: int

    def build(self, steps: int | None = None, seed: int = 0) -> GPAT:
        """A new model with the recipe's networks, compiled for a run of so many steps.

        Args:
            steps: As in ``compile``.
            seed: Seed of the model's noise. The first weights come from Keras's own generator:
                call ``keras.utils.set_random_seed`` before, to repeat a run.
        """
        generator = self.generator()
        gan = GPAT(generator, self.discriminator(), generator.input_shape[1], seed)
        return self.compile(gan, steps)

    def compile(self, gan: GPAT, steps: int | None = None, steps_per_execution: int = 100) -> GPAT:
        """Compile a model, of your own networks perhaps, for a run of so many steps; return it.

        Args:
            gan: The model.
            steps: Length of the run, which stretches the schedules; the recipe's own if ``None``.
            steps_per_execution: As in Keras: for networks as small as these, calling TensorFlow
                once per step would cost as much as the step.

        Raises:
            ValueError: If ``steps`` is not a whole number ≥ 1.
        """
        steps = _checks.whole("steps", self.steps if steps is None else steps)
        updates = steps * self.n_critic
        first, last = self.lambda_4
        schedules = keras.optimizers.schedules
        weights = LossWeights(
            lambda_4=schedules.ExponentialDecay(first, updates, decay_rate=last / first)
        )
        g_optimizer, d_optimizer = (
            keras.optimizers.Adam(schedules.CosineDecay(self.learning_rate, count), *self.betas)
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
            steps_per_execution=min(steps, steps_per_execution),
        )
        return gan


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
            betas=(0.0, 0.99),
            ema=0.999,
            n_critic=1,
            batch_size=256,
            steps=50_000,
        ),
    )
}


def get(recipe: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        ValueError: If no recipe has that name; the message lists the known ones.
    """
    return _checks.member("recipe", recipe, RECIPES)
