"""The page as a visitor meets it, in a real browser: every control used, every picture compared with Python's."""

import gzip
import re

import browser as driver
import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan as kg
from kerasgan import priors, viz

if keras.backend.backend() != "tensorflow":
    pytest.skip("pages are written on TensorFlow", allow_module_level=True)

L = keras.layers
MEAN = (0.5, -0.5, 0.1, 0.0, 1.0, 0.0, 0.2)
SPEC = kg.SampleSpec(7, (12, 10, 3), class_names=("cat", "dog", "elk"), mean_latent=MEAN)
T = 0.8  # the truncation of a first visit
NO_WEBASSEMBLY = "WebAssembly = {}"  # in the page itself; its workers keep theirs


def make(spec, width=24):
    keras.utils.set_random_seed(0)
    height, columns, channels = spec.image_shape
    latent, label = keras.Input((spec.latent_dim,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(spec.num_classes, 3)(label)]) if spec.class_names else latent
    x = L.Dense(width, activation="tanh")(x)
    x = L.Reshape((height // 2, columns // 2, 4))(L.Dense(height * columns)(x))
    x = L.Conv2DTranspose(channels, 4, 2, padding="same", activation="tanh")(x)
    generator = keras.Model([latent, label] if spec.class_names else latent, x)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.45, w.shape).astype("float32") for w in generator.get_weights()])
    return kg.Sampler(generator, spec, {"name": "beasts", "dataset": "noise"})


@pytest.fixture(scope="module")
def chromium():
    with driver.chromium() as found:
        yield found


@pytest.fixture(scope="module")
def sampler():
    return make(SPEC)


@pytest.fixture(scope="module")
def site(chromium, sampler, tmp_path_factory):
    folder = kg.export.to_web(sampler, tmp_path_factory.mktemp("web") / "page", about={"license": "CC0-1.0"}).path
    with driver.served(folder) as url:
        yield url


@pytest.fixture(scope="module")
def visit(chromium, site):
    """Most tests walk on in one visit, as a visitor does."""
    with driver.Visit(chromium, site, script=NO_WEBASSEMBLY) as visit:
        assert visit.checked() == "good"
        yield visit
        assert visit.errors == [] and visit.foreign == []


@pytest.fixture
def fresh(visit):
    """The same visit, its choices back at the beginning."""
    # Never the hash that is there already: while the last change waits to be written, that would be no event.
    visit.page.evaluate("location.hash = '#fresh=' + Math.random()")
    visit.until("document.getElementById('seed').value === '0'")
    return visit.settled()


def same(got, expected):
    assert got.shape == expected.shape and np.ptp(expected.astype(int)) > 100
    assert np.abs(got.astype(int) - expected).max() <= 1


def stage(visit):
    return visit.images("#stage canvas", 3)


def grid(visit):
    return visit.images("#grid canvas", 3)


def latents(sampler, index, seed=0, truncation=T):
    z = sampler.latents(index + 1, seed)[index]
    return np.float32(MEAN) + np.float32(truncation) * (z - np.float32(MEAN))


def slerp(a, b, mix):
    a, b = a - np.float32(MEAN), b - np.float32(MEAN)
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return MEAN + (np.sin((1 - mix) * angle) * a + np.sin(mix * angle) * b) / np.sin(angle)


def saved(visit, selector):
    with visit.page.expect_download() as download:
        visit.click(selector)
    with Image.open(download.value.path()) as picture:
        return download.value.suggested_filename, np.asarray(picture.convert("RGB"))


def test_first_visit_draws_what_python_draws(fresh, sampler):
    same(grid(fresh), sampler.generate(36, seed=0, truncation=T))
    same(stage(fresh), sampler.generate(1, seed=0, truncation=T))
    assert "beasts" in fresh.text("h1") and "12" in fresh.text("#tagline")
    badge = fresh.page.locator("#badge")
    assert float(badge.get_attribute("data-image")) < 1e-5 and badge.get_attribute("data-latents") == "0"
    assert "matches Python" in badge.inner_text()


