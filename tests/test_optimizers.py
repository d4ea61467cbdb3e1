"""Conjugate directions: closed forms, dense solves, and the traps of public code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpat_lib import optimizers
from gpat_lib.optimizers import BETAS, CompetitiveGradient, ConjugateGradient

FORMULAS = ["fletcher_reeves", "polak_ribiere", "hestenes_stiefel", "dai_yuan", "hager_zhang"]


def spd(n, seed=0):
    """A symmetric positive definite matrix with eigenvalues 1, 2, ... n."""
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return basis * np.arange(1.0, n + 1) @ basis.T


def vectors(count, n=6, seed=0):
    return list(np.random.default_rng(seed).normal(size=(count, n)))


def step(optimizer, variable, gradient):
    optimizer.apply([tf.constant(gradient, variable.dtype)], [variable])
    return variable.numpy()


def follow(gradients, formula="fletcher_reeves", rate=0.5, start=0.0, **settings):
    """Where the optimiser goes with these gradients, whatever the place."""
    optimizer = ConjugateGradient(rate, formula, **settings)
    w = tf.Variable(np.full_like(gradients[0], start))
    return [step(optimizer, w, g) for g in gradients]


# ---------------------------------------------------------------- β


def test_each_formula_on_numbers_worked_out_by_hand():
    """g = (1, 2), g₋ = (2, 0), d₋ = (−3, 1): y = (−1, 2), g·g 5, g₋·g₋ 4, g·y 3, d₋·y 5, y·y 5."""
    expected = {
        "fletcher_reeves": 5 / 4,
        "polak_ribiere": 3 / 4,
        "hestenes_stiefel": 3 / 5,
        "dai_yuan": 1.0,
        "hager_zhang": (3 - 2 * (-1) * 5 / 5) / 5,  # d₋·g = −1
        "hybrid_hs_dy": 3 / 5,
        "hybrid_fr_prp": 3 / 4,
    }
    g, g_previous, d_previous = (tf.constant(v, tf.float64) for v in ([1, 2], [2, 0], [-3, 1]))
    assert BETAS.keys() == expected.keys()
    for name, beta in BETAS.items():
        value = beta(g, g_previous, d_previous)
        assert value.shape == ()
        np.testing.assert_allclose(value, expected[name], rtol=1e-12, err_msg=name)


def test_the_other_branch_of_each_hybrid_and_of_the_maxima():
    g, g_previous, d_previous = (tf.constant(v, tf.float64) for v in ([1, -2], [2, 3], [-3, -1]))
    # y = (−1, −5), g·g 5, g₋·g₋ 13, g·y 9, d₋·y 8
    np.testing.assert_allclose(BETAS["hybrid_hs_dy"](g, g_previous, d_previous), 5 / 8)
    np.testing.assert_allclose(BETAS["hybrid_fr_prp"](g, g_previous, d_previous), 5 / 13)
    # Now g·y = 5 − 10 < 0 and d₋·y = −2 − 1 + 4 > 0.
    g, g_previous, d_previous = (tf.constant(v, tf.float64) for v in ([1, 2], [4, 3], [-1, 2]))
    assert float(BETAS["hestenes_stiefel"](g, g_previous, d_previous)) == -5.0
    for name in ("polak_ribiere", "hybrid_hs_dy", "hybrid_fr_prp"):
        assert float(BETAS[name](g, g_previous, d_previous)) == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("formula", BETAS)
def test_a_zero_denominator_gives_zero_and_never_nan(formula, dtype):
    zero, g = tf.zeros([3], dtype), tf.constant([1.0, 2.0, 3.0], dtype)
    beta = BETAS[formula]
    assert float(beta(g, zero, zero)) == 0.0  # the first step
    assert float(beta(zero, zero, zero)) == 0.0
    assert float(beta(zero, g, -g)) == 0.0  # arrived
    tiny = tf.constant(1e-37 if dtype == "float32" else 1e-300, dtype)
    for a, b, c in [(g, tiny * g, -tiny * g), (g, g, -g), (g, g + 1e-6, -tiny * g)]:
        assert np.isfinite(beta(a, b, c))


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_exact_line_search_makes_all_formulas_one(n):
    """Closed form 8, on the pure functions: the same β, and the minimum in n steps."""
    a, (w, b) = spd(n), vectors(2, n)
    g = a @ w - b
    d, first = -g, np.linalg.norm(g)
    for _ in range(n - 1):
        w = w - (g @ d) / (d @ a @ d) * d
        fresh = a @ w - b
        betas = [float(BETAS[name](fresh, g, d)) for name in FORMULAS]
        assert betas[0] > 1e-4
        np.testing.assert_allclose(betas, betas[0], rtol=1e-7)
        g, d = fresh, -fresh + betas[0] * d
    assert np.linalg.norm(g) > 1e-4 * first  # n − 1 steps are too few
    w = w - (g @ d) / (d @ a @ d) * d
    assert np.linalg.norm(a @ w - b) < 1e-9 * first


# ---------------------------------------------------------------- ConjugateGradient


@pytest.mark.parametrize("n", [2, 5, 8])
@pytest.mark.parametrize("formula", BETAS)
def test_the_optimizer_minimises_a_quadratic_in_n_steps(formula, n):
    """Closed form 8, through the class: cap off, the learning rate is the exact step."""
    a, (w0, b) = spd(n), vectors(2, n)
    w, rate = tf.Variable(w0), tf.Variable(np.float64(0.0))
    optimizer = ConjugateGradient(lambda: rate.value(), formula, beta_cap=None)
    g, d, g_previous = a @ w0 - b, np.zeros(n), np.ones(n)
    first = np.linalg.norm(g)
    for k in range(n):
        # This test's own direction, by Fletcher and Reeves, tells the exact step.
        d = -g + (k > 0) * (g @ g) / (g_previous @ g_previous) * d
        rate.assign(-(g @ d) / (d @ a @ d))
        assert np.linalg.norm(g) > 1e-4 * first
        g_previous, g = g, a @ step(optimizer, w, g) - b
        np.testing.assert_allclose(optimizer.directions[0], d, rtol=1e-6, atol=1e-9)
    assert np.linalg.norm(g) < 1e-9 * first


def test_the_first_step_descends():
    """Trap: public code goes up first."""
    g = vectors(1)[0]
    for formula in BETAS:
        np.testing.assert_allclose(follow([g], formula, start=1.0)[0], 1.0 - 0.5 * g, rtol=1e-12)


@pytest.mark.parametrize("formula", BETAS)
def test_three_steps_by_hand(formula):
    """Trap: β applied twice. d = −g + β d₋, with β of this step's and the last gradient."""
    # A shared part keeps each step a descent.
    gradients = [g + 3.0 for g in vectors(3)]
    w, d, g_previous = np.zeros(6), np.zeros(6), None
    for g, reached in zip(gradients, follow(gradients, formula), strict=True):
        beta = 0.0
        if g_previous is not None:
            beta = float(BETAS[formula](*map(tf.constant, (g, g_previous, d))))
            beta = np.clip(beta, -0.5, 0.5)
        d = -g + beta * d
        assert g @ d < 0
        w, g_previous = w + 0.5 * d, g
        np.testing.assert_allclose(reached, w, rtol=1e-12)


