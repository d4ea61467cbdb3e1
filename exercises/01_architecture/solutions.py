"""Right solutions in several styles, and wrong ones; read by tests only."""


def but(source, *changes):
    """The source with parts replaced, each of which must occur."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


# -------------------------------------------------------------------- sizes

SIZES = """
def conv_size(size, kernel, stride, padding):
    if padding == "same":
        return (size + stride - 1) // stride
    return (size - kernel) // stride + 1

def transposed_size(size, kernel, stride, padding):
    if padding == "same":
        return size * stride
    return size * stride + max(kernel - stride, 0)

def receptive_field(stack):
    field, jump = 1, 1
    for kernel, stride in stack:
        field = field + (kernel - 1) * jump
        jump = jump * stride
    return field

prediction_field = 17
"""

SIZES_BY_COUNTING = """
def conv_size(size, kernel, stride, padding):
    last = size if padding == "same" else size - kernel + 1
    return sum(1 for place in range(last) if place % stride == 0)

def transposed_size(size, kernel, stride, padding):
    touched = np.zeros(1000, bool)
    for place in range(size):
        touched[place * stride : place * stride + max(kernel, stride)] = True
    return int(touched.sum()) if padding == "valid" else size * stride

def receptive_field(stack):
    seen = {0}
    for kernel, stride in reversed(stack):
        seen = {stride * place + k for place in seen for k in range(kernel)}
    return max(seen) - min(seen) + 1

prediction_field = 17.5
"""

SIZES_BY_CEILING = """
import math

def conv_size(n, k, s, padding):
    return math.ceil((n if padding == "same" else n - k + 1) / s)

def transposed_size(n, k, s, padding):
    return {"same": n * s, "valid": (n - 1) * s + max(k, s)}[padding]

def receptive_field(stack):
    jumps = np.cumprod([1] + [s for _, s in stack])
    return int(1 + sum((k - 1) * j for (k, _), j in zip(stack, jumps)))

prediction_field = np.float64(20)
"""

SIZES_BY_KERAS = """
def conv_size(size, kernel, stride, padding):
    layer = layers.Conv1D(1, kernel, strides=stride, padding=padding)
    return layer.compute_output_shape((None, size, 1))[1]

def transposed_size(size, kernel, stride, padding):
    layer = layers.Conv1DTranspose(1, kernel, strides=stride, padding=padding)
    return layer.compute_output_shape((None, size, 1))[1]

def receptive_field(stack):
    if not stack:
        return 1
    *before, (kernel, stride) = stack
    jump = 1
    for _, s in before:
        jump *= s
    return receptive_field(before) + (kernel - 1) * jump

prediction_field = "24"
"""

SIZES_AS_CLASS = """
class Window:
    def __init__(self, kernel, stride):
        self.kernel, self.stride = kernel, stride

    def places(self, size):
        return (size - self.kernel) // self.stride + 1

    def needs(self, places):
        return (places - 1) * self.stride + self.kernel

def conv_size(size, kernel, stride, padding):
    window = Window(kernel, stride)
    if padding == "valid":
        return np.int64(window.places(size))
    return np.int64(Window(1, stride).places(size))

def transposed_size(size, kernel, stride, padding):
    if padding == "valid":
        return Window(max(kernel, stride), stride).needs(size)
    return stride * size

def receptive_field(stack):
    places = 1
    for kernel, stride in stack[::-1]:
        places = Window(kernel, stride).needs(places)
    return places

