"""Conjugate directions as optimisers: one player at a time, or both players at once.

Three things are called conjugate gradients in adversarial training, and this module has each:

- ``ConjugateGradient``, nonlinear: a player's step mixes its gradient with its last direction;
- ``conjugate_gradient_solve``, linear: solves A z = b from products with A alone;
- ``CompetitiveGradient``: each player's step answers the other's, found by such a solve.

``lazy_adam`` rescales Adam for a penalty that is applied only every few steps.
"""

import numbers
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from gpat_lib import _checks

Matvec = Callable[[tf.Tensor], tf.Tensor]


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b)


def _ratio(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """The quotient a / b, or 0 where that is no finite number: β = 0 starts from the gradient."""
    quotient = a / b
    return tf.where(tf.math.is_finite(quotient), quotient, tf.zeros_like(quotient))


# How much of the last direction to keep: functions (g, g₋, d₋) -> β of the gradient g, the
# gradient g₋ one step before and the direction d₋ that was followed there; y = g − g₋.


def fletcher_reeves(g: tf.Tensor, g_previous: tf.Tensor, d_previous: tf.Tensor) -> tf.Tensor:
    """g·g / g₋·g₋ (Fletcher & Reeves 1964)."""
    del d_previous
    return _ratio(_dot(g, g), _dot(g_previous, g_previous))


def polak_ribiere(g: tf.Tensor, g_previous: tf.Tensor, d_previous: tf.Tensor) -> tf.Tensor:
    """max(0, g·y / g₋·g₋): PRP⁺ (Polak & Ribière 1969, Polyak 1969; the max is Powell's)."""
    del d_previous
    return tf.nn.relu(_ratio(_dot(g, g - g_previous), _dot(g_previous, g_previous)))


def hestenes_stiefel(g: tf.Tensor, g_previous: tf.Tensor, d_previous: tf.Tensor) -> tf.Tensor:
    """g·y / d₋·y (Hestenes & Stiefel 1952)."""
    y = g - g_previous
    return _ratio(_dot(g, y), _dot(d_previous, y))


def dai_yuan(g: tf.Tensor, g_previous: tf.Tensor, d_previous: tf.Tensor) -> tf.Tensor:
    """g·g / d₋·y (Dai & Yuan 1999)."""
    return _ratio(_dot(g, g), _dot(d_previous, g - g_previous))


def hager_zhang(g: tf.Tensor, g_previous: tf.Tensor, d_previous: tf.Tensor) -> tf.Tensor:
    """(y − 2 d₋ ‖y‖² / d₋·y)·g / d₋·y (Hager & Zhang 2005, without their lower bound)."""
    y = g - g_previous
    slope = _dot(d_previous, y)
    return _ratio(_dot(y - 2.0 * d_previous * _ratio(_dot(y, y), slope), g), slope)


def _hybrid(first: Callable[..., Any], second: Callable[..., Any]) -> Callable[..., tf.Tensor]:
    """max(0, min(first, second))."""
    return lambda *vectors: tf.nn.relu(tf.minimum(first(*vectors), second(*vectors)))


BETAS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "fletcher_reeves": fletcher_reeves,
    "polak_ribiere": polak_ribiere,
    "hestenes_stiefel": hestenes_stiefel,
    "dai_yuan": dai_yuan,
    "hager_zhang": hager_zhang,
    "hybrid_hs_dy": _hybrid(hestenes_stiefel, dai_yuan),
    "hybrid_fr_prp": _hybrid(fletcher_reeves, polak_ribiere),
}


