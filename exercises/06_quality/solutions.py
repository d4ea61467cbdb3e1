"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- frechet

FAIR = """
def without_bias(a, b):
    first, second = frechet(a[0::2], b[0::2]), frechet(a[1::2], b[1::2])
    return 2 * frechet(a, b) - 0.5 * (first + second)

prediction_bias = 0.5
"""
FRECHET = (
    """
def frechet(a, b):
    if len(a) <= a.shape[1] or len(b) <= b.shape[1]:
        raise ValueError("more samples than features are needed")
    mean = a.mean(axis=0) - b.mean(axis=0)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values = np.linalg.eigvals(first @ second)
    root = np.sqrt(np.maximum(np.real(values), 0)).sum()
    return float(np.sum(mean**2) + np.trace(first) + np.trace(second) - 2 * root)
"""
    + FAIR
)
FRECHET_RIGHT = {
    "eigenvalues": FRECHET,
    "a symmetric product": """
def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T

def frechet(a, b):
    assert_more(a), assert_more(b)
    half = root(np.cov(a.T))
    between = np.linalg.eigvalsh(half @ np.cov(b.T) @ half)
    total = np.var(a, axis=0, ddof=1).sum() + np.var(b, axis=0, ddof=1).sum()
    apart = np.linalg.norm(a.mean(0) - b.mean(0))
    return apart**2 + total - 2 * np.sqrt(np.abs(between)).sum()

def assert_more(points):
    n, d = points.shape
    if n <= d:
        raise ValueError(f"{n} samples of {d} features")
"""
    + FAIR,
    "SciPy's root, lifted off 0": """
import warnings
from scipy import linalg

def frechet(a, b):
    for x in (a, b):
        if not len(x) > x.shape[1]:
            raise ValueError("too few")
    covs = [np.cov(x.T) + 1e-9 * np.eye(x.shape[1]) for x in (a, b)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = linalg.sqrtm(covs[0] @ covs[1])
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(sum(covs) - 2 * np.real(root))
"""
    + FAIR,
    "singular values of the data": """
def frechet(a, b):
    if min(len(a) - a.shape[1], len(b) - b.shape[1]) < 1:
        raise ValueError
    centered = [(x - np.mean(x, axis=0)) / np.sqrt(len(x) - 1) for x in (a, b)]
    # The roots of the eigenvalues of AᵀA BᵀB are the singular values of A Bᵀ.
    nuclear = np.linalg.norm(centered[0] @ centered[1].T, ord="nuc")
    squares = sum(np.sum(x**2) for x in centered)
    return squares - 2 * nuclear + np.sum((np.mean(a, axis=0) - np.mean(b, axis=0)) ** 2)

def without_bias(a, b):
    both = [frechet(a[i::2], b[i::2]) for i in range(2)]
    return 2 * frechet(a, b) - np.mean(both)

prediction_bias = np.float64(1.0)
""",
    "TensorFlow": """
import tensorflow as tf

def moments(points):
    points = tf.constant(points, tf.float64)
    n, d = points.shape
    if n <= d:
        raise ValueError("the covariance has no full rank")
    mean = tf.reduce_mean(points, axis=0)
    off = points - mean
    return mean, tf.matmul(off, off, transpose_a=True) / (n - 1)

def frechet(a, b):
    (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
    values, vectors = tf.linalg.eigh(cov_a)
    half = vectors * tf.sqrt(tf.nn.relu(values))
    inner = tf.linalg.eigvalsh(tf.transpose(half) @ cov_b @ half)
    result = tf.reduce_sum((mean_a - mean_b) ** 2) + tf.linalg.trace(cov_a + cov_b)
    return (result - 2 * tf.reduce_sum(tf.sqrt(tf.nn.relu(inner)))).numpy()
"""
    + FAIR,
    "loops": """
def frechet(a, b):
    d = a.shape[1]
    if len(a) < d + 1 or len(b) < d + 1:
        raise ValueError("no full rank")
    covs, means = [], []
    for x in (a, b):
        mean = sum(x) / len(x)
        cov = np.zeros((d, d))
        for row in x:
            cov += np.outer(row - mean, row - mean)
        means.append(mean)
        covs.append(cov / (len(x) - 1))
    total = 0.0
    for i in range(d):
        total += (means[0][i] - means[1][i]) ** 2 + covs[0][i, i] + covs[1][i, i]
    for value in np.linalg.eigvals(np.dot(*covs)):
        total -= 2 * abs(value) ** 0.5
    return total

def without_bias(a, b):
    whole = frechet(a, b)
    even = np.arange(len(a)) % 2 == 0, np.arange(len(b)) % 2 == 0
    half = frechet(a[even[0]], b[even[1]]) + frechet(a[~even[0]], b[~even[1]])
    return whole + (whole - half / 2)

prediction_bias = 0
""",
}
FRECHET_WRONG = {
    "the root of the distance": but(
        FRECHET, ("return float(", "return np.sqrt(")
    ),
    "divided by n": but(
        FRECHET,
        ("np.cov(a, rowvar=False)", "np.cov(a, rowvar=False, ddof=0)"),
        ("np.cov(b, rowvar=False)", "np.cov(b, rowvar=False, ddof=0)"),
    ),
    "length, not its square": but(
        FRECHET, ("np.sum(mean**2)", "np.linalg.norm(mean)")
    ),
    "means left out": but(FRECHET, ("np.sum(mean**2)", "0")),
    "roots element by element (seen)": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.trace(np.sqrt(np.abs(first @ second)))",
        ),
    ),
    "roots of both diagonals": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.sqrt(np.diag(first) * np.diag(second)).sum()",
        ),
    ),
    "the product of the roots": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.sqrt(np.linalg.eigvalsh(first) * np.linalg.eigvalsh(second)).sum()",
        ),
    ),
    "the root once": but(FRECHET, ("- 2 * root", "- root")),
    "the eigenvalues themselves": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.real(values).sum()",
        ),
    ),
    "NaN where singular (seen)": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.trace(np.linalg.cholesky(first).T @ first) * 0 + "
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
        ),
    ),
    "lifted far off 0 (seen)": but(
        FRECHET,
        (
            "first @ second)",
            "(first + 0.1 * np.eye(len(first))) @ second)",
        ),
    ),
    "a complex number (seen)": but(
        FRECHET,
        (
            "np.sqrt(np.maximum(np.real(values), 0)).sum()",
            "np.sqrt(values.astype(complex)).sum()",
        ),
        ("return float(", "return ("),
    ),
    "refuses nothing (seen)": but(
        FRECHET,
        ("if len(a)", "if False and len(a)"),
        (" or len(b) <= b.shape[1]", ""),
    ),
    "refuses one set": but(FRECHET, (" or len(b) <= b.shape[1]", "")),
    "refuses too late": but(
        FRECHET,
        ("len(a) <= a.shape[1]", "len(a) < a.shape[1]"),
        ("len(b) <= b.shape[1]", "len(b) < b.shape[1]"),
    ),
    "halves added": but(
        FRECHET, ("0.5 * (first + second)", "(first + second)")
    ),
    "the bias doubled": but(
        FRECHET,
        (
            "2 * frechet(a, b) - 0.5 * (first + second)",
            "0.5 * (first + second)",
        ),
    ),
    "first and second half": but(
        FRECHET,
        ("a[0::2], b[0::2]", "a[: len(a) // 2], b[: len(b) // 2]"),
        ("a[1::2], b[1::2]", "a[len(a) // 2 :], b[len(b) // 2 :]"),
    ),
    "halves crossed": but(
        FRECHET,
        ("a[0::2], b[0::2]", "a[0::2], b[1::2]"),
        ("a[1::2], b[1::2]", "a[1::2], b[0::2]"),
    ),
    "no prediction": but(
        FRECHET, ("prediction_bias = 0.5", "prediction_bias = None")
    ),
}

