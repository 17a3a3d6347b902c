"""From a run folder to a release folder: the weights, their record, their scores, their card, and a gallery of all."""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from kerasgan import again, cards, charts, jsonl, viz
from kerasgan.errors import InputError
from kerasgan.recipe import Recipe, without_place
from kerasgan.zoo import manifest

MOST_COLUMNS = 20
"""So many classes have a column each in that picture; more are drawn in turn."""

SHOWN = 100
"""Samples of seed 0 in an entry's picture, which is also what a loaded generator must draw again."""

TOLERANCE = 2
"""Grey levels by which another backend's pixels may differ from that picture."""

CURVES = {
    "Losses": {"d_loss": "discriminator", "g_loss": "generator"},
    "Accuracy of the discriminator": {"d_real_accuracy": "real", "d_fake_accuracy": "generated"},
}

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
    data_options: dict[str, Any] | None = None,
    n: int = 10_000,
    extractor: Any = None,
    storage: str = "float32",
    spread: float = 1.0,
    entry: str | None = None,
    command: str | None = None,
    seeds: Sequence[str | Path] = (),
    weights_license: str = "not stated",
    data_license: str | None = None,
) -> dict[str, Any]:
    """Publishes a finished run as the next version of its entry; what it publishes computes in float32.

    Args:
        run: a run folder of `kerasgan train`.
        release: the folder a static host serves: `weights.json`, `weights/`, `cards/`, `README.md`. Made if missing.
        data: to score on, for `kerasgan.data.open`; the recipe's own by default.
        data_options: for `kerasgan.data.open`, for instance `{"on_corrupt": "skip"}`.
        n: images of each kind for the scores; 0 publishes without scores.
        extractor: for the scores, see `kerasgan.metrics.extractors.get`; class agreement is among them where it tells
            the classes of the data.
        storage: `"float16"` halves the file; the scores are those of the stored weights, and the record says by how
            much their pictures differ from those of float32.
        spread: publishes `Sampler.spread` of it, for more of what is rare; the record and the card say so.
        entry: the name to publish under; the run's own by default.
        command: that trained it; written from the recipe by default.
        seeds: run folders of the same recipe with other seeds. They are scored as this one is, and not published: the
            record and the card say how far the scores depend on the seed.
        weights_license: of the weights, which is whoever trained them to choose.
        data_license: of the data; known for those of the zoo's own recipes.

    Returns:
        The new record of `weights.json`.

    Raises:
        InputError: no run there, one that was stopped before its end, a name that cannot be a file's, `seeds` of
            another recipe or without scores, weights that are not finite, or a half precision layer that cannot be
            built again from its config.
    """
    from kerasgan.sampler import Sampler

    run, release = Path(run), Path(release)
    recipe, sitting = _finished(run)
    others = _other_seeds(recipe, seeds)
    if others and not n:
        raise InputError("Other seeds are there to be scored. Give n, the images of each kind, above 0.")
    entry = entry or recipe["name"]
    manifest.check_name(entry)
    data = data or recipe["dataset"]
    recipe = without_place(recipe)
    with _next_version(release, entry) as version:
        stem = f"{entry}-{version}"
        trained = _trained(run, spread)
        trained.recipe.update(dataset=recipe["dataset"])
        path = trained.save(release / "weights" / f"{stem}.keras", storage=storage)
        sampler = Sampler.load(path)
        picture = release / "cards" / f"{stem}.png"
        shown = sampler.generate(SHOWN, seed=0)
        columns = recipe["num_classes"] if 1 < recipe["num_classes"] <= MOST_COLUMNS else 10
        viz.save_grid(shown, picture, columns)
        scores = _scores(sampler, data, data_options, n, extractor) if n else None
        by_seed = {recipe["seed"]: _of_seed(sitting[-1], scores)} if others else {}
        for seed, other in others.items():
            with tempfile.TemporaryDirectory() as folder:
                stored = Sampler.load(_trained(other, spread).save(Path(folder) / "sampler.keras", storage=storage))
            by_seed[seed] = _of_seed(_finished(other)[1][-1], _scores(stored, data, data_options, n, extractor))
        record = {
            "entry": entry,
            "version": version,
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
            "storage": storage,
            "storage_difference": _difference(shown, trained.generate(SHOWN, seed=0)) if storage != "float32" else None,
            **({"spread": spread} if spread != 1 else {}),
            "parameters": sampler.generator.count_params(),
            "recipe": recipe,
            "dataset": recipe["dataset"],
            "dataset_license": data_license or LICENSES.get(recipe["dataset"], "not stated"),
            "weights_license": weights_license,
            "command": command or again.command(
                Recipe.from_dict(recipe), sitting[-1].get("own_entries"), skip_corrupt=bool(data_options)
            ),
            "hardware": sitting[-1]["machine"],
            "backend": sitting[-1]["backend"],
            "minutes": round(sum(s["seconds"] for s in sitting) / 60, 1),
            "steps": sitting[-1]["ended_at_step"],
            "commit": sitting[-1].get("commit"),
            "libraries": {"python": sitting[-1]["python"], **sitting[-1]["libraries"]},
            "scores": scores,
            "seeds": {str(seed): by_seed[seed] for seed in sorted(by_seed)},
            "golden": {
                "picture": f"cards/{picture.name}", "seed": 0, "n": SHOWN, "columns": columns, "tolerance": TOLERANCE,
            },
        }  # fmt: skip
        log = run / "log.jsonl"
        if log.exists():
            shutil.copy(log, release / "cards" / f"{stem}.jsonl")
            (release / "cards" / f"{stem}.svg").write_text(curves(jsonl.read(log)))
        lock = filelock.FileLock(release / ".packing.lock")  # another process may add its record, too
        with lock:
            manifest.write(release, [*_published(release), record])
    with lock:
        cards.write(release, _published(release), ours=release.resolve() == manifest.FOLDER.resolve())
    return record


