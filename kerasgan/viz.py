"""Pictures of samples: grids as PNG, a training as an animated GIF. Pillow is imported when used."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kerasgan.errors import InputError
from kerasgan.files import whole_file

__all__ = ["grid", "save_animation", "save_gif", "save_grid", "to_pillow"]

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def grid(images: np.ndarray, columns: int | None = None, gap: int = 1) -> np.ndarray:
    """Lays images out in rows.

    Args:
        images: uint8 (n, height, width, channels).
        columns: images in a row; `None` makes the grid as square as it can be.
        gap: white pixels between images.

    Returns:
        uint8 (grid height, grid width, channels).

    Example:
        >>> kg.viz.grid(x[:16], gap=2).shape  # four rows of four
        (118, 118, 1)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise InputError(
            f"Expected images uint8 (n, height, width, channels), n > 0. Received {images.dtype} {images.shape}."
        )
    n, height, width, channels = images.shape
    if columns is not None and columns < 1:
        raise InputError(f"A grid has at least 1 column. Received: {columns}.")
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, "uint8")
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _drawable(images: np.ndarray) -> np.ndarray:
    """Images as they are, or their channels beside each other in grey, where these are not 1, 3 or 4."""
    if images.ndim != 4 or images.shape[3] in MODES:
        return images
    n, height, width, channels = images.shape
    return images.transpose(0, 1, 3, 2).reshape(n, height, channels * width, 1)


def to_pillow(image: np.ndarray, scale: int = 1):
    """A `PIL.Image.Image` of one uint8 (height, width, 1, 3 or 4) image, each pixel drawn `scale` times as large.

    Example:
        >>> kg.viz.to_pillow(x[0], scale=4).size
        (112, 112)
    """
    from PIL import Image

    if image.shape[-1] not in MODES:
        raise InputError(f"A picture has 1, 3 or 4 channels. Received {image.shape[-1]}.")
    if scale < 1:
        raise InputError(f"scale must be at least 1. Received: {scale}.")
    pixels = np.kron(image, np.ones((scale, scale, 1), "uint8")) if scale > 1 else image
    return Image.fromarray(pixels[..., 0] if image.shape[-1] == 1 else pixels)


def save_grid(images: np.ndarray, path: str | Path, columns: int | None = None, scale: int = 1) -> Path:
    """Writes a grid of images as a picture; the suffix chooses the format.

    Images of neither 1, 3 nor 4 channels are drawn as their channels side by side, in grey.

    Example:
        >>> kg.viz.save_grid(sampler.generate(16, labels=7), "sevens.png", scale=2)
        PosixPath('sevens.png')
    """
    from PIL import Image

    path = Path(path)
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise InputError(f"A picture is written as .png, .jpg or another format Pillow knows. Received: {path.name!r}.")
    picture = to_pillow(grid(_drawable(np.asarray(images)), columns), scale)
    with whole_file(path) as temporary:
        picture.save(temporary)
    return path


def save_gif(frames: Iterable, path: str | Path, seconds_per_frame: float = 0.2, still: float = 1.5) -> Path:
    """Writes an endless animation.

    Args:
        frames: `PIL.Image.Image`s of one size, or paths of pictures.
        path: ends in `.gif`.
        seconds_per_frame: of all frames.
        still: seconds the last one stays in place of that, if more.

    Example:
        >>> frames = [kg.viz.to_pillow(image, scale=4) for image in x[:5]]
        >>> kg.viz.save_gif(frames, "five_digits.gif", seconds_per_frame=0.5)
        PosixPath('five_digits.gif')
    """
    from PIL import Image

    path = Path(path)
    pictures = []
    for frame in frames:
        with Image.open(frame) if isinstance(frame, str | Path) else frame as picture:
            pictures.append(picture.convert("RGB"))
    if not pictures:
        raise InputError("An animation needs at least one frame.")
    times = [round(1000 * seconds_per_frame)] * (len(pictures) - 1) + [round(1000 * max(seconds_per_frame, still))]
    with whole_file(path) as temporary:
        pictures[0].save(temporary, save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True)
    return path


def save_animation(
    frames: np.ndarray, path: str | Path, columns: int | None = None, scale: int = 1, fps: float = 12.0,
    endless: bool = False,
) -> Path:  # fmt: skip
    """Writes an animation, each frame a grid.

    Args:
        frames: uint8 (frames, n, height, width, channels), as the functions of `kerasgan.walks` give them.
        path: ends in `.gif`, or in `.mp4` (needs `pip install "kerasgan[video]"`).
        columns: images in a row of the grid.
        scale: each pixel is drawn this many times as large.
        fps: frames per second.
        endless: whether the end joins the beginning, so that a .gif does not rest there.

    Example:
        >>> frames = kg.walks.walk(sampler, stops=2, n=9, frames=6)
        >>> kg.viz.save_animation(frames, "walk.gif", columns=3, fps=6)
        PosixPath('walk.gif')
    """
    path = Path(path)
    pictures = [to_pillow(grid(_drawable(images), columns), scale).convert("RGB") for images in frames]
    if path.suffix.lower() == ".gif":
        return save_gif(pictures, path, 1.0 / fps, still=0.0 if endless else 1.5)
    if path.suffix.lower() != ".mp4":
        raise InputError(f"An animation is written as .gif or .mp4. Received: {path.name!r}.")
    try:
        import av  # noqa: F401
        import imageio.v3 as imageio
    except ImportError as error:
        raise InputError('Writing .mp4 needs more packages: pip install "kerasgan[video]". Or write a .gif.') from error
    # H.264 wants even sides.
    even = [np.pad(p, ((0, p.shape[0] % 2), (0, p.shape[1] % 2), (0, 0)), "edge") for p in map(np.asarray, pictures)]
    with whole_file(path) as temporary:
        imageio.imwrite(temporary, np.stack(even), plugin="pyav", codec="libx264", fps=fps, out_pixel_format="yuv420p")
    return path
