"""From a run folder to a release folder: the weights, their record, their scores, their card, and a gallery of all."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from kerasgan import cards, viz, zoo
from kerasgan.errors import InputError
from kerasgan.plan import OTHER_DATA
from kerasgan.zoo import manifest

SHOWN = 100
"""Samples of seed 0 in an entry's picture, which is also what a loaded generator must draw again."""

TOLERANCE = 2
"""Grey levels by which another backend's pixels may differ from that picture."""

LICENSES = {
    "digits": "CC BY 4.0 (Optical Recognition of Handwritten Digits, Alpaydin and Kaynak, UCI, 1998)",
    "mnist": "CC BY-SA 3.0 (LeCun, Cortes and Burges, 1998)",
    "stacked_mnist": "CC BY-SA 3.0 (MNIST: LeCun, Cortes and Burges, 1998)",
    "cifar10": "none stated by its author (Krizhevsky, 2009)",
}


def pack(
    run: str | Path,
    release: str | Path,
    *,
    data: str | None = None,
    n: int = 10_000,
    storage: str = "float32",
    command: str | None = None,
    weights_license: str = "Apache-2.0",
    data_license: str | None = None,
) -> dict[str, Any]:
    """Publishes a finished run as the next version of its entry.

    Args:
        run: a run folder of `kerasgan train`.
        release: the folder a static host serves: `weights.json`, `weights/`, `cards/`, `README.md`. Made if missing.
        data: to score on, for `kerasgan.data.open`; the recipe's own by default.
        n: images of each kind for the scores; 0 publishes without scores.
        storage: `"float16"` halves the file; the scores are those of the stored weights.
        command: that trained it; written from the recipe by default.
        weights_license: of the weights.
        data_license: of the data; known for the zoo's own.

    Returns:
        The new record of `weights.json`.

    Raises:
        InputError: no run there, or one that was stopped before its end.
    """
    from kerasgan.sampler import Sampler

    run, release = Path(run), Path(release)
    source = run / "sampler.keras"
    if not source.exists():
        raise InputError(f"{str(run)!r} holds no finished run: sampler.keras is missing. Train it to its end first.")
    recipe = json.loads((run / "recipe.json").read_text())
    sitting = json.loads((run / "run.json").read_text())["sittings"]
    steps, of_steps = sitting[-1]["ended_at_step"], sitting[-1].get("of_steps", 0)
    if steps < of_steps:
        raise InputError(f"{str(run)!r} was stopped at step {steps:,} of {of_steps:,}. Train it to its end first.")
    if sitting[-1].get("epochs", recipe["epochs"]) != recipe["epochs"]:
        raise InputError(f"{str(run)!r} is being prolonged to {recipe['epochs']} epochs. Train it to its end first.")
    entry = recipe["name"]
    records = manifest.read(release)
    version = 1 + max((r["version"] for r in records if r["entry"] == entry), default=0)
    stem = f"{entry}-{version}"

    path = Sampler.load(source).save(release / "weights" / f"{stem}.keras", storage=storage)
    sampler = Sampler.load(path)
    picture = release / "cards" / f"{stem}.png"
    viz.save_grid(sampler.generate(SHOWN, seed=0), picture, columns=10)
    record = {
        "entry": entry,
        "version": version,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "storage": storage,
        "parameters": sampler.generator.count_params(),
        "recipe": recipe,
        "dataset": recipe["dataset"],
        "dataset_license": data_license or LICENSES.get(recipe["dataset"], "not stated"),
        "weights_license": weights_license,
        "command": command or _command(recipe),
        "hardware": sitting[-1]["machine"],
        "backend": sitting[-1]["backend"],
        "minutes": round(sum(s["seconds"] for s in sitting) / 60, 1),
        "steps": steps,
        "commit": sitting[-1].get("commit"),
        "libraries": {"python": sitting[-1]["python"], **sitting[-1]["libraries"]},
        "scores": _scores(sampler, recipe["num_classes"] > 0, data or recipe["dataset"], n) if n else None,
        "golden": {"picture": f"cards/{picture.name}", "seed": 0, "n": SHOWN, "tolerance": TOLERANCE},
    }
    log = run / "log.jsonl"
    if log.exists():
        shutil.copy(log, release / "cards" / f"{stem}.jsonl")
    manifest.write(release, [*records, record])
    cards.write(release, [*records, record])
    return record


def _command(recipe):
    """`kerasgan train ENTRY`, with what differs from the entry's recipe."""
    entry, _, data = recipe["name"].partition(OTHER_DATA)
    words = ["kerasgan", "train", entry, *(["--data", recipe["dataset"]] if data else [])]
    if entry in zoo.names():
        ours = zoo.show(entry).to_dict()
        for field in ("epochs", "batch_size", "seed", "precision"):
            if recipe[field] != ours[field]:
                words += [f"--{field.replace('_', '-')}", str(recipe[field])]
    return " ".join(words)


def _scores(sampler, labelled, data, n):
    from kerasgan import metrics

    names = ["fid", "kid", "precision_recall"]
    if labelled:  # InfoGAN's codes are no classes of the data
        names += ["class_agreement", "cas"]
    return metrics.evaluate(sampler, data, metrics=names, n=n).to_dict()