def test_the_last_gradient_is_a_copy():
    """Trap: an alias of the gradient's buffer would make y = 0, or FR's β = 1, at every step."""
    buffer = tf.Variable(np.array([4.0, 2.0]))
    w = tf.Variable(np.zeros(2))
    optimizer = ConjugateGradient(1.0, "fletcher_reeves", beta_cap=None)
    optimizer.apply([buffer.value()], [w])
    stored = optimizer.gradients[0].numpy()
    buffer.assign([2.0, 1.0])
    np.testing.assert_array_equal(optimizer.gradients[0], stored)
    optimizer.apply([buffer.value()], [w])
    # g₋·g₋ = 20, g·g = 5, β = ¼: d = −(2, 1) − ¼ (4, 2).
    np.testing.assert_allclose(optimizer.directions[0], [-3.0, -1.5], rtol=1e-12)
    assert optimizer.directions[0].value is not optimizer.gradients[0].value


def test_each_tensor_has_its_own_beta():
    """One β for all would mix the sizes of the tensors' gradients."""
    first, second = np.array([4.0, 0.0]), np.array([1.0])
    variables = [tf.Variable(np.zeros(2)), tf.Variable(np.zeros(1))]
    optimizer = ConjugateGradient(1.0, "fletcher_reeves", beta_cap=None)
    optimizer.apply([tf.constant(first), tf.constant(second)], variables)
    optimizer.apply([tf.constant(first / 2), tf.constant(second / 4)], variables)
    np.testing.assert_allclose(optimizer.directions[0], -first / 2 - first / 4, rtol=1e-12)
    np.testing.assert_allclose(optimizer.directions[1], -second / 4 - second / 16, rtol=1e-12)