def test_work_is_off_the_main_thread(fresh):
    assert fresh.page.evaluate("Object.keys(WebAssembly).length") == 0
    assert [worker.url.rsplit("/", 1)[1] for worker in fresh.page.workers] == ["worker.js"]


def test_seeds(fresh, sampler):
    for act, seed in (
        (lambda: fresh.set("#seed", 41), 41),
        (lambda: fresh.click("#next"), 42),
        (lambda: fresh.click("#previous"), 41),
        (lambda: fresh.set("#seed", 4294967295), 4294967295),
    ):
        act()
        same(grid(fresh), sampler.generate(36, seed=seed, truncation=T))
    fresh.click("#random")
    seed = int(fresh.page.input_value("#seed"))
    assert seed != 4294967295
    same(grid(fresh), sampler.generate(36, seed=seed, truncation=T))
    fresh.set("#seed", 5)
    fresh.set("#seed", "-3")  # cannot be: the last good one stays until the field is left
    same(grid(fresh), sampler.generate(36, seed=5, truncation=T))
    fresh.page.locator("#seed").blur()
    assert fresh.page.input_value("#seed") == "0"


def test_class_truncation_and_grid(fresh, sampler):
    fresh.page.get_by_label("elk", exact=True).check()
    same(grid(fresh), sampler.generate(36, labels="elk", truncation=T))
    fresh.set("#truncation", 0.35)
    same(grid(fresh), sampler.generate(36, labels="elk", truncation=0.35))
    fresh.page.select_option("#count", "64")
    same(grid(fresh), sampler.generate(64, labels="elk", truncation=0.35))
    fresh.page.get_by_label("all", exact=True).check()
    fresh.page.select_option("#count", "9")
    same(grid(fresh), sampler.generate(9, truncation=0.35))
    fresh.set("#truncation", 0)
    images = grid(fresh)
    assert (images[0] == images[3]).all() and (images[0] != images[1]).any(), "one image for each class"


def test_mouse_and_keyboard_in_the_grid(fresh, sampler):
    images = sampler.generate(36, truncation=T)
    fresh.click("#grid > :nth-child(15)")
    same(stage(fresh), images[14:15])
    assert fresh.text("#caption") == "class elk · seed 0 · sample 15"
    for key, cell in (("ArrowRight", 15), ("ArrowDown", 21), ("ArrowLeft", 20), ("ArrowUp", 14), ("Home", 0),
                      ("ArrowUp", 0), ("End", 35), ("ArrowRight", 35)):  # fmt: skip
        fresh.page.keyboard.press(key)
        same(stage(fresh), images[cell : cell + 1])
        focused = fresh.page.evaluate("[...document.getElementById('grid').children].indexOf(document.activeElement)")
        assert focused == cell
    assert fresh.page.locator("#grid [aria-selected=true]").count() == 1
    with fresh.page.expect_download():
        fresh.page.keyboard.press("s")
    fresh.page.keyboard.press("b")
    fresh.page.keyboard.press("Home")
    fresh.page.keyboard.press("A")
    strip = fresh.images("#strip canvas", 3)
    same(strip[[0, -1]], images[[0, 35]])


def test_everything_can_be_reached_by_tab(fresh):
    fresh.page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(60):
        fresh.page.keyboard.press("Tab")
        active = "document.activeElement"
        reached.append(fresh.page.evaluate(f"{active}.id || {active}.name || {active}.closest('[id]')?.id"))
        ring = f"getComputedStyle({active}.name === 'class' ? {active}.nextElementSibling : {active}).outlineStyle"
        assert reached[-1] is None or fresh.page.evaluate(ring) != "none", reached[-1]
    wanted = {
        "badge", "save", "link", "pin-a", "pin-b", "copy-code", "strip", "play", "mix", "class", "previous", "seed",
        "next", "random", "truncation", "grid", "count", "smooth", "save-grid", "turn-0", "turn-5", "about-open",
    }  # fmt: skip
    assert wanted <= set(reached)
    nameless = """[...document.querySelectorAll('button, input, select, [role=option]')].filter(element =>
        element.checkVisibility() && !element.ariaHidden && !element.ariaLabel && !element.labels?.length
        && !element.innerText.trim()).map(element => element.outerHTML)"""
    assert fresh.page.evaluate(nameless) == []


