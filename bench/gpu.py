"""The zoo on a GPU: trains entries from `.npz` files, races PyTorch, checks what must be exact; without TensorFlow.

    KERAS_BACKEND=jax python bench/gpu.py train dcgan_cifar10 sngan_cifar10 --data cifar10.npz --out runs --minutes 9.5
    python bench/gpu.py race --rounds 5
    KERAS_BACKEND=jax python bench/gpu.py check --data mnist.npz

`train` goes on where the same command stopped, until the time is up or everything is trained. How to rehearse all of it
without a GPU, and what to look at, is in `bench/README.md`.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKER = Path(__file__).with_name("gpu_contenders.py")
ONE_STEP = Path(__file__).parent.parent / "tests" / "scripts" / "one_step.py"
CONTENDERS = ("kerasgan-jax", "kerasgan-torch", "torch-eager", "torch-compile")
NETWORKS = ("dcgan", "sngan", "r3gan")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("train", help="entries, one after the other, for so many minutes")
    command.set_defaults(run=train)
    command.add_argument("entries", nargs="+")
    command.add_argument("--data", nargs="+", type=Path, required=True, help=".npz files named after the data sets")
    command.add_argument("--out", type=Path, default=Path("runs"))
    command.add_argument("--minutes", type=float, default=9.5, help="for all of them together")
    command.add_argument("--seeds", nargs="+", type=int, default=[0])
    command.add_argument("--precision", default="float32")
    command.add_argument("--epochs", type=int, help="in place of the recipe's")
    command.add_argument("--steps-per-execution", type=int, default=16)

    command = commands.add_parser("race", help="images/s against PyTorch, in turn")
    command.set_defaults(run=race)
    command.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    command.add_argument("--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    command.add_argument("--batches", nargs="+", type=int, default=[64, 256])
    command.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--steps", type=int, default=64, help="of a turn")
    command.add_argument("--width", type=int, help="of narrower networks, to rehearse")

    command = commands.add_parser("check", help="sittings are exact here; a step agrees with the processor's")
    command.set_defaults(run=check)
    command.add_argument("--data", nargs="+", type=Path, required=True)
    command.add_argument("--entry", default="dcgan_mnist")
    options = parser.parse_args()
    options.run(options)


def train(options):
    import kerasgan as kg

    end = time.monotonic() + 60 * options.minutes
    for entry, seed in itertools.product(options.entries, options.seeds):
        images = pictures(kg.zoo.show(entry), options.data)
        left = (end - time.monotonic()) / 60
        if left <= 0:
            print(f"{entry}, seed {seed}: no time was left", flush=True)
            continue
        folder = options.out / (entry if len(options.seeds) == 1 else f"{entry}-seed{seed}")
        kg.train(
            entry, folder, images=images, exports=(), minutes=left, seed=seed, precision=options.precision,
            epochs=options.epochs, compile_options={"steps_per_execution": options.steps_per_execution},
        )  # fmt: skip
        print(f"{folder}: {told(folder)}", flush=True)


def pictures(recipe, archives):
    """The recipe's data from the archive named after it: cifar10.npz, or cifar10_jpeg.npz, for "cifar10"."""
    import kerasgan as kg

    name = recipe.dataset.removeprefix("stacked_")
    if name == "digits":
        return kg.data.load(name, image_shape=recipe.image_shape)
    path = next((path for path in archives if path.stem.split("_")[0] == name), None)
    if path is None:
        sys.exit(f"{recipe.name} is trained on {name!r}. Expected {name}.npz or {name}_*.npz among --data.")
    images = kg.data.from_npz(path)
    return kg.data.stacked(images) if recipe.dataset.startswith("stacked_") else images


def told(folder):
    """How far a run is and how fast its last sitting was."""
    sittings = json.loads((folder / "run.json").read_text())["sittings"]
    recipe = json.loads((folder / "recipe.json").read_text())
    before = sittings[-2]["ended_at_step"] if len(sittings) > 1 else 0
    shown = (sittings[-1]["ended_at_step"] - before) * recipe["batch_size"] * recipe["n_critic"]
    return (
        f"step {sittings[-1]['ended_at_step']:,} of {sittings[-1]['of_steps']:,}, {peak()}"
        f"{shown / max(sittings[-1]['seconds'], 0.1):,.0f} images/s (compilation, samples and health checks among it), "
        f"{sum(s['seconds'] for s in sittings) / 60:.1f} minutes in all"
    )


def peak():
    """The most device memory that this process has held, where the backend counts it."""
    import keras

    if keras.backend.backend() != "jax":
        return ""
    import jax

    most = (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return "" if most is None else f"at most {most / 2**20:,.0f} MiB on the device so far, "


class Contender:
    """A worker process that waits for its turn; `None` in place of figures once it has failed."""

    def __init__(self, *arguments):
        self.name, self.errors = arguments[0], tempfile.TemporaryFile("w+")  # noqa: SIM115  as long as the worker
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
        )  # fmt: skip

    def ask(self, word, answer):
        """The number behind `answer`, which the worker prints after it is told `word`."""
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self.process.stdout:
            if line.startswith(answer):
                return float(line.split()[-1])
        return None

    def why(self):
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def race(options):
    print(f"device: {device()}")
    ceilings = {precision: ceiling(precision, 512 if options.width else 8192) for precision in options.precisions}
    for precision, flops in ceilings.items():
        print(f"matrix products, {precision}: {flops / 1e12:.1f} TFLOP/s")
    settings = itertools.product(options.networks, options.batches, options.precisions)
    for network, batch, precision in settings:
        heat(options, network, batch, precision, ceilings[precision])