@pytest.mark.parametrize(("cap", "beta"), [(0.5, 0.5), (0.25, 0.25), (None, 4.0), (0.0, 0.0)])
def test_beta_is_capped(cap, beta):
    """FR's β is 4 when the gradient doubles."""
    g = np.array([1.0, 3.0])
    *_, last = follow([g, 2 * g], rate=1.0, beta_cap=cap)
    np.testing.assert_allclose(last, -g - 2 * g - beta * g, rtol=1e-12)


def test_a_negative_beta_is_capped_too():
    """Hestenes and Stiefel's β is −5 here; the cap keeps the direction bounded."""
    gradients = [np.array([4.0, 3.0]), np.array([1.0, 2.0])]
    optimizer = ConjugateGradient(1.0, "hestenes_stiefel")
    w = tf.Variable(np.zeros(2))
    step(optimizer, w, gradients[0])
    optimizer.directions[0].assign([-1.0, 2.0])
    step(optimizer, w, gradients[1])
    np.testing.assert_allclose(optimizer.directions[0], [-1 + 0.5 * 1, -2 - 0.5 * 2], rtol=1e-12)


def test_a_direction_that_would_not_descend_is_dropped_for_that_tensor_alone():
    """The gradient turns round: −g + β d₋ would go up where β > 1."""
    variables = [tf.Variable(np.zeros(2)), tf.Variable(np.zeros(2))]
    optimizer = ConjugateGradient(1.0, "fletcher_reeves", beta_cap=None)
    g = np.array([1.0, 2.0])
    optimizer.apply([tf.constant(g), tf.constant(g)], variables)
    optimizer.apply([tf.constant(-2 * g), tf.constant(2 * g)], variables)
    np.testing.assert_allclose(optimizer.directions[0], 2 * g)  # β = 4 would give −2g
    np.testing.assert_allclose(optimizer.directions[1], -2 * g - 4 * g)


def test_restart_every():
    g = np.array([1.0, 2.0])
    places = np.array(follow([g] * 7, rate=1.0, restart_every=3))
    sizes = -np.diff(places, axis=0, prepend=0)[:, 0]
    np.testing.assert_allclose(sizes, [1, 1.5, 1.75, 1, 1.5, 1.75, 1])
    always = np.array(follow([g] * 3, rate=1.0, restart_every=1))
    np.testing.assert_allclose(always[:, 0], [-1, -2, -3])
    never = np.array(follow([g] * 4, rate=1.0))
    np.testing.assert_allclose(np.diff(never, axis=0)[:, 0], [-1.5, -1.75, -1.875])


def test_a_gradient_of_zero_stays_in_place():
    for formula in BETAS:
        places = follow([np.ones(2), np.zeros(2), np.zeros(2)], formula)
        np.testing.assert_array_equal(places[0], places[2])


def test_bfloat16_weights_have_float32_state():
    """In bfloat16 the gradients 1 and 1.001 would be one, and PRP's β zero."""
    w = keras.Variable(np.zeros(2), dtype="bfloat16")
    optimizer = ConjugateGradient(1.0, "polak_ribiere")
    optimizer.apply([tf.constant([1.0, 0.0])], [w])
    optimizer.apply([tf.constant([1.001, 0.0])], [w])
    assert optimizer.directions[0].dtype == optimizer.gradients[0].dtype == "float32"
    np.testing.assert_allclose(optimizer.directions[0][0], -1.001 - 1.001e-3, rtol=1e-5)
    assert w.dtype == "bfloat16"
    np.testing.assert_allclose(np.float32(w.value), [-2.0, 0.0], atol=0.02)
    optimizer.apply([tf.constant([1.0, 1.0], tf.bfloat16)], [w])
    assert np.isfinite(np.float32(w.value)).all()


def test_a_sparse_gradient_is_as_good_as_a_dense_one():
    sparse = tf.IndexedSlices(tf.constant([[2.0], [3.0]]), tf.constant([1, 1]), tf.constant([3, 1]))
    results = []
    for g in (sparse, tf.convert_to_tensor(sparse)):
        w, optimizer = tf.Variable(tf.zeros([3, 1])), ConjugateGradient(1.0)
        for _ in range(2):
            optimizer.apply([g], [w])
        results.append(w.numpy())
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0].ravel(), [0.0, -10.0, 0.0])  # PRP of equal gradients is 0


def test_learning_rate_schedules():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    places = np.array(follow([np.ones(1)] * 3, rate=schedule, beta_cap=0.0))
    np.testing.assert_allclose(places.ravel(), [-1.0, -1.5, -1.75])