prediction_field = 5
"""

SIZES_RIGHT = {
    "formulas": SIZES,
    "counting": SIZES_BY_COUNTING,
    "ceiling and cumulated product": SIZES_BY_CEILING,
    "Keras and recursion": SIZES_BY_KERAS,
    "a class, backwards": SIZES_AS_CLASS,
}
SIZES_WRONG = {
    "same rounds down": but(
        SIZES, ("(size + stride - 1) // stride", "size // stride")
    ),
    "valid without plus one": but(
        SIZES,
        ("(size - kernel) // stride + 1", "(size - kernel) // stride"),
    ),
    "kernel below stride forgotten": but(
        SIZES,
        (
            "size * stride + max(kernel - stride, 0)",
            "(size - 1) * stride + kernel",
        ),
    ),
    "transposed by the inverse formula": but(
        SIZES,
        ("return size * stride\n", "return size * stride - stride + 1\n"),
    ),
    "jump grows first": but(
        SIZES,
        ("        field = field + (kernel - 1) * jump\n", ""),
        (
            "jump = jump * stride",
            "jump = jump * stride\n        field = field + (kernel - 1) * jump",
        ),
    ),
    "no prediction": but(
        SIZES, ("prediction_field = 17", "prediction_field = None")
    ),
}

# -------------------------------------------------------------------- parameters

PARAMETERS = """
def parameters(layer):
    if layer[0] == "none":
        return 0, 0
    if layer[0] == "norm":
        return 4 * layer[1], 2 * layer[1]
    if layer[0] == "dense":
        _, n, m, bias = layer
        total = n * m
    else:
        _, k, n, m, bias = layer
        total = k * k * n * m
    if bias:
        total += m
    return total, total

prediction_growth = 3.5
"""

PARAMETERS_RIGHT = {
    "cases": PARAMETERS,
    "one formula": """
def parameters(layer):
    kind, *rest = layer
    if kind in ("none", "norm"):
        c = sum(rest)
        return [4 * c, 2 * c]
    *window, n, m, bias = rest
    total = int(np.prod([*window, *window, n, m])) + m * int(bias)
    return [total, total]

prediction_growth = 4
""",
    "a table of functions": """
COUNT = {
    "dense": lambda n, m, bias: ((n + bias) * m,) * 2,
    "conv": lambda k, c, c2, bias: ((k**2 * c + bias) * c2,) * 2,
    "norm": lambda c: (c + c + c + c, c + c),
    "none": lambda: (0, 0),
}
COUNT["up"] = COUNT["conv"]

def parameters(layer):
    return COUNT[layer[0]](*layer[1:])

prediction_growth = 2
""",
    "Keras counts": """
def parameters(layer):
    kind, *rest = layer
    if kind == "none":
        return 0, 0
    if kind == "norm":
        made = layers.BatchNormalization()
        made.build((None, rest[0]))
    elif kind == "dense":
        n, m, bias = rest
        made = layers.Dense(m, use_bias=bias)
        made.build((None, n))
    else:
        k, c, c2, bias = rest
        one = layers.Conv2D if kind == "conv" else layers.Conv2DTranspose
        made = one(c2, k, use_bias=bias)
        made.build((None, 8, 8, c))
    trained = sum(int(np.prod(weight.shape)) for weight in made.trainable_weights)
    return made.count_params(), trained

prediction_growth = 3.9
""",
    "a dataclass and match": """
def parameters(layer):
    match layer:
        case ("none",):
            every = trained = 0
        case ("norm", c):
            every, trained = 4 * c, 2 * c
        case ("dense", n, m, True):
            every = trained = n * m + m
        case ("dense", n, m, False):
            every = trained = n * m
        case (_, k, n, m, bias):
            every = trained = m * (k * k * n + (1 if bias else 0))
    return np.array([every, trained])

