"""The promise of every export: the written file, run by its own runtime, gives Keras' images."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from kerasgan.errors import InputError, ParityError
from kerasgan.sampler import Sampler

BATCHES = (1, 2, 7)
TRUNCATIONS = (1.0, 0.6, 0.0)
_NUDGE = 1e-6  # relative; float32 rounds at 6e-8, once in every operation
_MORE_AT_ONCE = 32
_MOST = 0.05  # of the images' magnitude: beyond that a comparison would say nothing

Run = Callable[[np.ndarray, np.ndarray | None, float], tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One batch: what goes in, and what Keras gives.

    Args:
        latent: float32 (n, latent_dim).
        label: int32 (n,), or `None`.
        truncation: 0 to 1.
        image: float32 (n, *image_shape), Keras' own output.
        image_uint8: the same as uint8.
    """

    latent: np.ndarray
    label: np.ndarray | None
    truncation: float
    image: np.ndarray
    image_uint8: np.ndarray


@dataclasses.dataclass(frozen=True)
class Reference:
    """What one backend gives.

    Args:
        name: whose images they are.
        cases: batches in and images out.
        noise: how far the images move when the latents move by a few roundings of float32.
    """

    name: str
    cases: Sequence[Case]
    noise: float


@dataclasses.dataclass(frozen=True)
class Parity:
    """What a comparison measured.

    Args:
        against: whose images were the reference.
        largest: largest absolute difference of `image`.
        allowed: bound of `largest`.
        largest_uint8: largest absolute difference of `image_uint8`; 1, unless `allowed` spans more.
        images: how many were compared.
    """

    against: str
    largest: float
    allowed: float
    largest_uint8: int
    images: int

    def __str__(self) -> str:
        return (
            f"against {self.against}, {self.images} images: largest difference {self.largest:.2g} "
            f"(allowed {self.allowed:.2g}), as uint8 {self.largest_uint8}"
        )


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """True float32: on NVIDIA GPUs products of matrices otherwise keep 10 bits of the mantissa (TF32)."""
    with contextlib.ExitStack() as stack:
        backend = keras.backend.backend()
        if backend == "tensorflow":
            import tensorflow as tf

            stack.callback(
                tf.config.experimental.enable_tensor_float_32_execution,
                tf.config.experimental.tensor_float_32_execution_enabled(),
            )
            tf.config.experimental.enable_tensor_float_32_execution(False)
        elif backend == "jax":
            import jax

            stack.enter_context(jax.default_matmul_precision("highest"))
        elif backend == "torch":
            import torch

            cudnn = torch.backends.cudnn
            stack.enter_context(cudnn.flags(cudnn.enabled, cudnn.benchmark, allow_tf32=False))
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
        yield


@full_precision()
def reference_of(sampler: Sampler, more: int = 0) -> Reference:
    """This process' images for random latents at every batch size and truncation, and every class at least once.

    Args:
        sampler: float32.
        more: images beside these, without truncation.

    Raises:
        InputError: the generator does not run on this backend, or its images are not finite or not the spec's.
    """
    classes = sampler.spec.num_classes
    plan = [(n, truncation) for n in BATCHES for truncation in TRUNCATIONS]
    missing = max(0, classes - sum(n for n, _ in plan))
    plan += [(BATCHES[-1], 1.0)] * math.ceil(missing / BATCHES[-1])
    plan += [(_MORE_AT_ONCE, 1.0)] * math.ceil(more / _MORE_AT_ONCE)
    mean = np.asarray(sampler.spec.mean_latent or np.zeros(sampler.spec.latent_dim), "float32")
    cases, start = [], 0
    for seed, (n, truncation) in enumerate(plan):
        latent = sampler.latents(n, seed)
        label = (np.arange(start, start + n) % classes).astype("int32") if classes else None
        image = _images(sampler.generator, mean + np.float32(truncation) * (latent - mean), label)
        if image.shape[1:] != sampler.spec.image_shape:
            raise InputError(f"The generator gives images {image.shape[1:]}, its spec says {sampler.spec.image_shape}.")
        cases.append(Case(latent, label, truncation, image, sampler.to_uint8(image)))
        start += n
    case = next(case for case in cases if case.truncation == 1.0 and len(case.latent) == BATCHES[-1])
    rng = np.random.default_rng(0)
    nudges = [(1.0 + _NUDGE * rng.choice([-1.0, 1.0], case.latent.shape)).astype("float32") for _ in range(3)]
    moved = [_images(sampler.generator, case.latent * nudge, case.label) for nudge in nudges]
    noise = max(float(np.abs(image - case.image).max()) for image in moved)
    return Reference(f"Keras on {keras.backend.backend()}", cases, noise)


