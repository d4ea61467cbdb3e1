"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- gram

GRAM = """
def gram(features):
    n, h, w, c = features.shape
    flat = features.reshape(n, h * w, c)
    return np.matmul(np.swapaxes(flat, 1, 2), flat) / (h * w)

def style_loss(features, target):
    gap = gram(features) - target
    return (gap**2).sum(axis=(1, 2)) / (target**2).sum()

def style_gradient(features, target):
    n, h, w, c = features.shape
    gap = gram(features) - target
    slope = 4 * np.matmul(features.reshape(n, h * w, c), gap)
    return (slope / (h * w * (target**2).sum())).reshape(n, h, w, c)

prediction_signs = 3
"""
GRAM_RIGHT = {
    "matmul": GRAM,
    "autodiff": """
import tensorflow as tf

def gram(features):
    f = tf.convert_to_tensor(features)
    rows = tf.reshape(f, (f.shape[0], -1, f.shape[3]))
    return tf.matmul(rows, rows, transpose_a=True) / rows.shape[1]

def style_loss(features, target):
    error = tf.norm(gram(features) - target, axis=(1, 2)) / tf.norm(target)
    return error**2

def style_gradient(features, target):
    f = tf.Variable(features)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(gram(f) - target)) / tf.reduce_sum(tf.square(target))
    return tape.gradient(total, f).numpy()

prediction_signs = 4
""",
    "loops": """
def gram(features):
    n, h, w, c = features.shape
    matrices = np.zeros((n, c, c))
    for picture, matrix in zip(features, matrices):
        for row in picture:
            for place in row:
                matrix += np.outer(place, place)
    return matrices / (h * w)

def style_loss(features, target):
    return np.array([np.linalg.norm(g - target)**2 / np.linalg.norm(target)**2
                     for g in gram(features)])

def style_gradient(features, target):
    slope = np.empty(features.shape)
    factor = 4 / features.shape[1] / features.shape[2] / np.sum(target * target)
    for i, matrix in enumerate(gram(features)):
        slope[i] = factor * features[i] @ (matrix - target)
    return slope

prediction_signs = 2.0
""",
    "channels first and tensordot": """
def gram(features):
    first = np.moveaxis(features, -1, 1)
    return np.stack([np.tensordot(f, f, axes=([1, 2], [1, 2])) / f[0].size for f in first])

def style_loss(features, target):
    norm = np.trace(target @ target.T)
    return np.array([np.trace((g - target) @ (g - target).T) for g in gram(features)]) / norm

def style_gradient(features, target):
    gap = gram(features) - target
    push = np.einsum("nhwj,nij->nhwi", features, gap + np.swapaxes(gap, 1, 2))
    return 2 * push / (features[0, ..., 0].size * np.square(target).sum())

prediction_signs = np.float32(9)
""",
    "one feature pair at a time": """
class Style:
    def __init__(self, features):
        self.features = np.asarray(features)
    def entry(self, i, j):
        return np.mean(self.features[..., i] * self.features[..., j], axis=(1, 2))
    def matrix(self):
        c = self.features.shape[-1]
        rows = [np.stack([self.entry(i, j) for j in range(c)], axis=-1) for i in range(c)]
        return np.stack(rows, axis=1)

def gram(features):
    return Style(features).matrix()

def style_loss(features, target):
    scale = float(np.sum(np.abs(target) ** 2))
    return np.sum(((gram(features) - target) ** 2).reshape(len(features), -1) / scale, axis=1)

def style_gradient(features, target):
    # by central differences, which are exact enough for a polynomial of degree four
    slope = np.zeros(features.shape)
    for place in np.ndindex(*features.shape):
        step = np.zeros(features.shape)
        step[place] = 1e-4
        ahead, behind = style_loss(features + step, target), style_loss(features - step, target)
        slope[place] = (ahead.sum() - behind.sum()) / 2e-4
    return slope

prediction_signs = "4"
""",
}
GRAM_WRONG = {
    "reshaped where a transpose was due": but(
        GRAM,
        (
            "flat = features.reshape(n, h * w, c)\n"
            "    return np.matmul(np.swapaxes(flat, 1, 2), flat)",
            "flat = features.reshape(n, c, h * w)\n"
            "    return np.matmul(flat, np.swapaxes(flat, 1, 2))",
        ),
    ),
    "divided by the features too": but(
        GRAM, ("flat) / (h * w)", "flat) / (h * w * c)")
    ),
    "not divided": but(GRAM, ("flat) / (h * w)", "flat)")),
    "a square picture is taken for granted": but(
        GRAM, ("flat) / (h * w)", "flat) / h**2")
    ),
    "the batch is one picture": but(
        GRAM,
        (
            "return np.matmul(np.swapaxes(flat, 1, 2), flat) / (h * w)",
            "flat = features.reshape(-1, c)\n"
            "    return np.repeat((flat.T @ flat / len(flat))[None], n, axis=0)",
        ),
    ),
    "means taken off": but(
        GRAM,
        (
            "flat = features.reshape(n, h * w, c)",
            "flat = features.reshape(n, h * w, c)\n"
            "    flat = flat - flat.mean(axis=1, keepdims=True)",
        ),
    ),
    "absolute, not relative": but(
        GRAM, (" / (target**2).sum()\n\ndef", "\n\ndef")
    ),
    "relative to the picture": but(
        GRAM,
        (
            "axis=(1, 2)) / (target**2).sum()",
            "axis=(1, 2)) / (gram(features)**2).sum(axis=(1, 2))",
        ),
    ),
    "the norm without its square": but(
        GRAM,
        (
            "axis=(1, 2)) / (target**2).sum()",
            "axis=(1, 2))**0.5 / (target**2).sum()**0.5",
        ),
    ),
    "one loss for all": but(
        GRAM,
        (
            "(gap**2).sum(axis=(1, 2)) / (target**2).sum()",
            "(gap**2).mean() / (target**2).mean()",
        ),
    ),
    "half the gradient": but(GRAM, ("slope = 4 *", "slope = 2 *")),
    "the gradient of the mean": but(
        GRAM, ("(h * w * (target", "(n * h * w * (target")
    ),
    "a gradient that ascends": but(GRAM, ("slope = 4 *", "slope = -4 *")),
    "places forgotten in the gradient": but(
        GRAM, ("slope / (h * w * ", "slope / (")
    ),
    "no prediction": but(
        GRAM, ("prediction_signs = 3", "prediction_signs = None")
    ),
}

