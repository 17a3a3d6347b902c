"""The metrics by name: what each needs, what it gives, and how."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerasgan.data.images import Images
from kerasgan.metrics import conditional, duplicates, inception, kernel, manifold, modes
from kerasgan.metrics.frechet import frechet_distance
from kerasgan.metrics.observation import Observation
from kerasgan.metrics.parts import Pick


@dataclasses.dataclass(frozen=True)
class Case:
    """Images to be scored, and what they are scored against.

    Args:
        reference: the real images.
        seen: the images scored: generated, or real ones for the floor.
        floor: the images scored are `held_out`.
        train: the whole training part.
        held_out: real images that the reference does not hold, when a metric or the floor needs them.
        memory: all training images, for `duplicates`.
        settings: the metric's own.
        seed: of random choices within the metric.
    """

    reference: Observation
    seen: Observation
    floor: bool
    train: Images
    held_out: Pick | None
    memory: Observation | None
    settings: Mapping[str, Any]
    seed: int


@dataclasses.dataclass(frozen=True)
class Measure:
    """One metric.

    Args:
        compute: from a `Case` to its values.
        values: the names of its values, each with +1 where more is better, -1 where less is, 0 where neither.
        needs: what an `Observation` must keep for it.
        settings: its numbers, from the number of images.
        least: fewest images it works with.
        labels: it needs the classes the images were asked to show, and those of the data.
        classes: it needs an extractor that tells the data's classes apart; `"any"` takes one of any classes.
    """

    compute: Callable[[Case], dict[str, float]]
    values: Mapping[str, int]
    needs: frozenset[str]
    settings: Callable[[int], dict[str, Any]] = lambda n: {}
    least: int = 2
    labels: bool = False
    classes: str = ""


def _fid(case: Case) -> dict[str, float]:
    return {"fid": frechet_distance(case.reference.gaussian, case.seen.gaussian)}


def _kid(case: Case) -> dict[str, float]:
    size, subsets = case.settings["subset_size"], case.settings["subsets"]
    found = kernel.kernel_distance(case.reference.features, case.seen.features, subsets, size, case.seed)
    return {"kid": found.mean, "kid_std": found.std}


def _inception_score(case: Case) -> dict[str, float]:
    found = case.seen.inception_score()
    return {"inception_score": found.mean, "inception_score_std": found.std}


def _precision_recall(case: Case) -> dict[str, float]:
    k = case.settings["k"]
    return manifold.precision_recall(case.reference.manifold(k), case.seen.manifold(k))._asdict()


def _density_coverage(case: Case) -> dict[str, float]:
    k = case.settings["k"]
    return manifold.density_coverage(case.reference.manifold(k), case.seen.manifold(k))._asdict()


def _class_agreement(case: Case) -> dict[str, float]:
    return {"class_agreement": conditional.class_agreement(case.seen.labels, case.seen.classes)}


def _cas(case: Case) -> dict[str, float]:
    shown = case.reference if case.floor else case.seen
    real, labels = case.held_out.all() if case.held_out else (np.zeros(0), np.zeros(0))
    accuracy = conditional.classifier_accuracy_score(
        shown.pictures,
        shown.labels,
        real,
        labels,
        case.train.num_classes,
        steps=case.settings["steps"],
        width=case.settings["width"],
        seed=case.seed,
    )
    return {"cas": accuracy}


def _mode_coverage(case: Case) -> dict[str, float]:
    labels = case.train.y if case.train.y is not None else np.zeros(0, int)
    found = modes.mode_coverage(case.seen.classes, labels, case.train.num_classes)
    return {"modes": found.modes, "mode_kl": found.kl}


def _duplicates(case: Case) -> dict[str, float]:
    memory = case.memory or case.reference
    kept = np.ones(len(memory.features), bool)
    if case.floor and case.held_out:
        for _, images, rows in case.held_out.pieces:
            if images is case.train:  # these very images are no copies of themselves
                kept[rows] = False
    known = [digest for digest, keep in zip(memory.digests, kept, strict=True) if keep]
    found = duplicates.find_duplicates(case.seen.features, memory.features[kept], case.seen.digests, known)
    return {"duplicates": found.duplicates, "nearest_train": found.nearest, "repeated": found.repeated}


def _subsets(n: int) -> dict[str, Any]:
    # Half of the images at most: subsets that are all the same have no spread.
    return {"subsets": kernel.SUBSETS, "subset_size": min(kernel.SUBSET_SIZE, n // 2), "kernel": "(x.y/d + 1)^3"}


METRICS: dict[str, Measure] = {
    "fid": Measure(_fid, {"fid": -1}, frozenset({"moments"})),
    "kid": Measure(_kid, {"kid": -1, "kid_std": 0}, frozenset({"features"}), _subsets, least=4),
    "inception_score": Measure(
        _inception_score,
        {"inception_score": 1, "inception_score_std": 0},
        frozenset({"scores"}),
        lambda n: {"splits": inception.SPLITS},
        least=inception.SPLITS,
        classes="any",
    ),
    "precision_recall": Measure(
        _precision_recall,
        {"precision": 1, "recall": 1},
        frozenset({"features"}),
        lambda n: {"k": 3},
        least=4,
    ),
    "density_coverage": Measure(
        _density_coverage,
        {"density": 1, "coverage": 1},
        frozenset({"features"}),
        lambda n: {"k": 5},
        least=6,
    ),
    "class_agreement": Measure(
        _class_agreement, {"class_agreement": 1}, frozenset({"classes"}), least=1, labels=True, classes="data"
    ),
    "cas": Measure(
        _cas,
        {"cas": 1},
        frozenset({"pictures"}),
        lambda n: {"network": "kerasgan.metrics.classifiers", "width": conditional.WIDTH, "steps": conditional.STEPS},
        labels=True,
    ),
    "mode_coverage": Measure(
        _mode_coverage, {"modes": 1, "mode_kl": -1}, frozenset({"classes"}), least=1, classes="data"
    ),
    "duplicates": Measure(
        _duplicates,
        {"duplicates": -1, "nearest_train": 0, "repeated": -1},
        frozenset({"features", "copies"}),
        lambda n: {"ratio": round(duplicates.RATIO, 4)},
    ),
}
"""Every metric of `evaluate` by its name.

Example:
    >>> len(kg.metrics.METRICS), list(kg.metrics.METRICS["precision_recall"].values)
    (9, ['precision', 'recall'])
"""


@functools.cache
def directions() -> dict[str, int]:
    """+1 for each value of which more is better, -1 where less is, 0 where neither.

    Example:
        >>> kg.metrics.directions()["fid"], kg.metrics.directions()["precision"]
        (-1, 1)
    """
    return {name: better for measure in METRICS.values() for name, better in measure.values.items()}
