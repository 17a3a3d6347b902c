"""Ways through a generator's latent space and classes: the frames of animations, as arrays of images.

Every function returns uint8 (frames, n, height, width, channels): n pictures that change together.
"""

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.sampler import Sampler
from kerasgan.spec import Labels, SampleSpec

__all__ = ["interpolate", "morph", "slerp", "truncations", "walk"]


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray | float) -> np.ndarray:
    """Spherical interpolation (White, 2016): Gaussian latents keep their typical length on the way.

    Args:
        a: float (..., latent_dim), where t is 0.
        b: the same, where t is 1.
        t: 0 to 1, of a shape that broadcasts to (..., 1).

    Returns:
        float32 of the broadcast shape.

    Example:
        >>> kg.walks.slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), t=0.5).round(4)
        array([0.7071, 0.7071], dtype=float32)
    """
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    cosine = np.sum(a * b, -1, keepdims=True) / np.maximum(
        np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True), 1e-12
    )
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    straight = np.sin(angle) < 1e-6
    sine = np.where(straight, 1.0, np.sin(angle))
    mixed = (np.sin((1.0 - t) * angle) * a + np.sin(t * angle) * b) / sine
    return np.where(straight, (1.0 - t) * a + t * b, mixed).astype("float32")


def _mixed(spec: SampleSpec, a, b, t):
    """Along the sphere for Gaussian latents; uniform ones fill a cube, whose inside is as likely as its corners."""
    return slerp(a, b, t) if spec.prior != "uniform" else ((1.0 - t) * a + t * b).astype("float32")


def interpolate(
    sampler: Sampler,
    seeds: tuple[int, int],
    n: int = 1,
    frames: int = 24,
    labels: Labels = None,
    truncation: float = 1.0,
) -> np.ndarray:
    """From the latents of one seed to those of another, both ends included.

    Example:
        >>> kg.walks.interpolate(sampler, (3, 7), n=4, frames=10).shape
        (10, 4, 28, 28, 1)
    """
    return _between(sampler, [sampler.latents(n, seed) for seed in seeds], frames, labels, truncation)


def walk(
    sampler: Sampler, stops: int = 6, n: int = 1, frames: int = 24, labels: Labels = None, seed: int = 0,
    truncation: float = 1.0,
) -> np.ndarray:  # fmt: skip
    """A round trip through `stops` random latents, `frames` for each leg; its end joins its beginning.

    Example:
        >>> kg.walks.walk(sampler, stops=3, n=4, frames=10, labels=7).shape
        (30, 4, 28, 28, 1)
    """
    if stops < 2:
        raise InputError(f"A walk needs at least 2 stops. Received: {stops}.")
    latents = sampler.latents(n * stops, seed).reshape(stops, n, -1)
    legs = [
        _between(sampler, [latents[i], latents[(i + 1) % stops]], frames + 1, labels, truncation)[:-1]
        for i in range(stops)
    ]
    return np.concatenate(legs)


def truncations(
    sampler: Sampler, values: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0), n: int = 8, labels: Labels = None,
    seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """The same latents under growing truncation: one frame for each of the values, 0 to 1.

    Example:
        >>> frames = kg.walks.truncations(sampler, values=(0.0, 1.0), n=8, labels=7)
        >>> [len(np.unique(pictures, axis=0)) for pictures in frames]
        [1, 8]
    """
    return np.stack([sampler.generate(n, labels, seed, truncation) for truncation in values])


def morph(
    sampler: Sampler, classes: tuple[int | str, int | str], n: int = 1, frames: int = 24, seed: int = 0,
    truncation: float = 1.0,
) -> np.ndarray:  # fmt: skip
    """From one class to another at fixed latents, by the embeddings of the class mixed in proportion.

    Raises:
        InputError: an unconditional generator, or one that does not look its classes up in embeddings.

    Example:
        >>> frames = kg.walks.morph(sampler, (3, 8), n=2, frames=5)
        >>> frames.shape
        (5, 2, 28, 28, 1)
        >>> path = kg.viz.save_animation(frames, "three_to_eight.gif", scale=2)
    """
    if not sampler.spec.class_names:
        raise InputError("This generator is unconditional: it has no classes to morph between.")
    first, last = (int(i) for i in np.concatenate([sampler.labels(c, 1) for c in classes]))
    between = Sampler(
        _with_mixed_classes(sampler.generator, first, last, frames),
        SampleSpec(**{**vars(sampler.spec), "class_names": tuple(map(str, range(sampler.spec.num_classes + frames)))}),
    )
    labels = np.repeat(sampler.spec.num_classes + np.arange(frames), n)
    latents = np.tile(sampler.truncated(sampler.latents(n, seed), truncation), (frames, 1))
    return _in_frames(between.images(latents, labels), frames)


def _with_mixed_classes(generator, first, last, count):
    """The generator with `count` more classes, whose embeddings lead from one class to another."""

    def longer(layer):
        config = layer.get_config()
        for size in ("input_dim", "num_classes"):
            if size in config:
                config[size] += count
        return type(layer).from_config(config)

    network = keras.models.clone_model(generator, clone_function=longer, recursive=True)
    t = np.linspace(0.0, 1.0, count, dtype="float32")[:, None]
    changed = False
    for old, new in zip(generator.weights, network.weights, strict=True):
        value = keras.ops.convert_to_numpy(old)
        if tuple(new.shape) != value.shape:
            value = np.concatenate([value, (1.0 - t) * value[first] + t * value[last]])
            changed = True
        new.assign(value)
    if not changed:
        raise InputError("This generator does not look its classes up in embeddings, so they cannot be mixed.")
    return network


def _between(sampler, ends, frames, labels, truncation):
    if frames < 2:
        raise InputError(f"frames must be at least 2. Received: {frames}.")
    n = len(ends[0])
    t = np.linspace(0.0, 1.0, frames)[:, None, None]
    latents = sampler.truncated(_mixed(sampler.spec, ends[0], ends[1], t).reshape(frames * n, -1), truncation)
    indices = sampler.labels(labels, n)
    return _in_frames(sampler.images(latents, None if indices is None else np.tile(indices, frames)), frames)


def _in_frames(images, frames):
    return images.reshape(frames, -1, *images.shape[1:])
