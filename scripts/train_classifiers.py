"""Trains the classifiers that come with the package, and writes their files, records and cards.

    python scripts/train_classifiers.py digits mnist cifar10 --data mnist=mnist.npz --data cifar10=cifar10_jpeg.npz

Data come from `kerasgan.data.load`, or from a file that `--data` names. Only the classifiers named are trained again;
the records of the others stay as they are. Without a name only the cards are written again, from the records.
"""

import argparse
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import time
import zipfile
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras

from kerasgan import data
from kerasgan.files import whole_file
from kerasgan.metrics import classifiers

SETTINGS = {
    "digits": {"width": 16, "epochs": 100, "augment": "affine"},
    "mnist": {"width": 16, "epochs": 12, "augment": "affine"},
    "cifar10": {"width": 24, "epochs": 15, "augment": "shift,flip"},
}
LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy")

CARD = """## {name}

{parameters:,} parameters, {bytes:,} bytes, SHA-256 `{sha256}`.

- Takes `image` float32 (n, {shape}), 0 to 255; gives logits float32 (n, {num_classes}).
  Layer `{feature_layer}`: float32 (n, {feature_size}).
- Data: {data_set}, {train_images:,} images (fingerprint {train_fingerprint}), from {source}.{jpeg}
- Accuracy on the test part, {test_images:,} images that took no part in the training: **{accuracy:.2%}**.
- Command: `{command}`.
- {seconds:,.0f} seconds, {cpu_seconds:,.0f} of processor time, on {hardware}.
- Settings: {settings}.
- {libraries}; source {git_commit}.
"""

HEAD = """# Classifiers that come with the package

Written by `scripts/train_classifiers.py`, with `classifiers.json`; not by hand. Small convolutional networks
(`kerasgan.metrics.classifiers.build`), trained from scratch on the training part of each data set alone. They are
extractors of features for scores, and judges of labels. Scores by one classifier cannot be compared with scores by
another: a score names the SHA-256, and `kerasgan.metrics.classifiers.load` refuses a file that has another.

Not for any other use: they know nothing but these classes, and are sure of themselves on pictures of anything else.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SETTINGS))
    parser.add_argument("--data", action="append", default=[], metavar="NAME=PATH", help="an .npz file")
    parser.add_argument("--out", type=Path, default=classifiers.WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float, help="in place of those in SETTINGS")
    parser.add_argument("--steps", type=int, help="updates, in place of epochs: for trying the script")
    args = parser.parse_args()
    unknown = set(args.names) - set(SETTINGS)
    if unknown:
        parser.error(f"no settings for {', '.join(sorted(unknown))}; known: {', '.join(SETTINGS)}")
    paths = dict(pair.split("=", 1) for pair in args.data)
    if not args.names:
        write_cards(args.out, json.loads((args.out / "classifiers.json").read_text()))
    for name in args.names:
        entry = train(name, paths.get(name), args.out, args.seed, {"epochs": args.epochs, "steps": args.steps})
        print(f"{name}: accuracy {entry['accuracy']:.4f}, {entry['bytes']:,} bytes, {entry['seconds']:.0f} s")


def train(name, path, out, seed, changes):
    """Trains one classifier, and adds its file, record and card to the folder."""
    parts = {part: data.open(path, split=part) if path else data.load(name, split=part) for part in ("train", "test")}
    train, test = parts["train"], parts["test"]
    changes = {key: value for key, value in changes.items() if value is not None}
    settings = {**SETTINGS[name], **changes}
    start, cpu_start = time.perf_counter(), time.process_time()
    model = classifiers.fit(train.x, train.y, train.num_classes, seed=seed, verbose=1, **settings)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    with whole_file(out / f"{name}.keras") as temporary:
        model.save(temporary)
    content = (out / f"{name}.keras").read_bytes()
    features = model.get_layer(classifiers.FEATURES).output
    return note(
        out,
        {
            "name": name,
            "file": f"{name}.keras",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "parameters": model.count_params(),
            "image_shape": list(train.image_shape),
            "num_classes": train.num_classes,
            "class_names": list(train.class_names),
            "feature_layer": classifiers.FEATURES,
            "feature_size": int(features.shape[-1]),
            "data_set": name,
            "source": Path(path).name if path else f"kerasgan.data.load({name!r})",
            "stored_as_jpeg": stored_as_jpeg(path),
            "train_images": len(train),
            "train_fingerprint": train.fingerprint,
            "test_images": len(test),
            "test_fingerprint": test.fingerprint,
            "accuracy": classifiers.accuracy(model, test.x, test.y),
            "command": command(name, path, seed, changes),
            "settings": settings,
            "seed": seed,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds, 1),
            "hardware": hardware(),
            "python": platform.python_version(),
            "libraries": {library: version(library) for library in LIBRARIES if version(library)},
            "backend": keras.backend.backend(),
            "git_commit": git_commit(),
        },
    )


def note(out, entry):
    """Writes the record into `classifiers.json`, and all cards again."""
    path = out / "classifiers.json"
    records = json.loads(path.read_text()) if path.exists() else {}
    records = dict(sorted({**records, entry["name"]: entry}.items()))
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(records, indent=2) + "\n")
    write_cards(out, records)
    return entry


def write_cards(out, records):
    """Writes README.md from the records."""
    with whole_file(out / "README.md") as temporary:
        temporary.write_text("\n".join([HEAD, *map(card, records.values())]))


def card(entry):
    """One record as a section of the README."""
    jpeg = " These pictures went through JPEG before training and before testing." if entry["stored_as_jpeg"] else ""
    return CARD.format(
        **{
            **entry,
            "shape": ", ".join(map(str, entry["image_shape"])),
            "jpeg": jpeg,
            "settings": ", ".join(f"{key} {value}" for key, value in entry["settings"].items()),
            "libraries": ", ".join(f"{key} {value}" for key, value in entry["libraries"].items()),
        }
    )


def stored_as_jpeg(path):
    """Whether an .npz file holds encoded pictures."""
    if not path or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(member.startswith("jpeg_") for member in archive.namelist())


def command(name, path, seed, changes):
    """What makes this very classifier again; of a path only its last part."""
    parts = ["python", "scripts/train_classifiers.py", name, "--seed", str(seed)]
    parts += ["--data", f"{name}={Path(path).name}"] if path else []
    return shlex.join(parts + [f"--{key}={value}" for key, value in changes.items()])


def hardware():
    """Processor and number of cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, shared with other work"


def version(library):
    """The installed version, or `None`."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def git_commit():
    """The commit, marked "-dirty" where files were changed since."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