def regression(optimizer, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    model.compile(optimizer, "mse", **options)
    return model


def data():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    return x, np.sin(x.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("formula", BETAS)
def test_a_keras_model_learns_by_each_formula(formula):
    model = regression(ConjugateGradient(0.2, formula, restart_every=5), run_eagerly=True)
    losses = model.fit(*data(), batch_size=64, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]


def test_xla_gives_the_same():
    results = []
    for jit_compile in (False, True):
        optimizer = ConjugateGradient(0.05, "hager_zhang", restart_every=3)
        model = regression(optimizer, jit_compile=jit_compile)
        model.fit(*data(), batch_size=32, epochs=3, verbose=0, shuffle=False)
        results.append(model.get_weights())
    for plain, compiled in zip(*results, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-4, atol=1e-5)


def test_a_saved_model_goes_on_bit_equal(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.9)
    optimizer = ConjugateGradient(schedule, "hestenes_stiefel", restart_every=5)
    model = regression(optimizer, run_eagerly=True)
    fit = {"batch_size": 32, "verbose": 0, "shuffle": False}
    model.fit(*data(), epochs=2, **fit)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for w in loaded.optimizer.directions + loaded.optimizer.gradients:
        assert np.abs(w).max() > 0
    for m in (model, loaded):
        m.fit(*data(), epochs=2, **fit)
    state = [
        [*m.get_weights(), *(v.numpy() for v in m.optimizer.variables)] for m in (model, loaded)
    ]
    assert len(state[0]) == 4 + 1 + 8  # weights, iterations, two places for each
    for first, second in zip(*state, strict=True):
        np.testing.assert_array_equal(first, second)


def test_serialisation_keeps_every_argument():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    for rate in (0.25, schedule):
        optimizer = ConjugateGradient(rate, "dai_yuan", None, 7, clipnorm=2.0, name="mine")
        copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        assert type(copy) is ConjugateGradient
        assert copy.get_config() == optimizer.get_config()
        assert (copy.formula, copy.beta_cap, copy.restart_every) == ("dai_yuan", None, 7)
        assert (copy.clipnorm, copy.name) == (2.0, "mine")
        np.testing.assert_allclose(copy.learning_rate, optimizer.learning_rate)
    assert ConjugateGradient().get_config()["beta_cap"] == 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formula": "newton"}, r"unknown formula 'newton'.*dai_yuan.*polak_ribiere"),
        ({"formula": None}, "unknown formula None"),
        ({"beta_cap": -0.1}, "beta_cap must be finite and >= 0; got -0.1"),
        ({"beta_cap": np.inf}, "beta_cap must be finite"),
        ({"restart_every": 0}, "restart_every must be a whole number >= 1; got 0"),
        ({"restart_every": 2.5}, "restart_every must be a whole number"),
        ({"learning_rate": -1.0}, "learning_rate must be finite and >= 0; got -1"),
        ({"learning_rate": np.nan}, "learning_rate must be finite"),
        ({"learning_rate": "fast"}, "learning_rate"),
    ],
)
def test_conjugate_gradient_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        ConjugateGradient(**settings)


# ---------------------------------------------------------------- the linear solve


def solve(a, b, start=None, tolerance=1e-10, max_iterations=100):
    start = np.zeros_like(b) if start is None else start
    return optimizers.conjugate_gradient_solve(
        lambda v: tf.linalg.matvec(a, v), b, start, tolerance, max_iterations
    )


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_the_solve_agrees_with_numpy(n):
    a, (b, start) = spd(n), vectors(2, n)
    for guess in (None, start):
        z, residual, count = solve(a, b, guess)
        np.testing.assert_allclose(z, np.linalg.solve(a, b), rtol=1e-8, atol=1e-10)
        by_hand = np.linalg.norm(b - a @ z.numpy()) / np.linalg.norm(b)
        np.testing.assert_allclose(residual, by_hand, atol=1e-12)
        assert float(residual) <= 1e-10
        assert 1 <= int(count) <= n
        assert residual.shape == count.shape == ()


def test_equal_eigenvalues_need_one_iteration():
    b = vectors(1)[0]
    z, _, count = solve(3.0 * np.eye(6), b)
    np.testing.assert_allclose(z, b / 3, rtol=1e-12)
    assert int(count) == 1


def test_a_zero_right_hand_side_gives_zero_wherever_it_starts():
    for start in (None, vectors(1)[0]):
        z, residual, count = solve(spd(6), np.zeros(6), start)
        np.testing.assert_array_equal(z, np.zeros(6))
        assert (float(residual), int(count)) == (0.0, 0)


