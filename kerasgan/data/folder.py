"""from_directory: a folder of pictures as Images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kerasgan.data.images import Images, check_fit, check_on_corrupt
from kerasgan.data.store import MEMORY_LIMIT
from kerasgan.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def from_directory(
    path: str | Path,
    *,
    image_shape: Sequence[int] | None = None,
    fit: str = "crop",
    on_corrupt: str = "raise",
    memory_limit: int = MEMORY_LIMIT,
) -> Images:
    """Pictures in a folder; sub-folders are classes.

    PNG, JPEG, WebP, BMP and the first frame of a GIF; grey of 8 or 16 bits, RGB, RGBA, palette or CMYK. They are turned
    as their EXIF orientation says. A transparent picture that has to lose its alpha channel is laid on white.

    Two or more sub-folders with pictures, at any depth in them, give the labels; their sorted names are the class
    names. A flat folder, or one with a single such sub-folder, gives no labels. Hidden files and folders are ignored.

    Args:
        path: the folder.
        image_shape: (height, width, channels), or (height, width) alone. `None` keeps the size when all pictures have
            the same, no side is longer than 64 and both are multiples of 4. Otherwise pictures become square: the
            shortest side of all, rounded down to a multiple of 16, at least 16 and at most 64. Channels, if not given,
            are 4 if any picture has transparency, 1 if all are grey, else 3.
        fit: "crop" scales a picture until it covers the shape and cuts off both ends of the longer side; "pad" scales
            it until it fits in and fills the rest with black (transparent in RGBA); "stretch" changes its proportions.
        on_corrupt: "raise" names the first damaged picture; "skip" leaves such pictures out, with a warning that names
            them.
        memory_limit: bytes; a larger set is decoded once into a file of the cache (`$KERASGAN_CACHE`, else the user's
            cache folder), used again by later calls, and read batch by batch.

    Raises:
        InputError: no folder, no pictures in it, pictures beside class folders, or a damaged one.
        OSError: no room for the decoded file.

    Example:
        >>> pictures = kg.data.from_directory("pictures", image_shape=(32, 32, 3))
        >>> pictures
        Images('pictures': 16 of 32 x 32 x 3 uint8, 2 classes)
        >>> pictures.class_names
        ('sevens', 'threes')
    """
    check_fit(fit)
    check_on_corrupt(on_corrupt)
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"No folder {str(path)!r}.")
    classes = _classes(folder)
    files = [file for pictures in classes.values() for file in pictures]
    from kerasgan.data.decoding import decode_all

    x, kept = decode_all(
        files,
        [str(file) for file in files],
        image_shape=image_shape,
        fit=fit,
        skip_corrupt=on_corrupt == "skip",
        memory_limit=memory_limit,
        key=_state(folder, files),
    )
    name = folder.resolve().name
    if len(classes) == 1:
        return Images(x, name=name)
    labels = np.repeat(np.arange(len(classes)), [len(pictures) for pictures in classes.values()])
    return Images(x, labels[kept], list(classes), name)


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Sorted files per class, classes sorted by name; a flat folder is one class."""
    flat = sorted(file for file in folder.iterdir() if _is_picture(file))
    classes = {
        child.name: pictures
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".") and (pictures := sorted(_below(child)))
    }
    if flat and classes:
        raise InputError(
            f"{str(folder)!r} holds {len(flat)} picture(s) beside class folders, the first is {flat[0].name!r}; the "
            f"class folders are {', '.join(classes)}. Move the pictures into a class folder, or the folders away."
        )
    if not flat and not classes:
        raise InputError(f"No pictures in {str(folder)!r}. Looked for {', '.join(SUFFIXES)}, also in its sub-folders.")
    return classes or {folder.name: flat}


def _below(folder: Path) -> Iterator[Path]:
    for child in folder.iterdir():
        if _is_picture(child):
            yield child
        elif child.is_dir() and not child.name.startswith("."):
            yield from _below(child)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _state(folder: Path, files: Sequence[Path]) -> tuple[object, ...]:
    """What tells a changed folder from the one that was decoded before."""
    stats = [(str(file.relative_to(folder)), file.stat()) for file in files]
    return str(folder.resolve()), [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