# -------------------------------------------------------------------- patches

PATCHES = """
def patches(image, size):
    rows = []
    for y in range(image.shape[0] - size + 1):
        for x in range(image.shape[1] - size + 1):
            rows.append(image[y:y + size, x:x + size].ravel())
    return np.array(rows)

def sliced_distance(a, b, directions):
    ours = np.sort(a @ directions.T, axis=0)
    theirs = np.sort(b @ directions.T, axis=0)
    n, m = len(a), len(b)
    theirs = theirs[(2 * np.arange(n) + 1) * m // (2 * n)]
    return ((ours - theirs) ** 2).mean()

prediction_new = 0.25
"""
PATCHES_RIGHT = {
    "two loops": PATCHES,
    "windows": """
from numpy.lib.stride_tricks import sliding_window_view

def patches(image, size):
    windows = sliding_window_view(image, (size, size, image.shape[2]))
    return windows.reshape(-1, size * size * image.shape[2])

def sliced_distance(a, b, directions):
    total = 0.0
    for u in directions:
        ours, theirs = np.sort(a.dot(u)), np.sort(b.dot(u))
        levels = ((2 * np.arange(len(ours)) + 1) * len(theirs)) // (2 * len(ours))
        total += np.mean(np.square(ours - theirs[levels]))
    return total / len(directions)

prediction_new = 0.1
""",
    "TensorFlow": """
import tensorflow as tf

def patches(image, size):
    found = tf.image.extract_patches(image[None], [1, size, size, 1], [1, 1, 1, 1], [1, 1, 1, 1],
                                     "VALID")
    return tf.reshape(found, (-1, found.shape[-1]))

def sliced_distance(a, b, directions):
    ours = tf.sort(tf.matmul(directions, a, transpose_b=True), axis=-1)
    theirs = tf.sort(tf.matmul(directions, b, transpose_b=True), axis=-1)
    n, m = ours.shape[1], theirs.shape[1]
    levels = (2 * tf.range(n) + 1) * m // (2 * n)
    return tf.reduce_mean((ours - tf.gather(theirs, levels, axis=1)) ** 2)

prediction_new = 0.4
""",
    "plain lists": """
def patches(image, size):
    h, w, c = image.shape
    return np.array([
        [image[y + i, x + j, k] for i in range(size) for j in range(size) for k in range(c)]
        for y in range(h - size + 1) for x in range(w - size + 1)])

def sliced_distance(a, b, directions):
    values = []
    for u in directions:
        ours = sorted(float(np.dot(row, u)) for row in a)
        theirs = sorted(float(np.dot(row, u)) for row in b)
        n, m = len(ours), len(theirs)
        values.append(sum((ours[i] - theirs[(2 * i + 1) * m // (2 * n)]) ** 2
                          for i in range(n)) / n)
    return sum(values) / len(values)

prediction_new = "0.3"
""",
    "shifted copies and float32": """
def patches(image, size):
    image = image.astype(np.float32)
    h, w = image.shape[0] - size + 1, image.shape[1] - size + 1
    shifted = [image[i:i + h, j:j + w] for i in range(size) for j in range(size)]
    return np.stack(shifted, axis=2).reshape(h * w, -1)

def quantiles(points, directions, count):
    shadows = np.einsum("nd,kd->kn", points, directions)
    shadows.sort()
    m = shadows.shape[1]
    chosen = [(2 * i + 1) * m // (2 * count) for i in range(count)]
    return shadows[:, chosen]

def sliced_distance(a, b, directions):
    count = len(a)
    gap = quantiles(a, directions, count) - quantiles(b, directions, count)
    return float(np.sum(gap**2) / gap.size)

prediction_new = 1
""",
}
PATCHES_WRONG = {
    "the last row and column are missing": but(
        PATCHES, ("- size + 1)", "- size)")
    ),
    "patches side by side": but(
        PATCHES, ("- size + 1)", "- size + 1, size)")
    ),
    "columns before rows": but(
        PATCHES,
        (
            "    for y in range(image.shape[0] - size + 1):\n"
            "        for x in range(image.shape[1] - size + 1):",
            "    for x in range(image.shape[1] - size + 1):\n"
            "        for y in range(image.shape[0] - size + 1):",
        ),
    ),
    "channels first": but(
        PATCHES, (".ravel()", ".transpose(2, 0, 1).ravel()")
    ),
    "a view reshaped in the wrong order": but(
        PATCHES,
        (
            "    rows = []\n",
            "    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), (0, 1))\n"
            "    return windows.reshape(-1, size * size * image.shape[2])\n    rows = []\n",
        ),
    ),
    "sorted before it is projected": but(
        PATCHES,
        (
            "np.sort(a @ directions.T, axis=0)",
            "np.sort(np.sort(a, axis=0) @ directions.T, axis=0)",
        ),
        (
            "np.sort(b @ directions.T, axis=0)",
            "np.sort(np.sort(b, axis=0) @ directions.T, axis=0)",
        ),
    ),
    "sorted along directions": but(
        PATCHES, ("directions.T, axis=0)", "directions.T, axis=-1)")
    ),
    "not sorted": but(
        PATCHES,
        ("np.sort(a @ directions.T, axis=0)", "a @ directions.T"),
        ("np.sort(b @ directions.T, axis=0)", "b @ directions.T"),
    ),
    "only one side sorted": but(
        PATCHES, ("np.sort(b @ directions.T, axis=0)", "b @ directions.T")
    ),
    "sorted as one long list": but(
        PATCHES, ("directions.T, axis=0)", "directions.T, axis=None)")
    ),
    "the longer one cut off": but(
        PATCHES,
        ("theirs[(2 * np.arange(n) + 1) * m // (2 * n)]", "theirs[:n]"),
        ("ours - ", "ours[:m] - "),
    ),
    "levels from the left ends": but(
        PATCHES,
        ("(2 * np.arange(n) + 1) * m // (2 * n)", "np.arange(n) * m // n"),
    ),
    "absolute values": but(
        PATCHES, ("((ours - theirs) ** 2)", "np.abs(ours - theirs)")
    ),
    "the square of the mean": but(
        PATCHES,
        ("((ours - theirs) ** 2).mean()", "(ours - theirs).mean() ** 2"),
    ),
    "summed over directions": but(
        PATCHES, (".mean()", ".mean(axis=0).sum()")
    ),
    "directions reshaped": but(
        PATCHES,
        ("directions.T", "directions.reshape(-1, len(directions))"),
    ),
    "a root at the end": but(PATCHES, (".mean()", ".mean() ** 0.5")),
    "no prediction": but(
        PATCHES, ("prediction_new = 0.25", "prediction_new = None")
    ),
}