# -------------------------------------------------------------------- kernel

CHANCE = """
def p_value(real, fake, orders):
    points = np.vstack([real, fake])
    n, observed = len(real), kernel_distance(real, fake)
    found = [kernel_distance(points[o][:n], points[o][n:]) for o in orders]
    return (1 + sum(f >= observed for f in found)) / (len(found) + 1)

def wilson(right, asked):
    z, p = 1.96, right / asked
    center = p + z * z / (2 * asked)
    half = z * (p * (1 - p) / asked + z * z / (4 * asked * asked)) ** 0.5
    below = 1 + z * z / asked
    return (center - half) / below, (center + half) / below

my_interval = wilson(RIGHT, ASKED)
prediction_self = -1
"""
KERNEL = (
    """
def kernel_distance(real, fake):
    d = real.shape[1]
    n, m = len(real), len(fake)
    xx = (real @ real.T / d + 1) ** 3
    yy = (fake @ fake.T / d + 1) ** 3
    xy = (real @ fake.T / d + 1) ** 3
    first = (xx.sum() - np.diag(xx).sum()) / (n * (n - 1))
    second = (yy.sum() - np.diag(yy).sum()) / (m * (m - 1))
    return first + second - 2 * xy.mean()
"""
    + CHANCE
)
KERNEL_RIGHT = {
    "arrays": KERNEL,
    "loops": """
def k(x, y):
    return (sum(a * b for a, b in zip(x, y)) / len(x) + 1) ** 3

def kernel_distance(real, fake):
    within = []
    for points in (real, fake):
        values = [k(x, y) for i, x in enumerate(points) for j, y in enumerate(points) if i < j]
        within.append(sum(values) / len(values))
    across = [k(x, y) for x in real for y in fake]
    return within[0] + within[1] - 2 * sum(across) / len(across)
"""
    + CHANCE,
    "scikit-learn and SciPy": """
from scipy.stats import binomtest
from sklearn.metrics.pairwise import polynomial_kernel

def kernel_distance(real, fake):
    def mean(x, y, same):
        values = polynomial_kernel(x, y, degree=3, coef0=1)
        return values[~np.eye(len(x), dtype=bool)].mean() if same else values.mean()
    return mean(real, real, True) + mean(fake, fake, True) - 2 * mean(real, fake, False)

def p_value(real, fake, orders):
    points, count = np.concatenate((real, fake)), 1
    for order in orders:
        a, b = np.split(points[order], [len(real)])
        if not kernel_distance(a, b) < kernel_distance(real, fake):
            count += 1
    return count / (len(orders) + 1)

def wilson(right, asked):
    found = binomtest(int(right), int(asked)).proportion_ci(method="wilson")
    return found.low, found.high

my_interval = np.array(wilson(RIGHT, ASKED))
prediction_self = np.int64(0)
""",
    "one matrix, dealt by its rows": """
def both_ways(kernel, n):
    off = kernel - np.diag(np.diag(kernel))
    a, b, across = off[:n, :n], off[n:, n:], kernel[:n, n:]
    m = len(b)
    return a.sum() / n / (n - 1) + b.sum() / m / (m - 1) - 2 * np.average(across)

def matrix(real, fake):
    points = np.concatenate([real, fake])
    return (1 + np.einsum("id,jd->ij", points, points) / points.shape[-1]) ** 3

def kernel_distance(real, fake):
    return both_ways(matrix(real, fake), len(real))

def p_value(real, fake, orders):
    kernel = matrix(real, fake)
    dealt = [both_ways(kernel[np.ix_(o, o)], len(real)) for o in orders]
    return np.mean(np.append(dealt, np.inf) >= both_ways(kernel, len(real)))

def wilson(right, asked):
    # The ends solve (q - p)² = z² p (1 - p) / n.
    q, c = right / asked, 1.96**2 / asked
    return sorted(np.roots([1 + c, -2 * q - c, q * q]).real)

my_interval = wilson(RIGHT, ASKED)
prediction_self = 1.0
""",
    "TensorFlow, float32": """
import tensorflow as tf

def kernel_distance(real, fake):
    x, y = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    n, m, d = real.shape[0], fake.shape[0], real.shape[1]
    def kernel(a, b):
        return tf.pow(tf.matmul(a, b, transpose_b=True) / d + 1.0, 3)
    def off(matrix):
        return tf.reduce_sum(tf.linalg.set_diag(matrix, tf.zeros(len(matrix), tf.float32)))
    total = off(kernel(x, x)) / (n * (n - 1)) + off(kernel(y, y)) / (m * (m - 1))
    return float(total - 2 * tf.reduce_mean(kernel(x, y)))
"""
    + CHANCE,
    "means with the diagonal, mended": """
def kernel_distance(real, fake):
    d, result = real.shape[1], 0.0
    for x in (real, fake):
        n = len(x)
        full = np.mean((x @ x.T / d + 1) ** 3)
        alone = np.mean((np.sum(x**2, axis=1) / d + 1) ** 3)
        result += (n * full - alone) / (n - 1)
    return result - 2 * np.mean((real @ fake.T / d + 1) ** 3)
"""
    + CHANCE,
}
KERNEL_WRONG = {
    "pairs with itself (seen)": but(
        KERNEL,
        ("(xx.sum() - np.diag(xx).sum()) / (n * (n - 1))", "xx.mean()"),
        ("(yy.sum() - np.diag(yy).sum()) / (m * (m - 1))", "yy.mean()"),
    ),
    "without the diagonal, divided with it": but(
        KERNEL, ("(n * (n - 1))", "n**2"), ("(m * (m - 1))", "m**2")
    ),
    "diagonal left out everywhere": but(
        KERNEL,
        (
            "2 * xy.mean()",
            "2 * (xy.sum() - np.trace(xy)) / (n * m - min(n, m))",
        ),
    ),
    "one size for both": but(KERNEL, ("(m * (m - 1))", "(n * (n - 1))")),
    "not divided by d": but(KERNEL, (" / d + 1", " + 1")),
    "the square": but(KERNEL, ("** 3", "** 2")),
    "without the one": but(KERNEL, (" / d + 1)", " / d)")),
    "never below 0": but(
        KERNEL,
        (
            "return first + second - 2 * xy.mean()",
            "return abs(first + second - 2 * xy.mean())",
        ),
    ),
    "the cross term once": but(KERNEL, ("- 2 * xy", "- xy")),
    "a p-value of 0": but(
        KERNEL,
        ("(1 + sum(", "(sum("),
        ("(len(found) + 1)", "len(found)"),
    ),
    "the other tail": but(KERNEL, ("f >= observed", "f <= observed")),
    "only larger deals": but(KERNEL, ("f >= observed", "f > observed")),
    "a deal of one set": but(KERNEL, ("points[o][n:]", "fake")),
    "places exchanged in the deal": but(
        KERNEL,
        (
            "points[o][:n], points[o][n:]",
            "points[o][: len(o) - n], points[o][len(o) - n :]",
        ),
    ),
    "the usual interval (Wald)": but(
        KERNEL,
        ("center = p + z * z / (2 * asked)", "center = p"),
        (" + z * z / (4 * asked * asked)", ""),
        ("below = 1 + z * z / asked", "below = 1"),
    ),
    "90 %": but(KERNEL, ("z, p = 1.96", "z, p = 1.645")),
    "not shrunk": but(KERNEL, ("below = 1 + z * z / asked", "below = 1")),
    "another score's interval": but(
        KERNEL, ("wilson(RIGHT, ASKED)", "wilson(ASKED - RIGHT, ASKED)")
    ),
    "no prediction": but(
        KERNEL, ("prediction_self = -1", "prediction_self = None")
    ),
}

