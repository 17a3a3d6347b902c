"""Evaluator: one protocol, any number of generators."""

import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasgan.data.images import Images
from kerasgan.errors import InputError, unknown_name
from kerasgan.metrics import extractors, parts
from kerasgan.metrics.measures import METRICS, Case
from kerasgan.metrics.observation import LOOKED, Observation, observe
from kerasgan.metrics.protocol import Protocol, Result, libraries
from kerasgan.sampler import Sampler

N = 10_000
DEFAULT = ("fid", "kid", "precision_recall")


class Evaluator:
    """Scores generators against the same real images; those are looked at once, by the first `score`.

    Real images come from the training part of the data: n of them, chosen by the seed. The floor is the score of n
    other real images, from the test part as far as it reaches and else from the rest of the training part. Where the
    data are too few for both, n becomes half of them, with a warning and a note in the protocol.

    Args:
        data: a name, folder or file for `kerasgan.data.open`, `Images`, or uint8 (n, height, width, channels).
        metrics: names in `kerasgan.metrics.METRICS`.
        n: number of real and of generated images.
        seed: of the choice of real images, the latents and the labels.
        extractor: see `kerasgan.metrics.extractors.get`; by default the classifier called like the data, else
            "inception_v3", or none where the metrics ask none, as "cas" alone.
        layer: of the extractor, whose output is the features.
        held_out: real images to take the floor on, where `data` has no test part of its own.
        floor: also score real images against real ones.
        image_shape: (height, width, channels) to open named data at: the generator's.
        data_options: to open them with, see `kerasgan.data.open`, for instance `{"on_corrupt": "skip"}`.
        progress: show a progress bar where the output is a terminal.

    Raises:
        InputError: an unknown metric, n too small for one, data without the labels one needs, an extractor that does
            not fit.

    Example:
        >>> evaluator = kg.metrics.Evaluator("digits", ("fid",), n=200, floor=False)
        >>> evaluator.score(sampler)["fid"] < evaluator.score(gan.sampler())["fid"]
        True
    """

    def __init__(
        self,
        data: Any,
        metrics: Sequence[str] = DEFAULT,
        *,
        n: int = N,
        seed: int = 0,
        extractor: Any = None,
        layer: str | None = None,
        held_out: Images | None = None,
        floor: bool = True,
        image_shape: Sequence[int] | None = None,
        data_options: Mapping[str, Any] | None = None,
        progress: bool = True,
    ):
        self.metrics = _names(metrics)
        _check_numbers(n, seed)
        self.seed, self.progress = int(seed), progress
        self.train, test = parts.open_parts(data, held_out, image_shape, data_options or {})
        hold_out = floor or "cas" in self.metrics
        self.picked, self.held_out = parts.choose(self.train, test, n, self.seed, hold_out)
        self.n_requested, self.n = int(n), len(self.picked)
        self._needs = frozenset().union(*(METRICS[name].needs for name in self.metrics))
        self.extractor = extractors.get(
            extractor,
            layer,
            data_name=self.train.name,
            channels=self.train.image_shape[-1],
            needed=bool(self._needs & LOOKED),
        )
        self._floor_wanted = floor
        self.notes: list[str] = []
        self._check_metrics()
        if self.n < n:
            halves = " for a reference and as many others" if hold_out else ""
            self.note(f"n is {self.n} instead of the {n} asked for: {self.train.name!r} has no more images{halves}")

    def score(self, source: Any, subject: str | None = None) -> Result:
        """The scores of a generator, or of images somebody else's generator made.

        Args:
            source: a `Sampler`; or `Images`, with labels where a metric asks for them; or uint8 (m, height, width,
                channels), m at least n.
            subject: what the result calls it.

        Raises:
            InputError: images that do not fit the data, too few of them, no labels where a metric needs them, or a
                generator that gives NaN.
        """
        chunks = parts.generated(source, self.train, self.n, self.seed)
        self._check_labels(source)
        reference = self.reference
        floor = dict(self.floor)
        seen = self._observe(chunks, "Generated images")
        notes = [*self.notes, *self._constant(seen, "generated")]
        protocol = self._protocol(source, notes)
        return Result(self._values(seen, reference, is_floor=False), floor, protocol, subject or parts.subject(source))

    @functools.cached_property
    def reference(self) -> Observation:
        """What the real images look like."""
        seen = self._observe(self.picked.chunks(), "Real images")
        self.notes += self._constant(seen, "real")
        d = len(seen.gaussian.mean) if "moments" in self._needs else 0
        if "fid" in self.metrics and self.n <= d:
            self.note(
                f"fid is biased upwards: a covariance of {d} features from {self.n} images has rank {self.n - 1}. "
                f"Compare it only with others of n={self.n}, or give n above {d}"
            )
        return seen

    @functools.cached_property
    def floor(self) -> dict[str, float]:
        """The scores of other real images; empty where they were not asked for."""
        if not self._floor_wanted or self.held_out is None:
            return {}
        seen = self._observe(self.held_out.chunks(), "Other real images")
        return self._values(seen, self.reference, is_floor=True)

    @functools.cached_property
    def _memory(self) -> Observation | None:
        if "duplicates" not in self.metrics:
            return None
        everything = parts.Pick((("train", self.train, np.arange(len(self.train))),))
        return observe(
            everything.chunks(),
            len(everything),
            self.extractor,
            METRICS["duplicates"].needs,
            "Training images",
            self.progress,
        )

    def _observe(self, chunks, title: str) -> Observation:
        return observe(chunks, self.n, self.extractor, self._needs, title, self.progress)

    def _values(self, seen: Observation, reference: Observation, is_floor: bool) -> dict[str, float]:
        values: dict[str, float] = {}
        for name in self.metrics:
            case = Case(
                reference=reference,
                seen=seen,
                floor=is_floor,
                train=self.train,
                held_out=self.held_out,
                memory=self._memory,
                settings=METRICS[name].settings(self.n),
                seed=self.seed,
            )
            values |= METRICS[name].compute(case)
        return values

    def _check_metrics(self) -> None:
        theirs = self.extractor.num_classes(self.train.image_shape[-1])
        for name in self.metrics:
            measure = METRICS[name]
            if self.n < measure.least:
                raise InputError(f"{name!r} needs at least {measure.least} images. Received: n={self.n}.")
            if (measure.labels or measure.classes == "data") and self.train.y is None:
                raise InputError(f"{name!r} needs labelled data. {self.train.name!r} has no labels.")
            if measure.classes and not theirs:
                raise InputError(
                    f"{name!r} needs an extractor with classes. {self.extractor.name!r} has none: give layer=..., the "
                    "layer of the features, so that its output counts as classes."
                )
            if measure.classes == "data" and theirs != self.train.num_classes:
                raise InputError(
                    f"{name!r} needs a classifier of the data's {self.train.num_classes} classes. "
                    f"{self.extractor.name!r} has {theirs}."
                )

    def _check_labels(self, source: Any) -> None:
        classes = source.spec.classes if isinstance(source, Sampler) else getattr(source, "y", None) is not None
        wanting = [name for name in self.metrics if METRICS[name].labels]
        if wanting and not classes:
            raise InputError(
                f"{wanting[0]!r} needs to know which class each image was asked to show. Received a generator, or "
                "images, without classes of the data: leave it out, or give Images with labels."
            )

    def _constant(self, seen: Observation, kind: str) -> list[str]:
        if not seen.constant or self.n < 2:
            return []
        text = (
            f"all {self.n} {kind} images are equal: their covariance is zero and their neighbours lie at distance "
            "zero, so distances, precision and recall say nothing but that"
        )
        warnings.warn(text, stacklevel=3)
        return [text]

    def note(self, text: str) -> None:
        """Warns, and adds the text to the protocol of every result."""
        self.notes.append(text)
        warnings.warn(text, stacklevel=3)

    def _protocol(self, source: Any, notes: Sequence[str]) -> Protocol:
        extractor, image_shape = self.extractor, self.train.image_shape
        labels = "none"
        if isinstance(source, Sampler):
            if source.spec.class_names:
                known = source.spec.classes and self.train.y is not None
                labels = "drawn by their frequency in the data" if known else "drawn evenly"
        elif getattr(source, "y", None) is not None:
            labels = "given with the images"
        return Protocol(
            data=self.train.name,
            data_fingerprint=self.train.fingerprint,
            image_shape=image_shape,
            split=str(self.picked),
            held_out=None if self.held_out is None else str(self.held_out),
            held_out_fingerprint=None if self.held_out is None else self.held_out.test_fingerprint,
            n_requested=self.n_requested,
            n_real=self.n,
            n_fake=self.n,
            extractor=extractor.name,
            extractor_sha256=extractor.sha256,
            extractor_file_sha256=extractor.file_sha256,
            layer=extractor.layer or "output",
            resize=extractor.resize(image_shape),
            value_range=extractor.value_range,
            seed=self.seed,
            labels=labels,
            settings={name: METRICS[name].settings(self.n) for name in self.metrics},
            libraries=libraries(),
            notes=tuple(notes),
        )


