"""judge: the same classifier on real, augmented and generated pictures, over seeds."""

import platform
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

from kerasgan.data.images import Images
from kerasgan.errors import InputError
from kerasgan.sampler import Sampler
from kerasgan.verdict import arms
from kerasgan.verdict.result import ARMS, RIVALS, Verdict, compare

EPOCHS = 10
STEPS = (600, 6000)
"""By default all arms have as many updates as `EPOCHS` passes over the largest one take, within these bounds."""

GENERATED_PER_REAL = 5
MOST_GENERATED = 20_000


def judge(
    sampler: Sampler,
    train: Images,
    test: Images,
    real_fraction: float = 0.01,
    *,
    seeds: int = 5,
    generated: int | None = None,
    steps: int | None = None,
    confidence: float = 0.95,
    retrain: bool = False,
    retrain_steps: int | None = None,
    first_seed: int = 0,
    report: Callable[[int, str, float], None] | None = None,
) -> Verdict:
    """Trains one classifier on four kinds of data, over several seeds, and compares.

    Each seed draws its real pictures once, every class in proportion, and its first weights once; all arms share them,
    make the same number of updates, and are tested on the same pictures.

    Args:
        sampler: a conditional generator.
        train: labelled pictures of the sampler's shape and classes, from which the real ones are drawn.
        test: the same for the accuracies; none of it may be in `train`.
        real_fraction: above 0, up to 1; the part of `train` that every seed draws.
        seeds: number of repetitions, at least 2.
        generated: number of generated pictures; `None` makes it `GENERATED_PER_REAL` for each real one, up to
            `MOST_GENERATED`. Their classes are in the proportions of the real ones.
        steps: updates of each training; `None` see `STEPS`.
        confidence: of the intervals.
        retrain: train the sampler's recipe anew on each seed's real pictures, and generate from that.
        retrain_steps: updates of each such training; `None` makes it as many as the recipe has on all of `train`.
        first_seed: the seeds are this one and those that follow.
        report: called with (seed, arm, accuracy) after each training.

    Raises:
        InputError: an unconditional sampler, other classes or shapes, a fraction that leaves a class without a picture,
            or `retrain` without a recipe.

    Example:
        >>> train, test = kg.data.load("digits"), kg.data.load("digits", split="test")
        >>> verdict = kg.verdict.judge(sampler, train, test, real_fraction=0.02, seeds=2, steps=2)
        >>> print(verdict.sentence)
        Not shown: ... Against real pictures alone: ...
    """
    _check(sampler, train, test, seeds, confidence, retrain)
    n_real = len(arms.draw(train, real_fraction, first_seed))
    generated = min(GENERATED_PER_REAL * n_real, MOST_GENERATED) if generated is None else generated
    for name, value in (("generated", generated), ("steps", steps), ("retrain_steps", retrain_steps)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1. Received: {value}.")
    if steps is None:
        steps = int(np.clip(EPOCHS * (n_real + generated) / arms.BATCH, *STEPS))
    correct: dict[str, list[np.ndarray]] = {arm: [] for arm in ARMS}
    for seed in range(first_seed, first_seed + seeds):
        chosen = arms.draw(train, real_fraction, seed)
        real = Images(np.asarray(train.x[chosen]), np.asarray(train.y)[chosen], train.class_names, train.name)
        drawn_from = arms.retrained(sampler, real, len(train), retrain_steps, seed) if retrain else sampler
        for arm, images, labels, augment in arms.kinds(drawn_from, real, generated, seed):
            right = arms.hits(images, labels, augment, test, steps, seed)
            correct[arm].append(right)
            if report:
                report(seed, arm, float(right.mean()))
    ours = np.stack(correct["real + generated"]).astype(float)
    comparisons = tuple(compare(rival, ours - np.stack(correct[rival]), confidence) for rival in RIVALS)
    accuracies = {arm: [float(hits.mean()) for hits in rows] for arm, rows in correct.items()}
    pictures = {"real": n_real, "real + classic": n_real, "real + generated": n_real + generated}
    protocol = {
        "real_fraction": real_fraction,
        "seeds": list(range(first_seed, first_seed + seeds)),
        "pictures": {**pictures, "generated": generated},
        "steps": steps,
        "batch_size": arms.BATCH,
        "classifier": f"kerasgan.metrics.classifiers.build, width {arms.WIDTH}",
        "classic": "kerasgan.metrics.classic.get('classic')",
        "retrained": retrain,
        "retrain_steps": arms.steps_of_retraining(sampler, len(train), retrain_steps) if retrain else None,
        "recipe": sampler.recipe,
        "train": {"name": train.name, "images": len(train), "fingerprint": train.fingerprint},
        "test": {"name": test.name, "images": len(test), "fingerprint": test.fingerprint},
        "interval": "paired over seeds and test pictures, two-sided t, Welch-Satterthwaite degrees of freedom",
        **_environment(),
    }
    return Verdict(accuracies, comparisons, protocol)


def _check(sampler, train, test, seeds, confidence, retrain):
    names = sampler.spec.class_names
    if not names:
        raise InputError("This generator is unconditional: its pictures have no labels to train a classifier with.")
    for images in (train, test):
        if set(images.class_names) != set(names):
            raise InputError(
                f"The data must have the generator's classes. Expected: {_listed(names)}. Received in "
                f"{images.name!r}: {_listed(images.class_names) or 'no labels'}."
            )
        if images.image_shape != tuple(sampler.spec.image_shape):
            raise InputError(
                f"The data must have the generator's image shape {sampler.spec.image_shape}. Received in "
                f"{images.name!r}: {images.image_shape}."
            )
    if train.class_names != test.class_names:
        raise InputError("The class names of train and test must be in the same order.")
    if train.fingerprint == test.fingerprint:
        raise InputError(f"Training and test pictures are the same, {train.name!r}. Give others as the test.")
    if len(test) < 2:
        raise InputError(f"At least 2 test pictures are needed. Received: {len(test)}.")
    if seeds < 2:
        raise InputError(f"An interval needs at least 2 seeds. Received: {seeds}.")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1. Received: {confidence}.")
    if retrain and not sampler.recipe:
        raise InputError("This sampler carries no recipe to train again. Give the run folder of `kerasgan train`.")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:12]) + (f", ... ({len(names)})" if len(names) > 12 else "")


def _environment() -> dict[str, Any]:
    import keras

    found = {d.metadata["Name"].lower(): d.version for d in metadata.distributions() if d.metadata["Name"]}
    names = ("kerasgan", "keras", "tensorflow", "jax", "torch", "numpy", "scipy")
    return {
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "libraries": {name: found[name] for name in names if name in found},
    }
