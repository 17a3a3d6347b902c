"""`kerasgan export`: a trained generator written for places without Keras."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from kerasgan.commands.shared import EntriesFile, open_sampler
from kerasgan.errors import InputError, unknown_name

_FILES = {"onnx": "{}.onnx", "saved_model": "{}_savedmodel", "litert": "{}.tflite", "web": "{}_page"}


def export(
    source: Annotated[
        str,
        typer.Argument(metavar="ENTRY[@VERSION]|RUN|FILE.keras", help="a zoo entry, a run folder or a saved Sampler"),
    ],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="onnx, saved_model, litert or web; comma-separated or given again for several [default: onnx]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="what to write; of several formats, the folder for them [default: NAME.onnx and so on]"),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="of the weights in onnx and litert: float32, float16 or int8; what it loses is printed")
    ] = "float32",
    force: Annotated[bool, typer.Option("--force", help="replace what an earlier export wrote")] = False,
    own: EntriesFile = None,
):
    """Write a trained generator as ONNX, SavedModel, LiteRT or a web page, compared with Keras before it may stay.

    Beside a file, or in the folder, lies a README with a program that runs it.

    Examples:
    - `kerasgan export dcgan_digits`
    - `kerasgan export runs/cdcgan_mnist --format onnx,saved_model --out deploy`
    - `kerasgan export dcgan_digits --format litert --dtype int8 --out digits.tflite`
    """
    names = _names(formats)
    sampler = open_sampler(source, own)
    from kerasgan.export import job

    name = sampler.about.get("name") or sampler.recipe.get("name") or Path(source).stem
    name += "" if dtype == "float32" else f"_{dtype}"
    targets = {format_: _target(format_, name, out, len(names)) for format_ in names}
    modules = {format_: importlib.import_module(f"kerasgan.export.{format_}") for format_ in names}
    for format_, path in targets.items():
        job.check(modules[format_].FORMAT, path, force, dtype)
    options: dict[str, Any] = {} if dtype == "float32" else {"dtype": dtype}
    for format_, path in targets.items():
        typer.echo(f"Writing {path} and comparing it with Keras ...")
        artifact = getattr(modules[format_], f"to_{format_}")(sampler, path, overwrite=force, **options)
        typer.echo(f"Wrote {artifact.path}, {_size(artifact.path):,} bytes. How to run it: {artifact.readme}")
        for figures in (*artifact.parity, *artifact.loss):
            typer.echo(f"  {figures}")


def _names(formats: list[str] | None) -> list[str]:
    names = [name.strip() for text in formats or ["onnx"] for name in text.split(",") if name.strip()]
    for name in names:
        if name not in _FILES:
            raise unknown_name("format", name, _FILES)
    if not names:
        raise InputError(f"--format must name one of: {', '.join(_FILES)}.")
    return list(dict.fromkeys(names))


def _target(format_: str, name: str, out: Path | None, count: int) -> Path:
    if out is not None and count == 1:
        return out
    return (out or Path()) / _FILES[format_].format(name)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
