"""One picture: decoded, turned upright, converted and fitted with Pillow."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from kerasgan.data.images import ImageShape

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
RESAMPLING = Image.Resampling.BICUBIC  # Pillow widens the kernel when it shrinks: no aliasing
UPRIGHT = 1  # of EXIF's orientations; the others, and what puts them upright
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
Source = Path | bytes


class Header(NamedTuple):
    """What the first bytes of a picture tell."""

    height: int
    width: int
    channels: int


def read_header(source: Source) -> Header:
    """Size and natural number of channels (1 grey, 4 with transparency, else 3), without decoding."""
    with _open(source) as image:
        width, height = image.size
        if _orientation(image) >= 5:  # lies on its side
            width, height = height, width
        return Header(height, width, _natural_channels(image))


def choose_shape(headers: Iterable[Header]) -> ImageShape:
    """An image shape for pictures nobody gave one for; the rule is in `from_directory`."""
    headers = list(headers)
    channels = max(header.channels for header in headers)
    sizes = {(header.height, header.width) for header in headers}
    if len(sizes) == 1:
        height, width = sizes.pop()
        if max(height, width) <= 64 and height % 4 == width % 4 == 0:
            return height, width, channels
    smallest = min(min(header.height, header.width) for header in headers)
    side = min(64, max(16, smallest // 16 * 16))
    return side, side, channels


def decode(source: Source, image_shape: ImageShape, fit: str) -> np.ndarray:
    """A picture file, or its bytes, as uint8 of `image_shape`; the first frame of an animation.

    Raises:
        Exception: whatever Pillow raises for a damaged file, which is many kinds.
    """
    with _open(source) as image:
        # JPEG alone: a large photograph is decoded at 1/2, 1/4 or 1/8, still at least twice the size wanted.
        side = 2 * max(image_shape[:2])
        image.draft(None, (side, side))
        turn = TURNS.get(_orientation(image))
        return _fit(image.transpose(turn) if turn is not None else image, image_shape, fit)


def resize_array(array: np.ndarray, image_shape: ImageShape, fit: str) -> np.ndarray:
    """A uint8 picture (height, width, 1, 3 or 4) as uint8 of `image_shape`."""
    if array.shape == image_shape:
        return array
    return _fit(Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array), image_shape, fit)


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(0x0112)
    except Exception:  # a damaged EXIF block beside a sound picture: Pillow raises many kinds
        return UPRIGHT
    return found if found in TURNS else UPRIGHT


def _open(source: Source) -> Image.Image:
    # Only the formats of this list: Pillow knows others that start external programs.
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)


def _natural_channels(image: Image.Image) -> int:
    if image.has_transparency_data:
        return 4
    return 1 if image.mode in ("1", "L") or image.mode.startswith("I") else 3


def _fit(image: Image.Image, image_shape: ImageShape, fit: str) -> np.ndarray:
    height, width, channels = image_shape
    image = _with_channels(image, channels)
    size = (width, height)
    if image.size != size:
        if fit == "crop":
            image = ImageOps.fit(image, size, RESAMPLING)
        elif fit == "pad":
            image = ImageOps.pad(image, size, RESAMPLING)
        else:
            image = image.resize(size, RESAMPLING)
    return np.asarray(image, np.uint8).reshape(image_shape)


def _with_channels(image: Image.Image, channels: int) -> Image.Image:
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if channels == 4:
        return image.convert("RGBA")
    if image.has_transparency_data:
        # Dropping alpha alone would show the arbitrary colours under transparent pixels.
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey ("I;16", in older Pillow "I") to 8 bits; Pillow's own conversion cuts off at 255."""
    values = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
