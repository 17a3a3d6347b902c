"""Protocol and Result: a score never travels without how it was taken."""

import dataclasses
import json
import math
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError
from kerasgan.files import whole_file

FORMAT = 1
LIBRARIES = ("kerasgan", "keras", "tensorflow", "jax", "torch", "numpy", "scipy", "scikit-learn", "pillow")
EXTRACTOR = ("extractor_sha256", "layer", "resize", "value_range")
NOT_COMPARED = ("n_requested", "held_out", "labels", "extractor", "extractor_file_sha256", "libraries", "notes")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How scores were taken. Those of different protocols say nothing about each other.

    Args:
        data: name of the data.
        data_fingerprint: `Images.fingerprint` of their training part.
        image_shape: (height, width, channels) of real and generated images.
        split: what the reference is.
        held_out: what the floor, and the classifier accuracy score, is taken on; `None` without either.
        n_requested: images asked for.
        n_real: images of the reference.
        n_fake: generated images.
        extractor: name of the network; "none" where no metric asks one.
        extractor_sha256: of its weights, see `Extractor`; empty without one.
        extractor_file_sha256: of the file it came from.
        layer: whose output is the features.
        resize: how images are made to fit the network.
        value_range: (low, high) of its input.
        seed: of the choice of images, latents and labels.
        labels: where the labels of the generated images come from.
        settings: each metric's own, by its name.
        libraries: name and version; also the backend and Python. Not compared: they move scores by rounding errors.
        notes: what a reader must know, for instance that n is smaller than asked for.
        held_out_fingerprint: `Images.fingerprint` of the test part, if there is one; `None` also in older results.

    Example:
        >>> protocol = kg.metrics.evaluate(sampler, "digits", ("fid",), n=100, floor=False).protocol
        >>> protocol.differences(dataclasses.replace(protocol, n_fake=10_000))
        ['n_fake: 100 -> 10000']
    """

    data: str
    data_fingerprint: str
    image_shape: tuple[int, ...]
    split: str
    held_out: str | None
    n_requested: int
    n_real: int
    n_fake: int
    extractor: str
    extractor_sha256: str
    extractor_file_sha256: str | None
    layer: str
    resize: str
    value_range: tuple[float, float]
    seed: int
    labels: str
    settings: dict[str, dict[str, Any]]
    libraries: dict[str, str]
    notes: tuple[str, ...] = ()
    held_out_fingerprint: str | None = None

    def differences(self, other: "Protocol") -> list[str]:
        """One line for each field that keeps scores from being compared: `n_fake: 1000 -> 10000`."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        both = set(self.settings) & set(other.settings)
        for fields in (mine, theirs):
            fields["settings"] = {name: fields["settings"][name] for name in sorted(both)}
        # The classifier accuracy score is taken on these pictures; other scores have nothing to do with them.
        tested = mine["held_out_fingerprint"], theirs["held_out_fingerprint"]
        if "cas" not in both or None in tested:
            mine["held_out_fingerprint"] = theirs["held_out_fingerprint"] = None
        # Without an extractor on one side, no score that both have asked one.
        ignored = NOT_COMPARED if self.extractor_sha256 and other.extractor_sha256 else (*NOT_COMPARED, *EXTRACTOR)
        return [
            f"{name}: {mine[name]!r} -> {theirs[name]!r}"
            for name in mine
            if name not in ignored and mine[name] != theirs[name]
        ]


@dataclasses.dataclass(frozen=True)
class Result:
    """Scores with their protocol.

    Args:
        values: score by name; see `kerasgan.metrics.METRICS` for the names each metric gives.
        floor: the same of real images against real ones, the protocol's `held_out`: what a perfect generator would get,
            but where some of these are of the training part, which the generator and a classifier of the data know.
            Empty if not asked for.
        protocol: how they were taken.
        subject: what was scored.

    Example:
        >>> result = kg.metrics.evaluate(sampler, "digits", ("fid",), n=200, floor=False)
        >>> path = result.save("scores.json")
        >>> kg.metrics.Result.load("scores.json").compare(result)
        {'fid': 1.0}
    """

    values: dict[str, float]
    floor: dict[str, float]
    protocol: Protocol
    subject: str = ""

    def __getitem__(self, name: str) -> float:
        if name not in self.values:
            raise InputError(f"There is no {name!r} here. Known: {', '.join(self.values)}.")
        return self.values[name]

    def compare(self, other: "Result") -> dict[str, float]:
        """Ratio of each score that both have: mine by theirs; NaN where a ratio has no meaning (KID below 0).

        Raises:
            InputError: the protocols differ, with the fields that do, or no score in common.
        """
        differences = self.protocol.differences(other.protocol)
        if differences:
            raise InputError(
                f"These scores were taken by different protocols and cannot be compared: {'; '.join(differences)}."
            )
        both = [name for name in self.values if name in other.values]
        if not both:
            raise InputError(f"No score in common: {', '.join(self.values)}, and {', '.join(other.values)}.")
        return {name: _ratio(self.values[name], other.values[name]) for name in both}

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Result":
        try:
            fields = dict(content["protocol"])
            for name in ("image_shape", "value_range", "notes"):
                fields[name] = tuple(fields[name])
            return cls(content["values"], content["floor"], Protocol(**fields), content["subject"])
        except (KeyError, TypeError) as error:
            raise InputError(f"These are no scores written by Result.save ({error}).") from error

    def save(self, path: str | Path) -> Path:
        """Writes everything as JSON."""
        path = Path(path)
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        with whole_file(path) as temporary:
            temporary.write_text(text)
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Result":
        """Reads what `save` wrote.

        Raises:
            InputError: no such file, or another kind of file.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"No file {str(path)!r}. Expected scores written by Result.save.")
        try:
            return cls.from_dict(json.loads(path.read_text()))
        except (ValueError, InputError) as error:
            raise InputError(f"{str(path)!r} is damaged or holds no scores ({error}).") from error

    def __str__(self) -> str:
        rows = [("", "score", "real" if self.floor else "")]
        for name, value in self.values.items():
            rows.append((name, f"{value:.6g}", f"{self.floor[name]:.6g}" if name in self.floor else ""))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        table = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
        lines = [f"Scores of {self.subject}", *table, "", "Protocol"]
        for name, value in dataclasses.asdict(self.protocol).items():
            if name in ("notes", "held_out_fingerprint"):  # below; and for `compare` alone
                continue
            lines += _described(name, value)
        return "\n".join([*lines, *(f"Note: {note}" for note in self.protocol.notes)])


def libraries() -> dict[str, str]:
    """Versions of what takes part in a score, the backend and Python among them."""
    import keras

    found = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _described(name: str, value: Any) -> list[str]:
    if name == "settings":
        return [f"  {name:<22}{metric}: {_joined(options)}" for metric, options in value.items() if options]
    if isinstance(value, dict):
        return [f"  {name:<22}{_joined(value)}"]
    if isinstance(value, tuple):
        value = ", ".join(f"{number:g}" for number in value)
    return [f"  {name:<22}{'-' if value is None else value}"]


def _joined(options: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _ratio(mine: float, theirs: float) -> float:
    if mine == theirs:
        return 1.0
    if mine < 0 or theirs < 0:
        return math.nan
    return mine / theirs if theirs else math.inf
