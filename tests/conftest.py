"""What tests share: quiet TensorFlow, no windows, very small models, and a browser offline."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest


@pytest.fixture
def toy_gan():
    """A function that builds a tiny GAN of 2-D points, not compiled."""

    def build(seed=0, dropout=0.0, batch_norm=False):
        import keras
        from keras import layers

        from gpat_lib import GPAT

        keras.utils.set_random_seed(seed)
        hidden = [layers.Dense(5, "tanh")]
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                *hidden,
                *([layers.BatchNormalization()] if batch_norm else []),
                layers.Dense(2),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(6, "softplus"),
                *([layers.Dropout(dropout)] if dropout else []),
                layers.Dense(1),
            ]
        )
        return GPAT(generator, discriminator, latent_dim=3, seed=seed)

    return build


@pytest.fixture
def points():
    """64 points in the plane."""
    return np.random.default_rng(7).normal(1.0, 0.5, (64, 2)).astype(np.float32)


@pytest.fixture
def image_gan():
    """A function that builds the course's networks, very narrow, not compiled."""

    def build(width=4, latent_dim=5, dropout=0.3):
        import keras

        from gpat_lib import GPAT, models

        keras.utils.set_random_seed(0)
        return GPAT(
            models.dcgan_generator(latent_dim, width),
            models.dcgan_discriminator(width=width, dropout=dropout),
            latent_dim=latent_dim,
        )

    return build


# No other host can be resolved, and the browser does not try to reach its maker's by itself.
FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-sandbox",  # needed as root, as in containers; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable():
    """Return a Chromium's path; without one, CI fails and others skip."""
    from tools import pdf

    if path := pdf.browser():
        return path
    missing = "no Chromium: install it (Debian: apt install chromium), or set CHROMIUM to its path"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    """A tab whose errors and requests to other places are collected in `problems`."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab.problems = []
    tab.on("console", lambda m: tab.problems.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else tab.problems.append(request.url)
        ),
    )
    yield tab
    tab.close()