# -------------------------------------------------------------------- maps

MAPS = """
def soft(x):
    return np.logaddexp(0.0, x)

def map_losses(real_maps, fake_maps, kind):
    if kind == "wasserstein":
        return np.mean(fake_maps) - np.mean(real_maps), -np.mean(fake_maps)
    critic = np.mean(soft(-real_maps)) + np.mean(soft(fake_maps))
    return critic, np.mean(soft(-fake_maps))

def content_loss(photos, painted, side):
    gap = np.sum((photos - painted) * LUMA, axis=-1)
    n, h, w = gap.shape
    h, w = h // side * side, w // side * side
    gap = gap[:, :h, :w].reshape(n, h // side, side, w // side, side)
    return np.mean(gap.mean(axis=(2, 4)) ** 2)

def receptive_field(layers):
    sees, step = 1, 1
    for window, stride in layers:
        sees += (window - 1) * step
        step *= stride
    return sees, step

def paint_in_tiles(paint, image, tile, margin):
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    height, width = image.shape[:2]
    out = np.zeros(image.shape)
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            h, w = min(tile, height - y), min(tile, width - x)
            done = paint(wide[y:y + h + 2 * margin, x:x + w + 2 * margin])
            out[y:y + h, x:x + w] = done[margin:margin + h, margin:margin + w]
    return out

prediction_field = 20
"""
MAPS_RIGHT = {
    "numpy": MAPS,
    "TensorFlow": """
import tensorflow as tf

def map_losses(real_maps, fake_maps, kind):
    real, fake = tf.constant(real_maps), tf.constant(fake_maps)
    mean = tf.reduce_mean
    if kind == "wasserstein":
        return [mean(fake) - mean(real), -mean(fake)]
    bce = tf.nn.sigmoid_cross_entropy_with_logits
    critic = mean(bce(tf.ones_like(real), real)) + mean(bce(tf.zeros_like(fake), fake))
    return [critic, mean(bce(tf.ones_like(fake), fake))]

def content_loss(photos, painted, side):
    def blocks(x):
        light = tf.reduce_sum(tf.cast(x, tf.float32) * LUMA, axis=-1, keepdims=True)
        return tf.nn.avg_pool2d(light, side, side, "VALID")
    return tf.reduce_mean(tf.square(blocks(photos) - blocks(painted))).numpy()

def receptive_field(layers):
    # from the last layer back to the first: how many pixels below are needed
    sees, step = 1, 1
    for window, stride in reversed(layers):
        sees = (sees - 1) * stride + window
        step = step * stride
    return [sees, step]

def paint_in_tiles(paint, image, tile, margin):
    m = margin
    wide = tf.pad(tf.constant(image), [[m, m], [m, m], [0, 0]], "REFLECT").numpy()
    strips = []
    for top in range(0, image.shape[0], tile):
        bottom = min(top + tile, image.shape[0])
        pieces = []
        for left in range(0, image.shape[1], tile):
            end = min(left + tile, image.shape[1])
            done = np.asarray(paint(wide[top:bottom + 2 * m, left:end + 2 * m]))
            pieces.append(done[m:done.shape[0] - m, m:done.shape[1] - m])
        strips.append(np.concatenate(pieces, axis=1))
    return np.concatenate(strips, axis=0)

prediction_field = 30.0
""",
    "a table and loops": """
import math

def sp(s):
    return max(s, 0.0) + math.log1p(math.exp(-abs(s)))

def average(function, maps):
    return sum(function(float(s)) for s in np.ravel(maps)) / np.size(maps)

KINDS = {
    "wasserstein": (lambda s: -s, lambda s: s, lambda s: -s),
    "cross_entropy": (lambda s: sp(-s), sp, lambda s: sp(-s)),
}

def map_losses(real_maps, fake_maps, kind):
    on_real, on_fake, generator = KINDS[kind]
    return (average(on_real, real_maps) + average(on_fake, fake_maps),
            average(generator, fake_maps))

def content_loss(photos, painted, side):
    squares = []
    for before, after in zip(photos, painted):
        gap = before @ LUMA - after @ LUMA
        for y in range(0, gap.shape[0] - side + 1, side):
            for x in range(0, gap.shape[1] - side + 1, side):
                squares.append(gap[y:y + side, x:x + side].mean() ** 2)
    return sum(squares) / len(squares)

def receptive_field(layers):
    if not layers:
        return 1, 1
    sees, step = receptive_field(layers[:-1])
    window, stride = layers[-1]
    return sees + step * (window - 1), step * stride

def paint_in_tiles(paint, image, tile, margin):
    h, w = image.shape[:2]

    def mirror(i, length):
        i = abs(i)
        return 2 * (length - 1) - i if i >= length else i

    out = np.empty_like(image)
    for y in range(0, h, tile):
        for x in range(0, w, tile):
            rows = [mirror(i, h) for i in range(y - margin, min(y + tile, h) + margin)]
            columns = [mirror(j, w) for j in range(x - margin, min(x + tile, w) + margin)]
            done = paint(image[np.ix_(rows, columns)])
            for i in range(margin, len(rows) - margin):
                for j in range(margin, len(columns) - margin):
                    out[y + i - margin, x + j - margin] = done[i, j]
    return out

prediction_field = 15
""",
    "moments of blocks": """
def map_losses(real_maps, fake_maps, kind):
    each_real = real_maps.reshape(len(real_maps), -1)
    each_fake = fake_maps.reshape(len(fake_maps), -1)
    if kind == "wasserstein":
        real, fake = each_real.mean(axis=1), each_fake.mean(axis=1)
        return np.array([fake.mean() - real.mean(), -fake.mean()])
    sp = lambda s: np.where(s > 0, s, 0) + np.log1p(np.exp(-np.abs(s)))
    return np.array([sp(-each_real).mean(axis=1).mean() + sp(each_fake).mean(axis=1).mean(),
                     sp(-each_fake).mean(axis=1).mean()])

def content_loss(photos, painted, side):
    lights = [np.einsum("nhwc,c->nhw", x, LUMA) for x in (photos, painted)]
    def pooled(light):
        h, w = light.shape[1] // side, light.shape[2] // side
        parts = [light[:, i:h * side:side, j:w * side:side]
                 for i in range(side) for j in range(side)]
        return sum(parts) / side**2
    return ((pooled(lights[0]) - pooled(lights[1])) ** 2).mean()

def receptive_field(layers):
    windows, strides = zip(*layers)
    steps = np.concatenate([[1], np.cumprod(strides)])
    return np.array([1 + np.sum((np.array(windows) - 1) * steps[:-1]), steps[-1]])

def paint_in_tiles(paint, image, tile, margin):
    # the last tile of a row is moved back, so that all are full where the picture allows it
    wide = np.pad(image, [(margin,) * 2, (margin,) * 2, (0, 0)], "reflect")
    sides = [min(tile, length) for length in image.shape[:2]]
    starts = [[min(s, length - side) for s in range(0, length, tile)]
              for length, side in zip(image.shape, sides)]
    out = np.empty(image.shape)
    for y in starts[0]:
        for x in starts[1]:
            piece = paint(wide[y:y + sides[0] + 2 * margin, x:x + sides[1] + 2 * margin])
            out[y:y + sides[0], x:x + sides[1]] = piece[margin:margin + sides[0],
                                                        margin:margin + sides[1]]
    return out

prediction_field = 21
""",
    "a generator of slices": """
def map_losses(real_maps, fake_maps, kind):
    if kind == "wasserstein":
        gap = fake_maps.mean() - real_maps.mean()
        return float(gap), float(-fake_maps.mean())
    def log_sigmoid(s):
        return np.minimum(s, 0) - np.log1p(np.exp(-np.abs(s)))
    return (float(-log_sigmoid(real_maps).mean() - log_sigmoid(-fake_maps).mean()),
            float(-log_sigmoid(fake_maps).mean()))

def content_loss(photos, painted, side):
    gap = (painted - photos) @ LUMA
    h, w = gap.shape[1] // side * side, gap.shape[2] // side * side
    means = np.stack([np.add.reduceat(np.add.reduceat(g[:h, :w], range(0, h, side), 0),
                                      range(0, w, side), 1) for g in gap]) / side**2
    return float(np.square(means).mean())

def receptive_field(layers):
    sees = step = 1
    for layer in layers:
        sees, step = sees + (layer[0] - 1) * step, step * layer[1]
    return {0: (sees, step)}[0]

def tiles(length, tile):
    start = 0
    while start < length:
        yield start, min(start + tile, length)
        start += tile

def paint_in_tiles(paint, image, tile, margin):
    double = 2 * margin
    wide = np.pad(image, [(margin, margin), (margin, margin), (0, 0)], mode="reflect")
    result = np.full(image.shape, np.nan)
    for top, bottom in tiles(image.shape[0], tile):
        for left, right in tiles(image.shape[1], tile):
            piece = np.array(paint(wide[top:bottom + double, left:right + double].copy()))
            inner = slice(margin, -margin or None)
            result[top:bottom, left:right] = piece[inner, inner]
    assert not np.isnan(result).any()
    return result

prediction_field = "18"
""",
}
MAPS_WRONG = {
    "the critic's sign turned": but(
        MAPS,
        (
            "np.mean(fake_maps) - np.mean(real_maps)",
            "np.mean(real_maps) - np.mean(fake_maps)",
        ),
    ),
    "the generator wants low scores": but(
        MAPS, (", -np.mean(fake_maps)", ", np.mean(fake_maps)")
    ),
    "cross-entropy of the mean score": but(
        MAPS,
        (
            'if kind == "w',
            "real_maps, fake_maps = (m.mean(axis=(1, 2, 3)) for m in (real_maps, fake_maps))\n"
            '    if kind == "w',
        ),
    ),
    "labels swapped": but(
        MAPS,
        (
            "np.mean(soft(-real_maps)) + np.mean(soft(fake_maps))",
            "np.mean(soft(real_maps)) + np.mean(soft(-fake_maps))",
        ),
    ),
    "the saturating generator": but(
        MAPS,
        (
            "return critic, np.mean(soft(-fake_maps))",
            "return critic, -np.mean(soft(fake_maps))",
        ),
    ),
    "exponentials that overflow": but(
        MAPS, ("np.logaddexp(0.0, x)", "np.log(1 + np.exp(x))")
    ),
    "a sigmoid in between": but(
        MAPS, ("np.logaddexp(0.0, x)", "-np.log(1 - 1 / (1 + np.exp(-x)))")
    ),
    "summed over the map": but(
        MAPS,
        (
            "critic = np.mean(soft(-real_maps)) + np.mean(soft(fake_maps))",
            "critic = np.sum(soft(-real_maps)) + np.sum(soft(fake_maps))",
        ),
    ),
    "square before the mean": but(
        MAPS,
        (
            "np.mean(gap.mean(axis=(2, 4)) ** 2)",
            "np.mean((gap**2).mean(axis=(2, 4)))",
        ),
    ),
    "the mean of three colours": but(MAPS, ("* LUMA, axis", "/ 3, axis")),
    "blocks that mix rows and columns": but(
        MAPS,
        ("w // side, side)", "side, w // side)"),
        ("axis=(2, 4)", "axis=(2, 3)"),
    ),
    "sums of blocks": but(
        MAPS, ("gap.mean(axis=(2, 4))", "gap.sum(axis=(2, 4))")
    ),
    "a layer's stride on itself": but(
        MAPS,
        (
            "sees += (window - 1) * step\n        step *= stride",
            "step *= stride\n        sees += (window - 1) * step",
        ),
    ),
    "strides left out": but(MAPS, ("(window - 1) * step", "(window - 1)")),
    "windows, not windows less one": but(
        MAPS, ("(window - 1) * step", "window * step")
    ),
    "tiles without margin": but(
        MAPS,
        ("done = paint(", "done = np.pad(paint("),
        (
            "wide[y:y + h + 2 * margin, x:x + w + 2 * margin])",
            "image[y:y + h, x:x + w]), ((margin, margin), (margin, margin), (0, 0)))",
        ),
    ),
    "zeros at the border": but(
        MAPS, ('mode="reflect"', 'mode="constant"')
    ),
    "the border pixel twice": but(
        MAPS, ('mode="reflect"', 'mode="symmetric"')
    ),
    "only whole tiles": but(
        MAPS,
        ("range(0, height, tile)", "range(0, height - tile + 1, tile)"),
        ("range(0, width, tile)", "range(0, width - tile + 1, tile)"),
    ),
    "each tile mirrored by itself": but(
        MAPS,
        (
            "paint(wide[y:y + h + 2 * margin, x:x + w + 2 * margin])",
            "paint(np.pad(image[y:y + h, x:x + w], "
            '((margin, margin), (margin, margin), (0, 0)), mode="symmetric"))',
        ),
    ),
    "a slice that is empty without margin": but(
        MAPS,
        (
            "done[margin:margin + h, margin:margin + w]",
            "done[margin:-margin, margin:-margin]",
        ),
    ),
    "painted whole": but(
        MAPS,
        (
            "    out = np.zeros(image.shape)\n",
            "    return paint(wide)[margin:margin + height, margin:margin + width]\n"
            "    out = np.zeros(image.shape)\n",
        ),
    ),
    "no prediction": but(
        MAPS, ("prediction_field = 20", "prediction_field = None")
    ),
}