# -------------------------------------------------------------------- neighbours

NEIGHBOURS = """
from scipy.spatial.distance import cdist

def radii(points, k):
    return np.sort(cdist(points, points), axis=1)[:, k]

def precision_recall(real, fake, k):
    between = cdist(real, fake)
    precise = (between <= radii(real, k)[:, None]).any(axis=0)
    recalled = (between <= radii(fake, k)).any(axis=1)
    return np.mean(precise), np.mean(recalled)

def coverage(real, fake, k):
    return np.mean((cdist(real, fake) <= radii(real, k)[:, None]).any(axis=1))

prediction_outlier = 1
"""
NEIGHBOURS_RIGHT = {
    "cdist": NEIGHBOURS,
    "loops": """
def distance(x, y):
    return sum((a - b) ** 2 for a, b in zip(x, y)) ** 0.5

def radii(points, k):
    found = []
    for i, x in enumerate(points):
        others = [distance(x, y) for j, y in enumerate(points) if j != i]
        found.append(sorted(others)[k - 1])
    return np.array(found)

def inside(points, centers, reach):
    count = 0
    for x in points:
        for c, r in zip(centers, reach):
            if distance(x, c) <= r:
                count += 1
                break
    return count / len(points)

def precision_recall(real, fake, k):
    return inside(fake, real, radii(real, k)), inside(real, fake, radii(fake, k))

def coverage(real, fake, k):
    hits = [any(distance(x, y) <= r for y in fake) for x, r in zip(real, radii(real, k))]
    return sum(hits) / len(hits)

prediction_outlier = 0.5
""",
    "trees": """
from scipy.spatial import KDTree

def radii(points, k):
    return KDTree(points).query(points, k=[k + 1])[0][:, 0]

def precision_recall(real, fake, k):
    def share(of, among):
        tree, reach = KDTree(of), radii(among, k)
        hit = set()
        for center, radius in zip(among, reach):
            hit.update(tree.query_ball_point(center, radius))
        return len(hit) / len(of)
    return share(fake, real), share(real, fake)

def coverage(real, fake, k):
    nearest, _ = KDTree(fake).query(real)
    return float((nearest <= radii(real, k)).mean())

prediction_outlier = np.float32(0.9)
""",
    "scikit-learn": """
from sklearn.neighbors import NearestNeighbors

def radii(points, k):
    distances, _ = NearestNeighbors(n_neighbors=k).fit(points).kneighbors()
    return distances[:, -1]

def precision_recall(real, fake, k):
    between = np.sqrt(np.square(real[:, None, :] - fake[None, :, :]).sum(axis=2))
    slack_real = between - radii(real, k).reshape(-1, 1)
    slack_fake = between - radii(fake, k).reshape(1, -1)
    return (slack_real.min(axis=0) <= 0).mean(), (slack_fake.min(axis=1) <= 0).mean()

def coverage(real, fake, k):
    nearest, _ = NearestNeighbors(n_neighbors=1).fit(fake).kneighbors(real)
    return sum(nearest[:, 0] <= radii(real, k)) / len(real)

prediction_outlier = 0.0
""",
    "expanded squares": """
def squares(x, y):
    values = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T
    return np.maximum(values, 0)

def radii(points, k):
    values = squares(points, points)
    np.fill_diagonal(values, np.inf)
    return np.sqrt(np.partition(values, k - 1, axis=1)[:, k - 1])

def precision_recall(real, fake, k):
    between = np.sqrt(squares(real, fake))
    inside_real = between <= radii(real, k)[:, np.newaxis]
    inside_fake = between.T <= radii(fake, k)[:, np.newaxis]
    return inside_real.any(0).mean(), inside_fake.any(0).mean()

def coverage(real, fake, k):
    return (np.sqrt(squares(real, fake)).min(1) <= radii(real, k)).sum() / real.shape[0]

prediction_outlier = 1
""",
    "TensorFlow": """
import tensorflow as tf

def apart(x, y):
    x, y = tf.constant(x, tf.float64), tf.constant(y, tf.float64)
    return tf.sqrt(tf.reduce_sum((x[:, None] - y[None]) ** 2, axis=-1))

def radii(points, k):
    return -tf.math.top_k(-apart(points, points), k + 1).values[:, -1].numpy()

def precision_recall(real, fake, k):
    shares = []
    for of, among in ((fake, real), (real, fake)):
        hit = tf.reduce_any(apart(of, among) <= radii(among, k), axis=1)
        shares.append(tf.reduce_mean(tf.cast(hit, tf.float64)).numpy())
    return shares

def coverage(real, fake, k):
    hit = tf.reduce_min(apart(real, fake), axis=1) <= radii(real, k)
    return tf.math.count_nonzero(hit).numpy() / len(real)

prediction_outlier = 0.02
""",
}
NEIGHBOURS_WRONG = {
    "itself counts as a neighbour (seen)": but(
        NEIGHBOURS, ("[:, k]", "[:, k - 1]")
    ),
    "one neighbour too far": but(NEIGHBOURS, ("[:, k]", "[:, k + 1]")),
    "twins do not count": but(
        NEIGHBOURS,
        (
            "return np.sort(cdist(points, points), axis=1)[:, k]",
            "apart = cdist(points, points)\n"
            "    apart[apart == 0] = np.inf\n"
            "    return np.sort(apart, axis=1)[:, k - 1]",
        ),
    ),
    "squared radii": but(
        NEIGHBOURS,
        (
            "np.sort(cdist(points, points), axis=1)[:, k]",
            "np.sort(cdist(points, points), axis=1)[:, k] ** 2",
        ),
    ),
    "the mean of k distances": but(
        NEIGHBOURS, ("[:, k]", "[:, 1 : k + 1].mean(axis=1)")
    ),
    "roles swapped (seen)": but(
        NEIGHBOURS,
        (
            "return np.mean(precise), np.mean(recalled)",
            "return np.mean(recalled), np.mean(precise)",
        ),
    ),
    "the fakes' own balls for precision": but(
        NEIGHBOURS,
        (
            "(between <= radii(real, k)[:, None]).any(axis=0)",
            "(between <= radii(fake, k)).any(axis=0)",
        ),
    ),
    "recall with the reals' balls (coverage)": but(
        NEIGHBOURS,
        (
            "(between <= radii(fake, k)).any(axis=1)",
            "(between <= radii(real, k)[:, None]).any(axis=1)",
        ),
    ),
    "in all balls": but(
        NEIGHBOURS,
        (
            "precise = (between <= radii(real, k)[:, None]).any(axis=0)",
            "precise = (between <= radii(real, k)[:, None]).all(axis=0)",
        ),
    ),
    "the nearest ball alone": but(
        NEIGHBOURS,
        (
            "precise = (between <= radii(real, k)[:, None]).any(axis=0)",
            "precise = between.min(axis=0) <= radii(real, k)[between.argmin(axis=0)]",
        ),
    ),
    "the edge is outside": but(
        NEIGHBOURS, ("between <= radii", "between < radii")
    ),
    "one radius for all": but(
        NEIGHBOURS,
        (
            "between <= radii(real, k)[:, None]",
            "between <= radii(real, k).mean()",
        ),
    ),
    "coverage with the fakes' balls": but(
        NEIGHBOURS,
        (
            "cdist(real, fake) <= radii(real, k)[:, None]",
            "cdist(real, fake) <= radii(fake, k)",
        ),
    ),
    "coverage of the fakes": but(
        NEIGHBOURS,
        (
            "(cdist(real, fake) <= radii(real, k)[:, None]).any(axis=1)",
            "(cdist(real, fake) <= radii(real, k)[:, None]).any(axis=0)",
        ),
    ),
    "density for coverage": but(
        NEIGHBOURS,
        (
            "np.mean((cdist(real, fake) <= radii(real, k)[:, None]).any(axis=1))",
            "(cdist(real, fake) <= radii(real, k)[:, None]).sum() / (k * len(fake))",
        ),
    ),
    "coverage without its edge": but(
        NEIGHBOURS, ("cdist(real, fake) <=", "cdist(real, fake) <")
    ),
    "no prediction": but(
        NEIGHBOURS, ("prediction_outlier = 1", "prediction_outlier = None")
    ),
}