def test_a_start_at_the_solution_needs_no_iteration():
    a, b = spd(6), vectors(1)[0]
    start = np.linalg.solve(a, b)
    z, residual, count = solve(a, b, start)
    assert int(count) == 0
    np.testing.assert_array_equal(z, start)
    assert float(residual) < 1e-12


def test_a_start_worse_than_zero_or_broken_is_dropped():
    a, b = spd(6), vectors(1)[0]
    for start in (1e9 * b, np.full(6, np.nan)):
        z, _, count = solve(a, b, start)
        np.testing.assert_array_equal(z, solve(a, b)[0])
        assert int(count) == int(solve(a, b)[2])


def test_the_tolerance_is_relative():
    a, b = spd(12), vectors(1, 12)[0]
    counts = [int(solve(a, scale * b, tolerance=1e-3)[2]) for scale in (1e-9, 1.0, 1e9)]
    assert len(set(counts)) == 1
    assert 1 < counts[0] < int(solve(a, b)[2])
    assert 1e-10 < float(solve(a, b, tolerance=1e-3)[1]) <= 1e-3


def test_the_iteration_cap():
    a, b = spd(12), vectors(1, 12)[0]
    z, residual, count = solve(a, b, max_iterations=3)
    assert int(count) == 3
    np.testing.assert_allclose(residual, np.linalg.norm(b - a @ z.numpy()) / np.linalg.norm(b))
    assert float(residual) > 1e-10