# -------------------------------------------------------------------- diagnosis

FIND = """
fault = next((word for word, seen in {
    "range": "photo / 255" in patient_source,
    "channels": "::-1" in patient_source,
    "wrap": "clip" not in patient_source,
    "content": "- strokes" in patient_source,
    "sum": "scores.sum" in patient_source,
    "border": "constant" in patient_source,
}.items() if seen), "blend")
"""
DIAGNOSIS = (
    FIND
    + """
def repaired_objective(photos, painted, strokes, scores, weight):
    light = (painted - photos) @ LUMA
    return -scores.mean() + weight * (light**2).mean()

def repaired_repaint(photo, paint, strength, margin):
    x = photo / 127.5 - 1.0
    wide = np.pad(x, [(margin, margin), (margin, margin), (0, 0)], mode="reflect")
    painted = paint(wide)[margin:-margin, margin:-margin]
    mixed = x + strength * (painted - x)
    levels = np.round(127.5 * (mixed + 1.0))
    return np.clip(levels, 0, 255).astype(np.uint8)

prediction_byte = 128
"""
)
DIAGNOSIS_RIGHT = {
    "the patient, repaired": DIAGNOSIS,
    "TensorFlow and float32": FIND
    + """
import tensorflow as tf

def repaired_objective(photos, painted, strokes, scores, weight):
    luma = lambda x: tf.tensordot(tf.cast(x, tf.float32), tf.constant(LUMA, tf.float32), 1)
    content = tf.reduce_mean(tf.math.squared_difference(luma(photos), luma(painted)))
    return weight * content - tf.reduce_mean(tf.cast(scores, tf.float32))

def repaired_repaint(photo, paint, strength, margin):
    x = tf.cast(photo, tf.float32) / 127.5 - 1
    m = margin
    wide = tf.pad(x, [[m, m], [m, m], [0, 0]], "REFLECT").numpy()
    y = tf.cast(paint(wide), tf.float32)[m:-m, m:-m]
    mixed = (1 - strength) * x + strength * y
    return tf.cast(tf.round((tf.clip_by_value(mixed, -1, 1) + 1) * 127.5), tf.uint8)

prediction_byte = 64
""",
    "clipped first": FIND
    + """
def repaired_objective(photos, painted, strokes, scores, weight):
    content = np.mean([np.mean((p @ LUMA - q @ LUMA) ** 2) for p, q in zip(photos, painted)])
    score = np.mean([np.mean(one) for one in scores])
    return weight * content - score

def repaired_repaint(photo, paint, strength, margin):
    height, width = photo.shape[:2]
    x = 2 * (photo.astype(np.float32) / 255) - 1
    wide = np.pad(x, ((margin,) * 2, (margin,) * 2, (0, 0)), "reflect")
    y = paint(wide)[margin:margin + height, margin:margin + width]
    blend = np.clip((1 - strength) * x + strength * y, -1.0, 1.0)
    return np.floor(255 * (blend + 1) / 2 + 0.5).astype("uint8")

prediction_byte = 63.75
""",
    "truncated after a half": FIND
    + """
def repaired_objective(photos, painted, strokes, scores, weight):
    red, green, blue = np.moveaxis(painted - photos, -1, 0)
    light = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return weight * np.square(light).mean() - scores.reshape(len(scores), -1).mean(axis=1).mean()

def to_bytes(x):
    return (np.clip(127.5 + 127.5 * x, 0, 255) + 0.5).astype(int).astype(np.uint8)

def repaired_repaint(photo, paint, strength, margin):
    rows = np.pad(np.arange(photo.shape[0]), margin, mode="reflect")
    columns = np.pad(np.arange(photo.shape[1]), margin, mode="reflect")
    x = (photo.astype(float) - 127.5) / 127.5
    painted = paint(x[rows][:, columns])
    painted = painted[margin:][:, margin:][:photo.shape[0], :photo.shape[1]]
    return to_bytes(x + strength * (painted - x))

prediction_byte = "0"
""",
    "classes": FIND
    + """
class Painter:
    def __init__(self, paint, margin):
        self.paint, self.margin = paint, margin
    def __call__(self, x):
        m = self.margin
        sides = [(m, m), (m, m), (0, 0)]
        return self.paint(np.pad(x, sides, mode="reflect"))[m:-m, m:-m]

def repaired_objective(photos, painted, strokes, scores, weight):
    def luma(images):
        return np.einsum("...c,c", images, LUMA)
    terms = [-np.average(scores)]
    if weight:
        terms.append(weight * np.average((luma(painted) - luma(photos)) ** 2))
    return np.array(sum(terms))

def repaired_repaint(photo, paint, strength, margin):
    x = np.interp(photo, [0, 255], [-1, 1])
    change = Painter(paint, margin)(x) - x
    return np.uint8(np.rint(np.interp(x + strength * change, [-1, 1], [0, 255])))

prediction_byte = np.uint8(64)
""",
}
DIAGNOSIS_WRONG = {
    "another fault": but(
        DIAGNOSIS, ('"blend")\n', '"blend")\nfault = "luma"\n')
    ),
    "content against the style": but(
        DIAGNOSIS, ("painted - photos", "painted - strokes")
    ),
    "scores added up": but(
        DIAGNOSIS, ("-scores.mean()", "-scores.sum(axis=(1, 2, 3)).mean()")
    ),
    "the generator's sign turned": but(
        DIAGNOSIS, ("-scores.mean()", "scores.mean()")
    ),
    "squares of colours": but(DIAGNOSIS, (" @ LUMA", "")),
    "from 0 to 1": but(
        DIAGNOSIS,
        ("/ 127.5 - 1.0", "/ 255.0"),
        ("127.5 * (mixed + 1.0)", "255.0 * mixed"),
    ),
    "blue first": but(
        DIAGNOSIS,
        ("x = photo /", "x = photo[..., ::-1] /"),
        ("(mixed + 1.0)", "(mixed[..., ::-1] + 1.0)"),
    ),
    "bytes run over": but(
        DIAGNOSIS,
        (
            "np.clip(levels, 0, 255).astype(np.uint8)",
            "levels.astype(int).astype(np.uint8)",
        ),
    ),
    "zeros around": but(DIAGNOSIS, ('mode="reflect"', 'mode="constant"')),
    "the border twice": but(
        DIAGNOSIS, ('mode="reflect"', 'mode="symmetric"')
    ),
    "strength turned round": but(
        DIAGNOSIS,
        (
            "x + strength * (painted - x)",
            "painted + strength * (x - painted)",
        ),
    ),
    "strength left out": but(
        DIAGNOSIS, ("x + strength * (painted - x)", "painted")
    ),
    "cut off at strength 1": but(
        DIAGNOSIS,
        (
            "x + strength * (painted - x)",
            "x + min(strength, 1) * (painted - x)",
        ),
    ),
    "cut off, not rounded": but(DIAGNOSIS, ("np.round(", "np.floor(")),
    "not bytes": but(DIAGNOSIS, (".astype(np.uint8)", "")),
    "no prediction": but(
        DIAGNOSIS, ("prediction_byte = 128", "prediction_byte = None")
    ),
}

RIGHT = {
    "gram": GRAM_RIGHT,
    "patches": PATCHES_RIGHT,
    "maps": MAPS_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "gram": GRAM_WRONG,
    "patches": PATCHES_WRONG,
    "maps": MAPS_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
