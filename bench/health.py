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
from health_modes import RNG, Digits
from health_scenarios import Sabotage, pictures_gan, scenarios

import kerasgan as kg
from kerasgan import jsonl
from kerasgan.callbacks.verdicts import Verdicts

COLLAPSED, HEALTHY = 0.4, 0.6


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


def run(name, scenario, seed, out):
    """One line of the result: what became of the run, and what the monitor said when."""
    keras.backend.clear_session()
    data, build, steps, more = scenario
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
    trainings, results = scenarios(options.mnist), []
    for seed in options.seeds:
        for name, scenario in trainings.items():
            if options.only in name:
                results.append(run(name, scenario, seed, options.out))
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
