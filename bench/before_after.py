"""Training speed of zoo entries, of an earlier commit and of the files as they lie here, side by side.

    python bench/before_after.py HEAD~5 sngan_projection_mnist --rounds 5

Both train the recipe that the entry had in the earlier commit, on noise. Each is a process of its own that waits for
its turn; printed are images per second and, round by round, the ratio, as min, median and max. TensorFlow's oneDNN is
on. Needs git, this repository's history, and what pip needs to build a package.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from race import Contender, spread

ROOT = Path(__file__).parents[1]


def installed(source: Path, target: Path) -> dict[str, str]:
    """The environment of a process that imports kerasgan from a copy of `source`."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source)]
    subprocess.run(pip, check=True)
    return {**os.environ, "PYTHONPATH": str(target), "TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def checked_out(commit: str, folder: Path) -> Path:
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, capture_output=True).stdout
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


def recipe_of(entry: str, environment: dict[str, str]) -> str:
    script = "import json, sys, kerasgan as kg; print(json.dumps(kg.zoo.show(sys.argv[1]).to_dict()))"
    options = {"check": True, "capture_output": True, "text": True, "env": environment}
    # Elsewhere than here, where `-c` would find the present files first.
    done = subprocess.run([sys.executable, "-c", script, entry], cwd=environment["PYTHONPATH"], **options)
    return done.stdout.splitlines()[-1]


def work(recipe, steps):
    """A turn for each line of input; the first one compiles."""
    import numpy as np

    import kerasgan as kg

    if not Path(kg.__file__).is_relative_to(os.environ["PYTHONPATH"]):
        sys.exit(f"{kg.__file__} is not what was to be timed.")
    gan, n = kg.zoo.build(recipe), steps * recipe.batch_size * recipe.n_critic
    rng = np.random.default_rng(0)
    data = [rng.integers(0, 256, (n, *recipe.image_shape)).astype("uint8")]
    if recipe.num_classes:
        data.append(rng.integers(0, recipe.num_classes, n).astype("int32"))
    for _ in sys.stdin:
        start = time.perf_counter()
        gan.fit(*data, batch_size=recipe.batch_size, epochs=1, verbose=0)
        print("images/s", n / (time.perf_counter() - start), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the earlier one")
    parser.add_argument("entries", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="generator updates in one turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = installed(checked_out(options.commit, Path(folder, "source")), Path(folder, "before"))
        here = shutil.copytree(ROOT, Path(folder, "here"), ignore=shutil.ignore_patterns(".*", "build", "runs"))
        now = installed(here, Path(folder, "now"))
        print(f"{'':44} {'min':>8} {'median':>8} {'max':>8}")
        for entry in options.entries:
            command = [sys.executable, __file__, "--worker", recipe_of(entry, before), str(options.steps)]
            both = [Contender(command, environment) for environment in (before, now)]
            turns = [[contender.turn() for contender in both] for _ in range(options.rounds)]
            for contender in both:
                contender.process.kill()
            for name, values in zip(("before, images/s", "now, images/s"), zip(*turns, strict=True), strict=True):
                print(f"{entry + ', ' + name:44} {spread(values)}")
            print(f"{entry + ', now / before':44} {spread([b / a for a, b in turns])}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        import kerasgan as kg

        work(kg.Recipe.from_dict(json.loads(sys.argv[2])), int(sys.argv[3]))
    else:
        main()