def test_interpolation(fresh, sampler):
    ends = [latents(sampler, index) for index in (2, 8)]  # both elks
    fresh.click("#grid > :nth-child(3)")
    fresh.click("#pin-a")
    fresh.click("#grid > :nth-child(9)")
    fresh.click("#pin-b")
    path = np.stack([slerp(*ends, k / 6) for k in range(7)])
    same(fresh.images("#strip canvas", 3), sampler.images(path, labels="elk"))
    fresh.click("#strip > :nth-child(4)")
    same(stage(fresh), sampler.images(path[3:4], labels="elk"))
    fresh.set("#mix", 0.31)
    same(stage(fresh), sampler.images(slerp(*ends, 0.31)[None], labels="elk"))
    assert fresh.text("#caption") == "31 % of the way from A to B" and fresh.page.is_hidden("#python")

    fresh.set("#seed", 9)  # pins stay
    same(fresh.images("#strip canvas", 3), sampler.images(path, labels="elk"))
    fresh.click("#play")
    fresh.until("Number(document.getElementById('mix').value) > 0.2")
    assert fresh.text("#play") == "Pause"
    fresh.click("#play")
    mix = fresh.page.evaluate("Number(new URLSearchParams(location.hash.slice(1)).get('mix'))") if fresh.tag() else 0
    same(stage(fresh), sampler.images(slerp(*ends, mix)[None], labels="elk"))

    fresh.click("#play")
    fresh.until("Number(document.getElementById('mix').value) > 0.2")
    fresh.click("#grid > :nth-child(1)")  # ends the animation, and stays
    assert fresh.text("#play") == "Play"
    fresh.page.wait_for_timeout(300)
    same(stage(fresh), sampler.generate(1, seed=9, truncation=T))
    fresh.click("#pin-b")  # a cat: classes change halfway
    other = latents(sampler, 0, seed=9)
    labels = [2] * 3 + [0] * 4
    expected = np.stack([slerp(ends[0], other, k / 6) for k in range(7)])
    same(fresh.images("#strip canvas", 3), sampler.images(expected, labels=labels))
    assert "elk becomes cat" in fresh.text("#path-hint")
    fresh.click("#unpin")
    same(fresh.images("#strip canvas", 3)[:1], sampler.generate(1, seed=9, truncation=T))


def test_directions(fresh, sampler, site):
    vectors = np.array([d["vector"] for d in fresh.page.request.get(site + "kerasgan.json").json()["directions"]])
    fresh.click("#grid > :nth-child(2)")
    fresh.set("#turn-1", 1.5)
    fresh.set("#turn-4", -2)
    shift = 1.5 * vectors[1] - 2 * vectors[4]
    z = np.stack([latents(sampler, index) for index in range(36)]) + shift
    same(grid(fresh), sampler.images(z, labels=sampler.labels(None, 36)))
    same(stage(fresh), sampler.images(z[1:2], labels=1))
    assert fresh.page.is_hidden("#python"), "the line of Python cannot say it"
    far = z[1] + (3 - 1.5) * vectors[1]
    same(fresh.images("#directions canvas", 3)[3:4], sampler.images(far[None], labels=1))
    fresh.click("#directions > :nth-child(2) > button:last-child")
    same(stage(fresh), sampler.images(far[None], labels=1))
    fresh.click("#reset")
    same(stage(fresh), sampler.generate(2, labels=1, truncation=T)[1:])


