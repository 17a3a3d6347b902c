"""What several commands do alike. Everything heavy is imported inside."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from kerasgan.errors import InputError
from kerasgan.quiet import without_native_log

EntriesFile = Annotated[
    Path | None, typer.Option("--from", metavar="FILE.py", help="run a file of your own that registers entries")
]

SkipCorrupt = Annotated[bool, typer.Option("--skip-corrupt", help="leave out pictures that cannot be read")]
ExtractorWeights = Annotated[Path | None, typer.Option(help="local file with inception_v3's weights")]


def data_options(skip_corrupt: bool) -> dict[str, str]:
    """For `kerasgan.data.open`."""
    return {"on_corrupt": "skip"} if skip_corrupt else {}


def extractor_of(name: str | None, layer: str | None, weights: Path | None):
    """What the options of scores mean, for their `extractor`."""
    if weights is None:
        return name
    from kerasgan.metrics import extractors

    return extractors.get(name or extractors.INCEPTION, layer, weights=weights)


def register_own(entries: Path | None):
    """Runs the user's file of zoo entries, where one is given."""
    if entries is None:
        return
    start_keras()  # which the file will import, with all that TensorFlow prints
    from kerasgan import zoo

    zoo.register_file(entries)


def start_keras():
    """Imports Keras and wakes its backend, without the lines TensorFlow's C++ code prints on its way."""
    # TensorFlow turns oneDNN's convolutions on by itself only where a processor has AVX-512.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with without_native_log():
        import keras

        keras.ops.zeros(1)


def entry_and_version(text: str) -> tuple[str, int | None]:
    """Of `"ENTRY"` or `"ENTRY@VERSION"`."""
    entry, _, version = text.partition("@")
    if version and not version.isdecimal():
        raise InputError(f"Expected ENTRY@VERSION, the version a number. Received: {text!r}.")
    return entry, int(version) if version else None


def open_sampler(source: str | Path, own: Path | None = None):
    """The Sampler of a zoo entry with published weights, of a run folder or of a `.keras` file.

    Args:
        source: `"ENTRY"`, `"ENTRY@VERSION"` or a path.
        own: the user's file of zoo entries, whose layers the generator may be made of.
    """
    from kerasgan import zoo

    path = Path(source)
    is_run = (path / "sampler.keras").is_file()
    # Exports may lie in a folder called like their entry.
    named_so = path.is_dir() and not is_run and str(source) in zoo.names(pretrained=True)
    published = named_so or (not path.exists() and path.suffix != ".keras")
    if published:
        entry, version = entry_and_version(str(source))
        zoo.record(entry, version)  # refuses what it does not know in less time than Keras takes to start
    elif path.is_dir() and not is_run:
        raise InputError(
            f"The folder {str(path.resolve())!r} holds no sampler.keras. Expected a zoo entry, the folder of a "
            "finished run, or a .keras file."
        )
    register_own(own)
    start_keras()
    if published:
        return zoo.load(entry, version)
    from kerasgan.sampler import Sampler

    return Sampler.load(path / "sampler.keras" if is_run else path)


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder that goes away also when the process is asked to end."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with tempfile.TemporaryDirectory(prefix="kerasgan-") as name:
            yield name
    finally:
        signal.signal(signal.SIGTERM, before)