@keras.saving.register_keras_serializable(package="gpat_lib")
class ConjugateGradient(keras.optimizers.Optimizer):
    """Nonlinear conjugate gradients, for any Keras model: d = −g + β d₋, w ← w + a d.

    d = −g at the first step. Each weight tensor has its own β, direction and last gradient, and
    each player of a game needs an optimiser of its own. The step a is the learning rate; there
    is no line search, so β is capped. A tensor whose d would not descend (g·d ≥ 0) starts
    again from −g.

    Source: Naganuma & Iiduka 2023 (AISTATS), who cap β at ½. Here the cap holds for either sign,
    ``|β|`` ≤ ``beta_cap``; at ½ it keeps ‖d‖ at most twice the largest ‖g‖ so far.
    State and arithmetic are at least float32, so bfloat16 weights lose no digits of β.

    Args:
        learning_rate: The step a: a number ≥ 0, a Keras schedule, or a callable.
        formula: How β is computed: a name in ``BETAS``.
        beta_cap: Largest ``|β|``, ≥ 0; ``None`` for no cap (with exact line search).
        restart_every: Forget the direction (β = 0) at every such step; ``None`` for never.
        **kwargs: ``name``, ``clipnorm``, ``weight_decay`` and so on, as in Keras.

    Raises:
        ValueError: If the formula is unknown (the known ones are listed) or a number is out of
            range.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-2,
        formula: str = "polak_ribiere",
        beta_cap: float | None = 0.5,
        restart_every: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(_learning_rate(learning_rate), **kwargs)
        _checks.member("formula", formula, BETAS)
        self.formula = formula
        self.beta_cap = None if beta_cap is None else _checks.number("beta_cap", beta_cap)
        if restart_every is not None:
            restart_every = _checks.whole("restart_every", restart_every)
        self.restart_every = restart_every

    def build(self, variables: Sequence[Any]) -> None:
        """Make the places for each variable's direction and last gradient, both zero."""
        if self.built:
            return
        super().build(variables)
        self.directions = [self._place(v, f"direction_{i}") for i, v in enumerate(variables)]
        self.gradients = [self._place(v, f"gradient_{i}") for i, v in enumerate(variables)]

    def _place(self, variable: Any, name: str) -> keras.Variable:
        return self.add_variable(variable.shape, dtype=_wide([variable]), name=name)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable."""
        index = self._get_variable_index(variable)
        direction, previous = self.directions[index], self.gradients[index]
        g = tf.cast(tf.convert_to_tensor(gradient), previous.dtype)
        beta = BETAS[self.formula](g, previous.value, direction.value)
        if self.beta_cap is not None:
            beta = tf.clip_by_value(beta, -self.beta_cap, self.beta_cap)
        if self.restart_every is not None:
            restart = tf.equal(self.iterations % self.restart_every, 0)
            beta = tf.where(restart, tf.zeros_like(beta), beta)
        d = beta * direction.value - g
        d = tf.where(_dot(g, d) < 0, d, -g)
        self.assign(direction, d)
        self.assign(previous, g)
        self.assign_add(variable, tf.cast(learning_rate, d.dtype) * d)

    def get_config(self) -> dict[str, Any]:
        """The arguments, for saving."""
        own = {name: getattr(self, name) for name in ("formula", "beta_cap", "restart_every")}
        return {**super().get_config(), **own}


def conjugate_gradient_solve(
    matvec: Matvec, rhs: Any, start: Any, tolerance: float, max_iterations: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Solve A z = b for a symmetric positive definite A that is known only by its products.

    Linear conjugate gradients (Hestenes & Stiefel 1952): exact in n steps but for rounding, and
    far sooner if A's eigenvalues are close together. The directions are those of
    ``fletcher_reeves`` on ½ zᵀAz − bᵀz. A start that is worse than zero is dropped.

    Args:
        matvec: ``z (n,) -> A z (n,)``.
        rhs: b, a tensor ``(n,)``.
        start: First guess ``(n,)``; the nearer, the fewer steps.
        tolerance: Stop when ‖b − A z‖ ≤ tolerance · ‖b‖; finite, ≥ 0.
        max_iterations: Stop after so many products with A (one more checks the start), ≥ 1.

    Returns:
        The solution ``(n,)``, its relative residual ‖b − A z‖ / ‖b‖ as the recursion knows it,
        and the number of iterations (int32). A zero b gives zero, residual 0, 0 iterations.

    Raises:
        ValueError: If the tolerance or the cap is out of range.
    """
    tolerance = _checks.number("tolerance", tolerance)
    max_iterations = _checks.whole("max_iterations", max_iterations)
    rhs = tf.convert_to_tensor(rhs)
    start = tf.convert_to_tensor(start, rhs.dtype)
    size = tf.norm(rhs)
    residual = rhs - matvec(start)
    better = tf.norm(residual) < size
    solution = tf.where(better, start, tf.zeros_like(rhs))
    residual = tf.where(better, residual, rhs)

    def unsolved(count: Any, solution: Any, residual: Any, direction: Any) -> tf.Tensor:
        del count, solution, direction
        # Not "residual > bound": a NaN must reach the solution, where it is seen.
        return tf.logical_not(tf.norm(residual) <= tolerance * size)

    def step(count: Any, solution: Any, residual: Any, direction: Any) -> tuple[tf.Tensor, ...]:
        image = matvec(direction)
        rate = tf.math.divide_no_nan(_dot(residual, residual), _dot(direction, image))
        fresh = residual - rate * image
        beta = fletcher_reeves(fresh, residual, direction)
        return count + 1, solution + rate * direction, fresh, fresh + beta * direction

    begin = (tf.constant(0), solution, residual, residual)
    count, solution, residual, _ = tf.while_loop(
        unsolved, step, begin, maximum_iterations=max_iterations
    )
    return solution, tf.math.divide_no_nan(tf.norm(residual), size), count