def evaluate(
    sampler: Any,
    data: Any = None,
    metrics: Sequence[str] = DEFAULT,
    *,
    n: int = N,
    seed: int = 0,
    subject: str | None = None,
    **options: Any,
) -> Result:
    """Scores a generator against real images.

    Args:
        sampler: a `Sampler`, or images: see `Evaluator.score`.
        data: see `Evaluator`; `None` takes the data set of the Sampler's recipe.
        metrics: names in `kerasgan.metrics.METRICS`.
        n: number of real and of generated images; of given images, at most as many as there are.
        seed: the same seed gives the same scores.
        subject: what the result calls it.
        **options: further arguments of `Evaluator`, for instance `extractor`, `held_out`, `floor`, `data_options`.

    Returns:
        Scores, floor and protocol.

    Raises:
        InputError: see `Evaluator` and `Evaluator.score`.

    Example:
        >>> result = kg.metrics.evaluate(sampler, "digits", ("fid", "class_agreement"), n=500)
        >>> round(result["class_agreement"], 1)
        1.0
    """
    if isinstance(sampler, Sampler):
        data = data if data is not None else sampler.recipe.get("dataset")
    if data is None:
        raise InputError("There is nothing to score against. Give data, for instance data='mnist'.")
    options.setdefault("image_shape", parts.image_shape(sampler))
    count = n if isinstance(sampler, Sampler) else min(n, len(sampler))
    evaluator = Evaluator(data, metrics, n=count, seed=seed, **options)
    if count < n:
        evaluator.n_requested = n
        evaluator.note(f"n is {evaluator.n} instead of the {n} asked for: {count} generated images were given")
    return evaluator.score(sampler, subject)


def _names(metrics: Sequence[str]) -> tuple[str, ...]:
    given = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if not given:
        raise InputError(f"Expected at least one metric. Known: {', '.join(METRICS)}.")
    for name in given:
        if name not in METRICS:
            raise unknown_name("metric", name, METRICS)
    return tuple(dict.fromkeys(given))


def _check_numbers(n: int, seed: int) -> None:
    for name, number, least in (("n", n, 1), ("seed", seed, 0)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise InputError(f"{name} must be a whole number from {least} up. Received: {number!r}.")
