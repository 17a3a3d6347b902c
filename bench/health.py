"""How well HealthMonitor tells collapsed trainings from healthy ones.

    python bench/health.py --seeds 30 31

Points on a ring and on a grid, scikit-learn's digits, and Stacked MNIST with its thousand modes are trained in ways
that work and in ways that do not, all pictures at 12 x 12. What became of a run is told by the modes its generator
covers at the end, known from how the data were made or by a classifier, which the monitor does not see: below 0.4 of
the real data's effective number it is collapsed, above 0.6 healthy, between it is not counted. The rules were tuned on
seeds 0, 1 and 10 to 14, with stacked digits in the place of Stacked MNIST, and on 24 to 26 of Stacked MNIST.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import kerasgan as kg
from kerasgan import jsonl
from kerasgan.callbacks.verdicts import Verdicts
from kerasgan.data.images import Images

RNG = np.random.default_rng


class Points:
    """A mixture of narrow Gaussians in the plane, its centres known."""

    def __init__(self, centres, deviation):
        self.centres, self.deviation = np.asarray(centres, "float32"), deviation
        self.modes = len(self.centres)

    def images(self, n=20_000):
        rng = RNG(0)
        points = self.centres[rng.integers(0, self.modes, n)] + self.deviation * rng.normal(size=(n, 2))
        return Images(points.astype("float32"), name="points")

    def scaled(self, x):
        return x

    def mode_of(self, x):
        """The nearest centre's number; -1 for points farther from it than its neighbour is."""
        distances = np.sqrt(((x[:, None] - self.centres[None]) ** 2).sum(-1))
        between = np.sqrt(((self.centres[:, None] - self.centres[None]) ** 2).sum(-1))
        reach = np.min(between[between > 0])
        return np.where(distances.min(axis=1) < reach, distances.argmin(axis=1), -1)


def ring():
    angles = np.arange(8) * np.pi / 4
    return Points(np.stack([np.cos(angles), np.sin(angles)], 1), 0.02)


def grid():
    axis = np.linspace(-1, 1, 5)
    return Points(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), 0.025)


class Digits:
    """scikit-learn's digits: ten modes, known by a classifier."""

    channels = 1

    def __init__(self):
        self.data = kg.data.load("digits", split="all", image_shape=(12, 12, 1))
        self.classifier = nearest(self.data)

    def images(self, n=8192):
        rows = RNG(0).integers(0, len(self.data), n)
        return Images(self.data.x[rows], self.data.y[rows], name="digits")

    def scaled(self, x):
        return x / 127.5 - 1.0

    def mode_of(self, x):
        x = np.clip((x + 1) * 127.5, 0, 255).reshape(len(x), -1, self.channels)
        return sum(10**c * self.classifier.predict(x[..., c]).astype(int) for c in range(self.channels))


class StackedMnist(Digits):
    """A thousand modes: three digits known by the same means."""

    channels = 3

    def __init__(self, mnist):
        self.data = kg.data.open(mnist, image_shape=(12, 12, 1))
        self.classifier = nearest(self.data, 8000)

    def images(self, n=8192):
        stacked = kg.data.stacked(self.data, n)
        return Images(stacked.x, name=stacked.name)


def nearest(data, n=None):
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(3).fit(data.x[:n].reshape(len(data.x[:n]), -1).astype("float32"), data.y[:n])


def mlp(outputs, inputs, width=128, depth=2, norm=False):
    x = first = keras.Input((inputs,))
    for _ in range(depth):
        x = layers.Dense(width)(x)
        x = layers.BatchNormalization()(x) if norm else x
        x = layers.LeakyReLU(0.2)(x)
    return keras.Model(first, layers.Dense(outputs)(x))


def points_gan(seed, norm=False, latent=8, d_width=128, **compile_options):
    keras.utils.set_random_seed(seed)
    gan = kg.GAN(mlp(2, latent, norm=norm), mlp(1, 2, width=d_width), seed=seed, value_range=(-2.0, 2.0), ema=0.99)
    gan.compile(**compile_options)
    return gan


def adam(rate, beta_1=0.5):
    return {"name": "adam", "learning_rate": rate, "beta_1": beta_1}


def both(g, d=None, **options):
    return {"g_optimizer": adam(g), "d_optimizer": adam(d or g), **options}


R1 = {"name": "r1", "gamma": 0.1, "interval": 1}


def pictures_gan(seed, channels=1, norm=True, conditional=False, compile_options=None, **changes):
    recipe = kg.zoo.show("dcgan_digits").replace(
        image_shape=(12, 12, channels),
        generator={"width": 8},
        discriminator={"width": 16},
        num_classes=10 if conditional else 0,
        seed=seed,
        **changes,
    )
    gan = kg.zoo.build(recipe)
    if not norm:
        gan = without_norm(gan, seed)
    gan.compile(**(compile_options or both(1e-3, penalties=[{**R1, "interval": 16}])))
    return gan


