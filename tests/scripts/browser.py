"""A headless Chromium and a page of `to_web` in it, for the tests that look at what a visitor sees."""

import contextlib
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from kerasgan.export import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PIXELS = """canvases => canvases.map(canvas =>
    [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data])"""


@contextlib.contextmanager
def chromium():
    """One browser; skips where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        path = os.environ.get("KERASGAN_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def served(folder):
    """The address at which the product's own server shows a folder."""
    with serving.Server(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


class Visit:
    """A page in a context of its own; whatever it complains of or asks from elsewhere is remembered."""

    def __init__(self, browser, url, hash="", routes=None, script=None, **options):
        self.url, self.errors, self.foreign = url, [], []
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", self._requested)
        if script:
            self.context.add_init_script(script)
        for name, handler in (routes or {}).items():
            self.context.route(url + name, handler)
        self.page.goto(url + hash)

    def _requested(self, request):
        if not request.url.startswith((self.url, "blob:")):
            self.foreign.append(request.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def checked(self):
        """Waits for the self-test; gives its verdict."""
        self.page.wait_for_selector("#badge:not([data-state=waiting])", timeout=60_000)
        return self.page.get_attribute("#badge", "data-state")

    def settled(self):
        self.page.wait_for_selector("body[data-busy=false]", timeout=60_000)
        return self

    def until(self, condition):
        """Waits for a JavaScript expression. Playwright's own way evaluates strings, which the page forbids."""
        for _ in range(600):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise TimeoutError(condition)

    def images(self, selector, channels):
        """uint8 (n, height, width, channels): what the canvases hold once nothing is being drawn."""
        self.settled()
        canvas = self.page.locator(selector)
        height, width = canvas.first.evaluate("canvas => [canvas.height, canvas.width]")
        pixels = np.array(canvas.evaluate_all(PIXELS), "uint8").reshape(-1, height, width, 4)
        return pixels[..., :channels]

    def set(self, selector, value):
        self.page.fill(selector, str(value))

    def click(self, selector):
        self.page.click(selector)

    def text(self, selector):
        return self.page.text_content(selector)

    def tag(self):
        """The part of the address after #, as it is once the page has written it."""
        self.page.wait_for_timeout(300)
        return self.page.evaluate("location.hash")