@keras.saving.register_keras_serializable(package="gpat_lib")
class CompetitiveGradient(keras.optimizers.Optimizer):
    """Competitive gradient descent: both players move to the equilibrium of their local game.

    x minimises f, y maximises f. Each step solves the game in which f is replaced by its linear
    and mixed terms, and a step costs 1/(2η) of its squared length:

        Δx = −η (I + η² D_xy D_yx)⁻¹ (∇ₓf + η D_xy ∇_y f),    Δy = η (∇_y f + D_yx Δx).

    D_xy is the matrix ∂²f/∂x∂y, which is never formed: the solve needs its products with vectors
    alone. Curvature within a player (D_xx, D_yy) does not enter. The form of Δy, the best answer
    to Δx, equals the paper's second solve.

    Source: Schäfer & Anandkumar 2019 (arXiv 1905.12103), for a zero-sum game. An update evaluates
    f 5 times and twice more per iteration of the solve. Runs on one device.

    After an update the variables ``residual`` (relative, > ``tolerance`` if the cap was hit),
    ``solver_iterations`` (of the last solve) and ``iterations`` (updates so far) may be logged.

    Args:
        learning_rate: η: a number ≥ 0, a Keras schedule, or a callable.
        tolerance: The solve stops at this relative residual, ≥ 0.
        max_iterations: The solve stops after so many iterations, ≥ 1.
        name: Name of the optimiser.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-2,
        tolerance: float = 1e-6,
        max_iterations: int = 100,
        name: str | None = None,
    ):
        super().__init__(_learning_rate(learning_rate), name=name)
        self.tolerance = _checks.number("tolerance", tolerance)
        self.max_iterations = _checks.whole("max_iterations", max_iterations)

    def build(self, x_variables: Sequence[Any]) -> None:
        """Make the place where the last solution waits as the start of the next solve."""
        if self.built:
            return
        super().build(x_variables)
        dtype = _wide(x_variables)
        size = sum(v.shape.num_elements() for v in map(_plain, x_variables))
        self.solution = self.add_variable((size,), dtype=dtype, name="solution")
        self.residual = self.add_variable((), dtype=dtype, name="residual")
        self.solver_iterations = self.add_variable((), dtype="int32", name="solver_iterations")

    def update_players(
        self,
        objective: Callable[[], Any],
        x_variables: Sequence[Any],
        y_variables: Sequence[Any],
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Move both players once.

        Args:
            objective: Returns the scalar f of the variables' present values. It is called many
                times and must be the same function each time: give random draws a fixed seed,
                and leave out what changes state (batch normalisation's averages).
            x_variables: The variables that minimise f, those the optimiser was built with.
            y_variables: The variables that maximise f.

        Returns:
            f, ∇ₓf and ∇_y f before the update, the gradients as flat vectors. Variables that f
            does not reach have zero gradient.

        Raises:
            ValueError: If f is no scalar, or the optimiser was built for other x.
        """
        if not self.built:
            self.build(x_variables)
        x, y = [_plain(v) for v in x_variables], [_plain(v) for v in y_variables]
        dtype = tf.as_dtype(self.solution.dtype)
        eta = tf.cast(self.learning_rate, dtype)

        def gradients(*players: Sequence[tf.Variable]) -> tuple[tf.Tensor, ...]:
            """F and each player's flat gradient."""
            with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
                tape.watch(players)
                value = tf.convert_to_tensor(objective())
            if value.shape.rank != 0:
                raise ValueError(f"objective must return a scalar; got shape {value.shape}")
            return value, *(_flat_gradient(tape, value, player, dtype) for player in players)

        def mixed(to: Sequence[Any], by: Sequence[Any], vector: tf.Tensor) -> tf.Tensor:
            """The product of ∂²f/∂to∂by with a vector: the gradient for ``to`` of ∇_by f · v."""
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(to)
                product = _dot(gradients(by)[1], vector)
            return _flat_gradient(tape, product, to, dtype)

        value, x_gradient, y_gradient = gradients(x, y)
        if x_gradient.shape != self.solution.shape:
            raise ValueError(
                f"x_variables must be those the optimizer was built with, {self.solution.shape[0]} "
                f"numbers; got {x_gradient.shape[0]}"
            )
        z, residual, count = conjugate_gradient_solve(
            lambda v: v + eta**2 * mixed(x, y, mixed(y, x, v)),
            x_gradient + eta * mixed(x, y, y_gradient),
            self.solution.value,
            self.tolerance,
            self.max_iterations,
        )
        y_step = eta * (y_gradient - eta * mixed(y, x, z))
        _move(x_variables, -eta * z)
        _move(y_variables, y_step)
        self.solution.assign(z)
        self.residual.assign(residual)
        self.solver_iterations.assign(count)
        self.iterations.assign_add(1)
        return value, x_gradient, y_gradient

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Not for this optimiser: one player's gradient does not say where the game goes."""
        raise NotImplementedError("CompetitiveGradient moves two players: call update_players")

    def get_config(self) -> dict[str, Any]:
        """The arguments, for saving."""
        base = super().get_config()
        own = {name: getattr(self, name) for name in ("tolerance", "max_iterations")}
        return {"name": base["name"], "learning_rate": base["learning_rate"], **own}