def test_a_broken_right_hand_side_is_seen_in_the_solution():
    z, residual, _ = solve(spd(3), np.array([1.0, np.nan, 0.0]), max_iterations=2)
    assert np.isnan(z).any()
    assert np.isnan(residual)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"tolerance": -1e-3}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"max_iterations": 1.5}, "max_iterations"),
    ],
)
def test_solver_settings_out_of_range_are_refused(settings, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        solve(np.eye(2), np.ones(2), **settings)
    with pytest.raises(ValueError, match=f"{name} must be"):
        CompetitiveGradient(**settings)


# ---------------------------------------------------------------- CompetitiveGradient


class Game:
    """f = ½ xᵀPx + xᵀAy − ½ yᵀQy + p·x + q·y, with x in two pieces; float64."""

    def __init__(self, n=5, m=4, seed=0, curvature=1.0):
        rng = np.random.default_rng(seed)
        self.a = rng.normal(size=(n, m))
        self.p = rng.normal(size=(n, n)) * curvature
        self.q = rng.normal(size=(m, m)) * curvature
        self.p, self.q = self.p + self.p.T, self.q + self.q.T
        self.px, self.qy = rng.normal(size=n), rng.normal(size=m)
        x = rng.normal(size=n)
        self.x = [tf.Variable(x[:2].reshape(2, 1)), tf.Variable(x[2:])]
        self.y = [tf.Variable(rng.normal(size=m))]
        self.calls = 0

    def objective(self):
        self.calls += 1
        x = tf.concat([tf.reshape(v, [-1]) for v in self.x], 0)[:, None]
        y = self.y[0][:, None]
        quadratic = 0.5 * tf.transpose(x) @ self.p @ x - 0.5 * tf.transpose(y) @ self.q @ y
        linear = self.px[None] @ x + self.qy[None] @ y
        return tf.squeeze(quadratic + tf.transpose(x) @ self.a @ y + linear)

    def place(self):
        x = np.concatenate([v.numpy().ravel() for v in self.x])
        return x, self.y[0].numpy()

    def dense(self, eta):
        """Both steps by the paper's two dense solves."""
        x, y = self.place()
        fx = self.p @ x + self.a @ y + self.px
        fy = -self.q @ y + self.a.T @ x + self.qy
        a = self.a
        x_matrix = np.eye(len(x)) + eta**2 * a @ a.T
        y_matrix = np.eye(len(y)) + eta**2 * a.T @ a
        x_step = -eta * np.linalg.solve(x_matrix, fx + eta * a @ fy)
        y_step = eta * np.linalg.solve(y_matrix, fy - eta * a.T @ fx)
        return x + x_step, y + y_step, fx, fy


def compiled(optimizer, objective, x, y, graph=True, **options):
    """The update as a function, compiled or not, which closes over the variables."""
    optimizer.build(x)

    def update():
        return optimizer.update_players(objective, x, y)

    return tf.function(update, **options) if graph else update


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("eta", [0.125, 1.0])
def test_cgd_agrees_with_the_papers_dense_solves(eta, graph):
    game, optimizer = Game(seed=int(8 * eta)), CompetitiveGradient(eta, tolerance=1e-12)
    update = compiled(optimizer, game.objective, game.x, game.y, graph=graph)
    for k in range(3):
        *expected, fx, fy = game.dense(eta)
        before = float(game.objective())
        value, x_gradient, y_gradient = update()
        np.testing.assert_allclose(game.place()[0], expected[0], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(game.place()[1], expected[1], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(value, before, rtol=1e-10)
        np.testing.assert_allclose(x_gradient, fx, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(y_gradient, fy, rtol=1e-8, atol=1e-10)
        assert int(optimizer.iterations) == k + 1
        assert float(optimizer.residual) <= 1e-12
        assert 1 <= int(optimizer.solver_iterations) <= 5


def bilinear(x=1.0, y=0.5):
    """The scalar game f = xy."""
    variables = tf.Variable([np.float64(x)]), tf.Variable([np.float64(y)])
    return lambda: tf.reduce_sum(variables[0] * variables[1]), *([v] for v in variables)


@pytest.mark.parametrize("eta", [0.125, 0.5, 2.0])
def test_cgd_shrinks_the_scalar_bilinear_game_by_its_closed_form(eta):
    """Closed form 7: ‖w‖² divides by exactly 1 + η² per step."""
    objective, x, y = bilinear()
    optimizer = CompetitiveGradient(eta)
    optimizer.build(x)
    size = 1.25
    for _ in range(6):
        optimizer.update_players(objective, x, y)
        fresh = float(x[0][0] ** 2 + y[0][0] ** 2)
        np.testing.assert_allclose(fresh, size / (1 + eta**2), rtol=1e-12)
        size = fresh


def test_cgd_converges_where_simultaneous_descent_diverges():
    """Closed form 7: the singular values are 1 to 5, and the slowest shrinks by 1/√2 a step."""
    game = Game(n=5, m=5, curvature=0.0)
    game.a, game.px, game.qy = spd(5), np.zeros(5), np.zeros(5)
    update = compiled(CompetitiveGradient(1.0), game.objective, game.x, game.y)
    x, y = game.place()
    start = np.hypot(np.linalg.norm(x), np.linalg.norm(y))
    for _ in range(30):
        update()
        x, y = x - game.a @ y, y + game.a.T @ x  # simultaneous
    assert np.hypot(np.linalg.norm(x), np.linalg.norm(y)) > 1e3 * start
    size = np.hypot(*map(np.linalg.norm, game.place()))
    assert 0.01 * 2.0**-15 * start < size < 1.01 * 2.0**-15 * start


def test_a_warm_start_saves_iterations():
    """With small steps the last solution is near the next one; at the same place it is the same."""
    totals = {}
    for warm in (True, False):
        game = Game(n=8, m=8, curvature=0.0)
        optimizer = CompetitiveGradient(0.0625, tolerance=1e-2)
        update = compiled(optimizer, game.objective, game.x, game.y, graph=False)
        counts = []
        for _ in range(3):
            if not warm:
                optimizer.solution.assign(tf.zeros_like(optimizer.solution.value))
            places = [v.numpy() for v in game.x + game.y]
            update()
            counts.append(int(optimizer.solver_iterations))
        totals[warm] = sum(counts)
    assert totals[True] < totals[False]
    for variable, place in zip(game.x + game.y, places, strict=True):
        variable.assign(place)
    update()
    assert counts[-1] > int(optimizer.solver_iterations) == 0


def test_the_cap_is_seen_in_the_residual_and_the_update_stays_finite():
    game, optimizer = Game(n=12, m=12), CompetitiveGradient(1.0, max_iterations=2)
    optimizer.build(game.x)
    before = game.place()
    optimizer.update_players(game.objective, game.x, game.y)
    assert float(optimizer.residual) > optimizer.tolerance
    assert int(optimizer.solver_iterations) == 2
    for old, new in zip(before, game.place(), strict=True):
        assert np.isfinite(new).all()
        assert (new != old).all()


def test_what_an_update_costs():
    """The docstring's count: f is evaluated 5 times and twice per iteration."""
    game, optimizer = Game(), CompetitiveGradient(0.5)
    optimizer.build(game.x)
    optimizer.update_players(game.objective, game.x, game.y)
    assert game.calls == 5 + 2 * int(optimizer.solver_iterations)


def networks(seed=0):
    keras.utils.set_random_seed(seed)
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "tanh")])
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, "softplus"), keras.layers.Dense(1)]
    )

    # Constant noise: under XLA a stateless normal draw gives other numbers for the same seed.
    noise = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")

    def objective():
        scores = discriminator(generator(noise))
        return tf.reduce_mean(tf.math.softplus(-discriminator(noise + 2.0)) + scores) * -1.0

    return objective, generator.trainable_variables, discriminator.trainable_variables


