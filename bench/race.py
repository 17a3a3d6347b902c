"""Training speed, side by side: kerasgan, the Keras guides' way and a plain PyTorch loop.

    python bench/race.py --rounds 7

Same networks, batch and data. Every contender is a process of its own that waits for its turn; each round gives every
one a turn, so a machine that slows down slows all. Printed are images per second and, round by round, ratios, as
min, median and max. TensorFlow's oneDNN is on for everyone. Needs TensorFlow and PyTorch.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

CONTENDERS = {
    "kerasgan": ["kerasgan", "float32"],
    "kerasgan, two draws": ["kerasgan_two_draws", "float32"],
    "Keras guide": ["guide", "float32"],
    "PyTorch": ["pytorch", "float32"],
}
PAIRS = [
    ("kerasgan", "Keras guide"),
    ("kerasgan", "PyTorch"),
    ("kerasgan", "kerasgan, two draws"),
    ("PyTorch", "Keras guide"),
]


class Contender:
    """A process that takes a turn for each line it is given, and then prints "images/s" and how many."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(
            command, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.turn()  # compiles and warms up

    def turn(self) -> float:
        """Images per second of one turn."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("images/s"):
                return float(line.split()[1])
        sys.exit(f"{self.process.args} ended without a figure; run it by hand and type 'go'.")


def spread(values):
    return f"{min(values):8.2f} {statistics.median(values):8.2f} {max(values):8.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=40, help="training steps of 64 images in one turn")
    parser.add_argument("--bfloat16", action="store_true", help="also mixed_bfloat16; minutes a turn without AVX-512")
    options = parser.parse_args()
    if options.bfloat16:
        CONTENDERS["kerasgan, mixed_bfloat16"] = ["kerasgan", "mixed_bfloat16"]
        PAIRS.append(("kerasgan, mixed_bfloat16", "Keras guide"))
    worker = str(Path(__file__).with_name("contenders.py"))
    contenders = {
        name: Contender([sys.executable, worker, *arguments, str(options.steps)])
        for name, arguments in CONTENDERS.items()
    }
    speeds = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, contender in contenders.items():
            speeds[name].append(contender.turn())
    print(f"{'images/s':44} {'min':>8} {'median':>8} {'max':>8}")
    for name, values in speeds.items():
        print(f"{name:44} {spread(values)}")
    print(f"\n{'ratio, round by round':44} {'min':>8} {'median':>8} {'max':>8}")
    for a, b in PAIRS:
        print(f"{a + ' / ' + b:44} {spread([x / y for x, y in zip(speeds[a], speeds[b], strict=True)])}")
    for contender in contenders.values():
        contender.process.kill()


if __name__ == "__main__":
    main()