def _learning_rate(value: Any) -> Any:
    """A number becomes a checked float; schedules and callables are left to Keras."""
    return _checks.number("learning_rate", value) if isinstance(value, numbers.Real) else value


def _plain(variable: Any) -> tf.Variable:
    return variable.value if isinstance(variable, keras.Variable) else variable


def _wide(variables: Sequence[Any]) -> str:
    """The dtype of arithmetic over these variables: the widest of theirs, at least float32."""
    dtypes = [tf.float32, *(tf.as_dtype(v.dtype) for v in variables)]
    return max(dtypes, key=lambda dtype: dtype.size).name


def _flat_gradient(
    tape: tf.GradientTape, value: tf.Tensor, variables: Sequence[tf.Variable], dtype: tf.DType
) -> tf.Tensor:
    """The gradient for all variables as one vector, zero where there is none."""
    parts = tape.gradient(value, variables, unconnected_gradients="zero")
    return tf.concat([tf.reshape(tf.cast(part, dtype), [-1]) for part in parts], axis=0)


def _move(variables: Sequence[Any], step: tf.Tensor) -> None:
    """Add a flat step to the variables, then apply their Keras constraints."""
    sizes = [_plain(v).shape.num_elements() for v in variables]
    for variable, part in zip(variables, tf.split(step, sizes), strict=True):
        variable.assign_add(tf.cast(tf.reshape(part, variable.shape), variable.dtype))
        if getattr(variable, "constraint", None) is not None:
            variable.assign(variable.constraint(variable))


@keras.saving.register_keras_serializable(package="gpat_lib")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule times a constant.

    Args:
        schedule: The Keras schedule.
        factor: What multiplies it, finite and ≥ 0.

    Raises:
        ValueError: If the factor is out of range.
    """

    def __init__(self, schedule: Any, factor: float):
        self.schedule = schedule
        self.factor = _checks.number("factor", factor)

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        return self.factor * self.schedule(step)

    def get_config(self) -> dict[str, Any]:
        """The arguments, for saving."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ScaledSchedule":
        """Rebuild from ``get_config``'s result."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def lazy_adam(adam: keras.optimizers.Adam, every: int) -> keras.optimizers.Adam:
    """A fresh Adam, rescaled for a penalty that is applied only every k-th step, times k.

    With c = k/(k + 1): learning rate · c, β₁^c, β₂^c. Source: Karras et al. 2020 (StyleGAN2),
    section on lazy regularization, where the penalty is a step of its own, so that k
    iterations take k + 1 steps; the rescaled Adam moves and forgets as much in k + 1 steps as
    the given one in k.

    Args:
        adam: A Keras Adam with a number or a Keras schedule as its learning rate. It is left as
            it is, and its state is not taken over.
        every: k, ≥ 1.

    Raises:
        ValueError: If ``adam`` is another optimiser or has a bare callable as its learning rate,
            or ``every`` is out of range.
    """
    c = _checks.whole("every", every) / (every + 1)
    if type(adam) is not keras.optimizers.Adam:
        raise ValueError(
            "adam must be a keras.optimizers.Adam, since the rescaling is known for it alone; "
            f"got {type(adam).__name__}"
        )
    rate = adam._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = ScaledSchedule(rate, c)
    elif isinstance(rate, keras.Variable):
        rate = c * float(rate.numpy())
    else:
        raise ValueError(f"adam's learning_rate must be a number or a Keras schedule; got {rate!r}")
    config = adam.get_config()
    betas = {name: config[name] ** c for name in ("beta_1", "beta_2")}
    return keras.optimizers.Adam(**{**config, **betas, "learning_rate": rate})