class Nothing(layers.Layer):
    def call(self, inputs, mask=None):
        return inputs


def without_norm(gan, seed):
    def copy(layer):
        plain = isinstance(layer, layers.BatchNormalization)
        return Nothing() if plain else layer.__class__.from_config(layer.get_config())

    generator = keras.models.clone_model(gan.generator, clone_function=copy)
    return kg.GAN(generator, gan.discriminator, seed=seed, ema=0.99)


class Sabotage(keras.callbacks.Callback):
    """At a step, multiplies the generator's weights that read the latents."""

    def __init__(self, step, factor):
        super().__init__()
        self.step, self.left, self.factor = step, step, factor

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            kernel = self.model.generator.trainable_variables[0]
            kernel.assign(self.factor * kernel)
            self.model.optimizer.g.learning_rate = 0.0


class Truth(keras.callbacks.Callback):
    """The modes covered, by what is known of the data and the monitor is not told; stops after so many steps."""

    def __init__(self, data, steps, n=500):
        super().__init__()
        self.data, self.steps, self.n, self.done, self.covered = data, steps, n, 0, []
        self.real = self.number(data.mode_of(data.scaled(data.images().x[:n])))

    def number(self, modes):
        """Effective number of modes, times the share of samples that belong to one."""
        known = modes[modes >= 0]
        share = np.unique(known, return_counts=True)[1] / max(len(known), 1)
        return float(np.exp(-np.sum(share * np.log(share)))) * len(known) / len(modes)

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done % 100 == 0:
            model = self.model
            z = RNG(5).normal(size=(self.n, model.latent_dim)).astype("float32")
            with keras.StatelessScope():
                inputs = [z, np.arange(self.n) % 10] if model.conditional else z
                x = keras.ops.convert_to_numpy(model.generator(inputs, training=True))
            finite = np.isfinite(x).all()
            self.covered.append(self.number(self.data.mode_of(x)) / self.real if finite else 0.0)
            self.model.stop_training = self.done >= self.steps

    @property
    def verdict(self):
        end = float(np.median(self.covered[-3:]))
        return "collapsed" if end < COLLAPSED else "healthy" if end > HEALTHY else "between"


COLLAPSED, HEALTHY = 0.4, 0.6


def scenarios(mnist):
    """{name: (data, seed -> model, steps, further callbacks)}; what became of a run is for `Truth` to say."""
    circle, square, digits, stacked = ring(), grid(), Digits(), StackedMnist(mnist)
    quick, none = both(1e-3, penalties=[R1]), list
    return {
        "ring, R1": (circle, lambda s: points_gan(s, **quick), 1500, none),
        "ring, R1, slow": (circle, lambda s: points_gan(s, **both(3e-4, penalties=[R1])), 1500, none),
        "ring, no penalty, 2e-4": (circle, lambda s: points_gan(s, **both(2e-4)), 1500, none),
        "ring, hinge, R1": (circle, lambda s: points_gan(s, **both(5e-4, loss="hinge", penalties=[R1])), 1500, none),
        "grid, R1": (square, lambda s: points_gan(s, **both(5e-4, penalties=[R1])), 1500, none),
        "digits": (digits, lambda s: pictures_gan(s), 800, none),
        "digits, slow": (digits, lambda s: pictures_gan(s, compile_options=both(3e-4)), 1000, none),
        "digits, hinge": (digits, lambda s: pictures_gan(s, compile_options=both(5e-4, loss="hinge")), 800, none),
        "digits, conditional": (digits, lambda s: pictures_gan(s, conditional=True), 800, none),
        "Stacked MNIST": (stacked, lambda s: pictures_gan(s, 3), 1000, none),
        "ring, G too fast": (circle, lambda s: points_gan(s, **both(2e-2, 1e-3)), 1500, none),
        "ring, D frozen": (circle, lambda s: points_gan(s, **both(1e-3, 1e-9)), 1000, none),
        "ring, minimax, 1e-2": (circle, lambda s: points_gan(s, **both(1e-2, loss="minimax")), 1500, none),
        "ring, bare Wasserstein": (circle, lambda s: points_gan(s, **both(1e-2, loss="wasserstein")), 1500, none),
        "ring, latents lost at 700": (circle, lambda s: points_gan(s, **quick), 1300, lambda: [Sabotage(700, 0.0)]),
        "ring, NaN at 700": (circle, lambda s: points_gan(s, **quick), 1000, lambda: [Sabotage(700, np.nan)]),
        "grid, narrow D": (square, lambda s: points_gan(s, d_width=4, **both(5e-3)), 1500, none),
        "grid, 1e-2": (square, lambda s: points_gan(s, **both(1e-2)), 1500, none),
        "digits, D too slow": (digits, lambda s: pictures_gan(s, compile_options=both(1e-2, 1e-5)), 700, none),
        "digits, no norm, 1e-2": (digits, lambda s: pictures_gan(s, norm=False, compile_options=both(1e-2)), 700, none),
        "digits, latents lost at 500": (digits, lambda s: pictures_gan(s), 1000, lambda: [Sabotage(500, 0.0)]),
        "Stacked MNIST, D too slow": (
            stacked, lambda s: pictures_gan(s, 3, compile_options=both(1e-2, 1e-5)), 700, none,
        ),
        "Stacked MNIST, latents lost": (stacked, lambda s: pictures_gan(s, 3), 900, lambda: [Sabotage(500, 0.0)]),
        "Stacked MNIST, 2e-2": (stacked, lambda s: pictures_gan(s, 3, compile_options=both(2e-2)), 700, none),
        "Stacked MNIST, no norm": (
            stacked, lambda s: pictures_gan(s, 3, norm=False, compile_options=both(5e-3)), 700, none,
        ),
    }  # fmt: skip


