"""One export: prepare, write, load again, compare, describe, and only then put in place."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kerasgan.errors import InputError, unknown_name
from kerasgan.export import loss, network, other_backends, quantize
from kerasgan.export.loss import Loss
from kerasgan.export.metadata import checked_about, metadata
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
        dtypes: that its weights may have, of `quantize.DTYPES`; the metadata tell `write` which.
    """

    name: str
    suffix: str
    marker: str
    libraries: Sequence[str]
    write: Callable[[keras.Model, SampleSpec, Path, Mapping[str, Any]], None]
    load: Callable[[Path, SampleSpec], Run]
    program: Callable[[Mapping[str, Any], str], str]
    dtypes: Sequence[str] = ("float32",)


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What an export leaves.

    Args:
        path: the file or folder.
        readme: the text that travels with it.
        parity: how closely it follows Keras; one entry for each backend it was compared with. Empty unless float32.
        loss: what a smaller dtype loses, likewise; empty for float32.

    Example:
        >>> artifact = kg.export.to_onnx(gan.sampler(), "mine.onnx")
        >>> artifact.path.name, artifact.readme.name
        ('mine.onnx', 'mine.onnx.md')
    """

    path: Path
    readme: Path
    parity: tuple[Parity, ...] = ()
    loss: tuple[Loss, ...] = ()


def export(
    format: Format,
    sampler: Sampler,
    path: str | Path,
    overwrite: bool = False,
    about: Mapping[str, str] | None = None,
    witness: Reference | None = None,
    dtype: str = "float32",
) -> Artifact:
    """Writes one artifact, whole and checked, or nothing.

    Args:
        format: which.
        sampler: what to export; its weights stay as they are.
        path: the target.
        overwrite: replace an existing artifact of the same format.
        about: see `metadata.checked_about`.
        witness: another backend's images, to compare with besides TensorFlow's.
        dtype: of the weights in the artifact, one of `format.dtypes`.

    Raises:
        InputError: what the user can mend: the target, the dtype, the weights, a layer that cannot travel, a full disk.
        ParityError: the artifact does not give Keras' images.
    """
    path = Path(path)
    check(format, path, overwrite, dtype)
    about = checked_about(sampler, about)
    if keras.backend.backend() != "tensorflow":
        return other_backends.export(format, sampler, path, overwrite, about, dtype)
    with quiet():
        exact = network.in_float32(sampler)
        if dtype == "float16":
            quantize.check_half(exact.generator)
        references = [reference_for(exact, dtype), *([witness] if witness else [])]
        values = metadata(sampler, about, format.libraries, dtype)
        with _target(format, path) as (part, text):
            format.write(network.with_resizes(exact.generator), sampler.spec, part, values)
            figures = _checked(format, part, sampler.spec, references, dtype)
            text.write_text(readme(format.name, format.program(values, path.name), values, figures), encoding="utf-8")
    return Artifact(path, readme_path(format, path), **{"parity" if dtype == "float32" else "loss": figures})


def reference_for(sampler: Sampler, dtype: str) -> Reference:
    """What an artifact of this dtype is compared with: this process' images, more of them where loss is measured."""
    return reference_of(sampler, more=0 if dtype == "float32" else loss.IMAGES)


def check(format: Format, path: Path, overwrite: bool, dtype: str) -> None:
    """Raises `InputError` for a dtype that the format does not have, and a target that may not be written."""
    if dtype not in quantize.DTYPES:
        raise unknown_name("dtype", dtype, quantize.DTYPES)
    if dtype not in format.dtypes:
        raise InputError(
            f"An export as {format.name} knows {' and '.join(format.dtypes)} alone. Received dtype {dtype!r}."
        )
    _check_target(format, path, overwrite)


def _checked(
    format: Format, part: Path, spec: SampleSpec, references: Sequence[Reference], dtype: str
) -> tuple[Any, ...]:
    try:
        run = format.load(part, spec)
        if dtype == "float32":
            return tuple(compare(run, reference, spec.value_range) for reference in references)
        return tuple(loss.measure(run, reference, spec.value_range, dtype) for reference in references)
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
        raise InputError(f"An export as {format.name} is a file that ends in {format.suffix}. Received: {str(path)!r}.")
    for existing in (path, readme_path(format, path)):
        if existing.exists() and not overwrite:
            raise InputError(
                f"{str(existing)!r} exists and is kept. Choose another path, or replace it: overwrite=True, --force."
            )
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