def _images(generator: keras.Model, latent: np.ndarray, label: np.ndarray | None) -> np.ndarray:
    try:
        output = generator(latent if label is None else [latent, label], training=False)
    except Exception as error:
        raise InputError(
            f"The generator cannot be exported: it does not run on {keras.backend.backend()} ({error})."
        ) from error
    image = keras.ops.convert_to_numpy(output).astype("float32")
    if not np.isfinite(image).all():
        raise InputError("The generator cannot be exported: its images hold NaN or infinity.")
    return image


def tolerance(reference: Reference, value_range: tuple[float, float]) -> tuple[float, int]:
    """How far another runtime's `image` and `image_uint8` may be from the reference's.

    Two runtimes round differently, and a network may amplify that: self-attention with large logits moved images by
    0.02 where plain convolutions moved them by 1e-6. So what is allowed follows the noise measured on the network.
    """
    scale = max(1.0, *(float(np.abs(case.image).max()) for case in reference.cases))
    allowed = scale * 1e-4 + min(8 * reference.noise, scale * _MOST)
    return allowed, max(1, math.ceil(allowed * 255 / (value_range[1] - value_range[0])))


def check_contract(
    image: np.ndarray, image_uint8: np.ndarray, case: Case, name: str, value_range: tuple[float, float]
) -> None:
    """Raises `ParityError` unless both outputs have the case's shapes and types, are finite and show the same."""
    for output, got, expected in (("image", image, case.image), ("image_uint8", image_uint8, case.image_uint8)):
        if (got.shape, got.dtype) != (expected.shape, expected.dtype):
            raise ParityError(
                f"The export's {output!r} is {got.dtype} {got.shape} where {name} gives {expected.dtype} "
                f"{expected.shape}. The artifact was removed."
            )
    if not np.isfinite(image).all():  # which would lose every comparison, and so pass
        raise ParityError(
            f"The export's 'image' holds NaN or infinity where {name} does not. The artifact was removed."
        )
    low, high = value_range
    levels = np.clip((image - low) * (255.0 / (high - low)), 0.0, 255.0)
    if (apart := float(np.abs(levels - image_uint8).max())) > 1.0:
        raise ParityError(
            f"The export's 'image_uint8' is {apart:.0f} grey levels from its own 'image'. The artifact was removed."
        )


@full_precision()
def compare(run: Run, reference: Reference, value_range: tuple[float, float]) -> Parity:
    """Runs an artifact on every case.

    Args:
        run: the artifact, loaded by its own runtime.
        reference: what it must give.
        value_range: (low, high) of the images.

    Raises:
        ParityError: another shape or type than the contract's, or images that differ by more than float32 noise.
    """
    name, cases = reference.name, reference.cases
    allowed, allowed_uint8 = tolerance(reference, value_range)
    largest, largest_uint8 = 0.0, 0
    for case in cases:
        image, image_uint8 = run(case.latent, case.label, case.truncation)
        check_contract(image, image_uint8, case, name, value_range)
        largest = max(largest, float(np.abs(image - case.image).max()))
        largest_uint8 = max(largest_uint8, int(np.abs(image_uint8.astype(int) - case.image_uint8).max()))
    if largest > allowed or largest_uint8 > allowed_uint8:
        raise ParityError(
            f"The export's images differ from {name} by {largest:.2g} (allowed {allowed:.2g}), as uint8 by "
            f"{largest_uint8} (allowed {allowed_uint8}). The artifact was removed."
        )
    return Parity(name, largest, allowed, largest_uint8, sum(len(case.latent) for case in cases))