prediction_growth = 1.0
""",
}
PARAMETERS_WRONG = {
    "kernel counted once": but(PARAMETERS, ("k * k * n * m", "k * n * m")),
    "bias for each input": but(PARAMETERS, ("total += m", "total += n")),
    "bias always": but(PARAMETERS, ("if bias:", "if True:")),
    "running averages forgotten": but(
        PARAMETERS, ("4 * layer[1], 2", "2 * layer[1], 2")
    ),
    "all of the norm trained": but(
        PARAMETERS, ("4 * layer[1], 2 *", "4 * layer[1], 4 *")
    ),
    "no prediction": but(
        PARAMETERS, ("prediction_growth = 3.5", "prediction_growth = ...")
    ),
}

# -------------------------------------------------------------------- networks

GENERATOR = """
def build_generator(latent_dim, width, channels):
    model = keras.Sequential()
    model.add(keras.Input((latent_dim,)))
    model.add(layers.Dense(4 * 4 * 8 * width, use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((4, 4, 8 * width)))
    model.add(layers.Conv2DTranspose(4 * width, (5, 5), padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(2 * width, (5, 5), strides=2, padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(width, (5, 5), strides=2, padding="same", use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(channels, 5, strides=2, padding="same", activation="tanh"))
    return model

prediction_loud = 1.0
"""

DISCRIMINATOR = """
def build_discriminator(image_shape, width, dropout):
    model = keras.Sequential()
    model.add(keras.Input(image_shape))
    model.add(layers.Conv2D(width, (5, 5), strides=(2, 2), padding="same"))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(dropout))
    model.add(layers.Conv2D(2 * width, (5, 5), strides=(2, 2), padding="same"))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(dropout))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model
"""

BOTH = GENERATOR + DISCRIMINATOR

FUNCTIONAL = """
def build_generator(latent_dim, width, channels):
    z = x = keras.Input(shape=(latent_dim,), name="z")
    x = layers.Dense(16 * 8 * width, use_bias=False)(x)
    x = keras.ops.leaky_relu(layers.BatchNormalization()(x), 0.3)
    x = keras.ops.reshape(x, (-1, 4, 4, 8 * width))
    for factor, stride in zip((4, 2, 1), (1, 2, 2)):
        x = layers.Conv2DTranspose(factor * width, 5, stride, "same", use_bias=False)(x)
        x = keras.ops.leaky_relu(layers.BatchNormalization()(x), 0.3)
    x = layers.Conv2DTranspose(channels, 5, 2, "same")(x)
    return keras.Model(z, keras.ops.tanh(x))

def build_discriminator(image_shape, width, dropout):
    image = x = keras.Input(image_shape)
    for i in range(2):
        x = layers.Conv2D(width * 2**i, 5, 2, "same")(x)
        x = layers.Dropout(dropout)(layers.LeakyReLU(negative_slope=0.3)(x))
    return keras.Model(image, layers.Dense(1)(layers.Flatten()(x)))

prediction_loud = 5
"""

CLASSES = """
class Up(layers.Layer):
    def __init__(self, filters, stride):
        super().__init__()
        self.conv = layers.Conv2DTranspose(filters, 5, stride, "same", use_bias=False)
        self.norm = layers.BatchNormalization()
        self.bend = layers.LeakyReLU()

    def call(self, x, training=None):
        return self.bend(self.norm(self.conv(x), training=training))

class Generator(keras.Model):
    def __init__(self, width, channels):
        super().__init__()
        self.dense = layers.Dense(128 * width, use_bias=False)
        self.norm = layers.BatchNormalization()
        self.shape_of_map = (-1, 4, 4, 8 * width)
        self.ups = [Up(4 * width, 1), Up(2 * width, 2), Up(width, 2)]
        self.last = layers.Conv2DTranspose(channels, 5, 2, "same", activation="tanh")

    def call(self, z, training=None):
        x = self.norm(self.dense(z), training=training)
        x = tf.reshape(tf.nn.leaky_relu(x, 0.3), self.shape_of_map)
        for up in self.ups:
            x = up(x, training=training)
        return self.last(x)

class Discriminator(keras.Model):
    def __init__(self, width, dropout):
        super().__init__()
        self.first = layers.Conv2D(width, 5, 2, "same")
        self.second = layers.Conv2D(2 * width, 5, 2, "same")
        self.drop = layers.Dropout(dropout)
        self.score = layers.Dense(1)

    def call(self, x, training=None):
        for conv in (self.first, self.second):
            x = self.drop(tf.nn.leaky_relu(conv(x), 0.3), training=training)
        return self.score(tf.reshape(x, (tf.shape(x)[0], x.shape[1] * x.shape[2] * x.shape[3])))

def build_generator(latent_dim, width, channels):
    model = Generator(width, channels)
    model(tf.zeros((1, latent_dim)))
    return model

def build_discriminator(image_shape, width, dropout):
    model = Discriminator(width, dropout)
    model(tf.zeros((1, *image_shape)))
    return model

import tensorflow as tf
prediction_loud = 0.5
"""

NESTED = """
def bend(dtype):
    return layers.LeakyReLU(dtype=dtype)

def build_generator(latent_dim, width, channels, dtype="float64"):
    head = keras.Sequential([
        layers.Dense(8 * width * 16, use_bias=False, dtype=dtype),
        layers.BatchNormalization(dtype=dtype),
        bend(dtype),
        layers.Reshape((4, 4, 8 * width), dtype=dtype),
    ])
    ups = [
        keras.Sequential([
            layers.Conv2DTranspose(f * width, 5, s, "same", use_bias=False, dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            bend(dtype),
        ])
        for f, s in ((4, 1), (2, 2), (1, 2))
    ]
    tail = layers.Conv2DTranspose(channels, 5, 2, "same", activation="tanh", dtype=dtype)
    z = keras.Input((latent_dim,), dtype=dtype)
    x = head(z)
    for up in ups:
        x = up(x)
    return keras.Model(z, tail(x))

def build_discriminator(image_shape, width, dropout, dtype="float64"):
    body = [keras.Input(image_shape, dtype=dtype)]
    for f in (1, 2):
        body.append(layers.Conv2D(f * width, 5, 2, "same", dtype=dtype))
        body.append(layers.Dropout(dropout, dtype=dtype))  # commutes with the bend
        body.append(bend(dtype))
    return keras.Sequential(body + [layers.Flatten(), layers.Dense(1, dtype=dtype)])

prediction_loud = 1000
"""

PADDED = """
def build_generator(z, w, c):
    sizes = [(4 * w, 1), (2 * w, 2), (w, 2), (c, 2)]
    stack = [keras.Input((z,)), layers.Dense(16 * 8 * w, use_bias=False),
             layers.BatchNormalization(), layers.Activation(lambda x: keras.ops.leaky_relu(x, 0.3)),
             layers.Reshape((4, 4, -1))]
    for number, (filters, stride) in enumerate(sizes):
        last = number == 3
        stack.append(layers.Conv2DTranspose(filters, 5, stride, "same", use_bias=last))
        if last:
            stack.append(layers.Activation("tanh"))
        else:
            stack.extend([layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.3)])
    return keras.Sequential(stack)

def build_discriminator(shape, w, rate):
    # Even sides: "same" with kernel 5 and stride 2 pads 1 before and 2 after.
    stack = [keras.Input(shape)]
    for filters in (w, 2 * w):
        stack += [layers.ZeroPadding2D(((1, 2), (1, 2))), layers.Conv2D(filters, 5, 2, "valid"),
                  layers.LeakyReLU(), layers.Dropout(rate)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(1, activation="linear")])

prediction_loud = np.float32(0.99)
"""

NETWORKS_RIGHT = {
    "Sequential, added": BOTH,
    "functional, loops, ops": FUNCTIONAL,
    "classes": CLASSES,
    "nested, float64": NESTED,
    "padding and activations of their own": PADDED,
}
NETWORKS_WRONG = {
    "map with channels first": but(
        BOTH,
        (
            "layers.Reshape((4, 4, 8 * width))",
            "keras.Sequential([layers.Reshape((8 * width, 4, 4)), layers.Permute((2, 3, 1))])",
        ),
    ),
    "no tanh": but(BOTH, (', activation="tanh"', "")),
    "biases before batch norm": but(BOTH, (", use_bias=False", "")),
    "batch norm over rows": but(
        BOTH,
        (
            "layers.BatchNormalization()",
            "layers.BatchNormalization(axis=1)",
        ),
    ),
    "probability for a score": but(
        BOTH, ("layers.Dense(1)", 'layers.Dense(1, activation="sigmoid")')
    ),
    "batch norm in the discriminator": but(
        BOTH,
        (
            "    model.add(layers.LeakyReLU())\n    model.add(layers.Dropout(dropout))\n",
            "    model.add(layers.BatchNormalization())\n    model.add(layers.LeakyReLU())\n"
            "    model.add(layers.Dropout(dropout))\n",
        ),
    ),
    "slope 0.2": but(
        BOTH,
        ("layers.LeakyReLU()", "layers.LeakyReLU(negative_slope=0.2)"),
    ),
    "dropout's rate kept, not dropped": but(
        BOTH, ("layers.Dropout(dropout)", "layers.Dropout(1 - dropout)")
    ),
    "dropout on for ever": but(
        "import tensorflow as tf\n" + FUNCTIONAL,
        (
            "layers.Dropout(dropout)(layers.LeakyReLU(negative_slope=0.3)(x))",
            "layers.Lambda(lambda h: tf.nn.dropout(h, dropout))(layers.LeakyReLU()(x))",
        ),
    ),
    "mean for Flatten": but(
        BOTH, ("layers.Flatten()", "layers.GlobalAveragePooling2D()")
    ),
    "noise with zeros glued on": but(
        BOTH,
        (
            "keras.Input((latent_dim,)))",
            "keras.Input((latent_dim,)))\n"
            "    model.add(layers.Concatenate() if False else layers.Lambda(\n"
            "        lambda z: keras.ops.concatenate([z, 0 * z], -1)))",
        ),
    ),
    "no prediction": but(
        BOTH, ("prediction_loud = 1.0", "prediction_loud = None")
    ),
}

# -------------------------------------------------------------------- variant

VARIANT = """
first = WIDTH * 2**DOUBLINGS
my_generator = keras.Sequential()
my_generator.add(keras.Input((LATENT_DIM,)))
my_generator.add(layers.Dense(START * START * first, use_bias=False))
my_generator.add(layers.BatchNormalization())
my_generator.add(layers.LeakyReLU())
my_generator.add(layers.Reshape((START, START, first)))
my_total = LATENT_DIM * START**2 * first + 4 * START**2 * first
filters = first
for _ in range(DOUBLINGS):
    my_total += 25 * filters * (filters // 2) + 4 * (filters // 2)
    filters //= 2
    my_generator.add(layers.Conv2DTranspose(filters, 5, 2, "same", use_bias=False))
    my_generator.add(layers.BatchNormalization())
    my_generator.add(layers.LeakyReLU())
my_generator.add(layers.Conv2DTranspose(CHANNELS, 5, 1, "same", activation="tanh"))
my_total += 25 * filters * CHANNELS + CHANNELS
prediction_reach = 33
"""

VARIANT_RIGHT = {
    "halving": VARIANT,
    "functional": """
z = x = keras.Input((LATENT_DIM,))
features = [2 ** (DOUBLINGS - i) * WIDTH for i in range(DOUBLINGS + 1)]
x = layers.Dense(START**2 * features[0], use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.Reshape((START, START, features[0]))(layers.LeakyReLU()(x))
for f in features[1:]:
    x = layers.Conv2DTranspose(f, 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.LeakyReLU()(layers.BatchNormalization()(x))
x = layers.Conv2DTranspose(CHANNELS, 5, padding="same")(x)
my_generator = keras.Model(z, layers.Activation("tanh")(x))
my_total = (LATENT_DIM + 4) * START**2 * features[0]
my_total += sum(25 * a * b + 4 * b for a, b in zip(features, features[1:]))
my_total += (25 * features[-1] + 1) * CHANNELS
prediction_reach = 20
""",
    "float64": but(
        VARIANT,
        ("filters, 5, 2,", "filters, 5, 2, dtype='float64', padding="),
        ("CHANNELS, 5, 1,", "CHANNELS, 5, 1, dtype='float64', padding="),
        (
            "layers.BatchNormalization()",
            "layers.BatchNormalization(dtype='float64')",
        ),
    ),
    "as a sum over weights": but(
        VARIANT,
        (
            "prediction_reach = 33",
            """
my_total = sum(int(np.prod(weight.shape)) for weight in my_generator.weights)
prediction_reach = 1.0""",
        ),
    ),
    "recursion": """
def grow(places, features, times):
    if times == 0:
        return places, 25 * features * CHANNELS + CHANNELS
    half = features // 2
    places = layers.Conv2DTranspose(half, 5, 2, "same", use_bias=False)(places)
    places = layers.LeakyReLU(negative_slope=0.3)(layers.BatchNormalization()(places))
    made, count = grow(places, half, times - 1)
    return made, count + 25 * features * half + 4 * half

deep = WIDTH << DOUBLINGS
noise_in = keras.Input((LATENT_DIM,))
flat = layers.BatchNormalization()(layers.Dense(deep * START * START, use_bias=False)(noise_in))
square = layers.Reshape((START, START, deep))(layers.LeakyReLU()(flat))
top, my_total = grow(square, deep, DOUBLINGS)
my_total += (LATENT_DIM + 4) * deep * START * START
my_generator = keras.Model(
    noise_in, layers.Conv2DTranspose(CHANNELS, 5, padding="same", activation="tanh")(top))
prediction_reach = 17
""",
}
VARIANT_WRONG = {
    "100 noise values": but(
        VARIANT, ("keras.Input((LATENT_DIM,))", "keras.Input((100,))")
    ),
    "last layer with stride 2": but(
        VARIANT, ("CHANNELS, 5, 1", "CHANNELS, 5, 2")
    ),
    "no tanh": but(VARIANT, (', activation="tanh"', "")),
    "running averages not counted": but(
        VARIANT, ("4 * START**2 * first", "2 * START**2 * first")
    ),
    "bends of slope 0": but(
        VARIANT, ("layers.LeakyReLU()", "layers.ReLU()")
    ),
    "no prediction": but(
        VARIANT, ("prediction_reach = 33", "prediction_reach = 'wide'")
    ),
}

# -------------------------------------------------------------------- diagnosis

NAMED = """
if "sigmoid" in patient_source:
    fault = "sigmoid"
elif "tanh" not in patient_source:
    fault = "range"
elif "tf.nn.dropout" in patient_source:
    fault = "dropout"
elif "axis" in patient_source:
    fault = "axis"
elif patient_source.count("LeakyReLU") == 2:
    fault = "linear"
else:
    fault = "batch_norm"
"""

REPAIRED = """
def repaired_pair(latent_dim, width, channels):
    noise = keras.Input((latent_dim,))
    x = layers.Dense(4 * 4 * 2 * width, use_bias=False)(noise)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU()(x)
    x = layers.Reshape((4, 4, 2 * width))(x)
    x = layers.Conv2DTranspose(width, 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU()(x)
    x = layers.Conv2DTranspose(channels, 5, strides=2, padding="same", activation="tanh")(x)
    generator = keras.Model(noise, x)
    images = keras.Input((16, 16, channels))
    x = layers.Conv2D(width, 5, strides=2, padding="same")(images)
    x = layers.LeakyReLU()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv2D(2 * width, 5, strides=2, padding="same")(x)
    x = layers.LeakyReLU()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Flatten()(x)
    return generator, keras.Model(images, layers.Dense(1)(x))
"""

# A patient healed by changing its text, as a student may do in an editor.
PATCHED = """
import re
text = patient_source.replace(', activation="sigmoid"', "")
text = text.replace("Lambda(lambda h: tf.nn.dropout(h, 0.3))", "Dropout(0.3)")
text = text.replace("axis=1", "")
if "tanh" not in text:
    text = text.replace('channels, 5, strides=2, padding="same"',
                        'channels, 5, strides=2, padding="same", activation="tanh"')
head, tail = text.split("    images = keras.Input")
tail = tail.replace("    x = layers.BatchNormalization()(x)\\n", "")
tail = tail.replace("    x = layers.LeakyReLU()(x)\\n", "")
tail = tail.replace("    x = layers.Dropout",
                    "    x = layers.LeakyReLU()(x)\\n    x = layers.Dropout")
healed = {"keras": keras, "layers": layers}
exec(head + "    images = keras.Input" + tail, healed)
repaired_pair = healed["build_pair"]
"""

# Named by what the patient does, not by how it is written.
EXAMINED = """
def named():
    g, d = build_pair(9, 5, 3)
    noise = np.random.default_rng(3).normal(size=(16, 9)).astype("float32")
    images = np.random.default_rng(4).normal(size=(16, 16, 16, 3)).astype("float32")
    if np.abs(g(1e4 * noise, training=False)).max() > 1.01:
        return "range"
    scores = np.ravel(d(images, training=False))
    if not np.allclose(scores, np.ravel(d(images, training=False))):
        return "dropout"
    if np.allclose(scores, -np.ravel(d(-images, training=False)), atol=1e-5):
        return "linear"
    if 0 <= np.ravel(d(1e4 * images)).min() and np.ravel(d(1e4 * images)).max() <= 1:
        return "sigmoid"
    shapes = [tuple(weight.shape) for weight in d.weights]
    return "batch_norm" if shapes.count((10,)) > 1 else "axis"

fault = named()
"""

SEQUENTIAL_PAIR = """
def repaired_pair(latent_dim, width, channels):
    generator = keras.Sequential([
        keras.Input((latent_dim,)),
        layers.Dense(32 * width, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(),
        layers.Reshape((4, 4, -1)),
        layers.Conv2DTranspose(width, 5, 2, "same", use_bias=False),
        layers.BatchNormalization(), layers.LeakyReLU(),
        layers.Conv2DTranspose(channels, 5, 2, "same"), layers.Activation("tanh"),
    ])
    discriminator = keras.Sequential([keras.Input((16, 16, channels))])
    for filters in (width, width * 2):
        discriminator.add(layers.Conv2D(filters, 5, 2, "same"))
        discriminator.add(layers.Dropout(0.3))
        discriminator.add(layers.LeakyReLU())
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return [generator, discriminator]
"""

ELSEWHERE = """
WORDS = ["sigmoid", "range", "dropout", "axis", "linear", "batch_norm"]
fault = WORDS[PATIENT]
"""

DIAGNOSIS_RIGHT = {
    "read and rewritten": NAMED + REPAIRED,
    "read and patched": NAMED + PATCHED,
    "examined, Sequential": EXAMINED + SEQUENTIAL_PAIR,
    "float64": NAMED
    + but(
        REPAIRED,
        (
            "keras.Input((latent_dim,))",
            'keras.Input((latent_dim,), dtype="float64")',
        ),
        ('padding="same"', 'padding="same", dtype="float64"'),
    ),
    "known by number": ELSEWHERE + SEQUENTIAL_PAIR,
}
DIAGNOSIS_WRONG = {
    "not repaired": NAMED + "repaired_pair = build_pair\n",
    "another word": NAMED + "fault = 'padding'\n" + REPAIRED,
    "the neighbour's fault": ELSEWHERE.replace(
        "[PATIENT]", "[PATIENT - 1]"
    )
    + REPAIRED,
    "dropout thrown out": NAMED
    + but(REPAIRED, ("    x = layers.Dropout(0.3)(x)\n", "")),
    "batch norm thrown out": NAMED
    + but(REPAIRED, ("    x = layers.BatchNormalization()(x)\n", "")),
    "pair turned round": NAMED
    + but(
        REPAIRED,
        (
            "return generator, keras.Model(images, layers.Dense(1)(x))",
            "return keras.Model(images, layers.Dense(1)(x)), generator",
        ),
    ),
}

RIGHT = {
    "sizes": SIZES_RIGHT,
    "parameters": PARAMETERS_RIGHT,
    "networks": NETWORKS_RIGHT,
    "variant": VARIANT_RIGHT,
    "diagnosis": DIAGNOSIS_RIGHT,
}
WRONG = {
    "sizes": SIZES_WRONG,
    "parameters": PARAMETERS_WRONG,
    "networks": NETWORKS_WRONG,
    "variant": VARIANT_WRONG,
    "diagnosis": DIAGNOSIS_WRONG,
}