def heat(options, network, batch, precision, most):
    """All contenders of one setting, in turn; images/s, ratio to eager PyTorch, share of the ceiling, memory."""
    width = ["--width", options.width] if options.width else []
    workers = [Contender(name, network, batch, precision, options.steps, *width) for name in options.contenders]
    speeds = {worker.name: [] for worker in workers}
    for i in range(options.rounds + 2):  # the first two turns compile and warm up
        for worker in workers:
            speed = worker.ask("go", "images/s")
            if i > 1 and speed is not None:
                speeds[worker.name].append(speed)
    peaks = {worker.name: worker.ask("memory", "peak MiB") for worker in workers}
    flops = next((w.ask("flops", "flop/image") for w in workers if w.name == "torch-eager"), None)
    print(f"\n{network}, batch {batch}, {precision}")
    print(f"  {'':16} {'images/s':>10} {'min':>10} {'max':>10} {'/ eager':>8} {'ceiling':>8} {'MiB':>8}")
    for worker in workers:
        values, memory = speeds[worker.name], peaks[worker.name]
        worker.process.kill()
        if not values or memory is None:
            print(f"  {worker.name:16} failed: {worker.why()}", flush=True)
            continue
        middle = statistics.median(values)
        eager = [a / b for a, b in zip(values, speeds.get("torch-eager", ()), strict=False)]
        ratio = f"{statistics.median(eager):8.2f}" if eager else f"{'':8}"
        share = f"{100 * middle * flops / most:7.1f}%" if flops else f"{'':8}"
        spread = f"{middle:10,.0f} {min(values):10,.0f} {max(values):10,.0f}"
        print(f"  {worker.name:16} {spread} {ratio} {share} {memory:8.0f}", flush=True)


def device():
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: a rehearsal"


def ceiling(precision, size):
    """FLOP/s of a square matrix product of random numbers; float32 in TF32, as convolutions are by default."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = True
    where = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    a, b = (torch.randn(size, size, device=where, dtype=dtype) for _ in range(2))

    def seconds(times):
        synchronize = torch.cuda.synchronize if where == "cuda" else lambda: None
        synchronize()
        start = time.perf_counter()
        for _ in range(times):
            a @ b
        synchronize()
        return time.perf_counter() - start

    seconds(3)
    return 10 * 2 * size**3 / seconds(10)


def check(options):
    with tempfile.TemporaryDirectory() as folder:
        name, far = agreement(Path(folder))
        print(f"two steps here and on the processor: most apart, by {far:.3g} of the tolerance of the tests, is {name}")
        sittings, apart = exactness(options, Path(folder))
        print(f"one training and the same in {sittings} processes: weights differ by at most {apart:.3g}")
    if far > 1 or apart > 0 or sittings < 2:
        sys.exit("These should be at most 1, and 0.")


def exactness(options, folder):
    """(sittings, largest difference of the generator's weights) of a training cut twice and one that was not.

    Every sitting is a process of its own, which compiles and chooses its kernels anew, as it is when one goes on.
    """
    import numpy as np

    exact = {**os.environ, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"}
    runs = [folder / "once", folder / "cut"]
    for run, minutes in ((runs[0], 60), (runs[1], 0.05), (runs[1], 0.05), (runs[1], 60)):
        command = ["train", options.entry, "--data", *options.data, "--out", run, "--minutes", minutes, "--epochs", 1]
        subprocess.run([sys.executable, __file__, *map(str, command)], env=exact, check=True)
    states = [newest(run / options.entry) for run in runs]
    sittings = len(json.loads((runs[1] / options.entry / "run.json").read_text())["sittings"])
    return sittings, max(float(np.abs(x - y).max(initial=0.0)) for x, y in zip(*states, strict=True))


def newest(run):
    """All numbers of a run's last checkpoint: weights, optimizers, averages, random states."""
    from kerasgan import checkpoint

    values, _ = checkpoint.read_newest(run / "checkpoints")
    return [value.astype("float64") for value in values]


def agreement(folder):
    """(name, difference in units of what `tests/test_backends.py` allows) of what two steps leave most apart."""
    import numpy as np

    found = []
    for platforms in ("cpu", ""):
        path = folder / f"steps{platforms}.npz"
        # TF32 keeps 10 bits of a factor, which is not what is asked here.
        exact = {"KERAS_BACKEND": "jax", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
        environment = {**os.environ, **exact, **({"JAX_PLATFORMS": platforms} if platforms else {})}
        subprocess.run([sys.executable, str(ONE_STEP), str(path)], env=environment, check=True)
        found.append(np.load(path))
    here, expected = found[1], found[0]
    apart = {
        key: float(np.max(np.abs(here[key] - expected[key]) / (2e-5 + 2e-4 * np.abs(expected[key]))))
        for key in expected.files
    }
    return max(apart.items(), key=lambda item: item[1])


if __name__ == "__main__":
    main()