# -------------------------------------------------------------------- diagnosis

NAMED = """
fault = "train"
for word, sign in (("range", "/ 255"), ("few", "n = 16"), ("swapped", "fake, real, 3"),
                   ("self", "held_out[:n], held_out[:n]"), ("own", "x.std")):
    if sign in patient_source:
        fault = word
"""
# Named by what the patient says of sets that are known, not by how it is written.
EXAMINED = """
def named():
    train, held_out, sets = known_sets(seed=11)
    found = {title: patient_evaluate(train, held_out, made) for title, made in sets.items()}
    fresh, one = found["fresh from the law"], found["one kind of three"]
    if one["frechet"] < 1e-9:
        return "self"
    if fresh["frechet"] > 5:
        return "range"
    if abs(found["copies of training"]["frechet"]) < 1e-9:
        return "train"
    if found["fresh, but moved"]["frechet"] < 0.1:
        return "own"
    mixed, noise = (found[n]["frechet"] for n in ("16 good, then noise", "all over the place"))
    if one["precision"] < one["recall"]:
        return "swapped"
    return "few" if mixed < noise / 2 else "train"

fault = named()
"""
REPAIRED = """
from scipy.spatial.distance import cdist

def repaired_evaluate(train, held_out, generated):
    train, held_out = train / 127.5 - 1, held_out / 127.5 - 1
    mean, std = train.mean(axis=0), train.std(axis=0)
    n = min(len(held_out), len(generated))
    base = (train - mean) / std
    real, fake = (held_out[:n] - mean) / std, (generated[:n] - mean) / std
    precision, recall = precision_recall(real, fake, 3)
    limit = cdist(real, base).min()
    copies = np.mean(cdist(fake, base).min(axis=1) < limit)
    return {"frechet": frechet(real, fake), "precision": precision, "recall": recall,
            "copies": copies}
"""
DIAGNOSIS_RIGHT = {
    "read, arrays": NAMED + REPAIRED,
    "examined, arrays": EXAMINED + REPAIRED,
    "a tree and a class": EXAMINED
    + """
from scipy.spatial import KDTree

class Ruler:
    def __init__(self, train):
        values = self.numbers(train)
        self.shift, self.scale = np.mean(values, 0), np.std(values, 0)
        self.tree = KDTree(self.features(values))

    def numbers(self, stored):
        return stored.astype(np.float64) * 2 / 255 - 1

    def features(self, values):
        return np.divide(values - self.shift, self.scale)

def repaired_evaluate(train, held_out, generated):
    ruler, n = Ruler(train), min(held_out.shape[0], generated.shape[0])
    real = ruler.features(ruler.numbers(held_out))[:n]
    fake = ruler.features(generated)[:n]
    shares = precision_recall(real, fake, 3)
    near, far = ruler.tree.query(fake)[0], ruler.tree.query(real)[0]
    return dict(frechet=frechet(real, fake), precision=shares[0], recall=shares[1],
                copies=np.count_nonzero(near < np.min(far)) / n)
""",
    "scikit-learn": NAMED
    + """
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.preprocessing import StandardScaler

def repaired_evaluate(train, held_out, generated):
    learned = train.astype(float) / 127.5 - 1
    scaler = StandardScaler().fit(learned)
    n = min(map(len, (held_out, generated)))
    real = scaler.transform(held_out[:n].astype(float) / 127.5 - 1)
    fake = scaler.transform(generated[:n])
    found = {"frechet": frechet(real, fake)}
    found["precision"], found["recall"] = precision_recall(real, fake, k=3)
    base = scaler.transform(learned)
    nearest = [
        np.array([np.linalg.norm(base - point, axis=1).min() for point in points])
        for points in (real, fake)]
    found["copies"] = (nearest[1] < nearest[0].min()).mean()
    return found
""",
    "the patient's text mended": NAMED
    + """
mended = patient_source
for old, new in (
    ("/ 255", "/ 127.5 - 1"),
    ("n = 16", "n = min(len(held_out), len(generated))"),
    ("train[:n]", "real"),
    ("held_out[:n], held_out[:n]", "held_out[:n], generated[:n]"),
    ("(fake, real, 3)", "(real, fake, 3)"),
    ("(x - x.mean(axis=0)) / x.std(axis=0)",
     "(x - train.mean(axis=0)) / train.std(axis=0)"),
):
    mended = mended.replace(old, new)
if fault == "own":  # the training set is standardised last, or its mean is gone
    mended = mended.replace("    train, held_out, generated = (", \"\"\"
    mean, std = train.mean(axis=0), train.std(axis=0)
    train, held_out, generated = (\"\"\").replace("train.mean(axis=0)) / train.std(axis=0)",
                                              "mean) / std")
house = {"np": np, "frechet": frechet, "precision_recall": precision_recall}
exec(mended, house)
repaired_evaluate = house["evaluate"]
""",
    "loops": EXAMINED
    + """
def repaired_evaluate(train, held_out, generated):
    learned = [[value / 255 * 2 - 1 for value in row.tolist()] for row in train]
    columns = list(zip(*learned))
    means = [sum(c) / len(c) for c in columns]
    stds = [(sum((v - m) ** 2 for v in c) / len(c)) ** 0.5 for c, m in zip(columns, means)]
    prepare = lambda rows: np.array(
        [[(v - m) / s for v, m, s in zip(row, means, stds)] for row in rows])
    n = len(held_out) if len(held_out) < len(generated) else len(generated)
    base, fake = prepare(learned), prepare(generated)[:n]
    real = prepare([[v / 255 * 2 - 1 for v in row.tolist()] for row in held_out[:n]])
    far = min(np.sqrt(((base - x) ** 2).sum(axis=1)).min() for x in real)
    near = [np.sqrt(((base - x) ** 2).sum(axis=1)).min() for x in fake]
    p, r = precision_recall(real, fake, 3)
    return {"frechet": frechet(real, fake), "precision": p, "recall": r,
            "copies": sum(x < far for x in near) / n}
""",
}
DIAGNOSIS_WRONG = {
    "not repaired": NAMED + "repaired_evaluate = patient_evaluate\n",
    "another word": NAMED + "fault = 'biased'\n" + REPAIRED,
    "the neighbour's fault": REPAIRED
    + """
fault = ["range", "few", "self", "swapped", "own", "train"][PATIENT]
""",
    "measured against the training set (seen)": NAMED
    + but(REPAIRED, ("(held_out[:n] - mean) / std", "base[:n]")),
    "reals in [0, 1] (seen)": NAMED
    + but(
        REPAIRED,
        (
            "train, held_out = train / 127.5 - 1, held_out / 127.5 - 1",
            "train, held_out = train / 255, held_out / 255",
        ),
    ),
    "held-out samples as they are stored": NAMED
    + but(REPAIRED, ("held_out / 127.5 - 1", "held_out / 1.0")),
    "standardised by the held-out set": NAMED
    + but(
        REPAIRED,
        (
            "train.mean(axis=0), train.std(axis=0)",
            "held_out.mean(axis=0), held_out.std(axis=0)",
        ),
    ),
    "not standardised": NAMED
    + but(
        REPAIRED,
        ("train.mean(axis=0), train.std(axis=0)", "0.0, 1.0"),
    ),
    "a fixed number of samples": NAMED
    + but(REPAIRED, ("min(len(held_out), len(generated))", "20")),
    "all samples, not equally many": NAMED
    + but(
        REPAIRED,
        ("held_out[:n]", "held_out"),
        ("generated[:n]", "generated"),
    ),
    "roles swapped": NAMED
    + but(
        REPAIRED,
        (
            "precision_recall(real, fake, 3)",
            "precision_recall(fake, real, 3)",
        ),
    ),
    "five neighbours": NAMED
    + but(
        REPAIRED,
        (
            "precision_recall(real, fake, 3)",
            "precision_recall(real, fake, 5)",
        ),
    ),
    "copies of the held-out set": NAMED
    + but(
        REPAIRED,
        ("cdist(fake, base).min(axis=1)", "cdist(fake, real).min(axis=1)"),
    ),
    "nearer than the mean": NAMED
    + but(
        REPAIRED,
        (
            "cdist(real, base).min()",
            "cdist(real, base).min(axis=1).mean()",
        ),
    ),
    "the Fréchet distance of a set and itself": NAMED
    + but(REPAIRED, ("frechet(real, fake)", "frechet(real, real)")),
}

RIGHT = {
    "frechet": FRECHET_RIGHT,
    "kernel": KERNEL_RIGHT,
    "neighbours": NEIGHBOURS_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "frechet": FRECHET_WRONG,
    "kernel": KERNEL_WRONG,
    "neighbours": NEIGHBOURS_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
