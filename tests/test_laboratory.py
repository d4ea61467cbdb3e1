"""The laboratory in a real browser, over HTTP: it computes what Python computes, and reacts."""

import contextlib
import functools
import http.server
import threading

import keras
import numpy as np
import pytest

from tests.test_book import HTML
from tools import notebooks

pytestmark = pytest.mark.rendered
SECONDS = 120_000  # a slow machine's milliseconds


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves without a line for each request."""

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served():
    """Serve the rendered pages; give their address."""
    handler = functools.partial(Quiet, directory=HTML)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def address():
    with served() as site:
        yield f"{site}/laboratory.html"


@pytest.fixture
def tab(browser, address):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.problems, tab.asked = [], []
    tab.on("console", lambda m: tab.problems.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(address)
    yield tab
    tab.close()


def status(tab, start):
    tab.wait_for_function(
        f"document.getElementById('lab-status').textContent.startsWith('{start}')", timeout=SECONDS
    )


def picture(tab, name):
    return tab.evaluate(f"document.getElementById('{name}').toDataURL()")


def changed(tab, name, before):
    tab.wait_for_function(
        f"document.getElementById('{name}').toDataURL() !== '{before}'", timeout=SECONDS
    )


def test_nothing_is_loaded_before_it_is_wanted(tab):
    assert not [url for url in tab.asked if url.endswith((".onnx", ".wasm"))]
    assert not tab.locator("#lab-controls").is_visible()


def test_it_computes_what_python_computes(tab):
    noise = np.random.default_rng(0).standard_normal((2, 100)).astype(np.float32)
    made = tab.evaluate(
        """async (noise) => {
            const { run } = await import("./_static/laboratory.js");
            const values = Float32Array.from(noise);
            return Array.from(await run("blossoms", [["float32", values, [2, 100]]]));
        }""",
        noise.ravel().tolist(),
    )
    path = notebooks.ROOT / "data" / "checkpoints" / "blossoms.keras"
    model = keras.saving.load_model(path, compile=False)
    wanted = np.asarray(model(noise, training=False))
    np.testing.assert_allclose(np.reshape(made, wanted.shape), wanted, atol=1e-4)


def test_its_controls_change_the_pictures(tab):
    tab.click("#lab-open")
    status(tab, "Ready")
    blank = tab.evaluate("document.createElement('canvas').toDataURL()")
    changed(tab, "lab-blossom", blank)
    tab.wait_for_timeout(500)  # the first picture may be drawn twice
    for control, value in (("lab-walk", "0.7"), ("lab-length", "2"), ("lab-direction-0", "3")):
        before = picture(tab, "lab-blossom")
        tab.locator(f"#{control}").fill(value)
        changed(tab, "lab-blossom", before)
    before = picture(tab, "lab-digits")
    tab.click("#lab-write")
    changed(tab, "lab-digits", before)
    before = picture(tab, "lab-digits")
    tab.locator("#lab-number").fill("31")
    changed(tab, "lab-digits", before)
    before = picture(tab, "lab-painted")
    tab.locator("#lab-side").fill("96")
    tab.click("#lab-paint")
    changed(tab, "lab-painted", before)
    status(tab, "Painted 96 × 96 pixels")
    before = picture(tab, "lab-painted")
    photograph = notebooks.ROOT / "data" / "styles" / "marbling.jpg"
    tab.locator("#lab-file").set_input_files(photograph)
    changed(tab, "lab-painted", before)
    assert tab.problems == []
    assert all(url.startswith(("http://127.0.0.1", "blob:", "data:")) for url in tab.asked)


def test_without_a_server_it_says_so_and_shows_stored_pictures(browser):
    tab = browser.new_page()
    tab.goto((HTML / "laboratory.html").as_uri())
    assert tab.locator("#lab-open").is_disabled()
    assert "make serve" in tab.inner_text("#lab-status")
    assert tab.locator("figure img").count() >= 3
    tab.close()