def test_keras_networks_eagerly_and_under_xla():
    results = []
    for options in ({"graph": False}, {"jit_compile": True}):
        objective, x, y = networks()
        optimizer = CompetitiveGradient(0.25)
        update = compiled(optimizer, objective, x, y, **options)
        start = float(objective())
        for _ in range(2):
            update()
        assert abs(float(objective()) - start) > 1e-3
        assert float(optimizer.residual) <= optimizer.tolerance
        assert int(optimizer.solver_iterations) > 0
        results.append(np.concatenate([v.numpy().ravel() for v in (*x, *y, optimizer.solution)]))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-6)


def test_it_builds_itself_inside_a_function():
    objective, x, y = bilinear()
    optimizer = CompetitiveGradient(0.5)
    tf.function(lambda: optimizer.update_players(objective, x, y))()
    np.testing.assert_allclose(x[0][0] ** 2 + y[0][0] ** 2, 1.25 / 1.25, rtol=1e-12)


def test_variables_that_the_objective_does_not_reach_stay():
    """A last bias, or a player who has no say: gradient zero, not None."""
    objective, x, y = bilinear()
    idle = [tf.Variable([[3.0, 4.0]]) for _ in range(2)]
    optimizer = CompetitiveGradient(0.5)
    optimizer.build([idle[0], *x])
    _, x_gradient, y_gradient = optimizer.update_players(objective, [idle[0], *x], [*y, idle[1]])
    np.testing.assert_allclose(x_gradient, [0.0, 0.0, 0.5])
    np.testing.assert_allclose(y_gradient, [1.0, 0.0, 0.0])
    for variable in idle:
        np.testing.assert_array_equal(variable, [[3.0, 4.0]])
    np.testing.assert_allclose(x[0][0] ** 2 + y[0][0] ** 2, 1.0, rtol=1e-12)

    alone = CompetitiveGradient(0.5)  # no y in f, and no mixed derivative: plain descent
    w = tf.Variable([np.float64(2.0)])
    alone.update_players(lambda: tf.reduce_sum(w**2), [w], y)
    np.testing.assert_allclose(w, [0.0])


def test_embeddings_have_mixed_derivatives():
    """A gather's gradient is sparse."""
    table, y = tf.Variable([[1.0], [2.0]]), tf.Variable([0.5])
    optimizer = CompetitiveGradient(0.5)
    optimizer.update_players(lambda: tf.reduce_sum(tf.gather(table, [1]) * y), [table], [y])
    # The scalar game x y at (2, ½): Δx = −η(y + ηx)/(1 + η²).
    np.testing.assert_allclose(table, [[1.0], [2 - 0.5 * 1.5 / 1.25]], rtol=1e-6)


def test_bfloat16_variables_are_solved_in_float32():
    x, y = (keras.Variable([v], dtype="bfloat16") for v in (1.0, 0.5))
    optimizer = CompetitiveGradient(0.5)
    optimizer.update_players(lambda: tf.reduce_sum(x.value * y.value), [x], [y])
    assert optimizer.solution.dtype == "float32"
    assert x.dtype == "bfloat16"
    np.testing.assert_allclose(np.float32(x.value), 1 - 0.5 * 1.0 / 1.25, rtol=1e-2)


def test_constraints_hold_after_the_update():
    """Weight clipping is a Keras constraint; it must not be lost."""
    x = keras.Variable([1.0])
    y = keras.Variable([0.5])

    class Clip(keras.constraints.Constraint):
        def __call__(self, w):
            return tf.clip_by_value(w, -0.6, 0.6)

    y.constraint = Clip()
    CompetitiveGradient(0.5).update_players(lambda: tf.reduce_sum(x * y), [x], [y])
    np.testing.assert_allclose(y, [0.6], rtol=1e-6)  # 0.8 without


def test_cgd_follows_a_schedule():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 2.0])
    objective, x, y = bilinear()
    optimizer = CompetitiveGradient(schedule)
    for expected in (1.25 / 1.25, 1.25 / 1.25 / 5):
        optimizer.update_players(objective, x, y)
        np.testing.assert_allclose(x[0][0] ** 2 + y[0][0] ** 2, expected, rtol=1e-7)