def test_downloads(fresh, sampler):
    fresh.click("#grid > :nth-child(6)")
    expected = sampler.generate(6, labels=2, truncation=T)[5]
    name, pixels = saved(fresh, "#save")
    assert name == "beasts-seed0-6.png"
    same(pixels, np.kron(expected, np.ones((42, 42, 1), "uint8")))  # 512 // 12
    name, pixels = saved(fresh, "#save-grid")
    factor = 1024 // 77
    expected = viz.grid(sampler.generate(36, truncation=T), 6)
    assert name == "beasts-seed0-grid.png"
    same(pixels, np.kron(expected, np.ones((factor, factor, 1), "uint8")))
    fresh.page.check("#smooth")
    assert fresh.page.evaluate("getComputedStyle(document.querySelector('#stage canvas')).imageRendering") == "auto"
    soft = saved(fresh, "#save")[1]
    assert soft.shape == (504, 420, 3) and len(np.unique(soft.reshape(-1, 3), axis=0)) > 12 * 10


def test_link_brings_the_picture_back(fresh, chromium, site):
    fresh.set("#seed", 77)
    fresh.page.get_by_label("dog", exact=True).check()
    fresh.set("#truncation", 0.55)
    fresh.click("#grid > :nth-child(4)")
    fresh.set("#turn-2", 1.2)
    fresh.click("#pin-a")
    fresh.click("#reset")
    fresh.click("#grid > :nth-child(8)")
    fresh.set("#turn-0", -0.7)
    fresh.set("#mix", 0.4)
    fresh.page.check("#smooth")
    fresh.click("#link")
    link = fresh.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(site + "#") and fresh.text("#toast") == "Link copied"
    with driver.Visit(chromium, site, hash=link[len(site) :]) as other:
        other.checked()
        for selector in ("#stage canvas", "#grid canvas", "#strip canvas", "#directions canvas"):
            assert (other.images(selector, 3) == fresh.images(selector, 3)).all(), selector
        assert other.page.is_checked("#smooth") and other.page.is_checked("input[name=class][value='1']")
        assert other.errors == [] and other.foreign == []


def test_foolish_links_are_harmless(fresh, sampler):
    fresh.page.evaluate("location.hash = '#seed=1e99&class=7&truncation=x&grid=1e9&cell=-1&shift=9,9&a=1,2&mix=2'")
    fresh.page.wait_for_timeout(100)
    same(grid(fresh), sampler.generate(36, seed=0, truncation=T))
    fresh.page.evaluate("location.hash = '#seed=3&grid=9&cell=35&class=all'")
    fresh.until("document.getElementById('seed').value === '3'")
    same(grid(fresh), sampler.generate(9, seed=3, truncation=T))
    same(stage(fresh), sampler.generate(1, seed=3, truncation=T))


def test_the_line_of_python_draws_the_stage(fresh, sampler):
    fresh.set("#seed", 12)
    fresh.click("#grid > :nth-child(11)")
    fresh.click("#copy-code")
    code = fresh.page.evaluate("navigator.clipboard.readText()")
    same(stage(fresh)[0], eval(code, {"sampler": sampler}))


def test_about(fresh):
    for opener in ("#badge", "#about-open"):
        fresh.click(opener)
        text = fresh.page.inner_text("#about")
        for part in ("Python", "cat, dog, elk", "CC0-1.0", "noise", "onnxruntime-web 1.30.0", "7 numbers, normal"):
            assert part in text
        fresh.page.keyboard.press("Escape")
        assert fresh.page.is_hidden("#about")


@pytest.mark.parametrize("prior", priors.PRIORS)
@pytest.mark.parametrize("seed", [0, 7, 4294967295, 2**52 + 3])
def test_latents_are_numpys(visit, prior, seed):
    code = f"""async () => {{
        const {{Latents}} = await import('./random.js');
        const latents = new Latents('{prior}', 100, {seed});
        return Array.from({{length: 200}}, (_, k) => [...latents.row(k)]);
    }}"""
    expected = priors.sample(prior, 200, 100, seed)
    got = np.array(visit.page.evaluate(code), "float32")
    # The ziggurat's tables are computed, not copied: a few values in 100,000 round the other way.
    assert np.abs(got - expected).max() < 5e-7 and (got != expected).mean() < 5e-4