def run(name, seed, out):
    """One line of the result: what became of the run, and what the monitor said when."""
    keras.backend.clear_session()
    data, build, steps, more = scenarios_[name]
    gan, images, truth = build(seed), data.images(), Truth(data, steps)
    path = log_of(name, seed, out)
    path.unlink(missing_ok=True)
    monitor = kg.callbacks.HealthMonitor(path)
    with contextlib.redirect_stderr(io.StringIO()):
        gan.fit(images, batch_size=32, epochs=100, verbose=0, callbacks=[*more(), truth, monitor])
    began = next((callback.step for callback in more() if isinstance(callback, Sabotage)), 0)
    events = [(event["step"], event["event"]) for event in monitor.events]
    known = {"truth": truth.verdict, "covered": truth.covered, "began": began}
    return {"name": name, "seed": seed, **known, "events": events}


def log_of(name, seed, out):
    return out / f"{name.replace(', ', '_').replace(' ', '-')}_{seed}.jsonl"


def judged_again(out):
    """The results of an earlier call, by the rules of now: the logs hold all that was measured."""
    results = json.loads((out / "results.json").read_text())
    for result in results:
        verdicts = Verdicts()
        rows = [row for row in jsonl.read(log_of(result["name"], result["seed"], out)) if "event" not in row]
        result["events"] = [(row["step"], found.kind) for row in rows for found in verdicts.observe(row)]
    return results


def overhead(rounds):
    """CPU time of training with the monitor over that without, round by round."""
    data = Digits()
    gan, images = pictures_gan(0), data.images()
    ratios = []
    for _ in range(rounds + 1):
        seconds = []
        for hooks in ([], [kg.callbacks.HealthMonitor()]):
            start = time.process_time()
            gan.fit(images, batch_size=64, epochs=3, verbose=0, callbacks=hooks)
            seconds.append(time.process_time() - start)
        ratios.append(seconds[1] / seconds[0])
    return ratios[1:]  # the first compiles


def main():
    global scenarios_
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[30, 31])
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--mnist", default="mnist", help="an .npz file [default: by tensorflow-datasets]")
    parser.add_argument("--rounds", type=int, default=3, help="of the overhead's measurement")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "kerasgan_health")
    parser.add_argument("--again", action="store_true", help="only judge the logs of an earlier call again")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.again:
        results = judged_again(options.out)
        print(*map(line, results), sep="\n")
        summary(results)
        return
    scenarios_ = scenarios(options.mnist)
    results = []
    for seed in options.seeds:
        for name in scenarios_:
            if options.only in name:
                results.append(run(name, seed, options.out))
                print(line(results[-1]), flush=True)
                (options.out / "results.json").write_text(json.dumps(results))
    summary(results)
    for ratio in overhead(options.rounds) if options.rounds else []:
        print(f"CPU time with the monitor / without: {ratio:.3f}", flush=True)


def line(r):
    return f"{r['name']:32s} {r['seed']:3d}  {r['truth']:10s} {r['covered'][-1]:.2f}  {r['events']}"


def summary(results):
    collapsed = [r for r in results if r["truth"] == "collapsed"]
    healthy = [r for r in results if r["truth"] == "healthy"]
    caught = [r for r in collapsed if any(step >= r["began"] for step, _ in r["events"])]
    accused = [r for r in healthy if r["events"]]
    steps = sorted(min(s for s, _ in r["events"] if s >= r["began"]) - r["began"] for r in caught)
    print(f"collapsed: {len(caught)} of {len(collapsed)} caught; steps until then: {steps}")
    print(f"healthy: {len(accused)} of {len(healthy)} accused")
    print(f"neither, not counted: {len(results) - len(collapsed) - len(healthy)}")


if __name__ == "__main__":
    main()
