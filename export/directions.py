"""The latent's main directions: along which its images change most."""

import numpy as np

from kerasgan import priors
from kerasgan.export.parity import Run
from kerasgan.sampler import SampleSpec

_STD = {"normal": 1.0, "uniform": 3.0**-0.5, "truncated_normal": 0.8796256610342398}
_STEP = 0.5  # standard deviations: far enough to see a change of the picture, not of rounding
_IMAGES = 2048  # that a generator is asked for, more where its latent is long
_BATCH = 64


def main_directions(run: Run, spec: SampleSpec, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors of the mean squared change of the image, by finite differences around latents of the prior.

    Any generator will do, whatever its layers (Wang & Ponce, 2021, https://arxiv.org/abs/2101.06006).

    Args:
        run: the generator.
        spec: its latents and classes.
        count: of directions; no more than the latent is long.

    Returns:
        float32 (count, latent_dim), each one standard deviation of the prior long and orthogonal to the others, the
        strongest first, its largest value positive; and float64 (count,), each one's part of the whole change.
    """
    size, std = spec.latent_dim, _STD[spec.prior]
    bases = priors.sample(spec.prior, min(32, max(4, _IMAGES // size)), size, 0)
    steps = np.float32(_STEP * std) * np.eye(size, dtype="float32")
    change = np.zeros((size, size))
    for k, base in enumerate(bases):
        label = k % spec.num_classes if spec.class_names else None
        moved = _flat_images(run, base + steps, label) - _flat_images(run, base[None], label)
        change += moved @ moved.T
    values, vectors = np.linalg.eigh(change)
    vectors, values = vectors[:, ::-1].T[:count], np.maximum(values[::-1], 0.0)
    vectors = vectors * np.sign(vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)])[:, None]
    return (std * vectors).astype("float32"), values[: len(vectors)] / max(values.sum(), np.finfo("float64").tiny)


def _flat_images(run: Run, latent: np.ndarray, label: int | None) -> np.ndarray:
    parts = []
    for start in range(0, len(latent), _BATCH):
        part = latent[start : start + _BATCH]
        labels = None if label is None else np.full(len(part), label, "int32")
        parts.append(run(part, labels, 1.0)[0].reshape(len(part), -1))
    return np.concatenate(parts).astype("float64")