def test_phone_and_dark(chromium, site, sampler):
    phone = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}
    with driver.Visit(chromium, site, **phone) as visit:
        assert visit.checked() == "good"
        for width in (320, 360, 740):
            visit.page.set_viewport_size({"width": width, "height": 740})
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            assert visit.page.evaluate("innerWidth") == width
        visit.page.set_viewport_size(phone["viewport"])
        visit.page.tap("#random")
        visit.page.locator("#turn-0").tap(position={"x": 10, "y": 15})
        visit.page.locator("#save-grid").scroll_into_view_if_needed()
        top = visit.page.locator("#stage").bounding_box()["y"]
        assert 0 <= top < 40, "the picture stays in sight"
        assert float(visit.page.input_value("#turn-0")) < -2
        small = """[...document.querySelectorAll('button, select, input')].filter(element => element.checkVisibility()
            && !element.ariaHidden && element.id !== 'smooth')
            .filter(element => Math.min(element.offsetWidth, element.offsetHeight) < 24)
            .map(element => element.id)"""
        assert visit.page.evaluate(small) == []
        channels = re.findall(r"\d+", visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert max(map(int, channels)) < 60
        assert visit.errors == [] and visit.foreign == []


def test_self_test_sees_another_network(chromium, site):
    def other(route):
        data = np.frombuffer(route.fetch().body(), "<f4").copy()
        data[-1] += 0.01
        route.fulfill(body=data.tobytes())

    with driver.Visit(chromium, site, routes={"self_test.bin": other}) as visit:
        assert visit.checked() == "bad"
        assert "differs from Python" in visit.text("#badge")


@pytest.mark.slow
def test_host_that_unpacks(chromium, site):
    def unpacked(route):
        route.fulfill(body=gzip.decompress(route.fetch().body()), content_type="application/wasm")

    with driver.Visit(chromium, site, routes={"ort/*.gz": unpacked}) as visit:
        assert visit.checked() == "good"


def test_failures_are_told(chromium, site):
    with driver.Visit(chromium, site, routes={"generator.onnx": lambda route: route.fulfill(status=404)}) as visit:
        visit.page.wait_for_selector("body[data-state=failed]")
        assert "generator.onnx is missing (404)" in visit.text("#status")
    with driver.Visit(chromium, site, script="delete globalThis.DecompressionStream") as visit:
        visit.page.wait_for_selector("body[data-state=failed]")
        assert "too old" in visit.text("#status")
    with driver.Visit(chromium, site, java_script_enabled=False) as visit:
        assert "python -m http.server" in visit.text("#status") and visit.page.is_visible("noscript")


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        kg.SampleSpec(5, (16, 24, 1), prior="uniform", value_range=(0.0, 1.0)),
        kg.SampleSpec(9, (8, 8, 4), prior="truncated_normal"),
        kg.SampleSpec(3, (96, 80, 3), class_names=tuple(f"kind {k}" for k in range(30))),
    ],
    ids=["grey", "transparent", "thirty classes"],
)
def test_other_generators(chromium, spec, tmp_path):
    sampler = make(spec)
    folder = kg.export.to_web(sampler, tmp_path / "page").path
    channels = 4 if spec.image_shape[-1] == 4 else spec.image_shape[-1]
    with driver.served(folder) as url, driver.Visit(chromium, url) as visit:
        assert visit.checked() == "good"
        n = 36 if spec.latent_dim != 3 else 9
        expected = sampler.generate(n, seed=0, truncation=T)
        got = visit.images("#grid canvas", channels)
        if channels == 4:  # a canvas keeps colours multiplied by the opacity
            solid = expected[..., 3:] > 200
            assert np.abs((got.astype(int) - expected) * solid).max() <= 2
        else:
            same(got, expected)
        assert visit.page.locator("#directions > div").count() == min(6, spec.latent_dim)
        if spec.class_names:
            visit.page.select_option("#class-select", "17")
            same(visit.images("#grid canvas", 3), sampler.generate(9, labels=17, truncation=T))
        assert visit.errors == [] and visit.foreign == []
