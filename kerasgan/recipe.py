"""Recipe: everything needed to train one zoo entry again, as plain values."""

import dataclasses
import json
import numbers
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from kerasgan.errors import InputError, unknown_name

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
Options = Mapping[str, Any]
_WHOLE = {
    "num_classes": 0,
    "latent_dim": 1,
    "batch_size": 1,
    "epochs": 1,
    "n_critic": 1,
    "gradient_accumulation": 1,
    "seed": 0,
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training, fully described by JSON-safe values; copied into every run and every exported artifact.

    Args:
        name: `<family>_<dataset>`, the entry's name in the zoo.
        family: the zoo module whose `generator` and `discriminator` build the networks.
        dataset: a name for `kerasgan.data.load`, or the path of the folder or `.npz` the run was given.
        image_shape: (height, width, channels).
        latent_dim: length of the latent vector z.
        num_classes: 0 for an unconditional GAN.
        prior: distribution of z, see `kerasgan.priors`.
        generator: keyword arguments of the family's `generator` beyond image shape, latent size and classes.
        discriminator: the same for `discriminator`.
        loss: name of the adversarial loss, see `kerasgan.losses`.
        label_smoothing: one-sided label smoothing; the real target becomes `1 - label_smoothing`.
        penalties: each `{"name": ..., **arguments}`, see `kerasgan.penalties`.
        augment: DiffAugment policy, for instance `"color,translation,cutout"`; empty for none.
        g_optimizer: `{"name": ..., **arguments}` of a Keras optimizer.
        d_optimizer: the same for the discriminator.
        decay: last part of the training, 0..1, over which both learning rates fall linearly to 0; 0 keeps them.
        batch_size: images per update of the discriminator.
        epochs: passes over the data.
        n_critic: discriminator updates per generator update.
        ema: decay of the generator's exponential moving average; 0 turns it off.
        share_fakes: one generator pass feeds both players; `None` lets the model decide.
        mismatched: share of real samples with wrong labels among what D learns to refuse; see `kerasgan.GAN`.
        weight_clip: bound of the discriminator's weights (WGAN); 0 for none.
        gradient_accumulation: number of micro-batches a batch is cut into.
        precision: Keras dtype policy of the networks, one of `PRECISIONS`.
        seed: of weights, data order and noise.

    Example:
        >>> recipe = kg.zoo.show("dcgan_digits")
        >>> recipe.differences(recipe.replace(loss="hinge", batch_size=128))
        ["loss: 'non_saturating' -> 'hinge'", 'batch_size: 32 -> 128']
        >>> kg.Recipe.from_dict(recipe.to_dict()) == recipe
        True
    """

    name: str
    family: str
    dataset: str
    image_shape: tuple[int, int, int]
    latent_dim: int = 64
    num_classes: int = 0
    prior: str = "normal"
    generator: Options = dataclasses.field(default_factory=dict)
    discriminator: Options = dataclasses.field(default_factory=dict)
    loss: str = "non_saturating"
    label_smoothing: float = 0.0
    penalties: tuple[Options, ...] = ()
    augment: str = ""
    g_optimizer: Options = dataclasses.field(
        default_factory=lambda: {"name": "adam", "learning_rate": 2e-4, "beta_1": 0.5}
    )
    d_optimizer: Options = dataclasses.field(
        default_factory=lambda: {"name": "adam", "learning_rate": 2e-4, "beta_1": 0.5}
    )
    decay: float = 0.0
    batch_size: int = 64
    epochs: int = 50
    n_critic: int = 1
    ema: float = 0.999
    share_fakes: bool | None = None
    mismatched: float = 0.0
    weight_clip: float = 0.0
    gradient_accumulation: int = 1
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        for field, convert, expected in (
            ("image_shape", _whole_numbers, "(height, width, channels)"),
            ("penalties", _dicts, 'a sequence of {"name": ..., **arguments}'),
        ):
            try:
                object.__setattr__(self, field, convert(getattr(self, field)))
            except (TypeError, ValueError) as error:
                raise InputError(f"{field} must be {expected}. Received: {getattr(self, field)!r}.") from error
        for field, least in _WHOLE.items():
            value = getattr(self, field)
            if not isinstance(value, numbers.Integral):
                raise InputError(f"{field} must be a whole number. Received: {value!r}.")
            if value < least:
                raise InputError(f"{field} must be at least {least}. Received: {value}.")
            object.__setattr__(self, field, int(value))  # NumPy's cannot be written as JSON
        if not 0 <= self.decay <= 1:
            raise InputError(f"decay must be a part of the training, 0 to 1. Received: {self.decay}.")
        if not 0 <= self.mismatched < 1 or (self.mismatched and self.num_classes < 2):
            raise InputError(
                "mismatched must be at least 0 and below 1, and needs two classes or more. "
                f"Received: {self.mismatched}, for {self.num_classes} classes."
            )
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)

    @property
    def finds_codes(self) -> bool:
        """Whether labels are codes that the training finds for itself, of which the data's classes say nothing."""
        return self.family == "infogan"

    def replace(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def for_images(self, image_shape: Sequence[int], num_classes: int) -> "Recipe":
        """A copy for images of another shape or of other classes; fewer than two have no wrong labels to be shown."""
        changed = self.replace(image_shape=image_shape, num_classes=num_classes, mismatched=0.0)
        return changed.replace(mismatched=self.mismatched) if changed.num_classes > 1 else changed

    def to_dict(self) -> dict[str, Any]:
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        fields = {f.name for f in dataclasses.fields(cls)}
        extra = sorted(set(values) - fields)
        if extra:
            raise InputError(f"A recipe has no {', '.join(extra)}. Its fields are: {', '.join(sorted(fields))}.")
        return cls(**values)

    def differences(self, other: "Recipe") -> list[str]:
        """One line per field that differs: `batch_size: 64 -> 32`."""
        mine, theirs = self.to_dict(), other.to_dict()
        return [f"{key}: {mine[key]!r} -> {theirs[key]!r}" for key in mine if mine[key] != theirs[key]]


def without_place(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe for others to read: a folder or file is "./its name", for where it lies is nobody's business."""
    dataset = str(recipe.get("dataset", ""))
    if PurePosixPath(dataset).is_absolute() or PureWindowsPath(dataset).is_absolute():
        return {**recipe, "dataset": f"./{PureWindowsPath(dataset).name}"}
    return dict(recipe)


def _whole_numbers(shape) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in shape)
    if len(sizes) != 3 or min(sizes) < 1 or isinstance(shape, str):
        raise ValueError("no image shape")
    return sizes


def _dicts(penalties) -> tuple[dict[str, Any], ...]:
    return tuple(dict(p) for p in penalties)
