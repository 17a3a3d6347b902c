"""One export: prepare, write, load again, compare, describe, and only then put in place."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kerasgan.errors import InputError
from kerasgan.export import network, other_backends
from kerasgan.export.metadata import metadata
from kerasgan.export.parity import Parity, ParityError, Reference, Run, compare, reference_of
from kerasgan.export.readme import readme
from kerasgan.files import whole_file, whole_folder
from kerasgan.quiet import quiet
from kerasgan.sampler import Sampler, SampleSpec


@dataclasses.dataclass(frozen=True)
class Format:
    """What one format knows.

    Args:
        name: as people write it.
        suffix: of its one file; empty for a folder.
        marker: a file that every folder of this format holds: only such a folder is ever replaced.
        libraries: modules whose versions go into the metadata.
        write: (generator, spec, path, metadata); writes the artifact.
        load: (path, spec); the written artifact as a function, by its own runtime.
        program: (metadata, file name); the README's chapter on running it.
    """

    name: str
    suffix: str
    marker: str
    libraries: Sequence[str]
    write: Callable[[keras.Model, SampleSpec, Path, Mapping[str, Any]], None]
    load: Callable[[Path, SampleSpec], Run]
    program: Callable[[Mapping[str, Any], str], str]


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What an export leaves.

    Args:
        path: the file or folder.
        readme: the text that travels with it.
        parity: how closely it follows Keras; one entry for each backend it was compared with.
    """

    path: Path
    readme: Path
    parity: tuple[Parity, ...]


def export(
    format: Format,
    sampler: Sampler,
    path: str | Path,
    overwrite: bool = False,
    about: Mapping[str, str] | None = None,
    witness: Reference | None = None,
) -> Artifact:
    """Writes one artifact, whole and checked, or nothing.

    Args:
        format: which.
        sampler: what to export; its weights stay as they are.
        path: the target.
        overwrite: replace an existing artifact of the same format.
        about: see `metadata.metadata`.
        witness: another backend's images, to compare with besides TensorFlow's.

    Raises:
        InputError: what the user can mend: the target, the weights, a layer that cannot travel, a full disk.
        ParityError: the artifact does not give Keras' images.
    """
    path = Path(path)
    _check_target(format, path, overwrite)
    if keras.backend.backend() != "tensorflow":
        figures = other_backends.export(format, sampler, path, overwrite, about)
        return Artifact(path, readme_path(format, path), figures)
    with quiet():
        exact = network.in_float32(sampler)
        references = [reference_of(exact), *([witness] if witness else [])]
        values = metadata(sampler, about, format.libraries)
        with _target(format, path) as (part, text):
            format.write(network.with_resizes(exact.generator), sampler.spec, part, values)
            figures = _checked(format, part, sampler.spec, references)
            text.write_text(readme(format.name, format.program(values, path.name), values, figures), encoding="utf-8")
    return Artifact(path, readme_path(format, path), figures)


def _checked(format: Format, part: Path, spec: SampleSpec, references: Sequence[Reference]) -> tuple[Parity, ...]:
    try:
        run = format.load(part, spec)
        return tuple(compare(run, reference, spec.value_range) for reference in references)
    except ParityError:
        raise
    except Exception as error:
        raise ParityError(
            f"The written {format.name} was removed, because its own runtime does not run it ({error})."
        ) from error


def readme_path(format: Format, path: Path) -> Path:
    """Beside a file `generator.onnx` its own `generator.onnx.md`, in a folder `README.md`."""
    return path.with_name(f"{path.name}.md") if format.suffix else path / "README.md"


def _check_target(format: Format, path: Path, overwrite: bool) -> None:
    if format.suffix and path.suffix != format.suffix:
        raise InputError(f"A {format.name} export is a file that ends in {format.suffix}. Received: {str(path)!r}.")
    for existing in (path, readme_path(format, path)):
        if existing.exists() and not overwrite:
            raise InputError(f"{str(existing)!r} exists and is kept. Choose another path, or overwrite it on purpose.")
    if path.exists() and not (path / format.marker if format.marker else path).is_file():
        raise InputError(f"{str(path)!r} is no {format.name}, so it is not replaced.")


@contextlib.contextmanager
def _target(format: Format, path: Path) -> Iterator[tuple[Path, Path]]:
    """Temporary paths of the artifact and of its README, both put in place only when all went well."""
    try:
        if format.suffix:
            with whole_file(path) as part, whole_file(readme_path(format, path)) as text:
                yield part, text
        else:
            with whole_folder(path) as part:
                yield part, part / "README.md"
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