def test_cgd_serialisation_and_state():
    for rate in (0.25, keras.optimizers.schedules.CosineDecay(0.1, 10)):
        optimizer = CompetitiveGradient(rate, tolerance=1e-3, max_iterations=7, name="both")
        copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        assert type(copy) is CompetitiveGradient
        assert copy.get_config() == optimizer.get_config()
        assert (copy.tolerance, copy.max_iterations, copy.name) == (1e-3, 7, "both")
        np.testing.assert_allclose(copy.learning_rate, optimizer.learning_rate)

    games = Game(), Game()
    first, second = (CompetitiveGradient(0.25, max_iterations=2) for _ in games)
    first.build(games[0].x)
    second.build(games[1].x)
    for _ in range(3):
        first.update_players(games[0].objective, games[0].x, games[0].y)
    for old, new in zip(games[0].x + games[0].y, games[1].x + games[1].y, strict=True):
        new.assign(old)
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    for game, optimizer in zip(games, (first, second), strict=True):
        optimizer.update_players(game.objective, game.x, game.y)
    for a, b in zip(games[0].place(), games[1].place(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(v.trainable for v in first.variables)


def test_cgd_refuses():
    objective, x, y = bilinear()
    optimizer = CompetitiveGradient(0.5)
    with pytest.raises(ValueError, match=r"objective must return a scalar; got shape \(1,\)"):
        optimizer.update_players(lambda: x[0] * y[0], x, y)
    other = [tf.Variable(np.zeros(3))]
    with pytest.raises(ValueError, match="x_variables must be those.*1 numbers; got 3"):
        optimizer.update_players(objective, other, y)
    with pytest.raises(ValueError, match="learning_rate must be finite"):
        CompetitiveGradient(-0.5)
    with pytest.raises(NotImplementedError, match="call update_players"):
        optimizer.apply([tf.ones([1], tf.float64)], x)


# ---------------------------------------------------------------- lazy Adam


@pytest.mark.parametrize("every", [1, 4, 16])
def test_lazy_adam_rescales(every):
    adam = keras.optimizers.Adam(2e-3, 0.5, 0.99, epsilon=1e-8, clipnorm=3.0, name="d")
    lazy = optimizers.lazy_adam(adam, every)
    c = every / (every + 1)
    assert type(lazy) is keras.optimizers.Adam
    assert lazy is not adam
    np.testing.assert_allclose(lazy.learning_rate, 2e-3 * c, rtol=1e-6)
    np.testing.assert_allclose([lazy.beta_1, lazy.beta_2], [0.5**c, 0.99**c], rtol=1e-12)
    # What k + 1 steps forget and move is what k steps did.
    np.testing.assert_allclose(lazy.beta_2 ** (every + 1), 0.99**every)
    np.testing.assert_allclose((every + 1) * float(lazy.learning_rate), every * 2e-3, rtol=1e-6)
    assert (lazy.epsilon, lazy.clipnorm, lazy.name) == (1e-8, 3.0, "d")
    assert (adam.beta_1, adam.beta_2) == (0.5, 0.99)


def test_lazy_adam_keeps_a_beta_of_zero():
    assert optimizers.lazy_adam(keras.optimizers.Adam(beta_1=0.0), 16).beta_1 == 0.0


def test_lazy_adam_scales_a_schedule():
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100, alpha=0.1)
    lazy = optimizers.lazy_adam(keras.optimizers.Adam(schedule), 3)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(lazy))
    for step_number in (0, 50, 200):
        expected = 0.75 * schedule(step_number)
        np.testing.assert_allclose(lazy._learning_rate(step_number), expected, rtol=1e-6)
        np.testing.assert_allclose(copy._learning_rate(step_number), expected, rtol=1e-6)
    assert copy.get_config() == lazy.get_config()
    with pytest.raises(ValueError, match="factor must be finite"):
        optimizers.ScaledSchedule(schedule, -1.0)


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "2", None])
def test_lazy_adam_refuses_intervals(every):
    with pytest.raises(ValueError, match="every must be a whole number >= 1"):
        optimizers.lazy_adam(keras.optimizers.Adam(), every)


def test_lazy_adam_refuses_other_optimizers_by_name():
    for other in (keras.optimizers.SGD(), keras.optimizers.AdamW(), ConjugateGradient()):
        with pytest.raises(ValueError, match=f"adam must be.*got {type(other).__name__}"):
            optimizers.lazy_adam(other, 4)
    with pytest.raises(ValueError, match="learning_rate must be a number or a Keras schedule"):
        optimizers.lazy_adam(keras.optimizers.Adam(lambda: 1e-3), 4)