def _finished(run):
    """(recipe, sittings) of a run that came to its end."""
    if not (run / "sampler.keras").exists():
        raise InputError(f"{str(run)!r} holds no finished run: sampler.keras is missing. Train it to its end first.")
    recipe = json.loads((run / "recipe.json").read_text())
    sittings = json.loads((run / "run.json").read_text())["sittings"]
    steps, of_steps = sittings[-1]["ended_at_step"], sittings[-1].get("of_steps", 0)
    if steps < of_steps:
        raise InputError(f"{str(run)!r} was stopped at step {steps:,} of {of_steps:,}. Train it to its end first.")
    if sittings[-1].get("epochs", recipe["epochs"]) != recipe["epochs"]:
        raise InputError(f"{str(run)!r} is being prolonged to {recipe['epochs']} epochs. Train it to its end first.")
    return recipe, sittings


def _other_seeds(recipe, runs):
    """{seed: run folder} of finished runs, each of the same recipe but for a seed of its own."""
    recipe = Recipe.from_dict(recipe)
    others: dict[int, Path] = {}
    for run in map(Path, runs):
        other = Recipe.from_dict(_finished(run)[0])
        differences = recipe.replace(seed=other.seed).differences(other)
        if differences:
            raise InputError(
                f"Runs of other seeds must have the same recipe. {str(run)!r} differs ({'; '.join(differences)}): "
                "leave it out, or train it again."
            )
        if other.seed in (recipe.seed, *others):
            raise InputError(f"Seed {other.seed} is there twice, also in {str(run)!r}. Train that one with another.")
        others[other.seed] = run
    return others


def _of_seed(sitting, scores):
    """What a record says of one seed; where it was trained too, for that may move a score as much."""
    origin = {name: sitting.get(name) for name in ("commit", "backend", "machine")}
    return {"values": scores["values"], **origin}


def _trained(run, spread):
    """The run's Sampler; whatever it was trained in, as processors without bfloat16 are to draw the same pictures."""
    from kerasgan.export import network
    from kerasgan.sampler import Sampler

    sampler = network.in_float32(Sampler.load(run / "sampler.keras"))
    return sampler if spread == 1 else sampler.spread(spread)


def _published(release):
    return manifest.read(release) if (release / "weights.json").exists() else []


@contextlib.contextmanager
def _next_version(release, entry):
    """Its file is made here and now, so that another process that packs the same entry takes the one after it."""
    weights, cards_folder = release / "weights", release / "cards"
    weights.mkdir(parents=True, exist_ok=True)
    version = 1 + max((r["version"] for r in _published(release) if r["entry"] == entry), default=0)
    while True:
        try:
            (weights / f"{entry}-{version}.keras").touch(exist_ok=False)
        except FileExistsError:
            version += 1
        else:
            break
    try:
        yield version
    except BaseException:
        for path in (weights / f"{entry}-{version}.keras", *cards_folder.glob(f"{entry}-{version}.*")):
            path.unlink(missing_ok=True)
        raise


def curves(log: list[dict[str, Any]]) -> str:
    """What a training's log shows, as the text of an SVG file."""
    panels = {
        title: {label: [(row["epoch"], row[name]) for row in log if name in row] for name, label in names.items()}
        for title, names in CURVES.items()
    }
    return charts.svg_file(panels)


def _difference(stored, exact):
    """Grey levels between the pictures of stored weights and those of the trained ones."""
    difference = np.abs(stored.astype(int) - exact.astype(int))
    return {"largest": int(difference.max()), "mean": round(float(difference.mean()), 4)}


def _scores(sampler, data, data_options, n, extractor):
    from kerasgan import metrics
    from kerasgan.metrics import extractors

    channels = sampler.spec.image_shape[-1]
    judge = extractors.get(extractor, data_name=Path(data).stem, channels=channels)
    names = ["fid", "kid", "precision_recall"]
    if sampler.spec.classes:
        tells_them = judge.num_classes(channels) == sampler.spec.num_classes
        names += ["class_agreement", "cas"] if tells_them else ["cas"]
    elif judge.per_channel:  # stacked data are there for their modes to be counted
        names += ["mode_coverage"]
    return metrics.evaluate(sampler, data, names, n=n, extractor=judge, data_options=data_options).to_dict()
